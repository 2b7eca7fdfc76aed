"""What a comparison can be asked: differences, tasks, equivalence, a table, a plot."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.metrics import get_scorer_names

from .._utils._containers import check_known
from ._designs import Parts, check_new_tasks, check_scope, error_of_mean, of_macro, warn_wide
from ._intervals import Difference, Equivalence, equivalence, in_a_word, interval, paired
from ._plot import ComparisonDisplay
from ._table import ComparisonTable, make_frame, make_table

if TYPE_CHECKING:
    import pandas as pd

# Scores of scikit-learn whose best value is not 1.
_UNBOUNDED = ("neg_", "mutual_info", "positive_likelihood")


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """Result of `compare`: scores of several candidates on the same J splits.

    Scores are greater-is-better, in raw units (an accuracy of 0.9 is 0.9).

    Attributes
    ----------
    names : list of str
        The candidates.
    baseline : str
        The candidate that differences are taken from, unless a method names another.
    scores : dict of name -> ndarray of shape (J,)
        Score on each split.
    task_scores : dict of name -> ndarray of shape (J, T)
        Score on each scored task alone. NaN where it cannot be computed: the task has no labelled
        test row on the split, or the metric is not defined on them (`roc_auc` with one class).
    tasks : list
        The T scored tasks.
    best_params : dict of name -> list of J dicts
        What the inner search chose; empty dicts if there was nothing to choose.
    seconds : dict of name -> ndarray of shape (J,)
        CPU seconds of the worker process for search and fit, without predictions; what candidates
        share (folds, their moments) counts for the first. Work that an estimator hands to further
        processes is not counted; measure with ``n_jobs=1`` or processes, not threads.
    settings : dict of name -> str
        "single-task", "pooled", "multi-task" or "transfer"; "single-task" without a task column.
    scoring : str
        Name of the score.
    average : {"micro", "macro"}
        How the score joins the tasks.
    budget : int
        Settings that each candidate tried.
    train_rows, test_rows : ndarray of shape (J, T)
        Labelled rows of each scored task in the training and test part of each split.
    scope : {"new rows", "these rows", "new tasks"}
        What intervals speak about, unless a method names another.
    parts : object
        Which units (rows, or the rows of a group in a task) each split trains and tests.
    influences, task_influences : dict of name -> ndarray of shape (J, U)
        How much each of U units moves a split's score, and that of its task.
    searches : dict of name -> object
        How each candidate was searched, which `refit` does again.
    by_scoring : dict of str -> Comparison
        With several scores: the comparison by each. `scoring` is that of the first, by which
        settings were chosen.

    See Also
    --------
    compare : Makes it.
    ComparisonDisplay : The plot of it.
    ComparisonTable : The table of it.

    Notes
    -----
    An interval is mean ± t · (standard error), and the scope decides the standard error. With s²
    the variance of the differences over the J splits:

    "these rows"
        s / √J: about the mean over random splits of this one table. It narrows without limit as
        splits are added, although no new row was seen.
    "new rows"
        About the mean difference on new tables of the same tasks. No row in two splits: s / √J.
        More rows trained than tested: s √(1 / J + n_test / n_train), Nadeau and Bengio (2003).
        Else that would be far too wide, and the components of variance are estimated: with r the
        part that scored rows explain, τ² that of training parts, whose rows are shared by two
        splits to the extent of o on average, the squared error is s² / J + r + o τ². Here r is the
        sum of the squared mean influences of rows (or groups), and τ² what s² leaves when the
        variance of test rows is taken off. It is conservative by at most s² / J.
    "new tasks"
        About the mean over new tasks of the same kind: the tasks are the sample. The influences of
        the rows of a task, and its distance from the mean in a macro score, are added up; the error
        is that of the sum over T tasks, with T - 1 degrees of freedom, and s / √J beside it.

    None is adjusted for several candidates or tasks. Rows of tasks that are not scored are fixed.

    Taught in :doc:`/chapters/background/did_sharing_help`.

    References
    ----------
    * C. Nadeau and Y. Bengio, "Inference for the generalization error", Machine Learning 52,
      239-281, 2003.
    """

    names: list[str]
    baseline: str
    scores: dict[str, np.ndarray]
    task_scores: dict[str, np.ndarray]
    tasks: list
    best_params: dict[str, list[dict]]
    seconds: dict[str, np.ndarray]
    settings: dict[str, str]
    scoring: str
    average: str
    budget: int
    train_rows: np.ndarray
    test_rows: np.ndarray
    scope: str
    parts: Parts
    influences: dict[str, np.ndarray]
    task_influences: dict[str, np.ndarray]
    searches: dict
    by_scoring: dict[str, "Comparison"] = field(default_factory=dict)

    def __repr__(self):
        return (
            f"<Comparison of {', '.join(self.names)} by {self.scoring} on {len(self.test_rows)} "
            f"splits, intervals for {self.scope}; see .table() and .plot()>"
        )

    def difference(self, name, baseline=None, *, scope=None, level=0.95) -> Difference:
        """Score of `name` minus score of the baseline, with its interval.

        Parameters
        ----------
        name : str
            A candidate.
        baseline : str, default=None
            Another; None means ``self.baseline``.
        scope : {"new rows", "these rows", "new tasks"}, default=None
            What the interval speaks about, see Notes of `Comparison`; None means ``self.scope``.
        level : float, default=0.95
            Confidence level.

        Returns
        -------
        Difference
            The mean over splits, with its confidence interval.

        Raises
        ------
        ValueError
            If a name or the scope is unknown, or the scope is "new tasks" and one task is scored.

        Warns
        -----
        UserWarning
            If no design gives a useful interval; the message names the cure.
        """
        d, error, df, scope = self._on_all(name, baseline, scope)
        return interval(d, error, df, level, scope)

    def task_differences(self, name, baseline=None, *, scope=None, level=0.95) -> dict:
        """The difference on each task alone.

        Parameters
        ----------
        name : str
            A candidate.
        baseline : str, default=None
            Another; None means ``self.baseline``.
        scope : {"new rows", "these rows", "new tasks"}, default=None
            As in `difference`. Of a single task only rows can be new: "new tasks" is "new rows".
        level : float, default=0.95
            Confidence level.

        Returns
        -------
        dict of task -> Difference
            Over the splits that scored the task for both candidates. A task with fewer than two
            such splits has no interval and is left out.
        """
        a, b = self._pair(self.task_scores, name, baseline)
        moved = np.subtract(*self._pair(self.task_influences, name, baseline))
        scope = "these rows" if self._scope(scope) == "these rows" else "new rows"
        result = {}
        for t, task in enumerate(self.tasks):
            splits = np.flatnonzero(np.isfinite(a[:, t]) & np.isfinite(b[:, t]))
            if splits.size >= 2:
                units = np.flatnonzero(self.parts.tasks == t)
                d = paired(a[splits, t], b[splits, t])
                parts, own = self.parts.of(splits, units), moved[splits][:, units]
                found = error_of_mean(d, scope, parts, own)
                result[task] = interval(d, found.error, found.df, level, scope)
        return result

    def worst_task(self, name, baseline=None, *, scope=None, level=0.95) -> tuple[Any, Difference]:
        """The task with the smallest mean difference.

        Of many tasks the worst looks bad by chance, and its interval does not know that it was
        picked: read it as a warning, and look at the task again on new data.

        Parameters
        ----------
        name : str
            A candidate.
        baseline : str, default=None
            Another; None means ``self.baseline``.
        scope : {"new rows", "these rows", "new tasks"}, default=None
            As in `task_differences`.
        level : float, default=0.95
            Confidence level.

        Returns
        -------
        task : object
            Its name.
        difference : Difference
            On this task alone.

        Raises
        ------
        ValueError
            If no task was scored on two splits or more.
        """
        differences = self.task_differences(name, baseline, scope=scope, level=level)
        if not differences:
            raise ValueError(
                "no task was scored on two splits or more, so none has an interval: use a cv that "
                "tests every task repeatedly, such as TaskStratifiedShuffleSplit"
            )
        return min(differences.items(), key=lambda item: item[1].mean)

    def equivalence(self, name, baseline=None, *, margin, scope=None) -> Equivalence:
        """Test that `name` and the baseline differ by less than `margin`.

        Parameters
        ----------
        name : str
            A candidate.
        baseline : str, default=None
            Another; None means ``self.baseline``.
        margin : float
            The largest difference that does not matter, in raw units of the score.
        scope : {"new rows", "these rows", "new tasks"}, default=None
            As in `difference`.

        Returns
        -------
        Equivalence
            See `equivalence_test`.
        """
        d, error, df, scope = self._on_all(name, baseline, scope)
        return equivalence(d, error, df, margin, scope=scope)

    def verdict(self, name, baseline=None, *, margin, scope=None, level=0.95) -> str:
        """Whether `name` wins, loses or ties against the baseline, by the rule of `verdict`.

        Parameters
        ----------
        name : str
            A candidate.
        baseline : str, default=None
            Another; None means ``self.baseline``.
        margin : float
            The largest difference that does not matter, in raw units of the score.
        scope : {"new rows", "these rows", "new tasks"}, default=None
            As in `difference`.
        level : float, default=0.95
            As in `verdict`: of the interval and of the test.

        Returns
        -------
        {"ties", "wins", "loses", "inconclusive"}
            For `name`.
        """
        d, error, df, _ = self._on_all(name, baseline, scope)
        return in_a_word(d, error, df, margin, level)

    @property
    def scale(self) -> int:
        """Factor for display: 100 (points) for scikit-learn scores of at most 1, else 1."""
        bounded = self.scoring in get_scorer_names() and not self.scoring.startswith(_UNBOUNDED)
        return 100 if bounded else 1

    @property
    def score_label(self) -> str:
        """How a header or an axis names the score."""
        return {"r2": "R²"}.get(self.scoring, self.scoring)

    def table(self, scope=None, scale=None) -> ComparisonTable:
        """The comparison as a table, for print and for a notebook.

        Parameters
        ----------
        scope : {"new rows", "these rows", "new tasks"}, default=None
            As in `difference`.
        scale : float, default=None
            Factor on every score; None means ``self.scale``, that is × 100 for accuracy, R², ROC
            AUC and the like.

        Returns
        -------
        ComparisonTable
            One row per candidate.
        """
        return make_table(self, self._scope(scope), self.scale if scale is None else scale)

    def plot(self, ax=None, scope=None) -> ComparisonDisplay:
        """Dot and interval of each candidate's difference from the baseline.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            None: a new figure.
        scope : {"new rows", "these rows", "new tasks"}, default=None
            As in `difference`.

        Returns
        -------
        ComparisonDisplay
            The display, drawn.
        """
        return ComparisonDisplay.from_comparison(self, scope=scope, ax=ax)

    def to_frame(self, by_task=False) -> "pd.DataFrame":
        """All scores as a long table, for statistics of your own.

        Parameters
        ----------
        by_task : bool, default=False
            False: a row for each scoring, candidate and split, with its seconds and the setting
            that the search chose. True: one for each task as well, with its numbers of labelled
            rows; tasks that could not be scored have NaN.

        Returns
        -------
        pandas.DataFrame
            Columns scoring, candidate, setting, split, then (task,) score, and what is named above.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        return make_frame(self, by_task)

    def refit(self, name, X, y, *, groups=None, sample_weight=None) -> Any:
        """The candidate for use: searched once more, on all rows, and fitted to them.

        Parameters
        ----------
        name : str
            A candidate.
        X : DataFrame or array of shape (n, p)
            Table with the task column, as in `compare`.
        y : array-like of shape (n,)
            Its labels.
        groups : array-like of shape (n,), default=None
            As in `compare`.
        sample_weight : array-like of shape (n,), default=None
            As in `compare`.

        Returns
        -------
        estimator
            Fitted, with the setting that the inner cross-validation of all rows chose.

        Raises
        ------
        ValueError
            If the name is unknown, or the table is not as in `compare`.
        """
        check_known(name, self.names, "candidate")
        return self.searches[name].on_all_rows(X, y, groups, sample_weight)

    def _scope(self, scope):
        return self.scope if scope is None else check_scope(scope)

    def _on_all(self, name, baseline, scope):
        """Differences (J,), the standard error of their mean, degrees of freedom, the scope."""
        scope = self._scope(scope)
        d = paired(*self._pair(self.scores, name, baseline))
        parts, moved = self.parts, np.subtract(*self._pair(self.influences, name, baseline))
        if scope == "new tasks":
            check_new_tasks(self, moved)
        if self.average == "macro":
            own = np.subtract(*self._pair(self.task_scores, name, baseline))
            parts, moved = of_macro(own, scope, parts, moved)
        found = error_of_mean(d, scope, parts, moved)
        if scope == "new rows":
            warn_wide(self, found.design)
        return d, found.error, found.df, scope

    def _pair(self, scores, name, baseline):
        baseline = self.baseline if baseline is None else baseline
        for candidate in (name, baseline):
            check_known(candidate, self.names, "candidate")
        return scores[name], scores[baseline]
