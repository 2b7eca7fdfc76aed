"""Split conformal prediction by task for classifiers: sets of classes with a guarantee."""

import numpy as np
from sklearn.utils.metaestimators import available_if

from .._utils._delegation import sub_estimator_has
from ._conformal import TaskConformal


class TaskConformalClassifier(TaskConformal):
    r"""Sets of classes that hold the label as often as promised, for every task (split conformal).

    As :class:`TaskConformalRegressor`, with the scores :math:`s_{ti} = 1 - p(y_{ti} | x_{ti})` of
    the calibration rows; the set of a new row of task t holds the classes k with

    .. math:: 1 - p(k | x) \le q_t.

    Parameters
    ----------
    estimator : estimator
        A classifier with `predict_proba`. It gets the whole table; where it has a `task_col` of
        None, it reads the task column that is named here. A fitted model in a
        :class:`~sklearn.frozen.FrozenEstimator` is calibrated as it is, by rows that it must not
        have seen: by all of them, or with ``by="tied"`` by a share of `calibration_size`.
    confidence_level : float, default=0.9
        Share of new rows whose set shall hold the class, between 0 and 1.
    by : {"task", "all", "tied"}, default="task"
        Whose quantile: that of the task alone, of all rows, or of all rows on the scales of tasks.
    calibration_size : float, default=0.5
        Share of each task's rows that calibrates, rounded down, between 0 and 1.
    task_col : str, int or None, default=None
        The task column; None means one task.
    random_state : int, RandomState instance or None, default=None
        Which rows calibrate.

    Attributes
    ----------
    tasks_ : ndarray of shape (T,)
        The tasks with a labelled row in `fit`, sorted.
    estimator_ : estimator
        Fitted to the training rows.
    classes_ : ndarray of shape (K,)
        The union of the classes of all tasks.
    n_calibration_ : ndarray of shape (T,)
        Calibration rows of each task.
    quantiles_ : ndarray of shape (T,)
        The q_t of each task.
    shared_quantile_ : float
        The same for a task that was not seen.
    setting : str
        That of `estimator`.
    n_features_in_ : int
        Number of columns of `X`, the task column included.
    feature_names_in_ : ndarray of str
        Names of these columns, only if all of them are strings.

    Raises
    ------
    TypeError, ValueError
        In `fit`, if a parameter is out of range, the estimator no classifier or without
        probabilities, or no row is left to calibrate with; and what the estimator raises.

    See Also
    --------
    TaskConformalRegressor : Intervals; the promise and its limits are explained there.
    sklearn.calibration.CalibratedClassifierCV : Probabilities that are right on average.

    Notes
    -----
    With too few calibration rows for the level a set holds every class that the task can have. A
    set can be empty: then no class is as likely as the label usually is. The promise is for a
    task's rows together; within a class it can fail, which another column as the task repairs.

    Taught in :doc:`/chapters/algorithms/interval_per_task`.

    References
    ----------
    * V. Vovk, "Conditional validity of inductive conformal predictors", Machine Learning 92, 2013.
    * T. Ding et al., "Class-conditional conformal prediction with many classes", NeurIPS 2023.

    Examples
    --------
    >>> from mtlkit.datasets import load_shifted_digits
    >>> from mtlkit.linear import MultiTaskLogisticRegression, SharedMean
    >>> X, y = load_shifted_digits({"upright": None, "turned": ("rotation", 15)})
    >>> model = MultiTaskLogisticRegression(SharedMean(), tol=1e-2)
    >>> sets = TaskConformalClassifier(model, task_col=0, random_state=0).fit(X, y)
    >>> sets.predict_set(X[:5]).shape
    (5, 10)
    """

    _kind = "classifier"

    def _check_target(self, y):
        if not hasattr(self.estimator, "predict_proba"):
            raise ValueError(
                f"{self.estimator!r} has no predict_proba, so no class has a score: use a "
                "classifier with probabilities"
            )
        return super()._check_target(y)

    def _scores(self, table, y):
        return 1 - self._probabilities(table)[np.arange(len(y)), np.searchsorted(self.classes_, y)]

    def _probabilities(self, table):
        """Those of all classes (n, K), 0 for one that no training row had."""
        known = self.estimator_.predict_proba(table)
        found = np.zeros((len(known), len(self.classes_)))
        found[:, np.searchsorted(self.classes_, self.estimator_.classes_)] = known
        return found

    @available_if(sub_estimator_has("predict_proba"))
    def predict_proba(self, X):
        """Class probabilities of the fitted estimator.

        Parameters
        ----------
        X : DataFrame, array or sparse matrix of shape (n, p)
            Table with the task column.

        Returns
        -------
        P : ndarray of shape (n, K)
            In the order of `classes_`.
        """
        self._read(X, unseen=None)
        return self._probabilities(X)

    def predict_set(self, X):
        """Which classes are in each row's set.

        Parameters
        ----------
        X : DataFrame, array or sparse matrix of shape (n, p)
            Table with the task column.

        Returns
        -------
        sets : ndarray of bool of shape (n, K)
            Columns in the order of `classes_`.
        """
        thresholds, codes = self._thresholds(X)
        sets = 1 - self._probabilities(X) <= thresholds[:, None]
        return sets & self._allowed_rows(codes)
