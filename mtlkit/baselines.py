"""The two baselines that every result is held against: one model per task, and one for all."""

import numpy as np
from joblib import Parallel, delayed
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone, is_classifier
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils import column_or_1d, get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, has_fit_parameter, validate_data

from .table.reading import is_frame, missing, read_table, some, take, task_codes

__all__ = ["PerTask", "Pooled"]

LOWEST = np.finfo(float).min  # as good as -inf, but scorers accept it


def _sub_estimator_has(method):
    def check(self):
        getattr(getattr(self, "estimator_", self.estimator), method)
        return True

    return check


class _Baseline(MetaEstimatorMixin, BaseEstimator):
    """What both baselines share: reading the table, tags, and classes per task.

    A row's probabilities are zero outside the classes that its own task had in `fit`.
    """

    def fit(self, X, y, sample_weight=None):
        """Fit the model or models.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)
            Table with the task column.
        y : array-like of shape (n,)
        sample_weight : array-like of shape (n,), default=None
            Handed on to `estimator`, which must accept it.

        Returns
        -------
        self
        """
        if y is None:
            raise ValueError(
                f"This {type(self).__name__} estimator requires y to be passed, but the target y "
                "is None."
            )
        if sample_weight is not None and not has_fit_parameter(self.estimator, "sample_weight"):
            raise ValueError(f"{self.estimator!r} does not accept sample_weight: leave it out")
        features, task = read_table(X, self.task_col)
        validate_data(self, X, skip_check_array=True)
        y = y if hasattr(y, "iloc") else np.asarray(y)
        if is_classifier(self.estimator):
            y = column_or_1d(y, warn=True)
        if len(task) != len(y):
            raise ValueError(f"X has {len(task)} rows but y has {len(y)} values: align them")
        self.tasks_ = np.unique(task)
        codes = np.searchsorted(self.tasks_, task)
        if is_classifier(self.estimator):
            present = [np.unique(take(y, codes == k)) for k in range(len(self.tasks_))]
            self.classes_ = np.unique(np.concatenate(present))
            self._task_has = np.array([np.isin(self.classes_, own) for own in present])
        weight = None if sample_weight is None else np.asarray(sample_weight)
        if weight is not None and weight.shape != task.shape:
            raise ValueError(
                f"sample_weight has shape {weight.shape}, expected one weight per row: {task.shape}"
            )
        self._fit_features(features, codes, y, weight)
        return self

    def _read(self, X, unseen):
        check_is_fitted(self)
        features, task = read_table(X, self.task_col)
        validate_data(self, X, reset=False, skip_check_array=True)
        return features, task_codes(task, self.tasks_, unseen=unseen)

    def _fit_clone(self, features, y, weight, where):
        """A fitted clone; what goes wrong is reported with the name of the task."""
        extra = {} if weight is None else {"sample_weight": weight}
        try:
            return clone(self.estimator).fit(features, y, **extra)
        except ValueError as error:
            if self.task_col is None:
                raise
            what = f"{features.shape[0]} rows"
            if hasattr(self, "classes_"):
                what += f" of classes {some(np.unique(y).tolist())}"
            raise ValueError(
                f"{self.estimator!r} could not be fitted on {where} ({what}): {error}"
            ) from error

    @property
    def _all_tasks_have_all(self):
        return bool(self._task_has.all())

    def score(self, X, y, sample_weight=None):
        """Accuracy of a classifier, R² of a regressor, over all rows of `X`."""
        metric = accuracy_score if is_classifier(self.estimator) else r2_score
        return metric(y, self.predict(X), sample_weight=sample_weight)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        inner = get_tags(self.estimator)
        tags.estimator_type = inner.estimator_type
        tags.classifier_tags = inner.classifier_tags
        tags.regressor_tags = inner.regressor_tags
        tags.target_tags = inner.target_tags
        tags.input_tags = inner.input_tags
        tags.input_tags.sparse = False
        if tags.estimator_type == "classifier":
            tags.target_tags.multi_output = False
            tags.classifier_tags.multi_label = False
        return tags


