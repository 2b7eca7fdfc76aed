"""Frames and arrays alike: rows, missing entries, groups of rows, values for messages."""

from itertools import pairwise

import numpy as np


def is_frame(X):
    """True for a pandas DataFrame, told by its interface so that pandas stays optional."""
    if hasattr(X, "columns") and not hasattr(X, "iloc"):
        raise ValueError(
            f"a {type(X).__module__}.{type(X).__name__} is not supported, and as an array it would "
            "lose its column names: pass a pandas DataFrame, for example X.to_pandas()"
        )
    return hasattr(X, "columns")


def take(X, rows):
    """Rows of a list, an array, a Series or a DataFrame, by position or boolean mask."""
    return X.iloc[rows] if hasattr(X, "iloc") else np.asarray(X)[rows]


def missing(X):
    """Boolean array, True where an entry of `X` is NaN, None, NaT or pandas.NA."""
    if hasattr(X, "isna"):
        return X.isna().to_numpy()
    # NumPy would make the NaN of a list of strings the string "nan"
    X = X if hasattr(X, "dtype") else np.asarray(X, dtype=object)
    if X.dtype.kind == "O":
        return np.frompyfunc(_no_value, 1, 1)(X).astype(bool)
    return np.isnan(X) if X.dtype.kind in "fc" else np.zeros(X.shape, dtype=bool)


def _no_value(value):
    # pandas.NA != pandas.NA is neither True nor False, so it is told by its type.
    return value is None or type(value).__name__ == "NAType" or value != value


def repeated_names(X):
    return sorted({str(name) for name in X.columns[X.columns.duplicated()]})


def groups(codes, n_groups):
    """Row numbers of each group 0 … n_groups - 1, in one pass; `codes` holds no other value."""
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
    values = list(values)
    shown = ", ".join(repr(value) for value in values[:most])
    return f"[{shown}{', …' if len(values) > most else ''}]"
