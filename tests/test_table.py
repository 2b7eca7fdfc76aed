"""Tests of mtlkit.table: reading the task column, stacking tables, taking them apart again."""

import datetime
import enum
import fractions
import re
import uuid

import numpy as np
import pandas as pd
import polars
import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from pandas.testing import assert_frame_equal
from scipy import sparse

from mtlkit._utils._containers import (
    as_vector,
    blocks,
    column,
    column_names,
    empty_columns,
    groups,
    missing,
    take,
)
from mtlkit.table import read_table, split_tasks, stack_tasks
from mtlkit.table._reading import find_tasks, task_codes, unique_tasks

A = np.arange(12.0).reshape(4, 3)
FRAME = pd.DataFrame({"task": list("uuvv"), "a": [1.0, 2, 3, 4], "b": [5, 6, 7, 8]})
NUMBERS = st.floats(-1e6, 1e6)
PANDAS_3 = int(pd.__version__.split(".")[0]) >= 3


def with_task(values):
    return FRAME.assign(task=values)


# read_table


@pytest.mark.parametrize("position", [0, 1, 2, -1, -3, np.int64(1)])
def test_read_array(position):
    features, task = read_table(A, position)
    assert_array_equal(task, A[:, position])
    assert_array_equal(features, np.delete(A, position, axis=1))


def test_read_frame_keeps_frame_index_and_dtypes():
    X = FRAME.set_axis([7, 7, 3, 5])
    features, task = read_table(X, "task")
    assert_frame_equal(features, X[["a", "b"]])
    assert type(task) is np.ndarray
    assert_array_equal(task, list("uuvv"))


@pytest.mark.parametrize("X", [A, FRAME])
def test_no_task_column_means_one_task(X):
    features, task = read_table(X, None)
    assert features is X
    assert_array_equal(task, np.zeros(4, dtype=int))


def test_reading_does_not_change_the_table():
    X, array = FRAME.copy(), A.copy()
    read_table(X, "task"), read_table(array, 0)
    assert_frame_equal(X, FRAME)
    assert_array_equal(array, A)


def read_only(X):
    X = X.copy()
    X.flags.writeable = False
    return X


LAYOUTS = [np.asfortranarray(A), np.repeat(A, 2, axis=0)[::2], read_only(A), A.tolist(), A[::-1]]


@pytest.mark.parametrize("X", LAYOUTS)
def test_memory_layout_does_not_matter(X):
    features, task = read_table(X, 1)
    assert_array_equal(task, np.array(X)[:, 1])
    assert_array_equal(features, np.array(X)[:, [0, 2]])


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (pd.Categorical(list("vuvu"), categories=["v", "u", "w"]), list("vuvu")),
        (pd.Categorical([3, 1, 3, 1]), [3, 1, 3, 1]),
        (pd.array(list("uvuv"), dtype="string"), list("uvuv")),
        (pd.Series(list("uvuv"), dtype=object), list("uvuv")),
        ([np.str_("u"), "v", np.str_("u"), "v"], list("uvuv")),
        (pd.array([2, 1, 2, 1], dtype="Int64"), [2, 1, 2, 1]),
        (pd.array([2.5, 1, 2.5, 1], dtype="Float64"), [2.5, 1, 2.5, 1]),
        (pd.Series([np.int64(2), 1, 2, np.int32(1)], dtype=object), [2, 1, 2, 1]),
        ([True, False, True, False], [True, False, True, False]),
        (pd.array([True, False] * 2, dtype="boolean"), [True, False] * 2),
    ],
)
def test_columns_of_any_dtype_become_numbers_or_strings(values, expected):
    _, task = read_table(with_task(values), "task")
    assert_array_equal(task, expected)
    assert task.dtype.kind in "biufU"
    assert {name for name in split_tasks(with_task(values), task_col="task")} == set(expected)


class Colour(enum.Enum):
    RED = "r"
    BLUE = "b"


