"""Penalties: each says what tasks share, as a norm of the weights W (T, d) or the square of one.

What belongs here: small objects with a value, a proximal step and a dual norm; those of relations
among tasks are in ``_relations.py``. The losses are in ``_losses.py``, the solver in
``_solver.py``; neither knows one penalty from another.
"""

from abc import ABC, abstractmethod
from copy import copy

import numpy as np
from sklearn.base import BaseEstimator

from .._utils._validation import check_number
from ._blocks import SameRows
from ._solver import coordinate_descent


class Penalty(ABC, BaseEstimator):
    r"""Base class of the penalties (regularisers) Ω; derive from it to add one.

    Ω is a norm N of the weights W, shape (T, d), one row per task (``power = 1``), or the square
    N² of one (``power = 2``). The dual norm is :math:`N^\circ(G) = \max \{\langle G, W \rangle :
    N(W) \le 1\}`. From it the solver computes a duality gap, which bounds how far the objective is
    from its minimum. Parameters are set and searched like those of an estimator
    (``penalty__coupling``).

    Attributes
    ----------
    power : {1, 2}
        Whether Ω is a norm or its square.

    See Also
    --------
    MultiTaskLinearRegression, MultiTaskLogisticRegression : Take a penalty.

    Notes
    -----
    Taught in :doc:`/chapters/algorithms/what_do_tasks_share`.
    """

    power = 1

    @abstractmethod
    def value(self, W):
        """Value of the penalty, Ω(W).

        Parameters
        ----------
        W : ndarray of shape (T, d)
            The weights of the tasks.

        Returns
        -------
        value : float
            Ω(W), at least 0.
        """

    @abstractmethod
    def prox(self, V, step):
        """Proximal operator: the W that minimises ½‖W - V‖² + step · Ω(W).

        Parameters
        ----------
        V : ndarray of shape (T, d)
            The weights after a gradient step.
        step : float
            The step size times the strength of the penalty.

        Returns
        -------
        W : ndarray of shape (T, d)
            The minimiser.
        """

    @abstractmethod
    def dual_norm(self, G):
        """Dual norm N°(G), for the duality gap.

        Parameters
        ----------
        G : ndarray of shape (T, d)
            A gradient of the loss.

        Returns
        -------
        norm : float
            N°(G).
        """

    def bind(self, tasks):
        """Make the penalty ready for these tasks.

        Parameters
        ----------
        tasks : ndarray of shape (T,)
            Names of the tasks, sorted.

        Returns
        -------
        penalty : Penalty
            Itself, or a copy that fits the tasks.

        Raises
        ------
        ValueError
            If its parameters do not fit the tasks.
        """
        return self

    def describe(self, W):
        """What the weights say about the tasks.

        Parameters
        ----------
        W : ndarray of shape (T, d)
            The fitted weights.

        Returns
        -------
        attributes : dict of str -> object
            Attributes for the fitted model.
        """
        return {}


class JointSupport(Penalty):
    r"""L2,1 norm (group lasso): one set of features for all tasks.

    A feature is kept by all tasks, or dropped by all.

    .. math:: \Omega(W) = \sum_{j=1}^{d} \Big( \sum_{t=1}^{T} w_{tj}^2 \Big)^{1/2},

    the sum of the Euclidean norms of the columns of W. It adds ``support_`` to a fitted model: a
    boolean array (d,), True for features with a weight other than 0.

    See Also
    --------
    LowRank : A few directions in place of a few features.
    regularization_path : Fits from the empty set of features on.

    Notes
    -----
    Taught in :doc:`/chapters/algorithms/which_columns`.

    Cost of a proximal step: O(T d). The solver works on a few of the features at a time.

    References
    ----------
    * G. Obozinski, B. Taskar and M. I. Jordan, "Joint covariate selection and joint subspace
      selection for multiple classification problems", Statistics and Computing 20, 231-252, 2010.

    Examples
    --------
    >>> JointSupport().value(np.array([[3.0, 0.0], [4.0, 0.0]]))
    5.0
    """

    def value(self, W):
        return float(self.feature_norms(W).sum())

    def prox(self, V, step):
        norms = self.feature_norms(V)
        return V * (np.maximum(norms - step, 0) / np.where(norms > 0, norms, 1))

    def dual_norm(self, G):
        return float(self.feature_norms(G).max())

    def feature_norms(self, G):
        """Euclidean norm of each column; with this method a penalty is solved by working sets.

        Parameters
        ----------
        G : ndarray of shape (T, d)
            Weights or a gradient.

        Returns
        -------
        norms : ndarray of shape (d,)
            One norm per feature.
        """
        return np.sqrt(np.einsum("tj,tj->j", G, G))

    def _own_solver(self, loss):
        """Coordinate descent, for squared loss where all tasks have one X, else None."""
        rows = getattr(loss, "rows", None)
        plain = type(self) is JointSupport and isinstance(rows, SameRows) and rows.root is None
        return coordinate_descent if plain else None

    def describe(self, W):
        return {"support_": W.any(axis=0)}


