"""Which rows are source and which are target: what the estimators of this package share.

What belongs here: reading a table by its domains, with the errors that name what is missing. What
is done with the rows is each estimator's own file.
"""

from dataclasses import dataclass

import numpy as np
from sklearn.base import BaseEstimator, MetaEstimatorMixin, is_classifier
from sklearn.utils import assert_all_finite, check_consistent_length
from sklearn.utils.multiclass import check_classification_targets

from .._utils._containers import column_names, is_frame, some
from .._utils._delegation import LabelledScore, delegate_tags
from .._utils._validation import check_weights, read_labels, read_numbers
from ..table._reading import task_codes, unique_tasks
from ..table._rows import check_features

HUGE = np.finfo(np.float32).max


@dataclass(frozen=True, eq=False)
class Domains:
    """The rows of the source tasks and of the target task, in the order of the table.

    Attributes
    ----------
    X : ndarray of shape (n, d)
        Features, without the task column.
    y : ndarray of shape (n,) or None
        Labels; what stands in a row without label has no meaning.
    weight : ndarray of shape (n,) or None
    task : ndarray of shape (n,)
    labelled, target : ndarray of bool, shape (n,)
        Which rows have a label and a weight, and which are the target's. The others are the
        source's.
    """

    X: np.ndarray
    y: np.ndarray | None
    weight: np.ndarray | None
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

    def labels_of(self, domain, who=None):
        """Features, labels and weights of the labelled rows of "source" or "target".

        There may be none, unless `who` needs them.
        """
        own = self.target if domain == "target" else ~self.target
        use = self.labelled & own
        if who is not None and not use.any():
            tasks = unique_tasks(self.task[own])[0].tolist()
            raise ValueError(
                f"{who} needs labels of the {domain}, but no row of its tasks {some(tasks)} has a "
                "label: label some, or use a method that needs none"
            )
        return self.X[use], self.y[use], None if self.weight is None else self.weight[use]


def find_roles(source, target, tasks, task_col, *, several=False, kind="a task"):
    """Positions in the sorted array `tasks` of the sources and of the target, or targets.

    None stands for all tasks that the other of the two does not name. Only with `several` may
    there be more than one target, or none. `kind` says, for the error, what a name must be.
    """
    roles, known = {"source": source, "target": target}, tasks.tolist()
    given = {role: names for role, names in roles.items() if names is not None}
    text = " and ".join(f"{role}={names!r}" for role, names in given.items())
    if task_col is None:
        if given:
            raise ValueError(f"{text}: set task_col too, without it there is only one task")
        return [], [0]
    if not given:
        raise ValueError(
            f"source=None and target=None: set target, or source, to a task in column {task_col!r}"
            f": choose one of {some(known)}"
        )
    found = {role: _positions(role, roles[role], known, kind, task_col) for role in given}
    for role, other in [("source", "target"), ("target", "source")]:
        if role not in found:
            found[role] = [t for t in range(len(known)) if t not in found[other]]
        if not found[role] and not (several and role == "target"):
            there = some(known[t] for t in found[other])
            raise ValueError(
                f"X contains only the {other} {there}: at least one {role} task is required"
            )
    sources, targets = found["source"], found["target"]
    for t in targets:
        if t in sources:
            raise ValueError(f"task {known[t]!r} cannot be both source and target: {text}")
    if len(targets) > 1 and not several:
        raise ValueError(
            f"one target task is required, but {text} means {some(known[t] for t in targets)}: set "
            "target to one of them, and fit another model for each of the others"
        )
    return sources, targets


def _positions(role, names, known, kind, task_col):
    """Positions of tasks given as one name, or as a list, tuple, set, array or Series of them."""
    listed = names.tolist() if hasattr(names, "tolist") else names
    one = isinstance(listed, (str, bytes)) or not hasattr(listed, "__iter__")
    one = one or (isinstance(listed, tuple) and listed in known)
    listed = [listed] if one else list(listed)
    for name in listed:
        if name not in known:
            raise ValueError(
                f"{role}={name!r} is not {kind} in column {task_col!r}: choose one of {some(known)}"
            )
    found = [known.index(name) for name in listed]
    if not found or len(set(found)) < len(found):
        raise ValueError(f"{role}={names!r} must name each {role} once, and at least one")
    return found


