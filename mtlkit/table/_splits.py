"""Splitters on the table: every task in every fold, a target's rows alone, or whole tasks."""

from itertools import combinations
from math import comb

import numpy as np
from sklearn.model_selection import BaseCrossValidator, BaseShuffleSplit
from sklearn.utils import check_random_state

from .._utils._containers import groups as rows_by_group
from .._utils._containers import missing, some, take
from ._reading import read_table

MOST_NUMBERED_CLASSES = 20


def are_classes(labels):
    """Whether labels, none of them missing, are classes and not a quantity.

    Numbers are classes if they are whole and few; exam scores, too, are whole numbers.
    """
    values = np.unique(labels)
    if values.dtype.kind not in "iuf":
        return True
    return len(values) <= MOST_NUMBERED_CLASSES and not (values % 1 != 0).any()


def _strata(y, n):
    """Class of each row as an integer. A quantity is one class, and so are the missing labels."""
    if y is None or np.ndim(y) != 1:
        return np.zeros(n, dtype=int)
    known = ~missing(y)
    labels = np.array(np.asarray(y)[known].tolist())
    strata = np.zeros(n, dtype=int)
    codes = np.unique(labels, return_inverse=True)[1]
    strata[known] = 1 + codes if are_classes(labels) else 1
    return strata


def _tasks_of_two_rows(X, task_col):
    """Names of the tasks, code of each row and rows of each task, which must be at least two."""
    _, task = read_table(X, task_col)
    tasks, codes, counts = np.unique(task, return_inverse=True, return_counts=True)
    if counts.min() < 2:
        small = tasks[counts < 2].tolist()
        raise ValueError(
            f"tasks {some(small)} have a single row, which cannot be both in a training and in a "
            "test part: drop them, merge them, or leave whole tasks out with LeaveTasksOut"
        )
    return tasks, codes, counts


class TaskStratifiedKFold(BaseCrossValidator):
    """K folds that hold every task, and every class of each task, in equal shares.

    Rows are dealt to the folds like cards, task by task and class by class. So shares differ by at
    most one row per task, and every task of at least two rows is in every training part. A task
    of fewer rows than folds is absent from some test parts. Numbers in `y` are classes if they are
    whole and at most 20 different ones; else they are a quantity.

    Parameters
    ----------
    n_splits : int, default=5
    task_col : str, int or None, default=None
        The task column; None means one task.
    shuffle : bool, default=False
        Shuffle the rows before they are dealt.
    random_state : int, RandomState instance or None, default=None
        Order of the shuffle.

    Raises
    ------
    ValueError
        In `split`, if a task has a single row or there are fewer rows than folds.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.column_stack([[0, 0, 0, 0, 1, 1], np.arange(6)])
    >>> for train, test in TaskStratifiedKFold(2, task_col=0).split(X):
    ...     print("tasks tested:", X[test, 0])
    tasks tested: [0 0 1]
    tasks tested: [0 0 1]
    """

    def __init__(self, n_splits=5, *, task_col=None, shuffle=False, random_state=None):
        if not isinstance(n_splits, (int, np.integer)) or n_splits < 2:
            raise ValueError(f"n_splits={n_splits!r} must be an integer of at least 2")
        if not shuffle and random_state is not None:
            raise ValueError(f"random_state={random_state!r} has no effect: set shuffle=True")
        self.n_splits = n_splits
        self.task_col = task_col
        self.shuffle = shuffle
        self.random_state = random_state

    def get_n_splits(self, X=None, y=None, groups=None):
        """Number of folds."""
        return self.n_splits

    def _iter_test_masks(self, X=None, y=None, groups=None):
        _, codes, _ = _tasks_of_two_rows(X, self.task_col)
        n = len(codes)
        if n < self.n_splits:
            raise ValueError(f"n_splits={self.n_splits} is more than the {n} rows: use fewer folds")
        tie = np.arange(n)
        if self.shuffle:
            tie = check_random_state(self.random_state).permutation(n)
        fold = np.empty(n, dtype=int)
        fold[np.lexsort((tie, _strata(y, n), codes))] = np.arange(n) % self.n_splits
        for k in range(self.n_splits):
            yield fold == k


