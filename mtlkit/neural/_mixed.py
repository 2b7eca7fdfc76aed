"""The multi-task network in which some tasks regress and the others classify.

What belongs here: one public estimator. What it shares with the others is in ``_base.py``.
"""

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.metrics import accuracy_score, r2_score

from .._utils._containers import some
from .._utils._validation import check_weights, labelled_rows
from ..table._reading import find_tasks, read_table, task_codes
from ._base import TaskNetwork


class MultiTaskMLP(RegressorMixin, TaskNetwork):
    r"""Multi-task network in which some tasks regress and the others classify.

    A shared trunk (backbone, encoder) and a linear head for each task (hard parameter sharing).

    With θ_0 the parameters of the trunk, θ_t those of the head of task t = 1 … T, and λ_t the
    balance weights, it minimises

    .. math::

        \frac{T}{N} \sum_{t=1}^{T} \lambda_t \sum_{i=1}^{n_t}
        \ell\big(f(x_{ti}; \theta_0, \theta_t), y_{ti}\big)
        + \frac{\alpha}{2} \Big( \|\theta_0\|^2 + \sum_t \|\theta_t\|^2 \Big),

    with N = Σ_t n_t rows, biases left out of the last term. So the *mean* loss of task t has the
    weight λ_t n_t T / N. The loss ℓ is ½ (f - y)² for a continuous target
    and the cross-entropy -log p(y) for a class, with p the softmax over the classes that the task
    may have: those of all tasks with which it shares classes, directly or through others.

    Parameters
    ----------
    classification_tasks : sequence of task names, default=()
        Tasks whose labels are classes; in `y` these are numbers, like everything there.
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
        Whether continuous targets are scaled to mean 0 and variance 1 in each task, so that their
        losses have one scale. Predictions are scaled back.
    random_state : int, RandomState instance or None, default=None
        Initial parameters, held-out rows, minibatches, and `weighting`.
    verbose : bool, default=False
        Whether to show a progress bar.

    Attributes
    ----------
    tasks_ : ndarray of shape (T,)
        Names of the tasks.
    classes_ : ndarray of shape (K,)
        The classes of all tasks that classify; only if there are any.
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
    MultiTaskMLPRegressor : All tasks have continuous targets.
    MultiTaskMLPClassifier : All tasks classify; labels of any kind.

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
    >>> X, y = make_linear_tasks(n_tasks=2, random_state=0)
    >>> y[X[:, 0] == 1] = y[X[:, 0] == 1] > 0
    >>> model = MultiTaskMLP([1], task_col=0, max_iter=20, n_iter_no_change=None).fit(X, y)
    >>> sorted(set(model.predict(X[X[:, 0] == 1]).tolist()))
    [0.0, 1.0]
    """

    def __init__(
        self, classification_tasks=(), *, hidden_layer_sizes=(64,), activation="relu",
        weighting=None, task_col=None, task_weight="samples", solver="adam",
        learning_rate_init=0.001, momentum=0.9, alpha=0.0001, batch_size=128, temperature=1.0,
        max_iter=200, early_stopping=False, validation_fraction=0.1, n_iter_no_change=10, tol=1e-4,
        standardize_targets=True, random_state=None, verbose=False,
    ):  # fmt: skip
        self.classification_tasks = classification_tasks
        super().__init__(
            hidden_layer_sizes=hidden_layer_sizes, activation=activation, weighting=weighting,
            task_col=task_col, task_weight=task_weight, solver=solver,
            learning_rate_init=learning_rate_init, momentum=momentum, alpha=alpha,
            batch_size=batch_size, temperature=temperature, max_iter=max_iter,
            early_stopping=early_stopping, validation_fraction=validation_fraction,
            n_iter_no_change=n_iter_no_change, tol=tol, standardize_targets=standardize_targets,
            random_state=random_state, verbose=verbose,
        )  # fmt: skip

    def _class_tasks(self, tasks):
        names = self.classification_tasks
        if isinstance(names, str) or not np.iterable(names):
            raise ValueError(
                f"classification_tasks={names!r} must be a list of task names, for example "
                f"[{names!r}], or () for none"
            )
        place = dict(zip(names, find_tasks(names, tasks), strict=True))
        unknown = [name for name, t in place.items() if t < 0]
        if unknown:
            raise ValueError(
                f"classification_tasks holds {some(unknown)}, which are not tasks with a labelled "
                f"row: choose from {some(tasks.tolist())}"
            )
        return np.isin(np.arange(len(tasks)), list(place.values()))

    def score(self, X, y, sample_weight=None):
        """Mean over tasks of R², or of the accuracy where the task classifies.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)
            Table with the task column.
        y : array-like of shape (n,)
            Labels; rows whose label is missing (NaN, None) are left out.
        sample_weight : array-like of shape (n,), default=None
            Weight of each row within its task.

        Returns
        -------
        score : float
            At most 1; every task counts the same.
        """
        y, X, sample_weight = labelled_rows(y, X, sample_weight)
        if sample_weight is not None:
            sample_weight = check_weights(sample_weight, len(y))
        predicted = self.predict(X)
        codes = task_codes(read_table(X, self.task_col)[1], self.tasks_, unseen=None)
        scores = []
        for t in np.unique(codes):
            own = codes == t
            metric = accuracy_score if self.network_.is_class[t] else r2_score
            if metric is r2_score and own.sum() == 1:
                raise ValueError(
                    f"task {self.tasks_.tolist()[t]!r} has n_samples=1 to score, and R² is not "
                    "defined on one: score more rows of it, or leave it out"
                )
            weight = None if sample_weight is None else sample_weight[own]
            scores.append(metric(y[own], predicted[own], sample_weight=weight))
        return float(np.mean(scores))
