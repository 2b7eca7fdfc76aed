"""Tests of FeatureAugmentation: the columns, the model they amount to, any estimator."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import issparse
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsRegressor
from sklearn.svm import LinearSVC, LinearSVR
from sklearn.tree import DecisionTreeRegressor

from mtlkit._utils._delegation import setting_of
from mtlkit.baselines import FeatureAugmentation, PerTask, Pooled
from mtlkit.linear import MultiTaskLinearRegression, SharedMean
from tests._problems import as_frame, ragged_classification, ragged_regression

X, y = ragged_regression()
T, D = 4, 3
NEW = np.column_stack([np.full(3, 9.0), X[:3, 1:]])


def dense(matrix):
    return matrix.toarray() if issparse(matrix) else matrix


@pytest.mark.parametrize("estimator", [Ridge(), DecisionTreeRegressor()], ids=["sparse", "dense"])
def test_the_columns(estimator):
    model = FeatureAugmentation(estimator, 2.0, task_col=0).fit(X, y)
    small = np.array([[1, 5.0, 6.0, 7.0], [9, 5.0, 6.0, 7.0]])
    codes = np.array([1, -1])
    block = [0, 0, 0, 0]
    expected = [10, 12, 14, *block, 5, 6, 7, 1, *block, *block], [10, 12, 14, *block * 4]
    assert_array_equal(dense(model._inputs(small[:, 1:], codes)), expected)
    takes_sparse = isinstance(estimator, Ridge)
    assert issparse(model._inputs(small[:, 1:], codes)) is takes_sparse


def test_ridge_on_copies_is_a_shared_and_a_private_part():
    """Without the level column, penalty and loss are those of SharedMean at another scale."""
    alpha, coupling = 1.3, 2.0
    centred = X.copy()  # per task, so that levels have no part in it
    target = y.copy()
    for t in range(T):
        own = X[:, 0] == t
        centred[own, 1:] -= centred[own, 1:].mean(axis=0)
        target[own] -= target[own].mean()
    ours = FeatureAugmentation(
        Ridge(
            alpha * (1 + coupling), fit_intercept=False, solver="lsqr", tol=1e-14, max_iter=10**5
        ),
        np.sqrt(coupling / T),
        task_col=0,
    ).fit(centred, target)
    other = MultiTaskLinearRegression(SharedMean(coupling), alpha, task_col=0, tol=1e-15)
    other.fit(centred, target)
    assert_allclose(ours.predict(centred), other.predict(centred), atol=1e-6)


def test_a_small_scale_leaves_tasks_alone_and_a_new_task_gets_the_shared_part():
    alone = FeatureAugmentation(Ridge(1.0), 1e-6, task_col=0).fit(X, y)
    coef = np.asarray(alone.estimator_.coef_)
    assert abs(1e-6 * coef[:D]).max() < 1e-6  # s u, the shared part, is nothing
    model = FeatureAugmentation(Ridge(1.0), 2.0, task_col=0).fit(X, y)
    u = model.estimator_.coef_[:D]
    assert_allclose(model.predict(NEW), 2.0 * NEW[:, 1:] @ u + model.estimator_.intercept_)


@pytest.mark.parametrize(
    "estimator",
    [KNeighborsRegressor(2), LinearSVR(random_state=0), DecisionTreeRegressor(random_state=0)],
    ids=lambda e: type(e).__name__,
)
def test_any_regressor(estimator):
    model = FeatureAugmentation(estimator, task_col="task").fit(as_frame(X), y)
    array = FeatureAugmentation(estimator, task_col=0).fit(X, y)
    assert_allclose(model.predict(as_frame(X)), array.predict(X))
    assert model.score(as_frame(X), y) > 0.3
    plain = FeatureAugmentation(estimator).fit(X[:, 1:], y)
    assert_allclose(plain.predict(X[:, 1:]), Pooled(estimator).fit(X[:, 1:], y).predict(X[:, 1:]))


@pytest.mark.parametrize(
    "estimator",
    [LogisticRegression(), RandomForestClassifier(20, random_state=0), LinearSVC(random_state=0)],
    ids=lambda e: type(e).__name__,
)
def test_any_classifier_keeps_to_the_classes_of_the_task(estimator):
    X, y = ragged_classification()
    model = FeatureAugmentation(estimator, task_col=0).fit(X, y)
    assert set(model.predict(X[X[:, 0] == 0])) <= {0, 1}
    assert model.score(X, y) > 0.6
    if hasattr(model, "predict_proba"):
        assert not model.predict_proba(X[X[:, 0] == 0])[:, 2:].any()
    crossed = X[X[:, 0] == 1].copy()
    crossed[:, 0] = 0  # rows that look like class 3, in a task without it
    assert set(model.predict(crossed)) <= {0, 1}


def test_it_is_multi_task():
    assert setting_of(FeatureAugmentation(Ridge())) == "multi-task"
    assert setting_of(Pooled(Ridge())) == "pooled"
    assert setting_of(PerTask(Ridge())) == "single-task"


@pytest.mark.parametrize("scale", [0, -1.0])
def test_what_is_wrong_with_a_scale(scale):
    with pytest.raises(ValueError, match=f"shared_scale == {scale}, must be > 0"):
        FeatureAugmentation(Ridge(), scale, task_col=0).fit(X, y)


def test_missing_features_reach_the_estimator_as_they_are():
    gaps = X.copy()
    gaps[0, 1] = np.nan
    FeatureAugmentation(DecisionTreeRegressor(), task_col=0).fit(gaps, y)
    with pytest.raises(ValueError, match="contains NaN"):
        FeatureAugmentation(Ridge(), task_col=0).fit(gaps, y)
