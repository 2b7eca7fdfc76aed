"""Contracts of mtlkit.baselines: weights, groups, columns, containers, dtypes, errors, refits."""

import datetime
import pickle
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.exceptions import DataConversionWarning, UnsetMetadataPassedError
from sklearn.feature_selection import SelectKBest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_validate
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils.fixes import parse_version

from mtlkit._utils._validation import BY_PROTOCOL
from mtlkit.baselines import FeatureAugmentation, PerTask, Pooled
from mtlkit.table import TaskStratifiedKFold, per_task, shared
from tests._problems import as_frame, ragged_classification, ragged_regression

X, y = ragged_regression(rows=(18, 12, 9, 15))
F = as_frame(X)
EXACT = Ridge(solver="lsqr", tol=1e-14, max_iter=10**4)  # the same for sparse and dense tables
ALL = [PerTask, Pooled, FeatureAugmentation]
WEIGHT = np.random.default_rng(0).integers(0, 4, len(y))


class WithTask(Pooled):
    """`Pooled` that sees the task."""

    def __init__(self, estimator, *, task_col=None, task_as_input=True):
        super().__init__(estimator, task_col=task_col, task_as_input=task_as_input)


# Weights, groups and other parameters of fit


@pytest.mark.parametrize("model", ALL)
@pytest.mark.parametrize(
    "wrap",
    [
        lambda e: make_pipeline(StandardScaler(), e),
        lambda e: GridSearchCV(e, {"alpha": [3.0]}, cv=2),
        lambda e: make_pipeline(StandardScaler(), GridSearchCV(e, {"alpha": [3.0]}, cv=2)),
        TransformedTargetRegressor,
    ],
    ids=["pipeline", "search", "search in pipeline", "target"],
)
def test_weights_reach_the_estimator_inside(model, wrap):
    fitted = model(wrap(Ridge()), task_col=0).fit(X, y, sample_weight=WEIGHT)
    if model is PerTask:
        inner, rows = fitted.estimators_[1], X[:, 0] == 1
        table, target, weight = X[rows, 1:], y[rows], WEIGHT[rows]
    else:
        _, table, _ = fitted._output(X, "predict")
        inner, rows, target, weight = fitted.estimator_, slice(None), y, WEIGHT
    by_hand = wrap(Ridge())
    last = by_hand.steps[-1][0] + "__" if hasattr(by_hand, "steps") else ""
    expected = by_hand.fit(table, target, **{f"{last}sample_weight": weight}).predict(table)
    assert_allclose(fitted.predict(X)[rows], expected)
    assert abs(expected - wrap(Ridge()).fit(table, target).predict(table)).max() > 1e-3
    assert type(inner) is type(by_hand)


@pytest.mark.parametrize("model", ALL)
def test_a_task_whose_weights_are_all_zero_is_not_there(model):
    weight = np.where(X[:, 0] == 1, 0.0, 1.0)
    fitted = model(Ridge(), task_col=0).fit(X, y, sample_weight=weight)
    assert fitted.tasks_.tolist() == [0, 2, 3]
    with pytest.raises(ValueError, match="zero sample_weight"):
        model(Ridge(), task_col=0).fit(X, y, sample_weight=0 * weight)


@pytest.mark.parametrize("model", ALL)
@pytest.mark.parametrize(
    ("weight", "word"),
    [
        (-1.0 * np.arange(len(y)), f"negative, got -{len(y) - 1}"),
        (np.where(X[:, 0] == 1, np.nan, 1), "sample_weight.*NaN"),
        (["a"] * len(y), "sample_weight.*'a'"),
        (np.ones((len(y), 1)), rf"sample_weight.*\({len(y)}, 1\)"),
        (2.0, "sample_weight"),
    ],
)
def test_what_is_wrong_with_weights(model, weight, word):
    with pytest.raises((TypeError, ValueError), match=word):
        model(Ridge(), task_col=0).fit(X, y, sample_weight=weight)


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


