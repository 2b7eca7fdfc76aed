"""Multi-task networks as scikit-learn estimators: all tasks regress, all classify, or some of each.

What belongs here: the three public estimators and their documentation. What they share is in
``_base.py``.
"""

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils import assert_all_finite, column_or_1d
from sklearn.utils.multiclass import check_classification_targets

from .._utils._containers import missing, some
from .._utils._validation import labelled_rows
from ..table._reading import read_table
from ._base import TaskNetwork

OBJECTIVE = r"""

    With θ_0 the parameters of the trunk, θ_t those of the head of task t = 1 … T, and λ_t the
    balance weights, it minimises

    .. math::

        \sum_{t=1}^{T} \frac{\lambda_t}{n_t} \sum_{i=1}^{n_t}
        \ell\big(f(x_{ti}; \theta_0, \theta_t), y_{ti}\big)
        + \frac{\alpha}{2} \Big( \|\theta_0\|^2 + \sum_t \|\theta_t\|^2 \Big),

    biases left out of the last term. The loss ℓ is """

PARAMETERS = """
    Parameters
    ----------
"""

COMMON = """    hidden_layer_sizes : sequence of int, default=(64,)
        Widths of the layers of the trunk. Where tasks differ in their features (columns that are
        NaN in all rows of a task), the first layer is private to each task, an encoder, and a
        second one is needed to share.
    activation : {"relu", "tanh"}, default="relu"
    weighting : Weighting or None, default=None
        How tasks are weighed at each step, for example `PCGrad`. None: by λ_t.
    task_col : str, int or None, default=None
        The task column; None means one task.
    task_weight : {"samples", "tasks"} or array-like of shape (T,), default="samples"
        The balance weights λ_t. "samples": T n_t / N, each row counts the same. "tasks": 1. An
        array is in the order of `tasks_`.
    solver : {"adam", "sgd"}, default="adam"
        "sgd" has Nesterov's momentum.
    learning_rate_init : float, default=0.001
    momentum : float, default=0.9
        Only for "sgd".
    alpha : float, default=0.0001
        Weight decay α.
    batch_size : int, default=128
        Rows of all tasks together in one step.
    temperature : float, default=1.0
        Each task gets a share of a batch proportional to n_t^(1/temperature): 1 is proportional to
        its rows, infinity is equal for all.
    max_iter : int, default=200
        Most epochs; in an epoch about as many rows are drawn as there are.
    early_stopping : bool, default=False
        Whether to hold out rows of every task, stop when their loss no longer falls, and keep the
        best parameters. Else the training loss decides when to stop.
    validation_fraction : float, default=0.1
        Share of each task's rows that is held out.
    n_iter_no_change : int or None, default=10
        Epochs without an improvement by `tol` before stopping. None: train `max_iter` epochs.
    tol : float, default=1e-4
    standardize_targets : bool, default=True
        Whether quantities are scaled to mean 0 and variance 1 in each task, so that their losses
        have one scale. Predictions are scaled back.
    random_state : int, RandomState instance or None, default=None
        Initial parameters, held-out rows, minibatches, and `weighting`.
    verbose : bool, default=False
        Whether to show a progress bar.

    Attributes
    ----------
    tasks_ : ndarray of shape (T,)
    classes_ : ndarray of shape (K,)
        The union of the classes of all tasks that classify.
    network_ : Network
        The layout of the parameters.
    theta_ : ndarray of shape (P,)
        The parameters, those of the trunk first.
    loss_curve_ : ndarray of shape (epochs, T)
        Mean training loss of each task in each epoch, before weights.
    validation_curve_ : ndarray of shape (epochs, T)
        Losses on the held-out rows; only with `early_stopping`.
    n_iter_ : int
        Epochs.
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Only if the columns of `X` have string names.

    Raises
    ------
    ValueError
        For parameters out of range, NaN among the features of a task, no labelled row; in
        `predict`, for a task without a head.

    Warns
    -----
    ConvergenceWarning
        If the loss still improved after `max_iter` epochs.

    Notes
    -----
    Rows whose label is missing are left out. A step costs O(B P) for B rows of a batch and P
    parameters, in matrix products of all tasks together, with BLAS held to one thread. With one
    task, Adam and equal batches, a step is that of scikit-learn's MLP.

    References
    ----------
    * R. Caruana, "Multitask learning", Machine Learning 28, 41-75, 1997.

    Examples
    --------
"""


class MultiTaskMLPRegressor(RegressorMixin, TaskNetwork):
    __doc__ = (
        """A network with one trunk for all tasks and a head for each; every task is a quantity."""
        + OBJECTIVE
        + "½ (f - y)².\n"
        + PARAMETERS
        + COMMON
        + """    >>> from mtlkit.datasets import make_linear_tasks
    >>> X, y = make_linear_tasks(n_tasks=3, random_state=0)
    >>> model = MultiTaskMLPRegressor(task_col=0, max_iter=20, n_iter_no_change=None)
    >>> model.fit(X, y).loss_curve_.shape
    (20, 3)
    """
    )

    def predict(self, X):
        """Predict each row by the head of its task."""
        return self._predict(X)

    def score(self, X, y, sample_weight=None):
        """R² over the labelled rows of `X`."""
        y, X, sample_weight = labelled_rows(y, X, sample_weight)
        return super().score(X, y, sample_weight)


