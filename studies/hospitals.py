"""Heart disease in four hospitals: shares that differ, columns that nobody measured, a fifth place.

Needs the data of `mtlkit.datasets.fetch_heart`. Every arm has four settings, chosen by log loss in
its training rows. Patients of the four hospitals are predicted on random splits; then each hospital
is left out in turn, as if it were the fifth, and the others choose among themselves in the same
way. A hospital is a task, and four of them are too few for an interval about others, so each is
shown.
"""

import warnings

import numpy as np
import sklearn
from scipy.special import logit
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, roc_auc_score
from sklearn.model_selection import GridSearchCV, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mtlkit.baselines import PerTask, Pooled
from mtlkit.datasets import fetch_heart
from mtlkit.evaluation import compare
from mtlkit.linear import MultiTaskLogisticRegression, SharedMean
from mtlkit.table import LeaveTasksOut, TaskStratifiedKFold, TaskStratifiedShuffleSplit, shared

from ._recalibration import recalibrated, scores
from ._stored import write
from .opponents import difference, joined

HOSPITALS = ["Cleveland", "Hungary", "Switzerland", "VA Long Beach"]
SPLITS, SEED, MARGIN, BUDGET = 20, 0, 1.0, 4
SCORES = ["neg_log_loss", "accuracy", "roc_auc"]
ALONE, POOLED, TOLD, TIED = "alone", "pooled, no hospital", "pooled, told the hospital", "tied"
TREES, TREES_ALONE, SHARE = "boosted, told the hospital", "boosted alone", "share of the sick"
HOLES, TREES_POOLED = "pooled, with holes as columns", "boosted, no hospital"
PAIRS = [(POOLED, ALONE), (TOLD, ALONE), (TIED, ALONE), (TOLD, POOLED), (TIED, TOLD)]
PAIRS += [(TOLD, TREES), (TIED, TREES), (TREES, TREES_ALONE), (ALONE, SHARE), (TOLD, SHARE)]
CHOLESTEROL, LABELLED = 7, [10, 20, 50]  # a column; patients of a fifth hospital


def line():
    return LogisticRegression(solver="newton-cholesky", max_iter=200)


def filled(model, holes=False):
    """Scaled, holes filled by the mean of training rows; with `holes`, holes are columns too."""
    filler = SimpleImputer(keep_empty_features=True, add_indicator=holes)
    return make_pipeline(shared(StandardScaler(), 0), shared(filler, 0), model)


def with_grid(model, **grid):
    last = model.steps[-1][0] + "__" if hasattr(model, "steps") else ""
    return model, {last + name: values for name, values in grid.items()}


def boosted():
    return HistGradientBoostingClassifier(max_iter=60, random_state=0)


def trees(model):
    """Trees take holes as they are."""
    return with_grid(
        model, estimator__learning_rate=[0.03, 0.1], estimator__min_samples_leaf=[5, 20]
    )


def candidates():
    """Arms of four settings for hospitals that train."""
    strengths, tied = [0.01, 0.1, 1, 10], MultiTaskLogisticRegression(SharedMean(), task_col=0)
    few = GradientBoostingClassifier(n_estimators=30, random_state=0)
    return {
        ALONE: with_grid(filled(PerTask(line(), task_col=0)), estimator__C=strengths),
        POOLED: with_grid(filled(Pooled(line(), task_col=0)), estimator__C=strengths),
        TOLD: with_grid(
            filled(Pooled(line(), task_col=0, task_as_input=True)), estimator__C=strengths
        ),
        TIED: with_grid(filled(tied), alpha=[1, 10], penalty__coupling=[1, 10]),
        TREES: trees(Pooled(boosted(), task_col=0, task_as_input="category")),
        TREES_ALONE: with_grid(
            filled(PerTask(few, task_col=0)),
            estimator__learning_rate=[0.1, 0.3],
            estimator__max_depth=[1, 2],
        ),
    }


def for_a_fifth():
    """Arms of four settings that can predict a hospital which trained nothing."""
    strengths, found = [0.01, 0.1, 1, 10], candidates()
    return {
        POOLED: found[POOLED],
        HOLES: with_grid(filled(Pooled(line(), task_col=0), holes=True), estimator__C=strengths),
        TIED: found[TIED],
        TREES_POOLED: trees(Pooled(boosted(), task_col=0)),
    }


