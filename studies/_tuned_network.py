"""A network that is trained on some tasks together and then fine-tuned to each target."""

import joblib
import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if

from mtlkit.neural import FineTuner

_STARTED = {}  # the last first stages: settings of the second begin from the same one


class TunedNetwork(BaseEstimator):
    """A network trained on some tasks together, then fine-tuned to each target by itself.

    Parameters
    ----------
    network : MultiTaskMLPRegressor or MultiTaskMLPClassifier
        For the first stage.
    first : "all" or list of tasks
        The tasks of the first stage; a target among them keeps its head.
    targets : list of tasks
        What is fine-tuned. Other tasks cannot be predicted.
    head : task or None, default=None
        The task of the first stage whose head a target starts from that has none; None: a new one.
    learning_rate_init, max_iter
        Of the second stage.
    task_col : int
    """

    setting = "transfer"

    def __init__(
        self, network, first, targets, *, head=None, learning_rate_init=0.01, max_iter=50,
        task_col=0,
    ):  # fmt: skip
        self.network = network
        self.first = first
        self.targets = targets
        self.head = head
        self.learning_rate_init = learning_rate_init
        self.max_iter = max_iter
        self.task_col = task_col

    def fit(self, X, y):
        task = X[:, self.task_col]
        rows = slice(None) if self.first == "all" else np.isin(task, self.first)
        start = _started(self.network, X[rows], y[rows])
        self.models_ = {}
        for target in self.targets:
            own = task == target
            tuner = FineTuner(
                start,
                head=target if target in start.tasks_ else self.head,
                learning_rate_init=self.learning_rate_init,
                max_iter=self.max_iter,
                random_state=self.network.random_state,
            )
            self.models_[target] = tuner.fit(self._features(X[own]), y[own])
        self.classes_ = getattr(start, "classes_", None)
        return self

    def predict(self, X):
        return self._by_task(X, "predict")

    @available_if(lambda self: hasattr(self.network, "predict_proba"))
    def predict_proba(self, X):
        return self._by_task(X, "predict_proba")

    def _by_task(self, X, method):
        task, result = X[:, self.task_col], None
        for target in np.unique(task):
            own = task == target
            found = getattr(self.models_[target], method)(self._features(X[own]))
            if result is None:
                result = np.empty((len(X), *found.shape[1:]), found.dtype)
            result[own] = found
        return result

    def _features(self, X):
        return np.delete(X, self.task_col, axis=1)

    def __sklearn_tags__(self):
        tags, inner = super().__sklearn_tags__(), get_tags(self.network)
        tags.estimator_type = inner.estimator_type
        tags.classifier_tags, tags.regressor_tags = inner.classifier_tags, inner.regressor_tags
        return tags


def _started(network, X, y):
    """The first stage, trained once for each training part."""
    key = joblib.hash((network.get_params(), X, y))
    if key not in _STARTED:
        if len(_STARTED) >= 8:
            _STARTED.clear()
        _STARTED[key] = clone(network).fit(X, y)
    return _STARTED[key]
