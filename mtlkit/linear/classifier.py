"""Logistic regression of several tasks with any penalty."""

import numpy as np

from .._base import TaskLinearClassifier
from ._losses import LogisticLoss
from ._penalized import Penalized

__all__ = ["MultiTaskClassifier"]


class MultiTaskClassifier(Penalized, TaskLinearClassifier):
    r"""Logistic regression of several tasks; the penalty says what they share.

    With W (T, d) the weights, a row w_t for each task t = 1 … T, b_t its intercept, λ_t the balance
    weights, Ω the `penalty`, α its strength `alpha` and y_ti 0 or 1, it minimises

    .. math::

        \sum_{t=1}^{T} \lambda_t \sum_{i=1}^{n_t} \big[\log(1 + e^{z_{ti}}) - y_{ti} z_{ti}\big]
        + \alpha\, \Omega(W), \qquad z_{ti} = x_{ti} \cdot w_t + b_t.

    With one task and ``SharedMean()`` this is scikit-learn's `LogisticRegression` at C = 1/(2α).
    With more than two classes there is one such problem for each class against the rest.

    Parameters
    ----------
    penalty : Penalty or None, default=None
        `SharedMean`, `JointSupport`, `LowRank`, `TaskGraph`, `LearnedRelations`, or one of your
        own. None is ``SharedMean()``.
    alpha : float, default=1.0
        Strength of the penalty; positive.
    task_col : str, int or None, default=None
        The task column; None means one task.
    fit_intercept : bool, default=True
        Whether tasks have intercepts; they are not penalised.
    task_weight : {"samples", "tasks"} or array-like of shape (T,), default="samples"
        The balance weights λ_t. "samples": 1, each row counts the same. "tasks": N / (T n_t),
        each task counts the same. An array is in the order of `tasks_`.
    tol : float, default=1e-6
        The solver stops when the duality gap is at most `tol` times the loss at W = 0.
    max_iter : int, default=10000
        Most proximal steps.
    warm_start : bool, default=False
        Whether `fit` begins at the weights of the last `fit`, if tasks and classes are the same.

    Attributes
    ----------
    classes_ : ndarray of shape (K,)
        The union of the classes of all tasks.
    tasks_ : ndarray of shape (T,)
        The tasks with a labelled row in `fit`, sorted.
    coef_ : ndarray of shape (T, d), or (K, T, d) if K > 2
    intercept_ : ndarray of shape (T,), or (K, T) if K > 2
        Infinite for a task that has one class in `fit`; it is always predicted as that class.
    objective_, dual_gap_, n_iter_ : float, float, int; arrays of shape (K,) if K > 2
        Value of the objective, bound on its distance from the minimum, proximal steps taken.
    estimators_ : list of MultiTaskClassifier
        Only if K > 2: each class against the rest.
    support_, rank_, shared_coef_, shared_intercept_, task_covariance_ : ndarray, int or float
        What the penalty tells, if K = 2; each is there only with the penalty that names it. If
        K > 2, each of `estimators_` has its own.
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Only if the columns of `X` have string names.

    Raises
    ------
    ValueError
        For parameters out of range, NaN in features, columns that a task lacks, fewer than two
        classes in all; in `predict`, for an unseen task if the penalty has no shared part.

    Warns
    -----
    ConvergenceWarning
        If the duality gap was not reached in `max_iter` steps.

    Notes
    -----
    Rows whose label is missing are left out. A row's probabilities are zero outside the classes
    that its task had in `fit`. The solver is that of `MultiTaskRegressor`; a step costs O(N d) for
    N rows and the proximal step. Scale the features: with a large spread among them it needs many
    steps.

    Examples
    --------
    >>> from mtlkit.datasets import load_digit_tasks
    >>> from mtlkit.linear import LowRank, MultiTaskClassifier
    >>> X, y = load_digit_tasks(rows_per_task=60)
    >>> model = MultiTaskClassifier(LowRank(), alpha=10, task_col=0).fit(X, y)
    >>> model.coef_.shape, bool(model.rank_ < 5)
    ((5, 64), True)
    """

    def fit(self, X, y, sample_weight=None):
        """Fit the model.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)
            Table with the task column.
        y : array-like of shape (n,)
            Class labels; a missing one (NaN, None) marks a row without label.
        sample_weight : array-like of shape (n,), default=None

        Returns
        -------
        self
        """
        self._check_parameters()
        before = getattr(self, "classes_", None)
        rows = self._class_rows(X, y, sample_weight)
        same = self.warm_start and np.array_equal(before, self.classes_)
        if len(self.classes_) > 2:
            names = ("coef_", "intercept_", "objective_", "dual_gap_", "n_iter_")
            return self._fit_each_class(X, y, sample_weight, names, same)
        self.__dict__.pop("estimators_", None)
        loss, level = self._binary(rows)
        return self._solve(loss, level, self._start(loss) if same else np.zeros(loss.shape))

    def _prepare(self, X, y, sample_weight):
        return self._binary(self._class_rows(X, y, sample_weight))

    def _binary(self, rows):
        X, y, task, weight = rows
        rows = X, y == self.classes_[1], task, weight
        loss = LogisticLoss(rows, self._balance, self.fit_intercept)
        return loss, np.average(X, axis=0, weights=weight)
