"""Tests of prior correction under label shift, and of the diagnosis of a shift."""

import cvxpy as cp
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from mtlkit.transfer import PriorCorrection, diagnose_shift
from mtlkit.transfer._prior import estimate_priors
from tests._problems import as_frame


def label_shift(p=0.5, q=0.9, n=1000, seed=0, d=2):
    """Source rows (task 0) with a share p of class 1, target rows (task 1) with a share q."""
    rng = np.random.default_rng(seed)
    y = np.r_[np.arange(n) < p * n, np.arange(n) < q * n].astype(int)
    X = rng.normal(size=(2 * n, d)) + 1.5 * y[:, None]
    return np.column_stack([np.repeat([0, 1], n), X]), y


X, y = label_shift()
TARGET = X[:, 0] == 1
HIDDEN = np.where(TARGET, np.nan, y)


def corrected(**options):
    return PriorCorrection(LogisticRegression(), target=1, task_col=0, **options)


# Prior correction


@pytest.mark.parametrize("seed", range(5))
def test_em_finds_the_maximum_of_the_likelihood(seed):
    rng = np.random.default_rng(seed)
    proba, prior = rng.dirichlet([0.3, 0.5, 0.8], 60), rng.dirichlet([3, 3, 3])
    q = cp.Variable(3, nonneg=True)
    problem = cp.Problem(cp.Maximize(cp.sum(cp.log((proba / prior) @ q)) / 60), [cp.sum(q) == 1])
    problem.solve(solver=cp.CLARABEL)
    found, _, _ = estimate_priors(proba, prior, None, 1e-10, 100000)
    assert_allclose(found, q.value, atol=1e-4)


def test_the_bayes_rule_finds_known_proportions():
    # p(k|x) of the source is known here, and the sample is large.
    rng = np.random.default_rng(0)
    labels = rng.random(50_000) < 0.85
    x = rng.normal(size=labels.size) + labels
    odds = np.exp(x - 0.5) * 0.3 / 0.7  # prior 0.3, likelihood ratio of N(1, 1) to N(0, 1)
    proba = np.column_stack([1 / (1 + odds), odds / (1 + odds)])
    found, _, _ = estimate_priors(proba, np.array([0.7, 0.3]), None, 1e-10, 100000)
    assert_allclose(found, [0.15, 0.85], atol=0.01)


def test_correction_helps_under_label_shift_and_needs_no_target_label():
    model = corrected().fit(X, HIDDEN)
    plain = LogisticRegression().fit(X[~TARGET, 1:], y[~TARGET])
    assert_allclose(model.source_prior_, [0.5, 0.5], atol=1e-3)  # logistic to its tol
    assert_allclose(model.target_prior_, [0.1, 0.9], atol=0.03)
    assert model.score(X[TARGET], y[TARGET]) > plain.score(X[TARGET, 1:], y[TARGET]) + 0.02
    assert_allclose(model.predict_proba(X[~TARGET]), plain.predict_proba(X[~TARGET, 1:]))
    odds = plain.predict_proba(X[TARGET, 1:]) * model.target_prior_ / model.source_prior_
    assert_allclose(model.predict_proba(X[TARGET]), odds / odds.sum(axis=1, keepdims=True))
    known = corrected().fit(X, y)  # labels of the target are not looked at
    assert_allclose(known.target_prior_, model.target_prior_)


def test_correction_does_harm_where_appearances_change():
    even, y_even = label_shift(0.5, 0.5)
    even[TARGET, 1:] += 1.5
    plain = LogisticRegression().fit(even[~TARGET, 1:], y_even[~TARGET])
    model = corrected().fit(even, np.where(TARGET, np.nan, y_even))
    assert model.score(even[TARGET], y_even[TARGET]) < plain.score(even[TARGET, 1:], y_even[TARGET])


@given(st.permutations(range(6)), st.integers(0, 100))
def test_the_order_of_rows_does_not_matter(order, seed):
    rng = np.random.default_rng(seed)
    proba, prior = rng.dirichlet([1, 1], 6), np.array([0.4, 0.6])
    one, _, _ = estimate_priors(proba, prior, None, 1e-10, 100000)
    other, _, _ = estimate_priors(proba[list(order)], prior, None, 1e-10, 100000)
    assert_allclose(one, other, atol=1e-6)


def test_one_task_is_the_classifier_itself():
    model = PriorCorrection(LogisticRegression()).fit(X[:, 1:], y)
    plain = LogisticRegression().fit(X[:, 1:], y)
    assert_allclose(model.predict_proba(X[:, 1:]), plain.predict_proba(X[:, 1:]))
    assert_array_equal(model.target_prior_, model.source_prior_)


def test_names_of_tasks_and_classes():
    frame = as_frame(X)
    labels = pd.Series(np.array(["no", "yes"])[y])
    labels[TARGET] = None
    model = PriorCorrection(LogisticRegression(), source=["t0"], target="t1", task_col="task")
    model.fit(frame, labels)
    assert_array_equal(model.classes_, ["no", "yes"])
    assert_allclose(model.target_prior_, corrected().fit(X, HIDDEN).target_prior_)
    assert set(model.predict(frame)) == {"no", "yes"}


