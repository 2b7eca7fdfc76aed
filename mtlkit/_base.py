"""What linear regressors on the table share: prediction by task, and a score."""

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin

from ._inputs import check_features, labelled_rows
from .table.reading import task_codes


class TaskLinearRegressor(RegressorMixin, BaseEstimator):
    """A regressor with `tasks_`, `coef_` (T, d) and `intercept_` (T,), and a part for new tasks."""

    def predict(self, X):
        """Predict each row by its task, or by the shared or source part if the task is new.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)

        Returns
        -------
        y : ndarray of shape (n,)
        """
        X, task = check_features(self, X, reset=False)
        codes = task_codes(task, self.tasks_, unseen=None)
        # Code -1 picks the last row, which is the part for new tasks.
        new_coef, new_intercept = self._for_new_tasks()
        coef = np.vstack([self.coef_, new_coef])
        intercept = np.append(self.intercept_, new_intercept)
        return np.einsum("ij,ij->i", X, coef[codes]) + intercept[codes]

    def score(self, X, y, sample_weight=None):
        """R² over the labelled rows of `X`."""
        y, X, sample_weight = labelled_rows(y, X, sample_weight)
        return super().score(X, y, sample_weight)
