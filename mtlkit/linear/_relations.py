"""Penalties by relations among tasks: given as a graph, or learned as a covariance."""

import numpy as np

from .._utils._containers import some
from ._penalties import Penalty, with_coupling


class TaskGraph(Penalty):
    r"""Graph Laplacian regularisation: tasks joined by an edge are pulled together.

    .. math:: \Omega(W) = \sum_t \|w_t\|^2 + \frac c2 \sum_{s,t} a_{st} \|w_s - w_t\|^2
              = \operatorname{tr} W^\top (I + c L) W,

    with a_st = a_ts ≥ 0 the weight of an edge and L = diag(Σ_s a_st) - A the graph Laplacian. With
    a_st = 1/T for all pairs this is `SharedMean`.

    Parameters
    ----------
    adjacency : DataFrame or array-like of shape (T, T)
        The weights A of the edges, symmetric, not negative; the diagonal does not matter. A
        DataFrame has the names of the tasks as index and columns, in any order, and may hold more
        tasks than the table; an array is in the order of `tasks_` (sorted).
    coupling : float, default=1.0
        c, at least 0 and finite.

    See Also
    --------
    LearnedRelations : Relations that are learned, where none are known.
    SharedMean : All tasks are related alike.

    Notes
    -----
    Taught in :doc:`/chapters/algorithms/which_tasks_belong_together`.

    Cost: one eigendecomposition of L, O(T³), then O(T² d) a proximal step.

    References
    ----------
    * T. Evgeniou, C. A. Micchelli and M. Pontil, "Learning multiple tasks with kernel methods",
      Journal of Machine Learning Research 6, 615-637, 2005.

    Examples
    --------
    >>> chain = TaskGraph([[0, 1, 0], [1, 0, 1], [0, 1, 0]], coupling=2).bind([0, 1, 2])
    >>> round(chain.value(np.array([[1.0], [2.0], [2.0]])), 9)
    11.0
    """

    power = 2

    def __init__(self, adjacency, coupling=1.0):
        self.adjacency = adjacency
        self.coupling = coupling

    def bind(self, tasks):
        bound = with_coupling(self, finite=True)
        A = self._edges(tasks.tolist() if hasattr(tasks, "tolist") else list(tasks))
        A = A - np.diag(np.diag(A))
        sizes, bound._basis = np.linalg.eigh(np.diag(A.sum(axis=0)) - A)
        with np.errstate(over="ignore"):
            bound._charge = 1 + bound.coupling * sizes.clip(min=0)
        return bound

    def _edges(self, tasks):
        A = self.adjacency
        if hasattr(A, "loc"):
            named = set(A.index) & set(A.columns) if hasattr(A, "columns") else set()
            absent = [t for t in tasks if t not in named]
            if absent:
                raise ValueError(
                    f"adjacency has no row and column for tasks {some(absent)}: add them, with "
                    "zeros where a task has no relation"
                )
            A = A.loc[tasks, tasks]
        try:
            A = np.asarray(A, dtype=float)
        except (TypeError, ValueError):
            raise ValueError(f"adjacency must hold numbers, got {self.adjacency!r}") from None
        if A.shape != (len(tasks), len(tasks)):
            raise ValueError(
                f"adjacency has shape {A.shape}, but there are {len(tasks)} tasks: give one row "
                "and column per task, in the order of tasks_, or a DataFrame with each task's name "
                "once in index and columns"
            )
        wrong = ~((A >= 0) & (A < 1e100))  # so that sums and products are finite
        if wrong.any():
            s, t = np.argwhere(wrong)[0]
            raise ValueError(
                f"adjacency must be finite and not negative, got {A[s, t]} for tasks {tasks[s]!r} "
                f"and {tasks[t]!r}: an edge pulls two tasks together; for opposed tasks use "
                "LearnedRelations or LowRank"
            )
        unequal = ~np.isclose(A, A.T)
        if unequal.any():
            s, t = np.argwhere(unequal)[0]
            raise ValueError(
                f"adjacency must be symmetric, but from task {tasks[s]!r} to {tasks[t]!r} it is "
                f"{A[s, t]}, and back {A[t, s]}: use (A + A.T) / 2"
            )
        return A

    def value(self, W):
        return float((self._charge[:, None] * (self._basis.T @ W) ** 2).sum())

    def prox(self, V, step):
        return self._basis @ ((self._basis.T @ V) / (1 + 2 * step * self._charge)[:, None])

    def dual_norm(self, G):
        return float(np.sqrt(((self._basis.T @ G) ** 2 / self._charge[:, None]).sum()))


