"""What meta-estimators hand on: methods, row weights, and the setting of what they wrap."""

from sklearn.base import BaseEstimator, clone
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import has_fit_parameter


def sub_estimator_has(method):
    def check(self):
        getattr(getattr(self, "estimator_", self.estimator), method)
        return True

    return check


def setting_of(estimator):
    """ "single-task", "pooled", "multi-task" or "transfer": the class attribute `setting`.

    It is looked for through Pipelines, searches, calibration and whatever else wraps one estimator.
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
    if isinstance(estimator, Pipeline):
        return estimator.steps[-1][1]
    for name in ("estimator", "regressor", "classifier", "base_estimator"):
        inner = getattr(estimator, name, None)
        if isinstance(inner, BaseEstimator):
            return inner
    return None


def weight_keyword(estimator):
    """The keyword of `fit` by which the estimator takes row weights."""
    if has_fit_parameter(estimator, "sample_weight"):
        return "sample_weight"
    if isinstance(estimator, Pipeline):
        name, last = estimator.steps[-1]
        return f"{name}__{weight_keyword(last)}"
    raise ValueError(
        f"{estimator!r} does not accept sample_weight: use an estimator that does, or a Pipeline "
        "whose last step does"
    )


def fit_weighted(estimator, X, y, weight):
    """A clone, fitted to rows with weights."""
    return clone(estimator).fit(X, y, **{weight_keyword(estimator): weight})
