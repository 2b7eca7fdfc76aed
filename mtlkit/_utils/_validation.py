"""Input checks that the estimators of several modules share."""

from numbers import Real

import numpy as np
from sklearn.utils import check_scalar

from ._containers import missing, take


def check_strength(estimator, name, include):
    """Check a number from 0 to infinity; `include` says which of the two ends is allowed."""
    value = getattr(estimator, name)
    check_scalar(value, name, Real, min_val=0, max_val=np.inf, include_boundaries=include)
    if np.isnan(value):
        raise ValueError(f"{name} is NaN: give a number")


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


def balance_weights(task_weight, n):
    """The balance weight of each task, shape (T,), from the numbers of rows `n`, shape (T,)."""
    if isinstance(task_weight, str) and task_weight in ("samples", "tasks"):
        return np.ones(len(n)) if task_weight == "samples" else n.sum() / (len(n) * n)
    if isinstance(task_weight, str):
        raise ValueError(
            f"task_weight={task_weight!r} is unknown: use 'samples', 'tasks' or one weight per task"
        )
    weight = np.asarray(task_weight)
    numbers = weight.dtype.kind in "fiu" and weight.shape == n.shape
    if not (numbers and np.isfinite(weight).all() and (weight > 0).all()):
        raise ValueError(
            f"task_weight must hold {len(n)} positive numbers, one per task in the order of "
            f"tasks_, got {task_weight!r}"
        )
    return weight.astype(float)
