"""What every estimator of mtlkit keeps: scikit-learn's rules, tables of both kinds, no pandas."""

import doctest
import importlib
import pkgutil
import subprocess
import sys
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone, is_classifier
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

import mtlkit
from mtlkit.baselines import PerTask
from mtlkit.linear import EmpiricalBayesRidge, MomentSearchCV
from mtlkit.neural import FineTuner
from mtlkit.table import TaskStratifiedKFold, per_task, shared
from mtlkit.transfer import KLIEP, BiasedRidge, ClassifierRatio
from tests._problems import as_frame, ragged_regression
from tests._subjects import (
    CLASSIFIERS,
    ESTIMATORS,
    REGRESSORS,
    name_of,
    on_table,
    public_estimators,
)


def test_every_public_estimator_is_tested_here():
    # FineTuner takes tables of the width of its network only (tests/test_finetune.py), and density
    # ratios are fitted to two tables (tests/test_weighting.py), and a search is held against
    # GridSearchCV (tests/test_moment_search.py).
    elsewhere = {FineTuner, ClassifierRatio, KLIEP, MomentSearchCV}
    assert public_estimators() == elsewhere | {*map(type, ESTIMATORS)}


# scikit-learn's rules


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=name_of)
def test_check_estimator_passes_without_a_skip(estimator):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # checks provoke convergence warnings and the like
        results = check_estimator(estimator, on_fail=None, on_skip=None)
    assert len(results) > 40
    if "HistGradient" in repr(estimator):  # fails for scikit-learn's own: rows are counted in bins
        own = "check_sample_weight_equivalence_on_dense_data"
        results = [result for result in results if result["check_name"] != own]
    assert [result for result in results if result["status"] != "passed"] == []


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=name_of)
def test_parameters_are_kept_as_they_are_given(estimator):
    for name, value in estimator.get_params(deep=False).items():
        assert getattr(estimator, name) is value
    assert repr(clone(estimator)) == repr(estimator)
    with pytest.raises(ValueError, match="tasks_col"):
        clone(estimator).set_params(tasks_col=0)


# Model selection, on arrays and on DataFrames alike


@pytest.mark.filterwarnings("ignore:.*effective_sample_size_")
@pytest.mark.parametrize("estimator", [*REGRESSORS, *CLASSIFIERS], ids=name_of)
def test_cross_validation_of_a_pipeline_is_the_same_on_arrays_and_frames(estimator):
    scores = []
    for kind in ("array", "frame"):
        model, X, y = on_table(estimator, kind)
        col = model.task_col
        pipeline = make_pipeline(per_task(StandardScaler(), col), model)
        folds = TaskStratifiedKFold(2, task_col=col, shuffle=True, random_state=0)
        scoring = "accuracy" if is_classifier(model) else "r2"
        scores.append(cross_val_score(pipeline, X, y, cv=folds, scoring=scoring))
        assert_allclose(scores[-1], cross_val_score(pipeline, X, y, cv=folds))  # its own score
        assert len(cross_val_predict(pipeline, X, y, cv=folds)) == len(y)
    assert np.isfinite(scores).all()
    assert_allclose(*scores, rtol=1e-5)


@pytest.mark.filterwarnings("ignore:.*effective_sample_size_")
@pytest.mark.parametrize("estimator", REGRESSORS, ids=name_of)
def test_grid_search_by_r2(estimator):
    if isinstance(estimator, BiasedRidge | EmpiricalBayesRidge):
        return  # much shrinkage, to tasks that are alike, is not bad; or there is no strength
    estimator, X, y = on_table(estimator, "frame")
    name = "estimator__alpha" if hasattr(estimator, "estimator") else "alpha"
    folds = TaskStratifiedKFold(2, task_col="task")
    search = GridSearchCV(estimator, {name: [0.1, 1e6]}, cv=folds, error_score="raise").fit(X, y)
    assert search.best_params_ == {name: 0.1}
    assert search.score(X, y) == pytest.approx(search.best_estimator_.score(X, y))


@pytest.mark.filterwarnings("ignore:.*effective_sample_size_")
@pytest.mark.parametrize("estimator", CLASSIFIERS, ids=name_of)
def test_scorers_of_classifiers(estimator):
    estimator, X, y = on_table(estimator, "frame")
    folds = TaskStratifiedKFold(3, task_col="task")
    scorers = ["accuracy", "roc_auc", "neg_log_loss"]
    search = GridSearchCV(
        estimator,
        {"task_col": ["task"]},
        scoring=scorers,
        refit=False,
        cv=folds,
        error_score="raise",
    )
    search.fit(X, y % 2)  # both classes in every task
    assert all(np.isfinite(search.cv_results_[f"mean_test_{name}"]).all() for name in scorers)
    ranks = cross_val_score(
        estimator, X, y, cv=folds, scoring="roc_auc_ovr", error_score="raise"
    )  # tasks with classes of their own
    assert ranks.min() > 0.5


def test_the_scaler_in_a_pipeline_never_sees_the_task_column():
    X, y = ragged_regression()
    pipeline = make_pipeline(shared(StandardScaler(), 0), PerTask(Ridge(), task_col=0)).fit(X, y)
    assert_array_equal(pipeline[-1].tasks_, [0, 1, 2, 3])
    bare = make_pipeline(StandardScaler(), PerTask(Ridge(), task_col="task"))
    with pytest.raises(ValueError, match="shared"):
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


# Examples


MODULES = [info.name for info in pkgutil.walk_packages(mtlkit.__path__, "mtlkit.")]


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings_run(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_every_estimator_has_an_example():
    bare = [t for t in public_estimators() if not doctest.DocTestParser().get_examples(t.__doc__)]
    assert bare == []
