"""The code of the page "The same in PyTorch" beside mtlkit; only where torch is installed."""

import copy
import importlib

import numpy as np
import pytest
from numpy.testing import assert_allclose

from mtlkit.neural import (
    FineTuner,
    MultiTaskMLPClassifier,
    MultiTaskMLPRegressor,
    PCGrad,
    UPGrad,
)

torch = pytest.importorskip("torch")
same = importlib.import_module("reference.same_in_pytorch")

RATE, DECAY = 0.01, 0.1
TOLERANCES = {"float64": 1e-8, "float32": 1e-5}
BALANCES = {"PCGrad": PCGrad(), "UPGrad": UPGrad()}


def table(dtype="float64", seed=0, sizes=(30, 20)):
    """Rows of two tasks that disagree, with the task in column 0."""
    rng, task = np.random.default_rng(seed), np.repeat([0, 1], sizes)
    X = rng.normal(size=(len(task), 5))
    y = np.sin(X[:, 0]) * (1 - 2 * task) + X[:, 1] + 3 * task
    return np.column_stack([task, X]).astype(dtype), y.astype(dtype)


def classes_of(X, y):
    """Three classes, all of which occur in either task."""
    return np.digitize(y - 3 * X[:, 0], [-0.5, 0.5])


def fitted(X, y, estimator=MultiTaskMLPRegressor, **settings):
    """A network of mtlkit after a few epochs; a batch is as large as the table."""
    settings = {
        "hidden_layer_sizes": (7, 4), "solver": "sgd", "learning_rate_init": RATE, "alpha": DECAY,
        "max_iter": 3, "n_iter_no_change": None, "batch_size": len(X), "random_state": 0,
        "task_col": 0,
    } | settings  # fmt: skip
    return estimator(**settings).fit(X, y)


def optimiser(groups, solver="sgd"):
    if solver == "adam":
        return torch.optim.Adam(groups, lr=RATE)
    return torch.optim.SGD(groups, lr=RATE, momentum=0.9, nesterov=True)


def by_task(X, y):
    return [(torch.tensor(X[X[:, 0] == t, 1:]), torch.tensor(y[X[:, 0] == t])) for t in (0, 1)]


def difference(network, other):
    """The largest difference between parameters of the same name."""
    others = other.state_dict()
    pairs = [(own, others[name]) for name, own in network.state_dict().items()]
    return max(float((own - other).abs().max()) for own, other in pairs)


def in_conflict(network, batch):
    """Whether the trunk gradients of the two tasks have an inner product below 0."""
    losses = [same.half_squared_error(network(x, t), y) for t, (x, y) in enumerate(batch)]
    parts = [torch.autograd.grad(loss, list(network.trunk.parameters())) for loss in losses]
    one, other = (torch.cat([part.ravel() for part in own]) for own in parts)
    return bool(one @ other < 0)


# A fitted network, copied


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_copied_network_predicts_the_same(dtype, activation):
    X, y = table(dtype)
    model = fitted(X, y, activation=activation, standardize_targets=True)
    network = same.from_mtlkit(model)
    for task, (x, own) in enumerate(by_task(X, y)):
        scaled = network(x, task).detach().numpy()[:, 0]
        want = model.predict(X[X[:, 0] == task])
        own = own.numpy().astype(float)
        assert_allclose(scaled * own.std() + own.mean(), want, atol=TOLERANCES[dtype])


def test_copied_classifier_has_the_same_probabilities():
    X, y = table()
    y = classes_of(X, y)
    model = fitted(X, y, MultiTaskMLPClassifier)
    network = same.from_mtlkit(model)
    for task, (x, _) in enumerate(by_task(X, y)):
        want = model.predict_proba(X[X[:, 0] == task])
        assert_allclose(network(x, task).softmax(dim=1).detach(), want, atol=1e-8)


