"""Numbers do not depend on threads, on workers, or on the order of rows, chunks and tasks' names.

How far they move is stated in CHANGELOG.md, under "What is stable". A model that draws rows by
their places (networks, forests, calibration on a random part) is another one in another order.
"""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone, is_classifier
from sklearn.linear_model import LogisticRegression, Ridge
from threadpoolctl import threadpool_info, threadpool_limits

from mtlkit.baselines import PerTask, Pooled
from mtlkit.evaluation import TaskConformalClassifier, TaskConformalRegressor, compare
from mtlkit.linear import (
    EmpiricalBayesRidge,
    JointSupport,
    LearnedRelations,
    LowRank,
    MeanRegularizedRidge,
    MultiTaskLinearRegression,
    SharedMean,
)
from mtlkit.neural import MultiTaskMLP
from mtlkit.table import TaskStratifiedKFold
from mtlkit.transfer import TCA, TransferForestClassifier
from tests._problems import ROUNDING, ragged_classification, ragged_regression, tolerance
from tests._subjects import ESTIMATORS, name_of, placed

# Advice about the data, and that 100 iterations are few: here the numbers are the subject.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
DRAWN = (
    MultiTaskMLP,
    TaskConformalClassifier,
    TaskConformalRegressor,
    TransferForestClassifier,
)
NUMBERS = ragged_regression(rows=(700, 500, 60, 900), d=20)  # a product takes two threads
CLASSES = ragged_classification(n=600)
TASKS = [0.0, 1.0, 2.0, 3.0]
RENAMED = np.array([7.0, 3.0, 9.0, 1.0])  # in another order


def is_drawn(model):
    return isinstance(model, DRAWN) or "MLP" in type(model).__name__


def problem(model):
    X, y = CLASSES if is_classifier(model) else NUMBERS
    part = slice(None, None, 6 if isinstance(model, TCA) else 1)  # it costs a cube of rows
    if getattr(model, "random_slopes", None) == "all":
        X = X[:, :8]  # and this one powers of columns
    return placed(model, 0, TASKS[:3]), X[part], y[part]


def answers(model, X):
    """What a fitted model says of a table, without its task."""
    for method in ("predict_proba", "predict", "transform"):
        if hasattr(model, method):
            answer = getattr(model, method)(X)
            break
    if isinstance(answer, dict):
        return np.column_stack([np.ravel(part) for part in answer.values()])
    return answer[:, 1:] if method == "transform" else answer


def assert_near(answer, expected, within):
    assert answer.shape == expected.shape
    assert np.array_equal(np.isnan(answer), np.isnan(expected))
    apart = np.nanmax(np.abs(answer - expected)) / np.nanmax(np.abs(expected))
    assert apart <= within


@pytest.mark.parametrize("model", ESTIMATORS, ids=name_of)
def test_two_threads_give_the_numbers_of_one(model):
    model, X, y = problem(model)
    expected = answers(model.fit(X, y), X)
    with threadpool_limits(2):
        # Beside these a library may be loaded that was built for one.
        assert any(library["num_threads"] == 2 for library in threadpool_info())
        again = answers(clone(model).fit(X, y), X)
    assert_near(again, expected, tolerance(model))


@pytest.mark.parametrize("model", [e for e in ESTIMATORS if not is_drawn(e)], ids=name_of)
def test_rows_in_another_order_give_the_same_numbers(model):
    model, X, y = problem(model)
    order = np.random.default_rng(1).permutation(len(X))
    expected = answers(model.fit(X, y), X)
    assert_near(answers(clone(model).fit(X[order], y[order]), X), expected, tolerance(model))


@pytest.mark.parametrize("model", [e for e in ESTIMATORS if not is_drawn(e)], ids=name_of)
def test_tasks_with_names_in_another_order_give_the_same_numbers(model):
    model, X, y = problem(model)
    renamed = X.copy()
    renamed[:, 0] = RENAMED[X[:, 0].astype(int)]
    roles = {
        role: RENAMED[int(getattr(model, role))]
        for role in ("source", "target")
        if getattr(model, role, None) is not None
    }
    expected = answers(model.fit(X, y), X)
    again = clone(model).set_params(**roles).fit(renamed, y)
    assert_near(answers(again, renamed), expected, tolerance(model))


@pytest.mark.parametrize("estimator", [Ridge(), LogisticRegression()])
def test_two_workers_give_the_numbers_of_one(estimator):
    model, X, y = problem(PerTask(estimator))
    expected = answers(model.fit(X, y), X)
    assert_near(answers(clone(model).set_params(n_jobs=2).fit(X, y), X), expected, ROUNDING)


def test_a_comparison_by_two_workers_is_that_by_one():
    X, y = ragged_regression(rows=(30, 30, 30))
    candidates = {
        "alone": (PerTask(Ridge(), task_col=0), {"estimator__alpha": [0.1, 1]}),
        "pooled": (Pooled(Ridge(), task_col=0), {"estimator__alpha": [0.1, 1]}),
        "tied": (MeanRegularizedRidge(task_col=0), {"coupling": [1, 10]}),
    }
    cv = TaskStratifiedKFold(3, task_col=0, shuffle=True, random_state=0)
    same = {"task_col": 0, "cv": cv, "inner_cv": 2, "random_state": 0}
    one, two = (compare(candidates, X, y, n_jobs=n, **same) for n in (1, 2))
    assert str(one.table()) == str(two.table())


PENALTIES = [SharedMean(), JointSupport(), LowRank(), LearnedRelations()]


@pytest.mark.parametrize(
    "model",
    [
        MeanRegularizedRidge(),
        EmpiricalBayesRidge(),
        EmpiricalBayesRidge("all"),
        *[MultiTaskLinearRegression(penalty, tol=1e-12) for penalty in PENALTIES],
    ],
    ids=name_of,
)
@settings(max_examples=5)
@given(cuts=st.sets(st.integers(1, 299), max_size=6), order=st.randoms(use_true_random=False))
def test_chunks_of_any_size_in_any_order_give_the_numbers_of_one_fit(model, cuts, order):
    X, y = ragged_regression(rows=(90, 100, 20, 90))
    model = placed(model, 0, TASKS)
    expected = answers(model.fit(X, y), X)
    chunks = np.split(np.arange(len(X)), sorted(cuts))
    order.shuffle(chunks)
    if isinstance(model, EmpiricalBayesRidge):  # a first row alone tells no variance
        chunks.sort(key=len, reverse=True)
    again = clone(model)
    for rows in chunks:
        again.partial_fit(X[rows], y[rows])
    assert_near(answers(again, X), expected, tolerance(model))


FROM_START = ESTIMATORS[4:10]
PRINT = """
from tests.test_reproducible import FROM_START, answers, problem
for model in FROM_START:
    model, X, y = problem(model)
    print(*answers(model.fit(X, y), X).ravel()[::97].tolist())
"""


def test_a_process_with_two_threads_from_its_start_gives_the_same_numbers():
    root = Path(__file__).parent.parent
    outputs = []
    for n in ("1", "2"):
        threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), n)
        done = subprocess.run(
            [sys.executable, "-c", PRINT],
            env=os.environ | threads, cwd=root, capture_output=True, text=True, check=True,
        )  # fmt: skip
        outputs.append([np.array(line.split(), float) for line in done.stdout.splitlines()])
    for model, one, two in zip(FROM_START, *outputs, strict=True):
        assert_near(two, one, tolerance(model))
