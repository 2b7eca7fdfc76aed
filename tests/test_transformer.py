"""Tests of the transformers of mtlkit.table: transformers that leave the task column alone."""

import numpy as np
import pandas as pd
import polars
import pyarrow
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from pandas.testing import assert_frame_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.feature_selection import SelectKBest, f_regression
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    PolynomialFeatures,
    StandardScaler,
    TargetEncoder,
)

from mtlkit._utils._containers import column_names, take
from mtlkit.baselines import PerTask
from mtlkit.linear import MeanRegularizedRidge
from mtlkit.table import TaskTransformer, per_task, shared, stack_tasks
from tests._problems import as_frame, ragged_regression

X, y = ragged_regression()
NEW, _ = ragged_regression(seed=1)
FRAME = as_frame(X)


def move_task(X, position):
    """The table of `X`, which has its task in column 0, with the task elsewhere."""
    return np.insert(X[:, 1:], position % X.shape[1], X[:, 0], axis=1)


def test_short_forms():
    for short, each_task in [(per_task, True), (shared, False)]:
        transformer = short(PCA(2), task_col="task")
        assert isinstance(transformer, TaskTransformer)
        assert (transformer.task_col, transformer.each_task) == ("task", each_task)


@pytest.mark.parametrize("position", [0, 2, 3, -1, -3, -4])
@pytest.mark.parametrize("each_task", [True, False])
def test_equals_fitting_by_hand_and_the_column_stays_in_place(position, each_task):
    table, new = move_task(X, position), move_task(NEW, position)
    fitted = TaskTransformer(StandardScaler(), task_col=position, each_task=each_task).fit(table)
    expected = new.copy()
    for t in np.unique(X[:, 0]):
        rows, seen = NEW[:, 0] == t, X[:, 0] == t
        scaler = StandardScaler().fit(X[seen, 1:] if each_task else X[:, 1:])
        expected[rows] = move_task(np.c_[NEW[rows, :1], scaler.transform(NEW[rows, 1:])], position)
    assert_allclose(fitted.transform(new), expected)


