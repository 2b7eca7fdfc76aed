"""Did sharing help? Candidates compared on paired splits, with equal budgets and intervals.

What belongs here: the protocol (`compare`). What its result can be asked is in
``_comparison.py``, the statistics of two arrays of scores in ``_intervals.py``.
"""

import time
import warnings

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics import get_scorer
from sklearn.model_selection import GridSearchCV, ParameterGrid
from sklearn.pipeline import Pipeline
from sklearn.utils import check_random_state, column_or_1d
from sklearn.utils.parallel import Parallel, delayed
from threadpoolctl import threadpool_limits

from .._utils._containers import groups, missing, some, take
from .._utils._delegation import setting_of
from ..table import TaskStratifiedKFold, TaskStratifiedShuffleSplit
from ..table._reading import read_table
from ._comparison import Comparison, check_known


def compare(
    candidates,
    X,
    y,
    *,
    task_col=None,
    scoring=None,
    average="micro",
    baseline=None,
    tasks=None,
    cv=None,
    inner_cv=5,
    n_jobs=None,
    random_state=None,
):
    """Score candidates on the same repeated splits, each with the same search budget.

    On every split each candidate chooses its setting by cross-validation inside the training part,
    is refitted there and scored on the test part. All candidates see the same splits and the same
    inner folds, so their scores are pairs.

    Parameters
    ----------
    candidates : dict of name -> estimator or (estimator, param_grid)
        At least two. All must try the same number of settings, ``len(ParameterGrid(param_grid))``;
        an estimator without grid tries one.
    X : DataFrame or array of shape (n, p)
        Table with the task column.
    y : array-like of shape (n,)
        Rows whose label is missing may train (if the estimators take them) and are never scored.
    task_col : str, int or None, default=None
        The task column; None means one task.
    scoring : str or callable, default=None
        A scikit-learn scorer, used in the inner search and on the test parts. None: "accuracy"
        for classifiers, "r2" for regressors.
    average : {"micro", "macro"}, default="micro"
        "micro": the scorer on all test rows together. "macro": the unweighted mean of the scores
        of the tasks that have test rows.
    baseline : str, default=None
        Candidate to take differences from. None: the first `PerTask`, else the first.
    tasks : list, default=None
        Tasks to score, in the inner search too; for transfer, the targets. Other tasks train, and
        their test rows are ignored. None: all.
    cv : splitter, default=None
        None: ``TaskStratifiedShuffleSplit(20, test_size=0.25, task_col=task_col,
        random_state=random_state)``.
    inner_cv : int, default=5
        Folds of the inner search, `TaskStratifiedKFold` with shuffling, anew on each split.
    n_jobs : int, default=None
        Splits worked on at the same time, as joblib counts them. The result does not depend on it.
    random_state : int, RandomState instance or None, default=None
        Draws the default `cv` and the inner folds. Estimators keep the `random_state` they have.

    Returns
    -------
    Comparison

    Raises
    ------
    ValueError
        If budgets differ, a name is unknown, or a score cannot be computed. Errors from an
        estimator carry a note that names the candidate and the split.

    Warns
    -----
    UserWarning
        If there is a task column and no candidate is `PerTask`, or none `Pooled`, or a plain
        estimator would see the task as a feature.

    Notes
    -----
    Why "micro": per-task R² divides by the variance of a few test rows, so on a task with little
    signal it is far below zero, and one such task decides the mean. A macro score that lacks the
    score of a task is an error, never the mean of the others.

    BLAS and OpenMP are held to one thread, so that workers do not fight for cores and sums are
    rounded alike whatever `n_jobs`. The cost is that of J (budget × inner_cv + 1) fits per
    candidate.

    The intervals hold the tasks fixed. How to test wins over many data sets is told by Demšar
    (2006).

    References
    ----------
    * J. Demšar, "Statistical comparisons of classifiers over multiple data sets", Journal of
      Machine Learning Research 7, 1-30, 2006.
    """
    candidates, budget = _check_candidates(candidates)
    X = X if hasattr(X, "shape") else np.asarray(X)
    y = column_or_1d(y)
    if X.shape[0] != len(y):
        raise ValueError(f"X has {X.shape[0]} rows but y has {len(y)} values: align them")
    if average not in ("micro", "macro"):
        raise ValueError(f"average={average!r} is unknown: use 'micro' or 'macro'")
    tasks = _check_tasks(tasks, X, task_col)
    estimators = {name: estimator for name, (estimator, _) in candidates.items()}
    _check_task_col(estimators, task_col)
    if baseline is None:
        alone = [name for name in estimators if setting_of(estimators[name]) == "single-task"]
        baseline = (alone or list(estimators))[0]
    check_known(baseline, list(estimators), "baseline")
    if task_col is not None:
        _warn_missing_baselines(estimators, task_col)
    if scoring is None:
        scoring = _default_scoring(estimators)
    scorer = _TaskScorer(get_scorer(scoring), task_col, tasks, average)

    if cv is None:
        cv = TaskStratifiedShuffleSplit(
            20, test_size=0.25, task_col=task_col, random_state=random_state
        )
    if not hasattr(cv, "split"):
        raise ValueError(f"cv={cv!r} must be a splitter, such as TaskStratifiedShuffleSplit(20)")
    splits = list(cv.split(X, y))
    if len(splits) < 2:
        raise ValueError(f"cv={cv!r} makes {len(splits)} split(s), but an interval needs 2")
    seeds = check_random_state(random_state).randint(np.iinfo(np.int32).max, size=len(splits))
    folds = [
        TaskStratifiedKFold(inner_cv, task_col=task_col, shuffle=True, random_state=int(seed))
        for seed in seeds
    ]
    # Processes, not threads: the CPU clock is that of a process.
    runs = Parallel(n_jobs=n_jobs, prefer="processes")(
        delayed(_run_split)(candidates, X, y, train, test, folds[j], scorer, f"split {j}")
        for j, (train, test) in enumerate(splits)
    )
    scores, task_scores, best_params, seconds = (
        {name: [run[name][part] for run in runs] for name in candidates} for part in range(4)
    )
    return Comparison(
        names=list(candidates),
        baseline=baseline,
        scores={name: np.array(values) for name, values in scores.items()},
        task_scores={name: np.array(values) for name, values in task_scores.items()},
        tasks=tasks,
        best_params=best_params,
        seconds={name: np.array(values) for name, values in seconds.items()},
        settings={
            name: "single-task" if task_col is None else setting_of(estimator)
            for name, estimator in estimators.items()
        },
        scoring=scoring if isinstance(scoring, str) else getattr(scoring, "__name__", str(scoring)),
        average=average,
        budget=budget,
        train_rows=np.array([scorer.counts(X, y, train) for train, _ in splits]),
        test_rows=np.array([scorer.counts(X, y, test) for _, test in splits]),
    )


