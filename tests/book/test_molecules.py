"""The study of the molecules: its splits, its draws, and a row of it on the real table."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse
from sklearn.metrics import roc_auc_score

from mtlkit.datasets import fetch_tox21
from studies import _molecule_parts as parts
from studies._stored import RESULTS
from studies.molecules import linear

SCAFFOLD = np.array(["ring", "ring", "chain", "cage"] + ["common"] * 8)
MOLECULE = np.repeat(np.arange(12), 3)


@pytest.fixture(autouse=True)
def common(monkeypatch):
    monkeypatch.setattr(parts, "COMMON", 0.5)


@pytest.mark.parametrize("kind", ["scaffold", "molecule", "measurement"])
def test_no_unit_is_on_both_sides_and_common_ones_train(kind):
    unit, able = parts.units(kind, SCAFFOLD, MOLECULE)
    for train, test in parts.RareUnitsShuffle(able, 5, 0).split(None, None, unit):
        assert sorted([*train, *test]) == list(range(len(MOLECULE)))
        assert not np.isin(unit[test], unit[train]).any()
        assert len(test)
        assert (SCAFFOLD[MOLECULE[test]] != "common").all()


def test_measurements_of_a_molecule_may_be_on_both_sides():
    unit, able = parts.units("measurement", SCAFFOLD, MOLECULE)
    splits = parts.RareUnitsShuffle(able, 20, 0).split(None, None, unit)
    assert any(np.isin(MOLECULE[test], MOLECULE[train]).any() for train, test in splits)


def test_holes_are_rows_that_are_not_there():
    labels = np.array([[1, np.nan], [0, 1.0]])
    X, y, molecule = parts.long_table(sparse.csr_array(np.array([[5.0], [7.0]])), labels)
    assert X.toarray().tolist() == [[0, 5], [0, 7], [1, 7]]
    assert (y.tolist(), molecule.tolist()) == ([1, 0, 1], [0, 1, 1])


def test_nearest_counts_common_bits_over_all_bits():
    bits = sparse.csr_array(np.array([[1, 1, 1, 0.0], [1, 1, 0, 1], [0, 0, 0, 1]]))
    assert parts.nearest(bits, np.array([1, 2]), np.array([0])).tolist() == [0.5]


def test_few_keeps_the_share_of_actives_but_four():
    y, task = np.tile([1] + [0] * 9, 40), np.repeat([0, 1], 200)
    y[task == 1] = np.arange(200) < 5
    kept = parts.few(y, task, np.arange(400), 50, np.random.default_rng(0))
    assert np.bincount(task[kept]).tolist() == [50, 50]
    assert [y[kept][task[kept] == t].sum() for t in (0, 1)] == [5, 4]


def test_a_row_of_the_study_on_the_real_table(monkeypatch):
    """Text needs no chemistry, and the scaffolds are stored: the first split is fitted again."""
    if not (Path(os.environ.get("MTLKIT_DATA", "")) / "cases/tox21.csv.gz").exists():
        pytest.skip("set MTLKIT_DATA to the directory that holds cases/tox21.csv.gz")
    monkeypatch.undo()
    study = json.loads((RESULTS / "molecules.json").read_text(encoding="utf-8"))
    smiles, labels, _ = fetch_tox21()
    smiles, labels = (np.delete(a, study["data"]["left_out"], 0) for a in (smiles, labels))
    X, y, molecule = parts.long_table(parts.as_text(smiles), labels)
    unit, able = parts.units("scaffold", np.array(study["data"]["scaffold"]), molecule)
    train, test = next(parts.RareUnitsShuffle(able, 1, study["seed"]).split(X, y, unit))
    task = X[:, [0]].toarray().ravel()[test]
    for name in ("alone", "tied"):
        chosen = float(study["text"]["chosen"][name][0])
        model = linear()[name][0].set_params(estimator__C=chosen)
        value = model.fit(X[train], y[train]).predict_proba(X[test])[:, 1]
        auc = np.mean([roc_auc_score(y[test][task == t], value[task == t]) for t in range(12)])
        assert abs(100 * auc - study["text"]["by split"][name][0]) < 0.05
