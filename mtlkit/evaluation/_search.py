"""The table of a comparison, its splits, and the search for a candidate's setting."""

import warnings
from inspect import isclass

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import ParameterGrid, TimeSeriesSplit
from threadpoolctl import threadpool_limits

from .._utils._containers import as_table, as_vector, missing, take
from .._utils._delegation import fit_weighted
from .._utils._validation import check_integer, check_weights, read_labels
from ..linear._search import search_from_moments
from ..table import TaskStratifiedKFold, TaskTimeSeriesSplit
from ..table._reading import read_table, unique_tasks
from ._designs import Parts
from ._influence import JACKKNIFE_UNITS, MOST_UNITS


def check_table(X, y, task_col):
    """The table, its labels as an array (n,) with NaN or None for holes, the task of each row."""
    X = as_table(X)
    X = X.tocsr() if hasattr(X, "tocsr") else X
    task = read_table(X, task_col, accept_sparse=True)[1]
    y, labelled = read_labels(y)
    if len(task) != len(y):
        raise ValueError(f"X has {len(task)} rows but y has {len(y)} values: align them")
    if y.dtype.kind == "f":
        y[~labelled] = np.nan
    elif not labelled.all():
        y = np.where(labelled, y.astype(object), None)
    return X, y, task


def check_beside(groups, sample_weight, n):
    """Codes of groups (n,) and weights (n,), each None where not given."""
    if groups is not None:
        groups = as_vector(groups)
        if groups.shape != (n,):
            raise ValueError(f"groups has shape {groups.shape}, but X has {n} rows: align them")
        if missing(groups).any():
            raise ValueError(
                f"groups is missing in row {missing(groups).argmax()}: a row without a group needs "
                "one of its own"
            )
        groups = unique_tasks(groups)[1]
    if sample_weight is not None:
        sample_weight = check_weights(sample_weight, n)
    return groups, sample_weight


def check_inner(inner_cv, cv, task_col):
    """The inner splitter, or the number of folds."""
    if is_splitter(inner_cv):
        return inner_cv
    if isinstance(inner_cv, str) or np.iterable(inner_cv) or isclass(inner_cv):
        raise ValueError(
            f"inner_cv={_shown(inner_cv)} must be a number of folds or a splitter: a training part "
            "has other rows on each split"
        )
    inner_cv = check_integer(inner_cv, "inner_cv", low=2)
    if isinstance(cv, TaskTimeSeriesSplit):
        return TaskTimeSeriesSplit(inner_cv, time_col=cv.time_col, task_col=task_col, gap=cv.gap)
    if isinstance(cv, TimeSeriesSplit):
        raise ValueError(
            f"cv={cv!r} keeps the order of time, but inner_cv={inner_cv} would shuffle rows: pass "
            "a splitter as inner_cv too, or use TaskTimeSeriesSplit for cv"
        )
    return inner_cv


def is_splitter(cv):
    return hasattr(cv, "split") and not isclass(cv) and not isinstance(cv, (str, np.ndarray))


def _shown(cv):
    return repr(cv) if np.isscalar(cv) or isclass(cv) else f"a {type(cv).__name__}"


def check_splits(cv, X, y, lone, groups=None, least=2):
    """The splits of `cv`, `least` or more; rows of the mask `lone` are in every training part.

    All but those whose group is tested.
    """
    if not is_splitter(cv):
        return _check_list(cv, len(y), groups)
    always, rest = np.flatnonzero(lone), np.flatnonzero(~lone)
    beside = () if groups is None else (groups[rest],)
    try:
        with warnings.catch_warnings():
            # Whether they are kept together is checked below.
            warnings.filterwarnings("ignore", "The groups parameter is ignored")
            splits = list(cv.split(take(X, rest), y[rest], *beside))
    except ValueError as error:
        if groups is not None or "groups" not in str(error):
            raise
        raise ValueError(f"cv={cv!r} needs groups: pass groups=") from error
    _check_count(splits, cv, least)
    splits = [(rest[train], rest[test]) for train, test in splits]
    _check_groups(splits, cv, groups)

    def joining(test):
        return always if groups is None else always[~np.isin(groups[always], groups[test])]

    return [(np.append(train, joining(test)), test) for train, test in splits]


def _check_list(splits, n, groups):
    """A list of pairs of row numbers."""
    wrong = (
        f"cv={_shown(splits)} must be a splitter, such as TaskStratifiedShuffleSplit(20), or a "
        "list of (train, test), arrays of row numbers"
    )
    try:
        pairs = [tuple(np.asarray(part) for part in pair) for pair in splits]
    except (TypeError, ValueError) as error:
        raise ValueError(wrong) from error
    if isinstance(splits, str) or any(
        len(pair) != 2 or any(part.ndim != 1 or part.dtype.kind not in "iu" for part in pair)
        for pair in pairs
    ):
        raise ValueError(wrong)
    for j, (train, test) in enumerate(pairs):
        rows = np.concatenate([train, test])
        if not len(train) or not len(test) or rows.min() < 0 or rows.max() >= n:
            raise ValueError(
                f"split {j} of cv has {len(train)} training and {len(test)} test rows, with "
                f"numbers from {rows.min(initial=0)} to {rows.max(initial=0)}: it needs rows on "
                f"both sides, from 0 to {n - 1}"
            )
        both = np.intersect1d(train, test)
        if both.size:
            raise ValueError(f"split {j} of cv has row {both[0]} on both sides: drop it from one")
    _check_count(pairs, "the list")
    _check_groups(pairs, "the list", groups)
    return pairs


