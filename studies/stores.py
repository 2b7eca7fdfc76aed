"""Weekly sales of 45 stores: one model each, one for all, one told the store, and naive forecasts.

Needs the data of `mtlkit.datasets.fetch_stores`. Labels are logarithms of sales, so that an error
of 0.05 misses a week's sales by about five per cent; features are words of the calendar, which are
known in advance. Every split is by time: four quarters of 13 weeks are forecast, each from the
weeks before it, and the last 13 of those choose among as many settings for every arm.

Then stores are new: nine of the 45 have only their last few weeks, and each store is new once in
each of four quarters. Other stores, cut in the same way one quarter earlier, choose the settings.
"""

import warnings

import numpy as np
import sklearn
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score

from mtlkit.baselines import PerTask, Pooled
from mtlkit.evaluation import compare, paired_difference, verdict
from mtlkit.linear import EmpiricalBayesRidge, MeanRegularizedRidge
from mtlkit.table import TaskStratifiedShuffleSplit

from ._store_table import (
    AGO,
    CHAIN,
    CHANGES,
    CUTS,
    GROWN,
    MEAN,
    N_WORDS,
    ORIGINS,
    QUARTER,
    RECENT,
    SEED,
    WEEKS,
    WORDS,
    YEAR,
    LastQuarter,
    Naive,
    View,
    by_time,
    calendar,
    table,
    with_new_stores,
)  # fmt: skip
from ._stored import write
from .opponents import compared, difference

MARGIN, WITH_TREES, OVER = 0.5, 10, " (growth)"
ALONE, POOLED, TOLD, TIED = "alone", "pooled, no store", "pooled, a level per store", "tied"
LEVELS, SLOPES = "partial pooling, levels", "partial pooling, all weights"
TREES, TREES_LEVEL = "boosted, told the store", "boosted, told the store and its level"
RULES = (YEAR, GROWN, RECENT, MEAN)
G = {name: name + OVER for name in (ALONE, POOLED, TOLD, TIED, LEVELS, SLOPES, TREES)}
# What is held against what: old stores, and new ones.
PAIRS = [
    (TOLD, POOLED),
    (TOLD, ALONE),
    (TIED, ALONE),
    (TIED, TOLD),
    (SLOPES, ALONE),
    (SLOPES, TOLD),
]
PAIRS += [(TIED, TREES), (TIED, TREES_LEVEL), (TIED, GROWN), (SLOPES, GROWN), (TREES_LEVEL, GROWN)]
PAIRS += [(G[ALONE], ALONE), (G[TOLD], G[POOLED]), (G[TIED], G[ALONE]), (G[TIED], G[TREES])]
PAIRS += [(G[name], GROWN) for name in (ALONE, POOLED, TOLD, TIED, SLOPES, TREES)]
NEW_PAIRS = [(TOLD, POOLED), (TOLD, ALONE), (TIED, ALONE), (SLOPES, ALONE), (SLOPES, TOLD)]
NEW_PAIRS += [(LEVELS, TOLD), (TIED, TOLD), (CHAIN, ALONE), (TOLD, CHAIN), (SLOPES, CHAIN)]
NEW_PAIRS += [(SLOPES, RECENT), (SLOPES, TREES), (SLOPES, TREES_LEVEL), (TOLD, TREES_LEVEL)]
DEALS, SHOWN, SHOWN_CUT = 5, 91, 10


def candidates(over=None, trees=True):
    """Arms with six settings each."""
    columns = CHANGES if over else WORDS
    strengths = [0.1, 0.3, 1, 3, 10, 30]
    told = MeanRegularizedRidge(coupling=np.inf, task_col=0, couple_intercept=False)
    tied = MeanRegularizedRidge(task_col=0, couple_intercept=False)
    found = {
        ALONE: (PerTask(Ridge(), task_col=0), {"estimator__alpha": strengths}),
        POOLED: (Pooled(Ridge(), task_col=0), {"estimator__alpha": strengths}),
        # The penalty of a shared part counts once a store.
        TOLD: (told, {"alpha": [a / 10 for a in strengths]}),
        TIED: (tied, {"alpha": [0.01, 0.1], "coupling": [10, 100, 1000]}),
    }
    if trees:
        boosted = HistGradientBoostingRegressor(max_iter=150, random_state=0)
        boosted = Pooled(boosted, task_col=0, task_as_input="category")
        found[TREES] = (
            boosted,
            {"estimator__learning_rate": [0.03, 0.1, 0.3], "estimator__min_samples_leaf": [5, 20]},
        )
    arms = {name: _seen(*pair, over, columns) for name, pair in found.items()}
    if trees and not over:
        arms[TREES_LEVEL] = _seen(*found[TREES], "level", columns)
    return {name + OVER * bool(over): arm for name, arm in arms.items()}


def _seen(model, grid, over, columns):
    return View(model, over, columns), {f"estimator__{key}": v for key, v in grid.items()}


