"""Tests of the penalised linear models: against cvxpy, scikit-learn and their limits."""

import warnings
from contextlib import nullcontext

import cvxpy as cp
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import minimize_scalar
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Lasso, LogisticRegression, MultiTaskLasso, Ridge

from mtlkit.baselines import PerTask
from mtlkit.linear import (
    JointSupport,
    LearnedRelations,
    LowRank,
    MeanRegularizedRidge,
    MultiTaskLinearRegression,
    MultiTaskLogisticRegression,
    Penalty,
    SharedMean,
    TaskGraph,
    TaskMoments,
    regularization_path,
)
from mtlkit.linear._blocks import Blocks, SameRows
from mtlkit.linear._losses import LogisticLoss, MomentLoss, RowLoss
from mtlkit.linear._solver import accelerated
from mtlkit.table import TaskStratifiedKFold
from mtlkit.transfer import BiasedLogisticRegression
from tests._problems import as_frame, ragged_classification, ragged_regression, tolerance

T, D, ALPHA, C = 4, 3, 1.3, 0.7
EDGES = np.array([[0, 2, 0, 1], [2, 0, 0.5, 0], [0, 0.5, 0, 3], [1, 0, 3, 0.0]])
PENALTIES = {
    "support": JointSupport(),
    "rank": LowRank(),
    "mean": SharedMean(C),
    "graph": TaskGraph(EDGES, C),
    "relations": LearnedRelations(C),
}
each_penalty = pytest.mark.parametrize("name", PENALTIES)
SEEDS = st.integers(0, 2**32 - 1)
X, y = ragged_regression(rows=(9, 5, 4, 12))
Y01 = (y > np.median(y)).astype(int)
Y01[[np.flatnonzero(X[:, 0] == t)[k] for t in range(T) for k in (0, 1)]] = [0, 1] * T
TASK = X[:, 0].astype(int)


def regressor(penalty, alpha=ALPHA, **options):
    return MultiTaskLinearRegression(penalty, alpha, task_col=0, **{"tol": 1e-10, **options})


def classifier(penalty, alpha=ALPHA, **options):
    return MultiTaskLogisticRegression(penalty, alpha, task_col=0, **{"tol": 1e-10, **options})


# Against a general convex solver


def omega(name, W):
    """Each penalty as its paper writes it, and constraints."""
    if name == "support":
        return cp.sum(cp.norm(W, 2, axis=0)), []
    if name == "rank":
        return cp.normNuc(W), []
    if name == "mean":
        spread = cp.sum_squares(W - np.full((T, T), 1 / T) @ W)
        return cp.sum_squares(W) + C * spread, []
    if name == "graph":
        pairs = [(s, t) for s in range(T) for t in range(s) if EDGES[s, t]]
        pull = sum(EDGES[s, t] * cp.sum_squares(W[s] - W[t]) for s, t in pairs)
        return cp.sum_squares(W) + C * pull, []
    S = cp.Variable((T, T), PSD=True)
    return cp.sum_squares(W) + C * cp.matrix_frac(W, S), [cp.trace(S) == 1]


def by_cvxpy(name, kind, target, weight, fit_intercept):
    """The minimum of the objective, with `weight` (n,) on the rows."""
    W, b = cp.Variable((T, D)), cp.Variable(T)
    value = cp.sum(cp.multiply(X[:, 1:], W[TASK]), axis=1)
    if fit_intercept:
        value = value + b[TASK]
    if kind == "squared":
        loss = cp.sum_squares(cp.multiply(np.sqrt(weight), target - value))
    else:
        loss = weight @ (cp.logistic(value) - cp.multiply(target, value))
    penalty, constraints = omega(name, W)
    problem = cp.Problem(cp.Minimize(loss + ALPHA * penalty), constraints)
    return problem.solve(solver=cp.CLARABEL)


@each_penalty
@pytest.mark.parametrize("kind", ["squared", "logistic"])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
def test_the_minimum_is_that_of_a_general_solver(name, kind, fit_intercept, weighted):
    make, target = (regressor, y) if kind == "squared" else (classifier, Y01)
    options, weight, balance = {}, None, np.ones(T)
    if weighted:
        weight = np.random.default_rng(1).uniform(0.3, 2, len(y))
        options["task_weight"] = balance = np.array([0.5, 2.0, 3.0, 1.0])
    model = make(PENALTIES[name], fit_intercept=fit_intercept, **options)
    model.fit(X, target, sample_weight=weight)
    rows = balance[TASK] * (1 if weight is None else weight)
    minimum = by_cvxpy(name, kind, target, rows, fit_intercept)
    assert_allclose(model.objective_, minimum, rtol=1e-6)
    assert model.dual_gap_ <= 1e-8 * model.objective_
    assert_allclose(objective(model, X, target, rows, kind), model.objective_, rtol=1e-9)


def objective(model, X, target, rows, kind):
    """The objective at the attributes of a fitted model, from its formula."""
    codes = np.searchsorted(model.tasks_, X[:, 0])
    value = (X[:, 1:] * model.coef_[codes]).sum(axis=1) + model.intercept_[codes]
    losses = np.logaddexp(0, value) - target * value
    if kind == "squared":
        losses = (target - value) ** 2
    return rows @ losses + model.alpha * model.penalty.bind(model.tasks_).value(model.coef_)


