"""A forest that is grown on a source and adapted to a target, tree by tree."""

import numpy as np
from sklearn.base import clone
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier

from ..._utils._validation import check_choice
from .._domains import DomainEstimator
from ._adapt import expand, reduce, strut
from ._tree import Tree, join, split

PAIRS = 50_000  # of a tree and a target row that STRUT treats at once: they fit a cache
METHODS = ("strut", "ser", "mix")
KINDS = (RandomForestClassifier, ExtraTreesClassifier, DecisionTreeClassifier)


class TransferForestClassifier(DomainEstimator):
    r"""Random forest of the source whose trees are adapted to a few labelled rows of the target.

    The forest is fitted to the labelled rows of the source. Then each tree is changed by all n
    labelled rows of the target, in one of two ways (Segev et al. 2017).

    *Structure transfer* (STRUT) keeps which feature each node compares and chooses its threshold
    anew, from the root down. Of the target rows S that reach the node, a threshold τ sends S_L to
    the left and S_R to the right. Among the local maxima of the information gain it takes the one
    with the greatest divergence gain,

    .. math::

        \mathrm{DG}(\tau) = 1 - \frac{|S_L|}{|S|}\, \mathrm{JSD}(P_L, Q_L)
                        - \frac{|S_R|}{|S|}\, \mathrm{JSD}(P_R, Q_R),

    where P_L, P_R (K,) are the shares of the classes in S_L and S_R, Q_L, Q_R those of the source
    in the two children, and JSD is the Jensen-Shannon divergence in bits. The two subtrees are
    swapped if that gains more. Leaves predict the shares of the target rows that reach them.

    *Structure expansion and reduction* (SER) keeps the thresholds, grows each leaf into a tree on
    the target rows that reach it and then, from the bottom up, prunes a node if that makes no more
    errors on the target rows.

    Parameters
    ----------
    estimator : forest classifier, DecisionTreeClassifier or None, default=None
        A RandomForestClassifier or ExtraTreesClassifier, or a single tree. None: a random forest
        of 100 trees.
    method : {"strut", "ser", "mix"}, default="strut"
        How the trees are adapted; "mix" is the union of both forests. STRUT is for a source whose
        features mean the same and have moved, even upside down; SER for one that was nearly right.
    source : task name, list of task names or None, default=None
        Where the forest is grown. None: all tasks but the target.
    target : task name or None, default=None
        The task to which the trees are adapted; at least one of its rows needs a label. None: the
        one task that `source` does not name.
    task_col : str, int or None, default=None
        The task column; None means one task without a source: the forest as it is.
    random_state : int, RandomState instance or None, default=None
        Given to the forest. None leaves the forest the one it has.

    Attributes
    ----------
    estimator_ : forest or tree
        Fitted to the source (to all rows with ``task_col=None``); it predicts rows of the source.
    trees_ : list of Tree
        The adapted trees: as many as the forest has, or twice as many with "mix", those of SER
        first.
    tasks_ : ndarray of shape (T,)
        The source tasks and the target, sorted.
    classes_ : ndarray of shape (K,)
        The union of the classes of source and target.
    n_features_in_ : int
        Number of columns of `X`, the task column included.
    feature_names_in_ : ndarray of str
        Names of the columns of `X`, if all are strings.

    Raises
    ------
    ValueError
        If `estimator` is not one of the kinds above, `method` is unknown, or the target has no
        labelled row; in `predict`, for rows of other tasks.

    See Also
    --------
    Tree : What `trees_` holds.
    TrAdaBoostClassifier : Reweights source rows by the labels of the target.
    BiasedLogisticRegression : The same aim for a linear model.

    Notes
    -----
    Taught in :doc:`/chapters/code/forest_transfers`.

    As in the authors' program, every tree sees
    all labelled rows of the target, without a bootstrap. Of thresholds with equal divergence gain,
    STRUT takes the one with the greater information gain, then the lowest. A threshold lies
    half-way between two rows, so STRUT leaves no node without target rows. SER keeps a subtree that
    no target row reaches (the authors' program collapses it).

    A class that the labelled target rows lack stays possible in the subtrees that SER keeps, unless
    source and target have no class in common. STRUT replaces every leaf by shares of the target's
    labels and can only predict classes among them. If all labelled target rows are of one class,
    both methods predict it everywhere. `class_weight` holds for the source alone.
    There is no `sample_weight`: the criteria count rows.

    Cost of STRUT: with T trees of depth D it sorts the T n pairs of tree and row at each depth,
    O(T D n (log n + K)). SER: scikit-learn grows a tree in each leaf with target rows of two
    classes, O(T n √d log² n) in all: with as many target as source rows about twice the forest.

    References
    ----------
    * N. Segev, M. Harel, S. Mannor, K. Crammer and R. El-Yaniv, "Learn on source, refine on
      target: a model transfer learning framework with random forests", IEEE Transactions on
      Pattern Analysis and Machine Intelligence 39(9), 2017, pp. 1811-1824.

    Examples
    --------
    >>> from mtlkit.datasets import load_shifted_digits
    >>> X, y = load_shifted_digits({"upright": None, "inverted": "inversion"}, random_state=0)
    >>> new = X[:, 0] == 1
    >>> y = y.astype(float)
    >>> few = y.copy()
    >>> few[new] = np.where(np.arange(new.sum()) < 50, y[new], np.nan)
    >>> forest = TransferForestClassifier(target=1, task_col=0, random_state=0).fit(X, few)
    >>> forest.estimator_.score(X[new, 1:], y[new]) < 0.1 < 0.8 < forest.score(X[new], y[new])
    True
    """

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
        return RandomForestClassifier() if self.estimator is None else self.estimator

    def _fit_domains(self, domains):
        check_choice(self.method, "method", METHODS)
        if not isinstance(self._wrapped, KINDS):
            kinds = ", ".join(kind.__name__ for kind in KINDS)
            raise ValueError(f"estimator={self.estimator!r} cannot be adapted: use one of {kinds}")
        forest = clone(self._wrapped)
        if self.random_state is not None:
            forest.set_params(random_state=self.random_state)
        who = "TransferForestClassifier"
        X, y, _ = domains.labels_of("target", who)
        source = "target" if self.task_col is None else "source"
        self.estimator_ = forest.fit(*domains.labels_of(source, who)[:2])
        self._columns = np.searchsorted(self.classes_, self.estimator_.classes_)
        grown = getattr(self.estimator_, "estimators_", [self.estimator_])
        trees = [Tree.from_sklearn(tree, self._columns, len(self.classes_)) for tree in grown]
        if self.task_col is not None:
            trees = self._adapted(trees, grown, X, np.searchsorted(self.classes_, y))
        self.trees_ = trees

    def _adapted(self, trees, grown, X, codes):
        """The trees of the source, adapted to the labelled rows of the target."""
        X = X.astype(np.float32)  # as scikit-learn's trees compare them
        labels = np.eye(len(self.classes_))[codes]
        adapted = []
        if self.method in ("ser", "mix"):
            y = codes[:, None].astype(float)
            pairs = zip(grown, trees, strict=True)
            joined, roots = join([expand(*pair, X, y, labels) for pair in pairs])
            reduce(joined, roots, X, labels)
            has = labels.any(axis=0)
            if not has[self._columns].any():  # no class in common: those of the source are not ours
                restrict(joined.value, has)
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
            Table with the task column.

        Returns
        -------
        leaves : ndarray of int, shape (n, n_trees)
            For a target row in `trees_`, for a source row in the trees of `estimator_`; the
            latter are given twice with "mix", which has two adapted trees for each.
        """
        features, target = self._read(X)
        leaves = np.empty((len(features), len(self.trees_)), dtype=int)
        rows = features[target]
        for leaf, tree in zip(leaves.T, self.trees_, strict=True):
            leaf[target] = tree.apply(rows)
        if not target.all():
            own = self.estimator_.apply(features[~target]).reshape((~target).sum(), -1)
            leaves[~target] = np.tile(own, len(self.trees_) // own.shape[1])
        return leaves

    def predict(self, X):
        """Predict the class of each row, by the trees of its domain.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)
            Table with the task column.

        Returns
        -------
        y : ndarray of shape (n,)
            Elements of `classes_`.
        """
        best = self.predict_proba(X).argmax(axis=1)
        return self.classes_[best]

    def predict_proba(self, X):
        """Class probabilities: the mean over the trees of the row's domain.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)
            Table with the task column.

        Returns
        -------
        proba : ndarray of shape (n, K)
            In the order of `classes_`; zero in rows of the source for classes that it lacks.
        """
        features, target = self._read(X)
        proba = np.zeros((len(features), len(self.classes_)))
        if self.task_col is None:
            target[:] = False  # the forest as it is
        rows = features[target]
        for tree in self.trees_:
            proba[target] += tree.value[tree.apply(rows)] / len(self.trees_)
        if not target.all():
            own = self.estimator_.predict_proba(features[~target])
            proba[np.ix_(~target, self._columns)] = own
        return proba

    def _unseen(self):
        return "a forest adapted to another task says nothing about them: fit it with their rows"


def restrict(value, has):
    """Leave, in place, the classes that `has` names; equal shares where there were none of them."""
    value[:, ~has] = 0
    value[value.sum(axis=1) == 0] = has
    value /= value.sum(axis=1, keepdims=True)
