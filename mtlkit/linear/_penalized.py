"""What `MultiTaskRegressor` and `MultiTaskClassifier` share: solving, and keeping the solution."""

from numbers import Real

import numpy as np
from sklearn.utils import check_scalar

from .._inputs import balance_weights, check_strength
from ._solver import solve
from .penalties import Penalty, SharedMean


class Penalized:
    """A loss of W (T, d) plus α times a `Penalty`."""

    def __init__(
        self,
        penalty=None,
        alpha=1.0,
        *,
        task_col=None,
        fit_intercept=True,
        task_weight="samples",
        tol=1e-6,
        max_iter=10000,
        warm_start=False,
    ):
        self.penalty = penalty
        self.alpha = alpha
        self.task_col = task_col
        self.fit_intercept = fit_intercept
        self.task_weight = task_weight
        self.tol = tol
        self.max_iter = max_iter
        self.warm_start = warm_start

    def _check_parameters(self):
        check_strength(self, "alpha", include="neither")
        check_scalar(self.tol, "tol", Real, min_val=0)
        check_scalar(self.max_iter, "max_iter", int, min_val=1)
        if not isinstance(self.penalty, Penalty | None):
            raise ValueError(
                f"penalty={self.penalty!r} must be a Penalty, such as SharedMean() or "
                "JointSupport(), or None, which is SharedMean()"
            )

    def _bound_penalty(self, tasks):
        return (SharedMean() if self.penalty is None else self.penalty).bind(tasks)

    def _balance(self, n):
        return balance_weights(self.task_weight, n)

    def _start(self, loss):
        """Where to begin: at zero, or at the last solution if it is asked for and fits."""
        same = np.array_equal(getattr(self, "tasks_", None), loss.tasks)
        if self.warm_start and same and self.coef_.shape == loss.shape:
            return self.coef_
        return np.zeros(loss.shape)

    def _solve(self, loss, level, start):
        """Minimise and store; `level` (d,) is where the shared part has the mean level."""
        penalty = self._bound_penalty(loss.tasks)
        solution = solve(loss, penalty, self.alpha, start, self.tol, self.max_iter)
        self.tasks_, self.coef_ = loss.tasks, solution.W
        self.intercept_ = loss.intercept(solution.W)
        self.objective_, self.dual_gap_ = solution.objective, solution.gap
        self.n_iter_ = solution.n_iter
        for name in getattr(self, "_described", ()):  # of an earlier fit with another penalty
            del self.__dict__[name]
        described = penalty.describe(solution.W)
        if "shared_coef_" in described:
            described["shared_intercept_"] = self._shared_intercept(
                described["shared_coef_"], level
            )
        self.__dict__.update(described)
        self._described = list(described)
        return self

    def _shared_intercept(self, shared_coef, level):
        levels = (self.intercept_ + self.coef_ @ level)[np.isfinite(self.intercept_)]
        if not self.fit_intercept or not levels.size:
            return 0.0
        return float(levels.mean() - shared_coef @ level)
