"""What all data sets share: the long table that they return, and their seeds."""

import csv

import numpy as np

from .._utils._validation import check_flag, check_integer


def long_table(tasks, columns, target, as_frame):
    """Stack ``{task: (X, y)}`` into one long table; `columns` and `target` name a frame's parts."""
    features = np.concatenate([X for X, _ in tasks.values()])
    y = np.concatenate([y for _, y in tasks.values()])
    sizes = [len(y) for _, y in tasks.values()]
    if not check_flag(as_frame, "as_frame"):
        return np.column_stack([np.repeat(np.arange(len(tasks)), sizes), features]), y
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError(
            "as_frame=True needs pandas, which is not installed: run `pip install pandas`, "
            "or keep as_frame=False and find the task in column 0"
        ) from error
    X = pd.DataFrame(features, columns=[str(name) for name in columns])  # not np.str_
    X.insert(0, "task", [task for task, n in zip(tasks, sizes, strict=True) for _ in range(n)])
    return X, pd.Series(y, name=target)


def table_of_rows(path, read, features, target, as_frame):
    """A long table from a CSV file: `read` makes of a row its task, its features and its label.

    Tasks are in the order of their first rows.
    """
    by_task = {}
    with path.open(newline="", encoding="utf-8") as file:
        for task, *numbers in map(read, csv.DictReader(file)):
            by_task.setdefault(task, []).append(numbers)
    tasks = {key: np.array(own, dtype=float) for key, own in by_task.items()}
    parts = {key: (own[:, :-1], own[:, -1]) for key, own in tasks.items()}
    return long_table(parts, features, target, as_frame)


def number(row, column):
    """The number in a column; of a pair of a column and a text, whether that text stands there.

    NaN where nothing stands.
    """
    name, one = column if isinstance(column, tuple) else (column, None)
    if not row[name]:
        return np.nan
    return float(row[name]) if one is None else float(row[name] == one)


def spawn_seeds(random_state, n):
    """`n` independent seeds; for an integer, seed i does not depend on `n`."""
    if isinstance(random_state, np.random.RandomState):
        random_state = random_state.randint(2**32, size=4, dtype=np.uint32).tolist()
    elif random_state is not None:
        random_state = check_integer(random_state, "random_state", low=0)
    return np.random.SeedSequence(random_state).spawn(n)
