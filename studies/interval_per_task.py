"""Intervals for pupils of 139 schools: calibrated by all rows, by school, and on tied scales.

Needs the data of `mtlkit.datasets.fetch_school`. What is stored of the pupils are the residuals of
each school, out of fold: calibration takes no more from the rows, so a page repeats it.
"""

import warnings

import numpy as np
import sklearn
from scipy.stats import binom
from sklearn.dummy import DummyRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.preprocessing import StandardScaler

from mtlkit.baselines import PerTask, Pooled
from mtlkit.datasets import fetch_school
from mtlkit.evaluation import TaskConformalRegressor, paired_difference
from mtlkit.linear import (
    EmpiricalBayesRidge,
    MeanRegularizedRidge,
    MomentSearchCV,
    MultiTaskLogisticRegression,
    SharedMean,
)
from mtlkit.table import TaskStratifiedKFold, TaskStratifiedShuffleSplit

from ._stored import write
from .boosted import BOOSTED, boosted_trees

SPLITS, SEED, LEVEL, SETTINGS = 6, 0, 0.9, 4
WAYS = ("all", "tied", "task")
REML = "partial pooling, levels"
# A school has rows in each fold, or models of one school could not be tuned. Labels are numbers, so
# these folds are not stratified by them; where labels are classes, plain folds.
BY_SCHOOL = TaskStratifiedKFold(2, task_col="task", shuffle=True, random_state=0)
PLAIN = KFold(2, shuffle=True, random_state=0)


def run():
    X, y = fetch_school(as_frame=True)
    features = [name for name in X if name != "task"]
    bands = X[[f"VR band {b}" for b in (1, 2, 3)]].to_numpy()
    years = X["year 1987"].to_numpy() == 1
    X[features] = StandardScaler().fit_transform(X[features])
    y = y.to_numpy()
    left = residuals(X, y)
    result = {
        "command": "python -m studies interval_per_task",
        "seed": SEED,
        "splits": SPLITS,
        "level": LEVEL,
        "settings": SETTINGS,
        "versions": {"numpy": np.__version__, "scikit-learn": sklearn.__version__},
        "residuals in tenths": left,
        "repeated": {way: repeated(left, way) for way in WAYS},
        "bands": of_bands(X, y, np.where(bands.any(axis=1), bands.argmax(axis=1) + 1, 0)),
        "years": of_years(X, y, years),
        "probabilities": probabilities(X, y),
        "contest": contest(X, y),
    }
    write("interval_per_task", result)


# Residuals, and calibration by nothing else


def residuals(X, y):
    """Tenths of points by which each pupil lies above a model that did not see the pupil."""
    left = np.zeros(len(y))
    for train, test in TaskStratifiedKFold(
        5, task_col="task", shuffle=True, random_state=SEED
    ).split(X):
        model = EmpiricalBayesRidge(task_col="task").fit(X.iloc[train], y[train])
        left[test] = y[test] - model.predict(X.iloc[test])
    tenths = np.round(10 * left).astype(int)
    return {name: tenths[rows].tolist() for name, rows in X.groupby("task").indices.items()}


def repeated(left, way):
    """Coverage of a quarter of the residuals, calibrated by the others; a page does the same."""
    school = np.repeat(np.arange(len(left)), [len(own) for own in left.values()])
    score = np.concatenate(list(left.values())) / 10
    table = school[:, None].astype(float)
    zero = DummyRegressor(strategy="constant", constant=0).fit(table, score)
    split = TaskStratifiedShuffleSplit(1, test_size=0.25, task_col=0, random_state=SEED)
    train, test = next(split.split(table))
    model = TaskConformalRegressor(
        FrozenEstimator(zero), by=way, task_col=0, random_state=SEED
    ).fit(table[train], score[train])
    found = summary(model.predict_interval(table[test]), score[test], school[test])
    return {key: round(float(value), 4) for key, value in found.items()}


def summary(ends, y, codes):
    """What is told of intervals (n, 2) for labels (n,) in tasks (n,)."""
    low, high = ends.T
    n, hit = np.bincount(codes), (low <= y) & (y <= high)
    covered = np.bincount(codes, hit)
    width, finite = high - low, np.isfinite(high - low)
    short = binom.cdf(np.ceil(0.8 * n) - 1, n, LEVEL)
    return {
        "covered": hit.mean(),
        "schools below 80 %": (covered / n < 0.8).sum(),
        "by chance": short.sum(),
        "variance between": variance_between(covered, n),
        "width": width[finite].mean(),
        "infinite": (~finite).mean(),
    }


def variance_between(covered, n):
    """Variance of the coverage of tasks beyond that of n rows each (analysis of variance)."""
    p = covered.sum() / n.sum()
    spread = (n * (covered / n - p) ** 2).sum() - (len(n) - 1) * p * (1 - p)
    return spread / (n.sum() - (n**2).sum() / n.sum())


