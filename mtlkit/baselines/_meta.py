"""What the meta-estimators share: reading the table, classes per task, errors by task."""

import numpy as np
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone, is_classifier
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils import column_or_1d, get_tags
from sklearn.utils.validation import check_is_fitted, has_fit_parameter, validate_data

from .._utils._containers import groups, some, take
from .._utils._validation import labelled_rows
from ..table._reading import read_table, task_codes

LOWEST = np.finfo(float).min  # as good as -inf, but scorers accept it


class TaskMetaEstimator(MetaEstimatorMixin, BaseEstimator):
    """What the meta-estimators share: reading the table, tags, and classes per task.

    A row's probabilities are zero outside the classes that its own task had in `fit`.
    """

    def fit(self, X, y, sample_weight=None):
        """Fit the model or models.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)
            Table with the task column.
        y : array-like of shape (n,)
            Rows whose label is missing (NaN, None) are left out.
        sample_weight : array-like of shape (n,), default=None
            Handed on to `estimator`, which must accept it.

        Returns
        -------
        self
        """
        if y is None:
            raise ValueError(
                f"This {type(self).__name__} estimator requires y to be passed, but the target y "
                "is None."
            )
        if sample_weight is not None and not has_fit_parameter(self.estimator, "sample_weight"):
            raise ValueError(f"{self.estimator!r} does not accept sample_weight: leave it out")
        features, task = read_table(X, self.task_col)
        validate_data(self, X, skip_check_array=True)
        y = y if hasattr(y, "iloc") else np.asarray(y)
        if is_classifier(self.estimator):
            y = column_or_1d(y, warn=True)
        if len(task) != len(y):
            raise ValueError(f"X has {len(task)} rows but y has {len(y)} values: align them")
        weight = None if sample_weight is None else np.asarray(sample_weight)
        if weight is not None and weight.shape != task.shape:
            raise ValueError(
                f"sample_weight has shape {weight.shape}, expected one weight per row: {task.shape}"
            )
        y, features, task, weight = labelled_rows(y, features, task, weight)
        self.tasks_, codes = np.unique(task, return_inverse=True)
        rows = groups(codes, len(self.tasks_))
        for stale in ("classes_", "_task_has"):  # of an earlier fit, perhaps with a classifier
            self.__dict__.pop(stale, None)
        if is_classifier(self.estimator):
            present = [np.unique(take(y, r)) for r in rows]
            self.classes_ = np.unique(np.concatenate(present))
            self._task_has = np.array([np.isin(self.classes_, own) for own in present])
        self._fit_features(features, codes, rows, y, weight)
        return self

    def _read(self, X, unseen):
        check_is_fitted(self)
        features, task = read_table(X, self.task_col)
        validate_data(self, X, reset=False, skip_check_array=True)
        return features, task_codes(task, self.tasks_, unseen=unseen)

    @property
    def _no_class_is_barred(self):
        """True for regressors, and where every task has every class."""
        return not hasattr(self, "classes_") or bool(self._task_has.all())

    def _refuse_pairwise(self):
        """Values per pair of classes cannot be laid out over the classes of several tasks."""
        parameters = self.estimator.get_params().items()
        ovo = any(k.endswith("decision_function_shape") and v == "ovo" for k, v in parameters)
        if ovo and not self._no_class_is_barred:
            raise ValueError(
                f"{self.estimator!r} gives a decision value per pair of classes, but the tasks "
                "have different classes: set decision_function_shape='ovr'"
            )

    def score(self, X, y, sample_weight=None):
        """Accuracy of a classifier, R² of a regressor, over the labelled rows of `X`."""
        metric = accuracy_score if is_classifier(self.estimator) else r2_score
        y, X, sample_weight = labelled_rows(y, X, sample_weight)
        return metric(y, self.predict(X), sample_weight=sample_weight)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        inner = get_tags(self.estimator)
        tags.estimator_type = inner.estimator_type
        tags.classifier_tags = inner.classifier_tags
        tags.regressor_tags = inner.regressor_tags
        tags.target_tags = inner.target_tags
        tags.input_tags = inner.input_tags
        tags.input_tags.sparse = False
        if tags.estimator_type == "classifier":
            tags.target_tags.multi_output = False
            tags.classifier_tags.multi_label = False
        return tags


def fit_clone(estimator, features, y, weight, where):
    """A fitted clone; what goes wrong is reported with the name of the task, `where`."""
    extra = {} if weight is None else {"sample_weight": weight}
    try:
        return clone(estimator).fit(features, y, **extra)
    except ValueError as error:
        if where is None:
            raise
        what, cure = f"{features.shape[0]} rows", ""
        if is_classifier(estimator):
            classes = np.unique(y).tolist()
            what += f" of classes {some(classes)}"
            if len(classes) == 1:
                cure = ". Drop or merge this task, or use an estimator that takes one class"
        raise ValueError(
            f"{estimator!r} could not be fitted on {where} ({what}): {error}{cure}"
        ) from error


def one_per_class(values):
    """Decision values with a column per class also where there are two."""
    return np.column_stack([-values, values]) if values.ndim == 1 else values


def one_if_two(values):
    """Undo `one_per_class`: of two columns, the second says it all unless the first is barred."""
    if values.ndim == 1 or values.shape[1] != 2:
        return values
    return np.where(values[:, 0] == LOWEST, -LOWEST, values[:, 1])
