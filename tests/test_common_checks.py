"""Contracts of scikit-learn where its own checks do not look: with a task column, in searches,
under routing, from threads."""

import copy
import io
import pickle
import warnings
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pytest
import sklearn
from sklearn import config_context
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator
from sklearn.utils.fixes import parse_version
from sklearn.utils.validation import has_fit_parameter

from mtlkit.baselines import FeatureAugmentation, PerTask, Pooled
from mtlkit.linear import MeanRegularizedRidge
from mtlkit.neural import FineTuner, MultiTaskMLPRegressor
from mtlkit.table import TaskStratifiedKFold, per_task, shared
from mtlkit.transfer import ImportanceWeighted

from ._subjects import ESTIMATORS, REGRESSORS, SHORT, TRANSFORMERS, name_of, on_table
from ._with_task import WeightedWithTask, WithTask

# The tables here are small and made for other ends.
pytestmark = pytest.mark.filterwarnings("ignore:.*effective_sample_size_")
OLD = parse_version(sklearn.__version__) < parse_version("1.8")
ROLES = ("task_col", "source", "target")
LONE_ROW = "one row cannot be of a source and of the target"
LONE_CLASS = "a task of one class cannot be fitted alone"
TASK_COUNTS = "the tasks are inputs of the model where there are no others"
# Checks that fail with a task column, and why: (class, number of tasks, check) -> reason.
EXPECTED = {
    (name, 2, "check_fit2d_1sample"): LONE_ROW
    for name in (
        "BiasedRidge",
        "BiasedLogisticRegression",
        "ImportanceWeighted",
        "PriorCorrection",
        "TrAdaBoostClassifier",
        "TransferForestClassifier",
        "CORAL",
        "SubspaceAlignment",
        "TCA",
    )
}
EXPECTED |= {
    (name, n, "check_estimators_empty_data_messages"): TASK_COUNTS
    for name in ("Pooled task_as_input",)
    for n in (1, 2)
}
EXPECTED |= {
    ("PriorCorrection", 2, f"check_sample_weight{rest}"): LONE_CLASS
    for rest in (
        "s_pandas_series",
        "s_not_an_array",
        "s_shape",
        "s_not_overwritten",
        "_equivalence_on_dense_data",
        "_equivalence_on_sparse_data",
    )
}
EXPECTED |= {
    (f"Pooled HistGradientBoosting{kind}", n, "check_sample_weight_equivalence_on_dense_data"): (
        "scikit-learn's boosted trees count rows in bins and leaves"
    )
    for kind in ("Classifier", "Regressor")
    for n in (1, 2)
}
# What rounding decides, which differs by processor, and data that scikit-learn made anew.
NOT_ALWAYS = {"check_sample_weight_equivalence_on_dense_data", "check_n_features_in_after_fitting"}
EXPECTED["TrAdaBoostClassifier", 2, "check_classifiers_train"] = "three rounds of stumps"
EXPECTED[
    "MultiTaskLinearRegression LearnedRelations", 2, "check_sample_weight_equivalence_on_dense_data"
] = "stops at a duality gap, so two solutions agree to 1e-6 only"
EXPECTED["ImportanceWeighted", 2, "check_sample_weight_equivalence_on_dense_data"] = (
    "the density ratio sees rows, not what they weigh in the loss"
)


def labels_of(estimator):
    """What an entry of `EXPECTED` may call the estimator."""
    name = type(estimator).__name__
    inner = getattr(estimator, "estimator", getattr(estimator, "penalty", None))
    extra = " task_as_input" if getattr(estimator, "task_as_input", False) else ""
    return {name, f"{name}{extra}", f"{name} {type(inner).__name__}"}


def with_roles(estimator):
    return bool({"source", "target"} & estimator.get_params(deep=False).keys())


CHECKED = [(e, n) for e in ESTIMATORS for n in (1, 2) if n == 2 or not with_roles(e)]


