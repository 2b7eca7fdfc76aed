"""Intervals hold the true difference as often as they say, in each scope and kind of table."""

import numpy as np
import pytest

from mtlkit.baselines import PerTask, Pooled
from mtlkit.evaluation import compare
from studies import coverage
from studies.coverage import Population, covered

TABLES, FURTHER = 100, 600
# Of 100 tables whose intervals cover 95.5 % the share is below .88 once in a thousand times.
LOWEST = 0.88
CASES = [
    (Population(2, 40, 30, "r2", False), "new rows"),
    (Population(10, 40, 30, "accuracy", False), "new rows"),
    (Population(10, 100, 80, "r2", True), "new rows"),
    (Population(2, 100, 10, "accuracy", False), "new rows"),
    (Population(10, 100, 10, "r2", False), "new rows"),
    (Population(10, 60, 30, "r2", True), "new rows"),
    (Population(10, 100, 10, "r2", False), "these rows"),
    (Population(5, 40, 30, "r2", False, True), "new tasks"),
    (Population(10, 100, 10, "accuracy", False, True), "new tasks"),
    (Population(50, 40, 30, "r2", False, True), "new tasks"),
]


@pytest.mark.parametrize(("population", "scope"), CASES)
def test_intervals_cover_the_truth(population, scope):
    assert covered(population, scope, TABLES, FURTHER)[0] >= LOWEST


def test_splits_of_one_table_do_not_speak_of_new_rows(monkeypatch):
    """The control: without the scope's standard error the same check fails."""
    by_scope = coverage.error_of_mean
    monkeypatch.setattr(
        coverage, "error_of_mean", lambda d, _, *rest: by_scope(d, "these rows", *rest)
    )
    share, _ = covered(Population(10, 40, 30, "r2", False), "new rows", TABLES, FURTHER)
    assert share < 0.8


def test_the_simulation_asks_what_compare_answers():
    """One table: the intervals of `compare` are those of the simulation."""
    population, rng = Population(4, 30, 10, "r2", False), np.random.default_rng(0)
    X, y = population.draw(rng)
    splits = [tuple(part.ravel() for part in s) for s in population.splits(rng, 8)]
    arms = {
        "alone": PerTask(coverage.RIDGE, task_col=0),
        "pooled": Pooled(coverage.RIDGE, task_col=0),
    }
    flat = np.column_stack([np.repeat(np.arange(4), 30), X.reshape(120, -1)])
    with pytest.warns(UserWarning, match="no candidate is boosted"):
        result = compare(arms, flat, y.ravel(), task_col=0, cv=splits)
    d, moved, parts = coverage.measured(population, X, y, splits)
    assert result.scores["pooled"] - result.scores["alone"] == pytest.approx(d)
    assert result.influences["pooled"] - result.influences["alone"] == pytest.approx(moved)
    for scope in ("new rows", "these rows"):
        error = coverage.error_of_mean(d, scope, parts, moved)
        expected = coverage.interval(d, error.error, error.df, 0.95, scope)
        got = result.difference("pooled", scope=scope)
        assert (got.low, got.high) == pytest.approx((expected.low, expected.high))
