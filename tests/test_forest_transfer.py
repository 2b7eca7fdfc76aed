"""Tests of structure transfer: hand-worked trees, a literal recursion beside it, the effects."""

import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import cross_val_score
from sklearn.tree import DecisionTreeClassifier

from mtlkit.datasets import load_shifted_digits
from mtlkit.transfer import TransferForestClassifier, Tree
from mtlkit.transfer.forest._estimators import restrict
from mtlkit.transfer.forest._tree import join, split
from tests._problems import as_frame

METHODS = ["strut", "ser", "mix"]
FORESTS = [
    RandomForestClassifier(4, random_state=0),
    ExtraTreesClassifier(4, random_state=0),
    DecisionTreeClassifier(random_state=0),
]


def table(source, target):
    """Table with the source's rows as task 0 and the target's as task 1."""
    source, target = (np.asarray(rows, dtype=float) for rows in (source, target))
    task = np.repeat([0, 1], [len(source), len(target)])
    return np.column_stack([task, np.vstack([source, target])])


def adapt(forest, source, y_source, target, y_target, **options):
    model = TransferForestClassifier(forest, target=1, task_col=0, **options)
    return model.fit(table(source, target), np.r_[y_source, y_target])


def problem(seed, n=(60, 25), d=3, K=3, step=4):
    """Source and target with rows on a grid, so that features have ties; the target is turned."""
    rng = np.random.default_rng(seed)
    X = [np.round(step * rng.normal(size=(rows, d))) / step for rows in n]
    y = [x @ np.linspace(1, 2, d) + 0.5 * rng.normal(size=len(x)) for x in X]
    X[1][:, 0] *= -1
    y = [np.clip(np.round(labels), 0, K - 1).astype(int) for labels in y]
    return X[0], y[0], X[1], y[1]


def nested(tree, node=0):
    """A tree as nested tuples (feature, threshold, left, right), leaves as their values."""
    if tree.leaf[node]:
        return tree.value[node].tolist()
    children = [nested(tree, side[node]) for side in (tree.left, tree.right)]
    return (int(tree.feature[node]), float(tree.threshold[node]), *children)


# Trees as arrays


@pytest.mark.parametrize("forest", FORESTS, ids=str)
def test_copies_predict_like_the_trees_of_scikit_learn(forest):
    X, y, Z, _ = problem(0)
    trees = getattr(clone(forest).fit(X, y), "estimators_", [clone(forest).fit(X, y)])
    for tree in trees:
        copy = Tree.from_sklearn(tree, np.arange(tree.tree_.value.shape[2]), 3)
        value = copy.value[copy.apply(Z)]
        theirs = tree.predict_proba(Z)
        assert_array_equal(copy.apply(Z), tree.apply(Z))
        assert_array_equal(value[:, : theirs.shape[1]], theirs)
        assert copy.leaf.sum() == tree.get_n_leaves()
    joined, roots = join(
        [Tree.from_sklearn(tree, [0, 1, 2][: theirs.shape[1]], 3) for tree in trees]
    )
    assert_array_equal(joined.apply(Z, roots) - roots, np.column_stack([t.apply(Z) for t in trees]))
    for part, tree in zip(split(joined, roots), trees, strict=True):
        assert_array_equal(part.apply(Z), tree.apply(Z))


# STRUT, by hand

STUMP = DecisionTreeClassifier(random_state=0)
ROWS, LABELS = [[0], [1], [2], [3]], [0, 0, 1, 1]


def test_a_stump_moves_its_threshold():
    model = adapt(STUMP, ROWS, LABELS, [[5], [6], [7], [8]], [0, 0, 1, 1])
    assert nested(model.trees_[0]) == (0, 6.5, [1, 0], [0, 1])
    assert model.estimator_.tree_.threshold[0] == 1.5
    assert_array_equal(model.predict(table(ROWS, [[6], [7]])), [0, 0, 1, 1, 0, 1])


def test_an_inverted_feature_swaps_the_children():
    model = adapt(STUMP, ROWS, LABELS, [[5], [6], [7], [8]], [1, 1, 0, 0])
    tree = model.trees_[0]
    assert nested(tree) == (0, 6.5, [0, 1], [1, 0])
    assert (tree.left[0], tree.right[0]) == (2, 1)