ANY_NAMES = [
    [datetime.date(2020, 1, 1), datetime.date(2021, 1, 1)],
    [(1, "b"), (1, "a")],
    ["b", 1],
    [b"u", b"v"],
    [Colour.RED, Colour.BLUE],
    [2**70, 2**70 + 1],
    [-1, 2**63],
    [2**60 + 1, 0.5],
    ["a", "a\0"],
    [fractions.Fraction(1, 3), 1],
    [uuid.UUID(int=2), uuid.UUID(int=1)],
    pd.to_datetime(["2021-01-01", "2020-01-01"]).tolist(),
    [pd.Interval(0, 1), pd.Interval(1, 2)],
    [(1, 2), 3, "x", None.__class__],
]


@pytest.mark.parametrize("names", ANY_NAMES)
def test_hashable_tasks_of_any_type_stay_what_they_are(names):
    rows = [*names, *names[::-1], names[0]]
    task = pd.Series(rows, dtype=object)
    _, task = read_table(pd.DataFrame({"task": task, "a": 1.0}), "task")
    assert task.tolist() == rows
    tasks, codes = unique_tasks(task)
    assert [tasks.tolist()[k] for k in codes] == rows
    assert len(tasks) == len(names)
    assert_array_equal(task_codes(task[::-1], tasks, unseen="?"), codes[::-1])
    assert find_tasks([*names, "no task"], tasks) == [*codes[: len(names)], -1]
    others = tasks[[name != names[0] for name in tasks.tolist()]]
    with pytest.raises(ValueError, match=re.escape(repr(names[0]))):
        task_codes(task, others, unseen="?")


@pytest.mark.parametrize("unit", ["D", "s", "us", "ns"])
def test_dates_are_tasks_in_any_unit(unit):
    days = np.array(["2020-01-02", "2020-01-01", "2020-01-02"], dtype=f"datetime64[{unit}]")
    tasks, codes = unique_tasks(read_table(pd.DataFrame({"day": days, "a": 1}), "day")[1])
    assert_array_equal(codes, [1, 0, 1])
    assert tasks[0].year == 2020


@pytest.mark.parametrize("value", [[1], {"a": 1}])
def test_tasks_that_are_not_hashable(value):
    with pytest.raises(ValueError, match=rf"'task'.*{re.escape(repr(value))}.*astype\(str\)"):
        read_table(with_task(pd.Series([value] * 4)), "task")


@pytest.mark.parametrize(
    "values",
    [
        [1.0, 2.0, np.nan, 1.0],
        ["u", "v", None, "u"],
        pd.array(["u", "v", pd.NA, "u"], dtype="string"),
        pd.array([1, 2, pd.NA, 1], dtype="Int64"),
        pd.array([True, False, pd.NA, True], dtype="boolean"),
        pd.Series(["u", "v", pd.NA, "u"], dtype=object),
        pd.Categorical(["u", "v", None, "u"]),
        pd.to_datetime(["2020", "2021", None, "2020"]),
    ],
)
@pytest.mark.parametrize("as_array", [False, True])
def test_a_row_without_task_is_named(values, as_array):
    X, task_col = with_task(values), "task"
    if as_array:
        X, task_col = X.astype(object).to_numpy(), 0
    with pytest.raises(ValueError, match=f"1 rows have no task: column '?{task_col}'? .* row 2"):
        read_table(X, task_col)


class OtherFrame:
    """Looks like a polars DataFrame: has columns, becomes an array, is not pandas."""

    columns = ("task", "a")

    def __array__(self, dtype=None, copy=None):
        return A


