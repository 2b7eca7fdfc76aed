"""Loss weighting: one small object per method, all with one protocol.

What belongs here: methods that, at every step, turn the losses of the tasks (T,) and the inner
products of their trunk gradients (T, T) into weights (T,). The trunk then moves along the weighted
sum of the tasks' gradients. Gradient aggregation, which has the same protocol, is in
``_aggregation.py``.
"""

import numpy as np
from sklearn.base import BaseEstimator

from .._utils._validation import check_strength

LARGEST_WEIGHT = 1e6  # of UncertaintyWeights, where a loss is zero


class Weighting(BaseEstimator):
    """Base class of loss weighting and gradient aggregation; derive from it to add a method.

    Attributes
    ----------
    needs_gram : bool
        Whether `weights` looks at the inner products of the tasks' trunk gradients.
    trunk_only : bool
        Whether the weights are for the trunk, while each head follows its own task; else they
        multiply the losses, for heads too.
    every_task : bool
        Whether `weights` compares the losses or gradients of all tasks, so that every step needs
        rows of every task. Only matters where tasks are more than half as many as rows in a batch.

    See Also
    --------
    FixedWeights : The plain weighted sum of losses.
    UPGrad : A gradient aggregation without conflict.

    Notes
    -----
    Taught in :doc:`/chapters/algorithms/whose_loss_counts`.
    """

    needs_gram = False
    trunk_only = False
    every_task = True
    _above_zero = ()  # parameters that are numbers above 0

    def start(self, base, rng):
        """Begin a training run.

        Parameters
        ----------
        base : ndarray of shape (T,)
            Weights of the tasks' mean losses in the objective: λ_t n_t T / N.
        rng : numpy.random.Generator
            What random methods draw from.
        """
        for name in self._above_zero:
            check_strength(self, name, include="neither")
        self.base_, self._rng = base, rng

    def weights(self, losses, gram):
        """Weights for this step.

        Parameters
        ----------
        losses : ndarray of shape (T,)
            Mean losses of the tasks in the batch.
        gram : ndarray of shape (T, T) or None
            Inner products of the trunk gradients of the tasks, if `needs_gram`.

        Returns
        -------
        w : ndarray of shape (T,)
            Factors on the losses or trunk gradients of the tasks.
        """
        raise NotImplementedError

    def end_epoch(self, losses):
        """Look at the losses of an epoch.

        Parameters
        ----------
        losses : ndarray of shape (T,)
            Mean training losses of the tasks in the epoch.
        """


class FixedWeights(Weighting):
    """Fixed loss weights (scalarisation, equal weighting): the weighted sum of losses as it is.

    See Also
    --------
    RandomWeights : The same on average.

    Notes
    -----
    Weights λ_t n_t T / N, from `task_weight`. O(1) a step. Taught in
    :doc:`/chapters/algorithms/whose_loss_counts`.
    """

    every_task = False

    def weights(self, losses, gram):
        return self.base_


class RandomWeights(Weighting):
    """Random loss weighting (RLW): new weights at every step, softmax of normal numbers times T.

    See Also
    --------
    FixedWeights : What they are on average.

    Notes
    -----
    O(T) a step. Taught in :doc:`/chapters/algorithms/whose_loss_counts`.

    References
    ----------
    * B. Lin et al., "Reasonable effectiveness of random weighting", TMLR 2022.
    """

    every_task = False

    def weights(self, losses, gram):
        e = np.exp(self._rng.normal(size=len(losses)))
        return len(losses) * self.base_ * e / e.sum()