class PerTask(_Baseline):
    """Single-task learning: one clone of an estimator per task, nothing shared.

    Minimises the loss of each task by itself, ``sum_i loss(f_t(x_ti), y_ti)`` for each task t, with
    the same hyper-parameters for all tasks.

    Parameters
    ----------
    estimator : estimator
        Any scikit-learn classifier or regressor.
    task_col : str, int or None, default=None
        The task column; None means one task.
    n_jobs : int or None, default=None
        Tasks fitted at the same time, as joblib counts them.

    Attributes
    ----------
    tasks_ : ndarray of shape (n_tasks,)
        The tasks seen in `fit`, sorted.
    estimators_ : list of estimators
        The fitted clones in the order of `tasks_`.
    classes_ : ndarray of shape (n_classes,)
        Classifiers only: the union of the classes of all tasks.
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Only if the columns of `X` have string names.

    Raises
    ------
    ValueError
        In `fit`, what the estimator raises, with the name of the task. In `predict`, if a task
        was not seen in `fit`: nothing is shared, so nothing is known about it.

    Notes
    -----
    Each clone sees the columns of its own task: those that are not missing in all its rows.
    The cost is that of the estimator on each task.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from mtlkit.datasets import make_linear_tasks
    >>> X, y = make_linear_tasks(n_tasks=3, random_state=0)
    >>> alone = PerTask(Ridge(alpha=10), task_col=0).fit(X, y)
    >>> len(alone.estimators_)
    3
    """

    def __init__(self, estimator, *, task_col=None, n_jobs=None):
        self.estimator = estimator
        self.task_col = task_col
        self.n_jobs = n_jobs

    def _fit_features(self, features, codes, y, weight):
        if self.task_col is None:
            self.estimators_, self._columns = [self._fit_clone(features, y, weight, "X")], [None]
            return
        rows = [np.flatnonzero(codes == k) for k in range(len(self.tasks_))]
        self._columns = [np.flatnonzero(~missing(take(features, r)).all(axis=0)) for r in rows]
        self.estimators_ = Parallel(n_jobs=self.n_jobs)(
            delayed(self._fit_clone)(
                self._own(features, r, k),
                take(y, r),
                None if weight is None else weight[r],
                f"task {self.tasks_[k].item()!r}",
            )
            for k, r in enumerate(rows)
        )

    def _own(self, features, rows, k):
        if self._columns[k] is None:
            return features
        part = take(features, rows)
        return part.iloc[:, self._columns[k]] if is_frame(part) else part[:, self._columns[k]]

    def _by_task(self, X, method):
        """Rows, code and output of `method` for each task in `X`."""
        features, codes = self._read(X, unseen="PerTask has no model for them")
        for k in np.unique(codes):
            rows = np.flatnonzero(codes == k)
            output = getattr(self.estimators_[k], method)(self._own(features, rows, k))
            yield rows, k, output, len(codes)

    def predict(self, X):
        """Predict each row by the model of its task."""
        result = None
        for rows, _, output, n in self._by_task(X, "predict"):
            if result is None:
                kind = self.classes_.dtype if hasattr(self, "classes_") else output.dtype
                result = np.empty((n, *output.shape[1:]), dtype=kind)
            result[rows] = output
        return result

    @available_if(_sub_estimator_has("predict_proba"))
    def predict_proba(self, X):
        """Class probabilities in the order of `classes_`; zero for classes of other tasks."""
        return self._by_class(X, "predict_proba", 0.0)

    @available_if(_sub_estimator_has("decision_function"))
    def decision_function(self, X):
        """Decision values in the order of `classes_`; the lowest float for those of other tasks.

        As in scikit-learn, one value per row if there are two classes.
        """
        return _one_if_two(self._by_class(X, "decision_function", LOWEST))

    def _by_class(self, X, method, elsewhere):
        result = None
        for rows, k, output, n in self._by_task(X, method):
            if self._all_tasks_have_all or not hasattr(self, "classes_"):
                block = output
            else:
                own = self._task_has[k]
                block = np.full((len(rows), len(self.classes_)), elsewhere)
                block[:, own] = _one_per_class(output)[:, : own.sum()]
            if result is None:
                result = np.empty((n, *block.shape[1:]))
            result[rows] = block
        return result


