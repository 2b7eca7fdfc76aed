"""Tests of mtlkit._utils: tables of every kind, what meta-estimators hand on, BLAS threads."""

import datetime

import numpy as np
import pandas as pd
import polars
import pyarrow
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import HistGradientBoostingRegressor, StackingRegressor, VotingRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_info

from mtlkit._utils._containers import (
    as_table,
    as_vector,
    column,
    column_names,
    empty_columns,
    is_frame,
    missing,
    repeated_names,
    select,
    take,
)
from mtlkit._utils._delegation import (
    chooses_columns,
    fit_weighted,
    naming,
    setting_of,
    weight_keyword,
)
from mtlkit._utils._numerics import one_blas_thread
from mtlkit.baselines import PerTask, Pooled
from mtlkit.linear import MeanRegularizedRidge
from mtlkit.transfer import CORAL

DATA = {"a": [1.0, None, 3.0], "b": [4.0, 5.0, 6.0]}
VALUES = np.array([[1, 4], [np.nan, 5], [3, 6]])
TABLES = {
    "pandas": pd.DataFrame(DATA, index=[7, 7, 8]),
    "nullable": pd.DataFrame(DATA).astype("Float64"),
    "pyarrow in pandas": pd.DataFrame(DATA).astype("float64[pyarrow]"),
    "polars": polars.DataFrame(DATA),
    "pyarrow": pyarrow.table(DATA),
    "array": VALUES,
    "objects": VALUES.astype(object),
    "list": VALUES.tolist(),
    "masked": np.ma.masked_invalid(VALUES),
    "csr": sparse.csr_array(VALUES),
    "csc": sparse.csc_matrix(VALUES),
}


def dense(X):
    if sparse.issparse(X):
        return X.toarray()
    if not is_frame(X):
        return np.asarray(X, dtype=float)
    return np.column_stack([as_vector(column(X, j)).astype(float) for j in range(X.shape[1])])


@pytest.mark.parametrize("kind", TABLES)
def test_tables_of_any_kind_are_cut_alike(kind):
    X = as_table(TABLES[kind])
    if "in pandas" in kind or kind == "nullable":
        X = X.astype(object).where(X.notna(), np.nan)
    for rows in ([2, 0], np.array([True, False, True]), np.array([], dtype=int)):
        assert_array_equal(dense(take(X, rows)), VALUES[rows])
    assert_array_equal(dense(select(X, [1])), VALUES[:, [1]])
    assert_array_equal(dense(select(X, np.array([1, 0]))), VALUES[:, ::-1])
    assert type(take(X, [0])) is type(X) or sparse.issparse(X)
    assert_array_equal(empty_columns(take(X, [1])), [True, False])
    assert_array_equal(empty_columns(X), [False, False])
    if not sparse.issparse(X):
        assert_array_equal(missing(X), np.isnan(VALUES))
    if is_frame(X):
        assert column_names(X) == ["a", "b"]
        assert repeated_names(X) == []


def test_what_is_a_frame():
    assert [is_frame(TABLES[kind]) for kind in TABLES] == [True] * 5 + [False] * 6
    assert not is_frame(pd.Series([1]))
    assert not is_frame(polars.Series([1]))
    with pytest.raises(ValueError, match=r"LazyFrame.*collect\(\)"):
        is_frame(TABLES["polars"].lazy())


BIG = 2**60


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["a", np.nan], ["a", None]),
        ([True, None], [True, None]),
        ([BIG + 1, np.nan], [BIG + 1, None]),
        (pd.array([BIG + 1, pd.NA]), [BIG + 1, None]),
        (pd.Series([BIG + 1, None], dtype="int64[pyarrow]"), [BIG + 1, None]),
        (pd.Categorical(["x", None]), ["x", None]),
        (polars.Series([BIG + 1, None]), [BIG + 1, None]),
        (polars.Series(["x", None]), ["x", None]),
        (polars.Series([1.5, float("nan"), None]), [1.5, None, None]),
        (pyarrow.array([BIG + 1, None]), [BIG + 1, None]),
        (pyarrow.chunked_array([[BIG + 1], [None]]), [BIG + 1, None]),
        (np.ma.masked_array([BIG + 1, 3], [0, 1]), [BIG + 1, None]),
        (np.ma.masked_array(["a", "b"], [0, 1]), ["a", None]),
        (np.ma.masked_array([1.5, 3], [0, 1]), [1.5, None]),
        (np.array(["2020", "NaT"], dtype="M8[D]"), [datetime.date(2020, 1, 1), None]),
    ],
)
def test_vectors_of_any_kind_lose_nothing(values, expected):
    vector, holes = as_vector(values), missing(values)
    assert_array_equal(holes, [value is None for value in expected])
    assert_array_equal(missing(vector), holes)
    assert vector[~holes].tolist() == [value for value in expected if value is not None]


