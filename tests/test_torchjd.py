"""The balancing methods beside TorchJD's on random gradients; only where TorchJD is installed."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from mtlkit.neural import MGDA, CAGrad, PCGrad, UPGrad

torch = pytest.importorskip("torch")
aggregation = pytest.importorskip("torchjd.aggregation")

SEEDS = range(20)


def gradients(seed, T=4, P=9):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(T, P)) * rng.uniform(0.2, 3, size=(T, 1)) + rng.normal(size=P) / 2


def ours(method, G):
    method.start(np.ones(len(G)), np.random.default_rng(0))
    return method.weights(np.ones(len(G)), G @ G.T)


def theirs(weighting, G):
    return weighting(torch.tensor(G @ G.T)).numpy()


def aggregated(aggregator, G):
    return aggregator(torch.tensor(G)).numpy()


def length(w, G):
    return np.linalg.norm(w @ G)


@pytest.mark.parametrize("seed", SEEDS)
def test_pcgrad_of_two_tasks(seed):
    G = gradients(seed, T=2)
    assert_allclose(ours(PCGrad(), G) @ G, aggregated(aggregation.PCGrad(), G), atol=1e-10)


@pytest.mark.parametrize("seed", SEEDS[:5])
def test_pcgrad_of_three_tasks_has_the_same_outcomes(seed):
    # Each task meets the other two in either order: at most eight outcomes.
    torch.manual_seed(seed)
    G, weighting, method = gradients(seed, T=3), aggregation.PCGradWeighting(), PCGrad()
    method.start(np.ones(3), np.random.default_rng(seed))
    mine = np.array([method.weights(np.ones(3), G @ G.T) for _ in range(200)])
    others = np.array([theirs(weighting, G) for _ in range(200)])
    distance = np.linalg.norm(mine[:, None] - others, axis=2)
    assert distance.min(axis=0).max() < 1e-10
    assert distance.min(axis=1).max() < 1e-10


@pytest.mark.parametrize("seed", SEEDS)
def test_mgda_of_two_tasks(seed):
    G = gradients(seed, T=2)
    assert_allclose(ours(MGDA(), G), theirs(aggregation.MGDAWeighting(), G), atol=1e-6)


@pytest.mark.parametrize("seed", SEEDS)
def test_mgda_is_no_longer_than_by_frank_wolfe(seed):
    G = gradients(seed)
    scale = np.linalg.norm(G) / len(G) ** 0.5
    by_steps = length(theirs(aggregation.MGDAWeighting(epsilon=1e-9, max_iters=2000), G), G)
    shortest = length(ours(MGDA(), G), G)
    assert shortest <= by_steps + 1e-6 * scale
    assert by_steps <= shortest + 0.01 * scale


@pytest.mark.parametrize("seed", SEEDS)
def test_upgrad(seed):
    pytest.importorskip("quadprog")
    pytest.importorskip("qpsolvers")
    from torchjd.linalg import QuadprogProjector

    # Both add a multiple of the identity to the Gram matrix, theirs by default a larger one.
    weighting = aggregation.UPGradWeighting(projector=QuadprogProjector(reg_eps=1e-9))
    G = gradients(seed)
    assert_allclose(ours(UPGrad(), G), theirs(weighting, G), atol=1e-5)


@pytest.mark.parametrize("c", [0.2, 0.5, 0.9])
@pytest.mark.parametrize("seed", SEEDS[:10])
def test_cagrad(seed, c):
    pytest.importorskip("clarabel")
    G = gradients(seed)
    want = theirs(aggregation.CAGradWeighting(c=c), G) @ G
    assert_allclose(ours(CAGrad(c), G) @ G, want, atol=1e-3 * np.linalg.norm(G))
