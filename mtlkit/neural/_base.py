"""What the estimators of networks share: reading the table, fitting, predicting by task.

What belongs here: the estimators behind the public ones in ``_estimators.py``, ``_mixed.py`` and
``_finetune.py``. What a trained network is and does stands in ``_state.py``.
"""

import warnings
from dataclasses import replace

import numpy as np
from sklearn.base import BaseEstimator, is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import assert_all_finite, check_array, column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from .._utils._containers import as_table, column_names, groups, is_frame, some
from .._utils._validation import check_integer, check_weights, check_X, labelled_rows, read_numbers
from ..table import TaskStratifiedShuffleSplit
from ..table._reading import read_table, task_codes, unique_tasks
from ..table._rows import explaining, feature_names, refuse_dates, warn_of_a_feature
from ._state import Rows, TrainedNetwork
from ._training import settings_of


class NetworkEstimator(BaseEstimator):
    """An estimator with a `TrainedNetwork` as `network_`, and `task_col`."""

    def _read_features(self, X, reset):
        """Features (n, d) with NaN where a task has no such column, their names, and tasks."""
        table, task = read_table(X, self.task_col)
        check_X(self, X, reset=reset, skip_check_array=True)
        if reset:
            warn_of_a_feature(task, self.task_col)
        with explaining(table, feature_names(as_table(X), self.task_col), task):
            refuse_dates(table)
            features = check_array(
                table, dtype=[np.float64, np.float32], ensure_all_finite="allow-nan",
                input_name="X", estimator=self,
            )  # fmt: skip
        return features, column_names(table) if is_frame(table) else None, task

    def _read_rows(self, X, y, sample_weight, reset):
        """Labelled `Rows` with their tasks for codes, names of the columns, unlabelled tasks."""
        features, names, everywhere = self._read_features(X, reset)
        n = len(features)
        weight = np.ones(n) if sample_weight is None else check_weights(sample_weight, n)
        y, features, task, weight = labelled_rows(y, features, everywhere, weight)
        if is_classifier(self):
            y = column_or_1d(y)
            assert_all_finite(y, input_name="y")
            check_classification_targets(y)
        else:
            y = read_numbers(y)[0]
        rows = Rows(features, y, task, weight)
        if not weight.all():
            rows = rows.part(weight > 0)
        if not rows.y.size:
            raise ValueError("every labelled row has zero sample_weight: nothing to fit")
        known = set(rows.codes.tolist())
        return rows, names, [t for t in unique_tasks(everywhere)[0].tolist() if t not in known]

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
        self, *, hidden_layer_sizes=(64,), activation="relu", weighting=None, task_col=None,
        task_weight="samples", solver="adam", learning_rate_init=0.001, momentum=0.9, alpha=0.0001,
        batch_size=128, temperature=1.0, max_iter=200, early_stopping=False,
        validation_fraction=0.1, n_iter_no_change=10, tol=1e-4, standardize_targets=True,
        random_state=None, verbose=False,
    ):  # fmt: skip
        self.hidden_layer_sizes, self.activation = hidden_layer_sizes, activation
        self.weighting, self.task_weight, self.temperature = weighting, task_weight, temperature
        self.task_col, self.standardize_targets = task_col, standardize_targets
        self.solver, self.learning_rate_init, self.momentum = solver, learning_rate_init, momentum
        self.alpha, self.batch_size, self.max_iter = alpha, batch_size, max_iter
        self.early_stopping, self.validation_fraction = early_stopping, validation_fraction
        self.n_iter_no_change, self.tol = n_iter_no_change, tol
        self.random_state, self.verbose = random_state, verbose

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
        settings = settings_of(self)
        network, rows = self._start(X, y, sample_weight)
        held_out = self._hold_out(network, rows) if self.early_stopping else []
        training = rows.part(np.setdiff1d(np.arange(len(rows.y)), held_out))
        network.start_weighting(self.weighting, self.task_weight, training)
        curve, validation, stopped = network.train(rows, settings, held_out)
        network.optimiser = None  # the next training begins with a new one
        self._store(network, curve)
        if self.early_stopping:
            silent = np.setdiff1d(np.arange(len(self.tasks_)), rows.codes[held_out])
            validation[:, silent] = np.nan
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
        settings = settings_of(self, max_iter=1, n_iter_no_change=None)
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

    def _class_tasks(self, tasks):
        """Which tasks classify, (T,)."""
        return np.full(len(tasks), is_classifier(self))

    def _start(self, X, y, sample_weight, classes=None):
        """A network with random parameters for this table, and its rows."""
        rows, names, unlabelled = self._read_rows(X, y, sample_weight, reset=True)
        tasks, rows.codes = unique_tasks(rows.codes)
        own_columns = _own_columns(rows, len(tasks), names)
        sizes = np.ravel(self.hidden_layer_sizes).tolist()
        hidden = [check_integer(size, "hidden_layer_sizes") for size in sizes]
        if len(hidden) <= (not own_columns.all()):
            raise ValueError(
                f"hidden_layer_sizes={self.hidden_layer_sizes!r} leaves nothing to share: add a "
                "layer (where tasks have different columns, the first one is private to each)"
            )
        network = TrainedNetwork.start(
            rows, tasks, own_columns, self._class_tasks(tasks), classes, self.standardize_targets,
            hidden, self.activation, self.random_state,
        )  # fmt: skip
        network.columns, network.unlabelled = names, unlabelled
        rows.features = network.filled(rows.features, rows.codes)
        return network, rows

    def _hold_out(self, network, rows):
        """Numbers of the rows that stop the training; a task of one row keeps it to train on."""
        enough = np.bincount(rows.codes)[rows.codes] > 1
        own = np.flatnonzero(enough | ~enough.any())  # if there is none, the splitter says so
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
