"""Columns that only some tasks have, made ready for estimators that need all of them filled."""

import narwhals as nw
import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils import check_array, check_consistent_length
from sklearn.utils.validation import check_is_fitted

from .._utils._containers import as_table, column_names, groups, is_frame
from .._utils._validation import check_number, check_X
from ._assembly import in_output
from ._reading import read_table, task_codes, task_position, unique_tasks
from ._rows import explaining, feature_names, refuse_dates


class PrivateColumns(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    r"""Keep columns that only some tasks have: private to them, and nothing to the others.

    A column is private if in `fit` some tasks have no value in it at all. With m_j the mean of
    column j over the rows of the tasks that have it, and s the `scale`, it becomes

    .. math::

        x_{tij} \mapsto s\,(x_{tij} - m_j) \;\text{ in a task } t \text{ that has column } j,
        \qquad 0 \;\text{ in the others}.

    Common columns stay as they are. So an estimator behind this step gets a full table, and what it
    learns of a private column it learns from the rows of its owners alone: for the others the
    weight of the column is multiplied by 0 in every row, and adds nothing to their loss.

    Parameters
    ----------
    task_col : str, int or None, default=None
        The task column; None means one task.
    scale : float, default=1.0
        s, positive. For an estimator that penalises weights, private columns are penalised
        1 / s² times as much.

    Attributes
    ----------
    tasks_ : ndarray of shape (T,)
        The tasks seen in `fit`, sorted.
    owners_ : dict
        The tasks that have it, for each private column, by its name (in an array its position).
    n_features_in_ : int
        Number of columns of `X`, the task column included.
    feature_names_in_ : ndarray of str
        Names of these columns; only if `X` is a DataFrame with string names.

    Raises
    ------
    ValueError
        If `scale` is not positive, features are not numbers, `X` is sparse, and what `read_table`
        raises.

    See Also
    --------
    stack_tasks : Makes such a table of one table per task.
    mtlkit.baselines.PerTask : Each task's model has the columns of the task, without this step.
    mtlkit.linear.MeanRegularizedRidge : Ties the tasks' weights; stands behind this step.

    Notes
    -----
    A hole in a column of a task that has it is a missing value and stays one, in common and in
    private columns. A column that a task lacked in `fit` is 0 for it in `transform`, whatever it
    holds. In a task that is new in `transform` a value of a private column counts, and 0 stands
    where there is none; a column that all tasks had in `fit` it must have too. Put scalers before
    this step. Estimators that take NaN, such as boosted trees in
    :class:`~mtlkit.baselines.Pooled`, need no such step.

    In a linear model without sharing the weights of private columns are those of a model of the
    owner alone. Where weights are tied, as by ``MeanRegularizedRidge(alpha, coupling=c)`` in T
    tasks, the weights that a column has in tasks without it are free: the penalty is at its
    minimum over them. What is left of it for the k owners is

    .. math::

        \alpha (1 + c) \Big[ \sum_{t} w_{tj}^2
        - \frac{c}{T + k c} \big( \sum_t w_{tj} \big)^2 \Big],

    both sums over owners: for one owner its weight is tied to no other, with strength
    α T (1 + c) / (T + c), between α and α T. With ``scale=sqrt(T * (1 + c) / (T + c))`` it is just
    α, as in a model of the owner alone; search over `scale` where many tasks have private columns.
    Group penalties over tasks leave weights outside the owners at 0, and the first layer of a
    network sees a private column in rows of its owners only.

    O(n p) time. Taught in :doc:`/chapters/code/two_tables`.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[0, 5.1, 1.0], [0, 6.2, 3.0], [1, 4.9, np.nan]])
    >>> private = PrivateColumns(task_col=0).fit(X)
    >>> private.owners_
    {2: [0.0]}
    >>> private.transform(X)
    array([[ 0. ,  5.1, -1. ],
           [ 0. ,  6.2,  1. ],
           [ 1. ,  4.9,  0. ]])
    """

    def __init__(self, task_col=None, *, scale=1.0):
        self.task_col = task_col
        self.scale = scale

    def fit(self, X, y=None):
        """Find out which columns are private, and to whom.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)
            Table with the task column.
        y : array-like of shape (n,), default=None
            Not used.

        Returns
        -------
        self : object
            The fitted step.
        """
        check_number(self.scale, "scale", low=0, open_low=True, open_high=True)
        X, features, task, names = self._read(X, reset=True)
        check_consistent_length(features, y)
        self.tasks_, codes = unique_tasks(task)
        rows = groups(codes, len(self.tasks_))
        self._has = ~np.array([np.isnan(features[own]).all(axis=0) for own in rows])
        tasks = self.tasks_.tolist()
        self._private = np.flatnonzero(~self._has.all(axis=0)).tolist()
        self.owners_, self._centre = {}, {}
        for j in self._private:
            self.owners_[names[j]] = [tasks[t] for t in np.flatnonzero(self._has[:, j])]
            known = features[~np.isnan(features[:, j]), j]
            self._centre[j] = (known / max(known.size, 1)).sum()  # the sum may be too large
        return self

    def transform(self, X):
        """Centre private columns where they are, and put 0 where they are not.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)
            Table with the task column.

        Returns
        -------
        table : DataFrame or array of shape (n, p)
            The same columns, in the kind of `X`.
        """
        check_is_fitted(self)
        X, features, task, names = self._read(X, reset=False)
        codes = task_codes(task, self.tasks_, unseen=None)
        place = X.shape[1] if self.task_col is None else task_position(X, self.task_col)
        filled = {}
        for j in self._private:
            values = features[:, j]
            lacks = np.where(codes < 0, np.isnan(values), ~self._has[codes, j])
            with np.errstate(over="ignore"):
                private = np.where(lacks, 0.0, float(self.scale) * (values - self._centre[j]))
            if np.isinf(private).any():
                raise ValueError(
                    f"column {names[j]!r} reaches {np.nanmax(np.abs(values)):.3g} in size, and "
                    "overflows when it is centred and scaled: divide it by a constant"
                )
            filled[j + (j >= place)] = private
        return in_output(_replaced(X, filled), self)

    def _read(self, X, *, reset):
        """The table, its features as floats, the task of each row, and what to call features."""
        X = as_table(X)
        features, task = read_table(X, self.task_col)
        check_X(self, X, reset=reset, skip_check_array=True)
        names = feature_names(X, self.task_col)
        with explaining(features, names, task):
            refuse_dates(features)
            numbers = check_array(features, dtype=np.float64, ensure_all_finite="allow-nan")
        return X, numbers, task, names

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


def _replaced(X, columns):
    """A copy of the table with some columns, by position, replaced."""
    if hasattr(X, "iloc"):
        X = X.copy()
        for j, values in columns.items():
            X.isetitem(j, values)
        return X
    if is_frame(X):
        frame, names = nw.from_native(X), column_names(X)
        new = [
            nw.new_series(names[j], values, backend=frame.implementation)
            for j, values in columns.items()
        ]
        return frame.with_columns(*new).to_native()
    X = X.copy()
    for j, values in columns.items():
        X[:, j] = values
    return X