def _check_candidates(candidates):
    """Every candidate as (estimator, grid), and the number of settings that all of them try."""
    if not isinstance(candidates, dict) or len(candidates) < 2:
        raise ValueError(
            "candidates must be a dict of at least two, {name: estimator or (estimator, grid)}, "
            f"got {candidates!r}"
        )
    pairs = {
        name: value if isinstance(value, tuple) else (value, {})
        for name, value in candidates.items()
    }
    for name, pair in pairs.items():
        if not isinstance(name, str):
            raise ValueError(f"candidate name {name!r} must be a string: it labels table and plot")
        if len(pair) != 2 or not hasattr(pair[0], "fit"):
            raise ValueError(
                f"candidate {name!r} must be an estimator or (estimator, param_grid), got {pair!r}"
            )
    counts = {name: len(ParameterGrid(grid)) for name, (_, grid) in pairs.items()}
    if len(set(counts.values())) > 1:
        told = ", ".join(f"{name!r} tries {count}" for name, count in counts.items())
        raise ValueError(
            f"the search budgets differ: {told} (no grid counts as 1). A candidate that may try "
            "more wins by trying; give every one a grid of the same number of settings"
        )
    return pairs, next(iter(counts.values()))


def _check_task_col(estimators, task_col):
    """A candidate with another task column, or none, takes the task for a feature."""
    for name, estimator in estimators.items():
        own = {k: v for k, v in estimator.get_params().items() if k.split("__")[-1] == "task_col"}
        # Inside PerTask or Pooled an estimator no longer sees the column: the outermost counts.
        depth = min((k.count("__") for k in own), default=0)
        own = {v for k, v in own.items() if k.count("__") == depth}
        if own - {task_col}:
            raise ValueError(
                f"compare has task_col={task_col!r}, but candidate {name!r} has "
                f"task_col={(own - {task_col}).pop()!r}: give both the same"
            )
        # A Pipeline is let pass: it may encode the task in a step of its own.
        if not own and task_col is not None and not isinstance(estimator, Pipeline):
            warnings.warn(
                f"candidate {name!r} has no task_col, so it may take the task for a feature: "
                "wrap it in PerTask or Pooled unless that is meant",
                UserWarning,
                stacklevel=3,
            )


def _check_tasks(tasks, X, task_col):
    """The scored tasks as a list, each of them in the table."""
    known = np.unique(read_table(X, task_col)[1]).tolist()
    if tasks is None:
        return known
    if task_col is None:
        raise ValueError(f"tasks={tasks!r} needs task_col: without it there is only one task")
    if isinstance(tasks, str) or not len(tasks):
        raise ValueError(f"tasks={tasks!r} must be a list with at least one of {some(known)}")
    for task in tasks:
        check_known(task, known, "task")
    return [task for task in known if task in tasks]


