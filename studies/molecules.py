"""Twelve assays of the same molecules: one model each, one for all, or tied ones.

Needs the data of `mtlkit.datasets.fetch_tox21`, and RDKit for fingerprints and scaffolds. A test
molecule has a scaffold that no training molecule has; beside that, the same models are tested on
molecules drawn one by one and on single measurements. The linear models are held against each
other with four settings each; with the strongest, which are slow, on half of the molecules and
fewer splits, where all have two. Settings are chosen on one inner split of the training molecules,
by scaffold too. The ranges of the grids were chosen on one further split of the same table.
"""

import numpy as np
import sklearn
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from mtlkit.baselines import FeatureAugmentation, PerTask, Pooled
from mtlkit.datasets import load_digit_tasks
from mtlkit.neural import MultiTaskMLPClassifier

from ._molecule_parts import (
    BITS,
    RADIUS,
    TEXT,
    RareUnitsShuffle,
    as_text,
    few,
    long_table,
    nearest,
    read,
    units,
)
from ._stored import write
from .opponents import compared, difference, joined

SEED, SPLITS, OTHER_SPLITS, STRONG_SPLITS, FEW_SPLITS = 1, 8, 4, 4, 6
LABELS, MARGIN, SHOWN = [50, 200], 1, "SR-p53"
TOLD, TREES, TREES_ALONE = "pooled, told the assay", "boosted, told the assay", "boosted alone"
FOREST, TRUNK = "forest alone", "trunk"
PAIRS = [("tied", "alone"), ("tied", "pooled"), ("tied", TOLD), ("pooled", "alone"),
         (TOLD, "alone")]  # fmt: skip
STRONG_PAIRS = [("tied", name) for name in ("alone", TREES, TREES_ALONE, FOREST, TRUNK)]
STRONG_PAIRS += [(name, "alone") for name in (TREES, TREES_ALONE, FOREST, TRUNK)]
STRONG_PAIRS += [(TREES, TREES_ALONE)]
FEW_PAIRS = [*PAIRS, (TREES, "alone"), ("tied", TREES), ("tied", FOREST)]
DEFINITIONS = {
    "AUC": "100 times the unweighted mean over the 12 assays of the area under the ROC curve on "
    "the test rows of the assay",
    "new rows": "95 % interval about molecules of other scaffolds in the same assays: units are "
    "what is split by (scaffolds, molecules or measurements)",
    "verdict": f"ties: equivalence test at 5 % with a margin of {MARGIN} point; else wins or loses "
    "if the 95 % interval excludes zero; else inconclusive",
    "few labels": "measurements of each assay in the training part: its share of actives, but at "
    "least four; settings are chosen by log loss, since few labels may hold no active to rank",
}


def linear(settings=slice(None), strengths=None):
    """Four logistic regressions with four settings each, or the `settings` of these.

    `strengths` are inverse (C); without any, each has its own range, since pooled rows are many.
    """
    model = LogisticRegression(max_iter=300)
    ways = {
        "alone": (PerTask(model, task_col=0), [0.01, 0.03, 0.1, 0.3]),
        "pooled": (Pooled(model, task_col=0), [0.001, 0.003, 0.01, 0.03]),
        TOLD: (Pooled(model, task_col=0, task_as_input=True), [0.001, 0.003, 0.01, 0.03]),
        "tied": (FeatureAugmentation(model, task_col=0), [0.003, 0.01, 0.03, 0.1]),
    }
    return {
        name: (candidate, {"estimator__C": strengths or own[settings]})
        for name, (candidate, own) in ways.items()
    }


def trees(iterations, *, told=True):
    """Boosted trees, told the assay or one model per assay; bits need few bins."""
    model = HistGradientBoostingClassifier(max_iter=iterations, max_bins=16, random_state=0)
    grid = {"estimator__learning_rate": [0.1, 0.2]}
    if told:
        return {TREES: (Pooled(model, task_col=0, task_as_input="category"), grid)}
    return {TREES_ALONE: (PerTask(model, task_col=0), grid)}


def forest(**grid):
    model = RandomForestClassifier(50, random_state=0)
    grid = {f"estimator__{name}": values for name, values in grid.items()}
    return {FOREST: (PerTask(model, task_col=0), grid)}


def trunk():
    model = MultiTaskMLPClassifier(
        hidden_layer_sizes=(64,), task_col=0, alpha=1e-3, batch_size=256, n_iter_no_change=None,
        random_state=0,
    )  # fmt: skip
    return {TRUNK: (model, {"max_iter": [3, 6]})}


