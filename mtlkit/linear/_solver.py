"""The solver of all convex multi-task models: accelerated proximal steps, a working set, a gap.

What belongs here: minimising f(W) + α Ω(W) for any loss of ``_losses.py`` and any `Penalty`. A
penalty may have a faster method for some loss, `_own_solver`.
"""

import warnings
from dataclasses import dataclass

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import lasso_path

from .._utils._numerics import one_blas_thread

FIRST_SET = 50  # features; so few cost hardly more than one


@dataclass(eq=False)
class Solution:
    """Weights W (T, d), value of the objective, duality gap and number of proximal steps."""

    W: np.ndarray
    objective: float
    gap: float
    n_iter: int
    target: float = np.inf  # the gap that was asked for


def solve(loss, penalty, alpha, W, tol, max_iter):
    """Minimise f(W) + α Ω(W) from W until the duality gap is at most `tol` times f(0).

    If the penalty is a sum over features (it has `feature_norms`), the problem is solved on a few
    features, those whose gradient is largest are added, and so on; the gap is that of all. Once the
    set is large, the penalty's own solver takes all features, if it has one for this loss.
    """
    target = tol * loss.yy
    apart = hasattr(penalty, "feature_norms") and loss.shape[1] > FIRST_SET
    method = _on_working_sets if apart else accelerated
    try:
        with one_blas_thread(), np.errstate(all="ignore"):
            solution = method(loss, penalty, alpha, W, target, max_iter)
    except np.linalg.LinAlgError:  # a decomposition of numbers that are not finite
        solution = Solution(W, np.nan, np.nan, 0)
    if not np.isfinite(solution.objective) or not np.isfinite(solution.W).all():
        raise ValueError(
            f"the objective is {solution.objective} after {solution.n_iter} steps: numbers "
            "overflow. Scale features and targets to moderate size, and check alpha, the penalty "
            "and task_weight"
        )
    solution.target = target
    return solution


def warn_unless_converged(solutions, stacklevel=3):
    """One warning for all solutions whose gap is too large, for the caller of the calling `fit`."""
    short = [one for one in solutions if not one.gap <= one.target]
    if short:
        worst = max(short, key=lambda one: one.gap)
        warnings.warn(
            f"the duality gap is {worst.gap:.3g} after {worst.n_iter} steps, above tol times the "
            f"loss without weights, {worst.target:.3g}: scale the features, raise max_iter or tol",
            ConvergenceWarning,
            stacklevel=stacklevel,
        )


def accelerated(loss, penalty, alpha, W, target, max_iter):
    """Proximal gradient steps from an extrapolated point V, with line search and restart."""
    H = loss.apply(W)
    V, HV, momentum = W, H, 1.0
    L = largest_curvature(loss)
    enough = 10 * L  # power steps fall a little short; so much is never needed
    for n_iter in range(max_iter):
        if n_iter % 10 == 0:
            solution = certify(loss, penalty, alpha, W, H, loss.gradient(W, H), n_iter)
            if solution.gap <= target or not np.isfinite(solution.objective):
                return solution
        G = loss.gradient(V, HV)
        while True:  # L grows by a fifth at least, up to `enough`
            W_new = penalty.prox(V - G / L, alpha / L)
            H_new = loss.apply(W_new)
            bend, length = loss.bend(V, HV, W_new, H_new), ((W_new - V) ** 2).sum()
            if not bend > L * length or not enough > L:  # so NaN ends it too
                break
            L = min(max(1.2 * L, bend / length), enough)
        if np.vdot(V - W_new, W_new - W) > 0:  # the momentum points uphill: begin anew
            momentum = 1.0
        momentum, last = (1 + np.sqrt(1 + 4 * momentum**2)) / 2, momentum
        factor = (last - 1) / momentum
        V, HV = W_new + factor * (W_new - W), H_new + factor * (H_new - H)
        W, H = W_new, H_new
        L *= 0.95  # curvature may be smaller here
    return certify(loss, penalty, alpha, W, H, loss.gradient(W, H), max_iter)


