"""Reading a table: which column is the task, what is missing, which tasks are known."""

import difflib
from numbers import Real

import numpy as np
from scipy import sparse

from .._utils._containers import is_frame, missing, repeated_names, some


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
        A view of an array whose task column is the first or the last one: no copy.
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
    task = _plain_tasks(X[:, column].copy(), task_col)
    if column == 0:
        return X[:, 1:], task
    if column == X.shape[1] - 1:
        return X[:, :column], task
    return np.delete(X, column, axis=1), task


def task_position(X, task_col):
    """Position of the task column, counted from the left."""
    return _frame_position(X, task_col) if is_frame(X) else array_position(X.shape[1], task_col)


def _frame_position(X, task_col):
    twice = repeated_names(X)
    if twice:
        raise ValueError(f"column names must be unique, but {twice} occur more than once: rename")
    names = list(X.columns)
    if isinstance(task_col, bool) or task_col not in names:
        hint = f"the columns are {some(names)}"
        if _is_position(task_col) and -len(names) <= task_col < len(names):
            hint = f"X is a DataFrame: use the name, here {names[task_col]!r}"
        elif isinstance(task_col, str):
            near = difflib.get_close_matches(task_col, [str(name) for name in names], n=1)
            hint = f"did you mean {near[0]!r}?" if near else hint
        raise ValueError(f"task_col={task_col!r} is not a column of X; {hint}")
    return names.index(task_col)


def _is_position(task_col):
    return isinstance(task_col, (int, np.integer)) and not isinstance(task_col, bool)


def array_position(width, task_col):
    if isinstance(task_col, str):
        raise ValueError(
            f"task_col={task_col!r} is a name, but X is an array without column names. Pass a "
            "pandas DataFrame, or the position of the task column as an integer. In a Pipeline, "
            "wrap earlier steps in shared(...) or per_task(...), which keep the names."
        )
    if not _is_position(task_col):
        raise ValueError(
            f"task_col={task_col!r} must be the position of the task column in the array: "
            f"an integer from 0 to {width - 1}"
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
