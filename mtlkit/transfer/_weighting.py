"""Importance weighting: source rows count as much as the target would have such rows."""

import warnings

import numpy as np
from sklearn.base import clone
from sklearn.utils.metaestimators import available_if

from .._utils._delegation import fit_weighted, sub_estimator_has
from .._utils._validation import check_number
from ._domains import WeightedDomainEstimator
from ._ratios import ClassifierRatio


class ImportanceWeighted(WeightedDomainEstimator):
    r"""Importance weighting: source rows are weighted to look like the target.

    If both domains have the same p(y | x) and differ in p(x) only (covariate shift), a loss
    averaged over source rows with the weights w(x) = p_target(x) / p_source(x) estimates the loss
    on the target. With the labelled source rows S and the labelled target rows T, perhaps none,

    .. math::

        \min_f \; \sum_{i \in S} w_i \, \ell(f(x_i), y_i) + \sum_{j \in T} \ell(f(x_j), y_j),
        \qquad w_i = |S| \, \frac{w(x_i)^\kappa}{\sum_{k \in S} w(x_k)^\kappa},

    with the `exponent` κ. This helps an f that is too simple for the whole of x: it then fits
    where the target lies. An f that can be right everywhere needs no weights, and pays for them
    with variance, that of `effective_sample_size_` rows.

    Parameters
    ----------
    estimator : estimator
        A classifier or regressor that takes ``sample_weight`` in `fit`, or a Pipeline whose last
        step does.
    density_ratio : density ratio or None, default=None
        `KLIEP`, for instance; None means `ClassifierRatio()`.
    exponent : float, default=1.0
        κ, from 0 (equal weights: least variance, biased to the source) to 1 (least bias).
    source : task name, list of task names or None, default=None
        None means all tasks but the target.
    target : task name or None, default=None
        The target task; None: the one task that `source` does not name.
    task_col : str, int or None, default=None
        The task column; None means one task, and `estimator` as it is.

    Attributes
    ----------
    tasks_ : ndarray of shape (T,)
        The tasks of source and target, sorted.
    estimator_ : estimator
        Fitted to the weighted rows.
    density_ratio_ : density ratio or None
        Fitted to all rows, with and without label. None if there is no source.
    sample_weights_ : ndarray of shape (n_source,)
        w_i of the labelled source rows, in the order of the table; empty if there is no source.
    effective_sample_size_ : float
        (Σ w_i)² / Σ w_i²: a mean with these weights varies like one of so many equal rows. 0 if
        there is no source.
    outside_support_ : float
        Share of target rows outside the support of the source: their ratio is above that of every
        labelled source row. 0 if there is no source.
    classes_ : ndarray of shape (n_classes,)
        The classes of source and target, sorted; classifiers only.
    n_features_in_ : int
        Number of columns of `X`, the task column included.
    feature_names_in_ : ndarray of str
        Names of the columns of `X`, if all are strings.

    Raises
    ------
    ValueError
        If `source` or `target` is not a task, no source row has a label, the estimator takes no
        weights, or the ratio gives weights that are negative, infinite or all zero.

    Warns
    -----
    UserWarning
        If the effective sample size is less than a tenth of the labelled source rows, or less than
        30 and half of them; or if more than half of the target rows lie outside the support. A
        smooth ratio may hide a lack of overlap from the first, but not from the second.

    See Also
    --------
    ClassifierRatio, KLIEP : Density ratios.
    TrAdaBoostClassifier : Weights by labels of the target.
    PriorCorrection : For another mix of the classes instead of the features.

    Notes
    -----
    Taught in :doc:`/chapters/algorithms/borrow_rows`.

    The ratio sees no label and no `sample_weight`; the latter multiplies the weights w_i. Rows of
    all tasks, seen in `fit` or not, are predicted by the one `estimator_`. Cost: that of the ratio
    and of the estimator.

    References
    ----------
    * H. Shimodaira, "Improving predictive inference under covariate shift by weighting the
      log-likelihood function", Journal of Statistical Planning and Inference 90(2), 2000,
      pp. 227-244.
    * M. Sugiyama, M. Krauledat and K.-R. Müller, "Covariate shift adaptation by importance
      weighted cross validation", Journal of Machine Learning Research 8, 2007, pp. 985-1005.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> rng = np.random.default_rng(0)
    >>> x = np.r_[rng.normal(0.5, 0.5, 200), rng.normal(0, 0.3, 200)]
    >>> X = np.column_stack([np.repeat([0, 1], 200), x])
    >>> y = np.where(X[:, 0] == 0, x**3 - x, np.nan)  # the target (task 1) has no labels
    >>> model = ImportanceWeighted(LinearRegression(), target=1, task_col=0).fit(X, y)
    >>> model.estimator_.coef_.round(1), LinearRegression().fit(X[:200, 1:], y[:200]).coef_.round(1)
    (array([-0.5]), array([0.2]))
    """

    def __init__(
        self,
        estimator,
        *,
        density_ratio=None,
        exponent=1.0,
        source=None,
        target=None,
        task_col=None,
    ):
        self.estimator = estimator
        self.density_ratio = density_ratio
        self.exponent = exponent
        self.source = source
        self.target = target
        self.task_col = task_col

    def _fit_domains(self, domains):
        check_number(self.exponent, "exponent", low=0, high=1)
        X, y, weight = domains.labels_of("target")
        self.density_ratio_, self.sample_weights_ = None, np.empty(0)
        self.effective_sample_size_ = self.outside_support_ = 0.0
        if self.task_col is None:
            self.estimator_ = fit_weighted(self.estimator, X, y, weight)
            return
        X_source, y_source, weight_source = domains.labels_of("source", "ImportanceWeighted")
        ratio = ClassifierRatio() if self.density_ratio is None else self.density_ratio
        if not hasattr(ratio, "predict_ratio"):
            raise ValueError(
                f"density_ratio={ratio!r} is not a density ratio: use ClassifierRatio or KLIEP"
            )
        self.density_ratio_ = clone(ratio).fit(domains.source_rows, domains.target_rows)
        rows = X_source, domains.target_rows
        at_source, at_target = (np.asarray(self.density_ratio_.predict_ratio(r)) for r in rows)
        if weight is None:
            weight, weight_source = np.ones(len(y)), np.ones(len(y_source))
        self.sample_weights_ = self._weights(at_source, weight_source)
        total, squares = self.sample_weights_.sum(), (self.sample_weights_**2).sum()
        self.effective_sample_size_ = float(total**2 / squares)
        self.outside_support_ = float((at_target > at_source.max()).mean())
        self._warn_if_unlike()
        self.estimator_ = fit_weighted(
            self.estimator,
            np.vstack([X_source, X]),
            np.append(y_source, y),
            np.append(weight_source * self.sample_weights_, weight),
        )

    def _weights(self, ratio, weight):
        """A power of the ratio, scaled to mean 1."""
        if not (np.isfinite(ratio).all() and (ratio >= 0).all() and ratio.any()):
            raise ValueError(
                f"{self.density_ratio_!r} gives labelled source rows ratios from {ratio.min():g} "
                f"to {ratio.max():g}, but they must be finite, not negative, and not all zero: use "
                "another density ratio, or label source rows that look like the target"
            )
        power = (ratio / ratio.max()) ** self.exponent
        return power / np.average(power, weights=weight)

    def _warn_if_unlike(self):
        n, ess, messages = len(self.sample_weights_), self.effective_sample_size_, []
        if ess < max(n / 10, min(30, n / 2)):
            messages.append(
                f"the {n} labelled source rows count as {ess:.1f} (effective_sample_size_): few "
                "of them look like the target, and the fit rests on these. Lower exponent (now "
                f"{self.exponent:g}), or do not weight if the domains hardly overlap"
            )
        if self.outside_support_ > 0.5:
            messages.append(
                f"{self.outside_support_:.0%} of the target rows (outside_support_) are unlike "
                "every labelled source row: there the model extrapolates, whatever the weights. "
                "Align the features first, or label target rows"
            )
        for message in messages:
            warnings.warn(message, UserWarning, stacklevel=5)  # who calls fit

    def predict(self, X):
        """Predict rows of any task.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)
            Table with the task column.

        Returns
        -------
        y : ndarray of shape (n,)
            The predictions of `estimator_`.
        """
        X, _ = self._read(X)
        return self.estimator_.predict(X)

    @available_if(sub_estimator_has("predict_proba"))
    def predict_proba(self, X):
        """Class probabilities of rows of any task.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)
            Table with the task column.

        Returns
        -------
        proba : ndarray of shape (n, n_classes)
            In the order of `classes_`.
        """
        X, _ = self._read(X)
        return self.estimator_.predict_proba(X)

    @available_if(sub_estimator_has("decision_function"))
    def decision_function(self, X):
        """Decision values of rows of any task.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)
            Table with the task column.

        Returns
        -------
        values : ndarray of shape (n,) or (n, n_classes)
            As `estimator_` gives them, in the order of `classes_`.
        """
        X, _ = self._read(X)
        return self.estimator_.decision_function(X)