@pytest.mark.parametrize("model", ALL)
def test_requests_of_the_estimator_inside_are_kept(routing, model):
    requested = model(clone(EXACT).set_fit_request(sample_weight=True), task_col=0)
    with sklearn.config_context(enable_metadata_routing=False):
        expected = model(EXACT, task_col=0).fit(X, y, sample_weight=WEIGHT).predict(X)
    assert_array_equal(requested.fit(X, y, sample_weight=WEIGHT).predict(X), expected)
    alias = model(clone(EXACT).set_fit_request(sample_weight="w"), task_col=0)
    assert_allclose(alias.fit(X, y, w=WEIGHT).predict(X), expected, rtol=1e-6)
    refused = model(clone(EXACT).set_fit_request(sample_weight=False), task_col=0)
    with pytest.raises(TypeError, match="sample_weight"):
        refused.fit(X, y, sample_weight=WEIGHT)
    with pytest.raises(UnsetMetadataPassedError, match="sample_weight"):
        model(Ridge(), task_col=0).fit(X, y, sample_weight=WEIGHT)


@pytest.mark.parametrize("model", ALL)
def test_requests_in_pipelines_and_searches(routing, model):
    folds = TaskStratifiedKFold(2, task_col=0)
    requested = model(Ridge().set_fit_request(sample_weight=True), task_col=0)
    scaler = StandardScaler().set_fit_request(sample_weight=False)
    pipeline = make_pipeline(shared(scaler, 0), requested).fit(X, y, sample_weight=WEIGHT)
    by_hand = pipeline[0].transform(X)
    expected = clone(requested).fit(by_hand, y, sample_weight=WEIGHT).predict(by_hand)
    assert_array_equal(pipeline.predict(X), expected)

    search = GridSearchCV(requested, {"estimator__alpha": [1, 9]}, cv=folds)
    plain = search.fit(X, y, sample_weight=WEIGHT).cv_results_["mean_test_score"]
    unweighted = GridSearchCV(model(Ridge(), task_col=0), search.param_grid, cv=folds).fit(X, y)
    assert (plain != unweighted.cv_results_["mean_test_score"]).all()
    own = clone(requested).set_score_request(sample_weight=True)
    inside = clone(requested)
    inside.estimator.set_score_request(sample_weight=True)
    weighted = [
        cross_validate(m, X, y, params={"sample_weight": WEIGHT}, cv=folds)["test_score"].mean()
        for m in (own, inside)
    ]
    # What the estimator inside asks for in `score` is not asked by scikit-learn 1.7.
    old = parse_version(sklearn.__version__) < parse_version("1.8")
    assert weighted[0] != plain[0]
    assert weighted[1] == (plain[0] if old else weighted[0])


class Remembers(RegressorMixin, BaseEstimator):
    """Keeps what `fit` got."""

    def fit(self, X, y, groups=None, name=None):
        self.groups_, self.name_, self.n_features_in_ = groups, name, X.shape[1]
        return self

    def predict(self, X):
        return np.zeros(X.shape[0])


@pytest.mark.parametrize("on", [False, True])
def test_parameters_of_fit_are_divided_like_the_rows(on):
    holes = np.where(np.arange(len(y)) % 5 == 0, np.nan, y)
    known = ~np.isnan(holes)
    group = [f"g{i // 2}" for i in range(len(y))]
    with sklearn.config_context(enable_metadata_routing=on):
        inner = Remembers()
        inner = inner.set_fit_request(groups=True, name=True) if on else inner
        fitted = PerTask(inner, task_col=0).fit(X, holes, groups=group, name="n")
        assert_array_equal(
            Pooled(inner, task_col=0).fit(X, holes, groups=group).estimator_.groups_,
            np.array(group)[known],
        )
    for t, clone_ in zip(fitted.tasks_, fitted.estimators_, strict=True):
        assert_array_equal(clone_.groups_, np.array(group)[known & (X[:, 0] == t)])
        assert clone_.name_ == "n"


