"""Exam scores in 139 schools: published figures beside tuned baselines on the same table.

Needs the data of `mtlkit.datasets.fetch_school`. Features are brought to one scale with what all
rows say about them, and no label; then ridges are searched from moments. Ten random splits stand in
the papers, so there are four sets of ten, each from a seed of its own, and what rests on which set
is stored with it. The strongest models are slow: they are held against the linear ones on the first
set, with fewer settings and folds for all. On a table that ships with scikit-learn the same
candidates are fitted once more, for a page to repeat.
"""

import numpy as np
import sklearn
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler

from mtlkit.baselines import PerTask, Pooled
from mtlkit.datasets import fetch_school, load_digit_angles
from mtlkit.linear import EmpiricalBayesRidge, MeanRegularizedRidge
from mtlkit.table import TaskStratifiedShuffleSplit

from ._school_parts import PUBLISHED, by_size, describe, each_school, untuned
from ._stored import write
from .opponents import KERNEL, SCOPES, TREES, TREES_ALONE, compared, difference, flexible

SEEDS, SPLITS, TEST_SIZE, FOLDS, MARGIN = (0, 1, 2, 3), 10, 0.25, 3, 1
# Splits, folds and settings where trees take part.
FEW_SPLITS, FEW_FOLDS, FEW = 8, 2, 4
UNTUNED_SPLITS = 5
COUPLINGS = [0, 1, 3, 10, 30, 100, 300, 1000, 3000, 10000, 100000, np.inf]
TOLD, ENCODED = "pooled, a level per school", "boosted, school encoded"
LEVELS, SLOPES = "partial pooling, levels", "partial pooling, all weights"
DEFINITIONS = {
    "explained": "100 (1 - SSE / SST); SSE: squared errors summed over the test rows of all "
    "schools; SST: squared deviations of these scores from their mean over all schools",
    "within": "100 (1 - SSE / SSW); SSW: squared deviations of the test scores from the mean of "
    "the test scores of their own school",
    "rmse": "square root of SSE / number of test rows, in score points",
    "new rows": "95 % interval about new pupils of the same schools (Nadeau and Bengio)",
    "new tasks": "95 % interval about other schools like these: schools are the sample",
    "these rows": "95 % t interval over the splits: about the mean over splits of this table",
    "verdict": f"ties: equivalence test at 5 % with a margin of {MARGIN} point; else wins or loses "
    "if the 95 % interval excludes zero; else inconclusive",
}


def candidates(few=False):
    """Five ways to use the schools, with eight settings each, or four."""
    strengths = [10, 30, 100, 300] if few else [0.3, 1, 3, 10, 30, 100, 300, 1000]
    dials = {"alpha": [0.1, 1], "coupling": [100, 1000] if few else [30, 100, 300, 1000]}
    under = {"estimator__alpha": strengths}
    # One set of weights, and a level for each school that nothing pulls.
    told = MeanRegularizedRidge(coupling=np.inf, task_col=0, couple_intercept=False)
    free = MeanRegularizedRidge(task_col=0, couple_intercept=False)
    return {
        "alone": (PerTask(Ridge(), task_col=0), under),
        "pooled": (Pooled(Ridge(), task_col=0), under),
        TOLD: (told, {"alpha": strengths}),
        "tied": (MeanRegularizedRidge(task_col=0), dials),
        "tied, free levels": (free, dials),
    }


def estimated():
    """Partial pooling by REML: it tunes itself on the training rows."""
    return {LEVELS: EmpiricalBayesRidge(task_col=0)}


def strongest(X):
    """What the linear candidates are held against, four settings each."""
    spread = X[:, 1:].var(axis=0).sum()
    found = flexible(spread, classify=False, components=100)
    # More tasks than bins: trees see the task as its mean score, pulled to that of all.
    encoded = HistGradientBoostingRegressor(max_bins=128, random_state=0)
    encoded = Pooled(encoded, task_col=0, task_as_input="category")
    return found | {ENCODED: (encoded, found[TREES][1])}


