"""Linear regression of several tasks with any penalty."""

import numpy as np

from .._base import TaskLinearRegressor
from .._inputs import check_rows
from ..table.reading import task_codes
from ._losses import MomentLoss, squared_loss
from ._penalized import Penalized
from .moments import TaskMoments

__all__ = ["MultiTaskRegressor"]


class MultiTaskRegressor(Penalized, TaskLinearRegressor):
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
    >>> from mtlkit.linear import JointSupport, MultiTaskRegressor
    >>> X, y = make_linear_tasks("joint support", random_state=0)
    >>> model = MultiTaskRegressor(JointSupport(), alpha=70, task_col=0).fit(X, y)
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
