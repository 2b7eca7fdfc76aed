"""The few leading eigenvectors of a large matrix are those of a direct solver."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.decomposition import PCA

from mtlkit.transfer import SubspaceAlignment
from mtlkit.transfer._aligner import LARGE, _few, leading

M = LARGE + 40


def gram(seed, n=2 * M, power=0.5):
    X = np.random.default_rng(seed).normal(size=(n, M)) * np.arange(1, M + 1) ** -power
    return X.T @ X


MATRICES = {
    "decaying": gram(0),
    "indefinite": gram(1) - 3 * np.eye(M),
    "no decay": gram(2, power=0.0),
    "pairs of equal eigenvalues": np.kron(np.eye(2), gram(3)[: M // 2, : M // 2]),
    "all equal": np.eye(M),
    "fewer than k above zero": gram(4, n=3),
    "zero": np.zeros((M, M)),
    "tiny": 1e-200 * gram(5),
    "huge": 1e200 * gram(6),
    "in the order of Fortran": np.asfortranarray(gram(7)),
}


@pytest.mark.parametrize("k", [1, 2, 7, M // 20, M // 20 + 1])
@pytest.mark.parametrize("name", MATRICES)
def test_leading_are_those_of_the_direct_solver(name, k):
    matrix = MATRICES[name]
    before = matrix.copy()
    values, vectors = leading(matrix, k)
    assert_array_equal(matrix, before)
    direct = np.linalg.eigvalsh(matrix)[::-1]
    size = np.abs(direct).max()
    assert values.shape == (k,) and vectors.shape == (M, k)
    assert_allclose(values, direct[:k], rtol=0, atol=2e-9 * size)
    assert_allclose(vectors.T @ vectors, np.eye(k), atol=1e-10)
    scale = size or 1.0
    assert_allclose(matrix / scale @ vectors, vectors * (values / scale), atol=1e-9)
    again = leading(matrix, k)
    assert_array_equal(again[1], vectors)  # the start is no matter of chance


@pytest.mark.parametrize(
    ("name", "few"), [("decaying", True), ("zero", False), ("no decay", False)]
)
def test_iteration_where_it_pays(name, few):
    assert (_few(MATRICES[name], 10) is not None) == few


def test_an_eigenvector_that_iteration_misses_is_found(monkeypatch):
    # Steps from one vector see one direction of each eigenvalue, were it not for rounding.
    matrix = np.diag(np.r_[[9.0, 9, 9, 5, 4, 3], np.linspace(1, 0, M - 6)])
    found = _few(matrix, 4)
    if found is not None:
        assert_allclose(found[0], [9, 9, 9, 5])
    assert_allclose(leading(matrix, 4)[0], [9, 9, 9, 5])
    missed = np.array([3.0, 4, 5, 9]) / 9, np.eye(M)[:, [5, 4, 3, 0]]
    monkeypatch.setattr(
        "mtlkit.transfer._aligner.eigsh", lambda *_, **__: (missed[0].copy(), missed[1])
    )
    assert _few(matrix, 4) is None
    assert_allclose(leading(matrix, 4)[0], [9, 9, 9, 5])


def test_subspaces_of_many_features_are_those_of_pca():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3 * M, M)) * np.arange(1, M + 1) ** -0.5
    X[2 * M :] += 1
    task = np.repeat([0.0, 1.0], [2 * M, M])
    model = SubspaceAlignment(5, target=1, task_col=0).fit(np.column_stack([task, X]))
    for part, ours in ((X[task == 1], model.components_), (X[task == 0], None)):
        pca = PCA(5, svd_solver="full").fit(part)
        if ours is not None:
            own = pca.components_
            assert_allclose(np.abs((ours * own).sum(axis=1)), 1, rtol=1e-9)
    theirs = own @ pca.components_.T @ pca.components_
    signs = np.sign((model.components_ * own).sum(axis=1))
    assert_allclose(model.source_components_, signs[:, None] * theirs, atol=1e-9)
