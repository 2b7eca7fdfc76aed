"""The study of the showdown: equal budgets, one rule for a verdict, what is stored."""

import json
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.metrics import get_scorer
from sklearn.model_selection import ParameterGrid

from mtlkit.datasets import load_digit_tasks, make_linear_tasks
from mtlkit.evaluation import compare, verdict
from mtlkit.table import TaskStratifiedShuffleSplit
from studies import _showdown_ways as ways
from studies import showdown as study
from studies._stored import RESULTS
from studies.opponents import PARTIAL

STORED = json.loads((RESULTS / "showdown.json").read_text(encoding="utf-8"))


def tiny(name):
    """A small table of numbers or of classes, with sources, targets and the candidates."""
    if name == "simulated, near":
        X, y = make_linear_tasks(n_tasks=4, n_samples=20, n_features=3, random_state=0)
    else:
        X, y = load_digit_tasks(rows_per_task=30)
    regression = y.dtype.kind == "f"
    return X, y, regression, ways.candidates(name, X, [0], [1, 2, 3], regression)


@pytest.mark.parametrize("name", ["simulated, near", "digit questions"])
def test_every_candidate_has_the_same_budget_and_fits(name):
    X, y, regression, found = tiny(name)
    own = ways.free(name, regression) or {}
    assert {*found, *own, *ways.left_out(name, regression)} == {*ways.CANDIDATES}
    assert {len(ParameterGrid(grid)) for _, grid in found.values()} == {ways.BUDGET}
    target, scorer = X[:, 0] == 1, get_scorer("r2" if regression else "roc_auc")
    for key, (model, grid) in (found | {k: (m, {}) for k, m in own.items()}).items():
        last = list(ParameterGrid(grid))[-1]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fitted = clone(model).set_params(**last).fit(X, y)
        assert np.isfinite(scorer(fitted, X[target], y[target])), key
        size = study.parameters(fitted)
        assert size is None or size > 0, key


def test_a_target_starts_from_its_own_head_or_that_of_the_source():
    X, y, _, found = tiny("digit questions")
    model = found[ways.TUNED][0].set_params(model__max_iter=1, model__learning_rate_init=1e-9)
    target = X[X[:, 0] == 1]
    new = clone(model).fit(X, y).predict_proba(target)
    kept = clone(model).set_params(model__head=0).fit(X, y)
    source = np.column_stack([np.zeros(len(target)), target[:, 1:]])
    start = clone(kept[-1].network).fit(X[X[:, 0] == 0], y[X[:, 0] == 0])
    np.testing.assert_allclose(kept.predict_proba(target), start.predict_proba(source), atol=1e-5)
    assert np.abs(new - kept.predict_proba(target)).max() > 0.05


def test_the_verdict_from_an_error_is_that_of_the_comparison():
    X, y, _, found = tiny("simulated, near")
    pair = {name: found[name] for name in ("alone", "pooled", "tied")}
    cv = TaskStratifiedShuffleSplit(4, test_size=0.5, task_col=0, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        done = compare(pair, X, y, task_col=0, cv=cv, inner_cv=2, random_state=0)
    for name in ("pooled", "tied"):
        for margin in (1, 10, 40):
            own = study.word(*study._over(done, name, "alone"), margin)
            assert own == done.verdict(name, margin=margin / 100)
    d = np.array([0.2, -0.3, 0.1, 0, 0.5])
    error = d.std(ddof=1) / 5**0.5
    assert study.word(d.mean(), error, 4, 1) == verdict(d, np.zeros(5), 1) == "ties"
    for level in (0.5, 0.99, 0.9999):
        own = study.word(d.mean(), error, 4, 1, level)
        assert own == verdict(d, np.zeros(5), 1, level=level)
    assert own == "inconclusive"  # a tie asks for the level too
    assert study.word(0.0, 0.0, 4, 1) == "ties"


def test_what_is_stored_is_complete():
    assert STORED["protocol"] == study.PROTOCOL and STORED["splits"] == study.SPLITS
    assert list(STORED["settings"]) == list(ways.CANDIDATES)
    assert [row["data"] for row in STORED["rows"] if row["regime"] == "few"] == list(ways.tables())
    for row in STORED["rows"]:
        found = row["candidates"]
        assert set(ways.CANDIDATES) - set(found) <= set(row["left_out"])
        assert PARTIAL in found or row["score"] != "r2"
        for name, own in found.items():
            assert len(own["scores"]) == study.SPLITS
            assert own["score"] == pytest.approx(np.mean(own["scores"]), abs=0.01)
            for other, (mean, error, df) in own["over"].items():
                lead = np.subtract(own["scores"], found[other]["scores"])
                assert mean == pytest.approx(lead.mean(), abs=0.01), name
                assert error >= 0 and df > 0
