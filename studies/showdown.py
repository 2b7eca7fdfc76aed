"""The showdown: the settings side by side on all data sets of the book, under one protocol.

Each table has sources, with many labels, and targets, with few or many. Every candidate may use
both, sees the same splits, tries the same number of settings, and is scored on the targets alone.
`mtlkit.datasets.fetch_school` and `fetch_landmine` are skipped, and named, if their file is absent.
"""

import numpy as np
import sklearn
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from mtlkit.baselines import FeatureAugmentation, PerTask, Pooled
from mtlkit.datasets import (
    fetch_landmine,
    fetch_school,
    load_cancer_domains,
    load_diabetes_by_sex,
    load_digit_angles,
    load_digit_tasks,
    load_shifted_digits,
    make_linear_tasks,
)
from mtlkit.evaluation import compare, paired_difference, verdict
from mtlkit.linear import (
    LowRank,
    MeanRegularizedRidge,
    MultiTaskLinearRegression,
    MultiTaskLogisticRegression,
    SharedMean,
)
from mtlkit.neural import MultiTaskMLPClassifier, MultiTaskMLPRegressor
from mtlkit.table import TaskStratifiedShuffleSplit, per_task, shared, stack_tasks
from mtlkit.transfer import BiasedLogisticRegression, BiasedRidge

from ._stored import write
from ._tuned_network import TunedNetwork
from .opponents import strongest

SPLITS, FOLDS, BUDGET, MARGINS, SEED = 20, 2, 4, (0.5, 1, 2), 0

# name of the candidate -> setting, the candidate that learns alone with the same kind of model
CANDIDATES = {
    "alone": ("single-task", "alone"),
    "pooled": ("pooled", "alone"),
    "pooled, told the task": ("pooled", "alone"),
    "scaled per task, pooled": ("pooled", "alone"),
    "tied": ("multi-task", "alone"),
    "low rank": ("multi-task", "alone"),
    "shared + private": ("multi-task", "alone"),
    "pulled to the source": ("transfer", "alone"),
    "network alone": ("single-task", "network alone"),
    "shared trunk": ("multi-task", "network alone"),
    "fine-tuned": ("transfer", "network alone"),
    "trunk, then fine-tuned": ("combination", "network alone"),
}
BASELINES = ("alone", "pooled", "network alone")


PROTOCOL = {
    "rows": "on every split a target has the same number of labelled training rows, a source has "
    "many; the rows are drawn anew, spread evenly over classes",
    "tuning": "each candidate chooses among the same number of settings on two inner folds, by the "
    "score on the targets; the test rows choose nothing",
    "scaling": "with what the training rows of all tasks say; pixels are left as they are. Scaled "
    "per task: with those of each task, and pixels are only centred",
    "score": "100 R² over the test rows of all targets together; 100 accuracy over them (targets "
    "have equal numbers); 100 AUC, mean over the fields",
    "over_alone": "minus one model per task of the same kind: linear, or a network",
    "over_better": "minus the better, by mean test score, of alone, pooled and network alone",
    "plain": "95 % t interval over the splits: about the mean over draws from this table",
    "corrected": "95 % interval of Nadeau and Bengio: about new data of the same source",
    "verdict": "ties: equivalence test at 5 % with a margin of one point; else wins or loses if "
    "the 95 % interval excludes zero; else inconclusive",
    "strongest": "scores of boosted trees, a forest and a kernel, pooled and told the task, with "
    "four settings on two inner folds, and of partial pooling of levels by REML, on the first "
    "splits; told the task, except for partial pooling, by one category or one column a task",
    "cpu_seconds": "search and fit of one split, mean",
    "parameters": "fitted numbers that are kept, for all tasks of the table together",
    "labels_used": "of all targets, and of the sources if the candidate uses them",
}


