"""Scores on all tasks together and on each alone, from one prediction of their rows."""

import warnings
from inspect import signature
from typing import NamedTuple

import numpy as np
from scipy.special import softmax
from sklearn.base import is_classifier
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics import average_precision_score, get_scorer, roc_auc_score
from sklearn.utils._response import _get_response_values
from sklearn.utils.validation import _check_response_method

from .._utils._containers import groups, missing, some, take
from .._utils._validation import read_labels
from ..table._reading import read_table, unique_tasks
from ._influence import is_closed, jackknife, row_values

# What `make_scorer` returns; a scorer of another kind may look at more than a prediction.
MADE = type(get_scorer("accuracy"))
RANKING = (roc_auc_score, average_precision_score)


class Part(NamedTuple):
    """Labelled test rows of the scored tasks, in the order of the tasks."""

    X: object
    y: np.ndarray  # (n,)
    weight: np.ndarray | None  # (n,)
    units: np.ndarray | None  # (n,), what rows are independent of each other
    rows: list  # of each task, T arrays of positions


class Scores(NamedTuple):
    """Of one estimator on one part."""

    score: float
    by_task: np.ndarray  # (T,)
    influence: np.ndarray  # (U,), of each unit on the score
    task_influence: np.ndarray  # (U,), of each unit on the score of its task


class Responses:
    """What a fitted estimator predicts for a table: once for all rows, then for some of them."""

    def __init__(self, estimator, X):
        self.estimator, self.X, self.known = estimator, X, {}

    def __call__(self, estimator, method, rows, pos_label=None):
        if method not in self.known:
            self.known[method] = _get_response_values(estimator, self.X, method, pos_label)[0]
        return take(self.known[method], rows)


