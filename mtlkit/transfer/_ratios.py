"""Density ratios: how much more often a row comes up in the target than in the source.

A density ratio is an object with ``fit(X_source, X_target)`` and ``predict_ratio(X)`` (n,): an
estimate of p_target(x) / p_source(x), scaled to mean 1 over the source rows of `fit`.
"""

import warnings

import numpy as np
from scipy.linalg import cholesky, solve_triangular
from scipy.optimize import nnls
from scipy.special import logsumexp
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics.pairwise import euclidean_distances
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_random_state

from .._utils._validation import check_integer, check_number
from ..table._rows import check_features
from ._domains import refuse_huge

TINY = np.finfo(float).eps


class DensityRatio(BaseEstimator):
    """What density ratios share: two tables with the same columns, and one to predict."""

    task_col = None

    def _check_pair(self, X_source, X_target):
        """Both tables as floats (n_s, d) and (n_t, d), with the same columns in the same order."""
        source = self._features(X_source, reset=True)
        try:
            return source, self._features(X_target)
        except ValueError as error:
            raise ValueError(f"X_target, beside X_source: {error}") from error

    def _features(self, X, reset=False):
        features, _ = check_features(self, X, reset=reset)
        refuse_huge(features, X, None)
        return features

    def predict_ratio(self, X):
        """The density ratio at each row.

        Parameters
        ----------
        X : DataFrame or array of shape (n, d)
            Features, without the task column.

        Returns
        -------
        ratio : ndarray of shape (n,)
            Density of the target over that of the source, at least 0.
        """
        return self._ratio(self._features(X))


class ClassifierRatio(DensityRatio):
    r"""Density ratio from a classifier that separates target rows from source rows.

    By Bayes' rule, with n_s source and n_t target rows,

    .. math::

        \frac{p_t(x)}{p_s(x)}
        = \frac{n_s}{n_t} \cdot \frac{P(\text{target} | x)}{P(\text{source} | x)},

    so any classifier with good probabilities is an estimate of the ratio. For logistic regression
    log w(x) is linear in x, which is exact for two normal densities of the same covariance.

    Parameters
    ----------
    classifier : classifier with predict_proba or None, default=None
        None means logistic regression on standardised features.

    Attributes
    ----------
    classifier_ : classifier
        Fitted to source rows (class 0) and target rows (class 1).
    n_features_in_ : int
        Number of columns of both tables.
    feature_names_in_ : ndarray of str
        Names of the columns, if all are strings.
    scale_ : float
        What the odds are divided by, for a mean of 1 over the source rows. It takes the place of
        n_t / n_s.

    Raises
    ------
    ValueError
        If the classifier has no `predict_proba`, or gives every source row probability 0 of being
        a target row.

    See Also
    --------
    KLIEP : Estimates the ratio itself, without a classifier.
    ImportanceWeighted : Weights source rows by a density ratio.

    Notes
    -----
    Taught in :doc:`/chapters/algorithms/borrow_rows`.

    A flexible classifier that separates the rows of `fit` without error gives weights near 0: use
    one that is regularised, or calibrated. Cost: that of the classifier on n_s + n_t rows.

    References
    ----------
    * S. Bickel, M. Brückner and T. Scheffer, "Discriminative learning under covariate shift",
      Journal of Machine Learning Research 10, 2009, pp. 2137-2155.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> source, target = rng.normal(0, 1, (500, 1)), rng.normal(1, 1, (500, 1))
    >>> ratio = ClassifierRatio().fit(source, target)
    >>> ratio.predict_ratio([[-1], [2]]).round(1)  # exp(x - 1/2) is 0.2 and 4.5
    array([0.2, 4.7])
    """

    def __init__(self, classifier=None):
        self.classifier = classifier

    def fit(self, X_source, X_target):
        """Fit to rows of both domains.

        Parameters
        ----------
        X_source, X_target : DataFrame or array of shape (n_s, d) and (n_t, d)
            Features of source rows and of target rows, the same columns in the same order.

        Returns
        -------
        self
            The fitted density ratio.
        """
        X_source, X_target = self._check_pair(X_source, X_target)
        classifier = self.classifier
        if classifier is None:
            classifier = make_pipeline(StandardScaler(), LogisticRegression())
        if not hasattr(classifier, "predict_proba"):
            raise ValueError(f"classifier={classifier!r} has no predict_proba: use one that has")
        is_target = np.repeat([0, 1], [len(X_source), len(X_target)])
        self.classifier_ = clone(classifier).fit(np.vstack([X_source, X_target]), is_target)
        self.scale_ = self._odds(X_source).mean()
        if self.scale_ == 0:
            raise ValueError(
                f"{classifier!r} gives every source row probability 0 of being a target row: "
                "regularise it more, or calibrate it; or the domains do not overlap at all"
            )
        return self

    def _odds(self, X):
        source, target = self.classifier_.predict_proba(X).T
        return target / np.maximum(source, TINY)

    def _ratio(self, X):
        return self._odds(X) / self.scale_


