"""The two halves of the digits of *Can features of five digits tell the other five?*: pooled.

The page's source holds the digits 0 to 4 and its target 5 to 9, so trees told the domain share
nothing between them. What is stored is the pooled network of ten classes, in which a labelled
target row counts as 1, 5 or 25 source rows, beside the network from scratch and beside trees that
see the target alone. Of ten classes it may choose only among 5 to 9.
"""

from functools import partial

import numpy as np
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier

from mtlkit.datasets import load_shifted_digits
from mtlkit.neural import MultiTaskMLPClassifier

from .._deals import answered, gain, row, tuned
from .pretrain import COUNTS_AS

COUNTS, SEEDS, STEPS = (2, 10), range(20), [10, 40, 160]
NAMES = [f"{k} labels per class" for k in COUNTS]


def rows():
    """The cases of the page by name, with the keys of the other studies."""
    X, y = load_shifted_digits({"all": None}, random_state=0)
    return [case(k, X[:, 1:], y, [deal(y, seed) for seed in SEEDS]) for k in COUNTS]


def case(k, X, y, deals):
    parts = [(low[:700], target[: 5 * k], target[100:]) for low, _, target in deals]
    right = answered(
        (answers_of(seed, X[own], y[own], X[few], y[few]), X[fresh], y[fresh])
        for seed, (own, few, fresh) in zip(SEEDS, parts, strict=True)
    )
    fresh = np.array([fresh for _, _, fresh in parts])
    lead = partial(gain, fresh=fresh, n_rows=len(y), recur=5 * k / (y > 4).sum())
    return row(f"{k} labels per class", right, lead)


def answers_of(seed, X_s, y_s, X, y):
    half = np.arange(len(y)) // 5 % 2 == 1
    net = network(seed)
    rates = {"learning_rate_init": [0.01, 0.03], "max_iter": STEPS}
    yield "scratch", tuned(net, rates, X, y, half)

    def fit(part, count):
        weight = np.r_[np.ones(len(y_s)), np.full(part.sum(), float(count))]
        both = np.vstack([X_s, X[part]]), np.r_[y_s, y[part]]
        fitted = clone(net).fit(*both, sample_weight=weight)
        return lambda A: 5 + fitted.predict_proba(A)[:, 5:].argmax(axis=1)

    scores = [sum((fit(~p, c)(X[p]) == y[p]).sum() for p in (half, ~half)) for c in COUNTS_AS]
    yield "pooled network", fit(np.ones(len(y), dtype=bool), COUNTS_AS[int(np.argmax(scores))])
    trees = HistGradientBoostingClassifier(random_state=seed)
    yield "boosted, target alone", tuned(trees, {"min_samples_leaf": [1, 2, 5]}, X, y, half)


def deal(y, seed):
    """Images of 0 to 4, spare ones of 5 to 9, and those of the target, labelled ones first."""
    hand = np.random.default_rng(seed).permutation(len(y))
    low, high = hand[y[hand] < 5], hand[y[hand] > 4]
    spare, target = np.split(high, [196])
    few = np.ravel([target[y[target] == digit][:100] for digit in range(5, 10)], order="F")
    return low, spare, np.r_[few, np.setdiff1d(target, few)]


def network(seed):
    return MultiTaskMLPClassifier(
        hidden_layer_sizes=(64,), learning_rate_init=0.01, max_iter=30,
        n_iter_no_change=None, random_state=seed,
    )  # fmt: skip
