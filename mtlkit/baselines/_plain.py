"""Frames of plain numbers as arrays, where the estimators inside see no difference but in speed.

scikit-learn reads a frame in about a millisecond, which is more than the fit of many a small model.
"""

from copy import copy

import numpy as np
from sklearn import get_config
from sklearn.pipeline import Pipeline

from .._utils._delegation import chooses_columns


def is_plain(features):
    """Whether it is a frame of pandas whose columns are numbers of NumPy."""
    return hasattr(features, "iloc") and all(
        isinstance(kind, np.dtype) and kind.kind in "iuf" for kind in features.dtypes
    )


def needs_no_frame(estimator):
    """Whether it is scikit-learn's, and no parameter or output of it depends on column names."""
    steps = (
        [step for _, step in estimator.steps] if isinstance(estimator, Pipeline) else [estimator]
    )
    return get_config()["transform_output"] == "default" and all(
        type(step).__module__.startswith("sklearn.")
        and not hasattr(step, "_sklearn_output_config")
        and not any("__" in name for name in step.get_params())  # no estimators inside
        and not chooses_columns(step)
        for step in steps
    )


def with_names(fitted, names):
    """The model as if it had been fitted to a frame with these column names: a shallow copy."""
    fitted = copy(fitted)
    if isinstance(fitted, Pipeline):
        (name, first), *others = fitted.steps
        fitted.steps = [(name, with_names(first, names)), *others]
    elif hasattr(fitted, "n_features_in_"):
        fitted.feature_names_in_ = np.array(names, dtype=object)
    return fitted
