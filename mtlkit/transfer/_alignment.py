"""Aligning the second moments of two domains: CORAL, and subspace alignment."""

import numpy as np
from scipy.linalg import qr
from sklearn.covariance import ledoit_wolf_shrinkage

from .._utils._validation import check_flag, check_number
from ._aligner import DomainAligner, leading, positive_columns


class CORAL(DomainAligner):
    r"""Correlation alignment (CORAL): source rows get the covariance and mean of target rows.

    With means m_S, m_T (d,) and covariances C_S, C_T (d, d) of source and target, a source row is
    mapped by

    .. math::

        x \;\mapsto\; m_T + C_T^{1/2} C_S^{-1/2} (x - m_S),

    which is whitening, then colouring. Rows of the target stay as they are. The matrix minimises
    ‖A C_S Aᵀ - C_T‖ over all A (it reaches 0). Labels are not used, so it cannot help, and may
    well harm, if the two domains differ in how frequent the classes are.

    Parameters
    ----------
    source : task name, list of task names or None, default=None
        The source tasks, taken together as one domain; None: all tasks but the target.
    target : task name or None, default=None
        The target task; None: the one task that `source` does not name.
    task_col : str, int or None, default=None
        The task column; None means one task, and nothing is changed.
    center : bool, default=True
        Whether the means are aligned too. The paper's formula has no means, because it
        standardises the features before: with False, x ↦ C_T^{1/2} C_S^{-1/2} x.
    shrinkage : "auto", float from 0 to 1 or None, default="auto"
        How both covariances are regularised, as in `LinearDiscriminantAnalysis`: "auto" by Ledoit
        and Wolf on standardised features, a number s gives (1 - s) C + s (tr C / d) I, None leaves
        them as they are. The paper's C + I on standardised features is ``shrinkage=0.5``.

    Attributes
    ----------
    tasks_ : ndarray of shape (T,)
        The tasks seen in `fit`, sorted.
    coef_ : ndarray of shape (d, d)
        C_S^{-1/2} C_T^{1/2}, by which rows are multiplied from the right.
    intercept_ : ndarray of shape (d,)
        What is then added to source rows.
    n_features_in_ : int
        Number of columns of `X`, the task column included.
    feature_names_in_ : ndarray of str
        Names of the columns of `X`, if all are strings.

    Raises
    ------
    ValueError
        In `fit`, if the source's covariance is singular and not regularised; in `transform`, for
        rows of a task that was neither source nor target.

    See Also
    --------
    SubspaceAlignment : Aligns the leading principal components only.
    TCA : Directions in which the two domains have one mean.
    mtlkit.table.per_task : With a StandardScaler it aligns means and scales only.

    Notes
    -----
    Taught in :doc:`/chapters/algorithms/other_world`.

    Cost: O((n + d) d²). Most of what CORAL gains is often in the means and scales alone:
    compare it with ``mtlkit.table.per_task(StandardScaler(), task_col)``, which aligns just these.

    References
    ----------
    * B. Sun, J. Feng and K. Saenko, "Return of frustratingly easy domain adaptation", AAAI 2016.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X = np.column_stack([np.repeat([0, 1], 50), rng.normal(size=(100, 2))])
    >>> X[50:, 1:] = 5 + X[50:, 1:] @ [[2, 1], [0, 3]]
    >>> Z = CORAL(target=1, task_col=0, shrinkage=None).fit_transform(X)
    >>> np.allclose(np.cov(Z[:50, 1:].T), np.cov(Z[50:, 1:].T))
    True
    """

    def __init__(self, *, source=None, target=None, task_col=None, center=True, shrinkage="auto"):
        self.source = source
        self.target = target
        self.task_col = task_col
        self.center = center
        self.shrinkage = shrinkage

    def _fit_domains(self, domains):
        s, center = self.shrinkage, check_flag(self.center, "center")
        if isinstance(s, str) and s != "auto":
            raise ValueError(
                f"shrinkage={s!r} is unknown: use 'auto', a number from 0 to 1 or None"
            )
        if s is not None and not isinstance(s, str):
            check_number(s, "shrinkage", low=0, high=1)
        d = domains.X.shape[1]
        self.coef_, self.intercept_ = np.eye(d), np.zeros(d)
        if self.task_col is None:
            return
        source_mean, covariance = _moments(domains.source_rows, s)
        values, vectors = np.linalg.eigh(covariance)
        if values[0] <= values[-1] * d * np.finfo(float).eps:
            raise ValueError(
                f"with shrinkage={s!r} the covariance of the source is singular, so it cannot be "
                "whitened: use shrinkage='auto' or a positive number"
            )
        white = _power(values, vectors, -0.5)
        target_mean, covariance = _moments(domains.target_rows, s)
        values, vectors = np.linalg.eigh(covariance)
        self.coef_ = white @ _power(values.clip(0), vectors, 0.5)
        if center:
            self.intercept_ = target_mean - source_mean @ self.coef_

    def _map(self, features, target):
        mapped = features.copy()
        mapped[~target] = features[~target] @ self.coef_ + self.intercept_
        return mapped