@each_penalty
@pytest.mark.parametrize("kind", ["squared", "logistic"])
@pytest.mark.parametrize("stop", [1, 3, 10])
def test_the_gap_bounds_the_distance_from_the_minimum(name, kind, stop):
    make, target = (regressor, y) if kind == "squared" else (classifier, Y01)
    best = make(PENALTIES[name]).fit(X, target).objective_
    with pytest.warns(ConvergenceWarning, match="the duality gap is .* scale the features"):
        early = make(PENALTIES[name], max_iter=stop, tol=1e-15).fit(X, target)
    assert early.n_iter_ == stop
    assert -1e-9 <= early.objective_ - best <= early.dual_gap_


def test_one_warning_points_to_the_line_that_fits():
    X3, y3 = ragged_classification()
    short = {"max_iter": 1, "tol": 1e-15}
    calls = [
        lambda: regressor(SharedMean(C), **short).fit(X, y),
        lambda: regressor(SharedMean(C), **short).partial_fit(X, y),
        lambda: classifier(SharedMean(C), **short).fit(X, Y01),
        lambda: classifier(SharedMean(C), **short).fit(X3, y3),
        lambda: regularization_path(regressor(SharedMean(C), **short), X, y, [1.0, 2.0]),
        lambda: BiasedLogisticRegression(source=0, task_col=0, **short).fit(X, Y01),
    ]
    for call in calls:
        with pytest.warns(ConvergenceWarning) as caught:
            call()
        assert [one.filename for one in caught] == [__file__]


# The losses


def rows_of(target, weight=None):
    return X[:, 1:], target, TASK, weight


def ones(n, tasks=None):
    return np.ones(len(n))


def logistic_loss(target, weight=None, fit_intercept=True):
    tasks = np.arange(T)
    return LogisticLoss(X[:, 1:], target, weight, TASK, tasks, np.ones(T), fit_intercept)


def losses(weight=None, fit_intercept=True):
    moments = TaskMoments.from_rows(*rows_of(y, weight))
    return {
        "moments": MomentLoss.from_moments(moments, fit_intercept),
        "rows": RowLoss.from_rows(*rows_of(y, weight), ones, fit_intercept),
        "logistic": logistic_loss(Y01, weight, fit_intercept),
    }


@pytest.mark.parametrize("kind", ["moments", "rows", "logistic"])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("columns", [None, np.array([0, 2])])
def test_gradients_by_finite_differences(kind, fit_intercept, columns):
    rng = np.random.default_rng(2)
    loss = losses(rng.uniform(0.3, 2, len(y)), fit_intercept)[kind]
    loss = loss if columns is None else loss.restrict(columns)
    W = rng.normal(size=loss.shape)
    G = loss.gradient(W, loss.apply(W))
    for step in 1e-5 * np.eye(W.size).reshape(-1, *W.shape):
        up, down = (loss.value(V, loss.apply(V)) for V in (W + step, W - step))
        assert_allclose((up - down) / 2e-5, np.vdot(G, step) / 1e-5, rtol=1e-5, atol=1e-6)


@given(SEEDS)
def test_three_forms_of_the_squared_loss_are_one(seed):
    rng = np.random.default_rng(seed)
    weight = rng.uniform(0.3, 2, len(y))
    one, two = (losses(weight)[kind] for kind in ("moments", "rows"))
    three = two.restrict(np.arange(D))
    W, V = rng.normal(size=(2, T, D))
    for loss in (two, three):
        H, H1 = loss.apply(W), one.apply(W)
        assert_allclose(loss.value(W, H), one.value(W, H1))
        assert_allclose(loss.gradient(W, H), one.gradient(W, H1), atol=1e-9)
        assert_allclose(loss.dual(W, H, 0.4), one.dual(W, H1, 0.4), atol=1e-9)
        assert_allclose(loss.curvature(V), one.curvature(V), atol=1e-9)
    assert_allclose(two.intercept(W), one.intercept(W))


@given(SEEDS, st.floats(0.1, 8))
def test_intercepts_of_the_logistic_loss_solve_their_equations(seed, scale):
    rng = np.random.default_rng(seed)
    loss = losses(rng.uniform(0.3, 2, len(y)))["logistic"]
    H = scale * rng.normal(size=len(y))
    assert_allclose(np.add.reduceat(loss.slopes(H), loss.starts), 0, atol=1e-11)
    again = loss.slopes(H.copy())  # not the point that is kept, and from where the last one ended
    assert_allclose(again, loss.slopes(H), atol=1e-9)


# Wide tables: rows in place of moments, and a working set


def wide(seed=0, T=3, n=30, d=120, equal=False, used=6):
    rng = np.random.default_rng(seed)
    X = np.tile(rng.normal(size=(n, d)), (T, 1)) if equal else rng.normal(size=(T * n, d))
    task = np.repeat(np.arange(T), n)
    W = np.zeros((T, d))
    W[:, rng.choice(d, used, replace=False)] = rng.normal(size=(T, used))
    target = (X * W[task]).sum(axis=1) + rng.normal(size=T * n) + task
    return np.column_stack([task, X]), target


