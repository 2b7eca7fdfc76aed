"""What `compare` takes of real tables, and what its intervals speak about."""

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import get_scorer, log_loss
from sklearn.model_selection import GridSearchCV, GroupKFold, TimeSeriesSplit
from sklearn.neighbors import KNeighborsRegressor

from mtlkit.baselines import PerTask, Pooled
from mtlkit.datasets import make_linear_tasks
from mtlkit.evaluation import compare, label_saving
from mtlkit.evaluation._designs import Parts, error_of_mean
from mtlkit.evaluation._influence import jackknife, row_values
from mtlkit.evaluation._search import check_splits
from mtlkit.linear import MeanRegularizedRidge
from mtlkit.table import TaskStratifiedKFold, TaskStratifiedShuffleSplit, TaskTimeSeriesSplit

pytestmark = pytest.mark.filterwarnings("ignore:no candidate is")


def ridges(alphas=(1.0,)):
    grid = {"estimator__alpha": list(alphas)}
    return {
        "alone": (PerTask(Ridge(), task_col=0), grid),
        "pooled": (Pooled(Ridge(), task_col=0), grid),
    }


def table(T=5, n=20, seed=0):
    return make_linear_tasks(
        "shared mean", n_tasks=T, n_samples=n, n_features=3, spread=0.5, random_state=seed
    )


def few_labels(trained, J=20):
    return TaskStratifiedShuffleSplit(J, train_size=trained, task_col=0, random_state=0)


# Influences


SCORES = ["accuracy", "neg_mean_squared_error", "neg_mean_absolute_error", "neg_log_loss"]
SCORES += ["neg_root_mean_squared_error", "r2", "roc_auc"]


@given(st.sampled_from(SCORES), st.integers(0, 2**32 - 1), st.booleans())
def test_influence_is_the_derivative_by_the_weight_of_a_row(name, seed, weighted):
    rng, scorer = np.random.default_rng(seed), get_scorer(name)
    n, step = 12, 1e-6
    y, p = np.arange(n) % 2, rng.uniform(0.05, 0.95, n).round(2)
    w = rng.uniform(0.5, 2, n) if weighted and name != "roc_auc" else np.ones(n)
    predicted = {"accuracy": p > 0.5, "neg_log_loss": p}.get(name, p)

    def score(weight):
        if name == "neg_log_loss":
            return -log_loss(y, p, sample_weight=weight)
        return scorer._sign * scorer._score_func(y, predicted, sample_weight=weight)

    shown = (np.array([0, 1]), p) if name == "neg_log_loss" else predicted
    labels = y == 1 if name == "roc_auc" else y
    values = row_values(scorer, labels, shown, w)
    assert np.average(values, weights=w) == pytest.approx(score(w))
    got = w * (values - score(w)) / w.sum()
    expected = [(score(w + step * w * e) - score(w - step * w * e)) / 2 / step for e in np.eye(n)]
    assert got == pytest.approx(np.array(expected), abs=1e-6)
    assert got.sum() == pytest.approx(0, abs=1e-12)


def test_jackknife_of_a_mean_is_its_influence():
    values = np.array([1.0, 2, 4, 8, 5, 7])
    names, got = jackknife(values.mean(), lambda kept: values[kept].mean(), np.arange(6))
    assert names.tolist() == [0, 1, 2, 3, 4, 5]
    assert got == pytest.approx((values - values.mean()) / 6)


def test_influences_without_closed_form_come_close_to_those_with_one():
    X, y = table()
    y = (y > 0).astype(int)
    candidates = {
        "alone": PerTask(LogisticRegression(), task_col=0),
        "prior": PerTask(DummyClassifier(), task_col=0),
    }
    result = compare(
        candidates, X, y, task_col=0, cv=few_labels(8), scoring=["accuracy", "balanced_accuracy"]
    )
    halves = [of.difference("prior").high - of.difference("prior").mean
              for of in result.by_scoring.values()]  # fmt: skip
    assert halves[0] == pytest.approx(halves[1], rel=0.5)


# Standard errors


