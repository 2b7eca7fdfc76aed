"""The protocol: intervals against scipy, and `compare` against scores computed by hand."""

import pickle
import warnings
from dataclasses import replace
from html.parser import HTMLParser
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse, stats
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import RandomForestRegressor
from sklearn.exceptions import DataConversionWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    log_loss,
    make_scorer,
    mean_squared_error,
    r2_score,
    roc_auc_score,
)
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    PredefinedSplit,
    TimeSeriesSplit,
)
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from threadpoolctl import threadpool_info, threadpool_limits

from mtlkit._utils._delegation import setting_of
from mtlkit.baselines import PerTask, Pooled
from mtlkit.datasets import make_linear_tasks
from mtlkit.evaluation import (
    Comparison,
    compare,
    equivalence_test,
    label_saving,
    paired_difference,
    verdict,
)
from mtlkit.linear import MeanRegularizedRidge
from mtlkit.table import LeaveTasksOut, TaskStratifiedKFold, TaskStratifiedShuffleSplit, shared
from mtlkit.transfer import BiasedRidge

# Most tests are not about the third opponent.
pytestmark = pytest.mark.filterwarnings("ignore:no candidate is boosted")

SPLITS = TaskStratifiedShuffleSplit(3, test_size=0.25, task_col=0, random_state=0)


def make_table(rows=(24, 40, 16), seed=0):
    """Three related regression tasks; column 0 holds the tasks 0, 1, 2."""
    rng = np.random.default_rng(seed)
    task = np.repeat(np.arange(len(rows)), rows)
    features = rng.normal(size=(len(task), 3))
    slopes = np.array([1.0, -1.0, 0.5]) + 0.5 * rng.normal(size=(len(rows), 3))
    y = (features * slopes[task]).sum(axis=1) + rng.normal(size=len(task))
    return np.column_stack([task, features]), y


def make_labels(rows=(24, 40, 16)):
    """The same table with a class for each row."""
    X, y = make_table(rows)
    return X, (y > 0).astype(int)


def both(estimator, grid=None):
    """Both baselines, with a grid for the estimator inside."""
    grid = {f"estimator__{key}": values for key, values in (grid or {}).items()}
    return {
        "alone": (PerTask(estimator, task_col=0), grid),
        "pooled": (Pooled(estimator, task_col=0), grid),
    }


class Constant(RegressorMixin, BaseEstimator):
    """Predicts `value`, and writes down which rows it was fitted on (`log` is shared)."""

    log: ClassVar = []

    def __init__(self, value=0.0, name="constant"):
        self.value = value
        self.name = name

    def fit(self, X, y):
        Constant.log.append((self.name, tuple(X[:, -1])))
        self.is_fitted_ = True
        return self

    def predict(self, X):
        return np.full(len(X), self.value)


def quiet(*args, **kwargs):
    """`compare` where the test is not about missing baselines or plain candidates."""
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", "no candidate is|candidate .* has no task_col", UserWarning
        )
        return compare(*args, **kwargs)


# Intervals and tests on two arrays of scores


@pytest.fixture
def pair():
    rng = np.random.default_rng(1)
    a = rng.normal(0.8, 0.05, size=20)
    return a, a - rng.normal(0.01, 0.02, size=20)


@pytest.mark.parametrize("level", [0.5, 0.9, 0.95])
def test_interval_is_the_paired_t_interval(pair, level):
    a, b = pair
    expected = stats.ttest_rel(a, b).confidence_interval(level)
    got = paired_difference(a, b, level=level)
    assert (got.low, got.high) == pytest.approx((expected.low, expected.high), rel=1e-9)
    assert got.mean == pytest.approx((a - b).mean())
    assert got.sd == pytest.approx((a - b).std(ddof=1))
    assert (got.n, got.wins, got.losses) == (20, (a > b).sum(), (a < b).sum())
    assert got.level == level
    assert (got.standard_error, got.df) == (pytest.approx(stats.sem(a - b)), 19)


@pytest.mark.parametrize("margin", [0.001, 0.01, 0.02, 0.05])
@pytest.mark.parametrize("swap", [False, True])
def test_equivalence_is_two_one_sided_t_tests(pair, margin, swap):
    a, b = pair[::-1] if swap else pair
    above = stats.ttest_1samp(a - b, -margin, alternative="greater").pvalue
    below = stats.ttest_1samp(a - b, margin, alternative="less").pvalue
    got = equivalence_test(a, b, margin)
    assert got.p_value == pytest.approx(max(above, below), rel=1e-9)
    assert got.equivalent == (max(above, below) < 0.05)
    interval = got.difference
    assert interval.level == pytest.approx(0.9)
    assert got.equivalent is (-margin < interval.low and interval.high < margin)


def test_equivalence_finds_both_answers(pair):
    assert equivalence_test(*pair, 0.05).equivalent
    assert not equivalence_test(*pair, 0.01).equivalent


def test_corrected_interval_by_formula(pair):
    a, b = pair
    d = a - b
    half = stats.t.ppf(0.975, 19) * np.sqrt(d.var(ddof=1) * (1 / 20 + 25 / 75))
    got = paired_difference(a, b, corrected=(75, 25))
    assert (got.low, got.high) == pytest.approx((d.mean() - half, d.mean() + half))
    assert got.sd == pytest.approx(d.std(ddof=1))  # of the differences, not of their mean
    assert equivalence_test(a, b, 0.03, corrected=(75, 25)).p_value == pytest.approx(
        stats.t.sf((0.03 - d.mean()) / (half / stats.t.ppf(0.975, 19)), 19)
    )


def test_corrected_interval_covers_new_data_and_the_plain_one_does_not():
    # The mean of the training rows against the constant 0, as predictions; scores are negative
    # squared errors. The expected difference on new data is mu^2 - 1 / n_train.
    rng = np.random.default_rng(0)
    mu, n_train, n_test, n_splits, n_tables = 0.3, 30, 10, 15, 300
    truth = mu**2 - 1 / n_train
    covered = {"plain": 0, "corrected": 0}
    for _ in range(n_tables):
        table = rng.normal(mu, 1, size=n_train + n_test)
        shuffled = rng.permuted(np.tile(table, (n_splits, 1)), axis=1)
        train, test = shuffled[:, :n_train], shuffled[:, n_train:]
        a = -((test - train.mean(axis=1, keepdims=True)) ** 2).mean(axis=1)
        b = -(test**2).mean(axis=1)
        for name, corrected in (("plain", None), ("corrected", (n_train, n_test))):
            interval = paired_difference(a, b, corrected=corrected)
            covered[name] += interval.low <= truth <= interval.high
    assert covered["plain"] / n_tables < 0.8
    assert covered["corrected"] / n_tables > 0.9


def test_equal_differences_have_no_width():
    a = np.array([0.5, 0.6, 0.7])
    same = paired_difference(a, a)
    assert (same.mean, same.low, same.high, same.sd) == (0, 0, 0, 0)
    assert (same.wins, same.losses) == (0, 0)
    shifted = paired_difference([3.0, 3.0], [1.0, 1.0])
    assert (shifted.low, shifted.high, shifted.wins) == (2, 2, 2)
    assert equivalence_test(a, a, 0.01).p_value == 0
    assert equivalence_test([3.0, 3.0], [1.0, 1.0], 2).p_value == 1
    assert not equivalence_test([3.0, 3.0], [1.0, 1.0], 2).equivalent
    tenths = np.full(3, 0.1)
    assert paired_difference(tenths, 0 * tenths).sd == 0 < tenths.std()  # rounding is no spread


def test_rounding_is_a_tie_and_not_a_win():
    a = np.array([0.1, 0.2, 0.3])
    got = paired_difference(a * (1 + 1e-12), a)
    assert (got.wins, got.losses, got.mean) == (0, 0, 0)
    assert paired_difference(a * (1 + 1e-6), a).wins == 3


