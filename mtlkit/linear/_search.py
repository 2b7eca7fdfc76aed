"""A search over settings from the moments of folds: the rows are read once, and never again."""

import itertools
import warnings
from functools import reduce
from operator import add

import numpy as np
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, ParameterGrid
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from .._utils._containers import as_table, dtypes, groups, take
from .._utils._validation import read_numbers
from ..table._reading import find_tasks, task_codes, task_position, unique_tasks
from ..table._rows import number_table
from ..table._transformer import TaskTransformer
from ._base import TaskLinearModel
from ._moments import TaskMoments

LARGEST = 1e70  # of numbers whose fourth powers stay finite
MOST_NUMBERS = 3e7  # in the moments of all folds
EXACT = 1e-8  # largest rounding of a score, relative to what it is divided by
CLOSE = 1e-7  # settings whose scores differ by less are told apart by fits on rows
EPS = np.finfo(float).eps
SHARES = ("r2", "explained_variance")  # of the spread of y
SQUARES = (*SHARES, "neg_mean_squared_error", "neg_root_mean_squared_error")


class NotFromMoments(ValueError):
    """The search must be done on rows, which also finds the words for what is wrong."""


# What a search on rows shows by itself.
CANNOT = (ValueError, TypeError, IndexError, np.linalg.LinAlgError, ConvergenceWarning)


def search_from_moments(
    estimator, param_grid, X, y, splits, *, score, average="micro", tasks=None, scorer=None,
    folds=None,
):  # fmt: skip
    """The setting that `GridSearchCV` would choose, found without fits on rows.

    Parameters
    ----------
    estimator : estimator
        What is searched.
    param_grid : dict or list of dict
        As of `GridSearchCV`.
    X, y : table of shape (n, p) and array of shape (n,)
        Rows with their targets.
    splits : list of (train, test)
        Row numbers of each split.
    score : str
        Name of the scorer.
    average : {"micro", "macro"}, default="micro"
        Over all test rows, or the mean of the scores of tasks.
    tasks : list, default=None
        Tasks to score; None: all.
    scorer : str or callable, default=None
        The same as `GridSearchCV` takes it; None: `score`.
    folds : dict, default=None
        Keeps moments from one search on this table and these splits to the next; begin with {}.

    Returns
    -------
    best_params : dict or None
        None where moments do not tell: search on rows.
    """
    settings = list(ParameterGrid(param_grid))
    if len(settings) == 1:
        return settings[0]
    try:
        scores = split_scores(
            estimator, settings, X, y, splits, score, average, tasks, scorer or score, folds
        )
    except CANNOT:
        return None
    return settings[int(scores.mean(axis=1).argmax())]


def split_scores(
    estimator, settings, X, y, splits, score, average="micro", tasks=None, scorer=None, folds=None
):
    """Test scores (settings, splits); those that rounding may have put below the best, from rows.

    The error is `NotFromMoments`, or what a fit raises.
    """
    scores, tol = scores_of_moments(estimator, settings, X, y, splits, score, average, tasks, folds)
    means = scores.mean(axis=1)
    close = np.flatnonzero(means.max() - means <= tol)
    if len(close) > 1:
        grid = [{name: [value] for name, value in settings[k].items()} for k in close]
        search = GridSearchCV(
            estimator, grid, scoring=scorer, cv=splits, refit=False, error_score="raise"
        )
        found = search.fit(X, y).cv_results_
        scores[close] = np.column_stack([found[f"split{j}_test_score"] for j in range(len(splits))])
    return scores


def scores_of_moments(estimator, settings, X, y, splits, score, average, tasks, folds):
    """Test scores (settings, splits), and how far off the best may be."""
    if score not in SQUARES:
        raise NotFromMoments(f"{score} is no score of squared errors")
    X = as_table(X)
    models = [clone(estimator).set_params(**clone(p, safe=False)) for p in settings]
    plans = [_plan(model, X) for model in models]
    (task_col,) = {model.task_col for _, model in plans}
    folds = {} if folds is None else folds
    if task_col not in folds:
        folds[task_col] = fold_moments(X, y, splits, task_col)
    scores = np.empty((len(models), len(splits)))
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)  # how far it got, rounding may tell
        for j, (train, test) in enumerate(folds[task_col]):
            if tasks is not None:
                places = np.array(find_tasks(tasks, test.tasks), dtype=int)
                test = test.of_tasks(np.sort(places[places >= 0]))
            for i, (scalers, model) in enumerate(plans):
                fitted = _fitted(scalers, model, train, test)
                scores[i, j] = _score(*fitted, score, average)
    # Where a solver stops before the minimum, rounding may tell at which step: the loss is then off
    # by `tol`, predictions and scores by its root.
    tol = max(np.sqrt(getattr(model, "tol", 0.0)) for _, model in plans)
    best = abs(scores.mean(axis=1).max())
    return scores, max(tol, CLOSE) * (max(best, 1.0) if score in SHARES else best)


def _plan(model, X):
    """The scalers before a model that is fitted from moments, and this model."""
    scalers = []
    if isinstance(model, Pipeline):
        *steps, (_, model) = model.steps
        scalers = [step for _, step in steps if step not in (None, "passthrough")]
    if not hasattr(model, "_fit_moments"):
        raise NotFromMoments(f"{model!r} is not fitted from moments")
    for step in scalers:
        if type(step) is not TaskTransformer or type(step.transformer) is not StandardScaler:
            raise NotFromMoments(f"{step!r} is no scaler of a table")
        columns = {
            None if c is None else task_position(X, c) for c in (step.task_col, model.task_col)
        }
        if len(columns) > 1:
            raise NotFromMoments(f"{step!r} and {model!r} differ in task_col")
    if isinstance(model, TaskLinearModel):  # reads names and places of columns
        model._rows(take(X, [0]), np.zeros(1), None)
    return scalers, model


