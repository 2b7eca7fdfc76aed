"""What the penalised linear models share: parameters, the solver, what a penalty says."""

import numpy as np

from .._utils._validation import (
    balance_weights,
    check_flag,
    check_integer,
    check_number,
    check_strength,
)
from ._penalties import Penalty, SharedMean
from ._solver import solve


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
        check_number(self.tol, "tol", low=0, open_high=True)
        check_integer(self.max_iter, "max_iter")
        check_flag(self.fit_intercept, "fit_intercept")
        check_flag(self.warm_start, "warm_start")
        if not isinstance(self.penalty, Penalty | None):
            raise ValueError(
                f"penalty={self.penalty!r} must be a Penalty, such as SharedMean() or "
                "JointSupport(), or None, which is SharedMean()"
            )

    def _bound_penalty(self, tasks):
        return (SharedMean() if self.penalty is None else self.penalty).bind(tasks)

    def _balance(self, n, tasks):
        return balance_weights(self.task_weight, n, tasks)

    def _is_warm(self, before, *now):
        """Whether the last fit, of which `before` has tasks and classes, is where to begin."""
        return self.warm_start and all(map(np.array_equal, before, now))

    def _solve(self, loss, start):
        """Minimise from `start` (T, d), or from 0, and store what there is to know."""
        penalty = self._bound_penalty(loss.tasks)
        if start is None or start.shape != loss.shape:
            start = np.zeros(loss.shape)
        solution = solve(loss, penalty, float(self.alpha), start, float(self.tol), self.max_iter)
        self.tasks_, self.coef_ = loss.tasks, solution.W
        self.intercept_ = loss.intercept(solution.W)
        self.objective_, self.dual_gap_ = solution.objective, solution.gap
        self.n_iter_ = solution.n_iter
        for name in self.__dict__.pop("_described", ()):  # of an earlier fit
            del self.__dict__[name]
        described = penalty.describe(solution.W)
        if "shared_coef_" in described:
            level = 0.0
            if self.fit_intercept:
                level = loss.mean_level(solution.W, self.intercept_)
                level -= described["shared_coef_"] @ loss.centre
            described["shared_intercept_"] = float(level)
        self.__dict__.update(described)
        self._described = list(described)
        return solution
