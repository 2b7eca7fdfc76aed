"""The study of the hospitals: the shift of log odds, budgets, and a row of it on the real table."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import minimize_scalar
from sklearn.model_selection import ParameterGrid

from mtlkit.datasets import fetch_heart
from studies import hospitals
from studies._recalibration import SPREAD, intercept, recalibrated, scores
from studies._stored import RESULTS


def places(n=400, shift=2.0):
    """Log odds that are right but for a shift."""
    rng = np.random.default_rng(0)
    odds = rng.normal(size=n) * 2
    return odds, (rng.random(n) < 1 / (1 + np.exp(-odds - shift))).astype(int)


def test_the_shift_is_the_least_of_its_objective():
    odds, sick = places(30)

    def loss(b):
        return np.logaddexp(0, np.where(sick == 1, -odds - b, odds + b)).sum() + b**2 / (
            2 * SPREAD**2
        )

    assert_allclose(intercept(odds, sick), minimize_scalar(loss).x, atol=1e-5)
    assert 0 < intercept(odds[:5], np.ones(5)) < 5  # one class asks for no endless shift


def test_a_shift_repairs_other_shares_and_costs_where_nothing_is_wrong():
    odds, sick = places()
    found = recalibrated(odds, sick, 20, 0)
    assert found["gain"]["log loss"][1] > 0
    assert_allclose(found["after"]["shift"][0], 2, atol=0.7)
    odds, sick = places(shift=0.0)
    assert recalibrated(odds, sick, 10, 0)["gain"]["log loss"][0] < 0
    assert scores(odds, sick)["auc"] == scores(odds + 1, sick)["auc"]


def test_all_arms_have_as_many_settings():
    stored = json.loads((RESULTS / "hospitals.json").read_text(encoding="utf-8"))
    arms = hospitals.candidates() | hospitals.for_a_fifth()
    assert {len(ParameterGrid(grid)) for _, grid in arms.values()} == {stored["budget"]}
    assert all(len(s["differences"]) == len(hospitals.PAIRS) for s in stored["known"].values())
    assert set(stored["fifth"]) == set(hospitals.for_a_fifth())


def test_a_row_of_the_study_is_what_the_file_gives():
    if not (Path(os.environ.get("MTLKIT_DATA", "")) / "cases/heart_disease_uci.csv").exists():
        pytest.skip("set MTLKIT_DATA to the directory that holds cases/heart_disease_uci.csv")
    stored = json.loads((RESULTS / "hospitals.json").read_text(encoding="utf-8"))
    X, y = fetch_heart()
    assert hospitals.describe(X, y) == stored["data"]
    odds = hospitals.left_out(X, y, *hospitals.for_a_fifth()[hospitals.POOLED])
    for k, name in enumerate(hospitals.HOSPITALS):
        assert_allclose(odds[X[:, 0] == k], stored["odds"][name]["log odds"], atol=2e-3)
    found = hospitals.of_hospitals(X, y, odds)
    for name, by in found.items():
        assert by == pytest.approx(stored["fifth"][hospitals.POOLED][name], abs=0.4)
