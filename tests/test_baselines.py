"""Tests of mtlkit.baselines: one model per task, and one model for all."""

import numpy as np
import pandas as pd
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, RidgeClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_score
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from mtlkit.baselines import PerTask, Pooled
from mtlkit.table import TaskStratifiedKFold, stack_tasks
from tests._problems import as_frame, ragged_classification, ragged_regression

X, y = ragged_regression()
XC, yc = ragged_classification()
OWN = {0: [0, 1], 1: [1, 2, 3], 2: [2, 3]}
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
    one_class = np.where(XC[:, 0] == 1, 1, yc)
    with pytest.raises(ValueError, match=r"LogisticReg.* task 1.0 \(12 rows of classes \[1\]\)"):
        PerTask(LogisticRegression(), task_col=0).fit(XC, one_class)
    table = as_frame(X)
    table.loc[table["task"] == "t2", "b"] = np.inf
    with pytest.raises(ValueError, match=r"Ridge.* task 't2' \(2 rows\): Input X contains inf"):
        PerTask(Ridge(), task_col="task").fit(table, y)


@pytest.mark.parametrize("inner", [DecisionTreeClassifier(), RidgeClassifier()])
def test_per_task_with_a_task_of_one_class(inner):
    one_class = np.where(XC[:, 0] == 1, 3, yc)
    model = PerTask(inner, task_col=0).fit(XC, one_class)
    assert_array_equal(model.predict(XC[XC[:, 0] == 1]), 3)
    method = "predict_proba" if hasattr(inner, "predict_proba") else "decision_function"
    assert_array_equal(getattr(model, method)(XC[XC[:, 0] == 1]).argmax(axis=1), 3)


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
def test_pooled_classifiers_are_masked_and_renormalised(inner, task_as_input):
    model = Pooled(inner, task_col=0, task_as_input=task_as_input).fit(XC, yc)
    one_hot = XC[:, :1] == np.arange(3)
    inputs = np.column_stack([XC[:, 1:], one_hot]) if task_as_input else XC[:, 1:]
    raw = model.estimator_.predict_proba(inputs)
    allowed = np.array([np.isin(np.arange(4), OWN[t]) for t in XC[:, 0]])
    expected = np.where(allowed, raw, 0)
    assert_allclose(model.predict_proba(XC), expected / expected.sum(axis=1, keepdims=True))
    # without the mask some rows would get a class of another task
    assert task_as_input or not allowed[np.arange(len(XC)), raw.argmax(axis=1)].all()


def test_pooled_mask_leaves_an_unseen_task_all_classes():
    unseen = XC.copy()
    unseen[:, 0] = 9
    model = Pooled(LogisticRegression(), task_col=0).fit(XC, yc)
    raw = model.estimator_.predict_proba(XC[:, 1:])
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
    model = Pooled(Always(), task_col=0).fit(XC, yc)
    assert_array_equal(model.predict(XC[XC[:, 0] == 0]), 0)
    with pytest.raises(ValueError, match=r"predicted a class that the task does not have.*use a"):
        model.predict(XC)
    assert not hasattr(model, "predict_proba")


def test_pooled_without_task_column_raises_what_the_estimator_raises():
    with pytest.raises(ValueError, match=r"^Input X contains NaN"):
        Pooled(Ridge()).fit([[np.nan], [1.0]], [1, 2])
    with pytest.raises(ValueError, match=r"Ridge\(\) could not be fitted on all 2 tasks together"):
        Pooled(Ridge(), task_col=0).fit([[0, np.nan], [1, 1.0]], [1, 2])


def test_pooled_hands_missing_columns_to_an_estimator_that_can_hold_them():
    holes = X.copy()
    holes[X[:, 0] == 1, 2] = np.nan
    prediction = Pooled(TREE, task_col=0).fit(holes, y).predict(holes)
    by_hand = clone(TREE).fit(holes[:, 1:], y)
    assert_array_equal(prediction, by_hand.predict(holes[:, 1:]))


# Both: classes


@pytest.mark.parametrize("baseline", BOTH)
@pytest.mark.parametrize("inner", [*CLASSIFIERS, RandomForestClassifier(5, random_state=0)])
def test_predictions_stay_in_the_task_and_agree_with_the_probabilities(baseline, inner):
    model = baseline(inner, task_col=0).fit(XC[::2], yc[::2])
    prediction, proba = model.predict(XC), model.predict_proba(XC)
    assert_allclose(proba.sum(axis=1), 1)
    assert_array_equal(prediction, model.classes_[proba.argmax(axis=1)])
    for t, own in OWN.items():
        assert set(prediction[XC[:, 0] == t]) <= set(own)
        assert_array_equal(np.delete(proba[XC[:, 0] == t], own, axis=1), 0)


@pytest.mark.parametrize("baseline", BOTH)
@pytest.mark.parametrize("inner", [LogisticRegression(), LinearSVC(), RidgeClassifier()])
def test_decision_values_rank_the_classes_of_the_task(baseline, inner):
    model = baseline(inner, task_col=0).fit(XC, yc)
    values = model.decision_function(XC)
    assert values.shape == (len(XC), 4)
    assert np.isfinite(values).all()
    assert_array_equal(model.classes_[values.argmax(axis=1)], model.predict(XC))
    barred = ~np.array([np.isin(np.arange(4), OWN[t]) for t in XC[:, 0]])
    assert_array_equal(values[barred], np.finfo(float).min)


@pytest.mark.parametrize("inner", [LogisticRegression(), LinearSVC(), RidgeClassifier()])
@pytest.mark.parametrize("only", [0, 1])
def test_a_task_with_one_of_two_classes(inner, only):
    two = np.where(XC[:, 0] == 1, only, yc % 2)
    model = Pooled(inner, task_col=0).fit(XC, two)
    values, rows = model.decision_function(XC), XC[:, 0] == 1
    assert_array_equal(model.predict(XC[rows]), only)
    assert_array_equal(model.predict(XC), values > 0)
    assert_array_equal(values[~rows], model.estimator_.decision_function(XC[~rows, 1:]))
    folds = TaskStratifiedKFold(3, task_col=0)
    scores = cross_val_score(model, XC, two, cv=folds, scoring="roc_auc", error_score="raise")
    assert scores.mean() > 0.5


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
    assert_array_equal(model.classes_, ["b", "c", "malignant", "setosa"])
    assert set(model.predict(as_frame(XC)[XC[:, 0] == 0])) <= {"setosa", "b"}
    assert model.score(as_frame(XC), words) > 0.5


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
        (Ridge(), X, y[1:], None, "X has 28 rows but y has 27 values: align them"),
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
    with pytest.raises(ValueError, match="strings are not numbers: convert the task column"):
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
        model = baseline(pairwise, task_col=0).fit(XC, yc)
        with pytest.raises(ValueError, match="set decision_function_shape='ovr'"):
            model.decision_function(XC)


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
