"""Stacking one table per task into one long table, and taking it apart again."""

from numbers import Real

import numpy as np

from .._utils._containers import groups, is_frame, missing, repeated_names, some, take
from ._reading import array_position, read_table


def stack_tasks(tasks, *, task_col=None, labels=None):
    """Stack one table per task into one long table with a task column.

    The columns of the result are the union of all columns. Where a task has no such column its
    rows hold NaN: nothing is filled in.

    Parameters
    ----------
    tasks : dict
        ``{name: (X, y)}``. Either every `X` is a DataFrame, matched by column name, or every `X`
        is an array of the same width, matched by position; then the names must be numbers.
        Otherwise they may also be strings, but not both.
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
        `labels` is None, a class label is missing, targets are of different kinds, or task names
        are neither all numbers nor all strings.

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
    _check_names(tasks)
    tables = {name: _checked_table(name, pair) for name, pair in tasks.items()}
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


def _check_names(names):
    numbers = all(isinstance(name, (Real, np.bool_)) and name == name for name in names)
    if not numbers and not all(isinstance(name, str) for name in names):
        raise ValueError(
            f"task names must be all numbers or all strings, got {some(names)}: convert them, for "
            "example with str(name)"
        )


def _checked_table(name, pair):
    if not isinstance(pair, (tuple, list)) or len(pair) != 2:
        raise ValueError(
            f"task {name!r}: expected a pair (X, y), got {type(pair).__name__}: pass the table "
            "together with its targets"
        )
    X, y = pair
    try:
        X, _ = read_table(X, None)
    except ValueError as error:
        raise ValueError(f"task {name!r}: {error}") from error
    if np.shape(y) != (len(X),):
        raise ValueError(
            f"task {name!r}: X has {len(X)} rows but y has shape {np.shape(y)}: pass one target "
            "per row"
        )
    rows = np.flatnonzero(missing(y))
    if rows.size and np.asarray(y).dtype.kind != "f":
        raise ValueError(
            f"task {name!r}: the class label of row {rows[0]} is missing ({rows.size} in all): "
            "drop these rows, or give them a label. If y is a quantity, convert it to float"
        )
    return X


def _stack_frames(tables, targets, task_col):
    import pandas as pd

    parts = []
    for name, X in tables.items():
        twice = repeated_names(X)
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
                    "labels='separate'. If y is a quantity to predict, convert it to float"
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

    Columns without any value in a task are dropped from that task, and labels made by
    ``labels="separate"`` get their old names back (numerals become integers, and the words True and
    False booleans).

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
    names, first, codes = np.unique(task, return_index=True, return_inverse=True)
    rows_of = groups(codes, len(names))
    result = {}
    for k in np.argsort(first):
        name, rows = names[k], rows_of[k]
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
    elif set(old) <= {"True", "False"}:
        old = [label == "True" for label in old]
    return type(y)(old, index=y.index, name=y.name) if hasattr(y, "index") else np.array(old)
