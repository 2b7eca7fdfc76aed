"""Restricted maximum likelihood of a linear mixed model, from moments of the tasks."""

import numpy as np
from scipy.optimize import minimize, root

FLOOR = 1e-10  # of the residual variance, relative to that of y: rows without noise have a fit too


class Criterion:
    """The REML criterion as a function of Λ (q, r), from moments of x (p,) and z (q,) of tasks."""

    def __init__(self, A, r, yy, F, N, free):
        ZA = N.T @ A
        self.ZZ, self.ZX, self.Zy = ZA @ N, ZA @ F, r @ N
        self.XX, self.Xy, self.yy, self.free = F.T @ A.sum(axis=0) @ F, r.sum(axis=0) @ F, yy, free

    def parts(self, L):
        """W_t with W_tᵀ W_t = D_t, the covariance of u_t given y and β over σ²; M_t = D_t Z_tᵀ X;
        C with C Cᵀ = (Xᵀ V⁻¹ X)⁻¹; β; u_t; r², kept above zero; and log |V|.
        """
        roots = np.linalg.cholesky(np.eye(L.shape[1]) + L.T @ (self.ZZ @ L))
        log_det = 2 * np.log(np.einsum("tii->ti", roots)).sum()
        W = np.linalg.solve(roots, np.broadcast_to(L.T, (len(roots), *L.T.shape)))
        WX, Wy = W @ self.ZX, np.einsum("trq,tq->tr", W, self.Zy)
        S = self.XX - np.tensordot(WX, WX, ((0, 1), (0, 1)))
        C = np.linalg.inv(np.linalg.cholesky(S)).T
        beta = C @ (C.T @ (self.Xy - np.tensordot(Wy, WX, 2)))
        v = Wy - WX @ beta
        rss = self.yy - 2 * beta @ self.Xy + beta @ self.XX @ beta - np.vdot(v, v)
        rss = max(rss, 0.0) + FLOOR * (self.yy or 1.0)
        back = W.transpose(0, 2, 1)
        return W, back @ WX, C, beta, np.einsum("tqr,tr->tq", back, v), rss, log_det

    def __call__(self, L, curvature=False):
        """The value at Λ, without what whitening adds, and the gradient (q, r).

        With `curvature` about the second derivatives (q, r, q, r), those expected of large T.
        """
        W, M, C, beta, u, rss, log_det = self.parts(L)
        value = log_det - 2 * np.log(C.diagonal()).sum()
        value += self.free * (1 + np.log(2 * np.pi * rss / self.free))
        WZ = W @ self.ZZ
        X = (self.ZX - self.ZZ @ M) @ C
        y = self.Zy - self.ZX @ beta - np.einsum("tqs,ts->tq", self.ZZ, u)
        # Σ Z_tᵀ V⁻¹ Z_t, less what β takes, less that of the residuals.
        G = self.ZZ.sum(axis=0) - np.tensordot(WZ, WZ, ((0, 1), (0, 1)))
        G -= np.tensordot(X, X, ((0, 2), (0, 2))) + self.free / rss * y.T @ y
        if not curvature:
            return value, 2 * G @ L
        K = self.ZZ - WZ.transpose(0, 2, 1) @ WZ
        Q = L.T @ K
        H = np.tensordot(Q, Q, (0, 0)).transpose(1, 2, 3, 0)
        H += np.tensordot(K, Q @ L, (0, 0)).transpose(0, 2, 1, 3)
        H += np.einsum("ij,ab->iajb", G, np.eye(L.shape[1]))
        return value, 2 * G @ L, 2 * H


class _Triangle:
    """Λ = U times a lower triangle (q, r), in coordinates of unit curvature about a given one."""

    def __init__(self, criterion, U, sizes):
        self.criterion, self.U = criterion, U
        self.centre = np.zeros((len(U), len(sizes)))
        np.fill_diagonal(self.centre, sizes)
        self.place = np.tril_indices(*self.centre.shape[:1], 0, len(sizes))
        H = criterion(U @ self.centre, curvature=True)[2]
        H = np.einsum("ki,kalb,lj->iajb", U, H, U, optimize=True)
        values, vectors = np.linalg.eigh(H[self.place][:, *self.place])
        values = np.abs(values)
        self.step = vectors / np.sqrt(np.maximum(values, 1e-6 * values.max(initial=1e-300)))

    def at(self, x):
        L = self.centre.copy()
        L[self.place] += self.step @ x
        return self.U @ L

    def __call__(self, x):
        value, gradient = self.criterion(self.at(x))
        return value, (self.U.T @ gradient)[self.place] @ self.step


def minimise(criterion, max_iter):
    """Λ (q, r) of the lowest criterion, r its rank; the steps; whether the gradient vanished."""
    q = criterion.Zy.shape[1]
    U, sizes, steps, few = np.eye(q), np.ones(q), 0, 20
    value, converged = np.inf, False
    while steps < max_iter and not converged:
        triangle = _Triangle(criterion, U, sizes)
        found = minimize(
            triangle, np.zeros(triangle.step.shape[1]), jac=True, method="L-BFGS-B",
            options={"maxiter": min(few, max_iter - steps), "ftol": 0.0, "gtol": 1e-5},
        )  # fmt: skip
        L, steps = triangle.at(found.x), steps + max(found.nit, 1)
        U, sizes, _ = np.linalg.svd(L)
        converged = found.nit < few and value - found.fun < 1e-6
        value = found.fun
    # Of what the criterion does not tell apart the smallest: then a variance is exactly zero. Rows
    # without noise leave it few digits.
    blur = 1e-15 * criterion.free * criterion.yy / criterion.parts(L)[5]
    enough = value + 1e-7 + blur
    rank = next((r for r in range(q) if criterion(U[:, :r] * sizes[:r])[0] <= enough), q)
    triangle = _Triangle(criterion, U, sizes[:rank])
    x = np.zeros(triangle.step.shape[1])
    gradient = triangle(x)[1]
    if rank and converged:  # values have too few digits for the last steps, gradients have them
        near = lambda x: triangle(x.clip(-1, 1))[1]  # noqa: E731
        last = root(near, x, method="hybr", options={"xtol": 1e-13}).x.clip(-1, 1)
        value, slope = triangle(last)
        if value <= enough and np.abs(slope).max() < np.abs(gradient).max():
            x, gradient = last, slope
    small = np.abs(gradient).max(initial=0) < 1e-3 + 20 * blur
    return triangle.at(x), steps, converged and small
