"""Decision trees as plain arrays, so that they can be changed: those of scikit-learn cannot."""

from dataclasses import dataclass, fields, replace
from itertools import pairwise

import numpy as np


@dataclass(frozen=True)
class Tree:
    """A binary tree whose node i sends a row x to the left if ``x[feature[i]] <= threshold[i]``.

    A leaf is its own left and right child. A child has a larger number than its parent; the root
    is node 0.

    Parameters
    ----------
    feature, threshold : ndarray of shape (n_nodes,)
        The question of each node; without meaning in a leaf.
    left, right : ndarray of shape (n_nodes,)
        The numbers of its children.
    value : ndarray of shape (n_nodes, K)
        Shares of K classes, or the mean (K = 1), of the rows that reached the node.
    impurity : ndarray of shape (n_nodes,)
        Of the rows that scikit-learn fitted the tree to, by its criterion.
    """

    feature: np.ndarray
    threshold: np.ndarray
    left: np.ndarray
    right: np.ndarray
    value: np.ndarray
    impurity: np.ndarray

    @classmethod
    def from_sklearn(cls, estimator, columns=(0,), n_columns=1):
        """Copy a fitted tree of scikit-learn; its values go to `columns` out of `n_columns`."""
        tree = estimator.tree_
        nodes = np.arange(tree.node_count)
        leaf = tree.children_left == tree.children_right
        value = np.zeros((tree.node_count, n_columns))
        value[:, columns] = tree.value[:, 0]
        return cls(
            np.where(leaf, 0, tree.feature),
            tree.threshold.copy(),
            np.where(leaf, nodes, tree.children_left),
            np.where(leaf, nodes, tree.children_right),
            value,
            tree.impurity.copy(),
        )

    @property
    def leaf(self):
        """Which nodes are leaves, shape (n_nodes,)."""
        return self.left == np.arange(len(self.left))

    def apply(self, X, root=0):
        """The leaf that each row of `X` (n, d) reaches, shape (n,).

        With an array of T roots, the leaf from each root, shape (n, T). As in scikit-learn,
        features are compared in single precision.
        """
        X = np.asarray(X, dtype=np.float32)
        row = np.arange(len(X)).reshape(-1, *[1] * np.ndim(root))
        node, below = None, np.broadcast_to(root, (len(X), *np.shape(root)))
        while node is None or (node != below).any():
            node = below
            goes_left = X[row, self.feature[node]] <= self.threshold[node]
            below = np.where(goes_left, self.left[node], self.right[node])
        return node

    def levels(self, roots):
        """The nodes that are not leaves, depth by depth from `roots` down: a list of arrays."""
        level, found, leaf = np.asarray(roots), [], self.leaf
        while (level := level[~leaf[level]]).size:
            found.append(level)
            level = np.concatenate([self.left[level], self.right[level]])
        return found

    def make_leaves(self, nodes):
        """Cut off, in place, what is below `nodes`."""
        self.left[nodes] = self.right[nodes] = nodes

    def arrays(self):
        """All arrays, in the order of the parameters."""
        return [getattr(self, field.name) for field in fields(self)]

    def select(self, nodes):
        """A copy with these nodes only; `left` and `right` still hold the old numbers."""
        return Tree(*[array[nodes].copy() for array in self.arrays()])


def join(trees):
    """One `Tree` that holds the nodes of all, and where their roots are."""
    bounds = np.cumsum([0] + [len(tree.left) for tree in trees])
    moved = [
        replace(tree, left=tree.left + root, right=tree.right + root)
        for tree, root in zip(trees, bounds[:-1], strict=True)
    ]
    arrays = zip(*[tree.arrays() for tree in moved], strict=True)
    return Tree(*[np.concatenate(parts) for parts in arrays]), bounds[:-1]


def split(joined, roots):
    """The trees at `roots` of a joined one, without the nodes that no root reaches any more."""
    kept = np.zeros(len(joined.left), dtype=bool)
    kept[roots] = True
    for level in joined.levels(roots):
        kept[joined.left[level]] = kept[joined.right[level]] = True
    number = np.cumsum(kept) - 1
    joined = joined.select(kept)
    joined = replace(joined, left=number[joined.left], right=number[joined.right])
    trees = []
    for start, stop in pairwise([*number[roots], len(joined.left)]):
        tree = joined.select(slice(start, stop))
        trees.append(replace(tree, left=tree.left - start, right=tree.right - start))
    return trees
