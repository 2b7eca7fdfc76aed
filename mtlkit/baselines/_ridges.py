"""Ridge regressions of many tasks at once: the very models that one fit a task would give."""

from numbers import Real

import numpy as np
from sklearn.linear_model import Ridge

from .._utils._numerics import ridges


def is_plain_ridge(estimator):
    """Whether it is scikit-learn's ridge, solved in closed form."""
    return (
        type(estimator) is Ridge
        and isinstance(estimator.alpha, Real)
        and not isinstance(estimator.alpha, (bool, np.bool_))
        and 0 < estimator.alpha < np.inf
        and estimator.solver in ("auto", "cholesky")
        and estimator.positive is False
        and isinstance(estimator.fit_intercept, (bool, np.bool_))
    )


def ridges_from_moments(ridge, moments):
    """Weights (T, d) and intercepts (T,) of a plain ridge for each task, or None."""
    if not is_plain_ridge(ridge):
        return None
    m = moments if ridge.fit_intercept else moments.about_zero()
    W = ridges(m.Sxx, m.Sxy[..., None], ridge.alpha, least=1e-9)
    if W is None:
        return None
    W = W[..., 0]
    return W, m.y_mean - np.einsum("td,td->t", m.x_mean, W)
