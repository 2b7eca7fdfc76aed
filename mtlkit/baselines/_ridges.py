"""Ridge regressions of many tasks at once: the very models that one fit a task would give."""

from copy import copy
from numbers import Real

import narwhals as nw
import numpy as np
from scipy.sparse import issparse
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.utils.metaestimators import available_if

from .._utils._containers import as_table, dtypes, groups, is_frame
from .._utils._numerics import ridges
from ..table._rows import check_rows, feature_names
from ._plain import with_names


def is_plain_ridge(estimator):
    """Whether it is scikit-learn's ridge, solved in closed form."""
    return (
        type(estimator) is Ridge
        and isinstance(estimator.alpha, Real)
        and not isinstance(estimator.alpha, (bool, np.bool_))
        and 0 < estimator.alpha < np.inf
        and estimator.solver in ("auto", "cholesky")
        and estimator.positive is False
        and isinstance(estimator.fit_intercept, (bool, np.bool_))
    )


class SolvesRidges:
    """A meta-estimator that is solved from moments, if its estimator is a plain ridge.

    `_fit_moments` gives weights and intercepts of tasks; `_put` takes the `Ridge` of each.
    """

    def _rows(self, X, y, sample_weight, *, reset=True):
        rows = check_rows(self, X, y, sample_weight, reset=reset)
        if reset:
            self._names, self._unlabelled = feature_names(as_table(X), self.task_col), set()
        return rows

    @available_if(lambda self: is_plain_ridge(self.estimator) and not self._sees_task)
    def _solve_moments(self, moments):
        found = self._fit_moments(moments)
        if found is None:
            raise ValueError(
                f"moments do not tell the weights of {self.estimator!r} to nine digits, since "
                "features are next to collinear: raise its alpha, or drop some"
            )
        self.tasks_, d = moments.tasks, moments.x_mean.shape[1]
        model = clone(self.estimator).fit(np.zeros((1, d)), np.zeros(1))
        if hasattr(self, "feature_names_in_"):
            model = with_names(model, self._names)
        self._put(copies(model, *found[:2]))


def ridges_from_moments(ridge, moments):
    """Weights (T, d) and intercepts (T,) of a plain ridge for each task, or None."""
    if not is_plain_ridge(ridge):
        return None
    m = moments if ridge.fit_intercept else moments.about_zero()
    W = ridges(m.Sxx, m.Sxy[..., None], ridge.alpha, least=1e-9)
    if W is None:
        return None
    W = W[..., 0]
    return W, m.y_mean - np.einsum("td,td->t", m.x_mean, W)


@np.errstate(over="ignore", invalid="ignore")  # then they are fitted one by one
def fit_ridges(ridge, features, codes, n_tasks, y, params):
    """Weights (T, d) and intercepts (T,) of a `Ridge` for each task, from rows.

    None where they might differ by over 1e-10 from those of each task's own fit.
    """
    X = as_floats(features) if is_plain_ridge(ridge) else None
    if X is None or y.ndim != 1 or params.keys() - {"sample_weight"}:
        return None
    alpha, weight = ridge.alpha, np.asarray(params.get("sample_weight", np.ones(len(y))), float)
    coef, intercept = np.empty((n_tasks, X.shape[1])), np.zeros(n_tasks)
    counts, size = np.unique(np.bincount(codes, minlength=n_tasks), return_inverse=True)
    rows_of = groups(codes, n_tasks)
    for n, tasks in zip(counts.tolist(), groups(size, len(counts)), strict=True):
        rows = np.array([rows_of[t] for t in tasks])
        Z, a = np.dstack([X[rows], y[rows]]), weight[rows][..., None]
        mean = np.zeros((len(tasks), Z.shape[2]))
        if ridge.fit_intercept:
            mean = (a * Z).sum(axis=1) / a.sum(axis=1)
            Z = Z - mean[:, None]
        Z = np.sqrt(a) * Z
        spread = (Z**2).sum(axis=1)
        level = a.sum(axis=1) * mean**2
        lost = (level > 1e8 * (spread + alpha))[:, :-1]  # digits of weights, by centring
        lost_y = (level > 1e12 * spread)[:, -1] & (spread[:, -1] > 0)
        if not np.isfinite(spread).all() or lost.any() or lost_y.any():
            return None
        Xs, ys = Z[..., :-1], Z[..., -1:]
        back = Xs.transpose(0, 2, 1)
        if n < X.shape[1]:
            w = ridges(Xs @ back, ys, alpha)
            w = w if w is None else back @ w
        else:
            w = ridges(back @ Xs, back @ ys, alpha)
        if w is None:
            return None
        coef[tasks] = w[..., 0]
        intercept[tasks] = mean[:, -1] - np.einsum("td,td->t", mean[:, :-1], coef[tasks])
    return coef, intercept


def copies(fitted, coef, intercept):
    """The `Ridge` of each task, given that of one of them."""
    models = [copy(fitted) for _ in intercept]
    for model, w, b in zip(models, coef, intercept, strict=True):
        model.coef_ = w
        if model.fit_intercept:
            model.intercept_ = b
    return models


def ridge_values(fitted, features, codes):
    """Predictions of rows by the ridges of their tasks, or None."""
    if not all(type(model) is Ridge and model.coef_.ndim == 1 for model in fitted):
        return None
    X = as_floats(features)
    if X is None or {model.coef_.shape for model in fitted} != {X.shape[1:]}:
        return None
    coef = np.array([model.coef_ for model in fitted])
    if coef.dtype != np.float64:
        return None
    intercept = np.array([model.intercept_ for model in fitted])
    return np.einsum("ij,ij->i", X, coef[codes]) + intercept[codes]


def as_floats(features):
    """Numbers of 64 bits, all of them finite, as floats (n, d); else None."""
    if issparse(features) or {*dtypes(features)} & {"float32", "float16"}:
        return None
    if is_frame(features) and not hasattr(features, "iloc"):
        features = nw.from_native(features)
    try:
        X = np.asarray(features.to_numpy() if hasattr(features, "to_numpy") else features)
        X = X.astype(np.float64, copy=False) if X.dtype.kind in "fiubO" else None
    except (TypeError, ValueError):
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        return X if X is not None and np.isfinite(X.sum()) else None
