"""Moments summed and a sweep moved on a Dask cluster with real workers, held against one machine.

The page "What if the rows do not fit into memory?" shows `moments_of` and `sum_on_cluster` as they
stand here. Without dask[distributed] these tests are skipped.
"""

import functools
import operator
import os

import joblib
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV

from mtlkit.baselines import PerTask, Pooled
from mtlkit.datasets import make_linear_tasks
from mtlkit.evaluation import compare
from mtlkit.linear import MeanRegularizedRidge, TaskMoments
from mtlkit.table import TaskStratifiedKFold

# Linear models are enough to see where a sweep is computed.
pytestmark = pytest.mark.filterwarnings("ignore:no candidate is boosted")

RECIPE = {"n_tasks": 5, "n_samples": [4000, 900, 200, 60, 15], "n_features": 4}


def moments_of(path, start, stop):
    """Moments of some rows of a file of (task, features, label); no other row is read."""
    rows = np.load(path, mmap_mode="r")[start:stop]
    return TaskMoments.from_rows(rows[:, 1:-1], rows[:, -1], rows[:, 0])


def sum_on_cluster(path, chunk):
    """Moments of all rows: workers read the chunks and add up, eight sums at a time."""
    from dask import delayed

    n = len(np.load(path, mmap_mode="r"))
    parts = [delayed(moments_of)(path, k, k + chunk) for k in range(0, n, chunk)]
    while len(parts) > 1:
        eights = [parts[k : k + 8] for k in range(0, len(parts), 8)]
        parts = [delayed(functools.reduce)(operator.add, eight) for eight in eights]
    return parts[0].compute()


def compare_on_cluster(candidates, X, y, **settings):
    """`compare` as it is, with its splits sent to the cluster of the present client."""
    with joblib.parallel_config(backend="dask"):
        return compare(candidates, X, y, n_jobs=-1, **settings)


@pytest.fixture(scope="module")
def client():
    """A scheduler and two workers, each a process of its own, on this machine only."""
    distributed = pytest.importorskip("distributed", reason="dask[distributed] is not installed")
    settings = {"n_workers": 2, "threads_per_worker": 1, "processes": True}
    with (
        distributed.LocalCluster(host="127.0.0.1", dashboard_address=":0", **settings) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def table():
    """Rows in random order, so that small tasks are absent from many chunks."""
    X, y = make_linear_tasks("shared mean", random_state=0, **RECIPE)
    order = np.random.default_rng(0).permutation(len(y))
    return X[order], y[order]


@pytest.fixture(scope="module")
def few():
    return make_linear_tasks("shared mean", n_tasks=4, n_samples=20, random_state=1)


def process(estimator, X, y):
    """A score that says where it was computed."""
    return os.getpid()


def candidates():
    strengths = {"estimator__alpha": [1.0, 10.0]}
    return {
        "alone": (PerTask(Ridge(), task_col=0), strengths),
        "pooled": (Pooled(Ridge(), task_col=0), strengths),
        "tied": (MeanRegularizedRidge(task_col=0), {"coupling": [1.0, 10.0]}),
    }


def test_workers_are_other_processes(client):
    own = client.run(os.getpid)
    assert len({os.getpid(), *own.values()}) == 3


@pytest.mark.parametrize("chunk", [50, 700, 10_000])
def test_sum_on_the_cluster_is_one_fit(client, table, tmp_path, chunk):
    path = tmp_path / "rows.npy"
    X, y = table
    np.save(path, np.column_stack([X, y]))
    moments = sum_on_cluster(str(path), chunk)
    model = MeanRegularizedRidge(task_col=0).fit(X, y)
    assert_array_equal(moments.tasks, model.tasks_)
    for name in ("n", "x_mean", "y_mean", "Sxx", "Sxy", "Syy"):
        ours, theirs = getattr(model.moments_, name), getattr(moments, name)
        assert_allclose(theirs, ours, rtol=1e-10, atol=1e-9, err_msg=name)


def test_sum_on_the_cluster_is_made_by_its_workers(client, table, tmp_path):
    from distributed import get_task_stream

    path = str(tmp_path / "rows.npy")
    np.save(path, np.column_stack(table))
    with get_task_stream(client) as stream:
        sum_on_cluster(path, 50)
    assert {task["status"] for task in stream.data} == {"OK"}
    assert len({task["worker"] for task in stream.data}) == 2


def test_sweep_on_the_cluster_has_the_same_scores(client, few):
    settings = {"task_col": 0, "inner_cv": 2, "random_state": 0}
    here = compare(candidates(), *few, **settings)
    there = compare_on_cluster(candidates(), *few, **settings)
    for name in here.names:
        assert_allclose(there.scores[name], here.scores[name], rtol=1e-12)
        assert there.best_params[name] == here.best_params[name]


def test_sweep_is_done_by_the_workers(client, few):
    settings = {"task_col": 0, "inner_cv": 2, "random_state": 0, "scoring": process}
    there = compare_on_cluster(candidates(), *few, **settings)
    assert set(there.scores["tied"]) <= set(client.run(os.getpid).values())


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


def test_an_error_on_a_worker_names_the_candidate(client, few):
    broken = candidates() | {"tied": (MeanRegularizedRidge(task_col=0), {"coupling": [-1.0, 1.0]})}
    with pytest.raises(ValueError, match="coupling") as caught:
        compare_on_cluster(broken, *few, task_col=0, inner_cv=2, random_state=0)
    assert any("candidate 'tied'" in note for note in caught.value.__notes__)
