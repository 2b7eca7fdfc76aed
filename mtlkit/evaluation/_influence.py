"""How much each row moves a score: what an interval for new rows needs to know of a test part."""

import numpy as np
from sklearn.metrics import (
    accuracy_score,
    log_loss,
    mean_absolute_error,
    mean_squared_error,
    r2_score,
    roc_auc_score,
    root_mean_squared_error,
)

MOST_UNITS = 5000  # rows, or groups of rows, of which influences are kept
JACKKNIFE_UNITS = 20  # where a score must be computed anew without each


def is_closed(scorer, weighted, n_classes):
    """Whether the influence of rows on the score of a scorer has a closed form here."""
    metric = getattr(scorer, "_score_func", None)
    ranks = metric is roc_auc_score
    return metric in _VALUES and not scorer._kwargs and not (ranks and (weighted or n_classes != 2))


def row_values(scorer, y, predicted, weight):
    """A number for each row whose weighted mean is the score, in a closed form.

    Score and row are near enough a mean: the score moves by w_i (v_i - score) / Σ w where row i
    gets a little more weight. For a score that is a mean, v_i is what it is the mean of; for R², a
    root and the area under the ROC curve it is the first term of an expansion in the weights.
    """
    return scorer._sign * _VALUES[scorer._score_func](y, predicted, weight)


def jackknife(score, score_without, units):
    """Influence of each unit on a score: what it loses without the unit, centred.

    `units` holds the unit of each row; returned are the units and their influences.
    """
    names, codes = np.unique(units, return_inverse=True)
    left = np.array([score_without(codes != k) for k in range(len(names))])
    lost = (len(names) - 1) / len(names) * (score - left)
    return names, lost - lost.mean()


def _log_loss(y, P, w):
    classes, P = P
    own = np.column_stack([1 - P, P]) if P.ndim == 1 else P
    own = own[np.arange(len(y)), np.searchsorted(classes, y)]
    return -np.log(np.clip(own, np.finfo(own.dtype).eps, 1))


def _r2(y, f, w):
    share = w / w.sum()
    spread = (y - share @ y) ** 2
    left = (y - f) ** 2
    mean = share @ spread
    unexplained = share @ left / mean
    return 1 - unexplained - (left - unexplained * spread) / mean


def _root(y, f, w):
    square = w @ (y - f) ** 2 / w.sum()
    root = np.sqrt(square)
    return root + ((y - f) ** 2 - square) / (2 * root) if root else np.zeros(len(y))


def _roc_auc(positive, f, w):
    """Placement values (DeLong): the share of the other class that a row is ranked right of."""
    values = np.full(len(f), np.nan)
    if positive.all() or not positive.any():
        return values
    for side, sign in ((positive, 1), (~positive, -1)):
        own, other = sign * f[side], np.sort(sign * f[~side])
        below = np.searchsorted(other, own, "left") + np.searchsorted(other, own, "right")
        values[side] = below / 2 / len(other)
        # Each class is a sample of its own: a row of a rare class moves the area more.
        area = values[side].mean()
        values[side] = area + (values[side] - area) * len(f) / side.sum()
    return values


_VALUES = {
    accuracy_score: lambda y, f, w: (y == f).astype(float),
    mean_squared_error: lambda y, f, w: (y - f) ** 2,
    mean_absolute_error: lambda y, f, w: np.abs(y - f),
    log_loss: _log_loss,
    r2_score: _r2,
    root_mean_squared_error: _root,
    roc_auc_score: _roc_auc,
}
