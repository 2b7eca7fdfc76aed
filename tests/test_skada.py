"""CORAL, subspace alignment and TCA beside skada's on the same rows; only where it is installed."""

import importlib

import numpy as np
import pytest
import scipy.linalg
import sklearn
from numpy.testing import assert_allclose
from sklearn.neighbors import KNeighborsClassifier

from mtlkit.transfer import CORAL, SubspaceAlignment
from mtlkit.transfer._tca import TCA

N_SOURCE, N_TARGET, D, K = 90, 70, 12, 4


@pytest.fixture(scope="module")
def skada():
    """The package; what its import sets for the whole process is put back."""
    before = sklearn.get_config()
    try:
        pytest.importorskip("skada", reason="skada is not installed")
        yield importlib.import_module("skada")
    finally:
        sklearn.set_config(**before)


def problem(n_source=N_SOURCE, n_target=N_TARGET, d=D, seed=0):
    """Rows of both domains, which are source, and classes.

    The source comes first: their TCA gives its rows in this order, whatever that of the input.
    """
    rng = np.random.default_rng(seed)
    source = np.arange(n_source + n_target) < n_source
    y = rng.integers(3, size=len(source))
    X = rng.normal(size=(len(y), d)) @ rng.normal(size=(d, d)) + 4 * rng.normal(size=(3, d))[y]
    X[~source] = X[~source] @ (np.eye(d) + 0.3 * rng.normal(size=(d, d))) + rng.normal(size=d)
    return X, source, y


def ours(aligner, X, source):
    table = np.column_stack([np.where(source, 1, 2), X])
    return aligner.set_params(target=2, task_col=0).fit_transform(table)[:, 1:]


def theirs(adapter, X, source):
    return adapter.fit_transform(X, sample_domain=np.where(source, 1, -2))


def predicted(Z, source, y):
    return KNeighborsClassifier(1).fit(Z[source], y[source]).predict(Z[~source])


def assert_same_space(A, B, atol=1e-7):
    """The columns span the same space, an offset aside: each is a linear function of the other."""
    A, B = A - A.mean(axis=0), B - B.mean(axis=0)
    for target, given in [(A, B), (B, A)]:
        fitted = given @ np.linalg.lstsq(given, target)[0]
        assert_allclose(fitted, target, atol=atol * np.abs(target).max())


@pytest.mark.parametrize("shrinkage", ["auto", None, 0.3])
@pytest.mark.parametrize("d", [D, 100])
def test_coral(skada, d, shrinkage):
    if d == 100 and shrinkage is None:
        pytest.skip("the covariance is singular: ours says so, theirs divides by 0")
    X, source, y = problem(d=d)
    A = ours(CORAL(shrinkage=shrinkage), X, source)
    B = theirs(skada._mapping.CORALAdapter(reg=shrinkage), X, source)
    assert_allclose(A, B + X[~source].mean(axis=0), atol=1e-7 * np.abs(A).max())
    assert (predicted(A, source, y) == predicted(B, source, y)).all()


@pytest.mark.parametrize("d", [D, 100])
def test_subspace_alignment(skada, d):
    X, source, y = problem(d=d)
    A = ours(SubspaceAlignment(K), X, source)
    B = theirs(skada._subspace.SubspaceAlignmentAdapter(n_components=K), X, source)
    signs = np.sign((A * B).sum(axis=0))
    assert_allclose(A, B * signs, atol=1e-8 * np.abs(A).max())
    assert (predicted(A, source, y) == predicted(B, source, y)).all()


def any_eigenvectors(matrix):
    values, vectors = scipy.linalg.eig(matrix)
    return values.real, vectors.real


@pytest.mark.parametrize("kernel", ["linear", "rbf"])
@pytest.mark.parametrize("d", [D, 200])
@pytest.mark.parametrize("mu", [0.1, 10.0])
def test_tca(skada, kernel, d, mu, monkeypatch):
    """They hand a matrix that is not symmetric to `eigh`, which reads the lower triangle alone.

    With a solver for any matrix in its place we agree.
    """
    X, source, y = problem(d=d)
    X /= X.std()
    ratio = 1 / source.sum() + 1 / (~source).sum()
    tca = TCA(K, mu=1 / mu / ratio, kernel=kernel, penalty="coefficients")
    A = ours(tca, X, source)
    adapter = skada._subspace.TransferComponentAnalysisAdapter
    monkeypatch.setattr(np.linalg, "eigh", any_eigenvectors)
    B = theirs(adapter(n_components=K, kernel=kernel, mu=mu), X, source)
    if kernel == "rbf":
        assert tca.gamma is None  # 1 / d, as theirs
    assert_same_space(A, B)
    B = B * np.linalg.norm(A - A.mean(axis=0), axis=0) / np.linalg.norm(B - B.mean(axis=0), axis=0)
    assert (predicted(A, source, y) == predicted(B, source, y)).all()


@pytest.mark.parametrize("kernel", ["linear", "rbf"])
def test_tca_where_the_means_are_equal(skada, kernel):
    """Then theirs is symmetric and is right as it is: so are we."""
    X, _, y = problem(d=D)
    X /= np.abs(X).max()
    X, y, source = np.r_[X, X], np.r_[y, y], np.arange(2 * len(X)) < len(X)
    A = ours(TCA(K, kernel=kernel, penalty="coefficients"), X, source)
    B = theirs(
        skada._subspace.TransferComponentAnalysisAdapter(n_components=K, kernel=kernel), X, source
    )
    assert_same_space(A, B)
    assert_allclose(np.abs(A), np.abs(B - B.mean(axis=0)), atol=1e-8 * np.abs(A).max())
