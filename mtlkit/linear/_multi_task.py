"""Linear and logistic regression of several tasks; a penalty says what the tasks share."""

from numbers import Real

import numpy as np
from sklearn.utils import check_scalar

from .._utils._validation import balance_weights, check_strength
from ..table._reading import task_codes
from ..table._rows import check_rows
from ._base import TaskLinearClassifier, TaskLinearRegressor
from ._losses import LogisticLoss, MomentLoss, squared_loss
from ._moments import TaskMoments
from ._penalties import Penalty, SharedMean
from ._solver import solve


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
        check_scalar(self.tol, "tol", Real, min_val=0)
        check_scalar(self.max_iter, "max_iter", int, min_val=1)
        if not isinstance(self.penalty, Penalty | None):
            raise ValueError(
                f"penalty={self.penalty!r} must be a Penalty, such as SharedMean() or "
                "JointSupport(), or None, which is SharedMean()"
            )

    def _bound_penalty(self, tasks):
        return (SharedMean() if self.penalty is None else self.penalty).bind(tasks)

    def _balance(self, n):
        return balance_weights(self.task_weight, n)

    def _start(self, loss):
        """Where to begin: at zero, or at the last solution if it is asked for and fits."""
        same = np.array_equal(getattr(self, "tasks_", None), loss.tasks)
        if self.warm_start and same and self.coef_.shape == loss.shape:
            return self.coef_
        return np.zeros(loss.shape)

    def _solve(self, loss, level, start):
        """Minimise and store; `level` (d,) is where the shared part has the mean level."""
        penalty = self._bound_penalty(loss.tasks)
        solution = solve(loss, penalty, self.alpha, start, self.tol, self.max_iter)
        self.tasks_, self.coef_ = loss.tasks, solution.W
        self.intercept_ = loss.intercept(solution.W)
        self.objective_, self.dual_gap_ = solution.objective, solution.gap
        self.n_iter_ = solution.n_iter
        for name in getattr(self, "_described", ()):  # of an earlier fit with another penalty
            del self.__dict__[name]
        described = penalty.describe(solution.W)
        if "shared_coef_" in described:
            described["shared_intercept_"] = self._shared_intercept(
                described["shared_coef_"], level
            )
        self.__dict__.update(described)
        self._described = list(described)
        return self

    def _shared_intercept(self, shared_coef, level):
        levels = (self.intercept_ + self.coef_ @ level)[np.isfinite(self.intercept_)]
        if not self.fit_intercept or not levels.size:
            return 0.0
        return float(levels.mean() - shared_coef @ level)


class MultiTaskLinearRegression(Penalized, TaskLinearRegressor):
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
        loss, level = self._prepare(X, y, sample_weight)
        return self._solve(loss, level, self._start(loss))

    def partial_fit(self, X, y, sample_weight=None):
        """Add rows to those seen so far; the result is that of one `fit` on all of them.

        Parameters and return value are those of `fit`. New tasks may appear.
        """
        self._check_parameters()
        first = not hasattr(self, "coef_")
        new = TaskMoments.from_rows(*check_rows(self, X, y, sample_weight, reset=first))
        if not first:
            if self.moments_ is None:
                raise ValueError(
                    "fit had fewer rows than T d and kept no moments to add to: begin with "
                    "partial_fit instead of fit"
                )
            task_codes(new.tasks, self.tasks_, unseen=None)  # an error if names and numbers mix
            new = self.moments_ + new
        loss = MomentLoss.from_moments(new.scaled(self._balance(new.n)), self.fit_intercept)
        level = np.average(new.x_mean, axis=0, weights=new.n)
        self._solve(loss, level, self._start(loss))
        self.moments_ = new  # last: after an error nothing has been added
        return self

    def _prepare(self, X, y, sample_weight):
        rows = check_rows(self, X, y, sample_weight)
        loss, self.moments_ = squared_loss(rows, self._balance, self.fit_intercept)
        return loss, np.average(rows[0], axis=0, weights=rows[3])


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
        before = getattr(self, "classes_", None)
        rows = self._class_rows(X, y, sample_weight)
        same = self.warm_start and np.array_equal(before, self.classes_)
        if len(self.classes_) > 2:
            names = ("coef_", "intercept_", "objective_", "dual_gap_", "n_iter_")
            return self._fit_each_class(X, y, sample_weight, names, same)
        self.__dict__.pop("estimators_", None)
        loss, level = self._binary(rows)
        return self._solve(loss, level, self._start(loss) if same else np.zeros(loss.shape))

    def _prepare(self, X, y, sample_weight):
        return self._binary(self._class_rows(X, y, sample_weight))

    def _binary(self, rows):
        X, y, task, weight = rows
        rows = X, y == self.classes_[1], task, weight
        loss = LogisticLoss(rows, self._balance, self.fit_intercept)
        return loss, np.average(X, axis=0, weights=weight)
