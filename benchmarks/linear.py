"""Linear models beside peers on the same work, and how their time and memory grow."""

import itertools
import json
import tracemalloc
import warnings
from functools import partial
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, MultiTaskLasso, Ridge

from mtlkit.linear import (
    JointSupport,
    LowRank,
    MeanRegularizedRidge,
    MultiTaskLinearRegression,
    MultiTaskLogisticRegression,
    SharedMean,
    TaskMoments,
)
from mtlkit.linear._losses import RowLoss
from mtlkit.linear._solver import solve
from mtlkit.plotting import SETTING_COLORS, SETTING_MARKERS, use_style
from mtlkit.table import stack_targets

from .peers import GAP, SAME, SEED, Problem, Study, feature_norms, relative_gap, seconds

RESULTS = Path(__file__).parent / "results"
# Correlation of neighbouring features, and whether half of the variance of y is noise. In clear
# data a fit uses about the features that matter, in noisy data many more.
KINDS = {"clear": (0.0, False), "noisy": (0.5, True)}
SIZES = {
    "mean-regularised": {"T": 200, "n": 500, "d": 50},
    "low rank": {"T": 20, "n": 100, "d": 50},
    "joint support": {"T": 20, "n": 100, "d": 500, "relevant": 20},
    "small tasks": {"T": 2000, "n": 10, "d": 10},
    "same X": {"T": 20, "n": 500, "d": 2000, "relevant": 50},
}
AXES = {
    "T": {"T": [10, 30, 100, 300, 1000, 3000, 10000], "n": [100], "d": [10]},
    "n": {"T": [30], "n": [100, 300, 1000, 3000, 10000, 30000], "d": [10]},
    "d": {"T": [30], "n": [1000], "d": [10, 20, 40, 80, 160, 320]},
}
MODELS = {
    "mean-regularised": lambda alpha: MeanRegularizedRidge(task_col=0),
    "joint support": lambda alpha: MultiTaskLinearRegression(JointSupport(), alpha, task_col=0),
}


def mean_regularised(study):
    """Against one ridge on a sparse design of shared and private columns, and the Gram floor."""
    T, n, d = SIZES["mean-regularised"].values()
    alpha, c = 1.0, 3.0
    rng = np.random.default_rng(SEED)
    W = rng.normal(size=d) + 0.5 * rng.normal(size=(T, d))
    for setting, rho in (("correlated features", 0.9), ("independent features", 0.0)):
        _ridges(study, setting, Problem(W, n, rho=rho), alpha, c)
    problem = Problem(W, n)
    Z, y = problem.table()
    blocks = problem.X.copy()

    def floor():
        return [X.T @ X for X in blocks]

    for setting, rows in (("rows in order", slice(None)), ("shuffled", rng.permutation(len(y)))):
        fit = partial(MeanRegularizedRidge(alpha, c, task_col=0).fit, Z[rows], y[rows])
        times = seconds([fit, floor], 25)
        study.add("mean-regularised", setting, "the Gram matrices alone", *times, 1 / 3)


def _ridges(study, setting, problem, alpha, c):
    # w_t = w_0 + v_t is penalised by α (1+c)/c · T ‖w_0‖² + α (1+c) Σ ‖v_t‖².
    T, d = problem.T, problem.d
    shared, private = np.sqrt(alpha * (1 + c) * T / c), np.sqrt(alpha * (1 + c))
    stacked = sparse.csr_array(problem.X.reshape(-1, d))
    design = sparse.hstack([stacked / shared, problem.blocks() / private], "csr")
    Z, y = problem.table()

    def ours(tol):  # in closed form, whatever the tolerance
        return MeanRegularizedRidge(alpha, c, task_col=0, fit_intercept=False).fit(Z, y).coef_

    def ridge(solver, tol):
        model = Ridge(1.0, fit_intercept=False, solver=solver, tol=tol, max_iter=10000)
        w = model.fit(design, y).coef_
        return w[:d] / shared + w[d:].reshape(T, d) / private

    def objective(W):
        return problem.loss(W) + alpha * ((W**2).sum() + c * ((W - W.mean(axis=0)) ** 2).sum())

    peers = {f"scikit-learn Ridge, {name}": partial(ridge, name) for name in ("sparse_cg", "lsqr")}
    best = objective(ours(None))
    study.compare(
        setting, {"mean-regularised": ours}, peers, 30, objective, lambda W: objective(W) / best - 1
    )


