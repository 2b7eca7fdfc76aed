"""Biased regularisation: linear models fitted to the sources first, then to each target."""

import numpy as np
from scipy.optimize import minimize
from sklearn.linear_model import Ridge

from .._utils._containers import groups
from .._utils._numerics import shortest_in_hull
from .._utils._validation import check_integer, check_number
from ..linear._base import TaskLinearClassifier, TaskLinearRegressor
from ..linear._losses import LogisticLoss
from ..linear._penalties import SharedMean
from ..linear._solver import solve, warn_unless_converged
from ..table._reading import unique_tasks
from ._biased_moments import check_strengths, fit_moments
from ._domains import find_roles


class Biased:
    """Fits the sources by themselves and each other task with a pull to a mixture of them.

    Subclasses have `_fit_source(X, y, weight)`, which gives weights (d,) and an intercept, and
    `_fit_target(X, y, weight, starts)`: these, and the shares (K,) of sources of weights `starts`.
    """

    def _rows_of_roles(self, rows):
        """The rows of sources and targets among checked rows; finds which tasks are sources."""
        tasks, codes = unique_tasks(rows[2])
        roles = self.source, self.target
        known = "a task with a labelled row"
        sources, targets = find_roles(*roles, tasks, self.task_col, several=True, kind=known)
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
        for k, t in enumerate(self._sources):
            rows = by_task[t]
            if not left[t]:
                coef[t], self.intercept_[t] = self._fit_source(X[rows], y[rows], weight[rows])
            self.source_shares_[t, k] = 1
        starts = coef[self._sources] if K else np.zeros((1, d))
        self.source_coef_ = starts.mean(axis=0)
        self.source_intercept_ = float(self.intercept_[self._sources].mean()) if K else 0.0
        for t in np.setdiff1d(np.arange(T), self._sources):
            rows = by_task[t]
            if not left[t]:
                fitted = self._fit_target(X[rows], y[rows], weight[rows], starts)
                coef[t], self.intercept_[t], shares = fitted
                self.source_shares_[t] = shares[:K]
        self.coef_ = coef
        return self

    def _for_new_tasks(self):
        return self.source_coef_, self.source_intercept_


class BiasedRidge(Biased, TaskLinearRegressor):
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
        self,
        source=None,
        *,
        target=None,
        alpha=1.0,
        source_alpha=1.0,
        task_col=None,
        fit_intercept=True,
    ):
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
        X, y, task, weight = self._rows_of_roles(self._rows(X, y, sample_weight))
        self.tasks_, codes = unique_tasks(task)
        return self._fit_tasks(X, y, codes, weight)

    _fit_moments = fit_moments

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