def tables():
    """Name -> loader, sources, their rows, labels of a target (few, perhaps many), test rows."""
    linear = {"n_tasks": 10, "n_samples": 210, "random_state": SEED}
    return {
        "diabetes by sex": (load_diabetes_by_sex, [0], 150, (20, 100), 100),
        "digit angles": (load_digit_angles, [3], 120, (10, 80), 50),
        "digit questions": (load_digit_tasks, [0], 200, (20,), 150),
        "digits turned": (lambda: _five_digits(("rotation", 15)), [0], 200, (20,), 200),
        "digits inverted": (lambda: _five_digits("inversion"), [0], 200, (20,), 200),
        "cancer, other gain": (load_cancer_domains, [0], 200, (20, 120), 140),
        "iris to cancer": (_iris_and_cancer, [0], 100, (20,), 200),
        "simulated, near": (
            lambda: make_linear_tasks("shared mean", **linear), [0, 1], 150, (15, 150), 50,
        ),
        "simulated, unrelated": (
            lambda: make_linear_tasks("unrelated", **linear), [0, 1], 150, (15, 150), 50,
        ),
        "28 schools": (_schools, [10, 110], 150, (10, 0.7), 0.25),
        "15 minefields": (_minefields, [0], 240, (80,), 150),
    }  # fmt: skip


def _five_digits(shift):
    """The digits 0 to 4, upright and shifted."""
    X, y = load_shifted_digits({"upright": None, "shifted": shift})
    return X[y < 5], y[y < 5]


def _iris_and_cancer():
    """Task 0 is iris, task 1 cancer; they have no feature and no class in common."""
    parts = {}
    for task, bunch in enumerate((load_iris(as_frame=True), load_breast_cancer(as_frame=True))):
        parts[task] = bunch.data, bunch.target_names[bunch.target]
    X, y = stack_tasks(parts)
    return X.to_numpy(float), np.unique(y, return_inverse=True)[1]


def _schools():
    """Every fifth school. Whole numbers would be taken for classes to spread evenly, so not 1."""
    X, y = fetch_school()
    rows = X[:, 0] % 5 == 0
    return X[rows], y[rows] + 0.5


def _minefields():
    """Every second field."""
    X, y = fetch_landmine()
    rows = X[:, 0] % 2 == 0
    return X[rows], y[rows]


PIXELS = (0.03, 30), (1, 30), ([0.03, 0.3], [10, 100])
UNITS = (3, 1000), (10, 300), ([2, 20], [3, 100])
LOGISTIC = (0.02, 5), (0.5, 10), ([0.1, 1], [1, 30])
DIALS = {
    "digit angles": PIXELS,
    "digit questions": LOGISTIC,
    "digits turned": LOGISTIC,
    "digits inverted": LOGISTIC,
    "cancer, other gain": LOGISTIC,
    "iris to cancer": LOGISTIC,
    "15 minefields": ((0.05, 150), (1, 30), ([0.3, 3], [3, 100])),
}
NETWORKS = ("digit questions", "digits turned", "digits inverted", "iris to cancer")


def candidates(name, sources, targets, regression):
    """The ways to learn that fit a table, each with its grid of four settings."""
    (low, high), (weak, strong), (alphas, couplings) = DIALS.get(name, UNITS)
    strengths = np.geomspace(low, high, BUDGET)
    grid = {"alpha": strengths} if regression else {"C": 0.5 / strengths}
    linear = Ridge() if regression else LogisticRegression(max_iter=2000)
    penalized = MultiTaskLinearRegression if regression else MultiTaskLogisticRegression
    tied = {"alpha": alphas, "coupling" if regression else "penalty__coupling": couplings}
    mean = MeanRegularizedRidge(task_col=0) if regression else None
    mean = mean or MultiTaskLogisticRegression(SharedMean(), task_col=0, tol=1e-2)
    biased = BiasedRidge if regression else BiasedLogisticRegression
    loose = {} if regression else {"tol": 1e-2}
    source = sources if len(sources) > 1 else sources[0]
    under = _under("estimator", grid)
    found = {
        "alone": (PerTask(linear, task_col=0), under),
        "pooled": (Pooled(linear, task_col=0), under),
        "pooled, told the task": (Pooled(linear, task_col=0, task_as_input=True), under),
        "scaled per task, pooled": (Pooled(linear, task_col=0), under),
        "tied": (mean, tied),
        "low rank": (
            penalized(LowRank(), task_col=0, tol=1e-2),
            {"alpha": np.geomspace(weak, strong, BUDGET)},
        ),
        "shared + private": (
            FeatureAugmentation(linear, task_col=0),
            {"shared_scale": [0.5, 2.0]} | {k: v[::2] for k, v in under.items()},
        ),
        "pulled to the source": (biased(source, task_col=0, **loose), {"alpha": strengths}),
    }
    for key, (model, dials) in found.items():
        own = key == "scaled per task, pooled"
        found[key] = _prepared(model, _scales(name), own), _under("model", dials)
    return found | (networks(name, sources, targets, regression) if name in NETWORKS else {})


