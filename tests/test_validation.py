"""Tests of checked input: labels and rows of every container, what errors and warnings name."""

import contextlib
import datetime

import numpy as np
import pandas as pd
import polars
import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler

from mtlkit._utils import _validation
from mtlkit._utils._validation import labelled_rows, read_labels, read_numbers
from mtlkit.baselines import PerTask
from mtlkit.linear import MeanRegularizedRidge, MultiTaskLogisticRegression
from mtlkit.table import shared

BIG = 2**60
COLUMN = pytest.mark.filterwarnings("ignore:A column-vector y")


@COLUMN
@pytest.mark.parametrize(
    ("y", "labels", "kind"),
    [
        ([True, False, None], [True, False, None], "b"),
        (np.array([np.True_, None], dtype=object), [True, None], "b"),
        (pd.array([True, pd.NA], dtype="boolean"), [True, None], "b"),
        (pd.Series([True, None], dtype="bool[pyarrow]"), [True, None], "b"),
        ([1, float("nan"), BIG + 1], [1, None, BIG + 1], "i"),
        (pd.Series([1, pd.NA, BIG + 1], dtype="Int64"), [1, None, BIG + 1], "i"),
        (polars.Series([1, None, BIG + 1]), [1, None, BIG + 1], "i"),
        (pyarrow.array([1, None, BIG + 1]), [1, None, BIG + 1], "i"),
        (np.ma.masked_array([1, 2, 3], [0, 1, 0]), [1, None, 3], "i"),
        (pd.DataFrame({"y": [1, 2]}), [1, 2], "i"),
        (polars.DataFrame({"y": [1, None]}), [1, None], "i"),
        (np.array([[1], [2]], dtype=np.int8), [1, 2], "i"),
        (np.array([0.0, np.nan, 1.0]), [0, None, 1], "f"),
        (["a", float("nan"), "nan"], ["a", None, "nan"], "U"),
        (pd.Series(["a", None]), ["a", None], "U"),
        (pd.Categorical(["b", None, "a"]), ["b", None, "a"], "U"),
        (polars.Series(["a", None], dtype=polars.Categorical), ["a", None], "U"),
        (pyarrow.array(["a", None]), ["a", None], "U"),
        ([None, None], [None, None], "f"),
    ],
)
def test_labels_of_any_container_stay_what_they_are(y, labels, kind):
    found, labelled = read_labels(y)
    assert found.dtype.kind == kind
    assert_array_equal(labelled, [label is not None for label in labels])
    assert found[labelled].tolist() == [label for label in labels if label is not None]


@given(st.lists(st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)), min_size=1))
def test_integer_labels_lose_no_digit(y):
    labels, labelled = read_labels(y)
    assert labels[labelled].tolist() == [label for label in y if label is not None]


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([1, "1"], r"'1' .* 1:"),
        (np.array([True, "yes"], dtype=object), r"'yes' .* True"),
        ([2**70, 1], str(2**70)),
        (pd.to_datetime(["2020-01-01"]), "2020"),
        ([(1, 2)] * 2, r"\(1, 2\)|1d array"),
        (None, "requires y to be passed, but the target y is None"),
        (np.float64(1), "1d array"),
        (np.ones((2, 2)), r"\(2, 2\)"),
    ],
)
def test_labels_that_cannot_be_read(y, message):
    with pytest.raises(ValueError, match=message):
        read_labels(y)


