"""Tests of mtlkit.linear: moments add up; mean-regularised ridge against other ways to solve it."""

import re
import tracemalloc
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.linalg import LinAlgWarning
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, DataConversionWarning, NotFittedError
from sklearn.feature_selection import RFE, SelectFromModel
from sklearn.linear_model import Ridge

from mtlkit.baselines import PerTask, Pooled
from mtlkit.linear import (
    JointSupport,
    LearnedRelations,
    LowRank,
    MeanRegularizedRidge,
    MultiTaskLinearRegression,
    MultiTaskLogisticRegression,
    SharedMean,
    TaskGraph,
    TaskMoments,
)
from mtlkit.transfer import BiasedLogisticRegression, BiasedRidge
from tests._problems import as_frame, assert_same_moments, ragged_regression

X, y = ragged_regression()
N_TASKS, D = 4, 3
SEEDS = st.integers(0, 2**32 - 1)
INTERCEPTS = [  # fit_intercept, couple_intercept
    {"couple_intercept": True},
    {"couple_intercept": False},
    {"fit_intercept": False},
]


def model(coupling=2.0, alpha=0.7, **options):
    return MeanRegularizedRidge(alpha, coupling, task_col=0, **options)


def assert_same_model(one, two, rtol=1e-9):
    for name in ["coef_", "intercept_", "shared_coef_", "shared_intercept_"]:
        assert_allclose(getattr(one, name), getattr(two, name), rtol=rtol, atol=rtol, err_msg=name)


# TaskMoments


def moments(seed, weighted=True):
    """Moments of up to 12 rows of some of 5 tasks, and the rows."""
    rng = np.random.default_rng(seed)
    n = rng.integers(1, 13)
    X, y, task = rng.normal(5, 2, (n, 2)), rng.normal(size=n), rng.integers(5, size=n)
    weight = rng.uniform(0.1, 3, n) if weighted else None
    return TaskMoments.from_rows(X, y, task, weight), (X, y, task, weight)


@given(SEEDS, SEEDS)
def test_moments_of_two_parts_add_up_to_those_of_all_rows(seed, other):
    (one, rows), (two, more) = moments(seed), moments(other)
    together = TaskMoments.from_rows(*map(np.concatenate, zip(rows, more, strict=True)))
    assert_same_moments(one + two, together, atol=1e-12)
    assert_same_moments(two + one, together, atol=1e-12)


@given(SEEDS, SEEDS, SEEDS)
def test_moments_add_in_any_grouping(a, b, c):
    a, b, c = (moments(seed)[0] for seed in (a, b, c))
    assert_same_moments((a + b) + c, a + (b + c), atol=1e-12)


@given(SEEDS)
def test_moments_hold_the_loss(seed):
    m, (X, y, task, weight) = moments(seed)
    rng = np.random.default_rng(seed)
    w, b = rng.normal(size=2), rng.normal()
    gap = m.y_mean - m.x_mean @ w - b
    loss = m.Syy - 2 * m.Sxy @ w + np.einsum("d,tde,e->t", w, m.Sxx, w) + m.n * gap**2
    by_rows = [(weight * (y - X @ w - b) ** 2)[task == t].sum() for t in m.tasks]
    assert_allclose(loss, by_rows)


@given(SEEDS)
def test_moments_about_a_point_and_scaled(seed):
    m, (X, y, task, weight) = moments(seed)
    A, r = m.scaled(np.full(len(m.n), 2.0)).about(np.array([1.0, 2.0]), 3.0)
    for t, name in enumerate(m.tasks):
        rows = task == name
        z = np.column_stack([X[rows] - [1.0, 2.0], np.ones(rows.sum())])
        assert_allclose(A[t], 2 * (z.T * weight[rows]) @ z, atol=1e-9)
        assert_allclose(r[t], 2 * (z.T * weight[rows]) @ (y[rows] - 3), atol=1e-9)


def test_whole_weights_are_repeated_rows_and_no_weights_are_ones():
    plain, (X, y, task, _) = moments(3, weighted=False)
    assert_same_moments(plain, TaskMoments.from_rows(X, y, task, np.ones(len(y))), atol=1e-12)
    weight = 1 + np.arange(len(y)) % 3
    repeated = TaskMoments.from_rows(*(np.repeat(a, weight, axis=0) for a in (X, y, task)))
    assert_same_moments(TaskMoments.from_rows(X, y, task, weight), repeated, atol=1e-12)


def test_large_means_lose_no_digits():
    X, y, task = np.arange(6.0)[:, None], np.arange(6.0), np.zeros(6)
    far = TaskMoments.from_rows(X[:3] + 2**40, y[:3] + 2**40, task[:3])
    far += TaskMoments.from_rows(X[3:] + 2**40, y[3:] + 2**40, task[3:])
    near = TaskMoments.from_rows(X, y, task)
    assert_allclose([far.Sxx[0, 0, 0], far.Sxy[0, 0], far.Syy[0]], near.Syy[0], rtol=1e-12)


