"""The affinity matrix: against scores computed directly, on tasks whose relation is known."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import r2_score, roc_auc_score
from sklearn.model_selection import GridSearchCV

from mtlkit.baselines import PerTask, Pooled
from mtlkit.datasets import make_linear_tasks
from mtlkit.evaluation import paired_difference, task_affinity
from mtlkit.linear import MeanRegularizedRidge
from mtlkit.table import TaskStratifiedKFold, TaskStratifiedShuffleSplit
from tests._problems import as_frame, ragged_classification, ragged_regression

SPLITS = TaskStratifiedShuffleSplit(4, test_size=0.25, task_col=0, random_state=0)
POOLED, ALONE = Pooled(Ridge(), task_col=0), PerTask(Ridge(), task_col=0)


def test_entries_are_paired_differences_of_ridge_scores():
    X, y = ragged_regression(rows=(12, 16, 20))
    found = task_affinity(POOLED, ALONE, X, y, task_col=0, cv=SPLITS)
    assert found.tasks == [0, 1, 2]
    for s in range(3):
        for t in range(3):
            if s == t:
                assert np.isnan([found.mean[t, t], found.low[t, t], found.high[t, t]]).all()
                continue
            scores = []
            for train, test in SPLITS.split(X, y):
                own = test[X[test, 0] == t]
                for rows in (train[np.isin(X[train, 0], [s, t])], train[X[train, 0] == t]):
                    predicted = Ridge().fit(X[rows, 1:], y[rows]).predict(X[own, 1:])
                    scores.append(r2_score(y[own], predicted))
            # A quarter or so is tested: each task has its own numbers of rows.
            counts = [sum(X[part, 0] == t) for part in (train, test)]
            expected = paired_difference(scores[::2], scores[1::2], corrected=counts)
            got = found.mean[s, t], found.low[s, t], found.high[s, t]
            assert got == pytest.approx((expected.mean, expected.low, expected.high))


def test_like_tasks_help_and_opposed_tasks_hurt():
    X, y = make_linear_tasks(
        "opposed", n_tasks=4, n_samples=80, n_features=5, spread=0, random_state=0
    )
    mean = task_affinity(POOLED, ALONE, X, y, task_col=0, random_state=0).mean
    like = np.add.outer(np.arange(4), np.arange(4)) % 2 == 0
    assert np.nanmin(mean[like]) > 0 > mean[~like].max()


def test_two_tasks_with_the_same_rows_help_each_other_alike():
    X, y = ragged_regression(rows=(15,))
    twice = np.concatenate([X, X + np.eye(1, 4)])  # the same rows as another task
    rng = np.random.default_rng(0)
    splits = []
    for _ in range(3):
        rows = rng.permutation(15)
        splits.append([np.concatenate([part, part + 15]) for part in (rows[:11], rows[11:])])

    class Fixed:
        def split(self, X, y):
            return splits

    mean = task_affinity(POOLED, ALONE, twice, np.tile(y, 2), task_col=0, cv=Fixed()).mean
    assert mean[0, 1] == pytest.approx(mean[1, 0], abs=1e-12)
    # Ridge on doubled rows is ridge with half the strength.
    half = PerTask(Ridge(0.5), task_col=0)
    assert mean[0, 1] == pytest.approx(
        np.mean(
            [
                half.fit(X[a[:11]], y[a[:11]]).score(X[b[:4]], y[b[:4]])
                - ALONE.fit(X[a[:11]], y[a[:11]]).score(X[b[:4]], y[b[:4]])
                for a, b in splits
            ]
        )
    )


def test_frame_missing_labels_and_n_jobs_change_nothing():
    X, y = ragged_regression(rows=(12, 16, 20))
    unknown = np.concatenate([X[:2], X]), np.concatenate([[np.nan] * 2, y])
    together = MeanRegularizedRidge(task_col=0)
    alone = MeanRegularizedRidge(alpha=2, task_col=0)
    splits = list(SPLITS.split(X, y))

    class Shifted:
        """The splits of `X` among the rows of `unknown`, with the new rows in both parts."""

        def split(self, X, y):
            return [[np.append(part + 2, [0, 1]) for part in pair] for pair in splits]

    plain = task_affinity(together, alone, X, y, task_col=0, cv=SPLITS)
    padded = task_affinity(together, alone, *unknown, task_col=0, cv=Shifted())
    twice = task_affinity(together, alone, X, y, task_col=0, cv=SPLITS, n_jobs=2)
    named = {"task_col": "task"}
    framed = task_affinity(
        together.set_params(**named),
        alone.set_params(**named),
        as_frame(X),
        y,
        cv=TaskStratifiedShuffleSplit(4, test_size=0.25, task_col="task", random_state=0),
        **named,
    )
    assert framed.tasks == ["t0", "t1", "t2"]
    assert np.array_equal(plain.mean, twice.mean, equal_nan=True)
    assert np.array_equal(plain.low, twice.low, equal_nan=True)
    for other in (padded, framed):
        assert np.allclose(plain.mean, other.mean, equal_nan=True, rtol=1e-9)


def test_level_scoring_and_search():
    X, y = ragged_regression(rows=(12, 16))
    settings = {"task_col": 0, "cv": SPLITS}
    wide = task_affinity(POOLED, ALONE, X, y, level=0.99, **settings)
    narrow = task_affinity(POOLED, ALONE, X, y, **settings)
    assert wide.low[0, 1] < narrow.low[0, 1] < narrow.mean[0, 1] < narrow.high[0, 1]
    folds = TaskStratifiedKFold(2, task_col=0)
    searched = [
        GridSearchCV(model, {"estimator__alpha": [1.0]}, cv=folds) for model in (POOLED, ALONE)
    ]
    found = task_affinity(*searched, X, y, **settings)
    assert np.allclose(found.mean, narrow.mean, equal_nan=True)
    errors = task_affinity(POOLED, ALONE, X, y, scoring="neg_mean_squared_error", **settings)
    assert not np.allclose(errors.mean, narrow.mean, equal_nan=True)


def test_wrong_inputs_are_told():
    X, y = ragged_regression(rows=(12, 16))
    with pytest.raises(ValueError, match=r"one task, 0\.0 "):
        task_affinity(POOLED, ALONE, X[X[:, 0] == 0], y[X[:, 0] == 0], task_col=0)
    with pytest.raises(ValueError, match=r"28 rows .* 27 values"):
        task_affinity(POOLED, ALONE, X, y[:-1], task_col=0)
    one = TaskStratifiedShuffleSplit(1, task_col=0, random_state=0)
    with pytest.raises(ValueError, match=r"1 split\(s\)"):
        task_affinity(POOLED, ALONE, X, y, task_col=0, cv=one)
    with pytest.raises((TypeError, ValueError), match="alpha") as caught:
        task_affinity(POOLED, PerTask(Ridge(-1), task_col=0), X, y, task_col=0, cv=SPLITS)
    assert "(tasks [0.0], split 0)" in caught.value.__notes__


@pytest.mark.filterwarnings("ignore:R.2 score is not well-defined")
def test_a_score_that_cannot_be_computed_is_told():
    X, y = ragged_regression(rows=(12, 2))
    with pytest.raises(ValueError, match=r"nan .* task 1\.0.*larger test parts"):
        task_affinity(POOLED, ALONE, X, y, task_col=0, random_state=0)


@pytest.mark.parametrize("place", ["together", "alone"])
def test_estimators_have_the_task_column_of_the_table(place):
    X, y = ragged_regression(rows=(12, 16))
    models = {"together": POOLED, "alone": ALONE}
    models[place] = MeanRegularizedRidge(task_col=1)  # a feature as task
    with pytest.raises(ValueError, match=rf"task_col=0.*'{place}'.*task_col=1"):
        task_affinity(*models.values(), X, y, task_col=0, cv=SPLITS)
    models[place] = Ridge()
    with pytest.warns(UserWarning, match=f"'{place}' has no task_col") as caught:
        task_affinity(*models.values(), X, y, task_col=0, cv=SPLITS)
    assert caught[0].filename == __file__


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cv": 5}, "cv=5 .*splitter"),
        ({"cv": []}, r"makes 0 split\(s\)"),
        ({"scope": "new tasks"}, "scope='new tasks'"),
        ({"cv": TaskStratifiedKFold}, "TaskStratifiedKFold.*splitter"),
        ({"level": 95}, "level=95"),
        ({"level": "high"}, "level='high'"),
        ({"X": None}, "0D"),
        ({"y": None}, "None"),
    ],
)
def test_bad_arguments_are_named(change, message):
    X, y = ragged_regression(rows=(12, 16))
    arguments = {"X": X, "y": y, "task_col": 0, "cv": SPLITS} | change
    with pytest.raises((TypeError, ValueError), match=message):
        task_affinity(POOLED, ALONE, **arguments)


def test_a_splitter_without_splits_is_named():
    class Nothing:
        def split(self, X, y):
            return iter([])

    with pytest.raises(ValueError, match=r"0 split\(s\)"):
        task_affinity(POOLED, ALONE, *ragged_regression(rows=(12, 16)), task_col=0, cv=Nothing())


def test_probabilities_of_tasks_with_their_own_classes():
    X, y = ragged_classification(classes=((0, 1), (2, 3, 4)), n=30)
    models = [kind(LogisticRegression(), task_col=0) for kind in (Pooled, PerTask)]
    found = task_affinity(*models, X, y, task_col=0, cv=SPLITS, scoring="roc_auc_ovr")
    gains = []
    for train, test in SPLITS.split(X, y):
        test = test[X[test, 0] == 0]
        own = train[X[train, 0] == 0]
        scores = []
        for model, rows in zip(models, (train, own), strict=True):
            fitted = clone(model).fit(X[rows], y[rows])
            P = fitted.predict_proba(X[test])
            scores.append(roc_auc_score(y[test], P[:, 1] / (P[:, 0] + P[:, 1])))
        gains.append(scores[0] - scores[1])
    assert found.mean[1, 0] == pytest.approx(np.mean(gains))


def test_tasks_may_be_large_numbers_or_tuples():
    X, y = ragged_regression(rows=(12, 16))
    expected = task_affinity(POOLED, ALONE, X, y, task_col=0, cv=SPLITS)
    for names in ([2**60, 2**60 + 1], [("a", 1), ("a", 2)]):
        frame = as_frame(X)
        frame["task"] = [names[int(t)] for t in X[:, 0]]
        models = [clone(model).set_params(task_col="task") for model in (POOLED, ALONE)]
        cv = TaskStratifiedShuffleSplit(4, test_size=0.25, task_col="task", random_state=0)
        found = task_affinity(*models, frame, y, task_col="task", cv=cv)
        assert found.tasks == names
        assert np.allclose(found.mean, expected.mean, equal_nan=True)