@pytest.mark.parametrize("on", [False, True])
@pytest.mark.parametrize("model", ALL)
def test_groups_reach_a_search_inside(model, on):
    patient = np.random.default_rng(1).integers(0, 6, len(y))
    with sklearn.config_context(enable_metadata_routing=on):
        search = GridSearchCV(Ridge(), {"alpha": [1.0, 50.0]}, cv=GroupKFold(3))
        fitted = model(search, task_col=0).fit(X, y, groups=patient)
        if model is PerTask:
            rows = X[:, 0] == 2
            expected = clone(search).fit(X[rows, 1:], y[rows], groups=patient[rows])
            results = fitted.estimators_[2].cv_results_["mean_test_score"]
            assert_array_equal(results, expected.cv_results_["mean_test_score"])
        with pytest.raises(ValueError, match="groups"):
            model(search, task_col=0).fit(X, y)


def test_a_parameter_that_fit_does_not_have():
    with pytest.raises(TypeError, match=r"Ridge.* task 0.0 .*'colour'"):
        PerTask(Ridge(), task_col=0).fit(X, y, colour=1)


# Columns


HOLES = X.copy()
HOLES[X[:, 0] == 1, 1] = np.nan  # task 1 has no value in the first feature
HOLES[:, 2] = np.random.default_rng(0).integers(0, 3, len(X))


def test_positions_mean_the_columns_of_the_table():
    boosting = HistGradientBoostingRegressor(categorical_features=[1], min_samples_leaf=2)
    fitted = PerTask(boosting, task_col=0).fit(HOLES, y)
    for clone_ in fitted.estimators_:
        assert clone_.is_categorical_.tolist() == [False, True, False]
    rows = X[:, 0] == 1
    expected = clone(boosting).set_params(categorical_features=[0])
    expected = expected.fit(HOLES[rows, 2:], y[rows]).predict(HOLES[rows, 2:])
    assert_allclose(fitted.predict(HOLES)[rows], expected)
    filled = np.where(np.isnan(HOLES), 7.0, HOLES)  # the clone has nothing to say about it
    assert_array_equal(fitted.predict(filled)[rows], expected)


@pytest.mark.parametrize("kind", ["array", "pandas", "polars"])
def test_columns_chosen_in_a_pipeline_are_those_of_the_table(kind):
    by_name = kind != "array"
    numbers, words = (["a", "c"], ["b"]) if by_name else ([0, 2], [1])
    encode = ColumnTransformer(
        [
            ("number", SimpleImputer(), numbers),
            ("word", OneHotEncoder(sparse_output=False, handle_unknown="ignore"), words),
        ]
    )
    table = {"array": HOLES, "pandas": as_frame(HOLES), "polars": pl.from_pandas(as_frame(HOLES))}
    if BY_PROTOCOL and kind == "polars" and not hasattr(table[kind], "__dataframe__"):
        pytest.skip("this scikit-learn's own ColumnTransformer finds no columns of this polars")
    fitted = PerTask(make_pipeline(encode, Ridge()), task_col="task" if by_name else 0)
    prediction = fitted.fit(table[kind], y).predict(table[kind])
    rows = X[:, 0] == 1
    one_hot = HOLES[rows, 2][:, None] == np.unique(HOLES[rows, 2])
    by_hand = np.column_stack([HOLES[rows, 3], one_hot])
    assert_allclose(prediction[rows], Ridge().fit(by_hand, y[rows]).predict(by_hand))
    if by_name:
        assert fitted.estimators_[1].feature_names_in_.tolist() == ["a", "b", "c"]


def test_other_estimators_see_the_columns_of_their_task():
    for inner in (Ridge(), make_pipeline(StandardScaler(), Ridge()), DecisionTreeRegressor()):
        fitted = PerTask(inner, task_col=0).fit(HOLES, y)
        assert [e.n_features_in_ for e in fitted.estimators_] == [3, 2, 3, 3]


@pytest.mark.parametrize("model", ALL)
def test_tables_of_one_feature_or_none(model):
    assert np.isfinite(model(Ridge(), task_col=0).fit(X[:, :2], y).predict(X[:, :2])).all()
    with pytest.raises(ValueError, match=r"0 feature\(s\)"):
        model(Ridge(), task_col=0).fit(X[:, :1], y)


# Many tasks


