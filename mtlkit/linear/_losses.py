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

from .._utils._containers import SharedTable
from ..table._reading import tasks_of
from ._blocks import Blocks, SameRows, in_blocks


def squared_loss(seen, weight, fit_intercept):
    """The squared loss of what `moments_or_rows` keeps.

    `weight` makes balance weights (T,) from the sums of sample weights (T,) and tasks (T,).
    """
    if isinstance(seen, tuple):
        return RowLoss.from_rows(*seen, weight, fit_intercept)
    return MomentLoss.from_moments(seen.scaled(weight(seen.n, seen.tasks)), fit_intercept)


class SquaredLoss:
    """What the forms of the squared loss share: f(W) = ‖y - XW‖², rows of all tasks together.

    It has ``yy`` = f(0), and ``alignment``, the inner product of the residuals with y.
    """

    def dual(self, W, H, scale):
        """Value of the dual at `scale` times the residuals of W."""
        return 2 * scale * self.alignment(W, H) - scale**2 * self.value(W, H)

    def intercept(self, W):
        return self.y_mean - np.einsum("td,td->t", self.x_mean, W)

    def mean_level(self, W, intercept):
        """Mean over tasks of their predictions at ``centre`` (d,), the mean of all rows."""
        return (intercept + W @ self.centre).mean()


