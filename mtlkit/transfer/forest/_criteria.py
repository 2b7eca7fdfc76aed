"""What adapting a tree asks of class labels: counts, errors, gains of cuts, divergences.

Labels are one-hot rows (n, K), so that their sums are the counts of the classes, shape (…, K), in
the rows that reach a node; the counts of children add up to those of their parent.
"""

import numpy as np
from scipy.special import entr


def size(counts):
    """The number of rows."""
    return counts @ np.ones(counts.shape[-1])  # faster than a sum over so short an axis


def shares(counts):
    """What a leaf predicts: the share of each class."""
    return counts / size(counts)[..., None]


def errors(counts):
    """The number of rows that a leaf gets wrong."""
    return size(counts) - counts.max(axis=-1)


def sides(labels, row, group, cut, total):
    """Both sides of the cuts after the rows at positions `cut`, and the gain of each cut.

    `row` is sorted by `group` and, within a group, by a feature; `total` holds the counts of each
    group. Returns the distributions left and right, each with its entropy as one column more, and
    the information gain.
    """
    own = group[cut]
    before = np.cumsum(total, axis=0) - total
    left = np.cumsum(labels[row], axis=0)[cut] - before[own]
    right = total[own] - left
    share = size(left) / size(total)[own]
    p_left, p_right = with_entropy(shares(left)), with_entropy(shares(right))
    within = share * p_left[:, -1] + (1 - share) * p_right[:, -1]
    return p_left, p_right, entropy(shares(total))[own] - within


def divergence(p, q):
    """Jensen-Shannon divergence in bits, from 0 to 1, of distributions with entropies."""
    mean = (p + q) / 2
    return entropy(mean[:, :-1]) - mean[:, -1]


def entropy(p):
    """Entropy in bits of distributions (…, K)."""
    return entr(p) @ np.full(p.shape[-1], 1 / np.log(2))


def with_entropy(p):
    return np.column_stack([p, entropy(p)])


def group_sums(values, group, n_groups):
    """Sums (n_groups, m) of the rows of `values` (n, m) in each group."""
    return np.column_stack([np.bincount(group, column, n_groups) for column in values.T])
