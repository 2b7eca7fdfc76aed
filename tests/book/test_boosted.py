"""The stored rows of the boosted trees belong to the pages, and to their grids, as they are now."""

import importlib
import json
import pkgutil

import numpy as np
import pytest
from sklearn.model_selection import ParameterGrid

from studies import boosted
from studies._stored import RESULTS, as_text
from tools.tidy import page_notebooks

STUDIED = sorted(module.name for module in pkgutil.iter_modules(boosted.__path__))
PAGES = {path.stem: path for path in page_notebooks()}


def test_results_are_those_of_the_modules():
    stored = {path.stem for path in RESULTS.glob("boosted_*.json")}
    pages = {f"boosted_{page}" for page in STUDIED}
    assert stored == pages | {"boosted_opponent"}  # a study of its own


@pytest.mark.parametrize("path", sorted(RESULTS.glob("*.json")), ids=lambda path: path.stem)
def test_a_result_is_as_the_studies_write_it(path):
    text = path.read_text(encoding="utf-8")
    assert as_text(json.loads(text)) == text


def test_grids_are_of_the_size_they_are_listed_under():
    for page in STUDIED:  # no page may add to what all share
        importlib.import_module(f"studies.boosted.{page}")
    for budget, grid in boosted.GRIDS.items():
        assert len(ParameterGrid(grid)) == budget


@pytest.mark.parametrize("page", STUDIED)
def test_a_page_reads_what_was_stored_for_its_cases(page):
    module = importlib.import_module(f"studies.boosted.{page}")
    stored = json.loads((RESULTS / f"boosted_{page}.json").read_text(encoding="utf-8"))
    assert f"boosted_{page}.json" in PAGES[page].read_text(encoding="utf-8")
    if hasattr(module, "rows"):  # a loop of its own in place of `compare`
        assert list(stored["cases"]) == module.NAMES
        return
    cases = module.cases()
    assert list(stored["cases"]) == list(cases)
    for name, case in cases.items():
        row, grids = stored["cases"][name], [grid for _, grid in case["candidates"].values()]
        assert {len(ParameterGrid(grid)) for grid in grids if grid} == {case["budget"]}
        own = case.get("grid", boosted.GRIDS[case["budget"]])
        assert len(ParameterGrid(own)) == row["budget"] == case["budget"]
        one_each = {boosted.BOOSTED_ALONE} if case.get("alone", True) else set()
        assert set(row["gain over the trees"]) == {*case["candidates"], *one_each}
        assert len(case["X"]) == len(case["y"])
        for found in row["gain over the trees"].values():
            assert found["low"] < found["mean"] < found["high"]


def test_the_difference_in_points_is_that_of_the_comparison():
    """The study on a small table, held against `compare` with the trees written out."""
    from sklearn.ensemble import HistGradientBoostingRegressor
    from sklearn.linear_model import Ridge

    from mtlkit.baselines import PerTask, Pooled
    from mtlkit.datasets import make_linear_tasks
    from mtlkit.evaluation import compare
    from mtlkit.table import TaskStratifiedShuffleSplit

    X, y = make_linear_tasks("shared mean", n_tasks=3, n_samples=40, random_state=0)
    cv = TaskStratifiedShuffleSplit(3, train_size=25, test_size=15, task_col=0, random_state=0)
    alone = (PerTask(Ridge(), task_col=0), {"estimator__alpha": [1.0, 10.0]})
    row = boosted.study(
        "small", candidates={"alone": alone}, X=X, y=y, budget=2, classify=False, cv=cv, inner_cv=2
    )
    trees = Pooled(
        HistGradientBoostingRegressor(random_state=0), task_col=0, task_as_input="category"
    )
    grid = {"estimator__learning_rate": [0.03, 0.1]}
    settings = {"task_col": 0, "cv": cv, "inner_cv": 2, "random_state": 0}
    found = compare({"alone": alone, "trees": (trees, grid)}, X, y, **settings)
    lead = found.difference("trees", "alone")
    stored = row["gain over the trees"]["alone"]
    np.testing.assert_allclose(
        [stored["mean"], stored["low"], stored["high"]],
        [-100 * lead.mean, -100 * lead.high, -100 * lead.low],
        atol=0.006,
    )
