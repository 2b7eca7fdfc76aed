"""A trunk that all tasks share and a head for each: forward and backward for all tasks at once.

What belongs here: the layout of the parameters in one flat array, and the two passes. Losses are in
``_losses.py``, how tasks are weighed in ``_weighting.py``, the training loop in ``_training.py``.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

ACTIVATIONS = ("relu", "tanh")


@dataclass(frozen=True)
class Layer:
    """Where a layer lies in the flat array, and its shape."""

    weights: slice
    bias: slice
    shape: tuple  # (d_in, d_out), or (T, d_in, d_out) where each task has its own
    private: bool

    def of(self, theta, codes=None):
        """Views of the weights and the bias in `theta`, or those of the tasks `codes`."""
        weights, bias = theta[self.weights].reshape(self.shape), theta[self.bias]
        if self.private:
            bias = bias.reshape(self.shape[0], 1, -1)
            if codes is not None:
                return weights[codes], bias[codes]
        return weights, bias


def sum_groups(values, codes, n_tasks):
    """Sums (T, ...) over the groups of each task, of values (G, ...)."""
    if codes is None:
        return values
    starts = np.flatnonzero(np.diff(codes, prepend=-1))
    total = np.zeros((n_tasks, *values.shape[1:]), values.dtype)
    total[codes[starts]] = np.add.reduceat(values, starts, axis=0)
    return total


class Network:
    """Layers from d features to K outputs for each of T tasks.

    Parameters
    ----------
    n_features, n_tasks, n_outputs : int
        d, T and K.
    hidden : sequence of int
        Widths of the hidden layers: the trunk.
    activation : {"relu", "tanh"}
    private_input : bool, default=False
        Whether each task has a first layer of its own, as where tasks differ in their features.

    Notes
    -----
    The parameters θ are one flat array, shared ones first: ``theta[:n_shared]``. Inputs are
    (G, m, d), G groups of m rows, each of one task: `codes` (G,) in rising order, or None for one
    group of each task. A shared layer is one product of G m rows; a private one is G products in
    one call.
    """

    def __init__(self, n_features, hidden, n_tasks, n_outputs, activation, private_input=False):
        self.n_features, self.hidden = n_features, tuple(hidden)
        self.n_tasks, self.n_outputs, self.activation = n_tasks, n_outputs, activation
        widths = list(pairwise([n_features, *hidden, n_outputs]))
        private = [k == len(widths) - 1 or (k == 0 and private_input) for k in range(len(widths))]
        self.layers, place = [None] * len(widths), 0
        for k in sorted(range(len(widths)), key=private.__getitem__):  # shared ones first
            shape = (n_tasks, *widths[k]) if private[k] else widths[k]
            ends = [place, place + int(np.prod(shape)), 0]
            ends[2] = ends[1] + widths[k][1] * (n_tasks if private[k] else 1)
            weights, bias = (slice(*pair) for pair in pairwise(ends))
            self.layers[k], place = Layer(weights, bias, shape, private[k]), ends[2]
        shared = [layer.bias.stop for layer in self.layers if not layer.private]
        self.n_shared, self.n_parameters = max(shared, default=0), place
        self.is_weight = np.zeros(place, dtype=bool)  # the others are biases, which do not decay
        for layer in self.layers:
            self.is_weight[layer.weights] = True

    def initial(self, rng, dtype=float):
        """Random parameters as scikit-learn's MLP draws them (Glorot and Bengio 2010)."""
        theta = np.empty(self.n_parameters, dtype=dtype)
        for layer in self.layers:
            bound = np.sqrt(6 / sum(layer.shape[-2:]))
            for part in (layer.weights, layer.bias):
                theta[part] = rng.uniform(-bound, bound, part.stop - part.start)
        return theta

    def forward(self, theta, X, codes=None):
        """The input of each layer and the outputs (G, m, K), for X (G, m, d)."""
        inputs = [X]
        for layer in self.layers:
            W, b = layer.of(theta, codes)
            A = inputs[-1]
            if layer.private:
                Z = np.matmul(A, W)
            else:
                Z = (A.reshape(-1, A.shape[2]) @ W).reshape(*A.shape[:2], -1)
            Z += b
            inputs.append(Z if layer is self.layers[-1] else self._activate(Z))
        return inputs[:-1], inputs[-1]

    def backward(self, theta, inputs, D, per_task=False, codes=None):
        """The gradient of the loss, given that in the outputs, D (G, m, K).

        Returns
        -------
        gradient : ndarray of shape (n_parameters,)
            Of the sum over tasks. With `per_task` the shared part is left out.
        by_task : ndarray of shape (T, n_shared) or None
            With `per_task`, the shared part of each task's own gradient.
        """
        gradient = np.empty(self.n_parameters, dtype=theta.dtype)
        by_task = np.empty((self.n_tasks, self.n_shared), theta.dtype) if per_task else None
        for k in range(len(self.layers) - 1, -1, -1):
            layer, A = self.layers[k], inputs[k]
            if layer.private or per_task:
                weights = sum_groups(np.matmul(A.transpose(0, 2, 1), D), codes, self.n_tasks)
                bias = sum_groups(
                    np.matmul(np.ones((1, D.shape[1]), D.dtype), D), codes, self.n_tasks
                )
                if layer.private:
                    gradient[layer.weights], gradient[layer.bias] = weights.ravel(), bias.ravel()
                else:
                    by_task[:, layer.weights] = weights.reshape(self.n_tasks, -1)
                    by_task[:, layer.bias] = bias[:, 0]
            else:
                flat = D.reshape(-1, D.shape[2])
                gradient[layer.weights] = (A.reshape(-1, A.shape[2]).T @ flat).ravel()
                gradient[layer.bias] = np.ones(len(flat), flat.dtype) @ flat  # faster than sum
            if k:
                W, _ = layer.of(theta, codes)
                if layer.private:
                    product = np.multiply if D.shape[2] == 1 else np.matmul  # the same, but faster
                    D = product(D, W.transpose(0, 2, 1))
                else:
                    D = (D.reshape(-1, D.shape[2]) @ W.T).reshape(A.shape)
                D *= A > 0 if self.activation == "relu" else 1 - A * A
        return gradient, by_task

    def _activate(self, Z):
        return np.maximum(Z, 0, out=Z) if self.activation == "relu" else np.tanh(Z, out=Z)
