"""Slips in what is passed beside the table: each is refused on purpose, by name or value."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge
from sklearn.model_selection import PredefinedSplit
from sklearn.preprocessing import StandardScaler

from mtlkit.baselines import PerTask, Pooled
from mtlkit.datasets import make_linear_tasks
from mtlkit.evaluation import compare, label_saving, paired_difference, task_affinity, verdict
from mtlkit.linear import (
    JointSupport,
    MeanRegularizedRidge,
    MultiTaskLinearRegression,
    SharedMean,
    TaskGraph,
    regularization_path,
)
from mtlkit.neural import (
    DWA,
    FineTuner,
    MultiTaskMLP,
    MultiTaskMLPClassifier,
    MultiTaskMLPRegressor,
)
from mtlkit.table import (
    TargetKFold,
    TaskStratifiedKFold,
    TaskStratifiedShuffleSplit,
    TaskTransformer,
    split_tasks,
    stack_tasks,
)
from mtlkit.transfer import (
    CORAL,
    KLIEP,
    TCA,
    BiasedRidge,
    ClassifierRatio,
    ImportanceWeighted,
    PriorCorrection,
    TrAdaBoostClassifier,
    TransferForestClassifier,
    diagnose_shift,
)

from ._matrix import is_clear

X = np.column_stack([np.repeat([0.0, 1], 20), np.random.default_rng(0).normal(size=(40, 3))])
Y = X[:, 1]
CLASSES = (Y > 0).astype(int)
ALONE, POOLED = PerTask(Ridge(), task_col=0), Pooled(Ridge(), task_col=0)
COUPLED = MeanRegularizedRidge(task_col=0)
ARMS = {"a": ALONE, "b": POOLED}
PAIR = pd.Series({0: 1.0, 7: 2.0})
CURVES = {"sizes": [1, 2], "scores": np.ones((2, 3))}
CURVES |= {f"baseline_{name}": curve for name, curve in CURVES.items()}


def fit(model, y=Y, **parameters):
    """Fits when it is called, with the task in column 0."""
    return lambda: model.set_params(task_col=0, **parameters).fit(X, y)


def quiet(*args, **parameters):
    """`compare` where the third opponent is not the point."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "no candidate is boosted", UserWarning)
        return compare(*args, **parameters)


def compared(candidates=ARMS, X=X, y=Y, **parameters):
    return lambda: quiet(candidates, X, y, task_col=0, **parameters)


def affinity(together=COUPLED, alone=ALONE, **parameters):
    return lambda: task_affinity(together, alone, X, Y, task_col=0, **parameters)


def network(**parameters):
    return fit(MultiTaskMLPRegressor(max_iter=2, n_iter_no_change=None, **parameters))


def tuner(**parameters):
    def run():
        source = MultiTaskMLPRegressor(max_iter=2, n_iter_no_change=None).fit(X[:, 1:], Y)
        FineTuner(source, max_iter=2, **{"task_col": 0, **parameters}).fit(X, Y)

    return run


def named(names):
    return pd.DataFrame(X, columns=list(names))


def path(**parameters):
    model = MultiTaskLinearRegression(JointSupport(), task_col=0)
    return lambda: regularization_path(model, X, Y, **parameters)


def in_parts(model, y, X_later, y_later):
    return lambda: model.set_params(task_col=0).partial_fit(X, y).partial_fit(X_later, y_later)


def split(splitter, **more):
    return lambda: list(splitter.split(X, Y, **more))