@pytest.mark.parametrize("equal", [True, False])
@pytest.mark.parametrize("share", [0.7, 0.2, 0.02])
def test_working_sets_end_at_the_minimum_over_all_features(equal, share):
    X, y = wide(equal=equal)
    model = regressor(JointSupport())
    loss = model._prepare(X, y, None)
    assert isinstance(loss.rows, SameRows) is equal
    zero = np.zeros(loss.shape)
    alpha = share * JointSupport().dual_norm(loss.gradient(zero, loss.apply(zero)))
    model.set_params(alpha=alpha).fit(X, y)
    target = 1e-10 * loss.yy
    at_once = accelerated(loss, JointSupport(), alpha, zero, target, 20000)
    assert_allclose(model.objective_, at_once.objective, atol=2 * target)
    assert model.dual_gap_ <= target
    assert 0 < model.support_.sum() < 120


def test_logistic_working_set():
    X, y = wide()
    model = classifier(JointSupport(), 2.0, max_iter=20000).fit(X, (y > 1).astype(int))
    loss = model._prepare(X, (y > 1).astype(int), None)
    zero = np.zeros(loss.shape)
    at_once = accelerated(loss, JointSupport(), 2.0, zero, 1e-9, 20000)
    assert_allclose(model.objective_, at_once.objective, atol=1e-7)
    assert 0 < model.support_.sum() < 120


@pytest.mark.parametrize("alpha", [200.0, 20.0])
def test_joint_support_on_equal_rows_is_the_multi_task_lasso(alpha):
    X, y = wide(equal=True)
    n = len(X) // 3
    theirs = MultiTaskLasso(alpha / (2 * n), tol=1e-10, max_iter=100000)
    theirs.fit(X[:n, 1:], y.reshape(3, n).T)
    ours = regressor(JointSupport(), alpha, tol=1e-12, max_iter=100000).fit(X, y)
    assert_allclose(ours.coef_, theirs.coef_, atol=1e-5)
    assert_allclose(ours.intercept_, theirs.intercept_, atol=1e-5)
    assert_array_equal(ours.support_, theirs.coef_.any(axis=0))


def test_equal_rows_with_unequal_weights_are_not_taken_for_equal():
    X, y = wide(equal=True)
    weight = np.random.default_rng(0).uniform(0.5, 2, len(y))
    for options, sample_weight in [({}, weight), ({"task_weight": [1, 2, 3]}, None)]:
        loss = regressor(JointSupport(), **options)._prepare(X, y, sample_weight)
        assert isinstance(loss.rows, Blocks)


# Limits


def test_without_coupling_every_task_is_alone():
    alone = PerTask(Ridge(ALPHA), task_col=0).fit(X, y).predict(X)
    for penalty in (SharedMean(0), TaskGraph(EDGES, 0), TaskGraph(0 * EDGES), LearnedRelations(0)):
        assert_allclose(regressor(penalty, tol=1e-14).fit(X, y).predict(X), alone, atol=1e-6)
    alone = PerTask(LogisticRegression(C=1 / (2 * ALPHA), tol=1e-10), task_col=0).fit(X, Y01)
    ours = classifier(SharedMean(0), tol=1e-13).fit(X, Y01)
    assert_allclose(ours.predict_proba(X), alone.predict_proba(X), atol=1e-5)


def test_with_full_coupling_weights_are_equal():
    for make, target in ((regressor, y), (classifier, Y01)):
        model = make(SharedMean(np.inf), tol=1e-13).fit(X, target)
        assert_allclose(model.coef_, np.tile(model.shared_coef_, (T, 1)), atol=1e-12)
        nearly = make(SharedMean(1e6), tol=1e-12).fit(X, target)
        assert_allclose(nearly.objective_, model.objective_, rtol=1e-4)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("coupling", [0, 0.7, 50, np.inf])
def test_shared_mean_is_the_closed_form(coupling, fit_intercept):
    options = {"task_col": 0, "fit_intercept": fit_intercept}
    closed = MeanRegularizedRidge(ALPHA, coupling, couple_intercept=False, **options).fit(X, y)
    ours = regressor(SharedMean(coupling), tol=1e-14, fit_intercept=fit_intercept).fit(X, y)
    assert_allclose(ours.objective_, closed.objective_, rtol=1e-12)
    for name in ("coef_", "intercept_", "shared_coef_", "shared_intercept_"):
        assert_allclose(getattr(ours, name), getattr(closed, name), atol=1e-5)


def one_task_objective(value, target, coef, charge):
    return ((target - value) ** 2).sum() + charge(coef)


def test_one_task_is_an_ordinary_problem():
    features = X[:, 1:]
    ridge = Ridge(ALPHA).fit(features, y)
    lasso = Lasso(ALPHA / (2 * len(y)), tol=1e-12).fit(features, y)
    for penalty in (SharedMean(5), TaskGraph([[0.0]], 5)):
        ours = MultiTaskLinearRegression(penalty, ALPHA, tol=1e-14).fit(features, y)
        assert_allclose(ours.coef_[0], ridge.coef_, atol=1e-6)
        value = one_task_objective(
            ridge.predict(features), y, ridge.coef_, lambda w: ALPHA * (w**2).sum()
        )
        assert_allclose(ours.objective_, value, rtol=1e-12)
    ours = MultiTaskLinearRegression(JointSupport(), ALPHA, tol=1e-14).fit(features, y)
    assert_allclose(ours.coef_[0], lasso.coef_, atol=1e-6)
    value = one_task_objective(
        lasso.predict(features), y, lasso.coef_, lambda w: ALPHA * abs(w).sum()
    )
    assert_allclose(ours.objective_, value, rtol=1e-9)
    # With one task ‖W‖_* is ‖w‖, so learned relations at coupling c are a ridge of α (1 + c).
    ours = MultiTaskLinearRegression(LearnedRelations(2), ALPHA, tol=1e-14).fit(features, y)
    assert_allclose(ours.coef_[0], Ridge(3 * ALPHA).fit(features, y).coef_, atol=1e-6)


