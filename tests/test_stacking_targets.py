"""Tests of wide targets: the long table of one X, kept once, is that of T copies."""

import pickle
import re
import tracemalloc

import cvxpy as cp
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.base import clone
from sklearn.linear_model import MultiTaskLasso, Ridge
from sklearn.model_selection import KFold, cross_val_score, train_test_split

from mtlkit._utils._containers import as_table
from mtlkit.baselines import PerTask
from mtlkit.evaluation import compare
from mtlkit.linear import (
    EmpiricalBayesRidge,
    JointSupport,
    LowRank,
    MeanRegularizedRidge,
    MultiTaskLinearRegression,
    MultiTaskLogisticRegression,
    TaskMoments,
    regularization_path,
)
from mtlkit.linear._blocks import SameRows
from mtlkit.linear._losses import squared_loss
from mtlkit.linear._solver import coordinate_descent
from mtlkit.table import read_table, stack_targets
from mtlkit.transfer import BiasedRidge
from tests._problems import assert_same_moments, tolerance

JOINT = MultiTaskLinearRegression(JointSupport(), 8.0, task_col=0, tol=1e-13)
SQUARED = {
    "joint": JOINT,
    "joint, no intercept": clone(JOINT).set_params(fit_intercept=False),
    "joint, balanced": clone(JOINT).set_params(task_weight="tasks"),
    "low rank": clone(JOINT).set_params(penalty=LowRank()),
    "mean": MeanRegularizedRidge(task_col=0),
    "mean, no intercept": MeanRegularizedRidge(task_col=0, fit_intercept=False),
    "empirical Bayes": EmpiricalBayesRidge(task_col=0),
    "biased": BiasedRidge(task_col=0, source=[0, 1]),
    "per task": PerTask(Ridge(), task_col=0),
}
SIZES = {"many rows": (60, 7), "few rows": (25, 90)}