def shuffled_parts(n, trained, J, seed=0):
    rng = np.random.default_rng(seed)
    splits = [np.split(rng.permutation(n), [trained]) for _ in range(J)]
    return splits, Parts.of_splits(splits, np.arange(n), np.zeros(n, dtype=int), np.arange(n))


def test_each_design_has_its_formula():
    _, parts = shuffled_parts(40, 30, 10)
    d = np.random.default_rng(1).normal(size=10)
    unknown = np.full((10, 40), np.nan)
    s = d.std(ddof=1)
    assert error_of_mean(d, "these rows", parts, unknown) == (s / np.sqrt(10), 9, "splits")
    error, df, design = error_of_mean(d, "new rows", parts, unknown)
    assert (df, design) == (9, "corrected splits")
    assert error == pytest.approx(s * np.sqrt(1 / 10 + 10 / 30))
    assert parts.overlap() == pytest.approx(30 / 40, abs=0.05)


def test_blocks_without_a_common_row_are_independent():
    blocks = np.arange(60).reshape(6, 10)
    splits = [(block[:4], block[4:]) for block in blocks]
    parts = Parts.of_splits(splits, np.arange(60), np.zeros(60, dtype=int), np.arange(60))
    d = np.arange(6.0)
    error, df, design = error_of_mean(d, "new rows", parts, np.zeros((6, 60)))
    assert (error, df, design) == (pytest.approx(d.std(ddof=1) / np.sqrt(6)), 5, "blocks")


def test_rows_and_splits_of_a_difference_that_only_rows_move():
    # d_j is the mean of h over the test rows: its variance over tables is var(h) / n.
    n, J = 400, 40
    splits, parts = shuffled_parts(n, 100, J)
    h = np.random.default_rng(0).normal(size=n)
    moved = np.zeros((J, n))
    for j, (_, test) in enumerate(splits):
        moved[j, test] = (h[test] - h[test].mean()) / len(test)
    d = np.array([h[test].mean() for _, test in splits])
    error, df, design = error_of_mean(d, "new rows", parts, moved)
    assert design == "rows and splits" and df > 100
    assert error == pytest.approx(h.std() / np.sqrt(n), rel=0.1)


def test_new_tasks_are_the_t_interval_over_tasks():
    # Each task tests all its rows on both splits, and each row has the difference of its task.
    T, n = 6, 10
    by_task = np.random.default_rng(0).normal(size=T)
    tasks = np.repeat(np.arange(T), n)
    moved = np.tile((by_task - by_task.mean())[tasks] / (T * n), (2, 1))
    splits = [(np.arange(0), np.arange(T * n))] * 2
    parts = Parts.of_splits(splits, np.arange(T * n), tasks, np.arange(T * n))
    error, df, _ = error_of_mean(np.full(2, by_task.mean()), "new tasks", parts, moved)
    assert (error, df) == (pytest.approx(stats.sem(by_task)), T - 1)


def heterogeneous(T=8, n=30, seed=0):
    """Tasks that differ in how much sharing does to them, and have other numbers of rows."""
    rng = np.random.default_rng(seed)
    task = np.repeat(np.arange(T), n + 5 * (np.arange(T) % 3))
    slope = rng.normal(0, 2, T)
    X = np.column_stack([task, rng.normal(size=len(task))])
    return X, slope[task] * X[:, 1] + 0.3 * rng.normal(size=len(task))