class SubspaceAlignment(DomainAligner):
    r"""Subspace alignment: principal components of the source, rotated to match the target's.

    With the k leading principal directions P_S, P_T (d, k) of source and target and their means
    m_S, m_T (d,), rows are mapped by

    .. math::

        x \mapsto P_T^\top P_S P_S^\top (x - m_S) \quad\text{(source)}, \qquad
        x \mapsto P_T^\top (x - m_T) \quad\text{(target)}.

    The matrix M = P_Sᵀ P_T minimises ‖P_S M - P_T‖ in the Frobenius norm. Labels are not used.

    Parameters
    ----------
    n_components : int or None, default=None
        k, at most the number of features and of rows of either domain less one. None: that many.
        If it is all d, the subspaces are equal and only the means are aligned.
    source : task name, list of task names or None, default=None
        The source tasks, taken together as one domain; None: all tasks but the target.
    target : task name or None, default=None
        The target task; None: the one task that `source` does not name.
    task_col : str, int or None, default=None
        The task column; None means one task, and this is PCA.
    center : bool, default=True
        Whether rows are measured from the mean of their own domain, which aligns the means too.
        With False the formulas have no m_S and m_T, as in the paper, whose features are
        standardised before; the directions are the same.

    Attributes
    ----------
    tasks_ : ndarray of shape (T,)
        The tasks seen in `fit`, sorted.
    components_ : ndarray of shape (k, d)
        P_Tᵀ, the signs such that the largest entry of each row is positive.
    source_components_ : ndarray of shape (k, d)
        P_Tᵀ P_S P_Sᵀ.
    mean_, source_mean_ : ndarray of shape (d,)
        m_T and m_S; zeros without `center`.
    n_features_in_ : int
        Number of columns of `X`, the task column included.
    feature_names_in_ : ndarray of str
        Names of the columns of `X`, if all are strings.

    Raises
    ------
    ValueError
        In `fit`, if `n_components` is too large; in `transform`, for rows of a task that was
        neither source nor target.

    See Also
    --------
    CORAL : Aligns all of the covariance and keeps the features.
    TCA : One set of components for both domains.
    sklearn.decomposition.PCA : The same for one domain.

    Notes
    -----
    Taught in :doc:`/chapters/algorithms/other_world`.

    Cost: O(n d min(n, d) + min(n, d)³) per domain. The paper standardises the features of each
    domain before; so does ``mtlkit.table.per_task(StandardScaler(), task_col)`` in a Pipeline.

    References
    ----------
    * B. Fernando, A. Habrard, M. Sebban and T. Tuytelaars, "Unsupervised visual domain adaptation
      using subspace alignment", ICCV 2013.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X = np.column_stack([np.repeat([0, 1], 50), rng.normal(size=(100, 4))])
    >>> SubspaceAlignment(2, target=1, task_col=0).fit_transform(X).shape
    (100, 3)
    """

    def __init__(self, n_components=None, *, source=None, target=None, task_col=None, center=True):
        self.n_components = n_components
        self.source = source
        self.target = target
        self.task_col = task_col
        self.center = center

    def _fit_domains(self, domains):
        check_flag(self.center, "center")
        parts = [domains.target_rows, domains.source_rows][: 1 if self.task_col is None else 2]
        rows, d = min(len(part) for part in parts), domains.X.shape[1]
        k = self._check_components(
            max(1, min(rows - 1, d)), f"for n_features={d} and n_samples={rows} in a domain"
        )
        self._width = k
        P, self.mean_ = self._principal(parts[0], k)
        P = positive_columns(P)
        self.components_ = P.T
        self.source_components_, self.source_mean_ = self.components_, self.mean_
        if self.task_col is not None:
            Q, self.source_mean_ = self._principal(parts[1], k)
            self.source_components_ = (P.T @ Q) @ Q.T

    def _principal(self, X, k):
        """The k leading principal directions (d, k), and the mean to subtract."""
        (n, d), mean = X.shape, X.mean(axis=0)
        X = X - mean
        if d <= n:
            directions = leading(X.T @ X, k)[1]
        else:  # by the smaller of the two Gram matrices
            directions = X.T @ leading(X @ X.T, k)[1]
            directions = qr(directions, mode="economic", check_finite=False)[0]
        return directions, mean if self.center else np.zeros(d)

    def _map(self, features, target):
        mapped = np.empty((len(features), self._width))
        mapped[target] = (features[target] - self.mean_) @ self.components_.T
        mapped[~target] = (features[~target] - self.source_mean_) @ self.source_components_.T
        return mapped


def _moments(X, shrinkage):
    """Mean (d,) and regularised covariance (d, d) of the rows of `X`."""
    (n, d), mean = X.shape, X.mean(axis=0)
    X = X - mean
    scale = np.ones(d)
    if shrinkage == "auto":
        scale = X.std(axis=0)
        scale[scale <= 10 * np.finfo(float).eps * np.abs(mean)] = 1.0
        X /= scale
    covariance = X.T @ X / n
    size = np.trace(covariance) / d
    if shrinkage == "auto":
        shrinkage = ledoit_wolf_shrinkage(X, assume_centered=True)
    if shrinkage:
        covariance *= 1 - shrinkage
        covariance.flat[:: d + 1] += shrinkage * size
    return mean, covariance * scale * scale[:, None]


def _power(values, vectors, exponent):
    return (vectors * values**exponent) @ vectors.T