def ours_by(penalty, alpha, problem):
    Z, y = problem.table()

    def run(tol):
        model = MultiTaskLinearRegression(penalty, alpha, task_col=0, fit_intercept=False, tol=tol)
        return model.fit(Z, y).coef_

    return run


def scs(cvxpy, problem, alpha, norm):
    W = cvxpy.Variable((problem.T, problem.d))
    parts = zip(problem.X, problem.y, range(problem.T), strict=True)
    loss = cvxpy.sum_squares(cvxpy.hstack([y - X @ W[t] for X, y, t in parts]))
    program = cvxpy.Problem(cvxpy.Minimize(loss + alpha * norm(W)))

    def run(tol):
        program.solve(cvxpy.SCS, warm_start=False, eps_abs=tol, eps_rel=tol, max_iters=20000)
        return W.value

    return run


def low_rank(study):
    """The trace norm, own X per task."""
    T, n, d = SIZES["low rank"].values()
    rank, share = 3, 0.1
    rng = np.random.default_rng(SEED)
    W = rng.normal(size=(T, rank)) @ rng.normal(size=(rank, d)) / np.sqrt(rank)
    problem = Problem(W, n)
    alpha = share * 2 * np.linalg.norm(problem.correlation(problem.y), 2)
    ours, peers = ours_by(LowRank(), alpha, problem), {}
    if cvxpy := study.peer("cvxpy"):
        peers["cvxpy, SCS"] = scs(cvxpy, problem, alpha, cvxpy.normNuc)

    def objective(W):
        return problem.loss(W) + alpha * np.linalg.norm(W, "nuc")

    best = objective(ours(1e-12))
    study.compare(
        f"{share:g} of largest α", {"low rank": ours}, peers, 20, objective,
        lambda W: objective(W) / best - 1,
    )  # fmt: skip


def few_features(comparison, kind, share):
    """A problem in which few features matter, and `share` of the smallest α that uses none."""
    T, n, d, relevant = SIZES[comparison].values()
    rng = np.random.default_rng(SEED)
    W = np.zeros((T, d))
    W[:, rng.permutation(d)[:relevant]] = rng.normal(size=(T, relevant))
    rho, half = KINDS[kind]
    noise = np.sqrt(relevant) if half else 1.0
    problem = Problem(W, n, rho=rho, noise=noise, same=comparison == "same X")
    return problem, share * 2 * feature_norms(problem.correlation(problem.y)).max()


def joint_support(study):
    for kind, share in itertools.product(KINDS, (0.5, 0.2, 0.1)):
        _joint_support(study, kind, share)


def _joint_support(study, kind, share):
    """Own X per task; peers for a single task get one block-diagonal design."""
    problem, alpha = few_features("joint support", kind, share)
    T, n, d = problem.T, problem.n, problem.d
    design, y = problem.blocks(), problem.y.ravel()
    groups = np.arange(T * d).reshape(T, d).T.tolist()
    ours, peers = ours_by(JointSupport(), alpha, problem), {}

    def by_mutar(tol):
        model = mutar.GroupLasso(alpha / (2 * n), fit_intercept=False, tol=tol, max_iter=20000)
        return model.fit(problem.X, problem.y).coef_.T

    def by_skglm(tol):
        model = skglm.GroupLasso(groups, alpha / (2 * n * T), fit_intercept=False, tol=tol)
        return model.fit(design, y).coef_.reshape(T, d)

    def by_celer(tol):
        path = celer.celer_path(
            design, y, "grouplasso", alphas=[alpha / (2 * n * T)], groups=groups, tol=tol,
            max_iter=100,
        )  # fmt: skip
        return path[1][:, 0].reshape(T, d)

    if mutar := study.peer("mutar"):
        peers["mutar GroupLasso"] = by_mutar
    if cvxpy := study.peer("cvxpy"):
        peers["cvxpy, SCS"] = scs(
            cvxpy, problem, alpha, lambda W: cvxpy.sum(cvxpy.norm(W, 2, axis=0))
        )
    if skglm := study.peer("skglm"):
        peers["skglm GroupLasso, blocks"] = by_skglm
    if celer := study.peer("celer"):
        peers["celer GroupLasso, blocks"] = by_celer

    def objective(W):
        return problem.loss(W) + alpha * feature_norms(W).sum()

    best = objective(ours(1e-12))
    study.compare(
        f"{kind}, {share:g} of largest α", {"joint support": ours}, peers, 1, objective,
        lambda W: objective(W) / best - 1,
    )  # fmt: skip


