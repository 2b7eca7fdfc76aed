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


class Batches:
    """Draws the batches of one epoch after another, from the row numbers of each task, `rows`.

    In an epoch, task t gets a share of N rows proportional to n_t^(1/temperature): 1 is
    proportional to its rows, infinity is equal for all. They come in random order, again and again
    where the share is more than it has, and are spread evenly over the N / `batch_size` steps. A
    task has a row in every step if `every_task` or if that takes at most half as many rows again.
    Else a task with fewer rows than there are steps is in some of the steps only, with as much more
    weight: over an epoch, each task's weights add up to the number of steps.

    `row_weight` (N,) multiplies the weight of each row.
    """

    def __init__(
        self, rows, batch_size, temperature, rng, *, every_task=True, row_weight=None, dtype=float
    ):
        n = np.array([len(own) for own in rows])
        power = (n / n.max()) ** (0.0 if np.isinf(temperature) else 1 / temperature)
        totals = np.maximum(np.round(n.sum() * power / power.sum()).astype(int), 1)
        self.steps = min(max(1, round(n.sum() / batch_size)), int(totals.sum()))
        full = np.maximum(totals, self.steps)
        if every_task or full.sum() <= MOST_EXTRA * n.sum():
            totals = full
        self.rows, self.totals, self.rng, self.dtype = rows, totals, rng, dtype
        self.row_weight = row_weight
        self._plan = None

    def epoch(self):
        """A `Batch` for each step."""
        pairs = zip(self.rows, self.totals, strict=True)
        drawn = np.concatenate([_in_random_order(own, total, self.rng) for own, total in pairs])
        if self._plan is None or self.totals.min() < self.steps:  # else there is no other one
            self._plan = self._places()
        found = [Batch(drawn[batch.rows], batch.weight, batch.codes) for batch in self._plan]
        if self.row_weight is None:
            return found
        weights = [
            (batch.weight * self.row_weight[batch.rows]).astype(self.dtype) for batch in found
        ]
        return [Batch(b.rows, w, b.codes) for b, w in zip(found, weights, strict=True)]

    def _places(self):
        """The batches with places in the draws of an epoch for row numbers."""
        totals, steps = self.totals, self.steps
        code = np.repeat(np.arange(len(totals)), totals)
        place = np.arange(len(code)) - np.repeat(np.cumsum(totals) - totals, totals)
        # The first `more` steps hold one row more than the others.
        least, more = (part[code] for part in np.divmod(totals, steps))
        early = more * (least + 1)
        late = more + (place - early) // np.maximum(least, 1)
        step = np.where(place < early, place // (least + 1), late)
        weight = 1 / np.maximum(least + (step < more), 1)
        thin = least == 0
        if thin.any():  # round-robin, with tasks and steps in random order
            few = self.rng.permutation(np.flatnonzero(totals < steps))
            start = np.zeros(len(totals), dtype=int)
            start[few] = np.cumsum(totals[few]) - totals[few]
            step[thin] = self.rng.permutation(steps)[(start[code] + place)[thin] % steps]
            weight[thin] = steps / totals[code[thin]]
        draws = np.arange(len(code))
        return in_groups(draws, code, weight.astype(self.dtype), step, steps, len(totals))


def _in_random_order(own, total, rng):
    laps = range(-(-total // len(own)))
    return np.concatenate([own[rng.permutation(len(own))] for _ in laps])[:total]


def in_groups(row, code, weight, step, steps, n_tasks):
    """A `Batch` for each step, from row, task, weight and step of each draw, all of shape (D,)."""
    key = step * n_tasks + code
    order = np.argsort(key, kind="stable")
    key, row, weight = key[order], row[order], weight[order]
    starts = np.flatnonzero(np.diff(key, prepend=-1))
    cells, counts = key[starts], np.diff(starts, append=len(key))
    m = counts.max()
    if len(cells) < steps * n_tasks or m * len(cells) > MOST_FILLING * len(row):
        # A group costs about as much as a place: it takes the head of its task along.
        lengths = np.union1d(counts, 1)
        m = lengths[np.argmin([(m + 1) * (-(-counts // m)).sum() for m in lengths])]
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
