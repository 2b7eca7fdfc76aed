"""Tests of loss weighting and gradient aggregation: each against the property that defines it."""

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from sklearn.base import clone

from mtlkit.neural import (
    DWA,
    MGDA,
    CAGrad,
    FixedWeights,
    GradNorm,
    PCGrad,
    RandomWeights,
    UncertaintyWeights,
    UPGrad,
)

SEEDS = st.integers(0, 2**32 - 1)
METHODS = [
    FixedWeights(),
    RandomWeights(),
    UncertaintyWeights(),
    DWA(),
    GradNorm(),
    PCGrad(),
    MGDA(),
    CAGrad(),
    UPGrad(),
]


def started(method, T, base=None, seed=0):
    method = clone(method)
    method.start(np.ones(T) if base is None else base, np.random.default_rng(seed))
    return method


def gradients(seed, T=4, P=9):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(T, P)) * rng.uniform(0.2, 3, size=(T, 1)) + rng.normal(size=P) / 2


def direction(method, G, **options):
    return started(method, len(G), **options).weights(np.ones(len(G)), G @ G.T) @ G


@pytest.mark.parametrize("method", METHODS, ids=lambda m: type(m).__name__)
def test_one_task_is_followed_as_it_is(method):
    w = started(method, 1).weights(np.array([0.7]), np.array([[2.0]]))
    assert w.shape == (1,)
    assert_allclose(w, 1, rtol=0.51 if isinstance(method, CAGrad) else 1e-8)


@pytest.mark.parametrize("method", [MGDA(), CAGrad(), UPGrad()], ids=lambda m: type(m).__name__)
@given(seed=SEEDS)
@settings(max_examples=10)
def test_order_of_tasks_does_not_matter(method, seed):
    G = gradients(seed)
    order = np.random.default_rng(seed).permutation(len(G))
    scale = abs(G).max()
    assert_allclose(direction(method, G[order]) / scale, direction(method, G) / scale, atol=1e-3)


@pytest.mark.parametrize("normalize", ["l2", "loss"])
@given(seed=SEEDS)
@settings(max_examples=15)
def test_mgda_of_normalised_gradients(normalize, seed):
    """It is plain MGDA of the divided gradients, and the units of a loss leave it alone."""
    G, losses = gradients(seed), np.random.default_rng(seed).uniform(0.1, 5, 4)
    unit = np.linalg.norm(G, axis=1) if normalize == "l2" else losses
    method, times = started(MGDA(normalize), 4), np.array([1e4, 1, 1e-4, 3])
    d = method.weights(losses, G @ G.T) @ G
    scale = abs(d).max() + 1e-3
    assert_allclose(d / scale, direction(MGDA(), G / unit[:, None]) / scale, atol=1e-6)
    other = G * times[:, None]
    there = method.weights(losses * times, other @ other.T) @ other
    assert_allclose(there / scale, d / scale, atol=1e-4)


@pytest.mark.parametrize("normalize", ["l2", "loss"])
def test_normalised_mgda_leaves_out_what_has_arrived(normalize):
    G = np.array([[2.0, 0, 0], [-1, 1, 0], [0, 0, 0]])
    method = started(MGDA(normalize), 3)
    w = method.weights(np.array([1.0, 1, 0]), G @ G.T)
    assert_allclose(w[:2], started(MGDA(normalize), 2).weights(np.ones(2), (G @ G.T)[:2, :2]))
    assert w[2] == 0
    assert_allclose(method.weights(np.zeros(3), np.zeros((3, 3))), 0)


def test_mgda_knows_three_normalisations():
    for wrong in ("length", None, 2):
        with pytest.raises(ValueError, match=f"normalize={wrong!r} is unknown"):
            started(MGDA(wrong), 2)