class LowRank(Penalty):
    r"""Nuclear norm (trace norm): a few common directions, W = U V of low rank.

    The weights of all tasks, W (T, d), lie near a subspace of few dimensions k: U (T, k), V (k, d).

    .. math:: \Omega(W) = \|W\|_* = \sum_i \sigma_i(W),

    with σ_i the singular values. It adds ``rank_``, the number of directions, to a fitted model.

    See Also
    --------
    JointSupport : A few features in place of a few directions.
    LearnedRelations : The square of the same norm, read as relations among tasks.

    Notes
    -----
    Taught in :doc:`/chapters/algorithms/what_do_tasks_share`.

    Cost of a proximal step: one singular value decomposition, O(T d min(T, d)).

    References
    ----------
    * A. Argyriou, T. Evgeniou and M. Pontil, "Convex multi-task feature learning", Machine
      Learning 73, 243-272, 2008.

    Examples
    --------
    >>> LowRank().value(np.diag([3.0, 4.0]))
    7.0
    """

    def value(self, W):
        return float(np.linalg.svd(W, compute_uv=False).sum())

    def prox(self, V, step):
        left, sizes, right = np.linalg.svd(V, full_matrices=False)
        return left * np.maximum(sizes - step, 0) @ right

    def dual_norm(self, G):
        return float(np.linalg.norm(G, 2))

    def describe(self, W):
        return {"rank_": int(np.linalg.matrix_rank(W))}


class SharedMean(Penalty):
    r"""Mean regularisation (partial pooling): every task's weights near the mean of all tasks.

    .. math:: \Omega(W) = \sum_t \|w_t\|^2 + c \sum_t \|w_t - \bar w\|^2,
              \qquad \bar w = \frac1T \sum_t w_t.

    It adds ``shared_coef_`` (d,), the shared part w_0 = c/(1+c) w̄, and ``shared_intercept_`` to a
    fitted model; they predict tasks that were not seen in `fit`. Intercepts are left free, so with
    it `MultiTaskLinearRegression` is ``MeanRegularizedRidge(..., couple_intercept=False)``.

    Parameters
    ----------
    coupling : float, default=1.0
        c, from 0 (every task alone) to ``numpy.inf`` (equal weights), both included.

    See Also
    --------
    MeanRegularizedRidge : The same problem in closed form.
    TaskGraph : Tasks near their neighbours in a given graph.

    Notes
    -----
    Taught in :doc:`/chapters/algorithms/one_objective`.

    Cost of a proximal step: O(T d).

    References
    ----------
    * T. Evgeniou and M. Pontil, "Regularized multi-task learning", KDD 2004, pp. 109-117.

    Examples
    --------
    >>> SharedMean(coupling=3).value(np.array([[1.0], [3.0]]))
    16.0
    """

    power = 2

    def __init__(self, coupling=1.0):
        self.coupling = coupling

    def bind(self, tasks):
        return with_coupling(self)

    def value(self, W):
        spread = ((W - W.mean(axis=0)) ** 2).sum()
        # At coupling = inf the spread is rounding, and inf times rounding would be inf.
        tied = self.coupling * spread if np.isfinite(self.coupling) else 0.0
        return float((W**2).sum() + tied)

    def prox(self, V, step):
        mean = V.mean(axis=0)
        return mean / (1 + 2 * step) + (V - mean) / (1 + 2 * step * (1 + self.coupling))

    def dual_norm(self, G):
        mean = G.mean(axis=0)
        apart = ((G - mean) ** 2).sum() / (1 + self.coupling)
        return float(np.sqrt(len(G) * (mean**2).sum() + apart))

    def describe(self, W):
        share = 1.0 if np.isinf(self.coupling) else self.coupling / (1 + self.coupling)
        return {"shared_coef_": share * W.mean(axis=0)}


def with_coupling(penalty, finite=False):
    """A copy whose coupling is a checked number of Python, at full precision."""
    bound = copy(penalty)
    bound.coupling = float(check_number(penalty.coupling, "coupling", low=0, open_high=finite))
    return bound
