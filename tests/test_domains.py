"""What all of transfer shares: roles of tasks, labels and ids of any kind, weights, refits."""

import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mtlkit.table._reading import unique_tasks
from mtlkit.transfer import (
    CORAL,
    TCA,
    BiasedLogisticRegression,
    BiasedRidge,
    ImportanceWeighted,
    PriorCorrection,
    SubspaceAlignment,
    TrAdaBoostClassifier,
    TransferForestClassifier,
    diagnose_shift,
)
from mtlkit.transfer._domains import find_roles

pytestmark = pytest.mark.filterwarnings("ignore:.*labelled source rows:UserWarning")

ALIGNERS = [CORAL(), SubspaceAlignment(1), TCA(1), TCA(1, kernel="rbf")]
CLASSIFIERS = [
    ImportanceWeighted(LogisticRegression()),
    PriorCorrection(LogisticRegression()),
    TrAdaBoostClassifier(n_estimators=4, random_state=0),
    TransferForestClassifier(RandomForestClassifier(3, random_state=0)),
    TransferForestClassifier(RandomForestClassifier(3, random_state=0), method="mix"),
]
BIASED = [BiasedRidge(), BiasedLogisticRegression()]
ESTIMATORS = [*CLASSIFIERS, ImportanceWeighted(Ridge()), *BIASED]
EVERY = [*ALIGNERS, *ESTIMATORS]


def problem(n=(40, 30), d=2, seed=0):
    """Array with the task in column 0 (one for each of `n`), and labels 0 and 1."""
    rng = np.random.default_rng(seed)
    task = np.repeat(np.arange(len(n)), n)
    X = rng.normal(size=(len(task), d)) + 0.3 * task[:, None]
    return np.column_stack([task, X]), (X[:, 0] + 0.3 * rng.normal(size=len(task)) > 0.2).astype(
        int
    )


X, Y = problem()
X3, Y3 = problem((30, 25, 20))


def on(estimator, **roles):
    return clone(estimator).set_params(**{"task_col": 0, "target": 1, **roles})


def result(fitted, table=X):
    method = "predict" if hasattr(fitted, "predict") else "transform"
    return np.asarray(getattr(fitted, method)(table))


# Roles


def roles(source, target, tasks=(0, 1, 2), **options):
    array = unique_tasks(np.array(tasks))[0] if not isinstance(tasks, np.ndarray) else tasks
    return find_roles(source, target, array, "site", **options)


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        (None, 1, ([0, 2], [1])),
        ([0, 2], None, ([0, 2], [1])),
        ([2, 0], 1, ([2, 0], [1])),
        (0, 1, ([0], [1])),
        ((0, 2), np.int64(1), ([0, 2], [1])),
        (np.array([0, 2]), np.array([1]), ([0, 2], [1])),
        (pd.Series([2]), {1}, ([2], [1])),
        (None, np.array(1), ([0, 2], [1])),
        (0.0, 1.0, ([0], [1])),
    ],
)
def test_roles(source, target, expected):
    assert roles(source, target) == expected


def test_roles_of_several_targets():
    assert roles([0], None, several=True) == ([0], [1, 2])
    assert roles(None, [0, 2], several=True) == ([1], [0, 2])
    assert roles([0, 1, 2], None, several=True) == ([0, 1, 2], [])


def test_names_are_never_rounded_nor_converted():
    big = np.array([2**60, 2**60 + 1, 2**60 + 2])
    assert roles(2**60, 2**60 + 1, big) == ([0], [1])
    assert roles(None, np.int64(2**60 + 1), big) == ([0, 2], [1])
    with pytest.raises(ValueError, match="is not a task"):
        roles(float(2**60), None, big[1:])
    tasks = np.empty(2, dtype=object)
    tasks[:] = [("a", 1), ("a", 2)]
    assert roles(None, ("a", 2), tasks) == ([0], [1])
    assert roles([("a", 1)], None, tasks) == ([0], [1])


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        (None, None, "source=None and target=None.*choose one of"),
        ("0", 1, r"source='0' is not a task in column 'site': choose one of \[0, 1, 2\]"),
        ([0, 7], 1, "source=7 is not a task"),
        (0, np.array([1, 9]), "target=9 is not a task"),
        (np.nan, 1, "source=nan is not a task"),
        ([], 1, r"source=\[\]"),
        ([0, 0], 1, r"source=\[0, 0\] must name each source once"),
        ([0, 1], 1, "task 1 cannot be both"),
        (0, None, r"one target task .* source=0 means \[1, 2\]"),
        (None, [0, 1], r"one target task .* target=\[0, 1\]"),
        (None, [0, 1, 2], r"only the target \[0, 1, 2\]: at least one source"),
        ([0, 1, 2], None, r"only the source \[0, 1, 2\]: at least one target"),
    ],
)
def test_errors_of_roles(source, target, message):
    with pytest.raises(ValueError, match=message):
        roles(source, target)


