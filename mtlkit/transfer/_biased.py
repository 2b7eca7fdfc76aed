"""Biased regularisation: a target task is shrunk to the weights of source tasks, not to zero.

What belongs here: linear models that are fitted to the sources first, then to each target.
"""

import numpy as np
from scipy.optimize import minimize
from sklearn.linear_model import Ridge

from .._utils._containers import groups
from .._utils._numerics import shortest_in_hull
from .._utils._validation import check_flag, check_integer, check_number, check_strength
from ..linear._base import TaskLinearClassifier, TaskLinearRegressor
from ..linear._losses import LogisticLoss
from ..linear._penalties import SharedMean
from ..linear._solver import solve
from ..table._reading import unique_tasks
from ..table._rows import check_rows
from ._domains import find_roles


class Biased:
    """Fits the sources by themselves and each other task with a pull to a mixture of them.

    A class that derives from it has `_fit_source(X, y, weight)`, which gives weights (d,) and an
    intercept, and `_fit_target(X, y, weight, starts)`, which gives these and the shares (K,) of
    the K sources whose weights are `starts` (K, d).
    """

    def _fit_rows(self, X, y, task, weight):
        tasks, codes = unique_tasks(task)
        roles = self.source, self.target
        known = "a task with a labelled row"
        sources, targets = find_roles(*roles, tasks, self.task_col, several=True, kind=known)
        kept = sorted(sources + targets)
        self.tasks_ = tasks[kept]
        T, d, K = len(kept), X.shape[1], len(sources)
        by_task = groups(codes, len(tasks))
        self.coef_, self.intercept_ = np.zeros((T, d)), np.zeros(T)
        self.source_shares_ = np.zeros((T, K))
        sources = [kept.index(t) for t in sources]
        for k, t in enumerate(sources):
            own = rows_of(X, y, weight, by_task[kept[t]])
            self.coef_[t], self.intercept_[t] = self._fit_source(*own)
            self.source_shares_[t, k] = 1
        starts = self.coef_[sources] if K else np.zeros((1, d))
        for t in np.setdiff1d(np.arange(T), sources):
            own = rows_of(X, y, weight, by_task[kept[t]])
            self.coef_[t], self.intercept_[t], shares = self._fit_target(*own, starts)
            self.source_shares_[t] = shares[:K]
        self.source_coef_ = starts.mean(axis=0)
        self.source_intercept_ = float(self.intercept_[sources].mean()) if K else 0.0
        return self

    def _for_new_tasks(self):
        return self.source_coef_, self.source_intercept_


def rows_of(X, y, weight, rows):
    return X[rows], y[rows], np.ones(len(rows)) if weight is None else weight[rows]


