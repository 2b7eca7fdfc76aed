"""Linear and logistic regression of several tasks; a penalty says what the tasks share."""

import numpy as np

from .._utils._validation import (
    balance_weights,
    check_flag,
    check_integer,
    check_number,
    check_strength,
)
from ._base import TaskLinearClassifier, TaskLinearRegressor
from ._losses import LogisticLoss, MomentLoss, squared_loss
from ._moments import KeepsMoments, TaskMoments
from ._penalties import Penalty, SharedMean
from ._solver import solve, warn_unless_converged


class Penalized:
    """A loss of W (T, d) plus α times a `Penalty`."""

    def __init__(
        self,
        penalty=None,
        alpha=1.0,
        *,
        task_col=None,
        fit_intercept=True,
        task_weight="samples",
        tol=1e-6,
        max_iter=10000,
        warm_start=False,
    ):
        self.penalty = penalty
        self.alpha = alpha
        self.task_col = task_col
        self.fit_intercept = fit_intercept
        self.task_weight = task_weight
        self.tol = tol
        self.max_iter = max_iter
        self.warm_start = warm_start

    def _check_parameters(self):
        check_strength(self, "alpha", include="neither")
        check_number(self.tol, "tol", low=0, open_high=True)
        check_integer(self.max_iter, "max_iter")
        check_flag(self.fit_intercept, "fit_intercept")
        check_flag(self.warm_start, "warm_start")
        if not isinstance(self.penalty, Penalty | None):
            raise ValueError(
                f"penalty={self.penalty!r} must be a Penalty, such as SharedMean() or "
                "JointSupport(), or None, which is SharedMean()"
            )

    def _bound_penalty(self, tasks):
        return (SharedMean() if self.penalty is None else self.penalty).bind(tasks)

    def _balance(self, n, tasks):
        return balance_weights(self.task_weight, n, tasks)

    def _is_warm(self, before, *now):
        """Whether the last fit, of which `before` has tasks and classes, is where to begin."""
        return self.warm_start and all(map(np.array_equal, before, now))

    def _solve(self, loss, start):
        """Minimise from `start` (T, d), or from 0, and store what there is to know."""
        penalty = self._bound_penalty(loss.tasks)
        if start is None or start.shape != loss.shape:
            start = np.zeros(loss.shape)
        solution = solve(loss, penalty, float(self.alpha), start, float(self.tol), self.max_iter)
        self.tasks_, self.coef_ = loss.tasks, solution.W
        self.intercept_ = loss.intercept(solution.W)
        self.objective_, self.dual_gap_ = solution.objective, solution.gap
        self.n_iter_ = solution.n_iter
        for name in self.__dict__.pop("_described", ()):  # of an earlier fit
            del self.__dict__[name]
        described = penalty.describe(solution.W)
        if "shared_coef_" in described:
            level = 0.0
            if self.fit_intercept:
                level = loss.mean_level(solution.W, self.intercept_)
                level -= described["shared_coef_"] @ loss.centre
            described["shared_intercept_"] = float(level)
        self.__dict__.update(described)
        self._described = list(described)
        return solution


