"""Frames, sparse matrices and arrays alike: rows, columns, missing entries, values for messages.

A frame is what pandas or its likes, polars or pyarrow hold; none of them need be installed.
"""

from collections import Counter
from itertools import pairwise

import narwhals as nw
import numpy as np
from scipy import sparse


def is_frame(X):
    """True for a DataFrame in memory; a lazy one is an error."""
    if isinstance(X, np.ndarray):  # asking narwhals takes longer than many a fit
        return False
    if hasattr(X, "iloc") and not hasattr(X, "compute"):  # pandas, with any column names
        return hasattr(X, "columns")
    table = nw.from_native(X, pass_through=True)
    if isinstance(table, nw.LazyFrame):
        raise ValueError(
            f"a {type(X).__module__.split('.')[0]} {type(X).__name__} is lazy: collect it first, "
            "for example with X.collect() or X.compute()"
        )
    if not isinstance(table, nw.DataFrame) and hasattr(X, "columns"):
        raise ValueError(
            f"a {type(X).__module__}.{type(X).__name__} is not supported, and as an array it would "
            "lose its column names: pass a DataFrame of pandas, polars or pyarrow"
        )
    return isinstance(table, nw.DataFrame)


def _narwhal(X):
    """A frame or Series of polars or pyarrow as narwhals sees it, else None."""
    table = nw.from_native(X, pass_through=True, allow_series=True)
    return table if isinstance(table, (nw.DataFrame, nw.Series)) else None


class SharedTable:
    """A long table whose rows repeat those of one table of features, which is kept once.

    Row i is row ``rows[i]`` of `features` and its task ``tasks[codes[i]]``, `tasks` sorted. The
    task stands first, in a frame as column `task_col`; with `task_col` None it stands apart.
    Indexing takes rows; `as_table` and ``numpy.asarray`` write the whole long table.
    """

    ndim = 2

    def __init__(self, features, rows, tasks, codes, task_col):
        self.features, self.rows, self.tasks, self.codes = features, rows, tasks, codes
        self.task_col = task_col

    @property
    def shape(self):
        return len(self.rows), self.features.shape[1] + (self.task_col is not None)

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, key):
        key, *rest = key if isinstance(key, tuple) else (key,)
        rows = self.rows[key]
        if rest not in ([], [...]) or rows.ndim != 1:
            raise IndexError(
                "a table of stack_targets is indexed by rows: slice, mask or positions. For "
                "columns write the long table first, numpy.asarray(X)"
            )
        return SharedTable(self.features, rows, self.tasks, self.codes[key], self.task_col)

    def __array__(self, dtype=None, copy=None):
        return np.asarray(as_table(self), dtype)

    def copy(self):
        features = self.features.copy()
        return SharedTable(features, self.rows, self.tasks, self.codes, self.task_col)

    def places(self, codes, n_tasks):
        """Position of each row in the grid of tasks and features, None if two have the same one."""
        n = self.features.shape[0]
        places = codes * n + self.rows
        return places if np.bincount(places, minlength=n * n_tasks).max() == 1 else None

    def of_used(self):
        """The same without features that no row uses, and where those used stood."""
        used = np.zeros(self.features.shape[0], dtype=bool)
        used[self.rows] = True
        if used.all():
            return self, range(len(used))
        rows = (np.cumsum(used) - 1)[self.rows]
        part = SharedTable(take(self.features, used), rows, self.tasks, self.codes, self.task_col)
        return part, np.flatnonzero(used)


def _long(table):
    """A `SharedTable` written out, in the kind of its features."""
    X = take(table.features, table.rows)
    if table.task_col is None:
        return X
    task = table.tasks[table.codes]
    if hasattr(X, "iloc"):
        X.insert(0, table.task_col, task)
        return X
    if is_frame(X):
        frame = nw.from_native(X)
        task = nw.new_series(table.task_col, task.tolist(), backend=frame.implementation)
        return frame.with_columns(task).select([table.task_col, *frame.columns]).to_native()
    dtype = np.result_type(X, task) if task.dtype.kind in "biuf" else np.dtype(object)
    with np.errstate(invalid="ignore"):
        if dtype.kind == "f" and (task.astype(dtype).astype(task.dtype) != task).any():
            dtype = np.dtype(object)
    return np.insert(X.astype(dtype, copy=False), 0, task, axis=1)


def as_table(X):
    """A frame or a sparse matrix as it is, anything else as an array that loses nothing.

    A masked entry becomes NaN. A list that NumPy would turn into strings or into floats that cannot
    hold its integers becomes an array of objects.
    """
    if isinstance(X, SharedTable):
        return _long(X)
    if is_frame(X) or sparse.issparse(X):
        return X
    if isinstance(X, np.ma.MaskedArray):
        masked = np.ma.getmaskarray(X)
        if not masked.any():
            return X.data
        return X.astype(float if X.dtype.kind == "f" else object).filled(np.nan)
    try:
        array = np.asarray(X)
    except ValueError as error:
        lengths = sorted({np.size(row) for row in X})
        raise ValueError(f"rows of X have different lengths, {some(lengths)}: {error}") from error
    if not hasattr(X, "dtype") and (
        array.dtype.kind in "US" or (array.dtype.kind == "f" and (np.abs(array) > 2**53).any())
    ):
        return np.asarray(X, dtype=object)
    return array