@pytest.mark.parametrize(
    ("X", "task_col", "message"),
    [
        (FRAME, "tsak", "'tsak' is not a column of X; did you mean 'task'?"),
        (FRAME, "school", r"the columns are \['task', 'a', 'b'\]"),
        (FRAME, 0, "task_col=0 is not a column of X; X is a DataFrame: .* name, here 'task'$"),
        (FRAME, -1, "task_col=-1 is not a column of X; X is a DataFrame: .* name, here 'b'$"),
        (FRAME, 3, r"task_col=3 is not .*; the columns are \['task', 'a', 'b'\]$"),
        (FRAME, True, "task_col=True is not a column of X; the columns are"),
        (pd.DataFrame(A), True, "task_col=True is not a column of X; the columns are"),
        (FRAME.add_prefix("x"), 1.5, "task_col=1.5 is not a column of X; the columns are"),
        (A, "task", "is a name, but X is an array without column names.*DataFrame"),
        (A, True, "task_col=True must be the position .* an integer from 0 to 2"),
        (A, 1.0, "task_col=1.0 must be the position .* an integer from 0 to 2"),
        (A, 3, "3 is out of range: X has 3 columns, so positions run from 0 to 2"),
        (A, -4, "-4 is out of range"),
        (FRAME.set_axis(["task", "a", "a"], axis=1), "task", r"\['a'\] occur more than once"),
        (A[0], 0, "Expected 2D array, got 1D"),
        (np.zeros((2, 2, 2)), 0, "Expected 2D array, got 3D"),
        (A[:0], 0, r"0 sample\(s\) \(shape=\(0, 3\)\)"),
        (FRAME[:0], "task", r"0 sample\(s\)"),
        (sparse.csr_matrix(A), 0, r"Sparse data.*csr.*X.toarray\(\)"),
        (sparse.coo_array(A), 0, r"Sparse data.*coo"),
        (OtherFrame(), "task", "OtherFrame is not supported.*polars"),
        (polars.LazyFrame({"task": [1, 2]}), "task", r"LazyFrame is lazy.*collect\(\)"),
    ],
)
def test_read_errors_name_the_value_and_the_cure(X, task_col, message):
    with pytest.raises(ValueError, match=message):
        read_table(X, task_col)


def test_columns_named_by_integers():
    X = pd.DataFrame(A, columns=[10, 20, 30])
    features, task = read_table(X, 20)
    assert_array_equal(task, A[:, 1])
    assert list(features.columns) == [10, 30]


# missing, groups and task_codes


@pytest.mark.parametrize("X", [["a", None, np.nan, pd.NA, "nan"], [1, None, np.nan, pd.NaT, 0]])
@pytest.mark.parametrize("kind", [list, tuple, pd.Series, lambda X: np.array(X, dtype=object)])
def test_missing_entries_of_any_container(X, kind):
    assert_array_equal(missing(kind(X)), [False, True, True, True, False])


@given(st.lists(st.integers(0, 4), min_size=1))
def test_groups_are_the_rows_of_each_code_in_order(codes):
    rows_of = groups(np.array(codes), 5)
    assert len(rows_of) == 5
    for k, rows in enumerate(rows_of):
        assert_array_equal(rows, np.flatnonzero(np.array(codes) == k))


def test_codes_are_positions_and_minus_one_for_unseen_tasks():
    codes = task_codes(np.array(["v", "z", "u", "A"]), np.array(["u", "v"]), unseen=None)
    assert_array_equal(codes, [1, -1, 0, -1])
    with pytest.raises(ValueError, match=r"\['A', 'z'\] were not seen in fit \(seen: \['u', 'v'\]"):
        task_codes(np.array(["z", "u", "A"]), np.array(["u", "v"]), unseen="no model for them")


@pytest.mark.parametrize("unseen", [None, "no model for them"])
def test_strings_for_numbers_are_not_unseen_tasks(unseen):
    with pytest.raises(ValueError, match=r"\['1', '2'\].*seen: \[1, 2\].*strings.*numbers"):
        task_codes(np.array(["2", "1"]), np.array([1, 2]), unseen=unseen)
    with pytest.raises(ValueError, match=r"\[1\].*seen: \['1'\].*numbers.*strings"):
        task_codes(np.array([1]), np.array(["1"]), unseen=unseen)