def test_roles_need_a_task_column():
    assert find_roles(None, None, np.array([0]), None) == ([], [0])
    with pytest.raises(ValueError, match="source=3 and target=1: set task_col"):
        find_roles(3, 1, np.array([0]), None)


@pytest.mark.parametrize("estimator", EVERY, ids=str)
def test_either_role_may_be_left_out(estimator):
    both = result(on(estimator, source=0, target=1).fit(X, Y))
    for given in [{"source": None}, {"target": None, "source": 0}, {"source": np.array([0])}]:
        assert_array_equal(result(on(estimator, **given).fit(X, Y)), both)
    with pytest.raises(ValueError, match="source=None and target=None"):
        on(estimator, target=None).fit(X, Y)


@pytest.mark.parametrize("estimator", EVERY, ids=str)
def test_the_order_of_the_names_does_not_matter(estimator):
    first = X3.copy()
    first[:, 0] = np.array([5, 2, 9])[X3[:, 0].astype(int)]  # the target is now the first task
    expected = on(estimator, source=[0, 2]).fit(X3, Y3)
    fitted = on(estimator, source=[5, 9], target=2).fit(first, Y3)
    found, expected = result(fitted, first), result(expected, X3)
    features = np.s_[:, 1:] if expected.ndim == 2 else np.s_[:]
    assert_allclose(found[features], expected[features], atol=1e-8)


@pytest.mark.parametrize("estimator", BIASED, ids=str)
def test_biased_models_take_several_targets_and_leave_others_out(estimator):
    if "tol" in estimator.get_params():  # up to which tasks that are solved at once stay apart
        estimator = clone(estimator).set_params(tol=1e-14)
    every = on(estimator, source=0, target=None).fit(X3, Y3)
    named = on(estimator, source=0, target=[1, 2]).fit(X3, Y3)
    assert_array_equal(named.coef_, every.coef_)
    one = on(estimator, source=0, target=2).fit(X3, Y3)
    assert_array_equal(one.tasks_, [0, 2])
    assert_allclose(one.coef_, every.coef_[[0, 2]], rtol=1e-6)
    rest = on(estimator, target=2).fit(X3, Y3)  # the other two are its sources
    assert rest.source_shares_.shape == (3, 2)
    assert_allclose(rest.source_shares_[2].sum(), 1)


# Tables and labels of any kind


@pytest.mark.parametrize("estimator", EVERY, ids=str)
def test_long_ids_stay_apart(estimator):
    ids = 635284328055690861 + X[:, 0].astype(int)
    table = np.column_stack([ids, np.round(10 * X[:, 1:]).astype(int)])
    plain = np.column_stack([X[:, 0], np.round(10 * X[:, 1:])])
    fitted = on(estimator, target=635284328055690862).fit(table, Y)
    expected = result(on(estimator).fit(plain, Y), plain)
    found = result(fitted, table)
    assert fitted.tasks_.tolist() == sorted(set(ids.tolist()))
    if expected.ndim == 2:  # of a transformer
        assert_array_equal(found[:, 0], ids)
        found, expected = found[:, 1:].astype(float), expected[:, 1:]
    assert_allclose(found, expected)


@pytest.mark.parametrize("estimator", EVERY, ids=str)
@pytest.mark.parametrize("kind", ["list", "polars", "pyarrow", "masked"])
def test_kinds_of_tables(estimator, kind):
    expected = result(on(estimator).fit(X, Y))
    if kind in ("list", "masked"):
        table = X.tolist() if kind == "list" else np.ma.array(X, mask=False)
        assert_allclose(result(on(estimator).fit(table, Y), table), expected)
        return
    module = pytest.importorskip(kind)
    columns = dict(zip(["task", "a", "b"], X.T, strict=True))
    table = module.table(columns) if kind == "pyarrow" else module.DataFrame(columns)
    fitted = on(estimator, task_col="task").fit(table, Y)
    assert_allclose(result(fitted, table), expected)
    assert_array_equal(fitted.feature_names_in_, ["task", "a", "b"])
    if hasattr(fitted, "transform"):
        assert type(fitted.transform(table)) is type(table)


