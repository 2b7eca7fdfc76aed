"""Transformers on the table: fitted per task or shared, and the task column is left alone."""

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.utils import check_consistent_length, get_tags
from sklearn.utils.validation import check_is_fitted, validate_data

from .._utils._containers import as_table, empty_columns, groups, select, take
from ._assembly import Assembly
from ._reading import read_table, task_codes, unique_tasks


def per_task(transformer, task_col=None):
    """One clone of `transformer` per task; the task column passes through.

    Parameters
    ----------
    transformer : transformer
        Any scikit-learn transformer with dense output.
    task_col : str, int or None, default=None
        The task column; None means one task.

    Returns
    -------
    TaskTransformer
        ``TaskTransformer(transformer, task_col=task_col, each_task=True)``.
    """
    return TaskTransformer(transformer, task_col=task_col, each_task=True)


def shared(transformer, task_col=None):
    """One `transformer` for the rows of all tasks; the task column passes through.

    Parameters
    ----------
    transformer : transformer
        Any scikit-learn transformer with dense output.
    task_col : str, int or None, default=None
        The task column; None means one task.

    Returns
    -------
    TaskTransformer
        ``TaskTransformer(transformer, task_col=task_col, each_task=False)``.
    """
    return TaskTransformer(transformer, task_col=task_col, each_task=False)


class TaskTransformer(TransformerMixin, BaseEstimator):
    """Apply a transformer to the features of a table and leave the task column alone.

    A DataFrame comes out as a DataFrame, so the name of the task column survives a Pipeline, and
    so do the dtypes of columns that the transformer gives in a DataFrame.
    With ``each_task=True`` each clone sees the columns that its task has (those not missing in
    all its training rows); the others stay NaN.

    Parameters
    ----------
    transformer : transformer
        Any scikit-learn transformer with dense output.
    task_col : str, int or None, default=None
        The task column; None means one task.
    each_task : bool, default=True
        One clone per task, or one for all rows.

    Attributes
    ----------
    tasks_ : ndarray of shape (n_tasks,)
        The tasks seen in `fit`, sorted.
    transformers_ : list of transformers
        One per task, or a single one.
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Only if the columns of `X` have string names.

    Raises
    ------
    ValueError
        In `fit`, if a task has a single row (``each_task=True``): it has no spread to learn.
        In `transform`, if a task was not seen in `fit` (``each_task=True``).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.preprocessing import StandardScaler
    >>> X = np.array([[0, 1.0], [0, 3.0], [1, 10.0], [1, 30.0]])
    >>> per_task(StandardScaler(), task_col=0).fit_transform(X)
    array([[ 0., -1.],
           [ 0.,  1.],
           [ 1., -1.],
           [ 1.,  1.]])
    """

    def __init__(self, transformer, *, task_col=None, each_task=True):
        self.transformer = transformer
        self.task_col = task_col
        self.each_task = each_task

    def fit(self, X, y=None):
        """Fit the transformer, or one clone per task; `y` is handed on."""
        self._fit(X, y)
        return self

    def fit_transform(self, X, y=None):
        """Fit and transform, as the transformer's own `fit_transform` does (it may cross-fit)."""
        X, task, blocks = self._fit(X, y)
        return self._assembly.table(X, task, blocks)

    def transform(self, X):
        """Transform the features; an unseen task is an error if there is one clone per task."""
        check_is_fitted(self)
        X = as_table(X)
        features, task = read_table(X, self.task_col, accept_sparse=True)
        validate_data(self, X, reset=False, skip_check_array=True)
        codes = task
        if self.each_task:
            lacks = "per_task(...) has no transformer for them: use shared(...)"
            codes = task_codes(task, self.tasks_, unseen=lacks)
        blocks = []
        for k, rows in self._groups(codes):
            part = _columns(take(features, rows), self._columns[k])
            blocks.append((k, rows, self._checked(self.transformers_[k].transform(part), part)))
        return self._assembly.table(X, task, blocks)

    def get_feature_names_out(self, input_features=None):
        """Names of the output columns, the task column included.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of all columns of `X`; for a DataFrame they must be its own. None: these, or for
            an array "x0", "x1", … by position, and "task" for the task column.

        Returns
        -------
        names : ndarray of object
        """
        check_is_fitted(self)
        return self._assembly.names_out(self._names, input_features)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        inner = get_tags(self.transformer)
        tags.input_tags.allow_nan = inner.input_tags.allow_nan
        tags.target_tags = inner.target_tags
        tags.requires_fit = True
        return tags

    def _fit(self, X, y):
        """Fit; return the table, the task and the transformed block of each group of rows."""
        X = as_table(X)
        features, task = read_table(X, self.task_col, accept_sparse=True)
        validate_data(self, X, skip_check_array=True)
        if y is not None:
            check_consistent_length(features, y)
        self._assembly = Assembly(X, self.task_col, repr(self.transformer))
        self.tasks_, codes = unique_tasks(task)
        self.transformers_, self._columns, blocks = [], [], []
        for k, rows in self._groups(codes):
            part = take(features, rows)
            if self.each_task and len(rows) == 1 and get_tags(self.transformer).requires_fit:
                raise ValueError(
                    f"n_samples=1 in task {self.tasks_.tolist()[k]!r}: {self.transformer!r} cannot "
                    "learn a spread from one row. Use shared(...), or drop this task"
                )
            own = self._own_columns(part)
            fitted = clone(self.transformer)
            target = () if y is None else (take(y, rows),)
            blocks.append(
                (k, rows, self._checked(fitted.fit_transform(_columns(part, own), *target), part))
            )
            self._columns.append(own)
            self.transformers_.append(fitted)
        self._widths = [block.shape[1] for _, _, block in blocks]
        self._assembly.name_columns(self._names(self._assembly.features(self._assembly.inputs)))
        return X, task, blocks

    def _groups(self, codes):
        """Pairs of a transformer's number and the numbers of its rows."""
        if not self.each_task:
            return [(0, np.arange(len(codes)))]
        return [(k, rows) for k, rows in enumerate(groups(codes, len(self.tasks_))) if len(rows)]

    def _checked(self, block, part):
        """A block that a table can hold: sparse only if the table is."""
        if sparse.issparse(block) and not sparse.issparse(part):
            raise ValueError(
                f"{self.transformer!r} gives sparse output, which cannot hold the task "
                "column: ask it for dense output (for example sparse_output=False)"
            )
        return block

    def _own_columns(self, part):
        if self.task_col is None or not self.each_task:
            return np.arange(part.shape[1])
        return np.flatnonzero(~empty_columns(part))

    def _names(self, features):
        """Names of the columns out of each transformer."""
        each = []
        for fitted, own, width in zip(self.transformers_, self._columns, self._widths, strict=True):
            names = [features[j] for j in own]
            if hasattr(fitted, "get_feature_names_out"):
                names = list(fitted.get_feature_names_out(names))
            elif width != len(names):
                names = [f"f{j}" for j in range(width)]
            each.append(names)
        return each


def _columns(part, own):
    return part if len(own) == part.shape[1] else select(part, own)