def _check_count(splits, cv, least=2):
    if len(splits) < least:
        why = "an interval needs 2" if least == 2 else f"at least {least} is needed"
        raise ValueError(f"cv={cv!r} makes {len(splits)} split(s), but {why}")


def _check_groups(splits, cv, groups):
    """Splitters that do not know groups divide them."""
    for j, (train, test) in enumerate(splits if groups is not None else []):
        both = np.intersect1d(groups[train], groups[test])
        if both.size:
            row = test[np.isin(groups[test], both[:1])][0]
            raise ValueError(
                f"split {j} of cv={cv!r} has the group of row {row} on both sides: use a splitter "
                "that keeps groups together, such as TaskStratifiedShuffleSplit or GroupKFold"
            )


def only_row(task, among):
    """Mask of the rows `among` some, itself a mask, that are the only one of their task there."""
    codes = unique_tasks(task)[1]
    return among & (np.bincount(codes, among)[codes] == 1)


def rows_of(rows, X, y, groups, weight):
    """Some rows of a table and of what stands beside it."""
    return take(X, rows), y[rows], _at(groups, rows), _at(weight, rows)


def _at(values, rows):
    return None if values is None else values[rows]


class Units:
    """What the influence of rows is added up in: a row, or rows of one task and one group.

    `of_rows` (n,) holds the unit of each labelled row of the scored tasks, -1 for others.
    """

    def __init__(self, scorer, X, y, groups):
        rows = scorer.rows(X, y)
        task = np.repeat(np.arange(len(rows)), [len(own) for own in rows])
        rows, rng = np.concatenate(rows), np.random.RandomState(0)
        most = MOST_UNITS if scorer.closed else JACKKNIFE_UNITS
        if groups is None:
            own, clusters = np.arange(len(rows)), None
            if len(rows) > most:  # rows of a task are put together at random
                first = np.searchsorted(task, task)
                own[np.lexsort((rng.permutation(len(rows)), task))] = own - first
                own %= max(5, most // len(scorer.tasks))
        else:
            own = np.unique(groups[rows], return_inverse=True)[1]
            if own.max(initial=0) >= most:
                own = rng.permutation(own.max() + 1)[own] % most
            clusters = own
        names, codes = np.unique(np.column_stack([task, own]), axis=0, return_inverse=True)
        self.count, self.tasks = len(names), names[:, 0]
        self.of_rows = np.full(len(y), -1)
        self.of_rows[rows] = codes.ravel()
        self.clusters = np.arange(self.count) if clusters is None else names[:, 1]

    def parts(self, splits):
        """How the splits divide the units."""
        return Parts.of_splits(splits, self.of_rows, self.tasks, self.clusters)


class Folds:
    """The inner folds of one split, and what all candidates need of them: made when asked for."""

    def __init__(self, search, X, y, groups, weight, seed):
        self.search, self.seed, self.rows = search, seed, (X, y, groups, weight)
        self.moments, self._splits, self._parts = {}, None, None

    @property
    def splits(self):
        if self._splits is None:
            X, y, groups, _ = self.rows
            cv, lone = self.search.inner_cv, np.zeros(len(y), dtype=bool)
            if not is_splitter(cv):
                cv = TaskStratifiedKFold(
                    cv, task_col=self.search.task_col, shuffle=True, random_state=self.seed
                )
                task = read_table(X, self.search.task_col, accept_sparse=True)[1]
                lone = only_row(task, ~lone) | only_row(task, ~missing(y))
            # One held-out part is enough to choose by: no interval is made of it.
            self._splits = check_splits(cv, X, y, lone, groups, least=1)
        return self._splits

    @property
    def parts(self):
        """The test part of each fold."""
        if self._parts is None:
            tested = [rows_of(test, *self.rows) for _, test in self.splits]
            self._parts = [self.search.scorer.part(X, y, weight) for X, y, _, weight in tested]
        return self._parts


class Search:
    """A candidate: an estimator, its grid, and how settings are tried."""

    def __init__(self, estimator, grid, inner_cv, scoring, scorer, task_col):
        self.estimator, self.grid, self.inner_cv = estimator, grid, inner_cv
        self.scoring, self.scorer, self.task_col = scoring, scorer, task_col

    def fit(self, X, y, groups, weight, folds):
        """The estimator fitted with its best setting, and that setting."""
        params = self._best(X, y, weight, folds)
        return self._fit(params, X, y, weight), params

    def on_all_rows(self, X, y, groups, weight):
        """The estimator fitted to a whole table with the setting that folds of it choose."""
        X, y, _ = check_table(X, y, self.task_col)
        groups, weight = check_beside(groups, weight, len(y))
        with threadpool_limits(1):
            folds = Folds(self, X, y, groups, weight, 0)
            return self.fit(X, y, groups, weight, folds)[0]

    def _best(self, X, y, weight, folds):
        settings = list(ParameterGrid(self.grid))
        if len(settings) == 1:
            return settings[0]
        if weight is None:
            found = search_from_moments(
                self.estimator,
                self.grid,
                X,
                y,
                folds.splits,
                score=self.scoring,
                average=self.scorer.average,
                tasks=self.scorer.tasks,
                scorer=self.scorer,
                folds=folds.moments,
            )
            if found is not None:
                return found
        means = [
            np.average(
                [
                    self.scorer.score(
                        self._fit(params, take(X, train), y[train], _at(weight, train)), part
                    )
                    for (train, _), part in zip(folds.splits, folds.parts, strict=True)
                ]
            )
            for params in settings
        ]
        return settings[int(np.argmax(means))]

    def _fit(self, params, X, y, weight):
        model = clone(self.estimator).set_params(**clone(params, safe=False))
        return fit_weighted(model, X, y, weight)
