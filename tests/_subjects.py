"""Every public estimator, splitter and function that takes a table, small and ready to run."""

import importlib
import inspect

from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

import mtlkit
from mtlkit.baselines import FeatureAugmentation, PerTask, Pooled
from mtlkit.evaluation import TaskConformalClassifier, TaskConformalRegressor
from mtlkit.linear import (
    EmpiricalBayesRidge,
    JointSupport,
    LearnedRelations,
    LowRank,
    MeanRegularizedRidge,
    MultiTaskLinearRegression,
    MultiTaskLogisticRegression,
    SharedMean,
)
from mtlkit.neural import MultiTaskMLP, MultiTaskMLPClassifier, MultiTaskMLPRegressor
from mtlkit.table import PrivateColumns, per_task, shared
from mtlkit.transfer import (
    CORAL,
    TCA,
    BiasedLogisticRegression,
    BiasedRidge,
    ImportanceWeighted,
    PriorCorrection,
    SubspaceAlignment,
    TrAdaBoostClassifier,
    TransferForestClassifier,
)
from tests._problems import as_frame, ragged_classification, ragged_regression

MODULES = [importlib.import_module(f"mtlkit.{name}") for name in mtlkit.__all__]
PUBLIC = {
    f"{module.__name__}.{name}": getattr(module, name)
    for module in MODULES
    for name in module.__all__
}
SHORT = {"learning_rate_init": 0.02, "max_iter": 30, "n_iter_no_change": None, "random_state": 0}
PENALTIES = [SharedMean(), JointSupport(), LowRank(), LearnedRelations()]
REGRESSORS = [
    PerTask(Ridge()),
    Pooled(Ridge()),
    Pooled(Ridge(), task_as_input=True),
    FeatureAugmentation(Ridge()),
    MeanRegularizedRidge(),
    EmpiricalBayesRidge(),
    EmpiricalBayesRidge("all"),
    *[MultiTaskLinearRegression(penalty, tol=1e-12) for penalty in PENALTIES],
    MultiTaskMLPRegressor(**SHORT),
    BiasedRidge(),
    ImportanceWeighted(Ridge()),
    TaskConformalRegressor(MeanRegularizedRidge(), random_state=0),
    TaskConformalRegressor(MeanRegularizedRidge(), by="tied", random_state=0),
]
CLASSIFIERS = [
    PerTask(LogisticRegression(tol=1e-10)),
    Pooled(LogisticRegression(tol=1e-8)),
    FeatureAugmentation(LogisticRegression(tol=1e-8)),
    *[MultiTaskLogisticRegression(penalty, tol=1e-9) for penalty in PENALTIES],
    MultiTaskMLPClassifier(**SHORT),
    BiasedLogisticRegression(tol=1e-9),
    ImportanceWeighted(LogisticRegression()),
    PriorCorrection(LogisticRegression()),
    TrAdaBoostClassifier(n_estimators=3, random_state=0),
    TransferForestClassifier(RandomForestClassifier(3, random_state=0), random_state=0),
    TaskConformalClassifier(
        MultiTaskLogisticRegression(SharedMean(), tol=1e-9), by="all", random_state=0
    ),
]
TRANSFORMERS = [
    per_task(StandardScaler()),
    shared(StandardScaler()),
    PrivateColumns(),
    CORAL(),
    SubspaceAlignment(2),
    TCA(2),
]
FEW_TREES = {"max_iter": 3, "learning_rate": 0.8, "min_samples_leaf": 3, "random_state": 0}
TREES = [
    PerTask(DecisionTreeRegressor(max_depth=2, random_state=0)),
    PerTask(DecisionTreeClassifier(max_depth=2, random_state=0)),
    Pooled(DecisionTreeClassifier(max_depth=2, random_state=0), task_as_input=True),
    Pooled(HistGradientBoostingRegressor(**FEW_TREES), task_as_input="category"),
    Pooled(HistGradientBoostingClassifier(**FEW_TREES), task_as_input="category"),
]
ESTIMATORS = [*REGRESSORS, *CLASSIFIERS, *TRANSFORMERS, *TREES, MultiTaskMLP(**SHORT)]


def public_estimators():
    """The public classes that have `fit`."""
    things = PUBLIC.values()
    return {
        x for x in things if inspect.isclass(x) and issubclass(x, BaseEstimator) and "fit" in dir(x)
    }


def name_of(thing):
    """An id for pytest, in one line."""
    return " ".join(repr(thing).split()) if isinstance(thing, BaseEstimator) else None


def placed(estimator, task_col, tasks):
    """A clone that reads `task_col`; where there are roles, the last of `tasks` is the target."""
    estimator = clone(estimator).set_params(task_col=task_col)
    names = estimator.get_params(deep=False)
    if "target" in names:
        return estimator.set_params(target=tasks[-1])
    return estimator.set_params(source=tasks[0]) if "source" in names else estimator


def on_table(estimator, kind="array"):
    """The estimator for a ragged problem, an array or a "frame", and the problem."""
    regression = ragged_regression(rows=(18, 16, 24, 30))
    X, y = ragged_classification() if is_classifier(estimator) else regression
    if kind == "array":
        return placed(estimator, 0, [0, 1, 2]), X, y
    return placed(estimator, "task", ["t0", "t1", "t2"]), as_frame(X), y
