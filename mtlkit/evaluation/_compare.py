"""Did sharing help? Candidates compared on paired splits, with equal budgets and intervals.

What belongs here: the protocol (`compare`). How a candidate is searched is in ``_search.py``, how
parts are scored in ``_scoring.py``, what the result can be asked in ``_comparison.py``, what its
intervals speak about in ``_designs.py``, the t statistics of differences in ``_intervals.py``.
"""

import time
import warnings
from inspect import isclass

import numpy as np
from sklearn.base import is_classifier
from sklearn.metrics import check_scoring, get_scorer_names
from sklearn.model_selection import ParameterGrid
from sklearn.pipeline import Pipeline
from sklearn.utils import check_random_state
from sklearn.utils.parallel import Parallel, delayed
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from .._utils._containers import check_known, some
from .._utils._delegation import setting_of
from .._utils._validation import check_choice, check_flag
from ..table import TaskStratifiedKFold, TaskStratifiedShuffleSplit
from ..table._reading import unique_tasks
from ._comparison import Comparison
from ._designs import check_scope
from ._scoring import Responses, Scores, TaskScorer
from ._search import (
    Folds,
    Search,
    Units,
    check_beside,
    check_inner,
    check_splits,
    check_table,
    only_row,
    rows_of,
)


def compare(
    candidates,
    X,
    y,
    *,
    task_col=None,
    groups=None,
    sample_weight=None,
    scoring=None,
    average="micro",
    baseline=None,
    tasks=None,
    cv=None,
    inner_cv=5,
    scope="new rows",
    n_jobs=None,
    random_state=None,
    verbose=False,
) -> Comparison:
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
    groups : array-like of shape (n,), default=None
        Group of each row, such as a patient, a machine or a customer. Rows of one group stay
        together in the splits of `cv`, in the inner folds, and as units of the intervals.
    sample_weight : array-like of shape (n,), default=None
        Weight of each row, in fits and in scores.
    scoring : str, callable or list of these, default=None
        A scikit-learn scorer, used in the inner search and on the test parts. None: "accuracy"
        for classifiers, "r2" for regressors. Of several the first chooses settings, and the test
        parts are scored by each: see ``by_scoring`` of the result. Probabilities are scored with
        all classes as columns; ROC AUC and average precision, with those of the tasks that are
        scored, see Notes.
    average : {"micro", "macro"}, default="micro"
        "micro": the scorer on all test rows together. "macro": the unweighted mean of the scores
        of the tasks that have test rows.
    baseline : str, default=None
        Candidate to take differences from. None: the first `PerTask`, else the first.
    tasks : list, default=None
        Tasks to score, in the inner search too; for transfer, the targets. Other tasks train, and
        their test rows are ignored; those of a single row always train. None: all.
    cv : splitter or list of (train, test), default=None
        None: 20 splits by `TaskStratifiedShuffleSplit`, a quarter of the rows for tests. A list
        holds row numbers.
    inner_cv : int or splitter, default=5
        Of the inner search. An integer: folds of `TaskStratifiedKFold` with shuffling, anew on each
        split, where the only row of a task, and its only labelled row, train in all of them; if
        `cv` is a `TaskTimeSeriesSplit`, as many splits of this kind.
    scope : {"new rows", "these rows", "new tasks"}, default="new rows"
        What intervals of the result speak about, unless asked otherwise; see `Comparison`.
    n_jobs : int, default=None
        Splits worked on at the same time, as joblib counts them. The result does not depend on it.
    random_state : int, RandomState instance or None, default=None
        Draws the default `cv` and the inner folds. Estimators keep the `random_state` they have.
    verbose : bool, default=False
        Show a progress bar over the splits.

    Returns
    -------
    Comparison
        The scores of every candidate on every split and task.

    Raises
    ------
    TypeError, ValueError
        If budgets differ, a name is unknown, an argument is not what it should be, a group is on
        both sides of a split, inner folds would not keep the order of time, or a score cannot be
        computed. Errors from an estimator carry a note that names the candidate and the
        split.

    Warns
    -----
    UserWarning
        If there is a task column and no candidate is `PerTask`, none `Pooled`, or none boosted
        trees told the task; a plain estimator would see the task as a feature; or tasks of one
        class are left out of a macro score.

    See Also
    --------
    mtlkit.baselines.PerTask : No pooling, the first opponent.
    mtlkit.baselines.Pooled : Complete pooling, the second; of boosted trees with
        ``task_as_input="category"``, the third.
    mtlkit.linear.MomentSearchCV : The search that ridges and penalties get here.
    task_affinity : Which tasks help which.
    paired_difference : The interval of two lists of scores.

    Notes
    -----
    Why "micro": per-task R² divides by the variance of a few test rows, so on a task with little
    signal it is far below zero, and one such task decides the mean. A task whose score cannot be
    computed makes a macro score an error, never the mean of the others; but a task that has one
    class in the whole table is not ranked, and a warning names it.

    A test part is predicted once, and each task is scored on its rows of that prediction (a scorer
    that is not made by `make_scorer` is called on each task's rows). Where tasks have classes of
    their own, a ranking (ROC AUC, average precision) of a task's rows is that of the probabilities
    given that the class is one of the task's.

    BLAS and OpenMP are held to one thread, so that workers do not fight for cores and sums are
    rounded alike whatever `n_jobs`. The cost is that of J (budget × inner_cv + 1) fits per
    candidate; where a model is fitted from moments and scored by squared errors, the search reads
    the rows once, and fits once on rows. To score by what has no closed form here (neither a mean
    over rows, R² nor the area under the ROC curve), a score is computed anew without each of some
    twenty parts of the rows, which is what intervals are made of.

    Taught in :doc:`/chapters/background/did_sharing_help`.
    """
    candidates, budget = _check_candidates(candidates)
    X, y, task = check_table(X, y, task_col)
    check_choice(average, "average", ("micro", "macro"))
    check_scope(scope)
    check_flag(verbose, "verbose")
    groups, sample_weight = check_beside(groups, sample_weight, len(y))
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
        _warn_missing_opponents(estimators, settings, task_col)
    scorers = {
        name: TaskScorer(scorer, task_col, tasks, average, X, y, sample_weight)
        for name, scorer in _check_scoring(scoring, estimators, baseline).items()
    }
    _warn_unranked(scorers, tasks)
    if cv is None:
        cv = TaskStratifiedShuffleSplit(task_col=task_col, random_state=random_state)
    inner_cv = check_inner(inner_cv, cv, task_col)
    scored = set(tasks)
    lone = only_row(task, np.array([name not in scored for name in task.tolist()]))
    stratified = isinstance(cv, TaskStratifiedKFold | TaskStratifiedShuffleSplit)
    splits = check_splits(cv, X, y, lone & stratified, groups)
    first, *others = scorers
    searches = {
        name: Search(*pair, inner_cv, first, scorers[first], task_col)
        for name, pair in candidates.items()
    }
    seeds = check_random_state(random_state).randint(np.iinfo(np.int32).max, size=len(splits))
    units = {name: Units(scorer, X, y, groups) for name, scorer in scorers.items()}
    # Processes, not threads: the CPU clock is that of a process.
    runs = Parallel(n_jobs=n_jobs, prefer="processes", return_as="generator")(
        delayed(_run_split)(
            searches, scorers, units, X, y, groups, sample_weight, *split, int(seeds[j]), j
        )
        for j, split in enumerate(splits)
    )
    runs = list(tqdm(runs, "splits", total=len(splits), disable=not verbose))
    shared = {
        "names": list(candidates),
        "baseline": baseline,
        "tasks": tasks,
        "best_params": {name: [run[name][1] for run in runs] for name in candidates},
        "seconds": {name: np.array([run[name][2] for run in runs]) for name in candidates},
        "settings": settings,
        "average": average,
        "budget": budget,
        "scope": scope,
        "searches": searches,
    }
    made = {}
    for k, name in enumerate(scorers):
        kept = {c: Scores(*map(np.array, zip(*(r[c][0][k] for r in runs)))) for c in candidates}  # noqa: B905
        parts = units[name].parts(splits)
        by_task = parts.tasks == np.arange(len(tasks))[:, None]
        made[name] = Comparison(
            **shared,
            scoring=name,
            scores={c: of.score for c, of in kept.items()},
            task_scores={c: of.by_task for c, of in kept.items()},
            influences={c: of.influence for c, of in kept.items()},
            task_influences={c: of.task_influence for c, of in kept.items()},
            parts=parts,
            train_rows=parts.train @ by_task.T,
            test_rows=parts.test @ by_task.T,
        )
    made[first].by_scoring.update(made if others else {})
    return made[first]


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


def _warn_missing_opponents(estimators, settings, task_col):
    missing = [
        (setting, kind, f"{kind}(estimator, task_col={task_col!r})")
        for setting, kind in (("single-task", "PerTask"), ("pooled", "Pooled"))
        if setting not in settings.values()
    ]
    told = [
        estimator
        for estimator in estimators.values()
        if "category" in map(str, params_named(estimator, "task_as_input"))
    ]
    if not told:
        made = f"Pooled(HistGradientBoosting..., task_col={task_col!r}, task_as_input='category')"
        missing.append(("boosted", "boosted trees told the task", made))
    for name, kind, made in missing:
        warnings.warn(
            f"no candidate is {kind}, so it is not known what sharing gains over it: add for "
            f"example {name!r}: ({made}, param_grid)",
            stacklevel=3,
        )


def _warn_unranked(scorers, tasks):
    for name, scorer in scorers.items():
        left_out = [task for task, counts in zip(tasks, scorer.counted, strict=True) if not counts]
        if left_out and scorer.average == "macro":
            warnings.warn(
                f"tasks {some(left_out)} have one class in the whole table, so {name!r} cannot "
                "rank them: they train, and are left out of the mean over tasks",
                stacklevel=3,
            )


def params_named(estimator, name):
    """Values of the parameter, of the estimator itself and of those inside it."""
    return [v for k, v in estimator.get_params().items() if k.split("__")[-1] == name]


def _check_scoring(scoring, estimators, baseline):
    """Scorers by name, the first of which chooses settings."""
    if scoring is None:
        scoring = default_scoring(estimators)
    several = list(scoring) if isinstance(scoring, (list, tuple)) else [scoring]
    if not several:
        raise ValueError(f"scoring={scoring!r} must name at least one score")
    scorers = {}
    for one in several:
        if not callable(one):
            check_choice(one, "scoring", get_scorer_names())
        name = one if isinstance(one, str) else getattr(one, "__name__", str(one))
        if name in scorers:
            raise ValueError(f"scoring={scoring!r} holds {name!r} twice: drop one")
        scorers[name] = check_scoring(estimators[baseline], scoring=one)
    return scorers


def default_scoring(estimators):
    classifiers = [name for name, estimator in estimators.items() if is_classifier(estimator)]
    if 0 < len(classifiers) < len(estimators):
        raise ValueError(
            f"of the candidates only {some(classifiers)} are classifiers, so no score fits all: "
            "pass scoring, or compare classifiers with classifiers"
        )
    return "accuracy" if classifiers else "r2"


def _run_split(searches, scorers, units, X, y, groups, weight, train, test, seed, j):
    """Of each candidate on one split: its `Scores` by each scorer, its setting, CPU seconds."""
    own, results = rows_of(train, X, y, groups, weight), {}
    X_test, y_test, _, weight_test = rows_of(test, X, y, groups, weight)
    parts = [
        scorer.part(X_test, y_test, weight_test, units[name].of_rows[test])
        for name, scorer in scorers.items()
    ]
    with threadpool_limits(1):
        folds = Folds(next(iter(searches.values())), *own, seed)
        for name, search in searches.items():
            try:
                start = time.process_time()
                fitted, params = search.fit(*own, folds)
                seconds = time.process_time() - start
                responses = Responses(fitted, parts[0].X)
                scores = [
                    scorer.scores(responses, part, units[key].count)
                    for (key, scorer), part in zip(scorers.items(), parts, strict=True)
                ]
            except Exception as error:
                error.add_note(f"(candidate {name!r}, split {j})")
                raise
            results[name] = scores, params, seconds
    return results
