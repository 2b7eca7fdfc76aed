"""Losses of the outputs of a batch, and their gradients in the outputs.

What belongs here: from outputs (G, m, K) and targets (G, m) of G groups of rows, each of one task,
the loss of each group (G,) and D (G, m, K). `weight` (G, m) averages over the rows of a task; rows
that only fill up a group have 0.
"""

import numpy as np


def squared_error(outputs, target, weight):
    """½ (f - y)² with the first output as f."""
    residual = outputs[:, :, 0] - target
    D = np.zeros_like(outputs)
    D[:, :, 0] = weight * residual
    return 0.5 * (D[:, :, 0] * residual).sum(axis=1), D


def cross_entropy(outputs, target, weight, possible):
    """-log p of the class `target`, with p the softmax over the classes `possible` (G, K)."""
    Z = np.where(possible[:, None], outputs, -np.inf)
    Z -= Z.max(axis=2, keepdims=True)
    P = np.exp(Z)
    total = P.sum(axis=2, keepdims=True)
    P /= total
    at = np.arange(len(Z))[:, None], np.arange(Z.shape[1]), target
    losses = (weight * (np.log(total[:, :, 0]) - Z[at])).sum(axis=1)
    P[at] -= 1
    P *= weight[:, :, None]
    return losses, P


class TaskLosses:
    """Squared error for some tasks, cross-entropy for the others.

    Parameters
    ----------
    y : ndarray of shape (N,)
        Targets of all rows; for classes their number.
    is_class : ndarray of bool, shape (T,)
    possible : ndarray of bool, shape (T, K)
        The classes that each task may have.
    """

    def __init__(self, y, is_class, possible):
        self.y, self.is_class, self.possible = y, is_class, possible

    def __call__(self, outputs, batch):
        """Losses of the groups of a `Batch`, and D."""
        y, weight = self.y[batch.rows], batch.weight
        if not self.is_class.any():
            return squared_error(outputs, y, weight)
        own = slice(None) if batch.codes is None else batch.codes
        c, possible = self.is_class[own], self.possible[own]
        if self.is_class.all():
            return cross_entropy(outputs, y.astype(np.intp), weight, possible)
        losses, D = np.empty(len(outputs), outputs.dtype), np.empty_like(outputs)
        losses[~c], D[~c] = squared_error(outputs[~c], y[~c], weight[~c])
        losses[c], D[c] = cross_entropy(outputs[c], y[c].astype(np.intp), weight[c], possible[c])
        return losses, D

    def of_zero_outputs(self, rows):
        """The loss (T,) of a network that outputs zero on the rows of each task, at least ½."""
        losses = np.log(np.maximum(self.possible.sum(axis=1), 1))
        for t in np.flatnonzero(~self.is_class):
            losses[t] = (self.y[rows[t]] ** 2).mean() / 2
        return np.maximum(losses, 0.5)