def test_a_task_without_weight_is_named():
    with pytest.raises(ValueError, match=r"tasks \['v'\] have sample_weight 0: drop these rows"):
        TaskMoments.from_rows(np.ones((2, 1)), np.ones(2), np.array(["u", "v"]), np.array([1, 0]))


# MeanRegularizedRidge against an explicit least-squares problem


def augmented_least_squares(X, y, alpha, coupling, *, weight, kind):
    """Weights (T, d) and intercepts (T,) by lstsq on one block-diagonal design.

    Penalties are extra rows. The unknowns are w_t and level_t, task after task; the intercept
    is level_t - w_t·x0 with x0 the mean of all rows.
    """
    tasks, codes = np.unique(X[:, 0], return_inverse=True)
    T, d = len(tasks), X.shape[1] - 1
    x0 = np.average(X[:, 1:], axis=0, weights=weight) if "none" not in kind else np.zeros(d)
    Z = np.column_stack([X[:, 1:] - x0, np.full(len(X), float("none" not in kind))])
    k = d + 1
    design = np.zeros((len(X), T, k))
    design[np.arange(len(X)), codes] = Z
    shrink = np.kron(np.eye(T), np.eye(k)[:d])
    tied = np.eye(k) if kind == "coupled" else np.eye(k)[:d]
    tie = np.kron(np.eye(T) - 1 / T, tied)
    root = np.sqrt(weight)[:, None]
    penalty = [np.sqrt(alpha) * shrink, np.sqrt(alpha * coupling) * tie]
    A = np.vstack([design.reshape(len(X), -1) * root, *penalty])
    target = np.r_[y * root[:, 0], np.zeros(len(A) - len(y))]
    solution, *_ = np.linalg.lstsq(A, target, rcond=None)
    W = solution.reshape(T, k)
    return W[:, :d], W[:, d] - W[:, :d] @ x0, ((A @ solution - target) ** 2).sum()


def kind_of(options):
    if not options.get("fit_intercept", True):
        return "none"
    return "coupled" if options.get("couple_intercept", True) else "free"


@pytest.mark.parametrize("options", INTERCEPTS)
@pytest.mark.parametrize("task_weight", ["samples", "tasks", [0.5, 2.0, 3.0, 1.0]])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("coupling", [0, 0.3, 40.0])
def test_ridge_against_augmented_least_squares(options, task_weight, weighted, coupling):
    weight = np.random.default_rng(1).uniform(0.2, 2, len(y)) if weighted else np.ones(len(y))
    ours = model(coupling, task_weight=task_weight, **options)
    ours.fit(X, y, sample_weight=weight if weighted else None)
    codes = X[:, 0].astype(int)
    n = np.bincount(codes, weight)
    balance = {"samples": np.ones(4), "tasks": n.sum() / (4 * n)}
    balance = balance[task_weight] if isinstance(task_weight, str) else np.array(task_weight)
    W, b, value = augmented_least_squares(
        X, y, 0.7, coupling, weight=weight * balance[codes], kind=kind_of(options)
    )
    assert_allclose(ours.coef_, W, rtol=1e-8, atol=1e-9)
    assert_allclose(ours.intercept_, b, rtol=1e-8, atol=1e-9)
    assert_allclose(ours.objective_, value, rtol=1e-9)


@given(SEEDS, st.lists(st.integers(1, 7), min_size=1, max_size=5), st.sampled_from(INTERCEPTS))
def test_ridge_against_augmented_least_squares_on_any_shape(seed, rows, options):
    X, y = ragged_regression(seed, rows)
    alpha, coupling = np.exp(np.random.default_rng(seed).normal(size=2))
    ours = model(coupling, alpha, **options).fit(X, y)
    W, b, value = augmented_least_squares(
        X, y, alpha, coupling, weight=np.ones(len(y)), kind=kind_of(options)
    )
    assert_allclose(ours.coef_, W, rtol=1e-6, atol=1e-8)
    assert_allclose(ours.intercept_, b, rtol=1e-6, atol=1e-7)
    assert_allclose(ours.objective_, value, rtol=1e-7, atol=1e-9)


def objective(X, y, W, b, alpha, coupling, level):
    codes = X[:, 0].astype(int)
    loss = ((y - (X[:, 1:] * W[codes]).sum(axis=1) - b[codes]) ** 2).sum()
    spread = ((W - W.mean(axis=0)) ** 2).sum()
    if level:
        levels = b + W @ X[:, 1:].mean(axis=0)
        spread += ((levels - levels.mean()) ** 2).sum()
    return loss + alpha * ((W**2).sum() + coupling * spread)


