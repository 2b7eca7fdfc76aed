"""Exam scores in 139 schools: published figures beside tuned baselines on the same table.

Needs the data of `mtlkit.datasets.fetch_school`. Scores of the file are whole numbers, which the
splitters of mtlkit would take for classes; they are not shown `y`, so splits are stratified by
school alone, as in the papers.
"""

import json
import re
import time
from pathlib import Path

import numpy as np
import sklearn
from joblib import Parallel, delayed
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

from mtlkit.baselines import PerTask, Pooled
from mtlkit.datasets import fetch_school
from mtlkit.evaluation import paired_difference
from mtlkit.linear import MeanRegularizedRidge
from mtlkit.table import TaskStratifiedKFold, TaskStratifiedShuffleSplit, shared

RESULTS = Path(__file__).parent / "results"
SPLITS, PUBLISHED_SPLITS, TEST_SIZE, FOLDS, SEED = 20, 10, 0.25, 5, 0
COUPLINGS = [0, 1, 3, 10, 30, 100, 300, 1000, 3000, 10000, 100000, np.inf]
DEFINITIONS = {
    "explained": "100 (1 - SSE / SST); SSE: squared errors summed over the test rows of all "
    "schools; SST: squared deviations of these scores from their mean over all schools",
    "within": "100 (1 - SSE / SSW); SSW: squared deviations of the test scores from the mean of "
    "the test scores of their own school",
    "rmse": "square root of SSE / number of test rows, in score points",
}
PUBLISHED = {
    "rows": [
        {
            "name": "printed, together",
            "explained": 34.3,
            "plus_minus": 0.3,
            "method": "support vector regression, tied to the mean of the schools",
            "source": "Evgeniou and Pontil (2004), table 3",
        },
        {
            "name": "printed, clusters",
            "explained": 29.5,
            "plus_minus": 0.4,
            "method": "clusters of schools, Bayesian",
            "source": "Bakker and Heskes (2003), as printed in the same table",
        },
        {
            "name": "printed, alone",
            "explained": 11.9,
            "plus_minus": 0.5,
            "method": "one support vector regression per school",
            "source": "Evgeniou and Pontil (2004), table 3",
        },
    ],
    "warning": "Read second hand, in a summary of table 3 of Evgeniou and Pontil (2004), not in "
    "the paper. Whether ± is a standard deviation or a standard error was not seen. Their ten "
    "splits are not ours, and they may have prepared the features in another way.",
}


def scaled(model):
    """The model behind one scaler for all schools."""
    return Pipeline([("scale", shared(StandardScaler(), task_col=0)), ("model", model)])


def candidates():
    """Five ways to use the schools, with sixteen hyper-parameter settings each."""
    strengths = {"model__estimator__alpha": np.geomspace(0.1, 1e4, 16)}
    dials = {"model__alpha": [0.1, 1, 10, 100], "model__coupling": [3, 30, 300, 3000]}
    told = Pooled(Ridge(), task_col=0, task_as_input=True)
    free = MeanRegularizedRidge(task_col=0, couple_intercept=False)
    return {
        "alone": (scaled(PerTask(Ridge(), task_col=0)), strengths),
        "pooled": (scaled(Pooled(Ridge(), task_col=0)), strengths),
        "pooled, school as input": (scaled(told), strengths),
        "tied": (scaled(MeanRegularizedRidge(task_col=0)), dials),
        "tied, free levels": (scaled(free), dials),
    }


def untuned():
    """Models per school with nothing chosen, to place the published single-task figure."""
    models = {
        "mean of the school": PerTask(DummyRegressor(), task_col=0),
        "least squares per school": PerTask(LinearRegression(), task_col=0),
    }
    for C in (0.01, 0.1, 1.0, 10.0):
        machine = SVR(kernel="linear", C=C)
        models[f"support vectors per school, C = {C:g}"] = PerTask(machine, task_col=0)
    return models


