"""Splitters on the table that hold every task in every part."""

import numpy as np
from sklearn.model_selection import BaseCrossValidator, BaseShuffleSplit
from sklearn.utils import check_random_state

from .._utils._containers import as_vector, some
from .._utils._containers import groups as rows_by_group
from .._utils._validation import check_flag, check_integer, read_labels
from ._reading import read_table, unique_tasks

MOST_NUMBERED_CLASSES = 20


def are_classes(labels):
    """Whether labels, none of them missing, are classes rather than a continuous target.

    Numbers are classes if they are integers of at most 20 different values: exam scores are
    integers too. A count of few values that is taken for classes does no harm to a split, whose
    parts then hold each value in equal shares.
    """
    values = np.unique(labels)
    if values.dtype.kind not in "iuf":
        return True
    return len(values) <= MOST_NUMBERED_CLASSES and not (values % 1 != 0).any()


def _strata(y, n):
    """Class of each row as an integer; a continuous target is one class, no label another."""
    strata = np.zeros(n, dtype=int)
    shape = getattr(y, "shape", np.shape(y))
    if y is None or shape[1:] not in ((), (1,)):
        return strata
    labels, labelled = read_labels(y, warn=False)
    codes = np.unique(labels[labelled], return_inverse=True)[1]
    strata[labelled] = 1 + codes if are_classes(labels[labelled]) else 1
    return strata


def _tasks_of_two_rows(X, task_col):
    """Names of the tasks, code of each row and rows of each task, which must be at least two."""
    tasks, codes = unique_tasks(read_table(X, task_col, accept_sparse=True)[1])
    counts = np.bincount(codes)
    if counts.min() < 2:
        small = [name for name, count in zip(tasks.tolist(), counts, strict=True) if count < 2]
        raise ValueError(
            f"tasks {some(small)} have a single row in the {len(codes)} rows to be split, which "
            "cannot be both in a training and in a test part (a search splits the training rows "
            "once more): drop or merge them first, or leave whole tasks out with LeaveTasksOut"
        )
    return tasks, codes, counts


def _deal_groups(cells, groups, shares, rng):
    """Which part each row goes to if the rows of a group stay together, (n,).

    `cells` are the task and class of each row as one integer, and `shares` (parts, cells) the rows
    of each cell that each part should hold. Groups are dealt in the order of their sizes, and in
    random order where `rng` is given; each goes to the part that wants most of its rows.
    """
    groups = unique_tasks(as_vector(groups))[1]
    rows_of = rows_by_group(groups, groups.max() + 1)
    order = np.argsort([-len(rows) for rows in rows_of], kind="stable")
    held, part = np.zeros(shares.shape), np.empty(len(groups), dtype=int)
    for g in order if rng is None else rng.permutation(len(rows_of)):
        own = np.bincount(cells[rows_of[g]], minlength=shares.shape[1])
        want = np.where(shares > 0, 1 - held / np.maximum(shares, 1e-9), -1)
        part[rows_of[g]] = best = np.argmax(want @ own)
        held[best] += own
    return part


def _check_parts(tasks, codes, train):
    """Every task has rows in the training part, where groups may have taken them all."""
    gone = np.setdiff1d(np.arange(len(tasks)), codes[train])
    if gone.size:
        names = [tasks.tolist()[k] for k in gone]
        raise ValueError(
            f"tasks {some(names)} have no row in a training part, because rows of a group stay "
            "together: use fewer folds, or more groups per task"
        )


class TaskSplitter(BaseCrossValidator):
    """Splits that never have rows of one group, if `groups` are given, on both sides."""

    __metadata_request__split = {"groups": True}  # noqa: RUF012

    def split(self, X, y=None, groups=None):
        """Generate the row numbers of training and test parts.

        Parameters
        ----------
        X : DataFrame, array or sparse matrix of shape (n, p)
            Table with the task column.
        y : array-like of shape (n,), default=None
            Labels; a missing one (NaN, None) marks an unlabelled row.
        groups : array-like of shape (n,), default=None
            Group of each row, such as a patient: rows of one group are never both in the training
            and in the test part.

        Yields
        ------
        train : ndarray of int
            Numbers of the training rows.
        test : ndarray of int
            Numbers of the test rows.
        """
        codes = None if groups is None else unique_tasks(as_vector(groups))[1]
        for train, test in super().split(X, y, groups):
            if codes is not None:
                train = train[~np.isin(codes[train], codes[test])]
            yield train, test


