"""Ways to learn from pupils in schools, their grids, and how they are held against each other."""

import numpy as np
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline

from mtlkit.baselines import PerTask
from mtlkit.evaluation import paired_difference
from mtlkit.linear import EmpiricalBayesRidge, MeanRegularizedRidge, MomentSearchCV
from mtlkit.table import TaskStratifiedKFold, TaskStratifiedShuffleSplit

from .boosted_opponent import encoder
from .opponents import SCOPES, compared, difference, joined

SEED, SPLITS, MARGIN = 0, 6, 1
FEWEST_TEST = 3  # test pupils of a school that is judged by itself
ALONE, POOLED, OWN = "alone", "pooled", "own levels"
PARTIAL, ENCODED = "partial pooling", "boosted, school encoded"
RATES = {"learning_rate": [0.06, 0.2], "min_samples_leaf": [5, 20]}
LINE = {"alpha": [0.01, 0.1, 1, 10]}
STRENGTHS = [1, 3, 10, 30]
STEEP = {"estimator__alpha": STRENGTHS}


def trees():
    return HistGradientBoostingRegressor(max_iter=50, random_state=SEED)


def encoded():
    """Trees that see the school as its mean, pulled to that of all, with their grid."""
    columns = make_column_transformer((encoder(classify=False), [0]), remainder="passthrough")
    return make_pipeline(columns, trees()), inside("histgradientboostingregressor", RATES)


def inside(step, grid):
    return {f"{step}__{name}": values for name, values in grid.items()}


def searched(model, grid, seed=SEED):
    # Plain folds: the only pupil of a school may be held out, as one of a new school.
    return GridSearchCV(model, grid, cv=KFold(2, shuffle=True, random_state=seed))


def interval(a, b, corrected=None, digits=3):
    d = paired_difference(a, b, corrected=corrected)
    return [round(float(v), digits) for v in (d.mean, d.low, d.high)]


def contest(ways, free, X, y, best, single=None):
    """R² for new pupils of known schools, and the lead of one way over the others.

    `single` is the table of single schools, where it has other features than that of all.
    """
    cv = TaskStratifiedShuffleSplit(SPLITS, test_size=0.25, task_col=0, random_state=SEED)
    single, cv = X if single is None else single, list(cv.split(X))
    settings = {"task_col": 0, "cv": cv, "inner_cv": 2, "random_state": SEED}
    alone = {ALONE: (PerTask(Ridge(), task_col=0), STEEP), POOLED: ways[POOLED]}
    found = joined(
        compared(ways, X, y, free=free, baseline=POOLED, **settings),
        compared(alone, single, y, baseline=POOLED, **settings),
    )
    print(found.table(), flush=True)
    leads = {
        name: difference(found, best, name, margin=MARGIN, scopes=SCOPES[:2])
        for name in found.names
        if name != best
    }
    return {
        "rows": len(y),
        "schools": len(np.unique(X[:, 0])),
        "splits": SPLITS,
        "scores": {k: round(100 * float(v.mean()), 2) for k, v in found.scores.items()},
        "lead": leads,
        "chosen alone": [p["estimator__alpha"] for p in found.best_params[ALONE]],
        "against alone": worst(found, cv, X, y, free[best], single),
    }


def worst(found, cv, X, y, best, single):
    """Schools whose squared error grows when they are tied, and the one where it grows most."""
    school, T = X[:, 0].astype(int), int(X[:, 0].max()) + 1
    more = np.full((len(cv), T), np.nan)
    for j, (train, test) in enumerate(cv):
        n, errors = np.bincount(school[test], minlength=T), []
        own = PerTask(Ridge(), task_col=0).set_params(**found.best_params[ALONE][j])
        for model, table in ((clone(best), X), (own, single)):
            left = (model.fit(table[train], y[train]).predict(table[test]) - y[test]) ** 2
            errors.append(np.bincount(school[test], left, minlength=T))
        more[j, n >= FEWEST_TEST] = (
            ((errors[0] - errors[1])[n >= FEWEST_TEST]) / n[n >= FEWEST_TEST]
        )
    judged = np.flatnonzero(np.isfinite(more).all(axis=0))
    d = [interval(more[:, t], 0 * more[:, t], (3, 1)) for t in judged]
    k = int(np.argmax([mean for mean, _, _ in d]))
    return {
        "judged": len(judged),
        "fewest_test_pupils": FEWEST_TEST,
        "worse": sum(mean > 0 for mean, _, _ in d),
        "clearly worse": sum(low > 0 for _, low, _ in d),
        "clearly better": sum(high < 0 for _, _, high in d),
        "worst": {"pupils": int((school == judged[k]).sum()), "more squared error": d[k]},
    }


def few_ways(seed):
    folds = TaskStratifiedKFold(2, task_col=0, shuffle=True, random_state=seed)
    own = MeanRegularizedRidge(coupling=np.inf, task_col=0, couple_intercept=False)
    return {
        ALONE: MomentSearchCV(
            MeanRegularizedRidge(coupling=0, task_col=0), {"alpha": STRENGTHS}, cv=folds
        ),
        POOLED: MomentSearchCV(MeanRegularizedRidge(coupling=np.inf, task_col=0), LINE, cv=folds),
        OWN: MomentSearchCV(own, LINE, cv=folds),
        PARTIAL: EmpiricalBayesRidge(task_col=0),
        ENCODED: searched(*encoded(), seed=seed),
    }


def moments(X, y, school):
    """Of each school: pupils, means of x and y, mean squares and product about these."""
    found = []
    for s in np.unique(school):
        x, z = X[school == s], y[school == s]
        dx, dz = x - x.mean(), z - z.mean()
        numbers = (x.mean(), z.mean(), (dx**2).mean(), (dx * dz).mean(), (dz**2).mean())
        found.append([len(x), *(round(float(v), 7) for v in numbers)])
    return found
