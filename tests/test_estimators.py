"""What every estimator of mtlkit keeps: scikit-learn's rules, tables of both kinds, docstrings."""

import doctest
import importlib
import inspect
import pickle
import pkgutil
import re
import subprocess
import sys
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils.estimator_checks import check_estimator

import mtlkit
from mtlkit.baselines import FeatureAugmentation, PerTask, Pooled
from mtlkit.evaluation import paired_difference
from mtlkit.linear import (
    JointSupport,
    LearnedRelations,
    LowRank,
    MeanRegularizedRidge,
    MultiTaskLinearRegression,
    MultiTaskLogisticRegression,
    SharedMean,
)
from mtlkit.neural import FineTuner, MultiTaskMLP, MultiTaskMLPClassifier, MultiTaskMLPRegressor
from mtlkit.table import TaskStratifiedKFold, TaskTransformer, per_task, shared, stack_tasks
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
from tests._problems import as_frame, ragged_classification, ragged_regression

MODULES = {
    info.name: importlib.import_module(info.name)
    for info in pkgutil.walk_packages(mtlkit.__path__, "mtlkit.")
}
PUBLIC = {
    f"{name}.{member}": getattr(module, member)
    for name, module in MODULES.items()
    for member in getattr(module, "__all__", [])
    if callable(getattr(module, member))
}
SHORT = {"learning_rate_init": 0.02, "max_iter": 60, "n_iter_no_change": None, "random_state": 0}
PENALTIES = [SharedMean(), JointSupport(), LowRank(), LearnedRelations()]
REGRESSORS = [
    PerTask(Ridge()),
    Pooled(Ridge()),
    MeanRegularizedRidge(),
    BiasedRidge(),
    FeatureAugmentation(Ridge()),
    ImportanceWeighted(Ridge()),
    *[MultiTaskLinearRegression(penalty, tol=1e-12) for penalty in PENALTIES],
    MultiTaskMLPRegressor(**SHORT),
]
WRAPPED_CLASSIFIERS = [
    PerTask(LogisticRegression()),
    Pooled(LogisticRegression()),
    FeatureAugmentation(LogisticRegression()),
    ImportanceWeighted(LogisticRegression()),
    PriorCorrection(LogisticRegression()),
    TransferForestClassifier(RandomForestClassifier(5, random_state=0)),
]
PENALIZED_CLASSIFIERS = [MultiTaskLogisticRegression(penalty, tol=1e-12) for penalty in PENALTIES]
CLASSIFIERS = [
    *WRAPPED_CLASSIFIERS,
    *PENALIZED_CLASSIFIERS,
    MultiTaskMLPClassifier(**SHORT),
    BiasedLogisticRegression(tol=1e-10),
]
ALIGNERS = [CORAL(), SubspaceAlignment(2), TCA(2)]
TRANSFORMERS = [per_task(StandardScaler()), shared(StandardScaler()), *ALIGNERS]
TREES = [
    PerTask(DecisionTreeRegressor(random_state=0)),
    PerTask(DecisionTreeClassifier(random_state=0)),
    Pooled(DecisionTreeClassifier(random_state=0), task_as_input=True),
    TrAdaBoostClassifier(n_estimators=5, random_state=0),
]
ALL = [*REGRESSORS, *CLASSIFIERS, *TRANSFORMERS, *TREES, MultiTaskMLP(**SHORT)]
ALPHA = dict.fromkeys(
    ["PerTask", "Pooled", "FeatureAugmentation", "ImportanceWeighted"], "estimator__alpha"
)


def name_of(estimator):
    return repr(estimator) if isinstance(estimator, BaseEstimator) else None


def on_table(estimator, kind):
    """The estimator for one of the problems below, and the problem."""
    regression = ragged_regression(rows=(18, 16, 24, 30))
    X, y = ragged_classification() if is_classifier(estimator) else regression
    estimator = clone(estimator).set_params(task_col=0 if kind == "array" else "task")
    for role in {"source", "target"} & estimator.get_params().keys():
        if role == "target" or "target" not in estimator.get_params():
            estimator.set_params(**{role: 2 if kind == "array" else "t2"})
    return estimator, X if kind == "array" else as_frame(X), y


def test_every_public_estimator_is_tested_here():
    def is_estimator(thing):
        return inspect.isclass(thing) and issubclass(thing, BaseEstimator) and hasattr(thing, "fit")

    # FineTuner takes tables of the width of its network only (tests/test_finetune.py), and density
    # ratios are fitted to two tables (tests/test_weighting.py).
    tested = {FineTuner, ClassifierRatio, KLIEP, *map(type, ALL)}
    assert {thing for thing in PUBLIC.values() if is_estimator(thing)} == tested


