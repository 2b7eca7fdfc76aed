"""What the estimators of networks share: reading the table, fitting, predicting by task.

What belongs here: the estimators behind the public ones in ``_estimators.py`` and
``_finetune.py``. What a trained network is and does stands in ``_state.py``.
"""

import warnings
from dataclasses import replace

import numpy as np
from sklearn.base import BaseEstimator, is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import assert_all_finite, check_array, check_consistent_length
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from .._utils._containers import column_names, groups, is_frame, some
from .._utils._validation import (
    check_choice,
    check_flag,
    check_integer,
    check_number,
    read_labels,
    read_numbers,
)
from ..table import TaskStratifiedShuffleSplit
from ..table._reading import read_table, task_codes, unique_tasks
from ._network import ACTIVATIONS
from ._state import Rows, TrainedNetwork
from ._training import Settings


class NetworkEstimator(BaseEstimator):
    """An estimator with a `TrainedNetwork` as `network_`, and `task_col`."""

    def _read_features(self, X, reset):
        """Features (n, d) with NaN where a task has no such column, their names, and tasks."""
        table, task = read_table(X, self.task_col)
        validate_data(self, X, reset=reset, skip_check_array=True)
        names = column_names(table) if is_frame(table) else None
        features = check_array(
            table,
            dtype=[np.float64, np.float32],
            ensure_all_finite="allow-nan",
            input_name="X",
            estimator=self,
        )
        return features, names, task

    def _read_rows(self, X, y, sample_weight, reset):
        """Labelled `Rows` with their tasks for codes, names of the columns, unlabelled tasks."""
        if y is None:
            raise ValueError(
                f"This {type(self).__name__} estimator requires y to be passed, but the target y "
                "is None."
            )
        features, names, task = self._read_features(X, reset)
        y, use = (read_labels if is_classifier(self) else read_numbers)(y)
        check_consistent_length(features, y)
        if not use.any():
            raise ValueError("Input y contains NaN: no row has a label, so there is nothing to fit")
        if is_classifier(self):
            assert_all_finite(y[use], input_name="y")
            check_classification_targets(y[use])
        if sample_weight is not None:
            sample_weight = _check_sample_weight(
                sample_weight, features, dtype=np.float64, ensure_non_negative=True
            )
            use &= sample_weight > 0
            if not use.any():
                raise ValueError("every labelled row has zero sample_weight: nothing to fit")
            sample_weight = sample_weight[use]
        known = set(task[use].tolist())
        unlabelled = [name for name in unique_tasks(task)[0].tolist() if name not in known]
        return Rows(features[use], y[use], task[use], sample_weight), names, unlabelled

    def _known_rows(self, X):
        """Features, and the numbers of their tasks, for prediction."""
        check_is_fitted(self, "network_")
        features, _, task = self._read_features(X, reset=False)
        network = self.network_
        no_head = f"{type(self).__name__} has no head for them: fit it on rows of these tasks"
        codes = task_codes(task, network.tasks, unseen=no_head, unlabelled=network.unlabelled)
        return network.filled(features, codes), codes

    def predict(self, X):
        """Predict each row by the head of its task.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)
            Table with the task column; every task was in `fit`.

        Returns
        -------
        y : ndarray of shape (n,)
            Continuous predictions, or the likeliest class of those that the task may have.
        """
        features, codes = self._known_rows(X)
        return self.network_.predict(features, codes)

    def _store(self, network, curve):
        for name in ("classes_", "validation_curve_"):  # of the last fit
            self.__dict__.pop(name, None)
        self.network_, self.tasks_ = network, network.tasks
        self.loss_curve_, self.n_iter_ = curve, len(curve)
        if network.is_class.any():
            self.classes_ = network.classes


