"""The study of the stores: the calendar, rules by hand, splits without a future, what is stored."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.model_selection import ParameterGrid

from studies import _store_table as parts
from studies import stores
from studies._stored import RESULTS


def test_the_calendar_marks_the_weeks_that_hold_a_day():
    names, words = parts.calendar(np.arange(parts.WEEKS))
    found = {name: np.flatnonzero(words[:, names.index(name)] > 0) for name in names}
    assert found["Thanksgiving"].tolist() == [42, 94]  # 25 November 2010, 24 November 2011
    assert found["Labor Day"].tolist() == [30, 31, 82, 83, 135]
    assert found["Easter"].tolist() == [8, 9, 63, 64, 113, 114]
    december = words[46:48, names.index("18 to 24 December")]
    assert december.tolist() == [
        1,
        0,
    ]  # the first ends on the 24th
    assert_allclose(words[52, names.index("years")], 1)


def little():
    """Two stores and 120 weeks: store 1 sells twice as much, and both 10 % more each year."""
    week = np.tile(np.arange(120), 2)
    store = np.repeat([0, 1], 120)
    y = np.log(2.0) * store + np.log(1.1) * week / 52 + np.where(week % 52 == 46, 0.4, 0)
    X = np.zeros((240, parts.CHANGES[-1] + 1))
    X[:, 0], X[:, 1] = store, week / 52
    X[:, parts.AGO] = np.where(week >= 52, np.roll(y, 52), np.nan)
    return X, y, week


def test_rules_by_hand():
    X, y, week = little()
    train, test = np.flatnonzero(week < 91), np.flatnonzero((week >= 91) & (week < 104))
    made = {
        rule: parts.Naive(rule).fit(X[train], y[train]).predict(X[test])
        for rule in (*stores.RULES, parts.CHAIN)
    }
    assert_allclose(made[parts.GROWN], y[test])
    assert_allclose(made[parts.YEAR], y[test] - np.log(1.1))
    # The chain's year is that of a year ago; the level holds the growth since then.
    assert_allclose(made[parts.CHAIN], y[test])
    assert_allclose(made[parts.RECENT][:13], y[87:91].mean())
    assert_allclose(made[parts.MEAN][13:], y[120:211].mean())


def test_no_split_sees_the_future_and_a_new_store_has_its_last_weeks_alone():
    week = np.tile(np.arange(parts.WEEKS), 45)
    X = np.zeros((len(week), parts.CHANGES[-1] + 1))
    X[:, 0], X[:, 1] = np.repeat(np.arange(45), parts.WEEKS), week / 52
    for train, test in parts.by_time(X, week, [91, 104]):
        assert week[train].max() < week[test].min()
        inner = next(parts.LastQuarter().split(X[train]))
        assert week[train][inner[0]].max() < week[train][inner[1]].min()
    for train, test in parts.with_new_stores(X, week, 10)[:5]:
        new = np.isin(X[train, 0], X[test, 0])
        assert week[train][new].min() == week[test].min() - 10
        assert week[train][~new].min() == 0
        cut = next(parts.LastQuarter(10).split(X[train]))
        pretend = np.unique(X[train][cut[1], 0])
        assert not np.isin(pretend, X[test, 0]).any()
        assert week[train][cut[0]].max() < week[train][cut[1]].min()


def test_arms_have_as_many_settings_and_verdicts_are_counted():
    stored = json.loads((RESULTS / "stores.json").read_text(encoding="utf-8"))
    for over in (None, "year"):
        sizes = {len(ParameterGrid(grid)) for _, grid in stores.candidates(over).values()}
        assert sizes == {stored["budget"]}
    assert len(stored["old"]["differences"]) == len(stores.PAIRS)
    for cut, part in stored["new"].items():
        trees = int(cut) == stores.WITH_TREES
        assert len(part["differences"]) == len(stores.NEW_PAIRS) - 3 * (not trees)


def test_what_a_page_fits_again_is_what_the_file_gives():
    if not (Path(os.environ.get("MTLKIT_DATA", "")) / "cases/walmart_weekly.csv").exists():
        pytest.skip("set MTLKIT_DATA to the directory that holds cases/walmart_weekly.csv")
    stored = json.loads((RESULTS / "stores.json").read_text(encoding="utf-8"))
    X, y, week = parts.table()
    assert stores.shown(X, y, week) == stored["shown"]
    for rule, values in stores.r2(X, y, parts.by_time(X, week)).items():
        assert_allclose(values, stored["old"]["r2"][rule], atol=1e-3)
    for rule in (parts.YEAR, parts.GROWN):
        for (train, test), error in zip(
            parts.by_time(X, week), stored["old"]["arms"][rule]["error"], strict=True
        ):
            made = parts.Naive(rule).fit(X[train], y[train]).predict(X[test])
            assert_allclose(100 * abs(made - y[test]).mean(), error, atol=1e-3)
