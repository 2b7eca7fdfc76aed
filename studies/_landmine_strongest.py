"""The minefields again with the strongest models: boosted trees, a kernel, told the field or alone.

Trees are also told the ground beside the field, as two of the linear candidates are. All of these
are slow, so they see four of the draws. They choose among as many settings as the linear
candidates, on the same folds. These are fitted with the settings that they chose there before.
"""

import numpy as np
from sklearn.base import clone
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import ParameterGrid
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from mtlkit.baselines import PerTask, Pooled
from mtlkit.datasets import load_cancer_domains
from mtlkit.evaluation import paired_difference
from mtlkit.linear import MultiTaskLogisticRegression, SharedMean
from mtlkit.table import TaskStratifiedKFold, TaskStratifiedShuffleSplit

from .opponents import KERNEL, TREES, TREES_ALONE, flexible

LABELS, FOLDS, FEWEST_MINES, SEED, FIELDS, DRAWS = [20, 40, 80, 160], 2, 2, 0, 29, 4
FOLIATED, TREES_GROUND = 15, "boosted, told field and ground"
PAIRS = [
    (TREES, "alone"),
    (TREES, "pooled"),
    (TREES, TREES_ALONE),
    (KERNEL, TREES),
    ("tied", TREES),
    ("tied", KERNEL),
    ("learned relations", TREES),
    ("pooled by terrain", TREES),
    ("pooled by terrain", KERNEL),
    (TREES_GROUND, TREES),
    (TREES_GROUND, "tied"),
    ("pooled by terrain", TREES_GROUND),
    ("tied by terrain", TREES_GROUND),
    ("learned relations", TREES_GROUND),
]


def mines_among(labels, mines, rows):
    """Mines among the labels of a field."""
    return max(FEWEST_MINES, round(labels * mines / rows))


def draw(X, y, seed):
    """Labels that grow from 20 to 160 in every field, and the rows that are left for tests."""
    rng = np.random.default_rng(seed)
    field = X[:, 0].astype(int)
    train, test = {n: [] for n in LABELS}, []
    for f in range(FIELDS):
        rows = rng.permutation(np.flatnonzero(field == f))
        mines, clutter = rows[y[rows] == 1], rows[y[rows] == 0]
        for n in LABELS:
            k = mines_among(n, len(mines), len(rows))
            train[n].append(np.concatenate([mines[:k], clutter[: n - k]]))
        test.append(np.setdiff1d(rows, train[LABELS[-1]][-1]))
    return {n: np.concatenate(rows) for n, rows in train.items()}, np.concatenate(test)


def by_field(score, y, values, field):
    """A score on the rows of each field."""
    return np.array([score(y[field == f], values[field == f]) for f in np.unique(field)])


def candidates(scaled):
    """Eight settings each."""
    trees = HistGradientBoostingClassifier(random_state=0)
    alone = GradientBoostingClassifier(n_estimators=15, random_state=0)
    kernel = flexible(9, classify=True, components=100)[KERNEL][0]
    rates = {"learning_rate": [0.03, 0.1], "min_samples_leaf": [5, 20], "max_leaf_nodes": [8, 31]}
    grids = {
        TREES: rates,
        TREES_GROUND: {f"told__estimator__{name}": values for name, values in rates.items()},
        KERNEL: {"featureunion__nystroem__gamma": [0.003, 0.01, 0.03, 0.1],
                 "logisticregression__C": [0.03, 1]},
        TREES_ALONE: {"learning_rate": [0.05, 0.1, 0.2, 0.4], "max_depth": [1, 2]},
    }  # fmt: skip
    told = Pooled(trees, task_col=0, task_as_input="category")
    models = {
        TREES: told,
        TREES_GROUND: Pipeline([("ground", FunctionTransformer(with_ground)), ("told", told)]),
        KERNEL: kernel,
        TREES_ALONE: PerTask(alone, task_col=0),
    }
    under = {name: "model__" if name == TREES_GROUND else "model__estimator__" for name in models}
    return {
        name: (scaled(models[name]), {under[name] + k: v for k, v in grid.items()})
        for name, grid in grids.items()
    }


def with_ground(X):
    """The table with one column more: whether the ground of the field is bare."""
    return np.column_stack([X, X[:, 0] >= FOLIATED])


def measure(X, y, n, scaled, linear, chosen):
    """100 AUC (draws x fields) of each candidate with n labels."""
    found = {}
    for j in range(DRAWS):
        train, test = draw(X, y, SEED + j)
        rows = train[n]
        folds = TaskStratifiedKFold(FOLDS, task_col=0, shuffle=True, random_state=SEED + j)
        folds = list(folds.split(X[rows], y[rows]))
        for name, (model, grid) in (candidates(scaled) | linear).items():
            settings = list(ParameterGrid(grid))
            if name in linear:
                best = chosen[name][LABELS.index(n)][j]
            else:
                inner = [_inner(model, s, X[rows], y[rows], folds) for s in settings]
                best = int(np.argmax(inner))
            values = clone(model).set_params(**settings[best]).fit(X[rows], y[rows])
            values = values.decision_function(X[test])
            own = 100 * by_field(roc_auc_score, y[test], values, X[test, 0])
            found.setdefault(name, []).append(own)
    return {name: np.array(own) for name, own in found.items()}


def _inner(model, setting, X, y, folds):
    scores = []
    for inside, outside in folds:
        fitted = clone(model).set_params(**setting).fit(X[inside], y[inside])
        values = fitted.decision_function(X[outside])
        scores.append(by_field(roc_auc_score, y[outside], values, X[outside, 0]).mean())
    return np.mean(scores)


def strongest(measured):
    """What is stored: scores and differences; `measured` is one result of `measure` a size."""
    names = list(measured[0])
    differences = []
    for a, b in PAIRS:
        for n, found in zip(LABELS, measured, strict=True):
            d = paired_difference(found[a].mean(axis=0), found[b].mean(axis=0))
            differences.append(
                {
                    "labels": n,
                    "candidate": a,
                    "baseline": b,
                    "difference": round(d.mean, 3),
                    "over_fields": [round(d.low, 3), round(d.high, 3)],
                    "fields_won": d.wins,
                }
            )
    return {
        "draws": DRAWS,
        "about": "the first draws; over_fields is for new tasks: a t interval over the mean "
        "differences of the fields",
        "macro": {n: [round(float(f[n].mean()), 3) for f in measured] for n in names},
        "differences": differences,
    }


def control(scaled):
    """Macro AUC of three models on a table that ships with scikit-learn, for a page to repeat."""
    X, y = load_cancer_domains()
    cv = TaskStratifiedShuffleSplit(1, train_size=40, test_size=150, task_col=0, random_state=SEED)
    train, test = next(cv.split(X, y))
    models = {
        "alone": PerTask(LogisticRegression(C=0.3), task_col=0),
        "pooled": Pooled(LogisticRegression(C=0.3), task_col=0),
        "tied": MultiTaskLogisticRegression(SharedMean(10), 0.3, task_col=0, tol=1e-4),
    }
    result = {}
    for name, model in models.items():
        values = scaled(model).fit(X[train], y[train]).decision_function(X[test])
        own = by_field(roc_auc_score, y[test], values, X[test, 0])
        result[name] = round(100 * float(own.mean()), 3)
    return result
