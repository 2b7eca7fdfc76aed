"""The kinds of awkward tables, by what is awkward: `kinds(base)` gives (name, case) of all."""

import datetime
import enum
import fractions
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import polars
import pyarrow
from scipy import sparse

from ._matrix import Case

BIG = 635284328055690861  # odd: two neighbours are one number as float64
ROUGH = {"float16": 0.02, "float32": 0.02}  # an estimator inside may keep the dtype
VALUES, LABELS, TASKS, FULL = {"values"}, {"labels"}, {"tasks"}, {"full"}
NAN = ("NaN", "missing", "null", "infinity")


class Shop(enum.Enum):
    OSLO = 1
    PARIS = 2
    ROME = 3


def kinds(base):
    """Pairs of a name and a case, a list."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # np.matrix and other old things, made on purpose
        return [
            (f"{group.__name__}: {name}", case) for group in GROUPS for name, case in group(base)
        ]


def with_cell(X, row, column, value):
    X = X.copy()
    if hasattr(X, "columns"):
        X.isetitem(column, [value if i == row else v for i, v in enumerate(X.iloc[:, column])])
        return X
    X[row, column] = value
    return X


def dtypes_of_arrays(base):
    X = base.array
    for name in ("float16", "float32", "longdouble", "int8", "int16", "int64", ">f8", ">i4", "O"):
        yield name, base.case(X.astype(name), tol=ROUGH.get(name, 0))
    yield "object of Python integers", base.case(np.array(X.astype(int).tolist(), dtype=object))
    shifted = np.add(X, [0, 8, 8, 8])
    for name in ("uint8", "uint64"):
        yield name, base.case(shifted.astype(name), twin=Case(shifted, base.y))
    binary = np.column_stack([X[:, 0] > 1, X[:, 1:] > 0])
    yield (
        "bool",
        base.case(
            binary, tasks=(False, True), twin=Case(binary.astype(float), base.y, tasks=(0, 1))
        ),
    )
    fractional = X.astype(object)
    fractional[:, 1] = [fractions.Fraction(int(v)) for v in X[:, 1]]
    yield "fractions in cells", base.case(fractional, must="either")
    complex_ = X.astype(complex)
    yield "complex", base.refused("complex", X=complex_, only=VALUES)
    words = X.astype(int).astype(str)
    yield "numbers as words", base.case(words, tasks=("0", "1", "2"), must="either")
    yield "bytes", base.case(X.astype(int).astype("S"), tasks=(b"0", b"1", b"2"), must="either")
    yield (
        "structured",
        base.refused(
            X=np.array(
                [tuple(row) for row in X], dtype=[("a", float)] + [(c, float) for c in "bcd"]
            )
        ),
    )


def layouts_of_arrays(base):
    X = base.array
    yield "list of lists", base.case(X.tolist())
    yield "list of tuples", base.case([tuple(row) for row in X.tolist()])
    yield "tuple of arrays", base.case(tuple(X))
    named = [[f"t{row[0]:.0f}", *row[1:]] for row in X.tolist()]
    yield "list of rows with words", base.case(named, tasks=("t0", "t1", "t2"))
    yield "Fortran order", base.case(np.asfortranarray(X))
    yield "strided", base.case(np.repeat(X, 2, axis=0)[::2])
    yield "reversed strides", base.case(X[::-1].copy()[::-1])
    frozen = X.copy()
    frozen.setflags(write=False)
    yield "read-only", base.case(frozen)
    yield "matrix", base.case(np.asmatrix(X), must="either")
    yield "mask without holes", base.case(np.ma.array(X))
    holes = with_cell(X, 3, 2, np.nan)
    sentinel = with_cell(X, 3, 2, -999.0)
    for name, masked in (
        ("masked NaN", np.ma.masked_invalid(holes)),
        ("masked sentinel", np.ma.masked_equal(sentinel, -999)),
    ):
        yield name, base.refused("mask", *NAN, X=masked, only=FULL)
        yield (
            f"{name}, where NaN is taken",
            base.case(masked, must="either", twin=Case(holes, base.y), only={"holes"}),
        )
    no_task = np.ma.masked_equal(with_cell(X, 3, 0, -999.0), -999)
    yield "masked task", base.refused("mask", "missing", X=no_task, only=TASKS)
    rows = np.empty(len(X), dtype=object)
    rows[:] = X.tolist()
    yield "1-D array of lists", base.refused(X=rows)
    yield "memory view", base.case(memoryview(X))


def frames(base):
    X, y = base.frame, base.y
    yield "plain", base.case(X)
    yield "task in the last column", base.case(X[["a", "b", "c", "shop"]])
    yield "task in the middle", base.case(X[["a", "shop", "b", "c"]])
    for name in ("float32", "Float64", "Int64", "int8", "float64[pyarrow]", "int32[pyarrow]", "O"):
        yield name, base.case(X.astype(dict.fromkeys("abc", name)), tol=ROUGH.get(name, 0))
    yield "shop as string[pyarrow]", base.case(X.astype({"shop": "string[pyarrow]"}))
    yield "shop as string", base.case(X.astype({"shop": "string"}))
    yield "shop as objects", base.case(X.assign(shop=X["shop"].to_numpy(dtype=object)))
    yield "shop as categories", base.case(X.astype({"shop": "category"}))
    unsorted = pd.Categorical(X["shop"], categories=["t2", "zz", "t0", "t1"], ordered=True)
    yield "shop as unsorted categories, one unused", base.case(X.assign(shop=unsorted))
    yield (
        "category of numbers as a feature",
        base.case(X.astype({"b": "int64"}).astype({"b": "category"})),
    )
    thin = X.astype(dict.fromkeys("abc", pd.SparseDtype(float, 0)))
    yield "sparse columns", base.case(thin, must="either", says=("sparse",))
    yield "index that repeats", base.case(X.set_axis([0] * len(X)))
    yield (
        "index of two levels",
        base.case(X.set_axis(pd.MultiIndex.from_arrays([range(len(X)), range(len(X))]))),
    )
    yield "y with another index", base.case(X, pd.Series(y, index=range(len(y), 0, -1)))
    numbered = X.set_axis(range(4), axis=1)
    yield (
        "columns with whole-number names",
        base.case(numbered, task_col=0, tasks=("t0", "t1", "t2")),
    )
    mixed = X.set_axis(["shop", 1, "b", 2], axis=1)
    yield "columns with mixed names", base.case(mixed, must="either", says=("name",))
    two = X.set_axis(pd.MultiIndex.from_tuples([("x", n) for n in X]), axis=1)
    yield (
        "columns of two levels",
        base.case(
            two,
            task_col=("x", "shop"),
            tasks=("t0", "t1", "t2"),
            must="either",
            says=("level", "name", "column"),
        ),
    )
    yield (
        "column names that repeat",
        base.refused("'a'", X=X.set_axis(["shop", "a", "a", "c"], axis=1)),
    )
    yield (
        "task column twice",
        base.refused("shop", X=X.set_axis(["shop", "shop", "b", "c"], axis=1)),
    )
    yield "polars", base.case(polars.from_pandas(X))
    yield (
        "polars with categories",
        base.case(polars.from_pandas(X).with_columns(polars.col("shop").cast(polars.Categorical))),
    )
    yield (
        "polars with integers",
        base.case(polars.from_pandas(X).with_columns(polars.col("a", "b", "c").cast(polars.Int16))),
    )
    yield (
        "polars with null",
        base.refused(*NAN, X=polars.from_pandas(with_cell(X, 3, 2, None)), only=FULL),
    )
    yield (
        "polars, lazy",
        base.refused(
            "collect",
            "lazy",
            X=polars.from_pandas(X).lazy(),
            task_col="shop",
            tasks=("t0", "t1", "t2"),
        ),
    )
    yield (
        "pyarrow table",
        base.case(
            pyarrow.Table.from_pandas(X),
            task_col="shop",
            tasks=("t0", "t1", "t2"),
            must="either",
            says=("pyarrow", "frame", "DataFrame"),
        ),
    )
    yield "dict of columns", base.refused(X=X.to_dict("list"), task_col="shop", tasks=("t0",) * 3)
    yield "Series as X", base.refused("2D", "1-dim", "1D", X=X["a"], task_col=0)
    yield "attributes of a frame subclass", base.case(type("Sub", (pd.DataFrame,), {})(X))


def values(base):
    X, F = base.array, base.frame
    for name, value in (("NaN", np.nan), ("inf", np.inf), ("-inf", -np.inf)):
        only = FULL if name == "NaN" else VALUES
        yield f"{name} in an array", base.refused(*NAN, X=with_cell(X, 3, 2, value), only=only)
        yield f"{name} in a frame", base.refused(*NAN, X=with_cell(F, 3, 2, value), only=only)
    yield (
        "None in an object array",
        base.refused(*NAN, X=with_cell(X.astype(object), 3, 2, None), only=FULL),
    )
    yield (
        "NA in a nullable frame",
        base.refused(*NAN, X=with_cell(F, 3, 2, pd.NA).astype({"b": "Int64"}), only=FULL),
    )
    yield (
        "NA among objects",
        base.refused(*NAN, X=with_cell(F.astype("O"), 3, 2, pd.NA), only=FULL),
    )
    gap, named = with_cell(X, 3, 2, np.nan), with_cell(F, 3, 2, np.nan)
    for name, made in (
        ("NaN in a frame", named),
        ("None in an object array", with_cell(X.astype(object), 3, 2, None)),
        ("NA in a nullable frame", named.astype({"b": "Int64"})),
        ("null of polars", polars.from_pandas(named)),
        ("NaN in a float32 frame", named.astype({"b": "float32"})),
        ("NaN in pyarrow", named.astype({"b": "float64[pyarrow]"})),
    ):
        twin = Case(gap, base.y)
        yield f"{name}, where it is taken", base.case(made, twin=twin, only={"holes"})
    absent = X.copy()
    absent[base.task == 1, 2] = np.nan
    yield (
        "a column that one task lacks",
        base.case(
            absent,
            must="refuse",
            says=("task 1", "task '1'", "tasks [1]", "hidden_layer"),
            only={"values", "columns"},
        ),
    )
    lacking = F.copy()
    lacking.loc[base.task == 1, "b"] = np.nan
    yield (
        "a named column that one task lacks",
        base.case(lacking, must="refuse", says=("'b'", "hidden_layer"), only={"values", "columns"}),
    )
    for name, case in (
        ("one huge cell", with_cell(X, 3, 2, np.finfo(float).max)),
        ("times 1e200", X * [1, 1e200, 1e200, 1e200]),
        ("times 1e100", X * [1, 1e100, 1e100, 1e100]),
        ("times 1e-160", X * [1, 1e-160, 1e-160, 1e-160]),
        ("times 1e-300", X * [1, 1e-300, 1e-300, 1e-300]),
    ):
        yield name, base.case(case, must="either", twin=None, only={"values", "own"})
    for name, case in (
        ("constant features", X * [1, 0, 0, 0] + 3),
        ("one constant feature", X * [1, 1, 0, 1]),
        ("features that repeat", X[:, [0, 1, 1, 1]]),
        ("offset of 1e6", np.add(X, [0, 1e6, 1e6, 1e6])),
        ("times 1000", X * [1, 1000, 1000, 1000]),
    ):
        yield (
            name,
            base.case(
                case,
                twin=None,
                must="either",
                says=("constant", "feature", "scale", "column"),
                only=VALUES,
            ),
        )


def words_and_dates(base):
    F = base.frame
    word = with_cell(F.astype({"b": object}), 3, 2, "Male")
    yield "a word in a named column", base.refused("'b'", X=word, only=VALUES)
    yield "a column of words", base.refused("'b'", X=F.assign(b=["Male"] * len(F)), only=VALUES)
    yield (
        "categories of words",
        base.refused("'b'", X=F.assign(b=pd.Categorical(["Male"] * len(F))), only=VALUES),
    )
    yield (
        "a word in an object array",
        base.refused("Male", X=with_cell(base.array.astype(object), 3, 2, "Male"), only=VALUES),
    )
    for name, made in (("dates", pd.to_datetime), ("spans of time", pd.to_timedelta)):
        yield name, base.refused("'b'", X=F.assign(b=made([1] * len(F), unit="D")), only=VALUES)
    day = [datetime.date(2026, 1, 1)] * len(F)
    yield "dates of Python", base.refused("'b'", X=F.assign(b=day), only=VALUES)
    yield "polars words", base.refused("'b'", X=polars.from_pandas(F.assign(b="x")), only=VALUES)
    yield "lists in cells", base.refused(X=F.assign(b=[[1.0]] * len(F)), only=VALUES)


def shapes(base):
    X = base.array
    for name, case in (
        ("1-D", X[:, 1]),
        ("3-D", X[:, :, None]),
        ("0-D", np.array(3.0)),
        ("None", None),
        ("a string", "table.csv"),
        ("an empty list", []),
        ("no rows", X[:0]),
        ("ragged rows", [[0.0, 1.0], [1.0]] * 20),
        ("no columns", X[:, :0]),
    ):
        y = base.y[:0] if name == "no rows" else base.y
        yield name, Case(case, y, must="refuse")
    yield "a frame without rows", base.refused("0 sample", "no row", X=base.frame[:0], y=base.y[:0])
    for kind in ("csr", "csc", "coo"):
        for form in (f"{kind}_array", f"{kind}_matrix"):
            yield form, base.case(getattr(sparse, form)(X), must="either", says=("sparse",))
    yield "other number of rows", base.refused("inconsistent", "rows", X=X[:-1], only=LABELS)
    alone = X[:, :1]
    yield (
        "no feature beside the task",
        base.case(
            alone, twin=None, must="either", says=("0 feature", "no feature", "column"), only=VALUES
        ),
    )
    yield (
        "one feature",
        base.case(X[:, :2], twin=None, must="either", says=("n_components", "features")),
    )


def small_tables(base):
    X, y = base.array, base.y
    first = [np.flatnonzero(base.task == t)[0] for t in range(3)]
    few = ("class", "row", "sample", "label", "split", "task", "alphas")
    yield (
        "one row",
        base.case(
            X[:1],
            y[:1],
            tasks=(X[0, 0],),
            twin=None,
            must="either",
            says=(*few, "target", "source"),
        ),
    )
    yield "one row in each task", base.case(X[first], y[first], twin=None, must="either", says=few)
    lone = np.r_[np.flatnonzero(base.task > 0), first[0]]
    yield "one task has one row", base.case(X[lone], y[lone], twin=None, must="either", says=few)
    own = base.task == 2
    yield (
        "one task",
        base.case(
            X[own],
            y[own],
            tasks=(2,),
            twin=None,
            must="either",
            says=("source", "target", "task"),
        ),
    )
    many = np.column_stack([np.repeat(np.arange(90.0), 2), np.tile(X[:, 1:], (4, 1))])
    yield (
        "90 tasks of two rows",
        Case(
            many,
            np.tile(y, 4),
            tasks=(3, 4, 5),
            must="either",
            says=("class", "row", "member", "n_splits", "n_components"),
        ),
    )
    rng = np.random.default_rng(1)
    feature = np.column_stack([rng.normal(size=45), X[:, 1:]])
    yield (
        "each row its own task",
        Case(
            feature,
            y,
            tasks=tuple(feature[:3, 0]),
            must="either",
            says=("task", "class", "row", "group"),
        ),
    )


def targets(base):
    """Other containers of the same targets."""
    y = base.y
    yield "list", base.case(y=y.tolist(), only=LABELS)
    yield "tuple", base.case(y=tuple(y.tolist()), only=LABELS)
    yield "column", base.case(y=y[:, None], only=LABELS)
    yield "nested list", base.case(y=y[:, None].tolist(), only=LABELS)
    yield "frame of one column", base.case(y=pd.DataFrame({"y": y}), only=LABELS)
    yield "Series", base.case(y=pd.Series(y, name="y"), only=LABELS)
    yield "objects", base.case(y=y.astype(object), only=LABELS)
    yield "polars", base.case(y=polars.Series(y), only=LABELS)
    yield "pyarrow", base.case(y=pyarrow.array(y), must="either", only=LABELS)
    yield "chunks of pyarrow", base.case(y=pyarrow.chunked_array([y]), must="either", only=LABELS)
    yield "big-endian", base.case(y=y.astype(y.dtype.newbyteorder(">")), only=LABELS)
    yield "mask without holes", base.case(y=np.ma.array(y), only=LABELS)
    frozen = y.copy()
    frozen.setflags(write=False)
    yield "read-only", base.case(y=frozen, only=LABELS)
    for name in ("float16", "float32", "Float64", "float64[pyarrow]"):
        made = y.astype(name) if name.startswith("float") and "[" not in name else pd.array(y, name)
        yield name, base.case(y=pd.Series(made), only=LABELS)
    holes = y.astype(float)
    holes[::4] = np.nan
    twin = Case(base.array, holes)

    def hole(made, name, **more):
        return name, base.case(y=made, twin=twin, only={"labels", "unlabelled"}, **more)

    yield hole(holes[:, None], "column with NaN")
    yield hole([None if v != v else v for v in holes], "list with None")
    yield hole(holes.astype(object), "objects with NaN")
    yield hole(pd.Series(holes).astype("Float64"), "nullable with NA")
    yield hole(pd.Series([pd.NA if v != v else v for v in holes], dtype=object), "objects with NA")
    yield hole(pd.DataFrame({"y": holes}), "frame with NaN")
    yield hole(polars.Series([None if v != v else v for v in holes]), "polars with null")
    yield hole(np.ma.masked_invalid(holes), "masked NaN", must="either")
    rest = ~np.isnan(holes)
    yield (
        "rows without label are rows left out",
        base.case(
            y=holes,
            probe=base.array,
            twin=Case(base.array[rest], base.y[rest], probe=base.array),
            only={"labels", "drops"},
        ),
    )


def labels(base):
    """Other names of the same classes."""
    y = base.y
    if base.sort != "classifier":
        return
    names = {
        "words": ("no", "some", "yes"),
        "empty word": ("", "a", "b"),
        "words of digits": ("0", "01", "1"),
        "negative": (-7, -2, 5),
        "18 digits": (BIG, BIG + 1, BIG + 2),
        "halves": (0.0, 1.0, 2.0),
        "unsorted sizes": (10, 200, 3000),
    }
    for name, values in names.items():
        made = np.array(values)[y]
        yield name, base.case(y=made, labels=values)
        yield f"{name}, objects", base.case(y=made.astype(object), labels=values)
        gaps = [None if i % 4 == 0 else v for i, v in enumerate(made.tolist())]
        holes = np.where(np.arange(len(y)) % 4, y, np.nan)
        yield (
            f"{name}, list with None",
            base.case(y=gaps, labels=values, twin=Case(base.array, holes)),
        )
        if isinstance(values[0], str):
            nothing = {"NumPy's NaN": np.nan, "Python's NaN": float("nan"), "pandas.NA": pd.NA}
            for word, missing in nothing.items():
                yield (
                    f"{name}, list with {word}",
                    base.case(
                        y=[missing if v is None else v for v in gaps],
                        labels=values,
                        twin=Case(base.array, holes),
                    ),
                )
        yield (
            f"{name}, categories with NaN",
            base.case(
                y=pd.Series(pd.Categorical(gaps)), labels=values, twin=Case(base.array, holes)
            ),
        )
        yield (
            f"{name}, nullable",
            base.case(
                y=pd.Series(gaps).convert_dtypes()
                if name != "18 digits"
                else pd.Series(pd.array(gaps, dtype="Int64")),
                labels=values,
                twin=Case(base.array, holes),
            ),
        )
        yield (
            f"{name}, polars",
            base.case(y=polars.Series(gaps), labels=values, twin=Case(base.array, holes)),
        )
    two = (y > 0).astype(int)
    twin = Case(base.array, two, labels=(0, 1))
    yield "bool", base.case(y=two > 0, labels=(False, True), twin=twin)
    yield "bool objects", base.case(y=(two > 0).astype(object), labels=(False, True), twin=twin)
    holes = np.where(np.arange(len(y)) % 4, two, np.nan)
    twin = replace(twin, y=holes)
    gaps = [None if v != v else bool(v) for v in holes]
    yield "bool list with None", base.case(y=gaps, labels=(False, True), twin=twin)
    yield (
        "bool, nullable",
        base.case(y=pd.Series(gaps, dtype="boolean"), labels=(False, True), twin=twin),
    )
    yield "bool, polars", base.case(y=polars.Series(gaps), labels=(False, True), twin=twin)
    yield (
        "bool, column of objects",
        base.case(y=np.array(gaps, dtype=object)[:, None], labels=(False, True), twin=twin),
    )
    yield (
        "one class in a task",
        base.case(y=np.where(base.task == 1, 2, y), twin=None, must="either", says=("class",)),
    )
    few = np.where(base.task == 1, np.nan, y)
    few[np.flatnonzero((base.task == 1) & (y == 0))[:2]] = 0
    yield (
        "two labels of one class in a task",
        base.case(y=few, twin=None, must="either", says=("class",)),
    )
    yield (
        "classes of their own",
        base.case(
            y=3 * base.task + y,
            labels=tuple(range(9)),
            twin=None,
            must="either",
            says=("class", "label"),
        ),
    )
    yield (
        "one class",
        base.case(y=np.zeros_like(y), labels=(0,), twin=None, must="either", says=("class",)),
    )
    yield (
        "words and numbers",
        base.refused("'1'", y=np.array([0, "1", 2], dtype=object)[y], only=LABELS),
    )
    yield (
        "a class with one label",
        base.case(
            y=np.where(np.arange(len(y)) == 5, 9, y),
            labels=(0, 1, 2, 9),
            twin=None,
            must="either",
            says=("class", "member"),
        ),
    )


def bad_targets(base):
    y = base.y.astype(float)
    yield "None", replace(base.refused("y"), y=None, only={"required"})
    yield "no label", base.refused("label", *NAN, y=np.full(len(y), np.nan), only={"required"})
    lone = np.where(base.task == 1, np.nan, y)
    yield (
        "a task without label",
        base.case(
            y=lone, twin=None, must="either", says=("task 1", "tasks [1]", "1"), only={"required"}
        ),
    )
    lone = np.where(base.task == 2, np.nan, y)
    yield (
        "a target without label",
        base.case(
            y=lone, twin=None, must="either", says=("task 2", "tasks [2]", "2"), only={"required"}
        ),
    )
    yield "too short", base.refused("inconsistent", "rows", "length", y=y[:-1], only=LABELS)
    yield "too long", base.refused("inconsistent", "rows", "length", y=np.r_[y, 1], only=LABELS)
    yield "a number", base.refused(y=np.array(1.0), only=LABELS)
    yield "two columns", base.case(y=np.column_stack([y, y]), twin=None, must="either", only=LABELS)
    yield "3-D", base.refused(y=y[:, None, None], only={"required"})
    yield "complex", base.refused("complex", y=y + 1j, only={"required"})
    dates = pd.to_datetime(np.arange(len(y)), unit="D")
    yield "dates", base.refused(y=dates, only={"required", "own"})  # Ridge itself takes them
    yield "lists in cells", base.refused(y=pd.Series([[1.0]] * len(y)), only={"required"})
    yield "sparse", base.refused("sparse", "1d", y=sparse.csr_array(y[:, None]), only={"required"})
    if base.sort == "classifier":
        yield (
            "quantities",
            base.refused("continuous", y=y + np.linspace(0.1, 0.2, len(y)), only={"required"}),
        )
        yield (
            "inf",
            base.refused(*NAN, y=np.where(np.arange(len(y)) == 3, np.inf, y), only={"required"}),
        )
        return
    yield (
        "inf",
        base.refused(*NAN, y=np.where(np.arange(len(y)) == 3, np.inf, y), only={"required"}),
    )
    word = y.astype(object)
    word[3] = "high"
    yield "a word", base.refused("high", y=word, only={"required", "regressor"})
    yield (
        "a word in a Series",
        base.refused("high", y=pd.Series(word), only={"required", "regressor"}),
    )
    yield (
        "constant",
        base.case(
            y=np.full(len(y), 2.0),
            twin=None,
            must="either",
            says=("constant", "y", "target"),
            only=LABELS,
        ),
    )
    yield (
        "huge",
        base.case(
            y=y * 1e200, probe=base.array, twin=None, must="either", only={"required", "own"}
        ),
    )
    yield "tiny", base.case(y=y * 1e-200, twin=None, must="either", only={"required", "own"})


def weights(base):
    n, only = len(base.y), {"weights"}
    w = np.resize([1.0, 2.0, 3.0], n)
    plain = Case(base.array, base.y)
    yield "ones", base.case(weight=np.ones(n), twin=plain, only=only)
    yield "None", base.case(weight=None, twin=plain, only=only)
    twin = replace(plain, weight=w)
    yield "list", base.case(weight=w.tolist(), twin=twin, only=only)
    yield "integers", base.case(weight=w.astype("int8"), twin=twin, only=only)
    yield "float32", base.case(weight=w.astype("float32"), twin=twin, only=only, tol=0.02)
    yield "objects", base.case(weight=w.astype(object), twin=twin, only=only)
    yield (
        "Series with another index",
        base.case(weight=pd.Series(w, index=range(n, 0, -1)), twin=twin, only=only),
    )
    yield "polars", base.case(weight=polars.Series(w), twin=twin, only=only, must="either")
    yield "on a frame", base.case(base.frame, weight=w, twin=twin, only=only)
    rows = np.repeat(np.arange(n), w.astype(int))
    free = {"weights", "rows"}
    yield (
        "repeated rows",
        base.case(
            weight=w,
            probe=base.array,
            only=free,
            twin=Case(base.array[rows], base.y[rows], probe=base.array),
        ),
    )
    zero = (np.arange(n) % 5 > 0).astype(float)
    yield (
        "zeros are rows left out",
        base.case(
            weight=zero,
            probe=base.array,
            only=free,
            twin=Case(base.array[zero > 0], base.y[zero > 0], probe=base.array),
        ),
    )
    yield (
        "on rows in another order",
        base.case(
            base.array[::-1],
            base.y[::-1],
            weight=w[::-1],
            probe=base.array,
            only=free,
            twin=replace(twin, probe=base.array),
        ),
    )
    for name, value in (("negative", -1.0), ("NaN", np.nan), ("inf", np.inf)):
        bad = np.where(np.arange(n) == 3, value, 1.0)
        yield name, base.refused("weight", weight=bad, only=only)
    yield "too short", base.refused("weight", weight=np.ones(n - 1), only=only)
    yield "two columns", base.refused("weight", weight=np.ones((n, 2)), only=only)
    yield "words", base.refused("weight", weight=["much"] * n, only=only)
    yield "all zero", base.refused("weight", weight=np.zeros(n), only=only)
    yield "complex", base.refused("weight", "complex", weight=np.ones(n) * 1j, only=only)
    yield (
        "zero for a task",
        base.case(
            weight=(base.task != 1) * 1.0,
            twin=None,
            must="either",
            says=("task", "weight"),
            only=only,
        ),
    )
    for size in (1e300, 1e-300):
        yield (
            f"{size:g} each",
            base.case(weight=np.full(n, size), twin=None, must="either", only={"weights", "own"}),
        )


def ids(base):
    """Other names of the same tasks, in the same order."""
    zone = "Europe/Rome"
    names = {
        "18 digits": (BIG, BIG + 1, BIG + 2),
        "negative": (-30, -2, 5),
        "floats": (0.1, 0.2, 0.3),
        "above int64": (2**63 + 1, 2**63 + 2, 2**63 + 3),
        "above uint64": (2**70, 2**70 + 1, 2**70 + 2),
        "words": ("Oslo", "Paris", "Rome"),
        "words of digits": ("0", "01", "1"),
        "words with spaces": (" a", "a", "a "),
        "words with NUL": ("a", "a\0", "a\0\0"),
        "empty word": ("", "a", "b"),
        "other scripts": ("Ωmega", "東京", "🏥"),
        "long words": ("x" * 300, "x" * 301, "x" * 302),
        "tuples": (("a", 1), ("a", 2), ("b", 1)),
        "dates": tuple(datetime.date(2026, 1, d) for d in (1, 2, 3)),
        "moments": tuple(pd.Timestamp(2026, 1, d) for d in (1, 2, 3)),
        "moments with a zone": tuple(pd.Timestamp(2026, 1, d, tz=zone) for d in (1, 2, 3)),
        "members of an enum": tuple(Shop),
        "bytes": (b"a", b"b", b"c"),
        "frozen sets": (frozenset("a"), frozenset("ab"), frozenset("abc")),
        "numbers and words": (1, 2, "a"),
        "a number and its word": (1, 2, "2"),
    }
    for name, values in names.items():
        column = np.empty(3, dtype=object)
        column[:] = values
        frame = base.frame.assign(shop=column[base.task])
        must = "right" if isinstance(values[0], (str, int, float)) else "either"
        must = "either" if "number" in name else must
        yield f"{name}, frame", base.case(frame, tasks=values, must=must, only=TASKS)
        objects = base.array.astype(object)
        objects[:, 0] = column[base.task]
        yield (
            f"{name}, object array",
            base.case(objects, task_col=0, tasks=values, must=must, only=TASKS),
        )
    big = np.column_stack([BIG + base.task, base.F.astype(np.int64)])
    yield "18 digits, integer array", base.case(big, tasks=(BIG, BIG + 1, BIG + 2), only=TASKS)
    frame = base.frame
    for dtype in ("Int64", "int64[pyarrow]", "uint64", "category"):
        made = pd.Series(BIG + base.task).astype(dtype)
        yield (
            f"18 digits, {dtype}",
            base.case(frame.assign(shop=made), tasks=(BIG, BIG + 1, BIG + 2), only=TASKS),
        )
    yield (
        "18 digits, polars",
        base.case(
            polars.from_pandas(frame.assign(shop=BIG + base.task)),
            tasks=(BIG, BIG + 1, BIG + 2),
            only=TASKS,
        ),
    )
    for dtype in ("bool", "boolean", "object"):
        two = pd.Series(base.task > 1).astype(dtype)
        yield (
            f"bool, {dtype}",
            base.case(
                frame.assign(shop=two),
                tasks=(False, True),
                only=TASKS,
                twin=Case(np.column_stack([base.task > 1, base.F]), base.y, tasks=(0, 1)),
            ),
        )
    days = pd.Series(pd.to_datetime(base.task, unit="D"))
    yield (
        "datetime64",
        base.case(
            frame.assign(shop=days), tasks=tuple(sorted(days.unique())), must="either", only=TASKS
        ),
    )
    thin = np.column_stack([np.array([0.1, 0.2, 0.3])[base.task], base.F])
    yield (
        "float32 ids for float64 ids",
        base.case(
            thin,
            tasks=(0.1, 0.2, 0.3),
            probe=thin.astype("float32"),
            must="either",
            says=("0.1", "float32"),
            twin=Case(thin, base.y, tasks=(0.1, 0.2, 0.3), probe=thin),
            only={"tasks", "scores"},
        ),
    )


def bad_ids(base):
    F, X = base.frame, base.array
    for name, frame in (
        ("None", with_cell(F, 3, 0, None)),
        ("NaN among words", with_cell(F.astype({"shop": object}), 3, 0, np.nan)),
        ("NA", with_cell(F.astype({"shop": "string"}), 3, 0, pd.NA).astype({"shop": "string"})),
        ("NaN among categories", with_cell(F, 3, 0, None).astype({"shop": "category"})),
        ("NaT", F.assign(shop=pd.to_datetime([None, *["2026-01-01"] * (len(F) - 1)]))),
    ):
        yield name, base.refused("'shop'", X=frame, only=TASKS)
    yield (
        "null of polars",
        base.refused("'shop'", X=polars.from_pandas(with_cell(F, 3, 0, None)), only=TASKS),
    )
    yield (
        "NaN in an array",
        base.refused("missing", "no task", X=with_cell(X, 3, 0, np.nan), only=TASKS),
    )
    rows = [["t0", *row] for row in base.F.tolist()]
    rows[3][0] = float("nan")
    rows[4][0] = rows[5][0] = "t1"
    yield (
        "NaN in a list with words",
        base.refused("missing", "no task", X=rows, tasks=("t0", "t1"), only=TASKS),
    )
    yield "lists", base.refused("shop", X=F.assign(shop=[[t] for t in base.task]), only=TASKS)
    turned = F.assign(shop=base.task * 1j)
    yield "complex", base.case(turned, tasks=(0j, 1j, 2j), must="either", only=TASKS)
    yield "infinite", base.case(with_cell(X, 3, 0, np.inf), twin=None, must="either", only=TASKS)


def task_cols(base):
    X, F = base.array, base.frame
    yield "NumPy integer", base.case(task_col=np.int64(0), only=TASKS)
    yield "from the right", base.case(task_col=-4, only={"tasks", "wide"})
    yield "last column", base.case(np.roll(X, -1, axis=1), task_col=3, only={"tasks", "wide"})
    yield "last column from the right", base.case(np.roll(X, -1, axis=1), task_col=-1, only=TASKS)
    yield (
        "NumPy string",
        base.case(F, task_col=np.str_("shop"), tasks=("t0", "t1", "t2"), only=TASKS),
    )
    named = {"X": F, "tasks": ("t0", "t1", "t2"), "only": TASKS}
    for wrong in ("shap", "Shop", 0, 7, 1.0, ("shop",)):
        yield f"{wrong!r} of a frame", base.refused(repr(wrong), task_col=wrong, **named)
    for wrong in ("shop", 4, -5, 0.0, True, (0,), "0"):
        yield f"{wrong!r} of an array", base.refused(repr(wrong), task_col=wrong, only=TASKS)
    yield "a list", base.refused("['shop']", "task_col", task_col=["shop"], **named)
    yield "an array", base.refused("task_col", task_col=np.array([0, 1]), only=TASKS)


def other_tables(base):
    """Fitted to a plain table, then given another one."""
    X, F, only = base.array, base.frame, {"predicts"}
    clean = Case(X, base.y, probe=X)
    framed = {"task_col": "shop", "tasks": ("t0", "t1", "t2"), "only": only}

    def bad(name, table, *says, fit=F, only=only):
        more = {**framed, "only": only} if fit is F else {"only": only}
        return name, base.refused(*says, X=fit, act=lambda m: answers(m, table), **more)

    yield bad("columns in another order", F[["c", "shop", "b", "a"]], "order")
    yield bad("a column less", F.drop(columns="c"), "'c'", "- c", "features")
    yield bad("a column more", F.assign(d=1.0), "- d", "'d'")
    yield bad("a renamed column", F.rename(columns={"b": "B"}), "B")
    yield bad("a renamed task column", F.rename(columns={"shop": "store"}), "store")
    yield bad("an array for a frame", F.to_numpy(), "name")
    yield bad("an array less wide", X[:, :-1], "3 features", fit=X)
    yield bad("an array more wide", np.c_[X, X[:, 1]], "5 features", fit=X)
    yield bad("no rows", X[:0], "0 sample", "no row", fit=X)
    yield bad("no rows of a frame", F[:0], "0 sample", "no row")
    yield bad("NaN", with_cell(X, 3, 2, np.nan), *NAN, fit=X, only={"predicts", "full"})
    yield bad("inf", with_cell(X, 3, 2, np.inf), *NAN, fit=X)
    yield bad(
        "masked NaN",
        np.ma.masked_invalid(with_cell(X, 3, 2, np.nan)),
        "mask",
        *NAN,
        fit=X,
        only={"predicts", "full"},
    )
    yield bad("a word", with_cell(F.astype({"b": object}), 3, 2, "Male"), "'b'")
    yield bad("no task", with_cell(X, 3, 0, np.nan), "no task", "missing", fit=X)
    yield bad("words for numbers", F.to_numpy(), "t0", fit=X, only={"scores"})
    yield bad("1-D", X[0], "2D", "1D", fit=X)
    yield bad("None", None, fit=X)
    yield (
        "a new task",
        base.case(
            probe=with_cell(X, 3, 0, 77.0), twin=None, must="either", says=("77",), only=only
        ),
    )
    yield (
        "a new name",
        base.case(
            F, probe=with_cell(F, 3, 0, "Oslo"), twin=None, must="either", says=("Oslo",), only=only
        ),
    )
    yield (
        "one row at a time",
        base.case(
            act=lambda m: one_by_one(m, X),
            twin=replace(clean, act=lambda m: answers(m, X)),
            only=only,
        ),
    )
    yield (
        "rows in another order",
        base.case(
            act=lambda m: [a[::-1] for a in answers(m, X[::-1].copy())],
            twin=replace(clean, act=lambda m: answers(m, X)),
            only=only,
        ),
    )
    for name, table in (
        ("float32", X.astype("float32")),
        ("integers", X.astype(int)),
        ("objects", X.astype(object)),
        ("list", X.tolist()),
        ("Fortran order", np.asfortranarray(X)),
    ):
        yield name, base.case(probe=table, twin=clean, only=only)
    yield (
        "fitted to rows in another order",
        base.case(X[::-1], base.y[::-1], probe=X, twin=clean, only={"predicts", "rows"}),
    )
    own = base.task == 1
    yield (
        "one task alone",
        base.case(
            act=lambda m: answers(m, X[own]),
            twin=replace(clean, act=lambda m: [a[own] for a in answers(m, X)]),
            only=only,
        ),
    )


def answers(model, X):
    names = ("predict", "predict_proba", "decision_function", "transform")
    return [np.asarray(getattr(model, n)(X), dtype=float) for n in names if hasattr(model, n)]


def one_by_one(model, X):
    parts = [answers(model, X[i : i + 1]) for i in range(len(X))]
    return [np.concatenate(own) for own in zip(*parts, strict=True)]


def scores(base):
    X, y, only = base.array, base.y.astype(float), {"scores"}
    holes = np.where(np.arange(len(y)) % 4, y, np.nan)

    def scored(name, *args, says=("inconsistent", "length", "rows", "weight", "y")):
        return name, base.refused(*says, act=lambda m: m.score(*args), only=only)

    yield scored("y too short", X, y[:-1])
    yield scored("y with NaN too short", X, holes[:-1])
    yield scored("y with NaN too long", X, np.r_[holes, 1.0])
    yield scored("no y", X, None)
    yield scored("no label", X, np.full(len(y), np.nan))
    yield scored("weights too short", X, y, np.ones(len(y) - 1))
    yield scored("weights too short beside NaN", X, holes, np.ones(len(y) - 1))
    yield scored("NaN weights", X, y, np.full(len(y), np.nan))
    clean = Case(X, base.y, act=lambda m: [m.score(X, holes)])
    for name, made in (
        ("column with NaN", holes[:, None]),
        ("list with None", [None if v != v else v for v in holes]),
        ("objects with NA", pd.Series([pd.NA if v != v else v for v in holes], dtype=object)),
        ("polars with null", polars.Series([None if v != v else v for v in holes])),
    ):
        yield name, base.case(act=lambda m, made=made: [m.score(X, made)], twin=clean, only=only)
    rest = ~np.isnan(holes)
    yield (
        "rows without label are not scored",
        base.case(act=lambda m: [m.score(X[rest], base.y[rest])], twin=clean, only=only),
    )


GROUPS = (
    dtypes_of_arrays,
    layouts_of_arrays,
    frames,
    values,
    words_and_dates,
    shapes,
    small_tables,
    targets,
    labels,
    bad_targets,
    weights,
    ids,
    bad_ids,
    task_cols,
    other_tables,
    scores,
)