@given(seed=SEEDS)
@settings(max_examples=15)
def test_mgda_is_the_shortest_vector_of_the_hull(seed):
    G = gradients(seed)
    w = cp.Variable(len(G), nonneg=True)
    program = cp.Problem(cp.Minimize(cp.sum_squares(G.T @ w)), [cp.sum(w) == 1])
    shortest = program.solve(solver=cp.CLARABEL)
    ours = started(MGDA(), len(G)).weights(np.ones(len(G)), G @ G.T)
    assert (ours >= 0).all()
    assert_allclose(ours.sum(), 1)
    assert_allclose(((ours @ G) ** 2).sum(), shortest, rtol=1e-4, atol=1e-6 * (G**2).sum())


def test_mgda_of_opposed_gradients_stands_still():
    G = np.array([[1.0, 0], [-2.0, 0]])
    assert_allclose(direction(MGDA(), G), 0, atol=1e-3)


@given(seed=SEEDS)
def test_pcgrad_of_two_tasks_leaves_no_conflict(seed):
    g, h = gradients(seed, T=2, P=3)
    d = direction(PCGrad(), np.array([g, h]))
    if g @ h >= 0:
        assert_allclose(d, g + h)
    else:  # each without its part along the other
        assert_allclose(d, (g - g @ h / (h @ h) * h) + (h - g @ h / (g @ g) * g))
        assert min(d @ g, d @ h) >= -1e-9


@given(seed=SEEDS, T=st.integers(3, 5), weighted=st.booleans())
def test_pcgrad_follows_its_algorithm(seed, T, weighted):
    """The algorithm of the paper, on the vectors themselves, with the losses weighted."""
    G = gradients(seed, T=T, P=3)
    base = np.random.default_rng(seed + 1).uniform(0.2, 3, T) if weighted else np.ones(T)
    order, total = np.random.default_rng(5), np.zeros(3)
    weighted = base[:, None] * G
    for i in range(T):
        g = weighted[i].copy()
        for j in order.permutation(T):
            if j != i and g @ weighted[j] < 0:
                g -= g @ weighted[j] / (weighted[j] @ weighted[j]) * weighted[j]
        total += g
    ours = direction(PCGrad(), G, seed=5, base=base)
    assert_allclose(ours, total, atol=1e-9 * abs(weighted).max())


@given(seed=SEEDS, c=st.sampled_from([0.2, 0.5, 0.9]))
@settings(max_examples=15)
def test_cagrad_serves_the_worst_task_best_within_its_ball(seed, c):
    G = gradients(seed)
    mean = G.mean(axis=0)
    assume(np.linalg.norm(mean) > 0.1)
    d = direction(CAGrad(c), G)
    assert np.linalg.norm(d - mean) <= c * np.linalg.norm(mean) * (1 + 1e-6)
    best = cp.Variable(G.shape[1])
    ball = [cp.norm(best - mean) <= c * np.linalg.norm(mean)]
    value = cp.Problem(cp.Maximize(cp.min(G @ best)), ball).solve(solver=cp.CLARABEL)
    assert_allclose((G @ d).min(), value, atol=2e-3 * np.linalg.norm(G) * np.linalg.norm(mean))


@given(seed=SEEDS)
@settings(max_examples=15)
def test_upgrad_hurts_no_task_and_is_the_mean_of_projections(seed):
    G = gradients(seed)
    d = direction(UPGrad(), G)
    size = np.linalg.norm(G)
    assert (G @ d).min() >= -1e-4 * size**2
    projections = []
    for g in G:
        p = cp.Variable(G.shape[1])
        cp.Problem(cp.Minimize(cp.sum_squares(p - g)), [G @ p >= 0]).solve(solver=cp.CLARABEL)
        projections.append(p.value)
    assert_allclose(d, np.mean(projections, axis=0), atol=1e-3 * size)


@given(seed=SEEDS)
def test_gradients_that_agree_are_added_up_or_averaged(seed):
    G = abs(gradients(seed))
    assert_allclose(direction(PCGrad(), G), G.sum(axis=0))
    assert_allclose(direction(UPGrad(), G), G.mean(axis=0), rtol=1e-6)


