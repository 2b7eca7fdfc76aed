"""Tests of Pooled(task_as_input="category"): boosted trees told the task."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    VotingRegressor,
)
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mtlkit.baselines import Pooled
from mtlkit.baselines._category import TaskLevels
from mtlkit.table import TaskStratifiedKFold, shared

SMALL = {"max_iter": 12, "min_samples_leaf": 3, "early_stopping": False}
BOOSTED = HistGradientBoostingRegressor(**SMALL)
CLASSIFIER = HistGradientBoostingClassifier(**SMALL)


def many_groups(n_tasks, rows=4, seed=0):
    """Groups whose levels are far from each other, in an order that says nothing."""
    rng = np.random.default_rng(seed)
    task = rng.permutation(np.repeat(np.arange(n_tasks), rows))
    x = rng.normal(size=(len(task), 2))
    y = x[:, 0] + 3 * rng.normal(size=n_tasks)[task] + 0.1 * rng.normal(size=len(task))
    return np.column_stack([task, x]), y


X, y = many_groups(8, 15)
LABEL = np.array(["low", "middle", "high"])[np.digitize(y, [-2, 2])]
NAMES = np.array([f"s{i}" for i in range(8)])
F = pd.DataFrame({"a": X[:, 1], "shop": NAMES[X[:, 0].astype(int)], "b": X[:, 2]})


@pytest.mark.parametrize("inner", [BOOSTED, CLASSIFIER])
def test_the_task_is_one_categorical_column(inner):
    target = LABEL if inner is CLASSIFIER else y
    by_hand = clone(inner).set_params(categorical_features=[2]).fit(X[:, [1, 2, 0]], target)
    model = Pooled(inner, task_col=0, task_as_input="category").fit(X, target)
    assert_array_equal(model.predict(X), by_hand.predict(X[:, [1, 2, 0]]))
    named = Pooled(inner, task_col="shop", task_as_input="category").fit(F, target)
    assert_array_equal(named.predict(F), model.predict(X))
    assert named.estimator_.feature_names_in_.tolist() == ["a", "b", "shop"]
    assert named.estimator_.is_categorical_.tolist() == [False, False, True]
    assert inner.categorical_features == "from_dtype"  # the caller's object stays
    assert model.setting == "pooled"


def test_one_split_parts_groups_in_any_order():
    level = np.where(np.arange(8) % 2, 5.0, -5.0)  # no order of the numbers parts these
    target = level[X[:, 0].astype(int)]
    stump = HistGradientBoostingRegressor(max_leaf_nodes=2, max_iter=1, learning_rate=1)
    model = Pooled(stump, task_col=0, task_as_input="category").fit(X, target)
    assert_allclose(model.predict(X), target, atol=1e-6)


@pytest.mark.parametrize("kind", [pl.from_pandas, pa.Table.from_pandas], ids=["polars", "pyarrow"])
def test_frames_of_other_libraries(kind):
    model = Pooled(BOOSTED, task_col="shop", task_as_input="category")
    expected = clone(model).fit(F, y).predict(F)
    assert_array_equal(model.fit(kind(F), y).predict(kind(F)), expected)


@pytest.mark.parametrize("ids", [list(range(8)), [2**60 + i for i in range(8)], ["a", 1, (2,)]])
def test_tasks_of_any_kind(ids):
    task = np.empty(len(X), dtype=object)
    task[:] = [ids[int(t) % len(ids)] for t in X[:, 0]]
    table = np.column_stack([X[:, 1:], task])
    plain = np.column_stack([X[:, 1:], X[:, 0] % len(ids)])
    model = Pooled(BOOSTED, task_col=-1, task_as_input="category")
    expected = clone(model).fit(plain, y).predict(plain)
    assert_allclose(model.fit(table, y).predict(table), expected)


def categories(trees):
    return trees.feature_names_in_[trees.is_categorical_].tolist()


def test_own_categories_and_directions_stay():
    table = F.assign(
        kind=pd.Categorical(np.where(X[:, 1] > 0.3, "u", "v")), level=np.where(X[:, 2] > 0, 1, 2)
    )
    by_dtype = Pooled(BOOSTED, task_col="shop", task_as_input="category").fit(table, y)
    assert categories(by_dtype.estimator_) == ["kind", "shop"]
    for own in (["level"], [3], [False, False, False, True]):
        inner = clone(BOOSTED).set_params(categorical_features=own)
        model = Pooled(inner, task_col="shop", task_as_input="category")
        model.fit(
            table.drop(columns="kind").assign(extra=0.0)[["a", "shop", "b", "extra", "level"]], y
        )
        assert categories(model.estimator_) == ["level", "shop"]
    inner = clone(BOOSTED).set_params(categorical_features=None, monotonic_cst=[-1, 0])
    model = Pooled(inner, task_col="shop", task_as_input="category").fit(F, y)
    assert model.estimator_.monotonic_cst == [-1, 0, 0]
    up = model.predict(F.assign(a=2.0)) - model.predict(F.assign(a=-2.0))
    assert (up <= 1e-12).all()


def test_an_unseen_task_is_a_missing_category():
    model = Pooled(BOOSTED, task_col="shop", task_as_input="category").fit(F, y)
    holes = np.column_stack([X[:, 1:], np.full(len(X), np.nan)])
    by_hand = clone(BOOSTED).set_params(categorical_features=[2]).fit(X[:, [1, 2, 0]], y)
    assert_array_equal(model.predict(F.assign(shop="new")), by_hand.predict(holes))


# More tasks than categories


@pytest.mark.parametrize("n_tasks", [255, 256])
def test_the_most_categories_and_one_more(n_tasks):
    table, target = many_groups(n_tasks)
    model = Pooled(BOOSTED, task_col=0, task_as_input="category").fit(table, target)
    assert (model.estimator_.is_categorical_ is None) == (n_tasks > 255)
    few = clone(BOOSTED).set_params(max_bins=100)
    few = Pooled(few, task_col=0, task_as_input="category").fit(table, target)
    assert few.estimator_.is_categorical_ is None


def test_ten_thousand_groups_pay():
    table, target = many_groups(10_000, 5)
    train = np.arange(len(table)) % 5 > 0
    inner = HistGradientBoostingRegressor(max_iter=30, early_stopping=False)
    told = Pooled(inner, task_col=0, task_as_input="category").fit(table[train], target[train])
    blind = Pooled(inner, task_col=0).fit(table[train], target[train])
    assert told.score(table[~train], target[~train]) > 0.85
    assert blind.score(table[~train], target[~train]) < 0.2


@pytest.mark.parametrize("rows", [2, 4])
def test_groups_that_say_nothing_are_not_believed(rows):
    """Means that saw the row's own label would make noise look like knowledge."""
    rng = np.random.default_rng(0)
    table, _ = many_groups(400, rows)
    noise = rng.normal(size=len(table))
    model = Pooled(BOOSTED, task_col=0, task_as_input="category").fit(table, noise)
    blind = Pooled(BOOSTED, task_col=0).fit(table, noise)
    fresh = rng.normal(size=len(table))
    assert model.score(table, fresh) > blind.score(table, fresh) - 0.1


