"""How many labels a method saves: a learning curve read sideways."""

from dataclasses import dataclass

import numpy as np
from sklearn.utils import check_random_state

from .._utils._containers import some
from .._utils._validation import check_integer
from ._comparison import Comparison
from ._designs import check_scope
from ._intervals import Interval, check_level, check_spread, real_numbers


@dataclass(frozen=True)
class LabelSaving(Interval):
    """Labels that a baseline needs in addition, with their interval; made by `label_saving`.

    ``f"{s:.0f}"`` writes ``+12 [+5, +20]``.

    Attributes
    ----------
    mean : float
        The saving, read off the mean curves; negative where the candidate is behind. Infinite
        where the baseline reaches the score at none of its numbers of labels.
    low, high : float
        Ends of the bootstrap interval.
    labels : int
        Number of labels with which the candidate was scored.
    n : int
        Number of splits.
    level : float
        Confidence level of the interval.
    scope : {"new rows", "these rows"} or None
        What the interval speaks about; None if arrays were given. ``print`` adds it.

    See Also
    --------
    label_saving : Makes it from two learning curves.

    Notes
    -----
    Taught in :doc:`/chapters/algorithms/how_many_labels`.
    """

    mean: float
    low: float
    high: float
    labels: int
    n: int
    level: float
    scope: str | None = None


def label_saving(
    *,
    sizes,
    scores,
    baseline_sizes,
    baseline_scores,
    candidate=None,
    baseline=None,
    scope="new rows",
    level=0.95,
    resamples=500,
    random_state=None,
) -> list[LabelSaving]:
    """Labels that a baseline needs in addition to score what a candidate scores (learning curves).

    A learning curve read sideways: from the candidate's mean score at n labels go to the right
    until the baseline's curve is met. Between measured sizes the curve is interpolated in log n;
    where it falls, by chance, it is taken to be level.

    Parameters
    ----------
    sizes : array-like of shape (K,)
        Numbers of labels at which the candidate was scored.
    scores : list of K Comparison, or array-like of shape (K, J)
        Results of `compare` with J splits, at each of the candidate's sizes. Or the candidate's
        scores, higher is better, of which those of one column come from a draw of their own: new
        rows for training and for testing.
    baseline_sizes : array-like of shape (S,)
        Numbers of labels at which the baseline was scored, increasing, at least two.
    baseline_scores : list of S Comparison, or array-like of shape (S, J)
        The same for the baseline, with the same J splits or draws, J at least 2.
    candidate, baseline : str, default=None
        Names in the comparisons; with arrays they mean nothing. A baseline of None is that of the
        first comparison.
    scope : {"new rows", "these rows"}, default="new rows"
        What the intervals speak about where comparisons are given, see `Comparison`.
    level : float, default=0.95
        Confidence level of the bootstrap interval, which draws the J columns again.
    resamples : int, default=500
        Number of draws.
    random_state : int, RandomState instance or None, default=None
        For the draws.

    Returns
    -------
    list of K LabelSaving
        In the order of `sizes`. Beyond the range of the baseline's sizes a saving is infinite:
        "more than was measured". Below the range it stays at ``baseline_sizes[0] - n``.

    Raises
    ------
    TypeError
        If sizes or scores are not real numbers, or a parameter is of the wrong type.
    ValueError
        If sizes are not positive and finite, shapes do not fit, or a score is NaN or infinite.

    See Also
    --------
    paired_difference : The same curves read downwards: the gain at a number of labels.

    Notes
    -----
    Splits of one table share rows, so drawing them again tells how well the curves of these rows
    are known. For new rows the deviations of each drawn curve are widened at each size by what
    ``Comparison.difference`` widens the interval of the difference by there.

    Cost: O(resamples (S + K) J).

    Taught in :doc:`/chapters/algorithms/how_many_labels`.

    Examples
    --------
    >>> [saved] = label_saving(
    ...     sizes=[10],
    ...     scores=[[0.7, 0.72]],
    ...     baseline_sizes=[10, 20, 40],
    ...     baseline_scores=[[0.6, 0.62], [0.7, 0.72], [0.8, 0.82]],
    ...     random_state=0,
    ... )
    >>> print(f"{saved:.0f}")
    +10 [+10, +10]
    """
    level = check_level(level)
    resamples = check_integer(resamples, "resamples")
    check_scope(scope)
    asked = scores
    curves = {}
    for prefix, n, table in (("", sizes, scores), ("baseline_", baseline_sizes, baseline_scores)):
        counts = real_numbers(n, f"{prefix}sizes")
        if counts.ndim != 1 or not (np.isfinite(counts) & (counts > 0)).all():
            raise ValueError(f"{prefix}sizes={n!r} must be a list of positive numbers of labels")
        found = _read(table, f"{prefix}scores", candidate, baseline, scope, bool(prefix))
        curves[prefix] = counts, *found
    (n, scores, wide), (ladder, against, base_wide) = curves.values()
    if len(ladder) < 2 or not (np.diff(ladder) > 0).all():
        raise ValueError(f"baseline_sizes={baseline_sizes!r} must be at least two, increasing")
    for prefix, (counts, table, _) in curves.items():
        if table.ndim != 2 or table.shape != (len(counts), *against.shape[-1:]):
            raise ValueError(
                f"{prefix}scores has shape {table.shape}: pass one row for each of the "
                f"{len(counts)} sizes and one column for each split, the same splits for both"
            )
        if not np.isfinite(table).all():
            raise ValueError(
                f"{prefix}scores holds {table[~np.isfinite(table)][0]}: leave that split out"
            )
    J, random_state = against.shape[1], check_random_state(random_state)
    check_spread(J)

    def drawn(table, rows, wide):
        mean = table.mean(axis=1)
        return mean + wide * (table[:, rows].mean(axis=1) - mean)

    found = []
    for rows in [np.arange(J), *random_state.randint(J, size=(resamples, J))]:
        rising = np.maximum.accumulate(drawn(against, rows, base_wide))
        reached = np.interp(drawn(scores, rows, wide), rising, np.log(ladder), right=np.inf)
        found.append(np.exp(reached) - n)
    tail = (1 - level) / 2
    ends = np.quantile(found[1:], [tail, 1 - tail], axis=0, method="nearest")
    named = scope if _comparisons(asked) else None
    return [
        LabelSaving(float(mean), float(low), float(high), labels, J, level, named)
        for mean, low, high, labels in zip(found[0], *ends, np.asarray(sizes).tolist(), strict=True)
    ]


def _comparisons(found):
    """The comparisons of a list of them; empty for anything else."""
    results = list(found) if isinstance(found, (list, tuple)) else []
    return results if all(isinstance(result, Comparison) for result in results) else []


def _read(found, name, candidate, baseline, scope, of_baseline):
    """Scores (K, J), and how many times wider than for these rows intervals are at each size."""
    results = _comparisons(found)
    if not results:
        return real_numbers(found, name), 1.0
    if scope == "new tasks":
        raise ValueError("scope='new tasks' is not for label savings: choose 'new rows'")
    chosen = baseline or results[0].baseline
    if candidate is None:
        raise ValueError(
            f"candidate={candidate!r} must name one of {some(results[0].names)}, whose scores are "
            "read from the comparisons"
        )
    wide = []
    for result in results:
        here, plain = (result.difference(candidate, chosen, scope=s) for s in (scope, "these rows"))
        spread = plain.high - plain.low
        wide.append((here.high - here.low) / spread if spread else 1.0)
    own = chosen if of_baseline else candidate
    return np.array([result.scores[own] for result in results]), np.array(wide)
