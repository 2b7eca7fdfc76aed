"""Tests of PrivateColumns: columns that only some tasks have, before estimators that tie tasks."""

import datetime
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.optimize import minimize
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from mtlkit.baselines import FeatureAugmentation, PerTask, Pooled
from mtlkit.linear import (
    JointSupport,
    LowRank,
    MeanRegularizedRidge,
    MultiTaskLinearRegression,
    MultiTaskLogisticRegression,
    SharedMean,
)
from mtlkit.neural import MultiTaskMLPRegressor
from mtlkit.table import (
    LeaveTasksOut,
    PrivateColumns,
    TaskStratifiedKFold,
    per_task,
    shared,
    stack_tasks,
)

COLUMNS = {"u": ["a", "b", "p"], "v": ["a", "b", "q"], "w": ["a", "b", "q"]}


def three_tables(seed=0, rows=(20, 25, 15), shift=50.0):
    """Two common columns, p private to u, q to v and w; private columns are far from 0."""
    rng = np.random.default_rng(seed)
    tasks = {}
    for (name, own), n in zip(COLUMNS.items(), rows, strict=True):
        x = rng.normal(size=(n, 3))
        y = x @ [*rng.normal(size=2), rng.choice([-2, 2])] + rng.normal() + 0.3 * rng.normal(size=n)
        tasks[name] = (pd.DataFrame(x + np.array([0, 0, shift]), columns=own), y)
    return stack_tasks(tasks)


X, y = three_tables()
TASK = X["task"].to_numpy()
A = np.column_stack([np.unique(TASK, return_inverse=True)[1], X.drop(columns="task")])


def test_it_centres_what_is_there_and_puts_0_elsewhere():
    step = PrivateColumns("task")
    made = step.fit_transform(X)
    assert step.owners_ == {"p": ["u"], "q": ["v", "w"]}
    assert_array_equal(made[["task", "a", "b"]], X[["task", "a", "b"]])
    assert_allclose(made["p"], (X["p"] - X["p"].mean()).fillna(0))
    assert_allclose(made["q"], (X["q"] - X["q"].mean()).fillna(0), atol=1e-12)
    assert_allclose(PrivateColumns("task", scale=3).fit_transform(X)["p"], 3 * made["p"])
    assert step.get_feature_names_out().tolist() == list(X.columns)
    array = PrivateColumns(0).fit(A)
    assert array.owners_ == {3: [0], 4: [1, 2]}
    assert_allclose(array.transform(A)[:, 1:], made.drop(columns="task"))


# What linear models make of it, beside the stated objective


def minimum(objective, size):
    found = minimize(objective, np.zeros(size), method="BFGS", options={"gtol": 1e-9})
    return found.x


def by_hand(alpha, coupling, penalty):
    """Weights of all tasks that minimise loss + penalty, with free levels, by BFGS."""
    made = PrivateColumns("task").fit_transform(X).drop(columns="task").to_numpy()
    parts = [
        (made[t == TASK] - made[t == TASK].mean(0), y[t == TASK] - y[t == TASK].mean())
        for t in "uvw"
    ]

    def objective(w):
        W = w.reshape(3, 4)
        loss = sum(((yt - xt @ wt) ** 2).sum() for (xt, yt), wt in zip(parts, W, strict=True))
        return loss + penalty(W, alpha, coupling)

    return minimum(objective, 12).reshape(3, 4)


def tied(W, alpha, coupling):
    return alpha * ((W**2).sum() + coupling * ((W - W.mean(axis=0)) ** 2).sum())


def free(W, alpha, coupling):
    """Common columns are tied; p belongs to u alone, and its weight to no other."""
    others = coupling * ((W[:, :2] - W[:, :2].mean(axis=0)) ** 2).sum()
    k, T = 2, 3  # q is tied between its owners: what the notes say is left of the penalty
    own = W[1:, 3]
    q = (1 + coupling) * ((own**2).sum() - coupling / (T + k * coupling) * own.sum() ** 2)
    return alpha * ((W[:, :2] ** 2).sum() + W[0, 2] ** 2 + others + q)


def test_the_weights_are_the_minimum_of_the_stated_objective():
    alpha, coupling = 2.0, 5.0
    model = MeanRegularizedRidge(alpha, coupling, task_col="task", couple_intercept=False)
    fitted = make_pipeline(PrivateColumns("task"), model).fit(X, y)[-1]
    assert_allclose(fitted.coef_, by_hand(alpha, coupling, tied), atol=1e-5)


