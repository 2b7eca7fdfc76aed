"""The solutions of one model for many strengths of its penalty."""

import numpy as np
from sklearn.base import clone

from .._utils._validation import check_integer, check_number
from ._penalized import Penalized
from ._solver import largest_curvature, warn_unless_converged


def regularization_path(model, X, y, alphas=30, *, eps=1e-3, sample_weight=None):
    """Regularisation path: fit a model for many strengths, each from the solution before.

    The loss is formed once (for squared loss: the moments), so a path of 30 strengths costs little
    more than its weakest member.

    Parameters
    ----------
    model : MultiTaskLinearRegression or MultiTaskLogisticRegression
        A classifier for two classes.
    X : DataFrame or array of shape (n, p)
        Table with the task column.
    y : array-like of shape (n,)
        Targets or labels of two classes; NaN or None marks an unlabelled sample.
    alphas : int or array-like of shape (k,), default=30
        Strengths, or how many: from the smallest at which all weights are zero down to `eps`
        times that, in equal ratios. A penalty that is the square of a norm (`SharedMean`,
        `TaskGraph`, `LearnedRelations`) has no such strength: give an array.
    eps : float, default=1e-3
        Weakest strength over strongest, between 0 and 1, if `alphas` is a number.
    sample_weight : array-like of shape (n,), default=None
        Factor on the loss of each row; None means 1.

    Returns
    -------
    models : list of k fitted estimators
        From the strongest penalty to the weakest; ``models[i].alpha`` is the strength.

    Raises
    ------
    ValueError
        If `alphas` is a number and there is no largest strength: the penalty is the square of a
        norm, or `y` or the features are constant within each task. If there are more than two
        classes, or the model is another one.

    Warns
    -----
    ConvergenceWarning
        If the duality gap was not reached in `max_iter` steps at some strength.

    See Also
    --------
    JointSupport : A penalty whose path starts without any feature.
    LowRank : A penalty whose path starts at rank 0.

    Notes
    -----
    Taught in :doc:`/chapters/algorithms/which_columns`. Cost: that of one fit for each
    strength, less what the start saves and the forming of the loss.

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
    if not isinstance(model, Penalized):
        raise ValueError(
            f"model={model!r} has no path: use MultiTaskLinearRegression or "
            "MultiTaskLogisticRegression"
        )
    first = clone(model)
    first._check_parameters()
    loss = first._prepare(X, y, sample_weight)
    if np.ndim(alphas) == 0:
        alphas = _down_from_largest(first, loss, check_integer(alphas, "alphas"), eps)
    else:
        alphas = sorted((check_number(alpha, "alphas") for alpha in alphas), reverse=True)
    if len(alphas) == 0:
        raise ValueError(f"alphas={alphas!r} is empty: give at least one strength")
    known = {name: value for name, value in vars(first).items() if name not in first.get_params()}
    models, solutions = [], []
    for alpha in alphas:
        fitted = clone(model).set_params(alpha=float(alpha))
        fitted.__dict__.update(known)
        fitted._check_parameters()
        solutions.append(fitted._solve(loss, solutions[-1].W if solutions else None))
        models.append(fitted)
    warn_unless_converged(solutions)
    return models


def _down_from_largest(model, loss, count, eps):
    """Strengths in equal ratios, from the smallest at which all weights are zero."""
    check_number(eps, "eps", low=0, high=1, open_low=True, open_high=True)
    penalty = model._bound_penalty(loss.tasks)
    if penalty.power != 1:
        raise ValueError(
            f"alphas={count} needs a strength at which all weights are zero, and "
            f"{type(penalty).__name__} has none: give an array of strengths"
        )
    zero = np.zeros(loss.shape)
    H = loss.apply(zero)
    largest = penalty.dual_norm(loss.gradient(zero, H))
    means = [np.abs(getattr(loss, name, 0.0)).max(initial=0.0) for name in ("x_mean", "y_mean")]
    sizes = np.sqrt(largest_curvature(loss)), np.sqrt(loss.yy)
    if not largest > 1e-12 * (means[0] + sizes[0]) * (means[1] + sizes[1]):  # but rounding
        raise ValueError(
            "alphas cannot be counted down from the strength at which all weights are zero: they "
            "are zero at any, since y or the features are constant within each task, or too small. "
            "Check the task column, or give an array of strengths"
        )
    return np.geomspace(largest, eps * largest, count)
