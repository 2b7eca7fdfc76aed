"""The study of pupils in many schools: halves, levels, moments, equal grids, what is stored."""

import json
import os

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.model_selection import ParameterGrid

from mtlkit.datasets import fetch_exam, make_linear_tasks
from mtlkit.linear import EmpiricalBayesRidge
from studies import _pupil_ways as ways
from studies import pupils as study
from studies._stored import RESULTS

STORED = json.loads((RESULTS / "pupils.json").read_text(encoding="utf-8"))


def test_a_half_holds_half_of_every_school():
    school = np.random.default_rng(0).permutation(np.repeat(np.arange(40), np.arange(2, 42)))
    first = study.half(school, np.random.default_rng(1))
    n, of_first = np.bincount(school), np.bincount(school[first], minlength=40)
    assert set(of_first[n % 2 == 0] * 2 - n[n % 2 == 0]) == {0}
    assert set(2 * of_first[n % 2 == 1] - n[n % 2 == 1]) == {-1, 1}
    assert (first != study.half(school, np.random.default_rng(2))).any()


def test_a_pulled_level_is_the_share_of_the_mean_residual():
    X, y = make_linear_tasks("shared mean", n_tasks=12, n_samples=9, n_features=2, random_state=0)
    model = EmpiricalBayesRidge(task_col=0).fit(X, y)
    n, own = study.mean_residuals(model, X, y)
    n_star = model.residual_variance_ / model.random_covariance_[0, 0]
    pulled = n / (n + n_star) * own
    assert_allclose(pulled, model.intercept_ - model.shared_intercept_, atol=1e-6)


def test_levels_after_trees_are_near_those_of_the_truth():
    rng = np.random.default_rng(0)
    school = np.repeat(np.arange(30), 20)
    truth, x = rng.normal(size=30), rng.normal(size=600)
    y = truth[school] + x**2 + rng.normal(size=600)
    levels = study.levels_after(np.column_stack([school, x]), y, 31, draw=0)
    assert np.corrcoef(levels[:30], truth)[0, 1] > 0.9
    assert levels[30] == pytest.approx(levels[:30].mean(), abs=0.1)  # a school without pupils


def test_moments_by_hand():
    x, y = np.array([1.0, 3, 2]), np.array([2.0, 6, 5])
    found = ways.moments(x, y, np.array([0, 0, 1]))
    assert found == [[2, 2.0, 4.0, 1.0, 2.0, 4.0], [1, 2.0, 5.0, 0.0, 0.0, 0.0]]


def test_every_way_that_searches_has_four_settings():
    grids = [ways.RATES, ways.LINE, ways.STEEP, ways.encoded()[1]]
    assert {len(ParameterGrid(grid)) for grid in grids} == {STORED["budget"]}
    few = ways.few_ways(0)
    assert {
        len(ParameterGrid(model.param_grid)) for k, model in few.items() if k != ways.PARTIAL
    } == {4}


def test_intervals_hold_their_means():
    leads = [*STORED["Chem97"]["list"]["lead"].values()]
    leads += [d for cell in STORED["Chem97"]["worth"]["cells"] for d in cell["lead"].values()]
    leads += [*STORED["Hsb82"]["new schools"]["squared error saved"].values()]
    for mean, low, high in leads:
        assert low < mean < high


def test_the_list_of_the_first_halving_is_made_again():
    halves = STORED["Chem97"]["list"]["halves"]
    n, own, later = (np.array(halves[key]) for key in ("pupils", "own", "later"))
    pulled = n / (n + halves["n_star"]) * own
    best = np.argsort(-pulled, kind="stable")[: study.LISTED]
    kept = STORED["Chem97"]["list"]["lists"][ways.PARTIAL]["kept"]
    assert later[best].mean() == pytest.approx(kept[0], abs=5e-4)
    assert len(kept) == study.HALVINGS and len(n) == STORED["Chem97"]["list"]["schools"]


@pytest.mark.skipif("MTLKIT_DATA" not in os.environ, reason="needs the file of Exam")
def test_moments_of_the_real_table_are_those_stored():
    X, y = fetch_exam()
    assert_allclose(ways.moments(X[:, 1], y, X[:, 0]), STORED["Exam"]["moments"], atol=1e-6)