# Models against ways to calibrate


def candidates():
    """Four settings each, but for REML, which estimates its strength from the training rows."""
    under = {"estimator__alpha": [10, 30, 100, 300]}
    tied = MeanRegularizedRidge(task_col="task")
    trees, grid = boosted_trees("task", SETTINGS, classify=False, alone=None)[BOOSTED]
    return {
        "alone": MomentSearchCV(PerTask(Ridge(), task_col="task"), under, cv=BY_SCHOOL),
        "pooled": MomentSearchCV(Pooled(Ridge(), task_col="task"), under, cv=BY_SCHOOL),
        "tied": MomentSearchCV(tied, {"alpha": [0.1, 1], "coupling": [100, 1000]}, cv=BY_SCHOOL),
        REML: EmpiricalBayesRidge(task_col="task"),
        BOOSTED: GridSearchCV(trees, grid, cv=BY_SCHOOL),
    }


def contest(X, y):
    codes = np.unique(X["task"], return_inverse=True)[1]
    cv = TaskStratifiedShuffleSplit(SPLITS, test_size=0.25, task_col="task", random_state=SEED)
    splits, rows = list(cv.split(X)), {}
    sizes = tuple(len(part) for part in splits[0])
    for name, model in candidates().items():
        ends = {way: [] for way in WAYS}
        for number, (train, test) in enumerate(splits):
            for way in ("tied", "task"):
                fitted = TaskConformalRegressor(
                    model, by=way, task_col="task", random_state=number
                ).fit(X.iloc[train], y[train])
                ends[way].append(fitted.predict_interval(X.iloc[test]))
            # The same model and rows as by task, and the quantile of all of them.
            middle, half = fitted.predict(X.iloc[test]), fitted.shared_quantile_
            ends["all"].append(np.column_stack([middle - half, middle + half]))
        rows[name] = row = {}
        loss = losses(ends, y, splits)
        for way in WAYS:
            parts = [
                summary(e, y[t], codes[t]) for e, (_, t) in zip(ends[way], splits, strict=True)
            ]
            row[way] = {key: round(float(np.mean([p[key] for p in parts])), 5) for key in parts[0]}
            row[way]["interval score"] = round(float(loss[way].mean()), 3)
        for a, b in (("tied", "all"), ("task", "all"), ("tied", "task")):
            row[f"{a} - {b}"] = three(paired_difference(loss[a], loss[b], corrected=sizes))
        print(name, row, flush=True)
    return rows


def losses(ends, y, splits):
    """Interval score (J,) of each way, over the rows for which all of them are finite."""
    found = {way: [] for way in WAYS}
    for number, (_, test) in enumerate(splits):
        both = np.all([np.isfinite(ends[way][number]).all(axis=1) for way in WAYS], axis=0)
        for way in WAYS:
            low, high = ends[way][number][both].T
            label = y[test][both]
            outside = np.maximum(0, np.maximum(low - label, label - high))
            found[way].append((high - low + 2 / (1 - LEVEL) * outside).mean())
    return {way: np.array(values) for way, values in found.items()}


def three(difference):
    return {k: round(float(getattr(difference, k)), 3) for k in ("mean", "low", "high")}


# Groups of pupils as tasks, and years


def of_bands(X, y, band):
    """Coverage and width for pupils of each band of the reading test, calibrated in two ways."""
    X, known = X.assign(band=band), band > 0
    X, y, band = X[known], y[known], band[known]
    cv = TaskStratifiedShuffleSplit(SPLITS, test_size=0.25, task_col="task", random_state=SEED)
    found = {"pupils": np.bincount(band)[1:].tolist()}
    parts = {way: [] for way in ("all", "task")}
    for number, (train, test) in enumerate(cv.split(X)):
        for way, rows in parts.items():
            # The model reads the school, the calibration reads the band.
            model = TaskConformalRegressor(
                EmpiricalBayesRidge(task_col="task"), by=way, task_col="band", random_state=number
            ).fit(X.iloc[train], y[train])
            low, high = model.predict_interval(X.iloc[test]).T
            hit, n = (low <= y[test]) & (y[test] <= high), np.bincount(band[test])[1:]
            rows.append([np.bincount(band[test], v)[1:] / n for v in (hit, high - low)])
    sizes = len(train), len(test)
    for way, rows in parts.items():
        covered, width = np.moveaxis(np.array(rows), 1, 0)
        found[way] = {
            "covered": [three(paired_difference(c, 0 * c, corrected=sizes)) for c in covered.T],
            "width": width.mean(axis=0).round(2).tolist(),
        }
    return found