@pytest.mark.parametrize(("estimator", "n_tasks"), CHECKED, ids=name_of)
def test_check_estimator_passes_with_a_task_column(estimator, n_tasks):
    kind = WeightedWithTask if has_fit_parameter(estimator, "sample_weight") else WithTask
    expected = {
        check: reason
        for (name, n, check), reason in EXPECTED.items()
        if name in labels_of(estimator) and n == n_tasks
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = check_estimator(
            kind(estimator, n_tasks),
            expected_failed_checks=expected,
            on_fail=None,
            on_skip=None,
        )
    assert len(results) > 40
    bad = [r for r in results if r["status"] not in ("passed", "xfail")]
    assert not bad, [(r["check_name"], r["status"], r["exception"]) for r in bad]
    stale = {r["check_name"] for r in results if r["status"] == "passed"} & expected.keys()
    assert stale <= NOT_ALWAYS, "an exception that is none any more: take it out"


# Searches


def numbers_and_flags(estimator):
    """Two values for each deep parameter: its own, and another one where that is easy to say."""
    grids = []
    for name, value in estimator.get_params().items():
        other = value
        if name.split("__")[-1] in ("alpha", "coupling", "C", "source_alpha", "mu", "exponent"):
            other = value / 2
        elif isinstance(value, bool) and name.split("__")[-1] in ("fit_intercept", "center"):
            other = not value
        grids.append({name: [value, other]})
    return grids


def state(thing):
    """What an object holds, deeply, to compare with."""
    if isinstance(thing, BaseEstimator):
        return type(thing).__name__, {k: state(v) for k, v in sorted(vars(thing).items())}
    return joblib.hash(thing)


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=name_of)
def test_a_search_over_every_parameter_leaves_the_callers_objects_alone(estimator):
    estimator, X, y = on_table(estimator)
    if hasattr(estimator, "max_iter"):
        estimator.set_params(max_iter=3)
    if not hasattr(estimator, "predict"):
        estimator = make_pipeline(estimator, MeanRegularizedRidge(task_col=0))
    grids = [g for g in numbers_and_flags(estimator) if next(iter(g)) not in ("steps", "memory")]
    objects = [v for v in estimator.get_params().values() if isinstance(v, BaseEstimator)]
    before = [state(thing) for thing in [estimator, *objects]]
    folds = TaskStratifiedKFold(2, task_col=0)
    with warnings.catch_warnings(), joblib.parallel_config("threading", n_jobs=2):
        warnings.simplefilter("ignore")  # three steps do not converge
        search = GridSearchCV(estimator, grids, cv=folds, error_score="raise", refit=False)
        search.fit(X, y if not is_classifier(estimator) else y % 2)
    assert [state(thing) for thing in [estimator, *objects]] == before


def test_a_search_inside_the_network_of_a_fine_tuner_leaves_it_alone():
    _, X, y = on_table(MultiTaskMLPRegressor())
    network = MultiTaskMLPRegressor(max_iter=3, n_iter_no_change=None, random_state=0)
    network.fit(X[:, 1:], y)
    before, predicted = state(network), network.predict(X[:, 1:])
    tuner = FineTuner(network, max_iter=3, task_col=0, random_state=0)
    names = [
        n for n in tuner.get_params() if n.startswith("network__") and n != "network__task_col"
    ]
    own = tuner.get_params()
    for name in names:
        grid = {name: [own[name], 0.01 if name.endswith("alpha") else own[name]]}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            GridSearchCV(tuner, grid, cv=TaskStratifiedKFold(2, task_col=0)).fit(X, y)
    assert state(network) == before
    np.testing.assert_array_equal(network.predict(X[:, 1:]), predicted)


# Copies, threads, refits


def outputs(model, X):
    names = ("predict", "predict_proba", "decision_function", "transform")
    return [getattr(model, name)(X) for name in names if hasattr(model, name)]


def assert_same(a, b):
    for p, q in zip(map(np.asarray, a), map(np.asarray, b), strict=True):
        if p.dtype.kind == "f":  # an array that lies elsewhere may be rounded in the last bit
            np.testing.assert_allclose(p, q, rtol=1e-12, atol=1e-14)
        else:
            np.testing.assert_array_equal(p, q)