def problem(n, d, T=4, holes=0.0, seed=0, shift=2.0):
    """X (n, d) and Y (n, T) with a share of holes, four features that matter."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)) + shift
    Y = X[:, :4] @ rng.normal(size=(min(d, 4), T)) + 0.5 * rng.normal(size=(n, T))
    Y[rng.random(Y.shape) < holes] = np.nan
    return X, Y


def by_hand(X, Y):
    """The long table with T copies of X, without holes."""
    parts = [np.column_stack([np.full(len(X), t), X])[~np.isnan(y)] for t, y in enumerate(Y.T)]
    return np.concatenate(parts), np.concatenate([y[~np.isnan(y)] for y in Y.T])


@pytest.mark.parametrize("holes", [0.0, 0.3])
def test_written_out_it_is_the_long_table(holes):
    X, Y = problem(20, 5, holes=holes)
    table, y = stack_targets(X, Y)
    long, target = by_hand(X, Y)
    assert table.features is X
    assert table.shape == long.shape and len(table) == len(long) and table.ndim == 2
    np.testing.assert_array_equal(np.asarray(table), long)
    np.testing.assert_array_equal(y, target)
    np.testing.assert_array_equal(np.asarray(table, dtype=np.float32), long.astype(np.float32))
    features, task = read_table(table, 0)
    np.testing.assert_array_equal(features, long[:, 1:])
    np.testing.assert_array_equal(task, long[:, 0])
    rows = np.random.default_rng(1).permutation(len(y))[:9]
    for key in (rows, rows.tolist(), slice(3, 8), y > 0, (rows, ...)):
        part = key[0] if isinstance(key, tuple) else key
        np.testing.assert_array_equal(np.asarray(table[key]), long[part])
        assert table[key].features is X
    again = pickle.loads(pickle.dumps(table))
    np.testing.assert_array_equal(np.asarray(again), long)


@pytest.mark.parametrize("key", [0, (slice(None), 0), (slice(None), [0, 1]), None])
def test_columns_and_single_rows_are_not_taken(key):
    table, _ = stack_targets(*problem(5, 3))
    with pytest.raises(IndexError, match=r"indexed by rows: slice, mask or positions\. For colum"):
        table[key]


@pytest.mark.parametrize("name", SQUARED)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("holes", [0.0, 0.3])
@pytest.mark.parametrize("weighted", [False, True])
def test_it_is_fitted_as_the_long_table_is(name, size, holes, weighted):
    X, Y = problem(*SIZES[size], holes=holes)
    (table, y), (long, _) = stack_targets(X, Y), by_hand(X, Y)
    weight = np.random.default_rng(0).uniform(0.5, 2, len(y)) if weighted else None
    ours, same = (clone(SQUARED[name]).fit(Z, y, sample_weight=weight) for Z in (table, long))
    scale = np.abs(y).max()
    np.testing.assert_allclose(ours.predict(table), same.predict(long), atol=1e-8 * scale)
    np.testing.assert_allclose(ours.predict(long), same.predict(table), atol=1e-8 * scale)
    np.testing.assert_allclose(ours.score(table, y), same.score(long, y), atol=1e-8)
    if hasattr(same, "coef_"):
        np.testing.assert_allclose(ours.coef_, same.coef_, atol=1e-8 * scale)
        np.testing.assert_allclose(ours.intercept_, same.intercept_, atol=1e-8 * scale)
    if hasattr(same, "moments_"):
        assert_same_moments(ours.moments_, same.moments_, rtol=1e-10, atol=1e-9)


@pytest.mark.parametrize("share", [0.5, 0.1, 0.02])
@pytest.mark.parametrize("fit_intercept", [False, True])
@pytest.mark.parametrize("n", [30, 200])
def test_it_is_the_multi_task_lasso_of_scikit_learn(share, fit_intercept, n):
    X, Y = problem(n, 120, T=6)
    centred = [Z - Z.mean(axis=0) * fit_intercept for Z in (X, Y)]
    alpha = share * np.linalg.norm(2 * centred[0].T @ centred[1], axis=1).max()
    ours = MultiTaskLinearRegression(
        JointSupport(), alpha, task_col=0, fit_intercept=fit_intercept, tol=1e-12
    ).fit(*stack_targets(X, Y))
    peer = MultiTaskLasso(
        alpha / (2 * n), fit_intercept=fit_intercept, tol=1e-12, max_iter=100_000
    ).fit(X, Y)

    def objective(W, b):
        return ((Y - X @ W.T - b) ** 2).sum() + alpha * np.linalg.norm(W, axis=0).sum()

    best = objective(peer.coef_, peer.intercept_)
    np.testing.assert_allclose(objective(ours.coef_, ours.intercept_), best, rtol=1e-9)
    np.testing.assert_allclose(ours.objective_, best, rtol=1e-9)
    np.testing.assert_allclose(ours.coef_, peer.coef_, atol=2e-4 * np.abs(peer.coef_).max())


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("fit_intercept", [False, True])
def test_with_holes_a_general_solver_finds_the_same_minimum(size, fit_intercept):
    X, Y = problem(*SIZES[size], holes=0.4, shift=0.5)
    T, d = Y.shape[1], X.shape[1]
    W, b = cp.Variable((T, d)), cp.Variable(T)
    there = ~np.isnan(Y)
    left = np.where(there, Y, 0) - cp.multiply(
        there, X @ W.T + (np.ones((len(X), 1)) @ cp.reshape(b, (1, T), "C"))
    )
    program = cp.Problem(
        cp.Minimize(cp.sum_squares(left) + 8 * cp.sum(cp.norm(W, 2, axis=0))),
        [] if fit_intercept else [b == 0],
    )
    program.solve(cp.CLARABEL)
    model = clone(JOINT).set_params(fit_intercept=fit_intercept).fit(*stack_targets(X, Y))
    np.testing.assert_allclose(model.objective_, program.value, rtol=1e-6)


def test_coordinate_descent_takes_over_where_many_features_are_used():
    """A dense solution among correlated features, from zero and from a solution nearby."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 300)) + rng.normal(size=(80, 1))
    Y = X @ rng.normal(size=(300, 3))
    table, y = stack_targets(1e12 * X, 1e-9 * Y)  # in single precision squares are out of range
    alpha = 0.02 * 2e3 * np.linalg.norm(X.T @ Y, axis=1).max()
    model = MultiTaskLinearRegression(JointSupport(), alpha, task_col=0, fit_intercept=False)
    model.set_params(tol=1e-9, warm_start=True).fit(table, y)
    loss = squared_loss(model._seen, model._balance, False)
    assert isinstance(loss.rows, SameRows)
    assert JointSupport()._own_solver(loss) is coordinate_descent
    assert model.support_.sum() > 80
    peer = MultiTaskLasso(1e-3 * alpha / 160, fit_intercept=False, tol=1e-12, max_iter=100_000)
    coef = peer.fit(X, Y).coef_
    np.testing.assert_allclose(1e21 * model.coef_, coef, atol=1e-3 * np.abs(coef).max())
    assert model.dual_gap_ <= 1e-9 * loss.yy
    first = model.n_iter_
    model.set_params(alpha=1.01 * alpha).fit(table, y)
    assert model.dual_gap_ <= 1e-9 * loss.yy and model.n_iter_ < first