@pytest.mark.parametrize("level", [True, False])
def test_gradient_of_the_objective_is_zero(level):
    fitted = model(2.0, 0.7, couple_intercept=level).fit(X, y)
    at = np.column_stack([fitted.coef_, fitted.intercept_])

    def value(p):
        return objective(X, y, p[:, :D], p[:, D], 0.7, 2.0, level)

    assert_allclose(value(at), fitted.objective_)
    for step in 1e-4 * np.eye(at.size).reshape(-1, *at.shape):
        slope = (value(at + step) - value(at - step)) / 2e-4
        assert abs(slope) < 1e-6 * fitted.objective_
        assert value(at + 100 * step) > fitted.objective_


# Limits


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_no_coupling_is_one_ridge_per_task(fit_intercept):
    ours = model(0, fit_intercept=fit_intercept).fit(X, y)
    alone = PerTask(Ridge(0.7, fit_intercept=fit_intercept), task_col=0).fit(X, y)
    assert_allclose(ours.predict(X), alone.predict(X))
    assert_allclose(ours.coef_, [ridge.coef_ for ridge in alone.estimators_])
    assert_allclose(ours.shared_coef_, 0, atol=1e-12)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize(("coupling", "rtol"), [(np.inf, 1e-10), (1e9, 1e-6)])
def test_full_coupling_is_one_ridge_for_all(fit_intercept, coupling, rtol):
    ours = model(coupling, fit_intercept=fit_intercept).fit(X, y)
    pooled = Pooled(Ridge(0.7 * N_TASKS, fit_intercept=fit_intercept), task_col=0).fit(X, y)
    assert_allclose(ours.predict(X), pooled.predict(X), rtol=rtol)
    assert_allclose(ours.shared_coef_, pooled.estimator_.coef_, rtol=rtol)
    assert_allclose(ours.coef_ - ours.shared_coef_, 0, atol=1e-7)
    loss = ((y - pooled.predict(X)) ** 2).sum()
    penalty = 0.7 * N_TASKS * (pooled.estimator_.coef_**2).sum()
    assert_allclose(ours.objective_, loss + penalty, rtol=1e-6)


def test_full_coupling_with_free_levels_is_a_common_slope():
    ours = model(np.inf, couple_intercept=False).fit(X, y)
    dummies = (X[:, :1] == np.arange(4)) * 1e5  # so large that ridge leaves them alone
    common = Ridge(0.7 * 4, fit_intercept=False).fit(np.column_stack([X[:, 1:], dummies]), y)
    assert_allclose(ours.coef_, np.tile(common.coef_[:D], (4, 1)), rtol=1e-5)


@pytest.mark.parametrize("coupling", [0, 1.0, 50.0, np.inf])
@pytest.mark.parametrize("options", INTERCEPTS)
@pytest.mark.parametrize("task_col", [None, 0])
def test_one_task_is_ridge_whatever_the_coupling(coupling, options, task_col):
    own = X[X[:, 0] == 3], y[X[:, 0] == 3]
    table = own[0] if task_col == 0 else own[0][:, 1:]
    ours = MeanRegularizedRidge(0.7, coupling, task_col=task_col, **options).fit(table, own[1])
    ridge = Ridge(0.7, fit_intercept=kind_of(options) != "none").fit(own[0][:, 1:], own[1])
    assert_allclose(ours.coef_[0], ridge.coef_)
    assert_allclose(ours.intercept_[0], ridge.intercept_)
    value = ((own[1] - ridge.predict(own[0][:, 1:])) ** 2).sum() + 0.7 * (ridge.coef_**2).sum()
    assert_allclose(ours.objective_, value, rtol=1e-12)


@pytest.mark.parametrize("coupling", [0, 0.5, 3.0, 1e6, np.inf])
@pytest.mark.parametrize("options", INTERCEPTS)
def test_shared_part_is_a_share_of_the_mean(coupling, options):
    fitted = model(coupling, **options).fit(X, y)
    share = 1.0 if np.isinf(coupling) else coupling / (1 + coupling)
    assert_allclose(fitted.shared_coef_, share * fitted.coef_.mean(axis=0), atol=1e-10)


def test_private_parts_shrink_as_the_coupling_grows():
    spread = [model(c).fit(X, y).coef_.std(axis=0).sum() for c in [0, 0.1, 1, 10, 100, np.inf]]
    assert (np.diff(spread) < 0).all()


# Symmetries


@given(SEEDS, st.sampled_from(INTERCEPTS))
def test_order_of_rows_tasks_and_columns_does_not_matter(seed, options):
    rng = np.random.default_rng(seed)
    rows, tasks, columns = rng.permutation(len(X)), rng.permutation(4), rng.permutation(D)
    renamed = np.column_stack([tasks[X[:, 0].astype(int)], X[:, 1:][:, columns]])
    straight = model(**options).fit(X, y)
    mixed = model(**options).fit(renamed[rows], y[rows])
    assert_allclose(mixed.coef_[tasks], straight.coef_[:, columns], atol=1e-10)
    assert_allclose(mixed.intercept_[tasks], straight.intercept_, atol=1e-10)
    assert_allclose(mixed.predict(renamed), straight.predict(X), atol=1e-9)


