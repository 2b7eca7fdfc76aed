"""Reading a table: which column is the task, what is missing, which tasks are known."""

import difflib
from collections.abc import Hashable
from numbers import Real

import numpy as np
from scipy import sparse

from .._utils._containers import (
    SharedTable,
    as_table,
    as_vector,
    column,
    column_names,
    is_frame,
    missing,
    repeated_names,
    select,
    some,
)


def read_table(X, task_col, *, accept_sparse=False):
    """Separate the features of a table from the task of each row.

    Parameters
    ----------
    X : DataFrame, array or sparse matrix of shape (n, p)
        The table: a DataFrame of pandas, polars or pyarrow, rows of an array, or a sparse matrix
        of SciPy. A masked entry of a masked array is missing.
    task_col : str, int or None
        Name of the task column of a DataFrame, its position in an array or a sparse matrix, or
        None: one task.
    accept_sparse : bool, default=False
        Whether a sparse matrix may pass.

    Returns
    -------
    features : DataFrame, array or CSR matrix of shape (n, p - 1)
        In the kind of `X`, and all of `X` if `task_col` is None. A view of an array whose task
        column is the first or the last one: no copy.
    task : ndarray of shape (n,)
        The task of each row; zeros if `task_col` is None. Numbers and strings in their own dtype;
        an array of objects for any other hashable values, and where only that keeps all apart
        (integers beyond 64 bits, strings that end with a NUL character).

    Raises
    ------
    ValueError
        If the column is not there, a column name occurs twice, a row has no task, tasks are not
        hashable, or `X` is sparse, empty or not two-dimensional.

    See Also
    --------
    split_tasks : One table per task.
    stack_tasks : One table with a task column from one table per task.

    Notes
    -----
    Two rows have the same task if Python finds their values equal: 1, 1.0 and True are one task,
    and so are 0.0 and -0.0; 1 and "1" are two. Taught in :doc:`/chapters/code/your_own_tables`.

    Examples
    --------
    >>> import numpy as np
    >>> features, task = read_table(np.array([[0, 5.1], [1, 6.2]]), task_col=0)
    >>> features
    array([[5.1],
           [6.2]])
    >>> task
    array([0., 1.])
    """
    X = as_table(X)
    if sparse.issparse(X):
        if not accept_sparse:
            raise ValueError(
                f"Sparse data was passed (a {X.format} matrix), but a table must be dense here: "
                "use X.toarray() or a DataFrame"
            )
        X = X.tocsr()
    check_shape(X)
    n, width = X.shape
    if n == 0:
        raise ValueError(
            f"Found array with 0 sample(s) (shape={X.shape}) while a minimum of 1 is required"
        )
    if task_col is None:
        return X, np.zeros(n, dtype=int)
    position = task_position(X, task_col)
    task = column(X, position)
    task = plain_tasks(task.copy() if isinstance(task, np.ndarray) else task, task_col)
    if isinstance(X, np.ndarray) and position in (0, width - 1):
        return X[:, 1:] if position == 0 else X[:, :position], task
    return select(X, [j for j in range(width) if j != position]), task


def check_shape(X):
    """A table has rows and columns."""
    if isinstance(X, np.ndarray) and X.ndim != 2:
        raise ValueError(
            f"Expected 2D array, got {X.ndim}D array instead. Reshape your data to (rows, columns)"
        )


def task_position(X, task_col):
    """Position of the task column, counted from the left; `X` as `as_table` gives it."""
    return _frame_position(X, task_col) if is_frame(X) else array_position(X.shape[1], task_col)


def _frame_position(X, task_col):
    twice = repeated_names(X)
    if twice:
        raise ValueError(f"column names must be unique, but {twice} occur more than once: rename")
    names = column_names(X)
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


def plain_tasks(task, task_col):
    """Task names as an array of numbers, of strings, or of any other hashable objects."""
    rows = np.flatnonzero(missing(task))
    if rows.size:
        raise ValueError(
            f"{rows.size} rows have no task: column {task_col!r} is missing in row {rows[0]}. "
            "Fill it in or drop these rows"
        )
    task = as_vector(task)
    if task.dtype.kind == "f" and np.isinf(task).any():
        raise ValueError(f"column {task_col!r} holds an infinite number as task: give it a name")
    if task.dtype.kind in "biufU":
        return task
    if task.dtype.kind in "mM":  # of no finer unit than Python's own, to which they turn
        exact = task.astype(f"{task.dtype.kind}8[us]")
        if (exact != task).any():
            raise ValueError(
                f"column {task_col!r} holds times finer than a microsecond as tasks: convert it, "
                "for example with astype(str)"
            )
        task = exact if np.datetime_data(task.dtype)[0] == "ns" else task
    values = task.astype(object).tolist()
    try:
        kinds = {type(value) for value in values}
        for value in values:
            hash(value)
    except TypeError:
        raise ValueError(
            f"tasks must be hashable, but column {task_col!r} holds {type(value).__name__} values "
            f"such as {value!r}: convert it, for example with astype(str)"
        ) from None
    if all(issubclass(kind, str) for kind in kinds):
        array = np.array(values)
        return array if array.tolist() == values else as_objects(values)
    if all(issubclass(kind, (Real, np.bool_)) for kind in kinds):
        array = np.array(values)
        if array.dtype.kind in "biuf" and array.tolist() == values:
            return array
    return as_objects(values)