def test_a_task_without_labels_is_not_called_unseen():
    new, seen = np.array(["a", "b", "c"]), np.array(["a"])
    with pytest.raises(ValueError, match=r"\['b'\] .*label.*\['a'\]"):
        task_codes(new, seen, unseen="no model", unlabelled=["b"])


BIG = 2**60


@pytest.mark.parametrize(
    ("new", "seen", "codes"),
    [
        (np.array([0.1, 0.2], np.float32), np.array([0.1, 0.2]), [0, 1]),
        (np.array([0.1, 0.2]), np.array([0.1, 0.2], np.float32), [0, 1]),
        (np.array([0.1, 0.3], np.float16), np.array([0.1, 0.2], np.float32), [0, -1]),
        (np.array([1.0, 2.5]), np.array([1, 2]), [0, -1]),
        (np.array([BIG + 1, BIG + 2], np.uint64), np.array([BIG, BIG + 1]), [1, -1]),
        (np.array([BIG, BIG + 1]), np.array([float(BIG)]), [0, -1]),
        (np.array([True, False]), np.array([0, 1]), [1, 0]),
        (np.array([-0.0, 0.0]), np.array([0.0, 1.0]), [0, 0]),
        (np.array([1, 2], dtype=object), np.array([1, 2], np.int8), [0, 1]),
        (np.array(["b", 1], dtype=object), np.array([1, 2]), [-1, 0]),
    ],
)
def test_tasks_are_matched_by_value_whatever_the_dtypes(new, seen, codes):
    assert_array_equal(task_codes(new, seen, unseen=None), codes)


@pytest.mark.parametrize(
    ("new", "seen", "message"),
    [
        (np.array([float(BIG)]), np.array([BIG, BIG + 1]), "float64 .*1.15.*e[+]18.*int64"),
        (
            np.array([1.0], np.float32),
            np.array([1, 1 + 1e-12]),
            r"float32 .*1\.000000000001.*float64",
        ),
    ],
)
def test_dtypes_that_cannot_tell_tasks_apart(new, seen, message):
    with pytest.raises(ValueError, match=message):
        task_codes(new, seen, unseen=None)


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=9))
def test_ids_of_lists_lose_no_digit(ids):
    _, task = read_table([[name, 0.5] for name in ids], 0)
    assert task.tolist() == ids


def test_a_missing_task_in_a_list_of_rows_is_no_task():
    for hole in (np.nan, None):
        with pytest.raises(ValueError, match=r"1 rows .*row 1"):
            read_table([["s", 1.0], [hole, 3.0]], 0)
    with pytest.raises(ValueError, match=r"1 rows .*row 1"):
        read_table(np.ma.masked_array([[1, 2], [3, 4]], [[0, 0], [1, 0]]), 0)


def test_masked_entries_are_missing():
    X = np.ma.masked_array([[1.0, -999], [2.0, 3]], [[0, 1], [0, 0]])
    assert_array_equal(read_table(X, 0)[0], [[np.nan], [3]])
    assert_array_equal(read_table(X.astype(int), 0)[0].astype(float), [[np.nan], [3]])
    assert_array_equal(missing(X), [[False, True], [False, False]])


@pytest.mark.parametrize("kind", [sparse.csr_array, sparse.csc_matrix, sparse.coo_array])
def test_read_sparse(kind):
    X = kind(np.array([[0, 0, 5], [7, 0, 6]]))
    features, task = read_table(X, -1, accept_sparse=True)
    assert features.format == "csr"
    assert_array_equal(features.toarray(), [[0, 0], [7, 0]])
    assert_array_equal(task, [5, 6])
    with pytest.raises(ValueError, match=r"Sparse.*toarray"):
        read_table(X, 0)


LIBRARIES = {"polars": polars.DataFrame, "pyarrow": pyarrow.table, "pandas": pd.DataFrame}