@given(st.floats(-100, 100), st.floats(0.01, 100), st.sampled_from(INTERCEPTS[:2]))
def test_shifts_go_to_the_intercept_and_scales_go_through(shift, scale, options):
    straight = model(**options).fit(X, y)
    shifted = model(**options).fit(X + np.array([0, shift, -shift, 2 * shift]), scale * y + shift)
    assert_allclose(shifted.coef_, scale * straight.coef_, rtol=1e-7, atol=1e-9)
    assert_allclose(shifted.shared_coef_, scale * straight.shared_coef_, rtol=1e-7, atol=1e-9)
    assert_allclose(shifted.objective_, scale**2 * straight.objective_, rtol=1e-7)
    unseen = X + np.array([50, 0, 0, 0])
    expected = scale * straight.predict(unseen) + shift
    moved = unseen + np.array([0, shift, -shift, 2 * shift])
    assert_allclose(shifted.predict(moved), expected, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("options", INTERCEPTS)
def test_whole_weights_repeat_rows_and_zero_weights_drop_them(options):
    weight = np.random.default_rng(0).integers(0, 4, size=len(y))
    weighted = model(task_weight="tasks", **options).fit(X, y, sample_weight=weight)
    repeated = model(task_weight="tasks", **options).fit(
        np.repeat(X, weight, axis=0), np.repeat(y, weight)
    )
    assert_same_model(weighted, repeated)


# partial_fit, labels, unseen tasks, tables


@pytest.mark.parametrize("task_weight", ["samples", "tasks"])
@pytest.mark.parametrize("chunks", [2, 5, 28])
def test_partial_fit_is_fit_and_tasks_may_come_later(task_weight, chunks):
    order = np.argsort(X[:, 0], kind="stable")  # so the last chunks bring new tasks
    weight = 1 + np.arange(len(y)) % 2
    parts = model(task_weight=task_weight)
    for rows in np.array_split(order, chunks):
        parts.partial_fit(X[rows], y[rows], sample_weight=weight[rows])
    whole = model(task_weight=task_weight).fit(X, y, sample_weight=weight)
    assert_array_equal(parts.tasks_, whole.tasks_)
    assert_same_model(parts, whole, rtol=1e-10)
    assert_allclose(parts.objective_, whole.objective_, rtol=1e-10)


def test_fit_forgets_and_partial_fit_goes_on():
    fitted = model().fit(X[:10], y[:10]).partial_fit(X[10:], y[10:])
    assert_same_model(fitted, model().fit(X, y), rtol=1e-10)
    assert_same_model(fitted.fit(X[:10], y[:10]), model().fit(X[:10], y[:10]), rtol=1e-14)
    with pytest.raises(ValueError, match=r"X has 3 features, but .* is expecting 4"):
        fitted.partial_fit(X[:, :3], y)


def test_rows_without_label_are_left_out():
    holes = y.copy()
    holes[::3] = np.nan
    fitted = model().fit(X, holes)
    known = ~np.isnan(holes)
    assert_same_model(fitted, model().fit(X[known], y[known]), rtol=1e-14)
    holes[X[:, 0] == 2] = np.nan
    assert_array_equal(model().fit(X, holes).tasks_, [0, 1, 3])


def test_unseen_tasks_are_predicted_by_the_shared_part():
    fitted = model().fit(X, y)
    unseen = X.copy()
    unseen[::2, 0] = 9
    prediction = fitted.predict(unseen)
    expected = X[:, 1:] @ fitted.shared_coef_ + fitted.shared_intercept_
    assert_allclose(prediction[::2], expected[::2])
    assert_array_equal(prediction[1::2], fitted.predict(X)[1::2])
    with pytest.raises(ValueError, match=r"strings.*convert the task column"):
        fitted.predict(X.astype(str))


def test_frames_and_arrays_give_the_same():
    frame = as_frame(X).set_axis(np.arange(len(X)) % 5)
    named = MeanRegularizedRidge(0.7, 2.0, task_col="task").fit(frame, pd.Series(y))
    assert_same_model(named, model().fit(X, y), rtol=1e-14)
    assert_array_equal(named.tasks_, ["t0", "t1", "t2", "t3"])
    assert_array_equal(named.feature_names_in_, frame.columns)
    nullable = frame.convert_dtypes()
    assert_array_equal(named.predict(nullable), named.predict(frame))


def test_memory_stays_far_below_one_matrix_for_all_tasks():
    T, d = 400, 50
    rng = np.random.default_rng(0)
    table = np.column_stack([np.repeat(np.arange(T), 3), rng.normal(size=(3 * T, d))])
    target = rng.normal(size=3 * T)
    tracemalloc.start()
    try:
        model().fit(table, target)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    one_block_per_task = 8 * T * d**2  # 8 MB; a (T d, T d) matrix would be 3.2 GB
    assert peak < 12 * one_block_per_task


# Errors


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"alpha": 0}, "alpha=0 .* above 0"),
        ({"alpha": -1}, "alpha=-1 .* above 0"),
        ({"alpha": np.inf}, "alpha=inf .* below inf"),
        ({"alpha": np.nan}, "alpha=nan"),
        ({"coupling": -1}, "coupling=-1 .* at least 0"),
        ({"coupling": np.nan}, "coupling=nan"),
        ({"task_weight": "rows"}, "task_weight='rows' .* 'samples', 'tasks'"),
        ({"task_weight": [1, 2]}, r"task_weight .* 4 positive .*\[1, 2\]"),
        ({"task_weight": [1, 2, 0, 1]}, "task_weight .* 4 positive"),
        ({"task_weight": [1, 2, np.nan, 1]}, "task_weight .* 4 positive"),
    ],
)
def test_parameters_out_of_range(options, message):
    with pytest.raises(ValueError, match=message):
        model().set_params(**options).fit(X, y)


