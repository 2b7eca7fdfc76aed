"""Mean-regularised multi-task ridge: every task is pulled towards what the tasks have in common."""

import numpy as np
from scipy.linalg.lapack import dpotrf, dtrtri

from .._utils._validation import balance_weights, check_strength
from ..table._reading import task_codes
from ..table._rows import check_rows
from ._base import TaskLinearRegressor
from ._moments import TaskMoments


class MeanRegularizedRidge(TaskLinearRegressor):
    r"""Ridge regression of several tasks whose weights are pulled towards their mean.

    With w_t (d,) and b_t the weights and intercept of task t = 1 … T, w̄ their mean over tasks,
    λ_t the balance weights, α the strength `alpha` and c the `coupling`, it minimises

    .. math::

        \sum_{t=1}^{T} \lambda_t \sum_{i=1}^{n_t} (y_{ti} - x_{ti} \cdot w_t - b_t)^2
        + \alpha \Big[ \sum_t \|w_t\|^2 + c \sum_t \|w_t - \bar w\|^2 \Big].

    The coupling is a dial between the two baselines: at 0 this is one ridge per task,
    ``PerTask(Ridge(alpha))``; at infinity one ridge for all, ``Pooled(Ridge(alpha * T))`` (if
    levels are tied, as by default). With one task it is ``Ridge(alpha)`` whatever the coupling.

    The same model in two parts (Evgeniou and Pontil 2004) is w_t = w_0 + v_t, with a shared part
    w_0 and a private part v_t, penalised by α (1+c)/c · T ‖w_0‖² + α (1+c) Σ ‖v_t‖². At the minimum
    w_0 = c/(1+c) w̄.

    Parameters
    ----------
    alpha : float, default=1.0
        Strength of the regulariser; positive.
    coupling : float, default=1.0
        How strongly the tasks are tied; from 0 to ``numpy.inf``, both included.
    task_col : str, int or None, default=None
        The task column; None means one task.
    fit_intercept : bool, default=True
        Whether tasks have intercepts. They are not shrunk to zero.
    couple_intercept : bool, default=True
        Whether the level of each task (its prediction at the mean of all rows) is pulled to the
        mean level, by α c Σ (level_t - mean level)². False leaves levels free: use it for tasks
        that differ much more in level than in slope.
    task_weight : {"samples", "tasks"} or array-like of shape (T,), default="samples"
        The balance weights λ_t. "samples": 1, each row counts the same. "tasks": N / (T n_t),
        each task counts the same. An array is in the order of `tasks_`.

    Attributes
    ----------
    tasks_ : ndarray of shape (T,)
        The tasks with a labelled row in `fit`, sorted.
    coef_ : ndarray of shape (T, d)
        The weights w_t.
    intercept_ : ndarray of shape (T,)
        The intercepts b_t.
    shared_coef_ : ndarray of shape (d,)
        The shared part w_0, which predicts tasks that were not seen in `fit`.
    shared_intercept_ : float
        The intercept of the shared part.
    objective_ : float
        Value of the objective (with the level term) at the solution.
    dual_gap_ : float
        `objective_` is at most this much above its minimum; rounding, since nothing is iterated.
    moments_ : TaskMoments
        What `partial_fit` adds to.
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Only if the columns of `X` have string names.

    Raises
    ------
    ValueError
        For parameters out of range, NaN in features, columns that a task lacks, no labelled row.

    Notes
    -----
    Rows with NaN in `y` are left out. The private parts are eliminated in closed form, which
    leaves one d × d system for w_0: cost O(Σ n_t d² + T d³) time and O(T d²) memory.

    References
    ----------
    * T. Evgeniou and M. Pontil, "Regularized multi-task learning", KDD 2004, pp. 109-117.

    Examples
    --------
    >>> from mtlkit.datasets import make_linear_tasks
    >>> from mtlkit.linear import MeanRegularizedRidge
    >>> X, y = make_linear_tasks("shared mean", random_state=0)
    >>> model = MeanRegularizedRidge(coupling=10, task_col=0).fit(X, y)
    >>> model.coef_.shape
    (20, 20)
    """

    def __init__(
        self,
        alpha=1.0,
        coupling=1.0,
        *,
        task_col=None,
        fit_intercept=True,
        couple_intercept=True,
        task_weight="samples",
    ):
        self.alpha = alpha
        self.coupling = coupling
        self.task_col = task_col
        self.fit_intercept = fit_intercept
        self.couple_intercept = couple_intercept
        self.task_weight = task_weight

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
        X, y, task, weight = check_rows(self, X, y, sample_weight)
        return self._solve(TaskMoments.from_rows(X, y, task, weight))

    def partial_fit(self, X, y, sample_weight=None):
        """Add rows to those seen so far; the result is that of one `fit` on all of them.

        Parameters and return value are those of `fit`. New tasks may appear.
        """
        first = not hasattr(self, "moments_")
        X, y, task, weight = check_rows(self, X, y, sample_weight, reset=first)
        new = TaskMoments.from_rows(X, y, task, weight)
        if not first:
            task_codes(new.tasks, self.tasks_, unseen=None)  # an error if names and numbers mix
            new = self.moments_ + new
        return self._solve(new)

    def _solve(self, all_moments):
        check_strength(self, "alpha", include="neither")
        check_strength(self, "coupling", include="both")
        weight = balance_weights(self.task_weight, all_moments.n)
        moments = all_moments.scaled(weight)
        d = moments.x_mean.shape[1]
        coupled = self.fit_intercept and self.couple_intercept
        x0, y0 = np.zeros(d), 0.0
        if self.fit_intercept:
            x0 = np.average(moments.x_mean, axis=0, weights=moments.n)
            y0 = np.average(moments.y_mean, weights=moments.n)
        if self.fit_intercept and not coupled:
            A, r = moments.Sxx.copy(), moments.Sxy.copy()
        else:
            A, r = moments.about(x0, y0)
            if not coupled:
                A, r = A[:, :d, :d], r[:, :d]
        W, w0 = _eliminate(A, r, self.alpha, self.coupling, level=coupled)
        level = np.zeros(len(W))
        if coupled:
            W, w0, level = W[:, :d], w0[:d], W[:, d]
        elif self.fit_intercept:
            level = moments.y_mean - y0 + np.einsum("td,td->t", x0 - moments.x_mean, W)
        self.tasks_ = moments.tasks
        self.coef_, self.shared_coef_ = W, w0
        self.intercept_ = y0 + level - W @ x0
        self.shared_intercept_ = float(y0 + level.mean() - w0 @ x0)
        self.objective_, self.dual_gap_ = self._certify(moments, x0, level if coupled else None)
        self.moments_ = all_moments  # last: after an error nothing has been added
        return self

    def _certify(self, moments, x0, level):
        """The objective and its duality gap, the squared size of what is left of the gradient."""
        W, T = self.coef_, len(self.coef_)
        # At coupling = inf weights are equal, and inf * 0 would be NaN.
        tie = self.coupling if np.isfinite(self.coupling) else 0.0
        off = moments.y_mean - np.einsum("td,td->t", moments.x_mean, W) - self.intercept_
        curved = (moments.Sxx @ W[:, :, None])[:, :, 0]
        loss = moments.Syy + moments.n * off**2
        loss += np.einsum("td,td->t", W, curved - 2 * moments.Sxy)
        mean, apart = W.mean(axis=0), W - W.mean(axis=0)
        pull = moments.Sxy - curved + (moments.n * off)[:, None] * (moments.x_mean - x0)
        left_mean = pull.mean(axis=0) - self.alpha * mean
        left = pull - pull.mean(axis=0) - self.alpha * (1 + tie) * apart
        gap = T * (left_mean**2).sum() + (left**2).sum() / (1 + self.coupling)
        spread = (apart**2).sum()
        if level is not None:
            apart = level - level.mean()
            spread += (apart**2).sum()
            if self.coupling > 0:
                pull = moments.n * off
                left = pull - pull.mean() - self.alpha * tie * apart
                gap += (left**2).sum() / self.coupling
        value = loss.sum() + self.alpha * ((W**2).sum() + tie * spread)
        return float(value), float(gap / self.alpha)


