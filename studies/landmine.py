"""Mines in 29 fields: AUC against the number of labels, alone, pooled and together.

Needs the data of `mtlkit.datasets.fetch_landmine`. Six rows in a hundred are mines, so twenty
random labels of a field often hold none, and then nothing can be fitted or scored in that field
alone. So the labels of a field are drawn class by class: as many mines as their share says, but at
least two. Then every half of the labels of every field has a mine, and all candidates can be fitted
and scored on the same two inner folds. Drawing by class moves above all the intercepts. They do not
change the order of the rows of a field, and the score looks at nothing else.
"""

import time

import numpy as np
import sklearn
from joblib import Parallel, delayed
from scipy.special import expit
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score
from sklearn.model_selection import ParameterGrid
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from mtlkit.baselines import PerTask, Pooled
from mtlkit.datasets import fetch_landmine
from mtlkit.evaluation import paired_difference
from mtlkit.linear import LearnedRelations, MultiTaskLogisticRegression, SharedMean, TaskGraph
from mtlkit.table import TaskStratifiedKFold, shared

from ._landmine_strongest import (
    FEWEST_MINES,
    FIELDS,
    FOLDS,
    FOLIATED,
    LABELS,
    SEED,
    by_field,
    control,
    draw,
    measure,
    mines_among,
    strongest,
)
from ._stored import write

SPLITS, RESAMPLES = 20, 2000
SETTINGS = {
    "alone": "single-task",
    "pooled": "pooled",
    "pooled, field as input": "pooled",
    "pooled by terrain": "pooled",
    "tied": "multi-task",
    "tied by terrain": "multi-task",
    "learned relations": "multi-task",
}
PAIRS = [
    ("pooled", "alone"),
    ("tied", "alone"),
    ("tied", "pooled"),
    ("tied", "pooled by terrain"),
    ("tied by terrain", "alone"),
    ("tied by terrain", "pooled by terrain"),
    ("tied by terrain", "tied"),
    ("learned relations", "alone"),
    ("learned relations", "pooled"),
    ("learned relations", "tied"),
    ("learned relations", "tied by terrain"),
    ("pooled by terrain", "pooled"),
    ("pooled by terrain", "alone"),
    ("pooled, field as input", "pooled"),
]
DEFINITIONS = {
    "macro": "100 times the unweighted mean over the 29 fields of the AUC on the test rows of the "
    "field: the share of pairs of a mine and a clutter row of the same field in which the mine has "
    "the higher value",
    "all rows": "100 times one AUC over the test rows of all fields: most pairs are of two "
    "fields, so it also asks whether the values of different fields are on one scale (at 20 "
    "labels, drawing by class has moved the intercepts)",
    "precision": "100 times the unweighted mean over fields of the average precision",
    "test rows": "rows of a field that are not among its 160 labels; the same for 20, 40 and 80",
    "tuning": "macro AUC on two inner folds of the labels, stratified by field and class; the "
    "test rows choose nothing",
    "plain": "paired t interval over the draws: about the mean over draws from these 29 fields",
    "over fields": "t interval over the 29 mean differences of the fields: about other fields like "
    "these",
}
PUBLISHED = {
    "rows": [["single-task", 74.6], ["best of the multi-task methods", 76.8]],
    "source": "Zhang and Yang, A Survey on Multi-Task Learning, table 1, row Landmine, which takes "
    "its figures from Jawanpuria et al. (2015)",
    "warning": "Their numbers of labels and their definition of the score over fields were not "
    "seen, so the figures give an idea of the level and no more.",
    "terrain": "Same survey: fields 1 to 15 are regions that are relatively highly foliated, "
    "fields 16 to 29 are bare earth or desert, according to Xue et al. (2007).",
}


