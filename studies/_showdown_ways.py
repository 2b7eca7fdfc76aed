"""The tables of the showdown, and the ways to learn that are held against each other on them."""

import numpy as np
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
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
from mtlkit.linear import (
    EmpiricalBayesRidge,
    LowRank,
    MeanRegularizedRidge,
    MultiTaskLinearRegression,
    MultiTaskLogisticRegression,
    SharedMean,
)
from mtlkit.neural import MultiTaskMLPClassifier, MultiTaskMLPRegressor
from mtlkit.table import TaskStratifiedKFold, per_task, shared, stack_tasks
from mtlkit.transfer import BiasedLogisticRegression, BiasedRidge

from ._tuned_network import TunedNetwork
from .opponents import FOREST, KERNEL, PARTIAL, TREES, TREES_ALONE, flexible

FOLDS, BUDGET, SEED = 2, 4, 0
IRIS, MINES = "iris to cancer", "15 minefields"
NET, TRUNK, TUNED, BOTH = "network alone", "shared trunk", "fine-tuned", "trunk, then fine-tuned"

# name of the candidate -> setting, the candidate that learns alone with the same kind of model
CANDIDATES = {
    "alone": ("single-task", "alone"),
    "pooled": ("pooled", "alone"),
    "pooled, told the task": ("pooled", "alone"),
    "scaled per task, pooled": ("pooled", "alone"),
    "tied": ("multi-task", "alone"),
    "low rank": ("multi-task", "alone"),
    "shared + private": ("multi-task", "alone"),
    PARTIAL: ("multi-task", "alone"),
    "pulled to the source": ("transfer", "alone"),
    NET: ("single-task", NET),
    TRUNK: ("multi-task", NET),
    TUNED: ("transfer", NET),
    BOTH: ("combination", NET),
    TREES_ALONE: ("single-task", TREES_ALONE),
    TREES: ("pooled", TREES_ALONE),
    FOREST: ("pooled", TREES_ALONE),
    KERNEL: ("pooled", "alone"),
}
BASELINES = [
    name for name, (setting, _) in CANDIDATES.items() if setting in ("single-task", "pooled")
]  # no part is shared and another part own: one model for each task, or one for all


def tables():
    """Name -> loader, sources, their rows, labels of a target (few, perhaps many), test rows."""
    linear = {"n_tasks": 10, "n_samples": 210, "random_state": SEED}
    return {
        "diabetes by sex": (load_diabetes_by_sex, [0], 150, (20, 100), 100),
        "digit angles": (load_digit_angles, [3], 120, (10, 80), 50),
        "digit questions": (load_digit_tasks, [0], 200, (20,), 150),
        "digits turned": (lambda: _five_digits(("rotation", 15)), [0], 200, (20,), 200),
        "digits inverted": (lambda: _five_digits("inversion"), [0], 200, (20,), 200),
        "cancer, other scale": (load_cancer_domains, [0], 200, (20, 120), 140),
        IRIS: (_iris_and_cancer, [0], 100, (20,), 200),
        "simulated, near": (
            lambda: make_linear_tasks("shared mean", **linear), [0, 1], 150, (15, 150), 50,
        ),
        "simulated, unrelated": (
            lambda: make_linear_tasks("unrelated", **linear), [0, 1], 150, (15, 150), 50,
        ),
        "28 schools": (_schools, [10, 110], 150, (10, 0.7), 0.25),
        MINES: (_minefields, [0], 240, (80,), 150),
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
    "cancer, other scale": LOGISTIC,
    IRIS: LOGISTIC,
    MINES: ((0.05, 150), (1, 30), ([0.3, 3], [3, 100])),
}
# Step sizes with their epochs, and weight decays for numbers, pixels and other features.
TRAININGS = (
    {"learning_rate_init": [0.005], "max_iter": [30]},
    {"learning_rate_init": [0.02], "max_iter": [80]},
)
# From trained parameters fewer steps are enough, and many forget what was learned.
GENTLE = {"learning_rate_init": [0.003], "max_iter": [8]}
MIDDLE = {"learning_rate_init": [0.005], "max_iter": [30]}
DECAYS = {"numbers": [0.1, 1], "classes": [0.001, 0.1]}
NO_SOURCE_NETWORK = "source and target have no column in common, so no trunk goes over"
NO_PIXEL_SLOPES = "levels only: slopes of 64 pixels are 2,145 variances and covariances"
ONLY_NUMBERS = "REML here is for numbers, and these labels are classes"


