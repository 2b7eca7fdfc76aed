"""TrAdaBoost against its pseudo-code in plain loops, AdaBoost, and a round by hand."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import AdaBoostClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from mtlkit.transfer._tradaboost import TrAdaBoostClassifier
from tests._problems import as_frame

STUMP = DecisionTreeClassifier(max_depth=1, random_state=0)


def two_domains(seed=0, n_source=80, n_target=25, n_classes=2):
    """Target (task 1) and a source whose border lies elsewhere, rows in random order."""
    rng = np.random.default_rng(seed)
    task = rng.permutation(np.repeat([0, 1], [n_source, n_target]))
    x = rng.normal(size=(len(task), 3))
    value = x[:, 0] + x[:, 1] - 0.6 * (task == 0) + 0.3 * rng.normal(size=len(task))
    return np.column_stack([task, x]), np.digitize(
        value, np.linspace(-0.7, 0.7, n_classes + 1)[1:-1]
    )


X, Y = two_domains()
X3, Y3 = two_domains(n_classes=3)


def model(estimator=None, n_estimators=20, **options):
    options = {"target": 1, "task_col": 0, "random_state": 0, **options}
    return TrAdaBoostClassifier(estimator, n_estimators, **options)


def literal(X_source, y_source, X_target, y_target, X_test, n_rounds):
    """Algorithm 1 of Dai et al. (2007), line by line, for labels 0 and 1."""
    n, m = len(y_source), len(y_target)
    X, c = np.concatenate([X_source, X_target]), np.concatenate([y_source, y_target])
    w = [1 / n] * n + [1 / m] * m
    beta = 1 / (1 + np.sqrt(2 * np.log(n) / n_rounds))
    h, beta_t, history = [], [], []
    for _ in range(n_rounds):
        p = [weight / sum(w) for weight in w]
        history.append(p[:n])
        h.append(DecisionTreeClassifier(max_depth=1).fit(X, c, sample_weight=p))
        loss = [abs(int(a) - int(b)) for a, b in zip(h[-1].predict(X), c, strict=True)]
        error = sum(w[i] * loss[i] for i in range(n, n + m)) / sum(w[n:])
        error = min(max(error, 1e-10), 0.5)
        beta_t.append(error / (1 - error))
        for i in range(n):
            w[i] *= beta ** loss[i]
        for i in range(n, n + m):
            w[i] *= beta_t[-1] ** -loss[i]
    voters = range(int(np.ceil(n_rounds / 2)), n_rounds + 1)  # counted from 1
    vote = [[-np.log(beta_t[t - 1]) * h[t - 1].predict([row])[0] for t in voters] for row in X_test]
    half = sum(-np.log(beta_t[t - 1]) / 2 for t in voters)
    return np.array([int(sum(v) >= half) for v in vote]), np.array(history), np.array(beta_t)


@pytest.mark.parametrize("n_rounds", [1, 2, 7, 20])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_algorithm_of_the_paper(seed, n_rounds):
    table, y = two_domains(seed)
    source = table[:, 0] == 0
    parts = table[source, 1:], y[source], table[~source, 1:], y[~source]
    prediction, history, betas = literal(*parts, table[:, 1:], n_rounds)
    fitted = model(n_estimators=n_rounds).fit(table, y)
    assert_allclose(fitted.sample_weights_, history, rtol=1e-8)
    assert_allclose(fitted.betas_, betas, rtol=1e-6)
    assert_array_equal(fitted.predict(table), prediction)


class Truth(ClassifierMixin, BaseEstimator):
    """Says that a row is of class 1 if its first feature is positive, whatever it is taught."""

    def __init__(self, turn=False):
        self.turn = turn

    def fit(self, X, y, sample_weight):
        self.weight_ = sample_weight
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return ((X[:, 0] > 0) != self.turn).astype(int)


def test_the_first_round_by_hand():
    # The classifier says 1 where x > 0: wrong on the second row of the source, the third of the
    # target.
    table = np.array([[0, 1.0], [0, 1.0], [1, 1.0], [1, -1.0], [1, 1.0]])
    y = np.array([1, 0, 1, 0, 0])
    fitted = model(Truth(), n_estimators=2).fit(table, y)
    assert fitted.betas_[0] == pytest.approx((1 / 3) / (2 / 3))
    beta = fitted.source_beta_
    assert beta == pytest.approx(1 / (1 + np.sqrt(np.log(2))))
    after = np.array([1 / 4, beta / 4, 1 / 6, 1 / 6, 1 / 6 / (1 / 2)])
    assert_allclose(fitted.sample_weights_, [[1 / 4, 1 / 4], after[:2] / after.sum()])
    assert_allclose(fitted.estimators_[1].weight_, 5 * after / after.sum())


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 12))
def test_a_wrong_source_row_decays_and_a_right_one_does_not(seed, n_rounds):
    rng = np.random.default_rng(seed)
    table = np.column_stack([np.repeat([0, 1], [12, 8]), rng.normal(size=20)])
    truth = (table[:, 1] > 0).astype(int)
    y = np.where(rng.random(20) < 0.4, 1 - truth, truth)
    y[:2], y[-2:] = [truth[0], 1 - truth[1]], [0, 1]
    fitted = model(Truth(), n_rounds).fit(table, y)
    relative = fitted.sample_weights_ / fitted.sample_weights_[:, :1]  # row 0 is always right
    wrong = (y != truth)[:12]
    decay = (1 / (1 + np.sqrt(2 * np.log(12) / n_rounds))) ** np.arange(n_rounds)
    assert_allclose(relative[:, ~wrong], 1)
    assert_allclose(relative[:, wrong], np.repeat(decay[:, None], wrong.sum(), axis=1))
    for r, classifier in enumerate(fitted.estimators_):  # which got weights of mean 1
        assert classifier.weight_.mean() == pytest.approx(1)
        assert_allclose(classifier.weight_[:12] / 20, fitted.sample_weights_[r])


def test_a_round_at_chance_does_not_vote():
    table = np.column_stack([np.repeat([0, 1], 6), np.tile([-1.0, 1.0], 6)])
    y = np.tile([1, 0], 6)
    fitted = model(Truth(), 4).fit(table, y)  # always wrong
    assert_allclose(fitted.betas_, 1)
    assert_array_equal(fitted.predict(table), 1 - y)  # all vote, as none may
    assert_allclose(model(Truth(turn=True), 4).fit(table, y).betas_, 1e-10, rtol=1e-6)


@pytest.mark.parametrize(("table", "y"), [(X, Y), (X3, Y3)])
def test_one_task_is_adaboost(table, y):
    fitted = TrAdaBoostClassifier(STUMP, 15, random_state=0).fit(table[:, 1:], y)
    peer = AdaBoostClassifier(STUMP, n_estimators=15, random_state=0).fit(table[:, 1:], y)
    assert_array_equal(fitted.predict(table[:, 1:]), peer.predict(table[:, 1:]))
    assert_allclose(-np.log(fitted.betas_), peer.estimator_weights_)
    assert fitted.sample_weights_.shape == (15, 0)


@pytest.mark.parametrize(("table", "y"), [(X, Y), (X3, Y3)])
def test_probabilities_and_decisions_agree_with_the_prediction(table, y):
    fitted = model().fit(table, y)
    prediction, shares = fitted.predict(table), fitted.predict_proba(table)
    assert_allclose(shares.sum(axis=1), 1)
    assert_array_equal(fitted.classes_[shares.argmax(axis=1)], prediction)
    decision = fitted.decision_function(table)
    if len(fitted.classes_) == 2:
        assert_array_equal(decision > 0, prediction == fitted.classes_[1])
        assert_allclose(decision, shares[:, 1] - shares[:, 0])
    else:
        assert_array_equal(decision, shares)
    assert fitted.score(table, y) == np.mean(prediction == y)


def test_three_classes_keep_the_rules_of_samme():
    fitted = model(n_estimators=5).fit(X3, Y3)
    target = X3[:, 0] == 1
    wrong = fitted.estimators_[0].predict(X3[target, 1:]) != Y3[target]
    error = wrong.mean()
    assert -np.log(fitted.betas_[0]) == pytest.approx(np.log((1 - error) / error) + np.log(2))


@settings(max_examples=10, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(random):
    order = list(range(len(X)))
    random.shuffle(order)
    first, second = model().fit(X, Y), model().fit(X[order], Y[order])
    assert_allclose(second.predict_proba(X), first.predict_proba(X), rtol=1e-6, atol=1e-9)
    position = np.argsort([row for row in order if X[row, 0] == 0])
    assert_allclose(second.sample_weights_[:, position], first.sample_weights_, rtol=1e-6)


def test_rows_without_label_are_left_out():
    holes = Y.astype(float)
    holes[::3] = np.nan
    known = ~np.isnan(holes)
    fitted, by_hand = model().fit(X, holes), model().fit(X[known], Y[known])
    assert_array_equal(fitted.predict(X), by_hand.predict(X))
    assert_array_equal(fitted.sample_weights_, by_hand.sample_weights_)


def test_rows_of_other_tasks_are_left_out():
    extra = np.r_[X, np.c_[np.full(30, 2), X[:30, 1:]]]
    y = np.r_[Y, 1 - Y[:30]]
    assert_array_equal(
        model(source=0).fit(extra, y).sample_weights_, model().fit(X, Y).sample_weights_
    )
    assert model().fit(extra, y).sample_weights_.shape == (20, 110)


def test_frames_strings_and_pipelines():
    frame = as_frame(X).set_axis(np.arange(len(X)) % 7)
    words = pd.Series(np.array(["no", "yes"])[Y])
    named = model(target="t1", task_col="task").fit(frame, words)
    assert_array_equal(named.predict(frame), np.array(["no", "yes"])[model().fit(X, Y).predict(X)])
    inner = make_pipeline(StandardScaler(), LogisticRegression())
    assert model(inner).fit(X, Y).score(X, Y) > 0.6
    unseen = np.c_[np.full(3, 9), X[:3, 1:]]
    assert_array_equal(model().fit(X, Y).predict(unseen), model().fit(X, Y).predict(X[:3]))


def test_the_seed_reaches_the_classifiers():
    forest = DecisionTreeClassifier(max_features=1, max_depth=2)
    first, second, other = (model(forest, random_state=seed).fit(X, Y) for seed in (0, 0, 1))
    assert_array_equal(first.predict_proba(X), second.predict_proba(X))
    assert not np.allclose(first.predict_proba(X), other.predict_proba(X))
    inside = make_pipeline(StandardScaler(), forest)
    states = {m[-1].random_state for m in model(inside, 3).fit(X, Y).estimators_}
    assert len(states) == 3


def test_contradictions_of_the_source_fade():
    rng = np.random.default_rng(0)
    table = np.column_stack([np.repeat([0, 1], [300, 40]), rng.normal(size=(340, 2))])
    truth = (table[:, 1] > 0).astype(int)
    contradicts = (table[:, 0] == 0) & (rng.random(340) < 0.3)
    fitted = model(n_estimators=30).fit(table, np.where(contradicts, 1 - truth, truth))
    last, contradicts = fitted.sample_weights_[-1], contradicts[:300]
    assert last[contradicts].mean() < 0.2 * last[~contradicts].mean()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": 7}, "target=7 is not a task"),
        ({"source": 1}, "1.0 cannot be both source and target"),
        ({"n_estimators": 0}, "n_estimators=0"),
        ({"estimator": Ridge()}, r"estimator=Ridge\(\) is not a classifier"),
        ({"estimator": KNeighborsClassifier()}, "does not accept sample_weight"),
        ({"task_col": None}, "target=1: set task_col"),
    ],
)
def test_errors_name_the_value_and_the_cure(options, message):
    with pytest.raises(ValueError, match=message):
        model(**options).fit(X, Y)


def test_both_domains_need_labels():
    y = Y.astype(float)
    with pytest.raises(ValueError, match="TrAdaBoostClassifier needs labels of the target, but"):
        model().fit(X, np.where(X[:, 0] == 1, np.nan, y))
    with pytest.raises(ValueError, match=r"labels of the source, .*\[0\.0\]"):
        model().fit(X, np.where(X[:, 0] == 0, np.nan, y))
    with pytest.raises(NotFittedError):
        model().predict(X)


def test_one_class_is_predicted_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted = model().fit(X, np.ones(len(X), dtype=int))
        assert_array_equal(fitted.predict(X), 1)
        assert_array_equal(fitted.predict_proba(X), 1)
