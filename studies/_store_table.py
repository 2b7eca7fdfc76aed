"""The stores' table, rules that need no model, and splits by time, for the study of the stores."""

from datetime import date, timedelta

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.preprocessing import StandardScaler

from mtlkit.datasets import fetch_stores

QUARTER, WEEKS, SEED = 13, 143, 0
ORIGINS = [91, 104, 117, 130]  # four quarters, a whole year
CUTS, NEW = [4, 10, 26, 52], 9
FIRST = date(2010, 2, 5)  # the Friday that ends week 0
EASTERS = (date(2010, 4, 4), date(2011, 4, 24), date(2012, 4, 8))
YEAR, GROWN, RECENT = "a year ago", "a year ago, with growth", "last four weeks"
CHAIN, MEAN = "own level, the chain's year", "mean of the store"


def calendar(week):
    """Words of the calendar of some weeks: names, and an array with a column for each."""
    week = np.asarray(week, dtype=int)
    days = [[FIRST + timedelta(7 * int(w) - back) for back in range(7)] for w in week]

    def share(of_day):
        return np.array([np.mean([of_day(day) for day in own]) for own in days])

    def december(first, last):
        return share(lambda day: day.month == 12 and first <= day.day <= last)

    angle = 2 * np.pi * np.array([own[3].timetuple().tm_yday for own in days]) / 365.25
    words = {"years": week / 52}
    for k in (1, 2, 3):
        words |= {f"sine {k}": np.sin(k * angle), f"cosine {k}": np.cos(k * angle)}
    words["first of the month"] = share(lambda day: day.day <= 7)
    # The Sunday of the Super Bowl and the Monday of Labor Day end on the Friday after them.
    words["Super Bowl"] = share(lambda day: day.month == 2 and 6 <= day.day <= 12)
    words["Easter"] = share(lambda day: any(0 < (e - day).days <= 7 for e in EASTERS))
    words["Fourth of July"] = share(lambda day: 0 <= (date(day.year, 7, 4) - day).days < 7)
    words["Labor Day"] = share(lambda day: day.month == 9 and day.day <= 7)
    words["Thanksgiving"] = share(
        lambda day: day.month == 11 and day.weekday() == 3 and 22 <= day.day <= 28
    )
    words["4 to 10 December"] = december(4, 10)
    words["11 to 17 December"] = december(11, 17)
    words["18 to 24 December"] = december(18, 24)
    words["after Christmas"] = december(26, 31)
    return list(words), np.column_stack(list(words.values()))


def table(extra=False):
    """The long table, log sales and weeks.

    Columns: the store; the words of the calendar; log sales of the store a year (52 weeks) ago, NaN
    where there are none; how the words differ from those a year ago; and, with `extra`, what a
    planner does not know in advance.
    """
    X, y = fetch_stores()
    store, week = X[:, 0].astype(int), X[:, 1].astype(int)
    y = np.log(y)
    words = calendar(np.arange(WEEKS))[1]  # the calendar of all weeks is known in advance
    words[:, 1:] = (words[:, 1:] - words[:, 1:].mean(axis=0)) / words[:, 1:].std(axis=0)
    seen = np.full((store.max() + 1, 52 + WEEKS), np.nan)
    seen[store, 52 + week] = y
    change = words[week] - words[np.maximum(week - 52, 0)]
    # The waves of the year hardly differ; years differ by one.
    change = np.column_stack([words[week, 0], change[:, 7:]])
    beside = StandardScaler().fit_transform(X[:, 3:]) if extra else X[:, :0]
    return np.column_stack([store, words[week], seen[store, week], change, beside]), y, week


N_WORDS = 17
WORDS, AGO = list(range(N_WORDS + 1)), N_WORDS + 1
CHANGES = [0, *range(AGO + 1, AGO + 12)]


def _week(X):
    return np.rint(52 * X[:, 1]).astype(int)