class Pooled(_Baseline):
    """One estimator fitted to the rows of all tasks together, everything shared.

    Parameters
    ----------
    estimator : estimator
        Any scikit-learn classifier or regressor. Columns that a task lacks reach it as NaN.
    task_col : str, int or None, default=None
        The task column; None means one task.
    task_as_input : bool, default=False
        Whether the estimator also sees the task, as one 0/1 column per task.

    Attributes
    ----------
    tasks_ : ndarray of shape (n_tasks,)
        The tasks seen in `fit`, sorted.
    estimator_ : estimator
        The fitted estimator.
    classes_ : ndarray of shape (n_classes,)
        Classifiers only: the union of the classes of all tasks.
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Only if the columns of `X` have string names.

    Raises
    ------
    ValueError
        In `fit`, what the estimator raises; NaN in the features, for instance, unless the
        estimator can hold it.

    Notes
    -----
    A task not seen in `fit` is predicted by the same model, with all its task columns at zero.
    A classifier chooses among the classes that the task had in `fit`; for an unseen task, among
    all.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from mtlkit.datasets import make_linear_tasks
    >>> X, y = make_linear_tasks(n_tasks=3, random_state=0)
    >>> Pooled(Ridge(), task_col=0).fit(X, y).estimator_.n_features_in_
    20
    >>> told = Pooled(Ridge(), task_col=0, task_as_input=True).fit(X, y)
    >>> told.estimator_.n_features_in_
    23
    """

    def __init__(self, estimator, *, task_col=None, task_as_input=False):
        self.estimator = estimator
        self.task_col = task_col
        self.task_as_input = task_as_input

    def _fit_features(self, features, codes, y, weight):
        self.estimator_ = self._fit_clone(
            self._inputs(features, codes), y, weight, f"all {len(self.tasks_)} tasks together"
        )

    def _inputs(self, features, codes):
        if not self.task_as_input or self.task_col is None:
            return features
        task = (codes[:, None] == np.arange(len(self.tasks_))).astype(float)
        if isinstance(self.task_col, str):  # then so are the names of all columns
            names = [f"{self.task_col}={t.item()}" for t in self.tasks_]
            return features.assign(**dict(zip(names, task.T, strict=True)))
        return np.column_stack([features, task])

    def _inputs_and_codes(self, X):
        features, codes = self._read(X, unseen=None)
        return self._inputs(features, codes), codes

    def _allowed(self, codes):
        """Which classes each row may take, shape (n, n_classes)."""
        return np.where((codes < 0)[:, None], True, self._task_has[codes])

    def predict(self, X):
        """Predict; a classifier chooses among the classes of the row's task."""
        inputs, codes = self._inputs_and_codes(X)
        predicted = self.estimator_.predict(inputs)
        if not hasattr(self, "classes_") or self._all_tasks_have_all:
            return predicted
        position = np.searchsorted(self.classes_, predicted)
        allowed = self._allowed(codes)
        astray = ~allowed[np.arange(len(codes)), position]
        if astray.any():
            scores = self._class_scores(take(inputs, astray))
            best = np.where(allowed[astray], scores, LOWEST).argmax(axis=1)
            predicted = np.asarray(predicted).copy()
            predicted[astray] = self.classes_[best]
        return predicted

    def _class_scores(self, inputs):
        for method in ("predict_proba", "decision_function"):
            if hasattr(self.estimator_, method):
                return _one_per_class(getattr(self.estimator_, method)(inputs))
        raise ValueError(
            f"{self.estimator!r} predicted a class that the task does not have, and has neither "
            "predict_proba nor decision_function to choose another: use a classifier that has one"
        )

    @available_if(_sub_estimator_has("predict_proba"))
    def predict_proba(self, X):
        """Class probabilities in the order of `classes_`; zero for classes of other tasks.

        The model's probabilities of the task's own classes are scaled to sum to one (equal
        shares if the model gives them none).
        """
        inputs, codes = self._inputs_and_codes(X)
        proba = self.estimator_.predict_proba(inputs)
        if not hasattr(self, "classes_") or self._all_tasks_have_all:
            return proba
        allowed = self._allowed(codes)
        proba = np.where(allowed, proba, 0.0)
        proba[proba.sum(axis=1) == 0] = 1.0
        proba = np.where(allowed, proba, 0.0)
        return proba / proba.sum(axis=1, keepdims=True)

    @available_if(_sub_estimator_has("decision_function"))
    def decision_function(self, X):
        """Decision values in the order of `classes_`; the lowest float for those of other tasks.

        As in scikit-learn, one value per row if there are two classes.
        """
        inputs, codes = self._inputs_and_codes(X)
        values = self.estimator_.decision_function(inputs)
        if not hasattr(self, "classes_") or self._all_tasks_have_all:
            return values
        return _one_if_two(np.where(self._allowed(codes), _one_per_class(values), LOWEST))


def _one_per_class(values):
    """Decision values with a column per class also where there are two."""
    return np.column_stack([-values, values]) if values.ndim == 1 else values


def _one_if_two(values):
    """Undo `_one_per_class`: of two columns, the second says it all unless the first is barred."""
    if values.ndim == 1 or values.shape[1] != 2:
        return values
    return np.where(values[:, 0] == LOWEST, -LOWEST, values[:, 1])
