"""Products of the rows of T tasks with their weights, in the form that is fastest for the rows."""

import numpy as np
from scipy.sparse import csr_array


class Blocks:
    """Rows X (n, d) of T tasks, task after task: the products x_i·w_t, and their adjoint.

    `starts` (T,) says where each task begins. A loop over tasks costs microseconds for each, so
    tasks of equal size are one batched product, and small ones one block-diagonal sparse matrix.
    """

    def __init__(self, X, starts):
        self.X, self.starts = X, starts
        (n, d), T = X.shape, len(starts)
        ends = np.append(starts, n)[1:]
        self.slices = [slice(*pair) for pair in zip(starts.tolist(), ends.tolist(), strict=True)]
        self.stacked = self.sparse = None
        if T == 0 or np.ptp(ends - starts) == 0:
            self.stacked = X.reshape(T, n // max(T, 1), d)
        elif X.size < 4000 * T:
            columns = d * np.repeat(np.arange(T), ends - starts)[:, None] + np.arange(d)
            parts = X.ravel(), columns.ravel(), d * np.arange(n + 1)
            self.sparse = csr_array(parts, shape=(n, T * d))

    def apply(self, W):
        if self.stacked is not None:
            return np.matmul(self.stacked, W[:, :, None]).ravel()
        if self.sparse is not None:
            return self.sparse @ W.ravel()
        return np.concatenate([self.X[own] @ w for own, w in zip(self.slices, W, strict=True)])

    def pull_back(self, R):
        if self.stacked is not None:
            T, n, _ = self.stacked.shape
            return np.matmul(R.reshape(T, 1, n), self.stacked)[:, 0]
        if self.sparse is not None:
            return (self.sparse.T @ R).reshape(len(self.starts), -1)
        return np.array([R[own] @ self.X[own] for own in self.slices])

    def restrict(self, columns):
        return Blocks(self.X[:, columns], self.starts)

    def grams(self):
        return np.array([self.X[own].T @ self.X[own] for own in self.slices])


class SameRows:
    """`Blocks` of T tasks with the very same X (n, d): values are (T, n), one row a task.

    Where tasks lack rows, or weight them, row i of task t is (x_i - mean_t) root_ti, with roots
    (T, n) that are 0 for a row that is not there.
    """

    def __init__(self, X, root=None, mean=None):
        self.X, self.root, self.mean = X, root, mean

    def apply(self, W):
        used = np.flatnonzero(W.any(axis=0))
        few = 4 * len(used) < W.shape[1]
        H = W[:, used] @ self.X[:, used].T if few else W @ self.X.T
        if self.root is None:
            return H
        return (H - np.einsum("td,td->t", W, self.mean)[:, None]) * self.root

    def pull_back(self, R):
        if self.root is None:
            return R @ self.X
        R = R * self.root
        return R @ self.X - R.sum(axis=1, keepdims=True) * self.mean

    def restrict(self, columns):
        mean = None if self.mean is None else self.mean[:, columns]
        return SameRows(self.X[:, columns], self.root, mean)

    def grams(self):
        if self.root is None:
            return self.X.T @ self.X
        pairs = zip(self.root[:, :, None], self.mean, strict=True)
        parts = ((self.X - mean) * root for root, mean in pairs)
        return np.array([X.T @ X for X in parts])


def in_blocks(codes, n_tasks, *columns):
    """Where each task starts once rows stand task after task, and columns in this order."""
    sizes = np.bincount(codes, minlength=n_tasks)
    starts = np.cumsum(sizes) - sizes
    if (codes[1:] >= codes[:-1]).all():
        return starts, *columns
    order = np.argsort(codes, kind="stable")
    return starts, *(column[order] for column in columns)
