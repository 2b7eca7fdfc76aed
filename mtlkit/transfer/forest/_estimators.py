"""Forests that are grown on a source and adapted to a target, tree by tree."""

import numpy as np
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from ._base import TransferForest
from ._criteria import Classes, Numbers


class TransferForestClassifier(TransferForest):
    r"""A random forest of the source whose trees are adapted to a few labelled rows of the target.

    First the forest is fitted to the labelled rows of the source. Then each of its trees is
    changed by all n labelled rows of the target, in one of two ways (Segev et al. 2017).

    *Structure transfer* ("strut") keeps which feature φ each node asks for and chooses its
    threshold anew, from the root down. Of the target rows S that reach the node, a threshold
    τ sends S_L to the left and S_R to the right. Among the thresholds at which the information
    gain of the split has a local maximum, it takes that with the greatest divergence gain,

    .. math::

        \mathrm{DG}(\tau) = 1 - \frac{|S_L|}{|S|}\, \mathrm{JSD}(P_L, Q_L)
                        - \frac{|S_R|}{|S|}\, \mathrm{JSD}(P_R, Q_R).

    P_L, P_R (K,) are the shares of the classes in S_L and S_R, and Q_L, Q_R those that the source
    had in the two children; JSD is the Jensen-Shannon divergence in bits. If a threshold gains
    more with the two subtrees swapped, they are swapped. A node becomes a leaf if the target rows
    that reach it are of one class, or are equal in the feature. Leaves predict the shares of
    the target rows that reach them.

    *Structure expansion and reduction* ("ser") keeps the thresholds. Each leaf is grown into a
    tree on the target rows that reach it. Then, from the bottom up, a node becomes a leaf if that
    makes no more errors on the target rows. "mix" is the union of both forests.

    STRUT is for a source whose features mean the same and have moved, even upside down. SER is
    for one that was nearly right.

    Parameters
    ----------
    estimator : RandomForestClassifier, ExtraTreesClassifier, DecisionTreeClassifier or None
        The forest, or a single tree. None, the default: a random forest of 100 trees.
    method : {"strut", "ser", "mix"}, default="strut"
        How the trees are adapted.
    source : task name, list of task names or None, default=None
        Where the forest is grown. None: all tasks but the target.
    target : task name or None, default=None
        To which task the trees are adapted; at least one of its rows needs a label. None is for
        ``task_col=None`` alone.
    task_col : str, int or None, default=None
        The task column; None means one task without a source: the forest as it is.
    random_state : int, RandomState instance or None, default=None
        Given to the forest. None leaves the forest the one it has.

    Attributes
    ----------
    estimator_ : forest or tree
        Fitted to the source (to all rows with ``task_col=None``); it predicts rows of the source.
    trees_ : list of mtlkit.transfer.trees.Tree
        The adapted trees: as many as the forest has, or twice as many with "mix", those of SER
        first.
    tasks_ : ndarray of shape (T,)
        The source's tasks and the target, sorted.
    classes_ : ndarray of shape (K,)
        The union of the classes of source and target.
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Only if the columns of `X` have string names.

    Raises
    ------
    ValueError
        If `estimator` is not one of the kinds above, `method` is unknown, or the target has no
        row with a label.

    Notes
    -----
    Every tree sees all labelled rows of the target, as in the authors' program: a bootstrap of few
    rows would lose some of them. Of thresholds that gain the same, STRUT takes that with the
    greater information gain, then the lowest. A threshold lies half-way between two rows, so STRUT
    leaves no node without target rows. SER keeps a subtree that no target row reaches as it was
    (the authors collapse it).

    A row is given only classes with a label in its own domain: the probability of others is zero.
    A class of the target without a label is therefore never predicted for the target. In
    the leaves that SER keeps, the shares of the target's classes are scaled to sum to one, equal
    shares if the source had none of them there. `class_weight` holds for the source alone.

    Cost of STRUT: with T trees of depth D it sorts the T n pairs of tree and row at each depth,
    O(T D n (log n + K)), for all trees at once. SER: a fit of scikit-learn's tree in each leaf with
    target rows of two classes, a few tenths of a millisecond each; with as many target rows as
    source rows that is far more than growing the forest.

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

    _kinds = (RandomForestClassifier, ExtraTreesClassifier, DecisionTreeClassifier)

    def _set_classes(self, y):
        known = self.estimator_.classes_
        self.classes_ = np.union1d(known, y)
        self._source_has = np.isin(self.classes_, known)
        self._target_has = np.isin(self.classes_, y)

    def _columns(self):
        return np.flatnonzero(self._source_has), len(self.classes_)

    def _labels(self, y):
        codes = np.searchsorted(self.classes_, y)
        return codes.astype(float), Classes(codes, len(self.classes_))

    def _restrict(self, value):
        """Leave, in place, the target's classes only."""
        value[:, ~self._target_has] = 0
        value[value.sum(axis=1) == 0] = self._target_has
        value[:] = value / value.sum(axis=1, keepdims=True)

    def _of_source(self, features):
        values = np.zeros((len(features), len(self.classes_)))
        values[:, self._source_has] = self.estimator_.predict_proba(features)
        return values

    def predict(self, X):
        """Predict the class of each row, by the trees of its domain.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)

        Returns
        -------
        y : ndarray of shape (n,)
        """
        best = self.predict_proba(X).argmax(axis=1)
        return self.classes_[best]

    def predict_proba(self, X):
        """Class probabilities: the mean over the trees of the row's domain.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)

        Returns
        -------
        proba : ndarray of shape (n, K)
            In the order of `classes_`; zero for classes without a label in the row's domain.
        """
        return self._values(X)


