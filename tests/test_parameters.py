"""Every numeric parameter takes NumPy's numbers as Python's own, and refuses by its name.

Which parameters there are is read from the docstrings: "name : int, default=5".
"""

import inspect
import re
import warnings

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from mtlkit.baselines import PerTask, Pooled
from mtlkit.linear import JointSupport, MeanRegularizedRidge, MultiTaskLinearRegression, Penalty
from mtlkit.neural import MultiTaskMLPRegressor, Weighting
from mtlkit.table import TaskStratifiedKFold

from ._problems import ragged_regression
from ._subjects import ESTIMATORS, PUBLIC, on_table

TYPED = re.compile(r"^(\w+(?:, \w+)*) : (.+)$", re.M)
SECTION = re.compile(r"^Parameters\n-+\n(.*?)(?=^[^\n]+\n-{3,}$|\Z)", re.M | re.S)
X, Y = ragged_regression(rows=(18, 16, 24))
FAST = {"max_iter": 3, "n_iter_no_change": None, "random_state": 0, "task_col": 0}
SCORES = np.random.default_rng(0).normal(size=(2, 12))
# Parameters that are not tried here, and why.
ELSEWHERE = {
    "task_col": "names a column: tests/test_awkward_tables.py",
    "time_col": "names a column: tests/test_scopes.py",
    "n_jobs": "joblib reads it",
    "random_state": "scikit-learn's check_random_state reads it",
    "cv": "an integer or a splitter: scikit-learn's check_cv reads it",
    "download_if_missing": "downloads",
    "fetch_school.as_frame": "downloads",
    "fetch_landmine.as_frame": "downloads",
    "fetch_chem97.as_frame": "downloads",
    "fetch_exam.as_frame": "downloads",
    "fetch_heart.as_frame": "downloads",
    "fetch_hsb82.as_frame": "downloads",
    "fetch_m4.as_frame": "downloads",
    "fetch_radon.as_frame": "downloads",
    "fetch_sleepstudy.as_frame": "downloads",
    "fetch_stores.as_frame": "downloads",
    "read_table.accept_sparse": "for other modules of the package",
    "TrainedNetwork": "made by the fit of a network",
}
# A value to try where the default is none, or not one number.
VALUES = {
    "shrinkage": 0.5,
    "gamma": 0.25,
    "n_components": 2,
    "rows_per_task": 20,
    "max_angle": 40.0,
    "learning_rate_init": 0.0625,
    "n_splits": 2,
    "test_size": 0.25,
    "train_size": 0.5,
    "max_iter": 4,
    "resamples": 20,
    "inner_cv": 2,
    "alphas": 3,
    "margin": 0.5,
    "n_estimators": 2,
    "n_iter_no_change": 2,
    "n_samples": 5,
    "n_tasks": 2,
    "n_features": 2,
}
BESIDE = {"TCA.gamma": {"kernel": "rbf"}}
# Values that look wrong and are right, and why.
WELCOME = {
    "coupling": ("inf", "tasks are tied to one model"),
    "alpha": ("inf", "all weights are zero"),
    "source_alpha": ("inf", "all weights are zero"),
    "max_angle": ("-1", "turned the other way"),
    "temperature": ("inf", "the same for all tasks"),
    "alphas": ("[0.5]", "the strengths themselves"),
}


def documented(thing):
    """Pairs of a parameter and its type as the docstring gives them."""
    section = SECTION.search(inspect.getdoc(thing) or "")
    for names, kind in TYPED.findall(section[1]) if section else []:
        for name in names.split(", "):
            yield name, kind


def numeric():
    """What is tried: "Thing.parameter" and its type."""
    found = {}
    for full, thing in PUBLIC.items():
        for name, kind in documented(thing) if callable(thing) else []:
            words = set(re.findall(r"[a-z]+", kind))
            label = f"{full.split('.')[-1]}.{name}"
            plain = words & {"bool", "int", "float"} and not words & {"sequence", "pair"}
            if plain and not {name, label, label.split(".")[0]} & ELSEWHERE.keys():
                found[label] = kind
    return found


def answer(model, X=X, y=Y):
    model.fit(X, y)
    return model.predict(X) if hasattr(model, "predict") else model.transform(X)


