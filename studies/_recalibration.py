"""Probabilities in a new place: how good they are, and one intercept from a few labels."""

import numpy as np
from scipy.special import expit
from sklearn.metrics import accuracy_score, log_loss, roc_auc_score

DRAWS, SPREAD = 500, 2.0


def intercept(odds, sick):
    """What to add to log odds: the most likely shift, if shifts are N(0, 2²).

    Minimises -Σ log p(sick | odds + b) + b² / (2 · 2²) by Newton's steps. Without the second part a
    few labels of one class would ask for an endless shift.
    """
    b = 0.0
    for _ in range(30):
        p = expit(odds + b)
        slope, curve = (p - sick).sum() + b / SPREAD**2, (p * (1 - p)).sum() + 1 / SPREAD**2
        b -= slope / curve
    return b


def scores(odds, sick):
    """Area under the curve and accuracy in points, log loss, the sick found and expected."""
    p = expit(odds)
    return {
        "auc": round(100 * roc_auc_score(sick, odds), 1),
        "accuracy": round(100 * accuracy_score(sick, odds > 0), 1),
        "log loss": round(log_loss(sick, p), 3),
        "expected": round(100 * p.mean(), 1),
        "sick": round(100 * sick.mean(), 1),
        "said sick": round(100 * (odds > 0).mean(), 1),
    }


def recalibrated(odds, sick, n, seed):
    """Log loss and accuracy before and after a shift learned from `n` patients, on the others.

    Patients are drawn anew, with replacement, and `n` of them labelled; a patient who is labelled
    is not tested. So the middle 95 % of the draws speak of new patients and another `n` of them.
    """
    rng, found = np.random.default_rng(seed), []
    for _ in range(DRAWS):
        drawn = rng.integers(len(sick), size=len(sick))
        own = rng.choice(np.unique(drawn), n, replace=False)
        test = drawn[~np.isin(drawn, own)]
        b = intercept(odds[own], sick[own])
        found.append([*_two(odds[test], sick[test]), *_two(odds[test] + b, sick[test]), b])
    found = np.array(found)
    gains = {"log loss": found[:, 0] - found[:, 2], "accuracy": found[:, 3] - found[:, 1]}
    after = {"log loss": found[:, 2], "accuracy": found[:, 3], "shift": found[:, 4]}
    return {
        "after": {name: _range(values) for name, values in after.items()},
        "gain": {name: _range(values) for name, values in gains.items()},
    }


def _two(odds, sick):
    loss = np.logaddexp(0, np.where(sick == 1, -odds, odds)).mean()
    return loss, 100 * ((odds > 0) == sick).mean()


def _range(values):
    return [round(float(v), 3) for v in (values.mean(), *np.quantile(values, [0.025, 0.975]))]
