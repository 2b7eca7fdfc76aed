"""An estimator of mtlkit with a task column, as scikit-learn's common checks want to see it.

They know tables of features alone, so the wrapper inserts the column before it hands on.
"""

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, validate_data

from tests._subjects import placed


def has(method):
    return available_if(lambda self: hasattr(self.estimator, method))


class WithTask(BaseEstimator):
    """`estimator` on tables whose first column is the task.

    With ``n_tasks=1`` it is always 0. With 2 it is the parity of the whole part of each row's
    first cell times 997, so that a row keeps its task in whatever table it comes.
    """

    def __init__(self, estimator=None, n_tasks=1):
        self.estimator = estimator
        self.n_tasks = n_tasks

    def _table(self, X):
        if sparse.issparse(X):
            task = self._task(X.tocsc()[:, :1].toarray())
            return sparse.hstack([task[:, None], X], format=X.format)
        if hasattr(X, "iloc"):
            table = X.copy()
            table.insert(0, self._name(X), self._task(X.to_numpy()))
            return table
        array = np.asarray(X)
        if array.ndim != 2 or len(array) == 0:
            return X
        return np.column_stack([self._task(array), array])

    def _name(self, X):
        """Names are all strings or all numbers."""
        return "task" if all(isinstance(name, str) for name in X.columns) else -1

    def _task(self, array):
        if self.n_tasks == 1 or array.shape[1] == 0 or array.dtype.kind not in "fiuO":
            return np.zeros(len(array), dtype=int)
        cells = [v if isinstance(v, (int, float)) else 0.0 for v in array[:, 0].tolist()]
        first = np.nan_to_num(np.array(cells, dtype=float), posinf=0, neginf=0)
        return np.floor(first * 997).astype(int) % 2

    def _fit(self, method, X, y, **more):
        goes_on = method == "partial_fit" and hasattr(self, "model_")
        self._check(X, reset=not goes_on)
        frame = hasattr(X, "columns")
        model = placed(self.estimator, self._name(X) if frame else 0, range(self.n_tasks))
        model, table = self.model_ if goes_on else model, self._table(X)
        self.model_ = getattr(model, method)(table, y, **more)
        for name in ("classes_", "n_iter_"):
            if hasattr(self.model_, name):
                setattr(self, name, getattr(self.model_, name))
        return self

    def _check(self, X, reset):
        if sparse.issparse(X) or np.asarray(X).ndim == 2:
            validate_data(self, X, reset=reset, skip_check_array=True)

    def fit(self, X, y=None):
        return self._fit("fit", X, y)

    def _of(self, method, X, *more):
        check_is_fitted(self)
        self._check(X, reset=False)
        return getattr(self.model_, method)(self._table(X), *more)

    @has("predict")
    def predict(self, X):
        return self._of("predict", X)

    @has("predict_proba")
    def predict_proba(self, X):
        return self._of("predict_proba", X)

    @has("decision_function")
    def decision_function(self, X):
        return self._of("decision_function", X)

    @has("transform")
    def transform(self, X):
        result = self._of("transform", X)
        return result.iloc[:, 1:] if hasattr(result, "columns") else result[:, 1:]

    @has("transform")
    def fit_transform(self, X, y=None):
        return self.fit(X, y).transform(X)

    @has("score")
    def score(self, X, y):
        return self._of("score", X, y)

    def __sklearn_tags__(self):
        return get_tags(self.estimator)


class WeightedWithTask(WithTask):
    """The same where the estimator takes weights of rows."""

    def fit(self, X, y=None, sample_weight=None):
        return self._fit("fit", X, y, sample_weight=sample_weight)

    @has("partial_fit")
    def partial_fit(self, X, y=None, classes=None, sample_weight=None):
        more = {} if classes is None else {"classes": classes}
        return self._fit("partial_fit", X, y, sample_weight=sample_weight, **more)

    @has("score")
    def score(self, X, y, sample_weight=None):
        return self._of("score", X, y, sample_weight)
