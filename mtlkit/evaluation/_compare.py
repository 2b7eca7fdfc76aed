"""Did sharing help? Candidates compared on paired splits, with equal budgets and intervals.

What belongs here: the protocol (`compare`). How parts are scored is in ``_scoring.py``, what the
result can be asked in ``_comparison.py``, the statistics of two lists of scores in
``_intervals.py``.
"""

import time
import warnings
from inspect import isclass

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.metrics import check_scoring, get_scorer_names
from sklearn.model_selection import GridSearchCV, ParameterGrid
from sklearn.pipeline import Pipeline
from sklearn.utils import check_random_state
from sklearn.utils.parallel import Parallel, delayed
from threadpoolctl import threadpool_limits

from .._utils._containers import as_table, missing, some, take
from .._utils._delegation import setting_of
from .._utils._validation import check_choice, check_integer, read_labels
from ..table import TaskStratifiedKFold, TaskStratifiedShuffleSplit
from ..table._reading import read_table, unique_tasks
from ._comparison import Comparison, check_known
from ._scoring import TaskScorer


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
    """Paired comparison of estimators by nested cross-validation, with equal search budgets.

    On every split each candidate chooses its setting by cross-validation inside the training part,
    is refitted there and scored on the test part. All candidates see the same splits and the same
    inner folds, so their scores are pairs.

    Parameters
    ----------
    candidates : dict of name -> estimator or (estimator, param_grid)
        At least two. All must try the same number of settings, ``len(ParameterGrid(param_grid))``;
        an estimator without grid tries one. They are cloned, never changed.
    X : DataFrame or array of shape (n, p)
        Table with the task column.
    y : array-like of shape (n,)
        Rows whose label is missing may train (if the estimators take them) and are never scored.
    task_col : str, int or None, default=None
        The task column; None means one task.
    scoring : str or callable, default=None
        A scikit-learn scorer, used in the inner search and on the test parts. None: "accuracy"
        for classifiers, "r2" for regressors. Probabilities are scored with all classes as columns;
        ROC AUC and average precision, with those of the tasks that are scored, see Notes.
    average : {"micro", "macro"}, default="micro"
        "micro": the scorer on all test rows together. "macro": the unweighted mean of the scores
        of the tasks that have test rows.
    baseline : str, default=None
        Candidate to take differences from. None: the first `PerTask`, else the first.
    tasks : list, default=None
        Tasks to score, in the inner search too; for transfer, the targets. Other tasks train, and
        their test rows are ignored; those of a single row always train. None: all.
    cv : splitter, default=None
        None: 20 splits by `TaskStratifiedShuffleSplit`, a quarter of the rows for tests.
    inner_cv : int, default=5
        Folds of the inner search, `TaskStratifiedKFold` with shuffling, anew on each split. The
        only row of a task, and its only labelled row, train in all of them.
    n_jobs : int, default=None
        Splits worked on at the same time, as joblib counts them. The result does not depend on it.
    random_state : int, RandomState instance or None, default=None
        Draws the default `cv` and the inner folds. Estimators keep the `random_state` they have.

    Returns
    -------
    Comparison
        The scores of every candidate on every split and task.

    Raises
    ------
    TypeError, ValueError
        If budgets differ, a name is unknown, an argument is not what it should be, or a score
        cannot be computed. Errors from an estimator carry a note that names the candidate and the
        split.

    Warns
    -----
    UserWarning
        If there is a task column and no candidate is `PerTask`, or none `Pooled`, or a plain
        estimator would see the task as a feature.

    See Also
    --------
    mtlkit.baselines.PerTask : No pooling, the first opponent.
    mtlkit.baselines.Pooled : Complete pooling, the second.
    task_affinity : Which tasks help which.
    paired_difference : The interval of two lists of scores.

    Notes
    -----
    Why "micro": per-task R² divides by the variance of a few test rows, so on a task with little
    signal it is far below zero, and one such task decides the mean. A task whose score cannot be
    computed makes a macro score an error, never the mean of the others.

    A test part is predicted once, and each task is scored on its rows of that prediction (a scorer
    that is not made by `make_scorer` is called on each task's rows). Where tasks have classes of
    their own, a ranking (ROC AUC, average precision) of a task's rows is that of the probabilities
    given that the class is one of the task's.

    BLAS and OpenMP are held to one thread, so that workers do not fight for cores and sums are
    rounded alike whatever `n_jobs`. The cost is that of J (budget × inner_cv + 1) fits per
    candidate.

    The intervals hold the tasks fixed. For tests over many data sets see Demšar (2006).

    Taught in :doc:`/chapters/background/did_sharing_help`.

    References
    ----------
    * J. Demšar, "Statistical comparisons of classifiers over multiple data sets", Journal of
      Machine Learning Research 7, 1-30, 2006.
    """
    candidates, budget = _check_candidates(candidates)
    X, y, task = check_table(X, y, task_col)
    check_choice(average, "average", ("micro", "macro"))
    inner_cv = check_integer(inner_cv, "inner_cv", low=2)
    tasks = _check_tasks(tasks, unique_tasks(task)[0].tolist(), task_col)
    estimators = {name: estimator for name, (estimator, _) in candidates.items()}
    check_task_col(estimators, task_col)
    settings = {
        name: "single-task" if task_col is None else setting_of(estimator)
        for name, estimator in estimators.items()
    }
    if baseline is None:
        alone = [name for name, setting in settings.items() if setting == "single-task"]
        baseline = (alone or list(settings))[0]
    check_known(baseline, list(settings), "baseline")
    if task_col is not None:
        _warn_missing_baselines(settings, task_col)
    if scoring is None:
        scoring = _default_scoring(estimators)
    if not callable(scoring):
        check_choice(scoring, "scoring", get_scorer_names())
    scorer = check_scoring(estimators[baseline], scoring=scoring)
    scorer = TaskScorer(scorer, task_col, tasks, average, X, y)
    if cv is None:
        cv = TaskStratifiedShuffleSplit(task_col=task_col, random_state=random_state)
    scored = set(tasks)
    lone = _only_row(task, np.array([name not in scored for name in task.tolist()]))
    stratified = isinstance(cv, TaskStratifiedKFold | TaskStratifiedShuffleSplit)
    splits = check_splits(cv, X, y, lone & stratified)
    seeds = check_random_state(random_state).randint(np.iinfo(np.int32).max, size=len(splits))
    folds = [
        TaskStratifiedKFold(inner_cv, task_col=task_col, shuffle=True, random_state=int(seed))
        for seed in seeds
    ]
    # Processes, not threads: the CPU clock is that of a process.
    runs = Parallel(n_jobs=n_jobs, prefer="processes")(
        delayed(_run_split)(candidates, X, y, *split, folds[j], scorer, f"split {j}")
        for j, split in enumerate(splits)
    )
    found = {name: list(zip(*(run[name] for run in runs), strict=True)) for name in candidates}
    rows = [[scorer.counts(X, y, part) for part in split] for split in splits]
    train_rows, test_rows = np.array(rows).swapaxes(0, 1)
    return Comparison(
        names=list(candidates),
        baseline=baseline,
        scores={name: np.array(of[0]) for name, of in found.items()},
        task_scores={name: np.array(of[1]) for name, of in found.items()},
        tasks=tasks,
        best_params={name: list(of[2]) for name, of in found.items()},
        seconds={name: np.array(of[3]) for name, of in found.items()},
        settings=settings,
        scoring=scoring if isinstance(scoring, str) else getattr(scoring, "__name__", str(scoring)),
        average=average,
        budget=budget,
        train_rows=train_rows,
        test_rows=test_rows,
    )


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