@pytest.mark.parametrize("inner", [EXACT, DecisionTreeRegressor(max_depth=4, random_state=0)])
@pytest.mark.parametrize("frame", [False, True])
def test_indicators_of_many_tasks_are_sparse_and_say_the_same(inner, frame):
    rng = np.random.default_rng(0)
    table = np.column_stack([rng.integers(0, 150, 600), rng.normal(size=(600, 2))])
    target = table[:, 1] + rng.normal(size=150)[table[:, 0].astype(int)]
    one_hot = np.column_stack([table[:, 1:], table[:, :1] == np.unique(table[:, 0])])
    expected = clone(inner).fit(one_hot, target).predict(one_hot)
    col = "task" if frame else 0
    table = as_frame(table) if frame else table
    model = Pooled(inner, task_col=col, task_as_input=True).fit(table, target)
    assert sparse.issparse(model._output(table, "predict")[1])
    assert_allclose(model.predict(table), expected, rtol=1e-5, atol=1e-5 if frame else 1e-6)
    assert model.estimator_.n_features_in_ == 2 + len(model.tasks_)


@pytest.mark.parametrize("inner", [Ridge(), DecisionTreeRegressor(max_depth=3)])
def test_indicators_of_many_tasks_take_little_memory(inner):
    rng = np.random.default_rng(0)
    table = np.column_stack([rng.integers(0, 2000, 6000), rng.normal(size=(6000, 2))])
    tracemalloc.start()
    Pooled(inner, task_col=0, task_as_input=True).fit(table, table[:, 1]).predict(table)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 10e6  # 96 MB if dense


def test_only_the_models_of_the_tasks_in_the_table_are_asked():
    class Counts(Ridge):
        calls = 0

        def predict(self, X):
            Counts.calls += 1
            return super().predict(X)

    fitted = PerTask(Counts(), task_col=0).fit(X, y)
    fitted.predict(X[X[:, 0] == 3])
    assert Counts.calls == 1


def test_a_few_indicators_reach_an_estimator_that_takes_nan():
    model = Pooled(HistGradientBoostingRegressor(min_samples_leaf=2), task_col="task")
    model.set_params(task_as_input=True).fit(as_frame(HOLES), y)
    assert model.estimator_.feature_names_in_[3:].tolist() == [f"task=t{t}" for t in range(4)]
    assert np.isfinite(model.predict(as_frame(HOLES))).all()


# Containers


@pytest.mark.parametrize("kind", [sparse.csr_array, sparse.csc_matrix, sparse.coo_array])
@pytest.mark.parametrize("model", [*ALL, WithTask])
def test_sparse_tables(model, kind):
    expected = model(EXACT, task_col=0).fit(X, y).predict(X)
    fitted = model(EXACT, task_col=0).fit(kind(X), y)
    assert_allclose(fitted.predict(kind(X)), expected, rtol=1e-6, atol=1e-6)
    holes = np.where(np.arange(len(y)) % 4 == 0, np.nan, y)
    assert fitted.fit(kind(X), holes).score(kind(X), holes) > 0
    with pytest.raises(ValueError, match="toarray"):
        model(HistGradientBoostingRegressor(), task_col=0).fit(kind(X), y)


FRAMES = {
    "polars": pl.from_pandas,
    "pyarrow": pa.Table.from_pandas,
    "nullable": lambda frame: frame.convert_dtypes(),
    "arrow-backed": lambda frame: frame.convert_dtypes(dtype_backend="pyarrow"),
    "categories": lambda frame: frame.astype({"task": "category"}),
    "index": lambda frame: frame.set_axis(np.arange(len(frame)) % 3),
}


@pytest.mark.parametrize("kind", FRAMES)
@pytest.mark.parametrize("model", [*ALL, WithTask])
def test_frames_of_any_kind(model, kind):
    table = FRAMES[kind](F)
    expected = model(EXACT, task_col="task").fit(F, y).predict(F)
    for target in (y, pl.Series(y), pa.array(y), pd.Series(y), list(y)):
        fitted = model(EXACT, task_col="task").fit(table, target)
        assert_allclose(fitted.predict(table), expected, rtol=1e-6, atol=1e-6)
    assert fitted.feature_names_in_.tolist() == ["task", "a", "b", "c"]


