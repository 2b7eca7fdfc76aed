"""Multi-task networks as scikit-learn estimators: all tasks regress, or all classify.

What belongs here: the two public estimators and their documentation. What they share is in
``_base.py``; the network in which tasks of both kinds share is in ``_mixed.py``.
"""

from sklearn.base import ClassifierMixin, RegressorMixin

from .._utils._delegation import LabelledScore
from ._base import TaskNetwork


class MultiTaskMLPRegressor(LabelledScore, RegressorMixin, TaskNetwork):
    r"""Multi-task network (hard parameter sharing) for continuous targets.

    A shared trunk (backbone, encoder) and a linear head for each task.

    With θ_0 the parameters of the trunk, θ_t those of the head of task t = 1 … T, and λ_t the
    balance weights, it minimises

    .. math::

        \frac{T}{N} \sum_{t=1}^{T} \lambda_t \sum_{i=1}^{n_t}
        \ell\big(f(x_{ti}; \theta_0, \theta_t), y_{ti}\big)
        + \frac{\alpha}{2} \Big( \|\theta_0\|^2 + \sum_t \|\theta_t\|^2 \Big),

    with N = Σ_t n_t rows, biases left out of the last term. So the *mean* loss of task t has the
    weight λ_t n_t T / N. The loss ℓ is ½ (f - y)².

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default=(64,)
        Widths of the layers of the trunk. Where tasks differ in their features (columns that are
        NaN in all rows of a task), the first layer is private to each task, an encoder, and a
        second one is needed to share.
    activation : {"relu", "tanh"}, default="relu"
        What follows each layer of the trunk: max(0, z) or tanh z.
    weighting : Weighting or None, default=None
        Loss weighting or gradient aggregation at each step, for example `PCGrad`. None: by λ_t.
    task_col : str, int or None, default=None
        The task column; None means one task.
    task_weight : {"samples", "tasks"}, array-like of shape (T,) or Series, default="samples"
        The balance weights λ_t, factors on the loss of each row of task t. "samples": 1, each row
        counts the same. "tasks": N / (T n_t), each task counts the same. An array is in the order
        of `tasks_`, a pandas Series is indexed by task.
    solver : {"adam", "sgd"}, default="adam"
        The optimiser; "sgd" has Nesterov's momentum.
    learning_rate_init : float, default=0.001
        Step size, above 0.
    momentum : float, default=0.9
        Momentum of "sgd", from 0 to below 1.
    alpha : float, default=0.0001
        Weight decay α, at least 0.
    batch_size : int, default=128
        Rows of all tasks together in one step.
    temperature : float, default=1.0
        Each task gets a share of the rows of an epoch proportional to n_t^(1/temperature): 1 is
        proportional to its rows, infinity is equal for all.
    max_iter : int, default=200
        Most epochs; in an epoch about as many rows are drawn as there are.
    early_stopping : bool, default=False
        Whether to hold out rows of every task that has more than one, stop when their loss no
        longer falls, and keep the best parameters. Else the training loss decides when to stop.
    validation_fraction : float, default=0.1
        Share of each task's rows that is held out, between 0 and 1.
    n_iter_no_change : int or None, default=10
        Epochs without an improvement by `tol` before stopping. None: train `max_iter` epochs.
    tol : float, default=1e-4
        Least improvement of the weighted sum of losses that counts.
    standardize_targets : bool, default=True
        Whether targets are scaled to mean 0 and variance 1 in each task, so that their losses
        have one scale. Predictions are scaled back.
    random_state : int, RandomState instance or None, default=None
        Initial parameters, held-out rows, minibatches, and `weighting`.
    verbose : bool, default=False
        Whether to show a progress bar.

    Attributes
    ----------
    tasks_ : ndarray of shape (T,)
        Names of the tasks.
    network_ : TrainedNetwork
        The parameters and where each layer lies in them, with the scales of the targets.
    loss_curve_ : ndarray of shape (epochs, T)
        Mean training loss of each task in each epoch, before weights.
    validation_curve_ : ndarray of shape (epochs, T)
        Mean losses of the held-out rows, NaN for a task of one row; only with `early_stopping`.
    n_iter_ : int
        Epochs of the last training.
    n_features_in_ : int
        Columns of `X`, the task column among them.
    feature_names_in_ : ndarray of str
        Names of the columns of `X`, if all are strings.

    Raises
    ------
    ValueError
        For parameters out of range, NaN among the features of a task, no labelled row, or if
        training diverges; in `predict`, for a task without a head.

    Warns
    -----
    ConvergenceWarning
        If the loss still improved after `max_iter` epochs, or the loss of a task ends far above
        that of a network that outputs zero.

    See Also
    --------
    MultiTaskMLPClassifier : The same for classes.
    MultiTaskMLP : Continuous targets and classes in one network.
    FineTuner : Goes on from a fitted network on other tasks.
    mtlkit.linear.MultiTaskLinearRegression : Linear models that share, solved exactly.
    sklearn.neural_network.MLPRegressor : One task.

    Notes
    -----
    Taught in :doc:`/chapters/algorithms/one_trunk`; weightings in
    :doc:`/chapters/algorithms/whose_loss_counts`.

    A step costs O(B P₀ + P) for B rows of a batch, P₀ parameters of the trunk and one head and P in
    all, in matrix products of all tasks together, with BLAS held to one thread. Where tasks are so
    many that a row of each would fill the batch, a task is in some of the steps only, with as much
    more weight; weightings that compare the tasks at each step (all but `FixedWeights`,
    `RandomWeights` and `DWA`) then still see them all, at O(T P₀) a step. With one task, Adam and
    equal batches, a step is that of scikit-learn's MLP.

    References
    ----------
    * R. Caruana, "Multitask learning", Machine Learning 28, 41-75, 1997.

    Examples
    --------
    >>> from mtlkit.datasets import make_linear_tasks
    >>> X, y = make_linear_tasks(n_tasks=3, random_state=0)
    >>> model = MultiTaskMLPRegressor(task_col=0, max_iter=20, n_iter_no_change=None)
    >>> model.fit(X, y).loss_curve_.shape
    (20, 3)
    """