def small_tasks(study):
    """Logistic regressions of many small tasks, each alone, against a loop over them."""
    T, n, d = SIZES["small tasks"].values()
    alpha, rng = 1.0, np.random.default_rng(SEED)
    problem = Problem(rng.normal(size=(T, d)), n)
    labels = (problem.y > np.median(problem.y, axis=1, keepdims=True)).astype(int)
    Z = problem.table()[0]

    def ours(tol):
        options = {"task_col": 0, "fit_intercept": False, "tol": tol}
        return MultiTaskLogisticRegression(SharedMean(0), alpha, **options).fit(Z, labels.ravel())

    def loop(tol):
        ridge = LogisticRegression(C=1 / (2 * alpha), fit_intercept=False, tol=tol, max_iter=1000)
        return np.array([ridge.fit(*task).coef_[0] for task in zip(problem.X, labels, strict=True)])

    def objective(W):
        z = problem.fitted(W)
        return (np.logaddexp(0, z) - labels * z).sum() + alpha * (W**2).sum()

    best = objective(ours(1e-12).coef_)
    study.compare(
        f"{T} tasks of {n} rows", {"small tasks": lambda tol: ours(tol).coef_},
        {"scikit-learn LogisticRegression, a loop": loop}, None, objective,
        lambda W: objective(W) / best - 1,
    )  # fmt: skip


def same_rows(study):
    for kind, share in itertools.product(KINDS, (0.5, 0.1, 0.05)):
        _same_rows(study, kind, share)


def _same_rows(study, kind, share):
    """Joint support where all tasks have the same X: the multi-task lasso."""
    problem, alpha = few_features("same X", kind, share)
    T, n, d = problem.T, problem.n, problem.d
    X, Y = np.asfortranarray(problem.X[0]), np.asfortranarray(problem.y.T)
    by_rows = np.ascontiguousarray(X)
    options = {"task_col": 0, "fit_intercept": False}

    def whole_fit(tol):  # from rows to coefficients, the table is made within the time
        model = MultiTaskLinearRegression(JointSupport(), alpha, tol=tol, **options)
        return model.fit(*stack_targets(by_rows, Y)).coef_

    def arrays(tol):
        loss = RowLoss(by_rows, problem.y)
        return solve(loss, JointSupport(), alpha, np.zeros((T, d)), tol, 10000).W

    def by_sklearn(tol):
        model = MultiTaskLasso(alpha / (2 * n), fit_intercept=False, tol=tol, max_iter=10000)
        return model.fit(X, Y).coef_

    def by_skglm(tol):
        model = skglm.MultiTaskLasso(alpha / (2 * n), fit_intercept=False, tol=tol)
        return model.fit(X, Y).coef_

    def by_celer(tol):  # its estimator does not work with scikit-learn 1.7, its solver does
        path = celer.homotopy.mtl_path(X, Y, alphas=[alpha / (2 * n)], tol=tol)
        return path[1][:, :, 0]

    peers = {"scikit-learn MultiTaskLasso": by_sklearn}
    if skglm := study.peer("skglm"):
        peers["skglm MultiTaskLasso"] = by_skglm
    if celer := study.peer("celer"):
        peers["celer mtl_path"] = by_celer
    ours = {
        "same X, arrays": arrays,
        "same X, whole fit": whole_fit,
        "same X, long table": ours_by(JointSupport(), alpha, problem),
    }
    study.compare(
        f"{kind}, {share:g} of largest α",
        ours,
        peers,
        {"same X, arrays": 1, "same X, whole fit": 1},
        lambda W: problem.loss(W) + alpha * feature_norms(W).sum(),
        lambda W: relative_gap(problem, W, alpha),
        GAP,
    )