class UncertaintyWeights(Weighting):
    """Uncertainty weighting: weights exp(-s_t) with learned log-variances s_t.

    The s_t descend Σ_t exp(-s_t) L_t + s_t. Where the losses L_t stay, the weights end at 1 / L_t,
    or at 10⁶ where a loss is zero.

    Parameters
    ----------
    learning_rate : float, default=0.025
        Step size of the s_t, and the longest step: a first loss of 10⁵ would throw s_t out of reach
        of all later ones. To a loss L it takes at least abs(log L) / `learning_rate` steps, so
        tune it where targets are far from scale 1.

    See Also
    --------
    GradNorm : Looks at gradients too.

    Notes
    -----
    O(T) a step. Taught in :doc:`/chapters/algorithms/whose_loss_counts`.

    References
    ----------
    * A. Kendall, Y. Gal and R. Cipolla, "Multi-task learning using uncertainty to weigh losses for
      scene geometry and semantics", CVPR 2018.
    """

    _above_zero = ("learning_rate",)

    def __init__(self, learning_rate=0.025):
        self.learning_rate = learning_rate

    def start(self, base, rng):
        super().start(base, rng)
        self._s = np.zeros(len(base))

    def weights(self, losses, gram):
        weights = np.exp(-self._s)
        self._s -= self.learning_rate * np.maximum(1 - weights * losses, -1)
        self._s = np.maximum(self._s, -np.log(LARGEST_WEIGHT))
        return self.base_ * weights


class DWA(Weighting):
    """Dynamic weight average: more for tasks whose loss fell more slowly in the last epoch.

    The weights are T times the softmax of r_t / `temperature`, with r_t the mean loss of the last
    epoch over that of the epoch before. A task at loss 0 needs no speed-up: r_t = 0.

    Parameters
    ----------
    temperature : float, default=2.0
        Above 0; the larger, the more equal the weights.

    See Also
    --------
    GradNorm : Compares with the first loss and equalises gradients.

    Notes
    -----
    O(T) an epoch. Taught in :doc:`/chapters/algorithms/whose_loss_counts`.

    References
    ----------
    * S. Liu, E. Johns and A. J. Davison, "End-to-end multi-task learning with attention", CVPR
      2019.
    """

    every_task = False
    _above_zero = ("temperature",)

    def __init__(self, temperature=2.0):
        self.temperature = temperature

    def start(self, base, rng):
        super().start(base, rng)
        self._epochs, self._now = [], base

    def weights(self, losses, gram):
        return self._now

    def end_epoch(self, losses):
        self._epochs = [*self._epochs[-1:], losses]
        if len(self._epochs) == 2:
            ratio = relative(self._epochs[1], self._epochs[0]) / self.temperature
            e = np.exp(ratio - ratio.max())
            self._now = len(losses) * self.base_ * e / e.sum()


class GradNorm(Weighting):
    """Gradient normalisation: trunk gradients equally long, longer for tasks that learn slowly.

    w_t ‖g_t‖ is moved towards the mean norm times r_t^asymmetry, with r_t the loss relative to the
    first, over the mean of that. A task at loss 0 has r_t = 0.

    Parameters
    ----------
    asymmetry : float, default=1.5
        At least 0. The larger, the more a slow task gets; at 0 all norms are made equal.
    learning_rate : float, default=0.025
        Step size of the weights w_t.

    See Also
    --------
    DWA : Looks at losses alone.

    Notes
    -----
    O(T² P₀) a step, for P₀ parameters of the trunk. Taught in
    :doc:`/chapters/algorithms/whose_loss_counts`.

    References
    ----------
    * Z. Chen et al., "GradNorm: gradient normalization for adaptive loss balancing in deep
      multitask networks", ICML 2018.
    """

    needs_gram = True
    _above_zero = ("learning_rate",)

    def __init__(self, asymmetry=1.5, learning_rate=0.025):
        self.asymmetry = asymmetry
        self.learning_rate = learning_rate

    def start(self, base, rng):
        super().start(base, rng)
        check_strength(self, "asymmetry", include="left")
        self._w, self._first = np.ones(len(base)), None

    def weights(self, losses, gram):
        if self._first is None:
            self._first = losses
        norms = np.sqrt(gram.diagonal())
        rate = relative(losses, self._first)
        rate = rate / rate.mean() if rate.any() else np.ones(len(rate))
        target = (self._w * norms).mean() * rate**self.asymmetry
        w = self._w - self.learning_rate * np.sign(self._w * norms - target) * norms
        w = w.clip(min=1e-3)
        self._w = w * len(w) / w.sum()
        return self.base_ * self._w


def relative(losses, before):
    """losses / before, (T,); 0 where a loss is zero, and 1 where only the one before was."""
    ratio = (losses > 0).astype(float)
    return np.divide(losses, before, out=ratio, where=(losses > 0) & (before > 1e-100 * losses))
