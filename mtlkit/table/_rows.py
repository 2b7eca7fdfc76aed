"""Checked rows of a table: what estimators ask for in `fit` and in `predict`."""

import numpy as np
from sklearn.utils import (
    assert_all_finite,
    check_array,
    check_consistent_length,
    column_or_1d,
)
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from .._utils._containers import missing, some
from .._utils._validation import labelled_rows
from ._reading import read_table


def check_features(estimator, X, *, reset):
    """Features (n, d) as floats and task (n,) of a table, checked against `fit` unless `reset`."""
    if not reset:
        check_is_fitted(estimator)
    if estimator.task_col is None:
        X = validate_data(estimator, X, reset=reset, dtype=np.float64)
        return X, np.zeros(len(X), dtype=int)
    validate_data(estimator, X, reset=reset, skip_check_array=True)
    features, task = read_table(X, estimator.task_col)
    if features.shape[1] == 0:
        raise ValueError(
            f"Found array with 0 feature(s) beside the task column {estimator.task_col!r}: "
            "add at least one"
        )
    # A sum over the whole table is the cheapest pass in which NaN or infinity shows.
    with np.errstate(over="ignore", invalid="ignore"):
        finite = isinstance(X, np.ndarray) and X.dtype == np.float64 and np.isfinite(X.sum())
    try:
        features = check_array(
            features,
            dtype=np.float64,
            ensure_all_finite=not finite,
            input_name="X",
            estimator=estimator,
        )
        return features, task
    except (TypeError, ValueError):
        if reset:
            _check_common_columns(estimator, features, task)
        raise


def _check_common_columns(estimator, features, task):
    """Say it better where the reason is that a task lacks a column."""
    absent = missing(features)
    for t in np.unique(task):
        columns = np.flatnonzero(absent[task == t].all(axis=0))
        if columns.size:
            names = getattr(features, "columns", np.arange(absent.shape[1]))[columns]
            raise ValueError(
                f"X contains NaN: columns {some(names.tolist())} are missing in every row of task "
                f"{t.item()!r}, but {type(estimator).__name__} needs the same columns in all "
                "tasks. Keep the common columns, or use PerTask, which takes each task's own"
            ) from None


def check_rows(estimator, X, y, sample_weight=None, *, reset=True, classes=False):
    """The labelled rows of a table: features (n, d), y (n,), task (n,) and weights (n,) or None.

    Rows whose label is NaN or whose weight is zero tell a loss nothing, and are left out. With
    `classes`, y holds class labels of any kind; else it is made a float array.
    """
    features, task = check_features(estimator, X, reset=reset)
    if y is None:
        raise ValueError(
            f"This {type(estimator).__name__} estimator requires y to be passed, but the target y "
            "is None."
        )
    if not classes:
        y = check_array(
            y, dtype=np.float64, ensure_2d=False, ensure_all_finite="allow-nan", input_name="y"
        )
    y = column_or_1d(y, warn=True)
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
    y, features, task, sample_weight = labelled_rows(y, features, task, sample_weight)
    if classes:
        assert_all_finite(y, input_name="y")
        check_classification_targets(y)
    if sample_weight is None or sample_weight.all():  # the usual case: no copy of a large table
        return features, y, task, sample_weight
    use = sample_weight > 0
    if not use.any():
        raise ValueError("every labelled row has zero sample_weight: nothing to fit")
    return features[use], y[use], task[use], sample_weight[use]
