"""What the meta-estimators share: reading the table, classes per task, errors by task."""

from contextlib import nullcontext

import numpy as np
from scipy.sparse import issparse
from sklearn import get_config
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone, is_classifier
from sklearn.utils import assert_all_finite, check_array, column_or_1d, get_tags
from sklearn.utils import metadata_routing as routing
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from .._utils._containers import as_table, missing, some, take
from .._utils._delegation import (
    LabelledScore,
    chooses_columns,
    delegate_tags,
    naming,
    weight_keyword,
)
from .._utils._validation import check_weights, check_X, labelled_rows, read_numbers
from ..table._reading import read_table, task_codes, unique_tasks
from ..table._rows import check_common_columns, feature_names, warn_of_a_feature


class TaskMetaEstimator(LabelledScore, MetaEstimatorMixin, BaseEstimator):
    """Reads the table, and hands rows, weights and other parameters of `fit` on.

    A subclass has `fit`, `_fit_features` and `_possible`.
    """

    # With metadata routing on, this one requests what `score` gets.
    __metadata_request__score = {"sample_weight": False}  # noqa: RUF012

    def _fit_table(self, X, y, sample_weight, fit_params):
        X = as_table(X)
        features, task = self._read_table(X)
        check_X(self, X, y, skip_check_array=True)
        warn_of_a_feature(task, self.task_col)
        n = len(task)
        if sample_weight is not None:
            sample_weight = check_weights(sample_weight, n)
        params = self._fit_params(sample_weight, fit_params)
        y, use = labelled_rows(y, np.arange(n))
        y = self._check_target(y)
        if sample_weight is not None:
            codes = unique_tasks(task[use])[1]
            heavy = np.bincount(codes, sample_weight[use])[codes] > 0
            if not heavy.any():
                raise ValueError("every labelled row has zero sample_weight: nothing to fit")
            y, use = y[heavy], use[heavy]
        by_row = {name: take(v, use) for name, v in params.items() if np.shape(v)[:1] == (n,)}
        fixed = {name: v for name, v in params.items() if name not in by_row}
        self.tasks_, codes = unique_tasks(task[use])
        self._unlabelled = ()
        if len(use) < n:
            features = take(features, use)
            self._unlabelled = set(unique_tasks(task)[0].tolist()) - set(self.tasks_.tolist())
        # Of an earlier fit, perhaps with a classifier:
        for stale in ("classes_", "_allowed", "one_class_tasks_", "_only"):
            self.__dict__.pop(stale, None)
        if is_classifier(self):
            self.classes_, labels = np.unique(y, return_inverse=True)
            has = np.zeros((len(self.tasks_), len(self.classes_)), dtype=bool)
            counts = slice(None) if sample_weight is None else sample_weight[use] > 0
            has[codes[counts], labels[counts]] = True
            self._allowed = self._possible(has)
        self._names = feature_names(X, self.task_col)
        try:
            self._fit_features(features, codes, y, by_row, fixed, use)
        except ValueError as error:
            if "NaN" in str(error) and self.setting != "single-task" and self.task_col is not None:
                check_common_columns(type(self).__name__, self._names, features, task[use])
            raise
        return self

    def _fit_params(self, sample_weight, params):
        """What the `fit` of the estimator gets beside X and y, by its names there."""
        if get_config()["enable_metadata_routing"]:
            if sample_weight is not None:
                params = {**params, "sample_weight": sample_weight}
            return routing.process_routing(self, "fit", **params)["estimator"]["fit"]
        if sample_weight is None:
            return params
        return {**params, weight_keyword(self.estimator): sample_weight}

    def _check_target(self, y):
        if is_classifier(self):
            assert_all_finite(column_or_1d(y), input_name="y")
            check_classification_targets(y)
            return y
        return read_numbers(y)[0] if y.ndim == 1 else check_array(y, input_name="y")

    def _read_table(self, X):
        return read_table(X, self.task_col, accept_sparse=get_tags(self).input_tags.sparse)

    def _read(self, X, unseen):
        check_is_fitted(self)
        features, task = self._read_table(X)
        check_X(self, X, reset=False, skip_check_array=True)
        codes = task_codes(task, self.tasks_, unseen=unseen, unlabelled=self._unlabelled)
        return features, codes

    def _allowed_rows(self, codes):
        """Which classes each row may take, (n, K): all of them if its task was not seen."""
        return np.where((codes < 0)[:, None], True, self._allowed[codes])

    @property
    def _all_allowed(self):
        """True for regressors, and where every task may take every class."""
        return not hasattr(self, "classes_") or bool(self._allowed.all())

    def _refuse_pairwise(self):
        """Values per pair of classes cannot be laid out over the classes of several tasks."""
        parameters = self.estimator.get_params().items()
        ovo = any(k.endswith("decision_function_shape") and v == "ovo" for k, v in parameters)
        if ovo and not self._all_allowed:
            raise ValueError(
                f"{self.estimator!r} gives a decision value per pair of classes, but the tasks "
                "have different classes: set decision_function_shape='ovr'"
            )

    def get_metadata_routing(self):
        """Routing of metadata: `estimator` requests parameters of `fit`, this one of `score`.

        Returns
        -------
        routing : MetadataRouter
            What scikit-learn's metadata routing asks for.
        """
        mapping = routing.MethodMapping().add(caller="fit", callee="fit")
        if routing.get_routing_for_object(self.estimator).consumes("score", ["sample_weight"]):
            mapping.add(caller="score", callee="score")
        router = routing.MetadataRouter(owner=self).add_self_request(self)
        return router.add(estimator=self.estimator, method_mapping=mapping)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags = delegate_tags(tags, self.estimator, sparse=True, multi_output=True)
        tags.target_tags.multi_output &= tags.estimator_type != "classifier"
        return tags