def test_a_derived_penalty_keeps_its_own_proximal_step():
    class Weighted(JointSupport):
        def feature_norms(self, G):
            return super().feature_norms(G) * np.linspace(1, 2, G.shape[1])

    loss = squared_loss(
        MultiTaskLinearRegression(task_col=0).fit(*stack_targets(*problem(20, 60)))._seen,
        lambda n, tasks: np.ones(len(n)),
        True,
    )
    assert JointSupport()._own_solver(loss) is coordinate_descent
    assert Weighted()._own_solver(loss) is None


def test_few_steps_are_told():
    X, Y = problem(40, 200)
    with pytest.warns(UserWarning, match="the duality gap is"):
        model = clone(JOINT).set_params(max_iter=1, alpha=0.1).fit(*stack_targets(X, Y))
    assert model.n_iter_ <= 3


@pytest.mark.parametrize("n", [2000, 300])
@pytest.mark.parametrize("holes", [0.0, 0.1])
def test_features_are_not_copied_for_every_task(n, holes):
    T, d = 40, 50 if n == 2000 else 400
    X, Y = problem(n, d, T=T, holes=holes)
    model = MultiTaskLinearRegression(JointSupport(), 100.0, task_col=0, tol=1e-3)
    tracemalloc.start()
    table, y = stack_targets(X, Y)
    assert tracemalloc.get_traced_memory()[1] < 8 * Y.nbytes
    tracemalloc.reset_peak()
    model.fit(table, y).predict(table)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    moments = 8 * T * d * d if n == 2000 and holes else 0  # each task has its own
    assert peak < 6 * X.nbytes + 30 * Y.nbytes + 3 * moments
    assert peak < T * X.nbytes / 2 + 3 * moments


def test_complete_targets_have_one_gram_matrix():
    table, y = stack_targets(*problem(60, 7))
    model = MeanRegularizedRidge(task_col=0).fit(table, y)
    assert model.moments_.one_gram and model.moments_.about_zero().one_gram
    assert not model.moments_.scaled(np.arange(1.0, 5)).one_gram
    assert not MeanRegularizedRidge(task_col=0).fit(np.asarray(table), y).moments_.one_gram


@pytest.mark.parametrize("name", ["joint", "mean", "empirical Bayes"])
def test_parts_add_up(name):
    X, Y = problem(80, 5, holes=0.2)
    Y[:40, 3] = np.nan  # a task of the second part alone
    halves = [stack_targets(X[:40], Y[:40, :3]), stack_targets(X[40:], Y[40:])]
    model = clone(SQUARED[name])
    for table, y in halves:
        model.partial_fit(table, y)
    whole = clone(SQUARED[name]).fit(*stack_targets(X, Y))
    np.testing.assert_allclose(model.coef_, whole.coef_, atol=1e-6)


@pytest.mark.filterwarnings("ignore:no candidate is")
def test_splits_take_rows_and_keep_the_features():
    X, Y = problem(60, 6, holes=0.2)
    (table, y), (long, _) = stack_targets(X, Y), by_hand(X, Y)
    folds = KFold(4, shuffle=True, random_state=0)
    for model in (clone(JOINT), SQUARED["per task"]):
        ours, same = (cross_val_score(model, Z, y, cv=folds) for Z in (table, long))
        np.testing.assert_allclose(ours, same, rtol=1e-8)
    train, test, y_train, y_test = train_test_split(table, y, random_state=0)
    assert train.features is X
    assert clone(JOINT).fit(train, y_train).score(test, y_test) > 0.8
    path = regularization_path(clone(JOINT), table, y, 4)
    alike = regularization_path(clone(JOINT), long, y, 4)
    for a, b in zip(path, alike, strict=True):
        np.testing.assert_allclose(a.coef_, b.coef_, atol=1e-7)
    splits = list(folds.split(long))
    scores = [
        compare({"joint": clone(JOINT), "alone": SQUARED["per task"]}, Z, y, cv=splits, task_col=0)
        for Z in (table, long)
    ]
    assert repr(scores[0]) == repr(scores[1])


