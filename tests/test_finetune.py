"""Tests of FineTuner: what moves and what stays, where it starts, what a search sees."""

import copy
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from joblib import parallel_config
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone, is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV

from mtlkit._utils._delegation import setting_of
from mtlkit.datasets import load_shifted_digits, make_linear_tasks
from mtlkit.neural import (
    FineTuner,
    MultiTaskMLP,
    MultiTaskMLPClassifier,
    MultiTaskMLPRegressor,
    PCGrad,
    TrainedNetwork,
    UncertaintyWeights,
)
from mtlkit.table import TaskStratifiedKFold

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
    layers = network.network_.layout.layers[:-1]
    change = abs(
        model.network_.theta[: network.network_.layout.n_shared]
        - network.network_.theta[: network.network_.layout.n_shared]
    )
    return np.array([change[layer.weights].max() for layer in layers])


def test_fine_tuning_beats_the_source_and_starting_from_nothing(network):
    model = tuned(network, head=0, max_iter=60)
    scratch = clone(network).set_params(max_iter=60).fit(FEW, FEW_Y)
    assert model.score(REST, REST_Y) > network.score(REST, REST_Y) + 0.02
    assert model.score(REST, REST_Y) > scratch.score(REST, REST_Y) + 0.1
    assert model.loss_curve_.shape == (60, 1)


def test_the_network_is_left_alone(network):
    before = pickle.dumps(network)
    model = tuned(network, head=0)
    assert pickle.dumps(network) == before
    assert type(model.network_) is type(network.network_) is TrainedNetwork


def test_balance_weights_of_the_source_tasks_are_not_for_the_target():
    network = MultiTaskMLPClassifier(
        task_col=0, task_weight=[1, 3], max_iter=5, n_iter_no_change=None, random_state=0
    )
    network.fit(X, y)
    plain = clone(network).set_params(task_weight="samples").fit(X, y)
    plain.network_.theta[:] = network.network_.theta
    assert_array_equal(tuned(network).network_.theta, tuned(plain).network_.theta)


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


@pytest.mark.parametrize("seed", range(3))
def test_a_new_head_is_new_also_with_the_seed_of_the_network(network, seed):
    source = copy.copy(network).set_params(random_state=seed, learning_rate_init=1e-12)
    source = source.fit(X[SOURCE, 1:], y[SOURCE])  # its head is where it started
    heads = [
        one.layout.layers[-1].of(one.theta)[0].ravel()
        for one in (source.network_, tuned(source, random_state=seed).network_)
    ]
    assert abs(np.corrcoef(heads)[0, 1]) < 0.3  # 120 weights: three standard errors


def test_an_anchor_holds_the_trunk(network):
    distance = [moved(network, tuned(network, anchor=a, max_iter=60)).max() for a in (0, 1, 100)]
    assert distance[0] > distance[1] > distance[2]


@pytest.mark.parametrize("head", [None, 0])
def test_one_step_is_the_gradient_of_the_objective(network, head):
    """From a start away from the source: the pull is to the source, and only heads decay."""
    sgd = copy.copy(network).set_params(solver="sgd", momentum=0.0, alpha=0.0, batch_size=1000)
    common = {"head": head, "learning_rate_init": 0.01, "random_state": 0}

    def after(epochs, **options):
        model = copy.copy(sgd).set_params(alpha=options.pop("alpha", 0.0))
        return FineTuner(model, max_iter=epochs, **common | options).fit(FEW, FEW_Y).network_

    start = sgd.network_
    n = start.layout.n_shared
    one, two = after(1), after(2)
    # The first step starts at the source, where there is no pull: the second shows it.
    pulled = after(2, anchor=0.7).theta - two.theta
    first = FineTuner(sgd, max_iter=1, **common).fit(FEW, FEW_Y).network_.theta
    assert_array_equal(first, one.theta)
    assert_allclose(pulled[:n], -0.01 * 0.7 * (one.theta[:n] - start.theta[:n]), atol=1e-12)
    assert_allclose(pulled[n:], 0, atol=1e-12)
    decayed = after(1, alpha=0.5).theta - one.theta
    assert_array_equal(decayed[:n], 0)
    head_of = one.layout.layers[-1]
    before = FineTuner(sgd, max_iter=1, **common | {"learning_rate_init": 1e-300})
    W = before.fit(FEW, FEW_Y).network_.theta[head_of.weights]
    assert_allclose(decayed[head_of.weights], -0.01 * 0.5 * W, atol=1e-12)
    assert_array_equal(decayed[head_of.bias], 0)