class WeightedMetaEstimator(TaskMetaEstimator):
    """Its `fit` names weights, and hands them to the estimator inside."""

    # With metadata routing on, the estimator inside requests what `fit` gets.
    __metadata_request__fit = {"sample_weight": routing.UNUSED}  # noqa: RUF012

    def fit(self, X, y, sample_weight=None, **fit_params):
        """Fit the model or models.

        Parameters
        ----------
        X : DataFrame, array or sparse matrix of shape (n, p)
            Table with the task column; sparse if `estimator` takes sparse matrices.
        y : array-like of shape (n,), or (n, k) if `estimator` takes several outputs
            Rows whose label is missing (NaN, None) are left out.
        sample_weight : array-like of shape (n,), default=None
            Weight of each row, handed on to `estimator`, or to the last step of a Pipeline. A task
            whose weights are all zero is left out.
        **fit_params : dict
            Further parameters of the `fit` of `estimator`, such as the `groups` of a search. Those
            with one entry per row are divided like the rows. With metadata routing on, `estimator`
            gets what it requests.

        Returns
        -------
        self : object
            The fitted estimator.
        """
        return self._fit_table(X, y, sample_weight, fit_params)


def takes_sparse(estimator, features):
    """Whether these features, dense or not, may reach the estimator as a sparse matrix."""
    if issparse(features) or not get_tags(estimator).input_tags.sparse:
        return issparse(features)
    x = np.asarray(features)
    # Trees take NaN and sparse matrices, but not together.
    return x.dtype.kind in "fiub" and not missing(x).any() and not chooses_columns(estimator)


def row_weights(by_row, n):
    """The weights (n,) among parameters of `fit` with one entry per row; ones if there are none."""
    found = [value for name, value in by_row.items() if name.split("__")[-1] == "sample_weight"]
    return np.asarray(found[0]) if found else np.ones(n)


def fit_clone(estimator, features, y, params, where, context=nullcontext()):  # noqa: B008
    """A clone, fitted in a context; an error is reported with the name of the task, `where`."""
    try:
        with context:
            return clone(estimator).fit(features, y, **(params or {}))
    except Exception:
        n = features.shape[0]
        what = f"{n} row{'s' if n > 1 else ''}"
        if is_classifier(estimator):
            classes = np.unique(y).tolist()
            what += f" of classes {some(classes)}"
            if len(classes) == 1:
                what += "; label rows of another class, or use an estimator that takes one"
        with naming(where and f"{estimator!r} could not be fitted on {where} ({what})"):
            raise


def one_per_class(values):
    """Decision values with a column per class also where there are two."""
    return np.column_stack([-values, values]) if values.ndim == 1 else values


def below_the_rest(values, allowed):
    """Decision values (n, K), where those of classes not `allowed` are the lowest of their row.

    They lie as far below the other values as these are apart, so whatever scales or calibrates
    decision values can work with them. Of two classes, as in scikit-learn, one value tells all.
    """
    lowest = np.where(allowed, values, np.inf).min(axis=1, keepdims=True)
    highest = np.where(allowed, values, -np.inf).max(axis=1, keepdims=True)
    margin = np.maximum(highest - lowest, abs(lowest))
    values = np.where(allowed, values, np.nextafter(lowest - margin, -np.inf))
    if values.shape[1] != 2:
        return values
    return np.where(allowed.all(axis=1), values[:, 1], values[:, 1] - values[:, 0])
