"""Radon by county and reaction times by person: partial pooling beside all opponents.

Needs the data of `mtlkit.datasets.fetch_radon` and `fetch_sleepstudy`. What is stored of a county,
its houses on each floor with their mean and standard deviation, and of a person, a line and the
scatter about it, is all that a linear mixed model takes from the rows: pages fit it again to that.
"""

import json

import numpy as np
import sklearn
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import GridSearchCV

from mtlkit.baselines import PerTask, Pooled
from mtlkit.datasets import fetch_radon, fetch_sleepstudy
from mtlkit.evaluation import compare
from mtlkit.linear import EmpiricalBayesRidge, MeanRegularizedRidge
from mtlkit.table import TaskStratifiedKFold, TaskStratifiedShuffleSplit

from ._stored import write
from .boosted import BOOSTED, boosted_trees, points

SPLITS, SEED, FEWEST_HOUSES = 20, 0, 4


def run():
    X, y = fetch_radon(as_frame=True)
    people, times = fetch_sleepstudy(as_frame=True)
    result = {
        "command": "python -m studies partial_pooling",
        "splits": SPLITS,
        "fewest_houses": FEWEST_HOUSES,
        "seed": SEED,
        "versions": {"numpy": np.__version__, "scikit-learn": sklearn.__version__},
        "radon": {"cells": cells(X, y), **radon(X, y)},
        "sleepstudy": {"people": lines(people, times), **sleepstudy(people, times)},
    }
    write("partial_pooling", result)
    for table in ("radon", "sleepstudy"):
        for name, rows in result[table].items():
            if name not in ("cells", "people"):
                print(table, name, json.dumps(rows, indent=1))


def cells(X, y):
    """Houses of a county on one floor: how many, their mean and standard deviation (of n)."""
    found = []
    for (county, floor), rows in y.groupby([X["task"], X["first floor"]], sort=False):
        uranium = X["uranium"][rows.index[0]]
        numbers = [round(float(v), 6) for v in (uranium, rows.mean(), rows.std(ddof=0))]
        found.append([county, int(floor), len(rows), *numbers])
    return found


def lines(X, y):
    """The least-squares line of each person, and the root mean square of what is left."""
    found = []
    for person, rows in X.groupby("task", sort=False):
        line = LinearRegression().fit(rows[["days"]], y[rows.index])
        left = y[rows.index] - line.predict(rows[["days"]])
        numbers = [line.intercept_, line.coef_[0], np.sqrt((left**2).mean())]
        found.append([person, *(round(float(v), 6) for v in numbers)])
    return found


def radon(X, y):
    """New houses of known counties; houses of new counties, with what is known of these."""
    houses = X["task"].map(X["task"].value_counts())
    X, y = X[houses >= FEWEST_HOUSES], y[houses >= FEWEST_HOUSES]
    floor = X[["task", "first floor"]]  # within a county uranium does not vary
    splits = TaskStratifiedShuffleSplit(
        SPLITS, train_size=0.5, test_size=0.5, task_col="task", random_state=SEED
    )
    new = contest(candidates(), floor, y, cv=splits)
    known = contest(candidates(), X, y, cv=splits)
    folds = [
        (np.flatnonzero(~test), np.flatnonzero(test))
        for draw in range(SPLITS // 4)
        for test in quarters_of_tasks(X["task"], draw)
    ]
    return {
        "houses": len(X),
        "counties": int(X["task"].nunique()),
        "new houses": new,
        "new houses, with uranium": known,
        "new counties": new_counties(X, y, folds),
    }


def quarters_of_tasks(task, draw):
    """Masks of four parts of the tasks, each left out once."""
    names = task.unique()
    parts = np.random.default_rng([SEED, draw]).permutation(len(names)) % 4
    return [task.isin(names[parts == k]).to_numpy() for k in range(4)]


def new_counties(X, y, folds):
    """Root mean square errors for counties of which no house is known."""
    found = {}
    for name, model, columns in [
        ("complete pooling", Pooled(LinearRegression(), task_col="task"), ["first floor"]),
        ("partial pooling", EmpiricalBayesRidge(task_col="task"), ["first floor"]),
        ("partial pooling, with uranium", EmpiricalBayesRidge(task_col="task"), [*X][1:]),
    ]:
        own, errors = X[["task", *columns]], []
        for train, test in folds:
            model.fit(own.iloc[train], y.iloc[train])
            errors.append(((model.predict(own.iloc[test]) - y.iloc[test]) ** 2).mean())
        found[name] = round(float(np.sqrt(np.mean(errors))), 4)
    return found


def sleepstudy(X, y):
    """New days of known people: five of the ten nights of each are known."""
    splits = TaskStratifiedShuffleSplit(
        SPLITS, train_size=5, test_size=5, task_col="task", random_state=SEED
    )
    return {"new days": contest(candidates(slopes="all"), X, y, cv=splits)}


def candidates(slopes=None):
    """Each tunes itself on the rows that it is given, so that REML needs no grid."""
    own = {"estimator__alpha": [0.01, 0.1, 1, 10]}
    tied = MeanRegularizedRidge(alpha=0.01, task_col="task")
    return {
        "no pooling": searched(PerTask(Ridge(), task_col="task"), own),
        "complete pooling": searched(Pooled(Ridge(), task_col="task"), own),
        "partial pooling, by search": searched(tied, {"coupling": [10, 100, 1000, 10000]}),
        "partial pooling, by REML": EmpiricalBayesRidge(slopes, task_col="task"),
        BOOSTED: searched(*boosted_trees("task", 4, classify=False)[BOOSTED]),
    }


def searched(model, grid):
    return GridSearchCV(model, grid, cv=TaskStratifiedKFold(2, task_col="task"))


def contest(models, X, y, cv):
    """R² over all rows in points, gains over no pooling, and the lead of REML over each."""
    found = compare(models, X, y, task_col="task", cv=cv, random_state=SEED)
    reml = "partial pooling, by REML"
    return {
        "scope": "new rows",
        "scores": {k: round(100 * float(v.mean()), 1) for k, v in found.scores.items()},
        "gain over no pooling": {
            k: points(found.difference(k)) for k in models if k != "no pooling"
        },
        "lead of REML": {k: points(found.difference(reml, k)) for k in models if k != reml},
    }
