"""Tests of the aligners: CORAL, subspace alignment, transfer component analysis."""

import os
import pickle
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.spatial.distance import pdist
from sklearn.base import clone
from sklearn.covariance import ledoit_wolf
from sklearn.decomposition import PCA, KernelPCA
from sklearn.linear_model import LogisticRegression
from sklearn.metrics.pairwise import linear_kernel, rbf_kernel
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from mtlkit.baselines import Pooled
from mtlkit.table import TaskStratifiedKFold, per_task, shared
from mtlkit.transfer import CORAL, SubspaceAlignment
from mtlkit.transfer._tca import TCA
from tests._problems import as_frame

ONE_TASK = [
    CORAL(),
    SubspaceAlignment(),
    SubspaceAlignment(1),
    TCA(),
    TCA(1),
    TCA(kernel="rbf"),
    TCA(penalty="coefficients"),
]
ALIGNERS = [
    CORAL(),
    CORAL(center=False, shrinkage=0.5),
    SubspaceAlignment(2),
    SubspaceAlignment(2, center=False),
    TCA(2, mu=0.1),
    TCA(2, mu=0.1, kernel="rbf"),
    TCA(2, mu=0.1, penalty="coefficients"),
]


def table(rows=(30, 20, 25), d=4, seed=0):
    """Array (n, 1 + d) of tasks 0, 1, 2, … in mixed order, with means and covariances apart."""
    rng = np.random.default_rng(seed)
    task = rng.permutation(np.repeat(np.arange(len(rows)), rows))
    mixing = np.eye(d) + 0.4 * rng.normal(size=(len(rows), d, d))
    X = np.einsum("ni,nij->nj", rng.normal(size=(len(task), d)), mixing[task])
    return np.column_stack([task, X + rng.normal(size=(len(rows), d))[task]])


X = table()
TARGET = X[:, 0] == 2
F = X[:, 1:]


def on(aligner, **options):
    return clone(aligner).set_params(**{"target": 2, "task_col": 0} | options)


# The rules of scikit-learn and of tables


@pytest.mark.parametrize("aligner", ONE_TASK, ids=repr)
def test_check_estimator_passes_without_a_skip(aligner):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = check_estimator(aligner, on_fail=None, on_skip=None)
    assert [result for result in results if result["status"] != "passed"] == []


@pytest.mark.parametrize("aligner", ALIGNERS, ids=repr)
def test_frames_come_out_as_frames(aligner):
    frame = as_frame(X).set_axis(np.arange(len(X)) % 7)
    frame = frame[["a", "task", "b", "c", "d"]]
    fitted = on(aligner, target="t2", task_col="task").fit(frame)
    Z = fitted.transform(frame)
    assert_array_equal(Z.index, frame.index)
    assert_array_equal(Z["task"], frame["task"])
    assert_array_equal(Z.columns, fitted.get_feature_names_out())
    name = type(aligner).__name__.lower()
    new = list("abcd") if name == "coral" else [f"{name}0", f"{name}1"]
    assert list(Z.columns) == [new[0], "task", *new[1:]]
    plain = on(aligner).fit_transform(X)
    assert_array_equal(plain[:, 0], X[:, 0])
    assert_allclose(Z.drop(columns="task"), plain[:, 1:], atol=1e-12)


def test_strings_in_an_array_and_pandas_output():
    strings = X.astype(object)
    strings[:, 0] = [f"t{t:.0f}" for t in X[:, 0]]
    Z = SubspaceAlignment(2, target="t2", task_col=0).fit_transform(strings)
    assert_allclose(Z[:, 1:].astype(float), on(SubspaceAlignment(2)).fit_transform(X)[:, 1:])
    frame = on(TCA(2)).set_output(transform="pandas").fit_transform(X)
    assert list(frame.columns) == ["task", "tca0", "tca1"]


