"""Tests of the splitters of mtlkit.table: shares of tasks and classes, sizes, chances, messages."""

import datetime
import itertools

import numpy as np
import pandas as pd
import polars
import pyarrow
import pytest
import sklearn
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, cross_val_score

from mtlkit.baselines import PerTask, Pooled
from mtlkit.table import (
    LeaveTasksOut,
    TargetKFold,
    TaskStratifiedKFold,
    TaskStratifiedShuffleSplit,
)
from tests._problems import as_frame, ragged_classification, ragged_regression

X, y = ragged_classification()
SEEDS = st.integers(0, 2**32 - 1)
DAY = datetime.date(2020, 1, 1)


@st.composite
def tables(draw):
    """One column, the task, of 1 to 4 tasks in random order, with 2 to 12 rows each, and labels."""
    sizes = draw(st.lists(st.integers(2, 12), min_size=1, max_size=4))
    rng = np.random.default_rng(draw(SEEDS))
    task = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    return task[:, None], rng.integers(3, size=len(task))


def cells(X, y, rows, n_tasks, n_classes=3):
    """Number of rows of each task and class among `rows`."""
    counts = np.zeros((n_tasks, n_classes), dtype=int)
    np.add.at(counts, (X[rows, 0].astype(int), y[rows]), 1)
    return counts


# TaskStratifiedKFold


@given(tables(), st.integers(2, 6), SEEDS, st.booleans())
def test_folds_share_every_task_and_every_class(table, k, seed, shuffle):
    X, y = table
    k, n_tasks = min(k, len(X)), X.max() + 1
    splitter = TaskStratifiedKFold(
        k, task_col=0, shuffle=shuffle, random_state=seed if shuffle else None
    )
    folds = list(splitter.split(X, y))
    assert len(folds) == splitter.get_n_splits() == k
    assert_array_equal(np.sort(np.concatenate([test for _, test in folds])), np.arange(len(X)))
    counts = np.array([cells(X, y, test, n_tasks) for _, test in folds])
    for shares in (counts, counts.sum(axis=2), counts.sum(axis=(1, 2))):
        assert (np.ptp(shares, axis=0) <= 1).all()
    for train, test in folds:
        assert_array_equal(np.sort(np.r_[train, test]), np.arange(len(X)))
        assert set(X[train, 0]) == set(X[:, 0])


def test_shuffle_depends_on_the_seed_only():
    def folds(seed):
        splitter = TaskStratifiedKFold(3, task_col=0, shuffle=True, random_state=seed)
        return np.concatenate([test for _, test in splitter.split(X, y)])

    assert_array_equal(folds(0), folds(0))
    assert not np.array_equal(folds(0), folds(1))


def test_without_shuffle_equal_tables_give_equal_folds():
    from_array = [test for _, test in TaskStratifiedKFold(3, task_col=0).split(X, y)]
    frame = as_frame(X)
    from_frame = [test for _, test in TaskStratifiedKFold(3, task_col="task").split(frame, y)]
    for one, two in zip(from_array, from_frame, strict=True):
        assert_array_equal(one, two)


@pytest.mark.parametrize("labels", [np.repeat([0.0, 1.0], 20), np.repeat(["a", "b"], 20)])
def test_class_labels_of_any_dtype_are_dealt_out(labels):
    for _, test in TaskStratifiedKFold(4).split(np.zeros((40, 1)), labels):
        assert (labels[test] == labels[0]).sum() == 5


@pytest.mark.filterwarnings("error")
def test_a_quantity_is_not_stratified_and_missing_labels_are():
    rng = np.random.default_rng(0)
    quantity = rng.normal(size=40)
    table = np.zeros((40, 1))
    plain = [test for _, test in TaskStratifiedKFold(4).split(table)]
    assert_array_equal([test for _, test in TaskStratifiedKFold(4).split(table, quantity)], plain)
    for scores in (np.arange(40) % 21, (np.arange(40) % 21).astype(float)):
        assert_array_equal([test for _, test in TaskStratifiedKFold(4).split(table, scores)], plain)
    classes = [test for _, test in TaskStratifiedKFold(4).split(table, np.arange(40) % 20)]
    assert not np.array_equal(classes, plain)
    quantity[:8] = np.nan
    for _, test in TaskStratifiedKFold(4).split(table, quantity):
        assert np.isnan(quantity[test]).sum() == 2


