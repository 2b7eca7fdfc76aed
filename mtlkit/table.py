"""The data convention: one long table, one row per observation, the task is a column.

What belongs here: reading the task column, stacking tables into one and taking them apart again.
Transformers on the table live in ``preprocessing.py``, splitters in ``splits.py``.
"""

import difflib
from numbers import Real

import numpy as np
from scipy import sparse

__all__ = ["read_table", "split_tasks", "stack_tasks"]


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
    if X.dtype.kind == "O":
        return np.frompyfunc(_no_value, 1, 1)(X).astype(bool)
    return np.isnan(X) if X.dtype.kind in "fc" else np.zeros(X.shape, dtype=bool)


def _no_value(value):
    # pandas.NA != pandas.NA is neither True nor False, so it is told by its type.
    return value is None or type(value).__name__ == "NAType" or value != value


def read_table(X, task_col):
    """Separate the features of a table from the task of each row.

    Parameters
    ----------
    X : DataFrame or array of shape (n, p)
        The table.
    task_col : str, int or None
        Name of the task column of a DataFrame, its position in an array, or None: one task.

    Returns
    -------
    features : DataFrame or array of shape (n, p - 1), or `X` itself if `task_col` is None
    task : ndarray of shape (n,)
        The task of each row; zeros if `task_col` is None.

    Raises
    ------
    ValueError
        If the column is not there, a column name occurs twice, a row has no task, tasks are
        neither numbers nor strings, or `X` is sparse, empty or not two-dimensional.
    """
    if sparse.issparse(X):
        raise ValueError(
            f"Sparse data was passed (a {X.format} matrix), but a table must be dense: "
            "use X.toarray() or a DataFrame"
        )
    X = X if is_frame(X) else np.asarray(X)
    if X.ndim != 2:
        raise ValueError(
            f"Expected 2D array, got {X.ndim}D array instead. Reshape your data to (rows, columns)"
        )
    if len(X) == 0:
        raise ValueError(
            f"Found array with 0 sample(s) (shape={X.shape}) while a minimum of 1 is required"
        )
    if task_col is None:
        return X, np.zeros(len(X), dtype=int)
    column = task_position(X, task_col)
    if is_frame(X):
        return X.drop(columns=X.columns[column]), _plain_tasks(X.iloc[:, column], task_col)
    return np.delete(X, column, axis=1), _plain_tasks(X[:, column], task_col)


def task_position(X, task_col):
    """Position of the task column, counted from the left."""
    return _frame_position(X, task_col) if is_frame(X) else _array_position(X.shape[1], task_col)


