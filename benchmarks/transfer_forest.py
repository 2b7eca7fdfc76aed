"""What it costs to adapt a forest, beside growing it: processor time, one thread.

Ours is the adaptation alone (`fit` of the transfer less `fit` of the forest), theirs the fit of
scikit-learn's forest to the source.
"""

import numpy as np
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier

from mtlkit.transfer import TransferForestClassifier

from .peers import SEED, Study, seconds

REPEATS = 5
SLOWEST = 3  # both take at most so many times the fit of the forest
TREES, D, K = 100, 20, 5
SIZES = [(1000, 50), (1000, 500), (2000, 2000), (10000, 500)]  # rows of source and target


def tables(n_source, n_target):
    """The table with the task in column 0, its labels, and where the source's rows end."""
    X, y = make_classification(
        n_source + n_target, D, n_informative=10, n_classes=K, class_sep=0.7, random_state=SEED
    )
    task = np.repeat([0, 1], [n_source, n_target])
    X[task == 1] *= -1
    return np.column_stack([task, X]), y


def run():
    """Measure; returns the rows of results."""
    study = Study()
    for n_source, n_target in SIZES:
        X, y = tables(n_source, n_target)
        forest = RandomForestClassifier(TREES, random_state=SEED)
        models = [
            TransferForestClassifier(forest, method=method, target=1, task_col=0)
            for method in ("strut", "ser")
        ]
        calls = [lambda: forest.fit(X[:n_source, 1:], y[:n_source])]  # noqa: B023
        calls += [lambda model=model: model.fit(X, y) for model in models]  # noqa: B023
        grow, *both = seconds(calls, REPEATS)
        setting = f"{n_source} + {n_target} rows, {TREES} trees"
        for model, taken in zip(models, both, strict=True):
            cost = taken - grow
            study.add(model.method.upper(), setting, "growing the forest", cost, grow, 1 / SLOWEST)
    return study.rows