def test_copy_has_parameters_of_its_own():
    X, y = table()
    model = fitted(X, y)
    network, before = same.from_mtlkit(model), model.network_.theta.copy()
    with torch.no_grad():
        network.trunk[0].weight.zero_()
        network.heads[0].bias.zero_()
    assert np.array_equal(model.network_.theta, before)


# Steps


@pytest.mark.parametrize(
    "solver, dtype, tol",
    [("sgd", *row) for row in TOLERANCES.items()] + [("adam", "float64", 1e-5)],
)
def test_weighted_steps(solver, dtype, tol):
    X, y = table(dtype)
    weights = [0.5, 2.0]
    on_rows = np.array(weights) * 50 / (2 * np.array([30, 20]))  # of 30 and 20 rows
    model = fitted(X, y, solver=solver, task_weight=on_rows, standardize_targets=False)
    network = same.from_mtlkit(model)
    optimizer, start = optimiser(same.with_decay(network, DECAY), solver), copy.deepcopy(network)
    for seed in range(1, 6):
        X, y = table(dtype, seed)
        model.partial_fit(X, y)
        same.weighted_step(network, optimizer, by_task(X, y), same.half_squared_error, weights)
        assert difference(network, same.from_mtlkit(model)) < tol
    assert difference(network, start) > 0.01


def test_weighted_steps_of_a_classifier():
    X, y = table()
    classes = classes_of(X, y)
    model = fitted(X, classes, MultiTaskMLPClassifier, task_weight="tasks")
    network = same.from_mtlkit(model)
    optimizer = optimiser(same.with_decay(network, DECAY))
    loss = torch.nn.functional.cross_entropy
    for _ in range(5):
        model.partial_fit(X, classes)
        same.weighted_step(network, optimizer, by_task(X, classes), loss, [1, 1])
    assert difference(network, same.from_mtlkit(model)) < 1e-8


@pytest.mark.parametrize("name, tol", [("PCGrad", 1e-8), ("UPGrad", 1e-5)])
def test_balanced_steps(name, tol):
    aggregation = pytest.importorskip("torchjd.aggregation")
    aggregator = getattr(aggregation, name)()
    if name == "UPGrad":
        pytest.importorskip("quadprog")
        pytest.importorskip("qpsolvers")
        from torchjd.linalg import QuadprogProjector

        # Both add a multiple of the identity to the Gram matrix, theirs by default a larger one.
        aggregator = aggregation.UPGrad(projector=QuadprogProjector(reg_eps=1e-9))
    X, y = table()
    model = fitted(
        X,
        y,
        weighting=BALANCES[name],
        task_weight="tasks",
        standardize_targets=False,
        random_state=3,
    )
    network, loss, conflicts = same.from_mtlkit(model), same.half_squared_error, 0
    optimizer = optimiser(same.with_decay(network, DECAY))
    for seed in range(1, 6):
        X, y = table(seed=seed)
        conflicts += in_conflict(network, by_task(X, y))
        model.partial_fit(X, y)
        same.balanced_step(network, optimizer, by_task(X, y), loss, aggregator)
        assert difference(network, same.from_mtlkit(model)) < tol
    assert conflicts > 2


# Fine-tuning


@pytest.mark.parametrize("anchor", [0.0, 0.7])
@pytest.mark.parametrize("mode", ["full", "frozen"])
def test_fine_tuning(mode, anchor):
    source = fitted(*table(), standardize_targets=False)
    X, y = table(seed=1, sizes=(0, 25))
    tuner = FineTuner(source, mode=mode, head=0, anchor=anchor, max_iter=25, random_state=0)
    tuner.fit(X[:, 1:], y)

    start = same.from_mtlkit(source)
    network = same.for_target(start, 1, frozen=mode == "frozen")
    network.heads[0].load_state_dict(start.heads[0].state_dict())
    groups = [*same.with_decay(network.heads, DECAY), {"params": network.trunk.parameters()}]
    optimizer = optimiser(groups)
    x, y = torch.tensor(X[:, 1:]), torch.tensor(y)
    for _ in range(25):
        same.anchored_step(network, optimizer, x, y, same.half_squared_error, start, anchor)
    assert difference(network, same.from_mtlkit(tuner)) < 1e-8
    moved = difference(network.trunk, start.trunk)
    assert moved == 0 if mode == "frozen" else moved > 0.01


