"""Scores on all tasks together and on each alone, from one prediction of their rows."""

import warnings
from inspect import signature

import numpy as np
from scipy.special import softmax
from sklearn.base import is_classifier
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics import average_precision_score, get_scorer, make_scorer, roc_auc_score
from sklearn.utils import get_tags

from .._utils._containers import groups, missing, some, take
from .._utils._validation import read_labels
from ..table._reading import read_table, unique_tasks

# What `make_scorer` returns; a scorer of another kind may look at more than a prediction.
MADE = type(get_scorer("accuracy"))
RANKING = (roc_auc_score, average_precision_score)
METHODS = ("predict", "predict_proba", "predict_log_proba", "decision_function")


class Answers:
    """A fitted estimator and a table of which it predicts all rows, once: methods take row numbers.

    scikit-learn's scorers take it for the estimator.
    """

    def __init__(self, estimator, X):
        self.estimator, self.X, self.known = estimator, X, {}

    def __sklearn_tags__(self):
        return get_tags(self.estimator)

    def __getattr__(self, name):
        found = getattr(self.estimator, name)
        if name not in METHODS:
            return found

        def answer(rows):
            if name not in self.known:
                self.known[name] = found(self.X)
            return take(self.known[name], rows)

        answer.__name__ = name  # scikit-learn asks for it
        return answer


def score_rows(scorer, answers, rows, y, classes):
    """The score on rows with labels `y`, all of them among the set `classes` of their tasks."""
    if not isinstance(scorer, MADE):
        return scorer(answers.estimator, take(answers.X, rows), y)
    metric = scorer._score_func
    if scorer._response_method != "predict" and is_classifier(answers):
        known = answers.classes_.tolist()
        if metric in RANKING and len(known) > 2:
            return _rank_score(scorer, answers, rows, y, classes)
        if "labels" in signature(metric).parameters and metric not in RANKING:
            # The labels of a few rows do not tell which column is which class.
            scorer = make_scorer(
                metric,
                response_method=scorer._response_method,
                greater_is_better=scorer._sign > 0,
                **{"labels": known} | scorer._kwargs,
            )
    return scorer(answers, rows, y)


def _rank_score(scorer, answers, rows, y, classes):
    """A ranking score of the probabilities given that the class is among `classes`."""
    own = np.array([label in classes for label in answers.classes_.tolist()])
    if own.sum() < 2 or classes - set(y.tolist()):
        return np.nan  # a class without rows cannot be ranked
    if hasattr(answers, "predict_proba"):
        P = answers.predict_proba(rows)[:, own] + 1e-300  # all zero: alike
        P = P / P.sum(axis=1, keepdims=True)
    else:
        P = softmax(answers.decision_function(rows)[:, own], axis=1)
    if own.sum() == 2:
        y, P = y == answers.classes_[own][1], P[:, 1]
    return scorer._sign * scorer._score_func(y, P, **scorer._kwargs)


class TaskScorer:
    """A scorer over the labelled rows of the scored tasks, called as scikit-learn calls one."""

    def __init__(self, scorer, task_col, tasks, average, X, y):
        self.scorer = scorer
        self.task_col = task_col
        self.tasks = tasks
        self.average = average
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
        answers, y = Answers(estimator, take(X, rows)), read_labels(y[rows])[0]
        parts = np.split(np.arange(len(rows)), np.cumsum([len(part) for part in parts])[:-1])
        named = [f"task {name!r}" for name in self.tasks], parts, self.classes
        if self.average == "micro":
            named = ["the scored tasks"], [np.arange(len(rows))], [set().union(*self.classes)]
        scores = []
        for where, part, classes in zip(*named, strict=True):
            if not len(part):
                continue
            scores.append(score_rows(self.scorer, answers, part, y[part], classes))
            if not np.isfinite(scores[-1]):
                raise ValueError(
                    f"the score is {scores[-1]} on the {len(part)} test rows of {where}: use "
                    "larger test parts, fewer folds (inner_cv), average='micro' or another scoring"
                )
        alone = [
            self._score_or_nan(answers, part, y[part], classes)
            for part, classes in zip(parts, self.classes, strict=True)
            if by_task
        ]
        return float(np.mean(scores)), alone

    def _score_or_nan(self, answers, rows, y, classes):
        with warnings.catch_warnings():
            # The NaN says it.
            warnings.simplefilter("ignore", UndefinedMetricWarning)
            try:
                return score_rows(self.scorer, answers, rows, y, classes) if len(rows) else np.nan
            except ValueError:
                # Of the metric: the estimator has already predicted these rows.
                return np.nan