@pytest.mark.parametrize("scoring", ["r2", "neg_mean_absolute_error", "accuracy", "roc_auc"])
def test_macro_scores_of_new_tasks_have_the_t_interval_over_task_means(scoring):
    X, y = heterogeneous()
    if scoring in ("accuracy", "roc_auc"):
        y, alone, pooled = (y > 0).astype(int), LogisticRegression(), LogisticRegression(C=0.1)
    else:
        alone = pooled = Ridge()
    arms = {"alone": PerTask(alone, task_col=0), "pooled": Pooled(pooled, task_col=0)}
    cv = TaskStratifiedShuffleSplit(40, train_size=10, task_col=0, random_state=0)
    result = compare(arms, X, y, task_col=0, cv=cv, scoring=scoring, average="macro")
    by_task = (result.task_scores["pooled"] - result.task_scores["alone"]).mean(axis=0)
    found = result.difference("pooled", scope="new tasks")
    d = result.scores["pooled"] - result.scores["alone"]
    few = stats.t.ppf(0.975, 39) / stats.t.ppf(0.975, 7) * d.std(ddof=1) / np.sqrt(40)
    expected = np.hypot(stats.sem(by_task), few)
    assert found.mean == pytest.approx(by_task.mean())
    assert (found.standard_error, found.df) == (pytest.approx(expected, rel=1e-9), 7)
    fixed = result.difference("pooled", scope="new rows")
    assert fixed.standard_error < found.standard_error  # tasks that are fixed do not spread


@pytest.mark.filterwarnings("ignore:tasks .* have one class")
def test_a_task_of_one_class_is_in_no_ranked_mean_over_tasks():
    X, y = heterogeneous()
    y = np.where(X[:, 0] == 3, 1, y > 0).astype(int)
    arms = {
        "alone": PerTask(LogisticRegression(), task_col=0),
        "pooled": Pooled(LogisticRegression(), task_col=0),
    }
    for scoring in ("average_precision", "roc_auc"):
        result = compare(arms, X, y, task_col=0, cv=few_labels(10), scoring=scoring,
                         average="macro")  # fmt: skip
        of_tasks = result.task_scores["pooled"]
        assert np.isnan(of_tasks[:, 3]).all() and np.isfinite(np.delete(of_tasks, 3, 1)).all()
        assert result.scores["pooled"] == pytest.approx(np.nanmean(of_tasks, axis=1))
        assert result.difference("pooled", scope="new tasks").df == 6


def test_macro_intervals_of_new_tasks_cover_the_mean_over_tasks():
    truth = by_macro(T=800, n=16, seed=1, J=2).mean  # of so many tasks the error is small
    inside = 0
    for seed in range(40):
        found = by_macro(T=8, n=16, seed=100 + seed, J=6)
        inside += found.low <= truth <= found.high
    assert inside >= 34  # of a share of 0.95 seen once in 250 times below


def by_macro(T, n, seed, J):
    X, y = heterogeneous(T, n, seed)
    arms = {name: arm for name, (arm, _) in ridges().items()}
    cv = TaskStratifiedShuffleSplit(J, train_size=8, task_col=0, random_state=seed)
    ask = {"scoring": "neg_mean_absolute_error", "average": "macro", "scope": "new tasks"}
    return compare(arms, X, y, task_col=0, cv=cv, **ask).difference("pooled")


def test_a_single_task_has_no_interval_for_new_tasks():
    X, y = table(T=3)
    result = compare(ridges(), X, y, task_col=0, tasks=[1], random_state=0)
    with pytest.raises(ValueError, match=r"'new tasks'.*1\.0 alone"):
        result.difference("pooled", scope="new tasks")


def test_without_influences_an_interval_is_said_to_be_wide():
    X, y = table(T=6)
    result = compare(ridges(), X, y, task_col=0, cv=few_labels(4))
    unknown = dict.fromkeys(result.names, np.full_like(result.influences["alone"], np.nan))
    blind = replace(result, influences=unknown)
    with pytest.warns(UserWarning, match=r"tests 4 times.*'r2'.*too wide: use a cv"):
        wide = blind.difference("pooled")
    d = result.scores["pooled"] - result.scores["alone"]
    half = stats.t.ppf(0.975, 19) * d.std(ddof=1) * np.sqrt(1 / 20 + 4)
    assert wide.high - wide.mean == pytest.approx(half)
    known = result.difference("pooled")
    assert known.high - known.low < 0.5 * (wide.high - wide.low)
    with pytest.raises(ValueError, match=r"'new tasks'.*'r2'.*larger test parts"):
        blind.difference("pooled", scope="new tasks")


