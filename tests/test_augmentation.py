"""Tests of FeatureAugmentation: the columns, the model they amount to, any estimator."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csc_matrix, csr_array, issparse
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
    holes = np.where(small == 6, np.nan, small)[:, 1:]  # which trees take, but not in sparse form
    assert issparse(model._inputs(small[:, 1:], codes))
    assert not issparse(model._inputs(holes, codes))
    assert_array_equal(
        dense(model._inputs(holes, codes)), np.where(np.isin(expected, [6, 12]), np.nan, expected)
    )


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
def test_any_classifier_keeps_to_the_classes_possible_in_the_task(estimator):
    X, y = ragged_classification(classes=((0, 1), (2, 3), (3, 4)))
    model = FeatureAugmentation(estimator, task_col=0).fit(X, y)
    assert set(model.predict(X[X[:, 0] == 0])) <= {0, 1}
    assert model.score(X, y) > 0.6
    if hasattr(model, "predict_proba"):
        assert not model.predict_proba(X[X[:, 0] == 0])[:, 2:].any()
        assert model.predict_proba(X[X[:, 0] == 2])[:, 2:].sum() == pytest.approx(12)
    crossed = X[X[:, 0] == 1].copy()
    crossed[:, 0] = 0  # rows that look like class 3, in a task without it
    assert set(model.predict(crossed)) <= {0, 1}


def test_it_is_multi_task():
    assert setting_of(FeatureAugmentation(Ridge())) == "multi-task"
    assert setting_of(Pooled(Ridge())) == "pooled"
    assert setting_of(PerTask(Ridge())) == "single-task"


@pytest.mark.parametrize("scale", [0, -1.0, np.nan, np.inf, True, "a", None])
def test_what_is_wrong_with_a_scale(scale):
    with pytest.raises((TypeError, ValueError), match=f"shared_scale={scale!r}"):
        FeatureAugmentation(Ridge(), scale, task_col=0).fit(X, y)


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int64, np.int8])
def test_a_scale_of_numpy(kind):
    expected = FeatureAugmentation(Ridge(), 2, task_col=0).fit(X, y).predict(X)
    model = FeatureAugmentation(Ridge(), kind(2), task_col=0).fit(X, y)
    assert_array_equal(model.predict(X), expected)


def test_missing_features_reach_the_estimator_as_they_are():
    gaps = X.copy()
    gaps[0, 1] = np.nan
    FeatureAugmentation(DecisionTreeRegressor(), task_col=0).fit(gaps, y)
    with pytest.raises(ValueError, match=r"NaN: column 1 .*row 0"):
        FeatureAugmentation(Ridge(), task_col=0).fit(gaps, y)
    with pytest.raises(ValueError, match=r"NaN: column 'a' .*row 0"):
        FeatureAugmentation(Ridge(), task_col="task").fit(as_frame(gaps), y)


@pytest.mark.parametrize("value", ["Male", pd.Timestamp("2026-01-01"), b"x"])
def test_what_is_not_a_number_is_named(value):
    table = as_frame(X).astype({"b": object})
    table.loc[3, "b"] = value
    with pytest.raises((TypeError, ValueError), match=r"column 'b'"):
        FeatureAugmentation(Ridge(), task_col="task").fit(table, y)


def test_dates_are_not_numbers():
    table = as_frame(X)[["task"]].assign(day=pd.Timestamp("2026-01-01"))
    with pytest.raises(ValueError, match="'day'"):
        FeatureAugmentation(Ridge(), task_col="task").fit(table, y)


def test_sparse_in_is_dense_in():
    model = FeatureAugmentation(Ridge(solver="lsqr", tol=1e-12), task_col=0)
    expected = model.fit(X, y).predict(X)
    for kind in (csr_array, csc_matrix):
        assert_allclose(model.fit(kind(X), y).predict(kind(X)), expected, rtol=1e-6)
        assert issparse(model._inputs(kind(X[:, 1:]), np.zeros(len(X), int)))


def test_float32_stays():
    model = FeatureAugmentation(Ridge(), task_col=0).fit(X.astype(np.float32), y)
    assert model.estimator_.coef_.dtype == np.float32


def test_many_tasks_take_little_memory():
    rng = np.random.default_rng(0)
    table = np.column_stack([rng.integers(0, 2000, 4000), rng.normal(size=(4000, 2))])
    for inner in (Ridge(), DecisionTreeRegressor(max_depth=3)):
        model = FeatureAugmentation(inner, task_col=0)
        tracemalloc.start()
        model.fit(table, table[:, 1]).predict(table)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert most < 20e6  # 192 MB if dense
