"""Searching the step size and the number of epochs of a network, fine-tuned or from scratch."""

from numbers import Integral

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from ..table import TaskStratifiedKFold
from ._base import TaskNetwork
from ._finetune import FineTuner


def tune_training(
    model,
    *,
    learning_rate_init=(0.001, 0.003, 0.01),
    max_iter=(10, 30, 100),
    cv=3,
    scoring=None,
    n_jobs=None,
):
    """A search over step sizes and numbers of epochs, on the rows given to its `fit` alone.

    Fine-tuning takes as much tuning as training does: with too few steps it looks like negative
    transfer. Call this once with the fine-tuned network and once with the network from scratch,
    and both arms try the same settings for the same number of epochs.

    Parameters
    ----------
    model : FineTuner, MultiTaskMLPRegressor, MultiTaskMLPClassifier or MultiTaskMLP
        What to tune. It trains each number of epochs to the end: a network gets
        ``n_iter_no_change=None`` and no early stopping.
    learning_rate_init : sequence of float, default=(0.001, 0.003, 0.01)
        Step sizes to try.
    max_iter : sequence of int, default=(10, 30, 100)
        Numbers of epochs to try.
    cv : int or splitter, default=3
        Folds. An integer means folds in which each task, and of a classifier each class, is spread
        evenly: `TaskStratifiedKFold` in an order drawn with ``random_state=0``.
    scoring : str, callable or None, default=None
        As in `GridSearchCV`; None means R² or accuracy.
    n_jobs : int or None, default=None
        Fits side by side.

    Returns
    -------
    search : GridSearchCV
        Not fitted. After ``search.fit(X, y)`` it predicts with the best setting, trained on all
        rows of `X`.

    Raises
    ------
    ValueError
        If `model` is no network or `FineTuner`, or `cv` is an integer below 2.

    Notes
    -----
    Cost: ``cv`` × (number of step sizes) × (sum of `max_iter`) epochs, and one last training.

    Examples
    --------
    >>> from mtlkit.datasets import load_shifted_digits
    >>> from mtlkit.neural import FineTuner, MultiTaskMLPClassifier, tune_training
    >>> X, y = load_shifted_digits({"upright": None, "turned": ("rotation", 15)})
    >>> source, target = X[:, 0] == 0, X[:, 0] == 1
    >>> network = MultiTaskMLPClassifier(max_iter=30, n_iter_no_change=None, random_state=0)
    >>> few, labels = X[target][:50, 1:], y[target][:50]
    >>> tuned = FineTuner(network.fit(X[source, 1:], y[source]), head=0, random_state=0)
    >>> scratch = MultiTaskMLPClassifier(random_state=0)
    >>> arms = [tune_training(arm, max_iter=(10, 30)) for arm in (tuned, scratch)]
    >>> scores = [arm.fit(few, labels).score(X[target][50:, 1:], y[target][50:]) for arm in arms]
    >>> scores[0] > scores[1]
    True
    """
    if not isinstance(model, FineTuner | TaskNetwork):
        raise ValueError(
            f"model={model!r} must be a FineTuner or a network of mtlkit.neural; use GridSearchCV "
            "for another model"
        )
    model = clone(model)
    if isinstance(model, TaskNetwork):
        model.set_params(n_iter_no_change=None, early_stopping=False)
    if isinstance(cv, Integral):
        cv = TaskStratifiedKFold(cv, task_col=model.task_col, shuffle=True, random_state=0)
    grid = {
        "learning_rate_init": np.asarray(learning_rate_init, dtype=float).tolist(),
        "max_iter": np.asarray(max_iter, dtype=int).tolist(),
    }
    return GridSearchCV(model, grid, cv=cv, scoring=scoring, n_jobs=n_jobs)