@pytest.mark.parametrize("name", ["first", "middle", "last"])
def test_frames_keep_index_names_and_order(name):
    order = {"first": ["task", "a", "b"], "middle": ["a", "task", "b"], "last": ["a", "b", "task"]}
    table = FRAME[order[name]].set_axis(np.arange(len(FRAME)) // 2)
    out = per_task(StandardScaler(), "task").fit_transform(table)
    assert list(out.columns) == order[name]
    assert_array_equal(out.index, table.index)
    assert_frame_equal(out[["task"]], table[["task"]])
    means = out.groupby("task")[["a", "b"]].mean()
    assert_allclose(means, 0, atol=1e-12)


def test_the_task_column_keeps_its_dtype():
    table = FRAME.assign(task=FRAME["task"].astype("category"))
    assert per_task(StandardScaler(), "task").fit_transform(table)["task"].dtype == "category"


@pytest.mark.parametrize("task_col", [10, 20, 40])
def test_columns_named_by_integers(task_col):
    order = [c for c in (20, 30, 40, 50) if c != task_col]
    table = pd.DataFrame(X[:, 1:], columns=order[:3])
    table.insert(1, task_col, X[:, 0])
    out = per_task(StandardScaler(), task_col).fit_transform(table)
    assert_array_equal(out.columns, table.columns)
    by_position = per_task(StandardScaler(), 1).fit_transform(table.to_numpy())
    assert_allclose(out, by_position)


@pytest.mark.parametrize("position", [0, 1, -1])
def test_pca_changes_the_number_of_columns(position):
    out = per_task(PCA(1), position).fit_transform(move_task(X, position))
    assert out.shape == (len(X), 2)
    assert_array_equal(out[:, position], X[:, 0])
    rows = X[:, 0] == 1
    component = np.delete(out, position, axis=1)[rows]
    assert_allclose(component, PCA(1).fit_transform(X[rows, 1:]))


@pytest.mark.parametrize("position", [3, 2, -3, -4])
def test_too_few_columns_are_left_for_the_position(position):
    transformer = per_task(PCA(1), position)
    with pytest.raises(ValueError, match=rf"task_col={position} is out of range after PCA.*first"):
        transformer.fit_transform(move_task(X, position))


def test_a_named_column_goes_last_where_its_place_is_gone():
    out = per_task(PCA(1), "task").fit_transform(FRAME[["a", "b", "c", "task"]])
    assert list(out.columns) == ["pca0", "task"]


@pytest.mark.parametrize("as_array", [False, True])
def test_columns_that_a_task_lacks_stay_missing(as_array):
    table = FRAME.copy()
    lacks = (table["task"] == "t1").to_numpy()
    table.loc[lacks, "b"] = np.nan
    if as_array:
        table = table.assign(task=X[:, 0]).to_numpy(dtype=float)
    out = per_task(StandardScaler(), 0 if as_array else "task").fit_transform(table)
    b = np.asarray(out)[:, 2].astype(float)
    assert np.isnan(b[lacks]).all()
    others = b[X[:, 0] == 0]
    assert_allclose([others.mean(), others.std()], [0, 1], atol=1e-12)


def test_each_task_has_its_own_columns():
    tables = {
        "flowers": (pd.DataFrame({"petal": [1.0, 2, 3]}), [0.0, 1, 2]),
        "cells": (pd.DataFrame({"area": [5.0, 6], "radius": [2.0, 1]}), [3.0, 4]),
    }
    table, _ = stack_tasks(tables)
    out = per_task(MinMaxScaler(), "task").fit_transform(table)
    assert list(out.columns) == ["task", "petal", "area", "radius"]
    nan = np.nan
    expected = [[0, nan, nan], [0.5, nan, nan], [1, nan, nan], [nan, 0, 1], [nan, 1, 0]]
    assert_array_equal(out.drop(columns="task"), expected)


def test_unseen_tasks():
    unseen = FRAME.assign(task="t9")
    with pytest.raises(ValueError, match=r"\['t9'\] were not seen.*use shared\(\.\.\.\)"):
        per_task(StandardScaler(), "task").fit(FRAME).transform(unseen)
    out = shared(StandardScaler(), "task").fit(FRAME).transform(unseen)
    assert_allclose(out.drop(columns="task"), StandardScaler().fit_transform(X[:, 1:]))


def test_one_row_task():
    table = pd.concat([FRAME, FRAME[:1].assign(task="alone")])
    with pytest.raises(ValueError, match=r"n_samples=1 in task 'alone'.*Use shared\(\.\.\.\)"):
        per_task(StandardScaler(), "task").fit(table)
    assert shared(StandardScaler(), "task").fit_transform(table).shape == table.shape
    # a transformer that learns nothing needs no spread
    assert per_task(FunctionTransformer(), "task").fit_transform(table).equals(table)


def test_sparse_output_is_refused():
    table = pd.DataFrame({"task": list("uuvv"), "colour": list("rgrg")})
    with pytest.raises(ValueError, match=r"sparse output.*sparse_output=False"):
        per_task(OneHotEncoder(), "task").fit(table)


def test_one_hot_columns_are_the_union_over_tasks():
    table = pd.DataFrame({"task": list("uuvv"), "colour": list("rgrb")})
    encoder = OneHotEncoder(sparse_output=False)
    out = per_task(encoder, "task").fit_transform(table)
    assert list(out.columns) == ["task", "colour_g", "colour_r", "colour_b"]
    expected = [[0, 1, np.nan], [1, 0, np.nan], [np.nan, 1, 0], [np.nan, 0, 1]]
    assert_array_equal(out.drop(columns="task"), expected)


def test_text_features_and_string_tasks_in_an_array():
    table = np.array([["u", "x", "p"], ["u", "y", "p"], ["v", "x", "p"]], dtype=object)
    out = shared(FunctionTransformer(), 0).fit_transform(table)
    assert_array_equal(out, table)


def test_a_supervised_transformer_gets_the_labels_of_its_task():
    best = per_task(SelectKBest(f_regression, k=1), 0).fit(X, y)
    for t, fitted in zip(best.tasks_, best.transformers_, strict=True):
        rows = X[:, 0] == t
        if rows.sum() > 2:
            assert_allclose(fitted.scores_, f_regression(X[rows, 1:], y[rows])[0])


@pytest.mark.filterwarnings("ignore:.TargetEncoder:FutureWarning")  # of its random_state
@pytest.mark.parametrize("each_task", [True, False])
@pytest.mark.parametrize("as_array", [True, False])
def test_fit_transform_cross_fits_where_the_transformer_does(each_task, as_array):
    rng = np.random.default_rng(0)
    task, level, noise = np.repeat([0, 1], 50), rng.integers(30, size=100), rng.normal(size=100)
    table, task_col = np.c_[task, level], 0
    if not as_array:
        table, task_col = pd.DataFrame(table, columns=["task", "level"]), "task"
    encoder = TargetEncoder(random_state=0, cv=4)
    transformer = TaskTransformer(encoder, task_col=task_col, each_task=each_task)
    trained = np.asarray(transformer.fit_transform(table, noise))[:, 1]
    new = np.asarray(transformer.transform(table))[:, 1]
    for rows in [task == 0, task == 1] if each_task else [task >= 0]:
        own = level[rows, None]
        assert_allclose(trained[rows], encoder.fit_transform(own, noise[rows])[:, 0])
        assert_allclose(new[rows], encoder.fit(own, noise[rows]).transform(own)[:, 0])
    assert np.corrcoef(trained, noise)[0, 1] < 0.2 < 0.4 < np.corrcoef(new, noise)[0, 1]


@pytest.mark.parametrize("short", [per_task, shared])
def test_frame_columns_keep_their_dtypes_behind_a_transformer_that_keeps_them(short):
    colour = pd.Categorical(list("rgrg"), categories=["g", "r", "b"])
    day = pd.date_range("2020-01-01", periods=4)
    table = pd.DataFrame({"task": list("uvvu"), "colour": colour, "n": [1, 2, 3, 4], "day": day})
    table = table.set_axis([7, 7, 3, 5])
    transformer = short(FunctionTransformer(), "task")
    assert_frame_equal(transformer.fit_transform(table), table)
    assert_frame_equal(transformer.transform(table[::-1]), table[::-1])


@pytest.mark.parametrize("each_task", [True, False])
def test_y_of_another_length(each_task):
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        TaskTransformer(StandardScaler(), task_col=0, each_task=each_task).fit(X, np.r_[y, 1.0])


@pytest.mark.parametrize("inner", [StandardScaler(), PCA(2), PolynomialFeatures(2)])
@pytest.mark.parametrize("each_task", [True, False])
def test_names_out_agree_with_the_output(inner, each_task):
    transformer = TaskTransformer(inner, task_col="task", each_task=each_task).fit(FRAME)
    out = transformer.transform(FRAME)
    assert_array_equal(transformer.get_feature_names_out(), out.columns)
    by_hand = clone(inner).fit(FRAME.drop(columns="task")).get_feature_names_out()
    assert_array_equal(out.drop(columns="task").columns, by_hand)


@pytest.mark.parametrize("position", [0, 2, -1])
def test_set_output_names_the_columns_of_an_array(position):
    table = move_task(X, position)
    transformer = per_task(StandardScaler(), position)
    expected = transformer.fit_transform(table)
    out = transformer.set_output(transform="pandas").fit_transform(table)
    assert_array_equal(out.to_numpy(), expected)
    assert list(out.columns).index("task") == position % 4


@pytest.mark.parametrize(
    ("position", "names"),
    [
        (0, ["task", "x1", "x2", "x3"]),
        (2, ["x0", "x1", "task", "x3"]),
        (-1, ["x0", "x1", "x2", "task"]),
    ],
)
def test_columns_of_an_array_are_numbered_by_their_place(position, names):
    transformer = per_task(StandardScaler(), position).fit(move_task(X, position))
    assert_array_equal(transformer.get_feature_names_out(), names)
    assert_array_equal(transformer.get_feature_names_out(list("pqrs")), list("pqrs"))
    with pytest.raises(ValueError, match=r"length equal to number of features \(4\), got 3"):
        transformer.get_feature_names_out(list("pqr"))


@pytest.mark.parametrize("task_col", ["task", None])
def test_names_in_must_be_those_of_the_frame(task_col):
    table = FRAME if task_col else FRAME[["a", "b", "c"]]
    transformer = shared(PCA(2), task_col).fit(table)
    expected = transformer.get_feature_names_out()
    assert_array_equal(transformer.get_feature_names_out(table.columns), expected)
    with pytest.raises(ValueError, match="input_features is not equal to feature_names_in_"):
        transformer.get_feature_names_out(table.columns[::-1])


def test_an_inner_transformer_that_gives_frames():
    inner = StandardScaler().set_output(transform="pandas")
    out = per_task(inner, "task").fit_transform(FRAME)
    assert_frame_equal(out, per_task(StandardScaler(), "task").fit_transform(FRAME))


def test_the_name_survives_a_pipeline():
    holes = FRAME.copy()
    holes.iloc[::5, 2] = np.nan
    steps = [
        per_task(SimpleImputer(), "task"),
        shared(PolynomialFeatures(2, include_bias=False), "task"),
        per_task(StandardScaler(), "task"),
    ]
    pipeline = make_pipeline(*steps, PerTask(Ridge(), task_col="task")).fit(holes, y)
    prediction = pipeline.predict(holes)
    rows = (holes["task"] == "t0").to_numpy()
    by_hand = make_pipeline(
        SimpleImputer(), PolynomialFeatures(2, include_bias=False), StandardScaler(), Ridge()
    )
    # the polynomial step learns nothing, so it may as well be fitted per task
    own = holes[rows].drop(columns="task")
    assert_allclose(prediction[rows], by_hand.fit(own, y[rows]).predict(own))


def test_new_tables_are_checked_against_the_old():
    transformer = per_task(StandardScaler(), 0).fit(X)
    with pytest.raises(ValueError, match="X has 3 features, but TaskTransformer is expecting 4"):
        transformer.transform(X[:, :3])
    with pytest.raises(ValueError, match="feature names"):
        shared(StandardScaler(), "task").fit(FRAME).transform(FRAME[["task", "b", "a", "c"]])


def test_the_order_of_rows_does_not_matter():
    order = np.random.default_rng(0).permutation(len(X))
    straight = per_task(StandardScaler(), 0).fit_transform(X)
    assert_allclose(per_task(StandardScaler(), 0).fit_transform(X[order]), straight[order])


# Tables of every kind

MAKE = {"polars": polars.from_pandas, "pyarrow": pyarrow.Table.from_pandas, "pandas": lambda X: X}


def as_pandas(table):
    """A frame of any library as one of pandas, with floats as floats."""
    return pd.DataFrame({name: list(table[name]) for name in column_names(table)}).map(
        lambda value: value.as_py() if hasattr(value, "as_py") else value
    )


@pytest.mark.parametrize("kind", MAKE)
@pytest.mark.parametrize("transformer", [per_task(StandardScaler()), shared(PCA(2))])
def test_a_frame_comes_out_in_its_library(kind, transformer):
    transformer = clone(transformer).set_params(task_col="task")
    table = MAKE[kind](FRAME)
    out = transformer.fit_transform(table)
    assert type(out) is type(table)
    expected = clone(transformer).fit_transform(FRAME)
    assert_frame_equal(as_pandas(out), expected.reset_index(drop=True), check_dtype=False)
    again = as_pandas(transformer.transform(take(table, np.arange(len(X))[::-1])))
    assert_frame_equal(again, expected[::-1].reset_index(drop=True), check_dtype=False)
    assert_array_equal(transformer.get_feature_names_out(), column_names(out))


@pytest.mark.parametrize("kind", MAKE)
@pytest.mark.parametrize(("output", "library"), [("pandas", "pandas"), ("polars", "polars")])
def test_set_output_decides_the_library(kind, output, library):
    out = per_task(StandardScaler(), "task").set_output(transform=output)
    for table in (out.fit_transform(MAKE[kind](FRAME)), out.transform(MAKE[kind](FRAME))):
        assert type(table).__module__.startswith(library)
        numbers = [str(kind).lower() for kind in table.dtypes][1:]
        assert numbers == ["float64"] * 3
    with sklearn.config_context(transform_output=output):
        table = shared(StandardScaler(), "task").fit_transform(MAKE[kind](FRAME))
    assert type(table).__module__.startswith(library)
    default = shared(StandardScaler(), "task").set_output(transform="default")
    assert type(default.fit_transform(FRAME)) is pd.DataFrame


def test_columns_that_a_task_lacks_are_null_in_polars():
    table = polars.DataFrame({"task": list("uuvv"), "colour": list("rgrb")})
    out = per_task(OneHotEncoder(sparse_output=False), "task").fit_transform(table)
    assert out.columns == ["task", "colour_g", "colour_r", "colour_b"]
    assert out["colour_b"].to_list() == [None, None, 0, 1]


def test_an_inner_transformer_that_gives_frames_of_another_library():
    inner = StandardScaler().set_output(transform="polars")
    expected = per_task(StandardScaler(), "task").fit_transform(FRAME)
    assert_frame_equal(per_task(inner, "task").fit_transform(FRAME), expected)
    out = per_task(StandardScaler().set_output(transform="pandas"), "task").fit_transform(
        polars.from_pandas(FRAME)
    )
    assert_frame_equal(as_pandas(out), expected.reset_index(drop=True), check_dtype=False)


SPARSE = sparse.hstack(
    [np.repeat([0.0, 1, 2], 8)[:, None], sparse.random(24, 4, 0.5, random_state=0)]
)


@pytest.mark.parametrize("kind", [sparse.csr_array, sparse.csc_matrix, sparse.coo_array])
@pytest.mark.parametrize("each_task", [True, False])
def test_a_sparse_table_stays_sparse(kind, each_task):
    transformer = TaskTransformer(MaxAbsScaler(), task_col=0, each_task=each_task)
    out = transformer.fit_transform(kind(SPARSE))
    assert out.format == "csr"
    assert_allclose(out.toarray(), clone(transformer).fit_transform(SPARSE.toarray()))
    assert_allclose(transformer.transform(kind(SPARSE)).toarray(), out.toarray())


def test_what_a_sparse_table_cannot_hold():
    with pytest.raises(ValueError, match=r"task 0\.0: .*with_mean"):
        per_task(StandardScaler(), 0).fit(SPARSE)
    dense = per_task(TruncatedSVD(2), 0).fit_transform(SPARSE)
    assert dense.shape == (24, 3)
    y = np.arange(24)
    with pytest.raises(ValueError, match="different columns"):
        per_task(SelectKBest(f_regression, k=1), 0).fit_transform(SPARSE, y**2 % 7)


IDS = np.repeat([635284328055690861, 635284328055690862], 5)


@pytest.mark.parametrize("short", [per_task, shared])
@pytest.mark.parametrize("kind", ["array", "list", "objects"])
def test_ids_lose_no_digit(short, kind):
    table = np.column_stack([IDS, np.arange(20).reshape(10, 2)])
    table = {"array": table, "list": table.tolist(), "objects": table.astype(object)}[kind]
    out = short(StandardScaler(), 0).fit_transform(table)
    assert_array_equal(out[:, 0], IDS)
    model = make_pipeline(short(StandardScaler(), 0), PerTask(Ridge(), task_col=0))
    assert_array_equal(model.fit(table, np.arange(10.0))[-1].tasks_, np.unique(IDS))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_floats_keep_their_width(dtype):
    assert per_task(StandardScaler(), 0).fit_transform(X.astype(dtype)).dtype == dtype


def test_lists_of_rows():
    expected = per_task(StandardScaler(), 0).fit_transform(X)
    assert_allclose(per_task(StandardScaler(), 0).fit_transform(X.tolist()), expected)
    named = [[f"t{int(row[0])}", *row[1:]] for row in X.tolist()]
    assert_allclose(
        per_task(StandardScaler(), 0).fit_transform(named)[:, 1:].astype(float), expected[:, 1:]
    )


# What is handed on


@pytest.mark.parametrize("make", [np.asarray, as_frame, lambda X: polars.from_pandas(as_frame(X))])
@pytest.mark.parametrize("position", [0, -1])
@pytest.mark.parametrize("each_task", [True, False])
def test_inverse_transform(make, position, each_task):
    table = make(X) if position == 0 else move_task(X, -1)
    col = "task" if hasattr(table, "columns") else position
    for inner in (StandardScaler(), PCA(3)):
        rows = np.flatnonzero(np.isin(X[:, 0], [0, 1]))
        part = take(table, rows)
        transformer = TaskTransformer(inner, task_col=col, each_task=each_task).fit(part)
        back = transformer.inverse_transform(transformer.transform(part))
        if hasattr(part, "columns"):
            assert type(back) is type(part)
            assert list(back.columns) == list(part.columns)
            back, part = np.asarray(back)[:, 1:], np.asarray(part)[:, 1:]
        assert_allclose(back.astype(float), part.astype(float), atol=1e-10)
    assert not hasattr(shared(TargetEncoder()), "inverse_transform")


WEIGHT = np.arange(len(X), dtype=float)


def test_weights_are_divided_like_the_rows():
    fitted = per_task(StandardScaler(), 0).fit(X, sample_weight=WEIGHT)
    piped = per_task(make_pipeline(StandardScaler()), 0).fit(X, sample_weight=WEIGHT)
    for k, t in enumerate(fitted.tasks_):
        own = X[:, 0] == t
        expected = np.average(X[own, 1:], axis=0, weights=WEIGHT[own])
        assert_allclose(fitted.transformers_[k].mean_, expected)
        assert_allclose(piped.transformers_[k][-1].mean_, expected)
    with pytest.raises(ValueError, match=r"PCA.*sample_weight"):
        shared(PCA(1), 0).fit(X, sample_weight=WEIGHT)
    with pytest.raises(ValueError, match="inconsistent"):
        shared(StandardScaler(), 0).fit(X, sample_weight=WEIGHT[:3])


def test_requests_of_the_transformer_are_met():
    with sklearn.config_context(enable_metadata_routing=True):
        asks = per_task(StandardScaler().set_fit_request(sample_weight=True), 0)
        model = Ridge().set_fit_request(sample_weight=False)
        pipeline = make_pipeline(asks, PerTask(model, task_col=0)).fit(X, y, sample_weight=WEIGHT)
        expected = per_task(StandardScaler(), 0)
        for found in (pipeline[0], clone(asks).fit(X, sample_weight=WEIGHT)):
            own = X[:, 0] == found.tasks_[1]
            mean = np.average(X[own, 1:], axis=0, weights=WEIGHT[own])
            assert_allclose(found.transformers_[1].mean_, mean)
        with pytest.raises(UnsetMetadataPassedError, match="sample_weight"):
            expected.fit(X, sample_weight=WEIGHT)


@pytest.mark.parametrize("wrong", [None, StandardScaler, Ridge(), "passthrough"])
def test_what_is_not_a_transformer(wrong):
    with pytest.raises(TypeError, match=r"transformer=.*StandardScaler\(\)"):
        per_task(wrong, 0).fit(X)


def test_positions_mean_the_table_also_where_a_task_lacks_a_column():
    holes = X[X[:, 0] < 2].copy()
    holes[holes[:, 0] == 1, 1] = np.nan
    by_position = ColumnTransformer([("scale", StandardScaler(), [2])], remainder="drop")
    out = per_task(by_position, 0).fit_transform(holes)
    for t in (0, 1):
        own = holes[:, 0] == t
        assert_allclose(out[own, 1:], StandardScaler().fit_transform(holes[own][:, [3]]))


def test_errors_inside_name_the_task():
    table = FRAME.assign(c=np.where(FRAME["task"] == "t1", "red", "1"))
    with pytest.raises(ValueError, match=r"task 't1': .*'red'"):
        per_task(StandardScaler(), "task").fit(table)


def test_a_word_that_a_task_lacks_is_named_by_the_next_step():
    table = pd.DataFrame({"task": list("uuvv"), "colour": list("rgrb")})
    encoder = OneHotEncoder(sparse_output=False)
    model = make_pipeline(per_task(encoder, "task"), MeanRegularizedRidge(task_col="task"))
    with pytest.raises(ValueError, match=r"'colour_b'.*'u'.*shared\(\.\.\.\)"):
        model.fit(table, np.arange(4.0))


def test_columns_with_names_of_several_levels():
    table = FRAME.set_axis(pd.MultiIndex.from_product([["a", "b"], ["c", "d"]]), axis=1)
    with pytest.raises(ValueError, match=r"\('a', 'c'\).*levels.*join"):
        per_task(StandardScaler(), ("a", "c")).fit(table)


def test_a_column_named_as_the_task():
    with pytest.raises(ValueError, match=r"'task'.*rename"):
        shared(FunctionTransformer(lambda X: X.rename(columns={"a": "task"})), "task").set_params(
            transformer__feature_names_out=lambda _, names: ["task", *names[1:]]
        ).fit(FRAME)
