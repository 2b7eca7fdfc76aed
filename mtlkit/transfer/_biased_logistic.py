"""Biased logistic regression: each target is pulled to the weights of sources."""

import numpy as np
from scipy.optimize import minimize

from .._utils._validation import check_integer, check_number
from ..linear._base import TaskLinearClassifier
from ..linear._losses import LogisticLoss
from ..linear._penalties import SharedMean
from ..linear._solver import solve, warn_unless_converged
from ._biased import Biased
from ._biased_moments import check_strengths


class TasksApart(LogisticLoss):
    """The logistic loss of tasks of which none knows the level of another."""

    def mean_level(self, W, intercept):
        return self.typical


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
        Duality gap at which a fit stops, relative to the loss without weights. Sources are fitted
        at once, and targets of at most one source too, at `tol` over their number.
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

    def _fit_sources(self, parts):
        nothing = np.zeros(len(self._level[0]))
        return zip(*self._fit_apart(parts, self.source_alpha, nothing), strict=True)

    def _fit_targets(self, parts, starts):
        centre = self._level[0]
        if len(self._sources):
            self._level = centre, centre @ self.source_coef_ + self.source_intercept_
        if len(starts) > 1:
            return super()._fit_targets(parts, starts)
        return zip(
            *self._fit_apart(parts, self.alpha, starts[0]), np.ones((len(parts), 1)), strict=True
        )

    def _fit_apart(self, parts, alpha, start):
        """Weights (T, d) and intercepts (T,) of tasks of which each is drawn to `start` (d,)."""
        if not parts:
            return (), ()
        X, y, weight = map(np.concatenate, zip(*parts, strict=True))
        codes = np.repeat(np.arange(len(parts)), [len(part[0]) for part in parts])
        loss = self._loss(X, y, weight, codes)
        loss.offset = (X @ start)[loss.kept[codes]]
        solution = self._solve(loss, alpha)
        self._solutions.append(solution)
        W, loss.offset = start + solution.W, 0.0  # the intercept is that of the whole weights
        return W, loss.intercept(W)

    def _fit_target(self, X, y, weight, starts):
        K, scores = len(starts), X @ starts.T
        loss = self._loss(X, y, weight, np.zeros(len(y), dtype=int))
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
        loss.offset = 0.0
        return w, loss.intercept(w[None])[0], shares

    def _value_of_shares(self, shares, loss, scores):
        """The minimum over w and b for given shares (K,), and its gradient, relative to f(0)."""
        loss.offset = scores @ shares
        solution = self._solve(loss, self.alpha)
        slopes = loss.slopes(loss.apply(solution.W))
        return solution.objective / loss.yy, slopes @ scores / loss.yy

    def _loss(self, X, y, weight, codes):
        """The loss of tasks of which none knows another."""
        centre, typical = self._level
        tasks = np.arange(codes[-1] + 1)
        balance = np.ones(len(tasks))
        loss = TasksApart(X, y, weight, codes, tasks, balance, self.fit_intercept, typical=typical)
        loss.centre = centre
        return loss

    def _solve(self, loss, alpha):
        penalty, start = SharedMean(coupling=0), np.zeros(loss.shape)
        solution = solve(loss, penalty, alpha, start, self.tol / len(start), self.max_iter)
        self.n_iter_ = max(self.n_iter_, solution.n_iter)
        return solution
