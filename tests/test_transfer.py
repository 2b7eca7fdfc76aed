"""Tests of ridge and logistic regression that are pulled to the weights of source tasks."""

import warnings

import cvxpy as cp
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge

from mtlkit.transfer import BiasedLogisticRegression, BiasedRidge
from tests._problems import as_frame, ragged_regression

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
        (None, {}, "source=None and target=None"),
        ([1, 7], {}, "source=7 is not a task"),
        ([1, 1], {}, r"source=\[1, 1\] must name each source once"),
        ([], {}, "and at least one"),
        (2, {}, r"source=2 is not a task .* \[0.0, 1.0, 3.0\]"),
        (1, {"task_col": None}, "source=1: set task_col"),
        (1, {"alpha": -1}, "alpha=-1"),
        (1, {"source_alpha": -1}, "source_alpha=-1"),
        (1, {"alpha": np.inf}, "alpha=inf"),
        (1, {"source_alpha": np.nan}, "source_alpha=nan"),
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
    with pytest.raises(ValueError, match="source=0: set task_col"):
        BiasedRidge(source=0).fit(X, y)


def test_with_few_rows_the_source_stays_where_the_target_is_silent():
    # One target row says something about one direction only.
    rng = np.random.default_rng(0)
    source = np.column_stack([np.zeros(50), rng.normal(size=(50, 3))])
    table = np.vstack([source, [1.0, 1.0, 0.0, 0.0]])
    labels = np.append(source[:, 1:] @ [1.0, 2.0, 3.0], 5.0)
    model = BiasedRidge(0, alpha=1e-9, task_col=0, fit_intercept=False).fit(table, labels)
    assert_allclose(model.coef_[1], [5.0, *model.source_coef_[1:]], rtol=1e-6)


# Several sources


def mixture_by_cvxpy(loss, X, starts, alpha):
    """Weights, intercept and shares at the minimum of loss(z) + α ‖w - Σ β_k w_k‖²."""
    w, b, shares = cp.Variable(X.shape[1]), cp.Variable(), cp.Variable(len(starts), nonneg=True)
    objective = loss(X @ w + b) + alpha * cp.sum_squares(w - starts.T @ shares)
    problem = cp.Problem(cp.Minimize(objective), [cp.sum(shares) == 1])
    with warnings.catch_warnings():
        # Not every BLAS kernel reaches 1e-12; what is reached is compared.
        warnings.filterwarnings("ignore", "Solution may be inaccurate")
        problem.solve(solver=cp.CLARABEL, tol_gap_rel=1e-12, tol_gap_abs=1e-12, tol_feas=1e-12)
    return w.value, b.value, shares.value


@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("alpha", [0.5, 20.0])
def test_the_target_chooses_its_mixture_of_sources(alpha, weighted):
    weight = np.random.default_rng(0).uniform(0.2, 2, len(y)) if weighted else np.ones(len(y))
    fitted = model([3, 1, 0], alpha=alpha).fit(X, y, weight if weighted else None)
    rows = X[:, 0] == 2

    def loss(z):
        return cp.sum(cp.multiply(weight[rows], cp.square(y[rows] - z)))

    starts = fitted.coef_[[3, 1, 0]]
    w, b, shares = mixture_by_cvxpy(loss, X[rows, 1:], starts, alpha)
    assert_allclose(fitted.coef_[2], w, rtol=1e-5)
    assert_allclose(fitted.intercept_[2], b, rtol=1e-5)
    assert_allclose(fitted.source_shares_[2], shares, atol=1e-5)
    assert_array_equal(fitted.source_shares_[[3, 1, 0]], np.eye(3))
    for k in (3, 1, 0):
        assert_allclose(fitted.coef_[k], Ridge(1.0).fit(*of_task(k), weight[X[:, 0] == k]).coef_)
    unseen = np.column_stack([np.full(3, 9), np.eye(3)])
    mean = fitted.coef_[[3, 1, 0]].mean(axis=0) + fitted.intercept_[[3, 1, 0]].mean()
    assert_allclose(fitted.predict(unseen), mean)


def test_a_target_between_two_sources_is_found_from_a_few_rows():
    rng = np.random.default_rng(0)
    w = rng.normal(size=(2, 30))
    rows = rng.normal(size=(212, 30))
    task = np.repeat([0, 1, 2], [100, 100, 12])
    weights = np.array([*w, 0.3 * w[0] + 0.7 * w[1]])
    labels = (rows * weights[task]).sum(axis=1)
    fitted = BiasedRidge([0, 1], alpha=100, source_alpha=1e-6, task_col=0)
    fitted.fit(np.column_stack([task, rows]), labels)
    assert_allclose(fitted.source_shares_[2], [0.3, 0.7], atol=0.02)


def test_a_list_of_one_source_is_that_source():
    for several, one in [(model([1]), model(1)), (model(np.array([1])), model(1))]:
        assert_array_equal(several.fit(X, y).coef_, one.fit(X, y).coef_)


# Logistic


X_class, y_real = ragged_regression(rows=(18, 16, 24, 30))
y_two = (y_real + np.random.default_rng(0).normal(size=len(y_real)) > 0).astype(int)


def biased(source=1, **options):
    return BiasedLogisticRegression(source, task_col=0, tol=1e-10, **options)