@pytest.mark.parametrize("aligner", ALIGNERS, ids=repr)
def test_rows_are_mapped_one_by_one_and_new_ones_too(aligner):
    fitted = on(aligner).fit(X)
    whole = fitted.transform(X)
    parts = [fitted.transform(X[i : i + 1]) for i in range(0, len(X), 9)]
    assert_allclose(np.vstack(parts), whole[::9], atol=1e-10)
    assert_allclose(pickle.loads(pickle.dumps(fitted)).transform(X), whole)
    new = table(seed=5)
    assert fitted.transform(new).shape == (len(new), whole.shape[1])


@pytest.mark.parametrize("aligner", ALIGNERS, ids=repr)
def test_labels_are_never_used(aligner):
    y = np.random.default_rng(0).integers(2, size=len(X)).astype(float)
    y[TARGET] = np.nan
    assert_array_equal(on(aligner).fit_transform(X, y), on(aligner).fit_transform(X))


@pytest.mark.parametrize("aligner", ALIGNERS, ids=repr)
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1000))
def test_the_order_of_rows_and_the_names_of_tasks_do_not_matter(aligner, seed):
    rows = np.random.default_rng(seed).permutation(len(X))
    Z = on(aligner).fit_transform(X)
    assert_allclose(on(aligner).fit_transform(X[rows]), Z[rows], atol=1e-8)
    renamed = X.copy()
    renamed[:, 0] = np.array([5, 7, 3])[X[:, 0].astype(int)]  # now the target is the first task
    W = on(aligner, target=3).fit_transform(renamed)
    assert_allclose(W[:, 1:], Z[:, 1:], atol=1e-8)


@pytest.mark.parametrize("aligner", ALIGNERS, ids=repr)
def test_of_equal_domains_the_source_is_mapped_as_the_target(aligner):
    double = np.r_[np.c_[np.zeros(len(F)), F], np.c_[np.full(len(F), 2), F]]
    Z = on(aligner).fit_transform(double)[:, 1:]
    assert_allclose(Z[: len(F)], Z[len(F) :], atol=1e-8)
    if isinstance(aligner, CORAL):
        assert_allclose(Z[: len(F)], F, atol=1e-10)
    if isinstance(aligner, SubspaceAlignment):
        alone = clone(aligner).fit_transform(F)
        assert_allclose(Z[: len(F)], alone, atol=1e-8)


def test_several_sources_are_one_domain():
    merged = X.copy()
    merged[X[:, 0] == 1, 0] = 0
    for aligner in ALIGNERS:
        assert_allclose(
            on(aligner).fit_transform(X)[:, 1:], on(aligner).fit_transform(merged)[:, 1:]
        )


@pytest.mark.parametrize("aligner", ALIGNERS, ids=repr)
def test_errors(aligner):
    with pytest.raises(ValueError, match=r"tasks \[1.0\] are neither source nor target"):
        on(aligner, source=0).fit(X)
    known = X[X[:, 0] != 1]
    with pytest.raises(ValueError, match=r"tasks \[1.0\] were not seen in fit .* neither source"):
        on(aligner).fit(known).transform(X)
    with pytest.raises(ValueError, match=r"target=9 is not a task in column 0"):
        on(aligner, target=9).fit(X)
    with pytest.raises(ValueError, match=r"n_samples=1 in the source: .* at least two rows"):
        on(aligner).fit(np.r_[X[TARGET], X[~TARGET][:1]])
    with pytest.raises(ValueError, match=r"n_samples=1 in the target"):
        on(aligner).fit(np.r_[X[~TARGET], X[TARGET][:1]])
    assert on(aligner).fit(X).transform(X[TARGET]).shape[0] == TARGET.sum()


@pytest.mark.parametrize(
    ("aligner", "message"),
    [
        (CORAL(shrinkage="yes"), "shrinkage='yes' is unknown: use 'auto'"),
        (CORAL(shrinkage=2), "shrinkage=2"),
        (SubspaceAlignment(5), "n_components=5 must be at most 4, for n_features=4 and n_samples"),
        (SubspaceAlignment(0), "n_components=0"),
        (TCA(5), "n_components=5 must be at most 4, for n_samples=75 and n_features=4"),
        (TCA(80, kernel="rbf"), "n_components=80 must be at most 75"),
        (TCA(mu=0), "mu=0"),
        (TCA(gamma=-1), "gamma=-1"),
        (TCA(kernel="poly"), "kernel='poly' is unknown"),
        (TCA(penalty="l1"), "penalty='l1' is unknown"),
    ],
)
def test_errors_of_parameters(aligner, message):
    with pytest.raises(ValueError, match=message):
        on(aligner).fit(X)


