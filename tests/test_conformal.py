"""Intervals and sets by task, held against sorted scores by hand and simulations."""

import math

import numpy as np
import pytest
from sklearn import config_context
from sklearn.dummy import DummyRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mtlkit._utils._delegation import setting_of
from mtlkit.baselines import PerTask, Pooled
from mtlkit.evaluation import TaskConformalClassifier, TaskConformalRegressor
from mtlkit.evaluation._conformal import upper_quantile
from mtlkit.linear import EmpiricalBayesRidge, MeanRegularizedRidge
from mtlkit.table import shared
from tests._problems import as_frame, ragged_classification, ragged_regression

ROWS = (18, 16, 24, 30)
WAYS = ("task", "all", "tied")


def frozen_at_zero(X, y):
    """A model that predicts 0, so that labels are residuals."""
    return FrozenEstimator(DummyRegressor(strategy="constant", constant=0).fit(X, y))


def by_hand(scores, level):
    """The smallest score that at least (n + 1) level of n scores do not exceed."""
    enough = [s for s in scores if sum(t <= s for t in scores) >= (len(scores) + 1) * level - 1e-9]
    return min(enough, default=math.inf)


@pytest.mark.parametrize("n", [0, 1, 8, 9, 10, 19, 20, 99])
@pytest.mark.parametrize("level", [0.1, 0.5, 0.7, 0.9, 0.95])
def test_the_quantile_is_that_of_sorted_scores(n, level):
    scores = np.random.default_rng(n).exponential(size=n).round(1)  # with ties
    assert upper_quantile(scores, level) == by_hand(scores.tolist(), level)


def test_intervals_are_those_of_the_residuals_by_hand():
    X, y = ragged_regression(rows=ROWS)
    frozen = FrozenEstimator(MeanRegularizedRidge(task_col=0).fit(X, y))
    X, y = ragged_regression(rows=ROWS, seed=1)
    middle = frozen.predict(X)
    scores = abs(y - middle)
    for way, quantiles in {
        "task": [by_hand(scores[X[:, 0] == t].tolist(), 0.8) for t in range(4)],
        "all": 4 * [by_hand(scores.tolist(), 0.8)],
    }.items():
        model = TaskConformalRegressor(frozen, confidence_level=0.8, by=way, task_col=0).fit(X, y)
        np.testing.assert_allclose(model.quantiles_, quantiles)
        half = np.array(quantiles)[X[:, 0].astype(int)]
        np.testing.assert_allclose(
            model.predict_interval(X), np.column_stack([middle - half, middle + half])
        )
        np.testing.assert_array_equal(model.predict(X), middle)
        np.testing.assert_array_equal(model.n_calibration_, ROWS)


def test_tied_scales_are_means_of_scores_pulled_by_reml():
    rng = np.random.default_rng(0)
    task = np.repeat(np.arange(6), 40)
    y = rng.normal(size=240) * np.array([1, 1, 2, 2, 4, 4])[task]
    X = task[:, None].astype(float)
    model = TaskConformalRegressor(
        frozen_at_zero(X, y), by="tied", calibration_size=0.5, task_col=0, random_state=0
    ).fit(X, y)
    scale = model.quantiles_ / model.shared_quantile_  # over that of new tasks
    order = np.random.RandomState(0)  # the division of the rows, once more
    rest = [order.permutation(np.flatnonzero(task == t))[20:] for t in range(6)]
    own = np.array([abs(y[rows]).mean() for rows in rest])
    within = np.mean([abs(y[rows]).var(ddof=1) for rows in rest])
    between = own.var(ddof=1) - within / 20  # of balanced tasks, REML is analysis of variance
    k = 20 / (20 + within / between)
    np.testing.assert_allclose(scale, (own.mean() + k * (own - own.mean())) / own.mean(), rtol=1e-4)
    assert model.n_calibration_.tolist() == 6 * [20]


def coverages(way, n, scale, level=0.8, repeats=400, seed=0):
    """Mean coverage of each task, whose labels are normal with a scale, over calibrations."""
    rng = np.random.default_rng(seed)
    task = np.repeat(np.arange(len(n)), n)
    X, found = task[:, None].astype(float), []
    for number in range(repeats):
        y = rng.normal(size=len(task)) * scale[task]
        model = TaskConformalRegressor(
            frozen_at_zero(X, y),
            confidence_level=level,
            by=way,
            task_col=0,
            random_state=number,
        ).fit(X, y)
        half = model.quantiles_ / scale
        found.append([math.erf(h / math.sqrt(2)) for h in half])
    found = np.array(found)
    return found.mean(axis=0), 4 * found.std(axis=0, ddof=1) / math.sqrt(repeats)


