"""The showdown: the settings side by side on all data sets of the book, under one protocol.

Each table has sources, with many labels, and targets, with few or many. Every candidate may use
both, sees the same splits, tries the same number of settings, and is scored on the targets alone.
Differences are those of `mtlkit.evaluation.compare` for new rows of the same tasks.
`mtlkit.datasets.fetch_school` and `fetch_landmine` are skipped, and named, if their file is absent.
"""

import time
import warnings

import numpy as np
import sklearn
from scipy import stats
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import Pipeline

from mtlkit.baselines import FeatureAugmentation, PerTask, Pooled
from mtlkit.table import TaskStratifiedShuffleSplit

from ._showdown_ways import (
    BASELINES,
    BOTH,
    BUDGET,
    CANDIDATES,
    FOLDS,
    MINES,
    SEED,
    TRUNK,
    TUNED,
    candidates,
    free,
    left_out,
    tables,
)
from ._stored import write
from ._tuned_network import TunedNetwork
from .opponents import TREES, compared

SPLITS = 10
MARGIN = {"accuracy": 1, "roc_auc": 1, "r2": 2}  # points within which two candidates tie
PROTOCOL = {
    "rows": "on every split a target has the same number of labelled training rows, a source has "
    "many; the rows are drawn anew, spread evenly over classes; all candidates of a row of the "
    "table see the same splits, networks and trees too",
    "tuning": "each candidate chooses among four settings on two inner folds, by the score on the "
    "targets; the test rows choose nothing. Partial pooling estimates its strengths by REML, and "
    "chooses on two inner folds whether levels alone or slopes too differ by task",
    "networks": "one hidden layer of 32 units (16 and 16 where columns differ), Adam; searched are "
    "step size with epochs (0.005 with 30, 0.02 with 80) and two weight decays (0.1 and 1 for "
    "numbers, 0.001 and 0.1 for classes). A network of the sources, 80 epochs with step size 0.01, "
    "goes on with a new head (0.005 with 30, 0.02 with 80) or with that of the first source (0.003 "
    "with 8, 0.005 with 30); the trunk of all tasks with the target's own head (the same two), for "
    "each of the two decays. Steps of this second stage were made smaller after two tables, on "
    "splits that are among these, had shown that many steps lose what the first has learned",
    "scaling": "with what the training rows of all tasks say, for networks and trees too; pixels "
    "are left as they are. Scaled per task: with those of each task, and pixels are only centred",
    "score": "100 R² over the test rows of all targets together; 100 accuracy over them (targets "
    "have equal numbers); 100 AUC, mean over the fields",
    "margins": "a tie is within one point of accuracy or AUC, two points of R²",
    "over": "points minus another candidate: mean over the splits, standard error and degrees of "
    "freedom for new rows of the same tasks, by compare; the verdict is that of its t interval",
    "design": "rows and splits: at least as many rows of the targets are tested as trained, and "
    "components of variance are estimated from the influence of each row on the score (of R² and "
    "AUC the first term of an expansion). corrected splits: more rows are trained than tested, and "
    "the error is that of Nadeau and Bengio",
    "same_kind": "one model per task of the same kind, linear, network or boosted trees. The "
    "kernel, which holds the linear features too, is held against the linear one, the forest "
    "against boosted trees",
    "better": "the highest mean test score among one model per task and one model for all of any "
    "kind: linear, network, boosted trees, forest, kernel",
    "strongest": "boosted trees, a forest and a kernel: the task is a category or one column each",
    "seconds": "CPU of search and fit of one split, mean",
    "parameters": "fitted numbers that are kept, for all tasks of the table together; not of trees",
    "labels_used": "of all targets, and of the sources if the candidate uses them",
}


def run(names=None, splits=SPLITS):
    """Measure and write ``showdown.json``; some tables alone are measured, and not written."""
    start, rows, skipped = time.process_time(), [], []
    # The slow ones first.
    for name, (load, sources, source_rows, sizes, test) in reversed(tables().items()):
        if names and name not in names:
            continue
        try:
            X, y = load()
        except OSError as error:
            skipped.append({"data": name, "why": str(error)})
            continue
        tasks = np.unique(X[:, 0]).astype(int).tolist()
        targets = [task for task in tasks if task not in sources]
        for regime, labels in zip(("few", "many"), sizes, strict=False):
            train = dict.fromkeys(targets, labels) | dict.fromkeys(sources, source_rows)
            cv = TaskStratifiedShuffleSplit(
                splits,
                train_size=train,
                test_size=dict.fromkeys(targets, test) | dict.fromkeys(sources, 1),
                task_col=0,
                random_state=SEED,
            )
            cv = list(cv.split(X, y))
            row = {"data": name, "regime": regime, **measure(name, X, y, sources, targets, cv)}
            rows.append(row)
            _show(row)
    study = {
        "command": "python -m studies showdown",
        "protocol": PROTOCOL,
        "splits": splits,
        "inner_folds": FOLDS,
        "budget": BUDGET,
        "margins_in_points": MARGIN,
        "seed": SEED,
        "versions": {"numpy": np.__version__, "scikit-learn": sklearn.__version__},
        "cpu_seconds": round(
            splits * sum(c["seconds"] for row in rows for c in row["candidates"].values())
        ),
        "skipped": skipped,
        "settings": {key: setting for key, (setting, _) in CANDIDATES.items()},
        "baselines": BASELINES,
        "rows": sorted(rows, key=lambda row: list(tables()).index(row["data"])),
    }
    print(f"{study['cpu_seconds']} s in fits, {time.process_time() - start:.0f} s here", flush=True)
    if not names:
        write("showdown", study)