@pytest.mark.parametrize("model", [PerTask, Pooled, WithTask])
def test_polars_stays_polars(model):
    class Kind(Remembers):
        def fit(self, X, y):
            self.kind_ = type(X)
            return super().fit(X, y)

    fitted = model(Kind(), task_col="task").fit(pl.from_pandas(F), y)
    inner = fitted.estimators_[0] if model is PerTask else fitted.estimator_
    assert inner.kind_ is pl.DataFrame


IDS = {
    "long": lambda t: 635284328055690861 + t,
    "beyond 64 bits": lambda t: 2**70 + t,
    "date": lambda t: datetime.date(2026, 1, 1 + t),
    "tuple": lambda t: ("Oslo", t),
    "mixed": lambda t: [0, 1, "0", "1"][t],
    "half": lambda t: t + 0.5,
}


@pytest.mark.parametrize("name", IDS)
@pytest.mark.parametrize("model", [*ALL, WithTask])
def test_task_ids_of_any_kind_stay_distinct(model, name):
    ids = pd.Series([IDS[name](int(t)) for t in X[:, 0]], dtype=object)
    table = F.assign(task=ids)
    fitted = model(EXACT, task_col="task").fit(table, y)
    expected = model(EXACT, task_col=0).fit(X, y).predict(X)
    assert_allclose(fitted.predict(table), expected, rtol=1e-6, atol=1e-6)
    assert len(fitted.tasks_) == 4
    if model is PerTask:
        with pytest.raises(ValueError) as error:
            fitted.fit(table.assign(a=np.where(X[:, 0] == 2, np.inf, 1.0)), y)
        assert f"task {IDS[name](2)!r}" in str(error.value)


# Targets


@pytest.mark.parametrize("model", ALL)
@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        ([False, True, None], [False, True]),
        ([0, 1, None], [0, 1]),
        ([2**60, 2**60 + 1, None], [2**60, 2**60 + 1]),
        (["no", "yes", float("nan")], ["no", "yes"]),
        ([0, 1, pd.NA], [0, 1]),
    ],
)
@pytest.mark.parametrize(
    "kind", [list, lambda v: np.array(v, dtype=object), lambda v: pd.Series(v, dtype=object)]
)
def test_labels_beside_missing_ones(model, labels, classes, kind):
    table, which = ragged_classification(classes=((0, 1),) * 3)
    holes = np.where(np.arange(len(which)) % 6 == 0, 2, which)
    target = kind([labels[k] for k in holes])
    fitted = model(LogisticRegression(), task_col=0).fit(table, target)
    assert fitted.classes_.tolist() == classes
    assert type(fitted.classes_.tolist()[0]) is type(classes[0])
    known = holes < 2
    expected = model(LogisticRegression(), task_col=0).fit(table[known], which[known])
    assert_array_equal(fitted.predict(table), np.array(classes)[expected.predict(table)])
    assert fitted.score(table, target) == expected.score(table[known], which[known])


@pytest.mark.parametrize("model", ALL)
@pytest.mark.parametrize("value", [pd.NA, None, [1, 2], "5 kg"])
def test_a_cell_that_holds_no_number_is_named(model, value):
    table = F.astype({"b": object})
    table.at[5, "b"] = value
    with pytest.raises((TypeError, ValueError), match=r"column 'b' ") as error:
        model(Ridge(), task_col="task").fit(table, y)
    assert repr(value) in str(error.value) or "no value in row 5" in str(error.value)


@pytest.mark.parametrize("model", ALL)
def test_what_is_wrong_with_labels(model):
    table, which = ragged_classification(classes=((0, 1),) * 3)
    fit = model(LogisticRegression(), task_col=0).fit
    with pytest.raises(ValueError, match=r"'1'.*1"):
        fit(table, [1 if k else "1" for k in which])
    with pytest.raises(ValueError, match="continuous"):
        fit(table, table[:, 1])
    for wrong in (np.array(1), np.column_stack([which, which])):
        with pytest.raises(ValueError, match="1d array"):
            fit(table, wrong)
    with pytest.raises(ValueError, match=r"'a'.*numbers"):
        model(Ridge(), task_col=0).fit(table, ["a"] * len(table))
    with pytest.raises(ValueError, match="infinity"):
        model(Ridge(), task_col=0).fit(table, np.where(which, np.inf, 1))


