"""The shortest vector in the convex hull of a few vectors, from their inner products."""

import numpy as np
from scipy.optimize import nnls


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
