"""Awkward tables: every subject on every kind gives the right answer or a clear error.

``MTLKIT_FULL_MATRIX=1`` runs all cells; without it each subject takes one kind in a few, so that
each kind still meets every family of subjects.
"""

import os
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone, is_classifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.utils.validation import has_fit_parameter

from mtlkit._utils._containers import is_frame, take
from mtlkit.baselines import PerTask, Pooled
from mtlkit.evaluation import compare, task_affinity
from mtlkit.linear import (
    EmpiricalBayesRidge,
    JointSupport,
    MeanRegularizedRidge,
    MultiTaskLinearRegression,
    TaskMoments,
    regularization_path,
)
from mtlkit.neural import FineTuner, MultiTaskMLP, MultiTaskMLPClassifier, MultiTaskMLPRegressor
from mtlkit.table import (
    LeaveTasksOut,
    TargetKFold,
    TaskStratifiedKFold,
    TaskStratifiedShuffleSplit,
    read_table,
    split_tasks,
    stack_tasks,
)
from mtlkit.transfer import KLIEP, ClassifierRatio, diagnose_shift

from ._kinds import kinds
from ._matrix import FAULTS, Base, Case, attempt, judge, positions
from ._subjects import CLASSIFIERS, REGRESSORS, TRANSFORMERS, TREES, name_of, placed

FULL = os.environ.get("MTLKIT_FULL_MATRIX") == "1"
ONE_IN = 1 if FULL else 7
BASES = {sort: Base(sort) for sort in ("regressor", "classifier")}
FAST = {"learning_rate_init": 0.02, "max_iter": 3, "n_iter_no_change": None, "random_state": 0}


@dataclass
class Subject:
    """What is tried: `run(case)` gives the outcome; `tags` say which kinds are about it."""

    name: str
    run: object
    tags: set = field(default_factory=set)
    sort: str = "regressor"
    tol: float = 1e-6


def fitted(estimator, case):
    model = placed(estimator, case.task_col, case.tasks)
    weight = {} if case.weight is None else {"sample_weight": case.weight}
    return model.fit(case.X, case.y, **weight)


def predictions(estimator, case):
    model = fitted(estimator, case)
    if case.act is not None:
        return case.act(model)
    probe = case.X if case.probe is None else case.probe
    predicted = model.predict(probe)
    result = [predicted]
    if is_classifier(model):
        known = case.labels or (0, 1, 2)
        result = [positions(predicted, known), positions(model.classes_, known)]
        if hasattr(model, "predict_proba"):
            result.append(model.predict_proba(probe))
    if case.probe is None and len(case.y) > 1:
        result.append(model.score(probe, case.y))
    return result


def transformed(estimator, case):
    model = placed(estimator, case.task_col, case.tasks).fit(case.X)
    if case.act is not None:
        return case.act(model)
    probe = case.X if case.probe is None else case.probe
    return parts(model.transform(probe), case)


def parts(X, case):
    """A table as numbers: features, and positions of the tasks."""
    features, task = read_table(X, case.task_col)
    return [np.asarray(features, dtype=float), positions(task, case.tasks)]


def fine_tuned(network, case):
    base = BASES["classifier" if is_classifier(network) else "regressor"]
    source, y = base.F, base.y
    if hasattr(case.X, "columns") and case.task_col in list(case.X.columns):
        names = [name for name in case.X.columns if name != case.task_col][:3]
        source = pd.DataFrame(source[:, : len(names)], columns=names)
    if case.labels is not None:
        y = np.array(case.labels)[y % len(case.labels)]
    network.fit(source, y)
    return predictions(FineTuner(network, max_iter=3, random_state=0), case)


def split_by(make, case):
    return [list(pair) for pair in make(case).split(case.X, case.y)]


def tasks_apart(case):
    found = split_tasks(case.X, case.y, task_col=case.task_col)
    return [
        positions(list(found), case.tasks),
        *[[dense(X), numbers(y)] for X, y in found.values()],
    ]


def stacked(case):
    """There and back: the tasks apart and together again, in the order of the tasks."""
    apart = split_tasks(case.X, case.y, task_col=case.task_col)
    X, y = stack_tasks(apart, labels="shared" if case.labels else None)
    again = Case(X, y, "task" if is_frame(X) else 0, case.tasks)
    return [*parts(X, again), numbers(y)]


def moments(case):
    features, task = read_table(case.X, case.task_col)
    found = TaskMoments.from_rows(features, case.y, task, case.weight)
    return [positions(found.tasks, case.tasks), found.n, found.Sxx, found.Sxy, found.Syy]