class TaskStratifiedShuffleSplit(BaseShuffleSplit):
    """Random training and test parts, drawn in each task with the task's shares of classes.

    Parameters
    ----------
    n_splits : int, default=20
        Number of random splits.
    test_size, train_size : float, int, dict or None, default=None
        Rows drawn in each task: a share of its rows (float), a number of rows (int), or a dict
        from task to one of these. None: what the other leaves; if both are None, a quarter tests.
    task_col : str, int or None, default=None
        The task column; None means one task.
    random_state : int, RandomState instance or None, default=None

    Raises
    ------
    ValueError
        In `split`, if a task has too few rows for the sizes asked for, or a dict lacks a task.

    Notes
    -----
    Within a task the rows are ordered by class, in random order within a class, and drawn at equal
    distances from a random start: every row has the same chance, and the classes keep their shares
    to within one row. Test rows are drawn like this from the rows that do not train; where some of
    these stay unused, shares of the test part are kept to within two rows. Numbers in `y` are
    classes if they are whole and at most 20 different ones; else they are a quantity.
    """

    def __init__(
        self, n_splits=20, *, test_size=None, train_size=None, task_col=None, random_state=None
    ):
        if not isinstance(n_splits, (int, np.integer)) or n_splits < 1:
            raise ValueError(f"n_splits={n_splits!r} must be an integer of at least 1")
        super().__init__(
            n_splits, test_size=test_size, train_size=train_size, random_state=random_state
        )
        self.task_col = task_col

    def _iter_indices(self, X, y=None, groups=None):
        tasks, codes, counts = _tasks_of_two_rows(X, self.task_col)
        sizes = [self._sizes(t.item(), n) for t, n in zip(tasks, counts, strict=True)]
        strata = _strata(y, len(codes))
        rows_of = rows_by_group(codes, len(tasks))
        rng = check_random_state(self.random_state)
        for _ in range(self.n_splits):
            train, test = [], []
            for own, (n_train, n_test) in zip(rows_of, sizes, strict=True):
                rows = rng.permutation(own)
                rows = rows[np.argsort(strata[rows], kind="stable")]
                drawn = _spread(len(rows), n_train, rng)
                train.append(rows[drawn])
                rest = np.delete(rows, drawn)
                test.append(rest[_spread(len(rest), n_test, rng)])
            yield rng.permutation(np.concatenate(train)), rng.permutation(np.concatenate(test))

    def _sizes(self, task, n):
        train = _rows("train_size", self.train_size, task, n)
        test = _rows("test_size", self.test_size, task, n)
        if train is None and test is None:
            test = max(1, round(0.25 * n))
        train = n - test if train is None else train
        test = n - train if test is None else test
        if train < 1 or test < 1 or train + test > n:
            raise ValueError(
                f"task {task!r} has {n} rows, which do not suffice for {max(train, 1)} training "
                f"and {max(test, 1)} test rows: lower train_size or test_size"
            )
        return train, test


def _rows(name, size, task, n):
    """The number of rows that `size` asks for in a task of `n` rows, or None."""
    if isinstance(size, dict):
        if task not in size:
            raise ValueError(f"{name} has no entry for task {task!r}: it names {some(size)}")
        size = size[task]
    if size is None:
        return None
    if isinstance(size, (float, np.floating)) and 0 < size < 1:
        return max(1, round(size * n))
    if isinstance(size, (int, np.integer)) and not isinstance(size, bool) and size >= 1:
        return int(size)
    raise ValueError(
        f"{name}={size!r} must be a share between 0 and 1 (float) or a number of rows (int)"
    )


