"""Pupils in many schools: which of 2,410 schools belong on a list, and what ties are worth there.

Needs the data of `mtlkit.datasets.fetch_chem97`, `fetch_exam` and `fetch_hsb82`. A grade bends with
the earlier one, so every way gets the square of that too; but not single schools, whose scores it
lowers. Trees are told the school as a shrunken mean where schools are more than their bins, else as
a category; every way that searches has four settings and two inner folds, and REML estimates its
strengths from the same rows. What is stored of a school of Exam and Hsb82 are its moments, which is
all that a mixed model takes from the rows: the page fits these again. Of Chem97 it holds two halves
of each school, for a list to be drawn again.
"""

import json
import pickle
import time
import tracemalloc

import numpy as np
import sklearn
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler

from mtlkit.baselines import PerTask, Pooled
from mtlkit.datasets import fetch_chem97, fetch_exam, fetch_hsb82
from mtlkit.linear import EmpiricalBayesRidge, MeanRegularizedRidge

from ._pupil_ways import (
    ALONE,
    ENCODED,
    LINE,
    MARGIN,
    OWN,
    PARTIAL,
    POOLED,
    RATES,
    SEED,
    STEEP,
    contest,
    encoded,
    few_ways,
    inside,
    interval,
    moments,
    searched,
    trees,
)  # fmt: skip
from ._stored import write
from .opponents import TREES

HALVINGS, DRAWS, LISTED, FLOOR = 10, 6, 100, 10
FEWEST_ROWS = 4  # pupils of a school that is split into training and test
SCHOOLS, PUPILS, OTHERS = (20, 80, 320), (4, 8, 16), 8
AFTER = "boosted, then partial pooling"
SLOPES, KNOWN = "partial pooling, slopes too", "partial pooling, school features"


def chemistry():
    """School; girl, age, GCSE and its square about the mean, all on one scale; points."""
    X, y = fetch_chem97()
    grade = X[:, 3] - X[:, 3].mean()
    features = np.column_stack([X[:, 1:3], grade, grade**2])
    return np.column_stack([X[:, 0], StandardScaler().fit_transform(features)]), y


def run():
    """Measure and write ``pupils.json``."""
    X, y = chemistry()
    result = {
        "command": "python -m studies pupils",
        "seed": SEED,
        "budget": 4,
        "inner_folds": 2,
        "margin_in_points": MARGIN,
        "versions": {"numpy": np.__version__, "scikit-learn": sklearn.__version__},
        "Chem97": {
            **described(X, y),
            "cost": cost(X, y),
            "list": lists(X, y),
            "new pupils": new_pupils(X, y),
            "worth": worth(X, y),
        },
        "Exam": exam(),
        "Hsb82": hsb82(),
    }
    write("pupils", result)
    del result["Chem97"]["list"]["halves"], result["Exam"]["moments"], result["Hsb82"]["moments"]
    print(json.dumps(result, indent=1))


def described(X, y):
    """The fitted model of all rows, and of each school its pupils and its own mean residual."""
    model = EmpiricalBayesRidge(task_col=0).fit(X, y)
    n, own = mean_residuals(model, X, y)
    return {
        "rows": len(y),
        "schools": len(n),
        "residual_variance": round(model.residual_variance_, 4),
        "school_variance": round(float(model.random_covariance_[0, 0]), 4),
        "pupils": n.tolist(),
        "own": own.round(3).tolist(),
    }


def mean_residuals(model, X, y, schools=None):
    """Pupils of each school, and their mean distance from what all schools share."""
    left = y - X[:, 1:] @ model.shared_coef_ - model.shared_intercept_
    school = X[:, 0].astype(int)
    n = np.bincount(school, minlength=schools or 0)
    return n, np.bincount(school, left, minlength=len(n)) / np.maximum(n, 1)


def cost(X, y):
    """Seconds of processor time of one fit to all rows, peak memory, bytes of the stored model."""
    found = {}
    told, _ = encoded()
    for name, model in {
        ALONE: PerTask(Ridge(), task_col=0),
        PARTIAL: EmpiricalBayesRidge(task_col=0),
        ENCODED: told,
    }.items():
        start = time.process_time()
        model.fit(X, y)
        seconds = time.process_time() - start
        tracemalloc.start()
        model.fit(X, y)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        found[name] = {
            "cpu_seconds": round(seconds, 2),
            "peak_megabytes": round(peak / 1e6, 1),
            "stored_megabytes": round(len(pickle.dumps(model)) / 1e6, 2),
        }
    return found