def ratio(model, case):
    """Two tables without tasks: the first half of the rows and the second."""
    X = read_table(case.X, case.task_col)[0]
    half = len(X) // 2
    model.fit(take(X, np.arange(half)), take(X, np.arange(half, len(X))))
    return [model.predict_ratio(X)]


def in_parts(model, case):
    model = placed(model, case.task_col, case.tasks)
    return [model.partial_fit(case.X, case.y).predict(case.X if case.probe is None else case.probe)]


def dense(X):
    return np.asarray(X.toarray() if sparse.issparse(X) else X, dtype=float)


def numbers(y):
    y = np.ravel(np.asarray(y, dtype=object))
    return [np.nan if v is None or v is pd.NA else float(v) for v in y]


def path(case):
    model = MultiTaskLinearRegression(JointSupport(), task_col=case.task_col, tol=1e-10)
    found = regularization_path(model, case.X, case.y, 3)
    return [m.coef_ for m in found]


def compared(case):
    inner = LogisticRegression() if case.labels else Ridge()
    arms = {"a": PerTask(inner, task_col=case.task_col), "b": Pooled(inner, task_col=case.task_col)}
    folds = TaskStratifiedKFold(2, task_col=case.task_col)
    found = compare(arms, case.X, case.y, task_col=case.task_col, cv=folds, random_state=0)
    by_task = np.nan_to_num(found.task_scores["a"])  # R² of one row, or of none, is not defined
    return [found.scores["a"], found.scores["b"], by_task]


def affinity(case):
    folds = TaskStratifiedKFold(2, task_col=case.task_col)
    models = MeanRegularizedRidge(task_col=case.task_col), PerTask(Ridge(), task_col=case.task_col)
    found = task_affinity(*models, case.X, case.y, task_col=case.task_col, cv=folds)
    return [np.nan_to_num(part) for part in (found.mean, found.low, found.high)]


def shift(case):
    found = diagnose_shift(
        case.X, case.y, target=case.tasks[-1], task_col=case.task_col, random_state=0
    )
    return [found.n_source, found.domain_auc, found.mean_distance, found.n_target_labels]


def tags_of(estimator):
    tags = {
        "tasks",
        "values",
        "full",
        "labels",
        "unlabelled",
        "required",
        "predicts",
        "scores",
        "wide",
    }
    tags.add("classifier" if is_classifier(estimator) else "regressor")
    module, name = type(estimator).__module__.split(".")[1], type(estimator).__name__
    hands_on = module == "baselines" or hasattr(estimator, "estimator")
    if not hands_on or name == "TrAdaBoostClassifier":
        tags.add("own")
    if name != "PerTask":
        tags.add("columns")
    if module != "transfer" or "Biased" in name:
        tags.add("drops")
    weighs = has_fit_parameter(estimator, "sample_weight")
    if weighs:
        tags.add("weights")
    if (weighs and module in ("baselines", "linear")) or "Biased" in name:
        tags.add("rows")
    return tags


