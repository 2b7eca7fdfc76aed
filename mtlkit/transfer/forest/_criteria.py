"""What adapting a tree asks of labels: sums over rows, errors, gains of cuts, divergences.

`Classes` and `Numbers` answer the same questions. The sums over the rows that reach a node, shape
(…, m), add up over its children, and tell what a leaf there would predict and how it would err.
"""

import numpy as np
from scipy.special import entr


class Classes:
    """Labels 0 … K - 1: counts, wrong rows, information gain, Jensen-Shannon divergence."""

    def __init__(self, y, n_classes):
        self.sums = np.eye(n_classes)[y]

    def size(self, sums):
        """The number of rows."""
        return sums @ np.ones(sums.shape[-1])  # faster than a sum over so short an axis

    def value(self, sums):
        """What a leaf predicts: the share of each class, shape (…, K)."""
        return sums / self.size(sums)[..., None]

    def error(self, sums):
        """The number of rows that a leaf gets wrong."""
        return self.size(sums) - sums.max(axis=-1)

    def sides(self, row, group, cut, total):
        """Both sides of the cuts after the rows at positions `cut`, and the gain of each cut.

        `row` is sorted by `group` and, within a group, by a feature; `total` holds the sums of
        each group. Returns the distributions left and right, each with its entropy as one column
        more, and the information gain.
        """
        own = group[cut]
        before = np.cumsum(total, axis=0) - total
        left = np.cumsum(self.sums[row], axis=0)[cut] - before[own]
        right = total[own] - left
        share = self.size(left) / self.size(total)[own]
        p_left, p_right = with_entropy(self.value(left)), with_entropy(self.value(right))
        within = share * p_left[:, -1] + (1 - share) * p_right[:, -1]
        return p_left, p_right, entropy(self.value(total))[own] - within

    def source_side(self, tree, node, child):
        """The source's distributions in the children of nodes."""
        return with_entropy(tree.value[child])

    def divergence(self, p, q):
        """Jensen-Shannon divergence in bits, from 0 to 1, of distributions with entropies."""
        mean = (p + q) / 2
        return entropy(mean[:, :-1]) - mean[:, -1]


class Numbers:
    """Numbers: means, squared errors, explained variance, Hellinger distance of normals."""

    def __init__(self, y):
        self.y, self.center = y, y.mean()
        centred = y - self.center
        self.sums = np.column_stack([np.ones(len(y)), centred, centred**2])
        self.rounding = 1e-12 * (centred**2).sum()  # errors no larger than this are none

    def size(self, sums):
        """The number of rows."""
        return sums[..., 0]

    def value(self, sums):
        """What a leaf predicts: the mean, shape (…, 1)."""
        return self.center + sums[..., 1:2] / sums[..., :1]

    def error(self, sums):
        """The sum of the squared errors of a leaf."""
        error = sums[..., 2] - sums[..., 1] ** 2 / np.maximum(sums[..., 0], 1)
        return np.where(error <= self.rounding, 0, error)

    def sides(self, row, group, cut, total):
        """As for classes. A side is its mean and the variance of the node; the gain is R²."""
        own, n = group[cut], total[:, 0]
        mean, deviation = self.value(total)[:, 0], np.sqrt(self.error(total) / n)
        # Standardised in its node, y sums to zero there: nothing of earlier nodes is left in z.
        z = np.cumsum((self.y[row] - mean[group]) / deviation[group])[cut]
        n_left = cut + 1 - (np.cumsum(n) - n)[own]
        n_right = n[own] - n_left
        mean, deviation = mean[own], deviation[own]
        p_left = np.column_stack([mean + deviation * z / n_left, deviation**2])
        p_right = np.column_stack([mean - deviation * z / n_right, deviation**2])
        return p_left, p_right, z**2 / (n_left * n_right)

    def source_side(self, tree, node, child):
        """The source's means in the children of nodes, and its variances in the nodes."""
        return np.column_stack([tree.value[child, 0], tree.impurity[node]])

    def divergence(self, p, q):
        """Squared Hellinger distance of two normals with their means and a common variance.

        That is the mean of the two variances given: those of target and source in the parent.
        """
        return -np.expm1(-((p[:, 0] - q[:, 0]) ** 2) / (4 * (p[:, 1] + q[:, 1])))


def entropy(p):
    """Entropy in bits of distributions (…, K)."""
    return entr(p) @ np.full(p.shape[-1], 1 / np.log(2))


def with_entropy(p):
    return np.column_stack([p, entropy(p)])


def group_sums(values, group, n_groups):
    """Sums (n_groups, m) of the rows of `values` (n, m) in each group."""
    return np.column_stack([np.bincount(group, column, n_groups) for column in values.T])
