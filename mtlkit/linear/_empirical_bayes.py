"""Partial pooling whose strength is estimated: random intercepts and slopes by REML."""

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from .._utils._containers import as_table, groups, some, take
from .._utils._validation import check_flag, check_integer
from ..table._rows import feature_names
from ._base import TaskLinearRegressor
from ._keeps_moments import KeepsMoments
from ._moments import moments_of
from ._reml import Criterion, minimise


class EmpiricalBayesRidge(KeepsMoments, TaskLinearRegressor):
    r"""Empirical Bayes ridge: tasks are shrunk to what they share as much as they are alike.

    The linear mixed model, with random intercepts and slopes, fitted by restricted maximum
    likelihood (REML). For row i of task t, with z_ti = (1, x_ti,R) the intercept and the columns R
    that `random_slopes` names,

    .. math::

        y_{ti} = b + x_{ti} \cdot w + z_{ti} \cdot u_t + \varepsilon_{ti}, \qquad
        u_t \sim N(0, G), \quad \varepsilon_{ti} \sim N(0, \sigma^2).

    The fixed effects w (d,) and b are what tasks share; the random effects u_t (1 + \|R\|,) have a
    full covariance G = σ² Λ Λᵀ. With X the fixed columns with a constant (N, p), Z_t the random
    ones of task t, and r² the least value of ‖y - Xβ - Σ Z_t Λ v_t‖² + Σ ‖v_t‖², Λ minimises

    .. math::

        \sum_t \log|I + \Lambda^\top Z_t^\top Z_t \Lambda| + \log|X^\top V^{-1} X|
        + (N - p) \Big[1 + \log \frac{2 \pi r^2}{N - p}\Big], \qquad
        V = I + \mathrm{diag}(Z_t \Lambda \Lambda^\top Z_t^\top),

    and σ² = r² / (N - p). This is `MeanRegularizedRidge` with strengths that the table chooses. A
    task is predicted with its own u_t, the best linear unbiased prediction (BLUP); a new task by
    the fixed effects.

    Parameters
    ----------
    random_slopes : list of column names or positions, "all" or None, default=None
        The columns whose slopes differ by task. Positions count the columns of the array that is
        passed, the task column among them; a DataFrame takes names. None: only intercepts differ.
        With k slopes (k + 1) (k + 2) / 2 variances and covariances are estimated from T tasks.
    task_col : str, int or None, default=None
        The task column; None means one task.
    max_iter : int, default=1000
        Most steps of the minimiser (L-BFGS).

    Attributes
    ----------
    tasks_ : ndarray of shape (T,)
        The tasks with a labelled row in `fit`, sorted.
    coef_ : ndarray of shape (T, d)
        The weights of each task, fixed and random part.
    intercept_ : ndarray of shape (T,)
        The intercept of each task.
    shared_coef_ : ndarray of shape (d,)
        The fixed weights w, which predict tasks that were not seen in `fit`.
    shared_intercept_ : float
        The fixed intercept b.
    standard_errors_ : ndarray of shape (1 + d,)
        Those of the fixed effects, the intercept first; NaN for the weight of a column that is
        constant or a combination of others.
    fixed_covariance_ : ndarray of shape (1 + d, 1 + d)
        Covariance of the estimated fixed effects, the intercept first.
    random_covariance_ : ndarray of shape (1 + k, 1 + k)
        G, the covariance of the random effects: the intercept, then the slopes in the order of
        `random_slopes`.
    residual_variance_ : float
        The variance σ² of a row about the line of its task.
    reml_criterion_ : float
        The minimum: minus twice the restricted log-likelihood.
    n_iter_ : int
        Steps of the minimiser.
    moments_ : TaskMoments
        Moments of the rows seen so far, to which `partial_fit` adds.
    feature_importances_ : ndarray of shape (p,)
        Root mean square over tasks of each feature's weights, and twice the largest for the task
        column.
    n_features_in_ : int
        Number of columns of `X`, the task column among them.
    feature_names_in_ : ndarray of shape (p,)
        Names of the columns of `X`, if all are strings.

    Raises
    ------
    ValueError
        For columns in `random_slopes` that `X` lacks, no more rows than fixed effects, NaN in
        features, no labelled row.

    Warns
    -----
    ConvergenceWarning
        If the gradient has not vanished after `max_iter` steps.

    See Also
    --------
    MeanRegularizedRidge : The same pull, of a strength that a search chooses.
    TaskMoments : What is needed of the rows; moments of parts of the rows add up.
    mtlkit.baselines.PerTask : One model per task, the limit of large random effects.
    mtlkit.baselines.Pooled : One model for all, the limit of none.

    Notes
    -----
    Taught in :doc:`/chapters/algorithms/partial_pooling`.

    The result does not depend on the unit or the origin of a feature. A column that is constant has
    weight 0, and columns that are combinations of each other share their weight (the least norm in
    units of their standard deviations). A variance may be exactly zero. Where the table cannot tell
    tasks from noise (one task, or one row in each) it is zero too: pooled least squares. Noise with
    less than 1e-5 of the standard deviation of y is not resolved.

    A row with `sample_weight` k counts as k rows. Weights 1 / v_i, for noise of variance σ² v_i,
    give the estimates of such noise if they are scaled to mean 1 over the labelled rows; then
    `reml_criterion_` leaves out Σ log v_i.

    Standard errors and deviations take the estimated variances as known, as lme4 does. Cost with q
    random effects a task: O(N d²) time for the moments, O(T d² q) to prepare, then O(T q² (q + d))
    a step, of all tasks at once; O(T d²) memory.

    References
    ----------
    * D. Bates, M. Mächler, B. Bolker and S. Walker, "Fitting linear mixed-effects models using
      lme4", Journal of Statistical Software 67(1), 2015.
    * N. M. Laird and J. H. Ware, "Random-effects models for longitudinal data", Biometrics
      38(4):963-974, 1982.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlkit.datasets import make_linear_tasks
    >>> from mtlkit.linear import EmpiricalBayesRidge
    >>> X, y = make_linear_tasks("shared mean", n_features=2, random_state=0)
    >>> model = EmpiricalBayesRidge(random_slopes="all", task_col=0).fit(X, y)
    >>> model.random_covariance_.shape
    (3, 3)
    >>> mean, std = model.predict(X[:1], return_std=True)  # of a new row, its noise included
    >>> of_line = np.sqrt(std**2 - model.residual_variance_)
    """

    _most = 1e150  # squares must stay below infinity

    def __init__(self, random_slopes=None, *, task_col=None, max_iter=1000):
        self.random_slopes = random_slopes
        self.task_col = task_col
        self.max_iter = max_iter

    def fit(self, X, y, sample_weight=None):
        """Fit the model.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)
            Table with the task column.
        y : array-like of shape (n,)
            Targets; NaN marks an unlabelled sample.
        sample_weight : array-like of shape (n,), default=None
            How many rows each row counts as; None means 1. Rows of weight 0 are left out.

        Returns
        -------
        self
            The fitted estimator.
        """
        return self._solve(moments_of(self._rows(X, y, sample_weight)))

    def predict(self, X, return_std=False):
        """Predict each row by its task, or by the fixed effects if the task is new.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)
            Table with the task column.
        return_std : bool, default=False
            Whether to return the standard deviation of the prediction of a new row too. As in
            `sklearn.linear_model.BayesianRidge` it includes the noise; that of the mean alone is
            ``np.sqrt(std**2 - model.residual_variance_)``. For a new task it includes the spread
            of tasks.

        Returns
        -------
        y : ndarray of shape (n,)
            The predicted targets.
        std : ndarray of shape (n,)
            Their standard deviations, only with `return_std`.
        """
        X, codes = self._read(X)
        mean = self._linear(X, codes)
        return (mean, self._deviation(X, codes)) if check_flag(return_std, "return_std") else mean

    def _deviation(self, X, codes):
        """√ of σ² [1 + ‖Cᵀ(x - Mᵀz)‖² + ‖W z‖²], with x, z the fixed and random columns."""
        x0, F, N, C, M, W, sigma = self._uncertainty
        codes = np.where(codes < 0, len(W) - 1, codes)
        parts = np.empty((len(X), F.shape[1] + W.shape[1]))
        with np.errstate(over="ignore", invalid="ignore"):
            X = np.column_stack([np.asarray(X) - x0, np.ones(len(X))])
            x, z = X @ F, X @ N
            for t, rows in enumerate(groups(codes, len(W))):
                parts[rows] = np.column_stack([(x[rows] - z[rows] @ M[t]) @ C, z[rows] @ W[t].T])
            std = sigma * np.hypot(1, np.hypot.reduce(parts, axis=1))
        if not np.isfinite(std).all():
            row = np.flatnonzero(~np.isfinite(std))[0]
            raise ValueError(f"the standard deviation of row {row} overflows: check its features")
        return std

    def _rows(self, X, y, sample_weight, *, reset=True):
        rows = super()._rows(X, y, sample_weight, reset=reset)
        if reset:
            self._columns = feature_names(as_table(take(X, [0])), self.task_col)
        return rows

    def _slopes(self):
        """Positions among the features of the columns that `random_slopes` names."""
        slopes, columns = self.random_slopes, self._columns
        if slopes is None:
            return []
        if isinstance(slopes, str) and slopes == "all":
            return list(range(len(columns)))
        if isinstance(slopes, str) or not np.iterable(slopes):
            raise ValueError(
                f"random_slopes={slopes!r} must be None, 'all' or a list of columns, as "
                f"{some(columns[:2])}"
            )
        places = []
        for name in slopes:
            is_position = isinstance(name, int | np.integer) and not isinstance(name, bool)
            if is_position and name < 0 and not hasattr(self, "feature_names_in_"):
                name += self.n_features_in_
            if isinstance(name, bool | np.bool_) or name not in columns:
                raise ValueError(
                    f"random_slopes holds {name!r}, which is not a feature: choose from "
                    f"{some(columns)}"
                )
            places.append(columns.index(name))
        if len(set(places)) < len(places):
            raise ValueError(f"random_slopes={slopes!r} names a column twice")
        return places

    def _solve(self, seen):
        """Fit from moments; `_rows` has read the columns of the table before."""
        max_iter, slopes = check_integer(self.max_iter, "max_iter"), self._slopes()
        d = seen.x_mean.shape[1]
        n = seen.n.sum()
        x0, y0 = (np.average(mean, axis=0, weights=seen.n) for mean in (seen.x_mean, seen.y_mean))
        A, r = seen.about(x0, y0)
        yy = (seen.Syy + seen.n * (seen.y_mean - y0) ** 2).sum()
        scale = np.sqrt(yy / n)
        unit = 1 / scale if scale > 1e-13 * np.abs(seen.y_mean).max() else 0.0
        # Columns of unit variance without correlation: neither units nor collinear columns matter.
        second = A.sum(axis=0)[:d, :d] / n
        size = np.sqrt(second.diagonal())
        constant = size <= np.maximum(1e-13 * np.abs(seen.x_mean).max(axis=0), 1e-140)
        size = np.where(constant, np.inf, size)
        B, log_size, told = _whitening(second, size, range(d))
        F = np.zeros((d + 1, B.shape[1] + 1))
        F[:d, :-1], F[d, -1] = B, 1.0
        B = _whitening(second, size, slopes)[0]
        N = np.zeros((d + 1, B.shape[1] + 1))
        N[slopes, :-1], N[d, -1] = B, 1.0
        free = n - F.shape[1]
        if free < 1e-9:
            raise ValueError(
                f"n_samples={n:g} (the sum of sample_weight, if given: scale it to mean 1), and "
                f"{F.shape[1]} fixed effects with the intercept leave no residual to estimate "
                "variances from: pass more rows or fewer columns, or use MeanRegularizedRidge"
            )
        criterion = Criterion(A, r * unit, yy * unit**2, F, N, free)
        try:
            L, steps, converged = minimise(criterion, max_iter)
            value = criterion(L)[0]
            W, M, C, beta, effects, rss, _ = criterion.parts(L)
        except np.linalg.LinAlgError:
            raise _overflow() from None
        if not converged:
            warnings.warn(
                f"the REML criterion is not at its minimum after {steps} steps: raise "
                f"max_iter={max_iter}, or name fewer random_slopes",
                ConvergenceWarning,
                stacklevel=3,
            )
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            sigma = scale * np.sqrt(rss / free)
            shared = scale * (F @ beta)
            own = shared + scale * (effects @ N.T)
            back = np.roll(np.eye(d + 1), 1, axis=0)  # to a constant that comes first, about 0
            back[0, :d] = -x0
            fixed = sigma * (back @ F @ C)
            random = sigma * (back @ N @ L)[[0, *(j + 1 for j in slopes)]]
            fixed, random = fixed @ fixed.T, random @ random.T
            value += log_size + free * 2 * np.log(scale)
        if not all(np.isfinite(part).all() for part in (own, shared, fixed, random)):
            raise _overflow()
        self.fixed_covariance_, self.random_covariance_ = fixed, random
        self.reml_criterion_, self.n_iter_ = float(value), steps
        self.tasks_, self.coef_, self.shared_coef_ = seen.tasks, own[:, :d], shared[:d]
        self.intercept_ = y0 + own[:, d] - own[:, :d] @ x0
        self.shared_intercept_ = float(y0 + shared[d] - shared[:d] @ x0)
        self.standard_errors_ = np.sqrt(fixed.diagonal())
        self.standard_errors_[1:][~told] = np.nan
        self.residual_variance_ = float(sigma**2)
        # Those of a new task last: its random effects have no data.
        M, W = np.append(M, np.zeros_like(M[:1]), axis=0), np.append(W, L.T[None], axis=0)
        self._uncertainty = x0, F, N, C, M, W, sigma
        self._seen = seen  # last: after an error nothing has been added
        return self


def _overflow():
    return ValueError("numbers overflow: scale features and targets to moderate size")


def _whitening(second, size, columns):
    """B with Bᵀ S B = I for the second moments S of columns; the log determinant of S, without what
    is collinear; which columns are no combination of others.
    """
    columns = np.asarray(columns, dtype=int)
    size = size[columns]
    values, vectors = np.linalg.eigh(second[np.ix_(columns, columns)] / size[:, None] / size)
    kept = values > 1e-12 * max(len(columns), 1)
    values, vectors = values[kept], vectors[:, kept]
    log_size = 2 * np.log(size[np.isfinite(size)]).sum() + np.log(values).sum()
    told = (vectors**2).sum(axis=1) > 1 - 1e-6
    return vectors / np.sqrt(values) / size[:, None], log_size, told