@pytest.mark.parametrize("value", ["1", None, [1.0]])
@pytest.mark.parametrize("name", ["alpha", "coupling"])
def test_parameters_of_another_type(name, value):
    with pytest.raises(TypeError, match=f"{name}=.* must be a number"):
        model().set_params(**{name: value}).fit(X, y)


def with_values(rows, columns, value):
    table = X.copy()
    table[np.ix_(rows, columns)] = value
    return table


LACKS = with_values(np.flatnonzero(X[:, 0] == 2), [1, 3], np.nan)


@pytest.mark.parametrize(
    ("table", "target", "weight", "message"),
    [
        (LACKS, y, None, r"columns \[1, 3\] are missing in every row of task 2.0.*use PerTask"),
        (with_values([3], [2], np.nan), y, None, "Input X contains NaN"),
        (with_values([3], [2], np.inf), y, None, "Input X contains infinity"),
        (X, None, None, "requires y to be passed"),
        (X, y[1:], None, "inconsistent numbers of samples"),
        (X, np.full(len(y), np.nan), None, "no row has a label, so there is nothing to fit"),
        (X, np.where(y == y[0], np.inf, y), None, "Input y contains infinity"),
        (X, y, np.ones(5), r"sample_weight has shape \(5,\), expected one weight per row"),
        (X, y, -np.ones(len(y)), "sample_weight must not be negative, got -1"),
        (X, y, np.zeros(len(y)), "every labelled row has zero sample_weight"),
        (X, y, np.full(len(y), np.nan), "sample_weight .*NaN"),
    ],
)
def test_fit_errors(table, target, weight, message):
    with pytest.raises(ValueError, match=message):
        model().fit(table, target, sample_weight=weight)


def test_a_missing_column_is_named_in_a_frame():
    table = as_frame(X)
    table.loc[table["task"] == "t2", ["a", "c"]] = np.nan
    with pytest.raises(ValueError, match=r"columns \['a', 'c'\] .* task 't2'"):
        MeanRegularizedRidge(task_col="task").fit(table, y)


def test_predict_before_fit():
    with pytest.raises(NotFittedError):
        model().predict(X)


def test_failed_partial_fit_adds_nothing():
    model = MeanRegularizedRidge(task_col=0).fit(X, y)
    before = model.moments_
    model.set_params(task_weight=[1.0])
    with pytest.raises(ValueError, match="task_weight must hold 4 positive numbers"):
        model.partial_fit(X, y)
    assert model.moments_ is before


def test_partial_fit_does_not_mix_names_and_numbers():
    model = MeanRegularizedRidge(task_col=0).fit(X, y)
    named = X.astype(object)
    named[:, 0] = [f"t{t:.0f}" for t in X[:, 0]]
    with pytest.raises(ValueError, match="task"):
        model.partial_fit(named, y)


@pytest.mark.parametrize("weight", [{0: 1.0}, 2.0, [1.0, 1.0, 1.0, np.nan], [1.0, -1.0, 1.0, 1.0]])
def test_task_weight_must_be_one_positive_number_per_task(weight):
    with pytest.raises(ValueError, match="task_weight must hold 4 positive numbers"):
        MeanRegularizedRidge(task_col=0, task_weight=weight).fit(X, y)


def test_score_leaves_out_rows_without_a_label():
    some_missing = np.where(np.arange(len(y)) % 3 == 0, np.nan, y)
    known = ~np.isnan(some_missing)
    model = MeanRegularizedRidge(task_col=0).fit(X, some_missing)
    assert model.score(X, some_missing) == pytest.approx(model.score(X[known], y[known]))


# Fast and exact