def test_rows_of_a_group_count_once():
    n, J = 200, 30
    splits, _ = shuffled_parts(n, 60, J)
    who = np.arange(n) // 4
    h = np.random.default_rng(0).normal(size=50)[who]
    moved = np.zeros((J, n))
    for j, (_, test) in enumerate(splits):
        moved[j, test] = (h[test] - h[test].mean()) / len(test)
    errors = []
    for clusters in (np.arange(n), who):
        parts = Parts.of_splits(splits, np.arange(n), np.zeros(n, dtype=int), clusters)
        errors.append(error_of_mean(np.zeros(J), "new rows", parts, moved).error)
    assert errors[1] == pytest.approx(2 * errors[0], rel=0.1)


# Real tables


def people_table(people=60, visits=4, seed=0):
    """Rows of a person are nearly the same, and the label is noise of the person."""
    rng = np.random.default_rng(seed)
    who = np.repeat(np.arange(people), visits)
    features = rng.normal(size=(people, 5))[who] + 0.05 * rng.normal(size=(len(who), 5))
    return np.column_stack([who % 3, features]), rng.normal(size=people)[who], who


NEIGHBOURS = {"estimator__n_neighbors": [1, 40]}


def nearest():
    return {
        "alone": (PerTask(KNeighborsRegressor(), task_col=0), NEIGHBOURS),
        "pooled": (Pooled(KNeighborsRegressor(), task_col=0), NEIGHBOURS),
    }


BY_TASK = TaskStratifiedShuffleSplit(4, task_col=0, random_state=0)


@pytest.mark.parametrize("cv", [BY_TASK, GroupKFold(4)], ids=["by task", "GroupKFold"])
def test_groups_stay_together_in_both_searches(cv):
    X, y, who = people_table()
    leaks = compare(nearest(), X, y, task_col=0, cv=BY_TASK, random_state=0)
    assert all(p == {"estimator__n_neighbors": 1} for p in leaks.best_params["pooled"])
    assert leaks.scores["pooled"].mean() > 0.5
    result = compare(nearest(), X, y, task_col=0, groups=who, cv=cv, random_state=0)
    assert all(p == {"estimator__n_neighbors": 40} for p in result.best_params["pooled"])
    assert result.scores["pooled"].mean() < 0
    names = np.array([f"person {g:03}" for g in who], dtype=object)
    named = compare(nearest(), X, y, task_col=0, groups=names, cv=cv, random_state=0)
    assert named.scores["pooled"] == pytest.approx(result.scores["pooled"])
    model = result.refit("pooled", X, y, groups=who)
    assert model.estimator.n_neighbors == 40


def wandering(n=240, seed=0):
    """The label wanders; the feature is the time: neighbours tell, if the future may train."""
    rng = np.random.default_rng(seed)
    time = np.arange(n) / 10
    y = np.cumsum(rng.normal(size=n))
    return np.column_stack([np.arange(n) % 2, time]), y


def test_time_is_kept_in_both_searches():
    X, y = wandering()
    cv = TaskTimeSeriesSplit(4, time_col=1, task_col=0)
    result = compare(ridges([1e-3, 1e3]), X, y, task_col=0, cv=cv)
    inner = TaskTimeSeriesSplit(5, time_col=1, task_col=0)
    for j, (train, _) in enumerate(cv.split(X)):
        search = GridSearchCV(*ridges([1e-3, 1e3])["pooled"], cv=inner, scoring="r2")
        assert result.best_params["pooled"][j] == search.fit(X[train], y[train]).best_params_
        assert max(train) < min(list(cv.split(X))[j][1])
    shuffled = compare(nearest(), X, y, task_col=0, cv=BY_TASK, random_state=0)
    assert shuffled.scores["pooled"].mean() > 0.8 > result.scores["pooled"].max()
    with pytest.raises(ValueError, match=r"TimeSeriesSplit.*inner_cv=5"):
        compare(ridges([1, 2]), X, y, task_col=0, cv=TimeSeriesSplit(3))
    both = compare(
        ridges([1, 2]), X, y, task_col=0, cv=TimeSeriesSplit(3), inner_cv=TimeSeriesSplit(2)
    )
    assert len(both.scores["alone"]) == 3


