"""What an interval speaks about, and the standard error that each answer asks for."""

import warnings
from typing import NamedTuple

import numpy as np
from scipy import stats

from .._utils._validation import check_choice

SCOPES = ("new rows", "these rows", "new tasks")


class Error(NamedTuple):
    """Of a mean over splits."""

    error: float
    df: float
    design: str  # "splits", "corrected splits", "rows and splits", "blocks", "tasks"


class Parts:
    """How the rows of the scored tasks are divided by J splits.

    A unit is a row, or rows of one task and one group. `train` and `test` (J, U) count the rows of
    each unit. `tasks` and `clusters` (U,) hold the code of a unit's task, and that of the rows
    which are independent of all others. `shared` (U,) is the mean share of the training rows of a
    split that train in another one too, and `used` (U,) the most splits in which a row has a part.
    """

    def __init__(self, train, test, tasks, clusters, shared, used):
        self.train, self.test, self.tasks, self.clusters = train, test, tasks, clusters
        self.shared, self.used = shared, used

    @classmethod
    def of_splits(cls, splits, of_rows, tasks, clusters):
        """Of row numbers; `of_rows` (n,) is the unit of each row, -1 for rows that do not count."""
        mine = np.flatnonzero(of_rows >= 0)
        units, U, n = of_rows[mine], len(tasks), len(of_rows)
        sides = [
            np.array([np.bincount(rows, minlength=n)[mine] for rows in side])
            for side in zip(*splits, strict=True)
        ]
        train, test = (np.array([np.bincount(units, row, U) for row in side]) for side in sides)
        times = sides[0].sum(axis=0)  # that each row trains
        again = np.bincount(units, times * (times - 1), U)
        trained = np.bincount(units, times, U) * (len(splits) - 1)
        used = np.zeros(U, dtype=int)
        np.maximum.at(used, units, (sides[0] + sides[1] > 0).sum(axis=0))
        shared = np.divide(again, trained, out=np.zeros(U), where=trained > 0)
        return cls(train, test, tasks, clusters, shared, used)

    def of(self, splits, units):
        """The same for some splits and some units."""
        clusters = np.unique(self.clusters[units], return_inverse=True)[1]
        return Parts(
            self.train[splits][:, units],
            self.test[splits][:, units],
            self.tasks[units],
            clusters,
            self.shared[units],
            self.used[units],
        )

    def ratio(self):
        """Test rows for each training row; infinite where none trains."""
        rows = self.train.sum()
        return self.test.sum() / rows if rows else np.inf

    def overlap(self):
        """Mean share of the training rows of a split that train in another one too."""
        rows = self.train.sum(axis=0)
        return np.average(self.shared, weights=rows) if rows.any() else 0.0

    def apart(self):
        """Whether no row has a part in two splits."""
        return bool(self.used.max() <= 1)


def check_scope(scope):
    check_choice(scope, "scope", SCOPES)
    return scope


def error_of_mean(d, scope, parts, influence):
    """Standard error of the mean of d (J,), one difference a split.

    `influence` (J, U) holds how much each unit moves each difference; NaN where that is not known.
    """
    J = len(d)
    s2 = 0.0 if np.ptp(d) == 0 else d.var(ddof=1)
    if scope == "these rows":
        return Error(np.sqrt(s2 / J), J - 1, "splits")
    known = np.isfinite(influence).all()
    if scope == "new tasks":
        return _over_tasks(s2 / J, J - 1, influence, parts)
    if parts.apart():
        return Error(np.sqrt(s2 / J), J - 1, "blocks")
    if parts.ratio() < 1 or not known:
        return Error(np.sqrt(s2 * (1 / J + parts.ratio())), J - 1, "corrected splits")
    return _over_rows_and_splits(s2, influence, parts)


