"""Fine-tuning: a trained network goes on learning on a target, all of it or in part."""

from copy import copy

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.utils import check_random_state
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from .._utils._containers import some
from .._utils._delegation import LabelledScore, delegate_tags
from .._utils._validation import check_choice, check_integer, check_number, check_strength
from ..table._reading import find_tasks, unique_tasks
from ._base import NetworkEstimator
from ._estimators import MultiTaskMLPClassifier, MultiTaskMLPRegressor
from ._state import TrainedNetwork
from ._training import settings_of

MODES = ("full", "frozen", "gradual", "probe first")


class FineTuner(LabelledScore, NetworkEstimator):
    r"""Fine-tuning (transfer learning): a trained network goes on learning on target tasks.

    With θ_0 the trunk, which the trained network has left at θ_0ˢ, it minimises, from there,

    .. math::

        \frac{T}{N} \sum_{t=1}^{T} \lambda_t \sum_{i=1}^{n_t}
        \ell\big(f(x_{ti}; \theta_0, \theta_t), y_{ti}\big) + \frac a2 \|\theta_0 - \theta_0^s\|^2

    over the T tasks of the target table, with N = Σ_t n_t rows, plus the network's weight decay of
    the heads.

    Parameters
    ----------
    network : fitted MultiTaskMLPRegressor or MultiTaskMLPClassifier
        What to start from. It is never changed, and `clone` keeps it fitted, so that a search
        works. Its parameters (solver, batch size, weight decay, weighting …) are used unless given
        here; setting one (``network__alpha``) sets that of a copy. Its `task_weight` is used if it
        is a string, since an array was for its own tasks.
    mode : {"full", "frozen", "gradual", "probe first"}, default="full"
        "full": all parameters move. "frozen": only the heads, a linear probe of the trunk.
        "gradual": heads first, then one more layer at a time from the top, in equal numbers of
        epochs. "probe first": half of the epochs "frozen", then half "full" (LP-FT).
    head : task name or None, default=None
        A task of the network whose head the targets start from, with its classes or its scale.
        None: new random heads.
    anchor : float, default=0.0
        Strength a of the pull to the trained trunk (L2-SP).
    layer_decay : float, default=1.0
        Factor on the step of each layer below the head, once more for each layer further down, from
        0 to 1: lower layers move more slowly.
    learning_rate_init : float or None, default=None
        Step size. None: that of the network.
    max_iter : int, default=100
        Epochs.
    task_col : str, int or None, default=None
        The task column of the target table; None means one target task.
    random_state : int, RandomState instance or None, default=None
        New heads and minibatches.

    Attributes
    ----------
    network_ : TrainedNetwork
        The fine-tuned parameters and heads of the target tasks.
    tasks_ : ndarray of shape (T,)
        The target tasks.
    classes_ : ndarray of shape (K,)
        Only if the network classifies.
    loss_curve_ : ndarray of shape (max_iter, T)
        Mean training loss of each target task in each epoch, before weights.
    n_iter_ : int
        Epochs, `max_iter` of them.
    n_features_in_ : int
        Columns of the target table, the task column among them.
    feature_names_in_ : ndarray of str
        Names of these columns, if all are strings.

    Raises
    ------
    ValueError
        If the columns of the table are not those of the network, `head` is not a task of it, a kept
        head lacks a class, or training diverges.

    See Also
    --------
    MultiTaskMLPClassifier : Trains the network to start from.
    mtlkit.transfer.BiasedRidge : A linear model that is pulled to one of the source.

    Notes
    -----
    Taught in :doc:`/chapters/algorithms/pretrain` and :doc:`/chapters/algorithms/joining_forces`.

    Columns are matched by name where both tables have names. Each epoch costs what one of the
    network costs on the target rows.

    Without tuning, too few steps look like negative transfer. Tune step size and epochs by target
    rows alone, and a network from scratch by the same grid::

        grid = {"learning_rate_init": [0.001, 0.003, 0.01], "max_iter": [10, 30, 100]}
        cv = TaskStratifiedKFold(3, shuffle=True, random_state=0)
        scratch = MultiTaskMLPClassifier(n_iter_no_change=None, random_state=0)
        for arm in (FineTuner(network, random_state=0), scratch):
            GridSearchCV(arm, grid, cv=cv).fit(X, y)

    References
    ----------
    * X. Li, Y. Grandvalet and F. Davoine, "Explicit inductive bias for transfer learning with
      convolutional networks", ICML 2018.
    * A. Kumar et al., "Fine-tuning can distort pretrained features and underperform
      out-of-distribution", ICLR 2022.
    * J. Howard and S. Ruder, "Universal language model fine-tuning for text classification", ACL
      2018.

    Examples
    --------
    >>> from mtlkit.datasets import load_shifted_digits
    >>> from mtlkit.neural import FineTuner, MultiTaskMLPClassifier
    >>> X, y = load_shifted_digits({"upright": None, "turned": ("rotation", 15)})
    >>> source, target = X[:, 0] == 0, X[:, 0] == 1
    >>> network = MultiTaskMLPClassifier(max_iter=30, n_iter_no_change=None, random_state=0)
    >>> network = network.fit(X[source, 1:], y[source])
    >>> few, rest = X[target][:30, 1:], X[target][30:, 1:]
    >>> model = FineTuner(network, head=0, random_state=0).fit(few, y[target][:30])
    >>> bool(model.score(rest, y[target][30:]) > network.score(rest, y[target][30:]))
    True
    """

    setting = "transfer"

    def __init__(
        self, network, *, mode="full", head=None, anchor=0.0, layer_decay=1.0,
        learning_rate_init=None, max_iter=100, task_col=None, random_state=None,
    ):  # fmt: skip
        self.network, self.task_col, self.random_state = network, task_col, random_state
        self.mode, self.head, self.anchor, self.layer_decay = mode, head, anchor, layer_decay
        self.learning_rate_init, self.max_iter = learning_rate_init, max_iter

    def __sklearn_clone__(self):
        parameters = self.get_params(deep=False)
        network = parameters.pop("network")
        return type(self)(network, **{k: clone(v, safe=False) for k, v in parameters.items()})

    def set_params(self, **params):
        """Set the parameters; those of the network (``network__alpha``) are set in a copy of it.

        Parameters
        ----------
        **params : dict
            Parameters of this estimator, and of the network after ``network__``.

        Returns
        -------
        self : object
            This estimator.
        """
        if "network" in params:
            self.network = params.pop("network")
        if any(name.startswith("network__") for name in params):
            own = clone(self.network).get_params(deep=False)
            self.network = copy(self.network)  # keeps what was fitted, with parameters of its own
            self.network.__dict__.update(own)
        return super().set_params(**params)

    def fit(self, X, y, sample_weight=None):
        """Fine-tune on the target table.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)
            Target rows, with the task column if `task_col` is not None.
        y : array-like of shape (n,)
            Targets; a missing one (NaN, None) marks an unlabelled row.
        sample_weight : array-like of shape (n,), default=None
            Factors on the losses of rows.

        Returns
        -------
        self : object
            The fitted estimator.
        """
        self._check_parameters()
        source, settings = self.network.network_, settings_of(self.network, n_iter_no_change=None)
        if self.learning_rate_init is not None:
            settings.learning_rate_init = self.learning_rate_init
        rows, _, unlabelled = self._read_rows(X, y, sample_weight, reset=True)
        rows.features = rows.features.astype(source.theta.dtype, copy=False)
        tasks, rows.codes = unique_tasks(rows.codes)
        network = self._start(source, rows, tasks)
        network.columns, network.unlabelled = source.columns, unlabelled
        rows.features = network.filled(rows.features, rows.codes)
        weight = self.network.task_weight
        weight = weight if isinstance(weight, str) else "samples"  # it was for the source tasks
        network.start_weighting(self.network.weighting, weight, rows)
        private, curves = np.arange(network.theta.size) >= source.layout.n_shared, []
        settings.alpha, settings.pull = settings.alpha * private, self.anchor * ~private
        settings.anchor = np.where(private, 0, np.resize(source.theta, private.shape))
        for settings.max_iter, settings.scale in self._phases(network.layout):
            curves.append(network.train(rows, settings)[0])
            network.optimiser = None
        self._store(network, np.concatenate(curves))
        return self

    def _check_parameters(self):
        if not isinstance(self.network, MultiTaskMLPRegressor | MultiTaskMLPClassifier):
            raise ValueError(
                f"network={self.network!r} must be a fitted MultiTaskMLPRegressor or "
                "MultiTaskMLPClassifier"
            )
        check_is_fitted(self.network)
        if self.network.network_.layout.layers[0].private:
            raise ValueError(
                "the network has an encoder for each of its tasks and a trunk above them: a new "
                "task has no encoder, so there is nothing to start from"
            )
        check_choice(self.mode, "mode", MODES)
        check_strength(self, "anchor", include="left")
        check_number(self.layer_decay, "layer_decay", low=0, high=1)
        check_integer(self.max_iter, "max_iter")
        if self.learning_rate_init is not None:
            check_strength(self, "learning_rate_init", include="neither")

    def _read_features(self, X, reset):
        """Features in the order in which the network was trained on them."""
        features, names, task = super()._read_features(X, reset)
        source = self.network.network_ if reset else self.network_
        if None not in (names, source.columns):
            odd = sorted(map(str, set(names) ^ set(source.columns)))
            if odd:
                raise ValueError(
                    f"the table and the network it starts from differ in the columns {some(odd)}: "
                    f"give those of the network, {some(source.columns)}"
                )
            return features[:, [names.index(name) for name in source.columns]], names, task
        if features.shape[1] != source.layout.n_features:
            raise ValueError(
                f"the table has {features.shape[1]} features, but the network was trained on "
                f"{source.layout.n_features}: give the same columns"
            )
        return features, names, task

    def _start(self, source, rows, tasks):
        """The network for the target: the source's trunk, and its head or new ones."""
        layout, keep = source.layout, self.head is not None
        (t,) = find_tasks([self.head], source.tasks) if keep else (None,)
        if keep and t < 0:
            raise ValueError(
                f"head={self.head!r} is not a task of the network: choose one of "
                f"{some(source.tasks.tolist())}"
            )
        rng = check_random_state(self.random_state)
        rng.randint(2**31)  # else new heads would be where those of a network of this seed began
        network = TrainedNetwork.start(
            rows, tasks, np.ones((len(tasks), layout.n_features), dtype=bool),
            np.full(len(tasks), is_classifier(self)), source.classes if keep else None,
            self.network.standardize_targets, layout.hidden, layout.activation, rng,
        )  # fmt: skip
        network.theta[: layout.n_shared] = source.theta[: layout.n_shared]
        if keep:
            network.centre[:], network.spread[:] = source.centre[t], source.spread[t]
            network.possible[:] = source.possible[t]
            new, old = (n.layout.layers[-1].of(n.theta) for n in (network, source))
            new[0][:], new[1][:] = old[0][t], old[1][t]
        return network

    def _phases(self, network):
        """Pairs of a number of epochs and the factor on the step of each parameter."""
        depth = len(network.layers)
        steps = []  # steps[k]: heads and the k layers below them move
        for moving in range(depth):
            scale = np.zeros(network.n_parameters)
            for below, layer in enumerate(reversed(network.layers)):
                if below <= moving:
                    scale[layer.weights] = scale[layer.bias] = self.layer_decay**below
            steps.append(scale)
        if self.mode == "gradual":
            parts = np.array_split(np.arange(self.max_iter), depth)
            phases = zip(map(len, parts), steps, strict=True)
        elif self.mode == "probe first":
            half = self.max_iter // 2
            phases = [(half, steps[0]), (self.max_iter - half, steps[-1])]
        else:
            phases = [(self.max_iter, steps[0 if self.mode == "frozen" else -1])]
        return [(epochs, scale) for epochs, scale in phases if epochs]

    @available_if(lambda self: hasattr(self.network, "predict_proba"))
    def predict_proba(self, X):
        """Class probabilities.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)
            Target rows, with the task column if `task_col` is not None.

        Returns
        -------
        P : ndarray of shape (n, K)
            In the order of `classes_`; zero for classes that the task cannot have.
        """
        features, codes = self._known_rows(X)
        return self.network_.predict_proba(features, codes)

    def __sklearn_tags__(self):
        return delegate_tags(super().__sklearn_tags__(), self.network)