def test_a_task_that_only_trains_leaves_its_group_to_the_test():
    X, y, who = people_table(people=40)
    X[:, 0] = np.where(X[:, 0] == 2, 1, X[:, 0])
    X, y, who = np.vstack([X, [5, *X[0, 1:]]]), np.append(y, 1.0), np.append(who, who[0])
    result = compare(ridges(), X, y, task_col=0, tasks=[0, 1], groups=who, random_state=0)
    assert np.isfinite(result.scores["pooled"]).all()
    cv = TaskStratifiedShuffleSplit(5, task_col=0, random_state=0)
    lone = np.arange(len(y)) == len(y) - 1
    sides = [
        (who[-1] in who[test], len(y) - 1 in train)
        for train, test in check_splits(cv, X, y, lone, who)
    ]
    assert {tested != trained for tested, trained in sides} == {True} and len(set(sides)) == 2


def test_a_ranking_where_a_test_part_has_one_of_two_classes_among_more():
    X, y = table(T=3, n=40)
    classes = (y > 0).astype(int)
    classes[80:] += 2  # the third task, which is not scored, has classes of its own
    classes[40:80] = np.arange(40) < 3
    arms = {
        "alone": PerTask(LogisticRegression(), task_col=0),
        "pooled": Pooled(LogisticRegression(), task_col=0),
    }
    result = compare(arms, X, classes, task_col=0, tasks=[0, 1], scoring="roc_auc", random_state=0)
    found = result.task_scores["pooled"][:, 1]
    assert np.isnan(found).any() and np.isfinite(result.scores["pooled"]).all()
    assert np.isfinite(result.influences["pooled"]).all()


def test_a_list_of_splits_is_as_good_as_its_splitter():
    X, y = table()
    cv = TaskStratifiedKFold(4, task_col=0)
    one = compare(ridges([0.1, 10]), X, y, task_col=0, cv=cv, random_state=3)
    two = compare(ridges([0.1, 10]), X, y, task_col=0, cv=list(cv.split(X, y)), random_state=3)
    assert one.scores["pooled"].tolist() == two.scores["pooled"].tolist()
    assert one.best_params == two.best_params


def test_weights_of_rows_count_as_rows():
    X, y = table(T=2, n=24)
    weight = np.where(np.arange(48) % 3 == 0, 2.0, 1.0)
    twice = np.repeat(np.arange(48), weight.astype(int))
    cv = list(TaskStratifiedKFold(3, task_col=0).split(X, y))
    repeated = [tuple(np.flatnonzero(np.isin(twice, part)) for part in split) for split in cv]
    inner = TaskStratifiedKFold(2, task_col=0)
    one = compare(ridges(), X, y, task_col=0, sample_weight=weight, cv=cv, inner_cv=inner)
    two = compare(ridges(), X[twice], y[twice], task_col=0, cv=repeated, inner_cv=inner)
    for name in ("alone", "pooled"):
        assert one.scores[name] == pytest.approx(two.scores[name])
        assert one.task_scores[name] == pytest.approx(two.task_scores[name])
    none = compare(ridges(), X, y, task_col=0, cv=cv)
    assert np.abs(none.scores["alone"] - one.scores["alone"]).max() > 1e-3
    searched = compare(ridges([0.01, 100]), X, y, task_col=0, sample_weight=weight, cv=cv)
    assert len(searched.best_params["alone"]) == 3


