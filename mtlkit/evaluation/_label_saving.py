"""How many labels a method saves: a learning curve read sideways."""

import numpy as np
from sklearn.utils import check_random_state

from ._intervals import check_level, check_spread


def label_saving(sizes, baseline, n, scores, *, level=0.95, resamples=500, random_state=None):
    """Labels that a baseline needs in addition to score what a candidate scores with n.

    A learning curve read sideways: from the candidate's mean score at n go to the right until the
    baseline's curve is met. Between measured sizes the curve is interpolated in log n; where it
    falls, by chance, it is taken to be level.

    Parameters
    ----------
    sizes : array-like of shape (S,)
        Numbers of labels at which the baseline was scored, increasing.
    baseline : array-like of shape (S, J)
        Its scores on the same J splits at each size, J at least 2; higher is better.
    n : array-like of shape (K,)
        Numbers of labels at which the candidate was scored.
    scores : array-like of shape (K, J)
        The candidate's scores on these J splits at each n.
    level : float, default=0.95
        Confidence level of the bootstrap interval, which draws the J splits again.
    resamples : int, default=500
        Number of draws.
    random_state : int, RandomState instance or None, default=None
        For the draws.

    Returns
    -------
    ndarray of shape (K, 3)
        Saving, lower and upper end; negative where the candidate is behind. Beyond the range of
        `sizes` it is infinite; below the range it stays at ``sizes[0] - n``.

    Notes
    -----
    Cost: O(resamples (S + K) J). As with every interval from splits of one table, this one says
    how well the curves of *this table* are known.
    """
    sizes, baseline = np.asarray(sizes, dtype=float), np.asarray(baseline, dtype=float)
    n, scores = np.asarray(n, dtype=float), np.asarray(scores, dtype=float)
    check_level(level)
    if sizes.ndim != 1 or len(sizes) < 2 or not (np.diff(sizes, prepend=0) > 0).all():
        raise ValueError(
            f"sizes={sizes.tolist()} must be at least two positive numbers of labels, increasing"
        )
    if n.ndim != 1 or not (n > 0).all():
        raise ValueError(f"n={n.tolist()} must be a list of positive numbers of labels")
    if resamples < 1:
        raise ValueError(f"resamples={resamples} must be at least 1, for example 500")
    for name, counts, table in (("baseline", sizes, baseline), ("scores", n, scores)):
        if table.ndim != 2 or table.shape != (len(counts), baseline.shape[-1]):
            raise ValueError(
                f"{name} has shape {table.shape}: pass one row for each of {len(counts)} numbers "
                "of labels and one column for each split, the same splits for both"
            )
        if not np.isfinite(table).all():
            raise ValueError(f"{name} holds {table[~np.isfinite(table)][0]}: leave that split out")
    check_spread(baseline.shape[1])
    J, random_state = baseline.shape[1], check_random_state(random_state)
    found = []
    for rows in [np.arange(J), *random_state.randint(J, size=(resamples, J))]:
        rising = np.maximum.accumulate(baseline[:, rows].mean(axis=1))
        reached = np.interp(scores[:, rows].mean(axis=1), rising, np.log(sizes), right=np.inf)
        found.append(np.exp(reached) - n)
    tail = (1 - level) / 2
    ends = np.quantile(found[1:], [tail, 1 - tail], axis=0, method="nearest")
    return np.column_stack([found[0], *ends])
