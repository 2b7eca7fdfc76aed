"""Trees grown in leaves are those that a fit of scikit-learn grows, whatever its settings."""

import re
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier, ExtraTreeClassifier

from mtlkit.transfer import TransferForestClassifier, Tree
from mtlkit.transfer.forest._grow import Grower

SETTINGS = [
    {},
    {"criterion": "entropy", "splitter": "random"},
    {"criterion": "log_loss", "max_features": "sqrt"},
    {"max_depth": 2, "max_features": 1},
    {"max_depth": 40, "min_samples_leaf": 3},
    {"min_samples_split": 0.4, "min_samples_leaf": 0.1},
    {"min_samples_split": 6, "min_weight_fraction_leaf": 0.2},
    {"max_leaf_nodes": 3},
    {"max_leaf_nodes": 5, "max_depth": 2, "min_samples_leaf": 2},
    {"min_impurity_decrease": 0.05},
    {"ccp_alpha": 0.03},
    {"class_weight": "balanced"},
]


def rows(seed, n, d=4, K=3, step=2):
    """Rows with ties in features, codes of some of K classes."""
    rng = np.random.default_rng(seed)
    X = (np.round(step * rng.normal(size=(n, d))) / step).astype(np.float32)
    return X, rng.integers(0, K, n)


def assert_same_tree(ours, fitted, K):
    theirs = Tree.from_sklearn(fitted, fitted.classes_.astype(int), K)
    assert_array_equal(ours.children_left, fitted.tree_.children_left)
    assert_array_equal(ours.children_right, fitted.tree_.children_right)
    assert_array_equal(ours.feature, fitted.tree_.feature)
    assert_array_equal(ours.threshold, fitted.tree_.threshold)
    assert_array_equal(ours.value[:, 0], theirs.value)


@given(st.sampled_from(SETTINGS), st.integers(0, 10**6), st.integers(2, 60), st.booleans())
def test_a_tree_grown_is_the_tree_of_a_fit(setting, seed, n, extra):
    kind = ExtraTreeClassifier if extra else DecisionTreeClassifier
    estimator = kind(random_state=seed, **setting).fit(*rows(seed, 50))
    grow = Grower(estimator, 4, 3)
    for k in range(3):  # each fit begins with the seed anew
        X, y = rows(seed + k, n)
        fitted = clone(estimator).set_params(class_weight=None).fit(X, y)
        assert_same_tree(grow(X, y[:, None].astype(float)), fitted, 3)


@pytest.mark.parametrize("signs", [[1, 0, -1, 0], [-1, -1, 0, 1]])
def test_signs_of_two_classes(signs):
    X, y = rows(1, 40, K=2)
    fitted = DecisionTreeClassifier(monotonic_cst=signs, random_state=0).fit(X, y)
    assert_same_tree(Grower(fitted, 4, 2)(X, y[:, None].astype(float)), fitted, 2)


def test_signs_and_a_third_class_in_the_target_alone():
    X, y = rows(2, 40, K=2)
    task = np.repeat([0.0, 1.0], 20)
    y[30:] = 2
    tree = DecisionTreeClassifier(monotonic_cst=[1, 0, 0, 0], random_state=0)
    model = TransferForestClassifier(tree, method="ser", target=1, task_col=0)
    message = (
        "monotonic_cst=[1, 0, 0, 0] is for two classes, but source and target have 3 together: "
        "leave it out, or use method='strut'"
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        model.fit(np.column_stack([task, X]), y)
    model.set_params(method="strut").fit(np.column_stack([task, X]), y)


@pytest.mark.parametrize("made", [lambda: np.random.RandomState(3), lambda: 3, lambda: np.int64(3)])
def test_a_generator_goes_on_and_a_seed_begins_anew(made):
    estimator = ExtraTreeClassifier(random_state=made()).fit(*rows(0, 50))
    theirs, grow = clone(estimator), Grower(estimator, 4, 3)
    for k in range(3):
        X, y = rows(k, 30)
        assert_same_tree(grow(X, y[:, None].astype(float)), theirs.fit(X, y), 3)


@given(st.integers(0, 10**6), st.integers(1, 40), st.sampled_from(SETTINGS))
def test_a_forest_is_adapted_whatever_its_settings(seed, n, setting):
    own = {name: value for name, value in setting.items() if name != "splitter"}
    X, y = rows(seed, 50 + n)
    task = np.repeat([0.0, 1.0], [50, n])
    forest = RandomForestClassifier(3, random_state=seed, **own)
    model = TransferForestClassifier(forest, method="ser", target=1, task_col=0)
    Z = np.column_stack([task, X])
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "class_weight presets")
        proba = model.fit(Z, y).predict_proba(Z)
    assert_array_equal(np.isfinite(proba), True)
    assert abs(proba.sum(axis=1) - 1).max() < 1e-12
    for tree in model.trees_:
        nodes = np.arange(len(tree.left))
        assert (tree.left[~tree.leaf] > nodes[~tree.leaf]).all()  # a child has a larger number