def check_splits(cv, X, y, lone):
    """The splits of `cv`, two or more; rows of the mask `lone` are in every training part."""
    if isclass(cv) or isinstance(cv, str) or not hasattr(cv, "split"):
        shown = repr(cv) if np.isscalar(cv) or isclass(cv) else f"a {type(cv).__name__}"
        raise ValueError(f"cv={shown} must be a splitter, such as TaskStratifiedShuffleSplit(20)")
    always, rest = np.flatnonzero(lone), np.flatnonzero(~lone)
    try:
        splits = list(cv.split(take(X, rest), y[rest]))
    except ValueError as error:
        if "groups" not in str(error):
            raise
        raise ValueError(f"cv={cv!r} needs groups, which cannot be passed: use another") from error
    if len(splits) < 2:
        raise ValueError(f"cv={cv!r} makes {len(splits)} split(s), but an interval needs 2")
    return [(np.append(rest[train], always), rest[test]) for train, test in splits]


def _only_row(task, among):
    """Mask of the rows `among` some, itself a mask, that are the only one of their task there."""
    codes = unique_tasks(task)[1]
    return among & (np.bincount(codes, among)[codes] == 1)


def _check_candidates(candidates):
    """Every candidate as (estimator, grid), and the number of settings that all of them try."""
    if not isinstance(candidates, dict) or len(candidates) < 2:
        raise ValueError(f"candidates={candidates!r} must be a dict of at least two estimators")
    pairs, counts = {}, {}
    for name, value in candidates.items():
        if not isinstance(name, str):
            raise ValueError(f"candidate name {name!r} must be a string: it labels table and plot")
        pair = value if isinstance(value, tuple) else (value, {})
        if len(pair) != 2 or isclass(pair[0]) or not {"fit", "get_params"} <= {*dir(pair[0])}:
            raise ValueError(
                f"candidate {name!r} must be an estimator, an instance and not a class, or "
                f"(estimator, param_grid), got {value!r}"
            )
        try:
            pairs[name], counts[name] = pair, len(ParameterGrid(pair[1]))
        except (TypeError, ValueError) as error:
            error.add_note(f"(candidate {name!r})")
            raise
    if len(set(counts.values())) > 1:
        tried = ", ".join(f"{name!r} tries {count}" for name, count in counts.items())
        raise ValueError(
            f"the search budgets differ: {tried}. A candidate that may try more wins by trying: "
            "give each a grid of the same number of settings (no grid counts as 1)"
        )
    return pairs, counts[name]