@pytest.mark.parametrize("sources", [[1], [1, 0], [3, 0, 1]])
@pytest.mark.parametrize("alpha", [0.3, 5.0])
def test_logistic_against_cvxpy(sources, alpha):
    fitted = biased(sources, alpha=alpha).fit(X_class, y_two)
    rows = X_class[:, 0] == 2

    def loss(z):
        return cp.sum(cp.logistic(z)) - y_two[rows] @ z

    w, b, shares = mixture_by_cvxpy(loss, X_class[rows, 1:], fitted.coef_[sources], alpha)
    assert_allclose(fitted.coef_[2], w, atol=2e-4)
    assert_allclose(fitted.intercept_[2], b, atol=2e-4)
    assert_allclose(fitted.source_shares_[2], shares, atol=2e-3)


def test_logistic_without_source_and_the_sources_are_scikit_learns():
    plain = LogisticRegression(C=1 / (2 * 0.7), tol=1e-10, max_iter=10000)
    features = X_class[:, 1:]
    fitted = BiasedLogisticRegression(alpha=0.7, tol=1e-10).fit(features, y_two)
    plain.fit(features, y_two)
    assert_allclose(fitted.coef_, plain.coef_, rtol=1e-4)
    assert_allclose(fitted.predict_proba(features), plain.predict_proba(features), rtol=1e-4)
    rows = X_class[:, 0] == 1
    plain.fit(features[rows], y_two[rows])
    source = biased(source_alpha=0.7).fit(X_class, y_two)
    assert_allclose(source.source_coef_, plain.coef_[0], rtol=1e-4)
    assert_allclose(source.source_intercept_, plain.intercept_[0], rtol=1e-3)


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_each_of_many_logistic_tasks_is_at_its_own_minimum(fit_intercept):
    """The gradient of each task vanishes, whatever the size of the others; some have one class."""
    rng = np.random.default_rng(0)
    task = rng.permutation(np.repeat(np.arange(40), rng.integers(2, 40, 40)))
    features = rng.normal(size=(len(task), 3)) * np.array([1, 5, 0.2])
    y = (features[:, 0] + rng.normal(size=len(task)) > 0).astype(int)
    y[np.isin(task, [5, 6])] = 1
    weight = rng.uniform(0.5, 2, len(y))
    model = BiasedLogisticRegression(
        3, alpha=0.5, task_col=0, fit_intercept=fit_intercept, tol=1e-13
    ).fit(np.column_stack([task, features]), y, weight)
    z = np.einsum("ij,ij->i", features, model.coef_[task]) + model.intercept_[task]
    left = weight * (1 / (1 + np.exp(-z)) - y)
    start = model.coef_[3]
    for t in sorted(set(range(40)) - {3}):
        gradient = left[task == t] @ features[task == t] + 2 * 0.5 * (model.coef_[t] - start)
        if fit_intercept and len(set(y[task == t])) == 1:
            assert_allclose(model.coef_[t], start, atol=1e-12)
            assert np.isfinite(model.intercept_[t])
        else:
            assert_allclose(gradient, 0, atol=1e-4)
            assert not fit_intercept or abs(left[task == t].sum()) < 1e-9


def test_a_strong_pull_keeps_the_weights_of_a_logistic_source():
    fitted = biased(alpha=1e9).fit(X_class, y_two)
    assert_allclose(fitted.coef_, np.tile(fitted.source_coef_, (4, 1)), rtol=1e-6)


def test_three_classes_are_one_against_the_rest():
    three = np.arange(len(y_two)) % 3
    names = np.array(["a", "b", "c"])[three]
    fitted = biased([1, 3]).fit(X_class, names)
    assert fitted.coef_.shape == (3, 4, 3) and fitted.source_shares_.shape == (3, 4, 2)
    for k, label in enumerate("abc"):
        alone = biased([1, 3]).fit(X_class, names == label)
        assert_allclose(fitted.coef_[k], alone.coef_)
    assert_allclose(fitted.predict_proba(X_class).sum(axis=1), 1)
    unseen = np.column_stack([np.full(2, 9), X_class[:2, 1:]])
    assert set(fitted.predict(unseen)) <= set("abc")


def test_a_target_with_one_class_may_take_the_other():
    one = np.where(X_class[:, 0] == 2, 1, y_two)
    fitted = biased([0, 1]).fit(X_class, one)
    rows = X_class[:, 0] == 2
    assert (fitted.predict(X_class[rows]) == 1).mean() > 0.8
    proba = fitted.predict_proba(X_class[rows])[:, 0]
    assert ((proba > 0) & (proba < 1)).all()  # what its rows did not show is not impossible
    assert np.isfinite(fitted.intercept_).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"source": 7}, "source=7 is not a task with a labelled row"),
        ({"alpha": 0}, "alpha=0"),
        ({"source_alpha": 0}, "source_alpha=0"),
        ({"tol": -1}, "tol=-1"),
        ({"max_iter": 0}, "max_iter=0"),
    ],
)
def test_logistic_errors(options, message):
    with pytest.raises(ValueError, match=message):
        biased(1).set_params(**options).fit(X_class, y_two)


def test_logistic_says_when_it_did_not_converge():
    with pytest.warns(ConvergenceWarning, match="the duality gap is"):
        biased(1, max_iter=1).fit(X_class, y_two)
