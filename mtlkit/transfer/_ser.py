"""Structure expansion and reduction (SER): let each leaf grow, then cut back what does not help."""

import numpy as np
from sklearn import config_context
from sklearn.base import clone

from ..table.reading import groups
from ._labels import group_sums
from .trees import Tree, join


def expand(estimator, tree, X, y, labels):
    """`tree` with a new tree in each leaf, grown on the rows that reach the leaf.

    `estimator` is the tree of scikit-learn that `tree` is a copy of: its settings hold for the new
    ones. A leaf that no row reaches stays as it is.
    """
    leaf, code = np.unique(tree.apply(X), return_inverse=True)
    total = group_sums(labels.sums, code, len(leaf))
    mixed, rows = labels.error(total) > 0, groups(code, len(leaf))
    new, grown = clone(estimator), []
    if classes := hasattr(estimator, "classes_"):
        new.set_params(class_weight=None)  # it was for the source
    with config_context(skip_parameter_validation=True):  # the settings are those of `estimator`
        for i in np.flatnonzero(mixed):
            new.fit(X[rows[i]], y[rows[i]], check_input=False)
            columns = new.classes_.astype(int) if classes else [0]
            grown.append(Tree.from_sklearn(new, columns, tree.value.shape[1]))
    whole, roots = join([tree, *grown])
    whole.value[leaf] = labels.value(total)
    leaf, roots = leaf[mixed], roots[1:]
    for array in (whole.feature, whole.threshold):
        array[leaf] = array[roots]
    for child in (whole.left, whole.right):
        child[leaf] = np.where(child[roots] == roots, leaf, child[roots])
    return whole


def reduce(tree, roots, X, labels):
    """Cut off, in place, what is below a node that as a leaf would make no more errors on `X`.

    Works on all nodes of one depth, of all trees, at once, from the bottom up. A node that no row
    reaches stays as it is.
    """
    leaf = tree.apply(X, roots).ravel()
    total = group_sums(np.repeat(labels.sums, len(roots), axis=0), leaf, len(tree.left))
    error = labels.error(total)
    for level in reversed(tree.levels(roots)):
        left, right = tree.left[level], tree.right[level]
        total[level] = total[left] + total[right]
        as_leaf, as_tree = labels.error(total[level]), error[left] + error[right]
        cut = (labels.size(total[level]) > 0) & (as_leaf <= as_tree)
        error[level] = np.where(cut, as_leaf, as_tree)
        tree.make_leaves(level[cut])
        tree.value[level[cut]] = labels.value(total[level[cut]])