def test_rows_twice_tasks_gone_and_weights_of_zero():
    X, Y = problem(40, 60, holes=0.2)
    (table, y), (long, _) = stack_targets(X, Y), by_hand(X, Y)
    rng = np.random.default_rng(0)
    twice = rng.integers(len(y), size=len(y))
    few = np.flatnonzero(long[:, 0] != 2)[:50]  # some rows of X and a task are in none
    weight = (rng.random(len(y)) < 0.7).astype(float)
    holed = np.where(weight > 0, y, np.nan)
    for rows, target, w in (
        (twice, y[twice], None),
        (few, y[few], None),
        (slice(None), y, weight),
        (slice(None), holed, None),
    ):
        a = clone(JOINT).fit(table[rows], target, sample_weight=w)
        b = clone(JOINT).fit(long[rows], target, sample_weight=w)
        np.testing.assert_array_equal(a.tasks_, b.tasks_)
        np.testing.assert_allclose(a.coef_, b.coef_, atol=1e-7)
    silent = np.where(long[:, 0] == 2, np.nan, y)
    model = clone(JOINT).fit(table, silent)
    with pytest.raises(ValueError, match=r"tasks \[2\] were in the table in fit, but none of"):
        model.predict(table)


FRAMES = {
    "pandas": pd.DataFrame,
    "polars": pl.DataFrame,
    "pyarrow": lambda columns: pa.table(columns),
}


@pytest.mark.parametrize("library", FRAMES)
@pytest.mark.parametrize("of_targets", [*FRAMES, "array"])
def test_frames_name_features_and_tasks(library, of_targets):
    X, Y = problem(30, 3, holes=0.2)
    frame = FRAMES[library]({name: X[:, j] for j, name in enumerate("abc")})
    names = ["late", "early", "mid", "z"]
    wide = Y
    if of_targets != "array":
        wide = FRAMES[of_targets](
            {
                name: [None if np.isnan(v) else v for v in y]
                for name, y in zip(names, Y.T, strict=True)
            }
        )
    table, y = stack_targets(frame, wide, task_col="who")
    long, target = by_hand(X, Y)
    np.testing.assert_array_equal(y, target)
    assert type(as_table(table)) is type(frame)
    features, task = read_table(table, "who")
    np.testing.assert_array_equal(np.asarray(features, dtype=float), long[:, 1:])
    expected = long[:, 0].astype(int)
    assert task.tolist() == [t if of_targets == "array" else names[t] for t in expected]
    model = clone(JOINT).set_params(task_col="who").fit(table, y)
    assert list(model.feature_names_in_) == ["who", "a", "b", "c"]
    assert model.tasks_.tolist() == (
        [0, 1, 2, 3] if of_targets == "array" else ["early", "late", "mid", "z"]
    )
    reference = clone(JOINT).fit(long, target)
    np.testing.assert_allclose(model.predict(table), reference.predict(long), atol=1e-8)
    np.testing.assert_allclose(model.predict(as_table(table)), reference.predict(long), atol=1e-8)
    with pytest.raises(ValueError, match="task_col='task' is not a column of X"):
        clone(model).set_params(task_col="task").fit(table, y)


def test_words_name_the_tasks_of_an_array():
    X, Y = problem(20, 3)
    table, y = stack_targets(X, pd.DataFrame(Y, columns=list("dcba")))
    model = clone(JOINT).fit(table, y)
    assert model.tasks_.tolist() == list("abcd")
    long = np.asarray(table)
    assert long.dtype == object and long[0].tolist() == ["d", *X[0]]
    np.testing.assert_allclose(clone(JOINT).fit(long, y).coef_, model.coef_, atol=1e-8)


@pytest.mark.parametrize("names", [[2**53, 2**53 + 1], [(0, "a"), (0, "b")], [2**70, 1]])
def test_any_hashable_name_stays_itself(names):
    X, Y = problem(20, 3, T=2)
    wide = pd.DataFrame(Y)
    wide.columns = pd.Index(names, tupleize_cols=False)
    table, y = stack_targets(X, wide)
    model = clone(JOINT).fit(table, y)
    assert model.tasks_.tolist() == sorted(names)
    assert list(dict.fromkeys(np.asarray(table)[:, 0].tolist())) == names
    np.testing.assert_allclose(model.predict(np.asarray(table)), model.predict(table), atol=1e-9)


