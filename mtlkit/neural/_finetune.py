"""Fine-tuning: a trained network goes on learning on a target, all of it or in part."""

from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils import check_scalar, get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from .._utils._containers import groups, some
from .._utils._validation import check_strength
from ._estimators import MultiTaskMLPClassifier, MultiTaskMLPRegressor

MODES = ("full", "frozen", "gradual", "probe first")


class FineTuner(BaseEstimator):
    r"""Start from a trained network and train on a target task, or on several.

    With θ_0 the trunk, which the trained network has left at θ_0ˢ, it minimises, from there,

    .. math::

        \sum_{t} \frac{\lambda_t}{n_t} \sum_{i=1}^{n_t}
        \ell\big(f(x_{ti}; \theta_0, \theta_t), y_{ti}\big) + \frac a2 \|\theta_0 - \theta_0^s\|^2

    over the tasks t of the target table, plus the network's weight decay of the heads.

    Parameters
    ----------
    network : fitted MultiTaskMLPRegressor or MultiTaskMLPClassifier
        What to start from. It is not changed, and `clone` keeps it fitted, so that a search over
        the other parameters works. Its parameters (solver, batch size, weight decay …) are used
        unless given here.
    mode : {"full", "frozen", "gradual", "probe first"}, default="full"
        "full": all parameters move. "frozen": only the heads, a linear probe of the trunk.
        "gradual": heads first, then one more layer at a time from the top, in equal numbers of
        epochs. "probe first": half of the epochs "frozen", then half "full" (LP-FT).
    head : task name or None, default=None
        A task of the network whose head the targets start from. None: new random heads.
    anchor : float, default=0.0
        Strength a of the pull to the trained trunk (L2-SP).
    layer_decay : float, default=1.0
        Factor on the step of each layer below the head, once more for each layer further down, from
        0 to 1: lower layers move more slowly.
    learning_rate_init : float or None, default=None
        None: that of the network.
    max_iter : int, default=100
        Epochs.
    task_col : str, int or None, default=None
        The task column of the target table; None means one target task.
    random_state : int, RandomState instance or None, default=None
        New heads and minibatches.

    Attributes
    ----------
    network_ : estimator like `network`
        The fine-tuned network, for the target tasks.
    tasks_ : ndarray of shape (T,)
        The target tasks.
    classes_ : ndarray of shape (K,)
        Only if the network classifies.
    loss_curve_ : ndarray of shape (max_iter, T)

    Raises
    ------
    ValueError
        If the network is not fitted or differs from the table in its number of features, `head` is
        not a task of it, or a kept head lacks a class.

    Notes
    -----
    `tune_training` searches over `learning_rate_init` and `max_iter` with target rows alone. Give
    a network from scratch as many settings to try: `mtlkit.evaluation.compare` insists on that.
    Without tuning, too few steps look like negative transfer.

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
        self,
        network,
        *,
        mode="full",
        head=None,
        anchor=0.0,
        layer_decay=1.0,
        learning_rate_init=None,
        max_iter=100,
        task_col=None,
        random_state=None,
    ):
        self.network = network
        self.mode = mode
        self.head = head
        self.anchor = anchor
        self.layer_decay = layer_decay
        self.learning_rate_init = learning_rate_init
        self.max_iter = max_iter
        self.task_col = task_col
        self.random_state = random_state

    def __sklearn_clone__(self):
        parameters = self.get_params(deep=False)
        network = parameters.pop("network")
        return type(self)(network, **{k: clone(v, safe=False) for k, v in parameters.items()})

    def fit(self, X, y):
        """Fine-tune on the target table.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)
            Target rows, with the task column if `task_col` is not None.
        y : array-like of shape (n,)
            Targets; a missing one marks a row without label.

        Returns
        -------
        self
        """
        source = self.network
        self._check_parameters()
        weight = source.task_weight
        model = clone(source).set_params(
            task_col=self.task_col,
            task_weight=weight if isinstance(weight, str) else "samples",  # it was for its tasks
            n_iter_no_change=None,
            early_stopping=False,
            random_state=self.random_state,
        )
        if self.learning_rate_init is not None:
            model.set_params(learning_rate_init=self.learning_rate_init)
        classes = None if self.head is None else getattr(source, "classes_", None)
        features, y, task = model._begin(X, y, classes)
        width, n = source.network_.layers[0].shape[0], source.network_.n_shared
        if features.shape[1] != width:
            raise ValueError(
                f"the target table has {features.shape[1]} features, but the network was trained "
                f"on {width}: give the same columns"
            )
        model.theta_[:n] = source.theta_[:n]
        if self.head is not None:
            self._keep_head(model, y)
        rows = groups(np.searchsorted(model.tasks_, task), len(model.tasks_))
        model._start_weighting(rows)
        private, curves = np.arange(model.theta_.size) >= n, []
        for epochs, scale in self._phases(model.network_):
            settings = model._settings()
            settings.max_epochs, settings.scale = epochs, scale
            settings.alpha = source.alpha * private
            settings.pull = self.anchor * ~private
            settings.anchor = np.where(private, 0, np.resize(source.theta_, private.shape))
            model._train(features, y, task, rows, None, settings)
            curves.append(model.loss_curve_)
        model.loss_curve_ = np.concatenate(curves)
        model.n_iter_ = len(model.loss_curve_)
        self.network_, self.tasks_, self.loss_curve_ = model, model.tasks_, model.loss_curve_
        if isinstance(model, ClassifierMixin):
            self.classes_ = model.classes_
        return self

    def _check_parameters(self):
        if not isinstance(self.network, MultiTaskMLPRegressor | MultiTaskMLPClassifier):
            raise ValueError(
                f"network={self.network!r} must be a fitted MultiTaskMLPRegressor or -Classifier"
            )
        check_is_fitted(self.network)
        if self.network.network_.layers[0].private:
            raise ValueError(
                "the network has an encoder for each of its tasks and a trunk above them: a new "
                "task has no encoder, so there is nothing to start from"
            )
        if self.mode not in MODES:
            raise ValueError(f"mode={self.mode!r} is unknown: use one of {MODES}")
        check_strength(self, "anchor", include="left")
        check_scalar(self.layer_decay, "layer_decay", Real, min_val=0, max_val=1)
        check_scalar(self.max_iter, "max_iter", Integral, min_val=1)

    def _keep_head(self, model, y):
        """Let every target start from the head of a task of the network, with its scale."""
        source = self.network
        known = source.tasks_.tolist()
        if self.head not in known:
            raise ValueError(f"head={self.head!r} is not a task of the network: {some(known)}")
        t = known.index(self.head)
        own = source.network_.layers[-1].of(source.theta_)
        for new, old in zip(model.network_.layers[-1].of(model.theta_), own, strict=True):
            new[:] = old[t]
        model._centre[:], model._spread[:] = source._centre[t], source._spread[t]
        if isinstance(model, ClassifierMixin):
            model._allowed[:] = source._allowed[t]
            lacks = np.setdiff1d(y, source.classes_[source._allowed[t]]).tolist()
            if lacks:
                raise ValueError(
                    f"the head of task {self.head!r} lacks classes {some(lacks)}: use head=None"
                )

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

    def predict(self, X):
        """Predict each row by the fine-tuned head of its task."""
        check_is_fitted(self)
        return self.network_.predict(X)

    @available_if(lambda self: hasattr(self.network, "predict_proba"))
    def predict_proba(self, X):
        """Class probabilities in the order of `classes_`."""
        check_is_fitted(self)
        return self.network_.predict_proba(X)

    def score(self, X, y, sample_weight=None):
        """R² or accuracy over the labelled rows of `X`."""
        check_is_fitted(self)
        return self.network_.score(X, y, sample_weight)

    def __sklearn_tags__(self):
        tags, inner = super().__sklearn_tags__(), get_tags(self.network)
        tags.estimator_type = inner.estimator_type
        tags.classifier_tags, tags.regressor_tags = inner.classifier_tags, inner.regressor_tags
        tags.target_tags = inner.target_tags
        return tags
