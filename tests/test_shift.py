"""Tests of prior correction under label shift, and of the diagnosis of a shift."""

import cvxpy as cp
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from mtlkit.transfer import PriorCorrection, diagnose_shift
from mtlkit.transfer._prior import estimate_priors, implied_prior, reweighted
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


# Classes that the target seems to lack, and probabilities under other proportions


def test_a_class_that_the_target_rows_lack_stays_possible():
    table = np.array([[0, -1.0]] * 10 + [[0, 1.0]] * 10 + [[1, -1.0]] * 10)
    labels = np.r_[[5] * 10, [7] * 10, [np.nan] * 10]
    model = PriorCorrection(DecisionTreeClassifier(), target=1, task_col=0).fit(table, labels)
    assert_array_equal(model.target_prior_, [1, 0])
    assert_array_equal(model.predict_proba([[1, 1.0], [1, -1.0]]), [[0, 1], [1, 0]])
    assert_array_equal(model.predict([[1, 1.0], [1, -1.0]]), [7, 5])


@pytest.mark.parametrize("seed", range(3))
def test_a_certain_row_of_a_class_without_share_is_of_that_class(seed):
    rng = np.random.default_rng(seed)
    y = np.repeat([0, 1, 2, 0, 1, 2], [100, 100, 100, 50, 50, 4])
    table = np.column_stack([np.repeat([0, 1], [300, 104]), 20.0 * y + rng.normal(size=404)])
    forest = RandomForestClassifier(30, random_state=seed)
    model = PriorCorrection(forest, target=1, task_col=0)
    model.fit(table[:400], np.where(table[:400, 0] == 0, y[:400], np.nan))
    assert model.target_prior_[2] == 0
    assert_array_equal(model.predict(table[400:]), 2)
    assert_allclose(model.predict_proba(table).sum(axis=1), 1)


def rare(seed, n=4000):
    """A source with 5 % of class 1 and a target with 30 %, by chance; appearances are the same."""
    rng = np.random.default_rng(seed)
    y = (rng.random((2, n)) < [[0.05], [0.30]]).astype(int).ravel()
    return np.column_stack(
        [np.repeat([0, 1], n), 1.5 * y[:, None] + rng.normal(size=(2 * n, 2))]
    ), y


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("classifier", "error"),
    [
        (LogisticRegression(), 0.03),
        (LogisticRegression(class_weight="balanced"), 0.03),
        (GaussianNB(priors=[0.5, 0.5]), 0.03),
        (RandomForestClassifier(30, max_depth=5, class_weight="balanced", random_state=0), 0.04),
    ],
    ids=str,
)
def test_class_weights_do_not_move_the_estimated_proportions(classifier, error, seed):
    table, y = rare(seed)
    target = table[:, 0] == 1
    model = PriorCorrection(classifier, target=1, task_col=0)
    model.fit(table, np.where(target, np.nan, y))
    assert model.target_prior_[1] == pytest.approx(0.3, abs=error)
    plain = corrected().fit(table, np.where(target, np.nan, y)).score(table[target], y[target])
    assert model.score(table[target], y[target]) > plain - 0.02 > 0.84


def test_a_report_takes_class_weights_too():
    table, y = rare(0)
    balanced = LogisticRegression(class_weight="balanced")
    report = diagnose_shift(table, y, target=1, task_col=0, classifier=balanced, random_state=0)
    assert report.target_prior[1] == pytest.approx(0.3, abs=0.03)
    assert report.source_prior[1] == pytest.approx(0.05, abs=0.01)


@pytest.mark.parametrize("seed", range(5))
def test_the_implied_proportions_undo_what_was_done_to_probabilities(seed):
    rng = np.random.default_rng(seed)
    proba, factor = rng.dirichlet([0.4, 0.5, 0.6], 20_000), rng.dirichlet([3, 3, 3])
    chance = rng.random((len(proba), 1))
    y = (chance > proba.cumsum(axis=1)[:, :2]).sum(axis=1)  # proba is calibrated
    other = reweighted(proba, factor)
    counted = np.bincount(y, minlength=3) / len(y)
    found = implied_prior(other, counted, None, 1e-10, 10000)
    assert_allclose(found, counted * factor / (counted @ factor), atol=0.02)
    means = reweighted(other, counted / found).mean(axis=0)
    assert_allclose(means, counted, atol=1e-6)