def test_one_task_logistic_is_an_ordinary_problem():
    theirs = LogisticRegression(C=1 / (2 * ALPHA), tol=1e-10).fit(X[:, 1:], Y01)
    ours = MultiTaskLogisticRegression(SharedMean(5), ALPHA, tol=1e-13).fit(X[:, 1:], Y01)
    assert_allclose(ours.coef_, theirs.coef_, atol=1e-5)
    value = theirs.decision_function(X[:, 1:])
    loss = (np.logaddexp(0, value) - Y01 * value).sum()
    assert_allclose(ours.objective_, loss + ALPHA * (theirs.coef_**2).sum(), rtol=1e-8)


@pytest.mark.parametrize("penalty", [JointSupport(), LowRank()], ids=["support", "rank"])
def test_at_the_largest_strength_all_weights_vanish(penalty):
    for make, target in ((regressor, y), (classifier, Y01)):
        strongest, weaker = regularization_path(make(penalty), X, target, 2, eps=0.98)
        assert not strongest.coef_.any()
        assert weaker.coef_.any()


@pytest.mark.parametrize("penalty", [JointSupport(), LowRank()], ids=["support", "rank"])
@pytest.mark.parametrize("features", [3, 60])
def test_above_the_largest_strength_there_is_nothing_to_do(penalty, features):
    rng = np.random.default_rng(0)
    table = np.column_stack([X, rng.normal(size=(len(y), features - D))])
    for make, target in ((regressor, y), (classifier, Y01)):
        largest = regularization_path(make(penalty), table, target, 1)[0].alpha
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            model = make(penalty, 1.5 * largest).fit(table, target)
        assert model.n_iter_ == 0
        assert not model.coef_.any()
        assert model.dual_gap_ <= 1e-10 * model.objective_


def test_learned_relations_satisfy_their_fixed_point_equations():
    """Given Σ, W solves the graph-like problem; given W, Σ is (W Wᵀ)^½ over its trace."""
    X, y = ragged_regression(1, (20, 18, 16, 22), d=5)
    model = regressor(LearnedRelations(C), tol=1e-15, max_iter=20000).fit(X, y)
    W, S = model.coef_, model.task_covariance_
    assert np.linalg.matrix_rank(W) == T
    moments = model.moments_
    loss_gradient = 2 * (np.einsum("tde,te->td", moments.Sxx, W) - moments.Sxy)
    charge_gradient = 2 * ALPHA * (W + C * np.linalg.solve(S, W))
    scale = abs(charge_gradient).max()
    assert_allclose(loss_gradient / scale, -charge_gradient / scale, atol=1e-5)
    assert_allclose(S @ S, W @ W.T / np.linalg.norm(W, "nuc") ** 2, atol=1e-9)


# Laws


@each_penalty
@pytest.mark.parametrize("kind", ["squared", "logistic"])
@given(seed=SEEDS)
@settings(max_examples=5)
def test_order_does_not_matter(name, kind, seed):
    make, target = (regressor, y) if kind == "squared" else (classifier, Y01)
    rng = np.random.default_rng(seed)
    rows, columns, tasks = rng.permutation(len(y)), rng.permutation(D), rng.permutation(T)
    model = make(PENALTIES[name], tol=1e-13).fit(X, target)
    mixed = np.column_stack([tasks[TASK], X[:, 1 + columns]])[rows]
    penalty = clone(PENALTIES[name])
    if name == "graph":
        back = np.argsort(tasks)
        penalty.set_params(adjacency=EDGES[np.ix_(back, back)])
    other = make(penalty, tol=1e-13).fit(mixed, target[rows])
    assert_allclose(other.objective_, model.objective_, rtol=1e-10)
    assert_allclose(other.coef_[tasks], model.coef_[:, columns], atol=1e-4)
    assert_allclose(other.intercept_[tasks], model.intercept_, atol=1e-4)


@each_penalty
@given(factor=st.floats(0.05, 20))
@settings(max_examples=5)
def test_weights_scale_with_the_targets(name, factor):
    penalty = PENALTIES[name]
    model = regressor(penalty, tol=1e-13).fit(X, y)
    alpha = ALPHA * factor if penalty.power == 1 else ALPHA
    scaled = regressor(penalty, alpha, tol=1e-13).fit(X, factor * y)
    assert_allclose(scaled.coef_ / factor, model.coef_, atol=1e-5)
    assert_allclose(scaled.objective_, factor**2 * model.objective_, rtol=1e-9)


@each_penalty
def test_tasks_of_equal_weight_count_the_same(name):
    """With task_weight="tasks", repeating the rows of one task changes only the scale of alpha."""
    again = np.concatenate([np.arange(len(y)), *[np.flatnonzero(TASK == 1)] * 2])
    one = regressor(PENALTIES[name], 0.1 * len(y), task_weight="tasks").fit(X, y)
    two = regressor(PENALTIES[name], 0.1 * len(again), task_weight="tasks").fit(X[again], y[again])
    assert_allclose(one.coef_, two.coef_, atol=1e-4)