@pytest.mark.parametrize("weighted", [False, True])
def test_moments_lose_no_digits_when_the_means_of_a_later_task_are_large(weighted):
    rng = np.random.default_rng(0)
    X, y, task = rng.normal(size=(90, 3)), rng.normal(size=90), np.repeat([0, 1, 2], 30)
    weight = rng.uniform(0.5, 2, size=90) if weighted else None
    near = TaskMoments.from_rows(X, y, task, weight)
    shift = np.where(task == 1, 2.0**30, 0.0)
    far = TaskMoments.from_rows(X + shift[:, None], y + shift, task, weight)
    for name in ("Sxx", "Sxy", "Syy"):
        assert_allclose(getattr(far, name), getattr(near, name), rtol=1e-5, atol=1e-5)
    assert_allclose(far.x_mean[1], near.x_mean[1] + 2.0**30)


def test_a_strength_that_rounding_hides_still_gives_the_model():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 4)), rng.normal(size=60)
    X = np.column_stack([np.repeat([0, 1, 2], 20), X, X[:, :2]])  # columns that occur twice
    tiny, small = (MeanRegularizedRidge(alpha, task_col=0).fit(X, y) for alpha in (1e-20, 1e-6))
    assert_allclose(tiny.predict(X), small.predict(X), atol=1e-4)


def test_order_of_rows_does_not_matter():
    rng = np.random.default_rng(0)
    X = np.column_stack([np.repeat(np.arange(5), 12), rng.normal(size=(60, 3))])
    y, order = rng.normal(size=60), rng.permutation(60)
    a, b = (MeanRegularizedRidge(task_col=0).fit(X[o], y[o]) for o in (slice(None), order))
    assert_allclose(a.coef_, b.coef_, rtol=1e-10)


# Few rows: solved by rows in place of moments


@given(
    SEEDS,
    st.lists(st.integers(1, 12), min_size=1, max_size=4),
    st.sampled_from([0, 1e-12, 0.5, 40.0, 1e12, np.inf]),
    st.sampled_from(INTERCEPTS),
    st.booleans(),
)
def test_few_rows_give_what_moments_give(seed, rows, coupling, options, weighted):
    X, y = ragged_regression(seed, rows, d=8)
    weight = np.random.default_rng(seed).uniform(0.2, 3, len(y)) if weighted else None
    one, two = (model(coupling, task_weight="tasks", **options) for _ in range(2))
    one.fit(X, y, weight)
    assert isinstance(one._seen, tuple) == (len(y) < 8 * len(rows))
    two.partial_fit(X, y, weight)
    assert_same_model(one, two, rtol=1e-8)
    assert_allclose(one.objective_, two.objective_, rtol=1e-8)
    assert_same_moments(one.moments_, two.moments_, atol=1e-12)


@pytest.mark.parametrize("options", INTERCEPTS)
def test_few_rows_with_many_features_take_little_memory(options):
    rng = np.random.default_rng(0)
    table = np.column_stack([np.repeat(np.arange(5), 12), rng.normal(size=(60, 2000))])
    target = rng.normal(size=60)
    tracemalloc.start()
    try:
        fitted = model(**options).fit(table, target)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8 * table.nbytes  # a matrix of all features would be 32 MB, 33 times the table
    left = (target - fitted.predict(table)) * np.ones(60)
    V = fitted.coef_ - fitted.shared_coef_  # α (1 + c) v_t = Σ of the residuals' rows
    pull = np.array([left[own] @ table[own, 1:] for own in np.split(np.arange(60), 5)])
    if options == {"fit_intercept": False}:
        assert_allclose(0.7 * 3 * V, pull, atol=1e-8)


def test_one_long_task_among_many_short_ones_takes_no_matrix_of_its_rows():
    rng = np.random.default_rng(0)
    task = np.r_[np.zeros(3000), np.arange(1, 301)]  # 3000 × 3000 numbers are 72 MB
    table = np.column_stack([task, rng.normal(size=(3300, 20))])
    target = rng.normal(size=3300)
    tracemalloc.start()
    try:
        rows = model().fit(table, target)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 20e6
    assert_same_model(rows, model().partial_fit(table, target), rtol=1e-8)


@pytest.mark.parametrize("coupling", [1e9, 1e30])
def test_the_objective_is_right_at_any_coupling(coupling):
    at_the_end = model(np.inf).fit(X, y).objective_
    assert_allclose(model(coupling).fit(X, y).objective_, at_the_end, rtol=1e-6)


# Numbers too large


def estimators():
    graph = TaskGraph(np.ones((4, 4)))
    for penalty in (SharedMean(), JointSupport(), LowRank(), LearnedRelations(), graph):
        yield MultiTaskLinearRegression(penalty, task_col=0, max_iter=50), y
        yield MultiTaskLogisticRegression(penalty, task_col=0, max_iter=50), y > np.median(y)
    yield MeanRegularizedRidge(task_col=0), y
    yield BiasedRidge(source=0, task_col=0), y
    yield BiasedLogisticRegression(source=0, task_col=0, max_iter=50), y > np.median(y)