def test_every_task_has_its_promise():
    n, level = np.array([5, 9, 14, 30]), 0.8
    mean, error = coverages("task", n, np.array([1.0, 3.0, 0.2, 1.0]), level)
    assert (mean + error > level).all()
    assert (mean - error < level + 1 / (n + 1)).all()


@pytest.mark.parametrize("way", ["all", "tied"])
def test_all_rows_together_have_their_promise_and_single_tasks_may_not(way):
    n, level = np.array([10, 20, 30, 60]), 0.8
    share = n / n.sum()
    scale, repeats = np.array([3.0, 2.0, 1.0, 1.0]), 400 if way == "all" else 80
    mean, error = coverages(way, n, scale, level, repeats)
    calibrating = n.sum() / (1 if way == "all" else 2)
    assert abs(share @ mean - level) < 1 / calibrating + share @ error
    assert mean.min() < (0.5 if way == "all" else 0.79)


def test_tied_scales_are_nearer_to_the_promise_of_each_task():
    n, scale = np.array([20, 20, 40, 40]), np.array([3.0, 1.0, 1.0, 2.0])
    far = {way: abs(coverages(way, n, scale, repeats=60)[0] - 0.8).max() for way in ("all", "tied")}
    assert far["tied"] < far["all"] / 3


def test_sets_have_their_promise():
    rng, hits = np.random.default_rng(0), []
    for number in range(150):
        task = np.repeat([0, 1], [60, 200])
        x = rng.normal(size=260)
        y = (x * np.where(task, 3, 0.3) + rng.logistic(size=260) > 0).astype(int)
        X = np.column_stack([task, x])
        given = rng.permutation(260)
        model = TaskConformalClassifier(
            Pooled(LogisticRegression()), confidence_level=0.8, task_col=0, random_state=number
        ).fit(X[given[:200]], y[given[:200]])
        rest = given[200:]
        held = model.predict_set(X[rest])[np.arange(60), y[rest]]
        hits.append([held[X[rest, 0] == t].mean() for t in (0, 1)])
    mean = np.mean(hits, axis=0)
    error = 4 * np.std(hits, axis=0, ddof=1) / np.sqrt(150)
    assert (mean + error > 0.8).all()
    assert (mean - error < 0.8 + 1 / np.array([20, 70])).all()


def test_few_rows_give_an_infinite_interval_and_the_full_set():
    X, y = ragged_regression(rows=(4, 40))
    model = TaskConformalRegressor(MeanRegularizedRidge(), task_col=0, random_state=0).fit(X, y)
    ends = model.predict_interval(X)
    assert (ends[X[:, 0] == 0] == [-np.inf, np.inf]).all()
    assert np.isfinite(ends[X[:, 0] == 1]).all()
    assert model.tasks_[np.isinf(model.quantiles_)].tolist() == [0]
    X, y = ragged_classification()
    sets = TaskConformalClassifier(
        PerTask(LogisticRegression()), confidence_level=0.999, task_col=0, random_state=0
    ).fit(X, y)
    full = sets.predict_set(X)
    for t in sets.tasks_:  # a task without a class of another never gets it
        rows = X[:, 0] == t
        assert full[rows][:, np.isin(sets.classes_, y[rows])].all()


def test_unseen_tasks_get_the_quantile_of_all_rows_where_the_model_predicts_them():
    X, y = ragged_regression(rows=ROWS)
    new = X.copy()
    new[:, 0] = 9
    for way in WAYS:
        model = TaskConformalRegressor(
            MeanRegularizedRidge(), by=way, task_col=0, random_state=0
        ).fit(X, y)
        low, high = model.predict_interval(new).T
        np.testing.assert_allclose(high - low, 2 * model.shared_quantile_)
    alone = TaskConformalRegressor(PerTask(Ridge()), task_col=0, random_state=0).fit(X, y)
    with pytest.raises(ValueError, match=r"9.*not seen"):
        alone.predict_interval(new)


