"""Input checks that the estimators of several modules share."""

from numbers import Integral, Real

import numpy as np

from ._containers import missing, some, take


def check_number(value, name, *, low=-np.inf, high=np.inf, open_low=False, open_high=False):
    """A real number of Python or NumPy between `low` and `high`, never NaN; returned as it is."""
    if not isinstance(value, Real) or isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name}={value!r} must be a number, not {type(value).__name__}")
    inside = (value > low if open_low else value >= low) and (
        value < high if open_high else value <= high
    )
    if not inside:  # NaN is nowhere inside
        bounds = f"{'above' if open_low else 'at least'} {low:g}" if low > -np.inf else ""
        if high < np.inf or open_high:
            upper = f"{'below' if open_high else 'at most'} {high:g}"
            bounds = f"{bounds} and {upper}" if bounds else upper
        raise ValueError(f"{name}={value!r} must be a number" + (f", {bounds}" if bounds else ""))
    return value


def check_integer(value, name, *, low=1):
    """An integer of Python or NumPy of at least `low`; returned as an int."""
    if not isinstance(value, Integral) or isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name}={value!r} must be an integer, not {type(value).__name__}")
    if value < low:
        raise ValueError(f"{name}={value!r} must be an integer of at least {low}")
    return int(value)


def check_flag(value, name):
    """True or False, of Python or NumPy."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name}={value!r} must be True or False")
    return bool(value)


def check_choice(value, name, choices):
    """One of a few strings."""
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"{name}={value!r} is unknown: choose one of {some(choices)}")
    return value


def check_strength(estimator, name, include):
    """A number from 0 to infinity; `include` says which of the two ends is allowed."""
    check_number(
        getattr(estimator, name),
        name,
        low=0,
        open_low=include in ("neither", "right"),
        open_high=include in ("neither", "left"),
    )


def labelled_rows(y, *tables):
    """`y` and tables of the same rows, None among them, without the rows that have no label."""
    y = y if hasattr(y, "iloc") else np.asarray(y)
    labelled = ~missing(y) if y.ndim == 1 else np.ones(len(y), dtype=bool)
    if not labelled.any():
        raise ValueError(
            "Input y contains NaN: no row has a label, so there is nothing to fit or score"
        )
    if labelled.all():
        return y, *tables
    return take(y, labelled), *(None if t is None else take(t, labelled) for t in tables)


def balance_weights(task_weight, n, tasks=None):
    """The balance weight λ_t of each task, shape (T,), a factor on the loss of each of its rows.

    `n` (T,) are the numbers of rows or sums of their weights, `tasks` (T,) the names by which a
    Series is matched.
    """
    if isinstance(task_weight, str) and task_weight in ("samples", "tasks"):
        return np.ones(len(n)) if task_weight == "samples" else n.sum() / (len(n) * n)
    if isinstance(task_weight, str):
        raise ValueError(
            f"task_weight={task_weight!r} is unknown: use 'samples', 'tasks' or one weight per task"
        )
    weight = task_weight
    if hasattr(weight, "iloc") and tasks is not None:
        names = weight.index.tolist()
        absent = [task for task in tasks.tolist() if task not in names]
        if absent or len(set(names)) < len(names):
            raise ValueError(
                f"the index of task_weight, {some(names)}, must name each task once; tasks "
                f"{some(absent or tasks.tolist())} need a weight"
            )
        weight = weight.iloc[[names.index(task) for task in tasks.tolist()]].tolist()
    weight = np.asarray(weight)
    numbers = weight.dtype.kind in "fiu" and weight.shape == n.shape
    if not (numbers and np.isfinite(weight).all() and (weight > 0).all()):
        raise ValueError(
            f"task_weight must hold {len(n)} positive numbers, one per task in the order of "
            f"tasks_ or in a Series indexed by task, got {task_weight!r}"
        )
    return weight.astype(float)
