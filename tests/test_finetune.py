"""Tests of FineTuner: what moves and what stays, where it starts, what a search sees."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone, is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV

from mtlkit._utils._delegation import setting_of
from mtlkit.datasets import load_shifted_digits, make_linear_tasks
from mtlkit.neural import (
    FineTuner,
    MultiTaskMLP,
    MultiTaskMLPClassifier,
    MultiTaskMLPRegressor,
    tune_training,
)

X, y = load_shifted_digits({"upright": None, "turned": ("rotation", 15)}, rows_per_task=400)
SOURCE, TARGET = X[:, 0] == 0, X[:, 0] == 1
FEW, FEW_Y = X[TARGET][:60, 1:], y[TARGET][:60]
REST, REST_Y = X[TARGET][60:, 1:], y[TARGET][60:]


@pytest.fixture(scope="module")
def network():
    network = MultiTaskMLPClassifier(
        hidden_layer_sizes=(16, 12), max_iter=40, n_iter_no_change=None, random_state=0
    )
    return network.fit(X[SOURCE, 1:], y[SOURCE])


def tuned(network, **options):
    return FineTuner(network, **{"max_iter": 20, "random_state": 0, **options}).fit(FEW, FEW_Y)


def moved(network, model):
    """Largest change of the weights of each layer of the trunk, from the bottom."""
    layers = network.network_.layers[:-1]
    change = abs(
        model.network_.theta_[: network.network_.n_shared]
        - network.theta_[: network.network_.n_shared]
    )
    return np.array([change[layer.weights].max() for layer in layers])


def test_fine_tuning_beats_the_source_and_starting_from_nothing(network):
    model = tuned(network, head=0, max_iter=60)
    scratch = clone(network).set_params(max_iter=60).fit(FEW, FEW_Y)
    assert model.score(REST, REST_Y) > network.score(REST, REST_Y) + 0.02
    assert model.score(REST, REST_Y) > scratch.score(REST, REST_Y) + 0.1
    assert model.loss_curve_.shape == (60, 1)


def test_the_network_is_left_alone(network):
    before = network.theta_.copy()
    tuned(network)
    assert_array_equal(network.theta_, before)


def test_balance_weights_of_the_source_tasks_are_not_for_the_target():
    network = MultiTaskMLPClassifier(
        task_col=0, task_weight=[1, 3], max_iter=5, n_iter_no_change=None, random_state=0
    )
    network.fit(X, y)
    plain = clone(network).set_params(task_weight="samples").fit(X, y)
    plain.theta_[:] = network.theta_
    assert_array_equal(tuned(network).network_.theta_, tuned(plain).network_.theta_)


def test_frozen_moves_the_head_only(network):
    model = tuned(network, mode="frozen", learning_rate_init=0.05)
    assert_array_equal(moved(network, model), 0)
    assert model.score(FEW, FEW_Y) > 0.5
    assert (moved(network, tuned(network)) > 0).all()


def test_a_kept_head_starts_where_the_network_is(network):
    still = tuned(network, head=0, learning_rate_init=1e-12)
    assert_allclose(still.predict_proba(REST), network.predict_proba(REST), atol=1e-8)
    new = tuned(network, learning_rate_init=1e-12)
    assert abs(new.predict_proba(REST) - network.predict_proba(REST)).max() > 0.1


def test_an_anchor_holds_the_trunk(network):
    distance = [moved(network, tuned(network, anchor=a, max_iter=60)).max() for a in (0, 1, 100)]
    assert distance[0] > distance[1] > distance[2]


def test_lower_layers_move_less_with_layer_decay(network):
    sgd = clone(network).set_params(solver="sgd").fit(X[SOURCE, 1:], y[SOURCE])
    options = {"max_iter": 1, "head": 0}
    plain, decayed = (tuned(sgd, layer_decay=f, **options) for f in (1.0, 0.1))
    # One step of all 60 rows from the same start: 0.1 for the upper layer, 0.01 for the lower.
    assert_allclose(moved(sgd, decayed), moved(sgd, plain) * [0.01, 0.1], rtol=1e-6)
    assert_array_equal(moved(sgd, tuned(sgd, layer_decay=0.0, **options)), 0)


def test_gradual_unfreezes_from_the_top(network):
    finder = FineTuner(network, mode="gradual", max_iter=7)
    phases = finder._phases(network.network_)
    assert [epochs for epochs, _ in phases] == [3, 2, 2]
    lower, upper, head = network.network_.layers
    moving = [[scale[layer.weights].all() for layer in (lower, upper, head)] for _, scale in phases]
    assert moving == [[False, False, True], [False, True, True], [True, True, True]]
    early = tuned(network, mode="gradual", max_iter=1)  # a single epoch: the heads
    assert_array_equal(moved(network, early), 0)


def test_probe_first_is_frozen_and_then_full(network):
    phases = FineTuner(network, mode="probe first", max_iter=5)._phases(network.network_)
    assert [epochs for epochs, _ in phases] == [2, 3]
    n = network.network_.n_shared
    assert not phases[0][1][:n].any()
    assert phases[1][1].all()


def test_a_search_over_rate_and_epochs_keeps_the_network_fitted(network):
    grid = {"learning_rate_init": [1e-5, 1e-2], "max_iter": [5, 20]}
    search = GridSearchCV(FineTuner(network, random_state=0), grid, cv=3).fit(FEW, FEW_Y)
    assert search.best_params_["learning_rate_init"] == 1e-2
    assert search.best_estimator_.network is network
    assert is_classifier(search.best_estimator_)
    assert setting_of(search.best_estimator_) == "transfer"


def test_regression_keeps_the_scale_of_a_kept_head():
    X, y = make_linear_tasks(n_tasks=3, n_samples=80, random_state=0)
    y = 100 + 10 * y
    source = MultiTaskMLPRegressor(
        task_col=0, max_iter=60, n_iter_no_change=None, learning_rate_init=0.01, random_state=0
    ).fit(X[X[:, 0] < 2], y[X[:, 0] < 2])
    own = X[:, 0] == 2
    for head in (None, 1):
        model = FineTuner(source, head=head, max_iter=50, random_state=0).fit(X[own, 1:], y[own])
        assert model.score(X[own, 1:], y[own]) > 0.5
    still = FineTuner(source, head=1, learning_rate_init=1e-12, max_iter=1).fit(X[own, 1:], y[own])
    as_task_1 = np.column_stack([np.ones(own.sum()), X[own, 1:]])
    assert_allclose(still.predict(X[own, 1:]), source.predict(as_task_1))
    assert not hasattr(model, "predict_proba")


def test_several_targets_in_one_table(network):
    table = np.column_stack([np.repeat(["a", "b"], 30).astype(object), FEW])
    model = FineTuner(network, task_col=0, max_iter=30, random_state=0).fit(table, FEW_Y)
    assert list(model.tasks_) == ["a", "b"]
    assert model.loss_curve_.shape == (30, 2)
    assert len(model.predict(table)) == 60


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mode": "half"}, "mode='half' is unknown: use one of"),
        ({"anchor": -1}, "anchor == -1, must be >= 0"),
        ({"layer_decay": 1.5}, "layer_decay == 1.5, must be <= 1"),
        ({"max_iter": 0}, "max_iter == 0, must be >= 1"),
        ({"head": 7}, r"head=7 is not a task of the network: \[0\]"),
        ({"network": MultiTaskMLP()}, r"must be a fitted MultiTaskMLPRegressor or -Classifier"),
    ],
)
def test_what_is_wrong_with_a_parameter(network, options, message):
    with pytest.raises(ValueError, match=message):
        tuned(options.pop("network", network), **options)


def test_what_is_wrong_with_a_network_or_a_table(network):
    with pytest.raises(NotFittedError):
        FineTuner(clone(network)).fit(FEW, FEW_Y)
    with pytest.raises(ValueError, match="has 63 features, but the network was trained on 64"):
        FineTuner(network).fit(FEW[:, 1:], FEW_Y)
    with pytest.raises(ValueError, match=r"the head of task 0 lacks classes \[12\]: use head=None"):
        FineTuner(network, head=0).fit(FEW, np.where(FEW_Y == 3, 12, FEW_Y))
    FineTuner(network, max_iter=1).fit(FEW, np.where(FEW_Y == 3, 12, FEW_Y))  # a new head
    gaps = np.where(np.arange(65) < 3, np.nan, np.c_[np.ones(60), FEW])
    gaps = np.vstack([gaps, np.c_[np.zeros(60), FEW]])
    gaps[:, 0] = np.repeat([1, 0], 60)
    encoders = MultiTaskMLPClassifier(
        task_col=0, hidden_layer_sizes=(5, 5), max_iter=1, n_iter_no_change=None
    ).fit(gaps, np.tile(FEW_Y, 2))
    with pytest.raises(
        ValueError, match=r"has an encoder for each of its tasks .* nothing to start"
    ):
        FineTuner(encoders).fit(FEW, FEW_Y)
    with pytest.raises(NotFittedError):
        FineTuner(network).predict(FEW)


def test_tune_training_gives_both_arms_the_same_settings(network):
    arms = [
        tune_training(model, learning_rate_init=(0.003, 0.03), max_iter=(5, 40))
        for model in (FineTuner(network, head=0, random_state=0), clone(network))
    ]
    tried = [arm.fit(FEW, FEW_Y).cv_results_["params"] for arm in arms]
    assert tried[0] == tried[1] and len(tried[0]) == 4
    assert arms[0].score(REST, REST_Y) > arms[1].score(REST, REST_Y)
    for arm in arms:
        best = arm.best_estimator_
        assert len(best.loss_curve_) == best.max_iter == arm.best_params_["max_iter"]


def test_tune_training_trains_to_the_end_and_leaves_the_model_alone():
    model = MultiTaskMLPClassifier(task_col=0, n_iter_no_change=2, early_stopping=True)
    search = tune_training(model, learning_rate_init=(0.01,), max_iter=[3]).fit(X, y)
    assert search.best_estimator_.n_iter_ == 3
    assert (model.n_iter_no_change, model.early_stopping) == (2, True)
    assert search.cv.task_col == 0


@pytest.mark.parametrize("model", [GridSearchCV, Ridge()])
def test_tune_training_says_what_it_tunes(model):
    with pytest.raises(ValueError, match="must be a FineTuner or a network"):
        tune_training(model)


def test_tune_training_wants_two_folds(network):
    with pytest.raises(ValueError, match="n_splits=1 must be an integer of at least 2"):
        tune_training(network, cv=1)
