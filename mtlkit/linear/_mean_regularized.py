"""Mean-regularised multi-task ridge: every task is pulled towards what the tasks have in common."""

import numpy as np
from scipy.linalg.lapack import dpotrf, dtrtri

from .._utils._validation import balance_weights, check_flag, check_strength
from ..table._reading import tasks_of
from ._base import TaskLinearRegressor
from ._blocks import Blocks, in_blocks
from ._keeps_moments import KeepsMoments
from ._moments import moments_or_rows


class MeanRegularizedRidge(KeepsMoments, TaskLinearRegressor):
    r"""Mean-regularised multi-task ridge: partial pooling of the tasks' weights.

    Ridge regression of several tasks whose weights are shrunk towards their mean.

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
    task_weight : {"samples", "tasks"}, Series or array-like of shape (T,), default="samples"
        The balance weights λ_t, factors on the loss of each row of task t, as sample weights are.
        "samples": 1, each row counts the same. "tasks": N / (T n_t), each task counts the same. A
        pandas Series is matched by the names of tasks in its index; an array is in the order of
        `tasks_`.

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
    moments_ : TaskMoments
        Moments of the rows seen so far, to which `partial_fit` adds.
    feature_importances_ : ndarray of shape (p,)
        Root mean square over tasks of each feature's weights, and twice the largest for the task
        column, which ``RFE`` and ``SelectFromModel`` then keep.
    n_features_in_ : int
        Number of columns of `X`, the task column among them.
    feature_names_in_ : ndarray of shape (p,)
        Names of the columns of `X`, if all are strings.

    Raises
    ------
    ValueError
        For parameters out of range, NaN in features, columns that a task lacks, no labelled row.

    See Also
    --------
    EmpiricalBayesRidge : Finds how strongly tasks are tied by itself, and tells deviations.
    MultiTaskLinearRegression : Other penalties; with `SharedMean` the same weights.
    TaskMoments : What is needed of the rows; moments of parts of the rows add up.
    mtlkit.baselines.PerTask : One model per task, the limit at coupling 0.
    mtlkit.baselines.Pooled : One model for all, the limit at infinity.
    mtlkit.transfer.BiasedRidge : One task is shrunk to the weights of others.

    Notes
    -----
    Taught in :doc:`/chapters/algorithms/one_objective`.

    With ``couple_intercept=False`` this is the problem of
    ``MultiTaskLinearRegression(SharedMean(coupling), alpha)``, which leaves intercepts free.

    Unlabelled samples are left out. Features are converted to float64, and so are results. With N
    rows in all and at least T d of them, the private parts are eliminated from moments in closed
    form, which leaves one d × d system for w_0: O(N d² + T d³) time and O(T d²) memory. With fewer
    rows the same is done on rows, n_t × n_t for each task and N × N or d × d for w_0, whatever is
    less: O(Σ n_t² d + N d min(N, d)) time and O(N d) memory; such a model keeps a copy of the rows
    for `partial_fit`.

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

    _most = 1e150  # squares must stay below infinity

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
            Targets; NaN marks an unlabelled sample.
        sample_weight : array-like of shape (n,), default=None
            Factor on the loss of each row; None means 1. Rows of weight 0 are left out.

        Returns
        -------
        self
            The fitted estimator.
        """
        return self._solve(moments_or_rows(self._rows(X, y, sample_weight)))

    def _solve(self, seen):
        """Minimise, given moments, or rows (X, y, task, sample_weight) if they are few."""
        check_strength(self, "alpha", include="neither")
        check_strength(self, "coupling", include="both")
        alpha, coupling = float(self.alpha), float(self.coupling)
        level = coupling if check_flag(self.couple_intercept, "couple_intercept") else 0.0
        if not check_flag(self.fit_intercept, "fit_intercept"):
            level = None
        solve = self._by_rows if isinstance(seen, tuple) else self._by_moments
        try:
            with np.errstate(over="ignore", invalid="ignore"):
                tasks, n, x0, y0, V, w0, own, common, loss = solve(seen, alpha, coupling, level)
        except np.linalg.LinAlgError:  # of numbers that are not finite
            raise _overflow() from None
        # At coupling = inf private parts and levels are equal, and inf * 0 would be NaN.
        tie = coupling if np.isfinite(coupling) else 0.0
        W, spread, levels = w0 + V, ((V - V.mean(axis=0)) ** 2).sum(), np.zeros(len(n))
        if level is not None:  # that of a task's own rows, pulled to the common one
            levels = common + (own - common) * n / (n + alpha * level)
        if level:
            spread += ((levels - levels.mean()) ** 2).sum()
        loss += (n * (own - levels) ** 2).sum()
        objective = float(loss + alpha * ((W**2).sum() + tie * spread))
        if not np.isfinite(objective):
            raise _overflow()
        self.tasks_, self.coef_, self.shared_coef_ = tasks, W, w0
        self.intercept_ = y0 + levels - W @ x0
        self.shared_intercept_ = float(y0 + levels.mean() - w0 @ x0)
        self.objective_ = objective
        self._seen = seen  # last: after an error nothing has been added
        return self

    def _by_moments(self, seen, alpha, coupling, level):
        """Tasks, their weights n (T,), the centre (x0, y0), private parts (T, d), shared part (d,),
        mean residuals (T,) there without levels, the common level, and the loss about means.
        """
        m = seen.scaled(balance_weights(self.task_weight, seen.n, seen.tasks))
        d = m.x_mean.shape[1]
        x0, y0 = np.zeros(d), 0.0
        if level is not None:
            x0 = np.average(m.x_mean, axis=0, weights=m.n)
            y0 = np.average(m.y_mean, weights=m.n)
        if level == 0:  # free: moments about the means
            A, r = m.Sxx.copy(), m.Sxy.copy()
        else:
            k = d if level is None else d + 1
            A, r = (part[..., :k] for part in m.about(x0, y0))
            A = A[:, :k]
        V, w0 = _eliminate(A, r, alpha, coupling, level=bool(level))
        common = w0[d] if level else 0.0
        V, w0 = V[:, :d], w0[:d]
        W = w0 + V
        own = m.y_mean - y0 + np.einsum("td,td->t", x0 - m.x_mean, W)
        loss = m.Syy.sum() + np.vdot(W, (m.Sxx @ W[:, :, None])[:, :, 0] - 2 * m.Sxy)
        return m.tasks, m.n, x0, y0, V, w0, own, common, loss

    def _by_rows(self, seen, alpha, coupling, level):
        """The same from rows (X, y, task, sample_weight)."""
        X, y, task, a = seen
        tasks, codes = tasks_of(X, task)
        X = np.asarray(X)
        a = np.ones(len(y)) if a is None else a
        n = np.bincount(codes, a)
        balance = balance_weights(self.task_weight, n, tasks)
        a, n = a * balance[codes], n * balance
        x0, y0 = np.zeros(X.shape[1]), 0.0
        if level is not None:
            x0, y0 = np.average(X, axis=0, weights=a), np.average(y, weights=a)
        starts, X, y, a, codes = in_blocks(codes, len(tasks), X - x0, y - y0, a, codes)
        root = np.sqrt(a)
        rows = np.column_stack([X * root[:, None], root, y * root])
        V, w0, common = _eliminate_rows(rows, starts, alpha, coupling, level)
        left = y - Blocks(X, starts).apply(w0 + V)
        own = np.bincount(codes, a * left) / n
        return tasks, n, x0, y0, V, w0, own, common, (a * (left - own[codes]) ** 2).sum()


