"""The strongest models that a table has: what studies hold the linear candidates of a page against.

Boosted trees, a forest and a kernel are pooled and told the task; boosted trees are also fitted for
each task alone, which tells what flexibility gains from what sharing gains. Every one of them has a
grid of four settings, as the candidates beside them have.
"""

import warnings
from dataclasses import replace

import numpy as np
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import FunctionTransformer

from mtlkit.baselines import PerTask, Pooled
from mtlkit.evaluation import compare

SCOPES = ("new rows", "new tasks", "these rows")
TREES, TREES_ALONE = "boosted, told the task", "boosted alone"
FOREST, KERNEL = "forest, told the task", "kernel, told the task"
PARTIAL = "partial pooling"


def flexible(spread, *, classify, task_col=0, components=200, iterations=100):
    """Four candidates with their grids.

    `spread` is the sum of the variances of the features, which the kernel's width is measured in.
    Half as many `iterations` of boosting go with twice the rates of learning.
    """
    boosted = HistGradientBoostingClassifier if classify else HistGradientBoostingRegressor
    light = GradientBoostingClassifier if classify else GradientBoostingRegressor
    forest = RandomForestClassifier if classify else RandomForestRegressor
    rates = [3 / iterations, 10 / iterations]
    trees = {"learning_rate": rates, "min_samples_leaf": [5, 20]}
    # Histograms do not pay on some dozens of rows: the same trees, fewer, grown without them.
    alone = light(n_estimators=15, random_state=0)
    few = {"learning_rate": [0.15, 0.4], "max_depth": [1, 2]}
    widths = np.array([0.1, 1]) / spread
    weights = "C" if classify else "alpha"
    kernel = make_pipeline(
        make_union(
            Nystroem(n_components=components, random_state=0),
            FunctionTransformer(accept_sparse=True),
        ),
        LogisticRegression(max_iter=500) if classify else Ridge(),
    )
    step = f"estimator__{type(kernel[-1]).__name__.lower()}__{weights}"
    own = {
        "estimator__featureunion__nystroem__gamma": widths,
        step: [0.03, 1] if classify else [1, 10],
    }
    leaves = {"min_samples_leaf": [1, 3, 5, 10]}
    told = {"task_col": task_col, "task_as_input": True}
    return {
        TREES: (
            Pooled(
                boosted(max_iter=iterations, random_state=0),
                task_col=task_col,
                task_as_input="category",
            ),
            _inside(trees),
        ),
        TREES_ALONE: (PerTask(alone, task_col=task_col), _inside(few)),
        FOREST: (
            Pooled(forest(20, max_features=0.33, random_state=0), **told),
            _inside(leaves),
        ),
        KERNEL: (Pooled(kernel, **told), own),
    }


def _inside(grid):
    return {f"estimator__{name}": values for name, values in grid.items()}


def compared(candidates, *table, free=None, **settings):
    """`compare`, with candidates in `free` that tune themselves: their budget is itself."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "no candidate is")
        warnings.filterwarnings("ignore", "scope='new tasks': the sample is")
        warnings.filterwarnings("ignore", "n_components > n_samples")
        found = compare(candidates, *table, **settings)
        if not free:
            return found
        # A comparison wants two candidates, and each of them as often as the other.
        own = {name: (model, {}) for name, model in free.items()}
        own[found.baseline] = (candidates[found.baseline][0], {})
        return joined(found, compare(own, *table, **settings | {"baseline": found.baseline}))


def joined(first, second):
    """One comparison of two on the same splits; candidates of both are those of the first."""
    assert np.array_equal(first.parts.test, second.parts.test)
    fields = ("scores", "task_scores", "best_params", "seconds", "settings")
    fields += ("influences", "task_influences", "searches")
    both = {name: getattr(second, name) | getattr(first, name) for name in fields}
    others = [name for name in second.names if name not in first.names]
    return replace(first, names=first.names + others, **both)


def difference(found, name, baseline, *, margin, scopes=SCOPES, level=0.95):
    """Points by which a candidate leads, with intervals and verdicts; the margin is in points."""
    if name == baseline:
        return None
    result = {"baseline": baseline}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "scope='new tasks': the sample is")
        for scope in scopes:
            if scope == "new tasks" and len(found.tasks) < 2:
                continue
            d = found.difference(name, baseline, scope=scope, level=level).times(100)
            result["mean"] = round(d.mean, 3)
            word = found.verdict(name, baseline, margin=margin / 100, scope=scope, level=level)
            result[scope] = {"interval": [round(d.low, 3), round(d.high, 3)], "verdict": word}
    return result