class MultiTaskLinearRegression(Penalized, KeepsMoments, TaskLinearRegressor):
    r"""Linear regression of several tasks; the penalty says what they share.

    With W (T, d) the weights, a row w_t for each task t = 1 … T, b_t its intercept, λ_t the balance
    weights, Ω the `penalty` and α its strength `alpha`, it minimises

    .. math::

        \sum_{t=1}^{T} \lambda_t \sum_{i=1}^{n_t} (y_{ti} - x_{ti} \cdot w_t - b_t)^2
        + \alpha\, \Omega(W).

    Parameters
    ----------
    penalty : Penalty or None, default=None
        `SharedMean`, `JointSupport`, `LowRank`, `TaskGraph`, `LearnedRelations`, or one of your
        own. None is ``SharedMean()``. For `SharedMean`, `MeanRegularizedRidge` solves the same
        problem in closed form and ties levels too.
    alpha : float, default=1.0
        Strength of the penalty; positive. scikit-learn's `MultiTaskLasso` divides the loss by 2n.
    task_col : str, int or None, default=None
        The task column; None means one task.
    fit_intercept : bool, default=True
        Whether tasks have intercepts; they are not penalised.
    task_weight : {"samples", "tasks"} or array-like of shape (T,), default="samples"
        The balance weights λ_t. "samples": 1, each row counts the same. "tasks": N / (T n_t),
        each task counts the same. An array is in the order of `tasks_`.
    tol : float, default=1e-6
        The solver stops when the duality gap is at most `tol` times the loss at W = 0.
    max_iter : int, default=10000
        Most proximal steps.
    warm_start : bool, default=False
        Whether `fit` begins at the weights of the last `fit`, if the tasks are the same.

    Attributes
    ----------
    tasks_ : ndarray of shape (T,)
        The tasks with a labelled row in `fit`, sorted.
    coef_ : ndarray of shape (T, d)
    intercept_ : ndarray of shape (T,)
    objective_ : float
    dual_gap_ : float
        The objective is at most this much above its minimum.
    n_iter_ : int
        Proximal steps taken.
    moments_ : TaskMoments or None
        What `partial_fit` adds to; None if `fit` used the rows themselves.
    support_, rank_, shared_coef_, shared_intercept_, task_covariance_ : ndarray, int or float
        What the penalty tells; each is there only with the penalty that names it.
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Only if the columns of `X` have string names.

    Raises
    ------
    ValueError
        For parameters out of range, NaN in features, columns that a task lacks, no labelled row;
        in `predict`, for an unseen task if the penalty has no shared part.

    Warns
    -----
    ConvergenceWarning
        If the duality gap was not reached in `max_iter` steps.

    Notes
    -----
    Rows with NaN in `y` are left out. The solver is accelerated proximal gradient (Beck and
    Teboulle 2009) with adaptive restart (O'Donoghue and Candès 2015); for penalties that are sums
    over features, on a growing working set. With N rows in all and at least T d of them, moments
    are formed once, O(N d²), and a step costs O(T d²) and the proximal step. With fewer rows a step
    works on them, O(N d), and on a working set of s features O(T s²).

    References
    ----------
    * A. Beck and M. Teboulle, "A fast iterative shrinkage-thresholding algorithm for linear inverse
      problems", SIAM Journal on Imaging Sciences 2, 183-202, 2009.
    * B. O'Donoghue and E. Candès, "Adaptive restart for accelerated gradient schemes", Foundations
      of Computational Mathematics 15, 715-732, 2015.

    Examples
    --------
    >>> from mtlkit.datasets import make_linear_tasks
    >>> from mtlkit.linear import JointSupport, MultiTaskLinearRegression
    >>> X, y = make_linear_tasks("joint support", random_state=0)
    >>> model = MultiTaskLinearRegression(JointSupport(), alpha=70, task_col=0).fit(X, y)
    >>> model.coef_.shape, int(model.support_.sum())
    ((20, 20), 4)
    """

    def fit(self, X, y, sample_weight=None):
        """Fit the model.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)
            Table with the task column.
        y : array-like of shape (n,)
            Targets; NaN marks a row without label.
        sample_weight : array-like of shape (n,), default=None

        Returns
        -------
        self
        """
        self._check_parameters()
        before, start = (getattr(self, "tasks_", None),), getattr(self, "_coef", None)
        loss = self._prepare(X, y, sample_weight)
        warm = self._is_warm(before, loss.tasks)
        warn_unless_converged([self._solve(loss, start if warm else None)])
        return self

    def partial_fit(self, X, y, sample_weight=None):
        """Add rows to those seen so far; the result is that of one `fit` on all of them.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)
            Further rows of the table; new tasks may appear.
        y : array-like of shape (n,)
            Targets; NaN marks an unlabelled sample.
        sample_weight : array-like of shape (n,), default=None
            Factor on the loss of each row; None means 1.

        Returns
        -------
        self
        """
        self._check_parameters()
        first = not hasattr(self, "_seen")
        new = TaskMoments.from_rows(*self._rows(X, y, sample_weight, reset=first))
        new = new if first else self.moments_ + new
        loss = MomentLoss.from_moments(
            new.scaled(self._balance(new.n, new.tasks)), self.fit_intercept
        )
        warm = not first and self._is_warm((self.tasks_,), loss.tasks)
        solution = self._solve(loss, self._coef if warm else None)
        self._seen = new  # last: after an error nothing has been added
        warn_unless_converged([solution])
        return self

    def _prepare(self, X, y, sample_weight):
        rows = self._rows(X, y, sample_weight)
        loss, self._seen = squared_loss(rows, self._balance, self.fit_intercept)
        return loss


