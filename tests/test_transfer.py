"""Tests of mtlkit.transfer: ridge that is pulled to the weights of a source task."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from problems import as_frame, ragged_regression
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression, Ridge

from mtlkit.transfer import BiasedRidge

X, y = ragged_regression()
TARGETS = [0, 2, 3]


def of_task(t):
    rows = X[:, 0] == t
    return X[rows, 1:], y[rows]


def model(source=1, **options):
    return BiasedRidge(source, task_col=0, **options)


def closed_form(X, y, alpha, start, weight, fit_intercept):
    """Minimum of Σ r (y - x·w - b)² + α ‖w - start‖² by the normal equations of (w, b)."""
    Z = np.column_stack([X, np.ones(len(X))])[:, : X.shape[1] + fit_intercept]
    penalty = np.diag(np.r_[np.full(X.shape[1], alpha), 0.0][: Z.shape[1]])
    pull = np.r_[alpha * start, 0.0][: Z.shape[1]]
    solution = np.linalg.solve((Z.T * weight) @ Z + penalty, (Z.T * weight) @ y + pull)
    return solution[: X.shape[1]], solution[X.shape[1]] if fit_intercept else 0.0


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("alpha", [0.01, 1.0, 300.0])
def test_closed_form(fit_intercept, weighted, alpha):
    weight = np.random.default_rng(0).uniform(0.2, 2, len(y)) if weighted else np.ones(len(y))
    fitted = model(alpha=alpha, source_alpha=0.3, fit_intercept=fit_intercept)
    fitted.fit(X, y, sample_weight=weight if weighted else None)
    by_hand = {}
    for t in [1, 0, 2, 3]:
        strength, start = (0.3, np.zeros(3)) if t == 1 else (alpha, by_hand[1][0])
        rows = X[:, 0] == t
        by_hand[t] = closed_form(X[rows, 1:], y[rows], strength, start, weight[rows], fit_intercept)
    assert_array_equal(fitted.tasks_, [0, 1, 2, 3])
    assert_allclose(fitted.coef_, [by_hand[t][0] for t in range(4)])
    assert_allclose(fitted.intercept_, [by_hand[t][1] for t in range(4)], atol=1e-12)
    assert_allclose(fitted.source_coef_, by_hand[1][0])
    assert_allclose(fitted.source_intercept_, by_hand[1][1], atol=1e-12)


@pytest.mark.parametrize("alpha", [0, 1e-10])
def test_without_pull_the_source_is_forgotten(alpha):
    enough = X[:, 0] != 2  # the others have more rows than unknowns
    fitted = model(alpha=alpha).fit(X[enough], y[enough])
    for k, t in [(0, 0), (2, 3)]:
        plain = LinearRegression().fit(*of_task(t))
        assert_allclose(fitted.coef_[k], plain.coef_, rtol=1e-7)
        assert_allclose(fitted.intercept_[k], plain.intercept_, rtol=1e-7)


def test_a_strong_pull_keeps_the_weights_and_learns_the_intercept():
    fitted = model(alpha=1e12).fit(X, y)
    assert_allclose(fitted.coef_, np.tile(fitted.source_coef_, (4, 1)), rtol=1e-9)
    for t in TARGETS:
        features, target = of_task(t)
        assert_allclose(fitted.intercept_[t], (target - features @ fitted.source_coef_).mean())


@given(st.floats(0.01, 100), st.floats(0.01, 100))
def test_the_pull_shortens_the_way_from_the_source(a, b):
    near, far = (model(alpha=alpha).fit(X, y) for alpha in (max(a, b), min(a, b)))
    way = [np.linalg.norm(m.coef_ - m.source_coef_, axis=1) for m in (near, far)]
    assert (way[0] <= way[1] + 1e-12).all()


def test_targets_do_not_touch_the_source_or_each_other():
    fitted = model().fit(X, y)
    changed = model().fit(X, np.where(X[:, 0] == 3, -y, y))
    assert_array_equal(fitted.coef_[:3], changed.coef_[:3])
    source = Ridge(1.0).fit(*of_task(1))
    assert_allclose(fitted.source_coef_, source.coef_)
    assert not np.allclose(fitted.coef_[3], changed.coef_[3])


def test_one_row_of_a_target_moves_the_intercept_only():
    table, target = np.r_[X, [[5, 1, 2, 3]]], np.r_[y, 7.0]
    fitted = model().fit(table, target)
    assert_allclose(fitted.coef_[4], fitted.source_coef_)
    assert_allclose(fitted.predict([[5, 1, 2, 3]]), [7])


def test_unseen_and_unlabelled_tasks_are_predicted_by_the_source():
    holes = np.where(X[:, 0] == 3, np.nan, y)
    fitted = model().fit(X, holes)
    assert_array_equal(fitted.tasks_, [0, 1, 2])
    unseen = X.copy()
    unseen[X[:, 0] == 0, 0] = 9
    by_source = X[:, 1:] @ fitted.source_coef_ + fitted.source_intercept_
    rows = np.isin(unseen[:, 0], [1, 3, 9])
    assert_allclose(fitted.predict(unseen)[rows], by_source[rows])
    assert not np.isclose(fitted.predict(unseen)[~rows], by_source[~rows]).any()


def test_rows_without_label_or_weight_are_left_out():
    holes, weight = y.copy(), np.ones(len(y))
    holes[::4], weight[1::4] = np.nan, 0
    known = ~np.isnan(holes) & (weight > 0)
    fitted, by_hand = model().fit(X, holes, weight), model().fit(X[known], y[known])
    assert_allclose(fitted.coef_, by_hand.coef_)
    assert_allclose(fitted.intercept_, by_hand.intercept_)


def test_no_source_is_ridge():
    fitted = BiasedRidge(alpha=0.7).fit(X[:, 1:], y)
    ridge = Ridge(0.7).fit(X[:, 1:], y)
    assert_allclose(fitted.predict(X[:, 1:]), ridge.predict(X[:, 1:]))
    assert_array_equal(fitted.source_coef_, 0)


def test_frames_and_arrays_give_the_same():
    frame = as_frame(X).set_axis(np.arange(len(X)) % 5)
    named = BiasedRidge(np.str_("t1"), task_col="task").fit(frame, pd.Series(y))
    assert_allclose(named.predict(frame), model().fit(X, y).predict(X))


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        (7, {}, r"source=7 is not a task with a labelled row in column 0: choose one of \[0.0, 1"),
        ("1", {}, "source='1' is not a task"),
        (None, {}, "source=None is not a task"),
        (2, {}, r"source=2 is not a task .* \[0.0, 1.0, 3.0\]"),
        (1, {"task_col": None}, "source=1 needs task_col"),
        (1, {"alpha": -1}, "alpha == -1, must be >= 0"),
        (1, {"source_alpha": -1}, "source_alpha == -1, must be >= 0"),
        (1, {"alpha": np.inf}, "alpha == inf, must be < inf"),
        (1, {"source_alpha": np.nan}, "source_alpha is NaN"),
    ],
)
def test_errors_name_the_value_and_the_cure(source, options, message):
    without_2 = np.where(X[:, 0] == 2, np.nan, y)
    with pytest.raises(ValueError, match=message):
        model(source).set_params(**options).fit(X, without_2)


def test_columns_that_a_task_lacks():
    holes = as_frame(X)
    holes.loc[holes["task"] == "t3", "b"] = np.nan
    with pytest.raises(ValueError, match=r"\['b'\] are missing in every row of task 't3'"):
        BiasedRidge("t1", task_col="task").fit(holes, y)


def test_predict_before_fit():
    with pytest.raises(NotFittedError):
        model().predict(X)


def test_a_source_needs_a_task_column():
    with pytest.raises(ValueError, match="source=0 needs task_col"):
        BiasedRidge(source=0).fit(X, y)


def test_with_few_rows_the_source_stays_where_the_target_is_silent():
    # One target row says something about one direction only.
    rng = np.random.default_rng(0)
    source = np.column_stack([np.zeros(50), rng.normal(size=(50, 3))])
    table = np.vstack([source, [1.0, 1.0, 0.0, 0.0]])
    labels = np.append(source[:, 1:] @ [1.0, 2.0, 3.0], 5.0)
    model = BiasedRidge(0, alpha=1e-9, task_col=0, fit_intercept=False).fit(table, labels)
    assert_allclose(model.coef_[1], [5.0, *model.source_coef_[1:]], rtol=1e-6)
