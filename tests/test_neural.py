"""Tests of the multi-task networks as estimators: data of every kind, training, errors."""

import copy
import pickle
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, DataConversionWarning
from sklearn.metrics import accuracy_score, r2_score

from mtlkit._utils._delegation import setting_of
from mtlkit.datasets import load_digit_tasks, make_linear_tasks
from mtlkit.neural import (
    DWA,
    MGDA,
    CAGrad,
    GradNorm,
    MultiTaskMLP,
    MultiTaskMLPClassifier,
    MultiTaskMLPRegressor,
    PCGrad,
    RandomWeights,
    UncertaintyWeights,
    UPGrad,
)
from mtlkit.table import stack_tasks
from tests._problems import as_frame, ragged_classification, ragged_regression

X, y = ragged_regression(rows=(20, 30, 12, 25))
TASK = X[:, 0].astype(int)
WEIGHTINGS = [
    RandomWeights(), UncertaintyWeights(), DWA(), GradNorm(), PCGrad(), MGDA(), CAGrad(), UPGrad()
]  # fmt: skip
FIXED = {"task_col": 0, "random_state": 0, "n_iter_no_change": None}


def regressor(**options):
    return MultiTaskMLPRegressor(**{**FIXED, "max_iter": 30, "batch_size": 16, **options})


def classifier(**options):
    return MultiTaskMLPClassifier(**{**FIXED, "max_iter": 30, "batch_size": 16, **options})


def test_it_learns_a_table_of_tasks():
    X, y = make_linear_tasks(n_tasks=5, n_samples=150, noise=0.3, random_state=0)
    train = np.arange(len(y)) % 150 < 100
    model = regressor(max_iter=150, learning_rate_init=0.01).fit(X[train], y[train])
    assert model.score(X[~train], y[~train]) > 0.7
    assert model.loss_curve_.shape == (150, 5)
    assert model.loss_curve_[-1].sum() < 0.2 * model.loss_curve_[0].sum()
    X, y = load_digit_tasks(rows_per_task=150)
    train = np.arange(len(y)) % 3 > 0
    model = classifier(max_iter=60).fit(X[train], y[train])
    assert model.score(X[~train], y[~train]) > 0.9


def test_the_loss_curve_is_the_mean_loss_of_the_batches():
    model = regressor(batch_size=len(y), learning_rate_init=1e-12, max_iter=1).fit(X, y)
    for t in range(4):
        own = t == TASK
        scaled = (model.predict(X[own]) - y[own]) / y[own].std()
        assert_allclose(model.loss_curve_[0, t], 0.5 * (scaled**2).mean(), rtol=1e-6)


@pytest.mark.parametrize("make", [regressor, classifier])
@pytest.mark.parametrize("weighting", [None, PCGrad()])
def test_the_seed_decides_everything(make, weighting):
    target = y if make is regressor else y > 3
    one, two = (make(weighting=weighting).fit(X, target) for _ in range(2))
    assert_array_equal(one.network_.theta, two.network_.theta)
    assert not np.array_equal(
        make(weighting=weighting, random_state=1).fit(X, target).network_.theta, one.network_.theta
    )
    assert not hasattr(weighting, "base_")  # the one that was passed is left alone


def test_frames_and_arrays_are_one_and_names_are_kept():
    frame = regressor(task_col="task").fit(as_frame(X), y)
    assert_allclose(frame.predict(as_frame(X)), regressor().fit(X, y).predict(X))
    assert list(frame.feature_names_in_) == ["task", "a", "b", "c"]


def test_rows_without_label_are_left_out():
    more, gaps = np.vstack([X, X[:5]]), np.r_[y, np.full(5, np.nan)]
    assert_allclose(
        regressor().fit(more, gaps).network_.theta, regressor().fit(X, y).network_.theta
    )
    model = regressor().fit(X, y)
    assert model.score(more, gaps) == model.score(X, y)
    labels = np.array(["b", "a"], dtype=object)[(y > 3).astype(int)]
    gaps = np.r_[labels, [None] * 5]
    assert_allclose(
        classifier().fit(more, gaps).network_.theta, classifier().fit(X, labels).network_.theta
    )


