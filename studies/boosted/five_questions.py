"""The three comparisons of *Five questions*: turned digits, 20 and 60 images each, and eights.

The study of 20 images is that of the first question, that of 60 the one of the third. Between them
stands the transfer to 20 labelled eights, which threes or fours may help.
"""

import numpy as np
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import Ridge

from mtlkit.baselines import PerTask, Pooled
from mtlkit.datasets import load_digit_angles
from mtlkit.linear import MeanRegularizedRidge
from mtlkit.table import TaskStratifiedShuffleSplit
from mtlkit.transfer import BiasedRidge

STRENGTHS = {"estimator__alpha": [0.1, 0.3, 1, 3]}


def cases():
    X, y = load_digit_angles()
    five, trio = X[:, 0] < 5, np.isin(X[:, 0], [3, 4, 8])
    linear = both_ways("", Ridge(), STRENGTHS)
    tied = MeanRegularizedRidge(task_col=0), {"alpha": [0.03, 0.1], "coupling": [3, 10]}
    kernel = KernelRidge(kernel="rbf", gamma=0.05)
    bends = {"estimator__alpha": [0.001, 0.01, 0.03, 0.1]}
    pull = {"alpha": [0.3, 1, 3, 10]}
    from_one = {
        f"from {name}": (BiasedRidge(digit, task_col=0), pull)
        for name, digit in (("threes", 3), ("fours", 4))
    }
    at_20 = linear | {"tied": tied}
    return {
        "20 images": case(at_20, X[five], y[five], 20, 60),
        "20 eights": case(
            linear | from_one, X[trio], y[trio], {3: 150, 4: 150, 8: 20}, {3: 1, 4: 1, 8: 100}
        )
        | {"tasks": [8]},
        "60 images": case(at_20 | both_ways("kernel ", kernel, bends), X[five], y[five], 60, 60),
    }


def both_ways(kind, model, grid):
    """One per task and one for all."""
    return {
        f"{kind}alone": (PerTask(model, task_col=0), grid),
        f"{kind}pooled": (Pooled(model, task_col=0), grid),
    }


def case(candidates, X, y, train, test):
    cv = TaskStratifiedShuffleSplit(
        20, train_size=train, test_size=test, task_col=0, random_state=0
    )
    common = {"budget": 4, "classify": False, "inner_cv": 3, "cv": cv}
    return common | {"candidates": candidates, "X": X, "y": y}