def test_several_scores_and_the_first_chooses():
    X, y = table()
    names = ["neg_mean_absolute_error", "r2", "neg_root_mean_squared_error"]
    several = compare(ridges([0.1, 100]), X, y, task_col=0, scoring=names, random_state=0)
    assert list(several.by_scoring) == names and several.scoring == names[0]
    alone = compare(ridges([0.1, 100]), X, y, task_col=0, scoring=names[0], random_state=0)
    assert several.best_params == alone.best_params
    assert several.scores["alone"].tolist() == alone.scores["alone"].tolist()
    r2 = several.by_scoring["r2"]
    assert r2.scale == 100 and r2.best_params == several.best_params
    assert alone.by_scoring == {}
    frame = several.to_frame()
    assert frame.shape == (3 * 2 * 20, 7)
    mean = frame.groupby(["scoring", "candidate"])["score"].mean()
    assert mean["r2", "pooled"] == pytest.approx(r2.scores["pooled"].mean())
    by_task = r2.to_frame(by_task=True)
    assert isinstance(by_task, pd.DataFrame) and len(by_task) == 2 * 20 * 5
    row = by_task.query("candidate == 'pooled' and split == 3 and task == 2").iloc[0]
    assert row["score"] == r2.task_scores["pooled"][3, 2]
    assert (row["train_rows"], row["test_rows"]) == (15, 5)


def test_the_refit_is_a_search_on_all_rows():
    X, y = table()
    result = compare(ridges([0.01, 1, 100]), X, y, task_col=0, random_state=0)
    model = result.refit("alone", X, y)
    folds = TaskStratifiedKFold(5, task_col=0, shuffle=True, random_state=0)
    search = GridSearchCV(*ridges([0.01, 1, 100])["alone"], cv=folds, scoring="r2").fit(X, y)
    assert model.estimator.alpha == search.best_params_["estimator__alpha"]
    assert model.predict(X) == pytest.approx(search.predict(X))
    with pytest.raises(ValueError, match="'tied'"):
        result.refit("tied", X, y)


def test_progress_is_shown_where_it_is_asked_for(capsys):
    X, y = table()
    compare(ridges(), X, y, task_col=0, cv=few_labels(5, J=3))
    assert capsys.readouterr().err == ""
    compare(ridges(), X, y, task_col=0, cv=few_labels(5, J=3), verbose=True)
    assert "3/3" in capsys.readouterr().err


@pytest.mark.filterwarnings("default:no candidate is")
def test_the_third_opponent_is_asked_for():
    X, y = table(T=2, n=12)
    told = Pooled(HistGradientBoostingRegressor(max_iter=2), task_col=0, task_as_input="category")
    arms = {name: model for name, (model, _) in ridges().items()}
    with pytest.warns(UserWarning, match=r"boosted trees told the task.*'boosted': \(Pooled\(Hist"):
        compare(arms, X, y, task_col=0, cv=few_labels(5, J=2))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compare({**arms, "boosted": told}, X, y, task_col=0, cv=few_labels(5, J=2))


def test_tasks_of_one_class_do_not_stop_a_comparison():
    X, y = table(T=6, n=24)
    y = np.where(np.isin(X[:, 0], [1, 4]), "no", np.where(y > 0, "yes", "no"))
    arms = {
        "alone": (PerTask(LogisticRegression(), task_col=0), {"estimator__C": [0.1, 10]}),
        "pooled": (Pooled(LogisticRegression(), task_col=0), {"estimator__C": [0.1, 10]}),
    }
    for scoring in ("roc_auc", "neg_log_loss", "accuracy"):
        result = compare(arms, X, y, task_col=0, scoring=scoring, cv=few_labels(16, J=3))
        assert np.isfinite(result.scores["alone"]).all()
        ranked = np.isfinite(result.task_scores["alone"]).all(axis=0)
        assert ranked.tolist() == [scoring != "roc_auc" or t not in (1, 4) for t in range(6)]
        assert list(result.task_differences("pooled")) == np.flatnonzero(ranked).tolist()


def test_a_search_from_moments_is_the_search_on_rows(monkeypatch):
    X, y = table(T=4, n=30)
    arms = {
        **ridges([0.1, 1, 10]),
        "tied": (MeanRegularizedRidge(task_col=0), {"coupling": [0, 3, 30]}),
    }
    fast = compare(arms, X, y, task_col=0, random_state=0)
    monkeypatch.setattr("mtlkit.evaluation._search.search_from_moments", lambda *a, **k: None)
    slow = compare(arms, X, y, task_col=0, random_state=0)
    assert fast.best_params == slow.best_params
    for name in arms:
        assert fast.scores[name] == pytest.approx(slow.scores[name], rel=1e-9)