def test_difference_writes_itself():
    d = paired_difference([0.8, 0.9, 0.85, 0.9], [0.7, 0.85, 0.8, 0.8])
    assert f"{d:.4f}" == "+0.0750 [+0.0291, +0.1209]"
    assert f"{d.times(100):.1f}" == "+7.5 [+2.9, +12.1]"
    assert str(d) == f"{d}" == "+0.075 [+0.029, +0.121]"
    assert d.times(100).wins == d.wins == 4
    assert f"{paired_difference([0.0, 1e-5], [1e-5, 0.0]):.1f}" == "+0.0 [+0.0, +0.0]"
    with pytest.raises(ValueError, match="factor=-1"):
        d.times(-1)


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        (([0.5], [0.4]), {}, ValueError, r"1 split\(s\)"),
        (([0.5, 0.6], [0.4]), {}, ValueError, r"\(2,\) and \(1,\)"),
        (([[0.5, 0.6]], [[0.4, 0.5]]), {}, ValueError, r"\(1, 2\)"),
        (([0.5, np.nan], [0.4, 0.5]), {}, ValueError, "a is nan on split 1"),
        (([0.5, 0.6], [-np.inf, 0.5]), {}, ValueError, "b is -inf on split 0"),
        (([0.5, 0.6 + 1j], [0.4, 0.5]), {}, TypeError, "a .*complex128"),
        (([0.5, 0.6], ["0.4", "0.5"]), {}, TypeError, "b .*'0.4'"),
        (([0.5, 0.6], [None, 0.5]), {}, ValueError, "b is nan on split 0"),
        (([0.5, 0.6], [0.4, 0.5]), {"level": 95}, ValueError, "level=95"),
        (([0.5, 0.6], [0.4, 0.5]), {"level": np.nan}, ValueError, "level=nan"),
        (([0.5, 0.6], [0.4, 0.5]), {"level": "95"}, TypeError, "level='95'"),
        (([0.5, 0.6], [0.4, 0.5]), {"level": None}, TypeError, "level=None"),
        (([0.5, 0.6], [0.4, 0.5]), {"corrected": True}, ValueError, "corrected=True"),
        (([0.5, 0.6], [0.4, 0.5]), {"corrected": (0, 5)}, ValueError, r"corrected=\(0, 5\)"),
        (([0.5, 0.6], [0.4, 0.5]), {"corrected": (5, 5, 5)}, ValueError, r"\(5, 5, 5\)"),
        (([0.5, 0.6], [0.4, 0.5]), {"corrected": (np.nan, 5)}, ValueError, r"\(nan, 5\)"),
        (([0.5, 0.6], [0.4, 0.5]), {"corrected": (5, np.inf)}, ValueError, r"\(5, inf\)"),
    ],
)
def test_bad_scores_are_named(arguments, options, error, message):
    with pytest.raises(error, match=message):
        paired_difference(*arguments, **options)


@pytest.mark.parametrize("margin", [0, -0.1, np.nan, np.inf, "0.1", None])
def test_margin_must_be_positive(margin):
    with pytest.raises((TypeError, ValueError), match=f"margin={margin!r}"):
        equivalence_test([0.5, 0.6], [0.4, 0.6], margin)
    with pytest.raises((TypeError, ValueError), match=f"margin={margin!r}"):
        verdict([0.5, 0.6], [0.4, 0.6], margin)


@pytest.mark.parametrize("alpha", [0, 0.5, 0.95, np.nan, "0.05"])
def test_alpha_must_be_a_small_probability(alpha):
    with pytest.raises((TypeError, ValueError), match=f"alpha={alpha!r}"):
        equivalence_test([0.5, 0.6], [0.4, 0.6], 0.1, alpha=alpha)


@pytest.mark.parametrize("factor", [0, -1, np.nan, np.inf, "100", None])
def test_factor_must_be_positive(factor):
    with pytest.raises((TypeError, ValueError), match=f"factor={factor!r}"):
        paired_difference([0.5, 0.6], [0.4, 0.6]).times(factor)


@pytest.mark.parametrize("number", [np.float32, np.float64])
def test_numbers_of_numpy_are_numbers(pair, number):
    half = number(0.5)
    assert paired_difference(*pair, level=half) == paired_difference(*pair, level=0.5)
    assert equivalence_test(*pair, half, corrected=(np.int64(3), number(1))) == equivalence_test(
        *pair, 0.5, corrected=(3, 1)
    )
    objects = pair[0].astype(object)
    assert paired_difference(objects, pair[1]) == paired_difference(*pair)


# Scores of three digits, as an accuracy on 1000 rows gives them.
score = st.integers(-1000, 1000).map(lambda n: n / 1000)
pairs = st.lists(st.tuples(score, score), min_size=2, max_size=30).map(
    lambda rows: np.array(rows).T
)


@given(pairs)
def test_difference_is_antisymmetric(pair):
    forth, back = paired_difference(*pair), paired_difference(*pair[::-1])
    assert (forth.mean, forth.low, forth.high) == pytest.approx((-back.mean, -back.high, -back.low))
    assert forth.sd == pytest.approx(back.sd)
    assert (forth.wins, forth.losses) == (back.losses, back.wins)


@given(pairs, st.integers(-5, 5), st.sampled_from([0.01, 1, 100]))
def test_difference_follows_shift_and_scale(pair, shift, factor):
    expected = paired_difference(*pair).times(factor)
    moved = paired_difference(*((pair + shift) * factor))
    for field in ("mean", "low", "high", "sd", "standard_error"):
        assert getattr(moved, field) == pytest.approx(
            getattr(expected, field), abs=1e-9 * factor, rel=1e-6
        )
    assert (moved.wins, moved.losses) == (expected.wins, expected.losses)


@given(pairs, st.floats(0.001, 2))
def test_equivalence_does_not_depend_on_the_order(pair, margin):
    forth, back = equivalence_test(*pair, margin), equivalence_test(*pair[::-1], margin)
    assert forth.p_value == pytest.approx(back.p_value, abs=1e-12)
    assert 0 <= forth.p_value <= 1


@given(pairs)
def test_corrected_interval_is_never_narrower(pair):
    plain, corrected = paired_difference(*pair), paired_difference(*pair, corrected=(3, 1))
    assert corrected.low <= plain.low <= plain.high <= corrected.high


# The protocol


def test_all_candidates_see_the_same_splits_and_inner_folds():
    X, y = make_table()
    Constant.log.clear()
    grid = {"value": [0.0, 1.0]}
    candidates = {name: (Constant(name=name), grid) for name in ("a", "b")}
    result = quiet(candidates, X, y, task_col=0, cv=SPLITS, inner_cv=4, random_state=0)
    seen = {key: [rows for name, rows in Constant.log if name == key] for key in ("a", "b")}
    assert len(seen["a"]) == 3 * (2 * 4 + 1)
    assert seen["a"] == seen["b"]
    refits = [tuple(X[train, -1]) for train, _ in SPLITS.split(X, y)]
    assert seen["a"][8::9] == refits
    assert result.budget == 2
    assert len(result.scores["a"]) == 3


def test_inner_folds_hold_every_task_and_change_with_the_split():
    X, y = make_table()
    Constant.log.clear()
    candidates = {name: (Constant(name=name), {"value": [0.0, 1.0]}) for name in ("a", "b")}
    quiet(candidates, X, y, task_col=0, cv=SPLITS, inner_cv=2, random_state=0)
    task_of = dict(zip(X[:, -1], X[:, 0], strict=True))
    folds = [rows for name, rows in Constant.log if name == "a"]
    assert all({task_of[value] for value in rows} == {0, 1, 2} for rows in folds)
    assert len({tuple(sorted(rows)) for rows in folds}) == 3 * 3  # two folds and a refit per split


@pytest.mark.parametrize("average", ["micro", "macro"])
def test_scores_by_hand(average):
    X, y = make_table()
    result = compare(both(Ridge()), X, y, task_col=0, cv=SPLITS, average=average)
    for j, (train, test) in enumerate(SPLITS.split(X, y)):
        for name, estimator in (("alone", PerTask(Ridge(), task_col=0)),
                                ("pooled", Pooled(Ridge(), task_col=0))):  # fmt: skip
            predicted = estimator.fit(X[train], y[train]).predict(X[test])
            by_task = [
                r2_score(y[test][X[test, 0] == t], predicted[X[test, 0] == t]) for t in range(3)
            ]
            overall = r2_score(y[test], predicted) if average == "micro" else np.mean(by_task)
            assert result.scores[name][j] == pytest.approx(overall)
            assert result.task_scores[name][j] == pytest.approx(by_task)
    assert result.scoring == "r2"
    assert result.average == average
    assert result.best_params["alone"] == [{}, {}, {}]


@pytest.mark.parametrize("average", ["micro", "macro"])
def test_search_by_hand(average):
    X, y = make_table()
    grid = {"alpha": [0.1, 10.0, 1000.0]}
    result = compare(
        both(Ridge(), grid), X, y, task_col=0, cv=SPLITS, average=average, inner_cv=3,
        random_state=5,
    )  # fmt: skip

    def score(estimator, X, y):
        parts = [X[:, 0] == t for t in range(3)] if average == "macro" else [X[:, 0] >= 0]
        return np.mean([r2_score(y[p], estimator.predict(X[p])) for p in parts])

    seeds = np.random.RandomState(5).randint(np.iinfo(np.int32).max, size=3)
    for j, (train, test) in enumerate(SPLITS.split(X, y)):
        folds = TaskStratifiedKFold(3, task_col=0, shuffle=True, random_state=seeds[j])
        for name, (estimator, own_grid) in both(Ridge(), grid).items():
            search = GridSearchCV(estimator, own_grid, scoring=score, cv=folds)
            search.fit(X[train], y[train])
            assert result.best_params[name][j] == search.best_params_
            assert result.scores[name][j] == pytest.approx(score(search, X[test], y[test]))