@pytest.mark.parametrize(
    ("Y", "expected"),
    [
        (np.array([[1, 2], [3, 4]]), [1, 3, 2, 4]),
        (np.array([["a", None], ["b", "a"]], dtype=object), ["a", "b", "a"]),
        (np.ma.array([[1.0, 2], [3, 4]], mask=[[1, 0], [0, 0]]), [3, 2, 4]),
        (pd.DataFrame({"u": pd.array([1, None], "Int64"), "v": [True, False]}), [1, 1, 0]),
        (np.array([[1, 2], [3, 4]], dtype=np.float32), [1, 3, 2, 4]),
        ([[1, 2], [3, np.nan]], [1, 3, 2]),
    ],
)
def test_targets_of_any_kind(Y, expected):
    table, y = stack_targets(np.arange(4.0).reshape(2, 2), Y)
    assert y.tolist() == expected
    assert len(table) == len(expected)


def test_labels_of_classes_with_holes():
    X, Y = problem(60, 3)
    labels = np.where(Y.mean(axis=0) < Y, "yes", "no").astype(object)
    labels[:5, 1] = None
    table, y = stack_targets(X, labels)
    model = MultiTaskLogisticRegression(task_col=0).fit(table, y)
    same = MultiTaskLogisticRegression(task_col=0).fit(np.asarray(table), y)
    np.testing.assert_allclose(model.coef_, same.coef_)
    np.testing.assert_allclose(model.predict_proba(table), same.predict_proba(np.asarray(table)))


def test_one_row_one_task_one_column():
    model = MultiTaskLinearRegression(task_col=0)
    table, y = stack_targets([[2.0]], [[3.0]])
    assert model.fit(table, y).predict(table) == pytest.approx([3.0])
    table, y = stack_targets(np.float32([[1], [2], [4]]), np.float32([[1], [2], [4]]))
    assert model.fit(table, y).coef_.dtype == np.float64


WIDE, TARGETS = np.ones((3, 2)), np.ones((3, 2))
NAMED = pd.DataFrame(WIDE, columns=["a", "b"])


@pytest.mark.parametrize(
    ("X", "Y", "message"),
    [
        (WIDE[:0], TARGETS[:0], "Found array with 0 sample(s) (shape=(0, 2)) while a minimum of 1"),
        (WIDE, TARGETS[:0], "Y: Found array with 0 sample(s) (shape=(0, 2)) while a minimum of 1"),
        (WIDE, TARGETS[:, 0], "Y: Expected 2D array, got 1D array instead. Reshape your data to"),
        (WIDE[:, 0], TARGETS, "Expected 2D array, got 1D array instead. Reshape your data to"),
        (WIDE, TARGETS[:2], "X has 3 rows but Y has 2: pass the targets of each row of X"),
        (WIDE[:, :0], TARGETS, "X has no columns (shape=(3, 0)): pass at least one"),
        (WIDE, TARGETS[:, :0], "Y has no columns (shape=(3, 0)): pass at least one"),
        (WIDE, [[1, None]] * 3, "columns [1] of Y hold no target: drop them"),
        (
            WIDE,
            pd.DataFrame({"u": [1.0, 2, 3], "v": np.nan}),
            "columns ['v'] of Y hold no target: drop them",
        ),
        (
            WIDE,
            pd.DataFrame(TARGETS, columns=["u", "u"]),
            "column names ['u'] of Y occur more than once: rename",
        ),
        (
            NAMED.rename(columns={"b": "a"}),
            TARGETS,
            "column names ['a'] of X occur more than once: rename",
        ),
        (
            WIDE,
            pd.DataFrame(TARGETS, columns=["u", 1]),
            "task names must be all strings or all of another kind, and none missing, got ['u', 1]",
        ),
        (
            NAMED.rename(columns={"b": "task"}),
            TARGETS,
            "X already has a column 'task': rename it, or choose another task_col",
        ),
        (
            WIDE,
            pd.DataFrame({"u": [1.0, 2, 3], "v": list("abc")}),
            "Y holds numbers and other values, such as 'a': convert them to one kind",
        ),
        (sparse.csr_array(WIDE), TARGETS, "Sparse data was passed (a csr matrix), but a table"),
    ],
)
def test_errors_name_the_value_and_the_cure(X, Y, message):
    with pytest.raises(ValueError) as error:
        stack_targets(X, Y)
    assert str(error.value).startswith(message)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ([[1, np.nan], [1, 2], [3, 4]], "Input X contains NaN: column 2 has no value in row 0"),
        ([[1, 2], [1, np.inf], [3, 4]], "holds inf in row 1"),
        ([[1, 2], [1, "w"], [3, 4]], "column 2 holds 'w', and features must be numbers"),
        ([[1, 2], [1e80, 5], [3, 4]], "values of column 1 reach 1e+80 in task "),
    ],
)
def test_features_are_checked(X, message):
    table, y = stack_targets(np.array(X, dtype=object), TARGETS)
    for rows in (slice(None), slice(None, None, -1)):
        with pytest.raises(ValueError) as error:
            clone(JOINT).fit(table[rows], y[rows])
        assert message in str(error.value)