@pytest.mark.parametrize("kind", ["array", "frame"])
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=name_of)
def test_copies_threads_and_inputs(estimator, kind):
    estimator, X, y = on_table(estimator, kind)
    given = [joblib.hash(part) for part in (X, y)]
    params = state(estimator)
    fitted = clone(estimator).fit(X, y)
    expected = outputs(fitted, X)
    assert_same(outputs(pickle.loads(pickle.dumps(fitted)), X), expected)
    stored = io.BytesIO()
    joblib.dump(fitted, stored)
    stored.seek(0)
    assert_same(outputs(joblib.load(stored), X), expected)
    assert_same(outputs(copy.deepcopy(fitted), X), expected)
    with ThreadPoolExecutor(8) as pool:
        for found in pool.map(lambda _: outputs(fitted, X), range(8)):
            assert_same(found, expected)
        for found in pool.map(lambda _: outputs(clone(estimator).fit(X, y), X), range(4)):
            for p, q in zip(found, expected, strict=True):
                assert np.shape(p) == np.shape(q)
    assert [joblib.hash(part) for part in (X, y)] == given
    assert state(estimator) == params
    assert vars(clone(fitted)).keys() == vars(estimator).keys()


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=name_of)
def test_a_refit_leaves_nothing_of_the_last_fit(estimator):
    first, X, y = on_table(estimator, "frame")
    narrow = X.drop(columns="a")[X["task"] != "t1"]
    some_y = np.asarray(y)[(X["task"] != "t1").to_numpy()]
    again = clone(first).fit(X, y).fit(narrow, some_y)
    fresh = clone(first).fit(narrow, some_y)
    assert state(again) == state(fresh)
    assert_same(outputs(again, narrow), outputs(fresh, narrow))
    second, X, y = on_table(estimator)
    roles = {name: value for name, value in vars(second).items() if name in ROLES}
    again.set_params(**roles).fit(X, y)
    assert state(again) == state(second.fit(X, y))


# Metadata routing


WEIGHTED = [e for e in ESTIMATORS if has_fit_parameter(e, "sample_weight")]


def wish(estimator):
    """The estimator that asks for weights, itself and the one inside."""
    for thing in (estimator, getattr(estimator, "estimator", None)):
        if hasattr(thing, "set_fit_request") and has_fit_parameter(thing, "sample_weight"):
            thing.set_fit_request(sample_weight=True)
    return estimator


@pytest.mark.filterwarnings("ignore:.*outside_support_")
@pytest.mark.parametrize("estimator", WEIGHTED, ids=name_of)
def test_weights_are_routed_or_refused_and_never_ignored(estimator):
    estimator, X, y = on_table(estimator)
    y = y % 2 if is_classifier(estimator) else y
    weight = np.resize([0.1, 1.0, 10.0], len(y))
    direct = outputs(clone(estimator).fit(X, y, sample_weight=weight), X)
    plain = outputs(clone(estimator).fit(X, y), X)
    assert not all(np.allclose(p, q) for p, q in zip(direct, plain, strict=True))
    with config_context(enable_metadata_routing=True):
        asks = wish(clone(estimator))
        close(outputs(asks.fit(X, y, sample_weight=weight), X), direct)
        pipeline = make_pipeline(asks).fit(X, y, sample_weight=weight)
        close(outputs(pipeline, X), direct)
        folds = TaskStratifiedKFold(2, task_col=0)
        search = GridSearchCV(asks, {"task_col": [0]}, cv=folds, error_score="raise")
        if hasattr(asks, "set_score_request"):
            asks.set_score_request(sample_weight=True)
        close(outputs(search.fit(X, y, sample_weight=weight), X), direct)
        with pytest.raises((TypeError, ValueError), match="sample_weight"):  # nobody asked for them
            GridSearchCV(clone(estimator), {"task_col": [0]}, cv=folds).fit(
                X, y, sample_weight=weight
            )