class BiasedRidge(Biased, TaskLinearRegressor):
    r"""Biased ridge regression: the target is shrunk to the weights of source tasks, not to zero.

    First each source k is fitted by itself, which gives w_k (d,). Then, for each other task t,

    .. math::

        \min_{w, b, \beta} \; \sum_{i=1}^{n_t} (y_{ti} - x_{ti} \cdot w - b)^2
        + \alpha \big\|w - \textstyle\sum_k \beta_k w_k\big\|^2, \qquad
        \beta_k \ge 0, \; \sum_k \beta_k = 1,

    which is ridge on what the sources leave unexplained; with several sources the target's own rows
    also choose the mixture β (K,) of them. At ``alpha`` → 0 the target forgets the sources, except
    in directions that its rows do not reach; at infinity it keeps their weights and learns an
    intercept. With one source it is known as biased regularisation and hypothesis transfer
    (Kuzborskij and Orabona 2013), and for networks as L2-SP (Li, Grandvalet and Davoine 2018).

    Parameters
    ----------
    source : task name, list of task names or None, default=None
        The task or tasks to learn from first. None: all tasks that `target` does not name.
    target : task name, list of task names or None, default=None
        The tasks that are pulled to the sources; rows of tasks that are neither are left out. None:
        all tasks that `source` does not name.
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
        Mean weights of the sources; they predict tasks that were not seen in `fit`. Zero if there
        is no source.
    source_intercept_ : float
        Mean intercept of the sources, which goes with it.
    n_features_in_ : int
        Number of columns of `X`, the task column included.
    feature_names_in_ : ndarray of str
        Names of the columns of `X`, if all are strings.

    Raises
    ------
    ValueError
        If a task that `source` or `target` names has no labelled row, or both are None while there
        is a task column.

    See Also
    --------
    BiasedLogisticRegression : The same for classes.
    mtlkit.linear.MeanRegularizedRidge : Multi-task; all tasks are pulled to their common mean.
    mtlkit.neural.FineTuner : The same idea for a network (L2-SP).

    Notes
    -----
    Taught in :doc:`/chapters/algorithms/borrow_model`.

    Rows with NaN in `y` are left out. Cost: that of one `Ridge` per task, with K outputs. Tune
    `alpha` on the target's rows, with `mtlkit.table.TargetKFold` or the `tasks` of
    `mtlkit.evaluation.compare`.

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
        for name in ("alpha", "source_alpha"):
            check_strength(self, name, include="left")
        check_flag(self.fit_intercept, "fit_intercept")
        return self._fit_rows(*check_rows(self, X, y, sample_weight))

    def _fit_source(self, X, y, weight):
        ridge = Ridge(self.source_alpha, fit_intercept=self.fit_intercept).fit(X, y, weight)
        return ridge.coef_, ridge.intercept_

    def _fit_target(self, X, y, weight, starts):
        left = y[:, None] - X @ starts.T  # unexplained by each source
        ridge = Ridge(self.alpha, fit_intercept=self.fit_intercept).fit(X, left, weight)
        shares = np.ones(1)
        if len(starts) > 1:  # the objective is a quadratic form in β, since all of it is linear
            rest = left - X @ ridge.coef_.T - ridge.intercept_
            shares = shortest_in_hull(left.T @ (weight[:, None] * rest))
        intercept = shares @ np.broadcast_to(ridge.intercept_, len(starts))
        return shares @ (starts + ridge.coef_), intercept, shares


class BiasedLogisticRegression(Biased, TaskLinearClassifier):
    r"""Biased logistic regression: the target is shrunk to source tasks, not to zero.

    As `BiasedRidge`, with the logistic loss: each source k is fitted by itself, which gives w_k
    (d,), and then, for each other task t with labels y_ti 0 or 1,

    .. math::

        \min_{w, b, \beta} \; \sum_{i=1}^{n_t} \big[\log(1 + e^{z_{ti}}) - y_{ti} z_{ti}\big]
        + \alpha \big\|w - \textstyle\sum_k \beta_k w_k\big\|^2, \qquad
        z_{ti} = x_{ti} \cdot w + b, \; \beta_k \ge 0, \; \sum_k \beta_k = 1.

    With one task this is scikit-learn's `LogisticRegression` at C = 1/(2α). With more than two
    classes there is one such problem for each class against the rest.

    Parameters
    ----------
    source : task name, list of task names or None, default=None
        The task or tasks to learn from first. None: all tasks that `target` does not name.
    target : task name, list of task names or None, default=None
        The tasks that are pulled to the sources; rows of tasks that are neither are left out. None:
        all tasks that `source` does not name.
    alpha : float, default=1.0
        Strength of the pull to the sources' weights, for target tasks; positive.
    source_alpha : float, default=1.0
        Ridge strength for the sources themselves; positive.
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
    intercept_ : ndarray of shape (T,), or (K, T) if K > 2
        Infinite for a task that has one class in `fit`; it is always predicted as that class.
    source_shares_ : ndarray of shape (T, S), or (K, T, S) if K > 2
        The shares β of the S sources, in the order of `source`, in what each task is pulled to.
    source_coef_ : ndarray of shape (d,), or (K, d) if K > 2
        Mean weights of the sources; they predict tasks that were not seen in `fit`.
    source_intercept_ : float, or ndarray of shape (K,) if K > 2
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
        If a task that `source` or `target` names has no labelled row, or both are None while there
        is a task column; if there are fewer than two classes.

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
    Taught in :doc:`/chapters/algorithms/borrow_model`.

    Rows whose label is missing are left out. A proximal step costs O(n_t d); with several sources
    their shares are searched over by SLSQP, each trial a fit that starts from the last. Scale the
    features. Tune `alpha` on the target's rows, with `mtlkit.table.TargetKFold` or the `tasks` of
    `mtlkit.evaluation.compare`.

    References
    ----------
    * I. Kuzborskij and F. Orabona, "Stability and hypothesis transfer learning", ICML 2013.

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
        for name in ("alpha", "source_alpha"):
            check_strength(self, name, include="neither")
        check_flag(self.fit_intercept, "fit_intercept")
        check_number(self.tol, "tol", low=0, open_high=True)
        check_integer(self.max_iter, "max_iter")
        X_known, y_known, task, weight = self._class_rows(X, y, sample_weight)
        if len(self.classes_) > 2:
            names = ["coef_", "intercept_", "source_shares_", "source_coef_", "source_intercept_"]
            return self._fit_each_class(X, y, sample_weight, [*names, "n_iter_"])
        self.__dict__.pop("estimators_", None)
        self.n_iter_ = 1
        return self._fit_rows(X_known, y_known == self.classes_[1], task, weight)

    def _fit_source(self, X, y, weight):
        loss = self._loss(X, y, weight)
        W = self._solve(loss, self.source_alpha, np.zeros(loss.shape)).W
        return W[0], loss.intercept(W)[0]

    def _fit_target(self, X, y, weight, starts):
        K, scores = len(starts), X @ starts.T
        loss = self._loss(X, y, weight)
        shares = np.full(K, 1 / K)
        if K > 1 and loss.slices:  # no slice: all rows are of one class
            search = minimize(
                self._value_of_shares, shares, (loss, scores), jac=True, method="SLSQP",
                bounds=[(0, 1)] * K, options={"ftol": self.tol},
                constraints={"type": "eq", "fun": lambda b: b.sum() - 1, "jac": np.ones_like},
            )  # fmt: skip
            shares = search.x
        loss.offset = scores @ shares if loss.slices else loss.offset
        V = self._solve(loss, self.alpha, np.zeros(loss.shape)).W
        return shares @ starts + V[0], loss.intercept(V)[0], shares

    def _value_of_shares(self, shares, loss, scores):
        """The minimum over w and b for given shares (K,), and its gradient, relative to f(0)."""
        loss.offset = scores @ shares
        solution = self._solve(loss, self.alpha, np.zeros(loss.shape))
        slopes = loss.slopes(loss.apply(solution.W))
        return solution.objective / loss.yy, slopes @ scores / loss.yy

    def _loss(self, X, y, weight):
        rows = X, y, np.zeros(len(y), dtype=int), weight
        return LogisticLoss(rows, np.ones_like, self.fit_intercept)

    def _solve(self, loss, alpha, start):
        solution = solve(loss, SharedMean(coupling=0), alpha, start, self.tol, self.max_iter)
        self.n_iter_ = max(self.n_iter_, solution.n_iter)
        return solution