def test_the_divergence_decides_where_the_information_gain_is_the_same():
    # Cuts after 1 and after 3 gain the same; the source's left child is half 0, half 1.
    source, y = [[0], [0], [9], [9]], [0, 1, 1, 1]
    model = adapt(STUMP, source, y, [[1], [2], [3], [4]], [0, 1, 0, 1])
    assert nested(model.trees_[0])[1] == 3.5
    # With a pure left child the two also gain the same divergence: the lowest.
    model = adapt(STUMP, ROWS, LABELS, [[1], [2], [3], [4]], [0, 1, 0, 1])
    assert nested(model.trees_[0])[1] == 1.5


def test_two_levels_one_moves_and_one_is_swapped():
    source, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 0, 1, 2]
    target = [[10, 0], [10, -1], [11, 0], [11, -1]]
    model = adapt(STUMP, source, y, target, y)
    by_hand = (0, 10.5, [1, 0, 0], (1, -0.5, [0, 0, 1], [0, 1, 0]))
    assert nested(model.trees_[0]) == by_hand


def test_a_node_becomes_a_leaf_where_the_target_cannot_be_split():
    for target, y, value in [
        ([[5], [5]], [0, 1], [0.5, 0.5]),  # equal rows
        ([[5], [6]], [1, 1], [0, 1]),  # one class
        ([[5]], [0], [1, 0]),  # one row
    ]:
        assert nested(adapt(STUMP, ROWS, LABELS, target, y).trees_[0]) == value


# STRUT, by a literal recursion


def jensen_shannon(p, q):
    def kl(a, b):
        return sum(s * np.log2(s / t) for s, t in zip(a, b, strict=True) if s > 0)

    return (kl(p, (p + q) / 2) + kl(q, (p + q) / 2)) / 2


class ByClass:
    """What the recursion asks of labels 0 … K - 1."""

    def __init__(self, K):
        self.K = K

    def value(self, y):
        return np.bincount(y, minlength=self.K) / len(y)

    def impurity(self, y):
        p = self.value(y)
        return -sum(s * np.log2(s) for s in p if s > 0)

    def divergence(self, y_side, y, source, node, child):
        return jensen_shannon(self.value(y_side), source.value[child])


def literal_strut(source, node, X, y, by):
    x = X[:, source.feature[node]]
    points = np.unique(x)
    if source.leaf[node] or len(np.unique(y)) == 1 or len(points) == 1:
        return by.value(y).tolist()
    cuts, gains, best = (points[1:] + points[:-1]) / 2, [], None
    for cut in cuts:
        left, right = y[x <= cut], y[x > cut]
        within = (len(left) * by.impurity(left) + len(right) * by.impurity(right)) / len(y)
        gains.append(round((by.impurity(y) - within) / max(by.impurity(y), 1e-300), 9))
    for i, cut in enumerate(cuts):
        if gains[i] < max(gains[max(i - 1, 0) : i + 2]):
            continue
        left, right = y[x <= cut], y[x > cut]
        for swap in (False, True):
            children = source.left[node], source.right[node]
            a, b = children[::-1] if swap else children
            far = len(left) * by.divergence(left, y, source, node, a)
            far += len(right) * by.divergence(right, y, source, node, b)
            score = round(1 - far / len(y), 9), gains[i], -i, -swap
            if best is None or score > best[0]:
                best = score, cut, a, b
    _, cut, a, b = best
    go = x <= cut
    return (
        int(source.feature[node]),
        float(cut),
        literal_strut(source, a, X[go], y[go], by),
        literal_strut(source, b, X[~go], y[~go], by),
    )


def assert_same(ours, theirs):
    assert isinstance(ours, tuple) == isinstance(theirs, tuple)
    if not isinstance(ours, tuple):
        return assert_allclose(ours, theirs, atol=1e-12)
    assert ours[:2] == pytest.approx(theirs[:2])
    for child in (2, 3):
        assert_same(ours[child], theirs[child])