def test_default_is_twenty_stratified_splits():
    X, y = make_table()
    result = compare(both(DummyRegressor()), X, y, task_col=0, random_state=3)
    expected = compare(
        both(DummyRegressor()), X, y, task_col=0, random_state=8,
        cv=TaskStratifiedShuffleSplit(20, test_size=0.25, task_col=0, random_state=3),
    )  # fmt: skip
    assert np.array_equal(result.scores["alone"], expected.scores["alone"])
    assert np.array_equal(result.train_rows, np.tile([18, 30, 12], (20, 1)))
    assert np.array_equal(result.test_rows, np.tile([6, 10, 4], (20, 1)))


def test_only_the_named_tasks_are_scored_inside_and_outside():
    X, y = make_table()
    y = np.where(X[:, 0] == 2, 1.0, 0.0) + 0.01 * y  # the right constant differs by task
    candidates = {name: (Constant(), {"value": [0.0, 1.0]}) for name in ("a", "b")}
    options = {"task_col": 0, "scoring": "neg_mean_squared_error", "cv": SPLITS}
    Constant.log.clear()
    target = quiet(candidates, X, y, tasks=[2], **options)
    assert target.best_params["a"] == [{"value": 1.0}] * 3
    assert target.tasks == [2]
    assert target.task_scores["a"].shape == (3, 1)
    assert max(len(rows) for _, rows in Constant.log) == 60  # the other tasks train
    for j, (_, test) in enumerate(SPLITS.split(X, y)):
        own = test[X[test, 0] == 2]
        assert target.scores["a"][j] == pytest.approx(-((y[own] - 1) ** 2).mean())
    assert quiet(candidates, X, y, **options).best_params["a"] == [{"value": 0.0}] * 3


def test_the_same_estimator_twice_differs_by_exactly_nothing():
    X, y = make_table()
    grid = {"estimator__alpha": [0.1, 1.0]}
    twice = {name: (PerTask(Ridge(), task_col=0), grid) for name in ("one", "two")}
    result = quiet(twice, X, y, task_col=0, cv=SPLITS, inner_cv=2, random_state=0)
    got = result.difference("two")
    assert (got.mean, got.low, got.high, got.wins, got.losses) == (0, 0, 0, 0, 0)
    assert result.equivalence("two", margin=1e-6).p_value == 0
    assert "0/3 (3 tied)" in str(result.table())


def test_result_does_not_depend_on_n_jobs():
    X, y = make_table()
    candidates = both(RandomForestRegressor(5, random_state=0), {"max_depth": [1, 3]})
    one, two = (
        compare(candidates, X, y, task_col=0, cv=SPLITS, inner_cv=2, n_jobs=n, random_state=0)
        for n in (1, 2)
    )
    for name in candidates:
        assert np.array_equal(one.scores[name], two.scores[name])
        assert np.array_equal(one.task_scores[name], two.task_scores[name])
    assert one.best_params == two.best_params
    assert (two.seconds["alone"] > 0).all()


class CountsThreads(Constant):
    """Predicts how many threads BLAS and OpenMP may use."""

    def predict(self, X):
        return np.full(len(X), max(pool["num_threads"] for pool in threadpool_info()))


def test_candidates_run_on_one_thread():
    X, y = make_table()
    with threadpool_limits(2):
        assert CountsThreads().predict(X)[0] == 2
        result = quiet(
            {"a": CountsThreads(), "b": Constant(1.0)}, X, np.ones(len(y)), task_col=0, cv=SPLITS,
            scoring="neg_mean_absolute_error",
        )  # fmt: skip
        assert CountsThreads().predict(X)[0] == 2
    assert (result.scores["a"] == 0).all()


def test_random_state_decides_the_inner_folds():
    X, y = make_table()
    candidates = both(Ridge(), {"alpha": np.logspace(-2, 3, 12)})
    runs = [
        compare(candidates, X, y, task_col=0, cv=SPLITS, inner_cv=2, random_state=seed).best_params
        for seed in (0, 0, 1)
    ]
    assert runs[0] == runs[1] != runs[2]


def test_estimators_are_cloned_and_left_alone():
    X, y = make_table()
    candidates = both(Ridge(), {"alpha": [5.0]})
    result = compare(candidates, X, y, task_col=0, cv=SPLITS)
    assert result.best_params["alone"] == [{"estimator__alpha": 5.0}] * 3
    alone = candidates["alone"][0]
    assert alone.estimator.alpha == 1.0
    assert not hasattr(alone, "estimators_")
    inside = Pooled(Ridge(), task_col=0)
    pipeline = Pipeline([("model", Constant())])
    quiet({"a": (pipeline, {"model": [inside]}), "b": Ridge()}, X, y, task_col=0, cv=SPLITS)
    assert not hasattr(inside, "estimator_")


def test_settings_can_be_chosen_on_one_held_out_part():
    """The inner splitter may make one split, since no interval is made of it; `cv` may not."""
    X, y = make_table()
    held_out = TaskStratifiedShuffleSplit(1, test_size=0.3, task_col=0, random_state=1)
    grid = {"estimator__alpha": [0.1, 100.0]}
    candidates = {"alone": (PerTask(Ridge(), task_col=0), grid)}
    candidates["pooled"] = (Pooled(Ridge(), task_col=0), grid)
    result = compare(candidates, X, y, task_col=0, cv=SPLITS, inner_cv=held_out)
    for j, (train, _) in enumerate(SPLITS.split(X, y)):
        search = GridSearchCV(PerTask(Ridge(), task_col=0), grid, cv=held_out, scoring="r2")
        assert result.best_params["alone"][j] == search.fit(X[train], y[train]).best_params_
    with pytest.raises(ValueError, match="an interval needs 2"):
        compare(candidates, X, y, task_col=0, cv=held_out)
    # sized for the training part: it holds out no fold at all
    none = PredefinedSplit(np.full(len(next(SPLITS.split(X, y))[0]), -1))
    with pytest.raises(ValueError, match=r"makes 0 split\(s\), but at least 1 is needed"):
        compare(candidates, X, y, task_col=0, cv=SPLITS, inner_cv=none)


def test_objects_in_a_grid_are_left_alone():
    X, y = make_table()
    inner = [Ridge(), MeanRegularizedRidge()]
    grid = {"estimator": inner, "estimator__alpha": [5.0, 7.0]}
    candidates = {name: (model, grid) for name, (model, _) in both(Ridge()).items()}
    before = str(candidates)
    result = compare(candidates, X, y, task_col=0, cv=SPLITS, inner_cv=2)
    assert str(candidates) == before
    assert [estimator.alpha for estimator in inner] == [1.0, 1.0]
    assert not any(hasattr(estimator, "coef_") for estimator in inner)
    assert {params["estimator__alpha"] for params in result.best_params["alone"]} <= {5.0, 7.0}


def test_metadata_routing_changes_nothing():
    X, y = own_classes()
    options = {"task_col": 0, "cv": SPLITS, "scoring": "neg_log_loss", "random_state": 0}
    grid = {"estimator__C": [0.1, 1.0]}
    candidates = {name: (model, grid) for name, model in logistic().items()}
    expected = compare(candidates, X, y, **options)
    with config_context(enable_metadata_routing=True):
        found = compare(candidates, X, y, **options)
    assert np.array_equal(found.task_scores["alone"], expected.task_scores["alone"])


def test_data_frame_with_task_names():
    pd = pytest.importorskip("pandas")
    X, y = make_table()
    frame = pd.DataFrame(X, columns=["school", "a", "b", "c"])
    frame["school"] = frame["school"].map({0.0: "north", 1.0: "south", 2.0: "west"})
    candidates = {
        "alone": PerTask(Ridge(), task_col="school"),
        "pooled": Pooled(Ridge(), task_col="school"),
    }
    cv = TaskStratifiedShuffleSplit(3, test_size=0.25, task_col="school", random_state=0)
    got = compare(candidates, frame, pd.Series(y), task_col="school", cv=cv)
    expected = compare(both(Ridge()), X, y, task_col=0, cv=SPLITS)
    assert got.tasks == ["north", "south", "west"]
    for name in candidates:
        assert got.scores[name] == pytest.approx(expected.scores[name])