def test_lower_layers_move_less_with_layer_decay(network):
    sgd = clone(network).set_params(solver="sgd").fit(X[SOURCE, 1:], y[SOURCE])
    options = {"max_iter": 1, "head": 0}
    plain, decayed = (tuned(sgd, layer_decay=f, **options) for f in (1.0, 0.1))
    # One step of all 60 rows from the same start: 0.1 for the upper layer, 0.01 for the lower.
    assert_allclose(moved(sgd, decayed), moved(sgd, plain) * [0.01, 0.1], rtol=1e-6)
    assert_array_equal(moved(sgd, tuned(sgd, layer_decay=0.0, **options)), 0)


def test_gradual_unfreezes_from_the_top(network):
    finder = FineTuner(network, mode="gradual", max_iter=7)
    phases = finder._phases(network.network_.layout)
    assert [epochs for epochs, _ in phases] == [3, 2, 2]
    lower, upper, head = network.network_.layout.layers
    moving = [[scale[layer.weights].all() for layer in (lower, upper, head)] for _, scale in phases]
    assert moving == [[False, False, True], [False, True, True], [True, True, True]]
    early = tuned(network, mode="gradual", max_iter=1)  # a single epoch: the heads
    assert_array_equal(moved(network, early), 0)


def test_probe_first_is_frozen_and_then_full(network):
    phases = FineTuner(network, mode="probe first", max_iter=5)._phases(network.network_.layout)
    assert [epochs for epochs, _ in phases] == [2, 3]
    n = network.network_.layout.n_shared
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


# A search over the network's own parameters


@pytest.mark.parametrize("backend", ["sequential", "threading"])
def test_a_search_over_the_networks_parameters_changes_a_copy(network, backend):
    source = copy.copy(network).set_params(weighting=UncertaintyWeights())
    before = pickle.dumps(source)
    grid = {
        "network__alpha": [0.5, 7.0], "network__batch_size": [8, 32],
        "network__weighting__learning_rate": [0.5], "network__solver": ["sgd"],
    }  # fmt: skip
    with parallel_config(backend=backend, n_jobs=2 if backend == "threading" else None):
        search = GridSearchCV(FineTuner(source, max_iter=3, random_state=0), grid, cv=2)
        search.fit(FEW, FEW_Y)
    assert pickle.dumps(source) == before
    assert search.best_estimator_.network.solver == "sgd"
    assert search.best_estimator_.network.weighting.learning_rate == 0.5
    assert search.best_estimator_.network.network_ is source.network_


def test_parameters_of_the_network_count(network):
    model = FineTuner(network, random_state=0, max_iter=3)
    plain = clone(model).fit(FEW, FEW_Y)
    for name, value in (("batch_size", 8), ("alpha", 50.0), ("solver", "sgd")):
        other = clone(model).set_params(**{f"network__{name}": value}).fit(FEW, FEW_Y)
        assert not np.array_equal(other.network_.theta, plain.network_.theta)
    with pytest.raises(ValueError, match="alpha=-1"):
        clone(model).set_params(network__alpha=-1).fit(FEW, FEW_Y)
    with pytest.raises(ValueError, match="nonsense"):
        clone(model).set_params(network__nonsense=1)
    both = clone(model).set_params(network__alpha=3.0, network=clone(network))
    assert both.network.alpha == 3.0
    assert not hasattr(both.network, "network_")


# Columns, ids, labels