def _scales(name):
    """Whether features are brought to one scale; pixels are on one."""
    return name not in DIALS or name in ("cancer, other gain", "iris to cancer", "15 minefields")


def networks(name, sources, targets, regression):
    """The candidates that are networks; step sizes and epochs are searched."""
    kind = MultiTaskMLPRegressor if regression else MultiTaskMLPClassifier
    disjoint = name == "iris to cancer"
    fixed = {"alpha": 0.001, "n_iter_no_change": None, "random_state": SEED}
    net = kind(hidden_layer_sizes=(16, 16) if disjoint else (32,), **fixed)
    joint = clone(net).set_params(task_col=0, batch_size=256, task_weight="tasks")
    start = clone(joint).set_params(max_iter=30, learning_rate_init=0.01)
    steps = {"learning_rate_init": [0.003, 0.02], "max_iter": [20, 80]}
    tuned = {
        "fine-tuned": TunedNetwork(start, sources, targets),
        "trunk, then fine-tuned": TunedNetwork(start, "all", targets),
    }
    found = {
        "network alone": (
            PerTask(net, task_col=0),
            _under("estimator", steps),
        ),
        "shared trunk": (joint, steps),
        **{key: (model, steps) for key, model in tuned.items() if not disjoint},
    }
    if not disjoint:
        return found
    scaler = shared(StandardScaler(), task_col=0)
    return {
        key: (Pipeline([("scale", scaler), ("model", model)]), _under("model", grid))
        for key, (model, grid) in found.items()
    }


def _under(step, grid):
    """The grid of a step of a Pipeline or of what a baseline wraps."""
    return {f"{step}__{key}": values for key, values in grid.items()}


def _prepared(model, scale, own):
    """The model behind a scaler for all tasks, or for each; a feature that a task lacks is 0."""
    if not (scale or own):
        return Pipeline([("model", model)])
    scaler = (per_task if own else shared)(StandardScaler(with_std=scale), task_col=0)
    fill = FunctionTransformer(np.nan_to_num)
    return Pipeline([("scale", scaler), ("fill", fill), ("model", model)])


def run():
    """Measure and write ``showdown.json``."""
    rows, skipped = [], []
    for name, (load, sources, source_rows, sizes, test) in tables().items():
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
                SPLITS,
                train_size=train,
                test_size=dict.fromkeys(targets, test) | dict.fromkeys(sources, 1),
                task_col=0,
                random_state=SEED,
            )
            row = {"data": name, "regime": regime, **_measure(name, X, y, sources, targets, cv)}
            rows.append(row)
            _show(row)
    study = {
        "command": "python -m studies showdown",
        "protocol": PROTOCOL,
        "splits": SPLITS,
        "inner_folds": FOLDS,
        "budget": BUDGET,
        "margins_in_points": MARGINS,
        "seed": SEED,
        "versions": {"numpy": np.__version__, "scikit-learn": sklearn.__version__},
        "cpu_seconds": round(
            SPLITS * sum(c["cpu_seconds"] for row in rows for c in row["candidates"].values())
        ),
        "skipped": skipped,
        "settings": {key: setting for key, (setting, _) in CANDIDATES.items()},
        "rows": rows,
    }
    write("showdown", study)