def estimated(over=None):
    """Arms that choose no setting: partial pooling tunes itself."""
    columns = CHANGES if over else WORDS
    models = {
        LEVELS: EmpiricalBayesRidge(task_col=0),
        SLOPES: EmpiricalBayesRidge("all", task_col=0),
    }
    return {name + OVER * bool(over): View(m, over, columns) for name, m in models.items()}


def contest(X, y, week, splits, inner, arms, free, rules=()):
    """All arms on the same splits, scored by the mean absolute error of log sales."""
    free = free | {rule: Naive(rule) for rule in rules}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "candidate .* has no task_col")
        return compared(
            arms, X, y, free=free, task_col=0, cv=splits, inner_cv=inner, groups=week,
            scoring="neg_mean_absolute_error", random_state=SEED,
        )  # fmt: skip


def run():
    """Measure and write ``stores.json``."""
    X, y, week = table()
    splits = by_time(X, week)
    arms = candidates() | candidates("year")
    free = estimated() | estimated("year")
    old = contest(X, y, week, splits, LastQuarter(), arms, free, RULES)
    show(old)
    result = {
        "command": "python -m studies stores",
        "seed": SEED,
        "budget": 6,
        "margin": MARGIN,
        "origins": ORIGINS,
        "versions": {"numpy": np.__version__, "scikit-learn": sklearn.__version__},
        "data": describe(X, y, week),
        "old": {
            "arms": of_arms(old),
            "differences": [
                {"candidate": a} | difference(old, a, b, margin=MARGIN) for a, b in PAIRS
            ],
            "stores": {
                n: (-100 * old.task_scores[n].mean(axis=0)).round(2).tolist()
                for n in (ALONE, TIED, G[TIED], GROWN)
            },
            "r2": r2(X, y, splits),
        },
        "leak": leak(X, y, week),
        "extra": extra(),
        "new": {str(cut): newcomers(X, y, week, cut) for cut in CUTS},
        "deals": [
            newcomers(X, y, week, WITH_TREES, seed, trees=False)["differences"]
            for seed in range(1, DEALS)
        ],
        "shown": shown(X, y, week),
    }
    write("stores", result)


def show(found):
    for name in found.names:
        print(f"{name:45} {-100 * found.scores[name].mean():6.2f}", flush=True)


def of_arms(found):
    """Errors in per cent on each split, and what was chosen."""
    return {
        name: {
            "error": (-100 * found.scores[name]).round(3).tolist(),
            "chosen": [
                {k.split("__")[-1]: v for k, v in c.items()} for c in found.best_params[name]
            ],
        }
        for name in found.names
    }


def describe(X, y, week):
    store = X[:, 0].astype(int)
    mean = np.bincount(store, y) / np.bincount(store)
    left = y - mean[store]
    words, names = X[:, 1 : N_WORDS + 1], calendar([0])[0]
    common = np.linalg.lstsq(np.column_stack([np.ones(len(y)), words]), left, rcond=None)[0]
    return {
        "rows": len(y),
        "stores": int(store.max()) + 1,
        "weeks": WEEKS,
        "levels": np.sort(np.exp(mean)).round(-4).astype(int).tolist(),
        "between_share": round(1 - left.var() / y.var(), 4),
        "chain": [round(float(left[week == w].mean()), 4) for w in range(WEEKS)],
        "words": names,
        "common": common[1:].round(4).tolist(),
        "left_after_calendar": round(float((left - words @ common[1:] - common[0]).std()), 4),
        "left": round(float(left.std()), 4),
    }


def r2(X, y, splits):
    """R² on the scale of logarithms, of two rules."""
    found = {}
    for rule in (MEAN, GROWN):
        made = [Naive(rule).fit(X[a], y[a]).predict(X[b]) for a, b in splits]
        found[rule] = [round(r2_score(y[b], f), 4) for (_, b), f in zip(splits, made, strict=True)]
    return found


def leak(X, y, week):
    """The same arms on rows drawn at random, as many for training and tests as by time."""
    known = np.isfinite(X[:, AGO])
    train = np.mean([len(a) for a, _ in by_time(X, week)])
    test = np.mean([len(b) for _, b in by_time(X, week)])
    cv = TaskStratifiedShuffleSplit(
        4, train_size=train / len(y), test_size=test / len(y), task_col=0, random_state=SEED
    )
    splits = [(a, b[known[b]]) for a, b in cv.split(X)]
    arms = {n: c for n, c in candidates().items() if n in (ALONE, TIED, TREES_LEVEL)}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "no candidate is")
        found = compare(
            arms, X, y, task_col=0, cv=splits, inner_cv=2, scoring="neg_mean_absolute_error",
            random_state=SEED,
        )  # fmt: skip
    show(found)
    return of_arms(found)