@pytest.mark.parametrize("coupling", [0.0, 5.0, 1e4])
def test_with_its_scale_a_private_weight_is_as_free_as_alone(coupling):
    alpha, T = 2.0, 3
    scale = np.sqrt(T * (1 + coupling) / (T + coupling))
    model = MeanRegularizedRidge(alpha, coupling, task_col="task", couple_intercept=False)
    # scaled by itself, so that q has the scale 1
    table = PrivateColumns("task").fit_transform(X)
    table["p"] *= scale
    weights = model.fit(table, y).coef_.copy()
    weights[:, 2] *= scale
    expected = by_hand(alpha, coupling, free) if coupling < 1e3 else None
    if expected is not None:
        assert_allclose(weights[:, :2], expected[:, :2], atol=1e-5)
        assert_allclose(weights[0, 2], expected[0, 2], atol=1e-5)
        assert_allclose(weights[1:, 3], expected[1:, 3], atol=1e-5)
    # given the common weights it is the ridge of the residuals of its owner
    own = X[TASK == "u"]
    left = y[TASK == "u"] - own[["a", "b"]].to_numpy() @ weights[0, :2]
    assert_allclose(weights[0, 2], Ridge(alpha).fit(own[["p"]], left).coef_[0], rtol=1e-6)


def test_without_sharing_it_is_one_model_per_task():
    alone = PerTask(Ridge(2.0), task_col="task").fit(X, y).predict(X)
    for model in (
        MeanRegularizedRidge(2.0, 0, task_col="task"),
        PerTask(Ridge(2.0), task_col="task"),
        MultiTaskLinearRegression(SharedMean(0), alpha=2.0, tol=1e-12, task_col="task"),
    ):
        assert_allclose(
            make_pipeline(PrivateColumns("task"), model).fit(X, y).predict(X), alone, atol=1e-4
        )


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.floats(-1e3, 1e3), st.sampled_from([0.5, 3.0, np.inf]))
def test_where_the_private_columns_lie_does_not_matter(seed, shift, coupling):
    near, target = three_tables(seed, shift=0.0)
    far = near.assign(p=near["p"] + shift, q=near["q"] + shift)
    model = make_pipeline(
        PrivateColumns("task"), MeanRegularizedRidge(1.0, coupling, task_col="task")
    )
    expected = clone(model).fit(near, target).predict(near)
    assert_allclose(model.fit(far, target).predict(far), expected, atol=1e-6)


def test_tasks_without_a_column_say_nothing_of_it():
    """Whatever the others' targets are, the private weight is that of its owner's residuals."""
    model = MultiTaskLinearRegression(JointSupport(), alpha=5.0, tol=1e-12, task_col="task")
    coef = make_pipeline(PrivateColumns("task"), model).fit(X, y)[-1].coef_
    assert_allclose(coef[1:, 2], 0, atol=1e-12)
    assert_allclose(coef[0, 3], 0, atol=1e-12)
    assert abs(coef[0, 2]) > 0.05
    assert (abs(coef[1:, 3]) > 0.05).all()


@pytest.mark.parametrize(
    "model",
    [
        Pooled(Ridge()),
        FeatureAugmentation(Ridge()),
        MultiTaskLinearRegression(LowRank()),
        MultiTaskMLPRegressor(max_iter=20, n_iter_no_change=None, random_state=0),
    ],
)
def test_every_estimator_takes_the_table(model):
    model = clone(model).set_params(task_col="task")
    fitted = make_pipeline(per_task(StandardScaler(), "task"), PrivateColumns("task"), model).fit(
        X, y
    )
    assert np.isfinite(fitted.predict(X)).all()
    with pytest.raises(ValueError, match=r"PrivateColumns|hidden_layer"):
        clone(model).fit(X, y)


def test_classes_too():
    label = (y > np.median(y)).astype(int)
    model = MultiTaskLogisticRegression(SharedMean(), task_col="task")
    pipe = make_pipeline(shared(StandardScaler(), "task"), PrivateColumns("task"), model)
    common = make_pipeline(shared(StandardScaler(), "task"), clone(model))
    dropped = X[["task", "a", "b"]]
    assert (
        pipe.fit(X, label).score(X, label) > common.fit(dropped, label).score(dropped, label) + 0.1
    )


def test_private_columns_pay_where_they_say_something():
    grid = {"meanregularizedridge__alpha": [0.1, 1, 10], "privatecolumns__scale": [1, 3]}
    pipe = make_pipeline(PrivateColumns("task"), MeanRegularizedRidge(task_col="task"))
    cv = TaskStratifiedKFold(4, task_col="task", shuffle=True, random_state=0)
    search = GridSearchCV(pipe, grid, cv=cv).fit(X, y)
    common = cross_val_score(MeanRegularizedRidge(task_col="task"), X[["task", "a", "b"]], y, cv=cv)
    assert search.best_score_ > common.mean() + 0.1
    again = pickle.loads(pickle.dumps(search))
    assert_array_equal(again.predict(X), search.predict(X))


# Rows to come, and what is missing


def test_a_hole_in_an_own_private_column_stays_a_hole():
    holes = X.copy()
    holes.iloc[3, list(X).index("p")] = np.nan
    made = PrivateColumns("task").fit_transform(holes)
    assert np.isnan(made["p"].iloc[3]) and made["p"].isna().sum() == 1
    model = make_pipeline(PrivateColumns("task"), MeanRegularizedRidge(task_col="task"))
    with pytest.raises(ValueError, match=r"'p' of task 'u' has no value in row 3"):
        model.fit(holes, y)
    gap = X.copy()
    gap.iloc[3, list(X).index("a")] = np.nan
    with pytest.raises(ValueError, match="'a' of task 'u'"):
        model.fit(gap, y)