def of_macro(differences, scope, parts, influence):
    """Parts and influences of the tasks that a macro score is the mean of.

    `differences` (J, T) of each split's tasks are NaN where a task is not in the mean. If tasks are
    drawn, each moves the mean by its distance from it: in equal shares by its tested units.
    """
    known = np.isfinite(differences)
    if scope == "new tasks":
        apart = differences - np.nanmean(differences, axis=1, keepdims=True)
        tested = parts.test > 0
        units = np.array([np.bincount(parts.tasks[j], minlength=known.shape[1]) for j in tested])
        share = np.where(known, apart / known.sum(axis=1, keepdims=True) / np.maximum(units, 1), 0)
        influence = influence + np.where(tested, share[:, parts.tasks], 0)
    ranked = known.any(axis=0)[parts.tasks]
    if ranked.all():
        return parts, influence
    return parts.of(slice(None), ranked), influence[:, ranked]


def _over_tasks(of_splits, df, influence, parts):
    """Tasks are drawn: the spread of what each adds to the mean, and the variance of few splits.

    Each has the t quantile of its own degrees of freedom; their ratio is taken at 95 %.
    """
    T = parts.tasks.max() + 1
    own = np.bincount(parts.tasks, influence.mean(axis=0), minlength=T)
    own = own[np.bincount(parts.tasks, parts.test.sum(axis=0), minlength=T) > 0]
    T = len(own)
    if T < 2:
        return Error(np.inf, 1, "tasks")
    of_splits *= (stats.t.ppf(0.975, df) / stats.t.ppf(0.975, T - 1)) ** 2
    return Error(np.sqrt(of_splits + (own**2).sum() * T / (T - 1)), T - 1, "tasks")


def _over_rows_and_splits(s2, influence, parts):
    """Rows are drawn: variance components of rows, of training parts, and of both crossed."""
    J, clusters = len(influence), parts.clusters.max() + 1
    c, tested = np.zeros((2, J, clusters))
    np.add.at(c, (slice(None), parts.clusters), influence)
    np.add.at(tested, (slice(None), parts.clusters), parts.test)
    tested = tested > 0
    c, tested = c[:, tested.any(axis=0)], tested[:, tested.any(axis=0)]
    U, each = c.shape[1], tested.sum(axis=1)
    rows = (c.mean(axis=0) ** 2).sum() * U / max(U - 1, 1)
    # Variance of a single row's term: over rows and given the split, then of its mean over splits.
    single = ((c**2).sum(axis=1) * each**2 / np.maximum(each - 1, 1)).mean()
    times = tested.sum(axis=0).mean()
    crossed = max(0.0, single - rows * U) / (1 - 1 / times) if times > 1 else 0.0
    main = max(0.0, rows * U - crossed / times)
    overlap, share = parts.overlap(), each.mean() / U
    by_training = (s2 - (main * (1 - share) + crossed) / each.mean()) / max(1 - overlap, 0.05)
    splits = s2 / J + overlap * max(0.0, by_training)
    total = splits + rows
    df = total**2 / (splits**2 / (J - 1) + rows**2 / max(U - 1, 1)) if total else J - 1
    return Error(np.sqrt(total), df, "rows and splits")


def check_new_tasks(comparison, influence):
    """Whether tasks can be the sample."""
    T = len(comparison.tasks)
    if T == 1:
        raise ValueError(
            f"scope='new tasks' needs several tasks, but {comparison.tasks[0]!r} alone is scored: "
            "use scope='new rows'"
        )
    if not np.isfinite(influence).all():
        raise ValueError(
            f"scope='new tasks': how much each task moves {comparison.scoring!r} could not be "
            "computed on all splits: use a cv with larger test parts, or another scoring"
        )
    if T < 5:
        warnings.warn(
            f"scope='new tasks': the sample is {T} tasks, so intervals have {T - 1} degree(s) of "
            "freedom and are wide: collect more tasks, or ask for scope='new rows'",
            stacklevel=4,
        )


def warn_wide(comparison, design):
    """The interval of `design` for new rows may be valid and still useless."""
    ratio = comparison.parts.ratio()
    if design == "corrected splits" and ratio >= 1:
        warnings.warn(
            f"each split tests {ratio:.3g} times the rows that it trains, and how much single rows "
            f"move {comparison.scoring!r} could not be computed on all splits, so the interval for "
            "new rows is far too wide: use a cv with smaller test parts, or another scoring",
            stacklevel=4,
        )
