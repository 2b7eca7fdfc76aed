"""Tests of mtlkit.baselines: one model per task, and one model for all."""

import numpy as np
import pandas as pd
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import RandomForestClassifier, StackingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, RidgeClassifier
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from mtlkit.baselines import FeatureAugmentation, PerTask, Pooled
from mtlkit.table import TaskStratifiedKFold, stack_tasks
from tests._problems import as_frame, ragged_classification, ragged_regression

X, y = ragged_regression()
XC, yc = ragged_classification()
OWN = {0: [0, 1], 1: [1, 2, 3], 2: [2, 3]}
# Tasks 1 and 2 share class 3, and so all their classes; task 0 keeps to its own.
XD, yd = ragged_classification(classes=((0, 1), (2, 3), (3, 4)))
POSSIBLE = {0: [0, 1], 1: [2, 3, 4], 2: [2, 3, 4]}
CLASSIFIERS = [
    LogisticRegression(),
    DecisionTreeClassifier(max_depth=2, random_state=0),
    make_pipeline(StandardScaler(), LogisticRegression()),
]
TREE = DecisionTreeRegressor(random_state=0)
BOTH = [PerTask, Pooled]


# PerTask


@pytest.mark.parametrize("inner", [Ridge(), TREE, KNeighborsRegressor(1)])
def test_per_task_equals_fitting_by_hand(inner):
    new, _ = ragged_regression(seed=1)
    model = PerTask(inner, task_col=0).fit(X, y)
    prediction = model.predict(new)
    assert_array_equal(model.tasks_, [0, 1, 2, 3])
    for t in model.tasks_:
        by_hand = clone(inner).fit(X[X[:, 0] == t, 1:], y[X[:, 0] == t])
        assert_allclose(prediction[new[:, 0] == t], by_hand.predict(new[new[:, 0] == t, 1:]))


def test_per_task_on_two_processes_gives_the_same():
    prediction = PerTask(Ridge(), task_col=0, n_jobs=2).fit(X, y).predict(X)
    assert_allclose(prediction, PerTask(Ridge(), task_col=0).fit(X, y).predict(X))


@pytest.mark.parametrize("inner", CLASSIFIERS)
def test_per_task_probabilities_are_those_of_the_own_model(inner):
    model = PerTask(inner, task_col=0).fit(XC, yc)
    assert_array_equal(model.classes_, [0, 1, 2, 3])
    proba, prediction = model.predict_proba(XC), model.predict(XC)
    for t, own in OWN.items():
        rows = XC[:, 0] == t
        by_hand = clone(inner).fit(XC[rows, 1:], yc[rows])
        assert_allclose(proba[np.ix_(rows, own)], by_hand.predict_proba(XC[rows, 1:]))
        assert_array_equal(np.delete(proba[rows], own, axis=1), 0)
        assert_array_equal(prediction[rows], by_hand.predict(XC[rows, 1:]))


def test_per_task_sees_only_the_columns_of_the_task():
    tables = {
        "u": (pd.DataFrame({"a": X[:9, 1], "b": X[:9, 2]}), y[:9]),
        "v": (pd.DataFrame({"b": X[9:16, 2], "c": X[9:16, 3]}), y[9:16]),
    }
    table, target = stack_tasks(tables)
    model = PerTask(LinearRegression(), task_col="task").fit(table, target)
    for fitted, (own, labels) in zip(model.estimators_, tables.values(), strict=True):
        assert_array_equal(fitted.feature_names_in_, own.columns)
        assert_allclose(fitted.coef_, LinearRegression().fit(own, labels).coef_)
        rows = (table["task"] == ("u" if len(own) == 9 else "v")).to_numpy()
        assert_allclose(model.predict(table)[rows], fitted.predict(own))


def test_per_task_does_not_know_an_unseen_task():
    model = PerTask(Ridge(), task_col="task").fit(as_frame(X), y)
    with pytest.raises(ValueError, match=r"\['t9'\] were not seen.*PerTask has no model for them"):
        model.predict(as_frame(X).assign(task="t9"))


