"""One model per task, nothing shared: the baseline that every gain is held against."""

import narwhals as nw
import numpy as np
from sklearn.base import is_classifier
from sklearn.utils.metaestimators import available_if
from sklearn.utils.parallel import Parallel, delayed

from .._utils._containers import column_names, empty_columns, groups, is_frame, select, take
from .._utils._delegation import chooses_columns, naming, sub_estimator_has
from .._utils._numerics import possible_classes
from ..table._rows import explaining
from ._meta import (
    WeightedMetaEstimator,
    below_the_rest,
    fit_clone,
    one_per_class,
    row_weights,
)
from ._one_class import OneClass
from ._plain import is_plain, needs_no_frame, with_names
from ._ridges import SolvesRidges, copies, fit_ridges, ridge_values, ridges_from_moments


class PerTask(SolvesRidges, WeightedMetaEstimator):
    """Single-task learning (no pooling): one clone of an estimator per task, nothing shared.

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
    tasks_ : ndarray of shape (T,)
        The tasks with a labelled row in `fit`, sorted.
    estimators_ : list of estimators
        The fitted clones in the order of `tasks_`.
    classes_ : ndarray of shape (K,)
        Classifiers only: the union of the classes of all tasks.
    one_class_tasks_ : ndarray
        Classifiers only: the tasks whose rows all have one class, while others have more.
    n_features_in_ : int
        Number of columns of `X`, the task column included.
    feature_names_in_ : ndarray of str
        Names of these columns, only if all of them are strings.

    Raises
    ------
    ValueError
        In `fit`, what the estimator raises, with the name of the task. In `predict`, if a task
        was not seen in `fit`: nothing is shared, so nothing is known about it.

    See Also
    --------
    Pooled : One estimator for the rows of all tasks.
    FeatureAugmentation : One estimator with a shared and a private part.
    mtlkit.linear.MeanRegularizedRidge : Ridge regressions that are drawn to each other.

    Notes
    -----
    Each clone sees the features of its own task: columns without any value in the task are left
    out. An estimator that chooses columns, such as a
    ``ColumnTransformer`` or one with `categorical_features`, gets all of them, so that names and
    positions mean the same in every task; a column without any value is then the constant 0.

    A classifier knows the classes of its own task only: the others have probability 0, and decision
    values below those of the task's own classes. There is nothing to tell apart in a task whose n
    rows all have one class: `estimator` is not fitted, that class is always predicted, and each
    other of the K classes that are possible (as in :class:`Pooled`) has probability 1 / (n + K)
    (Laplace's rule of succession). `one_class_tasks_` names these tasks.

    The cost is that of the estimator on each task. A DataFrame of pandas that holds plain numbers
    is read once, and estimators of scikit-learn without parameters about columns get arrays. Ridges
    in closed form (``Ridge``) are solved for all tasks at once where that is the same to 1e-10.

    Taught in :doc:`/chapters/background/three_settings`.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from mtlkit.datasets import make_linear_tasks
    >>> X, y = make_linear_tasks(n_tasks=3, random_state=0)
    >>> alone = PerTask(Ridge(alpha=10), task_col=0).fit(X, y)
    >>> len(alone.estimators_)
    3
    """

    setting = "single-task"
    _sees_task = False

    def __init__(self, estimator, *, task_col=None, n_jobs=None):
        self.estimator = estimator
        self.task_col = task_col
        self.n_jobs = n_jobs

    def _possible(self, has):
        one = (has.sum(axis=1) == 1) & (len(self.classes_) > 1)
        self.one_class_tasks_ = self.tasks_[one]
        self._only = {k: self.classes_[has[k].argmax()] for k in np.flatnonzero(one).tolist()}
        return np.where(one[:, None], possible_classes(has), has)

    def _fit_features(self, features, codes, y, by_row, fixed, use):
        self._keep_width = chooses_columns(self.estimator)
        self._models = None  # those of `estimators_`, fitted to arrays though X is a frame
        if self.task_col is None:
            self._empty = [np.empty(0, int)]
            params = fixed | by_row
            self.estimators_ = [
                _fitted(self._names, use, self.estimator, features, y, params, None)
            ]
            return
        rows = groups(codes, len(self.tasks_))
        # Ridges of all tasks are solved at once; the first is fitted too, and the others are like.
        lines = fit_ridges(self.estimator, features, codes, len(rows), y, fixed | by_row)
        self._empty = [np.empty(0, int)] * len(rows)
        plain = lines is None and is_plain(features) and needs_no_frame(self.estimator)
        if plain:
            features = features.to_numpy()
        if lines is None:
            self._empty = [np.flatnonzero(empty_columns(take(features, r))) for r in rows]
        alone = self._one_class(rows, y, by_row)
        fitted = Parallel(n_jobs=self.n_jobs)(
            delayed(_fitted)(
                self._own_names(k),
                use[r],
                self.estimator,
                self._own(take(features, r), k),
                take(y, r),
                fixed | {name: take(value, r) for name, value in by_row.items()},
                f"task {task!r}",
            )
            for k, (r, task) in enumerate(zip(rows, self.tasks_.tolist(), strict=True))
            if k not in alone and (lines is None or k == 0)
        )
        if lines is not None:
            fitted = copies(fitted[0], *lines)
        fitted = iter(fitted)
        self.estimators_ = [
            alone[k] if k in alone else next(fitted) for k in range(len(self.tasks_))
        ]
        if plain:
            self._models = self.estimators_
            if hasattr(self, "feature_names_in_"):
                self.estimators_ = [
                    with_names(model, self._own_names(k)) for k, model in enumerate(self._models)
                ]

    def _one_class(self, rows, y, by_row):
        """Models of the tasks with one class, by the number of the task."""
        models, weight = {}, row_weights(by_row, len(y))
        for k, label in self._only.items() if is_classifier(self) else ():
            model = OneClass(label, self.classes_[self._allowed[k]], weight[rows[k]].sum())
            models[k] = model.fit(None)
        return models

    def _fit_moments(self, moments):
        """What `search_from_moments` asks for: weights and intercepts, nothing for new tasks."""
        found = ridges_from_moments(self.estimator, moments)
        return found and (*found, None)

    def _put(self, models):
        self.estimators_, self._models, self._keep_width = models, None, False
        self._empty = [np.empty(0, int)] * len(models)

    def _own_names(self, k):
        empty = set() if self._keep_width else set(self._empty[k].tolist())
        return [name for j, name in enumerate(self._names) if j not in empty]

    def _own(self, part, k):
        """The features of task `k` as its estimator gets them."""
        empty = self._empty[k]
        if not empty.size:
            return part
        if not self._keep_width:
            return select(part, np.setdiff1d(np.arange(part.shape[1]), empty))
        if is_frame(part):
            zeros = [nw.lit(0.0).alias(column_names(part)[j]) for j in empty]
            return nw.from_native(part).with_columns(*zeros).to_native()
        part = part.copy()
        part[:, empty] = 0
        return part

    def _by_task(self, X, method):
        """Rows, task number and output of `method` for each task in `X`; and all task numbers."""
        lacks = "PerTask has no model for them: fit it on rows of these tasks, or use Pooled"
        features, codes = self._read(X, unseen=lacks)
        values = ridge_values(self.estimators_, features, codes) if method == "predict" else None
        if values is not None:
            return [(slice(None), 0, values)], codes
        models = self.estimators_
        if self._models is not None and is_plain(features):
            models, features = self._models, features.to_numpy()
        present, place = np.unique(codes, return_inverse=True)
        parts, names = [], self.tasks_.tolist()
        for k, rows in zip(present.tolist(), groups(place, len(present)), strict=True):
            own = self._own(features if len(present) == 1 else take(features, rows), k)
            fitted = models[k]
            where = f"{method} of {type(fitted).__name__} failed in task {names[k]!r}"
            where = None if self.task_col is None else where
            with naming(where), explaining(own, self._own_names(k), rows=rows):
                output = np.asarray(getattr(fitted, method)(own))
            parts.append((rows, k, output))
        return parts, codes

    def predict(self, X):
        """Predict each row by the model of its task.

        Parameters
        ----------
        X : DataFrame, array or sparse matrix of shape (n, p)
            Table with the task column; all its tasks were seen in `fit`.

        Returns
        -------
        y : ndarray of shape (n,) or (n, k)
            Predicted labels.
        """
        parts, codes = self._by_task(X, "predict")
        return _joined(parts, len(codes))

    @available_if(sub_estimator_has("predict_proba"))
    def predict_proba(self, X):
        """Class probabilities; zero for classes that the row's task did not have in `fit`.

        In a task of one class the others are possible: see the notes of the class.

        Parameters
        ----------
        X : DataFrame, array or sparse matrix of shape (n, p)
            Table with the task column; all its tasks were seen in `fit`.

        Returns
        -------
        probability : ndarray of shape (n, K)
            In the order of `classes_`.
        """
        parts, codes = self._by_task(X, "predict_proba")
        if not self._all_allowed:
            parts = [(rows, k, self._spread(output, k)) for rows, k, output in parts]
        return _joined(parts, len(codes))

    @available_if(sub_estimator_has("decision_function"))
    def decision_function(self, X):
        """Decision values; those of classes that the row's task did not have are the lowest.

        Parameters
        ----------
        X : DataFrame, array or sparse matrix of shape (n, p)
            Table with the task column; all its tasks were seen in `fit`.

        Returns
        -------
        values : ndarray of shape (n, K), or (n,) if there are two classes
            In the order of `classes_`; all finite.
        """
        self._refuse_pairwise()
        parts, codes = self._by_task(X, "decision_function")
        if self._all_allowed:
            return _joined(parts, len(codes))
        parts = [(rows, k, self._spread(one_per_class(output), k)) for rows, k, output in parts]
        return below_the_rest(_joined(parts, len(codes)), self._allowed[codes])

    def _spread(self, output, k):
        """Output for the classes of task `k`, laid out over all classes."""
        own = self._allowed[k]
        block = np.zeros((len(output), len(own)), dtype=output.dtype)
        block[:, own] = output[:, : own.sum()]
        return block


def _fitted(names, rows, estimator, features, *others):
    return fit_clone(estimator, features, *others, explaining(features, names, rows=rows))


def _joined(parts, n):
    """The outputs of the tasks as one array, in the order of the rows."""
    outputs = [output for _, _, output in parts]
    result = np.empty((n, *outputs[0].shape[1:]), dtype=np.result_type(*outputs))
    for rows, _, output in parts:
        result[rows] = output
    return result