@pytest.mark.parametrize("library", LIBRARIES)
def test_read_frames_of_any_library(library):
    make = LIBRARIES[library]
    names = [datetime.date(2020, 1, 1), datetime.date(2021, 1, 1)]
    X = make({"a": [1.0, None], "task": ["u", "v"], "id": [BIG, BIG + 1], "day": names})
    features, task = read_table(X, "task")
    assert type(features) is type(X)
    assert column_names(features) == ["a", "id", "day"]
    assert task.dtype.kind == "U"
    assert read_table(X, "id")[1].tolist() == [BIG, BIG + 1]
    assert read_table(X, "day")[1].tolist() == names
    with pytest.raises(ValueError, match=r"1 rows .*'a' is missing in row 1"):
        read_table(X, "a")
    with pytest.raises(ValueError, match=r"'tsk' .*did you mean 'task'"):
        read_table(X, "tsk")
    assert_array_equal(empty_columns(take(features, [1])), [True, False, False])


# stack_tasks and split_tasks


@st.composite
def named_tables(draw):
    """Tasks with their own columns, in their own order, and class labels of one kind."""
    names = draw(st.lists(st.text("ab: 0é", min_size=1, max_size=3), min_size=1, unique=True))
    labels = draw(st.sampled_from([st.integers(-20, 20), st.text("a:-", max_size=3)]))
    tasks = {}
    for name in names[:4]:
        columns = draw(st.lists(st.sampled_from("abcs"), min_size=1, unique=True))
        n = draw(st.integers(1, 4))
        cells = {c: st.text("xy", min_size=1) if c == "s" else NUMBERS for c in columns}
        X = pd.DataFrame({c: draw(st.lists(cells[c], min_size=n, max_size=n)) for c in columns})
        tasks[name] = X, np.array(draw(st.lists(labels, min_size=n, max_size=n)))
    return tasks


@given(named_tables())
def test_split_undoes_stack_for_frames(tasks):
    X, y = stack_tasks(tasks, labels="separate")
    assert X.columns[0] == "task"
    back = split_tasks(X, y, task_col="task")
    assert list(back) == list(tasks)
    for name, (table, labels) in tasks.items():
        assert set(back[name][0].columns) == set(table.columns)
        assert_frame_equal(back[name][0][table.columns], table, check_dtype=False)
        assert_array_equal(back[name][1].to_numpy(), [f"{name}: {label}" for label in labels])


@st.composite
def numbered_tables(draw):
    """Arrays of one width, named by numbers; y is a quantity or holds class labels."""
    names = draw(st.lists(st.integers(-5, 5) | st.floats(-5, 5), min_size=1, unique=True))
    d, real = draw(st.integers(1, 3)), draw(st.booleans())
    tasks = {}
    for name in names[:4]:
        n = draw(st.integers(1, 4))
        X = np.reshape(draw(st.lists(NUMBERS, min_size=n * d, max_size=n * d)), (n, d))
        values = NUMBERS if real else st.integers(-20, 20)
        tasks[name] = X, np.array(draw(st.lists(values, min_size=n, max_size=n)))
    return tasks, d, None if real else "separate"


@given(numbered_tables(), st.data())
def test_split_undoes_stack_for_arrays(problem, data):
    tasks, d, labels = problem
    position = data.draw(st.integers(-d - 1, d))
    X, y = stack_tasks(tasks, task_col=position, labels=labels)
    assert X.shape == (len(y), d + 1)
    back = split_tasks(X, y, task_col=position)
    assert list(back) == list(tasks)
    for name, (table, target) in tasks.items():
        assert_array_equal(back[name][0], table)
        if labels is None:
            assert_array_equal(back[name][1], target)
        else:
            assert [str(y).rpartition(": ")[2] for y in back[name][1]] == [str(y) for y in target]


