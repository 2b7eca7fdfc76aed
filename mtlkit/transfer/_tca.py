"""Transfer component analysis: kernel PCA that leaves out what tells the domains apart."""

import numpy as np
from sklearn.metrics.pairwise import rbf_kernel

from .._utils._validation import check_choice, check_strength
from ._aligner import DomainAligner, leading, positive_columns


class TCA(DomainAligner):
    r"""Transfer component analysis (TCA): much spread, and one mean for both domains.

    With the linear kernel, S (d, d) the scatter of all n rows about their common mean, and B (d, d)
    the part of it that lies between the means of source and target, the components are the k best

    .. math::

        \max_a \; a^\top S a \quad \text{subject to} \quad
        \|a\|^2 + \tfrac{1}{\mu}\, a^\top B a = 1, \qquad
        B = \tfrac{n_S n_T}{n} (m_S - m_T)(m_S - m_T)^\top.

    With another kernel a is a function of its space, f(x) = Σ_i w_i k(x_i, x). Without the term
    in B this is (kernel) PCA, and so it is for μ → ∞. The smaller μ, the more a difference of
    means costs. All rows are mapped alike. Labels are not used.

    Parameters
    ----------
    n_components : int or None, default=None
        k, at most n, and with the linear kernel at most d. None: that many.
    source : task name, list of task names or None, default=None
        The source tasks, taken together as one domain; None: all tasks but the target.
    target : task name or None, default=None
        The target task; None: the one task that `source` does not name.
    task_col : str, int or None, default=None
        The task column; None means one task: there is no difference to remove, and with
        ``penalty="norm"`` this is PCA, or kernel PCA.
    mu : float, default=1.0
        μ, positive.
    kernel : {"linear", "rbf"}, default="linear"
        The kernel k(x, z): x·z, or Gaussian.
    gamma : float or None, default=None
        k(x, z) = exp(-gamma ‖x - z‖²) for "rbf"; None: 1 / d.
    penalty : {"norm", "coefficients"}, default="norm"
        What holds a component small: the norm ‖a‖² = wᵀKw of its function, or ‖w‖² as in Pan
        et al. (2011). In the latter K², in place of K, plays the kernel's role.

    Attributes
    ----------
    tasks_ : ndarray of shape (T,)
        The tasks seen in `fit`, sorted.
    components_ : ndarray of shape (k, d)
        The directions a, for the linear kernel.
    dual_coef_, X_fit_ : ndarray of shape (n, k) and (n, d)
        The weights w and the rows that they belong to, for the other kernel.
    eigenvalues_ : ndarray of shape (k,)
        aᵀSa of each component, descending. A component without spread is 0.
    n_features_in_ : int
        Number of columns of `X`, the task column included.
    feature_names_in_ : ndarray of str
        Names of the columns of `X`, if all are strings.

    Raises
    ------
    ValueError
        In `fit`, if `n_components` is too large or a parameter is unknown; in `transform`, for
        rows of a task that was neither source nor target.

    See Also
    --------
    CORAL : Aligns covariances and keeps the features.
    SubspaceAlignment : Principal components of each domain, rotated to match.
    sklearn.decomposition.KernelPCA : The same for one domain.

    Notes
    -----
    Taught in :doc:`/chapters/algorithms/other_world`.

    Pan et al. solve K H K w = λ (K L K + μ I) w with L = e eᵀ of rank one, and scale components to
    equal spread. Here components keep their spread, as in PCA; the columns have mean 0 over the
    rows of `fit`; and L is divided by its norm 1/n_S + 1/n_T, as Long et al. do, so that μ does not
    depend on n: theirs is μ (1/n_S + 1/n_T). Long et al. (2013) have "primal" for the linear kernel
    with the penalty "norm".

    As L has rank one, no general eigenproblem is left, but that of one symmetric matrix less a
    matrix of rank one: d × d if d ≤ n and the kernel is linear, else n × n. Cost: O(n d min(n, d) +
    min(n, d)³), or O(n² d + n³).

    To remove means and scales alone, use ``mtlkit.table.per_task(StandardScaler(), task_col)``.

    References
    ----------
    * S. J. Pan, I. W. Tsang, J. T. Kwok and Q. Yang, "Domain adaptation via transfer component
      analysis", IEEE Transactions on Neural Networks 22(2), 2011, pp. 199-210.
    * M. Long, J. Wang, G. Ding, J. Sun and P. S. Yu, "Transfer feature learning with joint
      distribution adaptation", ICCV 2013.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X = np.column_stack([np.repeat([0, 1], 50), rng.normal(size=(100, 3))])
    >>> X[50:, 1] += 9  # the domains differ in one feature
    >>> tca = TCA(2, target=1, task_col=0, mu=0.01).fit(X)
    >>> bool(abs(tca.components_[:, 0]).max() < 0.1)  # they leave it alone
    True
    """

    def __init__(
        self,
        n_components=None,
        *,
        source=None,
        target=None,
        task_col=None,
        mu=1.0,
        kernel="linear",
        gamma=None,
        penalty="norm",
    ):
        self.n_components = n_components
        self.source = source
        self.target = target
        self.task_col = task_col
        self.mu = mu
        self.kernel = kernel
        self.gamma = gamma
        self.penalty = penalty

    def _fit_domains(self, domains):
        check_strength(self, "mu", include="neither")
        if self.gamma is not None:
            check_strength(self, "gamma", include="neither")
        check_choice(self.kernel, "kernel", ("linear", "rbf"))
        check_choice(self.penalty, "penalty", ("norm", "coefficients"))
        X, e = domains.X, _contrast(domains.target)
        n, d = X.shape
        linear = self.kernel == "linear"
        k = self._check_components(
            min(n, d) if linear else n, f"for n_samples={n} and n_features={d}"
        )
        self._width = k
        squared = self.penalty == "coefficients"
        if linear and d <= n:
            self.eigenvalues_, axes = _primal(X, e, self.mu, k, squared)
        else:
            K = X @ X.T if linear else rbf_kernel(X, gamma=self.gamma)
            self.eigenvalues_, axes = _dual(K, e, self.mu, k, squared)
            axes = X.T @ axes if linear else axes
        axes = positive_columns(axes)
        for stale in ("components_", "X_fit_", "dual_coef_"):  # of a fit with another kernel
            self.__dict__.pop(stale, None)
        if linear:
            self.components_ = axes.T
            self._offset = X.mean(axis=0) @ axes
        else:
            self.X_fit_, self.dual_coef_ = X, axes
            self._offset = K.mean(axis=0) @ axes

    def _map(self, features, target):
        if self.kernel == "linear":
            return features @ self.components_.T - self._offset
        return rbf_kernel(features, self.X_fit_, gamma=self.gamma) @ self.dual_coef_ - self._offset


