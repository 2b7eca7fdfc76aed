"""Gradient aggregation: methods that choose the trunk's direction from the tasks' gradients.

What belongs here: weightings of the trunk alone, computed from the inner products (T, T) of the
tasks' gradients; every direction that they choose is a weighted sum of these gradients.
"""

import numpy as np
from scipy.optimize import minimize, nnls

from .._utils._numerics import gram_root, shortest_in_hull
from .._utils._validation import check_choice, check_number
from ._weighting import Weighting

ARRIVED = 1e-3  # a gradient shorter than this share of the longest counts as zero


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

    Parameters
    ----------
    normalize : {"none", "l2", "loss"}, default="none"
        What each gradient is divided by first: nothing, its length, or the loss of its task. With
        "none" every task gains the same in its own units, so one whose loss is ten times as large
        gets a tenth of its due; the others do not depend on the units.

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

    def __init__(self, normalize="none"):
        self.normalize = normalize

    def start(self, base, rng):
        super().start(base, rng)
        check_choice(self.normalize, "normalize", ("none", "l2", "loss"))

    def weights(self, losses, gram):
        unit = {"none": np.ones(len(gram)), "l2": np.sqrt(gram.diagonal()), "loss": losses}
        unit = unit[self.normalize]
        per = np.divide(1, unit, out=np.zeros(len(gram)), where=unit > 0)
        gram = gram * np.outer(per, per)
        w, moving = np.zeros(len(gram)), still_moving(gram)
        w[moving] = shortest_in_hull(gram[np.ix_(moving, moving)])
        return w * per


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
