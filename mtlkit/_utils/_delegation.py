"""What meta-estimators hand on: methods, tags, scores, row weights, and the setting inside."""

from contextlib import contextmanager
from inspect import Parameter, signature

from sklearn import get_config
from sklearn.base import clone, is_classifier
from sklearn.metrics import accuracy_score, r2_score
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags
from sklearn.utils.validation import has_fit_parameter

from ._validation import check_weights, labelled_rows

# Parameters by which estimators choose columns, or count them.
CHOOSING = {
    "cat_features",
    "categorical_feature",
    "categorical_features",
    "categories",
    "func",
    "interaction_cst",
    "monotonic_cst",
    "transformers",
}


def sub_estimator_has(method):
    """For `available_if`: the estimator inside, fitted if it can be, has this method."""

    def check(self):
        getattr(getattr(self, "estimator_", self.estimator), method)
        return True

    return check


def delegate_tags(tags, estimator, *, sparse=False, multi_output=False):
    """`tags` of a meta-estimator, changed to those of the estimator inside.

    Whoever cannot hand sparse tables or several outputs on leaves the two False; a meta-estimator
    that can passes True, and the estimator inside decides.
    """
    if isinstance(estimator, type) or not hasattr(estimator, "__sklearn_tags__"):
        raise TypeError(f"{estimator!r} is not an estimator: pass an instance of one")
    inner = get_tags(estimator)
    tags.estimator_type = inner.estimator_type
    tags.classifier_tags, tags.regressor_tags = inner.classifier_tags, inner.regressor_tags
    tags.target_tags, tags.input_tags = inner.target_tags, inner.input_tags
    tags.input_tags.sparse &= sparse
    tags.target_tags.multi_output &= multi_output
    if tags.classifier_tags is not None:
        tags.classifier_tags.multi_label = False
    return tags


class LabelledScore:
    """A `score` over the labelled rows; stands before the bases of an estimator."""

    def score(self, X, y, sample_weight=None):
        """Accuracy of a classifier, R² of a regressor, over the labelled rows of `X`.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)
            Table with the task column.
        y : array-like of shape (n,)
            Labels; rows whose label is missing (NaN, None) are left out.
        sample_weight : array-like of shape (n,), default=None
            Weight of each row in the mean.

        Returns
        -------
        score : float
            At most 1.
        """
        y, X, sample_weight = labelled_rows(y, X, sample_weight)
        if sample_weight is not None:
            sample_weight = check_weights(sample_weight, len(y))
        metric = accuracy_score if is_classifier(self) else r2_score
        return metric(y, self.predict(X), sample_weight=sample_weight)


def setting_of(estimator):
    """ "single-task", "pooled", "multi-task" or "transfer": the class attribute `setting`.

    It is looked for through Pipelines, searches, calibration and whatever else wraps estimators.
    An estimator without it sees the whole table as one task: "pooled".
    """
    return getattr(tasks_estimator(estimator), "setting", "pooled")


def tasks_estimator(estimator):
    """The outermost estimator with a `setting`, or the innermost one if none has."""
    while not hasattr(estimator, "setting"):
        inner = _wrapped(estimator)
        if inner is None:
            return estimator
        estimator = inner
    return estimator


def _wrapped(estimator):
    """The estimator inside: the last step, the only one, or the first of several with a setting."""
    if isinstance(estimator, Pipeline):
        return estimator.steps[-1][1]
    for name in ("estimator", "regressor", "classifier", "base_estimator"):
        inner = getattr(estimator, name, None)
        if hasattr(inner, "fit"):
            return inner
    members = getattr(estimator, "estimators", None)  # of voting and stacking
    if isinstance(members, list):
        found = [tasks_estimator(member) for _, member in members if hasattr(member, "fit")]
        return next((member for member in found if hasattr(member, "setting")), None)
    return None


def weight_keyword(estimator):
    """The keyword of `fit` by which the estimator takes row weights.

    It is looked for in the last step of a Pipeline, and inside a search or what else hands fit
    parameters on. With metadata routing on there is one keyword, and requests decide the rest.
    """
    if get_config()["enable_metadata_routing"] or has_fit_parameter(estimator, "sample_weight"):
        return "sample_weight"
    inner = _wrapped(estimator)
    if hasattr(inner, "fit"):
        if isinstance(estimator, Pipeline):
            return f"{estimator.steps[-1][0]}__{weight_keyword(inner)}"
        parameters = signature(estimator.fit).parameters.values()
        if any(p.kind is Parameter.VAR_KEYWORD for p in parameters):
            return weight_keyword(inner)
    raise ValueError(
        f"{estimator!r} does not accept sample_weight: use an estimator that does, or a Pipeline "
        "whose last step does"
    )


def fit_weighted(estimator, X, y, weight=None, **params):
    """A clone, fitted to rows with weights (or None) and further parameters of `fit`."""
    if weight is not None:
        params[weight_keyword(estimator)] = weight
    return clone(estimator).fit(X, y, **params)


def chooses_columns(estimator):
    """Whether a parameter of the estimator, or of a step in it, chooses columns or counts them.

    Whoever hands each task the columns that it has must hand such an estimator all of them: its
    names and positions mean the table that the user passed.
    """
    return any(
        name.split("__")[-1] in CHOOSING and value is not None and not isinstance(value, str)
        for name, value in estimator.get_params().items()
    )


@contextmanager
def naming(where):
    """An error inside says where it happened; with `where=None` it passes as it is."""
    try:
        yield
    except Exception as error:
        if where is None:
            raise
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"{where}: {error}") from error