def test_missing_columns_are_nan_and_nothing_else_is():
    one = pd.DataFrame({"a": [1, 2], "b": [3.0, 4.0]}, index=[5, 6])
    two = pd.DataFrame({"c": [7.0], "b": [8.0]}, index=[5])
    X, y = stack_tasks({"one": (one, [0.5, 1.5]), "two": (two, [2.5])})
    assert list(X.columns) == ["task", "a", "b", "c"]
    assert list(X.index) == list(y.index) == [5, 6, 5]
    expected = [[1, 3, np.nan], [2, 4, np.nan], [np.nan, 8, 7]]
    assert_array_equal(X[["a", "b", "c"]].to_numpy(), expected)
    assert_array_equal(y, [0.5, 1.5, 2.5])


def test_a_table_of_integers_stays_one():
    X, y = stack_tasks({3: (np.ones((2, 2), int), [0, 1]), 4: (np.ones((1, 2), int), [2])})
    assert X.dtype.kind == y.dtype.kind == "i"
    assert_array_equal(X[:, 0], [3, 3, 4])


def test_stacking_does_not_change_the_tables():
    table = FRAME[["a", "b"]].copy()
    stack_tasks({"u": (table, [1.0] * 4)})
    assert_frame_equal(table, FRAME[["a", "b"]])


@pytest.mark.parametrize(
    ("labels", "expected"),
    [("shared", [0, 1, 1, 2]), ("separate", ["u: 0", "u: 1", "v: 1", "v: 2"])],
)
def test_what_equal_labels_mean(labels, expected):
    tasks = {"u": (FRAME[:2][["a"]], [0, 1]), "v": (FRAME[:2][["a"]], [1, 2])}
    assert_array_equal(stack_tasks(tasks, labels=labels)[1], expected)


def test_labels_stay_apart_when_tables_are_split():
    tasks = {"u": (A[:2], [-1, 10]), "v": (A[:2], ["01", "1"]), "w": (A[:2], [True, False])}
    tasks = {name: (pd.DataFrame(X).add_prefix("x"), y) for name, (X, y) in tasks.items()}
    back = split_tasks(*stack_tasks(tasks, labels="separate"), task_col="task")
    assert back["u"][1].to_list() == ["u: -1", "u: 10"]
    assert back["v"][1].to_list() == ["v: 01", "v: 1"]
    assert back["w"][1].to_list() == ["w: True", "w: False"]


def test_categories_that_differ_become_their_union():
    def file(codes):
        return pd.DataFrame({"code": pd.Categorical(codes)}), [1.0] * len(codes)

    X, _ = stack_tasks(
        {"a": file([10, 20]), "b": file([10, 40]), "c": (pd.DataFrame({"x": [1]}), [2.0])}
    )
    assert list(X["code"].cat.categories) == [10, 20, 40]
    assert X["code"].tolist()[:4] == [10, 20, 10, 40]
    assert X["code"].isna().tolist() == [False] * 4 + [True]
    X, _ = stack_tasks({"a": file(["r", "g"]), "b": file([1, 2])})
    assert X["code"].tolist() == ["r", "g", 1, 2]
    assert X["code"].dtype == "category"


def test_absent_columns_change_no_value():
    own = pd.DataFrame({"yes": [True, False], "n": [1, 2], "id": [BIG, BIG + 1]})
    X, _ = stack_tasks({"a": (own, [1.0, 2]), "b": (pd.DataFrame({"x": [0.5]}), [3.0])})
    assert X.dtypes.astype(str).tolist() == [
        "str" if PANDAS_3 else "object",
        "boolean",
        "float64",
        "Int64",
        "float64",
    ]
    assert X["id"].tolist()[:2] == [BIG, BIG + 1]
    assert X["yes"].tolist()[:2] == [True, False]
    assert X.isna().sum().tolist() == [0, 1, 1, 1, 2]


