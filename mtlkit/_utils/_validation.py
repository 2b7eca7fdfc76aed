"""Input checks that the estimators of several modules share."""

from numbers import Integral, Real

import numpy as np
import sklearn
from sklearn.utils import check_array, check_consistent_length, column_or_1d
from sklearn.utils.validation import validate_data

from ._containers import as_vector, column, is_frame, missing, some, take

# Below 1.9 scikit-learn asks a frame by a protocol that polars gave up with 2: its frames would
# pass for arrays without names.
BY_PROTOCOL = tuple(map(int, sklearn.__version__.split(".")[:2])) < (1, 9)


class _Speaking:
    """A frame that answers what scikit-learn asks by the protocol."""

    def __init__(self, X):
        self.X, self.shape = X, X.shape

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.X, dtype)

    def __dataframe__(self):
        return self

    def column_names(self):
        return self.X.columns

    def num_rows(self):
        return len(self.X)


def check_X(estimator, X, *args, **kwargs):
    """scikit-learn's `validate_data`, which here knows the column names of every frame."""
    silent = BY_PROTOCOL and is_frame(X) and not hasattr(X, "iloc")
    if silent and not hasattr(X, "__dataframe__"):
        X = _Speaking(X)
    return validate_data(estimator, X, *args, **kwargs)


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
    ends = {
        "open_low": include in ("neither", "right"),
        "open_high": include in ("neither", "left"),
    }
    check_number(getattr(estimator, name), name, low=0, **ends)


def check_weights(sample_weight, n):
    """Weights of `n` rows as floats, none of them negative or missing."""
    try:
        weight = check_array(
            sample_weight,
            dtype=[np.float64, np.float32],
            ensure_2d=False,
            input_name="sample_weight",
        )
    except (TypeError, ValueError) as error:
        raise ValueError(f"sample_weight must hold a number per row: {error}") from error
    if weight.shape != (n,):
        raise ValueError(
            f"sample_weight has shape {weight.shape}, expected one weight per row: {(n,)}"
        )
    if (weight < 0).any():
        raise ValueError(f"sample_weight must not be negative, got {weight.min():g}")
    return weight


def read_labels(y, warn=True):
    """Class labels of any container as an array (n,), and which of them are there, (n,).

    Booleans stay booleans, integers integers (of any size, never through floats) and strings
    strings, whatever is missing beside them; a float array stays one. What stands in an unlabelled
    row has no meaning. A column (n, 1) is made a vector, with a warning.
    """
    y = as_target(y, warn)
    if y.ndim != 1:
        raise ValueError(f"y should be a 1d array of labels, got an array of shape {y.shape}")
    labelled = ~missing(y)
    known = y[labelled]
    if known.dtype.kind not in "biufU":
        known = _plain_labels(list(known))
    labels = np.zeros(len(y), dtype=known.dtype)
    labels[labelled] = known
    return labels, labelled


def read_numbers(y):
    """A continuous target of any container as floats (n,), NaN where missing, and what is there."""
    y = as_target(y)
    if y.ndim != 1:
        raise ValueError(f"y should be a 1d array of numbers, got an array of shape {y.shape}")
    labelled = ~missing(y)
    numbers = np.full(len(y), np.nan)
    known = y[labelled].astype(str) if y.dtype.kind in "mM" else y[labelled]  # dates are refused
    try:
        numbers[labelled] = known
    except (TypeError, ValueError):
        wrong = next(value for value in known.tolist() if not is_number(value))
        raise ValueError(
            f"y holds {wrong!r}, but a continuous target must hold numbers: convert it, or use a "
            "classifier"
        ) from None
    if np.isinf(numbers).any():
        raise ValueError("Input y contains infinity or a value too large for float64")
    return numbers, labelled


def is_number(value):
    """Whether NumPy makes a float of it, as of a number or of "1.5"."""
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True


def as_target(y, warn=True):
    """`y` as an array that loses nothing; a column (n, 1) is made a vector."""
    if y is None:
        raise ValueError(
            "This estimator requires y to be passed, but the target y is None: pass a label per row"
        )
    if is_frame(y):
        y = np.column_stack([as_vector(column(y, j)) for j in range(y.shape[1])])
    y = as_vector(y)
    return y if y.ndim == 2 and y.shape[1] != 1 else column_or_1d(y, warn=warn)


def _plain_labels(values):
    """A list of labels, none of them missing, as an array of booleans, numbers or strings."""
    words = [value for value in values if isinstance(value, str)]
    others = [value for value in values if not isinstance(value, str)]
    if words and others:
        raise ValueError(
            f"y mixes strings such as {words[0]!r} and values such as {others[0]!r}: convert the "
            "labels to one kind, for example with astype(str)"
        )
    labels = np.array(values) if all(isinstance(v, (Real, np.bool_)) for v in others) else None
    if labels is None or labels.dtype.kind not in "biufU" or labels.tolist() != values:
        raise ValueError(
            f"labels must be booleans, strings or numbers of 64 bits, but y holds {values[0]!r}: "
            "convert them, for example with astype(str)"
        )
    return labels


def labelled_rows(y, *tables):
    """`y` and tables of the same rows, None among them, without the rows that have no label.

    A target of several columns has a label in every row.
    """
    y = as_target(y)
    check_consistent_length(y, *tables)
    if y.ndim == 1 and y.dtype.kind not in "biufU":
        y, labelled = read_labels(y)
    else:
        labelled = ~missing(y) if y.ndim == 1 else np.ones(len(y), dtype=bool)
    if not labelled.any():
        raise ValueError(
            "Input y contains NaN: no row has a label, so there is nothing to fit or score"
        )
    if labelled.all():
        return y, *tables
    return take(y, labelled), *(None if t is None else take(t, labelled) for t in tables)


def balance_weights(task_weight, n, tasks):
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
    if hasattr(weight, "iloc"):
        place = {name: k for k, name in enumerate(weight.index.tolist())}
        absent = [task for task in tasks.tolist() if task not in place]
        if absent or len(place) < len(weight):
            raise ValueError(
                f"the index of task_weight, {some(weight.index.tolist())}, must name each task "
                f"once, but it names some twice or lacks the tasks {some(absent)}"
            )
        weight = weight.iloc[[place[task] for task in tasks.tolist()]].tolist()
    weight = np.asarray(weight)
    numbers = weight.dtype.kind in "fiu" and weight.shape == n.shape
    if not (numbers and (weight > 0).all() and (weight < 1e75).all()):  # so products are finite
        raise ValueError(
            f"task_weight must hold {len(n)} positive numbers, one per task in the order of "
            f"tasks_ or in a Series indexed by task, got {task_weight!r}"
        )
    return weight.astype(float)
