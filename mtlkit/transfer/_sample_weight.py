"""Handing row weights to an estimator, or to the last step of a Pipeline."""

from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import has_fit_parameter


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
