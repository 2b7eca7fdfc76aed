"""*When does a borrowed model help?*: ten labelled sevens, ten labelled patients.

Ten rows need small leaves, so the trees choose the size of theirs. One model per task has ten rows
for the target; it is left out for the sevens, where it would be fitted to three sources in vain.
"""

import numpy as np
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.preprocessing import StandardScaler

from mtlkit import datasets, table, transfer
from mtlkit.baselines import PerTask, Pooled

FEW_ROWS = {"min_samples_leaf": [20, 5, 2]}
STRENGTHS, SPLITS = [1, 10, 0.1], 8


def cases():
    return {"sevens": sevens() | {"alone": None}, "hospitals": hospitals()}


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
        "budget": 3,
        "grid": FEW_ROWS,
        "classify": classify,
    }
    return common | {"candidates": candidates, "X": X, "y": y}