def test_without_task_column_all_is_single_task():
    X, y = make_table()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = compare({"ridge": Ridge(), "mean": DummyRegressor()}, X, y, random_state=0)
    assert result.settings == {"ridge": "single-task", "mean": "single-task"}
    assert result.baseline == "ridge"
    assert result.tasks == [0]
    assert result.task_scores["mean"][:, 0] == pytest.approx(result.scores["mean"])


def test_rows_without_label_are_not_scored():
    X, y = make_table()
    y[X[:, 0] == 1] = np.nan
    result = quiet({"a": Constant(0.0), "b": Constant(1.0)}, X, y, task_col=0, cv=SPLITS)
    for j, (_, test) in enumerate(SPLITS.split(X, y)):
        known = test[X[test, 0] != 1]
        assert result.scores["b"][j] == pytest.approx(r2_score(y[known], np.ones(len(known))))
    assert np.isnan(result.task_scores["b"][:, 1]).all()
    assert result.test_rows.tolist() == [[6, 0, 4]] * 3
    assert list(result.task_differences("b")) == [0, 2]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")
def test_task_score_that_does_not_exist_is_nan_and_stays_out_of_the_score():
    X, y = make_labels()
    y[X[:, 0] == 2] = 1  # ROC AUC needs both classes
    candidates = both(DummyClassifier())
    # The NaN is enough: warnings are errors.
    result = compare(candidates, X, y, task_col=0, cv=SPLITS, scoring="roc_auc")
    assert np.isnan(result.task_scores["pooled"][:, 2]).all()
    assert np.isfinite(result.task_scores["pooled"][:, :2]).all()
    assert np.isfinite(result.scores["pooled"]).all()
    assert list(result.task_differences("pooled")) == [0, 1]
    assert "0/2" in str(result.table())
    with pytest.warns(UserWarning, match=r"tasks \[2\.0\] have one class.*'roc_auc'"):
        mean = compare(candidates, X, y, task_col=0, cv=SPLITS, scoring="roc_auc", average="macro")
    expected = np.nanmean(result.task_scores["pooled"], axis=1)
    assert mean.scores["pooled"] == pytest.approx(expected)
    with pytest.warns(UserWarning, match="sample is 3 tasks.*2 degree"):
        assert mean.difference("pooled", scope="new tasks").scope == "new tasks"


def test_metric_that_raises_on_one_task_gives_nan():
    X, y = make_labels()

    def picky(estimator, X, y):
        if len(set(X[:, 0])) == 1 and X[0, 0] == 1:
            raise ValueError("not on this task")
        return accuracy_score(y, estimator.predict(X))

    result = compare(both(DummyClassifier()), X, y, task_col=0, cv=SPLITS, scoring=picky)
    assert np.isnan(result.task_scores["alone"]).tolist() == [[False, True, False]] * 3
    assert result.scoring == "picky"


def test_inner_part_without_a_scored_row_is_an_error():
    X, y = make_table(rows=(24, 40, 4))
    candidates = both(Ridge(), {"alpha": [1.0, 2.0]})
    options = {"task_col": 0, "tasks": [2], "scoring": "neg_mean_squared_error", "cv": SPLITS}
    with pytest.raises(ValueError, match=r"no labelled row of the scored tasks \[2.0\]") as caught:
        compare(candidates, X, y, inner_cv=5, **options)
    assert "fewer folds (inner_cv)" in str(caught.value)
    assert caught.value.__notes__ == ["(candidate 'alone', split 0)"]
    assert compare(candidates, X, y, inner_cv=3, **options).tasks == [2]


def test_leaving_tasks_out_tells_which_candidate_cannot():
    X, y = make_table()
    cv = LeaveTasksOut(task_col=0)
    with pytest.raises(ValueError, match="not seen in fit") as caught:
        compare(both(Ridge()), X, y, task_col=0, cv=cv)
    assert caught.value.__notes__ == ["(candidate 'alone', split 0)"]
    pooled = {"ridge": Pooled(Ridge(), task_col=0), "mean": Pooled(DummyRegressor(), task_col=0)}
    result = quiet(pooled, X, y, task_col=0, cv=cv, average="macro")
    assert np.isfinite(result.task_scores["mean"]).tolist() == np.eye(3, dtype=bool).tolist()
    assert result.scores["ridge"] == pytest.approx(np.diag(result.task_scores["ridge"]))
    assert result.task_differences("mean") == {}
    with pytest.raises(ValueError, match=r"no task .* two splits"):
        result.worst_task("mean")
    assert str(result.table()).splitlines()[-1].split()[-2:] == ["-", "-"]


# What is refused, and what is warned about


def test_unequal_budgets_name_every_count():
    X, y = make_table()
    candidates = both(Ridge(), {"alpha": [1.0, 2.0]})
    candidates["mean"] = Pooled(DummyRegressor(), task_col=0)
    with pytest.raises(ValueError) as caught:
        compare(candidates, X, y, task_col=0)
    assert "'alone' tries 2, 'pooled' tries 2, 'mean' tries 1" in str(caught.value)
    assert "a grid of the same number of settings" in str(caught.value)


def test_equal_budgets_may_be_spent_differently():
    X, y = make_table()
    candidates = {
        "alone": (PerTask(Ridge(), task_col=0), {"estimator__alpha": [1, 2, 3, 4]}),
        "pooled": (
            Pooled(Ridge(), task_col=0),
            [{"estimator__alpha": [1, 2], "task_as_input": [True, False]}],
        ),
    }
    result = compare(candidates, X, y, task_col=0, cv=SPLITS, inner_cv=2)
    assert result.budget == 4
    assert set(result.best_params["pooled"][0]) == {"estimator__alpha", "task_as_input"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"candidates": [Ridge()]}, "candidates=.*dict"),
        ({"candidates": {"a": Ridge()}}, "candidates=.*dict"),
        ({"candidates": {"a": Ridge(), 2: Ridge()}}, "name 2 "),
        ({"candidates": {"a": Ridge(), "b": "ridge"}}, "'b' .*'ridge'"),
        ({"candidates": {"a": Ridge(), "b": Ridge}}, "'b' .*not a class"),
        ({"candidates": {"a": Ridge(), "b": (Ridge, {})}}, "'b' .*not a class"),
        ({"candidates": {"a": Ridge(), "b": (Ridge(),)}}, r"'b' .*\(Ridge\(\),\)"),
        ({"average": "mean"}, "average='mean'"),
        ({"baseline": "ridge"}, r"baseline 'ridge' .*\['alone', 'pooled'\]"),
        ({"tasks": [0, 7]}, r"task 7 .*\[0.0, 1.0, 2.0\]"),
        ({"tasks": "north"}, "tasks='north'"),
        ({"tasks": 1}, "tasks=1 "),
        ({"tasks": []}, r"tasks=\[\] .*\[0.0, 1.0, 2.0\]"),
        ({"tasks": [0], "task_col": None}, r"tasks=\[0\] needs task_col"),
        ({"task_col": 9}, "task_col=9"),
        ({"X": None}, "0D"),
        ({"y": None}, "None"),
        ({"y": [1.0, 2.0]}, "80 rows .* 2 values"),
        ({"cv": 5}, "cv=5 .*splitter"),
        ({"cv": "five"}, "cv='five' .*splitter"),
        ({"cv": TaskStratifiedKFold}, "cv=.*TaskStratifiedKFold.*splitter"),
        ({"cv": [np.arange(60), np.arange(60, 80)]}, "cv=a list .*splitter"),
        ({"cv": [(np.arange(60), np.arange(60, 81))] * 2}, "split 0 .*numbers from 0 to 80"),
        ({"cv": [(np.arange(60), np.arange(59, 80))] * 2}, "split 0 .*row 59 on both sides"),
        ({"cv": [(np.arange(60), np.arange(60, 80))]}, r"makes 1 split\(s\)"),
        ({"groups": np.arange(3)}, r"groups has shape \(3,\).*80 rows"),
        ({"groups": [None] + 79 * [1]}, "groups is missing in row 0"),
        (
            {"groups": np.arange(80) // 2, "cv": KFold(4, shuffle=True, random_state=0)},
            "both sides",
        ),
        ({"sample_weight": -np.ones(80)}, "sample_weight"),
        ({"scope": "rows"}, "scope='rows'"),
        ({"verbose": 2}, "verbose=2"),
        ({"scoring": []}, r"scoring=\[\]"),
        ({"scoring": ["r2", "r2"]}, "'r2' twice"),
        ({"cv": TimeSeriesSplit(3)}, "inner_cv=5 would shuffle"),
        ({"inner_cv": [(np.arange(60), np.arange(60, 80))] * 2}, "inner_cv=.*splitter"),
        ({"cv": GroupKFold(3)}, "cv=GroupKFold.*groups"),
        ({"cv": TaskStratifiedShuffleSplit(1, task_col=0)}, r"makes 1 split\(s\)"),
        ({"inner_cv": 1}, "inner_cv=1 "),
        ({"inner_cv": GroupKFold}, "inner_cv=.*GroupKFold"),
        ({"inner_cv": True}, "inner_cv=True"),
        ({"scoring": "acuracy"}, "scoring='acuracy'"),
        ({"scoring": 5}, "scoring=5"),
        ({"average": None}, "average=None"),
    ],
)
def test_bad_arguments_are_named(change, message):
    X, y = make_table()
    arguments = {"candidates": both(Ridge()), "X": X, "y": y, "task_col": 0, **change}
    with pytest.raises((TypeError, ValueError), match=message):
        quiet(**arguments)