@pytest.mark.parametrize("gap", [None, np.nan])
@pytest.mark.parametrize("kind", [list, pd.Series, lambda y: np.array(y, dtype=object)])
def test_missing_class_labels_are_a_class_of_their_own(gap, kind):
    labels = [gap] * 4 + ["a"] * 8 + ["nan"] * 12
    for splitter in (
        TaskStratifiedKFold(4),
        TaskStratifiedShuffleSplit(4, test_size=0.25, random_state=0),
    ):
        for _, test in splitter.split(np.zeros((24, 1)), kind(labels)):
            assert_array_equal(np.bincount(np.digitize(test, [4, 12])), [1, 2, 3])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_splits": 1}, "n_splits=1 .*at least 2"),
        ({"n_splits": 2.5}, "n_splits=2.5 .*integer"),
        ({"n_splits": True}, "n_splits=True .*integer"),
        ({"shuffle": "yes"}, "shuffle='yes' .*True or False"),
        ({"random_state": 0}, "random_state=0 .*shuffle=True"),
    ],
)
@pytest.mark.parametrize("folds", [TaskStratifiedKFold, TargetKFold])
def test_fold_parameters(folds, options, message):
    with pytest.raises((TypeError, ValueError), match=message):
        folds(**options)
    later = folds(2)
    vars(later).update(options)
    if "random_state" in options:  # which stacking sets on any splitter
        assert next(later.split(np.zeros((4, 1)), np.zeros(4)))
        return
    with pytest.raises((TypeError, ValueError), match=message):
        next(later.split(np.zeros((4, 1)), np.zeros(4)))


@pytest.mark.parametrize("folds", [TaskStratifiedKFold, TargetKFold])
def test_the_number_of_folds_may_change_later(folds):
    splitter = folds(2)
    splitter.n_splits = np.int64(3)
    assert splitter.get_n_splits() == len(list(splitter.split(np.zeros((6, 1)), np.zeros(6)))) == 3


def test_too_few_rows_for_the_folds():
    with pytest.raises(ValueError, match="n_splits=5 is more than the 4 rows: use fewer folds"):
        list(TaskStratifiedKFold(5).split(np.zeros((4, 1))))


# TaskStratifiedShuffleSplit


@given(tables(), SEEDS, st.floats(0.05, 0.6))
def test_random_parts_hold_every_task_and_its_classes(table, seed, share):
    X, y = table
    n = np.bincount(X[:, 0])
    splitter = TaskStratifiedShuffleSplit(2, test_size=share, task_col=0, random_state=seed)
    for train, test in splitter.split(X, y):
        assert_array_equal(np.sort(np.r_[train, test]), np.arange(len(X)))
        counts = cells(X, y, test, len(n))
        sizes = np.maximum(1, np.round(share * n))
        assert_array_equal(counts.sum(axis=1), sizes)
        expected = cells(X, y, np.arange(len(X)), len(n)) * (sizes / n)[:, None]
        assert (np.abs(counts - expected) < 1 + 1e-9).all()


@given(st.integers(2, 200), st.floats(0.01, 0.99), st.floats(0.01, 1))
def test_two_shares_that_leave_no_more_than_all_rows_always_fit(n, share, of_rest):
    rest = (1 - share) * of_rest
    splitter = TaskStratifiedShuffleSplit(1, train_size=share, test_size=rest, random_state=0)
    ((train, test),) = splitter.split(np.zeros((n, 1)))
    assert len(np.unique(np.r_[train, test])) == len(train) + len(test)
    assert len(test) == max(1, round(rest * n))
    wanted = n - len(test) if share + rest > 1 - 1e-9 else max(1, round(share * n))
    assert len(train) == min(wanted, n - len(test))


@pytest.mark.parametrize(("n", "sizes"), [(7, (3, 4)), (5, (3, 2)), (2, (1, 1)), (8, (4, 4))])
def test_halves_use_every_row(n, sizes):
    splitter = TaskStratifiedShuffleSplit(1, train_size=0.5, test_size=0.5, random_state=0)
    ((train, test),) = splitter.split(np.zeros((n, 1)))
    assert (len(train), len(test)) == sizes