def test_per_task_names_the_task_that_fails():
    one_class = np.ones(len(XC), dtype=int)
    with pytest.raises(ValueError, match=r"LogisticReg.* task 0.0 \(.* rows of classes \[1\];"):
        PerTask(LogisticRegression(), task_col=0).fit(XC, one_class)
    table = as_frame(X)
    table.loc[table["task"] == "t2", "b"] = np.inf
    with pytest.raises(ValueError, match=r"Ridge.* task 't2' \(2 rows\): Input X contains inf"):
        PerTask(Ridge(), task_col="task").fit(table, y)


SIMPLE = [LogisticRegression(), DecisionTreeClassifier(), RidgeClassifier(), LinearSVC()]


@pytest.mark.parametrize("inner", [*SIMPLE, make_pipeline(StandardScaler(), LogisticRegression())])
def test_per_task_with_a_task_of_one_class(inner):
    one_class = np.where(XC[:, 0] == 1, 3, yc)  # and so every class is possible in task 1
    one_class[XC[:, 0] == 0] = yc[XC[:, 0] == 0] * 3
    model = PerTask(inner, task_col=0).fit(XC, one_class)
    rows = XC[:, 0] == 1
    n, K = rows.sum(), len(model.classes_)
    assert model.one_class_tasks_.tolist() == [1]
    assert_array_equal(model.predict(XC[rows]), 3)
    share = np.where(model.classes_ == 3, (n + 1) / (n + K), 1 / (n + K))
    if hasattr(inner, "predict_proba"):
        assert_allclose(model.predict_proba(XC[rows]), np.tile(share, (n, 1)))
        assert log_loss(one_class, model.predict_proba(XC)) < 2
    if hasattr(inner, "decision_function"):
        values = model.decision_function(XC)
        assert np.isfinite(values).all()
        assert_array_equal(model.classes_[values.argmax(axis=1)], model.predict(XC))


@pytest.mark.parametrize("words", [[0, 1], ["healthy", "ill"]])
def test_per_task_with_one_class_among_two(words):
    two = np.array(words)[yc % 2]
    two[XC[:, 0] == 2] = words[0]
    model = PerTask(LogisticRegression(), task_col=0).fit(XC, two)
    rows = XC[:, 0] == 2
    expected = np.log(1 / (rows.sum() + 1))
    assert_allclose(model.decision_function(XC)[rows], expected)
    assert_allclose(model.predict_proba(XC)[rows, 1], 1 / (rows.sum() + 2))
    weight = np.where(np.arange(len(two)) % 2, 3, 1)
    weighted = clone(model).fit(XC, two, sample_weight=weight)
    repeated = clone(model).fit(np.repeat(XC, weight, 0), np.repeat(two, weight))
    assert_allclose(weighted.predict_proba(XC), repeated.predict_proba(XC), atol=1e-4)
    huge = clone(model).fit(XC, two, sample_weight=np.where(rows, 1e300, 1.0))
    assert 0 < huge.predict_proba(XC)[rows, 1].max() < 1e-14
    search = GridSearchCV(
        model,
        {"estimator__C": [0.1, 1]},
        scoring=["roc_auc", "neg_log_loss"],
        refit="roc_auc",
        cv=TaskStratifiedKFold(3, task_col=0),
        error_score="raise",
    ).fit(XC, two)
    assert np.isfinite(search.cv_results_["mean_test_neg_log_loss"]).all()
    assert_array_equal(search.predict(XC)[rows], words[0])


def test_per_task_with_a_class_that_no_other_task_has():
    own = np.where(XD[:, 0] == 0, 9, yd)
    model = PerTask(LogisticRegression(), task_col=0).fit(XD, own)
    assert_array_equal(model.predict_proba(XD)[XD[:, 0] == 0], [[0, 0, 0, 1]] * sum(XD[:, 0] == 0))
    values = model.decision_function(XD)
    assert_array_equal(model.classes_[values.argmax(axis=1)], model.predict(XD))