def test_a_task_column_that_finds_no_place_is_told():
    middle = X[:, [1, 2, 3, 0, 4]]
    with pytest.raises(ValueError, match=r"task_col=3 is out of range after TCA.* 2 columns"):
        TCA(2, target=2, task_col=3).fit_transform(middle)


def test_in_a_search_over_a_pipeline():
    y = (F[:, 0] > 0).astype(float)
    frame = as_frame(X)
    pipeline = make_pipeline(
        per_task(StandardScaler(), "task"),
        TCA(target="t2", task_col="task"),
        Pooled(LogisticRegression(), task_col="task"),
    )
    folds = TaskStratifiedKFold(3, task_col="task")
    grid = {"tca__n_components": [1, 3], "tca__mu": [0.1, 10]}
    search = GridSearchCV(pipeline, grid, cv=folds, error_score="raise").fit(frame, y)
    assert search.best_score_ > 0.7
    assert isinstance(search.best_estimator_[:-1].transform(frame), pd.DataFrame)


# CORAL


@pytest.mark.parametrize("shrinkage", [None, "auto", 0.2])
def test_coral_gives_the_source_the_moments_of_the_target(shrinkage):
    Z = on(CORAL(shrinkage=shrinkage)).fit_transform(X)[:, 1:]
    assert_array_equal(Z[TARGET], F[TARGET])
    assert_allclose(Z[~TARGET].mean(axis=0), F[TARGET].mean(axis=0))
    if shrinkage is None:
        assert_allclose(np.cov(Z[~TARGET].T, bias=True), np.cov(F[TARGET].T, bias=True), atol=1e-10)


def root(C, power):
    return np.real(scipy.linalg.fractional_matrix_power(C, power))


def test_the_papers_formula_is_shrinkage_one_half_on_standardised_features():
    S, T = (StandardScaler().fit_transform(part) for part in (F[~TARGET], F[TARGET]))
    standard = np.column_stack([X[:, 0], F])
    standard[~TARGET, 1:], standard[TARGET, 1:] = S, T
    covariances = [np.cov(part.T, bias=True) + np.eye(4) for part in (S, T)]
    by_hand = S @ root(covariances[0], -0.5) @ root(covariances[1], 0.5)
    for center in [True, False]:
        ours = on(CORAL(shrinkage=0.5, center=center)).fit_transform(standard)
        assert_allclose(ours[~TARGET, 1:], by_hand, atol=1e-10)


def test_coral_shrinks_by_ledoit_and_wolf_on_standardised_features():
    covariances = []
    for part in (F[~TARGET], F[TARGET]):
        scale = part.std(axis=0)
        covariances.append(ledoit_wolf(part / scale)[0] * scale * scale[:, None])
    by_hand = root(covariances[0], -0.5) @ root(covariances[1], 0.5)
    assert_allclose(on(CORAL()).fit(X).coef_, by_hand, atol=1e-10)


def test_coral_without_means_moves_by_the_matrix_alone():
    fitted = on(CORAL(center=False)).fit(X)
    assert_allclose(fitted.transform(X)[~TARGET, 1:], F[~TARGET] @ fitted.coef_)
    assert_allclose(fitted.coef_, on(CORAL()).fit(X).coef_)


def test_coral_with_a_feature_that_is_constant():
    constant = np.column_stack([X, np.full(len(X), 3.0)])
    assert np.isfinite(on(CORAL()).fit_transform(constant)).all()
    with pytest.raises(ValueError, match=r"covariance of the source is singular.*'auto'"):
        on(CORAL(shrinkage=None)).fit(constant)
    wide = table(rows=(5, 0, 6), d=20)
    assert_allclose(on(CORAL()).fit_transform(wide)[:5].shape, (5, 21))


