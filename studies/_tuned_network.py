"""A network that is trained on some tasks together and then fine-tuned to each target."""

import numpy as np
from sklearn.base import BaseEstimator, clone

from mtlkit.neural import FineTuner


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
    learning_rate_init, max_iter
        Of the second stage.
    task_col : int
    """

    def __init__(
        self, network, first, targets, *, learning_rate_init=0.01, max_iter=50, task_col=0
    ):
        self.network = network
        self.first = first
        self.targets = targets
        self.learning_rate_init = learning_rate_init
        self.max_iter = max_iter
        self.task_col = task_col

    def fit(self, X, y):
        task = X[:, self.task_col]
        rows = slice(None) if self.first == "all" else np.isin(task, self.first)
        start = clone(self.network).fit(X[rows], y[rows])
        self.models_ = {}
        for target in self.targets:
            own = task == target
            tuner = FineTuner(
                start,
                head=target if target in start.tasks_ else None,
                learning_rate_init=self.learning_rate_init,
                max_iter=self.max_iter,
                random_state=self.network.random_state,
            )
            self.models_[target] = tuner.fit(self._features(X[own]), y[own])
        return self

    def predict(self, X):
        task, result = X[:, self.task_col], None
        for target in np.unique(task):
            own = task == target
            found = self.models_[target].predict(self._features(X[own]))
            result = np.empty(len(X), found.dtype) if result is None else result
            result[own] = found
        return result

    def _features(self, X):
        return np.delete(X, self.task_col, axis=1)