def growth():
    """Seconds and megabytes of `fit` along each axis, and their slopes on log axes."""
    points = []
    for axis, sizes in AXES.items():
        for size in sizes[axis]:
            T, n, d = (size if name == axis else sizes[name][0] for name in "Tnd")
            W = np.zeros((T, d))
            W[:, : d // 5] = np.random.default_rng(SEED).normal(size=(T, d // 5))
            Z, y = Problem(W, n).table()
            moments = TaskMoments.from_rows(Z[:, 1:], y, Z[:, 0])
            alpha = 0.2 * 2 * feature_norms(moments.Sxy).max()
            for name, make in MODELS.items():
                model = make(alpha).fit(Z, y)
                (taken,) = seconds([partial(model.fit, Z, y)])
                megabytes = peak(partial(make(alpha).fit, Z, y))
                point = {"axis": axis, "size": size, "model": name}
                points.append(point | {"seconds": taken, "megabytes": megabytes})
                print(
                    f"{axis} = {size:<6} {name:18} {taken:8.4f} s {megabytes:8.1f} MB", flush=True
                )
    return {"sizes": AXES, "points": points, "slopes": slopes(points)}


def peak(call):
    """Most megabytes held at once during a call, beyond those held before it."""
    tracemalloc.start()
    call()
    held = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return held / 1e6


def slopes(points):
    """Exponents: slopes of straight lines on log axes through the larger half of the sizes."""
    result = []
    for axis, model in itertools.product(AXES, MODELS):
        line = [p for p in points if (p["axis"], p["model"]) == (axis, model)]
        half = line[len(line) // 2 :]
        size = np.log([p["size"] for p in half])
        exponents = {
            quantity: float(np.polyfit(size, np.log([p[quantity] for p in half]), 1)[0])
            for quantity in ("seconds", "megabytes")
        }
        result.append({"axis": axis, "model": model} | exponents)
    return result


def draw(growing):
    """Time above, memory below, against the numbers of tasks, rows and features."""
    use_style()
    plt.rcParams["svg.hashsalt"] = "linear-growth"
    fig, axes = plt.subplots(2, 3, figsize=(6.4, 5.6), sharex="col", sharey="row")
    labels = {"T": "tasks", "n": "rows per task", "d": "features"}
    ticks = {"T": [10, 1000], "n": [1000, 10000], "d": [10, 100]}
    quantities = {"seconds": "time (s)", "megabytes": "memory (MB)"}
    styles = {"mean-regularised": ("-", "full"), "joint support": ("--", "none")}
    for (row, quantity), (column, axis) in itertools.product(
        enumerate(quantities), enumerate(AXES)
    ):
        ax = axes[row, column]
        for model, (dashes, fill) in styles.items():
            line = [p for p in growing["points"] if (p["axis"], p["model"]) == (axis, model)]
            ax.loglog(
                [p["size"] for p in line],
                [p[quantity] for p in line],
                dashes,
                color=SETTING_COLORS["multi-task"],
                marker=SETTING_MARKERS["multi-task"],
                markersize=6,
                fillstyle=fill,
                label=model,
            )
        exponents = [s[quantity] for s in growing["slopes"] if s["axis"] == axis]
        between = " and ".join(f"{e:.1f}" for e in exponents)
        ax.set_title(f"slopes {between}", fontsize=10)
        ax.set_ylabel(quantities[quantity] if column == 0 else "")
        ax.set_xlabel(labels[axis] if row == 1 else "")
        ax.set_xticks(ticks[axis])
        ax.minorticks_off()
    fig.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=2)
    fig.savefig(RESULTS / "linear-growth.svg", metadata={"Date": None})


def run():
    """Measure, write ``linear.json``, draw ``linear-growth.svg``."""
    warnings.simplefilter("ignore", ConvergenceWarning)  # peers at tolerances that are then refused
    study = Study()
    print(
        f"{'ours':18} {'setting':24} {'peer':30} {'ours ms':>8} {'peer ms':>8} {'ratio':>8}    aim"
    )
    for comparison in (mean_regularised, low_rank, small_tasks, joint_support, same_rows):
        comparison(study)
    for name, reason in study.skipped.items():
        print(f"left out: {name}: {reason}")
    growing = growth()
    result = {
        "command": "python -m benchmarks linear",
        "clock": "processor seconds, one thread, median of repeats",
        "same_objective": 2 * SAME,
        "relative_gap": GAP,
        "versions": study.versions,
        "sizes": SIZES,
        "skipped": study.skipped,
        "rows": study.rows,
        "growth": growing,
    }
    (RESULTS / "linear.json").write_text(json.dumps(result, indent=1) + "\n")
    draw(growing)