def test_float32_stays_float32():
    small = regressor().fit(X.astype(np.float32), y)
    assert small.network_.theta.dtype == np.float32
    assert_allclose(
        small.predict(X.astype(np.float32)), regressor().fit(X, y).predict(X), rtol=0.02
    )


def test_standardised_targets_make_scales_irrelevant():
    scale = np.array([1.0, 1000.0, 0.01, 5.0])[TASK]
    one, two = regressor().fit(X, y), regressor().fit(X, scale * y + 3)
    assert_allclose(two.predict(X), scale * one.predict(X) + 3, rtol=1e-6)
    assert_allclose(two.loss_curve_, one.loss_curve_, rtol=1e-6)
    raw = regressor(standardize_targets=False).fit(X, scale * y)
    assert raw.loss_curve_[0, 1] > 1e4 * raw.loss_curve_[0, 0]
    constant = np.where(TASK == 2, 7.0, y)
    assert np.isfinite(regressor().fit(X, constant).predict(X)).all()


def test_tasks_that_share_a_class_share_all_and_only_disjoint_ones_keep_theirs_apart():
    X, y = ragged_classification(classes=((0, 1), (1, 2), (3, 4)))
    task = X[:, 0].astype(int)
    model = classifier().fit(X, y)
    possible = np.array([[1, 1, 1, 0, 0], [1, 1, 1, 0, 0], [0, 0, 0, 1, 1]], bool)
    assert_array_equal(model.network_.possible, possible)
    proba = model.predict_proba(X)
    assert_array_equal(proba > 0, possible[task])
    assert_allclose(proba.sum(axis=1), 1)
    assert_array_equal(model.predict(X), proba.argmax(axis=1))


@pytest.mark.parametrize("weighting", [None, *WEIGHTINGS], ids=lambda w: type(w).__name__)
@pytest.mark.parametrize("label", [1, 7])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_task_of_one_class_stops_nobody(weighting, label, dtype):
    """With the label 7 it shares no class, and its loss is exactly 0."""
    rng = np.random.default_rng(0)
    X = np.column_stack([np.repeat([0, 1], 50), rng.normal(size=(100, 2))]).astype(dtype)
    y = (X[:, 1] > 0).astype(int)
    y[X[:, 0] == 1] = label
    model = classifier(weighting=weighting, max_iter=60, learning_rate_init=0.01).fit(X, y)
    assert np.isfinite(model.predict_proba(X)).all()
    own = X[:, 0] == 0
    assert model.score(X, y) >= 0.97
    assert model.score(X[own], y[own]) >= 0.94
    if label == 7:
        assert_array_equal(model.loss_curve_[:, 1], 0)


def test_a_few_labels_of_one_class_do_not_rule_the_other_out():
    rng = np.random.default_rng(0)
    X = np.column_stack([np.repeat([0, 1], [200, 205]), rng.normal(size=(405, 2))])
    y = (X[:, 1] > 0).astype(int)
    known = np.r_[np.arange(200), 200 + np.flatnonzero(y[200:] == 1)[:5]]
    model = classifier(max_iter=60, learning_rate_init=0.01).fit(X[known], y[known])
    assert (model.predict_proba(X) > 0).all()


def test_some_tasks_regress_and_some_classify():
    target = np.where(TASK == 1, (y > y[TASK == 1].mean()) + 4.0, y)
    model = MultiTaskMLP([1], **FIXED, max_iter=200, learning_rate_init=0.01).fit(X, target)
    predicted = model.predict(X)
    assert set(predicted[TASK == 1]) <= {4.0, 5.0}
    scores = [
        (accuracy_score if t == 1 else r2_score)(target[t == TASK], predicted[t == TASK])
        for t in range(4)
    ]
    assert_allclose(model.score(X, target), np.mean(scores))
    assert min(scores) > 0.6
    plain = MultiTaskMLP(**FIXED, max_iter=30, batch_size=16).fit(X, y)
    assert_allclose(plain.predict(X), regressor().fit(X, y).predict(X))
    for wrong, value in ((["x"], r"\['x'\]"), ("heart", "heart"), (None, "None"), (3, "3")):
        with pytest.raises(ValueError, match=f"classification_tasks.*{value}"):
            MultiTaskMLP(wrong, task_col=0).fit(X, y)