def test_the_estimator_inside_reads_the_same_column_unless_it_names_one():
    X, y = ragged_regression(rows=ROWS)
    table = as_frame(X)
    table["group"] = (table["a"] > 0).map({True: "high", False: "low"})
    own = shared(StandardScaler(), "task")
    numbers = table.drop(columns="group")
    pipe = make_pipeline(own, MeanRegularizedRidge(task_col="task"))
    piped = TaskConformalRegressor(pipe, task_col="task", random_state=0).fit(numbers, y)
    bare = make_pipeline(shared(StandardScaler()), MeanRegularizedRidge())
    same = TaskConformalRegressor(bare, task_col="task", random_state=0).fit(numbers, y)
    np.testing.assert_allclose(piped.predict_interval(numbers), same.predict_interval(numbers))
    assert bare[1].task_col is None
    numbers = numbers.assign(group=(table["group"] == "high") * 1.0)
    groups = TaskConformalRegressor(pipe, task_col="group", random_state=0).fit(numbers, y)
    assert groups.tasks_.tolist() == [0, 1]
    assert groups.estimator_[-1].tasks_.tolist() == ["t0", "t1", "t2", "t3"]


@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow"])
def test_frames_of_all_kinds_give_the_intervals_of_the_array(kind):
    X, y = ragged_regression(rows=ROWS)
    frame = as_frame(X)
    if kind == "polars":
        frame = pytest.importorskip("polars").DataFrame(frame.to_dict("list"))
    if kind == "pyarrow":
        frame = pytest.importorskip("pyarrow").table(frame.to_dict("list"))
    for way in WAYS:
        model = TaskConformalRegressor(MeanRegularizedRidge(), by=way, random_state=0)
        expected = model.set_params(task_col=0).fit(X, y).predict_interval(X)
        found = model.set_params(task_col="task").fit(frame, y).predict_interval(frame)
        np.testing.assert_allclose(found, expected)


def test_weights_reach_the_estimator_and_zero_leaves_a_row_out():
    X, y = ragged_regression(rows=ROWS)
    weight = np.random.default_rng(0).integers(0, 3, len(y)).astype(float)
    plain = TaskConformalRegressor(Pooled(Ridge()), task_col=0, random_state=0)
    model = plain.fit(X, y, sample_weight=weight)
    assert model.n_calibration_.sum() < len(y) // 2
    light = TaskConformalRegressor(Pooled(Ridge()), task_col=0, random_state=0)
    light.fit(X, y, sample_weight=np.full(len(y), 7.0))
    assert light.n_calibration_.tolist() == [9, 8, 12, 15]
    assert abs(light.predict(X) - model.predict(X)).max() > 1e-3
    with config_context(enable_metadata_routing=True):
        asked = Pooled(Ridge().set_fit_request(sample_weight=True))
        routed = TaskConformalRegressor(asked, task_col=0, random_state=0)
        routed.fit(X, y, sample_weight=weight)
        np.testing.assert_allclose(routed.predict_interval(X), model.predict_interval(X))


def test_labels_that_are_missing_are_left_out():
    X, y = ragged_regression(rows=ROWS)
    y = y.copy()
    y[::4] = np.nan
    model = TaskConformalRegressor(MeanRegularizedRidge(), task_col=0, random_state=0).fit(X, y)
    known = ~np.isnan(y)
    again = TaskConformalRegressor(MeanRegularizedRidge(), task_col=0, random_state=0)
    again.fit(X[known], y[known])
    np.testing.assert_array_equal(model.predict_interval(X), again.predict_interval(X))


def test_a_class_that_no_training_row_had_has_probability_zero():
    rng = np.random.default_rng(0)
    X = np.column_stack([np.zeros(60), rng.normal(size=60)])
    for seed in range(20):
        y = np.arange(60) % 2
        y[7] = 5
        model = TaskConformalClassifier(
            Pooled(LogisticRegression()), task_col=0, random_state=seed
        ).fit(X, y)
        assert model.classes_.tolist() == [0, 1, 5]
        assert model.predict_proba(X).shape == (60, 3)
        assert model.predict_set(X).shape == (60, 3)


def test_the_setting_is_that_of_the_estimator():
    for inner, setting in [
        (PerTask(Ridge()), "single-task"),
        (Pooled(Ridge()), "pooled"),
        (EmpiricalBayesRidge(), "multi-task"),
    ]:
        assert setting_of(TaskConformalRegressor(inner)) == setting


def test_perfect_predictions_have_scales_all_the_same():
    X, _ = ragged_regression(rows=ROWS)
    y = np.zeros(len(X))
    model = TaskConformalRegressor(frozen_at_zero(X, y), by="tied", task_col=0, random_state=0).fit(
        X, y
    )
    assert model.quantiles_.tolist() == 4 * [0.0]
