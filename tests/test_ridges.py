"""Ridges of many tasks at once are those of one fit a task."""

import warnings

import numpy as np
import polars
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression, Ridge

from mtlkit.baselines import PerTask
from mtlkit.baselines import _per_task as module
from mtlkit.baselines._ridges import fit_ridges
from tests._problems import as_frame, ragged_regression


def one_by_one(ridge, X, y, weight=None, task=None):
    """A ridge for each task of column 0, each by its own fit."""
    task = X[:, 0] if task is None else task
    rows = [np.flatnonzero(task == t) for t in np.unique(task)]
    own = [None if weight is None else weight[r] for r in rows]
    return [clone(ridge).fit(X[r, 1:], y[r], w) for r, w in zip(rows, own, strict=True)]


def at_once(ridge, X, y, weight=None):
    """Whether all are solved at once."""
    codes = np.unique(X[:, 0], return_inverse=True)[1]
    params = {} if weight is None else {"sample_weight": weight}
    return fit_ridges(ridge, X[:, 1:], codes, codes.max() + 1, y, params) is not None


def assert_same(model, expected, X, tol=1e-10):
    for ours, theirs in zip(model.estimators_, expected, strict=True):
        size = np.abs(theirs.coef_).max()
        np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=0, atol=tol * size)
        scale = abs(theirs.intercept_) + 1e-300
        assert ours.intercept_ == pytest.approx(theirs.intercept_, abs=tol * max(scale, 1))
        assert vars(ours).keys() == vars(theirs).keys()
        assert type(ours.intercept_) is type(theirs.intercept_)
        assert ours.solver_ == theirs.solver_ and ours.n_features_in_ == theirs.n_features_in_
    for t, name in enumerate(model.tasks_):
        own = X[X[:, 0] == name]
        np.testing.assert_allclose(
            model.predict(own), expected[t].predict(own[:, 1:]), rtol=1e-9, atol=1e-9
        )


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("alpha", [1e-3, 1, np.float32(10), 1e8])
@pytest.mark.parametrize("rows", [(30, 5, 1, 3, 12), (20, 20, 20), (2, 2, 1, 1)])
def test_unequal_and_few_rows(rows, alpha, fit_intercept):
    X, y = ragged_regression(rows=rows, d=4)
    ridge = Ridge(alpha, fit_intercept=fit_intercept)
    assert at_once(ridge, X, y)
    assert_same(PerTask(ridge, task_col=0).fit(X, y), one_by_one(ridge, X, y), X)


def test_weights_of_rows():
    X, y = ragged_regression(rows=(30, 6, 4, 12))
    weight = np.random.default_rng(0).uniform(0, 3, len(y)).astype("f")
    weight[::5] = 0
    assert at_once(Ridge(), X, y, weight)
    model = PerTask(Ridge(), task_col=0).fit(X, y, sample_weight=weight)
    assert_same(model, one_by_one(Ridge(), X, y, weight), X)


@pytest.mark.parametrize("kind", ["integers", "objects", "pandas", "polars"])
def test_tables_of_any_kind(kind):
    X, y = ragged_regression(rows=(30, 6, 12))
    X = np.round(X)
    expected = one_by_one(Ridge(), X, y)
    table, task_col = {"integers": X.astype(int), "objects": as_frame(X).to_numpy()}.get(kind), 0
    if table is None:
        table, task_col = as_frame(X), "task"
        table = polars.from_pandas(table) if kind == "polars" else table
    model = PerTask(Ridge(), task_col=task_col).fit(table, y)
    for ours, theirs in zip(model.estimators_, expected, strict=True):
        np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=1e-10)
    if kind == "pandas":  # of others, not every version of scikit-learn keeps the names
        assert all(m.feature_names_in_.tolist() == ["a", "b", "c"] for m in model.estimators_)
    by_task = PerTask(Ridge(), task_col=0).fit(X, y).predict(X)
    np.testing.assert_allclose(model.predict(table), by_task, rtol=1e-12)