class TaskNetwork(NetworkEstimator):
    """A trunk for all tasks, a head for each; `_class_tasks` says which of them classify."""

    setting = "multi-task"

    def __init__(
        self,
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
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.weighting = weighting
        self.task_col = task_col
        self.task_weight = task_weight
        self.solver = solver
        self.learning_rate_init = learning_rate_init
        self.momentum = momentum
        self.alpha = alpha
        self.batch_size = batch_size
        self.temperature = temperature
        self.max_iter = max_iter
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.standardize_targets = standardize_targets
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X, y, sample_weight=None):
        """Train the network from random parameters.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)
            Table with the task column.
        y : array-like of shape (n,)
            Targets; a missing one (NaN, None) marks an unlabelled row.
        sample_weight : array-like of shape (n,), default=None
            Factors on the losses of rows. They act on the gradient of a row, not on how often it
            is drawn.

        Returns
        -------
        self : object
            The fitted estimator.
        """
        settings = self._check_parameters()
        network, rows = self._start(X, y, sample_weight)
        held_out, training = None, rows
        if self.early_stopping:
            held_out = self._hold_out(network, rows)
            kept = np.setdiff1d(np.arange(len(rows.y)), held_out)
            weight = None if rows.weight is None else rows.weight[kept]
            training = Rows(rows.features[kept], rows.y[kept], rows.codes[kept], weight)
        network.start_weighting(self.weighting, self.task_weight, training)
        curve, validation, stopped = network.train(rows, settings, held_out)
        network.optimiser = None  # the next training begins with a new one
        self._store(network, curve)
        if self.early_stopping:
            self.validation_curve_ = validation
        if settings.n_iter_no_change is not None and not stopped:
            warnings.warn(
                f"the loss still improved after max_iter={self.max_iter} epochs: raise max_iter or "
                "learning_rate_init, or set n_iter_no_change=None for a fixed number of epochs",
                ConvergenceWarning,
                stacklevel=2,
            )
        return self

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """Train for one epoch on these rows, from the present parameters.

        Each call must hold rows of every task. The first sets up the network, and the scales of
        continuous targets for all.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)
            Table with the task column.
        y : array-like of shape (n,)
            Targets; a missing one (NaN, None) marks an unlabelled row.
        classes : array-like, default=None
            All classes, which every task that classifies may then have. None: those of the first
            call.
        sample_weight : array-like of shape (n,), default=None
            Factors on the losses of rows.

        Returns
        -------
        self : object
            The fitted estimator.
        """
        settings = replace(self._check_parameters(), max_iter=1, n_iter_no_change=None)
        if not hasattr(self, "network_"):
            network, rows = self._start(X, y, sample_weight, classes)
        else:
            network = replace(self.network_)
            rows, *_ = self._read_rows(X, y, sample_weight, reset=False)
            no_head = "partial_fit cannot add a head: use fit"
            rows.codes = task_codes(rows.codes, network.tasks, unseen=no_head)
            rows.features = network.filled(rows.features, rows.codes)
        absent = np.setdiff1d(np.arange(len(network.tasks)), rows.codes)
        if absent.size:
            names = [network.tasks.tolist()[t] for t in absent]
            raise ValueError(f"tasks {some(names)} have no labelled row: each call needs all tasks")
        if network.optimiser is None:
            network.start_weighting(self.weighting, self.task_weight, rows)
        self._store(network, network.train(rows, settings)[0])
        return self

    def _check_parameters(self):
        """The checked settings of the training."""
        for size in self._hidden():
            check_integer(size, "hidden_layer_sizes")
        check_choice(self.activation, "activation", ACTIVATIONS)
        check_number(
            self.validation_fraction, "validation_fraction", low=0, high=1, open_low=True,
            open_high=True,
        )  # fmt: skip
        check_flag(self.early_stopping, "early_stopping")
        check_flag(self.standardize_targets, "standardize_targets")
        return Settings.of(self)

    def _hidden(self):
        sizes = np.ravel(self.hidden_layer_sizes).tolist()
        if not sizes:
            raise ValueError(
                f"hidden_layer_sizes={self.hidden_layer_sizes!r} must hold at least one integer"
            )
        return sizes

    def _class_tasks(self, tasks):
        """Which tasks classify, (T,)."""
        return np.full(len(tasks), is_classifier(self))

    def _start(self, X, y, sample_weight, classes=None):
        """A network with random parameters for this table, and its rows."""
        rows, names, unlabelled = self._read_rows(X, y, sample_weight, reset=True)
        tasks, rows.codes = unique_tasks(rows.codes)
        own_columns = _own_columns(rows, len(tasks), names)
        hidden = self._hidden()
        if not own_columns.all() and len(hidden) == 1:
            raise ValueError(
                "the tasks have different columns, so the first hidden layer is private to each: "
                f"hidden_layer_sizes={self.hidden_layer_sizes!r} leaves nothing to share, add a "
                "second layer"
            )
        network = TrainedNetwork.start(
            rows, tasks, own_columns, self._class_tasks(tasks), classes=classes,
            standardize=self.standardize_targets, dtype=rows.features.dtype, rng=self.random_state,
            layout={
                "n_features": rows.features.shape[1], "hidden": hidden,
                "activation": self.activation,
            },
        )  # fmt: skip
        network.columns, network.unlabelled = names, unlabelled
        rows.features = network.filled(rows.features, rows.codes)
        return network, rows

    def _hold_out(self, network, rows):
        """Numbers of the rows that stop the training; a task of one row keeps it to train on."""
        enough = np.bincount(rows.codes)[rows.codes] > 1
        if not enough.any():
            raise ValueError(
                "early_stopping=True holds out rows of each task, but every task has a single row: "
                "use early_stopping=False"
            )
        (own,) = np.nonzero(enough)
        parts = TaskStratifiedShuffleSplit(
            1, test_size=self.validation_fraction, task_col=0,
            random_state=int(network.rng.integers(2**31)),
        )  # fmt: skip
        names = network.tasks[rows.codes[own], None]  # for messages
        strata = rows.y[own] if network.is_class.all() else None
        return own[next(parts.split(names, strata))[1]]


def _own_columns(rows, n_tasks, names):
    """Which columns each task has, (T, d): those with a value in any of its rows."""
    if n_tasks == 1:
        return np.ones((1, rows.features.shape[1]), dtype=bool)
    absent = np.isnan(rows.features)
    own = np.array([~absent[part].all(axis=0) for part in groups(rows.codes, n_tasks)])
    nowhere = np.flatnonzero(~own.any(axis=0))
    if nowhere.size:
        columns = nowhere.tolist() if names is None else [names[j] for j in nowhere]
        raise ValueError(f"X contains NaN: columns {some(columns)} have no value: drop them")
    return own