def _spread(n, m, rng):
    """`m` of the positions 0 … n-1 at equal distances from a random start."""
    return np.minimum(np.floor((np.arange(m) + rng.uniform()) * n / m).astype(int), n - 1)


class TargetKFold(BaseCrossValidator):
    """K folds of the labelled rows of a target task; all other rows always train.

    What a search over the parameters of a transfer method needs: settings are scored on the target,
    whose rows of other folds train together with the sources and with the target's unlabelled rows.

    Parameters
    ----------
    n_splits : int, default=5
    target : task name or None, default=None
        The task to be scored; None (with ``task_col=None``) means all rows.
    task_col : str, int or None, default=None
        The task column; None means one task.
    shuffle : bool, default=False
        Shuffle the labelled target rows before they are dealt. Classes are spread evenly.
    random_state : int, RandomState instance or None, default=None
        Order of the shuffle.

    Raises
    ------
    ValueError
        In `split`, if `target` is not a task of the table, or has fewer labelled rows than folds:
        without target labels no setting can be scored on the target.

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
        self._folds = TaskStratifiedKFold(n_splits, shuffle=shuffle, random_state=random_state)
        self.n_splits = n_splits
        self.target = target
        self.task_col = task_col
        self.shuffle = shuffle
        self.random_state = random_state

    def get_n_splits(self, X=None, y=None, groups=None):
        """Number of folds."""
        return self.n_splits

    def _iter_test_indices(self, X=None, y=None, groups=None):
        _, task = read_table(X, self.task_col)
        known = np.unique(task).tolist()
        own = np.ones(len(task), dtype=bool)
        if self.task_col is not None:
            if self.target not in known:
                raise ValueError(
                    f"target={self.target!r} is not a task in column {self.task_col!r}: choose one "
                    f"of {some(known)}"
                )
            own = task == self.target
        if y is not None:
            own &= ~missing(y if hasattr(y, "iloc") else np.asarray(y))
        rows = np.flatnonzero(own)
        if y is None or len(rows) < self.n_splits:
            count = 0 if y is None else len(rows)
            raise ValueError(
                f"the target {self.target!r} has {count} labelled rows, fewer than the "
                f"{self.n_splits} folds: a search is scored on target labels. Label some rows, use "
                "fewer folds, or fix the parameters without a search"
            )
        for _, test in self._folds.split(rows[:, None], take(y, rows)):
            yield rows[test]


class LeaveTasksOut(BaseCrossValidator):
    """Leave whole tasks out: how well are tasks predicted that training never saw?

    Parameters
    ----------
    n_tasks : int, default=1
        Number of tasks in each test part; every combination is used once.
    task_col : str or int
        The task column.

    Raises
    ------
    ValueError
        In `split` and `get_n_splits`, if there are not more than `n_tasks` tasks.
    """

    def __init__(self, n_tasks=1, *, task_col):
        if not isinstance(n_tasks, (int, np.integer)) or n_tasks < 1:
            raise ValueError(f"n_tasks={n_tasks!r} must be an integer of at least 1")
        self.n_tasks = n_tasks
        self.task_col = task_col

    def get_n_splits(self, X, y=None, groups=None):
        """Number of combinations of `n_tasks` tasks in `X`."""
        return comb(len(self._read(X)[0]), self.n_tasks)

    def _iter_test_masks(self, X, y=None, groups=None):
        tasks, task = self._read(X)
        for left_out in combinations(tasks, self.n_tasks):
            yield np.isin(task, left_out)

    def _read(self, X):
        """The tasks, of which some must remain to train on, and the task of each row."""
        _, task = read_table(X, self.task_col)
        tasks = np.unique(task)
        if len(tasks) <= self.n_tasks:
            raise ValueError(
                f"n_tasks={self.n_tasks} leaves nothing to train on: X has {len(tasks)} tasks"
            )
        return tasks, task
