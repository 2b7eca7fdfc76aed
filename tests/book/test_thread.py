"""The schools through the book: what is stored hangs together, and one row is computed again."""

import json
import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.linear_model import Ridge
from sklearn.model_selection import ParameterGrid

from mtlkit.datasets import make_linear_tasks
from studies import thread as study
from studies._stored import RESULTS

STORED = json.loads((RESULTS / "thread.json").read_text(encoding="utf-8"))
PARTS = {"everyone": STORED["everyone"], "transfer": STORED["transfer"], **STORED["sizes"]}
X, y = make_linear_tasks(n_tasks=30, n_samples=20, n_features=4, random_state=0)


def test_every_way_has_the_same_budget():
    ways = study.all_ways(X) | study.borrowing((0.0, 1.0))
    assert {len(ParameterGrid(grid)) for _, grid in ways.values()} == {STORED["budget"]}
    assert STORED["budget"] == study.BUDGET


def test_fewer_labels_are_some_of_the_more():
    splits = [(np.arange(0, 600, 2), np.arange(1, 600, 2))] * 2
    few, more = (study.few_of(X, splits, n) for n in (3, 7))
    for (train, test), (larger, same), (whole, _) in zip(few, more, splits, strict=True):
        assert set(train) < set(larger) < set(whole)
        assert np.array_equal(test, same)
        assert set(np.bincount(X[train, 0].astype(int))) == {3}
    assert not np.array_equal(few[0][0], few[1][0])


def test_neighbours_are_the_nearest_on_both_sides():
    edges = study.neighbours(X)
    assert_allclose(edges, edges.T)
    assert not edges.diagonal().any()
    assert (edges > 0).sum(axis=1).min() >= study.NEIGHBOURS


def test_zero_shot_sees_no_row_of_a_target():
    targets = (0.0, 1.0)
    model = study.FromOthers(targets, 2.0).fit(X, y)
    others = ~np.isin(X[:, 0], targets)
    by_hand = Ridge(2.0).fit(X[others, 1:], y[others])
    assert_allclose(model.predict(X), by_hand.predict(X[:, 1:]))


def test_all_other_schools_are_one_source():
    model, _ = study.borrowing((0.0, 1.0))[study.BORROWED]
    fitted = model.fit(X, y)[-1]
    assert fitted.tasks_.tolist() == [-1, 0, 1]


@pytest.mark.parametrize("part", PARTS)
def test_leads_are_over_the_better_of_the_opponents(part):
    part = PARTS[part]
    mean = {name: np.mean(points) for name, points in part["points"].items()}
    assert part["opponent"] == max(study.OPPONENTS, key=mean.get)
    assert {row["candidate"] for row in part["leads"]} == set(mean) - {part["opponent"]}
    for row in part["leads"]:
        assert row["baseline"] == part["opponent"]
        assert row["mean"] == pytest.approx(mean[row["candidate"]] - mean[row["baseline"]], abs=0.1)
        low, high = row["new rows"]["interval"]
        assert low < row["mean"] < high
        if row["new rows"]["verdict"] == "wins":
            assert low > 0
    assert {len(points) for points in part["points"].values()} == {STORED["splits"]}


def test_verdicts_are_counted():
    leads = study.all_leads(STORED)
    assert Counter(row["new rows"]["verdict"] for row in leads) == STORED["verdicts"]
    named = [(row["candidate"], str(row)) for row in leads]
    assert len(set(named)) == len(leads)


def test_ends_of_the_dial_are_the_baselines():
    ends = STORED["dial"]["all"]
    points = STORED["everyone"]["points"]
    assert ends[0] == pytest.approx(np.mean(points["alone"]), abs=0.5)
    assert ends[-1] == pytest.approx(np.mean(points["pooled"]), abs=0.5)


def test_pulled_means_lie_between_own_and_common():
    own, common, pulled = (np.array(STORED["levels"][k]) for k in ("alone", "pooled", "pulled"))
    assert len(set(common)) == 1
    far = abs(own - common) > 1
    share = ((pulled - common) / (own - common))[far]
    assert (share > 0).all() and (share < 1).all()


def test_pulled_means_are_nearer_by_what_is_said():
    levels = STORED["levels"]
    for name, gain in levels["pulled is nearer than"].items():
        missed = levels["missed by"]
        assert gain["mean"] == pytest.approx(missed[name] - missed["pulled"], abs=0.011)
        assert gain["low"] < gain["mean"] < gain["high"]


@pytest.mark.skipif(
    not (Path(os.environ.get("MTLKIT_DATA", "")) / "school.mat").exists(),
    reason="set MTLKIT_DATA to the directory that holds school.mat",
)
def test_the_first_score_of_the_tied_model_again():
    points = STORED["everyone"]["points"]["tied"][0]
    assert study.again(STORED) == pytest.approx(points, abs=0.05)