class View(RegressorMixin, BaseEstimator):
    """An estimator that sees some columns, and learns sales over a year ago or over a level."""

    def __init__(self, estimator=None, over=None, columns=WORDS):
        self.estimator, self.over, self.columns = estimator, over, columns

    def fit(self, X, y):
        known = np.isfinite(X[:, AGO]) if self.over == "year" else np.full(len(y), True)
        X, y = X[known], y[known]
        if self.over == "level":
            store = X[:, 0].astype(int)
            self.level_ = np.bincount(store, y) / np.maximum(np.bincount(store), 1)
        self.n_features_in_ = X.shape[1]
        self.estimator_ = clone(self.estimator).fit(X[:, self.columns], y - self._base(X))
        return self

    def predict(self, X):
        return self._base(X) + self.estimator_.predict(X[:, self.columns])

    def _base(self, X):
        if self.over == "level":
            return self.level_[X[:, 0].astype(int)]
        return X[:, AGO] if self.over == "year" else 0.0


class Naive(RegressorMixin, BaseEstimator):
    """A forecast without a model, from training weeks."""

    def __init__(self, rule=YEAR):
        self.rule = rule

    def fit(self, X, y):
        store, week = X[:, 0].astype(int), _week(X)
        seen = np.full((store.max() + 1, WEEKS), np.nan)
        seen[store, week] = y
        end = week.max() + 1
        # Stores with a past make the chain's year.
        full = np.isfinite(seen[:, : end - max(CUTS) - QUARTER]).any(axis=1)
        self.chain_ = np.full(WEEKS + 52, np.nan)
        self.chain_[52 : 52 + end] = np.nanmean(seen[full][:, :end], axis=0)
        last = {RECENT: 4, GROWN: QUARTER, CHAIN: QUARTER, MEAN: WEEKS}.get(self.rule, 1)
        recent, base = week >= end - last, self._base(X)
        self.level_ = np.array([np.nanmean((y - base)[recent & (store == s)])
                                for s in range(store.max() + 1)])  # fmt: skip
        self.n_features_in_ = X.shape[1]
        return self

    def predict(self, X):
        level = 0 if self.rule == YEAR else self.level_[X[:, 0].astype(int)]
        return self._base(X) + level

    def _base(self, X):
        if self.rule == CHAIN:
            return self.chain_[_week(X)]
        return X[:, AGO] if self.rule in (YEAR, GROWN) else np.zeros(len(X))


class LastQuarter:
    """The last 13 weeks of a table are held out; or, with `cut`, those of some stores cut to it."""

    def __init__(self, cut=None, seed=SEED):
        self.cut, self.seed = cut, seed

    def get_n_splits(self, X=None, y=None, groups=None):
        return 1

    def split(self, X, y=None, groups=None):
        week, store = _week(X), X[:, 0]
        start = week.max() + 1 - QUARTER
        past, asked = week < start, (week >= start) & np.isfinite(X[:, AGO])
        if self.cut is None:
            yield np.flatnonzero(past), np.flatnonzero(asked)
            return
        full = np.unique(store[week < start - max(CUTS)])  # those that are not new themselves
        pretend = np.random.default_rng(self.seed).choice(full, NEW, replace=False)
        of_new, known = np.isin(store, pretend), np.isin(store, full)
        train = past & known & (~of_new | (week >= start - self.cut))
        yield np.flatnonzero(train), np.flatnonzero(asked & of_new)


def by_time(X, week, origins=ORIGINS):
    """Quarters; a row without sales a year ago (three of them) is tested for nobody."""
    return [
        (
            np.flatnonzero(week < o),
            np.flatnonzero((week >= o) & (week < o + QUARTER) & np.isfinite(X[:, AGO])),
        )
        for o in origins
    ]


def with_new_stores(X, week, cut, seed=SEED):
    """Each quarter five times: nine stores, other ones each time, have their last weeks alone."""
    rng, splits = np.random.default_rng(seed), []
    for train, test in by_time(X, week):
        start = week[test].min()
        for new in rng.permutation(45).reshape(-1, NEW):
            of_train, of_test = np.isin(X[train, 0], new), np.isin(X[test, 0], new)
            kept = ~of_train | (week[train] >= start - cut)
            splits.append((train[kept], test[of_test]))
    return splits
