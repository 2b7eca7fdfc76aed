"""Splitters that test a target's rows alone, or whole tasks."""

from itertools import combinations
from math import comb

import numpy as np

from .._utils._containers import as_vector, some
from .._utils._validation import check_integer, read_labels
from ._reading import find_tasks, read_table, unique_tasks
from ._splits import TaskFolds, TaskSplitter, TaskStratifiedKFold


class TargetKFold(TaskFolds):
    """K folds of the labelled rows of a target task; all other rows always train.

    What a search over the parameters of a transfer method needs: settings are scored on the target,
    whose rows of other folds train together with the sources and with the target's unlabelled rows.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds, at least 2.
    target : task name or None, default=None
        The task to be scored; None (with ``task_col=None``) means all rows.
    task_col : str, int or None, default=None
        The task column; None means one task.
    shuffle : bool, default=False
        Shuffle the labelled target rows before they are assigned. Classes are spread evenly.
    random_state : int, RandomState instance or None, default=None
        Order of the shuffle.

    Raises
    ------
    TypeError, ValueError
        If a parameter is out of range. In `split`, if `target` is not a task of the table, or has
        fewer labelled rows than folds: without target labels no setting can be scored on the
        target.

    See Also
    --------
    TaskStratifiedKFold : Rows of all tasks are scored.
    mtlkit.baselines.FeatureAugmentation : A transfer method to search over.

    Notes
    -----
    With ``split(X, y, groups)`` all labelled target rows of a group are in one fold, and other rows
    of the groups that are tested do not train.

    The cost is that of sorting the target's rows.
    Taught in :doc:`/chapters/algorithms/borrow_model`.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.column_stack([[0, 0, 1, 1, 1], np.arange(5)])
    >>> y = np.array([1, 2, 1, 2, np.nan])
    >>> for train, test in TargetKFold(2, target=1, task_col=0).split(X, y):
    ...     print(train, test)
    [0 1 3 4] [2]
    [0 1 2 4] [3]
    """

    def __init__(self, n_splits=5, *, target=None, task_col=None, shuffle=False, random_state=None):
        super().__init__(n_splits, shuffle, random_state)
        self.target = target
        self.task_col = task_col

    def _iter_test_indices(self, X=None, y=None, groups=None):
        self._check_parameters()
        _, task = read_table(X, self.task_col, accept_sparse=True)
        tasks, codes = unique_tasks(task)
        own = np.ones(len(task), dtype=bool)
        if self.task_col is not None:
            position = find_tasks([self.target], tasks)[0]
            if position < 0:
                raise ValueError(
                    f"target={self.target!r} is not a task in column {self.task_col!r}: choose one "
                    f"of {some(tasks.tolist())}"
                )
            own = codes == position
        labels = None
        if y is not None:
            labels, labelled = read_labels(y, warn=False)
            own &= labelled
        rows = np.flatnonzero(own)
        if y is None or len(rows) < self.n_splits:
            count = 0 if y is None else len(rows)
            raise ValueError(
                f"the target {self.target!r} has {count} labelled rows, fewer than the "
                f"{self.n_splits} folds: a search is scored on target labels. Label some rows, use "
                "fewer folds, or fix the parameters without a search"
            )
        state = self.random_state if self.shuffle else None
        folds = TaskStratifiedKFold(self.n_splits, shuffle=self.shuffle, random_state=state)
        groups = None if groups is None else unique_tasks(as_vector(groups))[1][rows]
        for _, test in folds.split(rows[:, None], labels[rows], groups):
            yield rows[test]


class LeaveTasksOut(TaskSplitter):
    """Leave whole tasks out: how well are tasks predicted that training never saw?

    Parameters
    ----------
    n_tasks : int, default=1
        Number of tasks in each test part; every combination is used once.
    task_col : str or int
        The task column.

    Raises
    ------
    TypeError, ValueError
        If a parameter is out of range. In `split` and `get_n_splits`, if there are not more than
        `n_tasks` tasks.

    See Also
    --------
    TaskStratifiedKFold : New rows of known tasks are tested.
    sklearn.model_selection.LeavePGroupsOut : The same with the tasks given as groups.

    Notes
    -----
    With ``split(X, y, groups)`` rows of other tasks whose group is tested do not train.

    The cost is O(n) for each combination. Taught in :doc:`/chapters/faq/more_questions`.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.column_stack([[0, 0, 1, 2], np.arange(4)])
    >>> for train, test in LeaveTasksOut(task_col=0).split(X):
    ...     print(train, test)
    [2 3] [0 1]
    [0 1 3] [2]
    [0 1 2] [3]
    """

    def __init__(self, n_tasks=1, *, task_col):
        self.n_tasks = check_integer(n_tasks, "n_tasks")
        self.task_col = task_col

    def get_n_splits(self, X, y=None, groups=None):
        """Number of combinations of `n_tasks` tasks in `X`.

        Parameters
        ----------
        X : DataFrame, array or sparse matrix of shape (n, p)
            Table with the task column.
        y, groups : object
            Ignored; there for scikit-learn.

        Returns
        -------
        n_splits : int
            T over `n_tasks`, for T tasks.
        """
        return comb(self._codes(X).max() + 1, self.n_tasks)

    def _iter_test_masks(self, X, y=None, groups=None):
        codes = self._codes(X)
        for left_out in combinations(range(codes.max() + 1), self.n_tasks):
            yield np.isin(codes, left_out)

    def _codes(self, X):
        """The task of each row as an integer; some tasks must remain to train on."""
        check_integer(self.n_tasks, "n_tasks")
        tasks, codes = unique_tasks(read_table(X, self.task_col, accept_sparse=True)[1])
        if len(tasks) <= self.n_tasks:
            raise ValueError(
                f"n_tasks={self.n_tasks} leaves nothing to train on: X has {len(tasks)} tasks"
            )
        return codes