def candidates():
    """Seven ways to use the fields, with eight hyper-parameter settings each."""
    single, pooled = np.geomspace(0.003, 10, 8), np.geomspace(0.001, 10, 8)
    logistic = LogisticRegression()
    by_terrain = Pipeline(
        [("terrain", FunctionTransformer(_terrain)), ("model", PerTask(logistic, task_col=0))]
    )
    told = Pooled(logistic, task_col=0, task_as_input=True)
    bare = np.arange(FIELDS) >= FOLIATED
    neighbours = (bare[:, None] == bare) / np.where(bare, bare.sum(), (~bare).sum())
    strong, weak = [1, 10, 100, 1000], [0.01, 0.1, 1, 10]
    return {
        "alone": (_scaled(PerTask(logistic, task_col=0)), {"model__estimator__C": single}),
        "pooled": (_scaled(Pooled(logistic, task_col=0)), {"model__estimator__C": pooled}),
        "pooled, field as input": (_scaled(told), {"model__estimator__C": pooled}),
        "pooled by terrain": (_scaled(by_terrain), {"model__model__estimator__C": pooled}),
        "tied": _multi_task(SharedMean(), strong),
        "tied by terrain": _multi_task(TaskGraph(neighbours), strong),
        "learned relations": _multi_task(LearnedRelations(), weak),
    }


def _multi_task(penalty, couplings):
    model = MultiTaskLogisticRegression(penalty, task_col=0, tol=1e-4)
    return _scaled(model), {"model__alpha": [0.3, 3], "model__penalty__coupling": couplings}


def _scaled(model):
    return Pipeline([("scale", shared(StandardScaler(), task_col=0)), ("model", model)])


def _terrain(X):
    """The table with the terrain in place of the field."""
    return np.column_stack([X[:, 0] >= FOLIATED, X[:, 1:]])


def run():
    """Measure and write ``landmine.json``."""
    X, y = fetch_landmine()
    draws = Parallel(n_jobs=2)(delayed(_draw)(X, y, SEED + j) for j in range(SPLITS))
    found = {
        name: {key: np.array([draw[name][key] for draw in draws]) for key in draws[0][name]}
        for name in SETTINGS
    }
    scores = {name: result["by_field"] for name, result in found.items()}  # draws x labels x T
    chosen = {name: found[name]["chosen"].T.tolist() for name in SETTINGS}
    measured = [measure(X, y, n, _scaled, candidates(), chosen) for n in LABELS]
    study = {
        "command": "python -m studies landmine",
        "labels": LABELS,
        "splits": SPLITS,
        "inner_folds": FOLDS,
        "fewest_mines": FEWEST_MINES,
        "budget": 8,
        "seed": SEED,
        "versions": {"numpy": np.__version__, "scikit-learn": sklearn.__version__},
        "data": _describe(X, y),
        "definitions": DEFINITIONS,
        "published": PUBLISHED,
        "candidates": {name: _candidate(name, found[name]) for name in SETTINGS},
        "differences": [_difference(scores, a, b, k) for a, b in PAIRS for k in range(len(LABELS))],
        "crossings": {
            other: _crossing(scores["alone"] - scores[other])
            for other in ("pooled", "pooled by terrain")
        },
        "fields": _fields(scores),
        "strongest": strongest(measured),
        "control": control(_scaled),
        "relations": _relations(found["learned relations"]["covariance"]),
    }
    write("landmine", study)
    for name, own in scores.items():
        means = zip(LABELS, own.mean(axis=(0, 2)), strict=True)
        print(f"{name:24}", *(f"{n}: {mean:.2f}  " for n, mean in means))


def _draw(X, y, seed):
    """All that is measured on one draw: labels that grow from 20 to 160, and the other rows."""
    train, test = draw(X, y, seed)
    results = {name: {} for name in SETTINGS}
    for rows in train.values():
        folds = TaskStratifiedKFold(FOLDS, task_col=0, shuffle=True, random_state=seed)
        folds = list(folds.split(X[rows], y[rows]))
        for name, (model, grid) in candidates().items():
            for key, value in _measure(model, grid, X, y, rows, folds, test).items():
                results[name].setdefault(key, []).append(value)
    return results