@pytest.mark.parametrize(
    ("why", "ridge", "change"),
    [
        ("no penalty", Ridge(0), None),
        ("a penalty that rounding swallows", Ridge(1e-13), "twice"),
        ("large means", Ridge(), "far"),
        ("large means of y", Ridge(), "far y"),
        ("numbers whose squares overflow", Ridge(), "huge"),
        ("another solver", Ridge(solver="svd"), None),
        ("positive weights", Ridge(positive=True), None),
        ("32 bits", Ridge(), "narrow"),
        ("another model", LinearRegression(), None),
    ],
)
def test_else_each_is_fitted_by_itself(why, ridge, change):
    X, y = ragged_regression(rows=(30, 20, 12))
    if change == "twice":
        X[:, 3] = X[:, 2]
    if change == "far":
        X[:, 1] += 1e9
    if change == "far y":
        y = y + 1e12
    if change == "huge":
        X[0, 1] = 1e200
    if change == "narrow":
        X = X.astype("f")
    assert not at_once(ridge, X, y), why
    if change != "huge":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of SciPy, where the system is next to singular
            model, expected = PerTask(ridge, task_col=0).fit(X, y), one_by_one(ridge, X, y)
        for ours, theirs in zip(model.estimators_, expected, strict=True):
            np.testing.assert_array_equal(ours.coef_, theirs.coef_)


def test_one_fit_for_all_tasks(monkeypatch):
    X, y = ragged_regression(rows=(9,) * 50)
    fits, fit = [], module.fit_clone
    monkeypatch.setattr(module, "fit_clone", lambda *a, **k: fits.append(1) or fit(*a, **k))
    PerTask(Ridge(), task_col=0).fit(X, y)
    assert len(fits) == 1


def test_errors_are_those_of_one_fit_a_task():
    X, y = ragged_regression(rows=(9, 8, 7))
    model = PerTask(Ridge(), task_col=0)
    with pytest.raises(NotFittedError):
        model.predict(X)
    model.fit(X, y)
    bad = X.copy()
    bad[4, 2] = np.nan
    with pytest.raises(ValueError, match="column 2 has no value in row 4"):
        model.predict(bad)
    with pytest.raises(ValueError, match=r"column 2.* has no value in row 4"):
        model.fit(bad, y)
    with pytest.raises(ValueError, match=r"tasks \[7\.0\] were not seen"):
        model.fit(X, y).predict(np.array([[7.0, 1, 1, 1]]))


def test_what_is_done_to_one_model_shows_in_predictions():
    X, y = ragged_regression(rows=(9, 8, 7))
    model = PerTask(Ridge(), task_col=0).fit(X, y)
    before = model.predict(X)
    model.estimators_[1].intercept_ += 5
    np.testing.assert_allclose(model.predict(X) - before, 5 * (X[:, 0] == 1), atol=1e-12)
    model.estimators_[1].coef_[:] = 0
    assert np.abs(model.estimators_[0].coef_).min() > 0


@given(
    seed=st.integers(0, 10_000),
    rows=st.lists(st.integers(1, 12), min_size=1, max_size=6),
    d=st.integers(1, 6),
    power=st.integers(-6, 6),
)
@settings(max_examples=60, deadline=None)
def test_any_small_table(seed, rows, d, power):
    X, y = ragged_regression(seed, rows, d)
    if seed % 2:
        X, y = np.round(X, 1), np.round(y)
    ridge = Ridge(10.0**power)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of SciPy, and of a task a row
        model, expected = PerTask(ridge, task_col=0).fit(X, y), one_by_one(ridge, X, y)
    for ours, theirs in zip(model.estimators_, expected, strict=True):
        size = max(np.abs(theirs.coef_).max(), 1e-9)  # below it is rounding, of the mean of y
        np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=0, atol=1e-10 * size)