@each_penalty
@pytest.mark.parametrize("kind", ["squared", "logistic"])
def test_weights_are_repeated_rows_and_missing_labels_are_absent_rows(name, kind):
    make, target = (regressor, y) if kind == "squared" else (classifier, Y01.astype(float))
    times = 1 + np.arange(len(y)) % 3
    weighted = make(PENALTIES[name], tol=1e-13).fit(X, target, sample_weight=times)
    repeated = make(PENALTIES[name], tol=1e-13)
    repeated.fit(np.repeat(X, times, axis=0), np.repeat(target, times))
    assert_allclose(weighted.coef_, repeated.coef_, atol=1e-5)
    more = np.vstack([X, X[:7] + 1])
    missing = make(PENALTIES[name], tol=1e-13).fit(more, np.r_[target, np.full(7, np.nan)])
    whole = make(PENALTIES[name], tol=1e-13).fit(X, target)
    assert_allclose(missing.coef_, whole.coef_, atol=tolerance(whole))
    some = more[-7:]
    assert missing.score(np.vstack([X, some]), np.r_[target, np.full(7, np.nan)]) == whole.score(
        X, target
    )


# Parts of a fit


@each_penalty
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_partial_fit_is_one_fit(name, fit_intercept):
    whole = regressor(PENALTIES[name], fit_intercept=fit_intercept, tol=1e-12).fit(X, y)
    parts = regressor(PENALTIES[name], fit_intercept=fit_intercept, tol=1e-12)
    order = np.argsort(X[:, 0] != 2, kind="stable")  # task 2 first; others come later
    if name == "graph":  # a given graph needs all of its tasks from the start
        order = np.argsort(np.arange(len(y)) % 2)
    for rows in np.array_split(order, 3) if name != "graph" else [order[:15], order[15:]]:
        parts.partial_fit(X[rows], y[rows])
    assert_allclose(parts.objective_, whole.objective_, rtol=1e-10)
    for attribute in ("coef_", "intercept_"):
        ours, theirs = getattr(parts, attribute), getattr(whole, attribute)
        assert_allclose(ours, theirs, atol=tolerance(whole))
    more = regressor(PENALTIES[name], fit_intercept=fit_intercept, tol=1e-12).fit(X[:20], y[:20])
    more.partial_fit(X[20:], y[20:])
    assert_allclose(more.coef_, whole.coef_, atol=tolerance(whole))


def test_partial_fit_goes_on_where_fit_kept_few_rows():
    X, y = wide()
    parts = regressor(JointSupport(), 50.0).fit(X[::2], y[::2]).partial_fit(X[1::2], y[1::2])
    whole = regressor(JointSupport(), 50.0).fit(X, y)
    assert_allclose(parts.objective_, whole.objective_, rtol=1e-9)
    assert_array_equal(parts.support_, whole.support_)


@each_penalty
@pytest.mark.parametrize("kind", ["squared", "logistic"])
def test_warm_start_ends_at_the_same_place_sooner(name, kind):
    make, target = (regressor, y) if kind == "squared" else (classifier, Y01)
    cold = make(PENALTIES[name], 1.1 * ALPHA).fit(X, target)
    warm = make(PENALTIES[name], warm_start=True).fit(X, target)
    assert warm.fit(X, target).n_iter_ == 0
    warm.set_params(alpha=1.1 * ALPHA).fit(X, target)
    assert warm.n_iter_ <= cold.n_iter_ + 10  # the gap is looked at every ten steps
    assert_allclose(warm.objective_, cold.objective_, rtol=1e-9)
    warm.fit(X[:, :3], target)  # another number of features: begins anew
    assert_allclose(warm.coef_, make(PENALTIES[name], 1.1 * ALPHA).fit(X[:, :3], target).coef_)
    fewer = X[:, 0] != 3
    if name != "graph":  # other tasks: begins anew
        assert len(warm.fit(X[fewer], target[fewer]).coef_) == 3


@pytest.mark.parametrize("kind", ["squared", "logistic"])
def test_a_path_is_made_of_single_fits(kind):
    make, target = (regressor, y) if kind == "squared" else (classifier, Y01)
    for model in regularization_path(make(LowRank()), X, target, 4):
        alone = make(LowRank(), model.alpha).fit(X, target)
        assert_allclose(model.objective_, alone.objective_, rtol=1e-8)
        assert_allclose(model.predict(X), alone.predict(X), atol=1e-2)
    given = regularization_path(make(SharedMean()), X, target, [1.0, 10.0, 3.0])
    assert [model.alpha for model in given] == [10, 3, 1]


@pytest.mark.parametrize(
    ("model", "alphas", "options", "message"),
    [
        (regressor(SharedMean()), 5, {}, "alphas=5 .* SharedMean has none"),
        (regressor(LowRank()), 5, {"eps": 2}, "eps=2"),
        (regressor(LowRank()), [1.0, 0.0], {}, "alpha=0"),
        (regressor(LowRank()), [1.0, np.nan], {}, "alphas=nan"),
        (regressor(LowRank()), [], {}, "alphas=.* is empty"),
        (regressor(LowRank()), 0, {}, "alphas=0"),
        (regressor(LowRank()), 5.0, {}, "alphas=5.0 must be an integer"),
        (regressor(LowRank()), None, {}, "alphas=None must be an integer"),
        (Ridge(), 5, {}, r"Ridge\(\) has no path"),
        (MeanRegularizedRidge(task_col=0), 5, {}, "MeanRegularizedRidge.* has no path"),
    ],
)
def test_what_is_wrong_with_a_path(model, alphas, options, message):
    with pytest.raises((TypeError, ValueError), match=message):
        regularization_path(model, X, y, alphas, **options)