each_estimator = pytest.mark.parametrize(
    ("estimator", "target"),
    [
        pytest.param(*pair, id=f"{i}-{type(pair[0]).__name__}")
        for i, pair in enumerate(estimators())
    ],
)


@each_estimator
@pytest.mark.parametrize("value", [np.finfo(float).max, -np.finfo(float).max, 1e200])
def test_a_value_whose_products_overflow_is_named(estimator, target, value):
    table = with_values([3], [2], value)
    with pytest.raises(
        ValueError, match=re.escape(f"column 2 reach {value:.3g} in task {X[3, 0]}")
    ):
        estimator.fit(table, target)
    frame = as_frame(table)
    if estimator.get_params().get("source") is None:
        named = clone(estimator).set_params(task_col="task")
        with pytest.raises(ValueError, match=rf"column 'b' reach .* in task 't{X[3, 0]:.0f}'"):
            named.fit(frame, target)


@each_estimator
@pytest.mark.parametrize("scale", [1e100, 1e70, 1e-100, 1e-160])
def test_features_of_any_scale_end_soon(estimator, target, scale):
    table = X * np.array([1, scale, scale, scale])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        # Of scikit-learn's Ridge, inside ours.
        warnings.simplefilter("ignore", LinAlgWarning)
        warnings.filterwarnings("ignore", "Singular matrix in solving dual problem")
        try:
            fitted = clone(estimator).fit(table, target)
        except ValueError as error:
            assert "reach" in str(error) and scale > 1e75
        else:
            assert np.isfinite(fitted.predict(table).astype(float)).all()
            assert np.isfinite(fitted.coef_).all()


@each_estimator
def test_other_numbers_that_overflow_are_named(estimator, target):
    with pytest.raises(ValueError, match=r"sample_weight reaches 1e\+300"):
        clone(estimator).fit(X, target, np.full(len(y), 1e300))
    if target is y:
        with pytest.raises(ValueError, match=r"values of y reach .*e\+20[01] in task"):
            clone(estimator).fit(X, 1e200 * y)
    if "task_weight" in estimator.get_params():
        with pytest.raises(ValueError, match=r"task_weight .* 1e"):
            clone(estimator).set_params(task_weight=[1e300, 1e308, 1e300, 1.0]).fit(X, target)
    fitted = clone(estimator).fit(X, target)
    fitted.coef_ = np.full_like(fitted.coef_, 7.0)
    with pytest.raises(ValueError, match=r"row 3 overflows: column 2 holds 1.8e\+308"):
        fitted.predict(with_values([3], [2], np.finfo(float).max))


# Selectors of scikit-learn


SELECTABLE = [
    MeanRegularizedRidge(),
    MultiTaskLinearRegression(JointSupport()),
    MultiTaskLogisticRegression(),
]


@pytest.mark.parametrize("estimator", SELECTABLE, ids=lambda e: type(e).__name__)
@pytest.mark.parametrize("place", [0, 2, -1])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_selectors_keep_the_task_column_and_the_right_features(estimator, place, n_classes):
    F = np.random.default_rng(0).normal(size=(180, 6))
    target = 5 * F[:, 3] + 3 * F[:, 4]
    if isinstance(estimator, MultiTaskLogisticRegression):
        target = np.digitize(target, [-2, 2] if n_classes == 3 else [0])
    table = np.insert(F, 6 if place == -1 else place, np.repeat([0, 1, 2], 60), axis=1)
    frame = pd.DataFrame(table, columns=["t" if j == place % 7 else f"f{j}" for j in range(7)])
    right = [j for j in range(7) if j == place % 7 or np.isin(table[0, j], F[0, 3:5])]
    named = SelectFromModel(clone(estimator).set_params(task_col="t"), threshold=0.5)
    assert_array_equal(named.fit(frame, target).get_feature_names_out(), frame.columns[right])
    estimator = clone(estimator).set_params(task_col=place)
    chosen = SelectFromModel(estimator, threshold=0.5).fit(table, target).get_support()
    assert_array_equal(np.flatnonzero(chosen), right)
    recursive = RFE(estimator, n_features_to_select=3)
    if place == 2:  # where columns before it go, its position changes
        with pytest.raises(ValueError, match=r"task_col=2 .* task_col=0"):
            recursive.fit(table, target)
    else:
        assert_array_equal(np.flatnonzero(recursive.fit(table, target).support_), right)


def test_importances_have_a_number_for_each_column():
    fitted = model().fit(X, y)
    sizes = np.sqrt((fitted.coef_**2).mean(axis=0))
    assert_allclose(fitted.feature_importances_, [2 * sizes.max(), *sizes])
    alone = MeanRegularizedRidge().fit(X[:, 1:], y)
    assert_allclose(alone.feature_importances_, abs(alone.coef_[0]))
    assert not hasattr(MeanRegularizedRidge(), "coef_")
    assert not hasattr(MeanRegularizedRidge(), "feature_importances_")


