"""What linear models on the table share: a value for each row, by its task, and classes by it."""

import numpy as np
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.utils.validation import check_is_fitted

from .._utils._validation import labelled_rows
from ..table._reading import task_codes
from ..table._rows import check_features, check_rows

LARGEST = np.finfo(float).max  # as good as inf, but scorers accept it


class TaskLinearModel(BaseEstimator):
    """A model with `tasks_`, `coef_` (T, d), `intercept_` (T,), perhaps a part for new tasks."""

    setting = "multi-task"

    def _for_new_tasks(self):
        """Weights (d,) and intercept for tasks that were not seen in `fit`, or None."""
        if not hasattr(self, "shared_coef_"):
            return None
        return self.shared_coef_, self.shared_intercept_

    def _linear(self, X):
        """x·w_t + b_t for each row (n,)."""
        X, task = check_features(self, X, reset=False)
        new, lacks = self._for_new_tasks(), None
        if new is None:
            lacks = (
                f"{type(self).__name__} has no shared part to predict them with: fit it on rows of "
                "these tasks, or use the penalty SharedMean"
            )
        codes = task_codes(task, self.tasks_, unseen=lacks)
        coef, intercept = self.coef_, self.intercept_
        if new is not None:  # code -1 picks the last row
            coef, intercept = np.vstack([coef, new[0]]), np.append(intercept, new[1])
        return np.einsum("ij,ij->i", X, coef[codes]) + intercept[codes]


class TaskLinearRegressor(RegressorMixin, TaskLinearModel):
    """A linear model whose value is the prediction."""

    def predict(self, X):
        """Predict each row by its task, or by the shared or source part if the task is new.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)

        Returns
        -------
        y : ndarray of shape (n,)
        """
        return self._linear(X)

    def score(self, X, y, sample_weight=None):
        """R² over the labelled rows of `X`."""
        y, X, sample_weight = labelled_rows(y, X, sample_weight)
        return super().score(X, y, sample_weight)


class TaskLinearClassifier(ClassifierMixin, TaskLinearModel):
    """A linear model whose value is the log odds of the second of two classes.

    With more classes there is a fitted clone for each against the rest, in `estimators_`.
    """

    def _class_rows(self, X, y, sample_weight):
        """Checked rows, as of `check_rows`; sets `classes_`, at least two."""
        rows = check_rows(self, X, y, sample_weight, classes=True)
        self.classes_ = np.unique(rows[1])
        if len(self.classes_) < 2:
            raise ValueError(
                f"y holds one class, {self.classes_[0].item()!r}, in all tasks: a classifier needs "
                "two classes"
            )
        return rows

    def _fit_each_class(self, X, y, sample_weight, names, same=False):
        """Fit each class against the rest, and stack the attributes `names` of these fits.

        `same` keeps the clones of the last fit, which then start from what they know.
        """
        y, X, sample_weight = labelled_rows(y, X, sample_weight)
        if not same:
            self.estimators_ = [clone(self) for _ in self.classes_]
        for label, estimator in zip(self.classes_, self.estimators_, strict=True):
            estimator.set_params(**self.get_params(deep=False))
            estimator.fit(X, np.asarray(y) == label, sample_weight)
        self.tasks_ = estimator.tasks_
        for name in names:
            setattr(self, name, np.array([getattr(e, name) for e in self.estimators_]))
        return self

    def _values(self, X):
        """Log odds of each class against the rest (n, K), or of the second of two classes (n,)."""
        if len(self.classes_) == 2:
            return self._linear(X)
        return np.column_stack([estimator._linear(X) for estimator in self.estimators_])

    def decision_function(self, X):
        """Log odds of each class in the order of `classes_`, or of the second of two classes.

        The largest and lowest float stand for certainty, where a task has not all the classes.
        """
        check_is_fitted(self)
        return np.clip(self._values(X), -LARGEST, LARGEST)

    def predict_proba(self, X):
        """Class probabilities in the order of `classes_`; zero for classes of other tasks.

        With more than two classes, those of each class against the rest, scaled to sum to one.
        """
        check_is_fitted(self)
        values = self._values(X)
        if values.ndim == 1:
            return np.column_stack([expit(-values), expit(values)])
        share = expit(values)
        share[share.sum(axis=1) == 0] = 1.0  # all of them tiny: equal shares
        share[np.isneginf(values)] = 0.0
        return share / share.sum(axis=1, keepdims=True)

    def predict(self, X):
        """The likeliest class of each row among those of its task."""
        values = self.decision_function(X)
        best = (values > 0).astype(int) if values.ndim == 1 else values.argmax(axis=1)
        return self.classes_[best]

    def score(self, X, y, sample_weight=None):
        """Accuracy over the labelled rows of `X`."""
        y, X, sample_weight = labelled_rows(y, X, sample_weight)
        return super().score(X, y, sample_weight)
