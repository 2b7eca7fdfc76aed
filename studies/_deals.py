"""Ways to answer on rows that are dealt anew, in place of the splits of one table.

Each deal has labelled rows and test rows of its own. What two ways answer on the same deals is
compared with an interval for new rows.
"""

import numpy as np
from scipy import stats
from sklearn.base import clone
from sklearn.model_selection import ParameterGrid


def tuned(model, grid, X, y, half):
    """Fitted with the setting that is right most often in two folds; how it answers."""
    found = [clone(model).set_params(**setting) for setting in ParameterGrid(grid)]
    scores = [
        sum((m.fit(X[~p], y[~p]).predict(X[p]) == y[p]).sum() for p in (half, ~half)) for m in found
    ]
    return found[int(np.argmax(scores))].fit(X, y).predict


def answered(deals):
    """Which answers are right, by way: an array of deals by test rows.

    A deal is a triple of its ways, as pairs of a name and a function of test rows, of these rows,
    and of their labels.
    """
    right = {}
    for ways, X, y in deals:
        for name, answers in ways:
            right.setdefault(name, []).append(answers(X) == y)
    return {name: np.array(found) for name, found in right.items()}


def row(name, right, gained, baseline="scratch"):
    """What a study stores of one case; `gained` gives the lead of one way over another."""
    return {
        "name": name,
        "scope": "new rows",
        "deals": len(right[baseline]),
        "scores": {way: round(100 * float(found.mean()), 2) for way, found in right.items()},
        "gain over the baseline": {
            way: gained(found, right[baseline]) for way, found in right.items() if way != baseline
        },
    }


def gain(a, b, *, fresh, n_rows, recur):
    """Mean difference in points with the page's interval for new rows.

    `fresh` numbers the test rows of each deal among the `n_rows` of the table; `recur` is the share
    of labelled rows that two deals have in common.
    """
    moved = a.astype(float) - b
    d, deals = moved.mean(axis=1), len(moved)
    influence = np.zeros((deals, n_rows))
    np.put_along_axis(influence, fresh, (moved - d[:, None]) / moved.shape[1], axis=1)
    of_rows = (influence.mean(axis=0) ** 2).sum()
    error = np.sqrt(d.var(ddof=1) * (1 / deals + recur) + of_rows)
    half = stats.t.ppf(0.975, deals - 1) * error
    ends = {"mean": d.mean(), "low": d.mean() - half, "high": d.mean() + half}
    return {key: round(100 * float(value), 2) for key, value in ends.items()}