class MultiTaskMLPClassifier(ClassifierMixin, TaskNetwork):
    __doc__ = (
        """A network with one trunk for all tasks and a head for each; every task classifies."""
        + OBJECTIVE
        + "-log p(y), with p the softmax over\n    the classes that the task has.\n"
        + PARAMETERS
        + COMMON
        + """    >>> from mtlkit.datasets import load_digit_tasks
    >>> X, y = load_digit_tasks(rows_per_task=60)
    >>> model = MultiTaskMLPClassifier(task_col=0, max_iter=20, n_iter_no_change=None)
    >>> model.fit(X, y).predict_proba(X).shape
    (300, 2)
    """
    )

    def _class_tasks(self):
        return np.ones(len(self.tasks_), dtype=bool)

    def _read_targets(self, y):
        y = column_or_1d(y, warn=True)
        known = ~missing(y)
        assert_all_finite(y[known], input_name="y")
        if known.any():
            check_classification_targets(y[known])
        return y

    def predict_proba(self, X):
        """Class probabilities in the order of `classes_`; zero for classes of other tasks."""
        outputs, codes = self._outputs(X)
        Z = np.where(self._allowed[codes], outputs, -np.inf)
        P = np.exp(Z - Z.max(axis=1, keepdims=True))
        return P / P.sum(axis=1, keepdims=True)

    def predict(self, X):
        """The likeliest class of each row among those of its task."""
        best = self.predict_proba(X).argmax(axis=1)
        return self.classes_[best]

    def score(self, X, y, sample_weight=None):
        """Accuracy over the labelled rows of `X`."""
        y, X, sample_weight = labelled_rows(y, X, sample_weight)
        return super().score(X, y, sample_weight)


class MultiTaskMLP(RegressorMixin, TaskNetwork):
    __doc__ = (
        """A network with one trunk and a head for each task, of which some classify."""
        + OBJECTIVE
        + "½ (f - y)² for a quantity and\n    -log p(y) for a class, with p the softmax over the "
        + "classes of the task.\n"
        + PARAMETERS
        + """    classification_tasks : sequence of task names, default=()
        Tasks whose labels are classes; in `y` these are numbers, like everything there.
"""
        + COMMON
        + """    >>> from mtlkit.datasets import make_linear_tasks
    >>> X, y = make_linear_tasks(n_tasks=2, random_state=0)
    >>> y[X[:, 0] == 1] = y[X[:, 0] == 1] > 0
    >>> model = MultiTaskMLP([1], task_col=0, max_iter=20, n_iter_no_change=None).fit(X, y)
    >>> sorted(set(model.predict(X[X[:, 0] == 1]).tolist()))
    [0.0, 1.0]
    """
    )

    def __init__(
        self,
        classification_tasks=(),
        *,
        hidden_layer_sizes=(64,),
        activation="relu",
        weighting=None,
        task_col=None,
        task_weight="samples",
        solver="adam",
        learning_rate_init=0.001,
        momentum=0.9,
        alpha=0.0001,
        batch_size=128,
        temperature=1.0,
        max_iter=200,
        early_stopping=False,
        validation_fraction=0.1,
        n_iter_no_change=10,
        tol=1e-4,
        standardize_targets=True,
        random_state=None,
        verbose=False,
    ):
        super().__init__(
            hidden_layer_sizes=hidden_layer_sizes,
            activation=activation,
            weighting=weighting,
            task_col=task_col,
            task_weight=task_weight,
            solver=solver,
            learning_rate_init=learning_rate_init,
            momentum=momentum,
            alpha=alpha,
            batch_size=batch_size,
            temperature=temperature,
            max_iter=max_iter,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            n_iter_no_change=n_iter_no_change,
            tol=tol,
            standardize_targets=standardize_targets,
            random_state=random_state,
            verbose=verbose,
        )
        self.classification_tasks = classification_tasks

    def _class_tasks(self):
        unknown = [t for t in self.classification_tasks if t not in self.tasks_.tolist()]
        if unknown:
            raise ValueError(
                f"classification_tasks holds {some(unknown)}, which are not tasks with a labelled "
                f"row: choose from {some(self.tasks_.tolist())}"
            )
        return np.isin(self.tasks_, list(self.classification_tasks))

    def predict(self, X):
        """Predict each row by the head of its task: a quantity, or the number of a class."""
        return self._predict(X)

    def score(self, X, y, sample_weight=None):
        """Mean over tasks of R², or of the accuracy where the task classifies."""
        y, X, sample_weight = labelled_rows(y, X, sample_weight)
        predicted, y = self.predict(X), np.asarray(y)
        codes = np.searchsorted(self.tasks_, read_table(X, self.task_col)[1])
        scores = []
        for t in np.unique(codes):
            own = codes == t
            metric = accuracy_score if self._is_class[t] else r2_score
            weight = None if sample_weight is None else np.asarray(sample_weight)[own]
            scores.append(metric(y[own], predicted[own], sample_weight=weight))
        return float(np.mean(scores))