def test_a_path_needs_two_classes():
    X3, y3 = ragged_classification()
    with pytest.raises(ValueError, match="y has 4 classes"):
        regularization_path(classifier(LowRank()), X3, y3, 5)


@pytest.mark.parametrize("kind", ["constant y", "a row a task", "constant features", "one class"])
@pytest.mark.parametrize("penalty", [JointSupport(), LowRank()], ids=["support", "rank"])
def test_a_path_where_no_strength_has_weights(kind, penalty):
    table, target, make = X.copy(), y, regressor
    if kind == "constant y":
        target = np.full(len(y), 0.1)
    if kind == "a row a task":
        table[:, 0] = np.arange(len(y))
    if kind == "constant features":
        table[:, 1:] = [0.1, 1e6, -3]
    if kind == "one class":
        target, make = TASK % 2, classifier
    many = pytest.warns(UserWarning, match="30 tasks in 30 rows")
    with (
        many if kind == "a row a task" else nullcontext(),
        pytest.raises(ValueError, match=r"alphas .* constant within each task"),
    ):
        regularization_path(make(penalty), table, target, 5)


def test_a_path_goes_on_from_the_last_strength():
    path = regularization_path(regressor(JointSupport()), X, y, 20, eps=0.5)
    cold = [regressor(JointSupport(), model.alpha).fit(X, y) for model in path]
    assert sum(m.n_iter_ for m in path) < sum(m.n_iter_ for m in cold)


def test_models_of_a_path_share_nothing_that_changes():
    model = regressor(SharedMean(2.0))
    path = regularization_path(model, X, y, np.array([1.0, 2.0]))
    path[0].set_params(penalty__coupling=7.0)
    assert path[1].penalty.coupling == model.penalty.coupling == 2.0
    twice = regressor(SharedMean(2.0), 0.5).fit(X, y)
    assert_allclose(path[1].partial_fit(X, y).coef_, twice.coef_, atol=1e-6)


# Classes


def test_more_than_two_classes_are_one_against_the_rest():
    X, y = ragged_classification(classes=((0, 1, 2), (0, 1, 2)))
    model = classifier(JointSupport(), 0.5).fit(X, y)
    assert model.coef_.shape == (3, 2, 2)
    assert model.dual_gap_.shape == (3,)
    for k in range(3):
        one = classifier(JointSupport(), 0.5).fit(X, y == k)
        assert_allclose(model.decision_function(X)[:, k], one.decision_function(X))
    proba = model.predict_proba(X)
    assert_allclose(proba.sum(axis=1), 1)
    assert_array_equal(model.predict(X), proba.argmax(axis=1))
    assert model.score(X, y) > 0.6


DISJOINT = ((0, 1), (2, 3), (4,))


def test_tasks_that_share_classes_may_take_them_all():
    X, y = ragged_classification()  # task 0 has classes 0, 1; task 1 1, 2, 3; task 2 2, 3
    proba = classifier(SharedMean(3)).fit(X, y).predict_proba(X)
    assert (proba > 0).all()
    assert_allclose(proba.sum(axis=1), 1)


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_tasks_of_disjoint_classes_keep_them_apart(fit_intercept):
    X, y = ragged_classification(classes=DISJOINT)
    model = classifier(SharedMean(3), fit_intercept=fit_intercept).fit(X, y)
    proba, values = model.predict_proba(X), model.decision_function(X)
    possible = np.array([np.isin(model.classes_, DISJOINT[t]) for t in X[:, 0].astype(int)])
    assert_array_equal(proba > 0, possible)
    assert_allclose(proba.sum(axis=1), 1)
    assert_array_equal(model.predict(X), model.classes_[proba.argmax(axis=1)])
    assert np.isfinite(model.intercept_).all()
    lowest = np.where(possible, values, np.inf).min(axis=1, keepdims=True)
    assert_allclose(np.where(possible, values, lowest - 1), values)
    new = np.column_stack([np.full(5, 9.0), X[:5, 1:]])  # a new task may take all
    assert (model.predict_proba(new) > 0).all()


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_weights_of_disjoint_tasks_do_not_see_each_other(fit_intercept):
    X, y = ragged_classification(classes=((0, 1), (2, 3)))
    both = classifier(LowRank(), 0.5, fit_intercept=fit_intercept).fit(X, y)
    first = X[:, 0] == 0
    alone = MultiTaskLogisticRegression(LowRank(), 0.5, fit_intercept=fit_intercept, tol=1e-10)
    alone.fit(X[first, 1:], y[first] == 1)
    assert_allclose(both.coef_[1, 0], alone.coef_[0], atol=1e-3)
    assert_allclose(both.coef_[:2, 1], 0)


def test_a_class_that_is_not_possible_is_last_whatever_the_size_of_the_values():
    X, y = ragged_classification(classes=DISJOINT)
    model = classifier(SharedMean(3)).fit(X, y)
    for estimator in model.estimators_:
        estimator.intercept_ = estimator.intercept_ - 1e20
    allowed = [DISJOINT[t] for t in X[:, 0].astype(int)]
    assert all(label in own for label, own in zip(model.predict(X), allowed, strict=True))