def test_rows_that_no_task_uses_are_not_looked_at():
    X, Y = problem(30, 50)
    spoilt, holed = np.vstack([[np.nan] * 50, X]), np.vstack([[np.nan] * 4, Y])
    ours = clone(JOINT).fit(*stack_targets(spoilt, holed))
    plain = clone(JOINT).fit(*stack_targets(X, Y))
    np.testing.assert_allclose(ours.coef_, plain.coef_, atol=tolerance(JOINT))
    spoilt[9, 3] = np.nan
    with pytest.raises(ValueError, match="column 4 has no value in row 9"):
        clone(JOINT).fit(*stack_targets(spoilt, holed))


def test_predictions_that_overflow_and_tasks_that_are_new():
    X, Y = problem(20, 3)
    model = clone(JOINT).fit(*stack_targets(X, Y[:, :3]))
    with pytest.raises(ValueError, match=r"tasks \[3\] were not seen in fit \(seen: \[0, 1, 2\]"):
        model.predict(stack_targets(X, Y)[0])
    model = MeanRegularizedRidge(task_col=0).fit(*stack_targets(X, Y[:, :3]))
    table = stack_targets(X, Y)[0]
    np.testing.assert_allclose(model.predict(table), model.predict(np.asarray(table)))
    X[5, 1] = 1e308
    X[5, 2] = -1e308
    table = stack_targets(1.7 * X, Y)[0]
    with pytest.raises(ValueError, match=r"the prediction of row \d+ overflows: column 2") as error:
        model.predict(np.asarray(table))
    with pytest.raises(ValueError, match=re.escape(str(error.value))):
        model.predict(table)


def test_the_caller_keeps_what_was_passed():
    X, Y = problem(20, 60, holes=0.2)
    before = X.copy(), Y.copy()
    model = clone(JOINT).fit(*stack_targets(X, Y))
    np.testing.assert_array_equal(X, before[0])
    np.testing.assert_array_equal(Y, before[1])
    X[:] = 0.0  # the model has its own
    again = clone(JOINT).fit(*stack_targets(*before))
    np.testing.assert_array_equal(model.moments_.Sxx, again.moments_.Sxx)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 12), st.integers(1, 6), st.integers(1, 5), st.floats(0, 0.8), st.integers(0, 99)
)
def test_any_pattern_of_holes(n, d, T, share, seed):
    X, Y = problem(n, d, T=T, holes=share, seed=seed)
    Y[0, np.isnan(Y).all(axis=0)] = 1.0
    (table, y), (long, target) = stack_targets(X, Y), by_hand(X, Y)
    np.testing.assert_array_equal(np.asarray(table), long)
    np.testing.assert_array_equal(y, target)
    order = np.random.default_rng(seed).permutation(len(y))
    model, same = MeanRegularizedRidge(task_col=0), MeanRegularizedRidge(task_col=0)
    model.fit(table[order], y[order])
    same.fit(long[order], y[order])
    np.testing.assert_allclose(model.coef_, same.coef_, atol=1e-8)
    seen = TaskMoments.from_rows(long[:, 1:], y, long[:, 0])
    np.testing.assert_allclose(model.moments_.Sxx, seen.Sxx, atol=1e-8)
