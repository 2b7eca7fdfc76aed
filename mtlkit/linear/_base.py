"""What linear models on the table share: a value for each row, by its task, and classes by it."""

import sys

import numpy as np
from scipy.special import log_expit, softmax
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.utils.validation import check_is_fitted

from .._utils._containers import SharedTable, as_table
from .._utils._delegation import LabelledScore
from .._utils._numerics import possible_classes
from ..table._reading import read_table, task_codes, task_position, tasks_of, unique_tasks
from ..table._rows import check_features, check_rows


def _module(callers):
    """Name of the module that asks for an attribute, or of a caller further up."""
    return sys._getframe(1 + callers).f_globals.get("__name__", "")


class TaskLinearModel(BaseEstimator):
    """A model with `tasks_`, `coef_` (T, d), `intercept_` (T,), perhaps a part for new tasks."""

    setting = "multi-task"
    _reads_shared, _fits_shared = True, False  # a `SharedTable`, in `predict` and in `fit`
    _most = 1e75  # largest root of the sum of squares, whose squares must stay below infinity

    @property
    def coef_(self):
        """The weights w_t, one row for each task."""
        # scikit-learn's selectors take the columns of coef_ for those of X, one of which is the
        # task column. Where they find no coef_ they use feature_importances_, which has them all.
        if self.task_col is not None and _module(1).startswith("sklearn.feature_selection"):
            raise AttributeError(
                "coef_ has no column for the task column of X: use feature_importances_"
            )
        return self._coef

    @coef_.setter
    def coef_(self, value):
        self._coef = value

    @property
    def feature_importances_(self):
        """Root mean square of each feature's weights; twice the largest for the task column."""
        coef = self._coef
        sizes = np.sqrt((coef**2).mean(axis=tuple(range(coef.ndim - 1))))
        if self.task_col is None:
            return sizes
        if self.task_col not in (0, -1) and _module(2) == "sklearn.feature_selection._rfe":
            raise ValueError(
                f"task_col={self.task_col!r} may be another column once RFE has dropped some: make "
                "the task column the first, task_col=0, or the last, task_col=-1"
            )
        return np.insert(sizes, self._task_position, 2 * sizes.max() or 1.0)

    def _rows(self, X, y, sample_weight, *, reset=True, classes=False):
        """Checked rows as of `check_rows`, none of them so large that their products overflow."""
        rows = check_rows(self, X, y, sample_weight, reset=reset, classes=classes)
        features, y, task, weight = rows
        is_shared = isinstance(features, SharedTable)
        if is_shared:
            features, _ = features.of_used()
        if reset:
            self._unlabelled = set()
        if self.task_col is not None:
            table = as_table(X[:1] if is_shared else X)
            self._task_position = task_position(table, self.task_col)
            if len(features) < (X if is_shared else table).shape[0]:
                every = X if is_shared else read_table(table, self.task_col)[1]
                known, every = tasks_of(features, task)[0].tolist(), tasks_of(every, every)[0]
                self._unlabelled |= set(every.tolist()) - set(known)
        top = 1.0 if weight is None else max(float(weight.max()), 1.0)  # small ones cannot overflow
        kept = features.features if is_shared else features
        for values, what in ((kept, None), (None if classes else y[:, None], "y")):
            if values is None:
                continue
            with np.errstate(over="ignore"):
                squares = np.einsum("ij,ij->", values, values)
            if squares <= self._most**2 / top:
                continue
            if squares <= self._most**2:
                raise ValueError(
                    f"sample_weight reaches {top:.3g}, and products with it overflow: divide all "
                    "weights by a constant"
                )
            row, j = np.unravel_index(np.abs(values).argmax(), values.shape)
            size = values[row, j]
            if is_shared and what is None:
                row = np.flatnonzero(features.rows == row)[0]
            name = (features.tasks[task] if is_shared else task)[[row]].tolist()[0]
            what = what or f"column {self._feature_name(j)!r}"
            raise ValueError(
                f"values of {what} reach {size:.3g} in task {name!r}; products of them overflow. "
                "If this is a code for a missing value, impute it; otherwise scale"
            )
        if is_shared and not self._fits_shared:
            return np.asarray(features), y, features.tasks[task], weight
        return features, y, task, weight

    def _feature_name(self, j):
        """Name of feature `j`, or its position in the table."""
        names = getattr(self, "feature_names_in_", np.arange(self.n_features_in_))
        if self.task_col is not None:
            names = np.delete(names, self._task_position)
        return names[j].item() if isinstance(names[j], np.generic) else names[j]

    def _for_new_tasks(self):
        """Weights (d,) and intercept for tasks that were not seen in `fit`, or None."""
        if not hasattr(self, "shared_coef_"):
            return None
        return self.shared_coef_, self.shared_intercept_

    def _read(self, X):
        """Features (n, d), and the position of each row's task in `tasks_`, or -1 if it is new."""
        X, task = check_features(self, X, reset=False)
        missing = None
        if getattr(self, "estimators_", [self])[0]._for_new_tasks() is None:
            missing = (
                f"{type(self).__name__} has no shared part to predict them with: fit it on rows of "
                "these tasks, or use the penalty SharedMean"
            )
        place = slice(None)
        if isinstance(X, SharedTable):
            task, place = tasks_of(X, task)
        codes = task_codes(task, self.tasks_, unseen=missing, unlabelled=self._unlabelled)
        return X, codes[place]

    def _linear(self, X, codes):
        """x·w_t + b_t for each row (n,)."""
        coef, intercept, new = self._coef, self.intercept_, self._for_new_tasks()
        if new is not None:  # code -1 picks the last row
            coef, intercept = np.vstack([coef, new[0]]), np.append(intercept, new[1])
        with np.errstate(over="ignore", invalid="ignore"):
            if isinstance(X, SharedTable):
                values = (X.features @ coef.T)[X.rows, codes] + intercept[codes]
            else:
                values = np.einsum("ij,ij->i", X, coef[codes]) + intercept[codes]
        if not np.isfinite(values).all():
            row = np.flatnonzero(~np.isfinite(values))[0]
            x = np.asarray(X[row : row + 1])[0]
            j = np.abs(x).argmax()
            raise ValueError(
                f"the prediction of row {row} overflows: column {self._feature_name(j)!r} holds "
                f"{x[j]:.3g}"
            )
        return values