@COLUMN
@pytest.mark.parametrize(
    "y",
    [
        [1.5, None, 3],
        np.array([1.5, None, 3], dtype=object),
        pd.array([1.5, pd.NA, 3], dtype="Float64"),
        polars.Series([1.5, None, 3]),
        polars.DataFrame({"y": [1.5, None, 3]}),
        pyarrow.chunked_array([[1.5, None], [3]]),
        np.ma.masked_array([1.5, 9, 3], [0, 1, 0]),
        np.array([[1.5], [np.nan], [3]], dtype=np.float32),
    ],
)
def test_numbers_of_any_container(y):
    numbers, labelled = read_numbers(y)
    assert_array_equal(numbers, [1.5, np.nan, 3])
    assert_array_equal(labelled, [True, False, True])
    left, rows, nothing = labelled_rows(y, [[0], [1], [2]], None)
    assert_array_equal(np.asarray(left, dtype=float), [1.5, 3])
    assert_array_equal(rows, [[0], [2]])
    assert nothing is None


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (["low", 1.5], "'low'"),
        ([datetime.date(2020, 1, 1)], "2020"),
        (np.array(["2020"], dtype="M8[D]"), "2020"),
        ([1.0, np.inf], "infinity"),
        (np.array([1j]), "[Cc]omplex"),
        (None, "requires y"),
    ],
)
def test_numbers_that_cannot_be_read(y, message):
    with pytest.raises(ValueError, match=message):
        read_numbers(y)


def test_rows_of_another_length_are_counted():
    with pytest.raises(ValueError, match=r"inconsistent.*\[3, 2\]"):
        labelled_rows([1.0, np.nan, 2.0], np.zeros((2, 1)))
    with pytest.raises(ValueError, match="no row has a label"):
        labelled_rows([None, np.nan], np.zeros((2, 1)))


# What estimators name

FRAME = pd.DataFrame({"shop": ["Rome", "Oslo"] * 6, "x": np.arange(12.0), "z": [1.0, 2, 3] * 4})
Y = FRAME["x"] * 2
KINDS = {"pandas": lambda X: X, "polars": polars.from_pandas, "pyarrow": pyarrow.Table.from_pandas}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("values", "words"),
    [
        (["red"] * 12, ["'c'", "'Rome'", "'red'", "ColumnTransformer"]),
        ([*["1"] * 5, "n/a", *["2"] * 6], ["'c'", "'Oslo'", "'n/a'"]),
        (pd.date_range("2020-01-01", periods=12), ["'c'", "'Rome'", "2020-01-01"]),
        (pd.to_timedelta(np.arange(12), "D"), ["'c'", "'Rome'"]),
        ([1.0, 2.0, None, *[3.0] * 9], ["NaN", "'c'", "'Rome'", "row 2", "1 missing", "Imputer"]),
        ([1.0, np.inf, *[3.0] * 10], ["infinity", "'c'", "'Oslo'", "row 1"]),
        ([None, 1.0] * 6, ["NaN", r"\['c'\]", "'Rome'", "PerTask"]),
        (pd.Categorical(["b", "a"] * 6), ["'c'", "'b'"]),
    ],
)
def test_features_that_are_no_numbers_are_named(kind, values, words):
    table = KINDS[kind](FRAME.assign(c=values))
    for word in words:
        with pytest.raises(ValueError, match=word):
            MeanRegularizedRidge(task_col="shop").fit(table, Y)


def test_features_are_named_without_a_task_column_too():
    table = FRAME.drop(columns="shop").assign(c="red")
    with pytest.raises(ValueError, match=r"'c' holds 'red'"):
        MeanRegularizedRidge().fit(table, Y)
    with pytest.raises(ValueError, match=r"'day' .*2020"):
        MeanRegularizedRidge().fit(pd.DataFrame({"day": pd.date_range("2020", periods=12)}), Y)


def test_positions_are_those_of_the_table():
    X = np.column_stack([np.arange(12.0), np.repeat([0, 1], 6), np.arange(12.0)]).astype(object)
    X[7, 2] = "x"
    with pytest.raises(ValueError, match=r"column 2 of task 1.0 holds 'x'"):
        MeanRegularizedRidge(task_col=1).fit(X, Y)


