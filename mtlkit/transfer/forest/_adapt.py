"""Adapting the trees of a source: structure transfer (STRUT), expansion and reduction (SER).

STRUT keeps which feature each node asks for and chooses its threshold anew. SER lets each leaf
grow, then cuts back what does not help.
"""

from dataclasses import replace

import numpy as np
from scipy.stats import rankdata

from ._criteria import divergence, errors, group_sums, shares, sides, size, with_entropy
from ._grow import Grower
from ._tree import copies, join, select

DIGITS = 10  # gains that agree to so many decimals are equal


def strut(source, roots, X, labels):
    """The trees of `source` at `roots` adapted to the rows `X` (n, d), as a new joined tree.

    `labels` (n, K) are one-hot. Works on all nodes of one depth, of all trees, at once. `row`
    holds the rows that reach them, node after node, and `group` the position in `node` of the node
    that each of them reaches.
    """
    tree = select(source, slice(None))
    rank = rankdata(X, method="dense", axis=0).astype(int)
    node, row = np.asarray(roots), np.tile(np.arange(len(X)), len(roots))
    group = np.repeat(np.arange(len(roots)), len(X))
    while True:
        total = group_sums(labels[row], group, len(node))
        tree.value[node] = shares(total)
        rank_here = rank[row, tree.feature[node][group]]
        start = np.flatnonzero(np.diff(group, prepend=-1))
        varies = np.minimum.reduceat(rank_here, start) < np.maximum.reduceat(rank_here, start)
        splits = (errors(total) > 0) & ~source.leaf[node] & varies
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
    p_left, p_right, gain = sides(labels, row, group, cut, total)
    gain = np.round(gain, DIGITS)
    peak = local_maxima(gain, group[cut])
    cut, p_left, p_right, gain = cut[peak], p_left[peak], p_right[peak], gain[peak]
    own = group[cut]
    rows = size(total)
    share = (cut + 1 - (np.cumsum(rows) - rows)[own]) / rows[own]  # of the rows, on the left

    def divergence_gain(left, right):
        q_left, q_right = (with_entropy(source.value[side[node]])[own] for side in (left, right))
        far_left, far_right = divergence(p_left, q_left), divergence(p_right, q_right)
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
    ones. `y` (n, 1) are codes of classes. A leaf that no row reaches stays as it is.
    """
    leaf, code = np.unique(estimator.tree_.apply(X), return_inverse=True)
    total = group_sums(labels, code, len(leaf))
    mixed, rows = errors(total) > 0, np.argsort(code, kind="stable")
    tree = replace(tree, value=tree.value.copy())
    tree.value[leaf] = shares(total)
    if not mixed.any():
        return tree
    bounds = np.cumsum(size(total)).astype(int)
    parts = zip((bounds - np.diff(bounds, prepend=0))[mixed], bounds[mixed], strict=True)
    X, y, grow = X[rows], y[rows], Grower(estimator, X.shape[1], labels.shape[1])
    grown, roots = copies([grow(X[a:b], y[a:b]) for a, b in parts])
    whole, starts = join([tree, grown])
    leaf, roots = leaf[mixed], roots + starts[1]
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
    total = group_sums(np.repeat(labels, len(roots), axis=0), leaf, len(tree.left))
    error = errors(total)
    for level in reversed(tree.levels(roots)):
        left, right = tree.left[level], tree.right[level]
        total[level] = total[left] + total[right]
        as_leaf, as_tree = errors(total[level]), error[left] + error[right]
        cut = (size(total[level]) > 0) & (as_leaf <= as_tree)
        error[level] = np.where(cut, as_leaf, as_tree)
        tree.make_leaves(level[cut])
        tree.value[level[cut]] = shares(total[level[cut]])