def run():
    """Measure and write ``school.json``."""
    X, y = fetch_school()
    cv = TaskStratifiedShuffleSplit(SPLITS, test_size=TEST_SIZE, task_col=0, random_state=SEED)
    splits = list(cv.split(X))
    runs = Parallel(n_jobs=2)(delayed(_split)(X, y, *split, j) for j, split in enumerate(splits))
    names = [*candidates(), *untuned()]
    squares = {name: np.array([run["squares"][name] for run in runs]) for name in names}
    total, own, train, test = (
        np.array([run[key] for run in runs]) for key in ("total", "own", "train", "test")
    )
    scores = {
        name: {
            "explained": 100 * (1 - value.sum(axis=1) / total),
            "within": 100 * (1 - value.sum(axis=1) / own),
            "rmse": np.sqrt(value.sum(axis=1) / test.sum(axis=1)),
        }
        for name, value in squares.items()
    }
    rows = train[0].sum(), test[0].sum()
    study = {
        "command": "python -m studies school",
        "splits": SPLITS,
        "published_splits": PUBLISHED_SPLITS,
        "train_rows": int(rows[0]),
        "test_rows": int(rows[1]),
        "inner_folds": FOLDS,
        "budget": 16,
        "seed": SEED,
        "versions": {"numpy": np.__version__, "scikit-learn": sklearn.__version__},
        "data": _describe(X, y),
        "definitions": DEFINITIONS,
        "published": PUBLISHED,
        "candidates": {
            name: {
                "setting": model.setting,
                "cpu_seconds": round(sum(run["seconds"][name] for run in runs), 1),
                "chosen": {
                    key: [run["chosen"][name][key] for run in runs]
                    for key in runs[0]["chosen"][name]
                },
                **{key: value.round(3).tolist() for key, value in scores[name].items()},
            }
            for name, (model, _) in candidates().items()
        },
        "untuned": {
            name: {key: value.round(3).tolist() for key, value in scores[name].items()}
            for name in untuned()
        },
        "differences": [
            _difference(scores, name, baseline, splits, rows)
            for splits in (PUBLISHED_SPLITS, SPLITS)
            for baseline in ("alone", "pooled", "pooled, school as input")
            for name in candidates()
            if name != baseline
        ],
        "schools": _schools(squares, train[0], test[0]),
        "sizes": _sizes(squares, train[0], test[0]),
        "dial": {
            "coupling": [str(c) for c in COUPLINGS],
            "explained": np.array([run["dial"] for run in runs]).round(3).tolist(),
            "alpha": [run["dial_alpha"] for run in runs],
        },
    }
    write(study)
    for name, result in scores.items():
        ten = result["explained"][:PUBLISHED_SPLITS]
        print(f"{name:36} {ten.mean():6.2f} ± {ten.std(ddof=1):.2f} on ten splits", end="   ")
        print("  ".join(f"{key} {value.mean():.2f}" for key, value in result.items()))


def write(study):
    """Store the study; a list of plain values takes one line."""
    text = json.dumps(study, indent=1, ensure_ascii=False)
    text = re.sub(r"\[[^\[\]{}]*\]", lambda match: " ".join(match[0].split()), text)
    (RESULTS / "school.json").write_text(text + "\n", encoding="utf-8")


def _split(X, y, train, test, j):
    """All that is measured on one split."""
    school = X[test, 0].astype(int)
    deviations = y[test] - (np.bincount(school, y[test]) / np.bincount(school))[school]
    result = {
        "squares": {}, "seconds": {}, "chosen": {}, "dial": [], "dial_alpha": [],
        "total": ((y[test] - y[test].mean()) ** 2).sum(),
        "own": (deviations**2).sum(),
        "train": np.bincount(X[train, 0].astype(int)),
        "test": np.bincount(school),
    }  # fmt: skip
    kfold = TaskStratifiedKFold(FOLDS, task_col=0, shuffle=True, random_state=j)
    folds = list(kfold.split(X[train]))
    for name, (model, grid) in candidates().items():
        start = time.process_time()
        search = GridSearchCV(model, grid, scoring="r2", cv=folds).fit(X[train], y[train])
        result["seconds"][name] = time.process_time() - start
        result["chosen"][name] = {
            key.split("__")[-1]: round(float(value), 3)
            for key, value in search.best_params_.items()
        }
        result["squares"][name] = _squares(search, X[test], y[test])
    for name, model in untuned().items():
        result["squares"][name] = _squares(model.fit(X[train], y[train]), X[test], y[test])
    for c in COUPLINGS:
        grid = {"model__alpha": np.geomspace(0.01, 100, 9)}
        model = scaled(MeanRegularizedRidge(coupling=c, task_col=0))
        search = GridSearchCV(model, grid, scoring="r2", cv=folds).fit(X[train], y[train])
        result["dial"].append(100 * search.score(X[test], y[test]))
        result["dial_alpha"].append(float(search.best_params_["model__alpha"].round(4)))
    return result