# Names in place of positions; labels of all kinds; what a refit leaves


def test_a_series_of_task_weights_is_matched_by_name():
    frame = as_frame(X)
    weight = {"t0": 0.5, "t1": 2.0, "t2": 3.0, "t3": 1.0, "never seen": 9.0}
    plain = model(task_weight=list(weight.values())[:4]).fit(X, y)
    for series in (pd.Series(weight), pd.Series(weight)[::-1], pd.Series(weight, dtype="Float64")):
        named = MeanRegularizedRidge(0.7, 2.0, task_col="task", task_weight=series)
        assert_same_model(named.fit(frame, y), plain)
    with pytest.raises(ValueError, match=r"task_weight.* \['t0', 't3'\]"):
        MeanRegularizedRidge(task_col="task", task_weight=pd.Series({"t1": 1, "t2": 2})).fit(
            frame, y
        )


@pytest.mark.parametrize("kind", ["column", "list", "objects", "booleans", "text"])
def test_labels_of_all_kinds_and_unlabelled_rows(kind):
    labels = np.digitize(y, np.quantile(y, [0.3, 0.7]))
    if kind == "booleans":
        labels = labels > 0
    names = np.array(["a", "b", "c"], dtype=object)[labels] if kind == "text" else labels
    known = np.arange(len(y)) % 4 > 0
    given = names.astype(object)
    given[~known] = None
    if kind == "column":
        given = np.where(known, labels, np.nan)[:, None]
    if kind == "list":
        given = [int(v) if k else float("nan") for v, k in zip(labels, known, strict=True)]
    fitted = MultiTaskLogisticRegression(task_col=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataConversionWarning)
        fitted.fit(X, given)
    right = MultiTaskLogisticRegression(task_col=0).fit(X[known], names[known])
    assert_array_equal(fitted.classes_, right.classes_)
    assert_allclose(fitted.predict_proba(X), right.predict_proba(X))
    assert fitted.predict(X)[0] in set(names)


def test_a_refit_leaves_nothing_of_the_last_one():
    two, three = y > np.median(y), np.digitize(y, np.quantile(y, [0.3, 0.7]))
    for penalty in (SharedMean(), JointSupport()):
        again = MultiTaskLogisticRegression(penalty, task_col=0).fit(X, two).fit(X, three)
        assert vars(again).keys() == vars(clone(again).fit(X, three)).keys()
        again.fit(X, two)
        assert vars(again).keys() == vars(clone(again).fit(X, two)).keys()
        assert_allclose(again.coef_, clone(again).fit(X, two).coef_)


@pytest.mark.parametrize("options", [{"fit_intercept": "no"}, {"couple_intercept": 1}])
def test_flags_are_true_or_false(options):
    with pytest.raises(TypeError, match=f"{next(iter(options))}=.* must be True or False"):
        model(**options).fit(X, y)


def test_numpy_numbers_are_numbers():
    plain = model(2.0, 0.5).fit(X, y)
    numpy = model(np.float32(2.0), np.float64(0.5), fit_intercept=np.True_).fit(X, y)
    assert_same_model(numpy, plain)
    MultiTaskLinearRegression(SharedMean(np.int64(2)), max_iter=np.int32(99), task_col=0).fit(X, y)


# Moments that are wrong, or compared


def test_moments_of_wrong_rows():
    rows, target, task = np.ones((3, 2)), np.ones(3), np.array(["u", "v", "v"])
    with pytest.raises(ValueError, match=r"sample_weight .* -1"):
        TaskMoments.from_rows(rows, target, task, [1, -1, 1])
    with pytest.raises(ValueError, match="inconsistent"):
        TaskMoments.from_rows(rows, target, task[:2])
    for value in (np.nan, 1e200):
        with pytest.raises(ValueError, match="task 'v'"):
            TaskMoments.from_rows(np.vstack([rows[:2], [1, value]]), target, task)
    one = TaskMoments.from_rows(rows, target, task)
    with pytest.raises(ValueError, match="2 and of 1 features"):
        one + TaskMoments.from_rows(rows[:, :1], target, task)
    with pytest.raises(ValueError, match="convert the task column"):
        one + TaskMoments.from_rows(rows, target, np.arange(3))


def test_moments_are_compared_by_identity_and_can_be_keys():
    one, two = (TaskMoments.from_rows(X[:, 1:], y, X[:, 0]) for _ in range(2))
    assert one == one and one != two
    assert len({one, two}) == 2


def test_tasks_of_moments_stay_apart_however_large():
    one = TaskMoments.from_rows(np.ones((2, 1)), np.ones(2), np.array([2**60, 2**60 + 1]))
    two = TaskMoments.from_rows(np.ones((2, 1)), np.ones(2), np.array([1.0, 2.0]))
    assert (one + two).tasks.tolist() == [1, 2, 2**60, 2**60 + 1]
    assert_array_equal((one + two).n, 1)