def test_levels_are_shrunk_means():
    rng = np.random.default_rng(0)
    codes = np.repeat(np.arange(3), [5, 20, 80])
    target, weight = rng.normal(size=105) + codes, rng.integers(1, 4, 105).astype(float)
    levels = TaskLevels()
    levels.fit_transform(codes, target[:, None], weight)
    repeated, t = np.repeat(target, weight.astype(int)), np.repeat(codes, weight.astype(int))
    centre, parts = repeated.mean(), [repeated[t == k] for k in range(3)]
    within = sum(((p - p.mean()) ** 2).sum() for p in parts) / (len(t) - 3)
    between = repeated.var() - within
    for k, part in enumerate(parts):
        share = len(part) * between / (len(part) * between + within)
        expected = centre + share * (part.mean() - centre)
        assert levels.transform(np.array([k]))[0, 0] == pytest.approx(expected)
    assert levels.transform(np.array([-1]))[0, 0] == pytest.approx(centre)
    constant = TaskLevels().fit_transform(codes, np.full((105, 1), 7.0), weight)
    assert_allclose(constant, 7)


@pytest.mark.parametrize("words", [["no", "yes"], ["a", "b", "c"]])
def test_levels_of_classes(words):
    table, target = many_groups(300, 6)
    cuts = np.quantile(target, np.linspace(0, 1, len(words) + 1)[1:-1])
    label = np.array(words)[np.digitize(target, cuts)]
    frame = pd.DataFrame(table, columns=["shop", "a", "b"]).astype({"shop": int})
    model = Pooled(CLASSIFIER, task_col="shop", task_as_input="category").fit(frame, label)
    own = ["shop"] if len(words) == 2 else [f"shop={word}" for word in words]
    assert model.estimator_.feature_names_in_.tolist() == ["a", "b", *own]
    assert model.score(frame, label) > 0.8
    proba = model.predict_proba(frame.assign(shop=-1))
    assert np.isfinite(proba).all()


