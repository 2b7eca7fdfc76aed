"""Intervals and sets by task beside those of MAPIE, which knows no tasks: one task at a time."""

import numpy as np
import pytest

pytest.importorskip("mapie", reason="MAPIE is not installed")

from mapie.classification import SplitConformalClassifier
from mapie.regression import SplitConformalRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression

from mtlkit.baselines import Pooled
from mtlkit.evaluation import TaskConformalClassifier, TaskConformalRegressor
from mtlkit.linear import MeanRegularizedRidge
from tests._problems import ragged_classification, ragged_regression

ROWS = (18, 16, 24, 30)


@pytest.mark.parametrize("way", ["task", "all"])
def test_intervals_and_sets_are_those_of_mapie(way):
    X, y = ragged_regression(rows=ROWS)
    fitted = MeanRegularizedRidge(task_col=0).fit(X, y)
    X, y = ragged_regression(rows=ROWS, seed=1)
    ours = TaskConformalRegressor(FrozenEstimator(fitted), by=way, task_col=0).fit(X, y)
    for rows in parts(X, way):
        peer = SplitConformalRegressor(fitted).conformalize(X[rows], y[rows])
        ends = peer.predict_interval(X[rows])[1][:, :, 0]
        np.testing.assert_allclose(ours.predict_interval(X[rows]), ends)
    X, y = ragged_classification(n=40)
    fitted = Pooled(LogisticRegression(), task_col=0).fit(X, y % 2)
    X, y = ragged_classification(seed=1, n=40)
    sets = TaskConformalClassifier(FrozenEstimator(fitted), by=way, task_col=0).fit(X, y % 2)
    for rows in parts(X, way):
        peer = SplitConformalClassifier(fitted).conformalize(X[rows], y[rows] % 2)
        np.testing.assert_array_equal(
            sets.predict_set(X[rows]), peer.predict_set(X[rows])[1][:, :, 0]
        )


def parts(X, way):
    tasks = np.unique(X[:, 0])
    return [X[:, 0] == t for t in tasks] if way == "task" else [np.ones(len(X), dtype=bool)]