@pytest.mark.parametrize("estimator", EVERY, ids=str)
@pytest.mark.parametrize("kind", ["huge", "masked", "word"])
def test_values_that_are_no_numbers_to_compute_with_are_named(estimator, kind):
    bad, message = X.copy(), r"(?s)column.*2.*1\.79769e\+308|column 2.*1\.8e\+308"
    bad[3, 2] = np.finfo(float).max
    if kind == "masked":
        bad[3, 2] = np.nan
        bad, message = np.ma.masked_invalid(bad), "NaN: column 2 of task 0.0"
    if kind == "word":
        bad = bad.astype(object)
        bad[3, 2], message = "red", "column 2 of task 0.0 holds 'red'"
    with pytest.raises((TypeError, ValueError), match=message):
        on(estimator).fit(bad, Y)


def test_what_came_in_fit_only_is_refused_in_prediction_too():
    bad = X.copy()
    bad[3, 2] = 1e300
    for estimator in [*ALIGNERS, *CLASSIFIERS]:
        with pytest.raises(ValueError, match=r"column 2 holds 1e\+300 in row 3"):
            result(on(estimator).fit(X, Y), bad)


@pytest.mark.parametrize("estimator", [*CLASSIFIERS, BiasedLogisticRegression()], ids=str)
@pytest.mark.parametrize(
    ("names", "hole"),
    [
        ([False, True], None),
        (["no", "yes"], float("nan")),
        ([7, 9], None),
        ([2**60, 2**60 + 1], None),
        ([0.5, 1.5], None),
    ],
)
def test_labels_keep_their_kind_beside_holes(estimator, names, hole):
    labels = [names[k] for k in Y]
    labels[::7] = [hole] * len(labels[::7])
    if names == [0.5, 1.5]:
        with pytest.raises(ValueError, match="continuous"):
            on(estimator).fit(X, labels)
        return
    fitted = on(estimator).fit(X, labels)
    assert fitted.classes_.tolist() == names
    assert [type(name) for name in fitted.classes_.tolist()] == [type(name) for name in names]
    number = np.where(np.arange(len(Y)) % 7, Y, np.nan)
    expected = on(estimator).fit(X, number).predict(X)
    assert_array_equal(fitted.predict(X), np.array(names)[expected.astype(int)])
    assert fitted.score(X, labels) == np.mean((expected == number)[~np.isnan(number)])


@pytest.mark.parametrize("estimator", CLASSIFIERS, ids=str)
def test_labels_that_mix_strings_and_numbers_are_refused(estimator):
    mixed = np.array(["1", 1, "2", 1, 1] * 14, dtype=object)
    with pytest.raises(ValueError, match="mixes strings such as '1' and values such as 1"):
        on(estimator).fit(X, mixed)


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=str)
def test_no_label_at_all(estimator):
    with pytest.raises(ValueError, match="no row has a label"):
        on(estimator).fit(X, np.full(len(X), np.nan))


# State


@pytest.mark.parametrize("estimator", EVERY, ids=str)
def test_a_refit_leaves_nothing_of_the_last_fit(estimator):
    frame = pd.DataFrame(X3, columns=["task", "a", "b"])
    three = np.arange(len(Y3)) % 3
    fitted = on(estimator, task_col="task", source=[0], target=1)
    known = frame["task"] < 2
    fitted.fit(frame[known], three[known])
    fresh = on(estimator).fit(X, Y)
    fitted.set_params(**fresh.get_params(deep=False)).fit(X, Y)
    assert vars(fitted).keys() == vars(fresh).keys()
    assert_array_equal(result(fitted), result(fresh))


def test_a_refit_with_another_kernel_or_kind_of_estimator():
    tca = on(TCA(1)).fit(X).set_params(kernel="rbf").fit(X)
    assert hasattr(tca, "dual_coef_") and not hasattr(tca, "components_")
    model = on(ImportanceWeighted(LogisticRegression())).fit(X, Y)
    model.set_params(estimator=Ridge()).fit(X, X[:, 1])
    assert not hasattr(model, "classes_")


@pytest.mark.parametrize("estimator", EVERY, ids=str)
def test_copies_and_threads_give_the_same(estimator):
    fitted = on(estimator).fit(X, Y)
    expected = result(fitted)
    # An array that lies elsewhere in memory may be rounded in the last bit.
    close = {"rtol": 1e-12, "atol": 1e-14}
    assert_allclose(result(pickle.loads(pickle.dumps(fitted))), expected, **close)
    with ThreadPoolExecutor(8) as pool:
        for found in pool.map(lambda _: result(fitted), range(8)):
            assert_allclose(found, expected, **close)