@settings(max_examples=20)
@given(st.integers(2, 4), st.integers(3, 8), st.integers(0, 2**32 - 1), st.integers(0, 1))
def test_windows_of_time_expand_and_know_tasks(n_splits, T, seed, gap):
    rng = np.random.default_rng(seed)
    n = 12 * (n_splits + 1)
    X = np.column_stack([rng.integers(T, size=n), rng.permutation(n) // 2])
    cv = TaskTimeSeriesSplit(n_splits, time_col=1, task_col=0, gap=gap)
    last = -1
    for train, test in cv.split(X):
        assert X[train, 1].max() < X[test, 1].min() - gap
        assert set(X[test, 0]) <= set(X[train, 0])
        assert X[test, 1].min() > last
        last = X[test, 1].max()
        left = np.setdiff1d(np.flatnonzero(X[:, 1] < X[test, 1].min() - gap), train)
        assert left.size <= 4  # rows of one time at the cut


def test_time_splitter_says_what_is_wrong():
    X = pd.DataFrame({"shop": list("aabbab") * 4, "day": np.arange(24)})
    cv = TaskTimeSeriesSplit(3, time_col="dya", task_col="shop")
    with pytest.raises(ValueError, match=r"time_col='dya'.*'day'"):
        list(cv.split(X))
    with pytest.raises(ValueError, match=r"n_splits=30 needs 31 .* 24 different"):
        list(TaskTimeSeriesSplit(30, time_col="day", task_col="shop").split(X))
    X["day"] = pd.to_datetime("2026-01-01") + pd.to_timedelta(X["day"], "D")
    assert len(list(TaskTimeSeriesSplit(3, time_col="day", task_col="shop").split(X))) == 3
    X.loc[4, "day"] = pd.NaT
    with pytest.raises(ValueError, match=r"time_col='day' is missing in row 4"):
        list(TaskTimeSeriesSplit(3, time_col="day", task_col="shop").split(X))
    with pytest.raises(ValueError, match="n_splits=1"):
        TaskTimeSeriesSplit(1)
    with pytest.raises(ValueError, match="gap=-1"):
        TaskTimeSeriesSplit(2, gap=-1)


def test_label_saving_of_comparisons_speaks_of_new_rows():
    X, y = table(T=6, n=60)
    sizes = [6, 12, 24]
    curve = [compare(ridges(), X, y, task_col=0, cv=few_labels(n)) for n in sizes]
    asked = {"sizes": sizes[:2], "baseline_sizes": sizes, "random_state": 0}
    asked |= {"candidate": "pooled", "scores": curve[:2], "baseline_scores": curve}
    new, here = label_saving(**asked), label_saving(**asked, scope="these rows")
    for a, b in zip(new, here, strict=True):
        assert a.mean == b.mean
        assert "(new rows)" in str(a) and "(these rows)" in str(b)
        assert a.low <= b.low and a.high >= b.high
    arrays = label_saving(
        sizes=sizes[:2], baseline_sizes=sizes, random_state=0,
        scores=[c.scores["pooled"] for c in curve[:2]],
        baseline_scores=[c.scores["alone"] for c in curve],
    )  # fmt: skip
    assert [(s.low, s.high) for s in arrays] == [(s.low, s.high) for s in here]
    assert arrays[0].scope is None and "rows" not in str(arrays[0])
    with pytest.raises(ValueError, match="scope='rows'"):
        label_saving(**{**asked, "scores": [[1, 2]] * 2, "scope": "rows"})
    with pytest.raises(ValueError, match=r"candidate=None must name one of .*pooled"):
        label_saving(**{**asked, "candidate": None})
    with pytest.raises(ValueError, match="'new tasks'"):
        label_saving(**asked, scope="new tasks")
    caption = curve[0].table("new tasks").caption
    assert caption.endswith("intervals for new tasks, of single tasks for new rows")
