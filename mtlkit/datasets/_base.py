"""What all data sets share: the long table they return, their seeds and their checks."""

from numbers import Integral, Real

import numpy as np


def long_table(tasks, columns, target, as_frame):
    """Stack ``{task: (X, y)}`` into one long table; `columns` and `target` name a frame's parts."""
    features = np.concatenate([X for X, _ in tasks.values()])
    y = np.concatenate([y for _, y in tasks.values()])
    sizes = [len(y) for _, y in tasks.values()]
    if not as_frame:
        return np.column_stack([np.repeat(np.arange(len(tasks)), sizes), features]), y
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError(
            "as_frame=True needs pandas, which is not installed: run `pip install pandas`, "
            "or keep as_frame=False and find the task in column 0."
        ) from error
    X = pd.DataFrame(features, columns=[str(name) for name in columns])  # not np.str_
    X.insert(0, "task", np.repeat(np.array(list(tasks)), sizes))
    return X, pd.Series(y, name=target)


def check_number(name, value, low, high=np.inf, integer=False):
    """Return `value` if it is a finite number in [low, high], or say what is wrong with it."""
    right_kind = isinstance(value, Integral if integer else Real) and not isinstance(value, bool)
    if not right_kind or not low <= value <= high or np.isinf(value):
        noun = "an integer" if integer else "a finite number"
        bounds = f"of at least {low}" if high == np.inf else f"from {low} to {high}"
        raise ValueError(f"{name} is {value!r}; give {noun} {bounds}.")
    return value


def spawn_seeds(random_state, n):
    """`n` independent seeds; seed i does not depend on `n`."""
    if random_state is not None:
        random_state = int(check_number("random_state", random_state, 0, integer=True))
    return np.random.SeedSequence(random_state).spawn(n)
