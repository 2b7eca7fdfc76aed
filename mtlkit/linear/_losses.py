"""Losses of T linear models as functions of the weights W (T, d), intercepts minimised out.

What belongs here: for the squared and the logistic loss, `value` and `gradient`; `dual`, the value
that certifies a solution; `bend`, the inner product of W - V with the difference of their
gradients, which says how long a step may be; `restrict`, the loss on some features. A loss never
sees the penalty. All of them work on ``H = apply(W)``, which is linear in W: so the solver can
extrapolate H instead of computing it again.
"""

from copy import copy

import numpy as np
from scipy.special import entr, expit

from .._utils._containers import blocks, groups
from ._moments import TaskMoments


def squared_loss(rows, weight, fit_intercept):
    """The squared loss of checked rows (X, y, task, sample_weight), and its moments or None.

    `weight` makes balance weights (T,) from the sums of sample weights (T,). Moments are used
    unless there are fewer rows than moments have numbers: d × d for each task.
    """
    X, y, task, sample_weight = rows
    if len(y) >= X.shape[1] * len(np.unique(task)):
        moments = TaskMoments.from_rows(*rows)
        return MomentLoss.from_moments(moments.scaled(weight(moments.n)), fit_intercept), moments
    return RowLoss.from_rows(X, y, task, sample_weight, weight, fit_intercept), None


class SquaredLoss:
    """What the forms of the squared loss share: f(W) = ‖y - XW‖², rows of all tasks together.

    It has ``yy`` = f(0), and ``alignment``, the inner product of the residuals with y.
    """

    def dual(self, W, H, scale):
        """Value of the dual at `scale` times the residuals of W."""
        return 2 * scale * self.alignment(W, H) - scale**2 * self.value(W, H)

    def intercept(self, W):
        return self.y_mean - np.einsum("td,td->t", self.x_mean, W)


class MomentLoss(SquaredLoss):
    """The squared loss from second moments: A (T, d, d) or one (d, d) for all tasks, r (T, d).

    f(W) = Σ_t w_t·A_t w_t - 2 w_t·r_t + yy. A step costs O(T d²), however many rows there were.
    """

    def __init__(self, A, r, yy, tasks=None, x_mean=None, y_mean=None):
        self.A, self.r, self.yy = A, r, yy
        self.tasks, self.x_mean, self.y_mean = tasks, x_mean, y_mean
        self.shape = r.shape

    @classmethod
    def from_moments(cls, m, fit_intercept):
        if fit_intercept:  # the best intercepts leave moments about the means
            return cls(m.Sxx, m.Sxy, m.Syy.sum(), m.tasks, m.x_mean, m.y_mean)
        d = m.x_mean.shape[1]
        A, r = m.about(np.zeros(d), 0.0)
        yy = (m.Syy + m.n * m.y_mean**2).sum()
        return cls(A[:, :d, :d], r[:, :d], yy, m.tasks, 0 * m.x_mean, 0 * m.y_mean)

    def apply(self, W):
        return W @ self.A if self.A.ndim == 2 else np.matmul(self.A, W[:, :, None])[:, :, 0]

    def value(self, W, H):
        return np.vdot(W, H - 2 * self.r) + self.yy

    def gradient(self, W, H):
        return 2 * (H - self.r)

    def alignment(self, W, H):
        return self.yy - np.vdot(W, self.r)

    def curvature(self, V):
        return 2 * self.apply(V)

    def bend(self, V, HV, W, H):
        return 2 * np.vdot(W - V, H - HV)

    def restrict(self, columns):
        A = self.A[..., columns[:, None], columns]
        return MomentLoss(A, self.r[:, columns], self.yy)


