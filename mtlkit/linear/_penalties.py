"""Penalties: each says what tasks share, as a norm of the weights W (T, d) or the square of one.

What belongs here: small objects with a value, a proximal step and a dual norm. The losses are in
``_losses.py``, the solver in ``_solver.py``; neither knows one penalty from another.
"""

from abc import ABC, abstractmethod
from copy import copy

import numpy as np
from sklearn.base import BaseEstimator

from .._utils._containers import some
from .._utils._validation import check_number


class Penalty(ABC, BaseEstimator):
    r"""What every penalty Ω has; derive from it to add one.

    Ω is a norm N of the weights W, shape (T, d), one row per task (``power = 1``), or the square
    N² of one (``power = 2``). The dual norm is :math:`N^\circ(G) = \max \{\langle G, W \rangle :
    N(W) \le 1\}`. From it the solver computes a duality gap, which bounds how far the objective is
    from its minimum. Parameters are set and searched like those of an estimator
    (``penalty__coupling``).

    Attributes
    ----------
    power : {1, 2}
        Whether Ω is a norm or its square.
    """

    power = 1

    @abstractmethod
    def value(self, W):
        """Ω(W), a float."""

    @abstractmethod
    def prox(self, V, step):
        """The W (T, d) that minimises ½‖W - V‖² + step · Ω(W)."""

    @abstractmethod
    def dual_norm(self, G):
        """N°(G), a float, for G (T, d)."""

    def bind(self, tasks):
        """The penalty ready for these tasks; raises ValueError if its parameters do not fit."""
        return self

    def describe(self, W):
        """What the weights W (T, d) say about the tasks: attributes for the fitted model."""
        return {}


class JointSupport(Penalty):
    r"""One set of features for all tasks: a feature is kept by all of them, or dropped by all.

    .. math:: \Omega(W) = \sum_{j=1}^{d} \Big( \sum_{t=1}^{T} w_{tj}^2 \Big)^{1/2},

    the ℓ2,1 norm. It adds ``support_`` to a fitted model: a boolean array (d,), True for features
    with a weight other than 0.

    Notes
    -----
    Cost of a proximal step: O(T d). The sum runs over features, so the solver works on a few of
    them at a time.

    References
    ----------
    * G. Obozinski, B. Taskar and M. I. Jordan, "Joint covariate selection and joint subspace
      selection for multiple classification problems", Statistics and Computing 20, 231-252, 2010.

    Examples
    --------
    >>> JointSupport().value(np.array([[3.0, 0.0], [4.0, 0.0]]))
    5.0
    """

    def value(self, W):
        return float(self.feature_norms(W).sum())

    def prox(self, V, step):
        norms = self.feature_norms(V)
        return V * (np.maximum(norms - step, 0) / np.where(norms > 0, norms, 1))

    def dual_norm(self, G):
        return float(self.feature_norms(G).max())

    def feature_norms(self, G):
        """The norm of each feature's column, shape (d,); having this allows a working set."""
        return np.sqrt(np.einsum("tj,tj->j", G, G))

    def describe(self, W):
        return {"support_": W.any(axis=0)}


class LowRank(Penalty):
    r"""Few directions for all tasks: W = U V with U (T, k), V (k, d) and k small.

    .. math:: \Omega(W) = \|W\|_* = \sum_i \sigma_i(W),

    the trace norm, with σ_i the singular values. It adds ``rank_``, the number of directions, to a
    fitted model.

    Notes
    -----
    Cost of a proximal step: one singular value decomposition, O(T d min(T, d)).

    References
    ----------
    * A. Argyriou, T. Evgeniou and M. Pontil, "Convex multi-task feature learning", Machine
      Learning 73, 243-272, 2008.

    Examples
    --------
    >>> LowRank().value(np.diag([3.0, 4.0]))
    7.0
    """

    def value(self, W):
        return float(np.linalg.svd(W, compute_uv=False).sum())

    def prox(self, V, step):
        left, sizes, right = np.linalg.svd(V, full_matrices=False)
        return left * np.maximum(sizes - step, 0) @ right

    def dual_norm(self, G):
        return float(np.linalg.norm(G, 2))

    def describe(self, W):
        return {"rank_": int(np.linalg.matrix_rank(W))}


class SharedMean(Penalty):
    r"""Every task near the mean of all: the penalty of `MeanRegularizedRidge`.

    .. math:: \Omega(W) = \sum_t \|w_t\|^2 + c \sum_t \|w_t - \bar w\|^2,
              \qquad \bar w = \frac1T \sum_t w_t.

    It adds ``shared_coef_`` (d,), the shared part w_0 = c/(1+c) w̄, and ``shared_intercept_`` to a
    fitted model; they predict tasks that were not seen in `fit`. Intercepts are left free.

    Parameters
    ----------
    coupling : float, default=1.0
        c, from 0 (every task alone) to ``numpy.inf`` (equal weights), both included.

    Notes
    -----
    Cost of a proximal step: O(T d).

    References
    ----------
    * T. Evgeniou and M. Pontil, "Regularized multi-task learning", KDD 2004, pp. 109-117.

    Examples
    --------
    >>> SharedMean(coupling=3).value(np.array([[1.0], [3.0]]))
    16.0
    """

    power = 2

    def __init__(self, coupling=1.0):
        self.coupling = coupling

    def bind(self, tasks):
        return _with_coupling(self)

    def value(self, W):
        spread = ((W - W.mean(axis=0)) ** 2).sum()
        # At coupling = inf the spread is rounding, and inf times rounding would be inf.
        tied = self.coupling * spread if np.isfinite(self.coupling) else 0.0
        return float((W**2).sum() + tied)

    def prox(self, V, step):
        mean = V.mean(axis=0)
        return mean / (1 + 2 * step) + (V - mean) / (1 + 2 * step * (1 + self.coupling))

    def dual_norm(self, G):
        mean = G.mean(axis=0)
        apart = ((G - mean) ** 2).sum() / (1 + self.coupling)
        return float(np.sqrt(len(G) * (mean**2).sum() + apart))

    def describe(self, W):
        share = 1.0 if np.isinf(self.coupling) else self.coupling / (1 + self.coupling)
        return {"shared_coef_": share * W.mean(axis=0)}


class TaskGraph(Penalty):
    r"""Given relations: tasks joined by an edge are pulled together.

    .. math:: \Omega(W) = \sum_t \|w_t\|^2 + \frac c2 \sum_{s,t} a_{st} \|w_s - w_t\|^2
              = \operatorname{tr} W^\top (I + c L) W,

    with a_st = a_ts ≥ 0 the weight of an edge and L = diag(Σ_s a_st) - A the graph Laplacian. With
    a_st = 1/T for all pairs this is `SharedMean`.

    Parameters
    ----------
    weights : DataFrame or array-like of shape (T, T)
        The edges A, symmetric, not negative; the diagonal does not matter. A DataFrame has the
        names of the tasks as index and columns, in any order, and may hold more tasks than the
        table; an array is in the order of `tasks_` (sorted).
    coupling : float, default=1.0
        c, at least 0.

    Notes
    -----
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
        bound = _with_coupling(self, finite=True)
        A = self._edges(list(tasks))
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
    r"""Relations learned from the data: the covariance of the tasks is a part of the solution.

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

    Notes
    -----
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
        return _with_coupling(self, finite=True)

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


def _with_coupling(penalty, finite=False):
    """A copy whose coupling is a checked number of Python, at full precision."""
    bound = copy(penalty)
    bound.coupling = float(check_number(penalty.coupling, "coupling", low=0, open_high=finite))
    return bound