class MomentLoss(SquaredLoss):
    """The squared loss from second moments: A (T, d, d) or one (d, d) for all tasks, r (T, d).

    f(W) = Σ_t w_t·A_t w_t - 2 w_t·r_t + yy. A step costs O(T d²), however many rows there were.
    """

    def __init__(self, A, r, yy, tasks=None, x_mean=None, y_mean=None, centre=None):
        self.A, self.r, self.yy = A, r, yy
        self.tasks, self.x_mean, self.y_mean, self.centre = tasks, x_mean, y_mean, centre
        self.shape = r.shape

    @classmethod
    def from_moments(cls, m, fit_intercept):
        centre = np.average(m.x_mean, axis=0, weights=m.n)
        if not fit_intercept:  # the best intercepts leave moments about the means
            m = m.about_zero()
        A = m.Sxx[0] if m.one_gram else m.Sxx
        return cls(A, m.Sxy, m.Syy.sum(), m.tasks, m.x_mean, m.y_mean, centre)

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

    X and y are centred and scaled by the roots of the weights. X are `Blocks` and y is (n,), or,
    if all tasks have the very same X, that array (n_1, d) or `SameRows`, and y (T, n_1).
    """

    def __init__(self, X, y, tasks=None, x_mean=None, y_mean=None, centre=None):
        self.rows, self.y = SameRows(X) if isinstance(X, np.ndarray) else X, y
        self.tasks, self.x_mean, self.y_mean, self.centre = tasks, x_mean, y_mean, centre
        self.r, self.yy = self.rows.pull_back(y), np.vdot(y, y)
        self.shape = self.r.shape

    @classmethod
    def from_rows(cls, X, y, task, sample_weight, weight, fit_intercept):
        tasks, codes = tasks_of(X, task)
        a = np.ones(len(y)) if sample_weight is None else sample_weight
        n = np.bincount(codes, a)
        balance = weight(n, tasks)
        root = np.sqrt(a * balance[codes])
        if isinstance(X, SharedTable):
            places = X.places(codes, len(tasks))
            if places is not None:
                return cls._from_shared(X.features, places, y, root, tasks, fit_intercept)
            X = np.asarray(X)
        centre = np.average(X, axis=0, weights=root**2)
        starts, X, y, a, root, codes = in_blocks(codes, len(tasks), X, y, a, root, codes)
        rows = Blocks(X, starts)
        x_mean, y_mean = np.zeros((len(tasks), X.shape[1])), np.zeros(len(tasks))
        if fit_intercept:
            x_mean = rows.pull_back(a) / n[:, None]
            y_mean = np.bincount(codes, a * y) / n
        same = sample_weight is None and np.ptp(balance) == 0 and rows.stacked is not None
        same = same and bool((rows.stacked == rows.stacked[0]).all())
        y = (y - y_mean[codes]) * root
        if same:
            first = rows.slices[0]
            X = (X[first] - x_mean[0]) * root[first, None]
            return cls(X, y.reshape(len(tasks), -1), tasks, x_mean, y_mean, centre)
        X = (X - x_mean[codes]) * root[:, None]
        return cls(Blocks(X, starts), y, tasks, x_mean, y_mean, centre)

    @classmethod
    def _from_shared(cls, X, places, values, roots, tasks, fit_intercept):
        T, n = len(tasks), len(X)
        root, y = np.zeros((2, T * n))
        root[places], y[places] = roots, values
        root, y = root.reshape(T, n), y.reshape(T, n)
        same = np.ptp(root) == 0
        share = root[: 1 if same else T] ** 2
        share /= share.sum(axis=1, keepdims=True)
        means, x_mean, y_mean = share @ X, np.zeros((T, X.shape[1])), np.zeros(T)
        centre = means[0] if same else (root**2).sum(axis=1) @ means / (root**2).sum()
        if fit_intercept:
            x_mean[:], y_mean = means, (share * y).sum(axis=1)
            X = X - centre
        y = (y - y_mean[:, None]) * root
        if not same:
            mean = x_mean - centre if fit_intercept else x_mean
            return cls(SameRows(X, root, mean), y, tasks, x_mean, y_mean, centre)
        X = X if root[0, 0] == 1 else X * root[0, 0]
        return cls(X, y, tasks, x_mean, y_mean, centre)

    def apply(self, W):
        return self.rows.apply(W)

    def value(self, W, H):
        return ((self.y - H) ** 2).sum()

    def gradient(self, W, H):
        return 2 * self.rows.pull_back(H - self.y) if H.any() else -2 * self.r

    def alignment(self, W, H):
        return np.vdot(self.y - H, self.y)

    def curvature(self, V):
        return 2 * self.rows.pull_back(self.apply(V))

    def bend(self, V, HV, W, H):
        return 2 * ((H - HV) ** 2).sum()

    def restrict(self, columns):
        rows, T = self.rows.restrict(columns), len(self.r)
        # Then a step on rows is cheaper, or a matrix for each task takes more room than one X.
        holes = isinstance(rows, SameRows) and rows.root is not None
        if len(columns) > 2 * self.y.size / T or (
            holes and T * len(columns) ** 2 > self.rows.X.size
        ):
            return RowLoss(rows, self.y)
        return MomentLoss(rows.grams(), self.r[:, columns], self.yy)


class LogisticLoss:
    """Σ_i λ_t a_i [log(1 + exp z_i) - y_i z_i], z_i = x_i·w_t + o_i + b_t, y_i from 0 to 1.

    The sum is over the rows i of all tasks t, weighted by a (n,) and λ, `balance` (T,). The offsets
    o are what is known of z before; 0 unless set.

    The intercepts are minimised out: for each task one equation, Σ_i a_i (p_i - y_i) = 0, which
    safeguarded Newton steps solve for all tasks at once. Where all rows of a task have one class
    the infimum over its intercept is 0, whatever its weights: it drops out of the loss, as do the
    tasks `absent` (T,). Their intercepts are a matter of their own, see `intercept`, and `typical`
    is where they begin if no task is left in; by default the log odds of y = 1 among all rows.
    """

    def __init__(self, X, y, a, codes, tasks, balance, fit_intercept, *, absent=None, typical=None):
        T = len(tasks)
        a = np.ones(len(y)) if a is None else a
        self.tasks, self.balance, self.fit_intercept = tasks, balance, fit_intercept
        self.shape, self.offset, self._points = (T, X.shape[1]), 0.0, ()
        ones, zeros = np.bincount(codes, a * y, T), np.bincount(codes, a * (1 - y), T)
        self.centre = np.average(X, axis=0, weights=a * balance[codes])
        self.typical = typical
        if typical is None and fit_intercept:
            self.typical = np.log(ones.sum()) - np.log(zeros.sum())
        outside = np.zeros(T, dtype=bool) if absent is None else absent
        self.kept = ~outside & ((ones > 0) & (zeros > 0) if fit_intercept else True)
        a = a * balance[codes]
        rest = (~self.kept & ~outside)[codes]
        self.rest = X[rest], y[rest], a[rest], codes[rest]
        use = self.kept[codes]
        codes = (np.cumsum(self.kept) - 1)[codes]
        rows = (X, y, a, codes) if use.all() else (X[use], y[use], a[use], codes[use])
        self.starts, X, self.y, self.a, self.code = in_blocks(rows[3], self.kept.sum(), *rows)
        self.x_mean = np.zeros((len(self.starts), X.shape[1]))
        if fit_intercept:  # centred features change the intercepts only, and shorten the way
            self.total = np.bincount(self.code, self.a, len(self.starts))
            self.x_mean = Blocks(X, self.starts).pull_back(self.a) / self.total[:, None]
            X = X - self.x_mean[self.code]
            self.logit = np.log(ones[self.kept]) - np.log(zeros[self.kept])
            self.b = np.zeros(len(self.starts))
        self.rows = Blocks(X, self.starts)
        self.yy = self.value(None, np.zeros(len(self.y)))

    def apply(self, W):
        return self.rows.apply(W[self.kept])

    def _pull_back(self, R):
        G = np.zeros(self.shape)
        G[self.kept] = self.rows.pull_back(R)
        return G

    def value(self, W, H):
        z, _ = self._point(H)
        return (self.a * (np.logaddexp(0, z) - self.y * z)).sum()

    def gradient(self, W, H):
        return self._pull_back(self.slopes(H))

    def slopes(self, H):
        return self._point(H)[1]

    def bend(self, V, HV, W, H):
        return np.vdot(self.slopes(H) - self.slopes(HV), H - HV)

    def dual(self, W, H, scale):
        """Value of the dual at `scale` times the residuals y - p of W, `scale` in [0, 1]."""
        q = self.y - scale * (self.y - expit(self._point(H)[0]))
        return (self.a * (entr(q) + entr(1 - q) + (q - self.y) * self.offset)).sum()

    def curvature(self, V):
        return self._pull_back(self.a * self.apply(V)) / 4  # p (1 - p) is at most 1/4

    def restrict(self, columns):
        part = copy(self)
        part.rows, part.shape = self.rows.restrict(columns), (len(self.tasks), len(columns))
        return part

    def _point(self, H):
        """z = H + o + b at the best b, and the slopes of the loss in z; the last two are kept."""
        for known, *point in self._points:
            if known is H:
                return point
        z = H + self.offset
        slopes = self.a * (expit(z) - self.y)
        if self.fit_intercept and len(self.starts):
            z, slopes = self._with_intercept(z)
        self._points = (H, z, slopes), *self._points[:1]
        return z, slopes

    def _with_intercept(self, z):
        """z at the best b, found from the last one; each root is between `low` and `high`."""
        b = self.b
        low = self.logit - np.maximum.reduceat(z, self.starts)
        high = self.logit - np.minimum.reduceat(z, self.starts)
        for _ in range(100):
            p = expit(z + b[self.code])
            slopes = self.a * (p - self.y)
            slope = np.add.reduceat(slopes, self.starts)
            done = abs(slope) <= 1e-13 * self.total
            if done.all():
                break
            low, high = np.where(slope < 0, b, low), np.where(slope > 0, b, high)
            bend = np.add.reduceat(self.a * p * (1 - p), self.starts)
            step = b - slope / np.maximum(bend, 1e-300)
            step = np.where((low <= step) & (step <= high), step, (low + high) / 2)
            b = np.where(done, b, step)
        self.b = b
        return z + b[self.code], slopes

    def intercept(self, W):
        """b (T,); finite also for tasks that are left out, where rows alone would make it infinite.

        Their level l = b + w_t·centre minimises their loss plus λ_t/2 (l - mean of the others')².
        """
        b = np.zeros(len(W))
        if not self.fit_intercept:
            return b
        self._point(self.apply(W))
        b[self.kept] = self.b - np.einsum("td,td->t", self.x_mean, W[self.kept])
        X, y, a, codes = self.rest
        aim = self.mean_level(W, b)
        z = np.einsum("ij,ij->i", X - self.centre, W[codes])
        most = np.bincount(codes, a, len(W)) / self.balance
        low, high = aim - most, aim + most
        for _ in range(60):  # halves the interval
            level = (low + high) / 2
            slopes = a * (expit(z + level[codes]) - y)
            up = self.balance * (level - aim) + np.bincount(codes, slopes, len(W)) < 0
            low, high = np.where(up, level, low), np.where(up, high, level)
        return np.where(self.kept, b, level - W @ self.centre)

    def mean_level(self, W, intercept):
        """Mean over tasks that are not left out of their values at ``centre`` (d,)."""
        if not self.kept.any():
            return self.typical
        return (intercept + W @ self.centre)[self.kept].mean()