def test_per_task_where_no_task_has_two_classes():
    one_each = XC[:, 0].astype(int)
    model = PerTask(LogisticRegression(), task_col=0).fit(XC, one_each)
    assert_array_equal(model.predict(XC), one_each)
    assert model.one_class_tasks_.tolist() == [0, 1, 2]
    with pytest.raises(ValueError, match="class"):
        PerTask(LogisticRegression(), task_col=0).fit(XC, np.zeros(len(XC), dtype=int))


def test_per_task_of_several_outputs():
    Y = np.column_stack([y, -y])
    prediction = PerTask(Ridge(), task_col=0).fit(X, Y).predict(X)
    assert_allclose(prediction[:, 1], -prediction[:, 0])
    assert_allclose(prediction[:, 0], PerTask(Ridge(), task_col=0).fit(X, y).predict(X))


# Pooled


@pytest.mark.parametrize("inner", [Ridge(), TREE])
def test_pooled_equals_fitting_by_hand(inner):
    expected = clone(inner).fit(X[:, 1:], y).predict(X[:, 1:])
    assert_array_equal(Pooled(inner, task_col=0).fit(X, y).predict(X), expected)


@pytest.mark.parametrize("inner", [Ridge(), TREE])
@pytest.mark.parametrize("frame", [False, True])
def test_task_as_input_is_one_hot(inner, frame):
    table = as_frame(X) if frame else X
    model = Pooled(inner, task_col="task" if frame else 0, task_as_input=True).fit(table, y)
    one_hot = np.column_stack([X[:, 1:], X[:, :1] == np.arange(4)])
    assert_allclose(model.predict(table), clone(inner).fit(one_hot, y).predict(one_hot))
    if frame:
        expected = ["a", "b", "c", "task=t0", "task=t1", "task=t2", "task=t3"]
        assert list(model.estimator_.feature_names_in_) == expected


def test_task_as_input_without_or_with_other_names():
    plain = Pooled(Ridge(), task_as_input=True).fit(X, y)
    assert plain.estimator_.n_features_in_ == X.shape[1]
    numbered = pd.DataFrame(X, columns=[10, 20, 30, 40])
    by_number = Pooled(Ridge(), task_col=10, task_as_input=True).fit(numbered, y)
    by_position = Pooled(Ridge(), task_col=0, task_as_input=True).fit(X, y)
    assert_allclose(by_number.predict(numbered), by_position.predict(X))


def test_pooled_predicts_an_unseen_task_with_the_shared_model():
    unseen = X.copy()
    unseen[:, 0] = 9
    plain = Pooled(Ridge(), task_col=0).fit(X, y)
    assert_array_equal(plain.predict(unseen), plain.predict(X))
    as_input = Pooled(Ridge(), task_col=0, task_as_input=True).fit(X, y)
    zeros = np.column_stack([X[:, 1:], np.zeros((len(X), 4))])
    assert_allclose(as_input.predict(unseen), as_input.estimator_.predict(zeros))


@pytest.mark.parametrize("inner", CLASSIFIERS)
@pytest.mark.parametrize("task_as_input", [False, True])
def test_pooled_probabilities_are_those_of_the_classes_possible_in_the_task(inner, task_as_input):
    model = Pooled(inner, task_col=0, task_as_input=task_as_input).fit(XD, yd)
    one_hot = XD[:, :1] == np.arange(3)
    inputs = np.column_stack([XD[:, 1:], one_hot]) if task_as_input else XD[:, 1:]
    raw = model.estimator_.predict_proba(inputs)
    possible = np.array([np.isin(np.arange(5), POSSIBLE[t]) for t in XD[:, 0]])
    expected = np.where(possible, raw, 0)
    assert_allclose(model.predict_proba(XD), expected / expected.sum(axis=1, keepdims=True))
    # without the mask some rows would get a class of another task
    assert task_as_input or not possible[np.arange(len(XD)), raw.argmax(axis=1)].all()


@pytest.mark.parametrize("inner", [*CLASSIFIERS, LinearSVC()])
def test_pooled_is_the_estimator_itself_where_tasks_share_a_class(inner):
    model = Pooled(inner, task_col=0).fit(XC, yc)
    by_hand = clone(inner).fit(XC[:, 1:], yc)
    for method in ("predict", "predict_proba", "decision_function"):
        if hasattr(inner, method):
            expected = getattr(by_hand, method)(XC[:, 1:])
            assert_array_equal(getattr(model, method)(XC), expected)