def test_tasks_that_were_not_seen():
    model = make_pipeline(PrivateColumns("task"), MeanRegularizedRidge(task_col="task")).fit(X, y)
    new = X.iloc[[0, 30]].assign(task="new")
    made = model[0].transform(new)
    assert made["p"].tolist()[1] == 0 and made["q"].tolist()[0] == 0
    assert_allclose(made["p"].iloc[0], X["p"].iloc[0] - X["p"].mean())
    rows = np.concatenate([model.predict(new.iloc[[0]]), model.predict(new.iloc[[1]])])
    assert_allclose(model.predict(new), rows)
    with pytest.raises(ValueError, match="'a' of task 'new'"):
        model.predict(new.assign(a=np.nan))
    four = pd.concat([X, X.iloc[:20].assign(task="x")])  # p and q have two owners each
    cv, target = LeaveTasksOut(1, task_col="task"), np.r_[y, y[:20]]
    assert np.isfinite(cross_val_score(model, four, target, cv=cv, error_score="raise")).all()


def test_a_column_that_a_task_lacked_in_fit_is_0_for_it_later():
    step = PrivateColumns("task").fit(X)
    assert (step.transform(X.assign(p=7.0))["p"][TASK != "u"] == 0).all()


# Containers and contracts


@pytest.mark.parametrize("kind", [pl.from_pandas, pa.Table.from_pandas], ids=["polars", "pyarrow"])
def test_frames_of_other_libraries(kind):
    table = kind(X.reset_index(drop=True))
    made = PrivateColumns("task").fit_transform(table)
    assert type(made) is type(table)
    made = made.to_pandas()
    assert list(made) == list(X)
    assert_allclose(made["q"], PrivateColumns("task").fit_transform(X)["q"])


@pytest.mark.parametrize("dtype", ["float32", "Float64", object])
def test_dtypes(dtype):
    table = X.astype(dict.fromkeys("abpq", dtype))
    before = table.copy()
    made = PrivateColumns("task").fit_transform(table)
    pd.testing.assert_frame_equal(table, before)
    assert_allclose(
        made["p"].astype(float), PrivateColumns("task").fit_transform(X)["p"], atol=1e-4
    )
    objects = np.column_stack([TASK.astype(object), A[:, 1:]])
    array = PrivateColumns(0).fit(objects)
    assert array.owners_ == {3: ["u"], 4: ["v", "w"]}
    assert_allclose(
        array.transform(objects)[:, 1:].astype(float), PrivateColumns(0).fit_transform(A)[:, 1:]
    )


def test_output_in_pandas():
    made = PrivateColumns("task").set_output(transform="pandas").fit_transform(pl.from_pandas(X))
    assert isinstance(made, pd.DataFrame)
    assert list(made) == list(X)


def test_without_private_columns_nothing_changes():
    table = A[:, :3]
    assert_array_equal(PrivateColumns(0).fit_transform(table), table)
    assert PrivateColumns(0).fit(table).owners_ == {}
    named = X[["task", "a", "b"]]
    assert PrivateColumns("task").fit_transform(named).equals(named)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"p": ["x", *[None] * 59]}, "'p'.*'x'"),
        ({"p": [np.inf, *[np.nan] * 59]}, "'p'.*infinity|infinity.*'p'"),
        ({"p": [datetime.datetime(2020, 1, 1), *[None] * 59]}, "'p'|dates"),
        ({"p": [1.7e308, *[-1.7e308] * 3, *[np.nan] * 56]}, "'p'.*overflow"),
    ],
)
def test_private_columns_that_are_no_numbers(change, word):
    with pytest.raises(ValueError, match=word):
        PrivateColumns("task").fit_transform(X.assign(**change))


@pytest.mark.parametrize("scale", [0, -1.0, np.nan, np.inf, "one", True])
def test_a_scale_is_a_positive_number(scale):
    with pytest.raises((TypeError, ValueError), match="scale="):
        PrivateColumns("task", scale=scale).fit(X)


def test_a_sparse_table_is_refused():
    with pytest.raises(ValueError, match=r"[Ss]parse"):
        PrivateColumns(0).fit(sparse.csr_array(A[:, :3]))


def test_boosted_trees_need_no_such_step():
    inner = HistGradientBoostingRegressor(max_iter=5)
    model = Pooled(inner, task_col="task", task_as_input="category").fit(X, y)
    assert np.isfinite(model.predict(X)).all()


def test_scikit_learn_s_rules():
    results = check_estimator(PrivateColumns(), on_fail=None, on_skip=None)
    assert [r for r in results if r["status"] != "passed"] == []
