"""The conflicting tasks of *Whose loss counts?*: every method, and single-task networks.

All three labels are scored by R², so pooled networks and trees can take part. Longer than the page
has time for: each method tries four settings on each of twenty splits.
"""

import numpy as np
from sklearn.base import clone
from sklearn.datasets import load_digits

import mtlkit.neural as nn
from mtlkit.baselines import PerTask, Pooled
from mtlkit.table import TaskStratifiedShuffleSplit, stack_tasks

SEED = 0
RATES = {"learning_rate_init": [0.02, 0.05]}


def three_tasks(coin=False):
    """Even, at least five, and where the ink lies: 599 images each, the third loss ten times.

    With `coin` the third labels are coin flips.
    """
    digits, order = load_digits(), np.random.default_rng(SEED).permutation(1797)
    images, digit = digits.data[order] / 16, digits.target[order]
    ink = images.reshape(-1, 8, 8).sum(axis=1)
    right = ink @ np.arange(8) / ink.sum(axis=1)
    labels = np.column_stack([digit % 2 == 0, digit >= 5, right])
    labels = (labels - labels.mean(axis=0)) / labels.std(axis=0) * [1, 1, np.sqrt(10)]
    if coin:
        labels[:, 2] = 2 * np.random.default_rng(SEED).integers(2, size=len(labels)) - 1
    return stack_tasks({t: (images[t::3], labels[t::3, t]) for t in range(3)})


def methods():
    """Each with a grid of four: two rates, and two values of its own dial or of the decay."""
    decay = {"alpha": [0.001, 0.01]}
    return {
        "tuned weights": (None, {"task_weight": [[1, 1, 1], [1, 1, 0.1]]}),
        "weights all 1": (None, decay),
        "random weights": (nn.RandomWeights(), decay),
        "uncertainty": (nn.UncertaintyWeights(), {"weighting__learning_rate": [0.025, 0.1]}),
        "DWA": (nn.DWA(), {"weighting__temperature": [0.5, 2]}),
        "GradNorm": (nn.GradNorm(), {"weighting__asymmetry": [0, 1.5]}),
        "PCGrad": (nn.PCGrad(), decay),
        "MGDA, raw": (nn.MGDA(), decay),
        "MGDA, by length": (nn.MGDA("l2"), decay),
        "MGDA, by loss": (nn.MGDA("loss"), decay),
        "CAGrad": (nn.CAGrad(), {"weighting__c": [0.2, 0.6]}),
        "UPGrad": (nn.UPGrad(), decay),
    }


def cases():
    trio = nn.MultiTaskMLPRegressor(
        hidden_layer_sizes=8, activation="tanh", alpha=0.01, standardize_targets=False,
        task_weight="tasks", batch_size=2000, max_iter=200, n_iter_no_change=None,
        random_state=SEED,
    )  # fmt: skip
    decay = {f"estimator__{k}": v for k, v in (RATES | {"alpha": [0.001, 0.01]}).items()}
    by_itself = {
        "alone": (PerTask(trio, task_col=0), decay),
        "pooled, told the task": (Pooled(trio, task_col=0, task_as_input=True), decay),
    }
    trunks = {}
    for name, (method, grid) in methods().items():
        model = nn.MultiTaskMLPRegressor(**trio.get_params())
        trunks[name] = model.set_params(task_col=0, weighting=method), RATES | grid
    ours = [name for name in methods() if name != "tuned weights"]
    pairs = [*((name, "tuned weights") for name in ours), ("alone", "tuned weights")]
    pairs += [("MGDA, by length", "MGDA, raw"), ("MGDA, by loss", "MGDA, raw")]
    guards = ["weights all 1", "PCGrad", "UPGrad", *(n for n in ours if n.startswith("MGDA"))]
    without = clone(trunks["weights all 1"][0]).set_params(task_weight=[1, 1, 1e-6])
    coin = {"without the coin": (without, RATES | {"alpha": [0.001, 0.01]})}
    return {
        "three tasks": case(by_itself | trunks, three_tasks(), "tuned weights", pairs),
        "a coin": case(
            coin | {name: trunks[name] for name in guards}, three_tasks(coin=True),
            "without the coin", [(name, "without the coin") for name in guards], tasks=[0, 1],
        ),
    }  # fmt: skip


def case(candidates, data, baseline, pairs, **more):
    draw = {"task_col": 0, "random_state": SEED}
    return {
        "candidates": candidates, "X": data[0], "y": data[1], "budget": 4, "classify": False,
        "average": "macro", "margin": 0.02, "baseline": baseline, "pairs": pairs,
        "cv": TaskStratifiedShuffleSplit(20, train_size=150, **draw),
        "inner_cv": TaskStratifiedShuffleSplit(1, test_size=0.3, **draw),
    } | more  # fmt: skip