@pytest.mark.parametrize("model", [Pooled, FeatureAugmentation])
def test_a_few_labels_of_one_class_bar_no_class(model):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1305, 2))
    label = (x[:, 0] > 0.5).astype(int)
    table = np.column_stack([np.repeat([0.0, 1.0], [300, 1005]), x])
    few = np.r_[0:300, 300 + np.flatnonzero(label[300:] == 0)[:5]]  # task 1: five rows of class 0
    fitted = model(LogisticRegression(), task_col=0).fit(table[few], label[few])
    new, expected = table[305:], label[305:]
    if model is Pooled:
        assert fitted.score(new, expected) > 0.99
    _, inputs, _ = fitted._output(new, "predict")
    assert_array_equal(fitted.predict_proba(new), fitted.estimator_.predict_proba(inputs))
    assert_array_equal(fitted.predict(new), fitted.estimator_.predict(inputs))


def test_pooled_mask_leaves_an_unseen_task_all_classes():
    unseen = XD.copy()
    unseen[:, 0] = 9
    model = Pooled(LogisticRegression(), task_col=0).fit(XD, yd)
    raw = model.estimator_.predict_proba(XD[:, 1:])
    assert_allclose(model.predict_proba(unseen), raw)
    assert_array_equal(model.predict(unseen), raw.argmax(axis=1))


def test_pooled_shares_equally_where_the_model_gives_the_own_classes_nothing():
    table = np.array([[0, 0.0], [0, 1], [1, 5], [1, 6]])
    model = Pooled(DecisionTreeClassifier(), task_col=0).fit(table, [0, 1, 2, 3])
    far = [[0, 5.0]]
    assert_array_equal(model.predict_proba(far), [[0.5, 0.5, 0, 0]])
    assert_array_equal(model.predict(far), [0])