def close(found, expected):
    for p, q in zip(found, expected, strict=True):
        np.testing.assert_allclose(p, q, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("make", [per_task, shared])
def test_a_transformers_own_request_is_heard(make):
    _, X, y = on_table(REGRESSORS[0])
    weight = np.resize([0.1, 1.0, 10.0], len(y))
    with config_context(enable_metadata_routing=True):
        scaler = StandardScaler().set_fit_request(sample_weight=True)
        found = make(scaler, 0).fit(X, y, sample_weight=weight).transform(X)
        last = Ridge().set_fit_request(sample_weight=True)
        model = make_pipeline(make(scaler, 0), Pooled(last, task_col=0))
        model = wish(model[-1]) and model
        model.fit(X, y, sample_weight=weight)
    for t in np.unique(X[:, 0]) if make is per_task else [None]:
        own = X[:, 0] == t if t is not None else np.ones(len(X), dtype=bool)
        expected = StandardScaler().fit(X[own, 1:], sample_weight=weight[own]).transform(X[own, 1:])
        np.testing.assert_allclose(found[own, 1:], expected)
    np.testing.assert_allclose(model[0].transform(X), found)


@pytest.mark.parametrize(
    "estimator",
    [
        PerTask(make_pipeline(StandardScaler(), Ridge())),
        Pooled(make_pipeline(StandardScaler(), Ridge())),
        FeatureAugmentation(make_pipeline(StandardScaler(), Ridge())),
        ImportanceWeighted(make_pipeline(StandardScaler(), Ridge())),
        PerTask(GridSearchCV(Ridge(), {"alpha": [1.0]}, cv=2)),
        Pooled(GridSearchCV(LogisticRegression(), {"C": [1.0]}, cv=2)),
    ],
    ids=name_of,
)
def test_weights_go_through_pipelines_and_searches_or_are_refused(estimator):
    estimator, X, y = on_table(estimator)
    y = y % 2 if is_classifier(estimator) else y
    weight = np.resize([0.1, 1.0, 10.0], len(y))
    plain = outputs(clone(estimator).fit(X, y), X)
    try:
        found = outputs(clone(estimator).fit(X, y, sample_weight=weight), X)
    except (TypeError, ValueError) as error:
        assert "sample_weight" in str(error)
    else:
        assert not all(np.allclose(p, q) for p, q in zip(found, plain, strict=True))


# Containers of other kinds


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=name_of)
def test_array_api_dispatch_changes_nothing(estimator):
    if OLD and getattr(estimator, "task_as_input", None) == "category":
        pytest.skip("boosted trees of scikit-learn 1.7 fail with a category and this dispatch")
    estimator, X, y = on_table(estimator)
    expected = outputs(clone(estimator).fit(X, y), X)
    with config_context(array_api_dispatch=True):
        found = outputs(clone(estimator).fit(X, y), X)
    close(found, expected)


@pytest.mark.parametrize("transformer", TRANSFORMERS, ids=name_of)
def test_set_output_changes_the_container_and_nothing_else(transformer):
    transformer, X, _ = on_table(transformer, "frame")
    expected = np.asarray(clone(transformer).fit(X).transform(X).drop(columns="task"), dtype=float)
    for output in ("pandas", "polars", "default"):
        made = clone(transformer).set_output(transform=output).fit(X).transform(X)
        if output != "default":
            assert type(made).__module__.split(".")[0] == output
            assert list(made["task"]) == list(X["task"])
            made = made.to_pandas() if output == "polars" else made
        if hasattr(made, "columns"):
            np.testing.assert_allclose(made.drop(columns="task").to_numpy(dtype=float), expected)


@pytest.mark.parametrize("factor", [1e-200, 1e-20, 1e20, 1e200])
def test_a_network_does_not_mind_the_unit_of_its_target(factor):
    estimator, X, y = on_table(MultiTaskMLPRegressor(**SHORT))
    expected = clone(estimator).fit(X, y).predict(X)
    np.testing.assert_allclose(clone(estimator).fit(X, factor * y).predict(X) / factor, expected)
