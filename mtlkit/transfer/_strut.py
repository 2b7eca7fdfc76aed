"""Structure transfer (STRUT): keep which feature each node asks for, choose its threshold anew."""

import numpy as np
from scipy.stats import rankdata

from ._labels import group_sums

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
