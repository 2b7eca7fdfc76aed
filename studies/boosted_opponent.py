"""One boosted model with the id as a category, against seven other ways, on seven tables.

Needs the data of `mtlkit.datasets.fetch_school`, `fetch_landmine`, `fetch_chem97`, `fetch_hsb82`,
`fetch_exam`, `fetch_sleepstudy` and `fetch_radon`. Features are brought to one scale with what all
rows say about them, and no label. Every way has six settings, which inner folds of the training
rows choose among; partial pooling has two, levels alone or slopes too, since REML estimates its
strengths from the same rows.
An eighth table is drawn from the lines of the sleepers, for a page to repeat.
"""

import json
import time

import numpy as np
import sklearn
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, KFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, TargetEncoder
from sklearn.utils.fixes import parse_version

from mtlkit import datasets
from mtlkit.baselines import PerTask, Pooled
from mtlkit.linear import EmpiricalBayesRidge, MultiTaskLogisticRegression, SharedMean
from mtlkit.table import TaskStratifiedKFold, TaskStratifiedShuffleSplit

from ._landmine_strongest import draw
from ._stored import RESULTS, write
from .boosted import points
from .opponents import compared

SEED, BUDGET, MARGIN, FEWEST_ROWS, LABELS = 0, 6, 1.0, 4, 160
ALONE, POOLED, TIED = "alone, linear", "pooled, linear", "tied, linear"
OWN, BLIND, TOLD = "boosted, one per task", "boosted, no id", "boosted, id as category"
ENCODED, REST = "boosted, id encoded", "tied, then boosted"
WAYS = [ALONE, POOLED, TIED, OWN, BLIND, TOLD, ENCODED, REST]
LEAVES = [(5, 4), (5, 31), (20, 31)]  # fewest rows of a leaf, most leaves of a tree
RATES, FEW_ITERATIONS = [0.03, 0.1], 20
# Splits, a quarter of the rows for tests but where it says how many of a task train; inner folds.
TABLES = {
    "School": ("school", 3, None, 2),
    "Landmine": ("landmine", 4, None, 2),
    "Chem97": ("chem97", 3, None, 2),
    "Hsb82": ("hsb82", 4, None, 2),
    "Exam": ("exam", 4, None, 2),
    "sleepstudy": ("sleepstudy", 12, 0.5, 2),
    "radon": ("radon", 8, 0.5, 2),
}


class FewRows(HistGradientBoostingRegressor):
    """Boosted trees that are the mean at once where rows are too few to be split: only faster."""

    def fit(self, X, y):
        self.mean_ = np.mean(y) if len(y) < 2 * self.min_samples_leaf else None
        return self if self.mean_ is not None else super().fit(X, y)

    def predict(self, X):
        return super().predict(X) if self.mean_ is None else np.full(len(X), self.mean_)


class TiedThenBoosted(RegressorMixin, BaseEstimator):
    """Levels and slopes by a tied model, then trees without the id on what these leave.

    Cost: a fit of each. A classifier of its own is `TiedThenBoostedClassifier`.
    """

    setting = "multi-task"

    def __init__(self, tied, trees, task_col=None):
        self.tied = tied
        self.trees = trees
        self.task_col = task_col

    def fit(self, X, y):
        self.tied_ = clone(self.tied).fit(X, y)
        trees = Pooled(self.trees, task_col=self.task_col)
        self.trees_ = clone(trees).fit(X, y - self._first(X))
        self.n_features_in_ = X.shape[1]
        return self

    def _first(self, X):
        return self.tied_.predict(X)

    def _both(self, X):
        return self._first(X) + self.trees_.predict(X)

    def predict(self, X):
        return self._both(X)