class RowLoss(SquaredLoss):
    """The squared loss from the rows themselves, for more features than rows.

    X is a list of T arrays (n_t, d), centred and scaled by the roots of the weights, and so is
    y (n,). If all tasks have the very same X, it is that one array, and y is (T, n_1).
    """

    def __init__(self, X, y, tasks=None, x_mean=None, y_mean=None):
        self.X, self.y, self.shared_rows = X, y, not isinstance(X, list)
        self.tasks, self.x_mean, self.y_mean = tasks, x_mean, y_mean
        if not self.shared_rows:
            ends = np.cumsum([len(X_t) for X_t in X])
            self.slices = [slice(end - len(X_t), end) for X_t, end in zip(X, ends, strict=True)]
        self.r, self.yy = self._pull_back(y), np.vdot(y, y)
        self.shape = self.r.shape

    @classmethod
    def from_rows(cls, X, y, task, sample_weight, weight, fit_intercept):
        tasks, codes = np.unique(task, return_inverse=True)
        rows_of = blocks(codes, len(tasks))
        a = np.ones(len(y)) if sample_weight is None else sample_weight
        balance = weight(np.bincount(codes, a))
        shared_rows = sample_weight is None and np.ptp(balance) == 0
        first = X[rows_of[0]]
        shared_rows = shared_rows and all(np.array_equal(X[rows], first) for rows in rows_of[1:])
        x_mean, y_mean = np.zeros((len(tasks), X.shape[1])), np.zeros(len(tasks))
        parts, targets = [], []
        for t, rows in enumerate(rows_of):
            root = np.sqrt(a[rows] * balance[t])
            if fit_intercept:
                x_mean[t] = x_mean[0] if shared_rows and t else np.average(X[rows], 0, a[rows])
                y_mean[t] = np.average(y[rows], weights=a[rows])
            if not (shared_rows and t):
                parts.append((X[rows] - x_mean[t]) * root[:, None])
            targets.append((y[rows] - y_mean[t]) * root)
        if shared_rows:
            return cls(parts[0], np.array(targets), tasks, x_mean, y_mean)
        return cls(parts, np.concatenate(targets), tasks, x_mean, y_mean)

    def apply(self, W):
        if self.shared_rows:
            return W @ self.X.T
        return np.concatenate([X_t @ w for X_t, w in zip(self.X, W, strict=True)])

    def _pull_back(self, R):
        if self.shared_rows:
            return R @ self.X
        return np.array([R[own] @ X_t for own, X_t in zip(self.slices, self.X, strict=True)])

    def value(self, W, H):
        return ((self.y - H) ** 2).sum()

    def gradient(self, W, H):
        return 2 * self._pull_back(H - self.y)

    def alignment(self, W, H):
        return np.vdot(self.y - H, self.y)

    def curvature(self, V):
        return 2 * self._pull_back(self.apply(V))

    def bend(self, V, HV, W, H):
        return 2 * ((H - HV) ** 2).sum()

    def restrict(self, columns):
        X = [X_t[:, columns] for X_t in ([self.X] if self.shared_rows else self.X)]
        if len(columns) > 2 * self.y.size / self.shape[0]:  # then a step on rows is cheaper
            return RowLoss(X[0] if self.shared_rows else X, self.y)
        A = np.array([X_t.T @ X_t for X_t in X])
        return MomentLoss(A[0] if self.shared_rows else A, self.r[:, columns], self.yy)