@pytest.mark.parametrize("library", ["polars", "pyarrow"])
def test_other_frames_are_stacked_and_split(library):
    make = LIBRARIES[library]
    one = make({"a": [1, 2], "c": ["r", "g"], "id": [BIG, BIG + 1]})
    two = make({"b": [True], "a": [0.5]})
    X, y = stack_tasks({"u": (one, [0, 1]), "v": (two, polars.Series([2]))})
    assert type(X) is type(one)
    assert column_names(X) == ["task", "a", "c", "id", "b"]
    assert as_vector(column(X, 1)).tolist() == [1, 2, 0.5]
    assert list(np.asarray(y)) == [0, 1, 2]
    back = split_tasks(X, y, task_col="task")
    assert column_names(back["u"][0]) == ["a", "c", "id"]
    assert column_names(back["v"][0]) == ["a", "b"]
    assert as_vector(column(back["u"][0], 2)).tolist() == [BIG, BIG + 1]
    assert type(back["v"][1]) is type(y)
    with pytest.raises(ValueError, match=r"'c' is .*'u' .*'v'"):
        stack_tasks({"u": (one, [0, 1]), "v": (make({"c": [1.5]}), [2])})


@pytest.mark.parametrize(
    "y", [[[1], [2]], pd.DataFrame({"y": [1, 2]}), polars.Series([1, 2]), [True, 2]]
)
@pytest.mark.filterwarnings("ignore:A column-vector y")
def test_targets_of_any_container_are_stacked(y):
    stacked = stack_tasks({0: (A[:2], y)})[1]
    assert_array_equal(stacked, [1, 2])
    assert stacked.dtype.kind == "i"


def test_missing_quantities_may_be_stacked():
    assert_array_equal(stack_tasks({0: (A[:2], [1.5, np.nan])})[1], [1.5, np.nan])


def test_large_numbers_name_tasks_where_the_array_can_hold_them():
    names = [2**53, 2**53 + 1]
    X, y = stack_tasks({name: (A[:1].astype(int), [0.5]) for name in names})
    assert list(split_tasks(X, y, task_col=0)) == names
    X, y = stack_tasks({name: (pd.DataFrame(A[:1]), [0.5]) for name in names})
    assert list(split_tasks(X, y, task_col="task")) == names


def test_split_in_order_of_appearance_without_y():
    back = split_tasks(FRAME[::-1], task_col="task")
    assert list(back) == ["v", "u"]
    assert back["u"][1] is None
    assert list(back["u"][0]["b"]) == [6, 5]


def test_split_checks_the_length_of_y():
    with pytest.raises(ValueError, match="X has 4 rows but y has 3 values"):
        split_tasks(FRAME, [1, 2, 3], task_col="task")


F = FRAME[["a", "b"]]
Y = np.array([0.5, 1.5, 2.5, 3.5])