def test_coral_of_one_task_is_the_identity():
    assert_array_equal(CORAL().fit_transform(F), F)


# Subspace alignment


@pytest.mark.parametrize("d", [4, 40])
@pytest.mark.parametrize("k", [1, 3])
def test_subspace_alignment_by_a_few_lines(d, k):
    wide = table(d=d)
    S, T = wide[~TARGET, 1:], wide[TARGET, 1:]
    P, Q = (PCA(k, svd_solver="full").fit(part).components_.T for part in (S, T))
    Q = Q * np.sign(Q[np.abs(Q).argmax(axis=0), np.arange(k)])
    for center in [True, False]:
        means = [part.mean(axis=0) if center else 0 for part in (S, T)]
        Z = on(SubspaceAlignment(k, center=center)).fit_transform(wide)[:, 1:]
        assert_allclose(Z[~TARGET], (S - means[0]) @ P @ P.T @ Q, atol=1e-9)
        assert_allclose(Z[TARGET], (T - means[1]) @ Q, atol=1e-9)


def test_with_all_components_only_the_means_are_aligned():
    Z = on(SubspaceAlignment()).fit_transform(X)[:, 1:]
    moved = F - np.where(TARGET[:, None], F[TARGET].mean(axis=0), F[~TARGET].mean(axis=0))
    assert_allclose(pdist(Z), pdist(moved))


@pytest.mark.parametrize("d", [3, 50])
def test_subspace_alignment_of_one_task_is_pca(d):
    rows = table(d=d)[:, 1:]
    ours, theirs = SubspaceAlignment(2).fit_transform(rows), PCA(2).fit_transform(rows)
    assert_allclose(np.abs(ours), np.abs(theirs), atol=1e-8)


# TCA


def contrast(target):
    e = np.where(target, -1 / target.sum(), 1 / (~target).sum())
    return e / np.linalg.norm(e)


def general_solution(K, target, mu, k, penalty):
    """Values and embedding of Pan et al.'s problem by a solver for two symmetric matrices.

    K, or K² with the penalty on coefficients, is R Rᵀ with R of full rank.
    """
    n, e = len(K), contrast(target)
    values, vectors = np.linalg.eigh(K)
    kept = values > 1e-12 * values[-1]
    R = vectors[:, kept] * values[kept] ** (1 if penalty == "coefficients" else 0.5)
    H = np.eye(n) - 1 / n
    values, W = scipy.linalg.eigh(R.T @ H @ R, R.T @ np.outer(e, e) @ R / mu + np.eye(R.shape[1]))
    return values[::-1][:k], H @ R @ W[:, ::-1][:, :k]


def rounding(K, target, mu, penalty):
    """Relative error of `general_solution`: eps times the condition of the matrix it inverts."""
    e = contrast(target)
    return np.finfo(float).eps * (1 + e @ (K @ K if penalty == "coefficients" else K) @ e / mu)


def test_the_general_solution_is_that_of_pan_et_al():
    K, e, H = rbf_kernel(F, gamma=0.3), contrast(TARGET), np.eye(len(F)) - 1 / len(F)
    L = np.outer(e, e)
    for penalty, held in [("coefficients", np.eye(len(F))), ("norm", K)]:
        values = scipy.linalg.eigh(K @ H @ K, K @ L @ K / 0.2 + held)[0][::-1][:5]
        assert_allclose(general_solution(K, TARGET, 0.2, 5, penalty)[0], values, rtol=1e-6)


