"""One estimator for the rows of all tasks: `Pooled`, and the base of `FeatureAugmentation`."""

import numpy as np
from scipy.sparse import issparse
from sklearn.utils.metaestimators import available_if

from .._utils._containers import some, take
from .._utils._delegation import sub_estimator_has
from ._meta import LOWEST, TaskMetaEstimator, fit_clone, one_if_two, one_per_class


class OneEstimator(TaskMetaEstimator):
    """Fits `estimator_` to ``_inputs(features, codes)``, a matrix with a row for each row of `X`.

    A classifier chooses among the classes that the task had in `fit`; for an unseen task, whose
    code is -1, among all.
    """

    def _fit_features(self, features, codes, rows, y, weight):
        where = None if self.task_col is None else f"all {len(self.tasks_)} tasks together"
        inputs = self._inputs(features, codes)
        self.estimator_ = fit_clone(self.estimator, inputs, y, weight, where)

    def _inputs_and_codes(self, X):
        features, codes = self._read(X, unseen=None)
        return self._inputs(features, codes), codes

    def _allowed(self, codes):
        """Which classes each row may take, shape (n, n_classes)."""
        return np.where((codes < 0)[:, None], True, self._task_has[codes])

    def predict(self, X):
        """Predict; a classifier chooses among the classes of the row's task."""
        inputs, codes = self._inputs_and_codes(X)
        predicted = self.estimator_.predict(inputs)
        if self._no_class_is_barred:
            return predicted
        position = np.searchsorted(self.classes_, predicted)
        allowed = self._allowed(codes)
        astray = ~allowed[np.arange(len(codes)), position]
        if astray.any():
            some_rows = inputs[astray] if issparse(inputs) else take(inputs, astray)
            scores = self._class_scores(some_rows)
            best = np.where(allowed[astray], scores, LOWEST).argmax(axis=1)
            predicted = np.asarray(predicted).copy()
            predicted[astray] = self.classes_[best]
        return predicted

    def _class_scores(self, inputs):
        self._refuse_pairwise()
        for method in ("predict_proba", "decision_function"):
            if hasattr(self.estimator_, method):
                return one_per_class(getattr(self.estimator_, method)(inputs))
        raise ValueError(
            f"{self.estimator!r} predicted a class that the task does not have, and has neither "
            "predict_proba nor decision_function to choose another: use a classifier that has one"
        )

    @available_if(sub_estimator_has("predict_proba"))
    def predict_proba(self, X):
        """Class probabilities in the order of `classes_`; zero for classes of other tasks.

        The model's probabilities of the task's own classes are scaled to sum to one (equal
        shares if the model gives them none).
        """
        inputs, codes = self._inputs_and_codes(X)
        proba = self.estimator_.predict_proba(inputs)
        if self._no_class_is_barred:
            return proba
        allowed = self._allowed(codes)
        proba = np.where(allowed, proba, 0.0)
        proba[proba.sum(axis=1) == 0] = 1.0
        proba = np.where(allowed, proba, 0.0)
        return proba / proba.sum(axis=1, keepdims=True)

    @available_if(sub_estimator_has("decision_function"))
    def decision_function(self, X):
        """Decision values in the order of `classes_`; the lowest float for those of other tasks.

        As in scikit-learn, one value per row if there are two classes.
        """
        self._refuse_pairwise()
        inputs, codes = self._inputs_and_codes(X)
        values = self.estimator_.decision_function(inputs)
        if self._no_class_is_barred:
            return values
        return one_if_two(np.where(self._allowed(codes), one_per_class(values), LOWEST))


class Pooled(OneEstimator):
    """One estimator fitted to the rows of all tasks together, everything shared.

    Parameters
    ----------
    estimator : estimator
        Any scikit-learn classifier or regressor. Columns that a task lacks reach it as NaN.
    task_col : str, int or None, default=None
        The task column; None means one task.
    task_as_input : bool, default=False
        Whether the estimator also sees the task, as one 0/1 column per task.

    Attributes
    ----------
    tasks_ : ndarray of shape (n_tasks,)
        The tasks seen in `fit`, sorted.
    estimator_ : estimator
        The fitted estimator.
    classes_ : ndarray of shape (n_classes,)
        Classifiers only: the union of the classes of all tasks.
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Only if the columns of `X` have string names.

    Raises
    ------
    ValueError
        In `fit`, what the estimator raises; NaN in the features, for instance, unless the
        estimator can hold it.

    Notes
    -----
    A task not seen in `fit` is predicted by the same model, with all its task columns at zero.
    A classifier chooses among the classes that the task had in `fit`; for an unseen task, among
    all.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from mtlkit.datasets import make_linear_tasks
    >>> X, y = make_linear_tasks(n_tasks=3, random_state=0)
    >>> Pooled(Ridge(), task_col=0).fit(X, y).estimator_.n_features_in_
    20
    >>> told = Pooled(Ridge(), task_col=0, task_as_input=True).fit(X, y)
    >>> told.estimator_.n_features_in_
    23
    """

    setting = "pooled"

    def __init__(self, estimator, *, task_col=None, task_as_input=False):
        self.estimator = estimator
        self.task_col = task_col
        self.task_as_input = task_as_input

    def _inputs(self, features, codes):
        if not self.task_as_input or self.task_col is None:
            return features
        task = (codes[:, None] == np.arange(len(self.tasks_))).astype(float)
        if isinstance(self.task_col, str):  # then X is a frame, and all its names are strings
            names = [f"{self.task_col}={t.item()}" for t in self.tasks_]
            clash = [name for name in names if name in features.columns]
            if clash:
                raise ValueError(
                    f"task_as_input makes columns {some(clash)}, which X has already: rename these"
                )
            import pandas as pd  # optional: here X is one of its frames

            extra = pd.DataFrame(task, index=features.index, columns=names)
            return pd.concat([features, extra], axis=1)
        return np.column_stack([features, task])