@given(st.integers(0, 10**6), st.integers(1, 40), st.integers(2, 4), st.sampled_from([1, 2, 8]))
def test_strut_is_the_literal_recursion(seed, n, K, step):
    X, y, Z, target = problem(seed, n=(50, n), K=K, step=step)
    model = adapt(RandomForestClassifier(3, random_state=seed), X, y, Z, target)
    columns, K = model._columns, len(model.classes_)
    codes = np.searchsorted(model.classes_, target)
    for ours, tree in zip(model.trees_, model.estimator_.estimators_, strict=True):
        source = Tree.from_sklearn(tree, columns, K)
        assert_same(nested(ours), literal_strut(source, 0, Z, codes, ByClass(K)))


# STRUT, laws


@given(st.integers(0, 10**6), st.sampled_from([0.25, 2, 16]), st.integers(-9, 9))
def test_strut_does_not_see_increasing_maps_of_features(seed, scale, shift):
    X, y, Z, target = problem(seed)
    for kind, map_ in [("affine", lambda x: scale * x + shift), ("odd", lambda x: x**3)]:
        forest = RandomForestClassifier(3, random_state=0)
        plain, mapped = adapt(forest, X, y, Z, target), adapt(forest, X, y, map_(Z), target)
        same = mapped.predict_proba(table(X, map_(Z))), plain.predict_proba(table(X, Z))
        assert_array_equal(*same, err_msg=kind)


@given(st.integers(0, 10**6))
def test_the_order_of_rows_does_not_matter(seed):
    X, y, Z, target = problem(seed)
    order = np.random.default_rng(seed).permutation(len(Z))
    for method in METHODS:
        models = [
            adapt(DecisionTreeClassifier(random_state=0), X, y, Z[o], target[o], method=method)
            for o in (order, slice(None))
        ]
        assert_allclose(*[model.predict_proba(table(X, Z)) for model in models])


def test_a_target_like_the_source_changes_nothing():
    X, y, _, _ = problem(3, step=1000)
    tree = DecisionTreeClassifier(criterion="entropy", random_state=0)
    model = adapt(tree, X, y, X, y)
    assert_array_equal(model.trees_[0].apply(X), model.estimator_.apply(X))
    assert_allclose(model.predict(table(X, X)), np.r_[y, y])


def test_a_forest_whose_target_is_its_source_stays_nearly_the_same():
    X, y, _, _ = problem(4, n=(400, 5))
    more = problem(5, n=(400, 5))[0]
    model = adapt(RandomForestClassifier(50, random_state=0), X, y, X, y)
    source, target = np.split(model.predict(table(more, more)), 2)
    assert (source == target).mean() > 0.9


# SER, by hand and by a literal recursion


def test_ser_expands_the_leaf_that_is_mixed():
    source, y = [[0, 0], [1, 0], [2, 0], [3, 0]], LABELS
    target = [[0, 0], [0, 1], [3, 0], [3, 1]]
    model = adapt(STUMP, source, y, target, [0, 1, 1, 1], method="ser")
    assert nested(model.trees_[0]) == (0, 1.5, (1, 0.5, [1, 0], [0, 1]), [0, 1])


def test_ser_reduces_to_a_leaf_that_makes_no_more_errors():
    model = adapt(STUMP, ROWS, LABELS, [[0], [3]], [1, 1], method="ser")
    assert nested(model.trees_[0]) == [0, 1]
    # Rows that cannot be told apart: an error in the leaf, an error in the node above.
    model = adapt(STUMP, ROWS, LABELS, [[0], [0], [0], [3]], [1, 1, 0, 1], method="ser")
    assert nested(model.trees_[0]) == [0.25, 0.75]


def test_ser_keeps_what_no_target_row_reaches():
    source, y = [[0, 0], [1, 0], [2, 0], [3, 0]], LABELS
    model = adapt(STUMP, source, y, [[0, 0], [0, 1]], [0, 1], method="ser")
    assert nested(model.trees_[0]) == (0, 1.5, (1, 0.5, [1, 0], [0, 1]), [0, 1])