def lists(X, y):
    """Lists of a hundred schools, drawn up from half of each one's pupils, and what others say."""
    rows = np.bincount(X[:, 0].astype(int))
    kept = rows[X[:, 0].astype(int)] > 1
    X, y = X[kept], y[kept]
    X[:, 0] = np.unique(X[:, 0], return_inverse=True)[1]
    found, halves = {}, None
    for draw in range(HALVINGS):
        first = half(X[:, 0].astype(int), np.random.default_rng([SEED, draw]))
        model = EmpiricalBayesRidge(task_col=0).fit(X[first], y[first])
        n, own = mean_residuals(model, X[first], y[first])
        others, later = mean_residuals(model, X[~first], y[~first], len(n))
        n_star = model.residual_variance_ / model.random_covariance_[0, 0]
        if halves is None:
            halves = {
                "n_star": round(float(n_star), 3),
                "pupils": n.tolist(),
                "own": own.round(3).tolist(),
                "others": others.tolist(),
                "later": later.round(3).tolist(),
            }
        pulled = n / (n + n_star) * own
        for name, level in {
            "own mean": own,
            f"own mean, {FLOOR} pupils or more": np.where(n >= FLOOR, own, -np.inf),
            PARTIAL: pulled,
            ENCODED: tree_levels(X[first], y[first], len(n), draw),
            AFTER: levels_after(X[first], y[first], len(n), draw),
        }.items():
            top = np.argsort(-level, kind="stable")[:LISTED]
            row = found.setdefault(name, {"promised": [], "kept": [], "pupils": []})
            promise = own if name.startswith("own") else pulled if name == PARTIAL else None
            if promise is not None:
                row["promised"].append(round(float(promise[top].mean()), 4))
            row["kept"].append(round(float(later[top].mean()), 4))
            row["pupils"].append(float(np.median(n[top])))
        print("halving", draw, {name: row["kept"][-1] for name, row in found.items()}, flush=True)
    size = (1, 1)  # as many pupils judge as draw the list up
    lead = {
        name: interval(found[PARTIAL]["kept"], row["kept"], size)
        for name, row in found.items()
        if name != PARTIAL
    }
    return {"listed": LISTED, "halvings": HALVINGS, "floor": FLOOR, "schools": len(n),
            "lists": found, "scope": "new rows", "lead": lead, "halves": halves}  # fmt: skip


