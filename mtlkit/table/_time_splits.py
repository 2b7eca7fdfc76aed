"""A splitter for rows that have an order in time: the past trains, what follows is tested."""

import numpy as np
from sklearn.model_selection import BaseCrossValidator

from .._utils._containers import as_table, as_vector, column, missing
from .._utils._validation import check_integer
from ._reading import read_table, task_position, unique_tasks
from ._splits import TaskFolds


class TaskTimeSeriesSplit(BaseCrossValidator):
    """Expanding windows on a table with tasks: rows up to a time train, those after it are tested.

    The time is cut into `n_splits` + 1 windows that hold about equally many rows. Split j trains on
    the first j windows of *all* tasks and tests the next one, so that no task learns from another
    one's future. Rows of one time are never divided. A test row counts only if its task has been
    seen: rows of tasks that begin later join the tests one window after their first.

    Parameters
    ----------
    n_splits : int, default=5
        Number of splits.
    time_col : str, int or None, default=None
        The column of times: numbers, dates, or anything else that can be sorted. It stays in the
        table. None: the order of the rows is that of time, each row a time of its own.
    task_col : str, int or None, default=None
        The task column; None means one task.
    gap : int, default=0
        Number of different times left out between training and test, where labels take a while.

    Raises
    ------
    TypeError, ValueError
        If a parameter is out of range. In `split`, if a time is missing, there are fewer times than
        windows, or a split has no training row or no row to test.

    See Also
    --------
    TaskStratifiedShuffleSplit : Random parts, for rows without order.
    sklearn.model_selection.TimeSeriesSplit : The same without tasks, by the order of rows.
    mtlkit.evaluation.compare : Uses expanding windows in its inner search too.

    Notes
    -----
    The cost is that of sorting n times. Taught in :doc:`/chapters/background/did_sharing_help`.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.column_stack([[0, 1, 0, 1, 0, 1], [1, 1, 2, 2, 3, 3]])
    >>> for train, test in TaskTimeSeriesSplit(2, time_col=1, task_col=0).split(X):
    ...     print("times trained", np.unique(X[train, 1]), "tested", np.unique(X[test, 1]))
    times trained [1] tested [2]
    times trained [1 2] tested [3]
    """

    __metadata_request__split = {"groups": True}  # noqa: RUF012

    def __init__(self, n_splits=5, *, time_col=None, task_col=None, gap=0):
        self.n_splits, self.time_col, self.task_col, self.gap = n_splits, time_col, task_col, gap
        self._check_parameters()

    def _check_parameters(self):
        check_integer(self.n_splits, "n_splits", low=2)
        check_integer(self.gap, "gap", low=0)

    get_n_splits = TaskFolds.get_n_splits

    def split(self, X, y=None, groups=None):
        """Generate the row numbers of training and test parts.

        Parameters
        ----------
        X : DataFrame, array or sparse matrix of shape (n, p)
            Table with the task column, and that of times.
        y : object, default=None
            Ignored; there for scikit-learn.
        groups : array-like of shape (n,), default=None
            Group of each row, such as a patient: groups that are tested do not train.

        Yields
        ------
        train : ndarray of int
            Numbers of the training rows.
        test : ndarray of int
            Numbers of the test rows.
        """
        self._check_parameters()
        task = read_table(X, self.task_col, accept_sparse=True)[1]
        codes, time = unique_tasks(task)[1], self._times(X, len(task))
        groups = None if groups is None else unique_tasks(as_vector(groups))[1]
        times, k = time.max() + 1, self.n_splits + 1
        # The first time of each window: where the rows so far pass its share.
        rows = np.cumsum(np.bincount(time))
        first = np.searchsorted(rows, np.arange(k) * len(time) / k, "right")
        if times < k or (np.diff(first) < 1).any():
            raise ValueError(
                f"n_splits={self.n_splits} needs {k} windows of time, but the {len(time)} rows "
                f"have {times} different times, too few or too unequal: use fewer splits"
            )
        for j, start in enumerate(first[1:]):
            end = first[j + 2] if j + 2 < k else times
            train, test = time < start - self.gap, (time >= start) & (time < end)
            test &= np.isin(codes, codes[train])
            if groups is not None:
                train &= ~np.isin(groups, groups[test])
                test &= np.isin(codes, codes[train])
            if not train.any() or not test.any():
                raise ValueError(
                    f"split {j} has no {'training row' if not train.any() else 'row to test'}: no "
                    f"task has rows both before and after time {start}, counted from 0 in order "
                    f"(gap={self.gap}): use fewer splits or a smaller gap"
                )
            yield np.flatnonzero(train), np.flatnonzero(test)

    def _times(self, X, n):
        """The time of each row as a number from 0 on."""
        if self.time_col is None:
            return np.arange(n)
        X = as_table(X)
        try:
            values = as_vector(column(X, task_position(X, self.time_col)))
        except ValueError as error:
            raise ValueError(str(error).replace("task_col", "time_col", 1)) from None
        if missing(values).any():
            raise ValueError(
                f"time_col={self.time_col!r} is missing in row {missing(values).argmax()}: drop "
                "the row or fill in its time"
            )
        return np.unique(values, return_inverse=True)[1]
