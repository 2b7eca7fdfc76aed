"""Which tasks help which: every pair of tasks trained together, against each of them alone."""

from dataclasses import dataclass
from itertools import combinations, permutations

import numpy as np
from sklearn.base import clone
from sklearn.metrics import check_scoring
from sklearn.utils.parallel import Parallel, delayed
from threadpoolctl import threadpool_limits

from .._utils._containers import take
from ..table import TaskStratifiedShuffleSplit
from ..table._reading import unique_tasks
from ._compare import check_task_col, default_scoring
from ._designs import check_scope, error_of_mean
from ._intervals import check_level, interval, paired
from ._scoring import Responses, TaskScorer
from ._search import Units, check_splits, check_table


@dataclass(frozen=True, eq=False)
class TaskAffinity:
    """Pairwise task affinity: what tasks gain from each other; made by `task_affinity`.

    Attributes
    ----------
    tasks : list
        The T tasks, sorted.
    mean, low, high : ndarray of shape (T, T)
        Entry [s, t] is the mean gain of task t from training with task s, in raw units of the
        score, and the ends of its interval. The diagonal is NaN.
    scope : {"new rows", "these rows"}
        What the intervals speak about.

    See Also
    --------
    task_affinity : Measures it.
    mtlkit.linear.TaskGraph : A penalty that takes affinities as the adjacency of tasks.

    Notes
    -----
    Taught in :doc:`/chapters/algorithms/which_tasks_belong_together`.
    """

    tasks: list
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    scope: str