class TransferForestRegressor(TransferForest):
    r"""A random forest of the source whose trees are adapted to a few labelled rows of the target.

    What `TransferForestClassifier` does, for numbers. The paper has no regression, so this part
    is ours. In the place of the information gain is the share of the variance that a split
    explains; in that of the Jensen-Shannon divergence the squared Hellinger distance of two normal
    distributions, which also lies from 0 to 1,

    .. math::

        H^2 = 1 - \exp\Bigl( -\frac{(p - q)^2}{4 (v_T + v_S)} \Bigr),

    where p is the mean of the target rows on one side, q that of the source in this child, and
    v_T, v_S are the variances of target and source in the node itself: both normals have their mean
    (v_T + v_S) / 2 for a variance, since a child of one row has none. SER grows and cuts back by
    the squared error.

    Parameters
    ----------
    estimator : RandomForestRegressor, ExtraTreesRegressor, DecisionTreeRegressor or None
        The forest, or a single tree. None, the default: a random forest of 100 trees. STRUT needs
        the criterion "squared_error" or "friedman_mse", for others keep no variances.
    method : {"strut", "ser", "mix"}, default="strut"
        How the trees are adapted.
    source : task name, list of task names or None, default=None
        Where the forest is grown. None: all tasks but the target.
    target : task name or None, default=None
        To which task the trees are adapted; at least one of its rows needs a label. None is for
        ``task_col=None`` alone.
    task_col : str, int or None, default=None
        The task column; None means one task without a source: the forest as it is.
    random_state : int, RandomState instance or None, default=None
        Given to the forest. None leaves the forest the one it has.

    Attributes
    ----------
    estimator_ : forest or tree
        Fitted to the source (to all rows with ``task_col=None``); it predicts rows of the source.
    trees_ : list of mtlkit.transfer.trees.Tree
        The adapted trees: as many as the forest has, or twice as many with "mix", those of SER
        first.
    tasks_ : ndarray of shape (T,)
        The source's tasks and the target, sorted.
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Only if the columns of `X` have string names.

    Raises
    ------
    ValueError
        If `estimator` or its criterion is not one of those above, `method` is unknown, or the
        target has no row with a label.

    Notes
    -----
    STRUT makes the predictions anew from the target's labels alone, so a target whose labels are
    shifted or stretched does no harm. Thresholds, ties and cost are those of the classifier.

    References
    ----------
    * N. Segev, M. Harel, S. Mannor, K. Crammer and R. El-Yaniv, "Learn on source, refine on
      target: a model transfer learning framework with random forests", IEEE Transactions on
      Pattern Analysis and Machine Intelligence 39(9), 2017, pp. 1811-1824.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = np.column_stack([np.arange(300) % 2, rng.normal(size=(300, 3))])
    >>> y = np.where(X[:, 0] == 0, X[:, 1], -X[:, 1]) + X[:, 2]
    >>> forest = TransferForestRegressor(target=1, task_col=0, random_state=0).fit(X[:200], y[:200])
    >>> forest.predict(X[200:]).shape
    (100,)
    """

    _kinds = (RandomForestRegressor, ExtraTreesRegressor, DecisionTreeRegressor)

    def _set_classes(self, y):
        """There are none."""

    def _columns(self):
        return (0,), 1

    def _labels(self, y):
        criterion = self.estimator_.criterion
        if self.method != "ser" and criterion not in ("squared_error", "friedman_mse"):
            raise ValueError(
                f"criterion={criterion!r} keeps no variances in the nodes, which STRUT needs: use "
                "'squared_error', or method='ser'"
            )
        return y, Numbers(y)

    def _restrict(self, value):
        """Any mean may be predicted."""

    def _of_source(self, features):
        return self.estimator_.predict(features)[:, None]

    def predict(self, X):
        """Predict each row, by the mean over the trees of its domain.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)

        Returns
        -------
        y : ndarray of shape (n,)
        """
        return self._values(X)[:, 0]