def test_masked_features_are_missing():
    X = np.column_stack([np.repeat([0.0, 1], 6), np.arange(12.0)])
    hidden = np.ma.masked_array(X, X == 7)
    with pytest.raises(ValueError, match=r"NaN: column 1 of task 1.0 .*row 7"):
        MeanRegularizedRidge(task_col=0).fit(hidden, Y)
    with pytest.raises(ValueError, match="NaN"):
        MeanRegularizedRidge(task_col=0).fit(np.ma.masked_invalid(np.where(X == 7, np.nan, X)), Y)


@pytest.mark.parametrize("kind", KINDS)
def test_estimators_read_frames_and_series_of_any_library(kind):
    expected = MeanRegularizedRidge(task_col="shop").fit(FRAME, Y)
    model = MeanRegularizedRidge(task_col="shop").fit(KINDS[kind](FRAME), KINDS["polars"](Y))
    assert_array_equal(model.coef_, expected.coef_)
    assert_array_equal(model.feature_names_in_, FRAME.columns)
    assert model.score(KINDS[kind](FRAME), Y) == expected.score(FRAME, Y)


def test_labels_with_holes_reach_the_classifier_as_they_are():
    y = [True, False, None] * 4
    model = MultiTaskLogisticRegression(task_col="shop").fit(FRAME, y)
    assert model.classes_.dtype == bool
    rows = np.arange(12) % 3 < 2
    assert model.score(FRAME, y) == model.score(FRAME[rows], np.array(y)[rows].astype(bool))


@pytest.mark.parametrize(
    "estimator", [MeanRegularizedRidge(), PerTask(Ridge()), shared(StandardScaler())]
)
def test_a_feature_taken_for_the_task_column_is_doubted(estimator):
    table = pd.DataFrame(
        {"age": np.repeat(np.arange(11.0), [2] * 9 + [1] * 2), "x": np.arange(20.0)}
    )
    estimator.set_params(task_col="age").fit(table[:18], np.arange(18.0))
    doubt = pytest.warns(UserWarning, match=r"'age' has 11 tasks in 20 rows")
    with doubt, contextlib.suppress(ValueError):  # a task of one row
        estimator.fit(table, np.arange(20.0))


def test_many_names_are_no_feature():
    table = pd.DataFrame({"id": [f"n{k}" for k in range(20)], "x": np.arange(20.0)})
    MeanRegularizedRidge(task_col="id").fit(table, np.arange(20.0))


# Names of columns


@pytest.mark.parametrize("task_col", [None, "task"])
@pytest.mark.parametrize(
    "of_pandas", [pd.DataFrame, polars.from_pandas, pyarrow.Table.from_pandas],
    ids=["pandas", "polars", "pyarrow"],
)  # fmt: skip
def test_columns_of_another_order_are_refused_of_any_frame(of_pandas, task_col):
    """The job `pair` of tools/matrix.py has a scikit-learn that does not ask this polars."""
    table = pd.DataFrame({"task": [0, 0, 1, 1], "a": [0.0, 1, 2, 3], "b": [1.0, 0, 0, 1]})
    model = MeanRegularizedRidge(task_col=task_col).fit(of_pandas(table), [0.0, 1, 2, 3])
    assert model.feature_names_in_.tolist() == ["task", "a", "b"]
    with pytest.raises(ValueError, match="Feature names must be in the same order"):
        model.predict(of_pandas(table[["task", "b", "a"]]))
    with pytest.raises(ValueError, match="Feature names unseen at fit time"):
        model.predict(of_pandas(table.rename(columns={"b": "c"})))


def test_a_frame_that_gave_up_the_protocol_speaks_it_again():
    table = polars.DataFrame({"a": [1.0, 2.0, 3.0], "b": [3.0, 2.0, 1.0]})
    speaking = _validation._Speaking(table)
    assert list(speaking.__dataframe__().column_names()) == ["a", "b"]
    assert speaking.num_rows() == 3
    assert speaking.shape == (3, 2)
    assert_array_equal(np.asarray(speaking), table.to_numpy())