def as_objects(values):
    """An array (n,) of objects, tuples among them."""
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def unique_tasks(task):
    """The tasks of a table, sorted, and the position of each row's task among them.

    Values that have no order, such as strings beside numbers, are sorted by type and text.
    """
    if task.dtype.kind != "O":
        tasks, codes = np.unique(task, return_inverse=True)
        return tasks, codes
    values = list(dict.fromkeys(task.tolist()))
    try:
        values.sort()
    except TypeError:
        values.sort(key=lambda value: (type(value).__name__, repr(value)))
    place = {value: k for k, value in enumerate(values)}
    return as_objects(values), np.array([place[value] for value in task.tolist()])


def tasks_of(X, task):
    """The same of checked features X and `task`; a `SharedTable` X has them, but for tasks gone."""
    if not isinstance(X, SharedTable):
        return unique_tasks(task)
    there = np.bincount(X.codes, minlength=len(X.tasks)) > 0
    return X.tasks[there], (np.cumsum(there) - 1)[X.codes]


def task_codes(task, tasks, *, unseen, unlabelled=()):
    """Position of each row's task in the sorted array `tasks`, and -1 for unseen tasks.

    `unseen` is None where the caller predicts unseen tasks too; otherwise it says, for the error,
    what is missing for them. Strings where numbers were seen, or numbers where strings were, are
    always an error. `unlabelled` are tasks that `fit` saw without a single label.
    """
    kinds = {task.dtype.kind, tasks.dtype.kind}
    if "O" not in kinds and "U" in kinds and len(kinds) > 1:
        kind = {True: "strings", False: "numbers"}
        raise ValueError(
            f"tasks {some(np.unique(task).tolist())} were not seen in fit (seen: "
            f"{some(tasks.tolist())}): they are {kind[task.dtype.kind == 'U']} in X but were "
            f"{kind[tasks.dtype.kind == 'U']} in fit, so convert the task column"
        )
    if task.dtype == tasks.dtype and task.dtype.kind != "O":
        position = np.searchsorted(tasks, task).clip(max=len(tasks) - 1)
        codes = np.where(tasks[position] == task, position, -1)
    else:
        codes = _codes_by_value(task, tasks)
    if unseen is not None and (codes < 0).any():
        new = unique_tasks(task[codes < 0])[0].tolist()
        silent = [name for name in new if name in unlabelled]
        if silent:
            raise ValueError(
                f"tasks {some(silent)} were in the table in fit, but none of their rows had a "
                f"label (tasks with labels: {some(tasks.tolist())}), and {unseen}"
            )
        raise ValueError(
            f"tasks {some(new)} were not seen in fit (seen: {some(tasks.tolist())}), and {unseen}"
        )
    return codes


def _codes_by_value(task, tasks):
    """The same for dtypes that differ, by equality in Python, which never rounds an integer.

    Floats of two widths are compared in the narrower one.
    """
    new, codes = unique_tasks(task)
    values, seen = new.tolist(), tasks.tolist()
    if {task.dtype.kind, tasks.dtype.kind} == {"f"}:
        narrow = min(task.dtype, tasks.dtype, key=lambda dtype: dtype.itemsize)
        values, seen = new.astype(narrow).tolist(), tasks.astype(narrow).tolist()
        if len(set(seen)) < len(seen):
            raise ValueError(
                f"{narrow} numbers cannot tell the tasks {some(tasks.tolist())} apart: keep the "
                f"task column in {tasks.dtype}, as in fit"
            )
    elif task.dtype.kind == "f" and (np.abs(task) > 2**53).any():
        raise ValueError(
            f"the task column holds {task.dtype} numbers such as {max(values, key=abs)!r}, which "
            f"cannot tell integers of that size apart, but held {tasks.dtype} in fit: convert it"
        )
    place = {value: k for k, value in enumerate(seen)}
    return np.array([place.get(value, -1) for value in values])[codes]


def find_tasks(names, tasks):
    """Position in `tasks` of each task that a user names, and -1 for a name that is not there."""
    place = {value: k for k, value in enumerate(tasks.tolist())}
    names = [name.item() if isinstance(name, np.generic) else name for name in names]
    return [place.get(name, -1) if isinstance(name, Hashable) else -1 for name in names]