def test_classification_tasks_may_have_names_of_any_kind():
    names = [("site", 1), "b", 3, 2**63 + 1]
    table = np.column_stack([np.zeros(len(X), dtype=object), X[:, 1:]])
    for row, t in enumerate(TASK):
        table[row, 0] = names[t]
    target = np.where(TASK == 3, y > y[TASK == 3].mean(), y).astype(float)
    model = MultiTaskMLP([2**63 + 1], **FIXED, max_iter=5).fit(table, target)
    assert set(model.tasks_.tolist()) == set(names)
    assert set(model.predict(table[TASK == 3])) <= {0.0, 1.0}


def test_tasks_with_different_columns_get_an_encoder_each():
    rng = np.random.default_rng(0)
    one = pd.DataFrame(rng.normal(size=(40, 3)), columns=list("abc"))
    two = pd.DataFrame(rng.normal(size=(30, 5)), columns=list("cdefg"))
    X, y = stack_tasks({"u": (one, rng.normal(size=40)), "v": (two, rng.normal(size=30))})
    model = regressor(task_col="task", hidden_layer_sizes=(8, 6), alpha=0).fit(X, y)
    first = model.network_.layout.layers[0]
    assert first.private
    assert_array_equal(model.network_.own_columns.sum(axis=1), [3, 5])
    assert np.isfinite(model.predict(X)).all()
    X = X.reset_index(drop=True)
    shuffled = X.sample(frac=1, random_state=0)
    assert_allclose(model.predict(shuffled), model.predict(X)[shuffled.index])
    with pytest.raises(ValueError, match=r"hidden_layer_sizes=\(8,\)"):
        regressor(task_col="task", hidden_layer_sizes=(8,)).fit(X, y)
    nowhere = X.assign(h=np.nan)
    with pytest.raises(ValueError, match=r"\['h'\] have no value"):
        regressor(task_col="task", hidden_layer_sizes=(8, 6)).fit(nowhere, y)
    X.iloc[3, list(X.columns).index("b")] = np.nan
    with pytest.raises(ValueError, match=r"NaN in column 'b', row 3.* task 'u'"):
        regressor(task_col="task", hidden_layer_sizes=(8, 6)).fit(X, y)


# Training


def test_early_stopping_keeps_the_best_parameters():
    model = regressor(
        early_stopping=True, max_iter=400, n_iter_no_change=5, learning_rate_init=0.05,
        validation_fraction=0.3, hidden_layer_sizes=(64,),
    ).fit(X, y)  # fmt: skip
    assert model.n_iter_ < 400
    assert model.validation_curve_.shape == (model.n_iter_, 4)
    total = model.validation_curve_ @ model.network_.weighting.base_
    assert not hasattr(clone(model).set_params(early_stopping=False).fit(X, y), "validation_curve_")
    assert total.argmin() < model.n_iter_ - 1
    again = regressor(
        early_stopping=True, max_iter=int(total.argmin()) + 1, learning_rate_init=0.05,
        validation_fraction=0.3, hidden_layer_sizes=(64,),
    ).fit(X, y)  # fmt: skip
    assert_allclose(again.network_.theta, model.network_.theta)


def held_out_rows(model):
    """The rows that `fit` holds out of X, y: those whose labels do not matter to the parameters."""
    network, rows = model._start(X, y, None)
    return model._hold_out(network, rows)


