"""Digits from three scanners, few labels a class: alone, pooled, tied, and trees told the scanner.

MNIST and USPS are the 2,000 and 1,800 images that Long et al. (2013) took from each, as arrays
``Xs``, ``ys`` and ``Xt``, ``yt`` of ``mnist_usps.npz`` in the folder that ``MTLKIT_DATA`` names.
The third set ships with scikit-learn. All are brought to 8 x 8 pixels and to the same length. The
sets do not say who wrote a digit, so splits are by image. One contest is held once more with ink
and paper of USPS swapped. Of the images only class means are stored.
"""

import hashlib
import os
from pathlib import Path

import numpy as np
import sklearn
from sklearn.datasets import load_digits
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import normalize

from mtlkit.baselines import FeatureAugmentation, PerTask, Pooled

from ._stored import write
from .boosted import BOOSTED, points
from .opponents import compared
from .words import packed

FILE = "mnist_usps.npz"
SHA256 = "a77e4d8de3b9490bcea619b1748bff4d116829b507d20d7dce95b3aa5e3ff3d9"
SCANNERS = ("MNIST", "USPS", "UCI")
A_CLASS, TESTS, SPLITS, SEED, FOLDS, MARGIN = (2, 5, 20), 300, 8, 0, 2, 0.01
STRENGTHS, TWIN, INVERTED = (0.1, 1, 10, 100), 5, SCANNERS.index("USPS")


def run():
    sets = read()
    contests = {str(n): contest(sets, n) for n in A_CLASS}
    result = {
        "command": "python -m studies scans",
        "seed": SEED,
        "splits": SPLITS,
        "budget": len(STRENGTHS),
        "inner_folds": FOLDS,
        "scope": "new rows",
        "versions": {"numpy": np.__version__, "scikit-learn": sklearn.__version__},
        "images": {name: len(y) for name, (_, y) in sets.items()},
        "labels a class": contests,
        "inverted": contest(sets, TWIN, inverted=True),
        "new scanner": new_scanner(sets),
        "live": live(*sets["UCI"]),
        "means": packed(
            np.array(
                [[X[y == digit].mean(axis=0) for digit in range(10)] for X, y in sets.values()]
            )
        ),
    }
    write("scans", result)


def read(folder=None):
    """Images (n, 64), each of length 1, and digits of the three sets."""
    path = Path(folder or os.environ.get("MTLKIT_DATA", ".")) / FILE
    if not path.is_file():
        raise OSError(f"{FILE} is not in {path.parent}: name its folder by MTLKIT_DATA")
    if (found := hashlib.sha256(path.read_bytes()).hexdigest()) != SHA256:
        raise OSError(f"{path} is not the expected file: its SHA-256 is {found}, not {SHA256}")
    with np.load(path) as data:
        sets = {
            name: (small(data[f"X{end}"]), data[f"y{end}"].ravel() - 1)
            for name, end in zip(SCANNERS, "st", strict=False)
        }
    return sets | {"UCI": uci()}


def small(images):
    """Means of two by two pixels."""
    blocks = images.astype(float).reshape(-1, 8, 2, 8, 2).mean(axis=(2, 4))
    return normalize(blocks.reshape(-1, 64))


def uci():
    X, y = load_digits(return_X_y=True)
    return normalize(X), y


def split(y, a_class, number):
    """Training rows, so many of each digit, and test rows of one set."""
    order = np.random.default_rng([SEED, number]).permutation(len(y))
    train = np.concatenate([order[y[order] == digit][:a_class] for digit in range(10)])
    return train, order[~np.isin(order, train)][-TESTS:]


def table_of(sets, inverted=False):
    X = np.concatenate([np.column_stack([np.full(len(y), t), images])
                        for t, (images, y) in enumerate(sets.values())])  # fmt: skip
    if inverted:
        own = X[:, 0] == INVERTED
        X[own, 1:] = normalize(X[own, 1:].max(axis=1, keepdims=True) - X[own, 1:])
    return X, np.concatenate([y for _, y in sets.values()])


def splits_of(sets, a_class):
    starts = np.cumsum([0] + [len(y) for _, y in sets.values()])
    for number in range(SPLITS):
        parts = [split(y, a_class, number) for _, y in sets.values()]
        yield tuple(
            np.concatenate([s + part[side] for s, part in zip(starts, parts, strict=False)])
            for side in (0, 1)
        )


def candidates():
    model = LogisticRegression(max_iter=300)
    under = {"estimator__C": STRENGTHS}
    # With a small scale the private parts count alone, so that the tied model can retreat.
    scales = {"estimator__C": [3, 30], "shared_scale": [0.3, 1]}
    return {
        "alone": (PerTask(model, task_col=0), under),
        "pooled": (Pooled(model, task_col=0), under),
        "tied": (FeatureAugmentation(model, task_col=0), scales),
        # Ten classes are ten trees a round: fewer rounds, with higher rates.
        BOOSTED: (
            Pooled(
                HistGradientBoostingClassifier(max_iter=30, random_state=0),
                task_col=0,
                task_as_input="category",
            ),
            {"estimator__learning_rate": [0.1, 0.3], "estimator__min_samples_leaf": [5, 20]},
        ),
    }


def contest(sets, a_class, inverted=False):
    """Accuracy in points, macro over the scanners, and differences for new images of them."""
    found = compared(
        candidates(), *table_of(sets, inverted), task_col=0, average="macro",
        cv=list(splits_of(sets, a_class)), inner_cv=FOLDS, random_state=SEED,
    )  # fmt: skip
    pairs = [("pooled", "alone"), ("tied", "alone"), ("tied", "pooled"), ("tied", BOOSTED)]
    row = {
        "accuracy": {n: round(100 * float(v.mean()), 1) for n, v in found.scores.items()},
        "by scanner": {
            n: dict(zip(SCANNERS, (100 * v.mean(axis=0)).round(1).tolist(), strict=True))
            for n, v in found.task_scores.items()
        },
        "differences": {
            f"{a} minus {b}": points(found.difference(a, b))
            | {"verdict": found.verdict(a, b, margin=MARGIN)}
            for a, b in pairs
        },
    }
    print(a_class, inverted, row, flush=True)
    return row


def new_scanner(sets):
    """Accuracy on a scanner of which no label is known, by a pooled model of the two others."""
    X, y = table_of(sets)
    found = {}
    for t, name in enumerate(SCANNERS):
        scores = [
            Pooled(LogisticRegression(C=10, max_iter=300), task_col=0)
            .fit(X[train][X[train, 0] != t], y[train][X[train, 0] != t])
            .score(X[test][X[test, 0] == t], y[test][X[test, 0] == t])
            for train, test in splits_of(sets, A_CLASS[-1])
        ]
        found[name] = round(100 * float(np.mean(scores)), 1)
    return {"labels a class": A_CLASS[-1], "pooled": found}


def live(X, y):
    """Accuracy of logistic regression (C = 1) on the set that ships, a split each, in points."""
    parts = [split(y, TWIN, number) for number in range(SPLITS)]
    model = LogisticRegression(C=1, max_iter=300)
    return [round(100 * model.fit(X[a], y[a]).score(X[b], y[b]), 2) for a, b in parts]
