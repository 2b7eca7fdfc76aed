"""How the losses of the tasks are weighed: one small object per method, all with one protocol.

What belongs here: methods that, at every step, turn the losses of the tasks (T,) and the inner
products of their trunk gradients (T, T) into weights (T,). The trunk then moves along the weighted
sum of the tasks' gradients. Every direction that these methods choose is such a sum.
"""

import numpy as np
from scipy.optimize import minimize, nnls
from sklearn.base import BaseEstimator

from .._utils._numerics import gram_root, shortest_in_hull


class Weighting(BaseEstimator):
    """The protocol of all methods; derive from it to add one.

    Attributes
    ----------
    needs_gram : bool
        Whether `weights` looks at the inner products of the tasks' trunk gradients.
    trunk_only : bool
        Whether the weights are for the trunk, while each head follows its own task; else they
        multiply the losses, for heads too.
    """

    needs_gram = False
    trunk_only = False

    def start(self, base, rng):
        """Begin a training run: `base` (T,) are the balance weights λ_t of the objective."""
        self.base_, self._rng = base, rng

    def weights(self, losses, gram):
        """Weights (T,) for this step, from the losses (T,) and the Gram matrix (T, T) or None."""
        raise NotImplementedError

    def end_epoch(self, losses):
        """Look at the mean losses (T,) of an epoch."""


class FixedWeights(Weighting):
    """The balance weights as they are: the plain sum of weighted losses."""

    def weights(self, losses, gram):
        return self.base_


class RandomWeights(Weighting):
    """Weights drawn anew at every step: softmax of standard normal numbers, times T.

    References
    ----------
    * B. Lin et al., "Reasonable effectiveness of random weighting", TMLR 2022.
    """

    def weights(self, losses, gram):
        e = np.exp(self._rng.normal(size=len(losses)))
        return len(losses) * self.base_ * e / e.sum()


class UncertaintyWeights(Weighting):
    """Weights exp(-s_t) with learned log-variances s_t, which descend Σ_t exp(-s_t) L_t + s_t.

    Where the losses L_t stay, the weights end at 1 / L_t.

    Parameters
    ----------
    learning_rate : float, default=0.025
        Of the s_t; on targets that are far from scale 1 they have a long way to go.

    References
    ----------
    * A. Kendall, Y. Gal and R. Cipolla, "Multi-task learning using uncertainty to weigh losses for
      scene geometry and semantics", CVPR 2018.
    """

    def __init__(self, learning_rate=0.025):
        self.learning_rate = learning_rate

    def start(self, base, rng):
        super().start(base, rng)
        self._s = np.zeros(len(base))

    def weights(self, losses, gram):
        weights = np.exp(-self._s)
        self._s -= self.learning_rate * (1 - weights * losses)
        return self.base_ * weights


class DWA(Weighting):
    """Dynamic weight average: more for tasks whose loss fell more slowly in the last epoch.

    The weights are T times the softmax of r_t / `temperature`, with r_t the mean loss of the last
    epoch over that of the epoch before.

    Parameters
    ----------
    temperature : float, default=2.0
        The larger, the more equal the weights.

    References
    ----------
    * S. Liu, E. Johns and A. J. Davison, "End-to-end multi-task learning with attention", CVPR
      2019.
    """

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
            e = np.exp(self._epochs[1] / self._epochs[0] / self.temperature)
            self._now = len(losses) * self.base_ * e / e.sum()


class GradNorm(Weighting):
    """Weights that keep the trunk gradients equally large, larger for tasks that learn slowly.

    w_t ‖g_t‖ is moved towards the mean norm times r_t^asymmetry, with r_t the loss relative to the
    first, over the mean of that.

    Parameters
    ----------
    asymmetry : float, default=1.5
        The larger, the more a slow task gets; at 0 all norms are made equal.
    learning_rate : float, default=0.025
        Of the weights w_t.

    References
    ----------
    * Z. Chen et al., "GradNorm: gradient normalization for adaptive loss balancing in deep
      multitask networks", ICML 2018.
    """

    needs_gram = True

    def __init__(self, asymmetry=1.5, learning_rate=0.025):
        self.asymmetry = asymmetry
        self.learning_rate = learning_rate

    def start(self, base, rng):
        super().start(base, rng)
        self._w, self._first = np.ones(len(base)), None

    def weights(self, losses, gram):
        if self._first is None:
            self._first = losses
        norms = np.sqrt(gram.diagonal())
        rate = losses / self._first
        target = (self._w * norms).mean() * (rate / rate.mean()) ** self.asymmetry
        w = self._w - self.learning_rate * np.sign(self._w * norms - target) * norms
        w = w.clip(min=1e-3)
        self._w = w * len(w) / w.sum()
        return self.base_ * self._w