def run():
    """Measure and write ``hospitals.json``."""
    X, y = fetch_heart()
    known = contest(X, y)
    fifth = {name: left_out(X, y, *arm) for name, arm in for_a_fifth().items()}
    zeros = X.copy()
    zeros[np.isnan(X[:, CHOLESTEROL]), CHOLESTEROL] = 0  # as the file writes most of them
    as_zeros = {name: left_out(zeros, y, *for_a_fifth()[name]) for name in (POOLED, TREES_POOLED)}
    result = {
        "command": "python -m studies hospitals",
        "seed": SEED,
        "splits": SPLITS,
        "budget": BUDGET,
        "margin": MARGIN,
        "versions": {"numpy": np.__version__, "scikit-learn": sklearn.__version__},
        "data": describe(X, y),
        "known": {score: of_score(found) for score, found in known.items()},
        "holes": of_holes(X, y),
        "fifth": {name: of_hospitals(X, y, odds) for name, odds in fifth.items()},
        "zeros": {name: of_hospitals(X, y, odds) for name, odds in as_zeros.items()},
        "moved": {name: moved(X, y, odds) for name, odds in fifth.items()},
        "odds": {
            name: {
                "log odds": fifth[POOLED][X[:, 0] == k].round(4).tolist(),
                "sick": y[X[:, 0] == k].astype(int).tolist(),
            }
            for k, name in enumerate(HOSPITALS)
        },
    }
    write("hospitals", result)


def describe(X, y):
    """Of each hospital: patients, the sick, and the share of patients without a value."""
    names = list(fetch_heart(as_frame=True)[0].columns[1:])
    return {
        name: {
            "patients": int((X[:, 0] == k).sum()),
            "sick": int(y[X[:, 0] == k].sum()),
            "holes": dict(
                zip(
                    names, np.isnan(X[X[:, 0] == k, 1:]).mean(axis=0).round(3).tolist(), strict=True
                )
            ),
        }
        for k, name in enumerate(HOSPITALS)
    }


def contest(X, y):
    """Comparisons on random splits, one for each score; log loss chooses the settings."""
    cv = TaskStratifiedShuffleSplit(SPLITS, test_size=0.25, task_col=0, random_state=SEED)
    settings = {
        "task_col": 0, "cv": list(cv.split(X, y)), "inner_cv": 3, "scoring": SCORES,
        "random_state": SEED,
    }  # fmt: skip
    arms = candidates()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "no candidate is")
        found = compare(arms, X, y, **settings).by_scoring
        own = {
            SHARE: filled(PerTask(DummyClassifier(), task_col=0)),
            ALONE: arms[ALONE][0],  # a comparison wants two candidates
        }
        share = compare(own, X, y, baseline=ALONE, **settings).by_scoring
    return {score: joined(found[score], share[score]) for score in SCORES}


def of_score(found):
    """Scores over all patients and by hospital, and differences in points."""
    by_hospital = {}
    for a, b in ((TOLD, ALONE), (TIED, ALONE), (TOLD, TREES)):
        differences = found.task_differences(a, b)
        rows = [differences[task].times(100) for task in found.tasks]
        by_hospital[f"{a} - {b}"] = [[round(v, 2) for v in (d.mean, d.low, d.high)] for d in rows]
    return {
        "all": {n: round(float(100 * s.mean()), 2) for n, s in found.scores.items()},
        "by hospital": {
            n: (100 * s.mean(axis=0)).round(2).tolist() for n, s in found.task_scores.items()
        },
        "differences": [
            {"candidate": a} | difference(found, a, b, margin=MARGIN, scopes=("new rows",))
            for a, b in PAIRS
        ],
        "differences by hospital": by_hospital,
    }


def of_holes(X, y):
    """What the pattern of holes alone tells: the hospital, and who is sick."""
    holes, hospital = np.isnan(X[:, 1:]).astype(float), X[:, 0].astype(int)
    folds = list(TaskStratifiedKFold(5, task_col=0, shuffle=True, random_state=SEED).split(X, y))
    place = cross_val_predict(line(), holes, hospital, cv=folds)
    sick = cross_val_predict(line(), holes, y, cv=folds, method="decision_function")
    return {
        "hospital": round(100 * accuracy_score(hospital, place), 1),
        "largest hospital": round(100 * np.bincount(hospital).max() / len(y), 1),
        "auc": round(100 * roc_auc_score(y, sick), 1),
        "auc by hospital": [
            round(100 * roc_auc_score(y[hospital == k], sick[hospital == k]), 1) for k in range(4)
        ],
    }


def left_out(X, y, model, grid):
    """Log odds of each patient, from the other three hospitals and what these choose."""
    odds = np.empty(len(y))
    for train, test in LeaveTasksOut(task_col=0).split(X):
        search = GridSearchCV(
            model, grid, cv=LeaveTasksOut(task_col=0), scoring="neg_log_loss", error_score="raise"
        )
        p = search.fit(X[train], y[train]).predict_proba(X[test])[:, 1]
        odds[test] = logit(np.clip(p, 1e-6, 1 - 1e-6))
    return odds


def of_hospitals(X, y, odds):
    """Of each hospital that was left out: ranking, decisions at one half, probabilities."""
    return {name: scores(odds[X[:, 0] == k], y[X[:, 0] == k]) for k, name in enumerate(HOSPITALS)}


def moved(X, y, odds):
    """The same after one intercept from a few labelled patients."""
    return {
        name: {str(n): recalibrated(odds[X[:, 0] == k], y[X[:, 0] == k], n, SEED) for n in LABELLED}
        for k, name in enumerate(HOSPITALS)
    }
