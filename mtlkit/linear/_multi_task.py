"""Linear and logistic regression of several tasks; a penalty says what the tasks share."""

import numpy as np

from ._base import TaskLinearClassifier, TaskLinearRegressor
from ._keeps_moments import KeepsMoments
from ._losses import LogisticLoss, squared_loss
from ._moments import moments_or_rows
from ._penalized import Penalized
from ._solver import warn_unless_converged


class MultiTaskLinearRegression(Penalized, KeepsMoments, TaskLinearRegressor):
    r"""Multi-task linear regression with a convex penalty: group lasso, trace norm, graph and more.

    Linear regression of several tasks; the penalty says what they share.

    With W (T, d) the weights, a row w_t for each task t = 1 … T, b_t its intercept, λ_t the balance
    weights, Ω the `penalty` and α its strength `alpha`, it minimises

    .. math::

        \sum_{t=1}^{T} \lambda_t \sum_{i=1}^{n_t} (y_{ti} - x_{ti} \cdot w_t - b_t)^2
        + \alpha\, \Omega(W).

    Parameters
    ----------
    penalty : Penalty or None, default=None
        `SharedMean`, `JointSupport`, `LowRank`, `TaskGraph`, `LearnedRelations`, or one of your
        own. None is ``SharedMean()``.
    alpha : float, default=1.0
        Strength of the penalty; positive. scikit-learn's `MultiTaskLasso` divides the loss by 2n.
    task_col : str, int or None, default=None
        The task column; None means one task.
    fit_intercept : bool, default=True
        Whether tasks have intercepts; they are not penalised.
    task_weight : {"samples", "tasks"}, Series or array-like of shape (T,), default="samples"
        The balance weights λ_t, factors on the loss of each row of task t, as sample weights are.
        "samples": 1, each row counts the same. "tasks": N / (T n_t), each task counts the same. A
        pandas Series is matched by the names of tasks in its index; an array is in the order of
        `tasks_`.
    tol : float, default=1e-6
        The solver stops when the duality gap is at most `tol` times the loss at W = 0.
    max_iter : int, default=10000
        Most proximal steps, or passes over the features.
    warm_start : bool, default=False
        Whether `fit` begins at the weights of the last `fit`, if the tasks are the same.

    Attributes
    ----------
    tasks_ : ndarray of shape (T,)
        The tasks with a labelled row in `fit`, sorted.
    coef_ : ndarray of shape (T, d)
        The weights w_t.
    intercept_ : ndarray of shape (T,)
        The intercepts b_t.
    objective_ : float
        Value of the objective at the solution.
    dual_gap_ : float
        Duality gap: the objective is at most this much above its minimum.
    n_iter_ : int
        Proximal steps taken, or passes over the features.
    moments_ : TaskMoments
        Moments of the rows seen so far, to which `partial_fit` adds.
    support_, rank_, shared_coef_, shared_intercept_, task_covariance_ : ndarray, int or float
        What the penalty says of the tasks; each is there only with the penalty that names it.
    feature_importances_ : ndarray of shape (p,)
        Root mean square over tasks of each feature's weights, and twice the largest for the task
        column, which ``RFE`` and ``SelectFromModel`` then keep.
    n_features_in_ : int
        Number of columns of `X`, the task column among them.
    feature_names_in_ : ndarray of shape (p,)
        Names of the columns of `X`, if all are strings.

    Raises
    ------
    ValueError
        For parameters out of range, NaN in features, columns that a task lacks, no labelled row;
        in `predict`, for an unseen task if the penalty has no shared part.

    Warns
    -----
    ConvergenceWarning
        If the duality gap was not reached in `max_iter` steps.

    See Also
    --------
    MeanRegularizedRidge : With `SharedMean`, in closed form.
    MultiTaskLogisticRegression : The same for class labels.
    mtlkit.table.stack_targets : The table of one X and a column of targets for each task.
    regularization_path : Fits for many strengths.
    mtlkit.baselines.PerTask : One model per task, the baseline.

    Notes
    -----
    Taught in :doc:`/chapters/algorithms/what_do_tasks_share`.

    With `SharedMean` this is ``MeanRegularizedRidge(alpha, coupling, couple_intercept=False)``:
    intercepts are free here, while that model couples them unless told otherwise.

    Unlabelled samples are left out. Features are converted to float64, and so are results. The
    solver is accelerated proximal gradient (Beck and Teboulle 2009) with adaptive restart
    (O'Donoghue and Candès 2015); for penalties that are sums over features, on a growing working
    set. With N rows in all and at least T d of them, moments are formed once, O(N d²), and a step
    costs O(T d²) and the proximal step. With fewer rows a step works on them, O(N d), and on a
    working set of s features O(T s²); such a model keeps a copy of the rows for `partial_fit`.
    With `tol` near 1e-15 the gap is rounding, and no certificate.

    Where all tasks have the very same rows, X is kept once if the table comes from
    `mtlkit.table.stack_targets`, also with holes in the targets: a step is one product of matrices,
    O(N d) without a copy of X for each task, and moments of complete targets have one matrix XᵀX.
    `JointSupport` is the multi-task lasso there; once many features are used scikit-learn's
    coordinate descent takes over from proximal steps.

    References
    ----------
    * A. Beck and M. Teboulle, "A fast iterative shrinkage-thresholding algorithm for linear inverse
      problems", SIAM Journal on Imaging Sciences 2, 183-202, 2009.
    * B. O'Donoghue and E. Candès, "Adaptive restart for accelerated gradient schemes", Foundations
      of Computational Mathematics 15, 715-732, 2015.

    Examples
    --------
    >>> from mtlkit.datasets import make_linear_tasks
    >>> from mtlkit.linear import JointSupport, MultiTaskLinearRegression
    >>> X, y = make_linear_tasks("joint support", random_state=0)
    >>> model = MultiTaskLinearRegression(JointSupport(), alpha=70, task_col=0).fit(X, y)
    >>> model.coef_.shape, int(model.support_.sum())
    ((20, 20), 4)
    """

    def fit(self, X, y, sample_weight=None):
        """Fit the model.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)
            Table with the task column.
        y : array-like of shape (n,)
            Targets; NaN marks an unlabelled sample.
        sample_weight : array-like of shape (n,), default=None
            Factor on the loss of each row; None means 1. Rows of weight 0 are left out.

        Returns
        -------
        self
            The fitted estimator.
        """
        self._check_parameters()
        before, start = (getattr(self, "tasks_", None),), getattr(self, "_coef", None)
        loss = self._prepare(X, y, sample_weight)
        warm = self._is_warm(before, loss.tasks)
        warn_unless_converged([self._solve(loss, start if warm else None)])
        return self

    def _solve_moments(self, moments):
        self._check_parameters()
        before = (getattr(self, "tasks_", None),)
        loss = squared_loss(moments, self._balance, self.fit_intercept)
        start = self._coef if self._is_warm(before, loss.tasks) else None
        solution = self._solve(loss, start)
        self._seen = moments  # last: after an error nothing has been added
        warn_unless_converged([solution], stacklevel=4)

    def _prepare(self, X, y, sample_weight):
        self._seen = moments_or_rows(self._rows(X, y, sample_weight))
        return squared_loss(self._seen, self._balance, self.fit_intercept)