def measure(name, X, y, sources, targets, cv, n_jobs=2):
    """One table with one number of labels: all candidates, compared."""
    regression = y.dtype.kind == "f"
    scoring = "r2" if regression else "roc_auc" if name == MINES else "accuracy"
    ways, alone = candidates(name, X, sources, targets, regression), free(name, regression)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        found = compared(
            ways,
            X,
            y,
            free=alone,
            task_col=0,
            tasks=targets,
            cv=cv,
            inner_cv=FOLDS,
            scoring=scoring,
            average="macro" if scoring == "roc_auc" else "micro",
            n_jobs=n_jobs,
            random_state=SEED,
        )
    models = {key: model for key, (model, _) in ways.items()} | (alone or {})
    train, _ = cv[0]
    own = found.train_rows.mean()
    source = int(np.isin(X[train, 0], sources).sum())
    shares = {"single-task": 0, "transfer": source}
    ran = [key for key in CANDIDATES if key in models]
    better = max((b for b in BASELINES if b in ran), key=lambda b: found.scores[b].mean())
    results = {}
    for key in ran:
        setting, kind = CANDIDATES[key]
        others = [kind, better, "alone", "pooled", TREES, *([TRUNK, TUNED] if key == BOTH else [])]
        results[key] = {
            "score": _points(found.scores[key].mean()),
            "scores": [round(100 * float(value), 3) for value in found.scores[key]],
            "parameters": parameters(_fitted(models[key], found.best_params[key][0], X, y, train)),
            "seconds": round(float(found.seconds[key].mean()), 4),
            "labels_used": round(own + shares.get(setting, len(train) - own)),
            "same_kind": kind,
            "over": {o: _over(found, key, o) for o in dict.fromkeys(others) if o != key},
        }
        if key != kind:
            task, worst = found.worst_task(key, kind)
            values = [_points(getattr(worst, end)) for end in ("mean", "low", "high")]
            results[key]["worst_task"] = {"task": int(task), "over_same_kind": values}
    rows = [float(n.sum(axis=1).mean()) for n in (found.train_rows, found.test_rows)]
    return {
        "score": scoring,
        "targets": len(targets),
        "labels": round(own),
        "source_labels": source,
        "train_and_test_rows": rows,
        "design": "rows and splits" if rows[1] >= rows[0] else "corrected splits",
        "better": better,
        "left_out": left_out(name, regression),
        "candidates": results,
    }


def _fitted(model, params, X, y, train):
    with warnings.catch_warnings():
        # The number of fitted numbers is asked for, and a network that stops early has it too.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return clone(model).set_params(**params).fit(X[train], y[train])


def _over(found, name, other):
    """Mean, standard error and degrees of freedom, for new rows, in points."""
    lead = found.difference(name, other, scope="new rows").times(100)
    return [round(lead.mean, 4), round(lead.standard_error, 4), round(lead.df, 2)]


def word(mean, error, df, margin, level=0.95):
    """The rule of `mtlkit.evaluation.verdict` from a mean, its standard error and df."""
    if error == 0:
        return "ties" if abs(mean) < margin else "wins" if mean > 0 else "loses"
    if stats.t.sf((margin - abs(mean)) / error, df) < 1 - level:
        return "ties"
    sure = abs(mean) > stats.t.ppf((1 + level) / 2, df) * error
    return "inconclusive" if not sure else "wins" if mean > 0 else "loses"


def parameters(model):
    """Fitted numbers that the model keeps for all of its tasks; None where it grows trees."""
    if isinstance(model, Pipeline):
        return parameters(model[-1])
    if isinstance(model, PerTask):
        found = [parameters(each) for each in model.estimators_]
        return None if None in found else sum(found)
    if isinstance(model, TunedNetwork):
        return sum(tuned.network_.theta.size for tuned in model.models_.values())
    if isinstance(model, Pooled | FeatureAugmentation):
        return parameters(model.estimator_)
    if hasattr(model, "best_estimator_"):
        return parameters(model.best_estimator_)
    if hasattr(model, "network_"):
        return model.network_.theta.size
    if not hasattr(model, "coef_"):
        return None
    return int(np.size(model.coef_) + np.size(model.intercept_))


def _points(value):
    return round(100 * float(value), 2)


def _show(row):
    print(f"{row['data']}, {row['labels']} labels, {row['score']}, better: {row['better']}")
    for name, found in row["candidates"].items():
        leads = []
        for other in dict.fromkeys([found["same_kind"], row["better"]]):
            if other != name:
                mean, error, df = found["over"][other]
                verdict = word(mean, error, df, MARGIN[row["score"]])
                leads.append(f"{mean:+7.1f} ±{stats.t.ppf(0.975, df) * error:5.1f} {verdict:12}")
        print(f"  {name:24}{found['score']:7.1f} {found['seconds']:6.2f} s {' | '.join(leads)}")
    print(end="", flush=True)