@pytest.mark.parametrize("grid", [5, {"alpha": 5}, {"alpha": []}])
def test_a_bad_grid_names_its_candidate(grid):
    X, y = make_table()
    with pytest.raises((TypeError, ValueError)) as caught:
        compare({"a": Ridge(), "b": (Ridge(), grid)}, X, y)
    assert caught.value.__notes__ == ["(candidate 'b')"]


def test_classifiers_and_regressors_do_not_mix():
    X, y = make_labels()
    candidates = {
        "alone": PerTask(LogisticRegression(), task_col=0),
        "pooled": Pooled(Ridge(), task_col=0),
    }
    with pytest.raises(ValueError, match=r"only \['alone'\] are classifiers"):
        compare(candidates, X, y, task_col=0)
    result = compare(both(LogisticRegression()), X, y, task_col=0, cv=SPLITS)
    assert result.scoring == "accuracy"


@pytest.mark.parametrize(("present", "missing"), [("alone", "Pooled"), ("pooled", "PerTask")])
def test_missing_baseline_is_told(present, missing):
    X, y = make_table()
    estimator = both(Ridge())[present][0]
    candidates = {"one": estimator, "two": clone(estimator)}
    with pytest.warns(UserWarning, match=f"no candidate is {missing}") as caught:
        compare(candidates, X, y, task_col=0, cv=SPLITS)
    assert len(caught) == 2  # the second is about boosted trees
    assert f"({missing}(estimator, task_col=0), param_grid)" in str(caught[0].message)
    assert caught[0].filename == __file__


def test_baselines_inside_pipelines_count():
    X, y = make_table()
    candidates = {
        name: make_pipeline(shared(StandardScaler(), task_col=0), estimator)
        for name, (estimator, _) in both(Ridge()).items()
    }
    result = compare({"other": candidates["pooled"], **candidates}, X, y, task_col=0, cv=SPLITS)
    assert result.baseline == "alone"  # the first PerTask, although not the first
    assert result.settings["other"] == "pooled"


class MyBiased(BiasedRidge):
    pass


@pytest.mark.parametrize(
    ("estimator", "setting"),
    [
        (PerTask(Ridge()), "single-task"),
        (Pooled(Ridge()), "pooled"),
        (Ridge(), "pooled"),
        (MeanRegularizedRidge(), "multi-task"),
        (MyBiased(), "transfer"),
    ],
)
def test_setting_is_found_through_what_wraps_an_estimator(estimator, setting):
    wrapped = (
        estimator,
        make_pipeline(StandardScaler(), make_pipeline(estimator)),
        GridSearchCV(estimator, {}),
        TransformedTargetRegressor(make_pipeline(estimator)),
        CalibratedClassifierCV(GridSearchCV(estimator, {})),
    )
    assert [setting_of(each) for each in wrapped] == [setting] * len(wrapped)


# What the result can be asked


@pytest.fixture(scope="module")
def result():
    X, y = make_table()
    candidates = {**both(Ridge()), "<mean>": PerTask(DummyRegressor(), task_col=0)}
    return compare(candidates, X, y, task_col=0, random_state=0)


def same_interval(got, expected):
    ends = pytest.approx((expected.low, expected.high), rel=1e-9)
    assert (got.low, got.high) == ends
    assert replace(got, low=0, high=0, scope=None) == replace(expected, low=0, high=0)
    return True


def test_each_scope_has_its_standard_error(result):
    a, b = result.scores["pooled"], result.scores["alone"]
    assert (result.baseline, result.scope) == ("alone", "new rows")
    here = result.difference("pooled", scope="these rows")
    assert same_interval(here, paired_difference(a, b))
    new = result.difference("pooled")
    assert same_interval(new, paired_difference(a, b, corrected=(60, 20)))
    assert (new.scope, here.scope) == ("new rows", "these rows")
    assert "(new rows)" in str(new) and "rows" not in f"{new:.2f}"
    assert result.difference("pooled", level=0.5).level == 0.5
    assert same_interval(
        result.difference("alone", "pooled"), paired_difference(b, a, corrected=(60, 20))
    )
    for scope, corrected in (("these rows", None), ("new rows", (60, 20))):
        got = result.equivalence("pooled", margin=0.1, scope=scope)
        expected = equivalence_test(a, b, 0.1, corrected=corrected)
        assert got.p_value == pytest.approx(expected.p_value)
        assert same_interval(got.difference, expected.difference)
        word = verdict(a, b, 0.1, corrected=corrected)
        assert result.verdict("pooled", margin=0.1, scope=scope) == word
    with pytest.raises(ValueError, match="scope='rows'"):
        result.table(scope="rows")


def test_task_differences_and_the_worst_task(result):
    differences = result.task_differences("pooled")
    a, b = result.task_scores["pooled"], result.task_scores["alone"]
    assert list(differences) == [0, 1, 2]
    expected = paired_difference(a[:, 1], b[:, 1], corrected=(30, 10))
    assert same_interval(differences[1], expected)
    task, worst = result.worst_task("pooled")
    assert task == np.argmin((a - b).mean(axis=0))
    assert worst == differences[task]
    here = result.task_differences("pooled", scope="these rows")
    assert same_interval(here[1], paired_difference(a[:, 1], b[:, 1]))


def test_task_differences_count_the_rows_of_the_task():
    X, y = make_table()
    cv = TaskStratifiedShuffleSplit(3, test_size={0: 4, 1: 10, 2: 6}, task_col=0, random_state=0)
    result = compare(both(Ridge()), X, y, task_col=0, cv=cv)
    differences = result.task_differences("pooled")
    a, b = result.task_scores["pooled"], result.task_scores["alone"]
    for t, rows in enumerate([(20, 4), (30, 10), (10, 6)]):
        expected = paired_difference(a[:, t], b[:, t], corrected=rows)
        assert same_interval(differences[t], expected)
    total = paired_difference(result.scores["pooled"], result.scores["alone"], corrected=(60, 20))
    assert same_interval(result.difference("pooled"), total)


@pytest.mark.parametrize("method", ["difference", "task_differences", "worst_task"])
def test_unknown_candidate_is_named(result, method):
    with pytest.raises(ValueError, match=r"'polled' .*'pooled'"):
        getattr(result, method)("polled")
    with pytest.raises(ValueError, match=r"'lone' .*'alone'"):
        getattr(result, method)("pooled", "lone")


def test_result_can_be_pickled(result):
    again = pickle.loads(pickle.dumps(result))
    assert isinstance(again, Comparison)
    assert str(again.table()) == str(result.table())
    assert repr(again).startswith("<Comparison of alone, pooled, <mean> by r2 on 20 splits")


def test_table_text(result):
    table = result.table()
    caption, header, rule, alone, pooled, _ = str(table).splitlines()
    assert caption == (
        "20 paired splits, 1 setting tried by each, micro average; intervals for new rows"
    )
    assert header.split("  ")[0] == "candidate"
    assert table.header[2:4] == ["R² (points)", "difference from alone [95% interval]"]
    assert set(rule) == {"-", " "}
    assert alone.split()[:4] == [
        "alone", "single-task", f"{100 * result.scores['alone'].mean():.1f}", "baseline",
    ]  # fmt: skip
    difference = result.difference("pooled")
    assert f"{difference.times(100):.1f}  " in pooled
    assert f" {difference.wins}/20 " in pooled
    won = sum(d.mean > 0 for d in result.task_differences("pooled").values())
    task, worst = result.worst_task("pooled")
    assert table.rows[1][5:] == [f"{won}/3", f"{task:.0f}: {worst.times(100):.1f}"]


def test_table_of_a_scope_says_so(result):
    table = result.table("these rows")
    assert table.caption.endswith("intervals for these rows")
    difference = result.difference("pooled", scope="these rows")
    assert table.rows[1][3] == f"{difference.times(100):.1f}"
    _, worst = result.worst_task("pooled", scope="these rows")
    assert table.rows[1][6].endswith(f": {worst.times(100):.1f}")
    assert "intervals for new rows" in repr(result)