def _measure(name, X, y, sources, targets, cv):
    """One table with one number of labels: all candidates, compared."""
    regression = y.dtype.kind == "f"
    ways = candidates(name, sources, targets, regression)
    scoring = "r2" if regression else "roc_auc" if name == "15 minefields" else "accuracy"
    found = compare(
        ways,
        X,
        y,
        task_col=0,
        tasks=targets,
        cv=cv,
        inner_cv=FOLDS,
        scoring=scoring,
        average="macro" if scoring == "roc_auc" else "micro",
        scope="these rows",
        n_jobs=2,
        random_state=SEED,
    )
    train, _ = next(cv.split(X, y))
    own = found.train_rows.mean()
    source = int(np.isin(X[train, 0], sources).sum())
    shares = {"single-task": 0, "transfer": source}
    better = max((b for b in BASELINES if b in ways), key=lambda b: found.scores[b].mean())
    results = {}
    for key, (model, _) in ways.items():
        setting, alone = CANDIDATES[key]
        fitted = clone(model).set_params(**found.best_params[key][0]).fit(X[train], y[train])
        results[key] = {
            "score": _points(found.scores[key].mean()),
            "scores": [round(100 * float(value), 3) for value in found.scores[key]],
            "parameters": parameters(fitted),
            "cpu_seconds": round(float(found.seconds[key].mean()), 4),
            "labels_used": round(own + shares.get(setting, len(train) - own)),
            "over_alone": _difference(found, key, alone),
            "over_better": _difference(found, key, better),
        }
        if key != alone:
            task, worst = found.worst_task(key, alone)
            values = [_points(getattr(worst, end)) for end in ("mean", "low", "high")]
            results[key]["worst_task"] = {"task": int(task), "over_alone": values}
    return {
        "score": scoring,
        "targets": len(targets),
        "labels": round(own),
        "source_labels": source,
        "train_and_test_rows": _rows(found),
        "better_baseline": better,
        "candidates": results,
        "strongest": strongest(
            lambda model: _prepared(model, _scales(name), False),
            X,
            y,
            regression=regression,
            pixels=not _scales(name),
            task_col=0,
            tasks=targets,
            cv=list(cv.split(X, y)),
            inner_cv=FOLDS,
            scoring=scoring,
            average="macro" if scoring == "roc_auc" else "micro",
            random_state=SEED,
        ),
    }


def _rows(found):
    """Rows of the targets in a training and in a test part."""
    return tuple(float(n.sum(axis=1).mean()) for n in (found.train_rows, found.test_rows))


def _difference(found, name, baseline):
    """Points by which a candidate is ahead, with both intervals and the verdicts."""
    if name == baseline:
        return None
    a, b = (100 * found.scores[key] for key in (name, baseline))
    plain, wide = (paired_difference(a, b, corrected=rows) for rows in (None, _rows(found)))
    return {
        "baseline": baseline,
        "mean": round(plain.mean, 3),
        "plain": [round(plain.low, 3), round(plain.high, 3)],
        "corrected": [round(wide.low, 3), round(wide.high, 3)],
        "verdict": verdict(a, b, 1),
        "verdict_for_new_data": verdict(a, b, 1, corrected=_rows(found)),
    }


def parameters(model):
    """Fitted numbers that the model keeps for all of its tasks."""
    if isinstance(model, Pipeline):
        return parameters(model[-1])
    if isinstance(model, PerTask):
        return sum(map(parameters, model.estimators_))
    if isinstance(model, TunedNetwork):
        return sum(tuned.network_.theta.size for tuned in model.models_.values())
    if isinstance(model, Pooled | FeatureAugmentation):
        return parameters(model.estimator_)
    if hasattr(model, "network_"):
        return model.network_.theta.size
    return int(np.size(model.coef_) + np.size(model.intercept_))


def _points(value):
    return round(100 * float(value), 2)


def _show(row):
    print(f"{row['data']}, {row['labels']} labels, {row['score']}")
    for name, found in row["candidates"].items():
        gain = found["over_alone"] or {"mean": 0, "plain": "", "verdict": ""}
        print(
            f"  {name:24}{found['score']:7.1f}{gain['mean']:+8.1f} {gain['plain']} "
            f"{gain['verdict']}  {found['cpu_seconds']} s",
            flush=True,
        )