class LogisticLoss:
    """Σ_t λ_t Σ_i a_ti [log(1 + exp z_ti) - y_ti z_ti], z_ti = x_ti·w_t + o_ti + b_t, y 0 or 1.

    The offsets o (n,) are what is known of z before; None is 0.

    The intercepts are minimised out: for each task one equation, Σ_i a_ti (p_ti - y_ti) = 0, which
    safeguarded Newton steps solve for all tasks at once. A task whose rows have one class has loss
    0 in the limit of an infinite intercept, which is where its intercept goes.
    """

    def __init__(self, rows, weight, fit_intercept, offset=None):
        X, y, task, sample_weight = rows
        self.tasks, codes = np.unique(task, return_inverse=True)
        a = np.ones(len(y)) if sample_weight is None else sample_weight
        balance = weight(np.bincount(codes, a))
        share = np.bincount(codes, a * y) / np.bincount(codes, a)  # of class 1
        self.shape = (len(self.tasks), X.shape[1])
        self.fit_intercept = fit_intercept
        self.x_mean = np.zeros(self.shape)
        self.b = np.where(share == 0, -np.inf, np.where(share == 1, np.inf, 0.0))
        self.kept = np.flatnonzero((share > 0) & (share < 1))
        rows_of = groups(codes, len(self.tasks))
        order = np.concatenate([np.empty(0, dtype=int), *(rows_of[t] for t in self.kept)])
        sizes = np.array([len(rows_of[t]) for t in self.kept], dtype=int)
        self.starts = np.cumsum(sizes) - sizes
        self.code = np.repeat(np.arange(len(sizes)), sizes)
        self.X, self.y = X[order], y[order]
        self.a = (a * balance[codes])[order]
        self.offset = np.zeros(len(order)) if offset is None else offset[order]
        self.slices = [slice(s, s + n) for s, n in zip(self.starts, sizes, strict=True)]
        self.logit = np.log(share[self.kept]) - np.log1p(-share[self.kept])
        if fit_intercept:  # centred features change the intercepts only, and shorten the way
            for t, own in zip(self.kept, self.slices, strict=True):
                self.x_mean[t] = np.average(self.X[own], axis=0, weights=self.a[own])
            self.X = self.X - self.x_mean[self.kept][self.code]
        self.yy = self.value(np.zeros(self.shape), np.zeros(len(self.y)))

    def apply(self, W):
        if not self.slices:
            return np.empty(0)
        parts = zip(self.slices, W[self.kept], strict=True)
        return np.concatenate([self.X[own] @ w for own, w in parts])

    def _pull_back(self, R):
        G = np.zeros(self.shape)
        for t, own in zip(self.kept, self.slices, strict=True):
            G[t] = R[own] @ self.X[own]
        return G

    def value(self, W, H):
        z = self._with_intercept(H)
        return (self.a * (np.logaddexp(0, z) - self.y * z)).sum()

    def gradient(self, W, H):
        return self._pull_back(self.slopes(H))

    def slopes(self, H):
        return self.a * (expit(self._with_intercept(H)) - self.y)

    def bend(self, V, HV, W, H):
        return np.vdot(self.slopes(H) - self.slopes(HV), H - HV)

    def dual(self, W, H, scale):
        """Value of the dual at `scale` times the residuals y - p of W, `scale` in [0, 1]."""
        q = self.y - scale * (self.y - expit(self._with_intercept(H)))
        return (self.a * (entr(q) + entr(1 - q) + (q - self.y) * self.offset)).sum()

    def curvature(self, V):
        return self._pull_back(self.a * self.apply(V)) / 4  # p (1 - p) is at most 1/4

    def restrict(self, columns):
        part = copy(self)
        part.X, part.shape = self.X[:, columns], (len(self.tasks), len(columns))
        return part

    def _with_intercept(self, H):
        """z = H + o + b at the best b, found from the last; a root is between `low` and `high`."""
        H = H + self.offset
        if not self.fit_intercept or not self.slices:
            return H
        b = self.b[self.kept]
        low = self.logit - np.maximum.reduceat(H, self.starts)
        high = self.logit - np.minimum.reduceat(H, self.starts)
        total = np.add.reduceat(self.a, self.starts)
        for _ in range(100):
            p = expit(H + b[self.code])
            slope = np.add.reduceat(self.a * (p - self.y), self.starts)
            done = abs(slope) <= 1e-13 * total
            if done.all():
                break
            low, high = np.where(slope < 0, b, low), np.where(slope > 0, b, high)
            bend = np.add.reduceat(self.a * p * (1 - p), self.starts)
            step = b - slope / np.maximum(bend, 1e-300)
            step = np.where((low <= step) & (step <= high), step, (low + high) / 2)
            b = np.where(done, b, step)
        self.b[self.kept] = b
        return H + b[self.code]

    def intercept(self, W):
        self._with_intercept(self.apply(W))
        b = self.b - np.einsum("td,td->t", self.x_mean, W)
        return b if self.fit_intercept else np.where(np.isinf(b), b, 0.0)
