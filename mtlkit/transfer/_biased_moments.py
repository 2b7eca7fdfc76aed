"""Biased ridge regression from moments of the rows, for searches; the check of strengths."""

import numpy as np

from .._utils._numerics import ridges, shortest_in_hull
from .._utils._validation import check_flag, check_strength
from ._domains import find_roles


def check_strengths(model, include):
    """Both strengths are numbers from 0 to infinity; `include` says which end is allowed."""
    for name in ("alpha", "source_alpha"):
        check_strength(model, name, include=include)
    check_flag(model.fit_intercept, "fit_intercept")


def fit_moments(self, moments):
    """Fit a `BiasedRidge`; weights and intercepts of each task, and those of new tasks.

    None where rounding would tell. Tasks without a role are as new ones.
    """
    check_strengths(self, include="left")
    roles = find_roles(self.source, self.target, moments.tasks, self.task_col, several=True)
    m = moments if self.fit_intercept else moments.about_zero()
    sources, targets = m.of_tasks(roles[0]), m.of_tasks(roles[1])
    T, d = m.x_mean.shape
    starts = np.zeros((1, d))
    if roles[0]:
        starts = ridges(sources.Sxx, sources.Sxy[..., None], self.source_alpha, least=1e-9)
        if starts is None:
            return None
        starts = starts[..., 0]
    # Of what is left of y by each source: its products with x, and with itself.
    xy = targets.Sxy[..., None] - targets.Sxx @ starts.T
    yy = targets.Syy[:, None, None] - (targets.Sxy @ starts.T)[:, None] - starts @ xy
    beyond = ridges(targets.Sxx, xy, self.alpha, least=1e-9)
    if beyond is None:
        return None
    shares = np.ones((len(targets.n), 1))
    if len(starts) > 1:
        rest = yy - xy.transpose(0, 2, 1) @ beyond
        shares = np.array([shortest_in_hull(gram) for gram in rest]).reshape(-1, len(starts))
    coef = np.tile(starts.mean(axis=0), (T, 1))
    coef[roles[0]] = starts[: len(roles[0])]
    coef[roles[1]] = shares @ starts + np.einsum("tdk,tk->td", beyond, shares)
    intercept = m.y_mean - np.einsum("td,td->t", m.x_mean, coef)
    new = starts.mean(axis=0), intercept[roles[0]].mean() if roles[0] else 0.0
    rest = np.setdiff1d(np.arange(T), [*roles[0], *roles[1]])
    intercept[rest] = new[1]
    return coef, intercept, new
