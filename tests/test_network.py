"""Tests of the network, its losses and minibatches: finite differences, scikit-learn, laws."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.neural_network import MLPClassifier, MLPRegressor

from mtlkit.neural import FixedWeights
from mtlkit.neural._losses import TaskLosses
from mtlkit.neural._network import Network
from mtlkit.neural._training import SGD, Adam, Settings, batches, train, weighted_gradient

T, M, D, K = 3, 6, 4, 3
SEEDS = st.integers(0, 2**32 - 1)
KINDS = {
    "quantities": np.array([False, False, False]),
    "classes": np.array([True, True, True]),
    "some of each": np.array([False, True, False]),
}
ALLOWED = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]], dtype=bool)


def problem(kind, seed=0, hidden=(5, 4), **options):
    """A network, its parameters, a batch (T, M) with empty places, and its loss."""
    rng = np.random.default_rng(seed)
    network = Network(D, hidden, T, K, **{"activation": "tanh", **options})
    theta = network.initial(rng)
    X = rng.normal(size=(T * M, D))
    classes = np.concatenate([rng.choice(np.flatnonzero(own), M) for own in ALLOWED])
    y = np.where(np.repeat(KINDS[kind], M), classes, rng.normal(size=T * M))
    rows = np.arange(T * M).reshape(T, M)
    weight = np.full((T, M), 1 / M)
    weight[0] = [0.5, 0.5, 0, 0, 0, 0]
    return network, theta, X[rows], TaskLosses(y, KINDS[kind], ALLOWED), rows, weight


def losses_at(theta, network, X, loss, rows, weight):
    return loss(network.forward(theta, X)[1], rows, weight)[0]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("private_input", [False, True])
@pytest.mark.parametrize("hidden", [(5,), (5, 4), (3, 4, 2)])
def test_every_derivative_by_central_differences(kind, activation, private_input, hidden):
    options = {"activation": activation, "private_input": private_input, "hidden": hidden}
    network, theta, X, loss, rows, weight = problem(kind, 1, **options)
    rest = network, X, loss, rows, weight
    inputs, outputs = network.forward(theta, X)
    D_out = loss(outputs, rows, weight)[1]
    gradient, none = network.backward(theta, inputs, D_out)
    private, by_task = network.backward(theta, inputs, D_out, per_task=True)
    assert none is None
    n = network.n_shared
    numerical = np.empty((T, theta.size))
    for i, step in enumerate(1e-6 * np.eye(theta.size)):
        numerical[:, i] = losses_at(theta + step, *rest) - losses_at(theta - step, *rest)
    numerical /= 2e-6
    assert_allclose(gradient, numerical.sum(axis=0), atol=1e-7)
    assert_allclose(by_task, numerical[:, :n], atol=1e-7)
    assert_allclose(private[n:], gradient[n:])


@pytest.mark.parametrize("private_input", [False, True])
def test_layout(private_input):
    network = Network(D, (5, 4), T, K, "relu", private_input)
    covered = np.zeros(network.n_parameters, dtype=int)
    for layer in network.layers:
        for part in (layer.weights, layer.bias):
            covered[part] += 1
            assert (part.stop <= network.n_shared) is (not layer.private)
    assert_array_equal(covered, 1)
    shared = 5 * 4 + 4 + (0 if private_input else D * 5 + 5)
    private = T * (4 * K + K) + (T * (D * 5 + 5) if private_input else 0)
    assert (network.n_shared, network.n_parameters) == (shared, shared + private)


@pytest.mark.parametrize("private_input", [False, True])
@given(seed=SEEDS)
def test_rows_in_any_order_have_the_outputs_of_a_batch(private_input, seed):
    network, theta, X, *_ = problem("quantities", seed, private_input=private_input)
    rng = np.random.default_rng(seed)
    order = rng.permutation(T * M)
    codes = np.repeat(np.arange(T), M)[order]
    expected = network.forward(theta, X)[1].reshape(T * M, K)[order]
    assert_allclose(network.outputs(theta, X.reshape(-1, D)[order], codes), expected)


@given(seed=SEEDS)
def test_permuting_tasks_permutes_private_gradients_only(seed):
    network, theta, X, loss, rows, weight = problem("quantities", seed)
    order = np.random.default_rng(seed).permutation(T)
    gradient = gradient_of(network, theta, X, loss, rows, weight)
    moved = theta.copy()
    for layer in network.layers[-1:]:
        for part in (layer.weights, layer.bias):
            moved[part] = theta[part].reshape(T, -1)[order].ravel()
    other = gradient_of(network, moved, X[order], loss, rows[order], weight[order])
    n = network.n_shared
    assert_allclose(other[:n], gradient[:n], atol=1e-12)
    head = network.layers[-1].weights
    assert_allclose(other[head].reshape(T, -1), gradient[head].reshape(T, -1)[order])


def gradient_of(network, theta, X, loss, rows, weight, weighting=None):
    weighting = FixedWeights() if weighting is None else weighting
    if not hasattr(weighting, "base_"):
        weighting.start(np.ones(network.n_tasks), np.random.default_rng(0))
    inputs, outputs = network.forward(theta, X)
    losses, D_out = loss(outputs, rows, weight)
    return weighted_gradient(network, theta, inputs, D_out, losses, weighting)


def test_a_task_k_times_is_the_task_with_weight_k():
    """Its trunk gradient counts k times; every copy of its head moves as the head itself."""
    one, two = Network(D, (5,), 2, 1, "tanh"), Network(D, (5,), 4, 1, "tanh")
    rng = np.random.default_rng(0)
    theta, X, y = one.initial(rng), rng.normal(size=(2, M, D)), rng.normal(size=2 * M)
    copies = [0, 1, 1, 1]
    wide = np.empty(two.n_parameters)
    wide[: two.n_shared] = theta[: one.n_shared]
    for part, whole in zip(
        (two.layers[-1].weights, two.layers[-1].bias),
        (one.layers[-1].weights, one.layers[-1].bias),
        strict=True,
    ):
        wide[part] = theta[whole].reshape(2, -1)[copies].ravel()
    rows, weight = np.arange(2 * M).reshape(2, M), np.full((2, M), 1 / M)
    loss = TaskLosses(y, np.zeros(2, bool), np.zeros((2, 1), bool))
    many = TaskLosses(y, np.zeros(4, bool), np.zeros((4, 1), bool))
    weighted = FixedWeights()
    weighted.start(np.array([1.0, 3.0]), rng)
    first = gradient_of(one, theta, X, loss, rows, weight, weighted)
    second = gradient_of(two, wide, X[copies], many, rows[copies], weight[copies])
    n = one.n_shared
    assert_allclose(second[:n], first[:n])
    head = second[two.layers[-1].weights].reshape(4, -1)
    assert_allclose(3 * head[1:], np.tile(first[one.layers[-1].weights].reshape(2, -1)[1], (3, 1)))


# One task is scikit-learn's MLP


def flat(parts, network):
    coefs, intercepts = parts[: len(network.layers)], parts[len(network.layers) :]
    theta = np.empty(network.n_parameters)
    for layer, W, b in zip(network.layers, coefs, intercepts, strict=True):
        theta[layer.weights], theta[layer.bias] = W.ravel(), b
    return theta


@pytest.mark.parametrize("kind", ["regression", "classification"])
@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_steps_are_those_of_scikit_learn(kind, solver, activation):
    rng = np.random.default_rng(0)
    n, alpha = 40, 0.3
    X = rng.normal(size=(n, D))
    y = rng.normal(size=n) if kind == "regression" else np.arange(n) % 3
    make = MLPRegressor if kind == "regression" else MLPClassifier
    theirs = make(
        hidden_layer_sizes=(5, 4),
        activation=activation,
        solver=solver,
        alpha=alpha,
        batch_size=n,
        learning_rate_init=0.01,
        random_state=0,
    )
    step = {} if kind == "regression" else {"classes": [0, 1, 2]}
    theirs.partial_fit(X, y, **step)
    K = 1 if kind == "regression" else 3
    network = Network(D, (5, 4), 1, K, activation)
    theta = flat(theirs.coefs_ + theirs.intercepts_, network)
    settings = Settings(
        solver=solver, learning_rate=0.01, alpha=alpha / n, batch_size=n, max_epochs=1
    )
    state = theirs._optimizer
    if solver == "adam":
        settings.optimiser = Adam(theta.size, settings, float)
        settings.optimiser.m, settings.optimiser.v = (
            flat(state.ms, network),
            flat(state.vs, network),
        )
        settings.optimiser.t = state.t
    else:
        settings.optimiser = SGD(theta.size, settings, float)
        settings.optimiser.velocity = flat(state.velocities, network)
    loss = TaskLosses(np.asarray(y, float), np.array([K > 1]), np.ones((1, K), bool))
    balance = FixedWeights()
    balance.start(np.ones(1), rng)
    for _ in range(20):
        theirs.partial_fit(X, y)
        _, theta = train(network, theta, X, [np.arange(n)], loss, balance, settings, rng)
        assert_allclose(theta, flat(theirs.coefs_ + theirs.intercepts_, network), atol=1e-6)


# Minibatches


@given(
    sizes=st.lists(st.integers(1, 40), min_size=1, max_size=5),
    batch=st.integers(1, 60),
    temperature=st.sampled_from([1.0, 2.0, np.inf]),
    seed=SEEDS,
)
def test_batches_draw_each_task_by_its_share(sizes, batch, temperature, seed):
    ends = np.cumsum(sizes)
    rows = [np.arange(end - n, end) for n, end in zip(sizes, ends, strict=True)]
    index, weight = batches(rows, batch, temperature, np.random.default_rng(seed))
    assert_allclose(weight.sum(axis=2), 1)
    drawn = []
    for t, own in enumerate(rows):
        picked = index[:, t][weight[:, t] > 0]
        assert np.isin(picked, own).all()
        counts = np.bincount(picked - own[0], minlength=len(own))
        assert np.ptp(counts) <= 1  # again and again, in turn
        drawn.append(len(picked))
    power = np.array(sizes) ** (0 if np.isinf(temperature) else 1 / temperature)
    expected = sum(sizes) * power / power.sum()
    assert (np.abs(drawn - np.maximum(expected, len(index))) <= 0.5 + 1e-9).all()


def test_places_that_only_fill_a_batch_add_nothing():
    """Task 1 lacks a class that the first row of the table has; no infinite loss may come in."""
    rows = [np.arange(9), np.arange(9, 12)]
    index, weight = batches(rows, 4, 1.0, np.random.default_rng(0))
    allowed = np.array([[True, True, True], [False, True, True]])
    loss = TaskLosses(np.r_[np.zeros(9), 1, 2, 1], np.array([True, True]), allowed)
    outputs = np.random.default_rng(0).normal(size=(2, index.shape[2], 3))
    for batch, share in zip(index, weight, strict=True):
        losses, D_out = loss(outputs, batch, share)
        assert np.isfinite(losses).all()
        assert np.isfinite(D_out).all()
        assert not D_out[share == 0].any()