@pytest.mark.parametrize(
    ("tasks", "options", "message"),
    [
        ({}, {}, "tasks must be a dict .* with at least one task, got {}"),
        ({"u": A}, {}, r"task 'u': expected a pair \(X, y\), got ndarray: pass the table"),
        ({"u": A[:2]}, {}, r"task 'u': expected a pair \(X, y\), got ndarray"),
        ({"u": (F,)}, {}, r"task 'u': expected a pair \(X, y\), got tuple"),
        ({"u": (F, Y), 1: (F, Y)}, {}, r"\['u', 1\].*convert"),
        ({None: (F, Y)}, {}, r"missing.*\[None\]"),
        ({np.nan: (F, Y)}, {}, r"missing.*\[nan\]"),
        (
            {2**53: (A, Y), 2**53 + 1: (A, Y)},
            {},
            r"float64 cannot .*\[9007199254740992, 9007199254740993\].* pass DataFrames",
        ),
        *(
            ({"u": (F, y)}, {"labels": labels}, "'u': the class label of row 1 is missing .1 in")
            for y in (
                ["a", None, "b", "a"],
                ["a", np.nan, "b", "a"],
                pd.Series(["a", None] + ["b"] * 2),
            )
            for labels in (None, "shared", "separate")
        ),
        (
            {"A": (F[:1], ["B: x"]), "A: B": (F[:1], ["x"])},
            {"labels": "separate"},
            "label 'x' of task 'A: B' and label 'B: x' of task 'A' would both become 'A: B: x'",
        ),
        ([(A, Y)], {}, "tasks must be a dict"),
        ({"u": (F, Y)}, {"labels": "same"}, "labels='same' .*'shared'"),
        ({"u": (F, Y[:3])}, {}, r"'u': X has 4 rows but y has shape \(3,\)"),
        ({"u": (F, A)}, {}, r"'u': X has 4 rows but y has shape \(4, 3\)"),
        ({"u": (F, Y), "v": (F[:0], Y[:0])}, {}, r"'v': .* 0 sample\(s\)"),
        ({0: (A[0], Y)}, {}, "task 0: Expected 2D array, got 1D"),
        ({0: (sparse.csr_matrix(A), Y)}, {}, "task 0: Sparse data"),
        ({0: (OtherFrame(), Y)}, {}, "task 0: .* not supported"),
        ({"u": (F, Y), "v": (A, Y)}, {}, "'u': 'pandas', 'v': 'array'.*DataFrames"),
        ({"u": (F, Y), "v": (polars.DataFrame({"a": Y}), Y)}, {}, "'pandas', 'v': 'polars'"),
        ({"u": (F[:2], ["a", 1])}, {"labels": "shared"}, "'u': y mixes .*'a'.*1"),
        ({0: (A, Y), 1: (A[:, :2], Y)}, {}, r"different width .*\{0: 3, 1: 2\}"),
        ({"u": (A, Y)}, {}, r"cannot hold the task names \['u'\].*pass DataFrames"),
        ({0: (A, Y)}, {"task_col": "task"}, "task_col='task' is a name"),
        ({0: (A, Y)}, {"task_col": 4}, "task_col=4 is out of range: X has 4 columns"),
        ({"u": (F, Y)}, {"task_col": "a"}, "'u' already has a column 'a': rename it"),
        ({"u": (F.set_axis(["a", "a"], axis=1), Y)}, {}, r"'u': column names \['a'\] occur more"),
        ({0: (A, [1, 2, 3, 4]), 1: (A, Y)}, {}, r"\[1\] have float targets.*\[0\] class labels"),
        ({0: (A, Y)}, {"labels": "separate"}, "targets are floats .regression."),
        (
            {0: (A, [1, 2, 3, 4]), 1: (A, list("1234"))},
            {"labels": "shared"},
            r"labels of tasks \[1\] are strings .* tasks \[0\] numbers",
        ),
        (
            {0: (A, [1, 2, 3, 4]), 1: (A, [4, 5, 6, 7])},
            {},
            "label 4 occurs in task 0 and in task 1.*labels='shared'.*labels='separate'.*float",
        ),
    ],
)
def test_stack_errors_name_the_value_and_the_cure(tasks, options, message):
    with pytest.raises(ValueError, match=message):
        stack_tasks(tasks, **options)


# Rows by task


@pytest.mark.parametrize(("column", "shared"), [(0, True), (3, True), (-1, True), (1, False)])
def test_a_task_column_at_an_end_of_an_array_costs_no_copy(column, shared):
    X = np.arange(20.0).reshape(5, 4)
    features, task = read_table(X, column)
    assert_array_equal(features, np.delete(X, column, axis=1))
    assert np.shares_memory(features, X) == shared
    assert not np.shares_memory(task, X)


@pytest.mark.parametrize("codes", [[0, 0, 1, 3, 3], [3, 0, 1, 0, 3], [0], [2, 2]])
def test_blocks_pick_the_same_rows_as_groups(codes):
    codes, rows = np.array(codes), np.arange(len(codes))
    picked = [rows[block].tolist() for block in blocks(codes, 4)]
    assert picked == [group.tolist() for group in groups(codes, 4)]
    assert all(isinstance(block, slice) for block in blocks(np.sort(codes), 4))