class TaskLinearRegressor(LabelledScore, RegressorMixin, TaskLinearModel):
    """A linear model whose value is the prediction."""

    def predict(self, X):
        """Predict each row by its task, or by the shared or source part if the task is new.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)
            Table with the task column.

        Returns
        -------
        y : ndarray of shape (n,)
            The predicted targets.
        """
        return self._linear(*self._read(X))


class TaskLinearClassifier(LabelledScore, ClassifierMixin, TaskLinearModel):
    """A linear model whose value is the log odds of the second of two classes.

    With more classes there is a fitted clone for each against the rest, in `estimators_`. A class
    that derives from it has `_fit_binary(X, y, codes, weight, absent, warm)` for y (n,) of 0 and 1
    and task positions `codes` (n,). It leaves out the rows of the tasks `absent` (T,), begins at
    the last solution if `warm`, and returns a list of solutions of the solver.
    """

    def _class_codes(self, rows):
        """Checked rows with positions in `classes_` and `tasks_` in place of labels and tasks."""
        X, y, task, weight = rows
        classes, y = np.unique(y, return_inverse=True)
        if len(classes) < 2:
            raise ValueError(
                f"y holds one class, {classes[0].item()!r}, in all tasks: a classifier needs two "
                "classes"
            )
        self.classes_ = classes
        self.tasks_, codes = unique_tasks(task)
        has = np.zeros((len(self.tasks_), len(classes)), dtype=bool)
        has[codes, y] = True
        self._possible = possible_classes(has)
        return X, y, codes, weight

    def _fit_classes(self, rows, names, warm=False):
        """Fit the two classes, or each against the rest; these fits' attributes `names` stacked."""
        X, y, codes, weight = rows
        if len(self.classes_) == 2:
            self.__dict__.pop("estimators_", None)
            return self._fit_binary(X, y, codes, weight, None, warm)
        for name in self.__dict__.pop("_described", ()):  # by a penalty, for two classes
            del self.__dict__[name]
        if not warm:
            self.estimators_ = [clone(self) for _ in self.classes_]
        known = ("tasks_", "n_features_in_", "feature_names_in_", "_task_position", "_sources")
        solutions = []
        for k, estimator in enumerate(self.estimators_):
            estimator.set_params(**self.get_params(deep=False))
            estimator.__dict__.update({n: vars(self)[n] for n in known if n in vars(self)})
            estimator.classes_ = np.array([False, True])
            estimator._possible = np.ones((len(self.tasks_), 2), dtype=bool)
            absent = ~self._possible[:, k]
            solutions += estimator._fit_binary(X, y == k, codes, weight, absent, warm)
        for name in names:
            setattr(self, name, np.array([getattr(e, name) for e in self.estimators_]))
        return solutions

    def _values(self, X):
        """Log odds of each class (n, K), and which classes a row's task may take (n, K)."""
        check_is_fitted(self)
        X, codes = self._read(X)
        models = getattr(self, "estimators_", [self])
        values = np.column_stack([model._linear(X, codes) for model in models])
        if len(models) == 1:
            values = np.column_stack([-values, values])
        possible = np.vstack([self._possible, np.ones(len(self.classes_), dtype=bool)])
        return values, possible[codes]  # code -1, a new task, picks the last row: all classes

    def decision_function(self, X):
        """Log odds of each class against the rest, or of the second of two classes.

        A class that is not possible for a row's task is 1 below the lowest of those that are; with
        two classes the value is at least 1 on the side of the only possible one.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)
            Table with the task column.

        Returns
        -------
        values : ndarray of shape (n,), or (n, K) if K > 2
            In the order of `classes_`.
        """
        values, possible = self._values(X)
        if len(self.classes_) == 2:
            value = np.where(possible[:, 1], values[:, 1], np.minimum(values[:, 1], -1))
            return np.where(possible[:, 0], value, np.maximum(value, 1))
        lowest = np.where(possible, values, np.inf).min(axis=1, keepdims=True)
        return np.where(possible, values, lowest - 1 - 1e-9 * np.abs(lowest))

    def predict_proba(self, X):
        """Class probabilities; 0 for classes that are not possible for a row's task.

        With more than two classes, those of each class against the rest, scaled to sum to one.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)
            Table with the task column.

        Returns
        -------
        probabilities : ndarray of shape (n, K)
            In the order of `classes_`.
        """
        values, possible = self._values(X)
        return softmax(np.where(possible, log_expit(values), -np.inf), axis=1)

    def predict(self, X):
        """The most probable class of each row among those that are possible for its task.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)
            Table with the task column.

        Returns
        -------
        labels : ndarray of shape (n,)
            Elements of `classes_`.
        """
        values = self.decision_function(X)
        best = (values > 0).astype(int) if values.ndim == 1 else values.argmax(axis=1)
        return self.classes_[best]