class TaskFolds(TaskSplitter):
    """What splitters into folds share: parameters, checked whenever they are used."""

    def get_n_splits(self, X=None, y=None, groups=None):
        """Number of folds.

        Parameters
        ----------
        X, y, groups : object
            Ignored; there for scikit-learn.

        Returns
        -------
        n_splits : int
            The parameter `n_splits`.
        """
        return self.n_splits

    def __init__(self, n_splits, shuffle, random_state):
        self.n_splits, self.shuffle, self.random_state = n_splits, shuffle, random_state
        self._check_parameters()
        if not shuffle and random_state is not None:  # scikit-learn's stacking sets it later
            raise ValueError(f"random_state={random_state!r} has no effect: set shuffle=True")

    def _check_parameters(self):
        check_integer(self.n_splits, "n_splits", low=2)
        check_flag(self.shuffle, "shuffle")


class TaskStratifiedKFold(TaskFolds):
    """K folds that hold every task, and every class of each task, in equal shares.

    Rows are assigned to the folds round-robin within each task and class. So shares differ by at
    most one row per task, and every task of at least two rows is in every training part. A task
    of fewer rows than folds is absent from some test parts.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds, at least 2.
    task_col : str, int or None, default=None
        The task column; None means one task.
    shuffle : bool, default=False
        Shuffle the rows before they are assigned.
    random_state : int, RandomState instance or None, default=None
        Order of the shuffle.

    Raises
    ------
    TypeError, ValueError
        If a parameter is out of range. In `split`, if a task has a single row, there are fewer rows
        than folds, or `groups` leave a task without training rows.

    See Also
    --------
    TaskStratifiedShuffleSplit : Random parts of given sizes.
    LeaveTasksOut : Whole tasks are tested.
    sklearn.model_selection.StratifiedKFold : The same without tasks.

    Notes
    -----
    Integers in `y` are classes if they have at most 20 different values; other numbers are a
    continuous target, which is not stratified. Unlabelled rows are a class of their own.

    Held-out rows then have the shares of classes that the task has in training, so that shares
    seem better known than they are. To choose how far levels of tasks are tied, use
    `sklearn.model_selection.KFold`, see :doc:`/chapters/algorithms/partial_pooling`.

    With ``split(X, y, groups)`` all rows of a group go to one fold, the one that lacks most of
    them; shares are then as equal as the groups allow.

    The cost is that of sorting n rows, with groups O(G K C) for G groups and C pairs of task and
    class. Taught in :doc:`/chapters/faq/more_questions`.

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
        super().__init__(n_splits, shuffle, random_state)
        self.task_col = task_col

    def _iter_test_masks(self, X=None, y=None, groups=None):
        self._check_parameters()
        tasks, codes, _ = _tasks_of_two_rows(X, self.task_col)
        n, k = len(codes), self.n_splits
        if n < k:
            raise ValueError(f"n_splits={k} is more than the {n} rows: use fewer folds")
        rng = check_random_state(self.random_state) if self.shuffle else None
        strata = _strata(y, n)
        if groups is None:
            tie = np.arange(n) if rng is None else rng.permutation(n)
            fold = np.empty(n, dtype=int)
            fold[np.lexsort((tie, strata, codes))] = np.arange(n) % k
        else:
            cells = np.unique(np.column_stack([codes, strata]), axis=0, return_inverse=True)[1]
            cells = cells.ravel()
            fold = _deal_groups(cells, groups, np.tile(np.bincount(cells) / k, (k, 1)), rng)
        for j in range(k):
            if groups is not None:
                _check_parts(tasks, codes, fold != j)
                if not (fold == j).any():
                    raise ValueError(f"n_splits={k} is more than the groups: use fewer folds")
            yield fold == j


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
        Which rows are drawn.

    Raises
    ------
    TypeError, ValueError
        If a parameter is out of range. In `split`, if a task has too few rows for the sizes asked
        for, a dict does not name a task, or `groups` leave a task without training rows.

    See Also
    --------
    TaskStratifiedKFold : Every row is tested once.
    sklearn.model_selection.StratifiedShuffleSplit : The same without tasks.

    Notes
    -----
    Within a task the rows are ordered by class, in random order within a class, and drawn at equal
    distances from a random start: every row has the same chance, and the classes keep their shares
    to within one row. Test rows are drawn like this from the rows that do not train; where some of
    these stay unused, shares of the test part are kept to within two rows. Integers in `y` are
    classes if they have at most 20 different values; other numbers are a continuous target.

    With ``split(X, y, groups)`` all rows of a group are in one part; sizes and shares are then as
    near to those asked for as the groups allow.

    As in `TaskStratifiedKFold`, held-out rows have the task's shares of classes, so they must not
    choose how far levels of tasks are tied: use `sklearn.model_selection.ShuffleSplit`.

    The cost is that of sorting n rows for each split.
    Taught in :doc:`/chapters/background/three_settings`.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.column_stack([[0, 0, 0, 0, 1, 1], np.arange(6)])
    >>> train, test = next(TaskStratifiedShuffleSplit(1, test_size=0.5, task_col=0).split(X))
    >>> np.sort(X[test, 0])
    array([0, 0, 1])
    """

    __metadata_request__split = {"groups": True}  # noqa: RUF012

    def __init__(
        self, n_splits=20, *, test_size=None, train_size=None, task_col=None, random_state=None
    ):
        check_integer(n_splits, "n_splits")
        super().__init__(
            n_splits, test_size=test_size, train_size=train_size, random_state=random_state
        )
        self.task_col = task_col

    def _iter_indices(self, X, y=None, groups=None):
        check_integer(self.n_splits, "n_splits")
        tasks, codes, counts = _tasks_of_two_rows(X, self.task_col)
        sizes = [self._sizes(t, n) for t, n in zip(tasks.tolist(), counts.tolist(), strict=True)]
        strata = _strata(y, len(codes))
        rng = check_random_state(self.random_state)
        if groups is not None:
            yield from self._whole_groups(tasks, codes, strata, groups, np.array(sizes), rng)
            return
        rows_of = rows_by_group(codes, len(tasks))
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

    def _whole_groups(self, tasks, codes, strata, groups, sizes, rng):
        kinds, cells = np.unique(np.column_stack([codes, strata]), axis=0, return_inverse=True)
        cells = cells.ravel()
        share = sizes / np.bincount(codes)[:, None]
        share = np.column_stack([share, 1 - share.sum(axis=1)]).clip(0)  # the last stays unused
        shares = share[kinds[:, 0]].T * np.bincount(cells)
        for _ in range(self.n_splits):
            part = _deal_groups(cells, groups, shares, rng)
            _check_parts(tasks, codes, part == 0)
            if not (part == 1).any():
                raise ValueError("no group is left for a test part: lower train_size")
            yield tuple(rng.permutation(np.flatnonzero(part == side)) for side in (0, 1))

    def _sizes(self, task, n):
        train, of_train = _rows("train_size", self.train_size, task, n)
        test, of_test = _rows("test_size", self.test_size, task, n)
        if train is None and test is None:
            test = max(1, round(0.25 * n))
        train = n - test if train is None else train
        test = n - train if test is None else test
        shares = of_train + of_test
        if shares <= 1 + 1e-9 and (shares > 1 - 1e-9 or train + test > n):
            train = n - test  # both shares were rounded: 0.5 and 0.5 of seven rows are 3 and 4
        if train < 1 or test < 1 or train + test > n:
            raise ValueError(
                f"task {task!r} has {n} rows, but train_size and test_size need "
                f"{max(train, 1)} + {max(test, 1)}: lower one of them"
            )
        return train, test


def _rows(name, size, task, n):
    """Rows that `size` asks for in a task of `n` rows, or None; as a share (not one: infinite)."""
    if isinstance(size, dict):
        if task not in size:
            raise ValueError(f"{name} does not name task {task!r}, but {some(size)}")
        size = size[task]
    if size is None:
        return None, np.inf
    if isinstance(size, (float, np.floating)) and 0 < size < 1:
        return max(1, round(size * n)), size
    if isinstance(size, (int, np.integer)) and not isinstance(size, bool) and size >= 1:
        return int(size), np.inf
    raise ValueError(
        f"{name}={size!r} must be a share between 0 and 1 (float) or a number of rows (int)"
    )


def _spread(n, m, rng):
    """`m` of the positions 0 … n-1 at equal distances from a random start."""
    return np.minimum(np.floor((np.arange(m) + rng.uniform()) * n / m).astype(int), n - 1)