class MultiTaskLogisticRegression(Penalized, TaskLinearClassifier):
    r"""Logistic regression of several tasks; the penalty says what they share.

    With W (T, d) the weights, a row w_t for each task t = 1 … T, b_t its intercept, λ_t the balance
    weights, Ω the `penalty`, α its strength `alpha` and y_ti 0 or 1, it minimises

    .. math::

        \sum_{t=1}^{T} \lambda_t \sum_{i=1}^{n_t} \big[\log(1 + e^{z_{ti}}) - y_{ti} z_{ti}\big]
        + \alpha\, \Omega(W), \qquad z_{ti} = x_{ti} \cdot w_t + b_t.

    With one task and ``SharedMean()`` this is scikit-learn's `LogisticRegression` at C = 1/(2α).
    With more than two classes there is one such problem for each class against the rest.

    Parameters
    ----------
    penalty : Penalty or None, default=None
        `SharedMean`, `JointSupport`, `LowRank`, `TaskGraph`, `LearnedRelations`, or one of your
        own. None is ``SharedMean()``.
    alpha : float, default=1.0
        Strength of the penalty; positive.
    task_col : str, int or None, default=None
        The task column; None means one task.
    fit_intercept : bool, default=True
        Whether tasks have intercepts; they are not penalised.
    task_weight : {"samples", "tasks"} or array-like of shape (T,), default="samples"
        The balance weights λ_t. "samples": 1, each row counts the same. "tasks": N / (T n_t),
        each task counts the same. An array is in the order of `tasks_`.
    tol : float, default=1e-6
        The solver stops when the duality gap is at most `tol` times the loss at W = 0.
    max_iter : int, default=10000
        Most proximal steps.
    warm_start : bool, default=False
        Whether `fit` begins at the weights of the last `fit`, if tasks and classes are the same.

    Attributes
    ----------
    classes_ : ndarray of shape (K,)
        The union of the classes of all tasks.
    tasks_ : ndarray of shape (T,)
        The tasks with a labelled row in `fit`, sorted.
    coef_ : ndarray of shape (T, d), or (K, T, d) if K > 2
    intercept_ : ndarray of shape (T,), or (K, T) if K > 2
        Infinite for a task that has one class in `fit`; it is always predicted as that class.
    objective_, dual_gap_, n_iter_ : float, float, int; arrays of shape (K,) if K > 2
        Value of the objective, bound on its distance from the minimum, proximal steps taken.
    estimators_ : list of MultiTaskLogisticRegression
        Only if K > 2: each class against the rest.
    support_, rank_, shared_coef_, shared_intercept_, task_covariance_ : ndarray, int or float
        What the penalty tells, if K = 2; each is there only with the penalty that names it. If
        K > 2, each of `estimators_` has its own.
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Only if the columns of `X` have string names.

    Raises
    ------
    ValueError
        For parameters out of range, NaN in features, columns that a task lacks, fewer than two
        classes in all; in `predict`, for an unseen task if the penalty has no shared part.

    Warns
    -----
    ConvergenceWarning
        If the duality gap was not reached in `max_iter` steps.

    Notes
    -----
    Rows whose label is missing are left out. A row's probabilities are zero outside the classes
    that its task had in `fit`. The solver is that of
    `MultiTaskLinearRegression`; a step costs O(N d) for N rows and the proximal step. Scale the
    features: with a large spread among them it needs many steps.

    Examples
    --------
    >>> from mtlkit.datasets import load_digit_tasks
    >>> from mtlkit.linear import LowRank, MultiTaskLogisticRegression
    >>> X, y = load_digit_tasks(rows_per_task=60)
    >>> model = MultiTaskLogisticRegression(LowRank(), alpha=10, task_col=0).fit(X, y)
    >>> model.coef_.shape, bool(model.rank_ < 5)
    ((5, 64), True)
    """

    def fit(self, X, y, sample_weight=None):
        """Fit the model.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)
            Table with the task column.
        y : array-like of shape (n,)
            Class labels; a missing one (NaN, None) marks a row without label.
        sample_weight : array-like of shape (n,), default=None

        Returns
        -------
        self
        """
        self._check_parameters()
        before = getattr(self, "tasks_", None), getattr(self, "classes_", None)
        rows = self._class_codes(self._rows(X, y, sample_weight, classes=True))
        names = ("coef_", "intercept_", "objective_", "dual_gap_", "n_iter_")
        warm = self._is_warm(before, self.tasks_, self.classes_)
        warn_unless_converged(self._fit_classes(rows, names, warm))
        return self

    def _fit_binary(self, X, y, codes, weight, absent=None, warm=False):
        loss = self._loss(X, y, codes, weight, absent)
        return [self._solve(loss, self._coef if warm else None)]

    def _prepare(self, X, y, sample_weight):
        rows = self._class_codes(self._rows(X, y, sample_weight, classes=True))
        if len(self.classes_) > 2:
            raise ValueError(
                f"y has {len(self.classes_)} classes, but a path needs two: pass y == label, one "
                "class at a time"
            )
        return self._loss(*rows)

    def _loss(self, X, y, codes, weight, absent=None):
        balance = self._balance(np.bincount(codes, weight), self.tasks_)
        return LogisticLoss(
            X, y, weight, codes, self.tasks_, balance, self.fit_intercept, absent=absent
        )