class BiasedLogisticRegression(Biased, TaskLinearClassifier):
    r"""Biased logistic regression: the target is shrunk to source tasks, not to zero.

    As `BiasedRidge`, with the logistic loss. For each target task t with labels y_ti 0 or 1,

    .. math::

        \min_{w, b, \beta} \; \sum_{i=1}^{n_t} \big[\log(1 + e^{z_{ti}}) - y_{ti} z_{ti}\big]
        + \alpha \big\|w - \textstyle\sum_k \beta_k w_k\big\|^2, \qquad
        z_{ti} = x_{ti} \cdot w + b, \; \beta_k \ge 0, \; \sum_k \beta_k = 1.

    With one task it is scikit-learn's `LogisticRegression` at C = 1/(2α). With more than two
    classes there is one such problem for each class against the rest.

    Parameters
    ----------
    source : task name, list of task names or None, default=None
        The tasks to learn from first; None: all tasks that `target` does not name.
    target : task name, list of task names or None, default=None
        The tasks that are pulled to the sources; None: all tasks that `source` does not name.
    alpha : float, default=1.0
        Strength of the pull to the sources' weights, for target tasks; above 0.
    source_alpha : float, default=1.0
        Ridge strength for the sources themselves; above 0.
    task_col : str, int or None, default=None
        The task column; None means one task.
    fit_intercept : bool, default=True
        Whether each task has an intercept; it is not penalised.
    tol : float, default=1e-6
        Duality gap at which a fit stops, relative to the loss without weights.
    max_iter : int, default=10000
        Most proximal steps of a fit.

    Attributes
    ----------
    classes_ : ndarray of shape (K,)
        The union of the classes of all tasks.
    tasks_ : ndarray of shape (T,)
        The tasks with a labelled row in `fit`, sorted, the sources among them.
    coef_ : ndarray of shape (T, d), or (K, T, d) if K > 2
        The weights w of each task.
    intercept_ : ndarray of shape (T,), or (K, T) if K > 2
        Finite also for a task with one class in `fit`: it starts from the sources' prediction at
        the mean of all rows, which counts as one row.
    source_shares_ : ndarray of shape (T, S), or (K, T, S) if K > 2
        The shares β of the S sources, in the order of `source`, in what each task is pulled to.
    source_coef_ : ndarray of shape (d,), or (K, d) if K > 2
        Mean weights of the sources, for tasks that were not seen in `fit`.
    source_intercept_ : float, or ndarray of shape (K,) if K > 2
        Mean intercept of the sources, which goes with it.
    n_iter_ : int, or ndarray of shape (K,) if K > 2
        Proximal steps of the longest of the fits.
    estimators_ : list of BiasedLogisticRegression
        Only if K > 2: each class against the rest.
    n_features_in_ : int
        Number of columns of `X`, the task column included.
    feature_names_in_ : ndarray of str
        Names of the columns of `X`, if all are strings.

    Raises
    ------
    ValueError
        As in `BiasedRidge`, and if there are fewer than two classes.

    Warns
    -----
    ConvergenceWarning
        If the duality gap was not reached in `max_iter` steps.

    See Also
    --------
    BiasedRidge : The same for a continuous target.
    TransferForestClassifier : The same aim for a forest.

    Notes
    -----
    Taught in :doc:`/chapters/algorithms/borrow_model`. A proximal step costs O(n_t d); shares of
    several sources are found by SLSQP, a fit per trial. Scale the features. Source: `BiasedRidge`.

    Examples
    --------
    >>> from mtlkit.datasets import load_digit_tasks
    >>> X, y = load_digit_tasks(rows_per_task=60)
    >>> model = BiasedLogisticRegression(source=0, alpha=3, task_col=0).fit(X, y)
    >>> model.source_shares_[1]
    array([1.])
    """

    setting = "transfer"

    def __init__(
        self,
        source=None,
        *,
        target=None,
        alpha=1.0,
        source_alpha=1.0,
        task_col=None,
        fit_intercept=True,
        tol=1e-6,
        max_iter=10000,
    ):
        self.source = source
        self.target = target
        self.alpha = alpha
        self.source_alpha = source_alpha
        self.task_col = task_col
        self.fit_intercept = fit_intercept
        self.tol = tol
        self.max_iter = max_iter

    def fit(self, X, y, sample_weight=None):
        """Fit the sources, then each target.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)
            Table with the task column.
        y : array-like of shape (n,)
            Class labels; a missing one (NaN, None) marks a row without label.
        sample_weight : array-like of shape (n,), default=None
            Weight of the loss of each row; None: all ones.

        Returns
        -------
        self
            The fitted estimator.
        """
        check_strengths(self, include="neither")
        check_number(self.tol, "tol", low=0, open_high=True)
        check_integer(self.max_iter, "max_iter")
        rows = self._rows(X, y, sample_weight, classes=True)
        names = ["coef_", "intercept_", "source_shares_", "source_coef_", "source_intercept_"]
        rows = self._class_codes(self._rows_of_roles(rows))
        warn_unless_converged(self._fit_classes(rows, [*names, "n_iter_"]))
        return self

    def _fit_binary(self, X, y, codes, weight, absent=None, warm=False):
        # Where the level of a task with one class begins: the log odds of all rows, at their mean.
        share = np.average(y, weights=weight)
        self._level = np.average(X, axis=0, weights=weight), np.log(share) - np.log1p(-share)
        self._solutions, self.n_iter_ = [], 1
        self._fit_tasks(X, y, codes, weight, absent)
        return self.__dict__.pop("_solutions")

    def _fit_source(self, X, y, weight):
        loss = self._loss(X, y, weight)
        solution = self._solve(loss, self.source_alpha)
        self._solutions.append(solution)
        return solution.W[0], loss.intercept(solution.W)[0]

    def _fit_target(self, X, y, weight, starts):
        K, scores = len(starts), X @ starts.T
        loss = self._loss(X, y, weight)
        shares = np.full(K, 1 / K)
        if K > 1 and loss.kept.all():  # else all rows are of one class
            search = minimize(
                self._value_of_shares, shares, (loss, scores), jac=True, method="SLSQP",
                bounds=[(0, 1)] * K, options={"ftol": self.tol},
                constraints={"type": "eq", "fun": lambda b: b.sum() - 1, "jac": np.ones_like},
            )  # fmt: skip
            shares = search.x
        if loss.kept.all():
            loss.offset = scores @ shares
        solution = self._solve(loss, self.alpha)
        self._solutions.append(solution)
        w = shares @ starts + solution.W[0]
        loss.offset = 0.0  # the intercept is that of the whole weights
        if len(self._sources):
            loss.typical = self._level[0] @ self.source_coef_ + self.source_intercept_
        return w, loss.intercept(w[None])[0], shares

    def _value_of_shares(self, shares, loss, scores):
        """The minimum over w and b for given shares (K,), and its gradient, relative to f(0)."""
        loss.offset = scores @ shares
        solution = self._solve(loss, self.alpha)
        slopes = loss.slopes(loss.apply(solution.W))
        return solution.objective / loss.yy, slopes @ scores / loss.yy

    def _loss(self, X, y, weight):
        codes = np.zeros(len(y), dtype=int)
        centre, typical = self._level
        loss = LogisticLoss(
            X, y, weight, codes, codes[:1], np.ones(1), self.fit_intercept, typical=typical
        )
        loss.centre = centre
        return loss

    def _solve(self, loss, alpha):
        penalty, start = SharedMean(coupling=0), np.zeros(loss.shape)
        solution = solve(loss, penalty, alpha, start, self.tol, self.max_iter)
        self.n_iter_ = max(self.n_iter_, solution.n_iter)
        return solution