def _eliminate(A, r, alpha, coupling, *, level):
    """Minimise over all w_t = w_0 + v_t, given A_t = Σ z zᵀ (T, k, k) and r_t = Σ z y (T, k).

    Given w_0 the best private part is v_t = (A_t + α(1+c) I)⁻¹ (r_t - A_t w_0). Setting the
    gradient in w_0 to zero then leaves one k × k system. Everything is divided by s = 1 + c, which
    keeps the numbers finite at both ends of the dial. With `level` the last of the k coordinates is
    the level of a task: not shrunk itself, only tied.
    """
    T, k = r.shape
    share = 1.0 if np.isinf(coupling) else coupling / (1 + coupling)  # c / s
    scale = 1 - share  # 1 / s
    penalty = alpha * np.eye(k)
    if level:
        penalty[-1, -1] *= share
    K, q = A, r  # large, so they are written over A and r
    for t in range(T):  # K_t = M_t⁻¹ A_t and q_t = M_t⁻¹ r_t with M_t = A_t / s + α I
        H = _inverse_root(scale * A[t] + penalty)
        K[t], q[t] = H.T @ (H @ A[t]), H.T @ (H @ r[t])
    # Row by row: T w_0 = (c/s) Σ (q_t - K_t w_0); for the level: 0 = Σ (q_t - K_t w_0).
    factor, ridge = np.full(k, share), np.full(k, float(T))
    if level:
        factor[-1], ridge[-1] = 1.0, 0.0
    w0 = np.linalg.solve(np.diag(ridge) + factor[:, None] * K.sum(axis=0), factor * q.sum(axis=0))
    return w0 + scale * (q - K @ w0), w0


def _inverse_root(M):
    """H with Hᵀ H = M⁻¹ for a symmetric positive definite M (k, k)."""
    U, failed = dpotrf(M.T)  # Cholesky: M = Uᵀ U; LAPACK stores matrices by columns
    if not failed:
        return dtrtri(U, overwrite_c=True)[0].T
    # Definite on paper, but the strength is lost in rounding.
    values, vectors = np.linalg.eigh(M)
    smallest = len(M) * np.finfo(float).eps * values[-1]
    return (vectors / np.sqrt(np.maximum(values, smallest))).T
