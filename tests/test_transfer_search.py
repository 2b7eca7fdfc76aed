"""Every transfer method in a Pipeline and in a grid search that is scored on the target alone."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mtlkit.baselines import Pooled
from mtlkit.table import TargetKFold, per_task, shared
from mtlkit.transfer import (
    CORAL,
    KLIEP,
    TCA,
    BiasedLogisticRegression,
    BiasedRidge,
    ClassifierRatio,
    ImportanceWeighted,
    PriorCorrection,
    SubspaceAlignment,
    TrAdaBoostClassifier,
    TransferForestClassifier,
)
from tests._problems import as_frame

SIZES = {"source": 80, "target": 40}
ROLES = {"target": "t1", "task_col": "task"}
POOLED = Pooled(LogisticRegression(), task_col="task")
LOGISTIC = LogisticRegression()
METHODS = {  # last steps of a Pipeline, and a grid over parameters of the first of them
    "biased ridge": ([BiasedRidge("t0", task_col="task")], {"alpha": [0.1, 10]}),
    "biased logistic": (
        [BiasedLogisticRegression("t0", task_col="task")],
        {"alpha": [0.1, 10]},
    ),
    "forest": (
        [TransferForestClassifier(RandomForestClassifier(5, random_state=0), **ROLES)],
        {"method": ["strut", "ser", "mix"]},
    ),
    "weighted": (
        [ImportanceWeighted(LOGISTIC, **ROLES)],
        {"exponent": [0, 1], "density_ratio": [ClassifierRatio(), KLIEP(gamma=0.1)]},
    ),
    "boosting": ([TrAdaBoostClassifier(random_state=0, **ROLES)], {"n_estimators": [2, 5]}),
    "prior": ([PriorCorrection(LOGISTIC, **ROLES)], {"estimator__C": [0.01, 1]}),
    "coral": ([CORAL(**ROLES), POOLED], {"shrinkage": ["auto", 0.5]}),
    "subspace": ([SubspaceAlignment(**ROLES), POOLED], {"n_components": [1, 2]}),
    "tca": ([TCA(**ROLES), POOLED], {"n_components": [1, 2], "mu": [0.1, 10]}),
}


@pytest.fixture(scope="module")
def table():
    """Source rows and target rows, of which three in four have a label."""
    rng = np.random.default_rng(0)
    task = rng.permutation(np.repeat([0, 1], list(SIZES.values())))
    y = rng.integers(0, 2, len(task)).astype(float)
    X = rng.normal(size=(len(task), 3)) + np.outer(y, [2, 1, 0]) + 0.1 * task[:, None]
    hidden = (task == 1) & (rng.random(len(task)) < 0.25)
    return as_frame(np.column_stack([task, X])), y, np.where(hidden, np.nan, y)


def search(name, folds):
    steps, grid = METHODS[name]
    pipeline = make_pipeline(shared(StandardScaler(), "task"), *steps)
    prefix = pipeline.steps[1][0]
    grid = {f"{prefix}__{parameter}": values for parameter, values in grid.items()}
    return GridSearchCV(pipeline, grid, cv=folds, error_score="raise")


@pytest.mark.filterwarnings("ignore:.*labelled source rows count as")
@pytest.mark.parametrize("name", METHODS)
def test_a_search_scored_on_the_target(name, table):
    X, truth, y = table
    found = search(name, TargetKFold(3, shuffle=True, random_state=0, **ROLES)).fit(X, y)
    assert np.isfinite(found.cv_results_["mean_test_score"]).all()
    assert len(found.cv_results_["params"]) >= 2
    target = X["task"] == "t1"
    prediction = found.predict(X[target])
    if "ridge" in name or "regression" in name:
        prediction = prediction > 0.5
    assert (prediction == truth[target]).mean() > 0.7


@pytest.mark.parametrize("name", METHODS)
def test_a_search_without_target_labels_says_so(name, table):
    X, _, y = table
    y = np.where(X["task"] == "t1", np.nan, y)
    with pytest.raises(ValueError, match=r"0 labelled rows, .*scored on target labels"):
        search(name, TargetKFold(3, **ROLES)).fit(X, y)


@pytest.mark.filterwarnings("ignore:.*labelled source rows count as")
@pytest.mark.parametrize("name", ["weighted", "prior", "coral", "subspace", "tca"])
def test_methods_that_need_no_label_of_the_target(name, table):
    X, truth, _ = table
    target = (X["task"] == "t1").to_numpy()
    model = make_pipeline(shared(StandardScaler(), "task"), *METHODS[name][0])
    model.fit(X, np.where(target, np.nan, truth))
    assert (model.predict(X[target]) == truth[target]).mean() > 0.7


@pytest.mark.parametrize("name", ["coral", "subspace", "tca"])
def test_aligners_look_at_no_label(name, table):
    X, truth, _ = table
    aligner = METHODS[name][0][0]
    by_truth = aligner.fit(X, truth).transform(X)
    by_noise = aligner.fit(X, 1 - truth).transform(X)
    assert_array_equal(by_truth, by_noise)


@pytest.mark.parametrize("name", METHODS)
def test_scaling_by_domain_before_a_method(name, table):
    X, truth, y = table
    steps = METHODS[name][0]
    model = make_pipeline(per_task(StandardScaler(), "task"), *steps).fit(X, y)
    assert len(model.predict(X)) == len(truth)
