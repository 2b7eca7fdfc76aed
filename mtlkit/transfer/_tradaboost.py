"""TrAdaBoost: boosting in which source rows that contradict the target lose their weight."""

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import check_random_state

from .._utils._delegation import fit_weighted
from .._utils._validation import check_integer
from ._domains import DomainEstimator

TINY = 1e-10


class TrAdaBoostClassifier(DomainEstimator):
    r"""TrAdaBoost: hard target rows gain weight, misleading source rows lose it.

    With n_s labelled source rows S, n_t labelled target rows T, K classes and N rounds, weights v_i
    begin as 1/(2 n_s) in S and 1/(2 n_t) in T. Round r fits a classifier h_r to all rows with the
    weights v, and then

    .. math::

        \varepsilon_r = \frac{\sum_{i \in T} v_i [h_r(x_i) \ne y_i]}{\sum_{i \in T} v_i}, \qquad
        \beta_r = \frac{\varepsilon_r}{(1 - \varepsilon_r)(K - 1)}, \qquad
        \beta = \frac{1}{1 + \sqrt{2 \ln n_s / N}},

    .. math::

        v_i \leftarrow v_i \beta^{[h_r(x_i) \ne y_i]} \; (i \in S), \qquad
        v_i \leftarrow v_i \beta_r^{-[h_r(x_i) \ne y_i]} \; (i \in T).

    So target rows are boosted as in AdaBoost, and a source row that is often misclassified is taken
    to follow another concept and loses weight, as an expert does in Hedge. The rounds ⌈N/2⌉ … N
    vote with log(1/β_r): only the later ones come with a guarantee.

    Parameters
    ----------
    estimator : classifier or None, default=None
        Takes sample weights in `fit`, or is a Pipeline whose last step does. None means a decision
        tree of depth 1, as in AdaBoost. Deeper trees take more from the source, for better or
        worse.
    n_estimators : int, default=50
        Number of rounds, N.
    source : task name, list of task names or None, default=None
        None means all tasks but the target.
    target : task name or None, default=None
        The target task; None: the one task that `source` does not name.
    task_col : str, int or None, default=None
        The task column; None means one task, which gives AdaBoost (SAMME), where all rounds vote.
    random_state : int, RandomState or None, default=None
        Seeds the `random_state` of each classifier.

    Attributes
    ----------
    tasks_ : ndarray of shape (T,)
        The tasks of source and target, sorted.
    classes_ : ndarray of shape (n_classes,)
        The classes of source and target, sorted.
    estimators_ : list of N classifiers
        The classifier of each round.
    betas_ : ndarray of shape (N,)
        The factor β_r of each round; target rows are divided by it.
    source_beta_ : float
        The factor β of misclassified source rows.
    sample_weights_ : ndarray of shape (N, n_s)
        Weights v of the source rows with which each round began, in the order of the table; with
        those of the target they sum to 1.
    n_features_in_ : int
        Number of columns of `X`, the task column included.
    feature_names_in_ : ndarray of str
        Names of the columns of `X`, if all are strings.

    Raises
    ------
    ValueError
        If `source` or `target` is not a task, one of them has no label, or `estimator` is not a
        classifier or takes no weights.

    See Also
    --------
    ImportanceWeighted : Weights without labels of the target.
    TransferForestClassifier : Adapts the trees of a forest.
    sklearn.ensemble.AdaBoostClassifier : The same for one domain.

    Notes
    -----
    Taught in :doc:`/chapters/algorithms/boost_rows`.

    For two classes this is the algorithm of the paper, which leaves the first weights to the user.
    With equal ones a large source outvotes the target in every fit; then no source row is wrong,
    and none loses weight. So the domains begin with equal shares.
    There is no `sample_weight`: the weights are the method's own.

    The paper asks for ε_r < 1/2; here, as in other programs, a round at or above 1 - 1/K (chance)
    counts as chance: it does not vote and changes no target weight. If no round may vote, all do,
    equally. An ε_r below 1e-10 counts as 1e-10. For more than two classes the target's part is that
    of SAMME, and the source's is unchanged.

    A tie goes to the first class; the paper's goes to the second. Rows of all tasks are predicted
    by the same vote. Cost: N fits to n_s + n_t rows.

    References
    ----------
    * W. Dai, Q. Yang, G.-R. Xue and Y. Yu, "Boosting for transfer learning", ICML 2007,
      pp. 193-200.
    * J. Zhu, H. Zou, S. Rosset and T. Hastie, "Multi-class AdaBoost", Statistics and Its
      Interface 2(3), 2009, pp. 349-360.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> task, x = np.repeat([0, 1], [200, 10]), rng.normal(size=(210, 2))
    >>> y = x[:, 0] > np.where(task == 0, 0.5, 0)  # the source has its border elsewhere
    >>> X = np.column_stack([task, x])
    >>> model = TrAdaBoostClassifier(target=1, task_col=0, random_state=0).fit(X, y)
    >>> between = (task == 0) & (x[:, 0] > 0) & (x[:, 0] < 0.5)
    >>> last = model.sample_weights_[-1]
    >>> bool(last[between[:200]].mean() < last[~between[:200]].mean())
    True
    """

    def __init__(
        self,
        estimator=None,
        n_estimators=50,
        *,
        source=None,
        target=None,
        task_col=None,
        random_state=None,
    ):
        self.estimator = estimator
        self.n_estimators = n_estimators
        self.source = source
        self.target = target
        self.task_col = task_col
        self.random_state = random_state

    @property
    def _wrapped(self):
        return DecisionTreeClassifier(max_depth=1) if self.estimator is None else self.estimator

    def _fit_domains(self, domains):
        if not is_classifier(self):
            raise ValueError(f"estimator={self.estimator!r} is not a classifier: use one")
        N, K = check_integer(self.n_estimators, "n_estimators"), max(len(self.classes_), 2)
        X, y, _ = domains.labels_of("target", "TrAdaBoostClassifier")
        n_source = 0
        if self.task_col is not None:
            X_source, y_source, _ = domains.labels_of("source", "TrAdaBoostClassifier")
            X, y, n_source = np.vstack([X_source, X]), np.append(y_source, y), len(y_source)
        source, target = slice(0, n_source), slice(n_source, None)
        weight = np.ones(len(y))
        for domain in (source, target) if n_source else (target,):
            weight[domain] /= weight[domain].sum()
        weight /= weight.sum()
        beta = 1 / (1 + np.sqrt(2 * np.log(max(n_source, 1)) / N))
        rng = check_random_state(self.random_state)
        self.estimators_, self.betas_ = [], np.empty(N)
        self.source_beta_, self.sample_weights_ = beta, np.empty((N, n_source))
        for r in range(N):
            self.sample_weights_[r] = weight[source]
            # Mean 1, so that the strength of a penalty keeps its meaning.
            model = fit_weighted(_seeded(self._wrapped, rng), X, y, weight * len(y))
            wrong = model.predict(X) != y
            error = np.average(wrong[target], weights=weight[target]).clip(TINY, 1 - 1 / K)
            self.betas_[r] = error / (1 - error) / (K - 1)
            weight[source] *= np.where(wrong[source], beta, 1)
            weight[target] /= np.where(wrong[target], self.betas_[r], 1)
            weight /= weight.sum()
            self.estimators_.append(model)

    def _shares(self, X):
        """Share of the votes for each class, (n, n_classes)."""
        X, _ = self._read(X)
        N = len(self.betas_)
        first = 0 if self.task_col is None else (N + 1) // 2 - 1
        votes = np.maximum(-np.log(self.betas_[first:]), 0)
        if not votes.any():
            votes = np.ones(len(votes))
        shares = np.zeros((len(X), len(self.classes_)))
        for model, vote in zip(self.estimators_[first:], votes, strict=True):
            shares += vote * (model.predict(X)[:, None] == self.classes_)
        return shares / votes.sum()

    def predict(self, X):
        """The class with most votes.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)
            Table with the task column.

        Returns
        -------
        y : ndarray of shape (n,)
            Elements of `classes_`.
        """
        shares = self._shares(X)
        return self.classes_[shares.argmax(axis=1)]

    def predict_proba(self, X):
        """Share of the votes for each class; not calibrated.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)
            Table with the task column.

        Returns
        -------
        proba : ndarray of shape (n, n_classes)
            In the order of `classes_`.
        """
        return self._shares(X)

    def decision_function(self, X):
        """Share of the votes for each class; for two classes that of the second minus the first.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)
            Table with the task column.

        Returns
        -------
        values : ndarray of shape (n,), or (n, n_classes) for more than two classes
            In the order of `classes_`.
        """
        shares = self._shares(X)
        return shares[:, 1] - shares[:, 0] if len(self.classes_) == 2 else shares


def _seeded(estimator, rng):
    """A clone whose `random_state` parameters, also those of its parts, are drawn from `rng`."""
    names = [k for k in sorted(estimator.get_params()) if k.split("__")[-1] == "random_state"]
    return clone(estimator).set_params(**{name: rng.randint(2**31 - 1) for name in names})