# scikit-learn's rules


@pytest.mark.parametrize("estimator", ALL, ids=name_of)
def test_check_estimator_passes_without_a_skip(estimator):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # checks provoke convergence warnings and the like
        results = check_estimator(estimator, on_fail=None, on_skip=None)
    assert len(results) > 40
    assert [result for result in results if result["status"] != "passed"] == []


@pytest.mark.parametrize("kind", ["array", "frame"])
@pytest.mark.parametrize("estimator", ALL, ids=name_of)
def test_clone_and_pickle(estimator, kind):
    estimator, X, y = on_table(estimator, kind)
    copy = clone(estimator)
    assert copy.get_params().keys() == estimator.get_params().keys()
    assert repr(copy) == repr(estimator)
    fitted = estimator.fit(X, y)
    back = pickle.loads(pickle.dumps(fitted))
    method = "predict" if hasattr(fitted, "predict") else "transform"
    assert_array_equal(getattr(back, method)(X), getattr(fitted, method)(X))
    assert not hasattr(clone(fitted), "tasks_")


@pytest.mark.parametrize("estimator", ALL, ids=name_of)
def test_parameters_are_kept_as_they_are_given(estimator):
    for name, value in estimator.get_params(deep=False).items():
        assert getattr(estimator, name) is value
    with pytest.raises(ValueError, match="Invalid parameter 'tasks_col'"):
        clone(estimator).set_params(tasks_col=0)


# Model selection, on arrays and on DataFrames


@pytest.mark.parametrize("kind", ["array", "frame"])
@pytest.mark.parametrize("estimator", [*REGRESSORS, *CLASSIFIERS], ids=name_of)
def test_cross_validation_of_a_pipeline(estimator, kind):
    estimator, X, y = on_table(estimator, kind)
    col = estimator.task_col
    pipeline = make_pipeline(per_task(StandardScaler(), col), estimator)
    folds = TaskStratifiedKFold(2, task_col=col, shuffle=True, random_state=0)
    scoring = "accuracy" if is_classifier(estimator) else "r2"
    scores = cross_val_score(pipeline, X, y, cv=folds, scoring=scoring, error_score="raise")
    prediction = cross_val_predict(pipeline, X, y, cv=folds)
    assert_allclose(scores, cross_val_score(pipeline, X, y, cv=folds))  # the estimator's own score
    assert len(prediction) == len(y)
    assert np.isfinite(scores).all()


@pytest.mark.parametrize("kind", ["array", "frame"])
@pytest.mark.parametrize("estimator", REGRESSORS, ids=name_of)
def test_grid_search_by_r2(estimator, kind):
    estimator, X, y = on_table(estimator, kind)
    name = ALPHA.get(type(estimator).__name__, "alpha")
    folds = TaskStratifiedKFold(2, task_col=estimator.task_col)
    grid = {name: [0.1, 1e6]}
    search = GridSearchCV(estimator, grid, scoring="r2", cv=folds, error_score="raise")
    search.fit(X, y)
    assert search.best_params_ == {name: 0.1}
    assert search.score(X, y) == pytest.approx(search.best_estimator_.score(X, y))


@pytest.mark.parametrize("kind", ["array", "frame"])
@pytest.mark.parametrize("scoring", ["accuracy", "roc_auc", "neg_log_loss"])
@pytest.mark.parametrize("estimator", [*CLASSIFIERS, *filter(is_classifier, TREES)], ids=name_of)
def test_grid_search_of_classifiers(estimator, scoring, kind):
    estimator, X, y = on_table(estimator, kind)
    y = y % 2  # both classes in every task
    grid = {"estimator__class_weight": [None, "balanced"]}
    if isinstance(estimator, MultiTaskMLPClassifier):
        grid = {"activation": ["relu", "tanh"]}
    if isinstance(estimator, BiasedLogisticRegression):
        grid = {"alpha": [0.3, 3]}
    if isinstance(estimator, TrAdaBoostClassifier):
        grid = {"n_estimators": [3, 5]}
    if isinstance(estimator, MultiTaskLogisticRegression):
        grid = {"alpha": [0.3, 3], "penalty": [estimator.penalty, SharedMean(2)]}
    folds = TaskStratifiedKFold(3, task_col=estimator.task_col)
    search = GridSearchCV(estimator, grid, scoring=scoring, cv=folds, error_score="raise").fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


