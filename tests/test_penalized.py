"""Tests of the penalised linear models: against cvxpy, scikit-learn and their limits."""

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
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
from mtlkit.linear._losses import LogisticLoss, MomentLoss, RowLoss
from mtlkit.linear._solver import accelerated
from tests._problems import as_frame, ragged_classification, ragged_regression

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


# The losses


def rows_of(target, weight=None):
    return X[:, 1:], target, TASK, weight


def ones(n):
    return np.ones(len(n))


def losses(weight=None, fit_intercept=True):
    moments = TaskMoments.from_rows(*rows_of(y, weight))
    return {
        "moments": MomentLoss.from_moments(moments, fit_intercept),
        "rows": RowLoss.from_rows(*rows_of(y, weight), ones, fit_intercept),
        "logistic": LogisticLoss(rows_of(Y01, weight), ones, fit_intercept),
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
    z = loss._with_intercept(scale * rng.normal(size=len(y)))
    residual = np.add.reduceat(loss.a * (1 / (1 + np.exp(-z)) - loss.y), loss.starts)
    assert_allclose(residual, 0, atol=1e-11)


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
    loss, _ = model._prepare(X, y, None)
    assert loss.shared_rows is equal
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
    loss, _ = model._prepare(X, (y > 1).astype(int), None)
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
        loss, _ = regressor(JointSupport(), **options)._prepare(X, y, sample_weight)
        assert not loss.shared_rows


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
    assert_allclose(missing.coef_, whole.coef_, atol=1e-9)
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
    for attribute in ("coef_", "intercept_", "objective_"):
        assert_allclose(
            getattr(parts, attribute), getattr(whole, attribute), rtol=1e-10, atol=1e-10
        )
    more = regressor(PENALTIES[name], fit_intercept=fit_intercept, tol=1e-12).fit(X[:20], y[:20])
    more.partial_fit(X[20:], y[20:])
    assert_allclose(more.coef_, whole.coef_, rtol=1e-10, atol=1e-10)


def test_partial_fit_needs_moments():
    X, y = wide()
    model = regressor(JointSupport(), 50.0).fit(X, y)
    with pytest.raises(ValueError, match="fit had fewer rows than T d and kept no moments"):
        model.partial_fit(X, y)


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


def test_what_is_wrong_with_a_path():
    with pytest.raises(ValueError, match=r"alphas=5 needs a strength .* SharedMean has none: give"):
        regularization_path(regressor(SharedMean()), X, y, 5)
    with pytest.raises(ValueError, match="eps=2 must lie between 0 and 1"):
        regularization_path(regressor(LowRank()), X, y, 5, eps=2)
    X3, y3 = ragged_classification()
    with pytest.raises(ValueError, match="y has 4 classes, but a path needs two: pass y == label"):
        regularization_path(classifier(LowRank()), X3, y3, 5)
    with pytest.raises(ValueError, match="alpha == 0"):
        regularization_path(regressor(LowRank()), X, y, [1.0, 0.0])


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


def test_a_row_gets_only_classes_of_its_task():
    X, y = ragged_classification()  # task 0 has classes 0, 1; task 1 1, 2, 3; task 2 2, 3
    model = classifier(SharedMean(3)).fit(X, y)
    proba = model.predict_proba(X)
    allowed = np.array([[1, 1, 0, 0], [0, 1, 1, 1], [0, 0, 1, 1]])[X[:, 0].astype(int)]
    assert_array_equal(proba > 0, allowed.astype(bool))
    assert_allclose(proba.sum(axis=1), 1)
    assert np.isfinite(model.decision_function(X)).all()
    assert set(model.predict(X[X[:, 0] == 0])) <= {0, 1}


def test_probabilities_that_are_all_tiny_are_shared_equally():
    X, y = ragged_classification()
    model = classifier(SharedMean(3)).fit(X, y)
    for estimator in model.estimators_:
        estimator.intercept_ = np.where(np.isfinite(estimator.intercept_), -1e5, -np.inf)
    proba = model.predict_proba(X[X[:, 0] == 0])
    assert_allclose(proba[:, :2], 0.5)


@pytest.mark.parametrize("fit_intercept", [True, False])
@each_penalty
def test_a_task_of_one_class_is_predicted_as_that_class(name, fit_intercept):
    labels = np.where(TASK == 2, 1, Y01)
    model = classifier(PENALTIES[name], fit_intercept=fit_intercept).fit(X, labels)
    own = TASK == 2
    assert_array_equal(model.predict_proba(X[own])[:, 1], 1)
    assert_array_equal(model.predict(X[own]), 1)
    assert np.isposinf(model.intercept_[2])
    assert np.isfinite(model.decision_function(X)).all()
    if name == "support":  # its rows tell the others nothing
        rest = classifier(PENALTIES[name], fit_intercept=fit_intercept).fit(X[~own], labels[~own])
        assert_allclose(rest.predict_proba(X[~own]), model.predict_proba(X[~own]), atol=1e-4)


def test_if_every_task_has_one_class_there_is_nothing_to_learn():
    labels = TASK % 2
    model = classifier(SharedMean()).fit(X, labels)
    assert_array_equal(model.predict(X), labels)
    assert_array_equal(model.predict_proba(X)[:, 1], labels)
    assert not model.coef_.any()
    assert model.predict_proba(np.column_stack([np.full(3, 9.0), X[:3, 1:]]))[0, 0] == 0.5


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
    assert_allclose(classifier(SharedMean()).fit(X, gaps).coef_, fewer.coef_, atol=1e-9)


def test_one_class_in_all_is_an_error():
    with pytest.raises(ValueError, match="y holds one class, 1, in all tasks: a classifier needs"):
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
        with pytest.raises(ValueError, match=r"tasks \[9.0\] were not seen .* use the penalty Sh"):
            make(penalty).fit(X, target).predict(new)


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
        ({"alpha": 0}, "alpha == 0, must be > 0"),
        ({"tol": -1}, "tol == -1, must be >= 0"),
        ({"max_iter": 0}, "max_iter == 0, must be >= 1"),
        ({"penalty": "l21"}, r"penalty='l21' must be a Penalty, such as SharedMean\(\) or Joint"),
        ({"penalty": SharedMean(-2)}, "coupling=-2 of SharedMean must be a number from 0"),
        ({"task_weight": [1, 2]}, "task_weight must hold 4 positive numbers"),
    ],
)
@pytest.mark.parametrize("kind", ["squared", "logistic"])
def test_what_is_wrong_with_a_parameter(kind, options, message):
    make, target = (regressor, y) if kind == "squared" else (classifier, Y01)
    options = {"penalty": SharedMean(), **options}
    with pytest.raises(ValueError, match=message):
        make(**options).fit(X, target)
