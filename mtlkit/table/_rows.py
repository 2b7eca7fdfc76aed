"""Checked rows of a table: what estimators ask for in `fit` and in `predict`."""

import re
import warnings
from contextlib import contextmanager

import numpy as np
from scipy import sparse
from sklearn.utils import assert_all_finite, check_array, check_consistent_length
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from .._utils._containers import (
    SharedTable,
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
from .._utils._validation import check_weights, check_X, is_number, read_labels, read_numbers
from ._reading import check_shape, read_table, task_position, unique_tasks

FEW_ROWS = 20  # below, a table may well have a task per row
TROUBLES = {  # and how errors of NumPy, pandas and scikit-learn speak of them
    "NaN": "NaN|NAType|NaTType",
    "infinity": "infinity",
    "words": "to float|string or a|promote|with a sequence|dates",
}


def check_features(estimator, X, *, reset):
    """Features (n, d) as floats and task (n,) of a table, checked against `fit` unless `reset`."""
    if not reset:
        check_is_fitted(estimator)
    if isinstance(X, SharedTable) and getattr(estimator, "_reads_shared", False):
        head = as_table(X[:1])
        if estimator.task_col is not None and task_position(head, estimator.task_col) == 0:
            check_X(estimator, head, reset=reset, skip_check_array=True)
            return _shared_features(X, head, estimator)
    X = as_table(X)
    if estimator.task_col is None:
        names = feature_names(X, None) if is_frame(X) or X.ndim == 2 else []
        with explaining(X, names):
            refuse_dates(X)
            features = check_X(estimator, X, reset=reset, dtype=np.float64)
        return features, np.zeros(len(features), dtype=int)
    check_shape(X)
    check_X(estimator, X, reset=reset, skip_check_array=True)
    return number_table(X, estimator.task_col, type(estimator).__name__, fit=reset)


def number_table(X, task_col, who, *, fit, task=None):
    """Features (n, d) as floats and task (n,) of a table; `who` needs them, in `fit` or later.

    `task` (n,) names the tasks of a table without a task column.
    """
    X = as_table(X)
    features, own = read_table(X, task_col)
    task = own if task is None else task
    if features.shape[1] == 0:
        raise ValueError(
            f"Found array with 0 feature(s) (shape={features.shape}) while a minimum of 1 is "
            f"required beside the task column {task_col!r}"
        )
    if fit:
        warn_of_a_feature(task, task_col)
    names = feature_names(X, task_col)
    with explaining(features, names, task, common=who if fit and task_col is not None else None):
        return _as_floats(X, features, who), task


def _as_floats(X, features, who):
    """Features of a table X as finite floats."""
    # A sum over the whole table is the cheapest pass in which NaN or infinity shows.
    with np.errstate(over="ignore", invalid="ignore"):
        finite = isinstance(X, np.ndarray) and X.dtype == np.float64 and np.isfinite(X.sum())
    refuse_dates(features)
    return check_array(
        features, dtype=np.float64, ensure_all_finite=not finite, input_name="X", estimator=who
    )


def _shared_features(table, head, estimator):
    """Checked features, and codes in place of names of tasks, of a `SharedTable` with `head`."""
    table, used = table.of_used()
    with explaining(table.features, feature_names(head, estimator.task_col), rows=used):
        features = _as_floats(table.features, table.features, type(estimator).__name__)
    return SharedTable(features, table.rows, table.tasks, table.codes, None), table.codes


def feature_names(X, task_col):
    """What messages call the features: their names, or their positions in the user's table."""
    names = column_names(X) if is_frame(X) else list(range(X.shape[1]))
    if task_col is not None:
        del names[task_position(X, task_col)]
    return names


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


def refuse_dates(features):
    """Dates, which NumPy would make numbers of in silence; `explaining` names the column."""
    if getattr(features, "ndim", 2) == 2 and any(
        kind.startswith(("date", "time", "dura", "period")) for kind in dtypes(features)
    ):
        raise ValueError("X holds dates or times, and features must be numbers")


@contextmanager
def explaining(features, names, task=None, rows=None, common=None):
    """An error inside about features that are not numbers names column, task, row and value.

    Parameters
    ----------
    features : DataFrame, array or sparse matrix of shape (n, d)
        What the code inside reads.
    names : list
        What to call the columns.
    task : ndarray of shape (n,), default=None
        The task of each row.
    rows : sequence of int, default=None
        What to call the rows; None: by their positions.
    common : str, default=None
        Who needs the same columns in all tasks, if that may be the reason.
    """
    try:
        yield
    except (TypeError, ValueError) as error:
        trouble = next((kind for kind, text in TROUBLES.items() if re.search(text, str(error))), "")
        if trouble and not sparse.issparse(features):
            if common and trouble == "NaN":
                check_common_columns(common, names, features, task)
            for j, name in enumerate(names):
                _explain_column(as_vector(column(features, j)), name, task, rows, trouble, error)
        raise


def check_common_columns(who, names, features, task):
    """An error if a task has no value at all in a column."""
    tasks, codes = unique_tasks(task)
    for k, t in enumerate(tasks.tolist()):
        absent = np.flatnonzero(empty_columns(take(features, codes == k)))
        if absent.size:
            raise ValueError(
                f"X contains NaN: columns {some(names[j] for j in absent)} are missing in every "
                f"row of task {t!r}, but {who} needs the same columns in all tasks. Put "
                "PrivateColumns(task_col) before it, which keeps them private, or use PerTask, "
                "which takes each task's own; if per_task(...) made them, use shared(...)"
            ) from None


def _explain_column(values, name, task, rows, trouble, error):
    holes, kind = missing(values), values.dtype.kind
    for i in np.flatnonzero(~np.isfinite(values)) if kind in "biuf" else range(len(values)):
        value = str(values[i]) if kind in "mM" else values[[i]].tolist()[0]
        found = "NaN" if holes[i] else "infinity" if is_number(value) else "words"
        if found != trouble or (found == "infinity" and np.isfinite(float(value))):
            continue
        if "to float: " in str(error) and repr(value) not in str(error):
            continue  # words that are encoded inside, and others are not
        where = f"column {name!r}"
        if task is not None:
            where += f" of task {task[[i]].tolist()[0]!r}"
        row = i if rows is None else rows[i]
        if found == "NaN":
            raise ValueError(
                f"Input X contains NaN: {where} has no value in row {row} ({holes.sum()} missing "
                "in all). Fill them in, for example with per_task(SimpleImputer(), task_col), or "
                "drop these rows"
            ) from None
        if found == "infinity":
            raise ValueError(
                "Input X contains infinity or a value too large for dtype('float64'): "
                f"{where} holds {value} in row {row}. Replace it, or drop the row"
            ) from None
        if isinstance(value, (str, bytes)) or hasattr(value, "isoformat"):
            raise ValueError(
                f"{where} holds {value!r}, and features must be numbers. Encode it, for example "
                "with shared(ColumnTransformer(...), task_col), or drop the column"
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
        sample_weight = check_weights(sample_weight, len(y))
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
