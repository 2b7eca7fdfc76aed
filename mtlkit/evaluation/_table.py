"""The table of a comparison, for print and for a notebook."""

from dataclasses import dataclass
from html import escape

from ._plot import unit


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

    def __str__(self) -> str:
        widths = [max(map(len, column)) for column in zip(self.header, *self.rows, strict=True)]
        lines = [self.caption]
        for cells in (self.header, ["-" * width for width in widths], *self.rows):
            padded = [cell.ljust(width) for cell, width in zip(cells, widths, strict=True)]
            lines.append("  ".join(padded).rstrip())
        return "\n".join(lines)

    def _repr_html_(self) -> str:
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


def make_table(comparison, scope, scale):
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
        difference = comparison.difference(name, scope=scope)
        ties = difference.n - difference.wins - difference.losses
        cells.append(f"{difference.times(scale):{spec}}")
        cells.append(f"{difference.wins}/{difference.n}" + (f" ({ties} tied)" if ties else ""))
        if several:
            cells += _task_cells(comparison, name, scope, scale, spec)
        rows.append(cells)
    caption = (
        f"{len(comparison.test_rows)} paired splits, {budget} setting{'s' if budget > 1 else ''} "
        f"tried by each, {comparison.average} average; intervals for {scope}"
        + (", of single tasks for new rows" if several and scope == "new tasks" else "")
    )
    return ComparisonTable(caption, header, rows)


def _task_cells(comparison, name, scope, scale, spec):
    differences = comparison.task_differences(name, scope=scope)
    if not differences:
        return ["-", "-"]
    won = sum(difference.mean > 0 for difference in differences.values())
    task, worst = min(differences.items(), key=lambda item: item[1].mean)
    if isinstance(task, float) and task.is_integer():  # an array holds task 5 as 5.0
        task = int(task)
    return [f"{won}/{len(differences)}", f"{task}: {worst.times(scale):{spec}}"]


def make_frame(comparison, by_task):
    """All scores of a `Comparison` as a long table."""
    import pandas as pd

    rows = []
    for by_score in (comparison.by_scoring or {comparison.scoring: comparison}).values():
        for name, setting in comparison.settings.items():
            for j, score in enumerate(by_score.scores[name]):
                row = {"scoring": by_score.scoring, "candidate": name, "setting": setting}
                row["split"] = j
                if not by_task:
                    row |= {"score": score, "seconds": comparison.seconds[name][j]}
                    rows.append(row | {"best_params": comparison.best_params[name][j]})
                    continue
                own = by_score.task_scores[name][j], by_score.train_rows[j], by_score.test_rows[j]
                for task, score, train, test in zip(comparison.tasks, *own, strict=True):
                    row |= {"task": task, "score": score}
                    rows.append(row | {"train_rows": train, "test_rows": test})
    return pd.DataFrame(rows)
