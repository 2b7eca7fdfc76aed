"""Small numerics: BLAS held to one thread, many ridges at once, shortest vector in a hull."""

from functools import cache
from threading import Lock

import numpy as np
from scipy.optimize import nnls
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from threadpoolctl import ThreadpoolController


@cache
def _controller():
    return ThreadpoolController()  # looking for the libraries takes longer than many a fit


class _OneBlasThread:
    """The context of `one_blas_thread`: the first to enter sets the limit, the last lifts it."""

    def __init__(self):
        self.lock, self.inside = Lock(), 0

    def __enter__(self):
        with self.lock:
            if self.inside == 0:
                self.limit = _controller().limit(limits=1, user_api="blas")
            self.inside += 1

    def __exit__(self, *error):
        with self.lock:
            self.inside -= 1
            if self.inside == 0:
                self.limit.restore_original_limits()


_one_blas_thread = _OneBlasThread()


def one_blas_thread():
    """A context in which BLAS uses one thread: threads that wait for each other cost more.

    Contexts of several threads may overlap in any order.
    """
    return _one_blas_thread


def ridges(A, r, alpha, least=1e-6):
    """(A_t + α I)⁻¹ r_t of T systems A (T, k, k), r (T, k, q) at once; None if rounding would tell.

    A pivot of the Cholesky factor over its diagonal element is what a column has beyond the columns
    before it, whatever the scale of each. Below `least` (or NaN), digits are lost.
    """
    M = A + alpha * np.eye(A.shape[-1])
    try:
        pivots = np.linalg.cholesky(M).diagonal(axis1=1, axis2=2) ** 2
    except np.linalg.LinAlgError:
        return None
    if not (pivots >= least * M.diagonal(axis1=1, axis2=2)).all():
        return None
    return np.linalg.solve(M, r)


def shortest_in_hull(gram):
    """Weights w (K,), w ≥ 0 and Σ w = 1, that minimise wᵀ gram w: non-negative least squares."""
    # It is v / Σv with v ≥ 0 the minimum of ½ vᵀMv - Σv.
    R = gram_root(gram)
    v, _ = nnls(R, np.linalg.solve(R.T, np.ones(len(gram))))
    return v / v.sum()


def gram_root(gram):
    """Upper triangular R with RᵀR = gram, up to a billionth of its size."""
    size = np.trace(gram)
    size = size if size > 1e-200 else 1.0  # all vectors are zero: any weights will do
    return np.linalg.cholesky(gram + 1e-9 * size * np.eye(len(gram))).T


def possible_classes(has):
    """Which classes each task may take, (T, K), from those that it had in `fit`, (T, K).

    What was not seen is not impossible: tasks that share a class, directly or through others, share
    all their classes. Only tasks with disjoint sets of classes keep them apart.
    """
    group = connected_components(csr_array(has.T @ has, dtype=int), directed=False)[1]
    first = has.argmax(axis=1)
    return group[first][:, None] == group[None, :]
