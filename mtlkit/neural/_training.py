"""The training loop: Adam or SGD on minibatches of all tasks, and when to stop.

What belongs here: everything between a network with its data and trained parameters. What a loss is
stands in ``_losses.py``, which rows a step sees in ``_batches.py``, how tasks are weighed in
``_weighting.py``.
"""

import warnings
from types import SimpleNamespace

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from tqdm import tqdm

from .._utils._numerics import one_blas_thread
from .._utils._validation import (
    check_choice,
    check_flag,
    check_integer,
    check_number,
    check_strength,
)
from ._batches import Batches
from ._network import ACTIVATIONS, sum_groups

FAR = 20  # times the loss of zero outputs: nobody wants such a network
CURE = "scale the features, for example with StandardScaler, or lower learning_rate_init"


def settings_of(estimator, **changes):
    """The checked parameters of a network, with some of them changed, and what fine-tuning adds.

    `scale` is a factor on the step of each parameter, where 0 keeps it as it is; `anchor` is what
    parameters are pulled to, and `pull` how strongly.
    """
    for name in ("learning_rate_init", "alpha", "tol", "temperature"):
        ends = {"learning_rate_init": "neither", "temperature": "right"}
        check_strength(estimator, name, include=ends.get(name, "left"))
    for name in ("batch_size", "max_iter", "n_iter_no_change"):
        if name != "n_iter_no_change" or estimator.n_iter_no_change is not None:
            check_integer(getattr(estimator, name), name)
    for name in ("early_stopping", "standardize_targets", "verbose"):
        check_flag(getattr(estimator, name), name)
    for name, choices in (("activation", ACTIVATIONS), ("solver", tuple(OPTIMISERS))):
        check_choice(getattr(estimator, name), name, choices)
    check_number(estimator.momentum, "momentum", low=0, high=1, open_high=True)
    share, inside = estimator.validation_fraction, {"open_low": True, "open_high": True}
    check_number(share, "validation_fraction", low=0, high=1, **inside)
    own = {"scale": 1.0, "anchor": 0.0, "pull": 0.0} | estimator.get_params(deep=False)
    return SimpleNamespace(**own | changes)


class Adam:
    """Kingma and Ba (2015), on the flat array of parameters."""

    def __init__(self, n, settings, dtype):
        self.rate = settings.learning_rate_init
        self.m, self.v, self.t = np.zeros(n, dtype), np.zeros(n, dtype), 0
        self._change = np.empty(n, dtype)  # for many heads, new arrays cost more than the sums

    def step(self, gradient):
        """The change of the parameters; overwrites the gradient."""
        self.t += 1
        change = np.subtract(gradient, self.m, out=self._change)
        change *= 0.1
        self.m += change
        np.multiply(gradient, gradient, out=change)
        change -= self.v
        change *= 0.001
        self.v += change
        rate = self.rate * np.sqrt(1 - 0.999**self.t) / (1 - 0.9**self.t)
        np.multiply(self.m, -rate, out=gradient)
        np.sqrt(self.v, out=change)
        change += 1e-8
        return np.divide(gradient, change, out=change)


class SGD:
    """Gradient descent with Nesterov's momentum, as scikit-learn's MLP does it."""

    def __init__(self, n, settings, dtype):
        self.rate, self.momentum = settings.learning_rate_init, settings.momentum
        self.velocity = np.zeros(n, dtype)

    def step(self, gradient):
        self.velocity *= self.momentum
        self.velocity -= self.rate * gradient
        return self.momentum * self.velocity - self.rate * gradient


OPTIMISERS = {"adam": Adam, "sgd": SGD}