@pytest.mark.parametrize("estimator", CLASSIFIERS, ids=name_of)
def test_roc_auc_with_a_class_per_task(estimator):
    estimator, X, y = on_table(estimator, "array")
    folds = TaskStratifiedKFold(3, task_col=0)
    scores = cross_val_score(estimator, X, y, cv=folds, scoring="roc_auc_ovr", error_score="raise")
    assert scores.min() > 0.5


def test_the_scaler_in_a_pipeline_never_sees_the_task_column():
    X, y = ragged_regression()
    pipeline = make_pipeline(shared(StandardScaler(), 0), PerTask(Ridge(), task_col=0)).fit(X, y)
    assert_array_equal(pipeline[-1].tasks_, [0, 1, 2, 3])
    bare = make_pipeline(StandardScaler(), PerTask(Ridge(), task_col="task"))
    with pytest.raises(ValueError, match=r"array without column names.*wrap .* in shared"):
        bare.fit(as_frame(X).assign(task=X[:, 0]), y)


# pandas is optional


WITHOUT_PANDAS = """\
import sys
from importlib.abc import MetaPathFinder

class NoPandas(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "pandas":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, NoPandas())
import numpy as np
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler
from mtlkit.baselines import FeatureAugmentation, PerTask, Pooled
from mtlkit.linear import (
    JointSupport,
    LearnedRelations,
    LowRank,
    MeanRegularizedRidge,
    MultiTaskLogisticRegression,
    MultiTaskLinearRegression,
    SharedMean,
)
from mtlkit.table import TaskStratifiedKFold, per_task, split_tasks, stack_tasks
from mtlkit.transfer import BiasedRidge

rng = np.random.default_rng(0)
X, y = stack_tasks({t: (rng.normal(size=(6, 2)), rng.normal(size=6)) for t in (0, 1)})
X = per_task(StandardScaler(), 0).fit_transform(X)
shared = [Pooled(Ridge(), task_col=0), MeanRegularizedRidge(task_col=0)]
for model in [PerTask(Ridge(), task_col=0), BiasedRidge(0, task_col=0), *shared]:
    for train, test in TaskStratifiedKFold(2, task_col=0).split(X, y):
        assert np.isfinite(model.fit(X[train], y[train]).predict(X[test])).all()
assert list(split_tasks(X, y, task_col=0)) == [0, 1]
assert "pandas" not in sys.modules
"""


def test_everything_but_frames_works_without_pandas():
    command = [sys.executable, "-c", WITHOUT_PANDAS]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


# Documentation


def has_entry(text, name):
    """True if a docstring explains `name`, alone or among others, as a parameter or attribute."""
    sections = re.findall(
        r"^(?:Parameters|Attributes)\n-+\n(.*?)(?=^[^\n]+\n-{3,}$|\Z)", text, re.M | re.S
    )
    entry = re.compile(rf"^(?:\w+, )*{name}(?:, \w+)* : \S", re.M)
    return any(entry.search(section) for section in sections)


def test_an_entry_is_told_from_a_mention():
    text = "Do a.\n\nParameters\n----------\na, b : int\n    Not c : d.\n\nNotes\n-----\ne : f\n"
    assert [name for name in "abcdef" if has_entry(text, name)] == ["a", "b"]


def test_the_package_lists_its_modules_and_loads_them_when_they_are_used():
    assert {*mtlkit.__all__, "_utils"} == {name.split(".")[1] for name in MODULES}
    code = "import mtlkit, sys; assert 'numpy' not in sys.modules; mtlkit.linear.TaskMoments"
    subprocess.run([sys.executable, "-c", code], check=True)
    with pytest.raises(AttributeError, match="linaer"):
        mtlkit.linaer  # noqa: B018


@pytest.mark.parametrize("name", PUBLIC)
def test_public_names_have_numpydoc_docstrings(name):
    thing = PUBLIC[name]
    text = inspect.getdoc(thing)
    summary = text.split("\n")[0]
    assert summary.endswith((".", "?"))
    for parameter in inspect.signature(thing).parameters:
        assert has_entry(text, parameter), parameter
    if inspect.isfunction(thing) and "return " in inspect.getsource(thing):
        assert "Returns\n-------" in text


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings_run(name):
    assert doctest.testmod(MODULES[name]).failed == 0


@pytest.mark.parametrize(
    "thing",
    [*{type(e): None for e in ALL}, stack_tasks, paired_difference],
    ids=lambda t: t.__name__,
)
def test_what_most_readers_use_has_an_example_to_run(thing):
    assert doctest.DocTestParser().get_examples(thing.__doc__)


def test_task_transformer_is_the_class_behind_both_short_forms():
    assert {type(transformer) for transformer in TRANSFORMERS[:2]} == {TaskTransformer}