def test_errors_of_the_correction():
    with pytest.raises(ValueError, match="has no predict_proba"):
        PriorCorrection(LinearSVC(), target=1, task_col=0).fit(X, HIDDEN)
    with pytest.raises(ValueError, match=r"labels of the source, .*\[0\.0\]"):
        corrected().fit(X, np.where(TARGET, y, np.nan))
    with pytest.raises(ValueError, match=r"target=2 is not a task in column 0: .*\[0.0, 1.0\]"):
        corrected().set_params(target=2).fit(X, HIDDEN)
    with pytest.raises(ValueError, match="source=None and target=None"):
        corrected().set_params(target=None).fit(X, HIDDEN)
    with pytest.raises(ValueError, match="source=5 is not a task"):
        corrected().set_params(source=5).fit(X, HIDDEN)
    with pytest.raises(ValueError, match="cannot be both source and target"):
        corrected().set_params(source=[0, 1]).fit(X, HIDDEN)
    with pytest.raises(ValueError, match="target=1: set task_col"):
        corrected().set_params(task_col=None).fit(X, HIDDEN)
    with pytest.raises(ValueError, match=r"only the target \[1\.0\]: at least one source"):
        corrected().fit(X[TARGET], y[TARGET])
    with pytest.raises(ValueError, match="max_iter=0"):
        corrected(max_iter=0).fit(X, HIDDEN)
    with pytest.raises(ValueError, match=r"\[7\] were not seen in fit .*source and target only"):
        corrected().fit(X, HIDDEN).predict([[7, 0, 0]])
    with pytest.warns(ConvergenceWarning, match="max_iter=2"):
        corrected(max_iter=2).fit(X, HIDDEN)


def test_tasks_that_are_neither_are_left_out():
    other = np.column_stack([np.full(50, 2.0), np.zeros((50, 2))])
    model = corrected(source=0).fit(np.vstack([X, other]), np.r_[HIDDEN, np.ones(50)])
    assert_array_equal(model.tasks_, [0, 1])
    assert_allclose(model.target_prior_, corrected().fit(X, HIDDEN).target_prior_)


# Diagnosis


def normal(n=(300, 200), shift=0.0, scale=1.0, correlation=0.0, seed=0):
    """Two domains of three normal features; the target's differ as told."""
    rng = np.random.default_rng(seed)
    F = rng.normal(size=(sum(n), 3))
    target = np.repeat([False, True], n)
    F[target, 1] = correlation * F[target, 0] + np.sqrt(1 - correlation**2) * F[target, 1]
    F[target] = F[target] * scale + shift
    return np.column_stack([target, F])


def diagnose(X, y=None):
    return diagnose_shift(X, y, target=1, task_col=0, random_state=0)


@pytest.mark.parametrize(
    ("change", "seen"),
    [
        ({"shift": 1.0}, "mean_distance"),
        ({"scale": 2.0}, "scale_distance"),
        ({"correlation": 0.8}, "correlation_distance"),
    ],
)
def test_each_measure_sees_its_own_change(change, seen):
    report = diagnose(normal(**change))
    excess = {name: getattr(report, name) / report.chance[name] for name in report.chance}
    excess.pop("domain_auc")  # sees every shift of means
    assert excess.pop(seen) > 2.5
    assert max(excess.values()) < 1.5


def test_measures_by_hand():
    X = np.array([[0, -1.0], [0, 1]] * 5 + [[1, 2.0], [1, 6.0]] * 5)
    report = diagnose(X)
    values, both = X[:, 1], X[:, 1].std()
    assert report.mean_distance == pytest.approx((values[10:].mean() - 0) / both)
    assert report.scale_distance == pytest.approx(np.log(2))
    assert report.correlation_distance == 0
    assert report.features == [("column 1", pytest.approx(4 / both), pytest.approx(2))]
    assert report.domain_auc == 1


def test_equal_domains_rarely_look_different():
    reports = [diagnose(normal(seed=seed)) for seed in range(30)]
    for name in reports[0].chance:
        alarms = sum(report.differs(name) for report in reports)
        assert alarms <= 5, name  # 1.5 are expected; more than 5 come once in 300


def test_proportions_of_classes_and_scores():
    report = diagnose(X, HIDDEN)
    assert report.source_prior == {0: 0.5, 1: 0.5}
    assert report.target_prior[1] == pytest.approx(0.9, abs=0.03)
    assert (report.n_source, report.n_target, report.n_target_labels) == (1000, 1000, 0)
    assert report.target_score is None
    assert "cannot be known without target labels" in str(report)
    few = np.where(TARGET & (np.arange(len(y)) % 10 > 0), np.nan, y)
    report = diagnose(X, few)
    assert report.n_target_labels == 100
    assert 0.8 < report.source_score < 0.95 and 0.8 < report.target_score <= 1
    assert "100 labelled target rows" in str(report)


def test_whole_numbers_of_many_values_are_a_quantity():
    report = diagnose(X, np.arange(len(X)) % 200)
    assert report.source_prior is None and report.score_name == "R²"
    assert "strings would be classes" in str(report)


def test_no_label_at_all_is_as_no_y():
    nothing = np.full(len(X), np.nan)
    assert str(diagnose(X, nothing)) == str(diagnose(X))
    assert str(diagnose(X, nothing.astype(object))) == str(diagnose(X))


def test_a_quantity_has_no_proportions():
    report = diagnose(X, X[:, 1] * 1.7)
    assert report.source_prior is None and report.target_prior is None
    assert 0.9 < report.source_score <= 1 and 0.9 < report.target_score <= 1
    assert str(report).endswith("on the 1000 labelled target rows")


def test_frames_names_and_constant_features():
    frame = as_frame(X).assign(constant=3.0)
    report = diagnose_shift(frame, target="t1", task_col="task", random_state=0)
    assert {name for name, _, _ in report.features} == {"a", "b", "constant"}
    assert report.features[-1] == ("constant", 0.0, 1.0)
    assert "  a: mean +" in str(report)


def test_errors_of_the_diagnosis():
    with pytest.raises(ValueError, match="the target has 3 rows, too few to compare"):
        diagnose(np.vstack([X[~TARGET], X[TARGET][:3]]))
    with pytest.raises(ValueError, match="target=9 is not a task"):
        diagnose_shift(X, target=9, task_col=0)
