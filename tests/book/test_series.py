"""The study of the M4 series: figures that M4 published, windows and forecasts, what is stored."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.model_selection import ParameterGrid

from mtlkit.datasets import fetch_m4
from studies import _stored, series


@pytest.mark.parametrize(
    ("frequency", "shape", "tasks", "published"),
    [
        ("weekly", (371579, 2), 359, {"naive": 2.777, "naive 2": 2.777}),
        ("hourly", (373372, 2), 414, {"seasonal naive": 1.193, "naive 2": 2.395}),
    ],
)
def test_naive_scores_are_those_that_m4_published(frequency, shape, tasks, published):
    if not (Path(os.environ.get("MTLKIT_DATA", "")) / f"cases/m4_{frequency}-test.csv").exists():
        pytest.skip(f"set MTLKIT_DATA to the directory that holds cases/m4_{frequency}-test.csv")
    X = fetch_m4(frequency)[0]
    assert (X.shape, len(np.unique(X[:, 0]))) == (shape, tasks)
    assert X[:, 1].max() == series.HORIZON[frequency]
    found = series.Panel(frequency).naive_scores()
    for name, value in published.items():
        assert_allclose(found[name], value, atol=5e-4)


def test_a_row_is_a_window_and_a_forecast_enters_the_next():
    """By hand: A repeats its steps of 2, B takes back half of its last one."""
    A, B = np.array([10.0, 12, 14, 16]), np.array([10.0, 14, 12, 13])
    X, y = series.windows([A, B], 2, 1)
    unit = (4 + 2 + 1) / 3
    assert_allclose(X, [[0, -1], [0, -1], [1, -4 / unit], [1, 2 / unit]])
    assert_allclose(y, [1, 1, -2 / unit, 1 / unit])

    class Rule:
        def predict(self, X):
            return np.where(X[:, 0] == 0, -X[:, 1], X[:, 1] / 2)

    made = series.recursive(Rule(), [A, B], 2, 1, 3)
    assert_allclose(made, [[18, 20, 22], [12.5, 12.75, 12.625]])


def test_the_seasonal_test_and_the_adjusted_naive():
    t = np.arange(96)
    y = 100 + 10 * np.sin(2 * np.pi * t / 24)
    assert series.is_seasonal(y, 24)
    assert not series.is_seasonal(np.random.default_rng(0).normal(size=96), 24)
    assert_allclose(series.last_adjusted(y, 24, 48), y[:48], rtol=0.01)
    assert_array_equal(series.last_season(y, 24, 30), y[np.r_[72:96, 72:78]])


def test_all_arms_have_as_many_settings_and_all_verdicts_are_counted():
    stored = json.loads((_stored.RESULTS / "series.json").read_text(encoding="utf-8"))
    assert stored["verdicts"] == series.VERDICTS
    for frequency, cuts in series.CUTS.items():
        found = stored[frequency]["histories"]
        assert list(found) == [str(cut or "all") for cut in cuts]
        for cut in cuts:
            grids = {name: grid for name, (_, grid) in series.arms(cut, frequency).items()}
            budget = {len(ParameterGrid(grid)) for grid in grids.values() if grid}
            assert budget == {6}
            row = found[str(cut or "all")]
            assert set(row["chosen"]) == set(row["mase"]) == set(grids)
            for difference in row["differences"].values():
                one, counted = difference["new series"], difference["new series, all counted"]
                assert counted["low"] <= one["low"] < one["mean"] < one["high"] <= counted["high"]
