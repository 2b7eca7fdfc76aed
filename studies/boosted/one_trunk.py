"""The comparison of *One trunk, many heads*: two sets of names for the same ten digits."""

import numpy as np
from sklearn.base import clone

from mtlkit.baselines import PerTask, Pooled
from mtlkit.datasets import load_shifted_digits
from mtlkit.neural import MultiTaskMLPClassifier
from mtlkit.table import TaskStratifiedShuffleSplit


def cases():
    X, y = load_shifted_digits({"its name": None, "another name": None}, random_state=0)
    X[:, 1:] -= X[:, 1:].mean(axis=0)
    y = np.where(X[:, 0] == 1, (y + 1) % 10, y)
    grid = {"alpha": [0.001, 0.02], "learning_rate_init": [0.01, 0.03]}
    inside = {f"estimator__{name}": values for name, values in grid.items()}
    one = MultiTaskMLPClassifier(
        batch_size=100, n_iter_no_change=None, random_state=0, hidden_layer_sizes=64, max_iter=60
    )
    candidates = {
        "alone": (PerTask(clone(one).set_params(batch_size=50), task_col=0), inside),
        "pooled": (Pooled(one, task_col=0), inside),
        "pooled, told the task": (Pooled(one, task_col=0, task_as_input=True), inside),
        "one trunk": (clone(one).set_params(task_col=0), grid),
    }
    draw = {"task_col": 0, "random_state": 0}
    return {
        "names": {
            "candidates": candidates,
            "X": X,
            "y": y,
            "budget": 4,
            "classify": True,
            "average": "macro",
            "cv": TaskStratifiedShuffleSplit(10, train_size=50, **draw),
            "inner_cv": TaskStratifiedShuffleSplit(1, test_size=0.3, **draw),
        }
    }