def run():
    """Measure and write ``school.json``."""
    X, y = fetch_school()
    data = describe(X, y)
    X[:, 1:] = StandardScaler().fit_transform(X[:, 1:])
    sets = {seed: _set(X, y, seed) for seed in SEEDS}
    first = sets[SEEDS[0]]
    print(first["found"].table(), flush=True)
    squares, train, test = (first[key] for key in ("squares", "train", "test"))
    splits = first["splits"]
    hard = compared(
        candidates(few=True) | strongest(X), X, y, task_col=0, cv=splits[:FEW_SPLITS],
        free=estimated() | {SLOPES: EmpiricalBayesRidge("all", task_col=0)},
        inner_cv=FEW_FOLDS, n_jobs=2, random_state=SEEDS[0],
    )  # fmt: skip
    print(hard.table(), flush=True)
    dial = {
        f"{c:g}": (
            MeanRegularizedRidge(coupling=c, task_col=0),
            {"alpha": np.geomspace(0.01, 100, 9)},
        )
        for c in COUPLINGS
    }
    dial = compared(
        dial,
        X,
        y,
        task_col=0,
        baseline="0",
        cv=splits[:FEW_SPLITS],
        inner_cv=FEW_FOLDS,
        n_jobs=2,
        random_state=SEEDS[0],
    )
    write(
        "school",
        {
            "command": "python -m studies school",
            "seeds": SEEDS,
            "splits": SPLITS,
            "train_rows": int(train[0].sum()),
            "test_rows": int(test[0].sum()),
            "inner_folds": FOLDS,
            "budget": 8,
            "margin_in_points": MARGIN,
            "versions": {"numpy": np.__version__, "scikit-learn": sklearn.__version__},
            "data": data,
            "definitions": DEFINITIONS,
            "published": PUBLISHED,
            "candidates": {
                name: _candidate(name, sets, first["found"]) for name in first["found"].names
            },
            "sets": {str(seed): _of_set(part) for seed, part in sets.items()},
            "strongest": {
                "budget": FEW,
                "splits": FEW_SPLITS,
                "about": f"the first {FEW_SPLITS} splits of the first seed; all have four "
                "settings and two inner folds, but for partial pooling, which estimates its "
                "strength from the training rows",
                "candidates": {name: _strong(hard, name) for name in hard.names},
                "differences": [
                    {"candidate": name} | difference(hard, name, baseline, margin=MARGIN)
                    for baseline in ("alone", "pooled", TOLD, TREES, KERNEL, TREES_ALONE)
                    for name in hard.names
                    if name != baseline
                ],
            },
            "untuned": {
                name: {key: value.round(3).tolist() for key, value in found.items()}
                for name, found in untuned(X, y, splits[:UNTUNED_SPLITS], scores).items()
            },
            "schools": each_school(squares, train, test),
            "sizes": by_size(squares, train, test),
            "dial": {
                "coupling": [str(c) for c in COUPLINGS],
                "explained": [(100 * dial.scores[name]).round(3).tolist() for name in dial.names],
                "alpha": [[round(p["alpha"], 4) for p in dial.best_params[n]] for n in dial.names],
                "gain": [
                    difference(dial, name, "0", margin=MARGIN, scopes=SCOPES[:1])
                    for name in dial.names[1:]
                ],
            },
            "control": control(),
            "dial_splits": FEW_SPLITS,
            "untuned_splits": UNTUNED_SPLITS,
        }
    )  # fmt: skip


