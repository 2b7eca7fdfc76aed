"""Fits and searches on a Dask cluster of real processes, held against one machine.

A scheduler and two workers are started as programs, and speak over TCP on the loopback. Without
dask[distributed] these tests are skipped.
"""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from unittest.mock import patch

import joblib
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV

from mtlkit.baselines import PerTask, Pooled
from mtlkit.datasets import make_linear_tasks
from mtlkit.evaluation import compare
from mtlkit.linear import (
    EmpiricalBayesRidge,
    LowRank,
    MeanRegularizedRidge,
    MultiTaskLinearRegression,
)
from mtlkit.scale import fit_dask
from mtlkit.table import TaskStratifiedKFold
from mtlkit.transfer import BiasedRidge
from tests._problems import assert_same_moments, tolerance

REASON = "dask[distributed] is not installed"
dask = pytest.importorskip("dask", reason=REASON)
distributed = pytest.importorskip("distributed", reason=REASON)
da = pytest.importorskip("dask.array", reason=REASON)

# Linear models are enough to see where a sweep is computed.
pytestmark = pytest.mark.filterwarnings("ignore:no candidate is boosted")

RECIPE = {"n_tasks": 5, "n_samples": [4000, 900, 200, 60, 15], "n_features": 4}
MODELS = [
    MeanRegularizedRidge(task_col=0),
    EmpiricalBayesRidge("all", task_col=0),
    MultiTaskLinearRegression(LowRank(), task_col=0, tol=1e-13),
    BiasedRidge(0, task_col=0),
    PerTask(Ridge(), task_col=0),
    Pooled(Ridge(), task_col=0),
]


def program(name, *arguments):
    """A program of distributed in a process of its own."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen([sys.executable, "-m", f"distributed.cli.{name}", *arguments], **quiet)


@contextmanager
def cluster(folder):
    """A client, and its two workers by their addresses."""
    file = str(folder / "scheduler.json")
    local = ["--host", "127.0.0.1", "--scheduler-file", file]
    own = ["--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory", str(folder)]
    started = [program("dask_scheduler", *local, "--port", "0", "--no-dashboard")]
    started += [program("dask_worker", *local, *own) for _ in range(2)]
    try:
        end = time.monotonic() + 120
        while not os.path.exists(file) and time.monotonic() < end:
            time.sleep(0.05)
        with distributed.Client(scheduler_file=file, timeout=120) as client:
            client.wait_for_workers(2, timeout=120)
            yield client
    finally:
        for process in started[::-1]:
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    with cluster(tmp_path_factory.mktemp("cluster")) as client:
        yield client


@pytest.fixture(scope="module")
def table():
    """Rows in random order, so that small tasks are absent from many parts."""
    X, y = make_linear_tasks("shared mean", random_state=0, **RECIPE)
    order = np.random.default_rng(0).permutation(len(y))
    return X[order], y[order]


@pytest.fixture(scope="module")
def few():
    return make_linear_tasks("shared mean", n_tasks=4, n_samples=20, random_state=1)


# Workers cannot import this module: what has no module travels as code.
ELSEWHERE = {"__name__": "__main__"}
exec(
    """
import os, time


def process(estimator, X, y):
    return os.getpid()  # a score that says where it was computed


def wait_once(block, block_id, marker):
    if block_id[0] == 20 and not os.path.exists(marker):
        with open(marker + ".new", "w") as file:
            file.write(str(os.getpid()))
        os.replace(marker + ".new", marker)
        time.sleep(600)  # until it is killed
    return block