@pytest.mark.parametrize("weights", [None, np.linspace(0.5, 2, len(y))])
def test_early_stopping_does_not_train_on_its_validation_rows(weights):
    model = regressor(early_stopping=True, validation_fraction=0.3, max_iter=1, tol=0)
    model.set_params(standardize_targets=False)
    held_out = held_out_rows(model)
    assert len(held_out) == 27
    assert set(TASK[held_out]) == {0, 1, 2, 3}
    absurd = y.copy()
    absurd[held_out] += 1e6
    one, two = clone(model).fit(X, y, weights), clone(model).fit(X, absurd, weights)
    assert_array_equal(two.network_.theta, one.network_.theta)
    assert_array_equal(two.loss_curve_, one.loss_curve_)
    assert (two.validation_curve_ > 1e6 * one.validation_curve_).all()
    other = y.copy()
    other[np.setdiff1d(np.arange(len(y)), held_out)[0]] += 1
    assert not np.array_equal(
        clone(model).fit(X, other, weights).network_.theta, one.network_.theta
    )


def test_the_validation_curve_is_the_mean_loss_of_the_held_out_rows():
    model = regressor(early_stopping=True, validation_fraction=0.3, max_iter=1)
    held_out = held_out_rows(model)
    model.fit(X, y)
    for t in range(4):
        own = held_out[TASK[held_out] == t]
        scaled = (model.predict(X[own]) - y[own]) / y[t == TASK].std()
        assert_allclose(model.validation_curve_[0, t], 0.5 * (scaled**2).mean())


def test_a_task_of_one_row_is_for_training_only_when_rows_are_held_out():
    more, target = np.vstack([X, [[9, 0, 0, 0]]]), np.r_[y, 5.0]
    model = regressor(early_stopping=True, validation_fraction=0.3, max_iter=3).fit(more, target)
    assert_array_equal(np.isnan(model.validation_curve_), [[0, 0, 0, 0, 1]] * 3)
    assert np.isfinite(model.predict(more)).all()
    alone = np.column_stack([np.arange(5), X[:5, 1:]])
    with pytest.raises(ValueError, match="single row"):
        regressor(early_stopping=True).fit(alone, y[:5])


def test_a_task_too_small_to_hold_rows_out_is_named():
    frame = as_frame(X).replace({"task": {"t2": "Oslo"}})
    model = regressor(task_col="task", early_stopping=True, validation_fraction=0.999)
    with pytest.raises(ValueError, match=r"Oslo|t0|t1|t3"):
        model.fit(frame, y)


# Divergence


@pytest.mark.parametrize("scale", [10, 1e3, 1e80, 1e200])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_training_that_diverges_is_an_error_that_names_a_task_and_the_cure(scale, early_stopping):
    table = as_frame(np.column_stack([TASK, scale * X[:, 1:]]))
    model = regressor(
        task_col="task", solver="sgd", learning_rate_init=0.3, early_stopping=early_stopping,
        n_iter_no_change=10, validation_fraction=0.3,
    )  # fmt: skip
    with pytest.raises(ValueError, match=r"non-finite.*task 't\d'.*learning_rate_init=0.3"):
        model.fit(table, y)


def test_the_task_that_diverges_first_is_named():
    huge = X.copy()
    huge[TASK == 2, 1:] *= 1e100
    with pytest.raises(ValueError, match=r"task 2.0"):
        regressor(task_weight="tasks").fit(huge, y)


@pytest.mark.parametrize("make", [regressor, classifier])
@pytest.mark.parametrize("patience", [None, 5])
def test_a_loss_that_explodes_is_no_convergence(make, patience):
    target = y if make is regressor else y > 3
    model = make(learning_rate_init=1e3, n_iter_no_change=patience, max_iter=20, alpha=0)
    with pytest.warns(ConvergenceWarning, match="far above") as caught:
        model.fit(X, target)
    assert caught[0].filename == __file__


@pytest.mark.parametrize("factor", [1e-3, 1.0, 1e3])
def test_a_training_that_goes_well_warns_of_nothing(factor):
    """On raw targets too, whose losses have any scale."""
    for options in ({}, {"standardize_targets": False}, {"solver": "sgd"}):
        if options != {"solver": "sgd"} or factor == 1:
            regressor(max_iter=3, **options).fit(X, factor * y + 1000 * factor)
    regressor(max_iter=3).fit(X, np.where(TASK == 1, 7.3, y))