def _measure(model, grid, X, y, rows, folds, test):
    """Search a grid inside the labels; test the setting with the best inner AUC."""
    start = time.process_time()
    settings = list(ParameterGrid(grid))
    auc, loss = np.empty((2, len(settings), len(folds)))
    for s, setting in enumerate(settings):
        for k, (inside, outside) in enumerate(folds):
            fitted = clone(model).set_params(**setting).fit(X[rows[inside]], y[rows[inside]])
            held = rows[outside]
            values = fitted.decision_function(X[held])
            auc[s, k] = by_field(roc_auc_score, y[held], values, X[held, 0]).mean()
            loss[s, k] = log_loss(y[held], expit(values))
    chosen, other = auc.mean(axis=1).argmax(), loss.mean(axis=1).argmin()
    fitted = clone(model).set_params(**settings[chosen]).fit(X[rows], y[rows])
    seconds = time.process_time() - start
    values, field = fitted.decision_function(X[test]), X[test, 0]
    result = {
        "seconds": seconds,
        "chosen": chosen,
        "inner": 100 * auc.mean(axis=1)[chosen],
        "by_field": 100 * by_field(roc_auc_score, y[test], values, field),
        "all_rows": 100 * roc_auc_score(y[test], values),
        "precision": 100 * by_field(average_precision_score, y[test], values, field).mean(),
    }
    if hasattr(fitted[-1], "task_covariance_"):
        result["covariance"] = fitted[-1].task_covariance_
    values = clone(model).set_params(**settings[other]).fit(X[rows], y[rows])
    values = values.decision_function(X[test])
    result["macro_by_loss"] = 100 * by_field(roc_auc_score, y[test], values, field).mean()
    result["all_rows_by_loss"] = 100 * roc_auc_score(y[test], values)
    return result


def _describe(X, y):
    """The table in numbers, for a page that may not read it."""
    field = X[:, 0].astype(int)
    rows, mines = np.bincount(field), np.bincount(field, y)
    labels = [[mines_among(n, m, r) for m, r in zip(mines, rows, strict=True)] for n in LABELS]
    raised = [
        sum(k > round(n * m / r) for k, m, r in zip(own, mines, rows, strict=True))
        for n, own in zip(LABELS, labels, strict=True)
    ]
    foliated = field < FOLIATED
    levels = np.array([X[field == f, 1:].mean(axis=0) for f in range(FIELDS)])
    groups = KMeans(2, n_init=10, random_state=SEED).fit_predict(levels / X[:, 1:].std(axis=0))
    agree = int((groups == (np.arange(FIELDS) < FOLIATED)).sum())
    return {
        "fields": FIELDS,
        "rows": len(y),
        "features": X.shape[1] - 1,
        "mines": int(y.sum()),
        "rows_per_field": rows.tolist(),
        "mines_per_field": mines.astype(int).tolist(),
        "foliated_fields": FOLIATED,
        "mine_share_foliated": round(float(y[foliated].mean()), 4),
        "mine_share_bare": round(float(y[~foliated].mean()), 4),
        "mines_among_labels": [[min(own), max(own)] for own in labels],
        "mean_mines_among_labels": [round(float(np.mean(own)), 2) for own in labels],
        "fields_raised_to_fewest_mines": [int(count) for count in raised],
        "mean_test_rows_per_field": round(float(rows.mean()) - LABELS[-1], 1),
        "fields_that_feature_means_put_right": max(agree, FIELDS - agree),
        "probability_of_no_mine": [
            round(float(np.mean((1 - mines / rows) ** n)), 3) for n in LABELS
        ],
    }


def _candidate(name, result):
    """Scores (labels x draws) and choices of a candidate."""
    return {
        "setting": SETTINGS[name],
        "cpu_seconds": result["seconds"].sum(axis=0).round(1).tolist(),
        "grid": [
            {key.split("__")[-1]: round(float(value), 6) for key, value in setting.items()}
            for setting in ParameterGrid(candidates()[name][1])
        ],
        "chosen": result["chosen"].T.tolist(),
        "inner_macro": result["inner"].mean(axis=0).round(3).tolist(),
        "macro": result["by_field"].mean(axis=2).T.round(3).tolist(),
        "all_rows": result["all_rows"].T.round(3).tolist(),
        "precision": result["precision"].T.round(3).tolist(),
        "chosen_by_log_loss": {
            "macro": result["macro_by_loss"].mean(axis=0).round(3).tolist(),
            "all_rows": result["all_rows_by_loss"].mean(axis=0).round(3).tolist(),
        },
    }


def _difference(by_field, name, baseline, k):
    """Macro AUC of a candidate minus that of a baseline at one number of labels."""
    a, b = by_field[name][:, k], by_field[baseline][:, k]  # draws x fields
    plain = paired_difference(a.mean(axis=1), b.mean(axis=1))
    fields = paired_difference(a.mean(axis=0), b.mean(axis=0))
    return {
        "labels": LABELS[k],
        "candidate": name,
        "baseline": baseline,
        "difference": round(plain.mean, 3),
        "plain": [round(plain.low, 3), round(plain.high, 3)],
        "over_fields": [round(fields.low, 3), round(fields.high, 3)],
        "draws_won": plain.wins,
        "fields_won": fields.wins,
    }


