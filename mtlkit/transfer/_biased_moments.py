"""Biased ridge regression from moments of the rows, for searches and chunks; what fits share."""

import numpy as np

from .._utils._numerics import ridges, shortest_in_hull
from .._utils._validation import check_flag, check_strength
from ._domains import find_roles


def check_strengths(model, include):
    """Both strengths are numbers from 0 to infinity; `include` says which end is allowed."""
    for name in ("alpha", "source_alpha"):
        check_strength(model, name, include=include)
    check_flag(model.fit_intercept, "fit_intercept")


def roles_of(model, tasks):
    """Positions of sources and of targets among the tasks that have labelled rows."""
    known = "a task with a labelled row"
    roles = model.source, model.target
    return find_roles(*roles, tasks, model.task_col, several=True, kind=known)


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
    self.source_shares_ = np.zeros((T, len(roles[0])))
    self.source_shares_[roles[0], range(len(roles[0]))] = 1
    self.source_shares_[roles[1]] = shares[:, : len(roles[0])]
    coef = np.tile(starts.mean(axis=0), (T, 1))
    coef[roles[0]] = starts[: len(roles[0])]
    coef[roles[1]] = shares @ starts + np.einsum("tdk,tk->td", beyond, shares)
    intercept = m.y_mean - np.einsum("td,td->t", m.x_mean, coef)
    new = starts.mean(axis=0), intercept[roles[0]].mean() if roles[0] else 0.0
    rest = np.setdiff1d(np.arange(T), [*roles[0], *roles[1]])
    intercept[rest] = new[1]
    return coef, intercept, new


def solve_moments(self, moments):
    """Fit a `BiasedRidge` to moments of all tasks, and keep them."""
    roles = roles_of(self, moments.tasks)
    m = moments.of_tasks(sorted(roles[0] + roles[1]))
    found = fit_moments(self, m)
    if found is None:
        raise ValueError(
            "moments do not tell the weights to nine digits, since features are next to collinear: "
            "raise alpha and source_alpha, or drop some"
        )
    self.tasks_, (self.coef_, self.intercept_, new) = m.tasks, found
    self.source_coef_, self.source_intercept_ = new[0], float(new[1])
    self._seen = moments