def check_task_col(estimators, task_col):
    """A candidate with another task column, or none, takes the task for a feature."""
    for name, estimator in estimators.items():
        if isclass(estimator):
            raise ValueError(f"{name}={estimator!r} must be an estimator, not a class")
        params = estimator.get_params()
        own = {k: v for k, v in params.items() if k.split("__")[-1] == "task_col"}
        # Inside PerTask or Pooled an estimator no longer sees the column: the outermost counts.
        depth = min((k.count("__") for k in own), default=0)
        others = {v for k, v in own.items() if k.count("__") == depth} - {task_col}
        if others:
            raise ValueError(
                f"the table has task_col={task_col!r}, but candidate {name!r} has "
                f"task_col={others.pop()!r}: give both the same"
            )
        # A Pipeline may encode the task in a step of its own.
        encodes = any(isinstance(part, Pipeline) for part in [estimator, *params.values()])
        if not own and task_col is not None and not encodes:
            warnings.warn(
                f"candidate {name!r} has no task_col, so it is one model for all tasks that may "
                "take the task for a feature: wrap it in Pooled or PerTask unless that is meant",
                stacklevel=3,
            )


def _check_tasks(tasks, known, task_col):
    """The scored tasks as a list, each of them in the table."""
    if tasks is None:
        return known
    if task_col is None:
        raise ValueError(f"tasks={tasks!r} needs task_col: without it there is only one task")
    named = list(tasks) if np.iterable(tasks) and not isinstance(tasks, str) else []
    if not named:
        raise ValueError(f"tasks={tasks!r} must be a list with at least one of {some(known)}")
    for task in named:
        check_known(task, known, "task")
    return [task for task in known if task in named]


def _warn_missing_baselines(settings, task_col):
    for setting, kind in (("single-task", "PerTask"), ("pooled", "Pooled")):
        if setting not in settings.values():
            warnings.warn(
                f"no candidate is {kind}, so it is not known what sharing gains over it: add for "
                f"example '{setting}': ({kind}(estimator, task_col={task_col!r}), param_grid)",
                stacklevel=3,
            )


def _default_scoring(estimators):
    classifiers = [name for name, estimator in estimators.items() if is_classifier(estimator)]
    if 0 < len(classifiers) < len(estimators):
        raise ValueError(
            f"of the candidates only {some(classifiers)} are classifiers, so no score fits all: "
            "pass scoring, or compare classifiers with classifiers"
        )
    return "accuracy" if classifiers else "r2"


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
                score, by_task = scorer.with_tasks(fitted, X_test, y[test])
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
    task, labelled = read_table(X, folds.task_col, accept_sparse=True)[1], ~missing(y)
    lone = _only_row(task, np.ones(len(y), dtype=bool)) | _only_row(task, labelled)
    splits = check_splits(folds, X, y, lone)
    search = GridSearchCV(estimator, grid, scoring=scorer, cv=splits, error_score="raise")
    search.fit(X, y)
    return search.best_estimator_, search.best_params_