def extra():
    """What weather, fuel, prices and unemployment of the week add, if somebody knew them."""
    X, y, week = table(extra=True)
    more = [*WORDS, *range(CHANGES[-1] + 1, X.shape[1])]
    arms, knowing = candidates(trees=False), " and weather, prices"
    for name in (ALONE, TOLD, TIED):
        view, grid = arms[name]
        arms[name + knowing] = (View(view.estimator, None, more), grid)
    found = contest(X, y, week, by_time(X, week), LastQuarter(), arms, {}, ())
    show(found)
    return [
        {"candidate": name + knowing} | difference(found, name + knowing, name, margin=MARGIN)
        for name in (ALONE, TOLD, TIED)
    ]


def newcomers(X, y, week, cut, seed=SEED, trees=None):
    """All arms where each store is new once in each quarter, with `cut` weeks of its own."""
    splits = with_new_stores(X, week, cut, seed)
    trees = cut == WITH_TREES if trees is None else trees
    found = contest(
        X, y, week, splits, LastQuarter(cut, seed), candidates(trees=trees), estimated(),
        (RECENT, CHAIN),
    )  # fmt: skip
    print(cut, seed)
    show(found)
    # Of each quarter and store, from the split in which the store was new.
    scores = {
        n: np.nanmean(100 * s.reshape(len(ORIGINS), -1, s.shape[1]), axis=1)
        for n, s in found.task_scores.items()
    }
    size = [np.mean([len(part) for part in side]) for side in zip(*splits, strict=True)]
    pairs = [pair for pair in NEW_PAIRS if set(pair) <= set(scores)]
    return {
        "error": {n: (-s.mean(axis=1)).round(3).tolist() for n, s in scores.items()},
        "stores": {n: (-s.mean(axis=0)).round(2).tolist() for n, s in scores.items()},
        "differences": [_gain(scores, a, b, size) for a, b in pairs],
    }


def _gain(scores, a, b, size):
    """Points by which a misses less; quarters are the sample for new rows, stores for new tasks."""
    result = {"candidate": a, "baseline": b}
    for scope, axis, corrected in (("new rows", 1, size), ("new tasks", 0, None)):
        pair = [scores[name].mean(axis=axis) for name in (a, b)]
        d = paired_difference(*pair, corrected=corrected)
        result["mean"] = round(d.mean, 3)
        word = verdict(*pair, MARGIN, corrected=corrected)
        result[scope] = {"interval": [round(d.low, 3), round(d.high, 3)], "verdict": word}
    return result


def shown(X, y, week):
    """A table for a page to fit again: nine new stores, and the mean of the others as a tenth.

    Values are logarithms of sales, less their mean over the weeks that are known.
    """
    train, test = with_new_stores(X, week, SHOWN_CUT)[5 * ORIGINS.index(SHOWN)]
    new = np.unique(X[test, 0])
    old = train[~np.isin(X[train, 0], new)]
    chain = [float(y[old][week[old] == w].mean()) for w in range(SHOWN)]
    weeks = range(SHOWN - SHOWN_CUT, SHOWN + QUARTER)
    rows = np.concatenate([train, test])
    stores = []
    for s in new:
        own = rows[X[rows, 0] == s]
        values = dict(zip(week[own].tolist(), y[own], strict=True))
        level = np.mean([values[w] for w in weeks if w < SHOWN])
        stores.append([round(float(values[w] - level), 4) for w in weeks])
    chain = np.round(np.array(chain) - np.mean(chain), 4).tolist()
    words = dict(zip(week.tolist(), X[:, WORDS[1:]].round(4).tolist(), strict=True))
    words = [words[w] for w in range(WEEKS)]
    result = {"new": (new.astype(int) + 1).tolist(), "chain": chain, "stores": stores}
    return result | {"words": words, "error": fixed_errors(chain, stores, words)}


def fixed_errors(chain, stores, words):
    """Errors in per cent of untuned models on the table of `shown`, for each new store."""
    chain, stores = np.array(chain), np.array(stores)
    weeks = np.arange(SHOWN - SHOWN_CUT, SHOWN + QUARTER)
    rows = [[9, *words[w]] for w in range(SHOWN)]
    rows += [[s, *words[w]] for s in range(len(stores)) for w in weeks[:SHOWN_CUT]]
    asked = [[s, *words[w]] for s in range(len(stores)) for w in weeks[SHOWN_CUT:]]
    y, truth = np.concatenate([chain, stores[:, :SHOWN_CUT].ravel()]), stores[:, SHOWN_CUT:]
    models = {
        ALONE: PerTask(Ridge(1), task_col=0),
        TOLD: MeanRegularizedRidge(0.1, np.inf, task_col=0, couple_intercept=False),
    }
    made = {n: m.fit(rows, y).predict(asked).reshape(truth.shape) for n, m in models.items()}
    return {n: (100 * abs(f - truth).mean(axis=1)).round(2).tolist() for n, f in made.items()}
