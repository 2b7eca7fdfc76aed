"""The study of the boosted opponent: equal grids, an encoder without warnings, estimators."""

import json

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.model_selection import ParameterGrid

from mtlkit.datasets import make_linear_tasks
from mtlkit.linear import EmpiricalBayesRidge
from studies import boosted_opponent as study
from studies._stored import RESULTS

STORED = json.loads((RESULTS / "boosted_opponent.json").read_text(encoding="utf-8"))


@pytest.fixture
def table():
    return make_linear_tasks("shared mean", n_tasks=4, n_samples=25, random_state=0)


@pytest.mark.parametrize("classify", [False, True])
def test_every_way_has_the_same_number_of_settings(classify):
    found = study.ways(classify=classify)
    assert list(found) == study.WAYS
    grids = {name: dials for name, (_, dials) in found.items() if dials is not None}
    assert {len(ParameterGrid(dials)) for dials in grids.values()} == {study.BUDGET}
    assert set(found) - set(grids) == (set() if classify else {study.TIED})
    for model, dials in found.values():
        for setting in ParameterGrid(dials or {}):
            model.set_params(**setting)  # all names are parameters


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("classify", [False, True])
def test_every_way_fits_and_predicts(classify, table):
    X, y = table
    y = (y > np.median(y)).astype(int) if classify else y
    for name, (model, dials) in study.ways(classify=classify).items():
        if dials is not None:
            model.set_params(**ParameterGrid(dials)[0])
        predicted = model.fit(X, y).predict(X)
        assert predicted.shape == y.shape, name
        assert set(predicted) <= {0, 1} or not classify, name


def test_a_category_is_no_way_for_many_tasks():
    assert study.TOLD not in study.ways(most_tasks=256)
    assert study.TOLD in study.ways(most_tasks=255)


@pytest.mark.parametrize("rows", [3, 9, 10, 40])
def test_few_rows_give_what_the_trees_give(rows):
    rng = np.random.default_rng(rows)
    X, y = rng.normal(size=(rows, 2)), rng.normal(size=rows)
    settings = {"max_iter": 10, "min_samples_leaf": 5, "random_state": 0}
    plain = HistGradientBoostingRegressor(**settings).fit(X, y)
    assert_allclose(study.FewRows(**settings).fit(X, y).predict(X), plain.predict(X))


def test_trees_after_a_tied_model_see_what_it_leaves(table):
    X, y = table
    tied = EmpiricalBayesRidge(task_col=0)
    trees = HistGradientBoostingRegressor(random_state=0)
    both = study.TiedThenBoosted(tied, trees, task_col=0).fit(X, y)
    first = tied.fit(X, y).predict(X)
    assert_allclose(both.predict(X), first + trees.fit(X[:, 1:], y - first).predict(X[:, 1:]))


def test_what_is_stored_is_of_the_tables_and_splits_of_the_study():
    assert list(STORED["tables"]) == list(study.TABLES)
    assert STORED["budget"] == study.BUDGET
    for name, row in STORED["tables"].items():
        assert row["splits"] == study.TABLES[name][1]
        shown = [way for way in study.WAYS if way in row["scores"]]
        assert set(study.WAYS) - set(shown) == ({study.TOLD} if row["tasks"] > 255 else set())
        for way, d in row["lead over tied"].items():
            assert d["low"] <= d["mean"] <= d["high"]
            assert_allclose(d["mean"], row["scores"][way] - row["scores"][study.TIED], atol=0.02)


def test_the_table_that_is_drawn_again_is_as_stored():
    found = study.drawn_again(study.SEED)
    assert found == pytest.approx(STORED["drawn again"], abs=0.01)