def use(label, value):
    """What comes out if a parameter of a public thing has a value: numbers to compare."""
    name, parameter = label.split(".")
    given = {parameter: value, **BESIDE.get(label, {})}
    thing = next(t for full, t in PUBLIC.items() if full.endswith(f".{name}"))
    module = thing.__module__.split(".")[1]
    if name in FUNCTIONS:
        return FUNCTIONS[name](thing, given)
    if module == "datasets":
        seed = {"random_state": 0} if "random_state" in inspect.signature(thing).parameters else {}
        return np.asarray(numbers_of(thing(**seed, **given)[0]))
    if inspect.isclass(thing) and issubclass(thing, Penalty):
        given |= {"adjacency": 1 - np.eye(3)} if name == "TaskGraph" else {}
        return answer(MultiTaskLinearRegression(thing(**given), task_col=0))
    if inspect.isclass(thing) and issubclass(thing, Weighting):
        return answer(MultiTaskMLPRegressor(weighting=thing(**given), **FAST))
    if hasattr(thing, "split"):
        roles = {"target": 1} if name == "TargetKFold" else {}
        drawn = "Shuffle" in name or str(given.get("shuffle")) == "True"
        roles |= {"random_state": 0} if drawn else {}
        return [pair for pair in thing(task_col=0, **roles, **given).split(X, Y)]
    model = next(e for e in ESTIMATORS if type(e) is thing)
    model, *table = on_table(model)
    fast = {k: v for k, v in FAST.items() if k in model.get_params() and "MLP" in name}
    return answer(model.set_params(**{**fast, **given}), *table)


def numbers_of(table):
    return table.select_dtypes("number") if hasattr(table, "columns") else table


def kliep(thing, given):
    model = thing(**{"gamma": 0.1, "random_state": 0, **given})
    return model.fit(X[:20, 1:], X[20:, 1:]).predict_ratio(X[:, 1:])


def fine_tuned(thing, given):
    network = MultiTaskMLPRegressor(**FAST | {"task_col": None}).fit(X[:, 1:], Y)
    return answer(thing(network, **{"max_iter": 3, "task_col": 0, "random_state": 0, **given}))


def compared(thing, given):
    arms = {
        "a": (PerTask(Ridge(), task_col=0), {"estimator__alpha": [1.0, 9.0]}),
        "b": (Pooled(Ridge(), task_col=0), {"estimator__alpha": [1.0, 9.0]}),
    }
    folds = TaskStratifiedKFold(2, task_col=0)
    return list(thing(arms, X, Y, task_col=0, cv=folds, random_state=0, **given).scores.values())


def affinity(thing, given):
    models = MeanRegularizedRidge(task_col=0), PerTask(Ridge(), task_col=0)
    folds = TaskStratifiedKFold(2, task_col=0)
    return np.nan_to_num(thing(*models, X, Y, task_col=0, cv=folds, **given).low)


def paired(thing, given):
    found = thing(
        *SCORES, **{"margin": 0.5, **given} if thing.__name__ != "paired_difference" else given
    )
    if isinstance(found, str):
        return [len(found)]
    return [getattr(found, "p_value", 0), getattr(found, "difference", found).low]


def path(thing, given):
    model = MultiTaskLinearRegression(JointSupport(), task_col=0)
    return [m.coef_ for m in thing(model, X, Y, **{"alphas": 3, **given})]


def saving(thing, given):
    curves = {"sizes": [5, 10], "baseline_sizes": [5, 10]}
    curves |= {
        "scores": np.add(SCORES, [[0], [1]]),
        "baseline_scores": np.add(SCORES, [[0], [0.9]]),
    }
    found = thing(**curves, **{"resamples": 20, "random_state": 0, **given})
    return [[one.mean, one.low] for one in found]


def turned(thing, given):
    plt = pytest.importorskip("matplotlib.pyplot", reason="needs: pip install 'mtlkit[plot]'")
    fig, ax = plt.subplots()
    stops = {f"at {k}": k for k in range(6)}
    (dot,) = ax.plot([0, 6], [0, 0], "o")
    try:
        shown = thing(fig, lambda k: dot.set_xdata([k, 6]), stops, label="k", alt="A dot.", **given)
    finally:
        plt.close(fig)
    return [ord(letter) for letter in shown._repr_html_()]


