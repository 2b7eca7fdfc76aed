"""Label shift: the target has other proportions of classes than the source."""

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from .._utils._delegation import fit_weighted
from .._utils._validation import check_integer, check_number
from ._domains import WeightedDomainEstimator

TINY = np.finfo(float).tiny


class PriorCorrection(WeightedDomainEstimator):
    r"""Label shift: a classifier of the source, corrected for the class proportions of the target.

    `estimator` is fitted to the labelled source rows and gives p(k|x) under the proportions p_k,
    (K,). If the classes look alike in both domains, p(x|k) the same, then those of the target,
    q (K,), are the maximum of

    .. math::

        \sum_{i \in \text{target}} \log \sum_k \frac{q_k}{p_k}\, p(k|x_i),
        \qquad q_k \ge 0, \; \sum_k q_k = 1,

    found by the EM algorithm on the target's rows without their labels; and target rows are
    predicted by probabilities in proportion to p(k|x) q_k / p_k. Where the classes do not look
    alike, as under covariate shift or another gain of the instrument, it does harm.

    Parameters
    ----------
    estimator : classifier
        With `predict_proba`; its probabilities should be calibrated, class weights aside.
    source : task name, list of task names or None, default=None
        Where to learn the classifier. None: all tasks but the target.
    target : task name or None, default=None
        The task whose proportions are estimated; None: the one task that `source` does not name.
    task_col : str, int or None, default=None
        The task column; None means one task, and the classifier is left as it is.
    tol : float, default=1e-8
        EM stops when no proportion changes by more.
    max_iter : int, default=10000
        Most steps of EM.

    Attributes
    ----------
    estimator_ : classifier
        Fitted to the source.
    classes_ : ndarray of shape (K,)
        The classes of the source, sorted.
    source_prior_ : ndarray of shape (K,)
        The proportions p that the probabilities imply: those counted in the source for a calibrated
        classifier, others for one with ``class_weight="balanced"`` (Notes).
    target_prior_ : ndarray of shape (K,)
        The proportions q.
    n_iter_ : int
        Number of EM steps.
    tasks_ : ndarray of shape (T,)
        The source tasks and the target.
    n_features_in_ : int
        Number of columns of `X`, the task column included.
    feature_names_in_ : ndarray of str
        Names of the columns of `X`, if all are strings.

    Raises
    ------
    ValueError
        If the classifier has no `predict_proba`, `target` is no task of the table, or no source row
        has a label; in `predict`, for rows of other tasks.

    Warns
    -----
    ConvergenceWarning
        If EM needs more than `max_iter` steps.

    See Also
    --------
    diagnose_shift : Estimates the proportions, and compares the features too.
    ImportanceWeighted : For another mix of the features (covariate shift).
    sklearn.calibration.CalibratedClassifierCV : Makes probabilities calibrated.

    Notes
    -----
    Taught in :doc:`/chapters/algorithms/other_world`.

    Labels of the target, if there are any, are not used. EM costs O(n K) a step for n target rows.
    Source rows are predicted by the classifier as it is. A class that the n target rows seem to
    lack stays possible: in predictions its proportion is at least 1/(2n).

    A classifier with class weights gives probabilities under other proportions than those of its
    rows. So p is found from the labelled source rows: it is such that, corrected from p to the
    counted proportions, their probabilities have the counted proportions as means.

    References
    ----------
    * M. Saerens, P. Latinne and C. Decaestecker, "Adjusting the outputs of a classifier to new a
      priori probabilities: a simple procedure", Neural Computation 14, 21-41, 2002.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> rng = np.random.default_rng(0)
    >>> y = np.r_[rng.random(500) < 0.5, rng.random(500) < 0.9].astype(float)
    >>> X = np.column_stack([np.repeat([0, 1], 500), 2 * y + rng.normal(size=1000)])
    >>> known = np.where(X[:, 0] == 0, y, np.nan)
    >>> model = PriorCorrection(LogisticRegression(), target=1, task_col=0).fit(X, known)
    >>> model.target_prior_.round(1)
    array([0.1, 0.9])
    """

    def __init__(
        self, estimator, *, source=None, target=None, task_col=None, tol=1e-8, max_iter=10000
    ):
        self.estimator = estimator
        self.source = source
        self.target = target
        self.task_col = task_col
        self.tol = tol
        self.max_iter = max_iter

    def _fit_domains(self, domains):
        if not hasattr(self.estimator, "predict_proba"):
            raise ValueError(
                f"{self.estimator!r} has no predict_proba, and the correction works on "
                "probabilities: use another classifier, or wrap it in CalibratedClassifierCV"
            )
        check_number(self.tol, "tol", low=0, open_high=True)
        check_integer(self.max_iter, "max_iter")
        one_task = self.task_col is None
        X, y, weight = domains.labels_of("target" if one_task else "source", "PriorCorrection")
        self.estimator_ = fit_weighted(self.estimator, X, y, weight)
        self.classes_ = self.estimator_.classes_
        counted = [np.average(y == k, weights=weight) for k in self.classes_]
        self.source_prior_ = self.target_prior_ = np.array(counted)
        self._least, self.n_iter_ = 0.0, 1
        if one_task:
            return
        own = domains.target
        weight_target = None if domains.weight is None else domains.weight[own]
        if weight_target is not None and not weight_target.any():
            raise ValueError("every target row has zero sample_weight: no proportions to estimate")
        self.source_prior_ = implied_prior(
            self.estimator_.predict_proba(X), self.source_prior_, weight, self.tol, self.max_iter
        )
        self.target_prior_, self.n_iter_, change = estimate_priors(
            self.estimator_.predict_proba(domains.X[own]),
            self.source_prior_,
            weight_target,
            self.tol,
            self.max_iter,
        )
        self._least = 0.5 / own.sum()
        if change > self.tol:
            warnings.warn(
                f"the proportions of the classes still change by {change:.3g} after "
                f"max_iter={self.max_iter} steps of EM, more than tol={self.tol:g}: raise either",
                ConvergenceWarning,
                stacklevel=4,  # who calls fit
            )

    def predict_proba(self, X):
        """Class probabilities, corrected in the rows of the target.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)
            Table with the task column.

        Returns
        -------
        proba : ndarray of shape (n, K)
            In the order of `classes_`.
        """
        features, target = self._read(X)
        proba = self.estimator_.predict_proba(features)
        if self.task_col is None:
            return proba
        prior = np.maximum(self.target_prior_, self._least)
        proba[target] = reweighted(proba[target], prior / self.source_prior_)
        return proba

    def predict(self, X):
        """The most probable class of each row.

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

    def _unseen(self):
        return "PriorCorrection knows the proportions of source and target only"


def reweighted(proba, factor):
    """Probabilities in proportion to proba (n, K) times factor (K,)."""
    share = proba / np.maximum(proba.max(axis=1, keepdims=True), TINY) * factor
    return share / np.maximum(share.sum(axis=1, keepdims=True), TINY)


def implied_prior(proba, counted, weight, tol, max_iter):
    """The proportions (K,) that the probabilities (n, K) of labelled rows take for granted.

    They are the counted ones (K,) of these rows for a calibrated classifier, and others for one
    with class weights. With them, probabilities in proportion to proba · counted / implied have
    the means `counted`: found by scaling each column to its mean, again and again.
    """
    factor, mean = np.ones(len(counted)), None
    for _ in range(max_iter):
        last, mean = mean, np.average(reweighted(proba, factor), axis=0, weights=weight)
        if abs(mean - counted).max() <= tol or (last is not None and abs(mean - last).max() <= tol):
            break  # the latter: probabilities of 0 and 1, which no factor changes
        factor = np.clip(factor * counted / np.maximum(mean, TINY), 1e-6, 1e6)
    prior = counted / factor
    return prior / prior.sum()


def estimate_priors(proba, prior, weight, tol, max_iter):
    """Proportions of the classes (K,) in rows with probabilities (n, K) under `prior` (K,).

    Returns the proportions, the number of EM steps, and the last change.
    """
    q, step, change = prior, 0, np.inf
    while change > tol and step < max_iter:
        share = reweighted(proba, q / prior)
        q, last = np.average(share, axis=0, weights=weight), q
        step, change = step + 1, abs(q - last).max()
    return q, step, change