def fold_moments(X, y, splits, task_col):
    """Moments of the training and the test part of each split, from one reading of the rows."""
    features, task = number_table(X, task_col, "a search", fit=False)
    y = np.asarray(y)
    # Narrow floats are rounded anew in fits on rows, and in scores.
    narrow = {"float32", "float16"} & {*dtypes(X), str(y.dtype)}
    if y.ndim != 1 or y.dtype.kind not in "iuf" or narrow:
        raise NotFromMoments("a target and features of 64 bits are needed")
    y, _ = read_numbers(y)
    if not (np.abs(features).max() < LARGEST and np.abs(y).max() < LARGEST):
        raise NotFromMoments("a number is missing or huge")
    tasks, codes = unique_tasks(task)
    d, parts = features.shape[1], list(itertools.chain(*splits))
    counts = [len(np.unique(codes[train])) for train, _ in splits]
    if any(len(train) < d * T for (train, _), T in zip(splits, counts, strict=True)):
        raise NotFromMoments("rows are fewer than the numbers in their moments")
    if 2 * sum(counts) * d**2 > MOST_NUMBERS:
        raise NotFromMoments("moments of all folds would take too much memory")
    pieces, members = _pieces(parts, len(y))
    made = []
    for rows in pieces:
        own, place = np.unique(codes[rows], return_inverse=True)
        made.append(TaskMoments._from_codes(features[rows], y[rows], tasks[own], place, None))
    # Sums, not differences from the whole: nothing cancels.
    summed = [reduce(add, [made[k] for k in own]) for own in members]
    return list(zip(summed[::2], summed[1::2], strict=True))


def _pieces(parts, n):
    """Disjoint sets of rows such that each part is a union of some; and of which."""
    piece, count = np.zeros(n, dtype=int), 1
    for rows in parts:
        times = np.bincount(rows, minlength=n)
        if times.max() != 1:
            raise NotFromMoments("a part has no row, or one twice")
        piece = 2 * piece + times
        there = np.bincount(piece, minlength=2 * count) > 0
        piece, count = (np.cumsum(there) - 1)[piece], there.sum()
    if count > len(parts):  # as of random splits
        return parts, [[k] for k in range(len(parts))]
    return groups(piece, count), [np.unique(piece[rows]) for rows in parts]


def _fitted(scalers, model, train, test):
    """Test moments as the model sees them, and its weights and intercepts of each test task."""
    for step in scalers:
        train, test = _standardised(step, train, test)
    found = model._fit_moments(train)
    if found is None:
        raise NotFromMoments(f"{model!r} is not fitted from these moments")
    coef, intercept, new = found
    codes = task_codes(test.tasks, train.tasks, unseen=None)
    if new is not None:
        coef, intercept = np.vstack([coef, new[0]]), np.append(intercept, new[1])
    elif (codes < 0).any():
        raise NotFromMoments("a test task has no training row")
    return test, coef[codes], intercept[codes]


def _standardised(step, train, test):
    """Moments of both parts after a `StandardScaler` of all rows, or of each task."""
    scaler = step.transformer
    if step.each_task is True:
        codes = task_codes(test.tasks, train.tasks, unseen=None)
        if (codes < 0).any() or (train.n < 2).any():
            raise NotFromMoments("a task has no spread")
        m = train
    else:
        codes, m = np.zeros(len(test.tasks), dtype=int), train.pooled()
    n = m.n[:, None]
    var = m.Sxx.diagonal(axis1=1, axis2=2) / n
    constant = var <= n * EPS * var + (n * m.x_mean * EPS) ** 2  # as scikit-learn has it
    if (~constant & (var < 1e-16 * m.x_mean**2)).any():
        raise NotFromMoments("a column is next to constant")
    shift = m.x_mean if scaler.with_mean else np.zeros_like(m.x_mean)
    scale = np.sqrt(np.where(constant, 1.0, var)) if scaler.with_std else np.ones_like(var)
    return train.scaled_features(shift, scale), test.scaled_features(shift[codes], scale[codes])


def _score(m, W, b, score, average):
    """The score of weights (T, d) and intercepts (T,) on the rows of moments."""
    level = m.y_mean - np.einsum("td,td->t", m.x_mean, W) - b  # mean residuals
    cross = 2 * np.einsum("td,td->t", W, m.Sxy)
    size = np.einsum("td,td->t", W, (m.Sxx @ W[:, :, None])[:, :, 0])
    within = m.Syy - cross + size
    # What rounding may have done to the squares of a task.
    blur = 4 * EPS * np.einsum("td,td->t", np.abs(m.x_mean), np.abs(W))
    blur += 4 * EPS * (np.abs(b) + np.abs(m.y_mean))
    lost = 4 * EPS * (m.Syy + np.abs(cross) + size) + m.n * blur * (2 * np.abs(level) + blur)
    group = np.zeros(len(m.n), dtype=int) if average == "micro" else np.arange(len(m.n))

    def total(values):
        return np.bincount(group, values)

    n = total(m.n)
    mean = total(m.n * m.y_mean) / n
    spread = total(m.Syy + m.n * (m.y_mean - mean[group]) ** 2)
    left = total(within + m.n * level**2)
    if score == "explained_variance":
        left = left - total(m.n * level) ** 2 / n
    over = spread if score in SHARES else left
    if not (n.size and (n > 1).all() and (over > 0).all() and (total(lost) <= EXACT * over).all()):
        raise NotFromMoments("a score is not defined, or lost in rounding")
    if score in SHARES:
        return (1 - left / spread).mean()
    errors = left / n
    return -(np.sqrt(errors) if score == SQUARES[-1] else errors).mean()