def in_chunks(thing, given):
    pa = pytest.importorskip("pyarrow", reason="needs: pip install pyarrow")
    dataset = pytest.importorskip("pyarrow.dataset", reason="needs: pip install pyarrow")
    names = [f"x{j}" for j in range(1, X.shape[1])]
    table = pa.table([*X.T, Y], names=["task", *names, "y"])
    network = MultiTaskMLPRegressor(**{**FAST, "task_col": "task"})
    source = dataset.dataset(table)
    fitted = thing(network, source, target="y", **{"chunk_rows": 40, **given})
    return fitted.predict(table.drop_columns("y"))


FUNCTIONS = {
    "fit_chunks": in_chunks,
    "Dial": turned,
    "KLIEP": kliep,
    "FineTuner": fine_tuned,
    "compare": compared,
    "task_affinity": affinity,
    "paired_difference": paired,
    "equivalence_test": paired,
    "verdict": paired,
    "regularization_path": path,
    "label_saving": saving,
}
NUMERIC = numeric()
INTEGERS = [label for label, kind in NUMERIC.items() if re.search(r"\bint\b", kind)]
NUMBERS = [label for label, kind in NUMERIC.items() if re.search(r"\bfloat\b", kind)]
FLAGS = [label for label, kind in NUMERIC.items() if re.search(r"\bbool\b", kind)]


def usual(label):
    """A value of the parameter: the default if it is a number, or one from `VALUES`."""
    name, parameter = label.split(".")
    if parameter in VALUES:
        return VALUES[parameter]
    thing = next(t for full, t in PUBLIC.items() if full.endswith(f".{name}"))
    return inspect.signature(thing).parameters[parameter].default


def outcome(label, value):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # three epochs do not converge
        return flat(use(label, value))


def flat(result):
    if isinstance(result, (list, tuple)):
        return np.concatenate([flat(part) for part in result])
    return np.ravel(result).astype(float)


@pytest.mark.parametrize("label", INTEGERS)
def test_integers_of_numpy_are_integers(label):
    value = usual(label)
    if isinstance(value, float):
        value = 5  # a share or a number of rows
    expected = outcome(label, int(value))
    for kind in (np.int64, np.int32, np.uint8):
        if value <= 255:
            np.testing.assert_array_equal(outcome(label, kind(value)), expected)


@pytest.mark.parametrize("label", NUMBERS)
def test_floats_of_numpy_are_numbers(label):
    value = usual(label)
    np.testing.assert_array_equal(outcome(label, np.float64(value)), outcome(label, float(value)))
    narrow = np.float32(value)
    np.testing.assert_allclose(outcome(label, narrow), outcome(label, float(narrow)), rtol=1e-4)


@pytest.mark.parametrize("label", FLAGS)
def test_flags_of_numpy_are_flags_and_nothing_else_is(label):
    for value in (True, False):
        np.testing.assert_array_equal(outcome(label, np.bool_(value)), outcome(label, value))
    faults = [fault for value in ("no", 2, 1.5, None, [True]) if (fault := refusal(label, value))]
    assert not faults, faults


def refusal(label, value):
    """Empty if the parameter is refused by name, else what happened."""
    name = label.split(".")[1]
    try:
        numbers = outcome(label, value)
    except (TypeError, ValueError) as error:
        return "" if name in str(error) else f"{value!r}: {type(error).__name__}: {error}"
    except Exception as error:
        return f"{value!r}: {type(error).__name__}: {error}"
    return f"{value!r} accepted" + ("" if np.isfinite(numbers).all() else ", NaN out")


@pytest.mark.parametrize("label", [*INTEGERS, *[n for n in NUMBERS if n not in INTEGERS]])
def test_what_is_no_number_is_refused_by_name(label):
    wrong = [float("nan"), np.float32("nan"), float("inf"), -1.0, -1, "a", [0.5], 1j, True]
    wrong += [] if "None" in NUMERIC[label] or "optional" in NUMERIC[label] else [None]
    wrong += [2.5] if label in INTEGERS and label not in NUMBERS else []
    welcome = WELCOME.get(label.split(".")[1], ("", ""))[0]
    wrong = [value for value in wrong if str(value).removesuffix(".0") != welcome]
    faults = [fault for value in wrong if (fault := refusal(label, value))]
    assert not faults, faults


def test_parameters_that_are_not_tried_are_there():
    known = {
        f"{full.split('.')[-1]}.{n}"
        for full, t in PUBLIC.items()
        if callable(t)
        for n, _ in documented(t)
    } | {full.split(".")[-1] for full in PUBLIC}
    assert {
        name for name in ELSEWHERE if not any(k == name or k.endswith(f".{name}") for k in known)
    } == set()