@pytest.mark.parametrize("make", [MultiTaskLogisticRegression, BiasedLogisticRegression])
@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
def test_decision_values_can_be_calibrated(make, method):
    rng = np.random.default_rng(0)
    x, task = rng.normal(size=(400, 2)), np.repeat([0, 1], 200)
    table, labels = np.column_stack([task, x]), 2 * task + (x[:, 0] > 0)
    model = make(task_col=0) if make is MultiTaskLogisticRegression else make(source=0, task_col=0)
    folds = TaskStratifiedKFold(3, task_col=0)
    calibrated = CalibratedClassifierCV(model, method=method, cv=folds).fit(table, labels)
    assert calibrated.score(table, labels) > 0.97


def test_probabilities_that_are_all_tiny_keep_their_order():
    X, y = ragged_classification()
    model = classifier(SharedMean(3)).fit(X, y)
    for estimator in model.estimators_:
        estimator.intercept_ = estimator.intercept_ - 1e5
    proba = model.predict_proba(X)
    assert_allclose(proba.sum(axis=1), 1)
    assert_array_equal(model.predict(X), proba.argmax(axis=1))


@pytest.mark.parametrize("task_weight", ["samples", [1.0, 2.0, 3.0, 0.5]])
@each_penalty
def test_the_level_of_a_task_of_one_class(name, task_weight):
    """Its weights are those of a task without rows; its level is pulled to the others'."""
    labels, own = np.where(TASK == 2, 1, Y01), TASK == 2
    model = classifier(PENALTIES[name], task_weight=task_weight).fit(X, labels)
    balance = np.ones(T) if isinstance(task_weight, str) else np.array(task_weight)
    centre = np.average(X[:, 1:], axis=0, weights=balance[TASK])
    level = model.intercept_ + model.coef_ @ centre
    typical = np.delete(level, 2).mean()
    z = (X[own, 1:] - centre) @ model.coef_[2]

    def objective(level):
        return np.logaddexp(0, -(z + level)).sum() + 0.5 * (level - typical) ** 2

    best = minimize_scalar(objective, bounds=(-50, 50), options={"xatol": 1e-10})
    assert_allclose(level[2], best.x, atol=1e-6)
    assert level[2] > typical
    if name == "support":  # its rows say nothing about the weights of the others
        balance = task_weight if isinstance(task_weight, str) else np.delete(task_weight, 2)
        rest = classifier(PENALTIES[name], task_weight=balance).fit(X[~own], labels[~own])
        assert_allclose(rest.coef_, np.delete(model.coef_, 2, axis=0), atol=1e-4)


def test_without_intercepts_a_task_of_one_class_is_a_task_like_any_other():
    labels = np.where(TASK == 2, 1, Y01)
    model = classifier(SharedMean(C), fit_intercept=False).fit(X, labels)
    assert not model.intercept_.any()
    minimum = by_cvxpy("mean", "logistic", labels, np.ones(len(y)), False)
    assert_allclose(model.objective_, minimum, rtol=1e-6)


@pytest.mark.parametrize("make", [MultiTaskLogisticRegression, BiasedLogisticRegression])
def test_few_rows_of_one_class_do_not_forbid_the_other(make):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1305, 2))
    labels, task = (x[:, 0] > 0.5).astype(int), np.repeat([0.0, 1.0], [300, 1005])
    table = np.column_stack([task, x])
    few = np.r_[0:300, 300 + np.flatnonzero(labels[300:] == 0)[:5]]
    options = {"source": 0} if make is BiasedLogisticRegression else {"penalty": SharedMean(100)}
    model = make(task_col=0, **options).fit(table[few], labels[few])
    assert model.score(table[305:], labels[305:]) > 0.9
    every = np.r_[0:300, 300 + np.flatnonzero(labels[300:] == 0)]  # 700 rows are no accident
    model.fit(table[every], labels[every])
    assert model.predict(table[every[300:]]).mean() < 0.01


def test_if_every_task_has_one_class_there_is_nothing_to_learn():
    labels = TASK % 2  # disjoint: tasks 0 and 2 take only class 0
    model = classifier(SharedMean()).fit(X, labels)
    assert_array_equal(model.predict(X), labels)
    assert_array_equal(model.predict_proba(X)[:, 1], labels)
    assert (np.abs(model.decision_function(X)) >= 1).all()
    assert not model.coef_.any()
    assert np.isfinite(model.intercept_).all()
    new = model.predict_proba(np.column_stack([np.full(3, 9.0), X[:3, 1:]]))
    assert_allclose(new[:, 1], labels.mean())


def test_string_labels_and_missing_ones():
    labels = np.array(["mine", "clutter"], dtype=object)[Y01]
    model = classifier(SharedMean()).fit(X, labels)
    assert list(model.classes_) == ["clutter", "mine"]
    assert_array_equal(
        model.predict(X), np.where(model.decision_function(X) > 0, "mine", "clutter")
    )
    gaps = labels.copy()
    gaps[[3, 8]] = None
    keep = np.delete(np.arange(len(y)), [3, 8])
    fewer = classifier(SharedMean()).fit(X[keep], labels[keep])
    holed = classifier(SharedMean()).fit(X, gaps)
    assert_allclose(holed.coef_, fewer.coef_, atol=tolerance(fewer))


def test_one_class_in_all_is_an_error():
    with pytest.raises(ValueError, match="one class, 1, in all tasks"):
        classifier(SharedMean()).fit(X, np.ones(len(y), dtype=int))