def train(network, X, rows, loss, settings, held_out=None, row_weight=None):
    """Train a `TrainedNetwork` on; return the losses of its tasks in each epoch.

    Parameters
    ----------
    network : TrainedNetwork
        With a weighting that has been started. Its `theta` and `optimiser` are replaced.
    X : ndarray of shape (N, d)
    rows : list of ndarray of int
        The row numbers of each task, to train on.
    loss : TaskLosses
    settings : namespace
        As `settings_of` gives it.
    held_out : Batch or None
        Rows to stop by, whose best parameters are kept.
    row_weight : ndarray of shape (N,) or None
        Factors on the losses of rows, of mean 1 in each task.

    Returns
    -------
    curve, validation : ndarray of shape (epochs, T)
        Mean losses in training, and on the held-out rows.
    stopped : bool
        Whether `n_iter_no_change` epochs have passed without an improvement.
    """
    layout, weighting, theta = network.layout, network.weighting, network.theta.copy()
    if network.optimiser is None:
        network.optimiser = OPTIMISERS[settings.solver](theta.size, settings, theta.dtype)
    decay = (settings.alpha * layout.is_weight).astype(theta.dtype)
    decayed = np.empty_like(theta)
    curve, validation, kept, last, pulled = [], [], None, None, np.any(settings.pull)
    best, waited, patience = np.inf, 0, settings.n_iter_no_change or np.inf
    batches = Batches(
        rows, settings.batch_size, settings.temperature, network.rng,
        every_task=weighting.every_task, row_weight=row_weight, dtype=theta.dtype,
    )  # fmt: skip
    # What overflows is looked for at every step and named: NumPy need not warn.
    with one_blas_thread(), np.errstate(over="ignore", invalid="ignore"):
        for _ in tqdm(range(settings.max_iter), "epochs", disable=not settings.verbose):
            total = 0.0
            steps = batches.epoch()
            for batch in steps:
                inputs, outputs = layout.forward(theta, X[batch.rows], batch.codes)
                losses, D = loss(outputs, batch)
                losses = sum_groups(losses, batch.codes, layout.n_tasks)
                _check_finite(losses, last, network, settings)
                gradient = weighted_gradient(
                    layout, theta, inputs, D, losses, weighting, batch.codes
                )
                gradient += np.multiply(decay, theta, out=decayed)
                if pulled:
                    gradient += settings.pull * (theta - settings.anchor)
                change = network.optimiser.step(gradient)
                change *= settings.scale
                theta += change
                total, last = total + losses, losses
            seen = total / len(steps)
            curve.append(seen)
            weighting.end_epoch(seen)
            if held_out is not None:
                outputs = layout.forward(theta, X[held_out.rows], held_out.codes)[1]
                seen = sum_groups(loss(outputs, held_out)[0], held_out.codes, layout.n_tasks)
                validation.append(seen)
            seen = seen if np.isfinite(theta).all() else np.full(len(seen), np.nan)
            _check_finite(seen, last, network, settings)
            value = float(weighting.base_ @ seen)
            waited = 0 if value < best - settings.tol else waited + 1
            if value < best:
                best, kept = value, (theta.copy(), curve[-1]) if held_out is not None else None
            if waited >= patience:
                break
    network.theta, final = kept or (theta, curve[-1])
    _warn_if_far(final, loss.of_zero_outputs(rows), network, settings)
    return np.array(curve), np.array(validation), waited >= patience


def _check_finite(losses, last, network, settings):
    """Raise if a loss is NaN or infinite; `last` are those of the step before."""
    bad = ~np.isfinite(losses)
    if bad.any():
        # Once the trunk is NaN all losses are: the step before shows which was the largest.
        worst = last.argmax() if bad.all() and last is not None else bad.argmax()
        raise ValueError(
            "Solver produced non-finite parameter weights or losses: training diverged, first in "
            f"task {network.tasks.tolist()[worst]!r}. X may hold large values: {CURE}="
            f"{settings.learning_rate_init:g}"
        )


def _warn_if_far(losses, of_zero, network, settings):
    t = (losses / of_zero).argmax()
    if losses[t] > FAR * of_zero[t]:
        warnings.warn(
            f"after training the loss of task {network.tasks.tolist()[t]!r} is {losses[t]:.2g}, "
            f"far above the {of_zero[t]:.2g} of a network that outputs zero: {CURE}="
            f"{settings.learning_rate_init:g}",
            ConvergenceWarning,
            stacklevel=5,  # the caller of the estimator's fit
        )


def weighted_gradient(layout, theta, inputs, D, losses, weighting, codes=None):
    """The gradient in all parameters; the weighting decides about the trunk, or about all."""
    if not weighting.needs_gram:
        w = weighting.weights(losses, None)
        w = w if codes is None else w[codes]
        D *= w[:, None, None].astype(D.dtype)
        return layout.backward(theta, inputs, D, codes=codes)[0]
    gradient, by_task = layout.backward(theta, inputs, D, per_task=True, codes=codes)
    gram = by_task @ by_task.T
    w = weighting.weights(losses, gram) if np.isfinite(gram).all() else np.full(len(gram), np.nan)
    gradient[: layout.n_shared] = w @ by_task
    own = weighting.base_ if weighting.trunk_only else w
    for layer in layout.layers:
        if layer.private:
            for part in (layer.weights, layer.bias):
                gradient[part].reshape(len(w), -1)[:] *= own[:, None]
    return gradient
