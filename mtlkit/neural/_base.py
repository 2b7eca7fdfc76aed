"""What the multi-task networks share: reading the table, training, predicting by task.

What belongs here: the estimator behind the three public ones in ``_estimators.py``, which say what
their targets are.
"""

import warnings
from numbers import Integral

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import (
    assert_all_finite,
    check_array,
    check_consistent_length,
    check_random_state,
    check_scalar,
    column_or_1d,
)
from sklearn.utils.validation import check_is_fitted, validate_data

from .._utils._containers import groups, some
from .._utils._validation import balance_weights, check_strength, labelled_rows
from ..table import TaskStratifiedShuffleSplit
from ..table._reading import read_table, task_codes
from ._losses import TaskLosses
from ._network import ACTIVATIONS, Network
from ._training import OPTIMISERS, Settings, Watch, train
from ._weighting import FixedWeights, Weighting


class TaskNetwork(BaseEstimator):
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

    def fit(self, X, y):
        """Train the network from random parameters.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)
            Table with the task column.
        y : array-like of shape (n,)
            Targets; NaN marks a row without label.

        Returns
        -------
        self
        """
        features, y, task = self._begin(X, y)
        rows = groups(np.searchsorted(self.tasks_, task), len(self.tasks_))
        held_out = self._hold_out(task, y) if self.early_stopping else None
        if held_out is not None:
            rows = [own[~np.isin(own, held_out)] for own in rows]
        self._start_weighting(rows)
        self._train(features, y, task, rows, held_out, self._settings())
        return self

    def partial_fit(self, X, y, classes=None):
        """Train for one epoch on these rows, from the present parameters.

        Each call must hold rows of every task. The first sets up the network, and standardises
        quantities for all.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)
            Table with the task column.
        y : array-like of shape (n,)
            Targets; a missing one marks a row without label.
        classes : array-like, default=None
            All classes, which every task that classifies may then have. None: those that the task
            has in the first call.

        Returns
        -------
        self
        """
        if not hasattr(self, "theta_"):
            features, y, task = self._begin(X, y, classes)
        else:
            self._check_parameters()
            features, y, task = self._read_training(X, y, reset=False)
        codes = task_codes(task, self.tasks_, unseen="partial_fit cannot add a head: use fit")
        rows = groups(codes, len(self.tasks_))
        absent = self.tasks_[[not len(own) for own in rows]].tolist()
        if absent:
            raise ValueError(
                f"tasks {some(absent)} have no labelled row: each call needs all tasks"
            )
        if not hasattr(self, "_optimiser"):
            self._start_weighting(rows)
        settings = self._settings()
        settings.max_epochs, settings.n_iter_no_change = 1, None
        settings.optimiser = getattr(self, "_optimiser", None)
        self._train(features, y, task, rows, None, settings)
        self._optimiser = settings.optimiser
        return self

    def _begin(self, X, y, classes=None):
        """Random parameters for this table; its features, labels and tasks."""
        self._check_parameters()
        features, y, task = self._read_training(X, y, reset=True)
        rng = check_random_state(self.random_state)
        self._rng = np.random.default_rng(rng.randint(2**31, size=4))
        self._set_up(features, y, task, classes)
        self.__dict__.pop("_optimiser", None)
        return features, y, task

    def _check_parameters(self):
        for name in ("learning_rate_init", "validation_fraction"):
            check_strength(self, name, include="neither")
        for name in ("momentum", "alpha", "tol"):
            check_strength(self, name, include="left")
        check_strength(self, "temperature", include="right")
        for name in ("batch_size", "max_iter"):
            check_scalar(getattr(self, name), name, Integral, min_val=1)
        for name, known in (("activation", ACTIVATIONS), ("solver", tuple(OPTIMISERS))):
            if getattr(self, name) not in known:
                raise ValueError(f"{name}={getattr(self, name)!r} is unknown: use one of {known}")
        sizes = np.ravel(self.hidden_layer_sizes).tolist()
        if not sizes or not all(isinstance(size, int) and size > 0 for size in sizes):
            raise ValueError(
                f"hidden_layer_sizes={self.hidden_layer_sizes!r} must hold whole numbers above 0"
            )
        if not isinstance(self.weighting, Weighting | None):
            raise ValueError(
                f"weighting={self.weighting!r} must be a Weighting, such as PCGrad(), or None"
            )

    # Reading

    def _read_features(self, X, reset):
        """Features (n, d), zero where a task has no such column, and the task of each row."""
        features, task = read_table(X, self.task_col)
        validate_data(self, X, reset=reset, skip_check_array=True)
        features = check_array(
            features,
            dtype=[np.float64, np.float32],
            ensure_all_finite="allow-nan",
            input_name="X",
            estimator=self,
        )
        return features, task

    def _read_training(self, X, y, reset):
        if y is None:
            raise ValueError(
                f"This {type(self).__name__} estimator requires y to be passed, but the target y "
                "is None."
            )
        features, task = self._read_features(X, reset)
        y = self._read_targets(y)
        check_consistent_length(features, y)
        y, features, task = labelled_rows(y, features, task)
        if reset:
            self.tasks_, codes = np.unique(task, return_inverse=True)
            absent = np.isnan(features)
            self._own_columns = np.array(
                [~absent[codes == t].all(axis=0) for t in range(len(self.tasks_))]
            )
            if len(self.tasks_) == 1:
                self._own_columns[:] = True
        return self._zero_filled(features, task), y, task

    def _read_targets(self, y):
        y = check_array(
            y, dtype=np.float64, ensure_2d=False, ensure_all_finite="allow-nan", input_name="y"
        )
        return column_or_1d(y, warn=True)

    def _zero_filled(self, features, task):
        """The features with 0 in columns that a task does not have; NaN elsewhere is an error."""
        lacks = f"{type(self).__name__} has no head for them: fit it on rows of these tasks"
        codes = task_codes(task, self.tasks_, unseen=lacks)
        if self._own_columns.all():
            assert_all_finite(features, input_name="X", estimator_name=type(self).__name__)
            return features
        own = self._own_columns[codes]
        bad = own & ~np.isfinite(features)
        if bad.any():
            row, column = np.argwhere(bad)[0]
            raise ValueError(
                f"Input X contains NaN or infinity in row {row}, column {column}, which task "
                f"{task[row].item()!r} has in other rows: impute it"
            )
        return np.where(own, features, 0)

    # Training

    def _class_tasks(self):
        """Which tasks classify, (T,)."""
        return np.zeros(len(self.tasks_), dtype=bool)

    def _set_up(self, features, y, task, classes=None):
        """Classes, scales of targets, the network and its random parameters."""
        rows = groups(np.searchsorted(self.tasks_, task), len(self.tasks_))
        self._is_class = self._class_tasks()
        chosen = self._is_class[np.searchsorted(self.tasks_, task)]
        self.classes_ = np.unique(y[chosen] if classes is None else classes)
        self._allowed = np.array([np.isin(self.classes_, y[own]) for own in rows])
        self._allowed |= classes is not None
        self._allowed &= self._is_class[:, None]
        self._centre, self._spread = np.zeros(len(rows)), np.ones(len(rows))
        for t in np.flatnonzero(~self._is_class) if self.standardize_targets else ():
            self._centre[t], spread = y[rows[t]].mean(), y[rows[t]].std()
            self._spread[t] = spread if spread > 0 else 1.0
        hidden = np.ravel(self.hidden_layer_sizes).tolist()
        private = not self._own_columns.all()
        if private and len(hidden) == 1:
            raise ValueError(
                "the tasks have different columns, so the first hidden layer is private to each: "
                f"hidden_layer_sizes={self.hidden_layer_sizes!r} leaves nothing to share, add a "
                "second layer"
            )
        K = max(1, len(self.classes_))
        self.network_ = Network(
            features.shape[1], hidden, len(rows), K, self.activation, private_input=private
        )
        self.theta_ = self.network_.initial(self._rng, features.dtype)

    def _targets(self, y, task):
        """Targets on the scale of the network: standardised quantities, numbers of classes."""
        codes = np.searchsorted(self.tasks_, task)
        of_class = self._is_class[codes]
        scaled = np.empty(len(y))
        new = np.setdiff1d(y[of_class], self.classes_).tolist()
        if new:
            raise ValueError(
                f"y holds classes {some(new)}, which the network does not have (it has "
                f"{some(self.classes_.tolist())}): pass all classes to the first partial_fit"
            )
        scaled[of_class] = np.searchsorted(self.classes_, y[of_class])
        codes = codes[~of_class]
        scaled[~of_class] = (y[~of_class].astype(float) - self._centre[codes]) / self._spread[codes]
        return scaled

    def _hold_out(self, task, y):
        parts = TaskStratifiedShuffleSplit(
            1, test_size=self.validation_fraction, task_col=0,
            random_state=int(self._rng.integers(2**31)),
        )  # fmt: skip
        strata = y if self._is_class.all() else None
        return next(parts.split(np.searchsorted(self.tasks_, task)[:, None], strata))[1]

    def _start_weighting(self, rows):
        n = np.array([len(own) for own in rows], dtype=float)
        weight = balance_weights(self.task_weight, n)
        # With losses averaged over rows, "samples" weighs by rows.
        if isinstance(self.task_weight, str):
            weight = weight * n
            weight = weight * len(n) / weight.sum()
        self._weighting = FixedWeights() if self.weighting is None else clone(self.weighting)
        self._weighting.start(weight, self._rng)

    def _settings(self):
        return Settings(
            solver=self.solver,
            learning_rate=self.learning_rate_init,
            alpha=self.alpha,
            momentum=self.momentum,
            batch_size=self.batch_size,
            temperature=self.temperature,
            max_epochs=self.max_iter,
            n_iter_no_change=self.n_iter_no_change,
            tol=self.tol,
            verbose=self.verbose,
        )

    def _train(self, features, y, task, rows, held_out, settings):
        """Train `theta_`; store the curves, the number of epochs and the best parameters."""
        targets = self._targets(y, task).astype(features.dtype)
        loss = TaskLosses(targets, self._is_class, self._allowed)
        check = None
        if held_out is not None:
            check = self._batch_of_all(held_out, np.searchsorted(self.tasks_, task))
        watch = Watch(self.network_, loss, features, check, self._weighting.base_, settings)
        self.loss_curve_, self.theta_ = train(
            self.network_, self.theta_, features, rows, loss, self._weighting, settings,
            self._rng, watch,
        )  # fmt: skip
        self.n_iter_ = len(self.loss_curve_)
        if held_out is not None:
            self.validation_curve_ = np.array(watch.curve)
        if settings.n_iter_no_change is not None and not watch.stopped:
            warnings.warn(
                f"the loss still improved after max_iter={self.max_iter} epochs: raise max_iter or "
                "learning_rate_init, or set n_iter_no_change=None for a fixed number of epochs",
                ConvergenceWarning,
                stacklevel=3,
            )

    @staticmethod
    def _batch_of_all(rows, codes):
        """All these rows as one batch (T, m), and weights that average those of each task."""
        own = [rows[codes[rows] == t] for t in range(codes.max() + 1)]
        index = np.zeros((len(own), max(map(len, own))), dtype=np.intp)
        weight = np.zeros(index.shape)
        for t, part in enumerate(own):
            index[t] = part[0]  # fills up, with weight 0
            index[t, : len(part)], weight[t, : len(part)] = part, 1 / len(part)
        return index, weight

    # Prediction

    def _outputs(self, X):
        check_is_fitted(self)
        features, task = self._read_features(X, reset=False)
        features = self._zero_filled(features, task).astype(self.theta_.dtype, copy=False)
        codes = np.searchsorted(self.tasks_, task)
        return self.network_.outputs(self.theta_, features, codes), codes

    def _predict(self, X):
        outputs, codes = self._outputs(X)
        values = outputs[:, 0] * self._spread[codes] + self._centre[codes]
        of_class = self._is_class[codes]
        if of_class.any():
            best = np.where(self._allowed[codes], outputs, -np.inf).argmax(axis=1)
            values = np.where(of_class, self.classes_[best], values)
        return values
