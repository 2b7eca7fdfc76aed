"""Stacking one table per task into one long table, and taking it apart again."""

from numbers import Real

import narwhals as nw
import numpy as np
from sklearn.utils import check_consistent_length

from .._utils._containers import (
    column_names,
    empty_columns,
    groups,
    is_frame,
    missing,
    repeated_names,
    select,
    some,
    take,
)
from .._utils._delegation import naming
from .._utils._validation import as_target, check_choice, read_labels
from ._reading import array_position, read_table, unique_tasks


def stack_tasks(tasks, *, task_col=None, labels=None):
    """Stack one table per task into one long table with a task column.

    The columns of the result are the union of all columns. Where a task has no such column its
    rows are missing there: nothing is filled in.

    Parameters
    ----------
    tasks : dict
        ``{name: (X, y)}``. Either every `X` is a DataFrame of one library (pandas, polars or
        pyarrow), matched by column name, or every `X` is an array of the same width, matched by
        position; then the names must be numbers. Otherwise names are of any one kind.
    task_col : str or int, default=None
        Name of the new column of a DataFrame (default ``"task"``, put first), or its position in
        an array (default 0).
    labels : {None, "shared", "separate"}, default=None
        What equal class labels of two tasks mean. A target is made of class labels unless its
        dtype is float. None: there are none, else it is an error. "shared": they mean the same.
        "separate": they do not, and become strings ``"task: label"``.

    Returns
    -------
    X : DataFrame or ndarray of shape (sum of rows, union of columns + 1)
        The long table, a DataFrame of the same library as the tables.
    y : Series or ndarray of shape (sum of rows,)
        The target of each row.

    Raises
    ------
    ValueError
        If tables cannot be matched, a table has no rows or is sparse, class labels collide and
        `labels` is None, a class label is missing, targets are of different kinds, or task names
        are missing or of different kinds.

    See Also
    --------
    split_tasks : The inverse.
    stack_targets : From one table with a column of targets for each task.
    read_table : Separates the features of a long table from its tasks.

    Notes
    -----
    No value changes. Categories that differ by task become their union. Where a task has no such
    column, booleans become nullable, and so do integers beyond 2**53; smaller integers become
    floats in pandas.

    The cost is that of a copy. Taught in :doc:`/chapters/code/two_tables`.

    Examples
    --------
    >>> import numpy as np
    >>> flowers = np.array([[5.1, 1.4], [6.2, 4.5]])
    >>> leaves = np.array([[4.9, 1.2]])
    >>> X, y = stack_tasks({0: (flowers, [2.0, 3.0]), 1: (leaves, [1.0])})
    >>> X
    array([[0. , 5.1, 1.4],
           [0. , 6.2, 4.5],
           [1. , 4.9, 1.2]])
    """
    if not isinstance(tasks, dict) or not tasks:
        raise ValueError(
            f"tasks must be a dict {{name: (X, y), …}} with at least one task, got {tasks!r:.60}"
        )
    if labels is not None:
        check_choice(labels, "labels", [None, "shared", "separate"])
    check_names(tasks)
    pairs = {name: _checked_pair(name, pair) for name, pair in tasks.items()}
    tables = {name: X for name, (X, _) in pairs.items()}
    targets = _stack_labels({name: y for name, (_, y) in pairs.items()}, labels)
    libraries = {
        name: nw.get_native_namespace(X).__name__ if is_frame(X) else "array"
        for name, X in tables.items()
    }
    if len(set(libraries.values())) > 1:
        raise ValueError(
            f"the tables are of different kinds, {libraries}, so their columns cannot be matched: "
            "make all of them DataFrames of one library"
        )
    if "array" in libraries.values():
        return _stack_arrays(tables, targets, 0 if task_col is None else task_col)
    task_col = "task" if task_col is None else task_col
    for name, X in tables.items():
        twice = repeated_names(X)
        if twice:
            raise ValueError(f"task {name!r}: column names {twice} occur more than once: rename")
        if task_col in column_names(X):
            raise ValueError(
                f"task {name!r} already has a column {task_col!r}: rename it, or choose another "
                "task_col"
            )
    stack = _stack_pandas if "pandas" in libraries.values() else _stack_frames
    return stack(tables, targets, task_col)


def check_names(tasks):
    """Names of tasks are of one kind."""
    words = [isinstance(name, str) for name in tasks]
    if missing(list(tasks)).any() or (any(words) and not all(words)):
        raise ValueError(
            f"task names must be all strings or all of another kind, and none missing, got "
            f"{some(tasks)}: convert them, for example with str(name)"
        )


