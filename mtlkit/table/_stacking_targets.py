"""Wide targets: one table of features and a column of targets for each task."""

from numbers import Real

import numpy as np

from .._utils._containers import (
    SharedTable,
    as_vector,
    column,
    column_names,
    is_frame,
    missing,
    repeated_names,
    some,
)
from .._utils._delegation import naming
from ._reading import as_objects, plain_tasks, read_table, unique_tasks
from ._stacking import check_names


def stack_targets(X, Y, *, task_col="task"):
    """Make the long table of one X and a wide Y, in which every column is a task, X kept once.

    Written out, the long table repeats X for every task. The one that is returned holds X itself
    and, for each of its rows, a position in X and a task. `MultiTaskLinearRegression` fits it as it
    is, and all linear models predict it so. Everything else takes it too and writes it out, T
    copies of X: every other estimator, scikit-learn's, and ``numpy.asarray(X)``.

    Parameters
    ----------
    X : DataFrame or array of shape (n, d)
        The features. It is not copied: do not write into it while the result is in use.
    Y : DataFrame or array of shape (n, T)
        A column of targets for each task, its rows those of X by position. NaN, None or a masked
        entry is a hole: this task has no such row. Columns of a DataFrame name the tasks, else they
        are 0 … T - 1.
    task_col : str, default="task"
        Name of the task column if X is a DataFrame. In an array it is column 0.

    Returns
    -------
    X : SharedTable of shape (N, d + 1)
        The long table of the N entries of Y that are no holes, task after task, the task first.
        ``X[rows]`` takes rows, so it can be split and cross-validated.
    y : ndarray of shape (N,)
        The target of each row.

    Raises
    ------
    ValueError
        If X or Y has no rows or no columns, they differ in rows, a column of Y holds no target,
        columns hold numbers and words, names of columns occur twice or are of different kinds, or X
        has a column `task_col`.

    See Also
    --------
    stack_tasks : From tables with rows of their own.
    mtlkit.linear.MultiTaskLinearRegression : Fits such a table without copies of X.

    Notes
    -----
    Memory and time are O(n T) beside X. Taught in :doc:`/chapters/code/two_tables`.

    Examples
    --------
    >>> import numpy as np
    >>> features = np.array([[5.1, 1.4], [6.2, 4.5]])
    >>> X, y = stack_targets(features, np.array([[1.0, 10.0], [2.0, np.nan]]))
    >>> np.asarray(X)
    array([[0. , 5.1, 1.4],
           [0. , 6.2, 4.5],
           [1. , 5.1, 1.4]])
    >>> y
    array([ 1.,  2., 10.])
    """
    X, _ = read_table(X, None)
    with naming("Y"):
        Y, _ = read_table(Y, None)
    for table, what in ((X, "X"), (Y, "Y")):
        if table.shape[1] == 0:
            raise ValueError(
                f"{what} has no columns (shape={tuple(table.shape)}): pass at least one"
            )
        if is_frame(table) and repeated_names(table):
            raise ValueError(
                f"column names {repeated_names(table)} of {what} occur more than once: rename"
            )
    if X.shape[0] != Y.shape[0]:
        raise ValueError(
            f"X has {X.shape[0]} rows but Y has {Y.shape[0]}: pass the targets of each row of X"
        )
    if is_frame(X) and task_col in column_names(X):
        raise ValueError(
            f"X already has a column {task_col!r}: rename it, or choose another task_col"
        )
    names = column_names(Y) if is_frame(Y) else list(range(Y.shape[1]))
    check_names(names)
    values = _columns(Y)
    filled = ~missing(values)
    if not filled.any(axis=1).all():
        empty = [names[t] for t in np.flatnonzero(~filled.any(axis=1))]
        raise ValueError(f"columns {some(empty)} of Y hold no target: drop them")
    own, rows = np.nonzero(filled)
    y = values[filled]
    if y.dtype == object:
        words = [value for value in y.tolist() if not isinstance(value, Real)]
        if not words:
            y = np.array(y.tolist())
        elif len(words) < len(y):
            raise ValueError(
                f"Y holds numbers and other values, such as {words[0]!r}: convert them to one kind"
            )
    tasks, codes = unique_tasks(plain_tasks(as_objects(names), task_col))
    return SharedTable(X, rows, tasks, codes[own], task_col), y


def _columns(Y):
    """Y as an array (T, n), of numbers or of objects."""
    if not is_frame(Y):
        return Y.T
    columns = [as_vector(column(Y, j)) for j in range(Y.shape[1])]
    numbers = all(values.dtype.kind in "biuf" for values in columns)
    return np.array([values if numbers else values.astype(object) for values in columns])