def test_training_stops_when_the_loss_does_and_says_so_when_it_does_not():
    with pytest.warns(ConvergenceWarning, match="max_iter=5"):
        regressor(max_iter=5, n_iter_no_change=10).fit(X, y)
    model = regressor(max_iter=3000, n_iter_no_change=3, learning_rate_init=0.01).fit(X, y)
    assert model.n_iter_ < 3000


def test_an_improvement_below_tol_does_not_count():
    """Epochs that each lower the loss a little: with a large `tol` all after the first wait."""
    options = {"n_iter_no_change": 3, "learning_rate_init": 1e-6, "batch_size": 1000}
    model = regressor(max_iter=30, tol=0.1, **options).fit(X, y)
    assert (np.diff(model.loss_curve_.sum(axis=1)) < 0).all()
    assert model.n_iter_ == 4
    with pytest.warns(ConvergenceWarning, match="max_iter=30"):
        model.set_params(tol=0).fit(X, y)
    assert model.n_iter_ == 30


@pytest.mark.parametrize("constant", [0.1, 1 / 3, 1e9 + 0.1])
def test_a_constant_target_is_not_scaled_by_rounding(constant):
    """The mean of equal numbers is off by rounding, which is no deviation to divide by."""
    target = np.where(TASK == 1, constant, y)
    model = regressor().fit(X, target)
    assert model.network_.spread[1] == 1
    assert model.loss_curve_[-1, 1] < 1


def test_partial_fit_goes_on_from_where_it_was():
    parts = regressor()
    for _ in range(30):
        parts.partial_fit(X, y)
    assert parts.score(X, y) > 0.8 * regressor().fit(X, y).score(X, y)
    before = parts.network_.theta.copy()
    parts.partial_fit(X, y)
    assert not np.array_equal(parts.network_.theta, before)
    with pytest.raises(ValueError, match=r"\[2.0\].*label"):
        parts.partial_fit(X[TASK != 2], y[TASK != 2])
    with pytest.raises(ValueError, match=r"\[9.0\].*partial_fit"):
        parts.partial_fit(np.vstack([X, [[9, 0, 0, 0]]]), np.r_[y, 0])
    labels = (y > 3).astype(int)
    model = classifier().partial_fit(X, np.zeros(len(y), dtype=int), classes=[0, 1])
    model.partial_fit(X, labels)
    with pytest.raises(ValueError, match=r"class 2 .*first partial_fit"):
        model.partial_fit(X, labels + 1)
    apart = np.where(TASK == 0, 5, labels)
    model = classifier().partial_fit(X, apart)
    with pytest.raises(ValueError, match=r"class 0 for task 0.0|class 1 for task 0.0"):
        model.partial_fit(X, labels)


def test_a_fit_leaves_nothing_of_the_last_training():
    fresh = regressor().fit(X, y)
    model = regressor(early_stopping=True, validation_fraction=0.3).fit(X[:50], y[:50])
    model.partial_fit(X, y)
    assert not hasattr(model, "validation_curve_")
    model.set_params(early_stopping=False).fit(X, y)
    assert_array_equal(model.network_.theta, fresh.network_.theta)
    assert model.__dict__.keys() == fresh.__dict__.keys()
    assert model.network_.optimiser is None
    mixed = MultiTaskMLP([1], **FIXED, max_iter=2).fit(X, np.where(TASK == 1, y > 3, y))
    assert hasattr(mixed, "classes_")
    assert not hasattr(mixed.set_params(classification_tasks=()).fit(X, y), "classes_")


def test_partial_fit_never_changes_what_a_copy_holds():
    model = regressor().partial_fit(X, y)
    copied, before = copy.copy(model), model.predict(X)
    model.partial_fit(X, y)
    assert_array_equal(copied.predict(X), before)


def test_training_goes_on_the_same_after_pickling():
    model = regressor(weighting=DWA()).partial_fit(X, y)
    other = pickle.loads(pickle.dumps(model))
    for _ in range(3):
        model.partial_fit(X, y)
        other.partial_fit(X, y)
    assert_array_equal(other.network_.theta, model.network_.theta)