def run():
    """Measure and write ``molecules.json``."""
    bits, scaffold, labels, smiles, assays, kept = read()
    X, y, molecule = long_table(bits, labels)
    table = X, y, scaffold, molecule
    main, splits = contest(*table, linear(), SPLITS)
    print(main.table(), flush=True)
    other = {"scaffold": main}
    for kind in ("molecule", "measurement"):
        other[kind], _ = contest(*table, linear(), OTHER_SPLITS, kind=kind)
        print(kind, other[kind].table(), flush=True)
    words = long_table(as_text(smiles), labels)[0]
    text = {name: linear()[name] for name in ("alone", "tied")}
    text, _ = contest(words, *table[1:], text, OTHER_SPLITS)
    print("text", text.table(), flush=True)
    small = {n: scarce(*table, n) for n in LABELS}
    hard = strongest(*table)
    write(
        "molecules",
        {
            "command": "python -m studies molecules",
            "seed": SEED,
            "splits": SPLITS,
            "margin_in_points": MARGIN,
            "versions": {"numpy": np.__version__, "scikit-learn": sklearn.__version__},
            "data": describe(bits, scaffold, labels, assays, kept),
            "definitions": DEFINITIONS,
            "linear": {"budget": 4} | result(main, PAIRS),
            "assays": by_assay(main, assays),
            "shown": shown(main, *table, splits[0], assays),
            "split by": {
                kind: {"splits": len(found.scores["tied"])} | result(found, PAIRS)
                for kind, found in other.items()
            },
            "similarity": similarity(bits, scaffold),
            "text": {"pieces": TEXT, "splits": OTHER_SPLITS, "budget": 4} | result(text, PAIRS[:1]),
            "few labels": {
                str(n): {"budget": 2, "splits": FEW_SPLITS} | result(found, FEW_PAIRS)
                for n, found in small.items()
            },
            "strongest": {
                "budget": 2,
                "splits": STRONG_SPLITS,
                "molecules": int(_half(len(labels)).sum()),
            }
            | result(hard, STRONG_PAIRS),
            "control": control(),
        },
    )


def contest(
    X, y, scaffold, molecule, candidates, n_splits, *, kind="scaffold", labels=None,
    scoring="roc_auc",
):  # fmt: skip
    """A comparison, and its splits."""
    unit, able = units(kind, scaffold, molecule)
    splits = list(RareUnitsShuffle(able, n_splits, SEED).split(X, y, unit))
    if labels is not None:
        task = X[:, [0]].toarray().ravel() if hasattr(X, "toarray") else X[:, 0]
        rng = np.random.default_rng(SEED)
        splits = [(few(y, task, train, labels, rng), test) for train, test in splits]
    found = compared(
        candidates, X, y, task_col=0, groups=unit, cv=splits, scoring=scoring, average="macro",
        inner_cv=RareUnitsShuffle(able, 1, SEED + 1), random_state=SEED,
    )  # fmt: skip
    return found, splits


def scarce(X, y, scaffold, molecule, n):
    """All that are fast enough, on n labels of each assay."""
    how = {"labels": n, "scoring": ["neg_log_loss", "roc_auc"]}
    beside = (y, scaffold, molecule)
    candidates = linear(strengths=[0.01, 0.1]) | forest(max_features=["sqrt", 0.1])
    sparse = contest(X, *beside, candidates, FEW_SPLITS, **how)[0].by_scoring["roc_auc"]
    dense = trees(60) | {"alone": candidates["alone"]}
    dense = contest(_dense(X), *beside, dense, FEW_SPLITS, **how)[0].by_scoring["roc_auc"]
    found = joined(sparse, dense)
    print(n, "labels", found.table(), flush=True)
    return found


def strongest(X, y, scaffold, molecule):
    """The linear models beside trees, a forest and a network, on a random half of the molecules."""
    half = _half(len(scaffold))
    rows = half[molecule]
    beside = y[rows], scaffold[half], np.cumsum(half)[molecule[rows]] - 1
    few_settings = linear(slice(1, 3))
    found, _ = contest(
        X[rows], *beside, few_settings | forest(min_samples_leaf=[1, 3]), STRONG_SPLITS
    )
    print(found.table(), flush=True)
    for others in (trees(60) | trunk(), trees(60, told=False)):
        others["alone"] = few_settings["alone"]
        dense, _ = contest(_dense(X[rows]), *beside, others, STRONG_SPLITS)
        print(dense.table(), flush=True)
        found = joined(found, dense)
    return found


def _half(n):
    return np.random.default_rng(SEED).random(n) < 0.5


def _dense(X):
    return X.astype(np.float32).toarray()