@pytest.mark.parametrize("model", ALL)
def test_a_target_as_a_column(model):
    holes = np.where(np.arange(len(y)) % 5 == 0, np.nan, y)
    expected = model(Ridge(), task_col=0).fit(X, holes)
    for column in (holes[:, None], pd.DataFrame({"y": holes})):
        with pytest.warns(DataConversionWarning):
            fitted = model(Ridge(), task_col=0).fit(X, column)
        assert_array_equal(fitted.predict(X), expected.predict(X))


@pytest.mark.parametrize("model", ALL)
def test_several_outputs(model):
    Y = np.column_stack([y, -y, 2 * y])
    fitted = model(EXACT, task_col=0).fit(X, Y, sample_weight=WEIGHT)
    one = model(EXACT, task_col=0).fit(X, y, sample_weight=WEIGHT).predict(X)
    assert_allclose(fitted.predict(X), one[:, None] * [1, -1, 2], rtol=1e-6, atol=1e-6)
    assert 0 < fitted.score(X, Y) <= 1


# Dtypes


class Sometimes(RegressorMixin, BaseEstimator):
    """Predicts integers for whole targets, floats for others."""

    def fit(self, X, y):
        self.value_ = int(y[0]) if y[0] == int(y[0]) else float(y[0])
        return self

    def predict(self, X):
        return np.full(X.shape[0], self.value_)


def test_predictions_are_not_cast_to_the_dtype_of_the_first_task():
    fitted = PerTask(Sometimes(), task_col=0).fit([[0, 1], [1, 1]], [1, 0.5])
    assert fitted.predict([[0, 1], [1, 1]]).tolist() == [1, 0.5]
    whole = PerTask(Sometimes(), task_col=0).fit([[0, 1], [1, 1]], [1, 2])
    assert whole.predict([[1, 1]]).dtype.kind == "i"


@pytest.mark.parametrize("model", [*ALL, WithTask])
def test_float32_stays_float32(model):
    small = X.astype(np.float32)
    fitted = model(Ridge(), task_col=0).fit(small, y.astype(np.float32))
    assert fitted.predict(small).dtype == np.float32
    table, which = ragged_classification()
    table = table.astype(np.float32)
    alone = LogisticRegression().fit(table, which).predict_proba(table).dtype  # 64 bits in 1.7
    fitted = model(LogisticRegression(), task_col=0).fit(table, which)
    assert fitted.predict_proba(table).dtype == alone


# Errors


@pytest.mark.parametrize("model", ALL)
@pytest.mark.parametrize("value", ["Male", np.inf, np.nan])
def test_what_is_not_a_number_is_named_with_column_and_task(model, value):
    for table, col, name in [(F, "task", "'b'"), (X, 0, "2")]:
        good = model(Ridge(), task_col=col).fit(table, y)
        bad = (F if col else pd.DataFrame(X)).astype(object)
        bad.iloc[7, 2] = value
        bad = bad.infer_objects() if col else bad.to_numpy()
        for call in (lambda: clone(good).fit(bad, y), lambda: good.predict(bad)):  # noqa: B023
            with pytest.raises((TypeError, ValueError), match=rf"column {name} ") as error:
                call()
            message = str(error.value)
            assert str(value) in message or "NaN" in message
            if model is PerTask:
                assert f"task {F['task'][7]!r}" in message or f"task {X[7, 0]}" in message
            assert isinstance(value, str) or "row 7" in message


def test_a_hole_is_not_blamed_on_words_that_are_encoded():
    table = F.assign(word=np.where(np.arange(len(F)) % 2, "u", "v"))[["task", "word", "a", "b"]]
    table.loc[4, "b"] = np.nan
    encode = ColumnTransformer([("w", OneHotEncoder(), ["word"])], remainder="passthrough")
    with pytest.raises(ValueError, match="NaN") as error:
        PerTask(make_pipeline(encode, Ridge()), task_col="task").fit(table, y)
    assert "column 'b' has no value in row 4" in str(error.value)