class KLIEP(DensityRatio):
    r"""Density ratio as a mixture of kernels, fitted to the target by maximum likelihood (KLIEP).

    With centres c_l, l = 1 … b, among the target rows and the kernel K(x, c) = exp(-γ ‖x - c‖²),

    .. math::

        \max_{\pi} \; \frac{1}{n_t} \sum_{j \in \text{target}} \log w(x_j), \qquad
        w(x) = \sum_{l=1}^{b} \pi_l \, \varphi_l(x), \qquad
        \varphi_l(x) = \frac{K(x, c_l)}{\frac{1}{n_s} \sum_{i \in \text{source}} K(x_i, c_l)},

    over π (b,) ≥ 0 with sum 1. Each φ_l has mean 1 over the source rows, so w has: this is the
    constraint of the paper, whose α_l is π_l over the denominator of φ_l. The problem is concave.

    Parameters
    ----------
    gamma : float or None, default=None
        γ, for features that were standardised over all rows. None: the best of ``gammas_`` in
        five-fold cross-validation (Notes).
    n_centers : int, default=100
        b; centres are drawn from the target rows, or are all of them if there are no more.
    max_iter : int, default=100
        Largest number of Newton steps.
    tol : float, default=1e-8
        The solver stops when the objective is at most this far below its maximum.
    random_state : int, RandomState or None, default=None
        Draws centres and folds.

    Attributes
    ----------
    n_features_in_ : int
        Number of columns of both tables.
    feature_names_in_ : ndarray of str
        Names of the columns, if all are strings.
    gamma_ : float
        The γ in use.
    gammas_ : ndarray of shape (n_gammas,)
        The values that were tried; `gamma` alone if it was given.
    centers_ : ndarray of shape (b, d)
        The centres, standardised as the features are.
    mixture_ : ndarray of shape (b,)
        The weights π of the kernels.
    objective_ : float
        Mean log w over the target rows.
    gap_ : float
        No π has an objective more than this above `objective_`.
    n_iter_ : int
        Number of Newton steps.

    Raises
    ------
    ValueError
        If `gamma` is to be chosen from fewer than two rows of a domain.

    Warns
    -----
    ConvergenceWarning
        If the gap is above `tol` after `max_iter` steps.

    See Also
    --------
    ClassifierRatio : Faster, and log-linear by default.
    ImportanceWeighted : Weights source rows by a density ratio.

    Notes
    -----
    Taught in :doc:`/chapters/algorithms/borrow_rows`.

    The paper climbs by projected gradient. Here each step minimises the quadratic model of the
    objective over π ≥ 0, a non-negative least squares problem; the constraint that π sums to 1
    enters as the penalty Σ π, which has the same solution. As the objective f is concave,
    f* - f(π) ≤ max_l ∂f/∂π_l - 1.

    The paper chooses the γ of the highest mean log w on held-out target rows. A target row far
    from all source rows makes that as high as you like with narrow kernels, so here source rows
    are held out too, and γ maximises mean_target log w - mean_source w, which is largest at the
    true ratio (Nguyen, Wainwright and Jordan 2010).

    Cost: O(b (n_s + n_t) d) for distances and, for each γ and fold, O(b (n_s + n_t)) for kernels
    and O(b² (n_t + b)) a step.

    References
    ----------
    * M. Sugiyama, S. Nakajima, H. Kashima, P. von Bünau and M. Kawanabe, "Direct importance
      estimation with model selection and its application to covariate shift adaptation",
      NIPS 2007, pp. 1433-1440.
    * X. Nguyen, M. J. Wainwright and M. I. Jordan, "Estimating divergence functionals and the
      likelihood ratio by convex risk minimization", IEEE Transactions on Information Theory
      56(11), 2010, pp. 5847-5861.
    * Y. Kim, P. Carbonetto, M. Stephens and M. Anitescu, "A fast algorithm for maximum likelihood
      estimation of mixture proportions using sequential quadratic programming", Journal of
      Computational and Graphical Statistics 29(2), 2020, pp. 261-273.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> source, target = rng.normal(0, 1, (500, 1)), rng.normal(1, 1, (500, 1))
    >>> ratio = KLIEP(random_state=0).fit(source, target)
    >>> bool(ratio.predict_ratio([[2]])[0] > 10 * ratio.predict_ratio([[-1]])[0])
    True
    """

    def __init__(self, gamma=None, n_centers=100, *, max_iter=100, tol=1e-8, random_state=None):
        self.gamma = gamma
        self.n_centers = n_centers
        self.max_iter = max_iter
        self.tol = tol
        self.random_state = random_state

    def fit(self, X_source, X_target):
        """Fit to rows of both domains.

        Parameters
        ----------
        X_source, X_target : DataFrame or array of shape (n_s, d) and (n_t, d)
            Features of source rows and of target rows, the same columns in the same order.

        Returns
        -------
        self
            The fitted density ratio.
        """
        X_source, X_target = self._check_pair(X_source, X_target)
        n_centers = check_integer(self.n_centers, "n_centers")
        check_integer(self.max_iter, "max_iter")
        check_number(self.tol, "tol", low=0, open_high=True)
        if self.gamma is not None:
            check_number(self.gamma, "gamma", low=0, open_low=True, open_high=True)
        rng = check_random_state(self.random_state)
        self._scaler = StandardScaler().fit(np.vstack([X_source, X_target]))
        source, target = self._scaler.transform(X_source), self._scaler.transform(X_target)
        b = min(n_centers, len(target))
        self.centers_ = target[np.sort(rng.choice(len(target), b, replace=False))]
        far = [euclidean_distances(rows, self.centers_, squared=True) for rows in (source, target)]
        if self.gamma is None:
            self.gammas_ = np.logspace(-2, 2, 9) / target.shape[1]
            self.gamma_ = self._choose_gamma(*far, rng)
        else:
            self.gammas_, self.gamma_ = np.array([self.gamma]), self.gamma
        self._log_mass = _log_mass(far[0], self.gamma_)
        self.mixture_, self.gap_, self.n_iter_ = _mixture(
            -self.gamma_ * far[1] - self._log_mass, self.max_iter, self.tol
        )
        log_ratio = _log_ratio(far[1], self.gamma_, self._log_mass, self.mixture_)
        self.objective_ = log_ratio.mean()
        if self.gap_ > self.tol:
            warnings.warn(
                f"KLIEP stopped after max_iter={self.max_iter} steps with gap {self.gap_:.2g} > "
                f"tol={self.tol:g}: raise max_iter or tol",
                ConvergenceWarning,
                stacklevel=2,
            )
        return self

    def _choose_gamma(self, far_source, far_target, rng):
        """The γ whose ratio tells best the target from the source in rows that were left out."""
        n_folds = min(5, len(far_source), len(far_target))
        if n_folds < 2:
            raise ValueError(
                f"choosing gamma needs two rows of each domain, got {len(far_source)} of the "
                f"source and {len(far_target)} of the target: set gamma"
            )
        folds = KFold(n_folds, shuffle=True, random_state=rng.randint(2**31))
        splits = list(zip(folds.split(far_source), folds.split(far_target), strict=True))
        scores = np.zeros(len(self.gammas_))
        for k, gamma in enumerate(self.gammas_):
            for (source, source_out), (target, target_out) in splits:
                mass = _log_mass(far_source[source], gamma)
                mixture, _, _ = _mixture(-gamma * far_target[target] - mass, self.max_iter, 1e-4)
                inside = _log_ratio(far_target[target_out], gamma, mass, mixture)
                outside = _log_ratio(far_source[source_out], gamma, mass, mixture)
                scores[k] += inside.mean() - np.exp(outside).mean()
        return self.gammas_[np.argmax(scores)]

    def _ratio(self, X):
        far = euclidean_distances(self._scaler.transform(X), self.centers_, squared=True)
        return np.exp(_log_ratio(far, self.gamma_, self._log_mass, self.mixture_))