def subjects():
    for estimator in [*REGRESSORS, *CLASSIFIERS, *TREES]:
        tags, name, tol = tags_of(estimator), type(estimator).__name__, 1e-5
        if estimator in TREES:  # a tree takes missing values
            tags = tags - {"full", "columns", "rows"} | {"holes"}
        if "MLP" in name:
            estimator, tol = clone(estimator).set_params(**FAST), 1e-3
        elif name == "BiasedLogisticRegression":  # slow on features that are far from zero
            estimator, tol = clone(estimator).set_params(tol=1e-7), 1e-3
        run = lambda case, e=estimator: predictions(e, case)  # noqa: E731
        sort = "classifier" if is_classifier(estimator) else "regressor"
        yield Subject(name_of(estimator), run, tags, sort, tol)
    for transformer in TRANSFORMERS:
        run = lambda case, e=transformer: transformed(e, case)  # noqa: E731
        name = type(transformer).__name__
        tags = {"tasks", "values", "predicts"}
        tags |= (
            {"holes"}
            if name in ("TaskTransformer", "PrivateColumns")
            else {"columns", "own", "full"}
        )
        tags |= {"wide"} if name in ("TaskTransformer", "CORAL") else set()  # no column goes
        yield Subject(name_of(transformer), run, tags)
    tags = tags_of(MultiTaskMLPRegressor()) - {"weights"}
    mixed = MultiTaskMLP(**FAST)
    yield Subject("MultiTaskMLP()", lambda c: predictions(mixed, c), tags, tol=1e-3)
    for network in (MultiTaskMLPRegressor(**FAST), MultiTaskMLPClassifier(**FAST)):
        sort = "classifier" if is_classifier(network) else "regressor"
        run = lambda case, n=network: fine_tuned(n, case)  # noqa: E731
        yield Subject(f"FineTuner({sort})", run, tags - {"regressor"} | {sort}, sort, 1e-3)
    for model in (ClassifierRatio(), KLIEP(gamma=0.1, random_state=0)):
        run = lambda case, m=model: ratio(m, case)  # noqa: E731
        yield Subject(name_of(model), run, {"values", "full"})
    for model in (MeanRegularizedRidge(), EmpiricalBayesRidge(), MultiTaskMLPRegressor(**FAST)):
        run = lambda case, m=model: in_parts(m, case)  # noqa: E731
        tags = tags_of(model) - {"predicts", "scores", "weights", "rows"}
        yield Subject(f"{name_of(model)} in parts", run, tags, tol=1e-3)
    splitters = {
        "TaskStratifiedKFold": lambda c: TaskStratifiedKFold(2, task_col=c.task_col),
        "TaskStratifiedShuffleSplit": lambda c: TaskStratifiedShuffleSplit(
            2, task_col=c.task_col, random_state=0
        ),
        "TargetKFold": lambda c: TargetKFold(2, target=c.tasks[-1], task_col=c.task_col),
        "LeaveTasksOut": lambda c: LeaveTasksOut(task_col=c.task_col),
    }
    for name, make in splitters.items():
        for sort in ("regressor", "classifier"):
            run = lambda case, m=make: split_by(m, case)  # noqa: E731
            tags = {"tasks", "wide"} | (
                {"labels", "unlabelled"} if name != "LeaveTasksOut" else set()
            )
            yield Subject(f"{name}, {sort}", run, tags, sort)
    yield Subject("read_table", lambda c: parts(c.X, c), {"tasks", "wide"})
    yield Subject("split_tasks", tasks_apart, {"tasks", "labels", "unlabelled", "wide"})
    yield Subject("stack_tasks", stacked, {"wide"})
    tags = {"values", "full", "labels", "required", "regressor", "own", "weights"}
    yield Subject("TaskMoments.from_rows", moments, tags)
    supervised = {
        "tasks",
        "labels",
        "unlabelled",
        "required",
        "values",
        "full",
        "wide",
        "regressor",
    }
    yield Subject("regularization_path", path, {*supervised, "own", "drops", "columns"})
    yield Subject("compare", compared, {*supervised, "columns"})
    yield Subject("task_affinity", affinity, {*supervised, "columns"})
    yield Subject(
        "diagnose_shift",
        shift,
        {"tasks", "labels", "unlabelled", "values", "full", "columns", "wide"},
    )


SUBJECTS = list(subjects())
# (subject, kind): why the cell is left out.
REASONS = {
    (
        "stack_tasks",
        "layouts_of_arrays: list of rows with words",
    ): "arrays hold tasks that are numbers"
} | {
    (name_of(model), kind): "boosted trees take a category for a category, not for its numbers"
    for model in TREES
    if isinstance(model, Pooled) and model.task_as_input == "category"
    for kind in ("frames: category of numbers as a feature", "words_and_dates: categories of words")
}


def cells(number, subject):
    """The cells of one subject: its kind by kind, one in `ONE_IN`."""
    base = BASES[subject.sort]
    for k, (kind, case) in enumerate(kinds(base)):
        if case.only is not None and not case.only <= subject.tags:
            continue
        if (k + number) % ONE_IN == 0 and (subject.name, kind) not in REASONS:
            yield kind, case


@pytest.mark.parametrize("number", range(len(SUBJECTS)), ids=[s.name for s in SUBJECTS])
def test_every_kind_of_table_is_right_or_refused_clearly(number, record_property):
    subject = SUBJECTS[number]
    counts, faults = {}, []
    plain = BASES[subject.sort].plain
    expected = attempt(subject.run, plain)
    assert expected[1] is None, expected[1]
    for kind, case in cells(number, subject):
        oracle = expected if case.twin is plain else None
        verdict, note = judge(subject.run, case, subject.tol, oracle)
        counts[verdict] = counts.get(verdict, 0) + 1
        if verdict in FAULTS:
            faults.append(f"{kind}: {verdict}: {note}")
    record_property("awkward_tables", counts)
    assert not faults, "\n".join([f"{subject.name}: {len(faults)} faults", *faults])


def test_what_is_left_out_would_fail():
    for name, kind in REASONS:
        subject = next(s for s in SUBJECTS if s.name == name)
        case = dict(kinds(BASES[subject.sort]))[kind]
        assert judge(subject.run, case, subject.tol)[0] in FAULTS


def test_every_kind_has_a_name_of_its_own():
    for base in BASES.values():
        names = [name for name, _ in kinds(base)]
        assert len(set(names)) == len(names)
        assert len(names) > 200