def test_weights_reach_the_levels():
    table, target = many_groups(300, 6)
    weight = np.where(np.arange(len(table)) % 2, 1.0, 0.0)
    spoilt = np.where(weight > 0, target, 1e6)
    model = Pooled(BOOSTED, task_col=0, task_as_input="category")
    right = clone(model).fit(table, target, sample_weight=weight)
    assert_allclose(
        model.fit(table, spoilt, sample_weight=weight).predict(table), right.predict(table)
    )


# In searches and Pipelines


def test_in_a_search_a_copy_and_a_pickle():
    model = Pooled(BOOSTED, task_col="shop", task_as_input="category")
    grid = {"estimator__max_depth": np.array([1, 3]), "task_as_input": [False, "category"]}
    cv = TaskStratifiedKFold(2, task_col="shop")
    table, target = pd.concat([F] * 2), np.tile(y, 2)  # categories of under 10 rows are not split
    search = GridSearchCV(model, grid, cv=cv).fit(table, target)
    assert search.best_params_["task_as_input"] == "category"
    again = pickle.loads(pickle.dumps(search))
    assert_array_equal(again.predict(F), search.predict(F))
    assert model.estimator.max_depth is None


def test_an_estimator_that_wraps_boosted_trees():
    inner = GridSearchCV(BOOSTED, {"max_depth": [2, 3]}, cv=2)
    model = Pooled(inner, task_col="shop", task_as_input="category").fit(F, y)
    assert model.estimator_.best_estimator_.is_categorical_.tolist() == [False, False, True]
    calibrated = CalibratedClassifierCV(CLASSIFIER, cv=2)
    model = Pooled(calibrated, task_col="shop", task_as_input="category").fit(F, LABEL)
    assert_allclose(model.predict_proba(F).sum(axis=1), 1)


def test_after_shared_steps():
    model = Pooled(BOOSTED, task_col="shop", task_as_input="category")
    scaled = make_pipeline(shared(StandardScaler(), "shop"), model).fit(F, y)
    assert_allclose(scaled.predict(F), model.fit(F, y).predict(F))


@pytest.mark.parametrize(
    ("inner", "word"),
    [
        (Ridge(), r"Ridge\(\) has 0.*HistGradientBoosting.*task_as_input=True"),
        (make_pipeline(StandardScaler(), BOOSTED), r"make_pipeline\(shared"),
        (VotingRegressor([("a", BOOSTED)]), "put Pooled inside"),
    ],
)
def test_who_cannot_be_told_a_category(inner, word):
    with pytest.raises(ValueError, match=word):
        Pooled(inner, task_col=0, task_as_input="category").fit(X, y)


def test_without_a_task_column_nothing_is_added():
    model = Pooled(BOOSTED, task_as_input="category").fit(X, y)
    assert_array_equal(model.predict(X), clone(BOOSTED).fit(X, y).predict(X))


@pytest.mark.parametrize("told", ["categories", None, 1, np.array(["category"])])
def test_what_is_no_way_to_tell_the_task(told):
    with pytest.raises(TypeError, match="True, False or 'category'"):
        Pooled(BOOSTED, task_col=0, task_as_input=told).fit(X, y)


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_infinity_is_refused(value):
    model = Pooled(BOOSTED, task_col="shop", task_as_input="category").fit(F, y)
    spoilt = F.copy()
    spoilt.loc[3, "b"] = value
    with pytest.raises(ValueError, match=rf"infinity.*'b' holds {value} in row 3"):
        model.predict(spoilt)
    with pytest.raises(ValueError, match="'b'"):
        model.fit(spoilt, y)