def _warn_missing_baselines(estimators, task_col):
    present = {setting_of(estimator) for estimator in estimators.values()}
    for setting, kind, lack in (
        ("single-task", "PerTask", "what the tasks reach alone"),
        ("pooled", "Pooled", "what one model for all tasks reaches"),
    ):
        if setting not in present:
            warnings.warn(
                f"no candidate is {kind}, so nothing shows {lack}: add for example "
                f"'{setting}': ({kind}(estimator, task_col={task_col!r}), param_grid)",
                UserWarning,
                stacklevel=3,
            )


def _default_scoring(estimators):
    classifies = {name: is_classifier(estimator) for name, estimator in estimators.items()}
    if len(set(classifies.values())) > 1:
        classifiers = [name for name, yes in classifies.items() if yes]
        raise ValueError(
            f"of the candidates only {some(classifiers)} are classifiers, so no score fits all: "
            "pass scoring, or compare classifiers with classifiers"
        )
    return "accuracy" if all(classifies.values()) else "r2"


class _TaskScorer:
    """A scorer over the labelled rows of the scored tasks, called as scikit-learn calls one."""

    def __init__(self, scorer, task_col, tasks, average):
        self.scorer = scorer
        self.task_col = task_col
        self.tasks = tasks
        self.average = average

    def rows(self, X, y):
        """Labelled rows of each scored task."""
        labelled = np.flatnonzero(~missing(y))
        names, codes = np.unique(read_table(X, self.task_col)[1][labelled], return_inverse=True)
        found = dict(zip(names.tolist(), groups(codes, len(names)), strict=True))
        return [labelled[found.get(name, [])] for name in self.tasks]

    def counts(self, X, y, part):
        """Number of labelled rows of each scored task in a part of the table."""
        return [len(rows) for rows in self.rows(take(X, part), y[part])]

    def __call__(self, estimator, X, y):
        """The score; an error if it cannot be computed."""
        parts = {
            f"task {name!r}": rows for name, rows in zip(self.tasks, self.rows(X, y), strict=True)
        }
        if self.average == "micro":
            parts = {"the scored tasks": np.concatenate(list(parts.values()))}
        scores = {
            where: self.scorer(estimator, take(X, rows), y[rows])
            for where, rows in parts.items()
            if len(rows)
        }
        if not scores:
            raise ValueError(
                f"a test part has no labelled row of the scored tasks {some(self.tasks)}: use "
                "larger test parts, or fewer folds (inner_cv)"
            )
        for where, score in scores.items():
            if not np.isfinite(score):
                raise ValueError(
                    f"the score is {score} on the {len(parts[where])} test rows of {where}: use "
                    "larger test parts, fewer folds (inner_cv), average='micro' or another scoring"
                )
        return float(np.mean(list(scores.values())))

    def by_task(self, estimator, X, y):
        """Score on each task alone; NaN where it cannot be computed."""
        return [self._score_or_nan(estimator, take(X, r), y[r]) for r in self.rows(X, y)]

    def _score_or_nan(self, estimator, X, y):
        if not len(y):
            return np.nan
        with warnings.catch_warnings():
            # The NaN says it.
            warnings.simplefilter("ignore", UndefinedMetricWarning)
            try:
                return self.scorer(estimator, X, y)
            except ValueError:
                # Of the metric: the estimator has already predicted these rows for `__call__`.
                return np.nan


def _run_split(candidates, X, y, train, test, folds, scorer, where):
    """Score, task scores, chosen setting and CPU seconds of each candidate on one split."""
    X_train, X_test = take(X, train), take(X, test)
    results = {}
    with threadpool_limits(1):
        for name, (estimator, grid) in candidates.items():
            try:
                start = time.process_time()
                fitted, params = _search(estimator, grid, X_train, y[train], folds, scorer)
                seconds = time.process_time() - start
                score = scorer(fitted, X_test, y[test])
                by_task = scorer.by_task(fitted, X_test, y[test])
            except Exception as error:
                error.add_note(f"(candidate {name!r}, {where})")
                raise
            results[name] = score, by_task, params, seconds
    return results


def _search(estimator, grid, X, y, folds, scorer):
    """The estimator refitted with its best setting, and that setting."""
    settings = ParameterGrid(grid)
    if len(settings) == 1:
        params = settings[0]
        return clone(estimator).set_params(**clone(params, safe=False)).fit(X, y), params
    search = GridSearchCV(estimator, grid, scoring=scorer, cv=folds, error_score="raise")
    search.fit(X, y)
    return search.best_estimator_, search.best_params_
