"""A trained network as one object: what `fit`, `partial_fit` and fine-tuning go on from.

What belongs here: the parameters with everything that turns them into predictions, and the
conversions between labels and what the network computes.
"""

from dataclasses import dataclass, field

import numpy as np
from sklearn.base import clone
from sklearn.utils import check_random_state

from .._utils._containers import groups, some
from .._utils._numerics import possible_classes
from .._utils._validation import balance_weights
from ._batches import in_groups
from ._losses import TaskLosses
from ._network import Network
from ._training import train
from ._weighting import FixedWeights, Weighting


@dataclass(eq=False)
class Rows:
    """Labelled rows: features (n, d), y (n,), the number of the task, weights (n,)."""

    features: np.ndarray
    y: np.ndarray
    codes: np.ndarray
    weight: np.ndarray

    def part(self, rows):
        return Rows(self.features[rows], self.y[rows], self.codes[rows], self.weight[rows])


@dataclass(eq=False)
class TrainedNetwork:
    r"""The state of a trained network: parameters θ, where they lie, and scales of the targets.

    For a row x of task t it computes the outputs :math:`f(x; \theta_0, \theta_t)` of shape (K,).
    The prediction of a continuous target is ``spread[t] * f[0] + centre[t]``; the probabilities of
    classes are the softmax of f over the classes that the task may have.

    Parameters
    ----------
    layout : Network
        Where the weights and the bias of each layer lie in `theta`: ``layout.layers[k].of(theta)``
        gives both, for a head with the task as first axis. ``layout.n_shared`` parameters, the
        first ones, are those of the trunk.
    theta : ndarray of shape (P,)
        The parameters, those of the trunk first. Training replaces the array.
    tasks : ndarray of shape (T,)
        Names of the tasks.
    classes : ndarray of shape (K,)
        The classes of all tasks that classify.
    is_class : ndarray of bool, shape (T,)
        Which tasks classify.
    possible : ndarray of bool, shape (T, K)
        Which classes each task may have.
    centre, spread : ndarray of shape (T,)
        Mean and standard deviation by which continuous targets are scaled.
    own_columns : ndarray of bool, shape (T, d)
        Which features each task has.
    columns : list of str or None
        Names of the features.
    unlabelled : list
        Tasks that the table had in `fit`, without a label.
    rng : numpy.random.Generator
        What draws batches, and anything else that is random in training.
    weighting : Weighting or None
        The loss weighting, with what it has learned.
    optimiser : object or None
        The state of Adam or SGD; only after `partial_fit`.

    See Also
    --------
    MultiTaskMLPRegressor : Trains such a network, and keeps it as `network_`.
    FineTuner : Goes on from one, for other tasks.

    Notes
    -----
    Taught in :doc:`/chapters/algorithms/one_trunk`.

    Examples
    --------
    >>> from mtlkit.datasets import make_linear_tasks
    >>> from mtlkit.neural import MultiTaskMLPRegressor
    >>> X, y = make_linear_tasks(n_tasks=3, n_features=5, random_state=0)
    >>> model = MultiTaskMLPRegressor(hidden_layer_sizes=(8,), task_col=0, n_iter_no_change=None)
    >>> network = model.fit(X, y).network_
    >>> trunk, heads = network.layout.layers
    >>> W, b = trunk.of(network.theta)
    >>> V, c = heads.of(network.theta)
    >>> W.shape, V.shape
    ((5, 8), (3, 8, 1))
    """

    layout: Network
    theta: np.ndarray
    tasks: np.ndarray
    classes: np.ndarray
    is_class: np.ndarray
    possible: np.ndarray
    centre: np.ndarray
    spread: np.ndarray
    own_columns: np.ndarray
    columns: list | None = None
    unlabelled: list = field(default_factory=list)
    rng: np.random.Generator | None = None
    weighting: Weighting | None = None
    optimiser: object = None

    @classmethod
    def start(
        cls, rows, tasks, own_columns, is_class, classes, standardize, hidden, activation, rng
    ):
        """Random parameters for the tasks of labelled rows.

        Parameters
        ----------
        rows : Rows
            Labelled rows, from which scales and classes are learned.
        tasks : ndarray of shape (T,)
            Names of the tasks.
        own_columns : ndarray of bool, shape (T, d)
            Which features each task has.
        is_class : ndarray of bool, shape (T,)
            Which tasks classify.
        classes : array-like or None
            All classes, which every task may then have; None means those of the rows.
        standardize : bool
            Whether continuous targets are scaled.
        hidden : tuple of int
            Widths of the hidden layers.
        activation : str
            Activation of the hidden layers.
        rng : int, RandomState instance or None
            What draws the parameters.

        Returns
        -------
        network : TrainedNetwork
            A network that has not been trained.
        """
        T, codes = len(tasks), rows.codes
        known = np.unique(rows.y[is_class[codes]] if classes is None else classes)
        possible = np.zeros((T, len(known)), dtype=bool)
        possible[is_class] = classes is not None
        if classes is None and is_class.any():
            own = groups(codes, T)
            has = np.array([np.isin(known, rows.y[own[t]]) for t in np.flatnonzero(is_class)])
            possible[is_class] = possible_classes(has)
        centre, spread = np.zeros(T), np.ones(T)
        if standardize and not is_class.all():
            size, n = np.zeros(T), np.bincount(codes, rows.weight, T)
            np.maximum.at(size, codes, np.abs(rows.y))
            size = np.ldexp(1.0, np.frexp(size)[1] - 1)  # in units of it squares stay in range
            y = rows.y / size[codes]
            mean = np.bincount(codes, rows.weight * y, T) / n
            spread = np.sqrt(np.bincount(codes, rows.weight * (y - mean[codes]) ** 2, T) / n)
            constant = spread <= 1e-14 * np.abs(mean)  # up to rounding
            centre[~is_class] = (mean * size)[~is_class]
            spread = np.where(is_class | constant, 1, spread * size)
        rng = np.random.default_rng(check_random_state(rng).randint(2**31, size=4))
        private, width = not own_columns.all(), rows.features.shape[1]
        layout = Network(width, hidden, T, max(1, len(known)), activation, private)
        theta = layout.initial(rng, rows.features.dtype)
        return cls(
            layout, theta, tasks, known, is_class, possible, centre, spread, own_columns, rng=rng
        )

    def train(self, rows, settings, held_out=()):
        """Train on labelled rows; replaces `theta`.

        Parameters
        ----------
        rows : Rows
            Labelled rows.
        settings : namespace
            Optimiser, batch size, epochs and the like.
        held_out : array-like of int, default=()
            Numbers of the rows that are not trained on but decide when to stop.

        Returns
        -------
        curve, validation : ndarray of shape (epochs, T)
            Mean losses in training, and on the held-out rows.
        stopped : bool
            Whether `n_iter_no_change` epochs passed without an improvement.
        """
        T, weight, codes, batch = len(self.tasks), rows.weight.copy(), rows.codes, None
        own = [part[~np.isin(part, held_out)] for part in groups(codes, T)]
        for part in own:
            weight[part] /= weight[part].mean()
        if len(held_out):
            codes, share = codes[held_out], rows.weight[held_out]
            share = (share / np.bincount(codes, share, T)[codes]).astype(self.theta.dtype)
            batch = in_groups(held_out, codes, share, np.zeros_like(codes), 1, T)[0]
        loss = TaskLosses(self.scaled(rows.y, rows.codes), self.is_class, self.possible)
        features = rows.features.astype(self.theta.dtype, copy=False)
        weight = None if (weight == 1).all() else weight
        return train(self, features, own, loss, settings, batch, weight)

    def start_weighting(self, weighting, task_weight, rows):
        """Start a clone of the weighting with the weights of the tasks' *mean* losses.

        Parameters
        ----------
        weighting : Weighting or None
            None means `FixedWeights`.
        task_weight : {"samples", "tasks"} or array-like of shape (T,)
            A factor λ_t on the loss of every row of task t: λ_t n_t T / N on the mean loss.
        rows : Rows
            The rows to train on.
        """
        if not isinstance(weighting, Weighting | None):
            raise ValueError(f"weighting={weighting!r} must be None or a Weighting: use PCGrad()")
        n = np.bincount(rows.codes, rows.weight, len(self.tasks))
        base = balance_weights(task_weight, n, self.tasks) * n * len(n) / n.sum()
        self.weighting = FixedWeights() if weighting is None else clone(weighting)
        self.weighting.start(base, self.rng)

    def filled(self, features, codes):
        """The features with 0 in columns that a task does not have.

        Parameters
        ----------
        features : ndarray of shape (n, d)
            With NaN in these columns.
        codes : ndarray of int, shape (n,)
            The number of each row's task.

        Returns
        -------
        filled : ndarray of shape (n, d)
            Without NaN.

        Raises
        ------
        ValueError
            If NaN is in a column that the task has.
        """
        own = self.own_columns[codes]
        bad = np.argwhere(own & ~np.isfinite(features))
        if bad.size:
            row, column = bad[0].tolist()
            name = column if self.columns is None else self.columns[column]
            what = "NaN" if np.isnan(features[row, column]) else "infinity"
            raise ValueError(
                f"Input X contains {what} in column {name!r}, row {row}: impute it, since the "
                f"network reads that column of task {self.tasks.tolist()[codes[row]]!r}"
            )
        return features if own.all() else np.where(own, features, 0)

    def scaled(self, y, codes):
        """Targets as the network computes them.

        Parameters
        ----------
        y : ndarray of shape (n,)
            Labels.
        codes : ndarray of int, shape (n,)
            The number of each row's task.

        Returns
        -------
        scaled : ndarray of shape (n,)
            Continuous targets scaled, and classes as positions in `classes`.

        Raises
        ------
        ValueError
            If a label is a class that its task may not have.
        """
        of_class = self.is_class[codes]
        scaled = np.empty(len(y), self.theta.dtype)
        labels, tasks, kind = y[of_class], codes[of_class], ~of_class
        at = np.searchsorted(self.classes, labels).clip(max=max(len(self.classes) - 1, 0))
        if labels.size:
            barred = (self.classes[at] != labels) | ~self.possible[tasks, at]
            if barred.any():
                t = tasks[barred][0]
                raise ValueError(
                    f"y holds class {labels[barred][0].item()!r} for task "
                    f"{self.tasks.tolist()[t]!r}, whose head has outputs for "
                    f"{some(self.classes[self.possible[t]].tolist())} only: use head=None in "
                    "FineTuner, or pass all classes to the first partial_fit"
                )
        scaled[of_class] = at
        scaled[kind] = (y[kind].astype(float) - self.centre[codes[kind]]) / self.spread[codes[kind]]
        return scaled

    def outputs(self, features, codes):
        """Outputs of the heads.

        Parameters
        ----------
        features : ndarray of shape (n, d)
            Features without NaN.
        codes : ndarray of int, shape (n,)
            The number of each row's task.

        Returns
        -------
        outputs : ndarray of shape (n, K)
            The output f of each row, by the head of its task.
        """
        n, dtype = len(codes), self.theta.dtype
        batch = in_groups(np.arange(n), codes, np.ones(n), 0 * codes, 1, len(self.tasks))[0]
        X = features.astype(dtype, copy=False)[batch.rows]
        outputs, used = np.empty((n, self.layout.n_outputs), dtype), batch.weight > 0
        outputs[batch.rows[used]] = self.layout.forward(self.theta, X, batch.codes)[1][used]
        return outputs

    def predict(self, features, codes):
        """Continuous predictions, or the most probable classes.

        Parameters
        ----------
        features : ndarray of shape (n, d)
            Features without NaN.
        codes : ndarray of int, shape (n,)
            The number of each row's task.

        Returns
        -------
        values : ndarray of shape (n,)
            A prediction per row, of the kind of its task.
        """
        outputs, of_class = self.outputs(features, codes), self.is_class[codes]
        values = outputs[:, 0] * self.spread[codes] + self.centre[codes]
        if of_class.any():
            best = np.where(self.possible[codes], outputs, -np.inf).argmax(axis=1)
            best = self.classes[best]
            values = best if of_class.all() else np.where(of_class, best, values)
        return values

    def predict_proba(self, features, codes):
        """Class probabilities, for rows whose tasks classify.

        Parameters
        ----------
        features : ndarray of shape (n, d)
            Features without NaN.
        codes : ndarray of int, shape (n,)
            The number of each row's task.

        Returns
        -------
        probabilities : ndarray of shape (n, K)
            In the order of `classes`; 0 for a class that the task may not have.
        """
        Z = np.where(self.possible[codes], self.outputs(features, codes), -np.inf)
        P = np.exp(Z - Z.max(axis=1, keepdims=True))
        return P / P.sum(axis=1, keepdims=True)