def certify(loss, penalty, alpha, W, H, G, n_iter):
    """The objective at W and its duality gap, given H = apply(W) and G = ∇f(W).

    The gap is an upper bound on the distance of the objective from its minimum.

    The residuals of W, scaled into the feasible set, are a point of the dual problem. For Ω = N the
    set is N°(-∇f) ≤ α; for Ω = N² there is none, and the dual loses N°(-∇f)² / (4 α).
    """
    objective = loss.value(W, H) + alpha * penalty.value(W)
    size = penalty.dual_norm(-G)
    if penalty.power == 1:
        dual = loss.dual(W, H, min(1.0, alpha / size) if size > 0 else 1.0)
    else:
        dual = loss.dual(W, H, 1.0) - size**2 / (4 * alpha)
    return Solution(W, float(objective), float(max(objective - dual, 0.0)), n_iter)


def _on_working_sets(loss, penalty, alpha, W, target, max_iter):
    n_iter, size, aim = 0, FIRST_SET, target
    own_solver = getattr(penalty, "_own_solver", lambda loss: None)(loss)
    while True:
        H = loss.apply(W)
        G = loss.gradient(W, H)
        solution = certify(loss, penalty, alpha, W, H, G, n_iter)
        finite = np.isfinite(solution.objective)
        if solution.gap <= target or n_iter >= max_iter or not finite:
            return solution
        used = W.any(axis=0)
        norms = np.where(used, np.inf, penalty.feature_norms(G))
        growth = 4 if used.sum() > 0.9 * size else 2  # the last set was far too small
        size = min(max(growth * used.sum(), FIRST_SET), len(norms))
        if own_solver is not None and size > loss.y.shape[1] / 2:
            W, steps = own_solver(loss, alpha, W, solution.gap, aim, max_iter - n_iter)
            n_iter, aim = n_iter + steps, aim / 4  # its gap is another, up to rounding
            continue
        columns = np.sort(np.argpartition(-norms, size - 1)[:size])
        near = max(target / 3, 0.1 * solution.gap)  # the set will change: no more than it is worth
        part = accelerated(
            loss.restrict(columns), penalty, alpha, W[:, columns], near, max_iter - n_iter
        )
        W = np.zeros_like(W)
        W[:, columns] = part.W
        n_iter += max(part.n_iter, 1)


def coordinate_descent(loss, alpha, W, gap, target, max_iter):
    """Weights of joint support where all tasks have one X, and the passes over the features.

    That is the multi-task lasso, and scikit-learn's coordinate descent is compiled. From a large
    gap the first passes are in single precision, which takes less time.
    """
    X, Y = loss.rows.X, loss.y.T
    scales = [max(values.max(), -values.min()) for values in (X, Y)]  # no overflow
    steps, stages = 0, [(np.float64, (1.0, 1.0), 0.0, max_iter)]
    if gap > 1e-4 * loss.yy:
        stages.insert(0, (np.float32, scales, 2e-6, 100))
    for dtype, (a, b), tol, most in stages:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            _, path, _, (taken,) = lasso_path(
                np.asfortranarray(X / a if a != 1 else X, dtype),
                np.asfortranarray(Y / b, dtype),
                alphas=[alpha / (2 * len(X) * a * b)],
                coef_init=W * (a / b),
                tol=max(target / loss.yy / 2, tol),
                max_iter=max(min(most, max_iter) - steps, 1),
                return_n_iter=True,
            )
        W, steps = np.ascontiguousarray(path[:, :, 0], float) * (b / a), steps + int(taken)
    return W, steps


def largest_curvature(loss, steps=8):
    """About the largest eigenvalue of the Hessian of f: power steps for all tasks at once."""
    V = np.random.default_rng(0).normal(size=loss.shape)
    for _ in range(steps):
        V = loss.curvature(V / np.maximum(np.linalg.norm(V, axis=1, keepdims=True), 1e-300))
    return max(float(np.linalg.norm(V, axis=1).max()), 1e-300)
