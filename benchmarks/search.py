"""A comparison of three ways to use 139 schools, searched from moments and by fits on rows.

Both are `mtlkit.evaluation.compare` on the same splits and give the same table: the first as it is,
the second without the search from moments and without ridges of all tasks at once.
"""

import json
import time
import warnings
from contextlib import ExitStack
from importlib.metadata import version
from unittest.mock import patch

import numpy as np
from sklearn.linear_model import Ridge

from mtlkit.baselines import PerTask, Pooled
from mtlkit.datasets import fetch_school, make_linear_tasks
from mtlkit.evaluation import compare
from mtlkit.linear import MeanRegularizedRidge
from mtlkit.table import TaskStratifiedShuffleSplit

from .linear import RESULTS

SPLITS, ALPHAS, COUPLINGS = 20, [0.1, 1, 10, 100, 1000], [3, 10, 30, 100, 300]
FAST = (
    "mtlkit.evaluation._search.search_from_moments",
    "mtlkit.baselines._per_task.fit_ridges",
    "mtlkit.baselines._per_task.ridge_values",
)


def table():
    """The school data, or without them a table of the same shape; and its name."""
    try:
        return *fetch_school(), "school"
    except OSError:
        sizes = np.random.default_rng(0).integers(22, 200, 139)
        return *make_linear_tasks(139, n_samples=sizes, n_features=27, random_state=0), "generated"


def comparison(X, y, *, rows):
    """CPU seconds and the comparison; with `rows`, from fits on rows alone."""
    candidates = {
        "alone": (PerTask(Ridge(), task_col=0), {"estimator__alpha": ALPHAS}),
        "pooled": (Pooled(Ridge(), task_col=0), {"estimator__alpha": ALPHAS}),
        "tied": (MeanRegularizedRidge(task_col=0), {"coupling": COUPLINGS}),
    }
    cv = TaskStratifiedShuffleSplit(SPLITS, task_col=0, random_state=0)
    with ExitStack() as stack:
        for name in FAST if rows else ():
            stack.enter_context(patch(name, return_value=None))
        start = time.process_time()
        found = compare(candidates, X, y, task_col=0, cv=cv, random_state=0)
        return time.process_time() - start, found


def run():
    """Measure and write ``search.json``."""
    warnings.filterwarnings(
        "ignore", "no candidate is boosted"
    )  # trees are not searched by moments
    X, y, name = table()
    comparison(X[:2000], y[:2000], rows=False)  # what is loaded on the first call
    (after, ours), (before, theirs) = (comparison(X, y, rows=rows) for rows in (False, True))
    differ = max(np.abs(ours.scores[key] - theirs.scores[key]).max() for key in ours.scores)
    same = ours.best_params == theirs.best_params
    result = {
        "command": "python -m benchmarks search",
        "clock": "processor seconds, one thread",
        "versions": {package: version(package) for package in ("numpy", "scipy", "scikit-learn")},
        "table": name,
        "rows": len(y),
        "tasks": len(np.unique(X[:, 0])),
        "features": X.shape[1] - 1,
        "fits": {"splits": SPLITS, "candidates": 3, "settings": len(ALPHAS), "folds": 5},
        "before": round(before, 2),
        "after": round(after, 2),
        "ratio": round(before / after, 1),
        "same settings chosen": same,
        "largest difference of scores": float(f"{differ:.1g}"),
    }
    (RESULTS / "search.json").write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))