def table_of(rng, n, columns="abc"):
    frame = pd.DataFrame(rng.normal(size=(n, 3)), columns=list("abc"))
    return frame[list(columns)], 3 * frame.a - frame.b


@pytest.mark.parametrize("container", [None, pl.DataFrame])
def test_columns_are_matched_by_name(container):
    rng = np.random.default_rng(0)
    net = MultiTaskMLPRegressor(
        max_iter=200, random_state=0, n_iter_no_change=None, learning_rate_init=0.01
    ).fit(*table_of(rng, 200))
    scores = []
    for order in ("abc", "cba"):
        rng = np.random.default_rng(1)
        (few, y_few), (test, y_test) = (table_of(rng, n, order) for n in (10, 200))
        if container:
            few, test = container(few.to_dict("list")), container(test.to_dict("list"))
        model = FineTuner(net, mode="frozen", head=0, random_state=0, max_iter=5)
        scores.append(model.fit(few, y_few).score(test, y_test))
        assert list(model.feature_names_in_) == list(order)
        assert model.n_features_in_ == 3
        with pytest.raises(ValueError, match="feature names"):
            model.predict(test[list(reversed(order))])
    assert scores[0] == scores[1] > 0.95
    with pytest.raises(ValueError, match="'a', 'z'"):
        FineTuner(net).fit(table_of(rng, 10)[0].rename(columns={"a": "z"}), np.ones(10))
    assert FineTuner(net, max_iter=1).fit(few[list("abc")].to_numpy(), y_few).n_features_in_ == 3


def test_the_task_column_is_not_a_column_of_the_network():
    rng = np.random.default_rng(0)
    frame, y = table_of(rng, 60)
    source = frame.assign(site=["u", "v"] * 30)
    net = MultiTaskMLPRegressor(task_col="site", max_iter=5, n_iter_no_change=None).fit(source, y)
    target = frame.assign(ward=["x"] * 30 + ["y"] * 30)
    target = target[["c", "ward", "a", "b"]]
    model = FineTuner(net, task_col="ward", head="v", max_iter=1, learning_rate_init=1e-12)
    model.fit(target, y)
    assert list(model.tasks_) == ["x", "y"]
    assert_allclose(model.predict(target), net.predict(frame.assign(site="v")), rtol=1e-6)


@pytest.mark.parametrize("names", [("Oslo", "Rome"), (("a", 1), 7), (2**63 + 1, 2**63 + 2)])
def test_a_head_is_found_by_a_name_of_any_kind(names):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 2)), np.tile([0, 1, 1], 20)
    table = np.column_stack([np.zeros(60, dtype=object), X])
    for row in range(60):
        table[row, 0] = names[row % 2]
    net = MultiTaskMLPClassifier(task_col=0, max_iter=5, n_iter_no_change=None).fit(table, y)
    assert set(net.tasks_.tolist()) == set(names)
    for t, name in enumerate(net.tasks_.tolist()):
        model = FineTuner(net, head=name, max_iter=1, learning_rate_init=1e-12).fit(X, y)
        state = net.network_
        expected = state.predict_proba(X, np.full(60, t))
        assert_allclose(model.predict_proba(X), expected, atol=1e-8)
    with pytest.raises(ValueError, match="'Paris'"):
        FineTuner(net, head="Paris").fit(X, y)


def test_float32_stays_float32_and_labels_may_be_words_with_some_missing(network):
    source = clone(network).fit(X[SOURCE, 1:].astype(np.float32), y[SOURCE])
    assert tuned(source).network_.theta.dtype == np.float32
    words = np.array([f"digit {v}" for v in FEW_Y], dtype=object)
    gaps = words.copy()
    gaps[::7] = None
    model = FineTuner(network, max_iter=5, random_state=0).fit(FEW, gaps)
    assert set(model.predict(FEW)) <= set(words)
    known = gaps != np.array(None)
    assert model.score(FEW, gaps) == model.score(FEW[known], words[known])


