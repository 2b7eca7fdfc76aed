"""Minibatches that mix tasks by a stated rule, at a cost of the rows that count.

What belongs here: which rows a step sees, and with what weights. A batch is a list of groups of one
length, each with rows of one task, so that all heads work in one batched product.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

MOST_FILLING = 2  # places of a batch for each row in it
MOST_EXTRA = 1.5  # rows of an epoch for each row of the table, so that every step sees every task


@dataclass(frozen=True, eq=False)
class Batch:
    """The rows of a step.

    Parameters
    ----------
    rows : ndarray of int, shape (G, m)
        Row numbers; a group with fewer than m rows is filled up with one of its own.
    weight : ndarray of shape (G, m)
        Weights that average over the rows of a task; 0 where a group is filled up.
    codes : ndarray of int, shape (G,), or None
        The task of each group, in rising order. None: one group of each task.
    """

    rows: np.ndarray
    weight: np.ndarray
    codes: np.ndarray | None = None


def batches(rows, batch_size, temperature, rng, *, every_task=True, row_weight=None, dtype=float):
    """The batches of an epoch, from the row numbers of each task, `rows`.

    In an epoch, task t gets a share of N rows proportional to n_t^(1/temperature): 1 is
    proportional to its rows, infinity is equal for all. They come in random order, again and again
    where the share is more than it has, and are spread evenly over the N / `batch_size` steps. A
    task has a row in every step if `every_task` or if that takes at most half as many rows again.
    Else a task with fewer rows than there are steps is in some of the steps only, with as much more
    weight: over an epoch, each task's weights add up to the number of steps.

    `row_weight` (N,) multiplies the weight of each row.
    """
    n = np.array([len(own) for own in rows])
    power = (n / n.max()) ** (0.0 if np.isinf(temperature) else 1 / temperature)
    steps = max(1, round(n.sum() / batch_size))
    totals = np.maximum(np.round(n.sum() * power / power.sum()).astype(int), 1)
    steps = min(steps, int(totals.sum()))
    full = np.maximum(totals, steps)
    if every_task or full.sum() <= MOST_EXTRA * n.sum():
        totals = full
    drawn = np.concatenate(
        [_in_random_order(own, total, rng) for own, total in zip(rows, totals, strict=True)]
    )
    code = np.repeat(np.arange(len(n)), totals)
    place = np.arange(len(code)) - np.repeat(np.cumsum(totals) - totals, totals)
    # The first `more` steps hold one row more than the others.
    least, more = (part[code] for part in np.divmod(totals, steps))
    early = more * (least + 1)
    late = more + (place - early) // np.maximum(least, 1)
    step = np.where(place < early, place // (least + 1), late)
    count = least + (step < more)
    weight = np.divide(1.0, count, where=count > 0, out=np.empty(len(code)))
    thin = least == 0
    if thin.any():
        _spread_thin_tasks(step, totals, steps, thin, code, place, rng)
        weight[thin] = steps / totals[code[thin]]
    if row_weight is not None:
        weight *= row_weight[drawn]
    return in_groups(drawn, code, weight.astype(dtype), step, steps, len(n))


def _in_random_order(own, total, rng):
    laps = -(-total // len(own))
    if laps == 1:
        return own[rng.permutation(len(own))][:total]
    return np.concatenate([own[rng.permutation(len(own))] for _ in range(laps)])[:total]


def _spread_thin_tasks(step, totals, steps, thin, code, place, rng):
    """Assign the rows of tasks that miss some steps round-robin, tasks and steps shuffled."""
    few = np.flatnonzero(totals < steps)
    rng.shuffle(few)
    start = np.zeros(len(totals), dtype=int)
    start[few] = np.cumsum(totals[few]) - totals[few]
    step[thin] = rng.permutation(steps)[(start[code] + place)[thin] % steps]


def in_groups(row, code, weight, step, steps, n_tasks):
    """A `Batch` for each step, from row, task, weight and step of each draw, all of shape (D,)."""
    key = step * n_tasks + code
    order = np.argsort(key, kind="stable")
    row, weight = row[order], weight[order]
    cells, starts, counts = np.unique(key[order], return_index=True, return_counts=True)
    m = counts.max()
    if m * len(cells) > MOST_FILLING * len(row):
        m = max(1, len(row) // len(cells))
    parts = -(-counts // m)  # groups of each task in each step
    place = np.arange(len(row)) - np.repeat(starts, counts)
    group = np.repeat(np.cumsum(parts) - parts, counts) + place // m
    place %= m
    rows = np.repeat(row[place == 0, None], m, axis=1)
    rows[group, place] = row
    weights = np.zeros(rows.shape, weight.dtype)
    weights[group, place] = weight
    codes = np.repeat(cells, parts)
    bounds = np.searchsorted(codes, np.arange(steps + 1) * n_tasks)
    codes %= n_tasks
    whole = len(codes) == len(cells) == steps * n_tasks
    return [
        Batch(rows[a:b], weights[a:b], None if whole else codes[a:b])
        for a, b in pairwise(bounds.tolist())
    ]
