"""Which rows are source and which are target: what the estimators of this package share.

What belongs here: reading a table by its domains, with the errors that name what is missing. What
is done with the rows is each estimator's own file.
"""

from dataclasses import dataclass

import numpy as np
from sklearn.base import BaseEstimator, MetaEstimatorMixin, is_classifier
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils import check_array, check_consistent_length, column_or_1d, get_tags
from sklearn.utils.multiclass import check_classification_targets

from .._utils._containers import missing, some
from .._utils._validation import labelled_rows
from ..table._reading import task_codes
from ..table._rows import check_features


@dataclass(frozen=True)
class Domains:
    """The rows of the source tasks and of the target task, in the order of the table.

    Attributes
    ----------
    X : ndarray of shape (n, d)
        Features, without the task column.
    y : ndarray of shape (n,) or None
        Labels; what stands in a row without label has no meaning.
    task : ndarray of shape (n,)
    labelled, target : ndarray of bool, shape (n,)
        Which rows have a label, and which are the target's. The others are the source's.
    """

    X: np.ndarray
    y: np.ndarray | None
    task: np.ndarray
    labelled: np.ndarray
    target: np.ndarray

    @property
    def source_rows(self):
        """Features of the source, labelled or not."""
        return self.X[~self.target]

    @property
    def target_rows(self):
        """Features of the target, labelled or not."""
        return self.X[self.target]

    @property
    def source_labels(self):
        """Features and labels of the labelled source rows, at least one."""
        own = self.labelled & ~self.target
        if not own.any():
            tasks = np.unique(self.task[~self.target]).tolist()
            raise ValueError(f"no row of the source {some(tasks)} has a label: nothing to transfer")
        return self.X[own], self.y[own]

    @property
    def target_labels(self):
        """Features and labels of the labelled target rows, perhaps none."""
        own = self.labelled & self.target
        return self.X[own], self.y[own]

    def labelled_target(self, who):
        """The same, for `who` cannot do without one."""
        X, y = self.target_labels
        if not len(y):
            name = self.task[self.target][0].item()
            raise ValueError(
                f"{who} needs labels of the target, but no row of task {name!r} has one: label "
                "some, or use a method that needs none (CORAL, importance weights, …)"
            )
        return X, y


def read_domains(estimator, X, y=None, *, classes=False, others="drop"):
    """Read a table in `fit`.

    `estimator` has the parameters `source`, `target` and `task_col`. With ``task_col=None`` all
    rows are the target's. Rows of tasks that are neither source nor target are dropped, or refused
    with ``others="refuse"``. With `classes`, `y` holds class labels of any kind; else numbers.
    """
    features, task = check_features(estimator, X, reset=True)
    labelled = np.zeros(len(task), dtype=bool)
    if y is not None:
        y, labelled = _read_labels(y, classes)
        check_consistent_length(features, y)
    target, source = _masks(estimator, task)
    own = target | source
    if not own.all():
        if others == "refuse":
            astray = np.unique(task[~own]).tolist()
            raise ValueError(
                f"tasks {some(astray)} are neither source nor target: drop their rows, or name "
                "them in source"
            )
        features, task, target, labelled = (a[own] for a in (features, task, target, labelled))
        y = None if y is None else y[own]
    return Domains(features, y, task, labelled, target)


def _read_labels(y, classes):
    """Labels as an array, and which of them are there."""
    if not classes:
        y = check_array(
            y, dtype=np.float64, ensure_2d=False, ensure_all_finite="allow-nan", input_name="y"
        )
        y = column_or_1d(y, warn=True)
        return y, ~np.isnan(y)
    y = column_or_1d(y, warn=True)
    labelled = ~missing(y)
    if labelled.any():
        known = np.array(y[labelled].tolist())  # integers, if NaN made floats of them or objects
        if known.dtype.kind == "f" and (known % 1 == 0).all() and not labelled.all():
            known = known.astype(int)
        check_classification_targets(known)
        y = np.full(len(labelled), known[0], dtype=known.dtype)
        y[labelled] = known
    return y, labelled


def _masks(estimator, task):
    """Which rows are the target's, and which the source's."""
    source, target = estimator.source, estimator.target
    if estimator.task_col is None:
        if source is not None or target is not None:
            raise ValueError(
                f"source={source!r} and target={target!r} need task_col: without it there is only "
                "one task"
            )
        return np.ones(len(task), dtype=bool), np.zeros(len(task), dtype=bool)
    known = np.unique(task).tolist()
    where = f"a task in column {estimator.task_col!r}: choose of {some(known)}"
    if target is None or target not in known:
        raise ValueError(f"target={target!r} is not {where}")
    if source is None:
        sources = [name for name in known if name != target]
        if not sources:
            raise ValueError(f"the table holds the target {target!r} alone: add rows of a source")
    else:
        sources = list(source) if isinstance(source, list | tuple | np.ndarray) else [source]
        astray = [name for name in sources if name not in known]
        if astray or not sources:
            raise ValueError(f"source={some(astray)} is not {where}")
        if target in sources:
            raise ValueError(f"{target!r} cannot be both source and target")
    return task == target, np.isin(task, sources)


class DomainEstimator(MetaEstimatorMixin, BaseEstimator):
    """An estimator with `estimator`, `source`, `target`, `task_col` and a method `_fit_domains`.

    Sets `tasks_`, and `classes_` for a classifier, before it calls that method.
    """

    setting = "transfer"

    @property
    def _wrapped(self):
        """The estimator inside; a class with a default has its own."""
        return self.estimator

    def fit(self, X, y):
        """Fit on the rows of source and target.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)
            Table with the task column.
        y : array-like of shape (n,)
            Labels; a missing one (NaN, None) marks a row without label.

        Returns
        -------
        self
        """
        if y is None:
            raise ValueError(
                f"This {type(self).__name__} estimator requires y to be passed, but the target y "
                "is None."
            )
        domains = read_domains(self, X, y, classes=is_classifier(self))
        self.tasks_ = np.unique(domains.task)
        self.__dict__.pop("classes_", None)
        if is_classifier(self):
            self.classes_ = np.unique(domains.y[domains.labelled])
        self._fit_domains(domains)
        return self

    def _read(self, X, unseen=None):
        """Features and which rows are the target's; `unseen` says why new tasks are refused."""
        features, task = check_features(self, X, reset=False)
        task_codes(task, self.tasks_, unseen=unseen)
        if self.task_col is None:
            return features, np.ones(len(task), dtype=bool)
        return features, task == self.target

    def score(self, X, y, sample_weight=None):
        """Accuracy of a classifier, R² of a regressor, over the labelled rows of `X`."""
        metric = accuracy_score if is_classifier(self) else r2_score
        y, X, sample_weight = labelled_rows(y, X, sample_weight)
        return metric(y, self.predict(X), sample_weight=sample_weight)

    def __sklearn_tags__(self):
        tags, inner = super().__sklearn_tags__(), get_tags(self._wrapped)
        tags.estimator_type = inner.estimator_type
        tags.classifier_tags, tags.regressor_tags = inner.classifier_tags, inner.regressor_tags
        tags.target_tags = inner.target_tags
        tags.target_tags.multi_output = False
        tags.input_tags.sparse = False
        if tags.classifier_tags is not None:
            tags.classifier_tags.multi_label = False
        return tags
