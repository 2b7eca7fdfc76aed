"""The model of a task whose rows all have one class, where other tasks show that there are more."""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin


class OneClass(ClassifierMixin, BaseEstimator):
    """Predicts the one class that was seen, whatever the features; others stay possible.

    Laplace's rule of succession: after n rows of one of K possible classes each of the others has
    probability 1 / (n + K).
    """

    def __init__(self, label, classes, n):
        self.label = label
        self.classes = classes
        self.n = n

    def fit(self, X, y=None):
        """There is nothing to learn."""
        self.classes_ = self.classes
        return self

    def predict(self, X):
        return np.repeat(self.classes_[self.classes_ == self.label], X.shape[0])

    def predict_proba(self, X):
        K = len(self.classes_)
        other = 1 / (min(self.n, 1e15) + K)  # weights may be so large that it would round to 0
        share = np.where(self.classes_ == self.label, 1 - (K - 1) * other, other)
        return np.tile(share, (X.shape[0], 1))

    def decision_function(self, X):
        log = np.log(self.predict_proba(X))
        return log if log.shape[1] > 2 else log[:, -1] - log[:, 0]  # as of scikit-learn's