class MultiTaskMLPClassifier(LabelledScore, ClassifierMixin, TaskNetwork):
    r"""Multi-task network (hard parameter sharing) for classification.

    A shared trunk (backbone, encoder) and a linear head with a softmax for each task.

    With θ_0 the parameters of the trunk, θ_t those of the head of task t = 1 … T, and λ_t the
    balance weights, it minimises

    .. math::

        \frac{T}{N} \sum_{t=1}^{T} \lambda_t \sum_{i=1}^{n_t}
        \ell\big(f(x_{ti}; \theta_0, \theta_t), y_{ti}\big)
        + \frac{\alpha}{2} \Big( \|\theta_0\|^2 + \sum_t \|\theta_t\|^2 \Big),

    with N = Σ_t n_t rows, biases left out of the last term. So the *mean* loss of task t has the
    weight λ_t n_t T / N. The loss ℓ is the cross-entropy -log p(y), with
    p the softmax over the classes that the task may have: those of all tasks with which it shares
    classes, directly or through others. A class that its own rows lack stays possible.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default=(64,)
        Widths of the layers of the trunk. Where tasks differ in their features (columns that are
        NaN in all rows of a task), the first layer is private to each task, an encoder, and a
        second one is needed to share.
    activation : {"relu", "tanh"}, default="relu"
        What follows each layer of the trunk: max(0, z) or tanh z.
    weighting : Weighting or None, default=None
        Loss weighting or gradient aggregation at each step, for example `PCGrad`. None: by λ_t.
    task_col : str, int or None, default=None
        The task column; None means one task.
    task_weight : {"samples", "tasks"}, array-like of shape (T,) or Series, default="samples"
        The balance weights λ_t, factors on the loss of each row of task t. "samples": 1, each row
        counts the same. "tasks": N / (T n_t), each task counts the same. An array is in the order
        of `tasks_`, a pandas Series is indexed by task.
    solver : {"adam", "sgd"}, default="adam"
        The optimiser; "sgd" has Nesterov's momentum.
    learning_rate_init : float, default=0.001
        Step size, above 0.
    momentum : float, default=0.9
        Momentum of "sgd", from 0 to below 1.
    alpha : float, default=0.0001
        Weight decay α, at least 0.
    batch_size : int, default=128
        Rows of all tasks together in one step.
    temperature : float, default=1.0
        Each task gets a share of the rows of an epoch proportional to n_t^(1/temperature): 1 is
        proportional to its rows, infinity is equal for all.
    max_iter : int, default=200
        Most epochs; in an epoch about as many rows are drawn as there are.
    early_stopping : bool, default=False
        Whether to hold out rows of every task that has more than one, stop when their loss no
        longer falls, and keep the best parameters. Else the training loss decides when to stop.
    validation_fraction : float, default=0.1
        Share of each task's rows that is held out, between 0 and 1.
    n_iter_no_change : int or None, default=10
        Epochs without an improvement by `tol` before stopping. None: train `max_iter` epochs.
    tol : float, default=1e-4
        Least improvement of the weighted sum of losses that counts.
    standardize_targets : bool, default=True
        Not used by a classifier.
    random_state : int, RandomState instance or None, default=None
        Initial parameters, held-out rows, minibatches, and `weighting`.
    verbose : bool, default=False
        Whether to show a progress bar.

    Attributes
    ----------
    tasks_ : ndarray of shape (T,)
        Names of the tasks.
    classes_ : ndarray of shape (K,)
        The classes of all tasks.
    network_ : TrainedNetwork
        The parameters and where each layer lies in them, with the scales of the targets.
    loss_curve_ : ndarray of shape (epochs, T)
        Mean training loss of each task in each epoch, before weights.
    validation_curve_ : ndarray of shape (epochs, T)
        Mean losses of the held-out rows, NaN for a task of one row; only with `early_stopping`.
    n_iter_ : int
        Epochs of the last training.
    n_features_in_ : int
        Columns of `X`, the task column among them.
    feature_names_in_ : ndarray of str
        Names of the columns of `X`, if all are strings.

    Raises
    ------
    ValueError
        For parameters out of range, NaN among the features of a task, no labelled row, or if
        training diverges; in `predict`, for a task without a head.

    Warns
    -----
    ConvergenceWarning
        If the loss still improved after `max_iter` epochs, or the loss of a task ends far above
        that of a network that outputs zero.

    See Also
    --------
    MultiTaskMLPRegressor : The same for continuous targets.
    MultiTaskMLP : Continuous targets and classes in one network.
    FineTuner : Goes on from a fitted network on other tasks.
    mtlkit.linear.MultiTaskLogisticRegression : Linear models that share, solved exactly.
    sklearn.neural_network.MLPClassifier : One task.

    Notes
    -----
    Taught in :doc:`/chapters/algorithms/one_trunk`; weightings in
    :doc:`/chapters/algorithms/whose_loss_counts`.

    A step costs O(B P₀ + P) for B rows of a batch, P₀ parameters of the trunk and one head and P in
    all, in matrix products of all tasks together, with BLAS held to one thread. Where tasks are so
    many that a row of each would fill the batch, a task is in some of the steps only, with as much
    more weight; weightings that compare the tasks at each step (all but `FixedWeights`,
    `RandomWeights` and `DWA`) then still see them all, at O(T P₀) a step. With one task, Adam and
    equal batches, a step is that of scikit-learn's MLP.

    References
    ----------
    * R. Caruana, "Multitask learning", Machine Learning 28, 41-75, 1997.

    Examples
    --------
    >>> from mtlkit.datasets import load_digit_tasks
    >>> X, y = load_digit_tasks(rows_per_task=60)
    >>> model = MultiTaskMLPClassifier(task_col=0, max_iter=20, n_iter_no_change=None)
    >>> model.fit(X, y).predict_proba(X).shape
    (300, 2)
    """

    def predict_proba(self, X):
        """Class probabilities.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)
            Table with the task column; every task was in `fit`.

        Returns
        -------
        P : ndarray of shape (n, K)
            In the order of `classes_`; zero for classes that the task cannot have.
        """
        features, codes = self._known_rows(X)
        return self.network_.predict_proba(features, codes)