class MultiTaskLogisticRegression(Penalized, TaskLinearClassifier):
    r"""Multi-task logistic regression with a convex penalty: group lasso, trace norm and more.

    Logistic regression of several tasks; the penalty says what they share.

    With W (T, d) the weights, a row w_t for each task t = 1 … T, b_t its intercept, λ_t the balance
    weights, Ω the `penalty`, α its strength `alpha` and y_ti 0 or 1, it minimises

    .. math::

        \sum_{t=1}^{T} \lambda_t \sum_{i=1}^{n_t} \big[\log(1 + e^{z_{ti}}) - y_{ti} z_{ti}\big]
        + \alpha\, \Omega(W), \qquad z_{ti} = x_{ti} \cdot w_t + b_t.

    With one task and ``SharedMean()`` this is scikit-learn's `LogisticRegression` at C = 1/(2α).
    With more than two classes there is one such problem for each class against the rest.

    Where all rows of a task have one class, the infimum of its loss over b_t is 0, at infinity and
    whatever its weights: so w_t is decided by the penalty alone. Its level, l_t = b_t + w_t·x̄ with
    x̄ the mean of all rows, then minimises the loss of its rows plus λ_t/2 (l_t - l)², l the mean
    level of the other tasks: few rows of one class do not make the other impossible, many make it
    rare.

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
    task_weight : {"samples", "tasks"}, Series or array-like of shape (T,), default="samples"
        The balance weights λ_t, factors on the loss of each row of task t, as sample weights are.
        "samples": 1, each row counts the same. "tasks": N / (T n_t), each task counts the same. A
        pandas Series is matched by the names of tasks in its index; an array is in the order of
        `tasks_`.
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
        The weights w_t.
    intercept_ : ndarray of shape (T,), or (K, T) if K > 2
        The intercepts b_t, finite also for tasks of one class.
    objective_, dual_gap_, n_iter_ : float, float, int; arrays of shape (K,) if K > 2
        Value of the objective, bound on its distance from the minimum, proximal steps taken.
    estimators_ : list of MultiTaskLogisticRegression
        Only if K > 2: each class against the rest.
    support_, rank_, shared_coef_, shared_intercept_, task_covariance_ : ndarray, int or float
        What the penalty says of the tasks, if K = 2; each is there only with the penalty that names
        it. If K > 2, each of `estimators_` has its own.
    feature_importances_ : ndarray of shape (p,)
        Root mean square over tasks of each feature's weights, and twice the largest for the task
        column, which ``RFE`` and ``SelectFromModel`` then keep.
    n_features_in_ : int
        Number of columns of `X`, the task column among them.
    feature_names_in_ : ndarray of shape (p,)
        Names of the columns of `X`, if all are strings.

    Raises
    ------
    ValueError
        For parameters out of range, NaN in features, columns that a task lacks, fewer than two
        classes in all; in `predict`, for an unseen task if the penalty has no shared part.

    Warns
    -----
    ConvergenceWarning
        If the duality gap was not reached in `max_iter` steps.

    See Also
    --------
    MultiTaskLinearRegression : The same for a continuous target.
    regularization_path : Fits for many strengths.
    mtlkit.transfer.BiasedLogisticRegression : One task is shrunk to the weights of others.
    mtlkit.baselines.PerTask : One model per task, the baseline.

    Notes
    -----
    Taught in :doc:`/chapters/algorithms/what_do_tasks_share`.

    Tasks that share a class, directly or through others, may take all of their classes, also those
    that a task did not show in `fit`. Tasks of disjoint label sets keep them apart: probability 0.

    More than two classes are fitted one against the rest, not by the multinomial loss: each class
    has its own convex problem with its own duality gap and its own relations among tasks, and a
    task takes part in those of its classes only, so label sets may differ. The price is that
    probabilities are scaled to sum to one and are not fitted jointly.

    Unlabelled samples are left out. Features are converted to float64, and so are results. The
    solver is that of `MultiTaskLinearRegression`; a step costs O(N d) for N rows, however many
    tasks, and the proximal step. Scale the features: with a large spread among them it needs many
    steps.

    Examples
    --------
    >>> from mtlkit.datasets import load_digit_tasks
    >>> from mtlkit.linear import LowRank, MultiTaskLogisticRegression
    >>> X, y = load_digit_tasks(rows_per_task=60)
    >>> model = MultiTaskLogisticRegression(LowRank(), alpha=10, task_col=0).fit(X, y)
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
            Class labels; a missing one (NaN, None) marks an unlabelled sample.
        sample_weight : array-like of shape (n,), default=None
            Factor on the loss of each row; None means 1. Rows of weight 0 are left out.

        Returns
        -------
        self
            The fitted estimator.
        """
        self._check_parameters()
        before = getattr(self, "tasks_", None), getattr(self, "classes_", None)
        rows = self._class_codes(self._rows(X, y, sample_weight, classes=True))
        names = ("coef_", "intercept_", "objective_", "dual_gap_", "n_iter_")
        warm = self._is_warm(before, self.tasks_, self.classes_)
        warn_unless_converged(self._fit_classes(rows, names, warm))
        return self

    def _fit_binary(self, X, y, codes, weight, absent=None, warm=False):
        loss = self._loss(X, y, codes, weight, absent)
        return [self._solve(loss, self._coef if warm else None)]

    def _prepare(self, X, y, sample_weight):
        rows = self._class_codes(self._rows(X, y, sample_weight, classes=True))
        if len(self.classes_) > 2:
            raise ValueError(
                f"y has {len(self.classes_)} classes, but a path needs two: pass y == label, one "
                "class at a time"
            )
        return self._loss(*rows)

    def _loss(self, X, y, codes, weight, absent=None):
        balance = self._balance(np.bincount(codes, weight), self.tasks_)
        return LogisticLoss(
            X, y, weight, codes, self.tasks_, balance, self.fit_intercept, absent=absent
        )