def test_gradnorm_makes_weighted_gradients_equally_large():
    gram = np.diag([1.0, 9.0, 0.25])
    method = started(GradNorm(learning_rate=0.002), 3)
    for _ in range(5000):
        w = method.weights(np.ones(3), gram)
    norms = w * np.sqrt(gram.diagonal())
    assert np.ptp(norms) < 0.1 * norms.mean()
    assert_allclose(w.sum(), 3)


def test_gradnorm_gives_more_to_a_task_that_learns_slowly():
    method = started(GradNorm(), 2)
    method.weights(np.array([1.0, 1.0]), np.eye(2))
    for _ in range(50):
        w = method.weights(np.array([0.1, 0.9]), np.eye(2))
    assert w[1] > 1.2 > 0.8 > w[0]


def test_uncertainty_weights_end_at_one_over_the_loss():
    method = started(UncertaintyWeights(0.1), 3)
    losses = np.array([0.5, 2.0, 4.0])
    for _ in range(2000):
        w = method.weights(losses, None)
    assert_allclose(w, 1 / losses, rtol=1e-3)


def test_uncertainty_weights_come_back_from_a_first_loss_that_is_huge():
    """From log 1 to log 10⁵ and to log 10⁻³ in steps of at most 0.1; no step throws s_t further."""
    method, losses = started(UncertaintyWeights(0.1), 2), np.array([1e5, 1e-3])
    for _ in range(200):
        w = method.weights(losses, None)
    assert_allclose(w, 1 / losses, rtol=0.05)


def test_dwa_follows_its_formula():
    method = started(DWA(temperature=2.0), 2)
    assert_allclose(method.weights(None, None), 1)
    method.end_epoch(np.array([1.0, 1.0]))
    assert_allclose(method.weights(np.ones(2), None), 1)
    method.end_epoch(np.array([0.5, 0.9]))
    e = np.exp(np.array([0.5, 0.9]) / 2)
    assert_allclose(method.weights(np.ones(2), None), 2 * e / e.sum())


def test_dwa_of_losses_that_reach_zero():
    """At loss 0 a task needs no speed-up; one that leaves loss 0 is like one that stands still."""
    method = started(DWA(temperature=2.0), 4)
    method.end_epoch(np.array([1.0, 1.0, 0.0, 0.0]))
    method.end_epoch(np.array([0.5, 0.0, 0.0, 0.3]))
    e = np.exp(np.array([0.5, 0.0, 0.0, 1.0]) / 2)
    assert_allclose(method.weights(np.ones(4), None), 4 * e / e.sum())
    for last in (np.full(4, 1e-300), np.full(4, 1e30)):
        method.end_epoch(last)
        assert_allclose(method.weights(np.ones(4), None).sum(), 4)


def test_gradnorm_of_losses_that_are_zero():
    method = started(GradNorm(), 3)
    gram = np.diag([1.0, 0.0, 1.0])
    for losses in ([1.0, 0.0, 1.0], [0.5, 0.0, 0.9], [0.0, 0.0, 0.5], [0.0, 0.2, 0.0], [0.0] * 3):
        w = method.weights(np.array(losses), gram)
        assert np.isfinite(w).all()
        assert_allclose(w.sum(), 3)


def test_gradnorm_without_asymmetry_ignores_the_losses():
    one, two = started(GradNorm(asymmetry=0), 2), started(GradNorm(asymmetry=0), 2)
    for losses in ([1.0, 1.0], [0.0, 0.9], [0.0, 0.0]):
        w = one.weights(np.array(losses), np.diag([1.0, 4.0]))
        assert_allclose(w, two.weights(np.ones(2), np.diag([1.0, 4.0])))


def test_uncertainty_weights_of_a_loss_of_zero_stay_finite():
    method = started(UncertaintyWeights(0.5), 2)
    for _ in range(5000):
        w = method.weights(np.array([0.0, 0.5]), None)
    assert_allclose(w, [1e6, 2], rtol=1e-3)


