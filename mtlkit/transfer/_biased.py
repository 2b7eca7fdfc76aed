"""Biased regularisation: linear models fitted to the sources first, then to each target."""

import numpy as np
from sklearn.linear_model import Ridge

from .._utils._containers import groups
from .._utils._numerics import shortest_in_hull
from ..linear._base import TaskLinearRegressor
from ..linear._keeps_moments import KeepsMoments
from ..linear._moments import moments_or_rows
from ..table._reading import unique_tasks
from ._biased_moments import check_strengths, fit_moments, roles_of, solve_moments


class Biased:
    """Fits the sources by themselves and each other task with a pull to a mixture of them.

    Subclasses have `_fit_source(X, y, weight)`, which gives weights (d,) and an intercept, and
    `_fit_target(X, y, weight, starts)`: these, and the shares (K,) of sources of weights `starts`;
    or `_fit_sources` and `_fit_targets`, which take a list of such rows, many tasks at once.
    """

    def _rows_of_roles(self, rows):
        """The rows of sources and targets among checked rows; finds which tasks are sources."""
        tasks, codes = unique_tasks(rows[2])
        sources, targets = roles_of(self, tasks)
        kept = sorted(sources + targets)
        self._sources = [kept.index(t) for t in sources]
        use = np.isin(codes, kept)
        return tuple(part if part is None or use.all() else part[use] for part in rows)

    def _fit_tasks(self, X, y, codes, weight, absent=None):
        """Fit the tasks `tasks_` but those that are `absent` (T,), whose weights stay zero."""
        T, d, K = len(self.tasks_), X.shape[1], len(self._sources)
        weight = np.ones(len(y)) if weight is None else weight
        by_task = groups(codes, T)
        left = np.zeros(T, dtype=bool) if absent is None else absent
        coef, self.intercept_ = np.zeros((T, d)), np.zeros(T)
        self.source_shares_ = np.zeros((T, K))
        self.source_shares_[self._sources, np.arange(K)] = 1
        sources, targets = (
            [t for t in np.flatnonzero(~left) if (t in self._sources) is role]
            for role in (True, False)
        )

        def rows_of(tasks):
            return [(X[rows], y[rows], weight[rows]) for rows in (by_task[t] for t in tasks)]

        fits = self._fit_sources(rows_of(sources))
        for t, fitted in zip(sources, fits, strict=True):
            coef[t], self.intercept_[t] = fitted
        starts = coef[self._sources] if K else np.zeros((1, d))
        self.source_coef_ = starts.mean(axis=0)
        self.source_intercept_ = float(self.intercept_[self._sources].mean()) if K else 0.0
        fits = self._fit_targets(rows_of(targets), starts)
        for t, (w, b, shares) in zip(targets, fits, strict=True):
            coef[t], self.intercept_[t], self.source_shares_[t] = w, b, shares[:K]
        self.coef_ = coef
        return self

    def _fit_sources(self, parts):
        return [self._fit_source(*part) for part in parts]

    def _fit_targets(self, parts, starts):
        return [self._fit_target(*part, starts) for part in parts]

    def _for_new_tasks(self):
        return self.source_coef_, self.source_intercept_


