"""Loss weighting and gradient aggregation: one small object per method, all with one protocol.

What belongs here: methods that, at every step, turn the losses of the tasks (T,) and the inner
products of their trunk gradients (T, T) into weights (T,). The trunk then moves along the weighted
sum of the tasks' gradients. Every direction that these methods choose is such a sum.
"""

import numpy as np
from scipy.optimize import minimize, nnls
from sklearn.base import BaseEstimator

from .._utils._numerics import gram_root, shortest_in_hull
from .._utils._validation import check_number, check_strength

LARGEST_WEIGHT = 1e6  # of UncertaintyWeights, where a loss is zero
ARRIVED = 1e-3  # a gradient shorter than this share of the longest counts as zero


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
        Step size of the s_t; on targets that are far from scale 1 they have a long way to go.

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
        self._s -= self.learning_rate * (1 - weights * losses)
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


class PCGrad(Weighting):
    """Gradient surgery: resolve conflicts between tasks pair by pair.

    Project each task gradient onto the normal plane of every conflicting one, then sum. The other
    tasks are gone through in random order.

    See Also
    --------
    UPGrad : Leaves no conflict between more than two tasks either.

    Notes
    -----
    O(T³ + T² P₀) a step, for P₀ parameters of the trunk. Taught in
    :doc:`/chapters/algorithms/whose_loss_counts`.

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
                if j != i and inner[j] < 0 < gram[j, j]:
                    excess = inner[j] / gram[j, j]
                    total[j] -= excess
                    inner -= excess * gram[j]
        return self.base_ * total


class MGDA(Weighting):
    """Multiple-gradient descent: a common descent direction, zero at a Pareto-stationary point.

    It is the shortest vector in the convex hull of the task gradients: its weights w solve
    min ‖Σ_t w_t g_t‖² over w ≥ 0, Σ w = 1, here by non-negative least squares. A zero gradient
    would be the shortest vector and stop the trunk for all, so a task whose gradient is shorter
    than a thousandth of the longest has arrived, and is left out.

    See Also
    --------
    CAGrad : Stays near the mean gradient.
    UPGrad : Grows with the gradient of each task.

    Notes
    -----
    O(T³ + T² P₀) a step, for P₀ parameters of the trunk. Balance weights change the heads only.
    Taught in :doc:`/chapters/algorithms/whose_loss_counts`.

    References
    ----------
    * O. Sener and V. Koltun, "Multi-task learning as multi-objective optimization", NeurIPS 2018.
    """

    needs_gram = trunk_only = True

    def weights(self, losses, gram):
        w, moving = np.zeros(len(gram)), still_moving(gram)
        w[moving] = shortest_in_hull(gram[np.ix_(moving, moving)])
        return w


def still_moving(gram):
    """Numbers of the tasks whose gradient is no shorter than a thousandth of the longest."""
    square = gram.diagonal()
    return np.flatnonzero(square >= ARRIVED**2 * square.max())


class CAGrad(Weighting):
    """Conflict-averse gradient: near the mean gradient, best for the worst-served task.

    With g the mean gradient, d maximises min_t ⟨g_t, d⟩ under ‖d - g‖ ≤ c ‖g‖, over the tasks
    whose gradient is not zero (as in `MGDA`). The dual problem in T weights is solved by SLSQP at
    every step.

    Parameters
    ----------
    c : float, default=0.5
        Radius, from 0 (the mean gradient) to below 1.

    See Also
    --------
    MGDA : Near the end of c = 1.

    Notes
    -----
    O(T³ + T² P₀) a step, for P₀ parameters of the trunk, and tens of iterations in the first term.
    Balance weights change the heads only. Taught in
    :doc:`/chapters/algorithms/whose_loss_counts`.

    References
    ----------
    * B. Liu et al., "Conflict-averse gradient descent for multi-task learning", NeurIPS 2021.
    """

    needs_gram = trunk_only = True

    def __init__(self, c=0.5):
        self.c = c

    def start(self, base, rng):
        super().start(base, rng)
        check_number(self.c, "c", low=0, high=1, open_high=True)

    def weights(self, losses, gram):
        T, moving = len(gram), still_moving(gram)
        gram = gram / max(np.trace(gram) / T, 1e-300)
        mean = np.full(T, 1 / T)
        radius = self.c * np.sqrt(max(mean @ gram @ mean, 0.0))
        toward, own = gram[moving] @ mean, gram[np.ix_(moving, moving)]

        def dual(w):
            length = np.sqrt(max(w @ own @ w, 1e-16))
            return w @ toward + radius * length, toward + radius * own @ w / length

        found = minimize(
            dual, np.full(len(moving), 1 / len(moving)), jac=True, bounds=[(0, 1)] * len(moving),
            method="SLSQP",
            constraints={"type": "eq", "fun": lambda w: w.sum() - 1, "jac": np.ones_like},
        )  # fmt: skip
        mean[moving] += radius * found.x / np.sqrt(max(found.x @ own @ found.x, 1e-16))
        return mean


class UPGrad(Weighting):
    """Unconflicting projection of gradients: project each where no task is hurt, then average.

    Each gradient is projected onto the directions that have no conflict with any task. Unlike the
    direction of MGDA the mean grows with the gradient of each task, and unlike that of PCGrad it
    has no conflict with any task where there are more than two.

    See Also
    --------
    PCGrad : Projects pair by pair.
    MGDA : The shortest vector.

    Notes
    -----
    T non-negative least squares problems, O(T⁴), and O(T² P₀) a step, for P₀ parameters of the
    trunk. Balance weights change the heads only. Taught in
    :doc:`/chapters/algorithms/whose_loss_counts`.

    References
    ----------
    * P. Quinton and V. Rey, "Jacobian descent for multi-objective optimization", arXiv 2406.16232.
    """

    needs_gram = trunk_only = True

    def weights(self, losses, gram):
        # The projection of g_t is Σ_s v_s g_s with v ≥ e_t, the shortest such sum.
        R, T = gram_root(gram), len(gram)
        return 1 / T + np.mean([nnls(R, -R[:, t])[0] for t in range(T)], axis=0)