def _log_mass(far_source, gamma):
    """Log of the mean of each kernel over the source rows (b,)."""
    return logsumexp(-gamma * far_source, axis=0) - np.log(len(far_source))


def _log_ratio(far, gamma, log_mass, mixture):
    """Log w (n,); at most 700, where no source row is near, so that w is finite."""
    return np.minimum(logsumexp(-gamma * far - log_mass, b=mixture, axis=1), 700)


def _mixture(log_basis, max_iter, tol):
    """Mixture weights (b,) of largest likelihood, the duality gap, and the number of steps."""
    # A factor of a row is a constant in the objective.
    basis = np.exp(log_basis - log_basis.max(axis=1, keepdims=True))
    n, b = basis.shape
    pi = np.full(b, 1 / b)
    value = np.log(basis @ pi).mean() - 1
    for step in range(max_iter + 1):
        scaled = basis / (basis @ pi)[:, None]
        gradient = scaled.mean(axis=0)
        gap = gradient.max() - 1
        if gap <= tol or step == max_iter:
            break
        # Newton: the quadratic model has its minimum over pi >= 0 at nnls(root, right).
        hessian = scaled.T @ scaled / n
        hessian.flat[:: b + 1] += 1e-12 * (1 + hessian.diagonal())
        root = cholesky(hessian)  # upper: hessian = root.T @ root
        right = solve_triangular(root, 2 * gradient - 1, trans="T")
        way = nnls(root, right)[0] - pi
        new, size = -np.inf, 2.0
        while new < value and size > 1e-10:
            size /= 2
            trial = pi + size * way
            with np.errstate(divide="ignore"):
                new = np.log(basis @ trial).mean() - trial.sum()
        pi = trial / trial.sum()
        value = np.log(basis @ pi).mean() - 1
    return pi, gap, step