def result(found, pairs):
    return {
        "AUC": {name: round(100 * float(v.mean()), 2) for name, v in found.scores.items()},
        "by split": {name: (100 * v).round(2).tolist() for name, v in found.scores.items()},
        "cpu_seconds": {name: round(float(v.mean()), 1) for name, v in found.seconds.items()},
        "chosen": {
            name: [str(next(iter(params.values()))) for params in chosen]
            for name, chosen in found.best_params.items()
        },
        "differences": [
            {"candidate": a} | difference(found, a, b, margin=MARGIN, scopes=["new rows"])
            for a, b in pairs
        ],
    }


def by_assay(found, assays):
    """AUC of each assay, and what sharing gains there over learning alone."""
    gains = {
        f"{name} - alone": found.task_differences(name, "alone") for name in ("pooled", "tied")
    }
    return {
        "names": assays,
        "test_rows": found.test_rows.mean(axis=0).round().astype(int).tolist(),
        "AUC": {
            name: (100 * np.mean(scores, axis=0)).round(1).tolist()
            for name, scores in found.task_scores.items()
        },
    } | {
        pair: {
            key: [round(100 * float(getattr(d, key)), 2) for d in gain.values()]
            for key in ("mean", "low", "high")
        }
        for pair, gain in gains.items()
    }


def shown(found, X, y, scaffold, molecule, split, assays):
    """What alone and tied say about the test molecules of one assay, for a page to score again."""
    train, test = split
    code = assays.index(SHOWN)
    test = test[X[test][:, [0]].toarray().ravel() == code]
    values = {"assay": SHOWN, "active": y[test].tolist()}
    for name in ("alone", "tied"):
        model = clone(found.searches[name].estimator).set_params(**found.best_params[name][0])
        value = model.fit(X[train], y[train]).predict_proba(X[test])[:, 1]
        values[name] = value.round(5).tolist()
        values[f"AUC {name}"] = round(100 * float(found.task_scores[name][0][code]), 2)
        assert abs(100 * roc_auc_score(y[test], values[name]) - values[f"AUC {name}"]) < 0.05
    return values


def similarity(bits, scaffold):
    """How close the nearest training molecule is, by what is split by."""
    deciles = {}
    for kind in ("scaffold", "molecule"):
        unit, able = units(kind, scaffold, np.arange(len(scaffold)))
        splits = RareUnitsShuffle(able, OTHER_SPLITS, SEED).split(bits, None, unit)
        near = np.concatenate([nearest(bits, train, test) for train, test in splits])
        deciles[kind] = np.quantile(near, np.linspace(0, 1, 21)).round(3).tolist()
    return {"about": "Tanimoto, 21 quantiles over test molecules", "quantiles": deciles}


def describe(bits, scaffold, labels, assays, kept):
    measured = ~np.isnan(labels)
    names, count = np.unique(scaffold, return_counts=True)
    largest = np.argsort(-count)[:6]
    active = np.nan_to_num(labels)
    both = active.T @ active
    seen = active.T @ measured  # actives of the row's assay that the column's has measured
    return {
        "molecules": len(labels),
        "not read by RDKit": int((~kept).sum()),
        "assays": assays,
        "measured": measured.sum(axis=0).tolist(),
        "active": np.nansum(labels, axis=0).astype(int).tolist(),
        "measurements": int(measured.sum()),
        "missing_share": round(float(1 - measured.mean()), 4),
        "measured_in_all": int(measured.all(axis=1).sum()),
        "assays_per_molecule": np.bincount(measured.sum(axis=1), minlength=13).tolist(),
        "bits": BITS,
        "radius": RADIUS,
        "bits_per_molecule": round(float(bits.sum() / bits.shape[0]), 1),
        "scaffolds": len(names),
        "scaffolds_of_one": int((count == 1).sum()),
        "largest_scaffolds": [[str(names[k]), int(count[k])] for k in largest],
        "also_active": (both / seen).round(3).tolist(),
        "scaffold": np.unique(scaffold, return_inverse=True)[1].tolist(),
        "left_out": np.flatnonzero(~kept).tolist(),
    }


def control():
    """AUC of three models on questions about digits, which ship with scikit-learn."""
    X, y = load_digit_tasks(rows_per_task=200)
    train = np.arange(len(y)) % 2 == 0
    strength = {"alone": 0.1, "pooled": 0.1, "tied": 0.1}
    models = {name: linear()[name][0] for name in strength}
    scores = {}
    for name, model in models.items():
        model.set_params(estimator__C=strength[name]).fit(X[train], y[train])
        value = model.predict_proba(X[~train])[:, 1]
        own = [X[~train, 0] == t for t in range(5)]
        scores[name] = round(
            100 * float(np.mean([roc_auc_score(y[~train][r], value[r]) for r in own])), 2
        )
    return scores