def literal_ser(tree, source, node, X, y, by, error):
    """Nested tuples and their errors on the rows; `tree` grows the leaves, None leaves them."""
    if not len(y):
        return nested(source, node), 0
    if source.leaf[node]:
        if tree is None or len(np.unique(y)) == 1:
            return by.value(y).tolist(), error(y)
        grown = clone(tree).fit(X, y)
        columns = getattr(grown, "classes_", [0])
        deeper = Tree.from_sklearn(grown, columns, source.value.shape[1])
        return literal_ser(None, deeper, 0, X, y, by, error)
    go = X[:, source.feature[node]] <= source.threshold[node]
    (left, wrong_left), (right, wrong_right) = (
        literal_ser(tree, source, child[node], X[side], y[side], by, error)
        for child, side in ((source.left, go), (source.right, ~go))
    )
    if error(y) <= wrong_left + wrong_right + 1e-12:
        return by.value(y).tolist(), error(y)
    question = int(source.feature[node]), float(source.threshold[node])
    return (*question, left, right), wrong_left + wrong_right


@given(st.integers(0, 10**6), st.integers(2, 40), st.sampled_from([None, 2]))
def test_ser_is_the_literal_recursion(seed, n, depth):
    X, y, Z, target = problem(seed, n=(50, n))
    target[:3] = np.unique(y)[: len(target[:3])]
    forest = RandomForestClassifier(3, max_depth=depth, max_features=None, random_state=seed)
    model = adapt(forest, X, y, Z, target, method="ser")
    columns, K = model._columns, len(model.classes_)
    codes = np.searchsorted(model.classes_, target)
    for ours, tree in zip(model.trees_, model.estimator_.estimators_, strict=True):
        source = Tree.from_sklearn(tree, columns, K)
        by_hand, _ = literal_ser(
            tree, source, 0, Z, codes, ByClass(K), lambda y: len(y) - np.bincount(y).max()
        )
        assert_same(nested(ours), by_hand)


# The estimators


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("forest", FORESTS, ids=str)
def test_apply_predict_and_trees_agree(forest, method):
    X, y, Z, target = problem(1)
    model = adapt(forest, X, y, Z, target, method=method)
    both = table(X, Z)
    leaves, n_trees = model.apply(both), 4 if hasattr(forest, "n_estimators") else 1
    assert leaves.shape == (len(both), n_trees * (1 + (method == "mix")))
    new = both[:, 0] == 1
    trees = zip(model.trees_, leaves[new].T, strict=True)
    value = np.mean([tree.value[leaf] for tree, leaf in trees], axis=0)
    theirs = model.estimator_
    assert_array_equal(leaves[~new][:, :n_trees], theirs.apply(X).reshape(len(X), -1))
    proba = model.predict_proba(both)
    assert_allclose(proba[new], value)
    assert_array_equal(proba[~new], theirs.predict_proba(X))
    assert_allclose(proba.sum(axis=1), 1)
    assert_array_equal(model.predict(both), model.classes_[proba.argmax(axis=1)])
    plain = clone(forest).fit(X, y)  # the source's forest is what it would be without a target
    assert_array_equal(theirs.predict(X), plain.predict(X))
    assert_array_equal(theirs.apply(X), plain.apply(X))


def test_mix_is_the_union():
    X, y, Z, target = problem(2)
    proba = {
        m: adapt(FORESTS[0], X, y, Z, target, method=m).predict_proba(table(X, Z)) for m in METHODS
    }
    assert_allclose(proba["mix"], (proba["strut"] + proba["ser"]) / 2)


@pytest.mark.parametrize("forest", FORESTS, ids=str)
def test_without_a_task_column_it_is_the_forest(forest):
    X, y, Z, _ = problem(1)
    model, plain = TransferForestClassifier(forest).fit(X, y), clone(forest).fit(X, y)
    assert_array_equal(model.predict_proba(Z), plain.predict_proba(Z))
    assert_array_equal(model.predict(Z), plain.predict(Z))
    assert_array_equal(model.apply(Z), plain.apply(Z).reshape(len(Z), -1))


def test_the_default_is_a_random_forest_with_the_random_state_given():
    X, y, Z, _ = problem(1)
    model = TransferForestClassifier(random_state=5).fit(X, y)
    plain = RandomForestClassifier(random_state=5).fit(X, y)
    assert_array_equal(model.predict_proba(Z), plain.predict_proba(Z))