def _checked_pair(name, pair):
    if not isinstance(pair, (tuple, list)) or len(pair) != 2:
        raise ValueError(
            f"task {name!r}: expected a pair (X, y), got {type(pair).__name__}: pass the table "
            "together with its targets"
        )
    with naming(f"task {name!r}"):
        X, _ = read_table(pair[0], None)
        y = as_target(pair[1])
    if y.shape != (X.shape[0],):
        raise ValueError(
            f"task {name!r}: X has {X.shape[0]} rows but y has shape {y.shape}: pass one target "
            "per row"
        )
    holes = np.flatnonzero(missing(y))
    if y.dtype.kind == "O":
        numbers = all(isinstance(v, Real) and not isinstance(v, bool) for v in y.tolist())
        if numbers and any(isinstance(v, (float, np.floating)) for v in y.tolist()):
            y = y.astype(float)
    if holes.size and y.dtype.kind != "f":
        raise ValueError(
            f"task {name!r}: the class label of row {holes[0]} is missing ({holes.size} in all): "
            "drop these rows, or give them a label. If y is a continuous target, convert it to "
            "float"
        )
    with naming(f"task {name!r}"):
        return X, y if y.dtype.kind == "f" else read_labels(y)[0]


def _stack_pandas(tables, targets, task_col):
    import pandas as pd

    names = dict.fromkeys(name for X in tables.values() for name in X.columns)
    kinds = {name: _pandas_dtype(name, tables.values()) for name in names}
    parts = []
    for task, X in tables.items():
        part = X.astype({name: kind for name, kind in kinds.items() if kind and name in X.columns})
        part.insert(0, task_col, pd.Series([task] * len(X), index=X.index))
        parts.append(part)
    X = pd.concat(parts)
    X = X.astype({name: kind for name, kind in kinds.items() if kind})
    return X, pd.Series(targets, index=X.index, name="target")


def _pandas_dtype(name, tables):
    """What the column must be made so that stacking changes no value; None: as it is."""
    import pandas as pd

    own = [X[name] for X in tables if name in X.columns]
    if all(isinstance(values.dtype, pd.CategoricalDtype) for values in own):
        if all(values.dtype == own[0].dtype for values in own):
            return own[0].dtype
        union = dict.fromkeys(word for values in own for word in values.cat.categories)
        return pd.CategoricalDtype(list(union))
    if len(own) < len(tables):
        if all(values.dtype == bool for values in own):
            return "boolean"
        integers = all(getattr(values.dtype, "kind", "O") in "iu" for values in own)
        if integers and any((values.abs() > 2**53).any() for values in own):
            return "UInt64" if any(values.dtype == "uint64" for values in own) else "Int64"
    return None


def _stack_frames(tables, targets, task_col):
    """The same for polars and pyarrow, where a missing value is null and changes no dtype."""
    tables = {task: nw.from_native(X) for task, X in tables.items()}
    seen, casts = {}, {}
    for task, X in tables.items():
        for name, kind in X.schema.items():
            first, other = seen.setdefault(name, (task, kind))
            if kind == other:
                continue
            if kind.is_numeric() and other.is_numeric():
                casts[name] = nw.Float64
            elif {kind, other} <= {nw.String, nw.Categorical, nw.Enum}:
                casts[name] = nw.String
            else:
                raise ValueError(
                    f"column {name!r} is {other} in task {first!r} and {kind} in task {task!r}: "
                    "convert one of them"
                )
    parts = []
    for task, X in tables.items():
        same = [nw.col(name).cast(kind) for name, kind in casts.items() if name in X.columns]
        column = nw.new_series(task_col, [task] * len(X), backend=X.implementation)
        parts.append(X.with_columns(*same, column).select([task_col, *X.columns]))
    y = nw.new_series("target", targets, backend=parts[0].implementation)
    return nw.concat(parts, how="diagonal").to_native(), y.to_native()