def test_warm_start_with_classes_added():
    X, y = ragged_classification(classes=((0, 1, 2), (0, 1, 2)))
    model = classifier(SharedMean(), warm_start=True).fit(X, np.minimum(y, 1))
    assert model.coef_.shape == (2, 2)
    model.fit(X, y)
    cold = classifier(SharedMean()).fit(X, y)
    assert_allclose(model.coef_, cold.coef_, atol=1e-4)
    assert (model.fit(X, y).n_iter_ == 0).all()
    assert not hasattr(model.fit(X, np.minimum(y, 1)), "estimators_")


# Unseen tasks, attributes of penalties, errors


@pytest.mark.parametrize("kind", ["squared", "logistic"])
def test_an_unseen_task_is_predicted_by_the_shared_part_or_named(kind):
    make, target = (regressor, y) if kind == "squared" else (classifier, Y01)
    new = np.column_stack([np.full(3, 9.0), X[:3, 1:]])
    model = make(SharedMean(4)).fit(X, target)
    value = X[:3, 1:] @ model.shared_coef_ + model.shared_intercept_
    found = model.predict(new) if kind == "squared" else model.decision_function(new)
    assert_allclose(found, value)
    for penalty in (JointSupport(), LowRank(), LearnedRelations(), TaskGraph(EDGES)):
        with pytest.raises(ValueError, match=r"tasks \[9.0\] were not seen .* SharedMean"):
            make(penalty).fit(X, target).predict(new)


@pytest.mark.parametrize("kind", ["squared", "logistic"])
def test_a_task_without_a_label_is_not_an_unseen_one(kind):
    make, target = (regressor, y) if kind == "squared" else (classifier, Y01.astype(float))
    target = np.where(TASK == 2, np.nan, target)
    model = make(JointSupport()).fit(X, target)
    with pytest.raises(ValueError, match=r"tasks \[2.0\] were in the table .* label"):
        model.predict(X)
    model.fit(X, y if kind == "squared" else Y01).predict(X)
    with pytest.raises(ValueError, match=r"tasks \[9.0\] were not seen"):
        model.predict(np.column_stack([np.full(3, 9.0), X[:3, 1:]]))


def test_attributes_of_an_earlier_penalty_are_gone():
    model = regressor(SharedMean()).fit(X, y)
    assert hasattr(model, "shared_coef_")
    model.set_params(penalty=LowRank(), alpha=40.0).fit(X, y)
    assert not hasattr(model, "shared_coef_")
    assert not hasattr(model, "shared_intercept_")
    assert model.rank_ == np.linalg.matrix_rank(model.coef_)
    model.set_params(penalty=LearnedRelations(), task_col="task").fit(as_frame(X), y)
    assert_allclose(np.trace(model.task_covariance_), 1)
    assert not hasattr(model, "rank_")


@pytest.mark.parametrize("bad", ["value", "prox"])
def test_a_penalty_that_is_not_finite_ends_at_once(bad):
    class Broken(SharedMean):
        def value(self, W):
            return np.nan if bad == "value" else super().value(W)

        def prox(self, V, step):
            return np.full_like(V, np.nan if bad == "prox" else 0.0)

    for make, target in ((regressor, y), (classifier, Y01)):
        with pytest.raises(ValueError, match=r"objective is nan after (0|10) steps"):
            make(Broken()).fit(X, target)


def test_a_penalty_of_ones_own():
    class Plain(Penalty):
        """Σ |w_tj|: every task by itself."""

        def value(self, W):
            return abs(W).sum()

        def prox(self, V, step):
            return np.sign(V) * np.maximum(abs(V) - step, 0)

        def dual_norm(self, G):
            return abs(G).max()

    model = regressor(Plain(), 2.0, tol=1e-12).fit(X, y)
    for t in range(T):
        own = np.flatnonzero(X[:, 0] == t)
        lasso = Lasso(2.0 / (2 * len(own)), tol=1e-12).fit(X[own, 1:], y[own])
        assert_allclose(model.coef_[t], lasso.coef_, atol=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"alpha": 0}, "alpha=0"),
        ({"tol": -1}, "tol=-1"),
        ({"tol": np.nan}, "tol=nan"),
        ({"tol": np.inf}, "tol=inf"),
        ({"max_iter": 0}, "max_iter=0"),
        ({"max_iter": 2.0}, "max_iter=2.0"),
        ({"fit_intercept": "no"}, "fit_intercept='no' must be True or False"),
        ({"warm_start": "x"}, "warm_start='x' must be True or False"),
        ({"penalty": "l21"}, r"penalty='l21' must be a Penalty, such as SharedMean\(\) or Joint"),
        ({"penalty": SharedMean(-2)}, "coupling=-2"),
        ({"task_weight": [1, 2]}, "task_weight .* 4 positive"),
        ({"task_weight": pd.Series([1.0, 2, 3], [0, 1, 7])}, r"task_weight.*lacks.*2.0, 3.0"),
        ({"task_weight": pd.Series(np.ones(5), [0, 1, 2, 3, 3])}, "task_weight.*twice"),
    ],
)
@pytest.mark.parametrize("kind", ["squared", "logistic"])
def test_what_is_wrong_with_a_parameter(kind, options, message):
    make, target = (regressor, y) if kind == "squared" else (classifier, Y01)
    options = {"penalty": SharedMean(), **options}
    with pytest.raises((TypeError, ValueError), match=message):
        make(**options).fit(X, target)