def as_vector(values):
    """A list, a Series or an array as an array that loses nothing.

    Where a value is missing, NumPy would make floats of integers and "nan" of a NaN among strings:
    such come as an array of objects.
    """
    if isinstance(values, np.ndarray):
        return as_table(values)
    kind = str(getattr(values, "dtype", getattr(values, "type", ""))).lower()
    if not hasattr(values, "__array__"):
        return np.asarray(values, dtype=object)
    if "float" in kind or "double" in kind or not missing(values).any():
        return np.asarray(values)
    if hasattr(values, "isna"):
        return np.asarray(values.astype(object))
    values = values.to_pylist() if hasattr(values, "to_pylist") else values.to_list()
    return np.array(values, dtype=object)


def column_names(X):
    """Names of the columns of a frame, as a list."""
    return list(X.columns) if hasattr(X, "iloc") else list(nw.from_native(X).columns)


def dtypes(X):
    """The dtype of each column as lower-case text; an array has the same for all."""
    if hasattr(X, "iloc"):
        kinds = list(X.dtypes)
    elif is_frame(X):
        kinds = list(nw.from_native(X).schema.values())
    else:  # a name is slow to make, and counts of words have many columns
        return [str(X.dtype).lower()] * X.shape[1]
    return [str(kind).lower() for kind in kinds]


def take(X, rows):
    """Rows of a list, an array, a Series, a frame or a CSR matrix, by position or boolean mask."""
    if type(X) in (np.ndarray, SharedTable):
        return X[rows]
    if hasattr(X, "iloc"):
        return X.iloc[rows]
    if sparse.issparse(X):
        return X.tocsr()[rows]
    table = _narwhal(X)
    if table is None:
        return as_table(X)[rows]
    rows = np.asarray(rows)
    return table[np.flatnonzero(rows) if rows.dtype == bool else rows].to_native()


def select(X, columns):
    """Columns of a frame, an array or a sparse matrix by position; the kind stays."""
    if hasattr(X, "iloc"):
        return X.iloc[:, columns]
    if is_frame(X):
        return nw.from_native(X)[:, [int(j) for j in columns]].to_native()
    return X[:, columns]


def column(X, j):
    """Column number `j` as an array, or as a Series of the frame's kind."""
    if hasattr(X, "iloc"):
        return X.iloc[:, j]
    if sparse.issparse(X):
        return X[:, [j]].toarray().ravel()
    return nw.from_native(X)[:, j].to_native() if is_frame(X) else X[:, j]


def missing(X):
    """Boolean array, True where an entry of `X` is NaN, None, NaT, pandas.NA, null or masked."""
    if hasattr(X, "isna"):
        return np.asarray(X.isna())
    table = None if isinstance(X, np.ndarray) else _narwhal(X)
    if isinstance(table, nw.DataFrame):
        return np.column_stack([missing(column(X, j)) for j in range(table.shape[1])])
    if table is not None:
        empty = table.is_null()
        return (empty | table.is_nan() if table.dtype.is_float() else empty).to_numpy().astype(bool)
    if isinstance(X, np.ma.MaskedArray):
        return np.ma.getmaskarray(X) | missing(X.data)
    # NumPy would make the NaN of a list of strings the string "nan"
    X = X if hasattr(X, "dtype") else np.asarray(X, dtype=object)
    if X.dtype.kind == "O":
        with np.errstate(invalid="ignore"):  # a comparison with NaN, on some builds of Python
            return np.frompyfunc(_no_value, 1, 1)(X).astype(bool)
    if X.dtype.kind in "mM":
        return np.isnat(X)
    return np.isnan(X) if X.dtype.kind in "fc" else np.zeros(X.shape, dtype=bool)


def _no_value(value):
    # pandas.NA != pandas.NA is neither True nor False, so it is told by its type.
    return value is None or type(value).__name__ == "NAType" or value != value


def empty_columns(X):
    """Boolean array (d,), True for columns of a table that are missing in every row."""
    if sparse.issparse(X):
        holes = X.copy()
        holes.data = np.isnan(X.data)
        return np.asarray(holes.sum(axis=0)).ravel() == X.shape[0]
    return missing(X).all(axis=0)


def repeated_names(X):
    """Column names that occur more than once, as strings."""
    return sorted(str(name) for name, times in Counter(column_names(X)).items() if times > 1)


def groups(codes, n_groups):
    """Row numbers of each group 0 … n_groups - 1, in one pass; `codes` holds no other value."""
    if not n_groups:
        return []
    # NumPy sorts short integers by radix, which takes linear time.
    order = np.argsort(codes.astype(np.min_scalar_type(n_groups)), kind="stable")
    return np.split(order, np.cumsum(np.bincount(codes, minlength=n_groups))[:-1])


def blocks(codes, n_groups):
    """The same as slices, which copy nothing, if the rows stand in the order of the groups."""
    if (codes[1:] < codes[:-1]).any():
        return groups(codes, n_groups)
    bounds = np.searchsorted(codes, np.arange(n_groups + 1)).tolist()
    return [slice(*pair) for pair in pairwise(bounds)]


def some(values, most=8):
    """Up to `most` values for a message."""
    values = [v.item() if isinstance(v, np.generic) else v for v in values]
    shown = ", ".join(repr(value) for value in values[:most])
    return f"[{shown}{', …' if len(values) > most else ''}]"


def check_known(value, known, what):
    """Raise a ValueError unless `value` is one of `known`."""
    if value not in known:
        raise ValueError(f"{what} {value!r} is unknown: choose one of {some(known)}")
