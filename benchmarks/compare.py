"""`compare` beside the same protocol by hand in scikit-learn: grid searches in cross-validation.

The same work: one table, the same splits and inner folds, the same grids, one model for each task,
one for all, and one for all that sees the task. By hand that is `GridSearchCV` in `cross_val_score`
for each candidate, with an estimator of ten lines that loops over tasks. The largest difference of
scores is a column of the result. `compare` also keeps what its intervals are made of: how much each
row moves each score.
"""

import json
import warnings

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from mtlkit.baselines import PerTask, Pooled
from mtlkit.datasets import fetch_landmine, fetch_school
from mtlkit.evaluation import compare
from mtlkit.table import TaskStratifiedKFold, TaskStratifiedShuffleSplit

from .linear import RESULTS
from .peers import SEED, Study, seconds

FOLDS, REPEATS, SAME = 5, 1, 1e-6  # SAME: of the scores
TABLES = {
    "School": (fetch_school, Ridge(), {"alpha": [0.1, 1, 10, 100, 1000]}, "r2", 2),
    "Landmine": (
        fetch_landmine, LogisticRegression(), {"C": [0.01, 0.1, 1, 10, 100]}, "roc_auc", 2,
    ),
}  # fmt: skip


class EachTask(BaseEstimator):
    """A model for each value of column 0."""

    def __init__(self, estimator):
        self.estimator = estimator

    def fit(self, X, y):
        tasks = np.unique(X[:, 0])
        rows = [X[:, 0] == task for task in tasks]
        self.models_ = {
            t: clone(self.estimator).fit(X[r, 1:], y[r]) for t, r in zip(tasks, rows, strict=True)
        }
        return self

    def _by_task(self, X, method):
        found = np.empty(len(X))
        for task, model in self.models_.items():
            rows = X[:, 0] == task
            if rows.any():
                found[rows] = method(model, X[rows, 1:])
        return found


class EachRegressor(RegressorMixin, EachTask):
    def predict(self, X):
        return self._by_task(X, lambda model, Z: model.predict(Z))


class EachClassifier(ClassifierMixin, EachTask):
    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return super().fit(X, y)

    def predict_proba(self, X):
        found = self._by_task(X, lambda model, Z: model.predict_proba(Z)[:, 1])
        return np.column_stack([1 - found, found])


def named(grid, prefix):
    return {f"{prefix}__{name}": values for name, values in grid.items()}


def by_mtlkit(X, y, model, grid, scoring, splits, inner):
    """A call that gives the scores of each candidate on each split."""
    grid = named(grid, "estimator")
    candidates = {
        "alone": (PerTask(model, task_col=0), grid),
        "pooled": (Pooled(model, task_col=0), grid),
        "told": (Pooled(model, task_col=0, task_as_input=True), grid),
    }
    return lambda: (
        compare(
            candidates,
            X,
            y,
            task_col=0,
            scoring=scoring,
            cv=splits,
            inner_cv=inner,
            random_state=SEED,
        ).scores
    )


def by_hand(X, y, model, grid, scoring, splits, inner):
    """The same from scikit-learn alone."""
    each = EachClassifier if hasattr(model, "predict_proba") else EachRegressor
    kind = type(model).__name__.lower()
    pooled, told = (
        make_pipeline(make_column_transformer((how, [0]), remainder="passthrough"), model)
        for how in ("drop", OneHotEncoder(handle_unknown="ignore"))
    )
    candidates = {
        "alone": (each(model), named(grid, "estimator")),
        "pooled": (pooled, named(grid, kind)),
        "told": (told, named(grid, kind)),
    }

    def call():
        return {
            name: cross_val_score(
                GridSearchCV(estimator, tried, scoring=scoring, cv=inner), X, y, scoring=scoring,
                cv=splits,
            )
            for name, (estimator, tried) in candidates.items()
        }  # fmt: skip

    return call


def run():
    """Measure and write ``compare.json``."""
    # Trees take no part; at a large C the solver stops at its limit, for both.
    warnings.filterwarnings("ignore", "no candidate is boosted|lbfgs failed")
    study = Study()
    for name, (fetch, model, grid, scoring, n_splits) in TABLES.items():
        X, y = fetch()
        splits = list(
            TaskStratifiedShuffleSplit(n_splits, task_col=0, random_state=SEED).split(X, y)
        )
        inner = TaskStratifiedKFold(FOLDS, task_col=0, shuffle=True, random_state=SEED)
        work = X, y, model, grid, scoring, splits, inner
        calls = by_mtlkit(*work), by_hand(*work)
        ours, theirs = (call() for call in calls)
        apart = max(np.abs(ours[key] - theirs[key]).max() for key in ours)
        if apart > SAME:
            raise RuntimeError(f"{name}: the scores differ by {apart:.2g}")
        setting = f"{n_splits} splits, {FOLDS} folds, {len(ours)} candidates of 5 settings"
        times = seconds(calls, REPEATS)
        study.add(name, setting, "by hand, scikit-learn", *times, 1, apart)
    result = {
        "command": "python -m benchmarks compare",
        "clock": "processor seconds, one thread, one run after a first one",
        "same_scores": SAME,
        "versions": study.versions,
        "rows": study.rows,
    }
    (RESULTS / "compare.json").write_text(json.dumps(result, indent=1) + "\n")