def _set(X, y, seed):
    """The linear candidates on ten splits of one seed."""
    cv = TaskStratifiedShuffleSplit(SPLITS, test_size=TEST_SIZE, task_col=0, random_state=seed)
    splits = list(cv.split(X))
    found = compared(
        candidates(), X, y, free=estimated(), task_col=0, cv=splits, inner_cv=FOLDS, n_jobs=2,
        random_state=seed,
    )  # fmt: skip
    squares, test = of_schools(found, X, y, splits)
    rows = [np.bincount(X[part, 0].astype(int)) for part, _ in splits]
    return {"found": found, "splits": splits, "squares": squares, "train": np.array(rows),
            "test": test, "scores": scores(squares, X, y, splits)}  # fmt: skip


def of_schools(found, X, y, splits):
    """Squared errors of each school on each split, from the R² of each, and the test rows."""
    total, test = [], []
    for _, part in splits:
        school = X[part, 0].astype(int)
        test.append(np.bincount(school))
        means = np.bincount(school, y[part]) / test[-1]
        total.append(np.bincount(school, (y[part] - means[school]) ** 2))
    return {n: (1 - found.task_scores[n]) * np.array(total) for n in found.names}, np.array(test)


def scores(squares, X, y, splits):
    """Three scores of each candidate on each split."""
    total, own, rows = [], [], []
    for _, part in splits:
        school = X[part, 0].astype(int)
        means = np.bincount(school, y[part]) / np.bincount(school)
        total.append(((y[part] - y[part].mean()) ** 2).sum())
        own.append(((y[part] - means[school]) ** 2).sum())
        rows.append(len(part))
    errors = {name: value.sum(axis=1) for name, value in squares.items()}
    return {
        name: {
            "explained": 100 * (1 - error / total),
            "within": 100 * (1 - error / own),
            "rmse": np.sqrt(error / rows),
        }
        for name, error in errors.items()
    }


def _candidate(name, sets, found):
    """The scores of all sets, one after the other, and what was chosen on the first."""
    parts = [part["scores"][name] for part in sets.values()]
    chosen = found.best_params[name]
    return {
        "setting": "pooled" if name == TOLD else found.settings[name],
        "cpu_seconds": round(float(found.seconds[name].sum()), 1),
        "chosen": {
            key.split("__")[-1]: [round(float(c[key]), 3) for c in chosen] for key in chosen[0]
        },
        **{
            key: np.concatenate([part[key] for part in parts]).round(3).tolist()
            for key in ("explained", "within", "rmse")
        },
    }


def _of_set(part):
    """Means of a set, and differences with their intervals."""
    found = part["found"]
    pairs = [("pooled", "alone"), ("tied", "alone"), ("tied", "pooled"), (TOLD, "pooled"),
             ("tied", TOLD), ("tied", "tied, free levels"), (LEVELS, TOLD),
             ("tied", LEVELS)]  # fmt: skip
    return {
        "explained": {
            name: round(float(v["explained"].mean()), 2) for name, v in part["scores"].items()
        },
        "differences": [
            {"candidate": a} | difference(found, a, b, margin=MARGIN) for a, b in pairs
        ],
    }  # fmt: skip


def _strong(found, name):
    return {
        "setting": "pooled" if name == TOLD else found.settings[name],
        "explained": (100 * found.scores[name]).round(3).tolist(),
        "cpu_seconds": round(float(found.seconds[name].mean()), 2),
        "chosen": [{k: str(v) for k, v in c.items()} for c in found.best_params[name]],
    }


def control():
    """R² of four models on a table that ships with scikit-learn, for a page to repeat."""
    X, y = load_digit_angles()
    cv = TaskStratifiedShuffleSplit(
        1, train_size=20, test_size=50, task_col=0, random_state=SEEDS[0]
    )
    train, test = next(cv.split(X))
    models = {
        "alone": PerTask(Ridge(1.0), task_col=0),
        "pooled": Pooled(Ridge(1.0), task_col=0),
        "tied": MeanRegularizedRidge(0.1, 30, task_col=0),
        LEVELS: EmpiricalBayesRidge(task_col=0),
    }
    return {
        name: round(100 * model.fit(X[train], y[train]).score(X[test], y[test]), 3)
        for name, model in models.items()
    }