class TiedThenBoostedClassifier(ClassifierMixin, TiedThenBoosted):
    """The same for two classes: trees correct the probability of the second."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return super().fit(X, (y == self.classes_[1]).astype(int))

    def _first(self, X):
        return self.tied_.predict_proba(X)[:, 1]

    def decision_function(self, X):
        return self._both(X) - 0.5

    def predict(self, X):
        return self.classes_[(self._both(X) > 0.5).astype(int)]


def encoder(*, classify):
    """The mean label of a task, shrunk, and in `fit` without the row's own label.

    scikit-learn takes the folds themselves from version 1.9 on, and before that their parameters.
    """
    kind = StratifiedKFold if classify else KFold
    folds = {"cv": kind(5, shuffle=True, random_state=SEED)}
    if parse_version(sklearn.__version__) < parse_version("1.9"):
        folds = {"cv": 5, "shuffle": True, "random_state": SEED}
    return TargetEncoder(target_type="binary" if classify else "continuous", **folds)


def ways(*, classify=False, most_tasks=255):
    """Eight ways to use the id, each with six settings; that without a grid searches by itself."""
    boosted = HistGradientBoostingClassifier if classify else HistGradientBoostingRegressor
    trees = boosted(random_state=SEED)
    few = boosted if classify else FewRows
    few = few(max_iter=FEW_ITERATIONS, random_state=SEED)
    strengths = {"estimator__alpha": np.geomspace(0.01, 1000, BUDGET)}
    folds = TaskStratifiedKFold(2, task_col=0, shuffle=True, random_state=SEED)
    linear, reml, slopes = Ridge(), EmpiricalBayesRidge(task_col=0), [None, "all"]
    tied = GridSearchCV(reml, {"random_slopes": slopes}, cv=folds), None
    after, inside = TiedThenBoosted(reml, trees, task_col=0), {"tied__random_slopes": slopes}
    if classify:
        linear, strengths = LogisticRegression(), {"estimator__C": np.geomspace(0.001, 3, BUDGET)}
        model = MultiTaskLogisticRegression(SharedMean(), task_col=0, tol=1e-4)
        dials = {"alpha": [0.3, 3], "penalty__coupling": [1, 10, 100]}
        tied = model, dials
        light = HistGradientBoostingRegressor(random_state=SEED)
        after = MultiTaskLogisticRegression(SharedMean(10), task_col=0, tol=1e-4)
        after = TiedThenBoostedClassifier(after, light, task_col=0)
        inside = {"tied__alpha": dials["alpha"]}
    encoded = make_column_transformer((encoder(classify=classify), [0]), remainder="passthrough")
    found = {
        ALONE: (PerTask(linear, task_col=0), strengths),
        POOLED: (Pooled(linear, task_col=0), strengths),
        TIED: tied,
        OWN: (PerTask(few, task_col=0), grid("estimator__", 100 / FEW_ITERATIONS)),
        BLIND: (Pooled(trees, task_col=0), grid("estimator__")),
        TOLD: (Pooled(trees, task_col=0, task_as_input="category"), grid("estimator__")),
        ENCODED: (make_pipeline(encoded, trees), grid(f"{boosted.__name__.lower()}__")),
        REST: (after, [shape | inside for shape in grid("trees__", slow=True)]),
    }
    if most_tasks > 255:  # more categories than the trees have bins
        del found[TOLD]
    return found


def grid(prefix, faster=1, slow=False):
    """Two rates of learning, or the slow one, with three shapes; fewer iterations learn faster."""
    return [
        {
            f"{prefix}learning_rate": [round(r * faster, 3) for r in RATES[: 2 - slow]],
            f"{prefix}min_samples_leaf": [rows],
            f"{prefix}max_leaf_nodes": [leaves],
        }
        for rows, leaves in LEAVES
    ]


def table(name):
    """Features on one scale beside the task, labels, the splits and the inner folds."""
    kind, n_splits, half, folds = TABLES[name]
    X, y = getattr(datasets, f"fetch_{kind}")()
    rows = np.bincount(X[:, 0].astype(int))
    enough = rows[X[:, 0].astype(int)] >= FEWEST_ROWS
    X, y = X[enough], y[enough]
    X[:, 1:] = StandardScaler().fit_transform(X[:, 1:])
    if name == "Landmine":
        cv = []
        for seed in range(SEED, SEED + n_splits):
            train, test = draw(X, y, seed)
            cv.append((train[LABELS], test))
        return X, y, cv, TaskStratifiedKFold(folds, task_col=0, shuffle=True, random_state=SEED)
    size = {"train_size": half, "test_size": half} if half else {"test_size": 0.25}
    cv = TaskStratifiedShuffleSplit(n_splits, task_col=0, random_state=SEED, **size)
    return X, y, list(cv.split(X, y)), folds


def run(names=None):
    """Measure and write ``boosted_opponent.json``, all tables or some; others stay as they are."""
    path = RESULTS / "boosted_opponent.json"
    kept = json.loads(path.read_text(encoding="utf-8"))["tables"] if path.exists() else {}
    for name in names or TABLES:
        kept[name] = row(name)
        print(name, json.dumps(kept[name], indent=1), flush=True)
        rows = {key: kept[key] for key in TABLES if key in kept}
        write(
            "boosted_opponent",
            {
                "command": "python -m studies boosted_opponent",
                "seed": SEED,
                "budget": BUDGET,
                "margin_in_points": MARGIN,
                "fewest_rows": FEWEST_ROWS,
                "versions": {"numpy": np.__version__, "scikit-learn": sklearn.__version__},
                "tables": rows,
                "drawn again": drawn_again(SEED),
            },
        )


def row(name):
    """Scores of all ways on one table, and their leads over the boosted opponent."""
    start = time.process_time()
    X, y, cv, folds = table(name)
    classify, T = name == "Landmine", len(np.unique(X[:, 0]))
    models = ways(classify=classify, most_tasks=T)
    free = {key: model for key, (model, dials) in models.items() if dials is None}
    models = {key: pair for key, pair in models.items() if key not in free}
    score = {"scoring": "roc_auc", "average": "macro"} if classify else {"scoring": "r2"}
    found = compared(
        models, X, y, free=free, task_col=0, cv=cv, inner_cv=folds, random_state=SEED, **score
    )  # fmt: skip
    shown = [name for name in WAYS if name in found.scores]
    return {
        "score": "macro AUC" if classify else "R²",
        "rows": len(y),
        "tasks": T,
        "features": X.shape[1] - 1,
        "train_rows": len(cv[0][0]),
        "test_rows": len(cv[0][1]),
        "splits": len(cv),
        "inner_folds": 2 if classify else folds,
        "scores": {k: round(100 * float(found.scores[k].mean()), 2) for k in shown},
        "lead over tied": {k: lead(found, k, TIED) for k in shown if k != TIED},
        "lead over no id": {k: lead(found, k, BLIND) for k in (TOLD, ENCODED) if k in shown},
        "cpu_seconds": round(time.process_time() - start),
    }


def lead(found, name, other):
    """Points by which one leads another, with the interval for new rows and the verdict."""
    verdicts = len(TABLES) * (len(WAYS) - 1) - 1  # all that the figure shows
    word = {"margin": MARGIN / 100, "scope": "new rows"}
    return points(found.difference(name, other, scope="new rows")) | {
        "verdict": found.verdict(name, other, **word),
        "all counted": found.verdict(name, other, level=1 - 0.05 / verdicts, **word),
    }


def sleepers(seed, curve=0.0):
    """The 18 people again: their lines, and new noise as large as that about the lines.

    `curve` bends all lines alike: milliseconds between the nights 0 and 9 and the middle.
    """
    stored = json.loads((RESULTS / "partial_pooling.json").read_text(encoding="utf-8"))
    level, slope, noise = np.array([person[1:] for person in stored["sleepstudy"]["people"]]).T
    person, day = np.divmod(np.arange(180), 10)
    y = level[person] + slope[person] * day + curve * (((day - 4.5) / 4.5) ** 2 - 0.5)
    y += noise[person] * np.random.default_rng(seed).standard_normal(180)
    return np.column_stack([person, day]).astype(float), y


def drawn_again(seed):
    """R² of four ways on one split of a table that is drawn again, six settings each."""
    X, y = sleepers(seed)
    cv = TaskStratifiedShuffleSplit(1, train_size=0.5, task_col=0, random_state=seed)
    train, test = next(cv.split(X, y))
    folds = TaskStratifiedKFold(2, task_col=0, shuffle=True, random_state=seed)
    found = {}
    for name in (ALONE, TIED, BLIND, TOLD):
        model, dials = ways()[name]
        model = GridSearchCV(model, dials, cv=folds) if dials else model
        found[name] = round(100 * model.fit(X[train], y[train]).score(X[test], y[test]), 3)
    return found
