"""`GridSearchCV` for models that are fitted from moments."""

import time
from contextlib import suppress

from sklearn.base import clone, is_classifier
from sklearn.metrics import check_scoring
from sklearn.model_selection import GridSearchCV, ParameterGrid, check_cv

from ._search import CANNOT, split_scores


class MomentSearchCV(GridSearchCV):
    """Grid search with cross-validation from moments: all settings and folds in one pass of rows.

    It chooses what ``GridSearchCV`` chooses, as `RidgeCV` does for one ridge.

    Moments (n, x̄, ȳ, Sxx, Sxy, Syy, see `TaskMoments`) are formed once for each fold. Those of a
    training part are the sum of the other folds, and with weights w_t (d,) and intercepts b_t of
    its fit, the squared error on a test part is, with the moments of that part,

    ``Σ_t Syy_t - 2 w_t·Sxy_t + w_t·Sxx_t w_t + n_t (ȳ_t - x̄_t·w_t - b_t)²``.

    Parameters
    ----------
    estimator : estimator
        `MeanRegularizedRidge`, `EmpiricalBayesRidge`, `MultiTaskLinearRegression` with any penalty,
        `BiasedRidge`, ``PerTask(Ridge())``, ``Pooled(Ridge())``, or a Pipeline of one of them after
        steps ``shared(StandardScaler())`` or ``per_task(StandardScaler())``. Any other estimator is
        searched as by `GridSearchCV`.
    param_grid : dict or list of dict
        Lists of values by the names of parameters, as in `GridSearchCV`.
    scoring : str or callable, default=None
        None is "r2". Besides, "explained_variance", "neg_mean_squared_error" and
        "neg_root_mean_squared_error" are read from moments. With any other, and for classifiers,
        the search is that of `GridSearchCV`.
    cv : int, splitter or list of (train, test), default=None
        As in `GridSearchCV`; None is 5 folds. ``TaskStratifiedKFold`` has every task in each fold.

    Attributes
    ----------
    best_params_ : dict
        The chosen setting.
    best_score_ : float
        Its mean test score.
    best_index_ : int
        Its position among ``cv_results_["params"]``.
    best_estimator_ : estimator
        Fitted with it to all rows.
    cv_results_ : dict of ndarrays
        Settings with their test scores on each split, mean, standard deviation and rank.
    from_moments_ : bool
        Whether moments were enough; False if the search was that of `GridSearchCV`.
    scorer_ : callable
        The scorer.
    n_splits_ : int
        Number of splits.
    refit_time_ : float
        Seconds of the last fit.
    multimetric_ : bool
        False.
    classes_, n_features_in_, feature_names_in_ : ndarray, int, ndarray
        Those of `best_estimator_`, if it has them.

    See Also
    --------
    sklearn.model_selection.GridSearchCV : The same choice, with a fit for each setting and fold.
    regularization_path : Fits for many strengths of one penalty.
    TaskMoments : What is kept of the rows.
    mtlkit.evaluation.compare : Searches in this way where it can.

    Notes
    -----
    Settings whose scores are nearer to the best than rounding are told apart on rows, as
    `GridSearchCV` does it; for models with a tolerance `tol`, those nearer than its root, and their
    other scores agree with those of `GridSearchCV` to the precision of the solver.

    Rows are used throughout where moments do not tell: for sample weights, missing labels, sparse
    tables, numbers of 32 bits, fewer training rows than T d, next to singular systems, test parts
    of one row or a constant target, and when a fit fails.

    For N rows, K folds, G settings, T tasks and d features the cost is O(N d²) for moments,
    O(K² T d²) for their sums and O(G K T d³) for fits in closed form, in place of O(G K N d²).

    Taught in :doc:`/chapters/outlook/large_data`.

    Examples
    --------
    >>> from mtlkit.datasets import make_linear_tasks
    >>> from mtlkit.linear import MeanRegularizedRidge, MomentSearchCV
    >>> from mtlkit.table import TaskStratifiedKFold
    >>> X, y = make_linear_tasks("shared mean", random_state=0)
    >>> grid = {"alpha": [0.1, 1, 10], "coupling": [0, 1, 10, 100]}
    >>> cv = TaskStratifiedKFold(5, task_col=0)
    >>> search = MomentSearchCV(MeanRegularizedRidge(task_col=0), grid, cv=cv).fit(X, y)
    >>> search.best_params_
    {'alpha': 1, 'coupling': 100}
    """

    def __init__(self, estimator, param_grid, *, scoring=None, cv=None):
        super().__init__(estimator, param_grid, scoring=scoring, cv=cv)

    def fit(self, X, y=None, **params):
        """Choose a setting, and fit the estimator with it to all rows.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)
            Table with the task column.
        y : array-like of shape (n,)
            Targets.
        **params : dict
            Of the `fit` of the estimator and the `split` of `cv`, such as `sample_weight` and
            `groups`; with any, the search is that of `GridSearchCV`.

        Returns
        -------
        self
            The fitted search.
        """
        self.from_moments_ = False
        vars(self).pop("feature_names_in_", None)  # of an earlier fit
        if params:
            return super().fit(X, y, **params)
        splits = list(check_cv(self.cv, y, classifier=is_classifier(self.estimator)).split(X, y))
        settings = list(ParameterGrid(self.param_grid))
        score, start = "r2" if self.scoring is None else self.scoring, time.perf_counter()
        scores = None
        with suppress(*CANNOT):
            scores = split_scores(
                self.estimator, settings, X, y, splits, score, scorer=self.scoring
            )
        if scores is None:
            rows = GridSearchCV(self.estimator, self.param_grid, scoring=self.scoring, cv=splits)
            found = vars(rows.fit(X, y))
            vars(self).update({name: v for name, v in found.items() if name.endswith("_")})
            return self
        seconds = (time.perf_counter() - start) / scores.size
        out = [{"fit_time": seconds, "score_time": 0.0, "test_scores": s} for s in scores.ravel()]
        self.cv_results_ = self._format_results(settings, len(splits), out)
        self.from_moments_, self.multimetric_, self.n_splits_ = True, False, len(splits)
        self.scorer_ = check_scoring(self.estimator, scoring=self.scoring)
        self.best_index_ = int(self.cv_results_["rank_test_score"].argmin())
        self.best_params_ = settings[self.best_index_]
        self.best_score_ = self.cv_results_["mean_test_score"][self.best_index_]
        best = clone(self.estimator).set_params(**clone(self.best_params_, safe=False))
        start = time.perf_counter()
        self.best_estimator_ = best.fit(X, y)
        self.refit_time_ = time.perf_counter() - start
        if hasattr(best, "feature_names_in_"):
            self.feature_names_in_ = best.feature_names_in_
        return self