# Weights


class Even(BaseEstimator):
    """A density ratio that is 1 everywhere."""

    def fit(self, X_source, X_target):
        return self

    def predict_ratio(self, X):
        return np.ones(len(X))


WEIGHTED = [
    ImportanceWeighted(Ridge(), density_ratio=Even()),
    ImportanceWeighted(LogisticRegression(tol=1e-10), density_ratio=Even()),
    ImportanceWeighted(make_pipeline(StandardScaler(with_mean=False), Ridge())),
    PriorCorrection(LogisticRegression(tol=1e-10)),
    *BIASED,
]
TIMES = np.arange(len(X)) % 3


def values(fitted, table=X):
    method = "predict_proba" if is_classifier(fitted) else "predict"
    return getattr(fitted, method)(table)


@pytest.mark.parametrize("estimator", [*WEIGHTED[:2], *WEIGHTED[3:]], ids=str)
def test_weights_are_repeated_rows(estimator):
    weighted = on(estimator).fit(X, Y, sample_weight=TIMES)
    rows = np.repeat(np.arange(len(X)), TIMES)
    assert_allclose(values(weighted), values(on(estimator).fit(X[rows], Y[rows])), rtol=1e-4)
    assert not np.allclose(values(weighted), values(on(estimator).fit(X, Y)), rtol=1e-4)


def test_weights_multiply_those_of_the_ratio():
    weight = np.random.default_rng(0).uniform(0.5, 2, len(X))
    fitted = on(ImportanceWeighted(Ridge())).fit(X, X[:, 1] ** 2, weight)
    source = X[:, 0] == 0
    assert np.average(fitted.sample_weights_, weights=weight[source]) == pytest.approx(1)
    both = np.r_[fitted.sample_weights_ * weight[source], weight[~source]]
    plain = Ridge().fit(X[:, 1:], X[:, 1] ** 2, both)
    assert_allclose(fitted.estimator_.coef_, plain.coef_)


def test_weights_of_zero_leave_a_label_out():
    for estimator in (WEIGHTED[1], WEIGHTED[3]):
        with pytest.raises(ValueError, match="labels of the source"):
            on(estimator).fit(X, Y, sample_weight=X[:, 0])
    with pytest.raises(ValueError, match="every target row has zero sample_weight"):
        on(WEIGHTED[3]).fit(X, Y, sample_weight=1 - X[:, 0])
    with pytest.raises(ValueError, match="sample_weight"):
        on(WEIGHTED[1]).fit(X, Y, sample_weight=-np.ones(len(X)))


@pytest.mark.parametrize("estimator", CLASSIFIERS[2:], ids=str)
def test_methods_with_weights_of_their_own_refuse_others(estimator):
    with pytest.raises(TypeError, match="sample_weight"):
        on(estimator).fit(X, Y, sample_weight=np.ones(len(X)))


@pytest.mark.parametrize("estimator", WEIGHTED, ids=str)
def test_metadata_routing_hands_weights_on_or_says_that_it_does_not(estimator):
    plain = on(estimator).fit(X, Y, sample_weight=TIMES)
    with config_context(enable_metadata_routing=True):
        ready = clone(estimator)
        if hasattr(getattr(ready, "estimator", None), "steps"):
            ready.estimator[-1].set_fit_request(sample_weight=True)
            ready.estimator[0].set_fit_request(sample_weight=False)
        asked = on(ready).set_fit_request(sample_weight=True).set_score_request(sample_weight=False)
        folds = [(np.arange(len(X)), np.arange(len(X)))]
        search = GridSearchCV(asked, {"source": [None]}, cv=folds)
        search.fit(X, Y, sample_weight=TIMES)
        assert_allclose(values(search.best_estimator_), values(plain))
        with pytest.raises(Exception, match="sample_weight"):
            GridSearchCV(on(ready), {"source": [None]}, cv=folds).fit(X, Y, sample_weight=TIMES)


# The report


def test_a_report_takes_the_same_roles_and_tables():
    expected = str(diagnose_shift(X, Y, target=1, task_col=0, random_state=0))
    for given in ({"source": 0}, {"source": [0], "target": np.array([1])}):
        assert str(diagnose_shift(X, Y, **given, task_col=0, random_state=0)) == expected
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame(dict(zip(["task", "column 1", "column 2"], X.T, strict=True)))
    named = diagnose_shift(frame, polars.Series(Y), target=1, task_col="task", random_state=0)
    assert str(named) == expected
