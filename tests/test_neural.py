"""Tests of the multi-task networks as estimators: data of every kind, training, errors."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, r2_score

from mtlkit._utils._delegation import setting_of
from mtlkit.datasets import load_digit_tasks, make_linear_tasks
from mtlkit.neural import MultiTaskMLP, MultiTaskMLPClassifier, MultiTaskMLPRegressor, PCGrad
from mtlkit.table import stack_tasks
from tests._problems import as_frame, ragged_classification, ragged_regression

X, y = ragged_regression(rows=(20, 30, 12, 25))
TASK = X[:, 0].astype(int)
FIXED = {"task_col": 0, "random_state": 0, "n_iter_no_change": None}


def regressor(**options):
    return MultiTaskMLPRegressor(**{**FIXED, "max_iter": 30, "batch_size": 16, **options})


def classifier(**options):
    return MultiTaskMLPClassifier(**{**FIXED, "max_iter": 30, "batch_size": 16, **options})


def test_it_learns_a_table_of_tasks():
    X, y = make_linear_tasks(n_tasks=5, n_samples=150, noise=0.3, random_state=0)
    train = np.arange(len(y)) % 150 < 100
    model = regressor(max_iter=150, learning_rate_init=0.01).fit(X[train], y[train])
    assert model.score(X[~train], y[~train]) > 0.7
    assert model.loss_curve_.shape == (150, 5)
    assert model.loss_curve_[-1].sum() < 0.2 * model.loss_curve_[0].sum()
    X, y = load_digit_tasks(rows_per_task=150)
    train = np.arange(len(y)) % 3 > 0
    model = classifier(max_iter=60).fit(X[train], y[train])
    assert model.score(X[~train], y[~train]) > 0.9


def test_the_loss_curve_is_the_mean_loss_of_the_batches():
    model = regressor(batch_size=len(y), learning_rate_init=1e-12, max_iter=1).fit(X, y)
    for t in range(4):
        own = t == TASK
        scaled = (model.predict(X[own]) - y[own]) / y[own].std()
        assert_allclose(model.loss_curve_[0, t], 0.5 * (scaled**2).mean(), rtol=1e-6)


@pytest.mark.parametrize("make", [regressor, classifier])
@pytest.mark.parametrize("weighting", [None, PCGrad()])
def test_the_seed_decides_everything(make, weighting):
    target = y if make is regressor else y > 3
    one, two = (make(weighting=weighting).fit(X, target) for _ in range(2))
    assert_array_equal(one.theta_, two.theta_)
    assert not np.array_equal(
        make(weighting=weighting, random_state=1).fit(X, target).theta_, one.theta_
    )
    assert not hasattr(weighting, "base_")  # the one that was passed is left alone


def test_frames_and_arrays_are_one_and_names_are_kept():
    frame = regressor(task_col="task").fit(as_frame(X), y)
    assert_allclose(frame.predict(as_frame(X)), regressor().fit(X, y).predict(X))
    assert list(frame.feature_names_in_) == ["task", "a", "b", "c"]


def test_rows_without_label_are_left_out():
    more, gaps = np.vstack([X, X[:5]]), np.r_[y, np.full(5, np.nan)]
    assert_allclose(regressor().fit(more, gaps).theta_, regressor().fit(X, y).theta_)
    model = regressor().fit(X, y)
    assert model.score(more, gaps) == model.score(X, y)
    labels = np.array(["b", "a"], dtype=object)[(y > 3).astype(int)]
    gaps = np.r_[labels, [None] * 5]
    assert_allclose(classifier().fit(more, gaps).theta_, classifier().fit(X, labels).theta_)


def test_float32_stays_float32():
    small = regressor().fit(X.astype(np.float32), y)
    assert small.theta_.dtype == np.float32
    assert_allclose(
        small.predict(X.astype(np.float32)), regressor().fit(X, y).predict(X), rtol=0.02
    )


def test_standardised_targets_make_scales_irrelevant():
    scale = np.array([1.0, 1000.0, 0.01, 5.0])[TASK]
    one, two = regressor().fit(X, y), regressor().fit(X, scale * y + 3)
    assert_allclose(two.predict(X), scale * one.predict(X) + 3, rtol=1e-6)
    assert_allclose(two.loss_curve_, one.loss_curve_, rtol=1e-6)
    raw = regressor(standardize_targets=False).fit(X, scale * y)
    assert raw.loss_curve_[0, 1] > 1e4 * raw.loss_curve_[0, 0]
    constant = np.where(TASK == 2, 7.0, y)
    assert np.isfinite(regressor().fit(X, constant).predict(X)).all()


def test_a_row_gets_only_classes_of_its_task():
    X, y = ragged_classification()
    model = classifier().fit(X, y)
    allowed = np.array([[1, 1, 0, 0], [0, 1, 1, 1], [0, 0, 1, 1]])[X[:, 0].astype(int)]
    proba = model.predict_proba(X)
    assert_array_equal(proba > 0, allowed.astype(bool))
    assert_allclose(proba.sum(axis=1), 1)
    assert_array_equal(model.predict(X), proba.argmax(axis=1))
    assert set(model.predict(X[X[:, 0] == 0])) <= {0, 1}


def test_some_tasks_regress_and_some_classify():
    target = np.where(TASK == 1, (y > y[TASK == 1].mean()) + 4.0, y)
    model = MultiTaskMLP([1], **FIXED, max_iter=200, learning_rate_init=0.01).fit(X, target)
    predicted = model.predict(X)
    assert set(predicted[TASK == 1]) <= {4.0, 5.0}
    scores = [
        (accuracy_score if t == 1 else r2_score)(target[t == TASK], predicted[t == TASK])
        for t in range(4)
    ]
    assert_allclose(model.score(X, target), np.mean(scores))
    assert min(scores) > 0.6
    plain = MultiTaskMLP(**FIXED, max_iter=30, batch_size=16).fit(X, y)
    assert_allclose(plain.predict(X), regressor().fit(X, y).predict(X))
    with pytest.raises(
        ValueError, match=r"classification_tasks holds \['x'\], which are not tasks"
    ):
        MultiTaskMLP(["x"], task_col=0).fit(X, y)


def test_tasks_with_different_columns_get_an_encoder_each():
    rng = np.random.default_rng(0)
    one = pd.DataFrame(rng.normal(size=(40, 3)), columns=list("abc"))
    two = pd.DataFrame(rng.normal(size=(30, 5)), columns=list("cdefg"))
    X, y = stack_tasks({"u": (one, rng.normal(size=40)), "v": (two, rng.normal(size=30))})
    model = regressor(task_col="task", hidden_layer_sizes=(8, 6), alpha=0).fit(X, y)
    first = model.network_.layers[0]
    assert first.private
    assert np.isfinite(model.predict(X)).all()
    X = X.reset_index(drop=True)
    shuffled = X.sample(frac=1, random_state=0)
    assert_allclose(model.predict(shuffled), model.predict(X)[shuffled.index])
    with pytest.raises(
        ValueError, match=r"first hidden layer is private .* leaves nothing to share"
    ):
        regressor(task_col="task", hidden_layer_sizes=(8,)).fit(X, y)
    X.iloc[3, list(X.columns).index("b")] = np.nan
    with pytest.raises(
        ValueError, match=r"NaN or infinity in row 3, .* task 'u' has in other rows"
    ):
        regressor(task_col="task", hidden_layer_sizes=(8, 6)).fit(X, y)


# Training


def test_early_stopping_keeps_the_best_parameters():
    model = regressor(
        early_stopping=True, max_iter=400, n_iter_no_change=5, learning_rate_init=0.05,
        validation_fraction=0.3, hidden_layer_sizes=(64,),
    ).fit(X, y)  # fmt: skip
    assert model.n_iter_ < 400
    assert model.validation_curve_.shape == (model.n_iter_, 4)
    total = model.validation_curve_ @ model._weighting.base_
    assert total.argmin() < model.n_iter_ - 1
    again = regressor(
        early_stopping=True, max_iter=int(total.argmin()) + 1, learning_rate_init=0.05,
        validation_fraction=0.3, hidden_layer_sizes=(64,),
    ).fit(X, y)  # fmt: skip
    assert_allclose(again.theta_, model.theta_)


def test_training_stops_when_the_loss_does_and_says_so_when_it_does_not():
    with pytest.warns(ConvergenceWarning, match="still improved after max_iter=5 epochs: raise"):
        regressor(max_iter=5, n_iter_no_change=10).fit(X, y)
    model = regressor(max_iter=3000, n_iter_no_change=3, learning_rate_init=0.01).fit(X, y)
    assert model.n_iter_ < 3000


def test_partial_fit_goes_on_from_where_it_was():
    parts = regressor()
    for _ in range(30):
        parts.partial_fit(X, y)
    assert parts.score(X, y) > 0.8 * regressor().fit(X, y).score(X, y)
    before = parts.theta_.copy()
    parts.partial_fit(X, y)
    assert not np.array_equal(parts.theta_, before)
    with pytest.raises(
        ValueError, match=r"tasks \[2.0\] have no labelled row: each call needs all"
    ):
        parts.partial_fit(X[TASK != 2], y[TASK != 2])
    with pytest.raises(ValueError, match=r"tasks \[9.0\] were not seen .* no head for them"):
        parts.partial_fit(np.vstack([X, [[9, 0, 0, 0]]]), np.r_[y, 0])
    labels = (y > 3).astype(int)
    model = classifier().partial_fit(X, np.zeros(len(y), dtype=int), classes=[0, 1])
    model.partial_fit(X, labels)
    with pytest.raises(ValueError, match=r"y holds classes \[2\], which the network does not have"):
        model.partial_fit(X, labels + 1)


def test_task_weights_say_whose_loss_counts():
    opposed = np.where(TASK == 1, -1.0, 1.0) * (X[:, 1] - X[:, 1].mean())
    errors = []
    for weight in ([1, 1, 1, 1], [1, 30, 1, 1]):
        model = regressor(hidden_layer_sizes=(1,), task_weight=weight, max_iter=100).fit(X, opposed)
        errors.append(model.loss_curve_[-1, 1])
    assert errors[1] < errors[0]
    counts = np.bincount(TASK)
    assert_allclose(regressor().fit(X, y)._weighting.base_, 4 * counts / counts.sum())
    assert_allclose(regressor(task_weight="tasks").fit(X, y)._weighting.base_, 1)


def test_progress_is_shown_if_asked_for(capsys):
    regressor(verbose=True, max_iter=3).fit(X, y)
    assert "3/3" in capsys.readouterr().err
    regressor(max_iter=3).fit(X, y)
    assert capsys.readouterr().err == ""


def test_an_unseen_task_has_no_head():
    new = np.column_stack([np.full(3, 9.0), X[:3, 1:]])
    with pytest.raises(
        ValueError, match=r"tasks \[9.0\] were not seen .* has no head for them: fit"
    ):
        regressor().fit(X, y).predict(new)


def test_it_is_multi_task():
    assert setting_of(MultiTaskMLPClassifier()) == "multi-task"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"learning_rate_init": 0}, "learning_rate_init == 0, must be > 0"),
        ({"alpha": -1}, "alpha == -1, must be >= 0"),
        ({"batch_size": 0}, "batch_size == 0, must be >= 1"),
        ({"max_iter": 0}, "max_iter == 0, must be >= 1"),
        ({"temperature": 0}, "temperature == 0, must be > 0"),
        ({"activation": "gelu"}, "activation='gelu' is unknown: use one of"),
        ({"solver": "lbfgs"}, "solver='lbfgs' is unknown: use one of"),
        ({"hidden_layer_sizes": ()}, r"hidden_layer_sizes=\(\) must hold whole numbers above 0"),
        ({"hidden_layer_sizes": (3, 0)}, r"hidden_layer_sizes=\(3, 0\) must hold whole numbers"),
        ({"weighting": "pcgrad"}, r"weighting='pcgrad' must be a Weighting, such as PCGrad\(\)"),
        ({"task_weight": [1, 2]}, "task_weight must hold 4 positive numbers"),
    ],
)
@pytest.mark.parametrize("make", [regressor, classifier])
def test_what_is_wrong_with_a_parameter(make, options, message):
    with pytest.raises(ValueError, match=message):
        make(**options).fit(X, y if make is regressor else y > 3)
