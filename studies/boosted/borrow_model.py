"""*When does a borrowed model help?*: ten labelled sevens, ten labelled patients.

Ten rows need small leaves, so the trees choose the size of theirs. One model per task has ten rows
for the target; it is left out for the sevens, where it would be fitted to three sources in vain.
"""

import numpy as np
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.preprocessing import StandardScaler

from mtlkit import datasets, table, transfer
from mtlkit.baselines import PerTask, Pooled
from mtlkit.evaluation import compare

from . import BOOSTED, GRIDS, boosted_trees, points, study

GRIDS["3, few rows"] = {"min_samples_leaf": [20, 5, 2]}
STRENGTHS, SPLITS = [1, 10, 0.1], 8
NAMES = ["sevens", "hospitals"]


def rows():
    return [told_only("sevens", **sevens()), study("hospitals", **hospitals())]


def told_only(name, *, candidates, X, y, budget, classify, **settings):
    trees = boosted_trees(0, budget, classify=classify)
    both = candidates | {BOOSTED: trees[BOOSTED]}
    found = compare(both, X, y, task_col=0, random_state=0, **settings)
    return {
        "name": name,
        "scope": "new rows",
        "splits": SPLITS,
        "budget": budget,
        "scores": {k: round(100 * float(v.mean()), 2) for k, v in found.scores.items()},
        "gain over the baseline": {k: points(found.difference(k)) for k in both if k != "alone"},
        "gain over the trees": {k: points(found.difference(k, BOOSTED)) for k in candidates},
    }


def sevens():
    X, y = datasets.load_digit_angles(rows_per_task=160, random_state=0)
    keep = np.isin(X[:, 0], [2, 3, 4, 7])
    X, y = X[keep], y[keep]
    candidates = {
        "alone": (PerTask(Ridge(), task_col=0), {"estimator__alpha": STRENGTHS}),
        "pooled": (
            Pooled(Ridge(), task_col=0, task_as_input=True),
            {"estimator__alpha": STRENGTHS},
        ),
        "mixture": (
            transfer.BiasedRidge(source=[2, 3, 4], task_col=0),
            {"alpha": STRENGTHS},
        ),
    }
    return few_labels(candidates, X, y, 7, classify=False)


def hospitals():
    X, y = datasets.load_cancer_domains(("mean", "mean"), random_state=0)
    X = table.shared(StandardScaler(), task_col=0).fit_transform(X)
    logistic, C = LogisticRegression(max_iter=1000), [1 / (2 * a) for a in STRENGTHS]
    candidates = {
        "alone": (PerTask(logistic, task_col=0), {"estimator__C": C}),
        "pooled": (Pooled(logistic, task_col=0), {"estimator__C": C}),
        "borrowed": (transfer.BiasedLogisticRegression(0, task_col=0), {"alpha": STRENGTHS}),
    }
    return few_labels(candidates, X, y, 1, n_source=200, n_test=150, classify=True)


def few_labels(candidates, X, y, target, *, n_source=100, n_test=100, classify):
    tasks = np.unique(X[:, 0])
    cv = table.TaskStratifiedShuffleSplit(
        SPLITS,
        train_size=dict.fromkeys(tasks, n_source) | {target: 10},
        test_size=dict.fromkeys(tasks, 1) | {target: n_test},
        task_col=0,
        random_state=0,
    )
    common = {
        "cv": cv,
        "inner_cv": 3,
        "tasks": [target],
        "budget": "3, few rows",
        "classify": classify,
    }
    return common | {"candidates": candidates, "X": X, "y": y}