def test_a_row_of_weight_two_is_a_row_twice(network):
    times = np.random.default_rng(0).integers(0, 3, len(FEW))
    rows = np.repeat(np.arange(len(FEW)), times)
    model = FineTuner(network, head=0, max_iter=5, random_state=0)
    model.set_params(network__batch_size=10_000)
    one = clone(model).fit(FEW, FEW_Y, sample_weight=times)
    two = clone(model).fit(FEW[rows], FEW_Y[rows])
    assert_allclose(one.network_.theta, two.network_.theta, rtol=1e-6, atol=1e-9)


def test_the_weighting_of_the_network_is_used_for_several_targets(network):
    table = np.column_stack([np.arange(60) % 2, FEW])
    plain = FineTuner(network, task_col=0, max_iter=3, random_state=0).fit(table, FEW_Y)
    model = clone(plain).set_params(network__weighting=PCGrad()).fit(table, FEW_Y)
    assert isinstance(model.network_.weighting, PCGrad)
    assert not np.array_equal(model.network_.theta, plain.network_.theta)


def test_fine_tuning_that_diverges_is_an_error(network):
    with pytest.raises(ValueError, match=r"non-finite.*learning_rate_init=1e\+200"):
        tuned(network, learning_rate_init=1e200)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mode": "half"}, "mode='half'"),
        ({"anchor": -1}, "anchor=-1"),
        ({"anchor": np.nan}, "anchor=nan"),
        ({"layer_decay": 1.5}, r"layer_decay=1\.5"),
        ({"layer_decay": np.nan}, "layer_decay=nan"),
        ({"max_iter": 0}, "max_iter=0"),
        ({"learning_rate_init": 0}, "learning_rate_init=0"),
        ({"head": 7}, r"head=7 .*\[0\]"),
        ({"network": MultiTaskMLP()}, "MultiTaskMLP"),
    ],
)
def test_what_is_wrong_with_a_parameter(network, options, message):
    with pytest.raises((ValueError, TypeError), match=message):
        tuned(options.pop("network", network), **options)


def test_what_is_wrong_with_a_network_or_a_table(network):
    with pytest.raises(NotFittedError):
        FineTuner(clone(network)).fit(FEW, FEW_Y)
    with pytest.raises(ValueError, match=r"63 features.* 64"):
        FineTuner(network).fit(FEW[:, 1:], FEW_Y)
    with pytest.raises(ValueError, match="class 12"):
        FineTuner(network, head=0).fit(FEW, np.where(FEW_Y == 3, 12, FEW_Y))
    FineTuner(network, max_iter=1).fit(FEW, np.where(FEW_Y == 3, 12, FEW_Y))  # a new head
    gaps = np.where(np.arange(65) < 3, np.nan, np.c_[np.ones(60), FEW])
    gaps = np.vstack([gaps, np.c_[np.zeros(60), FEW]])
    gaps[:, 0] = np.repeat([1, 0], 60)
    encoders = MultiTaskMLPClassifier(
        task_col=0, hidden_layer_sizes=(5, 5), max_iter=1, n_iter_no_change=None
    ).fit(gaps, np.tile(FEW_Y, 2))
    with pytest.raises(ValueError, match="encoder"):
        FineTuner(encoders).fit(FEW, FEW_Y)
    with pytest.raises(NotFittedError):
        FineTuner(network).predict(FEW)


def test_the_recipe_for_tuning_gives_both_arms_the_same_settings(network):
    grid = {"learning_rate_init": [0.003, 0.03], "max_iter": [5, 40]}
    cv = TaskStratifiedKFold(3, shuffle=True, random_state=0)
    scratch = clone(network).set_params(n_iter_no_change=None)
    arms = [
        GridSearchCV(arm, grid, cv=cv).fit(FEW, FEW_Y)
        for arm in (FineTuner(network, head=0, random_state=0), scratch)
    ]
    assert arms[0].cv_results_["params"] == arms[1].cv_results_["params"]
    assert arms[0].score(REST, REST_Y) > arms[1].score(REST, REST_Y)
    for arm in arms:
        assert arm.best_estimator_.n_iter_ == arm.best_params_["max_iter"]