class BiasedRidge(KeepsMoments, Biased, TaskLinearRegressor):
    r"""Biased ridge regression: the target is shrunk to the weights of source tasks, not to zero.

    First each source k is fitted by itself, which gives w_k (d,). Then, for each target task t,

    .. math::

        \min_{w, b, \beta} \; \sum_{i=1}^{n_t} (y_{ti} - x_{ti} \cdot w - b)^2
        + \alpha \big\|w - \textstyle\sum_k \beta_k w_k\big\|^2, \qquad
        \beta_k \ge 0, \; \sum_k \beta_k = 1,

    which is ridge on what the sources leave unexplained; with several sources the target's rows
    also choose the mixture β (K,). At ``alpha`` → 0 the target forgets the sources, except in
    directions that its rows do not reach; at infinity it keeps their weights and learns an
    intercept. With one source it is known as hypothesis transfer (Kuzborskij and Orabona 2013), and
    for networks as L2-SP (Li, Grandvalet and Davoine 2018).

    Parameters
    ----------
    source : task name, list of task names or None, default=None
        The tasks to learn from first; None: all tasks that `target` does not name.
    target : task name, list of task names or None, default=None
        The tasks that are pulled to the sources; None: all tasks that `source` does not name.
    alpha : float, default=1.0
        Strength of the pull to the sources' weights, for target tasks.
    source_alpha : float, default=1.0
        Ridge strength for the sources themselves.
    task_col : str, int or None, default=None
        The task column; None means one task without a source: ``Ridge(alpha)``.
    fit_intercept : bool, default=True
        Whether each task has an intercept; it is not penalised.

    Attributes
    ----------
    tasks_ : ndarray of shape (T,)
        The tasks with a labelled row in `fit`, sorted, the sources among them.
    coef_ : ndarray of shape (T, d)
        The weights w of each task.
    intercept_ : ndarray of shape (T,)
        The intercept b of each task.
    source_shares_ : ndarray of shape (T, K)
        The shares β of the K sources, in the order of `source`, in what each task is pulled to.
    source_coef_ : ndarray of shape (d,)
        Mean weights of the sources, for tasks that were not seen in `fit`; zero without a source.
    source_intercept_ : float
        Mean intercept of the sources.
    moments_ : TaskMoments
        Moments of the rows seen so far, to which `partial_fit` adds; all tasks are kept.
    n_features_in_ : int
        Number of columns of `X`, the task column included.
    feature_names_in_ : ndarray of str
        Names of the columns of `X`, if all are strings.

    Raises
    ------
    ValueError
        If a task in `source` or `target` has no labelled row, or both are None with a task column.

    See Also
    --------
    BiasedLogisticRegression : The same for classes.
    mtlkit.linear.MeanRegularizedRidge : Multi-task; all tasks are pulled to their common mean.
    mtlkit.neural.FineTuner : The same idea for a network (L2-SP).

    Notes
    -----
    Taught in :doc:`/chapters/algorithms/borrow_model`. Rows without a label or a role are left out.
    Cost: a `Ridge` per task, K outputs. Tune `alpha` on the target: `mtlkit.table.TargetKFold`.

    References
    ----------
    * I. Kuzborskij and F. Orabona, "Stability and hypothesis transfer learning", ICML 2013.
    * X. Li, Y. Grandvalet and F. Davoine, "Explicit inductive bias for transfer learning with
      convolutional networks", ICML 2018.

    Examples
    --------
    >>> from mtlkit.datasets import make_linear_tasks
    >>> X, y = make_linear_tasks(n_tasks=3, n_samples=[200, 200, 10], random_state=0)
    >>> model = BiasedRidge(source=[0, 1], alpha=30, task_col=0).fit(X, y)
    >>> model.coef_.shape, model.source_shares_.shape
    ((3, 20), (3, 2))
    """

    setting = "transfer"

    def __init__(
        self, source=None, *, target=None, alpha=1.0, source_alpha=1.0, task_col=None,
        fit_intercept=True,
    ):  # fmt: skip
        self.source = source
        self.target = target
        self.alpha = alpha
        self.source_alpha = source_alpha
        self.task_col = task_col
        self.fit_intercept = fit_intercept

    def fit(self, X, y, sample_weight=None):
        """Fit the sources, then each target.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)
            Table with the task column.
        y : array-like of shape (n,)
            Targets; NaN marks a row without label.
        sample_weight : array-like of shape (n,), default=None
            Weight of the loss of each row; None: all ones.

        Returns
        -------
        self
            The fitted estimator.
        """
        check_strengths(self, include="left")
        rows = self._rows(X, y, sample_weight)
        X, y, task, weight = self._rows_of_roles(rows)
        self.tasks_, codes = unique_tasks(task)
        self._fit_tasks(X, y, codes, weight)
        self._seen = moments_or_rows(rows)
        return self

    _fit_moments, _solve_moments, _fits_shared = fit_moments, solve_moments, False

    def _fit_source(self, X, y, weight):
        ridge = Ridge(self.source_alpha, fit_intercept=self.fit_intercept).fit(X, y, weight)
        return ridge.coef_, ridge.intercept_

    def _fit_target(self, X, y, weight, starts):
        left = y[:, None] - X @ starts.T  # unexplained by each source
        ridge = Ridge(self.alpha, fit_intercept=self.fit_intercept).fit(X, left, weight)
        shares = np.ones(1)
        if len(starts) > 1:  # the objective is a quadratic form in β, since all of it is linear
            rest = left - X @ ridge.coef_.T - ridge.intercept_
            bend = ridge.coef_ @ ridge.coef_.T
            shares = shortest_in_hull(rest.T @ (weight[:, None] * rest) + self.alpha * bend)
        intercept = shares @ np.broadcast_to(ridge.intercept_, len(starts))
        return shares @ (starts + ridge.coef_), intercept, shares
