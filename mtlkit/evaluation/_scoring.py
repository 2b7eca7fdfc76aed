"""Scores on all tasks together and on each alone, from one prediction of their rows."""

import warnings
from inspect import signature

import numpy as np
from scipy.special import softmax
from sklearn.base import is_classifier
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics import average_precision_score, get_scorer, roc_auc_score
from sklearn.utils._response import _get_response_values

from .._utils._containers import groups, missing, some, take
from .._utils._validation import read_labels
from ..table._reading import read_table, unique_tasks

# What `make_scorer` returns; a scorer of another kind may look at more than a prediction.
MADE = type(get_scorer("accuracy"))
RANKING = (roc_auc_score, average_precision_score)


class Responses:
    """What a fitted estimator predicts for a table: once for all rows, then for some of them."""

    def __init__(self, estimator, X):
        self.estimator, self.X, self.known = estimator, X, {}

    def __call__(self, estimator, method, rows, pos_label=None):
        if method not in self.known:
            self.known[method] = _get_response_values(estimator, self.X, method, pos_label)[0]
        return take(self.known[method], rows)


def score_rows(scorer, responses, rows, y, classes):
    """The score on rows with labels `y`, all of them in the set `classes` of their tasks."""
    estimator, kwargs = responses.estimator, {}
    if not isinstance(scorer, MADE):
        return scorer(estimator, take(responses.X, rows), y)
    if scorer._response_method != "predict" and is_classifier(estimator):
        ranks = scorer._score_func in RANKING
        if ranks and len(estimator.classes_) > 2:
            return _rank_score(scorer, responses, rows, y, classes)
        takes = signature(scorer._score_func).parameters
        if "labels" in takes and "labels" not in scorer._kwargs and not ranks:
            # The labels of a few rows do not tell which column is which class.
            kwargs["labels"] = estimator.classes_
    return scorer._score(responses, estimator, rows, y, **kwargs)


def _rank_score(scorer, responses, rows, y, classes):
    """A ranking score of the probabilities given that the class is in `classes`."""
    known = responses.estimator.classes_
    own = np.array([label in classes for label in known.tolist()])
    if own.sum() < 2 or classes - set(y.tolist()):
        return np.nan  # a class without rows cannot be ranked
    if hasattr(responses.estimator, "predict_proba"):
        P = responses(responses.estimator, "predict_proba", rows)[:, own]
        P = (P + 1e-300) / (P + 1e-300).sum(axis=1, keepdims=True)  # all zero: alike
    else:
        P = softmax(responses(responses.estimator, "decision_function", rows)[:, own], axis=1)
    if own.sum() == 2:
        y, P = y == known[own][1], P[:, 1]
    return scorer._sign * scorer._score_func(y, P, **scorer._kwargs)


class TaskScorer:
    """A scorer over the labelled rows of the scored tasks, called as scikit-learn calls one."""

    def __init__(self, scorer, task_col, tasks, average, X, y):
        self.scorer, self.task_col, self.tasks, self.average = scorer, task_col, tasks, average
        self.classes = [set(y[rows].tolist()) for rows in self.rows(X, y)]

    def rows(self, X, y):
        """Labelled rows of each scored task."""
        labelled = np.flatnonzero(~missing(y))
        task = read_table(X, self.task_col, accept_sparse=True)[1]
        names, codes = unique_tasks(task[labelled])
        found = dict(zip(names.tolist(), groups(codes, len(names)), strict=True))
        return [labelled[found.get(name, [])] for name in self.tasks]

    def counts(self, X, y, part):
        """Number of labelled rows of each scored task in a part of the table."""
        return [len(rows) for rows in self.rows(take(X, part), y[part])]

    def __call__(self, estimator, X, y):
        """The score; an error if it cannot be computed."""
        return self.with_tasks(estimator, X, y, by_task=False)[0]

    def with_tasks(self, estimator, X, y, by_task=True):
        """The score, and the score on each task alone: NaN where it cannot be computed."""
        parts = self.rows(X, y)
        rows = np.concatenate(parts)
        if not len(rows):
            raise ValueError(
                f"a test part has no labelled row of the scored tasks {some(self.tasks)}: use "
                "larger test parts, or fewer folds (inner_cv)"
            )
        responses, y = Responses(estimator, take(X, rows)), read_labels(y[rows])[0]
        parts = np.split(np.arange(len(rows)), np.cumsum([len(part) for part in parts])[:-1])
        named = [f"task {name!r}" for name in self.tasks], parts, self.classes
        if self.average == "micro":
            named = ["the scored tasks"], [np.arange(len(rows))], [set().union(*self.classes)]
        scores = []
        for where, part, classes in zip(*named, strict=True):
            if not len(part):
                continue
            scores.append(score_rows(self.scorer, responses, part, y[part], classes))
            if not np.isfinite(scores[-1]):
                raise ValueError(
                    f"the score is {scores[-1]} on the {len(part)} test rows of {where}: use "
                    "larger test parts, another scoring or, in compare, fewer folds (inner_cv) or "
                    "average='micro'"
                )
        alone = [
            self._score_or_nan(responses, part, y[part], classes)
            for part, classes in zip(parts, self.classes, strict=True)
            if by_task
        ]
        return float(np.mean(scores)), alone

    def _score_or_nan(self, responses, rows, y, classes):
        with warnings.catch_warnings():
            # The NaN says it.
            warnings.simplefilter("ignore", UndefinedMetricWarning)
            try:
                return score_rows(self.scorer, responses, rows, y, classes) if len(y) else np.nan
            except ValueError:
                # Of the metric: the estimator has already predicted these rows.
                return np.nan
