"""The training loop: Adam or SGD on minibatches of all tasks, and when to stop.

What belongs here: everything between a network with its data and trained parameters. What a loss is
stands in ``_losses.py``, which rows a step sees in ``_batches.py``, how tasks are weighed in
``_weighting.py``.
"""

import warnings
from dataclasses import dataclass, replace

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
from ._batches import batches
from ._network import sum_groups

FAR = 20  # times the loss of zero outputs: nobody wants such a network


@dataclass
class Settings:
    """How to train: the estimators' parameters of the same names, and what fine-tuning adds."""

    solver: str = "adam"
    learning_rate_init: float = 1e-3
    alpha: float = 0.0
    momentum: float = 0.9
    batch_size: int = 128
    temperature: float = 1.0
    max_iter: int = 200
    n_iter_no_change: int | None = 10
    tol: float = 1e-4
    verbose: bool = False
    scale: np.ndarray | float = 1.0  # of the step of each parameter; 0 keeps it as it is
    anchor: np.ndarray | float = 0.0  # what parameters are pulled to …
    pull: np.ndarray | float = 0.0  # … and how strongly

    @classmethod
    def of(cls, estimator, **changes):
        """The checked parameters of an estimator, with some of them changed."""
        own = estimator.get_params(deep=False).items()
        settings = cls(**{k: v for k, v in own if k in cls.__dataclass_fields__})
        settings.check()
        return replace(settings, **changes)

    def check(self):
        check_choice(self.solver, "solver", tuple(OPTIMISERS))
        check_strength(self, "learning_rate_init", include="neither")
        check_strength(self, "alpha", include="left")
        check_strength(self, "tol", include="left")
        check_strength(self, "temperature", include="right")
        check_number(self.momentum, "momentum", low=0, high=1, open_high=True)
        check_integer(self.batch_size, "batch_size")
        check_integer(self.max_iter, "max_iter")
        if self.n_iter_no_change is not None:
            check_integer(self.n_iter_no_change, "n_iter_no_change")
        check_flag(self.verbose, "verbose")


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


class Watch:
    """Looks at the losses after each epoch: when to stop, and which parameters were best."""

    def __init__(self, base, settings, keep_best):
        self.base, self.settings, self.keep_best = base, settings, keep_best
        self.best, self.best_epoch, self.waited, self.theta = np.inf, 0, 0, None

    @property
    def stopped(self):
        patience = self.settings.n_iter_no_change
        return patience is not None and self.waited >= patience

    def __call__(self, epoch, losses, theta):
        """True to stop, given the losses (T,) of an epoch, NaN for a task without held-out rows."""
        value = float(np.nansum(self.base * losses))
        self.waited = 0 if value < self.best - self.settings.tol else self.waited + 1
        if value < self.best:
            self.best = value
            if self.keep_best:
                self.best_epoch, self.theta = epoch, theta.copy()
        return self.stopped


def train(network, X, rows, loss, settings, *, held_out=None, row_weight=None):
    """Train a `TrainedNetwork` on; return the losses of its tasks in each epoch.

    Parameters
    ----------
    network : TrainedNetwork
        With a weighting that has been started. Its `theta` and `optimiser` are replaced.
    X : ndarray of shape (N, d)
    rows : list of ndarray of int
        The row numbers of each task, to train on.
    loss : TaskLosses
    settings : Settings
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
    layout, weighting, rng = network.layout, network.weighting, network.rng
    theta, T = network.theta.copy(), layout.n_tasks
    if network.optimiser is None:
        network.optimiser = OPTIMISERS[settings.solver](theta.size, settings, theta.dtype)
    decay = (settings.alpha * layout.is_weight).astype(theta.dtype)
    pulled = np.any(settings.pull)
    watch = Watch(weighting.base_, settings, keep_best=held_out is not None)
    curve, validation, last = [], [], None
    # What overflows is looked for at every step and named: NumPy need not warn.
    with one_blas_thread(), np.errstate(over="ignore", invalid="ignore"):
        for epoch in tqdm(range(settings.max_iter), "epochs", disable=not settings.verbose):
            total = 0.0
            steps = batches(
                rows, settings.batch_size, settings.temperature, rng,
                every_task=weighting.every_task, row_weight=row_weight, dtype=theta.dtype,
            )  # fmt: skip
            for batch in steps:
                inputs, outputs = layout.forward(theta, X[batch.rows], batch.codes)
                losses, D = loss(outputs, batch)
                losses = sum_groups(losses, batch.codes, T)
                _check_finite(losses, last, network, settings)
                gradient = weighted_gradient(
                    layout, theta, inputs, D, losses, weighting, batch.codes
                )
                gradient += decay * theta
                if pulled:
                    gradient += settings.pull * (theta - settings.anchor)
                change = network.optimiser.step(gradient)
                change *= settings.scale
                theta += change
                total, last = total + losses, losses
            curve.append(total / len(steps))
            seen = curve[-1]
            if held_out is not None:
                seen = _held_out_losses(layout, theta, X, loss, held_out)
                _check_finite(seen, last, network, settings)
                if held_out.codes is not None:
                    seen[np.setdiff1d(np.arange(T), held_out.codes)] = np.nan
                validation.append(seen)
            if not np.isfinite(theta).all():
                _check_finite(np.full(T, np.nan), last, network, settings)
            weighting.end_epoch(curve[-1])
            if watch(epoch, seen, theta):
                break
    network.theta = theta if watch.theta is None else watch.theta
    final = curve[watch.best_epoch if held_out is not None else -1]
    _warn_if_far(final, loss.of_zero_outputs(rows), network, settings)
    return np.array(curve), np.array(validation), watch.stopped


def _held_out_losses(layout, theta, X, loss, batch):
    outputs = layout.forward(theta, X[batch.rows], batch.codes)[1]
    return sum_groups(loss(outputs, batch)[0], batch.codes, layout.n_tasks)


CURE = "scale the features, for example with StandardScaler, or lower learning_rate_init"


def _check_finite(losses, last, network, settings):
    """Raise if a loss is NaN or infinite; `last` are those of the step before."""
    bad = ~np.isfinite(losses)
    if not bad.any():
        return
    # Once the trunk is NaN all losses are: the step before shows which was the largest.
    worst = last.argmax() if bad.all() and last is not None else bad.argmax()
    raise ValueError(
        "Solver produced non-finite parameter weights or losses: training diverged, first in task "
        f"{network.tasks.tolist()[worst]!r}. The table may hold large values: {CURE}="
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
    w = weighting.weights(losses, by_task @ by_task.T)
    gradient[: layout.n_shared] = w @ by_task
    own = weighting.base_ if weighting.trunk_only else w
    for layer in layout.layers:
        if layer.private:
            for part in (layer.weights, layer.bias):
                gradient[part].reshape(len(w), -1)[:] *= own[:, None]
    return gradient