class Cells(HTMLParser):
    """The cells of a table: (tag, scope, text)."""

    def __init__(self, html):
        super().__init__()
        self.cells, self.open = [], None
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        if tag in ("th", "td", "caption"):
            self.open = [tag, dict(attrs).get("scope"), ""]

    def handle_data(self, data):
        if self.open:
            self.open[2] += data

    def handle_endtag(self, tag):
        if self.open and tag == self.open[0]:
            self.cells.append(tuple(self.open))
            self.open = None


def test_table_html_is_accessible(result):
    table = result.table()
    cells = Cells(table._repr_html_()).cells
    assert cells[0] == ("caption", None, table.caption)
    heads = [text for tag, scope, text in cells if (tag, scope) == ("th", "col")]
    assert heads == table.header
    rows = [text for tag, scope, text in cells if (tag, scope) == ("th", "row")]
    assert rows == result.names  # "<mean>" among them: escaped
    assert all(text for _, _, text in cells)
    assert len(cells) == 1 + 4 * len(table.header)


def test_one_scored_task_has_no_task_columns():
    X, y = make_table()
    table = compare(both(Ridge()), X, y, task_col=0, tasks=[1], cv=SPLITS).table()
    assert table.header[-1] == "splits won"
    assert {len(row) for row in table.rows} == {len(table.header)}


def test_scores_without_upper_bound_keep_their_units():
    X, y = make_table()
    candidates = both(Ridge())
    named = compare(candidates, X, y, task_col=0, cv=SPLITS, scoring="neg_mean_squared_error")
    made = compare(
        candidates, X, y, task_col=0, cv=SPLITS,
        scoring=make_scorer(mean_squared_error, greater_is_better=False),
    )  # fmt: skip
    assert named.scale == made.scale == 1
    assert np.array_equal(named.scores["alone"], made.scores["alone"])
    assert made.scoring.startswith("make_scorer(mean_squared_error")
    assert named.table().header[2] == "neg_mean_squared_error"
    mean = named.scores["alone"].mean()
    assert named.table().rows[0][2] == f"{mean:.4g}"
    assert named.table(scale=10).header[2] == "neg_mean_squared_error (x10)"
    assert named.table(scale=10).rows[0][2] == f"{10 * mean:.4g}"


def test_a_candidate_with_another_task_column_is_refused():
    # Without it the "baselines" would be one ridge each, with the task as a number.
    candidates = {"alone": PerTask(Ridge()), "pooled": Pooled(Ridge(), task_col=0)}
    with pytest.raises(ValueError, match=r"task_col=0.*'alone'.*task_col=None"):
        compare(candidates, *make_linear_tasks(n_tasks=3, random_state=0), task_col=0)


def test_baselines_train_on_tables_with_missing_labels():
    X, y = make_linear_tasks(n_tasks=3, random_state=0)
    labels = np.where(np.arange(len(y)) % 5 == 0, np.nan, y)
    candidates = {
        "alone": PerTask(Ridge(), task_col=0),
        "pooled": Pooled(Ridge(), task_col=0),
        "tied": MeanRegularizedRidge(task_col=0),
    }
    result = compare(candidates, X, labels, task_col=0, random_state=0)
    assert np.isfinite([result.scores[name] for name in result.names]).all()


def test_a_multi_task_estimator_inside_a_baseline_sees_no_task_column():
    X, y = make_linear_tasks(n_tasks=2, n_samples=12, n_features=3, random_state=0)
    inner = MeanRegularizedRidge()
    result = compare(
        {"alone": PerTask(inner, task_col=0), "pooled": Pooled(inner, task_col=0)},
        X,
        y,
        task_col=0,
        random_state=0,
    )
    assert np.isfinite(result.scores["alone"]).all()


# ------------------------------------------------------------------ a verdict, and labels saved


def test_verdict_follows_the_two_tests():
    assert verdict([3, 1, 2, 0, 4], np.zeros(5), 1) == "wins"
    assert verdict(np.zeros(5), [3, 1, 2, 0, 4], 1) == "loses"
    assert verdict([0.2, -0.3, 0.1, 0, 0.5], np.zeros(5), 1) == "ties"
    assert verdict([4, -3, 2, -1, 3], np.zeros(5), 1) == "inconclusive"
    lead = np.array([0.3, 0.31, 0.29, 0.3])  # sure, and smaller than the margin
    assert paired_difference(lead, np.zeros(4)).low > 0
    assert verdict(lead, np.zeros(4), 1) == "ties"


def test_verdict_takes_the_level_and_the_correction():
    lead = np.array([3, 1, 2, 0, 4])
    assert verdict(lead, np.zeros(5), 1, level=0.99) == "inconclusive"
    assert verdict(lead, np.zeros(5), 1, corrected=(75, 25)) == "inconclusive"


@pytest.mark.parametrize("level", [0.4, 0.9, 0.95, 1 - 0.05 / 14])
def test_ties_ask_for_the_level_that_wins_ask_for(level):
    a, zero = np.array([0.5, -0.3, 0.6, 0.1, -0.2]), np.zeros(5)
    p = equivalence_test(a, zero, 0.6).p_value
    assert 1 - 0.95 > p > 0.05 / 14
    word = verdict(a, zero, 0.6, level=level)
    assert (word == "ties") == (p < 1 - level) and word in ("ties", "inconclusive")


@given(st.lists(st.floats(-5, 5), min_size=3, max_size=12), st.floats(0.1, 3))
def test_verdict_turns_round_with_the_candidates(lead, margin):
    opposite = {"wins": "loses", "loses": "wins", "ties": "ties", "inconclusive": "inconclusive"}
    zero = np.zeros(len(lead))
    assert verdict(zero, lead, margin) == opposite[verdict(lead, zero, margin)]


def saving(sizes, scores, baseline_sizes, baseline_scores, **options):
    """(mean, low, high) of each saving."""
    found = label_saving(
        sizes=sizes,
        scores=scores,
        baseline_sizes=baseline_sizes,
        baseline_scores=baseline_scores,
        **options,
    )
    return [(saved.mean, saved.low, saved.high) for saved in found]


def test_label_saving_reads_the_curve_sideways():
    """The baseline scores the logarithm of its labels, the candidate is worth half as many more."""
    sizes = np.array([10, 20, 40, 80])
    noise = np.random.default_rng(0).normal(0, 0.01, 20)
    baseline = np.log(sizes)[:, None] + noise
    found = saving([10, 40], np.log([15, 60])[:, None] + noise, sizes, baseline)
    np.testing.assert_allclose(found, [[5] * 3, [20] * 3], rtol=1e-10)


def test_label_saving_beyond_the_range_and_below_it():
    baseline = {"baseline_sizes": [10, 20], "baseline_scores": [[1.0, 1.0], [2.0, 2.0]]}
    assert saving([20], [[3.0, 3.0]], **baseline) == [(np.inf,) * 3]
    np.testing.assert_allclose(saving([20], [[0.0, 0.0]], **baseline), [[-10] * 3])


def test_label_saving_levels_a_curve_that_falls_by_chance():
    found = saving([10], [[1.0, 1]], [10, 20, 40], [[1.0, 1], [0.9, 0.9], [2, 2]])
    np.testing.assert_allclose(found[0][0], 10)  # the last size at which the score is no higher


def test_label_saving_interval_is_the_bootstrap_of_scipy():
    rng = np.random.default_rng(1)
    sizes, J = np.array([10, 20, 40, 80]), 40
    baseline = np.log(sizes)[:, None] + rng.normal(0, 0.3, (4, J))
    scores = np.log(30) + rng.normal(0, 0.3, J)

    def by_hand(rows):
        rising = np.maximum.accumulate(baseline[:, rows].mean(axis=1))
        return np.exp(np.interp(scores[rows].mean(), rising, np.log(sizes))) - 20

    theirs = stats.bootstrap(
        (np.arange(J),), by_hand, vectorized=False, n_resamples=4000, method="percentile", rng=0
    ).confidence_interval
    ours = saving([20], scores[None], sizes, baseline, resamples=4000, random_state=0)[0]
    np.testing.assert_allclose(ours, [by_hand(np.arange(J)), *theirs], atol=0.4)