def _overflow():
    return ValueError(
        "numbers overflow: scale features and targets to moderate size, and check alpha, coupling "
        "and task_weight"
    )


def _eliminate(A, r, alpha, coupling, *, level):
    """Minimise over all w_t = w_0 + v_t, given A_t = Σ z zᵀ (T, k, k) and r_t = Σ z y (T, k).

    Given w_0 the best private part is v_t = (A_t + α(1+c) I)⁻¹ (r_t - A_t w_0). Setting the
    gradient in w_0 to zero then leaves one k × k system. Everything is divided by s = 1 + c, which
    keeps the numbers finite at both ends of the dial. With `level` the last of the k coordinates is
    the level of a task: not shrunk itself, only tied. Returns v (T, k) and w_0 (k,).
    """
    T, k = r.shape
    share, scale = _shares(coupling)
    penalty = alpha * np.eye(k)
    if level:
        penalty[-1, -1] *= share
    K, q = A, r  # large, so they are written over A and r
    size = max(20_000 // k**2, 1)  # products of as many matrices at once as the cache holds
    for start in range(0, T, size):  # K_t = M_t⁻¹ A_t and q_t = M_t⁻¹ r_t with M_t = A_t / s + α I
        own = slice(start, start + size)
        H = np.array([_inverse_root(M) for M in scale * A[own] + penalty])
        back = H.transpose(0, 2, 1)
        K[own], q[own] = back @ (H @ A[own]), (back @ (H @ r[own, :, None]))[..., 0]
    # Row by row: T w_0 = (c/s) Σ (q_t - K_t w_0); for the level: 0 = Σ (q_t - K_t w_0).
    factor, ridge = np.full(k, share), np.full(k, float(T))
    if level:
        factor[-1], ridge[-1] = 1.0, 0.0
    w0 = np.linalg.solve(np.diag(ridge) + factor[:, None] * K.sum(axis=0), factor * q.sum(axis=0))
    return scale * (q - K @ w0), w0


def _eliminate_rows(rows, starts, alpha, coupling, level):
    """The same from the rows (X, h, y) (n, d + 2) of all tasks, scaled by roots h of weights.

    With the private part minimised out, the loss of task t for given w_0 is the squared length of
    G_t^(-1/2) (y - X w_0), G_t = α I + X Xᵀ / s: n_t × n_t. Its own level, pulled to the common one
    by the factor `level` (None: no levels), takes from this what lies along G_t^(-1/2) h, wholly at
    level = 0. On such rows w_0 is a ridge, solved by rows or by features, whatever is less. Returns
    v (T, d), w_0 (d,), and the common level.
    """
    share, scale = _shares(coupling)
    T, d = len(starts), rows.shape[1] - 2
    white = []
    for part in np.split(rows, starts[1:]):
        if len(part) > d + 2:  # all that matters are inner products of columns
            part = np.linalg.qr(part, mode="r")
        X = part[:, :d]
        part = _inverse_root(alpha * np.eye(len(part)) + scale * X @ X.T) @ part
        if level is not None:
            size = np.linalg.norm(part[:, d])
            kept = 1.0 if np.isinf(level) else np.sqrt(level / (level + size**2))
            unit = part[:, d] / size
            part -= (1 - kept) * np.outer(unit, unit @ part)
            part[:, d] = kept * size * unit  # exactly 0 where levels are free
        white.append(part)
    starts = np.cumsum([0, *map(len, white[:-1])])
    white = np.concatenate(white)
    Z, h, y = white[:, :d], white[:, d], white[:, -1]
    across = Z, y  # to the common level
    size = np.linalg.norm(h)
    tied = size > 1e-100 and level is not None
    if tied:
        across = Z - np.outer(h, h @ Z) / size**2, y - h * (h @ y) / size**2
    B, b = across
    if len(B) <= d:
        H = _inverse_root(np.eye(len(B)) + share / T * B @ B.T)
        w0 = share / T * (b @ H.T @ H) @ B
    else:
        H = _inverse_root(np.eye(d) + share / T * B.T @ B)
        w0 = share / T * (b @ B) @ H.T @ H
    left = y - Z @ w0
    centre = h @ left / size**2 if tied else 0.0
    return scale * Blocks(Z, starts).pull_back(left - centre * h), w0, centre


def _shares(coupling):
    """c / (1 + c) and 1 / (1 + c)."""
    return (1.0 if np.isinf(coupling) else coupling / (1 + coupling)), 1 / (1 + coupling)


def _inverse_root(M):
    """H with Hᵀ H = M⁻¹ for a symmetric positive definite M (k, k)."""
    U, failed = dpotrf(M.T)  # Cholesky: M = Uᵀ U; LAPACK stores matrices by columns
    if not failed:
        return dtrtri(U, overwrite_c=True)[0].T
    # Definite on paper, but the strength is lost in rounding.
    values, vectors = np.linalg.eigh(M)
    smallest = len(M) * np.finfo(float).eps * values[-1]
    return (vectors / np.sqrt(np.maximum(values, smallest))).T