class PCGrad(Weighting):
    """Of each task's gradient, leave out what goes against another task's, then add up.

    The other tasks are gone through in random order; O(T³) a step.

    References
    ----------
    * T. Yu et al., "Gradient surgery for multi-task learning", NeurIPS 2020.
    """

    needs_gram = trunk_only = True

    def weights(self, losses, gram):
        gram = gram * np.outer(self.base_, self.base_)
        T = len(gram)
        total = np.zeros(T)
        for i in range(T):
            total[i] += 1
            inner = gram[i].copy()  # with every task's gradient
            for j in self._rng.permutation(T):
                if j != i and inner[j] < 0:
                    excess = inner[j] / gram[j, j]
                    total[j] -= excess
                    inner -= excess * gram[j]
        return self.base_ * total


class MGDA(Weighting):
    """The shortest vector in the convex hull of the gradients: it hurts no task.

    Its weights w solve min ‖Σ_t w_t g_t‖² over w ≥ 0, Σ w = 1, here by non-negative least squares.

    References
    ----------
    * O. Sener and V. Koltun, "Multi-task learning as multi-objective optimization", NeurIPS 2018.
    """

    needs_gram = trunk_only = True

    def weights(self, losses, gram):
        return shortest_in_hull(gram)


class CAGrad(Weighting):
    """The direction near the mean gradient that serves the worst-served task best.

    With g the mean gradient, d maximises min_t ⟨g_t, d⟩ under ‖d - g‖ ≤ c ‖g‖. The dual problem in
    T weights is solved by SLSQP at every step.

    Parameters
    ----------
    c : float, default=0.5
        From 0, the mean gradient, to below 1.

    References
    ----------
    * B. Liu et al., "Conflict-averse gradient descent for multi-task learning", NeurIPS 2021.
    """

    needs_gram = trunk_only = True

    def __init__(self, c=0.5):
        self.c = c

    def weights(self, losses, gram):
        T = len(gram)
        gram = gram / max(np.trace(gram) / T, 1e-300)
        mean = np.full(T, 1 / T)
        radius = self.c * np.sqrt(max(mean @ gram @ mean, 0.0))

        def dual(w):
            length = np.sqrt(max(w @ gram @ w, 1e-16))
            return w @ gram @ mean + radius * length, gram @ mean + radius * gram @ w / length

        found = minimize(
            dual, mean, jac=True, bounds=[(0, 1)] * T, method="SLSQP",
            constraints={"type": "eq", "fun": lambda w: w.sum() - 1, "jac": np.ones_like},
        )  # fmt: skip
        w = found.x
        return mean + radius * w / np.sqrt(max(w @ gram @ w, 1e-16))


class UPGrad(Weighting):
    """Each gradient projected onto the directions that hurt no task, then the mean.

    Unlike the direction of MGDA this one grows with the gradient of each task, and unlike that of
    PCGrad it has no conflict with any task where there are more than two. T non-negative least
    squares problems a step.

    References
    ----------
    * P. Quinton and V. Rey, "Jacobian descent for multi-objective optimization", arXiv 2406.16232.
    """

    needs_gram = trunk_only = True

    def weights(self, losses, gram):
        # The projection of g_t is Σ_s v_s g_s with v ≥ e_t, the shortest such sum.
        R, T = gram_root(gram), len(gram)
        return 1 / T + np.mean([nnls(R, -R[:, t])[0] for t in range(T)], axis=0)
