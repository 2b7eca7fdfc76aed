"""Tests of the penalties: value, proximal step and dual norm hold each other up; bad parameters."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.optimize import minimize
from sklearn.base import clone

from mtlkit.linear import JointSupport, LearnedRelations, LowRank, SharedMean, TaskGraph

T, D = 4, 3
SEEDS = st.integers(0, 2**32 - 1)
EDGES = np.array([[0, 2, 0, 1], [2, 0, 0.5, 0], [0, 0.5, 0, 3], [1, 0, 3, 0.0]])
PENALTIES = [
    JointSupport(),
    LowRank(),
    SharedMean(0),
    SharedMean(2.5),
    SharedMean(np.inf),
    TaskGraph(EDGES, 0.7),
    LearnedRelations(0),
    LearnedRelations(0.8),
]
each_penalty = pytest.mark.parametrize("penalty", PENALTIES, ids=lambda p: type(p).__name__)


def bound(penalty):
    return clone(penalty).bind(np.arange(T))


def draw(seed, scale=2.0):
    return scale * np.random.default_rng(seed).normal(size=(T, D))


@each_penalty
@given(seed=SEEDS, step=st.floats(0.01, 20))
def test_prox_value_and_dual_norm_agree(penalty, seed, step):
    """G = (V - W) / step must be a subgradient at W = prox(V), which is an equality of norms."""
    penalty, V = bound(penalty), draw(seed)
    W = penalty.prox(V, step)
    G, value = (V - W) / step, penalty.value(W)
    if penalty.power == 1:
        assert penalty.dual_norm(G) <= 1 + 1e-9
        assert_allclose(np.vdot(G, W), value, atol=1e-9)
    elif np.isfinite(getattr(penalty, "coupling", 0)):
        assert_allclose(np.vdot(G, W), 2 * value, rtol=1e-8)
        assert_allclose(penalty.dual_norm(G) ** 2, 4 * value, rtol=1e-8)


@each_penalty
@given(seed=SEEDS)
def test_no_product_exceeds_that_of_the_norms(penalty, seed):
    penalty = bound(penalty)
    W, G = draw(seed), draw(seed + 1)
    if np.isinf(getattr(penalty, "coupling", 0)):
        W = np.tile(W.mean(axis=0), (T, 1))  # others have an infinite norm
    norm = penalty.value(W) ** (1 / penalty.power)
    assert np.vdot(G, W) <= norm * penalty.dual_norm(G) * (1 + 1e-9)


@each_penalty
@given(seed=SEEDS, factor=st.floats(0.1, 10))
def test_values_scale_as_norms_do(penalty, seed, factor):
    penalty, W = bound(penalty), draw(seed)
    assert_allclose(penalty.value(factor * W), factor**penalty.power * penalty.value(W))
    assert_allclose(penalty.dual_norm(-factor * W), factor * penalty.dual_norm(W))
    assert penalty.value(0 * W) == penalty.dual_norm(0 * W) == 0


@each_penalty
def test_prox_is_the_minimum_that_a_general_solver_finds(penalty):
    penalty, V = bound(penalty), draw(3)
    if np.isinf(getattr(penalty, "coupling", 0)):
        penalty = SharedMean(1e7)

    def objective(W):
        W = W.reshape(V.shape)
        return 0.5 * ((W - V) ** 2).sum() + 0.4 * penalty.value(W)

    W = penalty.prox(V, 0.4)
    found = minimize(
        objective, W.ravel() + 0.1, method="Powell", options={"xtol": 1e-8, "ftol": 1e-14}
    )
    assert objective(W) <= found.fun * (1 + 1e-9)
    assert_allclose(objective(W), found.fun, rtol=1e-2)  # Powell stops short at a kink


def test_values_by_their_formulas():
    W, c = draw(1), 0.7
    assert_allclose(JointSupport().value(W), sum(np.linalg.norm(W[:, j]) for j in range(D)))
    assert_allclose(LowRank().value(W), np.trace(np.real(root(W.T @ W))))
    mean = W.mean(axis=0)
    by_hand = sum(w @ w + c * (w - mean) @ (w - mean) for w in W)
    assert_allclose(SharedMean(c).value(W), by_hand)
    by_hand = sum(w @ w for w in W)
    by_hand += (
        c / 2 * sum(EDGES[s, t] * (W[s] - W[t]) @ (W[s] - W[t]) for s in range(T) for t in range(T))
    )
    assert_allclose(bound(TaskGraph(EDGES, c)).value(W), by_hand)
    assert_allclose(LearnedRelations(c).value(W), (W**2).sum() + c * LowRank().value(W) ** 2)


def root(A):
    sizes, basis = np.linalg.eigh(A)
    return basis * np.sqrt(sizes.clip(min=0)) @ basis.T


@given(SEEDS)
def test_learned_covariance_minimises_its_charge(seed):
    W = draw(seed)[:, :2] + 0.1 * np.eye(T, 2)
    W = np.column_stack([W, draw(seed + 1)])  # rank T, so that the inverse exists
    S = LearnedRelations().describe(W)["task_covariance_"]
    assert_allclose(S, root(W @ W.T) / np.trace(root(W @ W.T)), atol=1e-9)

    def charge(S):
        return np.trace(W.T @ np.linalg.solve(S, W))

    assert_allclose(charge(S), LowRank().value(W) ** 2, rtol=1e-6)
    rng = np.random.default_rng(seed)
    for _ in range(5):
        B = rng.normal(size=(T, T))
        other = 0.9 * S + 0.1 * B @ B.T / np.trace(B @ B.T)
        assert charge(other) >= charge(S) * (1 - 1e-9)


def test_without_weights_no_relation_is_learned():
    S = LearnedRelations().describe(np.zeros((T, D)))["task_covariance_"]
    assert_allclose(S, np.eye(T) / T)


@given(SEEDS, st.floats(0, 50))
def test_shared_mean_is_the_complete_graph(seed, coupling):
    W = draw(seed)
    graph, mean = bound(TaskGraph(np.full((T, T), 1 / T), coupling)), SharedMean(coupling)
    assert_allclose(graph.value(W), mean.value(W))
    assert_allclose(graph.prox(W, 0.3), mean.prox(W, 0.3), atol=1e-12)
    assert_allclose(graph.dual_norm(W), mean.dual_norm(W))


def test_graph_takes_names_in_any_order_and_more_tasks_than_there_are():
    names = ["d", "a", "x", "b", "c"]
    wide = pd.DataFrame(0.0, index=names, columns=names)
    wide.loc[list("abcd"), list("abcd")] = EDGES
    W = draw(0)
    named = TaskGraph(wide).bind(np.array(list("abcd")))
    assert_allclose(named.value(W), bound(TaskGraph(EDGES)).value(W))
    assert_allclose(bound(TaskGraph(EDGES + 5 * np.eye(T))).value(W), named.value(W))


@pytest.mark.parametrize(
    ("adjacency", "message"),
    [
        (np.zeros((3, 3)), r"adjacency has shape \(3, 3\), but there are 4 tasks"),
        (-EDGES, r"adjacency .* not negative, got -2.0 for tasks 0 and 1"),
        (EDGES + np.diag([np.nan, 0, 0, 0]), r"adjacency .* got nan for tasks 0 and 0"),
        (np.triu(EDGES), r"symmetric, but from task 0 to 1 it is 2.0, and back 0.0"),
        (pd.DataFrame(EDGES), r"adjacency has no row and column for tasks \['a'\]"),
    ],
)
def test_what_is_wrong_with_a_graph(adjacency, message):
    tasks = ["a", 1, 2, 3] if isinstance(adjacency, pd.DataFrame) else range(T)
    with pytest.raises(ValueError, match=message):
        TaskGraph(adjacency).bind(tasks)


@pytest.mark.parametrize("coupling", [-1, "much", np.nan, True])
@pytest.mark.parametrize("make", [SharedMean, LearnedRelations, lambda c: TaskGraph(EDGES, c)])
def test_what_is_wrong_with_a_coupling(make, coupling):
    with pytest.raises((TypeError, ValueError), match=f"coupling={coupling!r} must be a number"):
        make(coupling).bind(range(T))


@pytest.mark.parametrize("make", [LearnedRelations, lambda c: TaskGraph(EDGES, c)])
def test_infinite_coupling_is_for_the_shared_mean(make):
    with pytest.raises(ValueError, match=r"coupling=inf .* below inf"):
        make(np.inf).bind(range(T))


@pytest.mark.parametrize("make", [SharedMean, LearnedRelations, lambda c: TaskGraph(EDGES, c)])
def test_a_coupling_of_numpy_loses_no_digits(make):
    narrow = make(np.float32(0.3)).bind(range(T))
    assert type(narrow.coupling) is float
    assert narrow.value(draw(0)) == make(float(np.float32(0.3))).bind(range(T)).value(draw(0))