def test_probabilities_of_zero_and_one_end_the_search():
    proba = np.eye(2)[[0, 0, 0, 1]]  # one of two rows of class 1 is wrong
    found = implied_prior(proba, np.array([0.5, 0.5]), None, 1e-8, 10000)
    assert np.isfinite(found).all() and (found > 0).all()


def test_row_sums_of_zero_do_not_become_nan():
    proba = np.array([[1.0, 0, 0], [0, 1, 0], [1e-320, 0, 1]])
    q, _, _ = estimate_priors(proba, np.full(3, 1 / 3), None, 1e-10, 1000)
    assert_allclose(q, 1 / 3)
    assert_array_equal(reweighted(np.zeros((1, 2)), np.ones(2)), [[0, 0]])


def test_the_warning_points_to_the_caller():
    with pytest.warns(ConvergenceWarning, match="max_iter=2") as caught:
        corrected(max_iter=2).fit(X, HIDDEN)
    assert caught[0].filename == __file__


@pytest.mark.parametrize("name", ["tol", "max_iter"])
@pytest.mark.parametrize("value", [np.nan, -1, "a", None, np.inf, True])
def test_parameters_that_are_no_numbers(name, value):
    with pytest.raises((TypeError, ValueError), match=f"{name}={value!r}"):
        corrected(**{name: value}).fit(X, HIDDEN)


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


def last(y, **options):
    return str(diagnose_shift(X, y, target=1, task_col=0, random_state=0, **options)).split("\n")[
        -1
    ]


def test_what_labels_can_tell_is_said_in_each_case():
    assert "cannot be known without target labels" in last(HIDDEN)
    assert "cannot be known without target labels" in last(None)
    assert "cannot be known without source labels" in last(np.where(TARGET, y, np.nan))
    assert last(y).startswith("a classifier of the source has accuracy 0.8")
    quantity = last(X[:, 1] * 1.7)
    assert "R² 1.00 on left-out source rows and 1.00 on the 1000" in quantity
    rare = y.copy()
    rare[0] = 7  # a class of one row
    assert last(rare).startswith("a classifier of the source has accuracy 0.8")
    one = np.where(TARGET, y, 1)
    assert "of class 1" in last(one)
    assert f"1.00 on left-out source rows and {y[TARGET].mean():.2f} on the 1000" in last(one)
    few = np.where(np.arange(len(y)) % 999 == 0, y, np.nan)
    few[few == few] = [0.0, 1.5, 1.5]
    assert "too few" not in last(y)
    assert last(few).startswith("2 labelled source rows and 1 labelled target rows are too few")


def test_the_score_of_the_source_is_of_rows_left_out():
    noise = np.random.default_rng(0).integers(0, 2, len(X))
    report = diagnose_shift(
        X, noise, target=1, task_col=0, classifier=DecisionTreeClassifier(), random_state=0
    )
    assert 0.4 < report.source_score < 0.6


def test_many_classes_are_classes_if_they_are_strings():
    numbers = np.arange(len(X)) % 25
    assert "R²" in last(numbers)
    names = np.array([f"class {k}" for k in numbers])
    assert "accuracy 0.0" in last(names)


def test_four_tests_are_counted():
    assert "four tests at 5 %: up to one in five" in str(diagnose(X))
    share = np.mean([
        any(map(report.differs, report.chance))
        for report in (diagnose(normal((120, 80), seed=seed)) for seed in range(40))
    ])  # fmt: skip
    assert share <= 0.4  # 0.185 if they are independent; more than 16 of 40 come once in 1000


def test_words_holes_and_dates_are_named_with_column_and_task():
    frame = as_frame(X)
    for name, value, message in [
        ("sex", "Male", "'sex' of task 't0' holds 'Male'"),
        ("b", np.nan, "'b' of task 't0' has no value in row 0"),
        ("when", pd.Timestamp("2020-01-01"), "'when'.*2020"),
    ]:
        bad = frame.copy()
        bad[name] = np.where(np.arange(len(X)) == 0, value, 1.0) if name == "b" else value
        with pytest.raises((TypeError, ValueError), match=message):
            diagnose_shift(bad, y, target="t1", task_col="task")
    with pytest.raises(ValueError, match=r"LinearSVC\(\) has no predict_proba"):
        diagnose_shift(frame, target="t1", task_col="task", classifier=LinearSVC())
    with pytest.raises(ValueError, match="0 feature"):
        diagnose_shift(frame[["task"]], target="t1", task_col="task")


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
