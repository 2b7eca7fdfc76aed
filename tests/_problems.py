"""Small problems that several test files fit, and how far their answers may move."""

import numpy as np
import pandas as pd
from numpy.testing import assert_allclose, assert_array_equal

from mtlkit.baselines import FeatureAugmentation, PerTask

ROUNDING = 1e-10  # of sums in another order


def ragged_regression(seed=0, rows=(9, 5, 2, 12), d=3):
    """Array (n, 1 + d) with the task in column 0, rows in random order, and y (n,)."""
    rng = np.random.default_rng(seed)
    task = rng.permutation(np.repeat(np.arange(len(rows)), rows))
    X = rng.normal(size=(len(task), d)) + rng.normal(size=(len(rows), d))[task]
    weights = rng.normal(size=d) + 0.5 * rng.normal(size=(len(rows), d))
    y = (X * weights[task]).sum(axis=1) + 3 * task + rng.normal(size=len(task))
    return np.column_stack([task, X]), y


def ragged_classification(seed=0, classes=((0, 1), (1, 2, 3), (2, 3)), n=12):
    """Array (T n, 3) with the task in column 0, and class labels; task t has `classes[t]`."""
    rng = np.random.default_rng(seed)
    y = np.concatenate([np.resize(own, n) for own in classes])
    task = np.repeat(np.arange(len(classes)), n)
    X = np.column_stack([task, y + 0.7 * rng.normal(size=len(y)), rng.normal(size=len(y))])
    order = rng.permutation(len(y))
    return X[order], y[order]


def as_frame(X):
    """The same table with names: columns "task", "a", "b", …, and tasks "t0", "t1", …"""
    frame = pd.DataFrame(X[:, 1:].copy(), columns=list("abcdefgh")[: X.shape[1] - 1])
    frame.insert(0, "task", [f"t{t:.0f}" for t in X[:, 0]])
    return frame


def tolerance(model):
    """What an answer may move: an objective within `tol` holds its argument within the root."""
    tol = getattr(getattr(model, "estimator", model), "tol", None)
    if isinstance(model, FeatureAugmentation):
        return 1e-3  # scikit-learn's Ridge stops at 1e-4 on a sparse table
    return ROUNDING if tol is None or isinstance(model, PerTask) else 3 * np.sqrt(tol)


def assert_same_moments(one, two, **bounds):
    assert_array_equal(one.tasks, two.tasks)
    for name in ("n", "x_mean", "y_mean", "Sxx", "Sxy", "Syy"):
        assert_allclose(getattr(one, name), getattr(two, name), err_msg=name, **bounds)
