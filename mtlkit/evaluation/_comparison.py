"""What a comparison can be asked: differences, tasks, equivalence, a table, a plot."""

from dataclasses import dataclass
from html import escape

import numpy as np
from sklearn.metrics import get_scorer_names

from .._utils._containers import some
from ._intervals import equivalence_test, paired_difference
from ._plot import ComparisonDisplay, unit

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
        CPU seconds of the worker process for search and fit, predictions not included. Work that
        an estimator hands to further processes is not counted, and with a joblib backend of
        threads all workers are one process: measure seconds with processes or ``n_jobs=1``.
    settings : dict of name -> str
        "single-task", "pooled", "multi-task" or "transfer"; all "single-task" if there was no task
        column.
    scoring : str
        Name of the score.
    average : {"micro", "macro"}
        How the score joins the tasks.
    budget : int
        Settings that each candidate tried.
    train_rows, test_rows : ndarray of shape (J, T)
        Labelled rows of each scored task in the training and test part of each split.

    See Also
    --------
    compare : Makes it.
    ComparisonDisplay : The plot of it.
    ComparisonTable : The table of it.

    Notes
    -----
    Taught in :doc:`/chapters/background/did_sharing_help`.
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

    def __repr__(self):
        return (
            f"<Comparison of {', '.join(self.names)} by {self.scoring} on {len(self.test_rows)} "
            "splits; see .table() and .plot()>"
        )

    def difference(self, name, baseline=None, *, corrected=False, level=0.95):
        """Score of `name` minus score of the baseline, with its interval.

        Parameters
        ----------
        name : str
            A candidate.
        baseline : str, default=None
            Another; None means ``self.baseline``.
        corrected : bool, default=False
            False: about the mean over random splits of this table. True: about new data of the
            same source, which is wider; see `paired_difference`. The rows counted are the labelled
            rows of the scored tasks.
        level : float, default=0.95
            Confidence level.

        Returns
        -------
        Difference
            The mean over splits, with its confidence interval.
        """
        a, b = self._pair(self.scores, name, baseline)
        return paired_difference(a, b, level=level, corrected=self._rows() if corrected else None)

    def task_differences(self, name, baseline=None, *, corrected=False, level=0.95):
        """The difference on each task alone.

        Parameters
        ----------
        name : str
            A candidate.
        baseline : str, default=None
            Another; None means ``self.baseline``.
        corrected : bool, default=False
            As in `difference`.
        level : float, default=0.95
            Confidence level.

        Returns
        -------
        dict of task -> Difference
            Over the splits that scored the task for both candidates. A task with fewer than two
            such splits has no interval and is left out.
        """
        a, b = self._pair(self.task_scores, name, baseline)
        result = {}
        for t, task in enumerate(self.tasks):
            splits = np.flatnonzero(np.isfinite(a[:, t]) & np.isfinite(b[:, t]))
            if splits.size >= 2:
                rows = self._rows(splits, [t]) if corrected else None
                result[task] = paired_difference(
                    a[splits, t], b[splits, t], level=level, corrected=rows
                )
        return result

    def worst_task(self, name, baseline=None, *, corrected=False, level=0.95):
        """The task with the smallest mean difference.

        Of many tasks the worst looks bad by chance alone, and its interval does not know that it
        was picked: read it as a warning, and look at the task again on new data.

        Parameters
        ----------
        name : str
            A candidate.
        baseline : str, default=None
            Another; None means ``self.baseline``.
        corrected : bool, default=False
            As in `difference`.
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
        differences = self.task_differences(name, baseline, corrected=corrected, level=level)
        if not differences:
            raise ValueError(
                "no task was scored on two splits or more, so none has an interval: use a cv that "
                "tests every task repeatedly, such as TaskStratifiedShuffleSplit"
            )
        return min(differences.items(), key=lambda item: item[1].mean)

    def equivalence(self, name, baseline=None, *, margin, corrected=False):
        """Test that `name` and the baseline differ by less than `margin`.

        Parameters
        ----------
        name : str
            A candidate.
        baseline : str, default=None
            Another; None means ``self.baseline``.
        margin : float
            The largest difference that does not matter, in raw units of the score.
        corrected : bool, default=False
            As in `difference`.

        Returns
        -------
        Equivalence
            See `equivalence_test`.
        """
        a, b = self._pair(self.scores, name, baseline)
        return equivalence_test(a, b, margin, corrected=self._rows() if corrected else None)

    @property
    def scale(self):
        """Factor for display: 100 (points) for scikit-learn scores of at most 1, else 1."""
        bounded = self.scoring in get_scorer_names() and not self.scoring.startswith(_UNBOUNDED)
        return 100 if bounded else 1

    @property
    def score_label(self):
        """How a header or an axis names the score."""
        return {"r2": "R²"}.get(self.scoring, self.scoring)

    def table(self, corrected=False, scale=None):
        """The comparison as a table, for print and for a notebook.

        Parameters
        ----------
        corrected : bool, default=False
            As in `difference`.
        scale : float, default=None
            Factor on every score; None means ``self.scale``, that is × 100 for accuracy, R², ROC
            AUC and the like.

        Returns
        -------
        ComparisonTable
            One row per candidate.
        """
        return _table(self, corrected, self.scale if scale is None else scale)

    def plot(self, ax=None, corrected=False):
        """Dot and interval of each candidate's difference from the baseline.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            None: a new figure.
        corrected : bool, default=False
            As in `difference`.

        Returns
        -------
        ComparisonDisplay
            The display, drawn.
        """
        return ComparisonDisplay.from_comparison(self, corrected=corrected, ax=ax)

    def _pair(self, scores, name, baseline):
        baseline = self.baseline if baseline is None else baseline
        for candidate in (name, baseline):
            check_known(candidate, self.names, "candidate")
        return scores[name], scores[baseline]

    def _rows(self, splits=slice(None), tasks=slice(None)):
        """Mean over splits of the training and of the test rows of some tasks together."""
        return tuple(
            counts[splits][:, tasks].sum(axis=1).mean()
            for counts in (self.train_rows, self.test_rows)
        )


def check_known(value, known, what):
    """Raise a ValueError unless `value` is one of `known`."""
    if value not in known:
        raise ValueError(f"{what} {value!r} is unknown: choose one of {some(known)}")


@dataclass(frozen=True)
class ComparisonTable:
    """A table with a caption that prints as text and shows as HTML.

    Attributes
    ----------
    caption : str
        What stands above.
    header : list of str
        Names of the columns.
    rows : list of lists of str
        The first cell of a row names it.

    See Also
    --------
    Comparison.table : Makes it.

    Notes
    -----
    Taught in :doc:`/chapters/background/did_sharing_help`.
    """

    caption: str
    header: list[str]
    rows: list[list[str]]

    def __str__(self):
        widths = [max(map(len, column)) for column in zip(self.header, *self.rows, strict=True)]
        lines = [self.caption]
        for cells in (self.header, ["-" * width for width in widths], *self.rows):
            padded = [cell.ljust(width) for cell, width in zip(cells, widths, strict=True)]
            lines.append("  ".join(padded).rstrip())
        return "\n".join(lines)

    def _repr_html_(self):
        head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in self.header)
        body = "".join(
            f'<tr><th scope="row">{escape(name)}</th>'
            + "".join(f"<td>{escape(cell)}</td>" for cell in cells)
            + "</tr>"
            for name, *cells in self.rows
        )
        return (
            f"<table><caption>{escape(self.caption)}</caption>"
            f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        )


def _table(comparison, corrected, scale):
    """The table of a `Comparison`; columns on tasks only where several tasks are scored."""
    spec = ".1f" if scale == 100 else ".4g"
    base, budget = comparison.baseline, comparison.budget
    several = len(comparison.tasks) > 1
    header = [
        *("candidate", "setting", f"{comparison.score_label}{unit(scale)}"),
        *(f"difference from {base} [95% interval]", "splits won"),
        *(["tasks won", "worst task"] if several else []),
    ]
    rows = []
    for name in comparison.names:
        mean = comparison.scores[name].mean() * scale
        cells = [name, comparison.settings[name], f"{mean:z{spec}}"]
        if name == base:
            rows.append(cells + ["baseline"] + ["-"] * (3 if several else 1))
            continue
        difference = comparison.difference(name, corrected=corrected)
        ties = difference.n - difference.wins - difference.losses
        cells.append(f"{difference.times(scale):{spec}}")
        cells.append(f"{difference.wins}/{difference.n}" + (f" ({ties} tied)" if ties else ""))
        if several:
            cells += _task_cells(comparison, name, corrected, scale, spec)
        rows.append(cells)
    caption = (
        f"{len(comparison.test_rows)} paired splits, {budget} setting{'s' if budget > 1 else ''} "
        f"tried by each, {comparison.average} average; intervals for "
        + ("new data (corrected)" if corrected else "the mean over splits of this table")
    )
    return ComparisonTable(caption, header, rows)


def _task_cells(comparison, name, corrected, scale, spec):
    differences = comparison.task_differences(name)
    if not differences:
        return ["-", "-"]
    won = sum(difference.mean > 0 for difference in differences.values())
    task, worst = comparison.worst_task(name, corrected=corrected)
    if isinstance(task, float) and task.is_integer():  # an array holds task 5 as 5.0
        task = int(task)
    return [f"{won}/{len(differences)}", f"{task}: {worst.times(scale):{spec}}"]