@given(st.integers(4, 20), SEEDS, st.data())
def test_shares_of_classes_where_rows_stay_unused(n, seed, data):
    y = np.random.default_rng(seed).integers(3, size=n)
    n_train = data.draw(st.integers(1, n - 1))
    n_test = data.draw(st.integers(1, n - n_train))
    splitter = TaskStratifiedShuffleSplit(
        2, train_size=n_train, test_size=n_test, random_state=seed
    )
    for parts in splitter.split(np.zeros((n, 1)), y):
        for part, size, off in zip(parts, (n_train, n_test), (1, 2), strict=True):
            counts = np.bincount(y[part], minlength=3)
            assert counts.sum() == len(set(part)) == size
            assert (np.abs(counts - size * np.bincount(y, minlength=3) / n) < off).all()
        assert not set(parts[0]) & set(parts[1])


@pytest.mark.parametrize(
    ("sizes", "train", "test"),
    [
        ({}, [6, 15], [2, 5]),
        ({"test_size": 0.5}, [4, 10], [4, 10]),
        ({"train_size": 0.5}, [4, 10], [4, 10]),
        ({"test_size": 3}, [5, 17], [3, 3]),
        ({"train_size": 3}, [3, 3], [5, 17]),
        ({"train_size": 3, "test_size": 0.25}, [3, 3], [2, 5]),
        ({"train_size": {0: 2, 1: 0.5}}, [2, 10], [6, 10]),
        ({"train_size": {0: 2, 1: None}, "test_size": {0: 3, 1: 4}}, [2, 16], [3, 4]),
        ({"test_size": 0.01}, [7, 19], [1, 1]),
    ],
)
def test_sizes_are_per_task(sizes, train, test):
    task = np.repeat([0.0, 1.0], [8, 20])[:, None]
    for parts in TaskStratifiedShuffleSplit(3, task_col=0, random_state=0, **sizes).split(task):
        counts = [np.bincount(task[part, 0].astype(int)) for part in parts]
        assert_array_equal(counts, [train, test])
        assert not set(parts[0]) & set(parts[1])


def test_sizes_by_name_of_the_task():
    sizes = {"t0": 2, "t1": 3, "t2": 4}
    splitter = TaskStratifiedShuffleSplit(1, train_size=sizes, task_col="task")
    train, _ = next(splitter.split(as_frame(X), y))
    assert_array_equal(np.bincount(X[train, 0].astype(int)), [2, 3, 4])


def test_every_row_has_the_same_chance():
    y = np.repeat([0, 1, 2], [7, 5, 1])
    splitter = TaskStratifiedShuffleSplit(4000, train_size=3, test_size=4, random_state=0)
    drawn = np.zeros((2, 13))
    for train, test in splitter.split(np.zeros((13, 1)), y):
        drawn[0, train] += 1
        drawn[1, test] += 1
    # five standard errors
    share = np.array([[3], [4]]) / 13
    assert (np.abs(drawn / 4000 - share) < 5 * np.sqrt(share * (1 - share) / 4000)).all()


def test_every_pair_of_rows_is_sometimes_together_and_sometimes_not():
    together = np.zeros((8, 8))
    splitter = TaskStratifiedShuffleSplit(400, train_size=4, random_state=0)
    for train, _ in splitter.split(np.zeros((8, 1))):
        together[np.ix_(train, train)] += 1
    pairs = together[np.triu_indices(8, 1)] / 400
    # 3/14 by chance, give or take five standard errors
    assert (np.abs(pairs - 3 / 14) < 0.11).all()


def test_random_parts_depend_on_the_seed_only():
    def rows(seed):
        splitter = TaskStratifiedShuffleSplit(2, task_col=0, random_state=seed)
        return np.concatenate([np.r_[train, test] for train, test in splitter.split(X, y)])

    assert_array_equal(rows(0), rows(0))
    assert not np.array_equal(rows(0), rows(1))


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"test_size": 0.0}, r"test_size=0.0 must be a share between 0 and 1 \(float\) or"),
        ({"test_size": 1.0}, "test_size=1.0 must be a share"),
        ({"train_size": True}, "train_size=True must be"),
        ({"train_size": 0}, "train_size=0 must be"),
        ({"train_size": "3"}, "train_size='3' must be"),
        ({"train_size": 12}, "task 0.0 has 12 rows.*12 [+] 1"),
        ({"train_size": 8, "test_size": 5}, "task 0.0 .*8 [+] 5"),
        ({"train_size": {0: 3, 1: 3}}, r"train_size .*task 2.0.*\[0, 1\]"),
    ],
)
def test_sizes_that_cannot_be(sizes, message):
    with pytest.raises(ValueError, match=message):
        list(TaskStratifiedShuffleSplit(1, task_col=0, **sizes).split(X, y))


