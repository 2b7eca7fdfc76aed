"""Decision trees as plain arrays, so that they can be changed: those of scikit-learn cannot."""

from dataclasses import dataclass, fields, replace
from itertools import pairwise

import numpy as np


@dataclass(frozen=True, eq=False)
class Tree:
    """Decision tree as plain arrays, which can be changed.

    Node i sends a row x to the left if ``x[feature[i]] <= threshold[i]``. A leaf is its own left
    and right child. A child has a larger number than its parent; the root is node 0.

    Parameters
    ----------
    feature, threshold : ndarray of shape (n_nodes,)
        The feature that each node compares, and with what; without meaning in a leaf.
    left, right : ndarray of shape (n_nodes,)
        The numbers of its children.
    value : ndarray of shape (n_nodes, K)
        Shares of the K classes in the rows that reached the node; a leaf predicts them.

    See Also
    --------
    TransferForestClassifier : Has a list of these in `trees_`.

    Notes
    -----
    Taught in :doc:`/chapters/code/forest_transfers`. The trees of scikit-learn cannot be changed
    once they are fitted; these can.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> stump = DecisionTreeClassifier().fit([[0], [1], [2], [3]], [0, 0, 1, 1])
    >>> tree = Tree.from_sklearn(stump, columns=[0, 1], n_columns=2)
    >>> tree.value[tree.apply([[1.4], [1.6]])]
    array([[1., 0.],
           [0., 1.]])
    """

    feature: np.ndarray
    threshold: np.ndarray
    left: np.ndarray
    right: np.ndarray
    value: np.ndarray

    @classmethod
    def from_sklearn(cls, estimator, columns, n_columns):
        """Copy a fitted tree of scikit-learn.

        Parameters
        ----------
        estimator : DecisionTreeClassifier
            The fitted tree.
        columns : array-like of int
            For each of its classes, the column of `value` that it gets.
        n_columns : int
            K, the number of columns of `value`; a class that the tree lacks has share 0.

        Returns
        -------
        tree : Tree
            The same tree, in arrays that may be changed.
        """
        tree = copies([estimator.tree_])[0]
        value = np.zeros((len(tree.value), n_columns))
        value[:, columns] = tree.value
        return replace(tree, value=value)

    @property
    def leaf(self):
        """Which nodes are leaves, shape (n_nodes,)."""
        return self.left == np.arange(len(self.left))

    def apply(self, X, root=0):
        """The leaf that each row reaches; features are compared in single precision, as there.

        Parameters
        ----------
        X : array of shape (n, d)
            Features, without the task column.
        root : int or array of shape (T,), default=0
            The node or nodes to start from.

        Returns
        -------
        leaf : ndarray of int, shape (n,), or (n, T) for T roots
            Numbers of nodes.
        """
        X, leaf = np.asarray(X, dtype=np.float32), self.leaf
        found = np.full((len(X), *np.shape(root)), root, dtype=int)
        node, row = found.ravel(), np.repeat(np.arange(len(X)), np.size(root))
        place = np.arange(len(node))
        while (below := ~leaf[node]).any():
            node, row, place = node[below], row[below], place[below]
            goes_left = X[row, self.feature[node]] <= self.threshold[node]
            node = np.where(goes_left, self.left[node], self.right[node])
            found.flat[place] = node
        return found

    def levels(self, roots):
        """The nodes that are not leaves, depth by depth.

        Parameters
        ----------
        roots : array of int
            The nodes to start from.

        Returns
        -------
        levels : list of ndarray of int
            Numbers of the nodes at each depth.
        """
        level, found, leaf = np.asarray(roots), [], self.leaf
        while (level := level[~leaf[level]]).size:
            found.append(level)
            level = np.concatenate([self.left[level], self.right[level]])
        return found

    def make_leaves(self, nodes):
        """Cut off, in place, what is below some nodes.

        Parameters
        ----------
        nodes : array of int
            These become leaves.
        """
        self.left[nodes] = self.right[nodes] = nodes


def copies(trees):
    """One `Tree` of the nodes of many `tree_` of scikit-learn, and where their roots are."""
    names = "feature", "threshold", "children_left", "children_right", "value"
    parts = ([getattr(tree, name) for tree in trees] for name in names)
    feature, threshold, left, right, value = map(np.concatenate, parts)
    nodes, bounds = np.arange(len(left)), np.cumsum([0] + [tree.node_count for tree in trees])
    root, leaf = np.repeat(bounds[:-1], np.diff(bounds)), left == right
    feature[leaf] = 0
    sides = (np.where(leaf, nodes, child + root) for child in (left, right))
    return Tree(feature, threshold, *sides, value[:, 0]), bounds[:-1]


def arrays(tree):
    """All arrays of a tree, in the order of its parameters."""
    return [getattr(tree, field.name) for field in fields(tree)]


def select(tree, nodes):
    """A copy with these nodes only; `left` and `right` still hold the old numbers."""
    return Tree(*[array[nodes].copy() for array in arrays(tree)])


def join(trees):
    """One `Tree` that holds the nodes of all, and where their roots are."""
    bounds = np.cumsum([0] + [len(tree.left) for tree in trees])
    moved = [
        replace(tree, left=tree.left + root, right=tree.right + root)
        for tree, root in zip(trees, bounds[:-1], strict=True)
    ]
    parts = zip(*map(arrays, moved), strict=True)
    return Tree(*map(np.concatenate, parts)), bounds[:-1]


def split(joined, roots):
    """The trees at `roots` of a joined one, without the nodes that no root reaches any more."""
    kept = np.zeros(len(joined.left), dtype=bool)
    kept[roots] = True
    for level in joined.levels(roots):
        kept[joined.left[level]] = kept[joined.right[level]] = True
    number = np.cumsum(kept) - 1
    joined = select(joined, kept)
    joined = replace(joined, left=number[joined.left], right=number[joined.right])
    trees = []
    for start, stop in pairwise([*number[roots], len(joined.left)]):
        tree = select(joined, slice(start, stop))
        trees.append(replace(tree, left=tree.left - start, right=tree.right - start))
    return trees