def test_label_saving_says_what_it_is():
    [saved] = label_saving(
        sizes=np.array([20]),
        scores=[[1.5, 1.5, 1.5]],
        baseline_sizes=[10, 20, 40],
        baseline_scores=[[0.0] * 3, [1.0] * 3, [2.0] * 3],
        level=0.9,
        random_state=np.random.RandomState(0),
        resamples=np.int64(10),
    )
    assert (saved.labels, saved.n, saved.level) == (20, 3, 0.9)
    assert f"{saved:.1f}" == "+8.3 [+8.3, +8.3]"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"baseline_sizes": [20, 10]}, r"baseline_sizes=\[20, 10\] .*increasing"),
        ({"baseline_sizes": [10]}, r"baseline_sizes=\[10\] .*two"),
        ({"baseline_sizes": [10, np.nan]}, "baseline_sizes=.*nan.* positive"),
        ({"baseline_sizes": [10, np.inf]}, "baseline_sizes=.*inf.* positive"),
        ({"baseline_sizes": "ab"}, "baseline_sizes .*'ab'"),
        ({"baseline_scores": [[1, 2], [3, np.nan]]}, "baseline_scores holds nan"),
        ({"baseline_scores": [[1, 2], [3, 1j]]}, "baseline_scores .*complex"),
        ({"baseline_scores": 5}, r"scores has shape \(1, 2\)"),
        ({"baseline_scores": [[1], [3]], "scores": [[1]]}, r"1 split\(s\)"),
        ({"scores": [[1, 2, 3]]}, r"scores has shape \(1, 3\)"),
        ({"scores": [[1, -np.inf]]}, "scores holds -inf"),
        ({"sizes": 10}, "sizes=10 .*list"),
        ({"sizes": [0]}, r"sizes=\[0\] .*positive"),
        ({"sizes": [np.inf]}, r"sizes=\[inf\] .*positive"),
        ({"level": 95}, "level=95"),
        ({"level": "a"}, "level='a'"),
        ({"resamples": 0}, "resamples=0"),
        ({"resamples": 2.5}, "resamples=2.5"),
        ({"resamples": None}, "resamples=None"),
    ],
)
def test_label_saving_says_what_is_wrong(change, message):
    good = {
        "sizes": [10],
        "scores": [[1, 2]],
        "baseline_sizes": [10, 20],
        "baseline_scores": [[1, 2], [3, 4]],
    }
    with pytest.raises((TypeError, ValueError), match=message):
        label_saving(**good | change)


# ------------------------------------------------------------- scores by task, in one prediction


def own_classes(seed=0):
    """Task 0 has three classes, task 1 two others; rows of the tasks alternate."""
    rng = np.random.default_rng(seed)
    task = np.tile([0, 1], 90)
    x = rng.normal(size=(180, 2))
    y = 3 * task + (x[:, 0] > 0) + (x[:, 1] > 0) * (task == 0)
    return np.column_stack([task, x + rng.normal(size=x.shape)]), y


def logistic(**names):
    """Both baselines around a logistic regression, or around others by name."""
    inner = LogisticRegression(max_iter=500)
    return {
        "alone": PerTask(inner, task_col=0),
        "pooled": Pooled(inner, task_col=0),
        **names,
    }


def by_hand(metric, model, X, y):
    """A score of each task from its own probabilities, (T,)."""
    P, found = model.predict_proba(X), []
    for t in np.unique(X[:, 0]):
        rows = X[:, 0] == t
        true = P[rows, np.searchsorted(model.classes_, y[rows])]
        if metric == "neg_log_loss":
            found.append(np.log(true).mean())
            continue
        own = np.flatnonzero(np.isin(model.classes_, y[rows]))
        within = P[np.ix_(rows, own)] / P[np.ix_(rows, own)].sum(axis=1, keepdims=True)
        each = [
            roc_auc_score(y[rows] == model.classes_[k], p)
            for k, p in zip(own, within.T, strict=True)
        ]
        found.append(np.mean(each))
    return np.array(found)


@pytest.mark.parametrize("metric", ["neg_log_loss", "roc_auc_ovr"])
@pytest.mark.parametrize("labels", ["numbers", "words"])
def test_probabilities_are_scored_where_tasks_have_their_own_classes(metric, labels):
    X, y = own_classes()
    y = np.array(list("edcba"))[y] if labels == "words" else y
    # The plain one gives classes of the other task a probability too.
    candidates = logistic(plain=make_pipeline(LogisticRegression()))
    results = {
        average: compare(candidates, X, y, task_col=0, cv=SPLITS, scoring=metric, average=average)
        for average in ("micro", "macro")
    }
    for j, (train, test) in enumerate(SPLITS.split(X, y)):
        for name, candidate in candidates.items():
            expected = by_hand(metric, clone(candidate).fit(X[train], y[train]), X[test], y[test])
            for result in results.values():
                assert result.task_scores[name][j] == pytest.approx(expected)
            assert results["macro"].scores[name][j] == pytest.approx(expected.mean())
            if metric == "neg_log_loss":  # a mean over rows, and the tasks have as many rows
                assert results["micro"].scores[name][j] == pytest.approx(expected.mean())


@pytest.mark.parametrize("scoring", ["roc_auc", "average_precision"])
@pytest.mark.parametrize("inner", [LogisticRegression(), LinearSVC()])
def test_a_ranking_of_two_classes_among_several(scoring, inner):
    X, y = own_classes()
    y = np.where(X[:, 0] == 0, np.minimum(y, 1), y)  # 0, 1 and 3, 4
    candidates = {"alone": PerTask(inner, task_col=0), "pooled": Pooled(inner, task_col=0)}
    result = compare(
        candidates, X, y, task_col=0, cv=SPLITS, scoring=scoring, average="macro", inner_cv=2
    )
    metric = {"roc_auc": roc_auc_score, "average_precision": average_precision_score}[scoring]
    for j, (train, test) in enumerate(SPLITS.split(X, y)):
        for t, task in enumerate((0, 1)):
            own_train, own_test = train[X[train, 0] == task], test[X[test, 0] == task]
            fitted = clone(inner).fit(X[own_train, 1:], y[own_train])
            ranks = fitted.decision_function(X[own_test, 1:])
            expected = metric(y[own_test] == fitted.classes_[1], ranks)
            assert result.task_scores["alone"][j, t] == pytest.approx(expected)


def test_a_test_part_may_lack_a_class():
    """Log loss needs no row of each class, a ranking does (scikit-learn issue 9144)."""
    X, y = own_classes()
    y[X[:, 0] == 0] %= 2
    y[np.flatnonzero(X[:, 0] == 0)[:2]] = 2  # two rows of a third class
    losses = compare(logistic(), X, y, task_col=0, cv=SPLITS, scoring="neg_log_loss")
    ranks = compare(
        logistic(), X, y, task_col=0, cv=SPLITS, scoring="neg_log_loss", average="macro"
    )
    assert np.isfinite([losses.task_scores["alone"], ranks.task_scores["alone"]]).all()
    lacking = [len({*y[test][X[test, 0] == 0]}) < 3 for _, test in SPLITS.split(X, y)]
    assert any(lacking)
    with pytest.raises(ValueError, match=r"score is nan .* task 0\.0"):
        compare(logistic(), X, y, task_col=0, cv=SPLITS, scoring="roc_auc_ovr", average="macro")


def test_labels_of_a_scorer_are_kept():
    X, y = own_classes()
    scorer = make_scorer(
        log_loss, response_method="predict_proba", greater_is_better=False, labels=[0, 1, 2, 3, 4]
    )
    named = compare(logistic(), X, y, task_col=0, cv=SPLITS, scoring="neg_log_loss")
    made = compare(logistic(), X, y, task_col=0, cv=SPLITS, scoring=scorer)
    assert named.task_scores["alone"] == pytest.approx(made.task_scores["alone"])


def test_a_metric_of_ones_own_sees_all_classes():
    X, y = own_classes()

    def true_class(y, P):
        return P[np.arange(len(y)), y].mean()

    scorer = make_scorer(true_class, response_method="predict_proba")
    result = compare(logistic(), X, y, task_col=0, cv=SPLITS, scoring=scorer)
    train, test = next(SPLITS.split(X, y))
    P = PerTask(LogisticRegression(max_iter=500), task_col=0).fit(X[train], y[train])
    P = P.predict_proba(X[test])[np.arange(len(test)), y[test]]
    expected = [P[X[test, 0] == t].mean() for t in (0, 1)]
    assert result.task_scores["alone"][0] == pytest.approx(expected)


class Asked(ClassifierMixin, BaseEstimator):
    """Predicts the sign of the last column, and counts what it is asked (`log` is shared)."""

    log: ClassVar = []

    def fit(self, X, y):
        self.classes_ = np.array([0, 1])
        return self

    def predict(self, X):
        Asked.log.append(("predict", len(X)))
        return (X[:, -1] > 0).astype(int)

    def predict_proba(self, X):
        Asked.log.append(("predict_proba", len(X)))
        return np.column_stack([1 - (p := 1 / (1 + np.exp(-X[:, -1]))), p])