def test_the_error_of_a_worker_names_the_task():
    table = np.where((X[:, :1] == 2) & (np.arange(4) == 3), np.inf, X)
    with pytest.raises(ValueError, match=r"task 2.0 .*infinity"):
        PerTask(Ridge(), task_col=0, n_jobs=2).fit(table, y)


def test_the_error_of_a_prediction_names_the_task():
    few = np.r_[np.flatnonzero(X[:, 0] != 2), np.flatnonzero(X[:, 0] == 2)[:2]]
    fitted = PerTask(KNeighborsRegressor(5), task_col=0).fit(X[few], y[few])
    with pytest.raises(ValueError, match=r"KNeighbors.* task 2.0.*n_neighbors"):
        fitted.predict(X)


def test_an_estimator_may_fail_in_its_own_way():
    class Fails(Ridge):
        def fit(self, X, y):
            raise ZeroDivisionError("nothing left")

    with pytest.raises(ValueError, match=r"Fails.* task 0.0 \(18 rows\): nothing left"):
        PerTask(Fails(), task_col=0).fit(X, y)
    with pytest.raises(ZeroDivisionError):
        PerTask(Fails()).fit(X, y)
    with pytest.raises((TypeError, ValueError), match=r"task 0.0 .*'k'"):
        PerTask(make_pipeline(SelectKBest(k="9"), Ridge()), task_col=0).fit(X, y)


def test_a_task_without_labels_and_a_task_never_seen():
    fitted = PerTask(Ridge(), task_col=0).fit(X, np.where(X[:, 0] == 2, np.nan, y))
    with pytest.raises(ValueError, match=r"\[2.0\].*label"):
        fitted.predict(X)
    with pytest.raises(ValueError, match=r"\[9.0\].*not seen"):
        fitted.predict(np.where(np.arange(4) == 0, 9, X))


@pytest.mark.parametrize("model", ALL)
def test_a_feature_as_the_task_column_is_noticed(model):
    with pytest.warns(UserWarning, match=rf"column 1 has {len(y)} tasks in {len(y)} rows"):
        model(Ridge(), task_col=1).fit(X, y)


@pytest.mark.parametrize("flag", ["yes", 1, None])
def test_a_flag_is_true_or_false(flag):
    with pytest.raises(TypeError, match=f"task_as_input={flag!r}"):
        Pooled(Ridge(), task_col=0, task_as_input=flag).fit(X, y)


# Refits, copies, threads


@pytest.mark.parametrize("model", [*ALL, WithTask])
def test_a_refit_leaves_nothing_of_the_last_fit(model):
    table, which = ragged_classification()
    inner = DecisionTreeClassifier(random_state=0)
    fitted = model(inner, task_col="task").fit(as_frame(table), which)
    fitted.set_params(estimator=Ridge(), task_col=0).fit(X, y)
    fresh = model(Ridge(), task_col=0).fit(X, y)
    assert vars(fitted).keys() == vars(fresh).keys()
    assert_array_equal(fitted.predict(X), fresh.predict(X))
    assert fitted.estimator is not inner
    assert not hasattr(inner, "tree_")
    fitted.set_params(estimator=inner, task_col="task").fit(as_frame(table), which)
    again = model(inner, task_col="task").fit(as_frame(table), which)
    assert vars(fitted).keys() == vars(again).keys()
    assert_array_equal(fitted.predict(as_frame(table)), again.predict(as_frame(table)))


@pytest.mark.parametrize("model", [*ALL, WithTask])
def test_copies_and_threads_predict_the_same(model):
    fitted = model(Ridge(), task_col="task").fit(F, y)
    expected = fitted.predict(F)
    assert_allclose(pickle.loads(pickle.dumps(fitted)).predict(F), expected, rtol=1e-12)
    assert_array_equal(clone(fitted).fit(F, y).predict(F), expected)
    with ThreadPoolExecutor(8) as pool:
        for result in pool.map(lambda _: fitted.predict(F), range(16)):
            assert_array_equal(result, expected)