def _stack_arrays(tables, targets, task_col):
    widths = {name: X.shape[1] for name, X in tables.items()}
    if len(set(widths.values())) > 1:
        raise ValueError(
            f"arrays have no column names, so tasks of different width cannot be matched "
            f"(columns: {widths}). Pass DataFrames: the union of their columns is kept"
        )
    if not all(isinstance(name, Real) for name in tables):
        raise ValueError(
            f"a numeric array cannot hold the task names {some(tables)}: "
            "name the tasks by numbers, or pass DataFrames"
        )
    task = np.repeat(list(tables), [len(X) for X in tables.values()])
    X = np.concatenate(list(tables.values()))
    position = array_position(X.shape[1] + 1, task_col)
    dtype = np.result_type(X, task)
    if dtype.kind == "f" and np.array(list(tables)).astype(dtype).tolist() != list(tables):
        raise ValueError(
            f"an array of {dtype} cannot tell the task names {some(tables)} apart: "
            "use smaller numbers, or pass DataFrames"
        )
    return np.insert(X.astype(dtype, copy=False), position, task, axis=1), targets


def _stack_labels(targets, labels):
    real = [name for name, y in targets.items() if y.dtype.kind == "f"]
    if real and len(real) < len(targets):
        others = [name for name in targets if name not in real]
        raise ValueError(
            f"tasks {some(real)} have float targets (regression) and tasks {some(others)} class "
            "labels: stack them separately, or convert the targets to one kind"
        )
    if labels == "separate":
        if real:
            raise ValueError(
                "labels='separate' renames class labels, but the targets are floats (regression): "
                "leave it out, or convert class labels to int or str"
            )
        return _separate_labels(targets)
    words = [name for name, y in targets.items() if y.dtype.kind in "OU"]
    if words and len(words) < len(targets):
        others = [name for name in targets if name not in words]
        raise ValueError(
            f"class labels of tasks {some(words)} are strings or objects, and those of tasks "
            f"{some(others)} numbers: pass labels='separate', or convert them to one kind"
        )
    if real or labels == "shared":
        return np.concatenate(list(targets.values()))
    owner = {}
    for name, y in targets.items():
        for label in np.unique(y).tolist():
            if label in owner:
                raise ValueError(
                    f"class label {label!r} occurs in task {owner[label]!r} and in task {name!r}. "
                    "If it means the same in both, pass labels='shared'; if not, "
                    "labels='separate'. If y is a continuous target, convert it to float"
                )
            owner[label] = name
    return np.concatenate(list(targets.values()))


def _separate_labels(targets):
    pairs, texts = {}, []
    for name, y in targets.items():
        for label in y.tolist():
            text = f"{_prefix(name)}{label}"
            other = pairs.setdefault(text, (name, label))
            if other != (name, label):
                raise ValueError(
                    f"label {label!r} of task {name!r} and label {other[1]!r} of task "
                    f"{other[0]!r} would both become {text!r}: rename one of them"
                )
            texts.append(text)
    return np.array(texts)


def _prefix(name):
    """What goes before a label; task 0 is 0.0 once it is part of a float array, so both are 0."""
    whole = isinstance(name, (float, np.floating)) and name.is_integer()
    return f"{int(name) if whole else name}: "


def split_tasks(X, y=None, *, task_col):
    """Take a stacked table apart: the inverse of `stack_tasks`.

    Columns without any value in a task are dropped from that task. Labels stay as they are, also
    those that ``labels="separate"`` made.

    Parameters
    ----------
    X : DataFrame, array or sparse matrix of shape (n, p)
        Table with the task column.
    y : array-like of shape (n,), default=None
        The target of each row.
    task_col : str or int
        The task column, as in every estimator.

    Returns
    -------
    tasks : dict
        ``{name: (X, y)}`` in order of first appearance, in the kinds of `X` and `y`; `y` is None
        where none was given.

    Raises
    ------
    ValueError
        If `y` has another length than `X`, and what `read_table` raises.

    See Also
    --------
    stack_tasks : The inverse.

    Notes
    -----
    The cost is that of a copy. Taught in :doc:`/chapters/code/two_tables`.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[0, 5.1, 1.4], [0, 6.2, 4.5], [1, 4.9, np.nan]])
    >>> split_tasks(X, task_col=0)[1.0]
    (array([[4.9]]), None)
    """
    features, task = read_table(X, task_col, accept_sparse=True)
    check_consistent_length(y)  # a number has no length
    if y is not None and len(y) != len(task):
        raise ValueError(f"X has {len(task)} rows but y has {len(y)} values: align them")
    tasks, codes = unique_tasks(task)
    names, rows_of = tasks.tolist(), groups(codes, len(tasks))
    result = {}
    for k in dict.fromkeys(codes.tolist()):
        part = take(features, rows_of[k])
        part = select(part, np.flatnonzero(~empty_columns(part)))
        part = part.infer_objects() if hasattr(part, "infer_objects") else part
        result[names[k]] = part, None if y is None else take(y, rows_of[k])
    return result