def _frame_position(X, task_col):
    twice = _twice(X)
    if twice:
        raise ValueError(f"column names must be unique, but {twice} occur more than once: rename")
    names = list(X.columns)
    if task_col not in names:
        near = difflib.get_close_matches(str(task_col), [str(name) for name in names], n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"the columns are {some(names)}"
        raise ValueError(f"task_col={task_col!r} is not a column of X; {hint}")
    return names.index(task_col)


def _twice(X):
    return sorted({str(name) for name in X.columns[X.columns.duplicated()]})


def _array_position(width, task_col):
    if isinstance(task_col, bool) or not isinstance(task_col, (int, np.integer)):
        raise ValueError(
            f"task_col={task_col!r} is a name, but X is an array without column names. Pass a "
            "pandas DataFrame, or the position of the task column as an integer. In a Pipeline, "
            "wrap earlier steps in shared(...) or per_task(...), which keep the names."
        )
    if not -width <= task_col < width:
        raise ValueError(
            f"task_col={task_col} is out of range: X has {width} columns, "
            f"so positions run from 0 to {width - 1}"
        )
    return task_col % width


def _plain_tasks(task, task_col):
    """Task names as a sortable array of numbers or of strings."""
    rows = np.flatnonzero(missing(task))
    if rows.size:
        raise ValueError(
            f"{rows.size} rows have no task: column {task_col!r} is missing in row {rows[0]}. "
            "Fill it in or drop these rows"
        )
    task = np.asarray(task)
    kinds = [task.dtype.name]
    if task.dtype.kind == "O":
        kinds = sorted({type(value).__name__ for value in task})
        if all(isinstance(value, str) for value in task):
            return task.astype(str)
        if all(isinstance(value, (Real, np.bool_)) for value in task):
            task = np.array(task.tolist())
    if task.dtype.kind not in "biufU":
        raise ValueError(
            f"tasks must be all numbers or all strings, but column {task_col!r} holds {kinds}: "
            "convert it, for example with astype(str)"
        )
    return task


def task_codes(task, tasks, *, unseen):
    """Position of each row's task in the sorted array `tasks`, and -1 for unseen tasks.

    `unseen` is None where unseen tasks are welcome; otherwise it says, for the error, what the
    caller lacks for them. Strings where numbers were seen, or numbers where strings were, are a
    slip and not unseen tasks: always an error.
    """
    if (task.dtype.kind == "U") != (tasks.dtype.kind == "U"):
        raise ValueError(
            f"tasks {some(np.unique(task).tolist())} were not seen in fit (seen: "
            f"{some(tasks.tolist())}), and strings are not numbers: convert the task column"
        )
    position = np.searchsorted(tasks, task).clip(max=len(tasks) - 1)
    codes = np.where(tasks[position] == task, position, -1)
    if unseen is not None and (codes < 0).any():
        new = np.unique(task[codes < 0]).tolist()
        raise ValueError(
            f"tasks {some(new)} were not seen in fit (seen: {some(tasks.tolist())}), and {unseen}"
        )
    return codes


def some(values, most=8):
    """Up to `most` values for a message."""
    values = list(values)
    shown = ", ".join(repr(value) for value in values[:most])
    return f"[{shown}{', …' if len(values) > most else ''}]"


def stack_tasks(tasks, *, task_col=None, labels=None):
    """Stack one table per task into one long table with a task column.

    The columns of the result are the union of all columns. Where a task has no such column its
    rows hold NaN: nothing is filled in.

    Parameters
    ----------
    tasks : dict
        ``{name: (X, y)}``. Either every `X` is a DataFrame, matched by column name, or every `X`
        is an array of the same width, matched by position; then the names must be numbers.
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
    y : Series or ndarray of shape (sum of rows,)

    Raises
    ------
    ValueError
        If tables cannot be matched, a table has no rows or is sparse, class labels collide and
        `labels` is None, or targets are of different kinds.

    See Also
    --------
    split_tasks : The inverse.

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
    if labels not in (None, "shared", "separate"):
        raise ValueError(f"labels={labels!r} is unknown: use None, 'shared' or 'separate'")
    tables = {name: _checked_table(name, X, y) for name, (X, y) in tasks.items()}
    targets = _stack_labels({name: np.asarray(y) for name, (_, y) in tasks.items()}, labels)
    frames = [is_frame(X) for X in tables.values()]
    if all(frames):
        return _stack_frames(tables, targets, "task" if task_col is None else task_col)
    if any(frames):
        arrays = [name for name, X in tables.items() if not is_frame(X)]
        raise ValueError(
            f"tasks {some(arrays)} are arrays and the others DataFrames: their columns cannot be "
            "matched. Make all of them DataFrames"
        )
    return _stack_arrays(tables, targets, 0 if task_col is None else task_col)


def _checked_table(name, X, y):
    try:
        X, _ = read_table(X, None)
    except ValueError as error:
        raise ValueError(f"task {name!r}: {error}") from error
    if np.shape(y) != (len(X),):
        raise ValueError(
            f"task {name!r}: X has {len(X)} rows but y has shape {np.shape(y)}: pass one target "
            "per row"
        )
    return X


def _stack_frames(tables, targets, task_col):
    import pandas as pd

    parts = []
    for name, X in tables.items():
        twice = _twice(X)
        if twice:
            raise ValueError(f"task {name!r}: column names {twice} occur more than once: rename")
        if task_col in X.columns:
            raise ValueError(
                f"task {name!r} already has a column {task_col!r}: rename it, or choose another "
                "task_col"
            )
        part = X.copy(deep=False)
        part.insert(0, task_col, [name] * len(X))
        parts.append(part)
    X = pd.concat(parts)
    return X, pd.Series(targets, index=X.index, name="target")


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
    position = _array_position(X.shape[1] + 1, task_col)
    return np.insert(X.astype(np.result_type(X, task), copy=False), position, task, axis=1), targets


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
        return np.array([_prefix(t) + str(label) for t, y in targets.items() for label in y])
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
                    "labels='separate'. If y is a quantity to predict, convert it to float"
                )
            owner[label] = name
    return np.concatenate(list(targets.values()))


def _prefix(name):
    """What goes before a label; task 0 is 0.0 once it is part of a float array, so both are 0."""
    whole = isinstance(name, (float, np.floating)) and name.is_integer()
    return f"{int(name) if whole else name}: "


def split_tasks(X, y=None, *, task_col):
    """Take a stacked table apart: the inverse of `stack_tasks`.

    Columns without any value in a task are dropped from that task, and labels made by
    ``labels="separate"`` get their old names back (numerals become integers).

    Parameters
    ----------
    X : DataFrame or array of shape (n, p)
    y : array-like of shape (n,), default=None
    task_col : str or int
        The task column, as in every estimator.

    Returns
    -------
    tasks : dict
        ``{name: (X, y)}`` in order of first appearance; `y` is None where none was given.
    """
    features, task = read_table(X, task_col)
    if y is not None and len(y) != len(task):
        raise ValueError(f"X has {len(task)} rows but y has {len(y)} values: align them")
    names, first = np.unique(task, return_index=True)
    result = {}
    for name in names[np.argsort(first)]:
        rows = np.flatnonzero(task == name)
        part = take(features, rows)
        own = ~missing(part).all(axis=0)
        part = part.loc[:, own].infer_objects() if is_frame(part) else part[:, own]
        result[name.item()] = part, None if y is None else _old_labels(take(y, rows), name)
    return result


def _old_labels(y, name):
    prefix = _prefix(name)
    labels = np.asarray(y).tolist()
    if not all(isinstance(label, str) and label.startswith(prefix) for label in labels):
        return y
    old = [label.removeprefix(prefix) for label in labels]
    if all(label.removeprefix("-").isdecimal() for label in old):
        old = [int(label) for label in old]
    return type(y)(old, index=y.index, name=y.name) if hasattr(y, "index") else np.array(old)
