"""Label shift: the target has other proportions of classes than the source."""

import warnings
from numbers import Integral, Real

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_scalar

from ..baselines._meta import fit_clone
from ._domains import DomainEstimator


class PriorCorrection(DomainEstimator):
    r"""A classifier of the source, corrected for the target's proportions of classes.

    `estimator` is fitted to the labelled source rows and gives p(k|x) with the source's proportions
    p_k, (K,). If the classes look alike in both domains, p(x|k) the same, then those of the target,
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
        With `predict_proba`; its probabilities should be calibrated.
    source : task name, list of task names or None, default=None
        Where to learn the classifier. None: all tasks but the target.
    target : task name or None, default=None
        The task whose proportions are estimated.
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
    source_prior_, target_prior_ : ndarray of shape (K,)
        p and q.
    n_iter_ : int
    tasks_ : ndarray of shape (T,)
        The source tasks and the target.
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Only if the columns of `X` have string names.

    Raises
    ------
    ValueError
        If the classifier has no `predict_proba`, `target` is no task of the table, or no source row
        has a label; in `predict`, for rows of other tasks.

    Warns
    -----
    ConvergenceWarning
        If EM needs more than `max_iter` steps.

    Notes
    -----
    Labels of the target, if there are any, are not used. EM costs O(n K) a step for n target rows.
    Source rows are predicted by the classifier as it is.

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
        check_scalar(self.tol, "tol", Real, min_val=0)
        check_scalar(self.max_iter, "max_iter", Integral, min_val=1)
        one_task = self.task_col is None
        X, y = domains.target_labels if one_task else domains.source_labels
        self.estimator_ = fit_clone(self.estimator, X, y, None, None if one_task else "the source")
        self.classes_ = self.estimator_.classes_
        self.source_prior_ = np.array([(y == k).mean() for k in self.classes_])
        self.target_prior_, self.n_iter_ = self.source_prior_, 1
        if not one_task:
            proba = self.estimator_.predict_proba(domains.target_rows)
            self.target_prior_, self.n_iter_ = estimate_priors(
                proba, self.source_prior_, self.tol, self.max_iter
            )

    def predict_proba(self, X):
        """Class probabilities in the order of `classes_`, corrected in the rows of the target."""
        lacks = "PriorCorrection knows the proportions of source and target only"
        features, target = self._read(X, unseen=lacks)
        proba = self.estimator_.predict_proba(features)
        proba[target] *= self.target_prior_ / self.source_prior_
        return proba / proba.sum(axis=1, keepdims=True)

    def predict(self, X):
        """The likeliest class of each row."""
        best = self.predict_proba(X).argmax(axis=1)
        return self.classes_[best]


def estimate_priors(proba, prior, tol, max_iter):
    """Proportions of the classes (K,) in rows with probabilities (n, K) under `prior` (K,).

    Returns the proportions and the number of EM steps.
    """
    ratio, q = proba / prior, prior
    for step in range(1, max_iter + 1):
        share = ratio * q
        share /= share.sum(axis=1, keepdims=True)
        q, last = share.mean(axis=0), q
        if abs(q - last).max() <= tol:
            return q, step
    warnings.warn(
        f"the proportions of the classes still change by {abs(q - last).max():.3g} after "
        f"{max_iter} steps of EM, above tol={tol}: raise max_iter or tol",
        ConvergenceWarning,
        stacklevel=2,
    )
    return q, max_iter