class LearnedRelations(Penalty):
    r"""Multi-task relationship learning: the covariance of the tasks is part of the solution.

    With Σ (T, T) positive semidefinite,

    .. math::

        \Omega(W) = \sum_t \|w_t\|^2
        + c \min_{\operatorname{tr} \Sigma = 1} \operatorname{tr} W^\top \Sigma^{-1} W
        = \|W\|_F^2 + c\, \|W\|_*^2 .

    The minimum is at Σ = (W Wᵀ)^{1/2} / tr (W Wᵀ)^{1/2}. It adds ``task_covariance_`` (T, T), this
    Σ, to a fitted model. Clusters of tasks show in it as blocks, opposed tasks as negative
    entries.

    Parameters
    ----------
    coupling : float, default=1.0
        c, at least 0 and finite. At 0 every task is alone.

    See Also
    --------
    TaskGraph : Relations that are known.
    LowRank : The norm whose square is part of this penalty.

    Notes
    -----
    Taught in :doc:`/chapters/algorithms/learned_groups`.

    Zhang and Yeung alternate between W and Σ. With Σ minimised out what is left is a squared norm
    of W, convex, whose proximal step is one singular value decomposition: O(T d min(T, d)).

    References
    ----------
    * Y. Zhang and D.-Y. Yeung, "A convex formulation for learning task relationships in
      multi-task learning", UAI 2010, pp. 733-742.

    Examples
    --------
    >>> W = np.array([[2.0, 0.0], [-2.0, 0.0]])
    >>> LearnedRelations().describe(W)["task_covariance_"].round(6)
    array([[ 0.5, -0.5],
           [-0.5,  0.5]])
    """

    power = 2

    def __init__(self, coupling=1.0):
        self.coupling = coupling

    def bind(self, tasks):
        return with_coupling(self, finite=True)

    def value(self, W):
        sizes = np.linalg.svd(W, compute_uv=False)
        return float((sizes**2).sum() + self.coupling * sizes.sum() ** 2)

    def prox(self, V, step):
        left, sizes, right = np.linalg.svd(V, full_matrices=False)
        return left * _tied_shrink(sizes, 1 + 2 * step, 2 * step * self.coupling) @ right

    def dual_norm(self, G):
        # max <g, s> - |s|² - c (Σ s)² is N°²/4, and half of <g, s> at the best s.
        sizes = np.linalg.svd(G, compute_uv=False)
        return float(np.sqrt(2 * sizes @ _tied_shrink(sizes, 2.0, 2 * self.coupling)))

    def describe(self, W):
        left, sizes, _ = np.linalg.svd(W, full_matrices=False)
        total = sizes.sum()
        if total == 0:  # no weights, no relations: what is known before any data
            return {"task_covariance_": np.eye(len(W)) / len(W)}
        return {"task_covariance_": left * (sizes / total) @ left.T}


def _tied_shrink(sizes, a, c):
    """The s ≥ 0 with a s_i + c Σ s = sizes_i wherever s_i > 0; `sizes` falls."""
    k = np.arange(1, len(sizes) + 1)
    totals = np.cumsum(sizes) / (a + c * k)  # Σ s if the k largest are above 0
    total = totals[max((sizes > c * totals).sum() - 1, 0)]
    return np.maximum(sizes - c * total, 0) / a
