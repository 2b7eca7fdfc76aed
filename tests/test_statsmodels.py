"""`EmpiricalBayesRidge` beside MixedLM of statsmodels; only where that is installed."""

import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from mtlkit.linear import EmpiricalBayesRidge
from tests.test_empirical_bayes import problem


@pytest.fixture(scope="module")
def mixed():
    pytest.importorskip("statsmodels", reason="statsmodels is not installed")
    from statsmodels.regression.mixed_linear_model import MixedLM

    return MixedLM


@pytest.mark.parametrize("slopes", [None, [2], "all"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_all_that_both_tell_is_the_same(mixed, slopes, seed):
    X, y = problem(seed, rows=(9, 15, 12, 17, 23, 8, 16, 10, 14, 21))
    X[:, 1:] = (X[:, 1:] - X[:, 1:].mean(axis=0)) / X[:, 1:].std(axis=0)  # theirs needs it
    ours = EmpiricalBayesRidge(slopes, task_col=0).fit(X, y)
    random = {None: [], "all": [1, 2]}.get(slopes) if not isinstance(slopes, list) else slopes
    fixed = pd.DataFrame(X[:, 1:], columns=["a", "b"])
    fixed.insert(0, "one", 1.0)
    effects = fixed.iloc[:, [0, *random]]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = mixed(y, fixed, groups=X[:, 0], exog_re=effects).fit(
            reml=True, method=["bfgs", "lbfgs"], gtol=1e-8
        )
    beta = np.append(ours.shared_intercept_, ours.shared_coef_)
    assert_allclose(ours.reml_criterion_, -2 * theirs.llf, rtol=1e-6)
    assert_allclose(beta, theirs.fe_params, rtol=1e-3)
    # Their bse_fe adds what the estimated covariance adds to it; lme4 and ours leave that out.
    curvature = theirs.model.hessian(theirs.params_object)[0][:3, :3]
    assert_allclose(ours.fixed_covariance_, np.linalg.inv(-curvature), rtol=1e-2, atol=1e-4)
    assert_allclose(ours.residual_variance_, theirs.scale, rtol=1e-3)
    assert_allclose(ours.random_covariance_, theirs.cov_re, rtol=1e-2, atol=1e-2)
    own = np.column_stack([ours.intercept_, ours.coef_]) - beta
    blup = np.array([theirs.random_effects[t] for t in ours.tasks_])
    assert_allclose(own[:, [0, *random]], blup, rtol=1e-2, atol=1e-2)
    assert_allclose(ours.predict(X), theirs.fittedvalues, atol=1e-2)
    new = np.add(X, [50, 0, 0])  # where theirs predicts with the fixed part, as for any row
    assert_allclose(ours.predict(new), theirs.predict(fixed), atol=1e-2)
