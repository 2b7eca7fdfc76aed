"""Optimal transport from POT and from skada, on the book's table beside our cures.

The page "Same task, other world" shows `moved_by_pot` and `moved_by_skada` as they stand here.
"""

import numpy as np
import pytest
import sklearn
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from mtlkit.baselines import Pooled
from mtlkit.datasets import load_cancer_domains, load_shifted_digits
from mtlkit.evaluation import paired_difference
from mtlkit.table import shared

ROUNDS = range(20)


def moved_by_pot(X, y):
    """Accuracy on task 1 of a classifier of the rows of task 0, moved to those of task 1."""
    import ot

    own = X[:, 0] == 1
    source, target = X[~own, 1:], X[own, 1:]
    moved = ot.da.EMDTransport().fit(Xs=source, Xt=target).transform(Xs=source)
    model = LogisticRegression(max_iter=1000).fit(moved, y[~own])
    return model.score(target, y[own])


def moved_by_skada(X, y):
    """The same by skada, whose import turns on metadata routing for the whole process."""
    from skada import OTMapping

    own = X[:, 0] == 1
    domain = np.where(own, -2, 1)  # a source has a positive number, a target a negative one
    model = OTMapping(LogisticRegression(max_iter=1000))
    model.fit(X[:, 1:], np.where(own, -1, y), sample_domain=domain)  # -1: a hidden label
    return model.score(X[own, 1:], y[own], sample_domain=domain[own])


@pytest.fixture
def pot():
    pytest.importorskip("ot", reason="POT is not installed")


@pytest.fixture
def skada():
    """The package, with the routing that it needs; the setting is put back."""
    with sklearn.config_context():
        pytest.importorskip("skada", reason="skada is not installed")
        sklearn.set_config(enable_metadata_routing=True)  # its first import does this
        yield


def turned(seed):
    shifts = {"upright": None, "turned": ("rotation", 15)}
    return load_shifted_digits(shifts, rows_per_task=300, random_state=seed)


def fewer_ill(seed):
    X, y = load_cancer_domains(("mean", "mean"), (0.5, 0.1), random_state=seed)
    return shared(StandardScaler(), 0).fit_transform(X), y


def source_only(X, y):
    own = X[:, 0] == 1
    model = Pooled(LogisticRegression(max_iter=1000), task_col=0)
    return model.fit(X[~own], y[~own]).score(X[own], y[own])


def gain(method, load):
    """Points of accuracy over the source alone."""
    tables = [load(seed) for seed in ROUNDS]
    scores = [[score(*table) for table in tables] for score in (method, source_only)]
    return paired_difference(*scores).times(100)


def test_pot_helps_where_digits_are_turned(pot):
    assert gain(moved_by_pot, turned).low > 10


def test_pot_does_harm_where_fewer_are_ill(pot):
    """It moves every source row somewhere, so the proportions of the classes go along."""
    assert gain(moved_by_pot, fewer_ill).high < -20


def test_skada_is_the_same_transport(pot, skada):
    for seed in range(3):
        X, y = turned(seed)
        assert moved_by_skada(X, y) == pytest.approx(moved_by_pot(X, y), abs=0.01)
    assert sklearn.get_config()["enable_metadata_routing"]