@pytest.mark.parametrize("n_splits", [0, -1, 2.5, "3", None])
def test_number_of_random_splits(n_splits):
    with pytest.raises((TypeError, ValueError), match=f"n_splits={n_splits!r} must be an integer"):
        TaskStratifiedShuffleSplit(n_splits)
    splitter = TaskStratifiedShuffleSplit(2)
    splitter.n_splits = n_splits
    with pytest.raises((TypeError, ValueError), match=f"n_splits={n_splits!r} must be an integer"):
        next(splitter.split(X))


# LeaveTasksOut


@pytest.mark.parametrize("n_tasks", [1, 2])
def test_every_combination_of_tasks_is_left_out_once(n_tasks):
    splitter = LeaveTasksOut(n_tasks, task_col=0)
    left_out = []
    for train, test in splitter.split(X, y):
        assert_array_equal(np.sort(np.r_[train, test]), np.arange(len(X)))
        assert not set(X[train, 0]) & set(X[test, 0])
        left_out.append(tuple(np.unique(X[test, 0])))
    assert left_out == list(itertools.combinations([0, 1, 2], n_tasks))
    assert splitter.get_n_splits(X) == 3


def test_leave_tasks_out_messages():
    with pytest.raises(ValueError, match="n_tasks=0 must be an integer of at least 1"):
        LeaveTasksOut(0, task_col=0)
    with pytest.raises(ValueError, match="n_tasks=3 leaves nothing to train on: X has 3 tasks"):
        list(LeaveTasksOut(3, task_col=0).split(X, y))
    with pytest.raises(ValueError, match="n_tasks=4 leaves nothing to train on: X has 3 tasks"):
        LeaveTasksOut(4, task_col=0).get_n_splits(X)


# All of them


@pytest.mark.parametrize("splitter", [TaskStratifiedKFold, TaskStratifiedShuffleSplit])
def test_a_task_with_one_row_is_named(splitter):
    table = np.r_[X, [[7, 0, 0]]]
    with pytest.raises(ValueError, match=r"tasks \[7.0\] have a single row.*LeaveTasksOut"):
        list(splitter(2, task_col=0).split(table))


SPLITTERS = [
    TaskStratifiedKFold(3, task_col=0, shuffle=True, random_state=0),
    TaskStratifiedShuffleSplit(3, task_col=0, random_state=0),
    LeaveTasksOut(task_col=0),
]


@pytest.mark.parametrize("splitter", SPLITTERS)
def test_in_cross_val_score_and_grid_search(splitter):
    assert type(splitter).__name__ in repr(splitter)
    table, target = ragged_regression(rows=(6, 8, 9))
    model = Pooled(Ridge(), task_col=0)
    scores = cross_val_score(model, table, target, cv=splitter, scoring="r2")
    search = GridSearchCV(model, {"estimator__alpha": [1.0]}, cv=splitter, scoring="r2")
    search.fit(table, target)
    assert scores.shape == (3,)
    np.testing.assert_allclose(search.best_score_, scores.mean())


def test_leave_tasks_out_needs_a_shared_part():
    alone = PerTask(LogisticRegression(), task_col=0)
    with pytest.raises(ValueError, match="PerTask has no model for them"):
        cross_val_score(alone, X, y, cv=LeaveTasksOut(task_col=0), error_score="raise")


# TargetKFold


def target_table():
    """Twelve source rows, eight target rows of two classes of which six have a label."""
    task = np.repeat(["source", "target"], [12, 8])
    y = np.array([*[0.0, 1.0] * 6, 0, 0, 0, 1, 1, 1, np.nan, np.nan])
    order = np.random.default_rng(0).permutation(20)
    return pd.DataFrame({"domain": task, "x": np.arange(20.0)}).iloc[order], y[order]


def test_target_folds_test_each_labelled_target_row_once():
    X, y = target_table()
    parts = list(TargetKFold(3, target="target", task_col="domain").split(X, y))
    tested = np.concatenate([test for _, test in parts])
    own = (X["domain"] == "target").to_numpy() & ~np.isnan(y)
    assert_array_equal(np.sort(tested), np.flatnonzero(own))
    for train, test in parts:
        assert_array_equal(np.sort([*train, *test]), np.arange(20))
        assert sorted(y[test]) == [0, 1]