def of_years(X, y, late):
    """Calibrated on 1985 and 1986: pupils of 1987, and as a control pupils of the same years."""
    known = ~late | X["task"].isin(X["task"][~late]).to_numpy()
    X, y, late = X[known], y[known], late[known]
    cv = TaskStratifiedShuffleSplit(1, test_size=0.25, task_col="task", random_state=SEED)
    old = np.flatnonzero(~late)
    train, test = next(cv.split(X.iloc[old]))
    found = {}
    for way in WAYS:
        model = TaskConformalRegressor(
            EmpiricalBayesRidge(), by=way, task_col="task", random_state=SEED
        ).fit(X.iloc[old[train]], y[old[train]])
        for name, rows in (("same years", old[test]), ("1987", np.flatnonzero(late))):
            low, high = model.predict_interval(X.iloc[rows]).T
            found.setdefault(name, {"pupils": len(rows)})[way] = {
                "above": round(float((y[rows] > high).mean()), 4),
                "below": round(float((y[rows] < low).mean()), 4),
            }
    return found


# Probabilities


def classifiers():
    """Four settings each."""
    C = {"estimator__C": [0.003, 0.01, 0.1, 1]}
    logistic = LogisticRegression(max_iter=1000)
    tied = MultiTaskLogisticRegression(SharedMean(), tol=1e-3, task_col="task")
    trees, grid = boosted_trees("task", SETTINGS, classify=True, alone=None)[BOOSTED]
    return {
        "alone": (PerTask(logistic, task_col="task"), C),
        "pooled": (Pooled(logistic, task_col="task"), C),
        "tied": (tied, {"alpha": [0.3, 3], "penalty__coupling": [10, 100]}),
        BOOSTED: (trees, grid),
    }


def probabilities(X, y):
    """Is a pupil's score in the top quarter? The gap of each school before and after a shift."""
    top = (y >= np.quantile(y, 0.75)).astype(int)
    codes = np.unique(X["task"], return_inverse=True)[1]
    cv = TaskStratifiedShuffleSplit(
        SPLITS, train_size=0.5, test_size=0.5, task_col="task", random_state=SEED
    )
    rows = {}
    for name, (model, grid) in classifiers().items():
        parts = []
        for train, rest in cv.split(X):
            deal = np.random.default_rng(SEED).random(len(rest)) < 0.5
            shift, test = rest[deal], rest[~deal]
            search = GridSearchCV(model, grid, cv=PLAIN, scoring="neg_log_loss")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                search.fit(X.iloc[train], top[train])
            p, q = (
                search.predict_proba(X.iloc[r])[:, 1].clip(1e-6, 1 - 1e-6) for r in (shift, test)
            )
            gap, info = sums(codes[shift], top[shift] - p), sums(codes[shift], p * (1 - p))
            moved = 1 / (1 + np.exp(-(np.log(q / (1 - q)) + intercepts(gap, info)[codes[test]])))
            seen = {"gap": gap, "information": info, "shift": intercepts(gap, info)}
            before, after = (of_school(codes[test], top[test], v) for v in (q, moved))
            parts.append(
                [log_loss(top[test], q), log_loss(top[test], moved), before["chi"], after["chi"]]
            )
            if len(parts) == 1:
                first = seen | {
                    "pupils": sums(codes[test], 1), "seen": before["seen"],
                    "before": before["said"], "after": after["said"],
                }  # fmt: skip
        loss, moved, chi, chi_moved = np.array(parts).T
        sizes = len(train) + len(shift), len(test)
        rows[name] = {
            "log loss": [round(float(v.mean()), 4) for v in (loss, moved)],
            "gain of the shift": three(paired_difference(loss, moved, corrected=sizes)),
            "chi-square over schools": [round(float(v.mean()), 1) for v in (chi, chi_moved)],
        }
        if name == "pooled":
            rows[name]["first split"] = {
                key: np.round(value, 4).tolist() for key, value in first.items()
            }
        print(name, {k: v for k, v in rows[name].items() if k != "first split"}, flush=True)
    return rows


def sums(codes, values):
    return np.bincount(codes, np.broadcast_to(values, codes.shape), minlength=codes.max() + 1)


def intercepts(gap, info):
    """A shift of the log odds per task: one Newton step, shrunk by the method of moments."""
    variance = max(0.0, ((gap**2 / info).sum() - len(gap)) / info.sum())
    return gap / (info + 1 / variance) if variance else 0 * gap


def of_school(codes, label, p):
    n, gap = sums(codes, 1), sums(codes, label - p)
    chi = (gap**2 / sums(codes, p * (1 - p))).sum()
    return {"seen": sums(codes, label) / n, "said": sums(codes, p) / n, "chi": chi}
