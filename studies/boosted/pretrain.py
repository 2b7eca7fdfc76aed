"""The turned digits of *Pretrain, then fine-tune*: pooled models beside fine-tuning.

Source and target have images of their own, dealt anew in each of sixteen deals, so this study has a
loop in place of `compare`. Pooled models have one dial, how much a labelled target row counts
beside a source row. The page's ways are fitted by `FineTuner`: the page's own loop must match it.
Ten classes make boosting slow, so trees take 40 steps of 0.2 and each split sees
a third of the pixels; on two deals that was no worse than the default, 100 steps of 0.1.
"""

from functools import partial

import numpy as np
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier

from mtlkit.datasets import load_shifted_digits
from mtlkit.neural import FineTuner, MultiTaskMLPClassifier

from .._deals import answered, gain, row, tuned

ANGLES, LABELS, SEEDS = (15, 45), 30, range(16)
NAMES = [f"{angle} degrees" for angle in ANGLES]
STEPS, COUNTS_AS = [10, 40, 160], [1, 5, 25]
TREES, TREES_ALONE = "boosted, told the domain", "boosted, target alone"


def rows():
    """The cases of the page by name, with the keys of the other studies."""
    upright, y = images(None)
    deals = [deal(y, seed) for seed in SEEDS]
    sources = [network(s).fit(upright[own], y[own]) for s, (own, _, _) in zip(SEEDS, deals)]  # noqa: B905
    return [case(angle, upright, y, deals, sources) for angle in ANGLES]


def case(angle, upright, y, deals, sources):
    turned = images(("rotation", angle))[0]
    right = answered(
        (
            answers_of(seed, source, upright[own], y[own], turned[few], y[few]),
            turned[fresh],
            y[fresh],
        )
        for seed, (own, few, fresh), source in zip(SEEDS, deals, sources, strict=True)
    )
    fresh = np.array([fresh for _, _, fresh in deals])
    lead = partial(gain, fresh=fresh, n_rows=len(y), recur=LABELS / len(y))
    return row(f"{angle} degrees", right, lead) | {
        "full over the pooled network": lead(right["full"], right["pooled network"]),
        "gain over the trees": {k: lead(right[k], right[TREES]) for k in right if k != TREES},
    }


def answers_of(seed, source, X_s, y_s, X, y):
    """Each candidate, tuned on the labelled target rows in two folds, as a function of images."""
    half = np.arange(LABELS) // 10 % 2 == 1
    quick = {"learning_rate": 0.2, "max_iter": 40, "max_features": 0.3, "random_state": seed}
    trees = HistGradientBoostingClassifier(categorical_features=[0], **quick)
    few = {"max_iter": STEPS}

    def pooled(model, told):
        def table(A, domain):
            return np.column_stack([np.full(len(A), domain), A]) if told else A

        def fit(part, count):
            weight = np.r_[np.ones(len(y_s)), np.full(part.sum(), float(count))]
            both = np.vstack([table(X_s, 0), table(X[part], 1)]), np.r_[y_s, y[part]]
            return clone(model).fit(*both, sample_weight=weight)

        scores = [
            sum((fit(~p, c).predict(table(X[p], 1)) == y[p]).sum() for p in (half, ~half))
            for c in COUNTS_AS
        ]
        chosen = fit(np.ones(LABELS, dtype=bool), COUNTS_AS[int(np.argmax(scores))])
        return lambda A: chosen.predict(table(A, 1))

    yield "scratch", tuned(network(seed), {"learning_rate_init": [0.01, 0.03], **few}, X, y, half)
    full = FineTuner(source, head=0, random_state=seed)
    yield "full", tuned(full, {"learning_rate_init": [0.003, 0.03], **few}, X, y, half)
    yield "pooled network", pooled(network(seed), told=False)
    yield TREES, pooled(trees, told=True)
    alone = HistGradientBoostingClassifier(**quick)
    yield TREES_ALONE, tuned(alone, {"min_samples_leaf": [1, 2, 5]}, X, y, half)


def images(shift):
    X, y = load_shifted_digits({"all": shift}, random_state=0)
    return X[:, 1:], y


def deal(y, seed):
    """Images of the source, the labelled ones of the target, and those for testing."""
    source, target = np.split(np.random.default_rng(seed).permutation(len(y)), [900])
    few = np.ravel([target[y[target] == digit][:10] for digit in range(10)], order="F")
    return source, few[:LABELS], np.setdiff1d(target, few)


def network(seed):
    return MultiTaskMLPClassifier(
        hidden_layer_sizes=(32,), learning_rate_init=0.01, max_iter=15,
        n_iter_no_change=None, random_state=seed,
    )  # fmt: skip