@pytest.mark.parametrize("penalty", ["norm", "coefficients"])
@pytest.mark.parametrize("kernel", ["linear", "rbf"])
@pytest.mark.parametrize("d", [4, 120])
@pytest.mark.parametrize("mu", [1e-3, 1, 1e4])
def test_tca_solves_the_general_eigenproblem(penalty, kernel, d, mu):
    rows = table(d=d)
    features = rows[:, 1:]
    gamma = 1 / np.median(pdist(features)) ** 2 if kernel == "rbf" else None
    K = rbf_kernel(features, gamma=gamma) if gamma else linear_kernel(features)
    fitted = on(TCA(3, mu=mu, kernel=kernel, gamma=gamma, penalty=penalty)).fit(rows)
    values, Z = general_solution(K, TARGET, mu, 3, penalty)
    ours = fitted.transform(rows)[:, 1:]
    error = max(1e-12, 100 * rounding(K, TARGET, mu, penalty))
    assert error < 2e-3
    assert_allclose(fitted.eigenvalues_, values, rtol=error)
    assert_allclose(ours * np.sign((ours * Z).sum(axis=0)), Z, atol=error * np.abs(Z).max())
    assert_allclose(ours.mean(axis=0), 0, atol=1e-9 * np.abs(Z).max())
    # The components are orthogonal, with the scatter that `eigenvalues_` gives.
    assert_allclose(ours.T @ ours, np.diag(fitted.eigenvalues_), atol=1e-12 * values[0])


def test_the_objective_by_its_own_words():
    fitted = on(TCA(4, mu=0.5)).fit(X)
    S = np.cov(F.T, bias=True) * len(F)
    b = contrast(TARGET) @ F
    gap = F[~TARGET].mean(axis=0) - F[TARGET].mean(axis=0)
    B = np.outer(gap, gap) * (~TARGET).sum() * TARGET.sum() / len(F)
    assert_allclose(np.outer(b, b), B)
    A = fitted.components_.T
    held = np.eye(4) + B / 0.5
    assert_allclose(A.T @ held @ A, np.eye(4), atol=1e-10)
    assert_allclose(S @ A, held @ A * fitted.eigenvalues_, atol=1e-9)


@pytest.mark.parametrize("penalty", ["norm", "coefficients"])
@pytest.mark.parametrize("d", [73, 74, 75, 76, 80])
def test_the_smaller_problem_gives_the_same(penalty, d):
    """At most 75 features: d × d; more: n × n."""
    rows = table(d=d)
    Z = on(TCA(5, mu=0.1, penalty=penalty)).fit_transform(rows)[:, 1:]
    K = rows[:, 1:] @ rows[:, 1:].T
    _, by_hand = general_solution(K, TARGET, 0.1, 5, penalty)
    error = max(1e-12, 300 * rounding(K, TARGET, 0.1, penalty))
    assert_allclose(pdist(Z), pdist(by_hand), rtol=error)  # as exact as the general solver
    padded = np.column_stack([rows, np.zeros((75, 10))])  # more than n: the other way
    assert_allclose(
        pdist(on(TCA(5, mu=0.1, penalty=penalty)).fit_transform(padded)[:, 1:]), pdist(Z), rtol=1e-8
    )


@pytest.mark.parametrize("d", [4, 100])
def test_without_a_difference_to_remove_it_is_pca(d):
    rows = table(d=d)
    theirs = PCA(3, svd_solver="full").fit_transform(rows[:, 1:])
    alone = TCA(3).fit_transform(rows[:, 1:])
    assert_allclose(np.abs(alone), np.abs(theirs), atol=1e-8)
    free = on(TCA(3, mu=1e12)).fit_transform(rows)[:, 1:]
    assert_allclose(np.abs(free), np.abs(theirs), atol=1e-6)


def test_of_one_task_it_is_kernel_pca_for_new_rows_too():
    theirs = KernelPCA(3, kernel="rbf", gamma=0.2).fit(F[:50])
    ours = TCA(3, kernel="rbf", gamma=0.2).fit(F[:50])
    assert_allclose(np.abs(ours.transform(F)), np.abs(theirs.transform(F)), atol=1e-8)


@settings(max_examples=20, deadline=None)
@given(st.floats(1e-4, 1e4), st.floats(1e-4, 1e4))
def test_a_smaller_mu_brings_the_means_nearer_relative_to_spread(a, b):
    gaps = []
    for mu in sorted([a, b]):
        Z = on(TCA(1, mu=mu)).fit_transform(X)[:, 1]
        gaps.append(abs(Z[TARGET].mean() - Z[~TARGET].mean()) / Z.std())
    assert gaps[0] <= gaps[1] + 1e-9