def test_estimators_stand_in_the_order_of_tasks():
    fitted = PerTask(Ridge(), task_col="task").fit(F.iloc[::-1], y[::-1])
    for t, inner in zip(fitted.tasks_, fitted.estimators_, strict=True):
        rows = (F["task"] == t).to_numpy()
        assert_allclose(inner.predict(F.loc[rows, ["a", "b", "c"]]), fitted.predict(F)[rows])


def test_after_a_transformer_per_task():
    model = make_pipeline(per_task(StandardScaler(), "task"), PerTask(Ridge(), task_col="task"))
    table = pl.from_pandas(as_frame(HOLES))
    expected = model.fit(as_frame(HOLES), y).predict(as_frame(HOLES))
    assert_allclose(model.fit(table, y).predict(table), expected)


# Frames cost what arrays cost


@pytest.mark.parametrize(
    "inner",
    [
        DecisionTreeRegressor(max_depth=2, random_state=0),
        make_pipeline(StandardScaler(), Ridge()),
        HistGradientBoostingRegressor(max_iter=3, min_samples_leaf=2),
    ],
)
def test_a_frame_of_numbers_is_read_once(inner, monkeypatch):
    last = getattr(inner, "steps", [(None, inner)])[-1][1]
    seen, read = [], type(last).predict
    monkeypatch.setattr(
        type(last), "predict", lambda self, X: seen.append(type(X)) or read(self, X)
    )
    reads, to_numpy = [], pd.DataFrame.to_numpy
    monkeypatch.setattr(
        pd.DataFrame, "to_numpy", lambda self, *a, **k: reads.append(1) or to_numpy(self, *a, **k)
    )
    model = PerTask(inner, task_col="task").fit(F, y)
    predicted = model.predict(F)
    assert set(seen) == {np.ndarray}
    assert len(reads) == 2  # one in fit, one in predict, whatever the number of tasks
    assert_allclose(predicted, PerTask(inner, task_col=0).fit(X, y).predict(X))
    for t, fitted in zip(model.tasks_, model.estimators_, strict=True):
        rows = (F["task"] == t).to_numpy()
        assert fitted.feature_names_in_.tolist() == ["a", "b", "c"]
        assert_allclose(fitted.predict(F.loc[rows, ["a", "b", "c"]]), predicted[rows])
    other = F.astype({"a": object})  # no plain numbers, though as good
    assert_allclose(model.predict(other), predicted)
    again = pickle.loads(pickle.dumps(model))
    assert_array_equal(again.predict(F), predicted)


class ByName(RegressorMixin, BaseEstimator):
    """Wants its column by name."""

    def fit(self, X, y):
        self.n_features_in_, self.mean_ = X.shape[1], X["a"].mean()
        return self

    def predict(self, X):
        return X["a"].to_numpy() - self.mean_


@pytest.mark.parametrize(
    "inner",
    [
        ByName(),
        make_pipeline(StandardScaler().set_output(transform="pandas"), ByName()),
        make_pipeline(ColumnTransformer([("a", "passthrough", ["a"])]), Ridge()),
        GridSearchCV(Ridge(), {"alpha": [1.0, 9.0]}, cv=2),
    ],
)
def test_who_may_ask_for_names_gets_the_frame(inner):
    model = PerTask(inner, task_col="task").fit(F, y)
    rows = (F["task"] == "t1").to_numpy()
    part = F.loc[rows, ["a", "b", "c"]]
    assert_allclose(model.predict(F)[rows], clone(inner).fit(part, y[rows]).predict(part))


def test_a_frame_with_numbers_as_names_and_columns_that_a_task_lacks():
    numbered = pd.DataFrame(HOLES, columns=[10, 20, 30, 40])
    inner = DecisionTreeRegressor(max_depth=2, random_state=0)
    expected = PerTask(inner, task_col=0).fit(HOLES, y).predict(HOLES)
    assert_allclose(PerTask(inner, task_col=10).fit(numbered, y).predict(numbered), expected)
    model = PerTask(inner, task_col="task").fit(as_frame(HOLES), y)
    assert_allclose(model.predict(as_frame(HOLES)), expected)
    assert model.estimators_[1].feature_names_in_.tolist() == ["b", "c"]