@pytest.mark.parametrize("method", METHODS)
def test_classes_of_one_domain_alone(method):
    X, y, Z, target = problem(1, K=4)
    names = np.array(["a", "b", "c", "d", "e"])
    y, target = names[np.minimum(y, 2)], names[np.where(target == 0, 4, np.maximum(target, 1))]
    model = adapt(FORESTS[0], X, y, Z, target, method=method)
    assert_array_equal(model.classes_, np.union1d(y, target))
    source, adapted = np.split(model.predict_proba(table(X, Z)), [len(X)])
    assert_array_equal(source[:, ~np.isin(model.classes_, y)], 0)
    if method == "strut":  # every leaf holds labels of the target
        assert_array_equal(adapted[:, ~np.isin(model.classes_, target)], 0)
    assert_allclose(adapted.sum(axis=1), 1)
    assert (model.predict(table(X, Z))[len(X) :] == target).mean() > 0.9


@pytest.mark.parametrize("method", METHODS)
def test_class_weights_are_for_the_source(method):
    X, y, Z, target = problem(1)
    tree = DecisionTreeClassifier(class_weight={0: 1, 1: 5, 2: 2}, random_state=0)
    assert adapt(tree, X, y, Z, target, method=method).score(table(X, Z)[60:], target) > 0.8
    names = np.array(["a", "b", "c"])  # SER grows trees on codes, which these weights do not name
    tree.set_params(class_weight={"a": 1, "b": 5, "c": 2})
    model = adapt(tree, X, names[y], Z, names[target], method=method)
    assert model.score(table(X, Z)[60:], names[target]) > 0.8


def test_rows_without_label_and_tasks_that_are_not_named_are_left_out():
    X, y, Z, target = problem(1)
    plain = adapt(FORESTS[0], X, y, Z[:9], target[:9])
    T, labels = table(X, Z), np.r_[y, target].astype(float)
    labels[69:] = np.nan
    T = np.vstack([T, np.column_stack([np.full(60, 7), X])])
    labels = np.r_[labels, 2.0 - y]
    model = TransferForestClassifier(FORESTS[0], source=0, target=1, task_col=0).fit(T, labels)
    assert_array_equal(model.predict(T[:85]), plain.predict(T[:85]))
    assert model.score(T[:85], labels[:85]) == plain.score(T[:69], labels[:69])


def test_frames_arrays_and_pickles_give_the_same():
    X, y, Z, target = problem(1)
    T, labels = table(X, Z), np.r_[y, target]
    model = adapt(FORESTS[0], X, y, Z, target, method="mix")
    named = clone(model).set_params(target="t1", task_col="task")
    few = pd.Series(np.array(["x", "y", "z"])[labels])
    named.fit(as_frame(T), few)
    assert_array_equal(named.predict_proba(as_frame(T)), model.predict_proba(T))
    assert_array_equal(named.predict(as_frame(T)), np.array(["x", "y", "z"])[model.predict(T)])
    back = pickle.loads(pickle.dumps(model))
    assert_array_equal(back.predict_proba(T), model.predict_proba(T))
    assert cross_val_score(model, T, labels, cv=3, error_score="raise").min() > 0.3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "prune"}, "method='prune'"),
        ({"estimator": GradientBoostingClassifier()}, "GradientBoostingClassifier.. cannot be ada"),
        ({"estimator": RandomForestRegressor()}, "use one of RandomForestClassifier, ExtraTrees"),
        ({"target": 5}, r"target=5 .* column 0: choose one of \[0.0, 1.0\]"),
        ({"task_col": None}, "target=1: set task_col"),
        ({"target": 0, "source": 0}, "cannot be both source and target"),
    ],
)
def test_errors_name_the_value_and_the_cure(options, message):
    X, y, Z, target = problem(1)
    model = TransferForestClassifier(target=1, task_col=0).set_params(**options)
    with pytest.raises(ValueError, match=message):
        model.fit(table(X, Z), np.r_[y, target])


