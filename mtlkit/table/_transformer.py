"""Transformers on the table: fitted per task or shared, and the task column is left alone."""

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.utils import check_consistent_length, get_tags
from sklearn.utils.validation import check_is_fitted, validate_data

from .._utils._containers import groups, is_frame, missing, take
from ._reading import read_table, task_codes, task_position


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
        return self._assemble(X, *self._fit(X, y))

    def transform(self, X):
        """Transform the features; an unseen task is an error if there is one clone per task."""
        check_is_fitted(self)
        features, task = read_table(X, self.task_col)
        validate_data(self, X, reset=False, skip_check_array=True)
        blocks = []
        for k, rows in self._groups(task):
            part = _columns(take(features, rows), self._columns[k])
            blocks.append((k, rows, self._dense(self.transformers_[k].transform(part))))
        return self._assemble(X, task, blocks)

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
        inputs = self._inputs if input_features is None else list(input_features)
        if self._is_frame and inputs != self._inputs:
            raise ValueError("input_features is not equal to feature_names_in_")
        if len(inputs) != len(self._inputs):
            raise ValueError(
                "input_features should have length equal to number of features "
                f"({len(self._inputs)}), got {len(inputs)}"
            )
        _, names = self._output_names(inputs)
        if self.task_col is not None:
            names.insert(self._task_position(), inputs[self._position])
        return np.array(names, dtype=object)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        inner = get_tags(self.transformer)
        tags.input_tags.allow_nan = inner.input_tags.allow_nan
        tags.target_tags = inner.target_tags
        tags.requires_fit = True
        return tags

    def _fit(self, X, y):
        """Fit; return the task and the transformed block of each group of training rows."""
        features, task = read_table(X, self.task_col)
        validate_data(self, X, skip_check_array=True)
        if y is not None:
            check_consistent_length(features, y)
        self._is_frame = is_frame(X)
        self._position = None if self.task_col is None else task_position(X, self.task_col)
        self._inputs = self._input_names(X)
        self.tasks_ = np.unique(task)
        self.transformers_, self._columns, blocks = [], [], []
        for k, rows in self._groups(task):
            part = take(features, rows)
            if self.each_task and len(rows) == 1 and get_tags(self.transformer).requires_fit:
                raise ValueError(
                    f"n_samples=1 in task {self.tasks_[k].item()!r}: {self.transformer!r} cannot "
                    "learn a spread from one row. Use shared(...), or drop this task"
                )
            own = self._own_columns(part)
            fitted = clone(self.transformer)
            target = () if y is None else (take(y, rows),)
            blocks.append(
                (k, rows, self._dense(fitted.fit_transform(_columns(part, own), *target)))
            )
            self._columns.append(own)
            self.transformers_.append(fitted)
        self._widths = [block.shape[1] for _, _, block in blocks]
        self._names_out, self._names = self._output_names(self._inputs)
        return task, blocks

    def _groups(self, task):
        """Pairs of a transformer's number and the numbers of its rows."""
        if not self.each_task:
            return [(0, np.arange(len(task)))]
        lacks = "per_task(...) has no transformer for them: use shared(...)"
        rows_of = groups(task_codes(task, self.tasks_, unseen=lacks), len(self.tasks_))
        return [(k, rows) for k, rows in enumerate(rows_of) if len(rows)]

    def _dense(self, block):
        if sparse.issparse(block):
            raise ValueError(
                f"{self.transformer!r} gives sparse output, which cannot hold the task "
                "column: ask it for dense output (for example sparse_output=False)"
            )
        return block

    def _assemble(self, X, task, blocks):
        """The table of the blocks, in the order of the rows of `X`, with the task column."""
        if is_frame(X):
            table = self._frame(blocks).set_axis(X.index)
            if self.task_col is not None:
                table.insert(self._task_position(), self.task_col, X[self.task_col])
            return table
        table = self._array(blocks, len(task))
        if self.task_col is None:
            return table
        if task.dtype.kind == "U":
            table, task = table.astype(object), task.astype(object)
        return np.insert(table, self._task_position(), task, axis=1)

    def _frame(self, blocks):
        import pandas as pd

        parts = []
        for k, rows, block in blocks:
            frame = block if is_frame(block) else pd.DataFrame(block).infer_objects()
            parts.append(frame.set_axis(self._names_out[k], axis=1).set_axis(rows))
        return pd.concat(parts).sort_index().reindex(columns=self._names)

    def _array(self, blocks, n):
        place = {name: j for j, name in enumerate(self._names)}
        numeric = all(np.asarray(block).dtype.kind in "fiub" for _, _, block in blocks)
        table = np.full((n, len(self._names)), np.nan, dtype=float if numeric else object)
        for k, rows, block in blocks:
            table[np.ix_(rows, [place[name] for name in self._names_out[k]])] = block
        return table

    def _own_columns(self, part):
        if self.task_col is None or not self.each_task:
            return np.arange(part.shape[1])
        return np.flatnonzero(~missing(part).all(axis=0))

    def _input_names(self, X):
        if self._is_frame:
            return list(X.columns)
        names = [f"x{j}" for j in range(self.n_features_in_)]
        if self.task_col is not None:
            names[self._position] = "task"
        return names

    def _output_names(self, inputs):
        """Names out of each transformer, and their union: the columns but for the task."""
        features = [name for j, name in enumerate(inputs) if j != self._position]
        each = []
        for fitted, own, width in zip(self.transformers_, self._columns, self._widths, strict=True):
            names = [features[j] for j in own]
            if hasattr(fitted, "get_feature_names_out"):
                names = list(fitted.get_feature_names_out(names))
            elif width != len(names):
                names = [f"f{j}" for j in range(width)]
            each.append(names)
        if all(names == each[0] for names in each):
            return each, list(each[0])
        produced = dict.fromkeys(name for names in each for name in names)
        kept = [name for name in features if name in produced]
        return each, kept + [name for name in produced if name not in kept]

    def _task_position(self):
        """Where the task column goes: where it was, or a named one at the end if that is gone."""
        last = len(self._names)
        if self._is_frame:
            return min(self._position, last)
        position = self.task_col + (last + 1 if self.task_col < 0 else 0)
        if not 0 <= position <= last:
            raise ValueError(
                f"task_col={self.task_col} is out of range after {self.transformer!r}, which "
                f"leaves {last} columns: put the task column first (0) or last (-1)"
            )
        return position


def _columns(part, own):
    """The columns at positions `own`, keeping the kind of `part`."""
    if len(own) == part.shape[1]:
        return part
    return part.iloc[:, own] if is_frame(part) else part[:, own]