def candidates(name, X, sources, targets, regression):
    """The ways to learn that fit a table, each with its grid of four settings."""
    found = linear_ways(name, sources, regression)
    total = float(np.nansum(np.nanvar(X[:, 1:], axis=0))) if pixels(name) else X.shape[1] - 1
    found |= flexible(total, classify=not regression, components=100, iterations=50)
    for key, (model, dials) in found.items():
        own = key == "scaled per task, pooled"
        found[key] = prepared(model, scales(name), own), _under("model", dials)
    found |= networks(name, sources, targets, regression)
    return {key: found[key] for key in CANDIDATES if key in found}


def linear_ways(name, sources, regression):
    """The linear candidates that search four strengths."""
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
    return {
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


def free(name, regression):
    """What tunes itself from the training rows: levels, or slopes too where features are few."""
    if not regression:
        return None
    model = EmpiricalBayesRidge(task_col=0)
    if not pixels(name):
        folds = TaskStratifiedKFold(FOLDS, task_col=0, shuffle=True, random_state=SEED)
        model = GridSearchCV(model, {"random_slopes": [None, "all"]}, cv=folds)
    return {PARTIAL: prepared(model, scales(name), False)}


def left_out(name, regression):
    """Candidates that do not run on a table, or not as elsewhere, with the reason."""
    why = {} if regression else {PARTIAL: ONLY_NUMBERS}
    if name == IRIS:
        why |= {TUNED: NO_SOURCE_NETWORK, BOTH: NO_SOURCE_NETWORK}
    return why | ({PARTIAL: NO_PIXEL_SLOPES} if regression and pixels(name) else {})


def scales(name):
    """Whether features are brought to one scale; pixels are on one."""
    return not pixels(name)


def pixels(name):
    return name.startswith("digit")


def networks(name, sources, targets, regression):
    """The candidates that are networks, each with two step sizes and two of another dial.

    That is the weight decay, or, of a network of the sources, whether their head is kept.
    """
    kind = MultiTaskMLPRegressor if regression else MultiTaskMLPClassifier
    disjoint = name == IRIS
    decays = DECAYS["numbers" if regression else "classes"]
    net = kind(
        hidden_layer_sizes=(16, 16) if disjoint else (32,),
        batch_size=64 if len(targets) < 5 else 256,
        n_iter_no_change=None,
        random_state=SEED,
    )
    joint = clone(net).set_params(task_col=0, task_weight="tasks")
    start = clone(joint).set_params(alpha=decays[0], max_iter=80, learning_rate_init=0.01)
    decayed = [steps | {"alpha": decays} for steps in TRAININGS]
    heads = [steps | {"head": [None]} for steps in TRAININGS]
    heads += [steps | {"head": [sources[0]]} for steps in (GENTLE, MIDDLE)]
    wide = [_under("network", {"alpha": decays}) | steps for steps in (GENTLE, MIDDLE)]
    found = {
        NET: (PerTask(net, task_col=0), [_under("estimator", steps) for steps in decayed]),
        TRUNK: (joint, decayed),
    }
    if not disjoint:
        found[TUNED] = TunedNetwork(start, sources, targets), heads
        found[BOTH] = TunedNetwork(start, "all", targets), wide
    scaler = Pipeline([("scale", shared(StandardScaler(), task_col=0)), ("model", None)])
    ways = {}
    for key, (model, grid) in found.items():
        both = clone(scaler).set_params(model=model) if disjoint else prepared(model, scales(name))
        ways[key] = both, [_under("model", steps) for steps in grid]
    return ways


def _under(step, grid):
    """The grid of a step of a Pipeline or of what a baseline wraps."""
    if isinstance(grid, list):
        return [_under(step, part) for part in grid]
    return {f"{step}__{key}": values for key, values in grid.items()}


def prepared(model, scale, own=False):
    """The model behind a scaler for all tasks, or for each; a feature that a task lacks is 0."""
    if not (scale or own):
        return Pipeline([("model", model)])
    scaler = (per_task if own else shared)(StandardScaler(with_std=scale), task_col=0)
    fill = FunctionTransformer(np.nan_to_num)
    return Pipeline([("scale", scaler), ("fill", fill), ("model", model)])
