"""The solutions of one model for many strengths of its penalty."""

from copy import copy
from numbers import Integral

import numpy as np
from sklearn.base import clone


def regularization_path(model, X, y, alphas=30, *, eps=1e-3, sample_weight=None):
    """Fit a model for many strengths, each from the solution of the one before.

    The loss is formed once (for squared loss: the moments), so a path of 30 strengths costs little
    more than its weakest member.

    Parameters
    ----------
    model : MultiTaskLinearRegression or MultiTaskLogisticRegression
        A classifier for two classes.
    X : DataFrame or array of shape (n, p)
        Table with the task column.
    y : array-like of shape (n,)
    alphas : int or array-like of shape (k,), default=30
        Strengths, or how many: from the smallest at which all weights are zero down to `eps`
        times that, in equal ratios. A penalty that is the square of a norm (`SharedMean`,
        `TaskGraph`, `LearnedRelations`) has no such strength: give an array.
    eps : float, default=1e-3
        Weakest strength over strongest, between 0 and 1, if `alphas` is a number.
    sample_weight : array-like of shape (n,), default=None

    Returns
    -------
    models : list of k fitted estimators
        From the strongest penalty to the weakest; ``models[i].alpha`` is the strength.

    Raises
    ------
    ValueError
        If `alphas` is a number and the penalty has no largest strength, or there are more than two
        classes.

    Examples
    --------
    >>> from mtlkit.datasets import make_linear_tasks
    >>> from mtlkit.linear import JointSupport, MultiTaskLinearRegression
    >>> X, y = make_linear_tasks("joint support", random_state=0)
    >>> model = MultiTaskLinearRegression(JointSupport(), task_col=0)
    >>> path = regularization_path(model, X, y, 5, eps=0.1)
    >>> [int(model.support_.sum()) for model in path]
    [0, 4, 11, 19, 20]
    """
    first = clone(model)
    first._check_parameters()
    loss, level = first._prepare(X, y, sample_weight)
    if len(getattr(first, "classes_", ())) > 2:
        raise ValueError(
            f"y has {len(first.classes_)} classes, but a path needs two: pass y == label, one "
            "class at a time"
        )
    if isinstance(alphas, Integral):
        penalty = first._bound_penalty(loss.tasks)
        if penalty.power != 1:
            raise ValueError(
                f"alphas={alphas} needs a strength at which all weights are zero, and "
                f"{type(penalty).__name__} has none: give an array of strengths"
            )
        if not 0 < eps < 1:
            raise ValueError(f"eps={eps!r} must lie between 0 and 1")
        zero = np.zeros(loss.shape)
        largest = penalty.dual_norm(loss.gradient(zero, loss.apply(zero)))
        alphas = np.geomspace(largest, eps * largest, alphas)
    models, start = [], np.zeros(loss.shape)
    for alpha in sorted(alphas, reverse=True):
        fitted = copy(first).set_params(alpha=float(alpha))
        fitted._check_parameters()
        start = fitted._solve(loss, level, start).coef_
        models.append(fitted)
    return models