def _contrast(target):
    """e (n,) with sum 0 and norm 1: eᵀf is the difference of the domains' means of f, scaled."""
    n, n_target = len(target), target.sum()
    n_source = n - n_target
    if n_source == 0:
        return np.zeros(n)
    return np.where(target, -1 / n_target, 1 / n_source) * np.sqrt(n_source * n_target / n)


def _primal(X, e, mu, k, squared):
    """Values (k,) and directions (d, k) of the linear kernel, from d × d matrices."""
    mean, b = X.mean(axis=0), e @ X
    centred = X - mean
    S = centred.T @ centred
    size = np.trace(S)
    if squared:  # K² is the linear kernel of the features X (XᵀX)^½
        values, vectors = np.linalg.eigh(S + len(X) * np.outer(mean, mean))
        root = (vectors * np.sqrt(values.clip(0))) @ vectors.T
        S, b, size = root @ S @ root, root @ b, size * values.sum()
    # (I + b bᵀ/μ)^-½ = I - c b bᵀ, on both sides of S
    s = np.sqrt(1 + b @ b / mu)
    c, Sb = 1 / (mu * s * (1 + s)), S @ b
    half = c * np.outer(b, Sb - 0.5 * c * (b @ Sb) * b)
    values, V = leading(S - half - half.T, k)
    A = (V - c * np.outer(b, b @ V)) * _has_spread(values, size)
    return values, root @ A if squared else A


def _dual(K, e, mu, k, squared):
    """Values (k,) and weights (n, k) of the rows for any kernel matrix K (n, n)."""
    kernel = K @ K if squared else K
    mean, b = kernel.mean(axis=0), kernel @ e
    cost = mu + e @ b
    b -= b.mean()
    # With H the centring matrix: HKH less what the difference of means takes of it
    C = kernel - mean
    C -= mean[:, None] - mean.mean()
    C -= np.outer(b, b / cost)
    values, U = leading(C, k)
    spread = _has_spread(values, np.trace(kernel))
    W = (U - np.outer(e, b @ U / cost)) * (spread / np.sqrt(np.where(spread, values, 1)))
    return values, K @ W if squared else W


def _has_spread(values, size):
    """Which are more than rounding in a matrix of this trace."""
    return values > 10 * np.finfo(float).eps * size
