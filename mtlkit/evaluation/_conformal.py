"""Split conformal prediction by task: intervals and sets of classes with a guarantee."""

import numpy as np
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import PredefinedSplit
from sklearn.utils import check_random_state

from .._utils._containers import groups, take
from .._utils._delegation import setting_of
from .._utils._numerics import possible_classes
from .._utils._validation import check_choice, check_number
from ..baselines._meta import TaskMetaEstimator, fit_clone, row_weights
from ..linear import EmpiricalBayesRidge
from ..table._rows import feature_names

FOLDS = 5  # for residuals of training rows, from which scales are estimated


class TaskConformal(TaskMetaEstimator):
    """What both share: the division of the rows, the scores' quantiles, scales of the tasks.

    A subclass has `_kind` and `_scores`.
    """

    def __init__(
        self, estimator, *, confidence_level=0.9, by="task", calibration_size=0.5, task_col=None,
        random_state=None,
    ):  # fmt: skip
        self.estimator = estimator
        self.confidence_level, self.by = confidence_level, by
        self.calibration_size, self.task_col = calibration_size, task_col
        self.random_state = random_state

    @property
    def setting(self):
        """Setting of the estimator inside: "single-task", "pooled", "multi-task", "transfer"."""
        return setting_of(self.estimator)

    def fit(self, X, y, **fit_params):
        """Fit the estimator to a part of the rows, and calibrate by the others.

        Parameters
        ----------
        X : DataFrame, array or sparse matrix of shape (n, p)
            Table with the task column; sparse if `estimator` takes sparse matrices.
        y : array-like of shape (n,)
            Rows whose label is missing (NaN, None) are left out.
        **fit_params : dict
            `sample_weight` and further parameters of the `fit` of `estimator`. Those with one entry
            per row are divided like the rows. Weights are for the estimator: each calibration row
            counts once, or not at all if its weight is 0.

        Returns
        -------
        self : object
            The fitted estimator.
        """
        check_number(self.confidence_level, "confidence_level", low=0, high=1,
                     open_low=True, open_high=True)  # fmt: skip
        check_number(self.calibration_size, "calibration_size", low=0, high=1,
                     open_low=True, open_high=True)  # fmt: skip
        check_choice(self.by, "by", ("task", "all", "tied"))
        kind = self.__sklearn_tags__().estimator_type
        if kind != self._kind:
            raise ValueError(
                f"{self.estimator!r} is a {kind}, and {type(self).__name__} needs a {self._kind}"
            )
        return self._fit_table(X, y, fit_params.pop("sample_weight", None), fit_params)

    def _read_table(self, X):
        """The estimator inside reads the task itself, so the column stays where it is."""
        return X, super()._read_table(X)[1]

    def _possible(self, has):
        return possible_classes(has)

    def _fit_features(self, table, codes, y, by_row, fixed, use):
        self._names = feature_names(table, None)
        counts = row_weights(by_row, len(y)) > 0
        train, calibrate = self._divide(codes, check_random_state(self.random_state))
        calibrate = calibrate[counts[calibrate]]
        if not calibrate.size:
            raise ValueError(
                f"no row is left to calibrate with (n_samples={len(y)} with a label): a task gives "
                f"one from {1 / self.calibration_size:g} rows on, with "
                f"calibration_size={self.calibration_size!r}"
            )

        where = "the part that trains" + (" with its sample_weight" if not counts.all() else "")

        def fitted(rows):
            params = fixed | {name: take(value, rows) for name, value in by_row.items()}
            return fit_clone(self._inside(), take(table, rows), y[rows], params, where)

        T = len(self.tasks_)
        scales, shared = np.ones(T), 1.0
        if self.by == "tied":
            scales, shared = self._scales(fitted, table, codes, y, train)
        self.estimator_ = fitted(train)
        scores = self._scores(take(table, calibrate), y[calibrate]) / scales[codes[calibrate]]
        self.n_calibration_ = np.bincount(codes[calibrate], minlength=T)
        common = upper_quantile(scores, self.confidence_level)
        self.shared_quantile_ = common * shared
        self.quantiles_ = common * scales
        if self.by == "task":
            own = groups(codes[calibrate], T)
            self.quantiles_ = np.array(
                [upper_quantile(scores[rows], self.confidence_level) for rows in own]
            )

    def _inside(self):
        """A clone that reads the same task column, where it is given none."""
        inner = clone(self.estimator)
        inside = inner.get_params().items()
        own = [name for name, v in inside if name.split("__")[-1] == "task_col" and v is None]
        return inner.set_params(**dict.fromkeys(own, self.task_col)) if own else inner

    def _divide(self, codes, rng):
        """Random rows of each task to train with, at least one, and the others to calibrate."""
        if isinstance(self.estimator, FrozenEstimator) and self.by != "tied":
            return np.arange(len(codes)), np.arange(len(codes))
        train, calibrate = [], []
        for rows in groups(codes, len(self.tasks_)):
            rows = rng.permutation(rows)
            n = int(len(rows) * self.calibration_size + 1e-9)
            calibrate.append(rows[:n])
            train.append(rows[n:])
        return np.concatenate(train), np.concatenate(calibrate)

    def _scales(self, fitted, table, codes, y, train):
        """Each task's mean score (T,) of rows out of fold, tied by REML, and that of new tasks."""
        fold = np.full(len(train), -1)
        for rows in groups(codes[train], len(self.tasks_)):
            if len(rows) > 1:  # else the task would be gone where its row is left out
                fold[rows] = np.arange(len(rows)) % FOLDS
        scores = np.zeros(len(train))
        for rest, out in PredefinedSplit(fold).split():
            self.estimator_ = fitted(train[rest])
            scores[out] = self._scores(take(table, train[out]), y[train[out]])
        out = fold >= 0
        scales = np.ones(len(self.tasks_))
        if not scores[out].any():
            return scales, 1.0
        of_task = np.column_stack([codes[train], np.zeros(len(train))])[out]
        tied = EmpiricalBayesRidge(task_col=0).fit(of_task, scores[out])
        shared = tied.shared_intercept_
        scales[:] = shared
        scales[tied.tasks_.astype(int)] = np.maximum(tied.intercept_, shared / 1000)
        return scales, shared

    def _thresholds(self, X):
        codes = self._read(X, unseen=None)[1]
        return np.where(codes < 0, self.shared_quantile_, self.quantiles_[codes]), codes

    def predict(self, X):
        """Predictions of the fitted estimator.

        Parameters
        ----------
        X : DataFrame, array or sparse matrix of shape (n, p)
            Table with the task column.

        Returns
        -------
        y : ndarray of shape (n,)
            Predicted values or classes.
        """
        self._read(X, unseen=None)
        return self.estimator_.predict(X)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = False
        return tags


