"""Adapting the trees of a source: structure transfer (STRUT), expansion and reduction (SER).

STRUT keeps which feature each node asks for and chooses its threshold anew. SER lets each leaf
grow, then cuts back what does not help.
"""

import numpy as np
from scipy.stats import rankdata
from sklearn import config_context
from sklearn.base import clone

from ..._utils._containers import groups
from ._criteria import group_sums
from ._tree import Tree, join

DIGITS = 10  # gains that agree to so many decimals are equal


def strut(source, roots, X, labels):
    """The trees of `source` at `roots` adapted to the rows `X` (n, d), as a new joined tree.

    Works on all nodes of one depth, of all trees, at once. `row` holds the rows that reach them,
    node after node, and `group` the position in `node` of the node that each of them reaches.
    """
    tree = source.select(slice(None))
    rank = rankdata(X, method="dense", axis=0).astype(int)
    node, row = np.asarray(roots), np.tile(np.arange(len(X)), len(roots))
    group = np.repeat(np.arange(len(roots)), len(X))
    while True:
        total = group_sums(labels.sums[row], group, len(node))
        tree.value[node] = labels.value(total)
        rank_here = rank[row, tree.feature[node][group]]
        start = np.flatnonzero(np.diff(group, prepend=-1))
        varies = np.minimum.reduceat(rank_here, start) < np.maximum.reduceat(rank_here, start)
        splits = (labels.error(total) > 0) & ~source.leaf[node] & varies
        tree.make_leaves(node[~splits])
        if not splits.any():
            return tree

        here = splits[group]
        node, total, row, rank_here = node[splits], total[splits], row[here], rank_here[here]
        group = (np.cumsum(splits) - 1)[group[here]]
        order = np.argsort(group * (len(X) + 1) + rank_here)  # by node, then by its feature
        row, rank_here = row[order], rank_here[order]  # group is sorted already

        cut, swap = best_cuts(source, node, row, group, rank_here, total, labels)
        low, high = (X[row[i], tree.feature[node]].astype(float) for i in (cut, cut + 1))
        tree.threshold[node] = (low + high) / 2
        swapped = node[swap]
        tree.left[swapped], tree.right[swapped] = source.right[swapped], source.left[swapped]
        # A cut has rows on both sides, so every child is reached.
        node = np.column_stack([tree.left[node], tree.right[node]]).ravel()
        group = 2 * group + (np.arange(len(row)) > cut[group])


def best_cuts(source, node, row, group, rank, total, labels):
    """For each node, the position after which to cut its sorted rows, and whether to swap."""
    cut = np.flatnonzero((group[1:] == group[:-1]) & (rank[1:] > rank[:-1]))
    p_left, p_right, gain = labels.sides(row, group, cut, total)
    gain = np.round(gain, DIGITS)
    peak = local_maxima(gain, group[cut])
    cut, p_left, p_right, gain = cut[peak], p_left[peak], p_right[peak], gain[peak]
    own = group[cut]
    size = labels.size(total)
    share = (cut + 1 - (np.cumsum(size) - size)[own]) / size[own]  # of the rows, on the left

    def divergence_gain(left, right):
        q_left, q_right = (
            labels.source_side(source, node, side[node])[own] for side in (left, right)
        )
        far_left, far_right = labels.divergence(p_left, q_left), labels.divergence(p_right, q_right)
        return np.round(1 - share * far_left - (1 - share) * far_right, DIGITS)

    kept = divergence_gain(source.left, source.right)
    swapped = divergence_gain(source.right, source.left)
    best_first = np.lexsort((-gain, -np.maximum(kept, swapped), own))
    best = best_first[np.flatnonzero(np.diff(own, prepend=-1))]
    return cut[best], swapped[best] > kept[best]


def local_maxima(gain, own):
    """Which gains are no smaller than those beside them; `own` is the node of each."""
    edge = own[1:] != own[:-1]
    rises, falls = gain[1:] >= gain[:-1], gain[1:] <= gain[:-1]
    return np.insert(edge | rises, 0, True) & np.append(edge | falls, True)


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