def test_errors_of_labels_and_tasks():
    X, y, Z, target = problem(1)
    T, labels = table(X, Z), np.r_[y, target].astype(float)
    model = TransferForestClassifier(RandomForestClassifier(2), target=1, task_col=0)
    with pytest.raises(ValueError, match=r"needs labels of the target, .*\[1\.0\]"):
        model.fit(T, np.r_[y, np.full(len(Z), np.nan)])
    with pytest.raises(ValueError, match=r"needs labels of the source, .*\[0\.0\]"):
        model.fit(T, np.r_[np.full(len(X), np.nan), target])
    with pytest.raises(NotFittedError):
        clone(model).predict(T)
    with pytest.raises(ValueError, match=r"\[9\.0\] were not seen"):
        model.fit(T, labels).predict(np.c_[np.full(5, 9), X[:5]])
    with pytest.raises(ValueError, match=r"column 1 holds 1e\+300.*too large"):
        model.predict([[1.0, 1e300, 0, 0]])
    with pytest.raises(TypeError, match="sample_weight"):
        model.fit(T, labels, sample_weight=np.ones(len(T)))


# What was not seen is not impossible


def test_ser_keeps_a_class_that_the_labels_of_the_target_lack():
    rows, y = [[x] for x in range(6)], [2, 2, 0, 0, 1, 1]
    model = adapt(STUMP, rows, y, rows[2:], y[2:], method="ser")
    assert_array_equal(model.predict(table(rows, rows)), y + y)
    # STRUT makes all leaves anew, from labels of the target alone.
    model = adapt(STUMP, rows, y, rows[2:], y[2:], method="strut")
    assert_array_equal(model.predict(np.c_[np.ones(6), rows]), [0, 0, 0, 0, 1, 1])


def test_domains_without_a_class_in_common_keep_theirs_apart():
    X, y, Z, target = problem(0)
    model = adapt(FORESTS[0], X, y, Z, target + 10, method="ser")
    source, adapted = np.split(model.predict_proba(table(X, Z)), [len(X)])
    assert_array_equal(source[:, 3:], 0)
    assert_array_equal(adapted[:, :3], 0)
    assert_allclose(adapted.sum(axis=1), 1)


def test_a_leaf_without_target_rows_forgets_classes_that_are_not_shared():
    model = adapt(STUMP, ROWS, LABELS, [[0], [1]], [10, 11], method="ser")
    assert_allclose(model.predict_proba([[1.0, 3.0]]), [[0, 0, 0.5, 0.5]])


def test_restricting_leaves_equal_shares_where_nothing_is_left():
    value = np.array([[0.5, 0.3, 0.2], [1.0, 0, 0]])
    restrict(value, np.array([False, True, True]))
    assert_allclose(value, [[0, 0.6, 0.4], [0, 0.5, 0.5]])


def test_trees_are_values_that_compare_and_hash():
    X, y, Z, target = problem(0)
    one, other = (adapt(FORESTS[2], X, y, Z, target).trees_[0] for _ in range(2))
    assert one == one and one != other and len({one, other}) == 2


# What the two are for


@pytest.mark.parametrize(
    ("shift", "k", "better", "worse"),
    [("inversion", 2, "strut", "ser"), (("rotation", 30), 5, "ser", "strut")],
)
def test_strut_is_for_turned_features_and_ser_for_near_ones(shift, k, better, worse):
    gain = {better: [], worse: []}
    for seed in range(6):
        X, y = load_shifted_digits({"source": None, "target": shift}, random_state=seed)
        new = X[:, 0] == 1
        few = np.where(new & (np.cumsum(new) > 10 * k), np.nan, y.astype(float))  # k per digit
        test = new & np.isnan(few)
        own = new & ~test
        forest = RandomForestClassifier(30, random_state=seed)
        alone = clone(forest).fit(X[own, 1:], y[own]).score(X[test, 1:], y[test])
        for method, gains in gain.items():
            model = TransferForestClassifier(forest, method=method, target=1, task_col=0)
            gains.append(model.fit(X, few).score(X[test], y[test]) - alone)
    assert np.mean(gain[better]) > np.mean(gain[worse]) + 0.03
    assert np.mean(gain[better]) > (0.1 if better == "strut" else 0)
    assert np.mean(gain[worse]) < 0.03