def _squares(model, X, y):
    """Squared errors summed over the rows of each school."""
    return np.bincount(X[:, 0].astype(int), (y - model.predict(X)) ** 2)


def _describe(X, y):
    """The table in numbers, for a page that may not read it."""
    school = X[:, 0].astype(int)
    rows = np.bincount(school)
    means = np.bincount(school, y) / rows
    constant = [(np.ptp(X[school == t, 1:], axis=0) == 0).sum() for t in range(len(rows))]
    return {
        "schools": len(rows),
        "rows": len(y),
        "features": X.shape[1] - 1,
        "rows_per_school": [int(q) for q in np.quantile(rows, [0, 0.25, 0.5, 0.75, 1])],
        "constant_features_per_school": [int(q) for q in np.quantile(constant, [0, 0.5, 1])],
        "score_range": [int(y.min()), int(y.max())],
        "score_mean": round(y.mean(), 2),
        "score_sd": round(y.std(), 2),
        "school_mean_range": [round(means.min(), 1), round(means.max(), 1)],
        "between_share": round(float((rows * (means - y.mean()) ** 2).sum() / y.var() / len(y)), 4),
    }


def _difference(scores, name, baseline, splits, rows):
    """Explained variance of a candidate minus that of a baseline, on the first splits."""
    a, b = (scores[key]["explained"][:splits] for key in (name, baseline))
    plain, wide = paired_difference(a, b), paired_difference(a, b, corrected=rows)
    return {
        "candidate": name,
        "baseline": baseline,
        "splits": splits,
        "difference": round(plain.mean, 3),
        "plain": [round(plain.low, 3), round(plain.high, 3)],
        "corrected": [round(wide.low, 3), round(wide.high, 3)],
        "wins": plain.wins,
    }


def _schools(squares, train, test):
    """RMSE of each school, mean over splits, and differences with their corrected intervals."""
    rmse = {name: np.sqrt(squares[name] / test) for name in candidates()}
    differences = {}
    for name, baseline in [("tied", "alone"), ("tied", "pooled"), ("pooled", "alone")]:
        found = [
            paired_difference(rmse[name][:, t], rmse[baseline][:, t], corrected=(n, m))
            for t, (n, m) in enumerate(zip(train, test, strict=True))
        ]
        differences[f"{name} - {baseline}"] = {
            key: [round(getattr(d, key), 3) for d in found] for key in ("mean", "low", "high")
        }
    return {
        "train_rows": train.tolist(),
        "test_rows": test.tolist(),
        "rmse": {name: value.mean(axis=0).round(3).tolist() for name, value in rmse.items()},
        "differences": differences,
    }


def _sizes(squares, train, test):
    """RMSE of five groups of schools by number of training rows, with paired intervals."""
    result = []
    for group in np.array_split(np.argsort(train, kind="stable"), 5):
        rmse = {
            name: np.sqrt(squares[name][:, group].sum(axis=1) / test[group].sum())
            for name in candidates()
        }
        rows = train[group].sum(), test[group].sum()
        gains = {}
        for name, baseline in [("tied", "alone"), ("tied", "pooled"), ("pooled", "alone")]:
            found = paired_difference(rmse[baseline], rmse[name], corrected=rows)
            gains[f"{name} - {baseline}"] = [
                round(float(value), 4) for value in (found.mean, found.low, found.high)
            ]
        result.append(
            {
                "schools": len(group),
                "train_rows": [int(train[group].min()), int(train[group].max())],
                "rmse": {name: round(float(value.mean()), 3) for name, value in rmse.items()},
                "gain": gains,
            }
        )
    return result
