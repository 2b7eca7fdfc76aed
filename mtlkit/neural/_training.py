"""The training loop: minibatches that mix tasks by a stated rule, Adam or SGD, early stopping.

What belongs here: everything between a network with its data and trained parameters. What a loss is
stands in ``_losses.py``, how tasks are weighed in ``_weighting.py``.
"""

from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from .._utils._numerics import one_blas_thread


@dataclass
class Settings:
    """How to train: the estimators' parameters of the same names, and what fine-tuning adds."""

    solver: str = "adam"
    learning_rate: float = 1e-3
    alpha: float = 0.0
    momentum: float = 0.9
    batch_size: int = 128
    temperature: float = 1.0
    max_epochs: int = 200
    n_iter_no_change: int | None = 10
    tol: float = 1e-4
    verbose: bool = False
    scale: np.ndarray | float = 1.0  # of the step of each parameter; 0 keeps it as it is
    anchor: np.ndarray | float = 0.0  # what parameters are pulled to …
    pull: np.ndarray | float = 0.0  # … and how strongly
    optimiser: object = None  # that of an earlier call, to go on with


class Adam:
    """Kingma and Ba (2015), on the flat array of parameters."""

    def __init__(self, n, settings, dtype):
        self.rate = settings.learning_rate
        self.m, self.v, self.t = np.zeros(n, dtype), np.zeros(n, dtype), 0

    def step(self, gradient):
        self.t += 1
        self.m += 0.1 * (gradient - self.m)
        self.v += 0.001 * (gradient * gradient - self.v)
        rate = self.rate * np.sqrt(1 - 0.999**self.t) / (1 - 0.9**self.t)
        return -rate * self.m / (np.sqrt(self.v) + 1e-8)


class SGD:
    """Gradient descent with Nesterov's momentum, as scikit-learn's MLP does it."""

    def __init__(self, n, settings, dtype):
        self.rate, self.momentum = settings.learning_rate, settings.momentum
        self.velocity = np.zeros(n, dtype)

    def step(self, gradient):
        self.velocity *= self.momentum
        self.velocity -= self.rate * gradient
        return self.momentum * self.velocity - self.rate * gradient


OPTIMISERS = {"adam": Adam, "sgd": SGD}


def batches(rows, batch_size, temperature, rng):
    """Row numbers (S, T, m) of the S steps of an epoch and weights (S, T, m) that average them.

    Task t gets a share of each batch proportional to n_t^(1/temperature): 1 is proportional to its
    rows, infinity is equal for all. Its rows come in random order, again and again where the share
    is more than it has. A task with fewer rows in a step than another is filled up with weight 0.
    """
    n = np.array([len(own) for own in rows])
    power = n.astype(float) ** (0.0 if np.isinf(temperature) else 1 / temperature)
    steps = max(1, round(n.sum() / batch_size))
    totals = np.maximum(np.round(n.sum() * power / power.sum()).astype(int), steps)
    size = int(np.ceil(totals.max() / steps))
    index = np.zeros((steps, len(rows), size), dtype=np.intp)
    weight = np.zeros(index.shape)
    for t, own in enumerate(rows):
        laps = -(-totals[t] // n[t])
        order = np.concatenate([own[rng.permutation(n[t])] for _ in range(laps)])[: totals[t]]
        index[:, t] = own[0]
        least, more = divmod(totals[t], steps)  # the first `more` batches hold one row more
        index[more:, t, :least] = order[more * (least + 1) :].reshape(-1, least)
        weight[more:, t, :least] = 1 / least
        if more:
            index[:more, t, : least + 1] = order[: more * (least + 1)].reshape(more, -1)
            weight[:more, t, : least + 1] = 1 / (least + 1)
    return index, weight


class Watch:
    """Looks at the loss after each epoch: when to stop, and which parameters were best.

    `held_out` is None or (rows, weight), a batch (T, m) of the held-out rows.
    """

    def __init__(self, network, loss, features, held_out, base, settings):
        self.network, self.loss, self.features = network, loss, features
        self.held_out, self.base, self.settings = held_out, base, settings
        self.curve, self.best, self.waited, self.theta = [], np.inf, 0, None

    @property
    def stopped(self):
        patience = self.settings.n_iter_no_change
        return patience is not None and self.waited >= patience

    def __call__(self, theta, losses):
        """True to stop, given the parameters and the training losses (T,) of an epoch."""
        if self.held_out is not None:
            rows, weight = self.held_out
            outputs = self.network.forward(theta, self.features[rows])[1]
            losses = self.loss(outputs, rows, weight.astype(theta.dtype))[0]
            self.curve.append(losses)
        value = float(self.base @ losses)
        self.waited = 0 if value < self.best - self.settings.tol else self.waited + 1
        if value < self.best:
            self.best = value
            self.theta = theta.copy() if self.held_out is not None else None
        return self.stopped


def train(network, theta, X, rows, loss, weighting, settings, rng, watch=None):
    """Train from `theta`; return the mean losses of the tasks in each epoch and the parameters.

    X (N, d) holds the features, `rows` the row numbers of each task. `loss` takes outputs, row
    numbers and weights (T, m), and gives the losses (T,) and their gradient in the outputs
    (T, m, K). `weighting` has been started.
    """
    if settings.optimiser is None:
        settings.optimiser = OPTIMISERS[settings.solver](theta.size, settings, theta.dtype)
    theta, curve = theta.copy(), []
    decay = settings.alpha * network.is_weight
    with one_blas_thread():
        for _ in tqdm(range(settings.max_epochs), "epochs", disable=not settings.verbose):
            index, weight = batches(rows, settings.batch_size, settings.temperature, rng)
            total = 0.0
            for batch, share in zip(index, weight.astype(theta.dtype), strict=True):
                inputs, outputs = network.forward(theta, X[batch])
                losses, D = loss(outputs, batch, share)
                gradient = weighted_gradient(network, theta, inputs, D, losses, weighting)
                gradient += decay * theta
                gradient += settings.pull * (theta - settings.anchor)
                theta += settings.scale * settings.optimiser.step(gradient)
                total = total + losses
            curve.append(total / len(index))
            weighting.end_epoch(curve[-1])
            if watch is not None and watch(theta, curve[-1]):
                break
    if watch is not None and watch.theta is not None:
        theta = watch.theta
    return np.array(curve), theta


def weighted_gradient(network, theta, inputs, D, losses, weighting):
    """The gradient in all parameters; the weighting decides about the trunk, or about all."""
    if not weighting.needs_gram:
        D *= weighting.weights(losses, None)[:, None, None].astype(D.dtype)
        return network.backward(theta, inputs, D)[0]
    gradient, by_task = network.backward(theta, inputs, D, per_task=True)
    w = weighting.weights(losses, by_task @ by_task.T)
    gradient[: network.n_shared] = w @ by_task
    own = weighting.base_ if weighting.trunk_only else w
    for layer in network.layers:
        if layer.private:
            for part in (layer.weights, layer.bias):
                gradient[part].reshape(len(w), -1)[:] *= own[:, None]
    return gradient
