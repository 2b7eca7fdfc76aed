"""Transformers on the table: fitted per task or shared, and the task column is left alone."""

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.utils import check_consistent_length, get_tags
from sklearn.utils.validation import check_is_fitted, validate_data

from .reading import is_frame, missing, read_table, take, task_codes, task_position


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

    A DataFrame comes out as a DataFrame, so the name of the task column survives a Pipeline.
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
        features, task = read_table(X, self.task_col)
        validate_data(self, X, skip_check_array=True)
        if y is not None:
            check_consistent_length(features, y)
        # Only a DataFrame's task column has a name, which may be an integer, and keeps its place.
        named = is_frame(X) and self.task_col is not None
        self._position = task_position(X, self.task_col) if named else None
        self.tasks_ = np.unique(task)
        self.transformers_, self._columns, self._names_out = [], [], []
        for rows, label in self._groups(task):
            part = take(features, rows)
            if self.each_task and len(rows) == 1 and get_tags(self.transformer).requires_fit:
                raise ValueError(
                    f"n_samples=1 in {label}: {self.transformer!r} cannot learn a spread from one "
                    "row. Use shared(...), or drop this task"
                )
            own = self._own_columns(part)
            fitted = clone(self.transformer)
            block = fitted.fit_transform(_columns(part, own), *self._target(y, rows))
            self._columns.append(own)
            self._names_out.append(self._block_names(fitted, features, own, block))
            self.transformers_.append(fitted)
        self._names = self._union_of_names(features)
        return self

    def transform(self, X):
        """Transform the features; an unseen task is an error if there is one clone per task."""
        check_is_fitted(self)
        features, task = read_table(X, self.task_col)
        validate_data(self, X, reset=False, skip_check_array=True)
        place = {name: j for j, name in enumerate(self._names)}
        blocks = []
        for rows, k in self._known_groups(task):
            part = _columns(take(features, rows), self._columns[k])
            block = self.transformers_[k].transform(part)
            if sparse.issparse(block):
                raise ValueError(
                    f"{self.transformer!r} gives sparse output, which cannot hold the task "
                    "column: ask it for dense output (for example sparse_output=False)"
                )
            blocks.append((rows, [place[name] for name in self._names_out[k]], block))
        numeric = all(np.asarray(block).dtype.kind in "fiub" for _, _, block in blocks)
        result = np.full((len(task), len(self._names)), np.nan, dtype=float if numeric else object)
        for rows, columns, block in blocks:
            result[np.ix_(rows, columns)] = block
        return self._with_task(X, features, task, result)

    def get_feature_names_out(self, input_features=None):
        """Names of the output columns, the task column included."""
        check_is_fitted(self)
        if self.task_col is None:
            return np.array(self._names, dtype=object)
        name = "task" if self._position is None else self.task_col
        names = list(self._names)
        names.insert(self._task_position(), name)
        return np.array(names, dtype=object)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        inner = get_tags(self.transformer)
        tags.input_tags.allow_nan = inner.input_tags.allow_nan
        tags.target_tags = inner.target_tags
        tags.requires_fit = True
        return tags

    def _groups(self, task):
        if not self.each_task:
            return [(np.arange(len(task)), "all tasks")]
        return [(np.flatnonzero(task == t), f"task {t.item()!r}") for t in self.tasks_]

    def _known_groups(self, task):
        if not self.each_task:
            return [(np.arange(len(task)), 0)]
        lacks = "per_task(...) has no transformer for them: use shared(...)"
        codes = task_codes(task, self.tasks_, unseen=lacks)
        return [(np.flatnonzero(codes == k), k) for k in np.unique(codes)]

    def _own_columns(self, part):
        if self.task_col is None or not self.each_task:
            return np.arange(part.shape[1])
        return np.flatnonzero(~missing(part).all(axis=0))

    @staticmethod
    def _target(y, rows):
        return () if y is None else (take(y, rows),)

    def _input_names(self, features):
        if is_frame(features):
            return list(features.columns)
        return [f"x{j}" for j in range(features.shape[1])]

    def _block_names(self, fitted, features, own, block):
        names = [self._input_names(features)[j] for j in own]
        if hasattr(fitted, "get_feature_names_out"):
            return list(fitted.get_feature_names_out(names))
        return names if block.shape[1] == len(names) else [f"f{j}" for j in range(block.shape[1])]

    def _union_of_names(self, features):
        if all(names == self._names_out[0] for names in self._names_out):
            return self._names_out[0]
        produced = dict.fromkeys(name for names in self._names_out for name in names)
        kept = [name for name in self._input_names(features) if name in produced]
        return kept + [name for name in produced if name not in kept]

    def _task_position(self):
        """Where the task column goes: where it was, or a named one at the end if that is gone."""
        last = len(self._names)
        if self._position is not None:
            return min(self._position, last)
        position = self.task_col + (last + 1 if self.task_col < 0 else 0)
        if not 0 <= position <= last:
            raise ValueError(
                f"task_col={self.task_col} is out of range after {self.transformer!r}, which "
                f"leaves {last} columns: put the task column first (0) or last (-1)"
            )
        return position

    def _with_task(self, X, features, task, result):
        if is_frame(X):
            frame = type(X)(result, index=X.index, columns=self._names).infer_objects()
            if self.task_col is not None:
                frame.insert(self._task_position(), self.task_col, X[self.task_col])
            return frame
        if self.task_col is None:
            return result
        if task.dtype.kind in "US":
            result, task = result.astype(object), task.astype(object)
        return np.insert(result, self._task_position(), task, axis=1)


def _columns(part, own):
    """The columns at positions `own`, keeping the kind of `part`."""
    if len(own) == part.shape[1]:
        return part
    return part.iloc[:, own] if is_frame(part) else part[:, own]