class TaskConformalRegressor(TaskConformal):
    r"""Intervals that hold the label as often as promised, for every task (split conformal).

    A part of each task's rows fits `estimator`; the others, the calibration rows, give scores
    :math:`s_{ti} = |y_{ti} - f(x_{ti})|`. Of n scores, the k-th smallest with k = ⌈(n + 1) c⌉ is
    the quantile q, infinite if k > n, where c is the `confidence_level`. The interval of a new row
    of task t is

    .. math::

        f(x) \pm q_t, \qquad q_t = \begin{cases}
        q(\{s_{ti}\}_i) & \text{by="task"} \\
        q(\{s_{ui}\}_{u,i}) & \text{by="all"} \\
        \sigma_t \, q(\{s_{ui} / \sigma_u\}_{u,i}) & \text{by="tied"}
        \end{cases}

    where σ_t is the mean score of task t on training rows out of fold, pulled to that of all tasks
    as far as REML says (:class:`~mtlkit.linear.EmpiricalBayesRidge`).

    Parameters
    ----------
    estimator : estimator
        A regressor. It gets the whole table; where it has a `task_col` of None, it reads the task
        column that is named here. A fitted model in a
        :class:`~sklearn.frozen.FrozenEstimator` is calibrated as it is, by rows that it must not
        have seen: by all of them, or with ``by="tied"`` by a share of `calibration_size`.
    confidence_level : float, default=0.9
        Share c of new rows whose interval shall hold the label, between 0 and 1.
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
    n_calibration_ : ndarray of shape (T,)
        Calibration rows of each task.
    quantiles_ : ndarray of shape (T,)
        Half the width q_t of the intervals of each task.
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
        In `fit`, if a parameter is out of range, the estimator no regressor, or no row is left to
        calibrate with; and what the estimator raises.

    See Also
    --------
    TaskConformalClassifier : Sets of classes in place of intervals.
    compare : Whether a model is better at all; intervals here are for rows, those there for scores.

    Notes
    -----
    If a task's calibration rows and its new rows are exchangeable (in random order, no drift), an
    interval with ``by="task"`` holds the label with a probability of at least c, and at most c +
    1 / (n_t + 1) where no scores are equal, whatever the model and the distribution: the mean over
    calibration sets of n_t rows. The coverage with one such set varies around it, with a standard
    deviation of about √(c (1 - c) / n_t). ``by="all"`` and ``by="tied"`` promise the same for all
    rows together, to within 1 / n, where new rows fall to tasks as those of the table do; single
    tasks may be below.

    With fewer than c / (1 - c) calibration rows (nine for 0.9) no finite interval can promise c:
    its ends are then -inf and inf, which is the honest answer and no number to compute with.
    ``tasks_[np.isinf(quantiles_)]`` are these tasks. Label more rows, take a larger
    `calibration_size`, or promise less: ``by="tied"``. No promise holds for an unseen task; its
    interval is that of the rows of all tasks, if `estimator` predicts it.

    Rows are divided within tasks and never by label, which would break exchangeability. Cost: one
    fit, six with ``by="tied"``, and a sort. Taught in
    :doc:`/chapters/algorithms/interval_per_task`.

    References
    ----------
    * V. Vovk, "Conditional validity of inductive conformal predictors", Machine Learning 92, 2013
      (Mondrian, here ``by="task"``).
    * J. Lei et al., "Distribution-free predictive inference for regression", JASA 113, 2018.

    Examples
    --------
    >>> from mtlkit.datasets import make_linear_tasks
    >>> from mtlkit.linear import MeanRegularizedRidge
    >>> X, y = make_linear_tasks(n_tasks=3, random_state=0)
    >>> model = TaskConformalRegressor(MeanRegularizedRidge(), task_col=0, random_state=0)
    >>> model.fit(X, y).predict_interval(X[:5]).shape
    (5, 2)
    """

    _kind = "regressor"

    def _check_target(self, y):
        if y.ndim != 1:
            raise ValueError(f"y should be a 1d array of numbers, got an array of shape {y.shape}")
        return super()._check_target(y)

    def _scores(self, table, y):
        return np.abs(y - self.estimator_.predict(table))

    def predict_interval(self, X):
        """The lower and the upper end of each row's interval.

        Parameters
        ----------
        X : DataFrame, array or sparse matrix of shape (n, p)
            Table with the task column.

        Returns
        -------
        ends : ndarray of shape (n, 2)
            -inf and inf where the task has too few calibration rows for the level.
        """
        half = self._thresholds(X)[0]
        middle = self.estimator_.predict(X)
        return np.column_stack([middle - half, middle + half])


def upper_quantile(scores, level):
    """The ⌈(n + 1) level⌉-th smallest of n scores; infinite if there are not so many."""
    k = int(np.ceil((len(scores) + 1) * level - 1e-9))
    return np.sort(scores)[k - 1] if k <= len(scores) else np.inf
