"""Solvers of one problem side by side: what they solve, the clock, and the rows of results.

The same work: all reach the same optimum, measured by one function for all, each at the loosest of
its tolerances that gets there. Data are in the form that each likes best before the clock starts,
and what is compiled on the first call is compiled then. Time is that of the processor, so that
other programs on the machine do not count; the launcher holds BLAS to one thread.
"""

import importlib
import itertools
import time
from functools import partial
from importlib.metadata import version

import numpy as np
from scipy import sparse
from scipy.linalg import toeplitz

SEED, REPEATS = 0, 3
TOLERANCES = 10.0 ** -np.arange(3, 13)
SAME = 5e-7  # relative excess over the best objective; two that have it differ by less than 1e-6
GAP = 1e-6  # duality gap, relative to the loss at W = 0


class Problem:
    """Data X (T, n, d) and y (T, n) of the weights W (T, d), and the loss Σ_t ‖y_t - X_t w_t‖².

    Neighbouring features have correlation `rho`; with `same`, all tasks have the same X.
    """

    def __init__(self, W, n, *, rho=0.0, noise=1.0, same=False):
        rng = np.random.default_rng(SEED)
        (self.T, self.d), self.n = W.shape, n
        root = np.linalg.cholesky(toeplitz(rho ** np.arange(self.d)))
        X = rng.normal(size=(1 if same else self.T, n, self.d)) @ root.T
        self.X = np.broadcast_to(X, (self.T, n, self.d))
        self.y = self.fitted(W) + noise * rng.normal(size=(self.T, n))

    def fitted(self, W):
        return (self.X @ W[:, :, None])[:, :, 0]

    def loss(self, W):
        return ((self.y - self.fitted(W)) ** 2).sum()

    def correlation(self, residuals):
        """X_tᵀ r_t for the residuals (T, n), shape (T, d)."""
        return (residuals[:, None] @ self.X)[:, 0]

    def table(self):
        """The long table with the task in column 0, and its labels."""
        tasks = np.repeat(np.arange(self.T), self.n)
        return np.column_stack([tasks, self.X.reshape(-1, self.d)]), self.y.ravel()

    def blocks(self):
        """One block-diagonal design (Tn, Td), for solvers of a single task."""
        design = sparse.block_diag(list(self.X), format="csc")
        design.indices, design.indptr = design.indices.astype("i4"), design.indptr.astype("i4")
        return design


def feature_norms(W):
    return np.sqrt((W**2).sum(axis=0))


def relative_gap(problem, W, alpha):
    """Duality gap of loss + α Σ_j ‖w_·j‖, relative to the loss at W = 0."""
    residuals = problem.y - problem.fitted(W)
    size = 2 * feature_norms(problem.correlation(residuals)).max()
    scale = min(1.0, alpha / size)
    dual = 2 * scale * np.vdot(residuals, problem.y) - scale**2 * (residuals**2).sum()
    value = problem.loss(W) + alpha * feature_norms(W).sum()
    return (value - dual) / (problem.y**2).sum()


def loosest(solver, excess, limit):
    """`solver` at the first of the falling tolerances whose W has an excess of at most `limit`."""
    for tol in TOLERANCES:
        W = solver(tol)
        if excess(W) <= limit:
            return partial(solver, tol), W
    raise RuntimeError(f"never within {limit:g}, at best {excess(W):.2g}")


def seconds(calls, repeats=REPEATS):
    """Median time of each call; the calls take turns, so that a slow minute is slow for all."""
    times = [[] for _ in calls]
    for _ in range(repeats):
        for call, taken in zip(calls, times, strict=True):
            start = time.process_time()
            call()
            taken.append(time.process_time() - start)
    return [float(np.median(taken)) for taken in times]


class Study:
    """Rows of results, and the peers that could not take part."""

    def __init__(self):
        self.rows, self.skipped = [], {}
        self.versions = {name: version(name) for name in ("numpy", "scipy", "scikit-learn")}

    def peer(self, name):
        """The module of a peer, or None; why not is kept."""
        try:
            module = importlib.import_module(name)
        except ImportError as error:
            self.skipped[name] = str(error)
            return None
        self.versions[name] = version(name)
        return module

    def compare(self, setting, ours, peers, aim, objective, excess, limit=SAME):
        """Time `ours` against `peers`: solvers by name, functions of a tolerance that give W.

        `aim` is the least ratio of times, theirs to ours, that we want, or one for some of `ours`.
        """
        ready, found = {}, {}
        for name, solver in (ours | peers).items():
            try:
                ready[name], found[name] = loosest(solver, excess, limit)
            except RuntimeError as error:
                self.skipped[f"{name}, {setting}"] = str(error)
        times = dict(zip(ready, seconds(ready.values()), strict=True))
        for name, peer in itertools.product(ours, [name for name in ready if name in peers]):
            difference = objective(found[name]) / objective(found[peer]) - 1
            features = int(found[name].any(axis=0).sum())
            wanted = aim.get(name) if isinstance(aim, dict) else aim
            self.add(name, setting, peer, times[name], times[peer], wanted, difference, features)

    def add(self, name, setting, peer, ours, theirs, aim, difference=None, features=None):
        ratio = theirs / ours
        met = None if aim is None else ratio >= aim
        self.rows.append(
            {
                "comparison": name,
                "setting": setting,
                "peer": peer,
                "ours": ours,
                "theirs": theirs,
                "ratio": ratio,
                "aim": aim,
                "met": met,
                "objective_difference": difference,
                "features": features,
            }
        )
        aimed = "" if aim is None else f"{aim:6.2f} {'met' if met else 'not met'}"
        print(
            f"{name:18} {setting:24} {peer:30} {ours * 1000:8.1f} {theirs * 1000:8.1f} "
            f"{ratio:8.2f} {aimed}",
            flush=True,
        )