def test_gradient_of_the_anchor():
    source = same.from_mtlkit(fitted(*table()))
    network = same.for_target(source, 1)
    with torch.no_grad():
        for parameter in network.trunk.parameters():
            parameter += torch.randn_like(parameter)
    before = copy.deepcopy(network.trunk)
    optimizer = torch.optim.SGD(network.parameters(), lr=1.0)
    x, y = by_task(*table())[0]
    same.anchored_step(network, optimizer, x, y, lambda f, y: 0 * f.sum(), source, anchor=0.3)
    triples = zip(*(m.parameters() for m in (network.trunk, before, source.trunk)), strict=True)
    for now, then, start in triples:
        assert_allclose((then - now).detach(), 0.3 * (then - start).detach(), atol=1e-12)


def test_new_head_leaves_the_source_as_it_is():
    source = same.from_mtlkit(fitted(*table()))
    target = same.for_target(source, 3, frozen=True)
    assert target(torch.zeros(2, 5, dtype=torch.float64), 0).shape == (2, 3)
    assert len(source.heads) == 2
    assert all(parameter.requires_grad for parameter in source.parameters())


# Adapters


def test_adapter_starts_as_identity_and_has_rank_r():
    X, y = table()
    source, r = same.from_mtlkit(fitted(X, y, hidden_layer_sizes=(9, 8))), 2
    batch = by_task(X, y)
    network = copy.deepcopy(source)
    same.add_adapters(network, r)
    for task, (x, _) in enumerate(batch):
        assert torch.equal(network(x, task), source(x, task))

    trained = [p for p in network.parameters() if p.requires_grad]
    heads = sum(p.numel() for p in source.heads.parameters())
    assert sum(p.numel() for p in trained) == r * (5 + 9) + r * (9 + 8) + heads
    optimizer = torch.optim.SGD(trained, lr=0.05)
    for _ in range(20):
        same.weighted_step(network, optimizer, batch, same.half_squared_error, [1, 1])
    for k in (0, 2):
        adapter, old = network.trunk[k], source.trunk[k]
        merged = adapter.merged()
        assert torch.equal(adapter.linear.weight, old.weight)
        assert torch.equal(merged.bias, old.bias)
        assert torch.linalg.matrix_rank(merged.weight - old.weight, rtol=1e-10) == r
        x = torch.randn(6, old.in_features, dtype=torch.float64)
        assert_allclose(merged(x).detach(), adapter(x).detach(), atol=1e-12)


def test_adapter_of_peft_computes_the_same():
    pytest.importorskip("peft")
    source = same.from_mtlkit(fitted(*table()))
    ours, theirs = copy.deepcopy(source), same.add_peft_adapters(copy.deepcopy(source), 2)
    same.add_adapters(ours, 2)
    sizes = [
        sum(p.numel() for p in network.parameters() if p.requires_grad)
        for network in (ours, theirs)
    ]
    assert sizes[0] == sizes[1]
    x = by_task(*table())[1][0]
    assert torch.equal(theirs(x, 1), source(x, 1))
    with torch.no_grad():
        for k in (0, 2):
            own, other = ours.trunk[k], theirs.base_model.model.trunk[k]
            own.B.normal_()
            other.lora_A["default"].weight.copy_(own.A)
            other.lora_B["default"].weight.copy_(own.B)
    want = ours(x, 1).detach()
    assert_allclose(theirs(x, 1).detach(), want, atol=1e-10)
    assert_allclose(theirs.merge_and_unload()(x, 1).detach(), want, atol=1e-10)
