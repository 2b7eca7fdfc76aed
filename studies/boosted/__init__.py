"""Boosted trees told the task, the third opponent, on the tables of the book's pages.

Trees take minutes where a page may take seconds, so each page that claims a gain on real data has
a module here. It names the page's comparisons, with the page's own candidates, grids and splits.
The study adds the trees, pooled and one model per task, which tells what flexibility gains from
what sharing gains. They are tuned on the same splits with the same number of settings. It stores
what the page shows: ``python -m studies boosted`` writes ``results/boosted_PAGE.json`` for every
page, ``python -m studies boosted PAGE`` for one.
"""

import importlib
import pkgutil
import time

import sklearn
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from mtlkit.baselines import PerTask, Pooled
from mtlkit.evaluation import compare

from .._stored import write

BOOSTED, BOOSTED_ALONE = "boosted, told the task", "boosted, one per task"
# By number of settings; scikit-learn's default, (0.1, 20, 31), is in every grid.
GRIDS = {
    2: {"learning_rate": [0.03, 0.1]},
    3: {"learning_rate": [0.01, 0.03, 0.1]},
    4: {"learning_rate": [0.03, 0.1], "min_samples_leaf": [5, 20]},
    6: {"learning_rate": [0.01, 0.03, 0.1], "min_samples_leaf": [5, 20]},
    8: {"learning_rate": [0.03, 0.1], "min_samples_leaf": [5, 20], "max_leaf_nodes": [8, 31]},
}


def boosted_trees(task_col, budget, *, classify, alone=PerTask, grid=None):
    """The two candidates, with a grid of as many settings as the page's others have.

    `alone` makes models of single tasks out of trees; `None` leaves them out. `grid` takes the
    place of that in `GRIDS`.
    """
    kind = HistGradientBoostingClassifier if classify else HistGradientBoostingRegressor
    trees = kind(random_state=0)
    grid = {f"estimator__{name}": values for name, values in (grid or GRIDS[budget]).items()}
    told = {BOOSTED: (Pooled(trees, task_col=task_col, task_as_input="category"), grid)}
    if alone is None:
        return told
    return told | {BOOSTED_ALONE: (alone(trees, task_col=task_col), grid)}


def run(pages=None):
    known = [module.name for module in pkgutil.iter_modules(__path__)]
    for page in pages or known:
        if page not in known:
            raise ValueError(f"no page {page!r} is studied, only {', '.join(known)}")
        module = importlib.import_module(f".{page}", __name__)
        start = time.process_time()
        if hasattr(module, "rows"):  # a page without `compare` has a loop of its own
            rows = module.rows()
        else:
            rows = [study(name, **case) for name, case in module.cases().items()]
        result = {
            "command": f"python -m studies boosted {page}",
            "cpu_seconds": round(time.process_time() - start),
            "versions": {"scikit-learn": sklearn.__version__},
            "cases": {row.pop("name"): row for row in rows},
        }
        print(write(f"boosted_{page}", result))


def study(
    name, *, candidates, X, y, budget, classify,
    alone=PerTask, grid=None, margin=None, pairs=(), **settings,
):  # fmt: skip
    """One comparison of a page with the trees added; differences are in points, for new rows.

    `pairs` are candidates that the page also holds against each other. A verdict that stands while
    all pairs are counted has the level 1 - 0.05 / pairs (Bonferroni). `alone` and `grid` are those
    of `boosted_trees`: where one task is scored, models of the others would be wasted.
    """
    settings = {"task_col": 0, "random_state": 0} | settings
    trees = boosted_trees(settings["task_col"], budget, classify=classify, alone=alone, grid=grid)
    ways = candidates | trees
    found = compare(ways, X, y, **settings)
    against = {}
    for other in (name for name in ways if name != BOOSTED):
        against[other] = points(found.difference(other, BOOSTED))
        if margin is not None:
            against[other]["verdict"] = found.verdict(other, BOOSTED, margin=margin)
    between = {}
    for one, other in pairs:
        row = between[f"{one} minus {other}"] = points(found.difference(one, other))
        row["verdict"] = found.verdict(one, other, margin=margin)
        level = 1 - 0.05 / len(pairs)
        row["verdict, all counted"] = found.verdict(one, other, margin=margin, level=level)
    return {
        "name": name,
        "scope": "new rows",
        "splits": len(found.scores[BOOSTED]),
        "budget": budget,
        "scores": {k: round(100 * float(v.mean()), 2) for k, v in found.scores.items()},
        "gain over the baseline": {
            k: points(found.difference(k)) for k in found.names if k != found.baseline
        },
        "gain over the trees": against,
    } | ({"pairs": between} if pairs else {})


def points(difference):
    shown = {"mean": difference.mean, "low": difference.low, "high": difference.high}
    return {key: round(100 * float(value), 2) for key, value in shown.items()}