# What is refused: the slip, and a word that the message holds.
SLIPS = {
    "an integer for a splitter": (affinity(cv=5), "cv=5"),
    "a splitter without splits": (affinity(cv=PredefinedSplit([-1] * 40)), "cv="),
    "a class in task_affinity": (affinity(MeanRegularizedRidge), "together"),
    "another task column": (affinity(MeanRegularizedRidge(task_col=1)), "task_col=1"),
    "tasks that are no list": (compared(tasks=1), "tasks=1"),
    "an unknown task": (compared(tasks=[9]), "9"),
    "no table": (compared(X=None), "2D"),
    "no target": (compared(y=None), "y"),
    "a class in compare": (compared({"a": PerTask, "b": POOLED}), "'a'"),
    "no candidates": (compared({}), "candidates"),
    "a list of candidates": (compared([ALONE, POOLED]), "candidates"),
    "an unknown baseline": (compared(baseline="z"), "'z'"),
    "an unknown score": (compared(scoring="zz"), "'zz'"),
    "an unknown average": (compared(average="zz"), "'zz'"),
    "an unknown parameter": (compared({"a": (ALONE, {"alpa": [1]}), "b": POOLED}), "'alpa'"),
    "an array of targets": (fit(CORAL(target=np.array([1, 2]))), "target"),
    "an array of targets to split": (
        split(TargetKFold(2, target=np.array([1, 2]), task_col=0)),
        "target",
    ),
    "source and target the same": (fit(BiasedRidge(1, target=1)), "source=1"),
    "an unknown source": (fit(BiasedRidge("z")), "'z'"),
    "neither source nor target": (fit(BiasedRidge()), "source=None"),
    "a source without a task column": (lambda: BiasedRidge(1).fit(X, Y), "source=1"),
    "an unknown target in a report": (lambda: diagnose_shift(X, Y, target=7, task_col=0), "7"),
    "no transformer": (fit(TaskTransformer(None)), "transformer=None"),
    "the class of a transformer": (fit(TaskTransformer(StandardScaler)), "transformer="),
    "no estimator": (fit(PerTask(None)), "None"),
    "the class of an estimator": (fit(PerTask(Ridge)), "Ridge"),
    "the name of an estimator": (fit(PerTask("ridge")), "'ridge'"),
    "no estimator for all": (fit(Pooled(None)), "None"),
    "no estimator to weight": (fit(ImportanceWeighted(None, target=1)), "None"),
    "a ratio that is none": (
        fit(ImportanceWeighted(Ridge(), density_ratio=Ridge(), target=1)),
        "density_ratio",
    ),
    "a regressor to correct": (fit(PriorCorrection(Ridge(), target=1), CLASSES), "Ridge()"),
    "a regressor to boost": (fit(TrAdaBoostClassifier(Ridge(), target=1), CLASSES), "Ridge()"),
    "a forest that is none": (fit(TransferForestClassifier(Ridge(), target=1), CLASSES), "Ridge()"),
    "an unknown method": (
        fit(TransferForestClassifier(method="zz", target=1), CLASSES),
        "method='zz'",
    ),
    "the name of a penalty": (fit(MultiTaskLinearRegression("l1")), "penalty='l1'"),
    "the class of a penalty": (fit(MultiTaskLinearRegression(SharedMean)), "penalty="),
    "a graph of other tasks": (
        fit(MultiTaskLinearRegression(TaskGraph(np.ones((3, 3))))),
        "(3, 3)",
    ),
    "a graph of NaN": (fit(MultiTaskLinearRegression(TaskGraph(np.full((2, 2), np.nan)))), "nan"),
    "a graph that is a word": (fit(MultiTaskLinearRegression(TaskGraph("x"))), "'x'"),
    "a graph that is none": (fit(MultiTaskLinearRegression(TaskGraph(None))), "adjacency"),
    "an unknown task weight": (fit(MeanRegularizedRidge(task_weight="zz")), "task_weight='zz'"),
    "a negative task weight": (fit(MeanRegularizedRidge(task_weight=[1, -1])), "-1"),
    "a dict of task weights": (fit(MeanRegularizedRidge(task_weight={0: 1, 1: 2})), "task_weight"),
    "weights of other tasks": (fit(MeanRegularizedRidge(task_weight=PAIR)), "1.0"),
    "weights of other tasks in a network": (network(task_weight=PAIR), "1.0"),
    "the name of a weighting": (network(weighting="dwa"), "weighting='dwa'"),
    "the class of a weighting": (network(weighting=DWA), "weighting="),
    "a word for layers": (network(hidden_layer_sizes="a"), "hidden_layer_sizes"),
    "a negative layer": (network(hidden_layer_sizes=(-1,)), "hidden_layer_sizes"),
    "half a unit": (network(hidden_layer_sizes=(2.5,)), "hidden_layer_sizes"),
    "an unknown activation": (network(activation="zz"), "activation='zz'"),
    "an unknown solver": (network(solver="zz"), "solver='zz'"),
    "a seed that is a word": (network(random_state="a"), "'a'"),
    "no list of tasks": (fit(MultiTaskMLP(None)), "classification_tasks=None"),
    "a word for tasks": (fit(MultiTaskMLP("zz")), "classification_tasks='zz'"),
    "unknown tasks that classify": (fit(MultiTaskMLP([9])), "9"),
    "a network that is not fitted": (fit(FineTuner(MultiTaskMLPRegressor())), "not fitted"),
    "a network that is none": (fit(FineTuner(Ridge())), "network=Ridge()"),
    "an unknown head": (tuner(head="zz"), "head='zz'"),
    "an unknown mode": (tuner(mode="zz"), "mode='zz'"),
    "a table of another width": (tuner(task_col=None), "4 features"),
    "a new task in partial_fit": (
        in_parts(MultiTaskMLPRegressor(), Y, np.c_[X[:, 0] + 5, X[:, 1:]], Y),
        "5.0",
    ),
    "a new class in partial_fit": (
        in_parts(MultiTaskMLPClassifier(), CLASSES, X, CLASSES + 5),
        "class 6",
    ),
    "a path of ridge": (lambda: regularization_path(Ridge(), X, Y), "Ridge()"),
    "a path without strengths": (path(alphas=0), "alphas=0"),
    "a path with a negative strength": (path(alphas=[1, -1]), "-1"),
    "scores of other splits": (lambda: paired_difference([1, 2], [1, 2, 3]), "(3,)"),
    "a score that is NaN": (lambda: paired_difference([1, np.nan], [1, 2]), "nan"),
    "scores that are words": (lambda: paired_difference("ab", "cd"), "'ab'"),
    "complex scores": (lambda: paired_difference([1j, 2], [1, 2]), "complex"),
    "one split": (lambda: paired_difference([1], [2]), "2"),
    "a correction that is a word": (
        lambda: paired_difference([1, 2], [1, 3], corrected="yes"),
        "corrected='yes'",
    ),
    "a negative margin": (lambda: verdict([1, 2], [1, 3], margin=-1), "margin=-1"),
    "sizes without end": (lambda: label_saving(**{**CURVES, "sizes": [1, np.inf]}), "inf"),
    "complex curves": (
        lambda: label_saving(**{**CURVES, "scores": [[1j], [2]]}),
        "complex",
    ),
    "another width of the target": (lambda: KLIEP().fit(X, X[:, :2]), "2 features"),
    "another order of the target": (
        lambda: ClassifierRatio().fit(named("abcd"), named("dcba")),
        "order",
    ),
    "another width later": (lambda: ClassifierRatio().fit(X, X + 1).predict_ratio(X[:, :2]), "2"),
    "a ratio by regression": (lambda: ClassifierRatio(Ridge()).fit(X, X + 1), "predict_proba"),
    "an unknown kernel": (fit(TCA(kernel="zz", target=1)), "kernel='zz'"),
    "an unknown shrinkage": (fit(CORAL(shrinkage="zz", target=1)), "shrinkage='zz'"),
    "a list of tables": (lambda: stack_tasks([(X, Y)]), "dict"),
    "no tables": (lambda: stack_tasks({}), "{}"),
    "tables of other widths": (lambda: stack_tasks({0: (X, Y), 1: (X[:, :2], Y)}), "2"),
    "tables without targets": (lambda: stack_tasks({0: X, 1: X}), "(X, y)"),
    "targets of another length": (lambda: stack_tasks({0: (X, Y[:3]), 1: (X, Y)}), "(3,)"),
    "no table to split": (lambda: split_tasks(None, task_col=0), "2D"),
    "a share above one": (
        split(TaskStratifiedShuffleSplit(test_size=1.5, task_col=0)),
        "test_size=1.5",
    ),
    "shares of other tasks": (
        split(TaskStratifiedShuffleSplit(test_size={7: 2}, task_col=0)),
        "7",
    ),
    "more folds than rows": (split(TaskStratifiedKFold(50, task_col=0)), "50"),
    "groups of other rows": (
        split(TaskStratifiedKFold(2, task_col=0), groups=[1, 2]),
        "[40, 40, 2]",
    ),
    "an unknown structure": (lambda: make_linear_tasks("zz"), "structure='zz'"),
    "rows of other tasks": (lambda: make_linear_tasks(n_samples=[1, 2], n_tasks=3), "n_samples"),
}


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_is_refused_in_words(slip):
    run, word = SLIPS[slip]
    with pytest.raises((TypeError, ValueError)) as caught:
        run()
    assert is_clear(caught.value, (word,)), caught.value
