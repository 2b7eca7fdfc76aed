"""What linear models on the table share: a value for each row, by its task."""

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin

from ._inputs import check_features, labelled_rows
from .table.reading import task_codes


class TaskLinearModel(BaseEstimator):
    """A model with `tasks_`, `coef_` (T, d), `intercept_` (T,), perhaps a part for new tasks."""

    def _for_new_tasks(self):
        """Weights (d,) and intercept for tasks that were not seen in `fit`, or None."""
        if not hasattr(self, "shared_coef_"):
            return None
        return self.shared_coef_, self.shared_intercept_

    def _linear(self, X):
        """x·w_t + b_t for each row (n,)."""
        X, task = check_features(self, X, reset=False)
        new, lacks = self._for_new_tasks(), None
        if new is None:
            lacks = (
                f"{type(self).__name__} has no shared part to predict them with: fit it on rows of "
                "these tasks, or use the penalty SharedMean"
            )
        codes = task_codes(task, self.tasks_, unseen=lacks)
        coef, intercept = self.coef_, self.intercept_
        if new is not None:  # code -1 picks the last row
            coef, intercept = np.vstack([coef, new[0]]), np.append(intercept, new[1])
        return np.einsum("ij,ij->i", X, coef[codes]) + intercept[codes]


class TaskLinearRegressor(RegressorMixin, TaskLinearModel):
    """A linear model whose value is the prediction."""

    def predict(self, X):
        """Predict each row by its task, or by the shared or source part if the task is new.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)

        Returns
        -------
        y : ndarray of shape (n,)
        """
        return self._linear(X)

    def score(self, X, y, sample_weight=None):
        """R² over the labelled rows of `X`."""
        y, X, sample_weight = labelled_rows(y, X, sample_weight)
        return super().score(X, y, sample_weight)