def half(school, rng):
    """A mask of half of each school's rows; of an odd number the larger half, or the smaller."""
    order = np.lexsort((rng.random(len(school)), school))
    place = np.empty(len(school), dtype=int)
    n = np.bincount(school)
    place[order] = np.arange(len(school)) - np.repeat(np.cumsum(n) - n, n)
    more = rng.random(len(n)) < 0.5
    return place < ((n + more) // 2)[school]


def tree_levels(X, y, schools, draw):
    """What trees expect of the same twenty pupils in every school, on average."""
    model = searched(*encoded(), seed=draw).fit(X, y)
    pupils = X[np.random.default_rng([SEED, draw, 1]).choice(len(X), 20, replace=False), 1:]
    table = np.column_stack([np.repeat(np.arange(schools), 20), np.tile(pupils, (schools, 1))])
    return model.predict(table).reshape(schools, 20).mean(axis=1)


def levels_after(X, y, schools, draw):
    """Levels pulled as far as REML says, of what trees leave that know pupils and no school."""
    blind = searched(Pooled(trees(), task_col=0), inside("estimator", RATES), seed=draw)
    left = y - blind.fit(X, y).predict(X)
    model = EmpiricalBayesRidge(task_col=0).fit(np.column_stack([X[:, 0], 0 * left]), left)
    levels = np.full(schools, model.shared_intercept_)
    levels[model.tasks_.astype(int)] = model.intercept_
    return levels


def new_pupils(X, y):
    """R² for new pupils of known schools, and the school for which ties cost most."""
    rows = np.bincount(X[:, 0].astype(int))
    kept = rows[X[:, 0].astype(int)] >= FEWEST_ROWS
    own = MeanRegularizedRidge(coupling=np.inf, task_col=0, couple_intercept=False)
    ways = {
        POOLED: (Pooled(Ridge(), task_col=0), STEEP),
        OWN: (own, LINE),
        ENCODED: encoded(),
    }
    free = {PARTIAL: EmpiricalBayesRidge(task_col=0)}
    # Few pupils tell no curve: a single school scores more without the square.
    return contest(ways, free, X[kept], y[kept], PARTIAL, single=X[kept, :-1])


def worth(X, y):
    """R² for other pupils, by the number of schools and of training pupils of each."""
    school = X[:, 0].astype(int)
    enough = np.flatnonzero(np.bincount(school) >= PUPILS[-1] + OTHERS)
    cells = []
    for T in SCHOOLS:
        for n in PUPILS:
            scores = {}
            for draw in range(DRAWS):
                rng = np.random.default_rng([SEED, T, n, draw])
                rows = [
                    rng.choice(np.flatnonzero(school == s), n + OTHERS, replace=False)
                    for s in rng.choice(enough, T, replace=False)
                ]
                train, test = (
                    np.concatenate(part)
                    for part in zip(*((r[:n], r[n:]) for r in rows), strict=True)
                )
                for name, model in few_ways(draw).items():
                    table = X[:, :-1] if name == ALONE else X  # without the square, as above
                    model.fit(table[train], y[train])
                    scores.setdefault(name, []).append(100 * model.score(table[test], y[test]))
            lead = {k: interval(scores[PARTIAL], v, digits=2) for k, v in scores.items()}
            del lead[PARTIAL]
            means = {k: round(float(np.mean(v)), 2) for k, v in scores.items()}
            cells.append({"schools": T, "pupils": n, "scores": means, "lead": lead})
            print(cells[-1], flush=True)
    return {"eligible": len(enough), "draws": DRAWS, "others": OTHERS, "scope": "these rows",
            "cells": cells}  # fmt: skip


def exam():
    """Sixty-five schools: score given reading at intake, levels that differ."""
    X, y = fetch_exam()
    model = EmpiricalBayesRidge(task_col=0).fit(X[:, :2], y)
    return {
        "rows": len(y),
        "moments": moments(X[:, 1], y, X[:, 0]),
        "fixed": [round(float(v), 4) for v in (model.shared_intercept_, *model.shared_coef_)],
        "school_variance": round(float(model.random_covariance_[0, 0]), 4),
        "residual_variance": round(model.residual_variance_, 4),
    }


def hsb82():
    """160 schools whose slopes differ, known and new: what features of a school explain."""
    X, y = fetch_hsb82()
    mean, catholic = X[:, 4], X[:, 5]
    status = X[:, 1] - mean  # as in the textbook: within the school
    plain = np.column_stack([X[:, 0], status])
    known = np.column_stack([plain, mean, catholic, status * mean, status * catholic])
    _, first = np.unique(X[:, 0], return_index=True)
    own = [
        [*row, round(float(mean[i]), 4), int(catholic[i])]
        for row, i in zip(moments(status, y, X[:, 0]), first, strict=True)
    ]
    reml = EmpiricalBayesRidge([1], task_col=0)
    told = Pooled(trees(), task_col=0, task_as_input="category"), inside("estimator", RATES)
    ways = {
        POOLED: (Pooled(Ridge(), task_col=0), STEEP),
        TREES: told,
    }
    free = {PARTIAL: EmpiricalBayesRidge(task_col=0), KNOWN: reml}
    fits = {}
    for name, table in {SLOPES: plain, KNOWN: known}.items():
        model = EmpiricalBayesRidge([1], task_col=0).fit(table, y)
        fits[name] = {
            "fixed": [round(float(v), 4) for v in (model.shared_intercept_, *model.shared_coef_)],
            "variances": model.random_covariance_.diagonal().round(4).tolist(),
            "residual_variance": round(model.residual_variance_, 4),
        }
    return {
        "rows": len(y),
        "moments": own,
        "fits": fits,
        "new pupils": contest(ways, free, known, y, KNOWN),
        "new schools": new_schools(plain, known, y),
    }


def new_schools(plain, known, y):
    """Squared errors in schools that were left out, a quarter at a time, three times over."""
    school, errors = np.unique(plain[:, 0], return_inverse=True)[1], {}
    T, draws = school.max() + 1, 3
    for draw in range(draws):
        part = np.random.default_rng([SEED, draw]).permutation(T) % 4
        for k in range(4):
            test = part[school] == k
            blind = searched(Pooled(trees(), task_col=0), inside("estimator", RATES))
            for name, model, X in [
                (POOLED, searched(Pooled(Ridge(), task_col=0), STEEP), plain),
                (SLOPES, EmpiricalBayesRidge([1], task_col=0), plain),
                (KNOWN, EmpiricalBayesRidge([1], task_col=0), known),
                ("pooled, school features", searched(Pooled(Ridge(), task_col=0), STEEP), known),
                ("boosted, school features", blind, known),
            ]:
                left = (model.fit(X[~test], y[~test]).predict(X[test]) - y[test]) ** 2
                errors.setdefault(name, np.zeros(T))
                errors[name] += np.bincount(school[test], left, minlength=T) / draws
    errors = {name: total / np.bincount(school) for name, total in errors.items()}
    return {
        "draws": draws,
        "scope": "new tasks",
        "rmse": {name: round(float(e.mean() ** 0.5), 3) for name, e in errors.items()},
        "squared error saved": {
            name: interval(e, errors[KNOWN]) for name, e in errors.items() if name != KNOWN
        },
    }
