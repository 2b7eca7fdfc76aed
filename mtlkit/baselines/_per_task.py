"""One model per task, nothing shared: the baseline that every gain is held against."""

import numpy as np
from sklearn.utils.metaestimators import available_if
from sklearn.utils.parallel import Parallel, delayed

from .._utils._containers import groups, is_frame, missing, take
from .._utils._delegation import sub_estimator_has
from ._meta import LOWEST, TaskMetaEstimator, fit_clone, one_if_two, one_per_class


class PerTask(TaskMetaEstimator):
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

    setting = "single-task"

    def __init__(self, estimator, *, task_col=None, n_jobs=None):
        self.estimator = estimator
        self.task_col = task_col
        self.n_jobs = n_jobs

    def _fit_features(self, features, codes, rows, y, weight):
        if self.task_col is None:
            self.estimators_ = [fit_clone(self.estimator, features, y, weight, None)]
            self._columns = [None]
            return
        self._columns = [np.flatnonzero(~missing(take(features, r)).all(axis=0)) for r in rows]
        self.estimators_ = Parallel(n_jobs=self.n_jobs)(
            delayed(fit_clone)(
                self.estimator,
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
        lacks = "PerTask has no model for them: fit it on rows of these tasks, or use Pooled"
        features, codes = self._read(X, unseen=lacks)
        for k, rows in enumerate(groups(codes, len(self.tasks_))):
            if len(rows):
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

    @available_if(sub_estimator_has("predict_proba"))
    def predict_proba(self, X):
        """Class probabilities in the order of `classes_`; zero for classes of other tasks."""
        return self._by_class(X, "predict_proba", 0.0)

    @available_if(sub_estimator_has("decision_function"))
    def decision_function(self, X):
        """Decision values in the order of `classes_`; the lowest float for those of other tasks.

        As in scikit-learn, one value per row if there are two classes.
        """
        return one_if_two(self._by_class(X, "decision_function", LOWEST))

    def _by_class(self, X, method, elsewhere):
        result = None
        if method == "decision_function":
            self._refuse_pairwise()
        for rows, k, output, n in self._by_task(X, method):
            if self._no_class_is_barred:
                block = output
            else:
                own = self._task_has[k]
                block = np.full((len(rows), len(self.classes_)), elsewhere)
                block[:, own] = one_per_class(output)[:, : own.sum()]
            if result is None:
                result = np.empty((n, *block.shape[1:]))
            result[rows] = block
        return result
