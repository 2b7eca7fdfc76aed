"""Tests of the network, its losses and minibatches: finite differences, scikit-learn, laws."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.neural_network import MLPClassifier, MLPRegressor

from mtlkit.neural import FixedWeights, MultiTaskMLPRegressor, TrainedNetwork
from mtlkit.neural._batches import Batch, Batches, in_groups
from mtlkit.neural._losses import TaskLosses
from mtlkit.neural._network import Network, sum_groups
from mtlkit.neural._training import SGD, Adam, settings_of, train, weighted_gradient

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
    return network, theta, X[rows], TaskLosses(y, KINDS[kind], ALLOWED), Batch(rows, weight)


def losses_at(theta, network, X, loss, batch):
    return loss(network.forward(theta, X)[1], batch)[0]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("private_input", [False, True])
@pytest.mark.parametrize("hidden", [(5,), (5, 4), (3, 4, 2)])
def test_every_derivative_by_central_differences(kind, activation, private_input, hidden):
    options = {"activation": activation, "private_input": private_input, "hidden": hidden}
    network, theta, X, loss, batch = problem(kind, 1, **options)
    rest = network, X, loss, batch
    inputs, outputs = network.forward(theta, X)
    D_out = loss(outputs, batch)[1]
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
    order = rng.permutation(T * M)[: rng.integers(1, T * M + 1)]
    codes = np.repeat(np.arange(T), M)[order]
    expected = network.forward(theta, X)[1].reshape(T * M, K)[order]
    outputs = trained(network, theta, True).outputs(X.reshape(-1, D)[order], codes)
    assert_allclose(outputs, expected, atol=1e-12)


@given(seed=SEEDS)
def test_permuting_tasks_permutes_private_gradients_only(seed):
    network, theta, X, loss, batch = problem("quantities", seed)
    order = np.random.default_rng(seed).permutation(T)
    gradient = gradient_of(network, theta, X, loss, batch)
    moved = theta.copy()
    for layer in network.layers[-1:]:
        for part in (layer.weights, layer.bias):
            moved[part] = theta[part].reshape(T, -1)[order].ravel()
    shuffled = Batch(batch.rows[order], batch.weight[order])
    other = gradient_of(network, moved, X[order], loss, shuffled)
    n = network.n_shared
    assert_allclose(other[:n], gradient[:n], atol=1e-12)
    head = network.layers[-1].weights
    assert_allclose(other[head].reshape(T, -1), gradient[head].reshape(T, -1)[order])


def gradient_of(network, theta, X, loss, batch, weighting=None):
    weighting = FixedWeights() if weighting is None else weighting
    if not hasattr(weighting, "base_"):
        weighting.start(np.ones(network.n_tasks), np.random.default_rng(0))
    inputs, outputs = network.forward(theta, X, batch.codes)
    losses, D_out = loss(outputs, batch)
    losses = sum_groups(losses, batch.codes, network.n_tasks)
    return weighted_gradient(network, theta, inputs, D_out, losses, weighting, batch.codes)


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
    first = gradient_of(one, theta, X, loss, Batch(rows, weight), weighted)
    second = gradient_of(two, wide, X[copies], many, Batch(rows[copies], weight[copies]))
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
    layout = Network(D, (5, 4), 1, K, activation)
    network = trained(layout, flat(theirs.coefs_ + theirs.intercepts_, layout), K > 1)
    ours = MultiTaskMLPRegressor(
        solver=solver, learning_rate_init=0.01, alpha=alpha / n, batch_size=n, max_iter=1
    )
    settings = settings_of(ours)
    state = theirs._optimizer
    if solver == "adam":
        network.optimiser = Adam(network.theta.size, settings, float)
        network.optimiser.m = flat(state.ms, layout)
        network.optimiser.v = flat(state.vs, layout)
        network.optimiser.t = state.t
    else:
        network.optimiser = SGD(network.theta.size, settings, float)
        network.optimiser.velocity = flat(state.velocities, layout)
    loss = TaskLosses(np.asarray(y, float), network.is_class, network.possible)
    for _ in range(20):
        theirs.partial_fit(X, y)
        train(network, X, [np.arange(n)], loss, settings)
        assert_allclose(network.theta, flat(theirs.coefs_ + theirs.intercepts_, layout), atol=1e-6)


def trained(layout, theta, classify):
    """A state around parameters, with tasks "a", "b", …"""
    T, K = layout.n_tasks, layout.n_outputs
    network = TrainedNetwork(
        layout, theta, np.array(list("abcdefgh"[:T])), np.arange(K), np.full(T, classify),
        np.ones((T, K), bool), np.zeros(T), np.ones(T), np.ones((T, layout.n_features), bool),
        rng=np.random.default_rng(0),
    )  # fmt: skip
    network.weighting = FixedWeights()
    network.weighting.start(np.ones(T), network.rng)
    return network


# Minibatches


def tasks_of_sizes(sizes):
    ends = np.cumsum(sizes)
    return [np.arange(end - n, end) for n, end in zip(sizes, ends, strict=True)]


def drawn(steps, n_tasks):
    """For each step: the number of rows of each task, the sums of their weights, and the rows."""
    found = []
    for batch in steps:
        codes = np.arange(n_tasks) if batch.codes is None else batch.codes
        used = batch.weight > 0
        per_group = used.sum(axis=1)
        counts = np.bincount(codes, per_group, n_tasks).astype(int)
        weights = np.bincount(codes, batch.weight.sum(axis=1), n_tasks)
        found.append((counts, weights, batch.rows[used], np.repeat(codes, per_group)))
    return found


SIZES = st.lists(st.integers(1, 40), min_size=1, max_size=12)
TEMPERATURES = st.sampled_from([0.1, 1.0, 2.0, np.inf])


@given(SIZES, st.integers(1, 60), TEMPERATURES, st.booleans(), SEEDS)
def test_batches_draw_each_task_by_its_share(sizes, size, temperature, every_task, seed):
    rows, T = tasks_of_sizes(sizes), len(sizes)
    steps = Batches(
        rows, size, temperature, np.random.default_rng(seed), every_task=every_task
    ).epoch()
    found = drawn(steps, T)
    counts, weights = (np.array([step[k] for step in found]) for k in (0, 1))
    # Over an epoch every task has the same weight, whatever its rows.
    assert_allclose(weights.sum(axis=0), len(steps))
    times = np.bincount(np.concatenate([step[2] for step in found]), minlength=sum(sizes))
    for own in rows:
        assert np.ptp(times[own]) <= 1  # again and again, in turn
    assert all((np.repeat(np.arange(T), sizes)[step[2]] == step[3]).all() for step in found)
    power = (np.array(sizes) / max(sizes)) ** (0 if np.isinf(temperature) else 1 / temperature)
    expected = np.maximum(sum(sizes) * power / power.sum(), 1)
    everywhere = np.maximum(expected, len(steps))
    if every_task or np.maximum(np.round(expected), len(steps)).sum() <= 1.5 * sum(sizes):
        assert_allclose(weights, 1)
        expected = everywhere
    assert (np.abs(counts.sum(axis=0) - expected) <= 0.5 + 1e-9).all()


@given(SIZES, st.integers(1, 60), SEEDS)
def test_a_step_holds_about_as_many_rows_as_it_should_and_few_that_do_not_count(sizes, size, seed):
    rows = tasks_of_sizes(sizes)
    steps = Batches(rows, size, 1.0, np.random.default_rng(seed), every_task=False).epoch()
    assert len(steps) == max(1, round(sum(sizes) / size))
    found = [step[0].sum() for step in drawn(steps, len(sizes))]
    assert sum(sizes) <= sum(found) <= 1.5 * sum(sizes)
    assert sum(batch.rows.size for batch in steps) <= 2 * sum(found)
    few_tasks = all(step[1].all() for step in drawn(steps, len(sizes)))
    if not few_tasks:
        assert sum(found) == sum(sizes)


@pytest.mark.parametrize(
    ("sizes", "every_task", "rows_of_a_step", "places"),
    [
        ([2] * 5000, False, (128, 129), 129),  # 5,000 and 5,000 before
        ([15000] + [50] * 299, False, (127, 129), 258),  # 399 and 29,700 before
        ([15000] + [50] * 299, True, (363, 364), 728),
    ],
)
def test_rows_of_a_step_with_many_tasks(sizes, every_task, rows_of_a_step, places):
    rng = np.random.default_rng(0)
    steps = Batches(tasks_of_sizes(sizes), 128, 1.0, rng, every_task=every_task).epoch()
    counts = [step[0].sum() for step in drawn(steps, len(sizes))]
    least, most = rows_of_a_step
    assert least <= min(counts) and max(counts) <= most
    assert max(batch.rows.size for batch in steps) <= places


@given(SEEDS)
def test_thin_tasks_are_unbiased(seed):
    """The mean gradient of many epochs is that of the objective, in which every task counts once"""
    sizes = [1, 2, 3, 40]
    rows, rng = tasks_of_sizes(sizes), np.random.default_rng(seed)
    values = rng.normal(size=sum(sizes))
    total = np.zeros(4)
    for _ in range(10):
        steps = Batches(rows, 4, 1.0, rng, every_task=False).epoch()
        for batch in steps:
            codes = np.arange(4) if batch.codes is None else batch.codes
            sums = (batch.weight * values[batch.rows]).sum(axis=1)
            total += np.bincount(codes, sums, 4) / len(steps) / 10
    # All rows of these tasks are drawn once an epoch: the mean is exact.
    exact = [values[own].mean() for own in rows]
    assert_allclose(total[:3], exact[:3])


@pytest.mark.parametrize("private_input", [False, True])
@pytest.mark.parametrize("kind", KINDS)
@given(seed=SEEDS)
def test_groups_are_only_another_order_of_the_work(kind, private_input, seed):
    network, theta, X, loss, batch = problem(kind, seed, private_input=private_input)
    rng = np.random.default_rng(seed)
    rows, weight, codes = batch.rows.ravel(), batch.weight.ravel(), np.repeat(np.arange(T), M)
    used = (weight > 0) & (codes != rng.integers(T))  # and one task is not there
    grouped = in_groups(rows[used], codes[used], weight[used], np.zeros(used.sum(), int), 1, T)[0]
    flat = X.reshape(-1, D)[np.argsort(batch.rows.ravel())]
    absent = np.isin(np.arange(T), grouped.codes, invert=True)
    whole = Batch(batch.rows, np.where(absent[:, None], 0, batch.weight))
    for method in (FixedWeights(), None):
        method = method or Equal()
        one = gradient_of(network, theta, X, loss, whole, method)
        two = gradient_of(network, theta, flat[grouped.rows], loss, grouped, method)
        assert_allclose(two, one, atol=1e-12)


@given(seed=SEEDS)
def test_sums_over_the_groups_of_a_task(seed):
    rng = np.random.default_rng(seed)
    codes = np.sort(rng.integers(0, 5, 9))
    values = rng.normal(size=(9, 2, 3))
    expected = np.zeros((5, 2, 3))
    np.add.at(expected, codes, values)
    assert_allclose(sum_groups(values, codes, 5), expected, atol=1e-12)


def test_a_task_in_several_groups_is_one_task():
    """One task of 30 rows beside five of one row: its rows stand in several groups."""
    rng = np.random.default_rng(0)
    codes, T = np.repeat(np.arange(6), [30, 1, 1, 1, 1, 1]), 6
    weight = 1 / np.bincount(codes)[codes]
    batch = in_groups(np.arange(35), codes, weight, np.zeros(35, int), 1, T)[0]
    assert (np.bincount(batch.codes) > 1).any()
    padded = np.zeros((T, 30), int), np.zeros((T, 30))
    for t in range(T):
        own = np.flatnonzero(codes == t)
        padded[0][t], padded[1][t, : len(own)] = own[0], 1 / len(own)
        padded[0][t, : len(own)] = own
    X, y = rng.normal(size=(35, D)), rng.normal(size=35)
    loss = TaskLosses(y, np.zeros(T, bool), np.zeros((T, 1), bool))
    layout = Network(D, (5, 4), T, 1, "tanh")
    theta = layout.initial(rng)
    for method in (FixedWeights(), Equal()):
        one = gradient_of(layout, theta, X[padded[0]], loss, Batch(*padded), method)
        two = gradient_of(layout, theta, X[batch.rows], loss, batch, method)
        assert_allclose(two, one, atol=1e-12)


class Equal(FixedWeights):
    """All weights 1, by way of the gradients of the tasks."""

    needs_gram = True


def test_row_weights_multiply():
    rows = tasks_of_sizes([3, 5])
    weight = np.arange(1.0, 9)
    plain, weighted = (
        Batches(rows, 4, 1.0, np.random.default_rng(0), row_weight=w).epoch()
        for w in (None, weight)
    )
    for one, two in zip(plain, weighted, strict=True):
        assert_array_equal(two.weight, one.weight * weight[two.rows])


def test_places_that_only_fill_a_batch_add_nothing():
    """Task 1 lacks a class that the first row of the table has; no infinite loss may come in."""
    steps = Batches([np.arange(9), np.arange(9, 12)], 4, 1.0, np.random.default_rng(0)).epoch()
    possible = np.array([[True, True, True], [False, True, True]])
    loss = TaskLosses(np.r_[np.zeros(9), 1, 2, 1], np.array([True, True]), possible)
    assert any((batch.weight == 0).any() for batch in steps)
    for batch in steps:
        outputs = np.random.default_rng(0).normal(size=(*batch.rows.shape, 3))
        losses, D_out = loss(outputs, batch)
        assert np.isfinite(losses).all()
        assert np.isfinite(D_out).all()
        assert not D_out[batch.weight == 0].any()


@given(seed=SEEDS, n_tasks=st.integers(1, 40), steps=st.integers(1, 5))
def test_few_places_of_a_batch_are_filled_up(seed, n_tasks, steps):
    rng = np.random.default_rng(seed)
    counts = np.minimum(rng.geometric(0.3, (steps, n_tasks)) - 1, 30)
    counts[0, 0] += 1  # one row at least
    step, code = (np.repeat(part.ravel(), counts.ravel()) for part in np.indices(counts.shape))
    row, weight = np.arange(len(step)), rng.uniform(1, 2, len(step))
    batches = in_groups(row, code, weight, step, steps, n_tasks)
    for s, batch in enumerate(batches):
        used = batch.weight > 0
        assert sorted(batch.rows[used]) == row[step == s].tolist()
        own = np.arange(n_tasks) if batch.codes is None else batch.codes
        assert_array_equal(code[batch.rows], np.broadcast_to(own[:, None], batch.rows.shape))
        assert_allclose(np.sort(batch.weight[used]), np.sort(weight[step == s]))
    assert sum(batch.rows.size for batch in batches) <= 2 * len(row)


def test_no_place_is_filled_up_where_most_tasks_have_one_row():
    counts = np.where(np.arange(100) == 0, 2, 1) * (np.arange(100) < 60)
    code = np.repeat(np.arange(100), counts)
    batch = in_groups(np.arange(61), code, np.ones(61), np.zeros(61, int), 1, 100)[0]
    assert batch.rows.shape == (61, 1)
    assert_array_equal(batch.codes, code)