@pytest.mark.parametrize("average", ["micro", "macro"])
@pytest.mark.parametrize(
    ("scoring", "method"), [("accuracy", "predict"), ("neg_log_loss", "predict_proba")]
)
def test_a_test_part_is_predicted_once(average, scoring, method):
    X, y = make_labels(rows=[8] * 30)
    Asked.log.clear()
    quiet(
        {"a": Asked(), "b": Asked()}, X, y, task_col=0, cv=SPLITS, scoring=scoring, average=average
    )
    assert Asked.log == [(method, 60)] * 6  # not once a task


def test_unscored_tasks_are_not_predicted():
    X, y = make_labels()
    Asked.log.clear()
    quiet({"a": Asked(), "b": Asked()}, X, y, task_col=0, cv=SPLITS, tasks=[1])
    assert Asked.log == [("predict", 10)] * 6


# --------------------------------------------------- tasks of one row, and candidates that search


def test_a_task_of_one_row_that_only_trains():
    X, y = make_table()
    X, y = np.vstack([X, [7.0, 0, 0, 0]]), np.append(y, 50.0)
    options = {"task_col": 0, "inner_cv": 3, "random_state": 0}
    Constant.log.clear()
    candidates = {name: (Constant(name=name), {"value": [0.0, 1.0]}) for name in ("a", "b")}
    result = quiet(candidates, X, y, tasks=[0, 1, 2], **options)
    assert result.tasks == [0, 1, 2]
    assert len(result.scores["a"]) == 20
    assert all(0.0 in rows for _, rows in Constant.log)  # the last row is in every training part
    compare(both(Ridge(), {"alpha": [1.0, 9.0]}), X, y, tasks=[0, 1, 2], cv=SPLITS, **options)
    with pytest.raises(ValueError, match=r"7\.0"):
        compare(both(Ridge()), X, y, task_col=0, random_state=0)


@pytest.mark.parametrize("labelled", [True, False])
def test_a_task_that_has_one_row_or_one_label_left_to_train(labelled):
    pd = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    shop = ["Rome"] * 20 + ["Paris"] * 20 + ["Oslo"] * (2 if labelled else 20)
    X = pd.DataFrame({"shop": shop, "u": rng.normal(size=len(shop))})
    y = X["u"].to_numpy() + rng.normal(size=len(shop))
    if not labelled:
        y[42:] = np.nan
    cv = TaskStratifiedShuffleSplit(
        4, test_size={"Rome": 5, "Paris": 5, "Oslo": 1}, task_col="shop", random_state=0
    )
    grid = {"estimator__alpha": [1, 9]}
    kinds = {"alone": PerTask, "pooled": Pooled}
    candidates = {n: (kind(Ridge(), task_col="shop"), grid) for n, kind in kinds.items()}
    result = compare(candidates, X, y, task_col="shop", cv=cv, random_state=0)
    assert result.train_rows[:, result.tasks.index("Oslo")].min() >= 1
    assert np.isfinite(result.scores["alone"]).all()


def test_a_candidate_may_search_by_itself():
    X, y = make_table()
    folds = TaskStratifiedKFold(2, task_col=0)
    grid = {"estimator__alpha": [0.1, 10.0]}
    candidates = {
        name: GridSearchCV(model, grid, cv=folds) for name, (model, _) in both(Ridge()).items()
    }
    candidates["tied"] = TransformedTargetRegressor(MeanRegularizedRidge(task_col=0))
    result = compare(candidates, X, y, task_col=0, cv=SPLITS)
    assert result.settings == {"alone": "single-task", "pooled": "pooled", "tied": "multi-task"}
    assert result.baseline == "alone"
    other = GridSearchCV(PerTask(Ridge(), task_col=1), grid)
    for wrong in (other, TransformedTargetRegressor(other)):
        with pytest.raises(ValueError, match=r"task_col=0.*'alone'.*task_col=1"):
            compare({**candidates, "alone": wrong}, X, y, task_col=0)


def test_a_plain_candidate_counts_as_pooled_and_is_warned_of():
    X, y = make_table()
    encoder = make_pipeline(StandardScaler(), Ridge())
    candidates = {"alone": PerTask(Ridge(), task_col=0), "plain": Ridge()}
    with pytest.warns(UserWarning, match=r"'plain' .*one model for all tasks") as caught:
        result = compare(candidates, X, y, task_col=0, cv=SPLITS)
    assert len(caught) == 2  # the other is about boosted trees
    assert caught[0].filename == __file__
    assert result.settings["plain"] == "pooled"
    candidates["plain"] = TransformedTargetRegressor(encoder)  # may encode the task
    compare(candidates, X, y, task_col=0, cv=SPLITS)


def test_labels_of_every_kind():
    pd = pytest.importorskip("pandas")
    X, y = make_labels()
    clean = compare(logistic(), X, y, task_col=0, cv=SPLITS)
    kinds = {
        "bool": y.astype(bool),
        "object": y.astype(bool).astype(object),
        "words": np.where(y, "yes", "no"),
        "list": np.where(y, "yes", "no").tolist(),
        "nullable": pd.Series(y, dtype="Int64"),
        "category": pd.Series(np.where(y, "yes", "no"), dtype="category"),
    }
    for name, labels in kinds.items():
        found = compare(logistic(), X, labels, task_col=0, cv=SPLITS)
        assert np.array_equal(found.scores["alone"], clean.scores["alone"]), name
    hole = np.flatnonzero(X[:, 0] == 1)[:3]
    holes = {name: list(labels) for name, labels in kinds.items()}
    for name, labels in holes.items():
        for row in hole:
            labels[row] = float("nan") if name in ("words", "list") else None
        found = compare(logistic(), X, labels, task_col=0, cv=SPLITS)
        assert found.train_rows[:, 1].max() <= 30, name
        assert np.isfinite(found.scores["pooled"]).all(), name
    with pytest.raises(ValueError, match="1"):
        compare(logistic(), X, [1, "1"] * 40, task_col=0, cv=SPLITS)


def test_columns_of_y_and_frames_of_other_libraries():
    polars = pytest.importorskip("polars")
    X, y = make_table()
    expected = compare(both(Ridge()), X, y, task_col=0, cv=SPLITS)
    with pytest.warns(DataConversionWarning):
        column = compare(both(Ridge()), X, y[:, None], task_col=0, cv=SPLITS)
    assert np.array_equal(column.scores["alone"], expected.scores["alone"])
    frame = polars.DataFrame(X, schema=["shop", "a", "b", "c"])
    cv = TaskStratifiedShuffleSplit(3, test_size=0.25, task_col="shop", random_state=0)
    candidates = {
        "alone": (PerTask(Ridge(), task_col="shop"), {"estimator__alpha": [1.0, 1.0]}),
        "pooled": (Pooled(Ridge(), task_col="shop"), {"estimator__alpha": [1.0, 1.0]}),
    }
    found = compare(candidates, frame, polars.Series(y), task_col="shop", cv=cv)
    assert found.scores["alone"] == pytest.approx(expected.scores["alone"])


def test_tasks_of_any_kind_stay_apart():
    pd = pytest.importorskip("pandas")
    X, y = make_table()
    expected = compare(both(Ridge()), X, y, task_col=0, cv=SPLITS)
    for names in ([2**60, 2**60 + 1, 2**60 + 2], [("a", 1), ("a", 2), ("b", 1)]):
        frame = pd.DataFrame(X[:, 1:], columns=list("abc"))
        frame.insert(0, "shop", [names[int(t)] for t in X[:, 0]])
        cv = TaskStratifiedShuffleSplit(3, test_size=0.25, task_col="shop", random_state=0)
        kinds = {"alone": PerTask, "pooled": Pooled}
        candidates = {n: kind(Ridge(), task_col="shop") for n, kind in kinds.items()}
        found = compare(candidates, frame, y, task_col="shop", cv=cv, tasks=names[:2])
        assert found.tasks == names[:2]
        assert found.task_scores["alone"] == pytest.approx(expected.task_scores["alone"][:, :2])


@pytest.mark.parametrize("kind", [sparse.csr_array, sparse.csc_matrix, sparse.coo_array])
def test_sparse_tables(kind):
    X, y = make_table()
    candidates = both(Ridge(solver="sparse_cg", tol=1e-10), {"alpha": [1, 10]})
    options = {"task_col": 0, "cv": SPLITS, "random_state": 0}
    expected = compare(candidates, X, y, **options)
    found = compare(candidates, kind(X), y, **options)
    for name in candidates:
        assert found.task_scores[name] == pytest.approx(expected.task_scores[name], abs=1e-6)