def _crossing(difference):
    """Number of labels from which a rising difference (draws x labels x fields) is above 0."""
    rng = np.random.default_rng(SEED)
    result = {"labels": _round(_first_above_zero(difference.mean(axis=(0, 2))))}
    for axis, name in [(0, "over_draws"), (2, "over_fields")]:
        values = difference.mean(axis=2 - axis)  # draws x labels, or labels x fields
        values = values if axis == 0 else values.T
        drawn = rng.integers(len(values), size=(RESAMPLES, len(values)))
        found = np.array([_first_above_zero(values[rows].mean(axis=0)) for rows in drawn])
        result[name] = {
            "interval": [_round(q) for q in np.quantile(found, [0.025, 0.975], method="nearest")],
            "below_range": round(float(np.mean(found == -np.inf)), 4),
            "above_range": round(float(np.mean(found == np.inf)), 4),
        }
    return result


def _first_above_zero(curve):
    """Where a curve over log labels is above 0 and stays there; infinite if outside the range."""
    below = np.flatnonzero(curve <= 0)
    if not len(below):
        return -np.inf
    k = below[-1]
    if k == len(curve) - 1:
        return np.inf
    share = -curve[k] / (curve[k + 1] - curve[k])
    return float(np.exp(np.interp(share, [0, 1], np.log(LABELS[k : k + 2]))))


def _round(value):
    return round(float(value), 1) if np.isfinite(value) else None


def _fields(by_field):
    """Mean AUC of each field, and differences with their intervals over the draws."""
    differences = []
    for name, baseline in [("tied", "alone"), ("tied", "pooled"), ("pooled", "alone"),
                           ("learned relations", "tied")]:  # fmt: skip
        for k, n in enumerate(LABELS):
            found = [
                paired_difference(by_field[name][:, k, f], by_field[baseline][:, k, f])
                for f in range(FIELDS)
            ]
            differences.append(
                {
                    "labels": n,
                    "candidate": name,
                    "baseline": baseline,
                    **{
                        key: [round(getattr(d, key), 2) for d in found]
                        for key in ("mean", "low", "high")
                    },
                }
            )
    return {
        "macro": {name: scores.mean(axis=0).round(2).tolist() for name, scores in by_field.items()},
        "differences": differences,
    }


def _relations(covariance):
    """Correlations of the fields in the learned covariances (draws x labels x T x T)."""
    sd = np.sqrt(np.maximum(np.einsum("jktt->jkt", covariance), 1e-12))
    correlation = covariance / (sd[..., :, None] * sd[..., None, :])
    same, different = _blocks(np.arange(FIELDS) < FOLIATED)
    rng = np.random.default_rng(SEED)
    rows = []
    for k, n in enumerate(LABELS):
        gap = paired_difference(
            correlation[:, k][:, same].mean(axis=1), correlation[:, k][:, different].mean(axis=1)
        )
        mean = correlation[:, k].mean(axis=0)
        placebo = []
        for _ in range(RESAMPLES):
            own, other = _blocks(rng.permutation(FIELDS) < FOLIATED)
            placebo.append(mean[own].mean() - mean[other].mean())
        rows.append(
            {
                "labels": n,
                "within": round(float(mean[same].mean()), 3),
                "between": round(float(mean[different].mean()), 3),
                "gap": [round(v, 3) for v in (gap.mean, gap.low, gap.high)],
                "placebo_largest_gap": round(float(np.max(placebo)), 3),
            }
        )
    return {
        "about": "correlations from task_covariance_ of the tuned LearnedRelations, mean over "
        "draws; within: pairs of two fields of the same terrain; placebo: fields dealt to two "
        f"groups of the same sizes at random, {RESAMPLES} times",
        "summary": rows,
        "correlation": correlation[:, -1].mean(axis=0).round(2).tolist(),
    }


def _blocks(first):
    """Pairs of different fields in the same group, and in different groups."""
    same = first[:, None] == first
    return same & ~np.eye(FIELDS, dtype=bool), ~same