@pytest.mark.parametrize("size", [0.0, 1e-200, 1e-5])
@pytest.mark.parametrize("method", [MGDA(), CAGrad()], ids=lambda m: type(m).__name__)
@given(seed=SEEDS)
@settings(max_examples=10)
def test_a_task_without_gradient_does_not_stop_the_trunk(method, size, seed):
    G = gradients(seed)
    small = G[0] / np.linalg.norm(G[0]) * size
    with_it = np.vstack([small, G])
    if isinstance(method, MGDA):
        assert_allclose(direction(method, with_it), direction(method, G), atol=1e-9)
    else:  # the mean is over all tasks, the worst is looked for among those with a gradient
        mean = with_it.mean(axis=0)
        d = direction(method, with_it)
        assert np.linalg.norm(d - mean) <= 0.5 * np.linalg.norm(mean) * (1 + 1e-6)
        assert (G @ d).min() >= (G @ mean).min() - 1e-9


def test_mgda_keeps_a_short_gradient_that_still_moves():
    G = np.array([[1.0, 0.0], [0.0, 0.01]])
    w = started(MGDA(), 2).weights(np.ones(2), G @ G.T)
    assert_allclose(w, [1e-4 / (1 + 1e-4), 1 / (1 + 1e-4)], rtol=1e-3)


@pytest.mark.parametrize("method", METHODS, ids=lambda m: type(m).__name__)
@given(seed=SEEDS, scale=st.sampled_from([0.0, 1e-200, 1e-30, 1.0, 1e30]))
@settings(max_examples=15)
def test_weights_are_finite_whatever_the_losses(method, scale, seed):
    rng = np.random.default_rng(seed)
    method, losses = started(method, 3), None
    for _ in range(4):
        G = rng.normal(size=(3, 5)) * rng.choice([0.0, 1e-200, 1e-9, 1.0], size=(3, 1)) * scale
        losses = rng.uniform(size=3) * rng.choice([0.0, 1e-30, 1.0], size=3)
        assert np.isfinite(method.weights(losses, G @ G.T)).all()
        method.end_epoch(losses)


@pytest.mark.parametrize(
    ("make", "name", "values"),
    [
        (UncertaintyWeights, "learning_rate", (0, -1, np.nan, np.inf)),
        (DWA, "temperature", (0, -1, np.nan)),
        (GradNorm, "asymmetry", (-1, np.nan, np.inf)),
        (GradNorm, "learning_rate", (0, np.nan, np.inf)),
        (CAGrad, "c", (-0.1, 1.0, np.nan, np.inf)),
    ],
)
def test_what_is_wrong_with_a_parameter(make, name, values):
    for value in values:
        with pytest.raises(ValueError, match=f"{name}={value}"):
            started(make(**{name: value}), 2)
    with pytest.raises(TypeError, match=name):
        started(make(**{name: "0.5"}), 2)
    started(make(**{name: np.float32(0.5)}), 2)


def test_random_weights_are_drawn_anew_and_depend_on_the_seed_only():
    one, two = started(RandomWeights(), 3, seed=4), started(RandomWeights(), 3, seed=4)
    draws = np.array([one.weights(np.ones(3), None) for _ in range(2000)])
    assert_allclose(draws.sum(axis=1), 3)
    assert_allclose(draws.mean(axis=0), 1, atol=0.1)
    assert_allclose([two.weights(np.ones(3), None) for _ in range(3)], draws[:3])


def test_fixed_weights_are_the_balance_weights():
    base = np.array([0.5, 2.0])
    assert_allclose(started(FixedWeights(), 2, base).weights(np.ones(2), None), base)


@pytest.mark.parametrize("method", METHODS, ids=lambda m: type(m).__name__)
def test_without_any_gradient_the_weights_are_finite(method):
    w = started(method, 3).weights(np.array([0.5, 1.0, 2.0]), np.zeros((3, 3)))
    assert np.isfinite(w).all()