def test_lists_that_numpy_would_round_or_make_strings_of_stay_objects():
    assert as_table([[BIG + 1, 0.5]])[0, 0] == BIG + 1
    assert as_table([["s", 1.5]])[0, 1] == 1.5
    assert as_table([[1, 0.5]]).dtype == float


@pytest.mark.parametrize(
    ("estimator", "setting"),
    [
        (Ridge(), "pooled"),
        (PerTask(Ridge()), "single-task"),
        (make_pipeline(StandardScaler(), Pooled(Ridge())), "pooled"),
        (GridSearchCV(make_pipeline(PerTask(Ridge())), {}), "single-task"),
        (TransformedTargetRegressor(MeanRegularizedRidge()), "multi-task"),
        (CalibratedClassifierCV(PerTask(LogisticRegression())), "single-task"),
        (FrozenEstimator(PerTask(Ridge())), "single-task"),
        (VotingRegressor([("a", Ridge()), ("b", PerTask(Ridge()))]), "single-task"),
        (StackingRegressor([("a", "drop"), ("b", MeanRegularizedRidge())]), "multi-task"),
        (VotingRegressor([("a", Ridge())]), "pooled"),
    ],
)
def test_the_setting_is_found_through_wrappers(estimator, setting):
    assert setting_of(estimator) == setting


rng = np.random.default_rng(0)
X, y, w = rng.normal(size=(30, 2)), rng.normal(size=30), rng.integers(0, 3, 30)


@pytest.mark.parametrize(
    "estimator",
    [
        Ridge(),
        make_pipeline(StandardScaler(), Ridge()),
        make_pipeline(StandardScaler(), make_pipeline(Ridge())),
        TransformedTargetRegressor(Ridge()),
        GridSearchCV(Ridge(), {"alpha": [1.0]}, cv=2),
        GridSearchCV(make_pipeline(StandardScaler(), Ridge()), {"ridge__alpha": [1.0]}, cv=2),
    ],
)
def test_weights_reach_what_takes_them(estimator):
    fitted = fit_weighted(estimator, X, y, w.astype(float))
    assert not hasattr(estimator, "n_features_in_")
    scaled = StandardScaler().fit(X).transform(X) if "Scaler" in repr(estimator) else X
    expected = Ridge().fit(scaled, y, sample_weight=w).predict(scaled)
    np.testing.assert_allclose(fitted.predict(X), expected)
    np.testing.assert_allclose(
        fit_weighted(estimator, X, y).predict(X), Ridge().fit(scaled, y).predict(scaled)
    )


@pytest.mark.parametrize(
    "estimator",
    [KNeighborsRegressor(), make_pipeline(KNeighborsRegressor()), make_pipeline("passthrough")],
)
def test_who_takes_no_weights_is_named(estimator):
    with pytest.raises(ValueError, match=r"(KNeighbors|passthrough).*sample_weight"):
        weight_keyword(estimator)


def test_who_chooses_columns():
    by_position = HistGradientBoostingRegressor(categorical_features=[1])
    assert chooses_columns(by_position)
    assert chooses_columns(make_pipeline(StandardScaler(), by_position))
    assert chooses_columns(ColumnTransformer([("a", StandardScaler(), ["x"])]))
    assert not chooses_columns(HistGradientBoostingRegressor())


def test_errors_say_where_they_happened():
    with pytest.raises(TypeError, match="task 'a': wrong"), naming("task 'a'"):
        raise TypeError("wrong")
    with pytest.raises(ValueError, match="task 'a': singular"), naming("task 'a'"):
        raise np.linalg.LinAlgError("singular")
    with pytest.raises(KeyError), naming(None):
        raise KeyError("a")


def blas_threads():
    return [part["num_threads"] for part in threadpool_info() if part["user_api"] == "blas"]


def test_contexts_of_one_blas_thread_may_overlap():
    before = blas_threads()
    one, two = one_blas_thread(), one_blas_thread()
    one.__enter__()
    two.__enter__()
    assert set(blas_threads()) <= {1}
    one.__exit__(None, None, None)
    assert set(blas_threads()) <= {1}
    two.__exit__(None, None, None)
    assert blas_threads() == before


@pytest.mark.parametrize("make", [lambda: CORAL(target="t", task_col="d")])
def test_aligners_keep_ids_and_kinds_of_tables(make):
    table = polars.DataFrame({"d": ["s", "t"] * 6, "x": rng.normal(size=12), "z": range(12)})
    out = make().fit_transform(table)
    assert isinstance(out, polars.DataFrame)
    assert out.columns == table.columns
    assert type(make().set_output(transform="pandas").fit_transform(table)) is pd.DataFrame
    by_hand = make().fit_transform(table.to_pandas())
    assert_array_equal(out["x"].to_numpy(), by_hand["x"].to_numpy())
    ids = np.repeat([BIG + 1, BIG + 2], 6)
    array = np.column_stack([ids, rng.integers(0, 9, (12, 2))])
    mapped = CORAL(target=BIG + 2, task_col=0).fit_transform(array)
    assert mapped[:, 0].tolist() == ids.tolist()