def test_target_folds_without_a_task_column_are_stratified_folds():
    X, y = np.arange(10.0)[:, None], np.repeat([0, 1], 5)
    ours = [test.tolist() for _, test in TargetKFold(5).split(X, y)]
    assert ours == [test.tolist() for _, test in TaskStratifiedKFold(5).split(X, y)]


def test_target_folds_say_that_a_search_needs_target_labels():
    X, y = target_table()
    folds = TargetKFold(3, target="target", task_col="domain")
    nothing = np.where(X["domain"] == "target", np.nan, y)
    search = GridSearchCV(Pooled(LogisticRegression(), task_col="domain"), {}, cv=folds)
    with pytest.raises(ValueError, match=r"'target' has 0 labelled rows, .*Label some rows"):
        search.fit(X, nothing)
    with pytest.raises(ValueError, match="has 0 labelled rows"):
        next(folds.split(X))
    with pytest.raises(ValueError, match="has 6 labelled rows, fewer than the 7 folds"):
        next(TargetKFold(7, target="target", task_col="domain").split(X, y))
    with pytest.raises(ValueError, match=r"target='x' is not a task in .*'source'"):
        next(TargetKFold(3, target="x", task_col="domain").split(X, y))
    with pytest.raises(ValueError, match="n_splits=1 must be an integer"):
        TargetKFold(1)


# Groups, and labels and tasks of any kind


@st.composite
def grouped_tables(draw):
    """A table as of `tables`, and 4 to 9 groups a task, some of which have rows in two tasks."""
    rng = np.random.default_rng(draw(SEEDS))
    n_tasks = draw(st.integers(1, 3))
    groups = np.concatenate([rng.permutation(np.arange(30) % 9) + 8 * t for t in range(n_tasks)])
    return np.repeat(np.arange(n_tasks), 30)[:, None], rng.integers(2, size=30 * n_tasks), groups


@given(grouped_tables(), SEEDS)
def test_rows_of_a_group_stay_together_in_every_splitter(table, seed):
    X, y, groups = table
    names = np.array([f"patient {g}" for g in groups])
    target = {"target": 0, "task_col": 0}
    splitters = [
        TaskStratifiedKFold(3, task_col=0),
        TaskStratifiedKFold(3, task_col=0, shuffle=True, random_state=seed),
        TaskStratifiedShuffleSplit(2, test_size=0.3, train_size=0.5, task_col=0, random_state=seed),
        TargetKFold(3, **target, shuffle=True, random_state=seed),
    ]
    if X.max() > 0:
        splitters.append(LeaveTasksOut(task_col=0))
    for splitter in splitters:
        for train, test in splitter.split(X, y, names):
            assert len(test)
            assert not set(names[train]) & set(names[test])
            if not isinstance(splitter, LeaveTasksOut):
                assert set(X[train, 0]) == set(X[:, 0])


def test_groups_are_dealt_in_equal_shares():
    X, y = np.repeat([0, 1], 60)[:, None], np.tile([0, 1, 1], 40)
    groups = np.arange(120) // 3  # each with the shares of the table
    for _, test in TaskStratifiedKFold(4, task_col=0).split(X, y, groups):
        assert_array_equal(cells(X, y, test, 2, 2), [[5, 10], [5, 10]])
    halves = TaskStratifiedShuffleSplit(3, test_size=0.2, task_col=0, random_state=0)
    tested = [test for _, test in halves.split(X, y, groups)]
    assert {len(test) for test in tested} == {24}
    assert len({tuple(np.sort(test)) for test in tested}) == 3


def test_every_labelled_target_row_is_tested_once_and_its_group_does_not_train():
    X, y = target_table()
    groups = np.arange(20) % 10
    folds = TargetKFold(2, target="target", task_col="domain")
    tested = np.concatenate([test for _, test in folds.split(X, y, groups)])
    own = (X["domain"] == "target").to_numpy() & ~np.isnan(y)
    assert_array_equal(np.sort(tested), np.flatnonzero(own))