def test_fits_side_by_side_in_threads_are_those_of_one():
    alone = regressor().fit(X, y)
    with ThreadPoolExecutor(4) as pool:
        fits = list(pool.map(lambda _: regressor().fit(X, y), range(8)))
        predictions = list(pool.map(lambda _: alone.predict(X), range(8)))
    for fit, predicted in zip(fits, predictions, strict=True):
        assert_array_equal(fit.network_.theta, alone.network_.theta)
        assert_array_equal(predicted, predictions[0])


# Weights


@pytest.mark.parametrize("make", [regressor, classifier])
@pytest.mark.parametrize("task_weight", ["samples", "tasks", [1, 2, 0.5, 3]])
def test_a_row_of_weight_two_is_a_row_twice(make, task_weight):
    """Where a batch is the whole table; a row of weight 0 is not there."""
    target = y if make is regressor else y > 3
    times = np.random.default_rng(0).integers(0, 4, len(y))
    repeated = np.repeat(np.arange(len(y)), times)
    model = make(batch_size=10_000, task_weight=task_weight)
    one = clone(model).fit(X, target, sample_weight=times)
    two = clone(model).fit(X[repeated], target[repeated])
    assert_allclose(one.network_.theta, two.network_.theta, rtol=1e-6, atol=1e-9)
    assert_allclose(one.loss_curve_, two.loss_curve_, rtol=1e-6)
    part = clone(model).partial_fit(X, target, sample_weight=times)
    assert_allclose(part.loss_curve_, one.loss_curve_[:1], rtol=1e-6)


def test_equal_weights_change_nothing_in_small_batches():
    plain = regressor().fit(X, y)
    assert_allclose(regressor().fit(X, y, np.full(len(y), 3.0)).predict(X), plain.predict(X))
    for wrong in (np.full(len(y), -1.0), np.ones(3), np.zeros(len(y))):
        with pytest.raises(ValueError, match=r"(?i)sample.?weight"):
            regressor().fit(X, y, wrong)


def test_task_weights_say_whose_loss_counts():
    opposed = np.where(TASK == 1, -1.0, 1.0) * (X[:, 1] - X[:, 1].mean())
    errors = []
    for weight in ([1, 1, 1, 1], [1, 30, 1, 1]):
        model = regressor(hidden_layer_sizes=(1,), task_weight=weight, max_iter=100).fit(X, opposed)
        errors.append(model.loss_curve_[-1, 1])
    assert errors[1] < errors[0]


def test_task_weight_is_a_factor_on_each_row():
    n = np.bincount(TASK)

    def effective(weight):
        return regressor(task_weight=weight, max_iter=1).fit(X, y).network_.weighting.base_

    assert_allclose(effective("samples"), 4 * n / n.sum())
    assert_allclose(effective("tasks"), 1)
    assert_allclose(effective([1, 1, 1, 1]), effective("samples"))
    assert_allclose(effective([1, 2, 0.5, 3]), [1, 2, 0.5, 3] * (4 * n / n.sum()))
    named = pd.Series([3, 1, 2, 0.5], index=[3, 0, 1, 2])
    assert_allclose(effective(named), effective([1, 2, 0.5, 3]))
    rows = np.array([1, 2, 0.5, 3])[TASK]
    weighted = regressor(batch_size=10_000, standardize_targets=False)
    one = clone(weighted).set_params(task_weight=[1, 2, 0.5, 3]).fit(X, y)
    two = clone(weighted).fit(X, y, sample_weight=rows * len(y) / rows.sum())
    # The same minimum; the sum of all weights is a factor on the loss.
    ratio = one.network_.weighting.base_ / two.network_.weighting.base_
    assert_allclose(ratio, ratio[0])


def test_progress_is_shown_if_asked_for(capsys):
    regressor(verbose=True, max_iter=3).fit(X, y)
    assert "3/3" in capsys.readouterr().err
    regressor(max_iter=3).fit(X, y)
    assert capsys.readouterr().err == ""


