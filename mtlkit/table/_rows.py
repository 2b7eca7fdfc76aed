"""Checked rows of a table: what estimators ask for in `fit` and in `predict`."""

import warnings

import numpy as np
from sklearn.utils import assert_all_finite, check_array, check_consistent_length
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from .._utils._containers import (
    as_table,
    as_vector,
    column,
    column_names,
    dtypes,
    empty_columns,
    is_frame,
    missing,
    some,
    take,
)
from .._utils._validation import is_number, read_labels, read_numbers
from ._reading import read_table, task_position, unique_tasks

FEW_ROWS = 20  # below, a table may well have a task per row


def check_features(estimator, X, *, reset):
    """Features (n, d) as floats and task (n,) of a table, checked against `fit` unless `reset`."""
    if not reset:
        check_is_fitted(estimator)
    X, task_col = as_table(X), estimator.task_col
    if task_col is None:
        try:
            _refuse_dates(X)
            features = validate_data(estimator, X, reset=reset, dtype=np.float64)
        except (TypeError, ValueError):
            explain(X, None, task_col)
            raise
        return features, np.zeros(len(features), dtype=int)
    validate_data(estimator, X, reset=reset, skip_check_array=True)
    return number_table(X, task_col, type(estimator).__name__, fit=reset)


def number_table(X, task_col, who, *, fit):
    """Features (n, d) as floats and task (n,) of a table; `who` needs them, in `fit` or later."""
    X = as_table(X)
    features, task = read_table(X, task_col)
    if features.shape[1] == 0:
        raise ValueError(
            f"Found array with 0 feature(s) beside the task column {task_col!r}: add at least one"
        )
    if fit:
        warn_of_a_feature(task, task_col)
    # A sum over the whole table is the cheapest pass in which NaN or infinity shows.
    with np.errstate(over="ignore", invalid="ignore"):
        finite = isinstance(X, np.ndarray) and X.dtype == np.float64 and np.isfinite(X.sum())
    try:
        _refuse_dates(features)
        features = check_array(
            features,
            dtype=np.float64,
            ensure_all_finite=not finite,
            input_name="X",
            estimator=who,
        )
        return features, task
    except (TypeError, ValueError):
        if fit:
            check_common_columns(who, X, features, task, task_col)
        explain(X, task, task_col)
        raise


def warn_of_a_feature(task, task_col):
    """Warn in `fit` of a task column that looks like a feature: numbers, hardly any one twice."""
    if task_col is None or task.dtype.kind not in "iuf" or len(task) < FEW_ROWS:
        return
    count = len(np.unique(task))
    if count > len(task) / 2:
        warnings.warn(
            f"column {task_col!r} has {count} tasks in {len(task)} rows: is it the task column?",
            UserWarning,
            stacklevel=2,
        )


def _refuse_dates(features):
    """Dates, which NumPy would make numbers of in silence; `explain` names the column."""
    if getattr(features, "ndim", 2) == 2 and any(
        kind.startswith(("date", "time", "dura", "period")) for kind in dtypes(features)
    ):
        raise ValueError("X holds dates or times, and features must be numbers")


def check_common_columns(who, X, features, task, task_col):
    """Say it better where the reason is that a task lacks a column."""
    tasks, codes = unique_tasks(task)
    for k, t in enumerate(tasks.tolist()):
        absent = np.flatnonzero(empty_columns(take(features, codes == k)))
        if absent.size:
            names = column_names(X) if is_frame(X) else list(range(X.shape[1]))
            del names[task_position(X, task_col)]
            raise ValueError(
                f"X contains NaN: columns {some(names[j] for j in absent)} are missing in every "
                f"row of task {t!r}, but {who} needs the same columns in all "
                "tasks. Keep the common columns, or use PerTask, which takes each task's own; if "
                "per_task(...) made them, use shared(...)"
            ) from None


def explain(X, task, task_col, rows=None):
    """Name the column, the task and the value for which the features of `X` are not numbers.

    `rows` are the numbers of the rows of `X` in the table that the user passed, if not all of it.
    """
    if not is_frame(X) and not (isinstance(X, np.ndarray) and X.ndim == 2):
        return
    skip = None if task_col is None else task_position(X, task_col)
    names = column_names(X) if is_frame(X) else range(X.shape[1])
    for j, name in enumerate(names):
        values = as_vector(column(X, j))
        if j == skip or values.dtype.kind == "c":
            continue
        holes = missing(values)
        numbers = values.dtype.kind in "biuf"
        for i in np.flatnonzero(~np.isfinite(values)) if numbers else range(len(values)):
            value = str(values[i]) if values.dtype.kind in "mM" else values[[i]].tolist()[0]
            if not holes[i] and is_number(value) and np.isfinite(float(value)):
                continue
            where, row = f"column {name!r}", i if rows is None else rows[i]
            if task is not None:
                where += f" of task {task[[i]].tolist()[0]!r}"
            if holes[i]:
                raise ValueError(
                    f"Input X contains NaN: {where} has no value in row {row} "
                    f"({holes.sum()} missing in all). Fill them in, for example with "
                    "per_task(SimpleImputer(), task_col), or drop these rows"
                ) from None
            if is_number(value):
                raise ValueError(
                    "Input X contains infinity or a value too large for dtype('float64'): "
                    f"{where} holds {value} in row {row}. Replace it, or drop the row"
                ) from None
            if isinstance(value, (str, bytes)) or hasattr(value, "isoformat"):
                raise ValueError(
                    f"{where} holds {value!r}, and features must be numbers. Encode it, for "
                    "example with shared(ColumnTransformer(...), task_col), or drop the column"
                ) from None
            raise TypeError(
                f"{where} holds {value!r}: the argument must be a string or a number"
            ) from None


def check_rows(estimator, X, y, sample_weight=None, *, reset=True, classes=False):
    """The labelled rows of a table: features (n, d), y (n,), task (n,) and weights (n,) or None.

    Rows whose label is missing or whose weight is zero add nothing to a loss and are left out. With
    `classes`, y holds class labels of any kind; else it is made a float array.
    """
    features, task = check_features(estimator, X, reset=reset)
    y, labelled = (read_labels if classes else read_numbers)(y)
    check_consistent_length(features, y)
    if sample_weight is not None:
        sample_weight = check_array(
            sample_weight, dtype=np.float64, ensure_2d=False, input_name="sample_weight"
        )
        if sample_weight.shape != y.shape:
            raise ValueError(
                f"sample_weight has shape {sample_weight.shape}, expected one weight per row: "
                f"{y.shape}"
            )
        if (sample_weight < 0).any():
            raise ValueError(f"sample_weight must not be negative, got {sample_weight.min():g}")
    if not labelled.any():
        raise ValueError(
            "Input y contains NaN: no row has a label, so there is nothing to fit or score"
        )
    if classes:
        assert_all_finite(y[labelled], input_name="y")
        check_classification_targets(y[labelled])
    use = labelled if sample_weight is None else labelled & (sample_weight > 0)
    if use.all():  # the usual case: no copy of a large table
        return features, y, task, sample_weight
    if not use.any():
        raise ValueError("every labelled row has zero sample_weight: nothing to fit")
    return features[use], y[use], task[use], None if sample_weight is None else sample_weight[use]