def test_of_rows_that_are_all_alike_to_the_kernel():
    """Equal eigenvalues, of which LAPACK finds not all when it is asked for some."""
    Z = on(TCA(3, kernel="rbf", gamma=1e6)).fit_transform(X)[:, 1:]
    assert_allclose(Z.T @ Z, np.eye(3), atol=1e-8)


@pytest.mark.parametrize("kernel", ["linear", "rbf"])
def test_source_and_target_play_the_same_part(kernel):
    one = on(TCA(2, kernel=kernel)).fit_transform(X[X[:, 0] != 1])
    other = on(TCA(2, kernel=kernel), target=0).fit_transform(X[X[:, 0] != 1])
    assert_allclose(one, other, atol=1e-9)


@pytest.mark.parametrize("aligner", [TCA(), TCA(penalty="coefficients"), TCA(kernel="rbf")])
def test_components_without_spread_are_zero(aligner):
    flat = X.copy()
    flat[:, 4] = 2.0
    flat[:, 3] = flat[:, 2]
    for d in (4, 100):
        rows = np.column_stack([flat, np.ones((75, d - 4))])
        Z = on(aligner).fit_transform(rows)[:, 1:]
        assert np.isfinite(Z).all()
        if aligner.kernel == "linear":
            assert_array_equal(Z[:, 2:], 0)


# Published figures


@pytest.fixture(scope="module")
def digits():
    """USPS and MNIST as Long et al. (2013) use them, each row of length 1, and 1-NN's accuracy."""
    path = Path(os.environ.get("MTLKIT_DATA", "")) / "mnist_usps.npz"
    if "MTLKIT_DATA" not in os.environ or not path.is_file():
        pytest.skip("mnist_usps.npz is not in the folder that MTLKIT_DATA names")
    with np.load(path) as data:
        features = {"MNIST": data["Xs"], "USPS": data["Xt"]}
        y = np.concatenate([data["ys"].ravel(), data["yt"].ravel()])
    rows = np.concatenate(list(features.values())).astype(float)
    frame = pd.DataFrame(rows / np.linalg.norm(rows, axis=1, keepdims=True))
    frame = frame.rename(columns=str)
    frame.insert(0, "task", np.repeat(list(features), [len(part) for part in features.values()]))
    assert frame["task"].value_counts().to_dict() == {"MNIST": 2000, "USPS": 1800}

    def accuracy(aligner, target):
        Z = aligner.fit_transform(frame)
        is_target, Z = (Z["task"] == target).to_numpy(), Z.drop(columns="task").to_numpy()
        model = KNeighborsClassifier(1).fit(Z[~is_target], y[~is_target])
        return round(100 * model.score(Z[is_target], y[is_target]), 2)

    return accuracy


@pytest.mark.parametrize(("target", "nn", "pca"), [("MNIST", 44.70, 44.95), ("USPS", 65.94, 66.22)])
def test_published_without_transfer(digits, target, nn, pca):
    assert digits(shared(FunctionTransformer(), "task"), target) == nn
    assert digits(shared(PCA(100, svd_solver="full"), "task"), target) == pca


@pytest.mark.parametrize(("target", "published"), [("MNIST", 51.05), ("USPS", 56.28)])
def test_published_tca(digits, target, published):
    """Long et al. (2013): 100 components, their λ = 0.1, the primal form."""
    assert digits(TCA(100, mu=0.1, target=target, task_col="task"), target) == published


@pytest.mark.parametrize(("target", "published"), [("MNIST", 48.80), ("USPS", 67.78)])
def test_published_subspace_alignment(digits, target, published):
    """Zhang, Li and Ogunbona (CVPR 2017): 100 components, rows not centred."""
    aligner = SubspaceAlignment(100, center=False, target=target, task_col="task")
    assert digits(aligner, target) == published