class Always(ClassifierMixin, BaseEstimator):
    """Predicts its first class and gives no scores."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])


def test_pooled_needs_scores_to_choose_another_class():
    model = Pooled(Always(), task_col=0).fit(XD, yd)
    assert_array_equal(model.predict(XD[XD[:, 0] == 0]), 0)
    with pytest.raises(ValueError, match=r"Always\(\).*does not have.*predict_proba"):
        model.predict(XD)
    assert not hasattr(model, "predict_proba")


def test_pooled_without_task_column_raises_what_the_estimator_raises():
    with pytest.raises(ValueError, match=r"^Input X contains NaN"):
        Pooled(Ridge()).fit([[np.nan], [1.0]], [1, 2])
    with pytest.raises(ValueError, match=r"Ridge\(\) could not be fitted on all 2 tasks together"):
        Pooled(Ridge(), task_col=0).fit([[0, np.inf], [1, 1.0]], [1, 2])
    with pytest.raises(ValueError, match=r"NaN: columns \[1\] .*task 0.0.* PerTask"):
        Pooled(Ridge(), task_col=0).fit([[0, np.nan], [1, 1.0]], [1, 2])


def test_pooled_hands_missing_columns_to_an_estimator_that_can_hold_them():
    holes = X.copy()
    holes[X[:, 0] == 1, 2] = np.nan
    prediction = Pooled(TREE, task_col=0).fit(holes, y).predict(holes)
    by_hand = clone(TREE).fit(holes[:, 1:], y)
    assert_array_equal(prediction, by_hand.predict(holes[:, 1:]))


# Both: classes


def possible(baseline, t):
    return {PerTask: {0: [0, 1], 1: [2, 3], 2: [3, 4]}, Pooled: POSSIBLE}[baseline][t]


@pytest.mark.parametrize("baseline", BOTH)
@pytest.mark.parametrize("inner", [*CLASSIFIERS, RandomForestClassifier(5, random_state=0)])
def test_predictions_stay_in_the_task_and_agree_with_the_probabilities(baseline, inner):
    model = baseline(inner, task_col=0).fit(XD[::2], yd[::2])
    prediction, proba = model.predict(XD), model.predict_proba(XD)
    assert_allclose(proba.sum(axis=1), 1)
    assert_array_equal(prediction, model.classes_[proba.argmax(axis=1)])
    for t in range(3):
        own = possible(baseline, t)
        assert set(prediction[XD[:, 0] == t]) <= set(own)
        assert_array_equal(np.delete(proba[XD[:, 0] == t], own, axis=1), 0)


@pytest.mark.parametrize("scale", [1e-200, 1e-3, 1, 1e150])
@pytest.mark.parametrize("baseline", BOTH)
@pytest.mark.parametrize("inner", [LogisticRegression(), LinearSVC(), RidgeClassifier()])
def test_decision_values_of_impossible_classes_are_just_below_the_rest(baseline, inner, scale):
    model = baseline(Scaled(inner, scale), task_col=0).fit(XD, yd)
    values = model.decision_function(XD)
    assert values.shape == (len(XD), 5)
    assert_array_equal(model.classes_[values.argmax(axis=1)], model.predict(XD))
    own = np.array([np.isin(np.arange(5), possible(baseline, t)) for t in XD[:, 0]])
    lowest = np.where(own, values, np.inf).min(axis=1)
    barred = np.where(own, -np.inf, values).max(axis=1)
    assert (barred < lowest).all()
    largest = abs(np.where(own, values, 0)).max(axis=1)
    assert (abs(values) <= 4 * largest[:, None]).all()  # finite, and of the size of the others


class Scaled(ClassifierMixin, BaseEstimator):
    """A classifier whose decision values are multiplied."""

    def __init__(self, inner, scale):
        self.inner = inner
        self.scale = scale

    def fit(self, X, y):
        self.inner_ = clone(self.inner).fit(X, y)
        self.classes_ = self.inner_.classes_
        return self

    def predict(self, X):
        return self.inner_.predict(X)

    def decision_function(self, X):
        return self.scale * self.inner_.decision_function(X)


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
@pytest.mark.parametrize("inner", [LogisticRegression(), LinearSVC()])
@pytest.mark.parametrize("model", [PerTask, Pooled, FeatureAugmentation])
@pytest.mark.parametrize("classes", [((0, 1), (2, 3)), ((0, 1), (1, 2)), ((0, 1), (0, 1))])
def test_calibration_keeps_the_accuracy(model, inner, method, classes):
    rng = np.random.default_rng(0)
    x, task = rng.normal(size=(400, 2)), np.repeat([0, 1], 200)
    label = np.array(classes)[task, (x[:, 0] > 0).astype(int)]
    table = np.column_stack([task, x + 4 * task[:, None]])
    fitted = model(inner, task_col=0).fit(table, label)
    folds = TaskStratifiedKFold(3, task_col=0)
    calibrated = CalibratedClassifierCV(fitted, method=method, cv=folds).fit(table, label)
    assert calibrated.score(table, label) > min(0.9, fitted.score(table, label) - 0.02)
    frozen = CalibratedClassifierCV(FrozenEstimator(fitted), method=method).fit(table, label)
    assert frozen.score(table, label) > min(0.9, fitted.score(table, label) - 0.02)


def test_decision_values_stack():
    members = [("svc", Pooled(LinearSVC(), task_col=0)), ("own", PerTask(LinearSVC(), task_col=0))]
    folds = TaskStratifiedKFold(3, task_col=0)
    stack = StackingClassifier(members, stack_method="decision_function", cv=folds).fit(XD, yd)
    assert stack.score(XD, yd) > members[0][1].fit(XD, yd).score(XD, yd) - 0.1


@pytest.mark.parametrize("baseline", BOTH)
@pytest.mark.parametrize("inner", [RidgeClassifier(), DecisionTreeClassifier()])
def test_two_classes_one_in_each_task(baseline, inner):
    model = baseline(inner, task_col=0).fit(XD, XD[:, 0] > 0)
    assert_array_equal(model.predict(XD), XD[:, 0] > 0)
    if hasattr(model, "decision_function"):
        values = model.decision_function(XD)
        assert np.isfinite(values).all()
        assert_array_equal(values > 0, XD[:, 0] > 0)
    else:
        assert_array_equal(model.predict_proba(XD)[:, 1], XD[:, 0] > 0)


@pytest.mark.parametrize("inner", [LogisticRegression(), LinearSVC(), RidgeClassifier()])
@pytest.mark.parametrize("only", [0, 1])
def test_a_task_with_one_of_two_classes(inner, only):
    two = np.where(XC[:, 0] == 1, only, yc % 2)
    model = Pooled(inner, task_col=0).fit(XC, two)
    values = model.decision_function(XC)
    assert_array_equal(values, model.estimator_.decision_function(XC[:, 1:]))
    assert_array_equal(model.predict(XC), values > 0)
    alone = PerTask(RidgeClassifier(), task_col=0).fit(XC, two)
    assert_array_equal(alone.predict(XC[XC[:, 0] == 1]), only)
    assert_array_equal(alone.predict(XC), alone.decision_function(XC) > 0)


@pytest.mark.parametrize("baseline", BOTH)
def test_two_classes_in_every_task_give_one_value_per_row(baseline):
    two = yc % 2
    model = baseline(LogisticRegression(), task_col=0).fit(XC, two)
    values = model.decision_function(XC)
    assert values.shape == (len(XC),)
    assert_array_equal(model.predict(XC), values > 0)
    assert_allclose(roc_auc_score(two, values), roc_auc_score(two, model.predict_proba(XC)[:, 1]))


@pytest.mark.parametrize("baseline", BOTH)
@pytest.mark.parametrize("kind", [list, pd.Series, lambda y: pd.Series(y, dtype="string")])
def test_string_labels(baseline, kind):
    words = np.array(["setosa", "b", "malignant", "c"])[yc]
    model = baseline(LogisticRegression(), task_col="task").fit(as_frame(XC), kind(words))
    assert model.classes_.tolist() == ["b", "c", "malignant", "setosa"]
    assert set(model.predict(as_frame(XC))) <= set(words)
    assert model.score(as_frame(XC), words) > 0.4


# Both: everything else


@pytest.mark.parametrize("baseline", BOTH)
def test_frames_and_arrays_give_the_same(baseline):
    from_array = baseline(Ridge(), task_col=0).fit(X, y).predict(X)
    shuffled_index = as_frame(X).set_axis(np.arange(len(X)) % 3)
    model = baseline(Ridge(), task_col="task").fit(shuffled_index, pd.Series(y))
    assert_allclose(model.predict(shuffled_index), from_array)


@pytest.mark.parametrize("baseline", BOTH)
def test_permuting_rows_permutes_predictions(baseline):
    order = np.random.default_rng(0).permutation(len(X))
    straight = baseline(Ridge(), task_col=0).fit(X, y)
    permuted = baseline(Ridge(), task_col=0).fit(X[order], y[order])
    assert_allclose(permuted.predict(X), straight.predict(X))
    assert_allclose(straight.predict(X[order]), straight.predict(X)[order])


@pytest.mark.parametrize("baseline", BOTH)
def test_whole_weights_repeat_rows(baseline):
    weight = np.random.default_rng(0).integers(1, 4, size=len(y))
    weighted = baseline(Ridge(), task_col=0).fit(X, y, sample_weight=weight)
    repeated = baseline(Ridge(), task_col=0).fit(np.repeat(X, weight, 0), np.repeat(y, weight))
    assert_allclose(weighted.predict(X), repeated.predict(X))


@pytest.mark.parametrize("baseline", BOTH)
@pytest.mark.parametrize(
    ("inner", "table", "target", "weight", "message"),
    [
        (Ridge(), X, None, None, "requires y to be passed"),
        (Ridge(), X, y[1:], None, r"inconsistent numbers of samples: .*27"),
        (Ridge(), X, y, np.ones(5), r"sample_weight has shape \(5,\), expected .* \(28,\)"),
        (Ridge(), X, y, np.ones(50), r"sample_weight has shape \(50,\)"),
        (KNeighborsRegressor(), X, y, np.ones(28), r"KNeighborsRegressor\(\) does not accept"),
        (Ridge(), X[:, :1], y, None, r"Found array with 0 feature\(s\)"),
        (Ridge(), np.where(X < -2, np.inf, X), y, None, "could not be .* infinity"),
    ],
)
def test_fit_errors(baseline, inner, table, target, weight, message):
    with pytest.raises(ValueError, match=message):
        baseline(inner, task_col=0).fit(table, target, sample_weight=weight)


@pytest.mark.parametrize("baseline", BOTH)
def test_predict_checks_the_table(baseline):
    model = baseline(Ridge(), task_col=0).fit(X, y)
    with pytest.raises(ValueError, match=r"X has 3 features, but .* is expecting 4"):
        model.predict(X[:, :3])
    with pytest.raises(ValueError, match=r"strings in X .* numbers in fit"):
        model.predict(X.astype(str))
    named = baseline(Ridge(), task_col="task").fit(as_frame(X), y)
    with pytest.raises(ValueError, match="feature names should match"):
        named.predict(as_frame(X)[["task", "b", "a", "c"]])


@pytest.mark.parametrize("baseline", BOTH)
def test_names_of_mixed_kinds_are_refused_with_a_cure(baseline):
    table, target = stack_tasks({"u": (pd.DataFrame(X[:, 1:]), y)})
    with pytest.raises(TypeError, match=r"convert them all to strings"):
        baseline(Ridge(), task_col="task").fit(table, target)


# Found by review


def test_refit_with_another_kind_of_estimator_forgets_the_classes():
    model = PerTask(LogisticRegression(), task_col=0).fit(XC, yc)
    model.set_params(estimator=Ridge()).fit(X, y)
    assert_allclose(model.predict(X), PerTask(Ridge(), task_col=0).fit(X, y).predict(X))
    assert not hasattr(model, "classes_")


@pytest.mark.parametrize("baseline", BOTH)
def test_rows_without_a_label_are_left_out(baseline):
    some_missing = np.where(np.arange(len(y)) < 2, np.nan, y)
    known = ~np.isnan(some_missing)
    model = baseline(Ridge(), task_col=0).fit(X, some_missing)
    expected = baseline(Ridge(), task_col=0).fit(X[known], y[known])
    assert_allclose(model.predict(X), expected.predict(X))
    assert model.score(X, some_missing) == pytest.approx(expected.score(X[known], y[known]))
    with pytest.raises(ValueError, match="no row has a label"):
        baseline(Ridge(), task_col=0).fit(X, np.full(len(y), np.nan))


def test_rows_without_a_class_are_left_out():
    labels = np.where(yc > 1, "high", "low").astype(object)
    labels[::4] = None
    known = labels != None  # noqa: E711 (element by element)
    model = Pooled(LogisticRegression(), task_col=0).fit(XC, labels)
    expected = Pooled(LogisticRegression(), task_col=0).fit(XC[known], labels[known])
    assert_array_equal(model.predict(XC), expected.predict(XC))


def test_pairwise_decision_values_are_refused_where_classes_differ():
    pairwise = SVC(decision_function_shape="ovo")
    for baseline in BOTH:
        model = baseline(pairwise, task_col=0).fit(XD, yd)
        with pytest.raises(ValueError, match="decision_function_shape='ovr'"):
            model.decision_function(XD)


def test_task_as_input_does_not_overwrite_a_feature():
    table = as_frame(X).rename(columns={"a": "task=t1"})
    with pytest.raises(ValueError, match=r"makes columns \['task=t1'\], which X has already"):
        Pooled(Ridge(), task_col="task", task_as_input=True).fit(table, y)


def test_workers_keep_the_configuration():
    with sklearn.config_context(assume_finite=True):
        model = PerTask(RemembersConfig(), task_col=0, n_jobs=2).fit(X, y)
    assert [fitted.assumed_finite_ for fitted in model.estimators_] == [True] * 4


class RemembersConfig(Ridge):
    def fit(self, X, y):
        self.assumed_finite_ = sklearn.get_config()["assume_finite"]
        return super().fit(X, y)