def test_a_task_whose_rows_are_one_group_is_named():
    X = as_frame(np.column_stack([np.repeat([0.0, 1.0], 6), np.arange(12.0)]))
    groups = [0] * 6 + [*range(1, 7)]
    with pytest.raises(ValueError, match=r"'t0'.*group"):
        list(TaskStratifiedKFold(2, task_col="task").split(X, None, groups))
    with pytest.raises(ValueError, match=r"n_splits=3 .*groups"):
        list(TaskStratifiedKFold(3).split(np.zeros((6, 1)), None, [0, 0, 0, 1, 1, 1]))


def test_groups_are_routed_to_the_splitters():
    X, y = np.repeat([0.0, 1], 20)[:, None] + [[0, 1.0]], np.arange(40.0)
    with sklearn.config_context(enable_metadata_routing=True):
        for splitter in (
            TaskStratifiedKFold(2, task_col=0),
            TaskStratifiedShuffleSplit(2, task_col=0),
        ):
            search = GridSearchCV(Pooled(Ridge(), task_col=0), {}, cv=splitter)
            assert search.fit(X, y, groups=np.arange(40) // 2).best_score_ <= 1


LABELS = np.tile([0, 1, 1, 1], 6)


@pytest.mark.parametrize(
    "y",
    [
        LABELS[:, None],
        pd.DataFrame({"y": LABELS}),
        polars.Series(LABELS),
        polars.DataFrame({"y": LABELS.astype(str)}),
        pyarrow.chunked_array([LABELS]),
        pd.array(LABELS.astype(bool), dtype="boolean"),
        np.ma.masked_array(LABELS, np.zeros(24)),
        LABELS.astype(bool).astype(object),
        [f"class {k}" for k in LABELS],
    ],
)
def test_labels_in_any_container_are_stratified(y):
    X = np.repeat([0, 1], 12)[:, None]
    for splitter in (TaskStratifiedKFold(3, task_col=0), TargetKFold(3, target=1, task_col=0)):
        for _, test in splitter.split(X, y):
            zeros = (LABELS[test] == 0).sum()
            assert zeros * 4 == len(test)
    for _, test in TaskStratifiedShuffleSplit(3, test_size=4, task_col=0).split(X, y):
        assert (LABELS[test] == 0).sum() == 2


def test_two_outputs_are_not_stratified():
    assert len(list(TaskStratifiedKFold(2).split(X, np.column_stack([y, y])))) == 2


@pytest.mark.parametrize("state", [np.random.RandomState(0), np.int64(0), 0])
def test_numpy_numbers_and_states_as_parameters(state):
    folds = TaskStratifiedKFold(np.int32(3), task_col=np.int64(0), shuffle=True, random_state=state)
    expected = TaskStratifiedKFold(3, task_col=0, shuffle=True, random_state=0)
    for ours, theirs in zip(folds.split(X, y), expected.split(X, y), strict=True):
        assert_array_equal(ours[1], theirs[1])
    sizes = {"test_size": np.float32(0.25), "train_size": np.int8(3)}
    split = TaskStratifiedShuffleSplit(np.int64(2), **sizes, task_col=0, random_state=state)
    assert {len(train) for train, _ in split.split(X, y)} == {9}


TABLES = {
    "polars": lambda task: polars.DataFrame({"task": task, "a": np.arange(12.0)}),
    "pyarrow": lambda task: pyarrow.table({"task": task, "a": np.arange(12.0)}),
    "pandas": lambda task: pd.DataFrame({"task": task, "a": np.arange(12.0)}),
}


@pytest.mark.parametrize("kind", TABLES)
@pytest.mark.parametrize(
    "names", [("u", "v"), (2**60, 2**60 + 1), (DAY, DAY + datetime.timedelta(1))]
)
def test_tables_and_tasks_of_any_kind(kind, names):
    X, y = TABLES[kind](list(np.repeat(np.array(names, dtype=object), 6))), np.tile([0, 1], 6)
    [(train, test)] = TaskStratifiedShuffleSplit(
        1, test_size={names[0]: 2, names[1]: 3}, task_col="task"
    ).split(X, y)
    assert (len(train), (test < 6).sum(), (test > 5).sum()) == (7, 2, 3)
    for _, test in TargetKFold(3, target=names[1], task_col="task").split(X, y):
        assert (test > 5).all()
    assert [len(test) for _, test in LeaveTasksOut(task_col="task").split(X)] == [6, 6]
