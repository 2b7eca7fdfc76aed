"""Losses of the outputs of all tasks at once, and their gradients in the outputs.

What belongs here: from outputs (T, m, K) and targets (T, m) the loss of each task (T,) and D
(T, m, K). `weight` (T, m) averages over the rows of a task; rows that only fill up a batch have 0.
"""

import numpy as np


def squared_error(outputs, target, weight):
    """½ (f - y)² with the first output as f."""
    residual = outputs[:, :, 0] - target
    D = np.zeros_like(outputs)
    D[:, :, 0] = weight * residual
    return 0.5 * (D[:, :, 0] * residual).sum(axis=1), D


def cross_entropy(outputs, target, weight, allowed):
    """-log p of the class `target`, with p the softmax over the classes `allowed` (T, K)."""
    Z = np.where(allowed[:, None], outputs, -np.inf)
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
    allowed : ndarray of bool, shape (T, K)
        The classes of each task.
    """

    def __init__(self, y, is_class, allowed):
        self.y, self.allowed = y, allowed
        self.quantities, self.classes = np.flatnonzero(~is_class), np.flatnonzero(is_class)

    def __call__(self, outputs, rows, weight):
        y = self.y[rows]
        if not self.classes.size:
            return squared_error(outputs, y, weight)
        if not self.quantities.size:
            return cross_entropy(outputs, y.astype(np.intp), weight, self.allowed)
        losses, D = np.empty(len(outputs), outputs.dtype), np.empty_like(outputs)
        q, c = self.quantities, self.classes
        losses[q], D[q] = squared_error(outputs[q], y[q], weight[q])
        codes = y[c].astype(np.intp)
        losses[c], D[c] = cross_entropy(outputs[c], codes, weight[c], self.allowed[c])
        return losses, D