def read_domains(features, task, y, weight, roles, task_col, classes=False, drop=True):
    """The rows by their domains, from checked features (n, d) and tasks (n,).

    `roles` are source and target. Rows of tasks that are neither are dropped, or refused without
    `drop`. With `classes`, `y` holds class labels of any kind; else numbers.
    """
    labelled = np.zeros(len(task), dtype=bool)
    if y is not None:
        y, labelled = (read_labels if classes else read_numbers)(y)
        check_consistent_length(features, y)
        if classes:
            assert_all_finite(y, input_name="y")
            check_classification_targets(y)
    if weight is not None:
        weight = check_weights(weight, len(features))
        if not weight.any():
            raise ValueError("every sample_weight is zero: nothing to fit")
        labelled = labelled & (weight > 0)
    tasks, codes = unique_tasks(task)
    sources, targets = find_roles(*roles, tasks, task_col)
    target, own = np.isin(codes, targets), np.isin(codes, sources + targets)
    if not (own.all() or drop):
        others = unique_tasks(task[~own])[0].tolist()
        raise ValueError(
            f"tasks {some(others)} are neither source nor target: drop their rows, or name them in "
            "source"
        )
    parts = (features, y, weight, task, labelled, target)
    if not own.all():
        parts = (None if part is None else part[own] for part in parts)
    return Domains(*parts)


def refuse_huge(features, X, task_col):
    """An error that names the column of numbers which trees cannot read, nor others square."""
    if max(features.max(), -features.min()) > HUGE:
        row, j = np.unravel_index(np.abs(features).argmax(), features.shape)
        name = feature_names(X, task_col)[j]
        name = f"column {name!r}" if is_frame(X) else name
        raise ValueError(
            f"{name} holds {features[row, j]:g} in row {row}, a value too "
            "large to compute with: scale the feature, or impute it if this is a code for a "
            "missing value"
        )


def feature_names(X, task_col):
    """What messages and reports call the columns of a table, the task column left out."""
    if is_frame(X):
        return [str(name) for name in column_names(X) if name != task_col]
    width = np.shape(X)[1]
    task = None if task_col is None else task_col % width
    return [f"column {j}" for j in range(width) if j != task]


class DomainEstimator(LabelledScore, MetaEstimatorMixin, BaseEstimator):
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
            The fitted estimator.
        """
        return self._fit(X, y)

    def _fit(self, X, y, sample_weight=None):
        if y is None:
            raise ValueError(
                f"This {type(self).__name__} estimator requires y to be passed, but the target y "
                "is None."
            )
        features, task = check_features(self, X, reset=True)
        refuse_huge(features, X, self.task_col)
        roles, classes = (self.source, self.target), is_classifier(self)
        domains = read_domains(features, task, y, sample_weight, roles, self.task_col, classes)
        if not domains.labelled.any():
            raise ValueError("Input y contains NaN: no row has a label, so there is nothing to fit")
        self.tasks_, codes = unique_tasks(domains.task)
        self._target = codes[domains.target][0]
        self.__dict__.pop("classes_", None)
        if classes:
            self.classes_ = np.unique(domains.y[domains.labelled])
        self._fit_domains(domains)
        return self

    def _unseen(self):
        """Why new tasks cannot be predicted; None if they can."""
        return

    def _read(self, X):
        """Features, and which rows are the target's."""
        features, task = check_features(self, X, reset=False)
        refuse_huge(features, X, self.task_col)
        codes = task_codes(task, self.tasks_, unseen=self._unseen())
        return features, codes == self._target

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        allow_nan = tags.input_tags.allow_nan
        tags = delegate_tags(tags, self._wrapped)
        tags.input_tags.allow_nan = allow_nan
        return tags


class WeightedDomainEstimator(DomainEstimator):
    """One whose rows may have weights."""

    def fit(self, X, y, sample_weight=None):
        """Fit on the rows of source and target.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)
            Table with the task column.
        y : array-like of shape (n,)
            Labels; a missing one (NaN, None) marks a row without label.
        sample_weight : array-like of shape (n,), default=None
            Weight of each row in the loss, passed on to `estimator`; None: all ones.

        Returns
        -------
        self
            The fitted estimator.
        """
        return self._fit(X, y, sample_weight)