class TaskScorer:
    """A scorer over the labelled rows of the scored tasks, called as scikit-learn calls one.

    Tasks of which the table shows one class are not ranked: they are left out of a macro score
    whose metric ranks.
    """

    def __init__(self, scorer, task_col, tasks, average, X, y, weight=None):
        self.scorer, self.task_col, self.tasks, self.average = scorer, task_col, tasks, average
        self.classes = [set(y[rows].tolist()) for rows in self.rows(X, y)]
        self.ranks = getattr(scorer, "_score_func", None) in RANKING
        self.closed = is_closed(scorer, weight is not None, len(set().union(*self.classes)))
        self.counted = [not self.ranks or len(own) > 1 for own in self.classes]

    def rows(self, X, y):
        """Labelled rows of each scored task."""
        labelled = np.flatnonzero(~missing(y))
        task = read_table(X, self.task_col, accept_sparse=True)[1]
        names, codes = unique_tasks(task[labelled])
        found = dict(zip(names.tolist(), groups(codes, len(names)), strict=True))
        return [labelled[found.get(name, [])] for name in self.tasks]

    def part(self, X, y, weight=None, units=None):
        """The rows of a table that count."""
        parts = self.rows(X, y)
        rows = np.concatenate(parts)
        if not len(rows):
            raise ValueError(
                f"a test part has no labelled row of the scored tasks {some(self.tasks)}: use "
                "larger test parts, or fewer folds (inner_cv)"
            )
        ends = np.cumsum([len(part) for part in parts])[:-1]
        return Part(
            take(X, rows),
            read_labels(y[rows])[0],
            None if weight is None else weight[rows],
            None if units is None else units[rows],
            np.split(np.arange(len(rows)), ends),
        )

    def __call__(self, estimator, X, y):
        """The score; an error if it cannot be computed."""
        return self.score(estimator, self.part(X, y))

    def score(self, estimator, part):
        """The score of a part; an error if it cannot be computed."""
        return self._overall(Responses(estimator, part.X), part)[0]

    def scores(self, responses, part, n_units):
        """All that is kept of a candidate's test part; NaN for what cannot be computed."""
        score, names = self._overall(responses, part)
        by_task, own = np.full(len(self.tasks), np.nan), np.zeros((2, n_units))
        for t, (rows, classes) in enumerate(zip(part.rows, self.classes, strict=True)):
            if len(rows):
                by_task[t] = self._add_influence(own[0], responses, part, rows, classes)
        if self.average == "macro":
            own[1] = own[0] / len(names)
            for rows, counts in zip(part.rows, self.counted, strict=True):
                if not counts:
                    own[1, part.units[rows]] = 0
        else:
            every = np.arange(len(part.y))
            self._add_influence(own[1], responses, part, every, set().union(*self.classes))
        return Scores(score, by_task, own[1], own[0])

    def _overall(self, responses, part):
        """The score, and the names of what it is the mean of."""
        named = [
            (f"task {name!r}", rows, classes)
            for name, rows, classes, counts in zip(
                self.tasks, part.rows, self.classes, self.counted, strict=True
            )
            if len(rows) and counts
        ]
        if self.average == "micro":
            every = np.arange(len(part.y))
            named = [("the scored tasks", every, set().union(*self.classes))]
        scores = []
        for where, rows, classes in named:
            scores.append(self._on(responses, part, rows, classes))
            if not np.isfinite(scores[-1]):
                raise ValueError(
                    f"the score is {scores[-1]} on the {len(rows)} test rows of {where}: use "
                    "larger test parts, another scoring or, in compare, fewer folds (inner_cv) or "
                    "average='micro'"
                )
        if not scores:
            raise ValueError(
                f"each of the tasks {some(self.tasks)} with test rows has one class in the whole "
                "table, so none can be ranked: use another scoring or average='micro'"
            )
        return float(np.mean(scores)), [where for where, *_ in named]

    def _or_nan(self, responses, part, rows, classes):
        with warnings.catch_warnings():
            # The NaN says it.
            warnings.simplefilter("ignore", UndefinedMetricWarning)
            try:
                return self._on(responses, part, rows, classes)
            except ValueError:
                # Of the metric: the estimator has already predicted these rows.
                return np.nan

    def _on(self, responses, part, rows, classes):
        """The score on some rows, whose labels are all in the set `classes`."""
        if self.ranks and len(classes) < 2:
            return np.nan  # of any order of one class some metrics say that it is perfect
        scorer, estimator, kwargs = self.scorer, responses.estimator, {}
        y = part.y[rows]
        if part.weight is not None:
            kwargs["sample_weight"] = part.weight[rows]
        if not isinstance(scorer, MADE):
            return scorer(estimator, take(responses.X, rows), y, **kwargs)
        if scorer._response_method != "predict" and is_classifier(estimator):
            if self.ranks and len(estimator.classes_) > 2:
                found = _ranked(responses, rows, y, classes)
                if found is None:
                    return np.nan  # a class without rows cannot be ranked
                return scorer._sign * scorer._score_func(*found, **scorer._kwargs, **kwargs)
            takes = signature(scorer._score_func).parameters
            if "labels" in takes and "labels" not in scorer._kwargs and not self.ranks:
                # The labels of a few rows do not tell which column is which class.
                kwargs["labels"] = estimator.classes_
        return scorer._score(responses, estimator, rows, y, **kwargs)

    def _add_influence(self, own, responses, part, rows, classes):
        """The score of some rows; the influence of their units is added to `own` (U,)."""
        units = part.units[rows]
        if self.closed and len(rows) > 1:
            w = np.ones(len(rows)) if part.weight is None else part.weight[rows]
            found, score = self._predicted(responses, rows, part.y[rows], classes), np.nan
            if found is not None:
                with np.errstate(all="ignore"):  # where it is not defined: below
                    values = row_values(self.scorer, *found, w)
                    score = values @ w / w.sum()
            if np.isfinite(score):
                np.add.at(own, units, w * (values - score) / w.sum())
                return score
        score = self._or_nan(responses, part, rows, classes)
        if self.closed or not np.isfinite(score):
            own[units] = np.nan
            return score
        units, found = jackknife(
            score, lambda kept: self._or_nan(responses, part, rows[kept], classes), units
        )
        own[units] += found
        return score

    def _predicted(self, responses, rows, y, classes):
        """Labels and predictions as a metric of closed form takes them; None as `_ranked`."""
        estimator = responses.estimator
        if self.ranks and len(estimator.classes_) > 2:
            return _ranked(responses, rows, y, classes)
        method = _check_response_method(estimator, self.scorer._response_method).__name__
        predicted = responses(estimator, method, rows)
        if self.ranks:
            return y == estimator.classes_[1], predicted
        return y, predicted if method == "predict" else (estimator.classes_, predicted)


def _ranked(responses, rows, y, classes):
    """Labels, and probabilities given that the class is in `classes`; None without all of them."""
    estimator = responses.estimator
    own = np.array([label in classes for label in estimator.classes_.tolist()])
    if own.sum() < 2 or classes - set(y.tolist()):
        return None
    if hasattr(estimator, "predict_proba"):
        P = responses(estimator, "predict_proba", rows)[:, own]
        P = (P + 1e-300) / (P + 1e-300).sum(axis=1, keepdims=True)  # all zero: alike
    else:
        P = softmax(responses(estimator, "decision_function", rows)[:, own], axis=1)
    return (y == estimator.classes_[own][1], P[:, 1]) if own.sum() == 2 else (y, P)