""",
    ELSEWHERE,
)


def candidates():
    strengths = {"estimator__alpha": [1.0, 10.0]}
    return {
        "alone": (PerTask(Ridge(), task_col=0), strengths),
        "pooled": (Pooled(Ridge(), task_col=0), strengths),
        "tied": (MeanRegularizedRidge(task_col=0), {"coupling": [1.0, 10.0]}),
    }


def compare_on_cluster(candidates, X, y, **settings):
    """`compare` as it is, with its splits sent to the cluster of the present client."""
    with joblib.parallel_config(backend="dask"):
        return compare(candidates, X, y, n_jobs=-1, **settings)


def test_workers_are_other_processes(client):
    own = client.run(os.getpid)
    assert len({os.getpid(), *own.values()}) == 3
    assert {address[:16] for address in own} == {"tcp://127.0.0.1:"}


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_it_is_one_fit(client, table, model):
    X, y = table
    found = fit_dask(clone(model), da.from_array(X, chunks=(300, 2)), da.from_array(y, chunks=300))
    whole = clone(model).fit(X, y)
    near = tolerance(model)
    assert_allclose(found.predict(X), whole.predict(X), rtol=near, atol=near)
    assert found.n_features_in_ == whole.n_features_in_


@pytest.mark.parametrize("size", [50, 700, 10_000])
def test_any_size_of_parts_by_both_workers(client, table, size):
    X, y = table
    rows = da.from_array(X, chunks=(size, -1)), da.from_array(y, chunks=size)
    with distributed.get_task_stream(client) as stream:
        found = fit_dask(MeanRegularizedRidge(task_col=0), *rows)
    whole = MeanRegularizedRidge(task_col=0).fit(X, y)
    assert_allclose(found.coef_, whole.coef_, rtol=1e-10, atol=1e-12)
    assert_same_moments(found.moments_, whole.moments_, rtol=1e-10, atol=1e-9)
    if size == 50:
        assert len({task["worker"] for task in stream.data}) == 2


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is of POSIX")
def test_a_killed_worker_changes_nothing(table, tmp_path):
    X, y = table
    whole, marker = MeanRegularizedRidge(task_col=0).fit(X, y), tmp_path / "marker"

    def block(part, block_id, wait=ELSEWHERE["wait_once"], marker=str(marker)):
        return wait(part, block_id, marker)

    block.__module__ = "__main__"
    rows = da.from_array(X, chunks=(200, -1)).map_blocks(block, dtype=X.dtype, meta=X[:0])
    with cluster(tmp_path) as client, ThreadPoolExecutor(1) as pool:
        model = MeanRegularizedRidge(task_col=0)
        fit = pool.submit(fit_dask, model, rows, da.from_array(y, chunks=200))
        end = time.monotonic() + 120
        while not marker.exists() and not fit.done() and time.monotonic() < end:
            time.sleep(0.05)
        os.kill(int(marker.read_text()), signal.SIGKILL)
        found = fit.result(300)
        assert len(client.scheduler_info()["workers"]) == 1
    assert_allclose(found.coef_, whole.coef_, rtol=1e-10, atol=1e-12)


def test_dask_knows_the_size_of_moments(table):
    moments = MeanRegularizedRidge(task_col=0).fit(*table).moments_
    size = 5 * (4**2 + 3 * 4 + 4) * 8 + 5 * 8
    assert size <= dask.sizeof.sizeof(moments) < size + 100


def test_frames_weights_and_holes(client, table):
    pd, dd = pytest.importorskip("pandas"), pytest.importorskip("dask.dataframe")
    X, y = table
    names = ["shop", "a", "b", "c", "d"]
    rows = pd.DataFrame(X, columns=names).assign(y=y, w=np.arange(len(y)) % 3)
    rows["shop"] = [f"shop {int(t)}" for t in rows["shop"]]
    rows.loc[:599, "y"] = np.nan  # whole parts without a label
    rows.loc[rows["shop"] == "shop 3", "y"] = np.nan
    parts = dd.from_pandas(rows, npartitions=9)
    model = MultiTaskLinearRegression(LowRank(), task_col="shop", tol=1e-13)
    found = fit_dask(clone(model), parts[names], parts["y"], sample_weight=parts["w"])
    whole = clone(model).fit(rows[names], rows["y"], sample_weight=rows["w"])
    assert_same_moments(found.moments_, whole.moments_, rtol=1e-10, atol=1e-9)
    assert_allclose(found.coef_, whole.coef_, atol=tolerance(model))
    assert found.feature_names_in_.tolist() == names
    with pytest.raises(ValueError, match=r"tasks \['shop 3'\] were in the table in fit, but none"):
        found.predict(rows[rows["shop"] == "shop 3"][names])


def test_a_file_is_read_by_the_workers(client, table, tmp_path):
    pd, dd = pytest.importorskip("pandas"), pytest.importorskip("dask.dataframe")
    X, y = table
    rows = pd.DataFrame(X, columns=["shop", *"abcd"]).assign(y=y)
    rows.to_parquet(tmp_path / "rows.parquet", row_group_size=500)
    parts = dd.read_parquet(tmp_path / "rows.parquet", split_row_groups=1)
    assert parts.npartitions == 11
    found = fit_dask(MeanRegularizedRidge(task_col="shop"), parts.drop(columns="y"), parts["y"])
    assert_allclose(found.coef_, MeanRegularizedRidge(task_col=0).fit(X, y).coef_, rtol=1e-10)


def test_without_a_cluster_it_runs_here(table):
    X, y = table
    with dask.config.set(scheduler="threads"):
        found = fit_dask(
            MeanRegularizedRidge(task_col=0),
            da.from_array(X, chunks=(300, -1)),
            da.from_array(y, chunks=300),
        )
    whole = MeanRegularizedRidge(task_col=0).fit(X, y)
    assert_allclose(found.coef_, whole.coef_, rtol=1e-10, atol=1e-12)
    assert_array_equal(found.tasks_, whole.tasks_)


# Errors ------------------------------------------------------------------------------------------


def arrays(table, size=300):
    return da.from_array(table[0], chunks=(size, -1)), da.from_array(table[1], chunks=size)


@pytest.mark.parametrize("model", [Ridge(), PerTask(Ridge(solver="lsqr"), task_col=0)], ids=repr)
def test_models_without_moments(table, model):
    with pytest.raises(TypeError, match=r"fit_dask takes models of squared loss .*, not "):
        fit_dask(model, *arrays(table))


def test_tables_that_are_not_of_dask(table):
    X, y = arrays(table)
    model = MeanRegularizedRidge(task_col=0)
    with pytest.raises(
        TypeError, match=r"X is a numpy.ndarray, not of Dask: make it one, or use fit"
    ):
        fit_dask(model, table[0], y)
    with pytest.raises(TypeError, match=r"y is a numpy.ndarray, not of Dask"):
        fit_dask(model, X, table[1])


def test_parts_that_differ(table):
    X, y = arrays(table)
    model = MeanRegularizedRidge(task_col=0)
    with pytest.raises(ValueError, match=r"y has other parts than X: \[1000, .*, and X \[300, "):
        fit_dask(model, X, y.rechunk(1000))
    with pytest.raises(ValueError, match=r"sample_weight has other parts than X"):
        fit_dask(model, X, y, sample_weight=y.rechunk(1000))


def test_lengths_that_only_workers_know(table):
    X, y = arrays(table)
    model, lazy = MeanRegularizedRidge(task_col=0), {"scheduler": "threads"}
    X, y = X[X[:, 1] > 0], y[y > 0]  # in as many parts, of other lengths
    with dask.config.set(**lazy), pytest.raises(ValueError, match=r"part \d+: .*inconsistent"):
        fit_dask(model, X, y)


def test_an_index_that_differs(table):
    pd, dd = pytest.importorskip("pandas"), pytest.importorskip("dask.dataframe")
    X = dd.from_pandas(pd.DataFrame(table[0]), npartitions=3).clear_divisions()
    y = dd.from_pandas(pd.Series(table[1], index=np.arange(len(table[1])) + 1), npartitions=3)
    message = r"part [0-2]: the index of y is not that of X: take both from one table"
    with dask.config.set(scheduler="threads"), pytest.raises(ValueError, match=message):
        fit_dask(MeanRegularizedRidge(task_col=0), X, y.clear_divisions())


def test_a_part_that_fit_would_refuse_is_named(table):
    X, y = table[0].copy(), table[1]
    X[650, 2] = np.nan
    with (
        dask.config.set(scheduler="threads"),
        pytest.raises(ValueError, match=r"part 2: .*column 2 of task .* has no value in row 50"),
    ):
        fit_dask(MeanRegularizedRidge(task_col=0), *arrays((X, y)))


def test_no_row_with_a_label(table):
    X, y = arrays(table)
    with (
        dask.config.set(scheduler="threads"),
        pytest.raises(ValueError, match="no row has a label and a weight: there is nothing to fit"),
    ):
        fit_dask(MeanRegularizedRidge(task_col=0), X, y * np.nan)


def test_without_dask(table):
    rows = arrays(table)
    with (
        patch.dict(sys.modules, {"dask": None}),
        pytest.raises(ImportError, match=r"run `pip install 'mtlkit\[scale\]'`"),
    ):
        fit_dask(MeanRegularizedRidge(task_col=0), *rows)


# Searches ----------------------------------------------------------------------------------------


def test_sweep_on_the_cluster_has_the_same_scores(client, few):
    settings = {"task_col": 0, "inner_cv": 2, "random_state": 0}
    here = compare(candidates(), *few, **settings)
    there = compare_on_cluster(candidates(), *few, **settings)
    for name in here.names:
        assert_allclose(there.scores[name], here.scores[name], rtol=1e-12)
        assert there.best_params[name] == here.best_params[name]


def test_grid_search_on_the_cluster_has_the_same_scores(client, few):
    search = GridSearchCV(
        MeanRegularizedRidge(task_col=0),
        {"alpha": [1.0, 10.0], "coupling": [0.0, 1.0, np.inf]},
        cv=TaskStratifiedKFold(3, task_col=0),
    )
    here = search.fit(*few).cv_results_["mean_test_score"]
    with joblib.parallel_config(backend="dask"):
        there = search.set_params(n_jobs=-1).fit(*few).cv_results_["mean_test_score"]
    assert_allclose(there, here, rtol=1e-12)


def test_sweep_is_done_by_the_workers(client, few):
    settings = {"task_col": 0, "inner_cv": 2, "random_state": 0, "scoring": ELSEWHERE["process"]}
    there = compare_on_cluster(candidates(), *few, **settings)
    assert set(there.scores["tied"]) <= set(client.run(os.getpid).values())


def test_an_error_on_a_worker_names_the_candidate(client, few):
    broken = candidates() | {"tied": (MeanRegularizedRidge(task_col=0), {"coupling": [-1.0, 1.0]})}
    with pytest.raises(ValueError, match="coupling") as caught:
        compare_on_cluster(broken, *few, task_col=0, inner_cv=2, random_state=0)
    assert any("candidate 'tied'" in note for note in caught.value.__notes__)