def test_an_unseen_task_has_no_head():
    new = np.column_stack([np.full(3, 9.0), X[:3, 1:]])
    with pytest.raises(ValueError, match=r"\[9.0\].* no head"):
        regressor().fit(X, y).predict(new)
    gaps = np.where(TASK == 2, np.nan, y)
    with pytest.raises(ValueError, match=r"\[2.0\].*label"):
        regressor().fit(X, gaps).predict(X)


def test_it_is_multi_task():
    assert setting_of(MultiTaskMLPClassifier()) == "multi-task"


NUMBERS = {
    "learning_rate_init": (0, -1, np.nan, np.inf),
    "alpha": (-1, np.nan, np.inf),
    "tol": (-1, np.nan, np.inf),
    "momentum": (-0.1, 1.0, np.nan),
    "temperature": (0, -1, np.nan),
    "validation_fraction": (0.0, 1.0, 5.0, np.nan),
}
INTEGERS = {
    "batch_size": (0, 2.5),
    "max_iter": (0, -3),
    "n_iter_no_change": (0, -1, 2.5, np.nan),
    "hidden_layer_sizes": ((), (3, 0), (2.5,), (True,), None),
}
OTHERS = {
    "activation": ("gelu", None),
    "solver": ("lbfgs",),
    "weighting": ("pcgrad", PCGrad, 3),
    "task_weight": ([1, 2], [1, 1, 1, np.nan], "rows"),
    "verbose": ("yes", 1),
    "early_stopping": ("no", 0),
    "standardize_targets": (None, "x"),
}
WRONG = [
    (name, value)
    for kind in (NUMBERS, INTEGERS, OTHERS)
    for name, values in kind.items()
    for value in values
]


@pytest.mark.parametrize(("name", "value"), WRONG)
@pytest.mark.parametrize("make", [regressor, classifier])
def test_what_is_wrong_with_a_parameter(make, name, value):
    with pytest.raises((ValueError, TypeError), match=name):
        make(**{name: value}).fit(X, y if make is regressor else y > 3)


@pytest.mark.parametrize("name", [*NUMBERS, *INTEGERS])
def test_numbers_of_numpy_are_numbers(name):
    number = 3 if name in INTEGERS else 0.125
    kinds = (np.int64, np.int8) if name in INTEGERS else (np.float64, np.float32)
    options = {"max_iter": 3, "early_stopping": True, "validation_fraction": 0.3}
    options |= {"n_iter_no_change": 5, "solver": "sgd" if name == "momentum" else "adam"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        plain = regressor(**options | {name: number}).fit(X, y).predict(X)
        for kind in kinds:
            assert_array_equal(
                regressor(**options | {name: kind(number)}).fit(X, y).predict(X), plain
            )


# Labels of every kind


@pytest.mark.parametrize(
    "labels",
    [
        ["a", "b"],
        [True, False],
        [2**60, 2**60 + 1],
        [np.str_("x"), np.str_("y")],
    ],
)
@pytest.mark.parametrize("column", [False, True])
def test_labels_of_any_kind_with_some_missing(labels, column):
    target = [labels[int(v > 3)] for v in y]
    plain = classifier(max_iter=5).fit(X, np.array(target))
    assert set(plain.classes_.tolist()) == set(labels)
    table, gaps = np.vstack([X, X[:3]]), np.array([*target, None, np.nan, None], dtype=object)
    kinds = [gaps, gaps.tolist(), pd.Series(gaps)]
    if column:
        kinds = [gaps[:, None]]
    for kind in kinds:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DataConversionWarning)
            model = classifier(max_iter=5).fit(table, kind)
            assert model.score(table, kind) == plain.score(X, target)
        assert_array_equal(model.network_.theta, plain.network_.theta)
        assert model.predict(X).dtype == plain.classes_.dtype


def test_a_target_that_is_no_number_is_named():
    with pytest.raises(ValueError, match="high"):
        regressor().fit(X, ["high"] * len(y))
