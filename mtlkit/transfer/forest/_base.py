"""What the two kinds of `TransferForest` share: grow on the source, adapt the trees, apply them."""

import numpy as np
from sklearn.base import clone
from sklearn.utils import check_array

from .._domains import DomainEstimator
from ._adapt import expand, reduce, strut
from ._tree import Tree, join, split

PAIRS = 50_000  # of a tree and a target row that STRUT treats at once: they fit a cache
METHODS = ("strut", "ser", "mix")
UNSEEN = "a forest for another task says nothing about them: fit it with their rows"


class TransferForest(DomainEstimator):
    """What classifier and regressor share: fit the source's forest, adapt its trees, apply them."""

    def __init__(
        self,
        estimator=None,
        *,
        method="strut",
        source=None,
        target=None,
        task_col=None,
        random_state=None,
    ):
        self.estimator = estimator
        self.method = method
        self.source = source
        self.target = target
        self.task_col = task_col
        self.random_state = random_state

    @property
    def _wrapped(self):
        return self.estimator if isinstance(self.estimator, self._kinds) else self._kinds[0]()

    def _fit_domains(self, domains):
        if self.method not in METHODS:
            raise ValueError(f"method={self.method!r} is unknown: use one of {METHODS}")
        forest = self._forest()
        X, y = domains.labelled_target(type(self).__name__)
        self.estimator_ = forest.fit(*((X, y) if self.task_col is None else domains.source_labels))
        self._set_classes(y)
        trees = [Tree.from_sklearn(tree, *self._columns()) for tree in self._grown()]
        self.trees_ = trees if self.task_col is None else self._adapted(trees, single(X), y)

    def _forest(self):
        """The forest to fit, a clone."""
        if not isinstance(self.estimator, (*self._kinds, type(None))):
            kinds = ", ".join(kind.__name__ for kind in self._kinds)
            raise ValueError(f"estimator={self.estimator!r} cannot be adapted: use one of {kinds}")
        forest = clone(self._wrapped)
        if self.random_state is not None:
            forest.set_params(random_state=self.random_state)
        return forest

    def _grown(self):
        """The fitted trees of scikit-learn."""
        return getattr(self.estimator_, "estimators_", [self.estimator_])

    def _adapted(self, trees, X, y):
        """The trees of the source, adapted to the labelled rows of the target."""
        y, labels = self._labels(y)
        adapted = []
        if self.method in ("ser", "mix"):
            grown = zip(self._grown(), trees, strict=True)
            joined, roots = join([expand(*pair, X, y, labels) for pair in grown])
            reduce(joined, roots, X, labels)
            self._restrict(joined.value)
            adapted += split(joined, roots)
        if self.method in ("strut", "mix"):
            at_once = max(1, PAIRS // len(X))
            for start in range(0, len(trees), at_once):
                joined, roots = join(trees[start : start + at_once])
                adapted += split(strut(joined, roots, X, labels), roots)
        return adapted

    def apply(self, X):
        """The leaf that each row reaches in each tree.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)

        Returns
        -------
        leaves : ndarray of int, shape (n, n_trees)
            For a target row in `trees_`, for a source row in the trees of `estimator_`; the
            latter are given twice with "mix", which has two adapted trees for each.
        """
        features, target = self._read(X, unseen=UNSEEN)
        leaves = np.empty((len(features), len(self.trees_)), dtype=int)
        if target.any():
            leaves[target] = self._leaves(features[target])
        if not target.all():
            own = self.estimator_.apply(features[~target]).reshape((~target).sum(), -1)
            leaves[~target] = np.tile(own, len(self.trees_) // own.shape[1])
        return leaves

    def _leaves(self, features):
        rows = single(features)
        return np.column_stack([tree.apply(rows) for tree in self.trees_])

    def _values(self, X):
        """What the trees of each row's domain predict, on average, shape (n, K)."""
        features, target = self._read(X, unseen=UNSEEN)
        if self.task_col is None:
            return self._of_source(features)
        values = np.empty((len(features), self.trees_[0].value.shape[1]))
        if target.any():
            leaves = self._leaves(features[target]).T
            values[target] = np.mean(
                [tree.value[leaf] for tree, leaf in zip(self.trees_, leaves, strict=True)], axis=0
            )
        if not target.all():
            values[~target] = self._of_source(features[~target])
        return values


def single(X):
    """Features in single precision, as scikit-learn's trees compare them, none too large for it."""
    return check_array(X, dtype=np.float32, input_name="X")
