"""Transformers on the table: fitted per task or shared, and the task column is left alone."""

from copy import copy

import numpy as np
from scipy import sparse
from sklearn import get_config
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.utils import check_consistent_length, get_tags
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from .._utils._containers import as_table, empty_columns, groups, select, take
from .._utils._delegation import chooses_columns, naming, weight_keyword
from .._utils._validation import check_flag, check_X
from ._assembly import Assembly, in_output
from ._reading import read_table, task_codes, unique_tasks
from ._rows import explaining, feature_names, warn_of_a_feature


def per_task(transformer, task_col=None):
    """One clone of a transformer per task; the task column passes through.

    Parameters
    ----------
    transformer : transformer
        Any scikit-learn transformer.
    task_col : str, int or None, default=None
        The task column; None means one task.

    Returns
    -------
    TaskTransformer
        ``TaskTransformer(transformer, task_col=task_col, each_task=True)``.

    See Also
    --------
    shared : One transformer for the rows of all tasks, which takes unseen tasks too.

    Notes
    -----
    Taught in :doc:`/chapters/code/your_own_tables`.

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
    return TaskTransformer(transformer, task_col=task_col, each_task=True)


def shared(transformer, task_col=None):
    """One transformer for the rows of all tasks; the task column passes through.

    Parameters
    ----------
    transformer : transformer
        Any scikit-learn transformer.
    task_col : str, int or None, default=None
        The task column; None means one task.

    Returns
    -------
    TaskTransformer
        ``TaskTransformer(transformer, task_col=task_col, each_task=False)``.

    See Also
    --------
    per_task : One clone per task.

    Notes
    -----
    Taught in :doc:`/chapters/code/your_own_tables`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.preprocessing import MinMaxScaler
    >>> X = np.array([[0, 1.0], [0, 3.0], [1, 4.0], [1, 5.0]])
    >>> shared(MinMaxScaler(), task_col=0).fit_transform(X)
    array([[0.  , 0.  ],
           [0.  , 0.5 ],
           [1.  , 0.75],
           [1.  , 1.  ]])
    """
    return TaskTransformer(transformer, task_col=task_col, each_task=False)


def _can_invert(self):
    inner = self.transformers_[0] if hasattr(self, "transformers_") else self.transformer
    return hasattr(inner, "inverse_transform")


class TaskTransformer(TransformerMixin, BaseEstimator):
    """Apply a transformer to the features of a table and leave the task column alone.

    With ``each_task=True`` row x of task t becomes ``g_t(x)``, with a clone ``g_t`` of the
    transformer fitted to the rows of t; else one ``g`` is fitted to all rows.

    Parameters
    ----------
    transformer : transformer
        Any scikit-learn transformer. Its output must be dense unless the table is sparse.
    task_col : str, int or None, default=None
        The task column; None means one task.
    each_task : bool, default=True
        One clone per task, or one for all rows.

    Attributes
    ----------
    tasks_ : ndarray of shape (n_tasks,)
        The tasks seen in `fit`, sorted.
    transformers_ : list of transformers
        One per task in the order of `tasks_`, or a single one.
    n_features_in_ : int
        Number of columns of `X`, the task column included.
    feature_names_in_ : ndarray of str
        Names of these columns; only if `X` is a DataFrame with string names.

    Raises
    ------
    TypeError
        In `fit`, if `transformer` is not a transformer.
    ValueError
        In `fit`, what the transformer raises, with the name of the task. If ``each_task=True``: in
        `fit`, if a task has a single row; in `transform`, if a task was not seen in `fit`.

    See Also
    --------
    per_task, shared : Short forms.
    mtlkit.baselines.PerTask : One estimator per task.

    Notes
    -----
    The table comes out in its kind: a DataFrame of pandas, polars or pyarrow as such, with the
    dtypes of those columns that the transformer gives in a DataFrame, so that the name of the task
    column survives a Pipeline; a sparse matrix as CSR if the transformer keeps it sparse.
    ``set_output(transform="pandas")`` and ``"polars"`` convert the result. An array has the dtype
    of the transformed features, or of objects where that cannot hold a task, such as a string or an
    integer beyond 2**53.

    With ``each_task=True`` each clone sees the columns that its task has, and the others stay NaN.
    A transformer that chooses columns by name or position, such as a ``ColumnTransformer``, sees
    all of them. A column that only some clones make, such as that of a word which one task has, is
    NaN for the others: use `shared` if the next step takes no NaN.

    Row weights and other parameters of `fit` with one entry per row are divided like the rows and
    handed to the transformer; with metadata routing on, it gets what it requests. The cost is that
    of the transformer on the rows of each task, and O(n p) to put them together.
    Taught in :doc:`/chapters/code/your_own_tables`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.preprocessing import StandardScaler
    >>> X = np.array([[0, 1.0], [0, 3.0], [1, 10.0], [1, 30.0]])
    >>> TaskTransformer(StandardScaler(), task_col=0).fit_transform(X)
    array([[ 0., -1.],
           [ 0.,  1.],
           [ 1., -1.],
           [ 1.,  1.]])
    """

    def __init__(self, transformer, *, task_col=None, each_task=True):
        self.transformer = transformer
        self.task_col = task_col
        self.each_task = each_task

    def fit(self, X, y=None, **fit_params):
        """Fit the transformer, or one clone per task.

        Parameters
        ----------
        X : DataFrame, array or sparse matrix of shape (n, p)
            Table with the task column.
        y : array-like of shape (n,), default=None
            Labels, handed to the transformer.
        **fit_params : dict
            Parameters of the `fit` of the transformer, such as `sample_weight`.

        Returns
        -------
        self : object
            The fitted transformer.
        """
        self._fit(X, y, "fit", fit_params)
        return self

    def fit_transform(self, X, y=None, **fit_params):
        """Fit and transform, as the transformer's own `fit_transform` does (it may cross-fit).

        Parameters
        ----------
        X : DataFrame, array or sparse matrix of shape (n, p)
            Table with the task column.
        y : array-like of shape (n,), default=None
            Labels, handed to the transformer.
        **fit_params : dict
            Parameters of the `fit` of the transformer, such as `sample_weight`.

        Returns
        -------
        table : DataFrame, array or sparse matrix
            The transformed features and the task column.
        """
        X, task, blocks = self._fit(X, y, "fit_transform", fit_params)
        return in_output(self._assembly.table(X, task, blocks), self)

    def transform(self, X):
        """Transform the features; an unseen task is an error if there is one clone per task.

        Parameters
        ----------
        X : DataFrame, array or sparse matrix of shape (n, p)
            Table with the task column.

        Returns
        -------
        table : DataFrame, array or sparse matrix
            The transformed features and the task column.
        """
        check_is_fitted(self)
        X = as_table(X)
        features, task = read_table(X, self.task_col, accept_sparse=True)
        check_X(self, X, reset=False, skip_check_array=True)
        names, who, blocks = feature_names(X, self.task_col), repr(self.transformer), []
        for k, rows, where in self._groups(task):
            part = _columns(take(features, rows), self._columns[k])
            with explaining(features, names, task), naming(where and f"{who} failed in {where}"):
                blocks.append((k, rows, self._checked(self.transformers_[k].transform(part), part)))
        return in_output(self._assembly.table(X, task, blocks), self)

    @available_if(_can_invert)
    def inverse_transform(self, X):
        """The features before the transformation; columns that a task lacked are missing.

        Parameters
        ----------
        X : DataFrame or array
            A table as `transform` gives it.

        Returns
        -------
        table : DataFrame or array of shape (n, p)
            The features as they were in `fit`, and the task column.
        """
        check_is_fitted(self)
        X, there = as_table(X), self._assembly
        place = self.task_col if there.frame or self.task_col is None else there.place
        features, task = read_table(X, place, accept_sparse=True)
        position = {name: j for j, name in enumerate(there.names)}
        blocks = []
        for k, rows, where in self._groups(task):
            part = select(take(features, rows), [position[name] for name in there.each[k]])
            with naming(where and f"{self.transformer!r} failed in {where}"):
                blocks.append((k, rows, self.transformers_[k].inverse_transform(part)))
        back, names = copy(there), there.features(there.inputs)
        back.each = [[names[j] for j in own] for own in self._columns]
        back.names, back.place = names, there.position
        return back.table(X, task, blocks)

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
            One name per column.
        """
        check_is_fitted(self)
        return self._assembly.names_out(self._names, input_features)

    def get_metadata_routing(self):
        """Routing of metadata: the transformer requests parameters of `fit`.

        Returns
        -------
        routing : MetadataRouter
            What scikit-learn's metadata routing asks for.
        """
        mapping = MethodMapping()
        for caller in ("fit", "fit_transform"):
            mapping.add(caller=caller, callee="fit_transform")
        return MetadataRouter(owner=self).add(transformer=self.transformer, method_mapping=mapping)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        if hasattr(self.transformer, "__sklearn_tags__"):  # else `fit` says what is wrong
            inner = get_tags(self.transformer)
            tags.input_tags.allow_nan = inner.input_tags.allow_nan
            tags.input_tags.sparse = inner.input_tags.sparse
            tags.target_tags = inner.target_tags
        tags.requires_fit = True
        return tags

    def _fit(self, X, y, method, params):
        """Fit; return the table, the task and the transformed block of each group of rows."""
        if isinstance(self.transformer, type) or not hasattr(self.transformer, "transform"):
            raise TypeError(
                f"transformer={self.transformer!r} is not a transformer: pass an instance of one, "
                "such as StandardScaler()"
            )
        check_flag(self.each_task, "each_task")
        X = as_table(X)
        features, task = read_table(X, self.task_col, accept_sparse=True)
        check_X(self, X, skip_check_array=True)
        warn_of_a_feature(task, self.task_col)
        params = self._fit_params(method, params)
        check_consistent_length(features, y, params.get("sample_weight"))
        self._assembly = Assembly(X, self.task_col, repr(self.transformer))
        self.tasks_, _ = unique_tasks(task)
        self.transformers_, self._columns, blocks = [], [], []
        names = feature_names(X, self.task_col)
        by_row = {name for name, v in params.items() if np.shape(v)[:1] == (len(task),)}
        for k, rows, where in self._groups(task):
            part = take(features, rows)
            if where and len(rows) == 1 and get_tags(self.transformer).requires_fit:
                raise ValueError(
                    f"n_samples=1 in {where}: {self.transformer!r} cannot learn a spread from one "
                    "row. Use shared(...), or drop this task"
                )
            own = self._own_columns(part)
            fitted = clone(self.transformer)
            target = () if y is None else (take(y, rows),)
            extra = {name: take(v, rows) if name in by_row else v for name, v in params.items()}
            with (
                naming(where and f"{self.transformer!r} could not be fitted on {where}"),
                explaining(part, names, task[rows], rows),
            ):
                block = fitted.fit_transform(_columns(part, own), *target, **extra)
            blocks.append((k, rows, self._checked(block, part)))
            self._columns.append(own)
            self.transformers_.append(fitted)
        self._widths = [block.shape[1] for _, _, block in blocks]
        self._assembly.name_columns(self._names(self._assembly.features(self._assembly.inputs)))
        return X, task, blocks

    def _fit_params(self, method, params):
        """What the `fit` of the transformer gets beside X and y, by its names there."""
        if get_config()["enable_metadata_routing"]:
            return process_routing(self, method, **params)["transformer"]["fit_transform"]
        weight = params.pop("sample_weight", None)
        return params if weight is None else {**params, weight_keyword(self.transformer): weight}

    def _groups(self, task):
        """Number of a transformer, the numbers of its rows, and what messages call them."""
        if not self.each_task:
            return [(0, np.arange(len(task)), None)]
        lacks = "per_task(...) has no transformer for them: use shared(...)"
        rows_of = groups(task_codes(task, self.tasks_, unseen=lacks), len(self.tasks_))
        where = None if self.task_col is None else "task {!r}"
        names = self.tasks_.tolist()
        return [
            (k, rows, where and where.format(names[k]))
            for k, rows in enumerate(rows_of)
            if len(rows)
        ]

    def _checked(self, block, part):
        """A block that a table can hold: sparse only if the table is."""
        if sparse.issparse(block) and not sparse.issparse(part):
            raise ValueError(
                f"{self.transformer!r} gives sparse output, which cannot hold the task "
                "column: ask it for dense output (for example sparse_output=False)"
            )
        return block

    def _own_columns(self, part):
        if self.task_col is None or not self.each_task or chooses_columns(self.transformer):
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
