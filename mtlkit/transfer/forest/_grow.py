"""Growing trees on the few rows of each of many leaves, by scikit-learn's own builder.

A fit of its tree classifier does the same at six times the price: what stands around the builder
takes longer than a few rows. Its parts have no public name.
"""

from functools import cache
from math import ceil
from numbers import Integral
from types import SimpleNamespace

import numpy as np
from sklearn.tree._classes import CRITERIA_CLF, DENSE_SPLITTERS
from sklearn.tree._tree import (
    BestFirstTreeBuilder,
    DepthFirstTreeBuilder,
    Tree,
    _build_pruned_tree_ccp,
)
from sklearn.utils import check_random_state


class Grower:
    """Grows trees with the settings of `estimator`, fitted, but for its `class_weight`.

    Called with rows `X` (n, d), float32, and codes `y` (n, 1), float, of K classes it returns the
    `tree_` that a fit of the estimator to these rows would have, with shares of K classes.
    """

    def __init__(self, estimator, d, K):
        if estimator.monotonic_cst is not None and K > 2:
            raise ValueError(
                f"monotonic_cst={estimator.monotonic_cst!r} is for two classes, but source and "
                f"target have {K} together: leave it out, or use method='strut'"
            )
        self.estimator, self.empty = estimator, (d, np.array([K], dtype=np.intp), 1)
        seed = estimator.random_state
        self.random = check_random_state(seed)
        if isinstance(seed, Integral):  # each fit begins with it anew
            draw = cache(lambda low, high: np.random.RandomState(seed).randint(low, high))
            self.random = SimpleNamespace(randint=draw)
        self.builder = cache(self._builder)

    def __call__(self, X, y):
        tree = Tree(*self.empty)
        self.builder(len(X)).build(tree, X, y)
        if not self.estimator.ccp_alpha:
            return tree
        pruned = Tree(*self.empty)
        _build_pruned_tree_ccp(pruned, tree, self.estimator.ccp_alpha)
        return pruned

    def _builder(self, n):
        own = self.estimator
        fewest, least = (
            count if isinstance(count, Integral) else ceil(count * n)
            for count in (own.min_samples_split, own.min_samples_leaf)
        )
        weight = own.min_weight_fraction_leaf * n
        signs = own.monotonic_cst
        splitter = DENSE_SPLITTERS[own.splitter](
            CRITERIA_CLF[own.criterion](1, self.empty[1]), own.max_features_, least, weight,
            self.random, None if signs is None else -np.asarray(signs, dtype=np.int8),
        )  # fmt: skip
        # No tree of n rows is deeper, and the builder makes room for what its depth allows.
        depth = min(own.max_depth or n, n - 1)
        ends = splitter, max(fewest, 2, 2 * least), least, weight, depth
        if own.max_leaf_nodes is None:
            return DepthFirstTreeBuilder(*ends, own.min_impurity_decrease)
        return BestFirstTreeBuilder(*ends, own.max_leaf_nodes, own.min_impurity_decrease)