def task_affinity(
    together,
    alone,
    X,
    y,
    *,
    task_col,
    scoring=None,
    cv=None,
    scope="new rows",
    level=0.95,
    n_jobs=None,
    random_state=None,
) -> TaskAffinity:
    r"""Pairwise task affinity: what each task gains from training with each other one.

    With score(f, t) the score of a fitted model f on the test rows of task t,

    .. math:: A_{st} = \frac1J \sum_{j=1}^J \big[\mathrm{score}(f^{(j)}_{\{s,t\}}, t)
              - \mathrm{score}(f^{(j)}_{\{t\}}, t)\big].

    On split j, `together` was fitted to the training rows of tasks s and t, `alone` to those of t.
    A is not symmetric: s may help t more than t helps s.

    Parameters
    ----------
    together, alone : estimator
        For two tasks, and for one; both with the same `task_col`. To tune them on each split pass
        two `GridSearchCV`, with ``cv=TaskStratifiedKFold(...)`` and grids of the same size.
    X : DataFrame or array of shape (n, p)
        Table with the task column, of two tasks or more.
    y : array-like of shape (n,)
        Rows whose label is missing may train (if the estimators take them) and are never scored.
    task_col : str or int
        The task column.
    scoring : str or callable, default=None
        A scikit-learn scorer; None: "accuracy" for classifiers, "r2" for regressors.
    cv : splitter or list of (train, test), default=None
        None: 20 splits by `TaskStratifiedShuffleSplit`, a quarter of the rows for tests.
    scope : {"new rows", "these rows"}, default="new rows"
        What the intervals speak about, see `Comparison`.
    level : float, default=0.95
        Of each interval. At ``1 - 0.05 / (T * (T - 1))`` all T(T - 1) hold together (Bonferroni).
    n_jobs : int, default=None
        Splits worked on at the same time; the result does not depend on it.
    random_state : int, RandomState instance or None, default=None
        Draws the default `cv`.

    Returns
    -------
    TaskAffinity
        The matrix of affinities, with an interval for each pair.

    Raises
    ------
    TypeError, ValueError
        If there are fewer than two tasks or splits, an estimator has another task column, an
        argument is not what it should be, or a score cannot be computed.

    Warns
    -----
    UserWarning
        If an estimator has no task column and would see the task as a feature.

    See Also
    --------
    compare : All tasks together against each alone.
    paired_difference : The interval of each entry.

    Notes
    -----
    The cost: J T (T + 1) / 2 fits. What pairs gain need not tell what a larger group gains
    (Standley et al., ICML 2020).

    Taught in :doc:`/chapters/algorithms/which_tasks_belong_together`.

    Examples
    --------
    >>> from mtlkit.datasets import make_linear_tasks
    >>> from mtlkit.linear import LearnedRelations, MultiTaskLinearRegression
    >>> X, y = make_linear_tasks("opposed", n_tasks=2, random_state=0)
    >>> models = [MultiTaskLinearRegression(LearnedRelations(c), 5, task_col=0) for c in (1, 0)]
    >>> bool(task_affinity(*models, X, y, task_col=0, random_state=0).mean[0, 1] > 0)
    True
    """
    X, y, task = check_table(X, y, task_col)
    tasks, codes = unique_tasks(task)
    tasks = tasks.tolist()
    if len(tasks) == 1:
        raise ValueError(f"X has one task, {tasks[0]!r} (task_col={task_col!r}); give two or more")
    check_task_col({"together": together, "alone": alone}, task_col)
    level = check_level(level)
    if check_scope(scope) == "new tasks":
        raise ValueError("scope='new tasks': pairs are of these tasks: choose 'new rows'")
    if scoring is None:
        scoring = default_scoring({"together": together, "alone": alone})
    scorer = check_scoring(together, scoring=scoring)
    scorer = TaskScorer(scorer, task_col, tasks, "macro", X, y)
    if cv is None:
        cv = TaskStratifiedShuffleSplit(task_col=task_col, random_state=random_state)
    splits = check_splits(cv, X, y, np.zeros(len(y), dtype=bool))
    units = Units(scorer, X, y, None)
    runs = Parallel(n_jobs=n_jobs, prefer="processes")(
        delayed(_split_scores)(together, alone, X, y, codes, split, scorer, units, f"split {j}")
        for j, split in enumerate(splits)
    )
    # (J, T + 1, T) scores of task t at [:, s, t], alone at [:, T, t]; (J, T + 1, U) influences.
    scores, moved = map(np.array, zip(*runs, strict=True))
    parts = units.parts(splits)
    mean, low, high = np.full((3, len(tasks), len(tasks)), np.nan)
    for s, t in permutations(range(len(tasks)), 2):
        d = paired(scores[:, s, t], scores[:, -1, t])
        own = np.flatnonzero(units.tasks == t)
        moves = moved[:, s, own] - moved[:, -1, own]
        found = error_of_mean(d, scope, parts.of(slice(None), own), moves)
        gain = interval(d, found.error, found.df, level)
        mean[s, t], low[s, t], high[s, t] = gain.mean, gain.low, gain.high
    return TaskAffinity(tasks, mean, low, high, scope)


def _split_scores(together, alone, X, y, codes, split, scorer, units, where):
    """On one split, scores of task t (T + 1, T) trained with s, or alone in the last row, and the
    influences (T + 1, U) of the units of t on them."""
    T = len(scorer.tasks)
    scores, moved = np.full((T + 1, T), np.nan), np.zeros((T + 1, units.count))
    with threadpool_limits(1):
        for group in [*([t] for t in range(T)), *map(list, combinations(range(T), 2))]:
            train, test = (part[np.isin(codes[part], group)] for part in split)
            try:
                model = alone if len(group) == 1 else together
                fitted = clone(model).fit(take(X, train), y[train])
                part = scorer.part(take(X, test), y[test], None, units.of_rows[test])
                found = scorer.scores(Responses(fitted, part.X), part, units.count)
                if np.isnan(found.by_task[group]).any():
                    raise ValueError("a task has no labelled test row: use larger test parts")
            except Exception as error:
                error.add_note(f"(tasks {[scorer.tasks[t] for t in group]}, {where})")
                raise
            for t in group:
                partner = next((s for s in group if s != t), T)
                own = units.tasks == t
                scores[partner, t] = found.by_task[t]
                moved[partner, own] = found.task_influence[own]
    return scores, moved
