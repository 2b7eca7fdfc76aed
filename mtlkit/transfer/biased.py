"""Biased regularisation: a target task is shrunk to the weights of a source task, not to zero."""

import numpy as np
from sklearn.linear_model import Ridge

from .._base import TaskLinearRegressor
from .._inputs import check_rows, check_strength
from ..table.reading import groups, some

__all__ = ["BiasedRidge"]


class BiasedRidge(TaskLinearRegressor):
    r"""Ridge regression that starts from a source task and is pulled back to it.

    First the source s is fitted by itself, which gives w_s (d,) and b_s. Then, for each other
    task t,

    .. math::

        \min_{w, b} \; \sum_{i=1}^{n_t} (y_{ti} - x_{ti} \cdot w - b)^2 + \alpha \|w - w_s\|^2,

    which is ridge on what the source leaves unexplained. At ``alpha`` → 0 the target forgets the
    source, except in directions that its rows do not reach; at infinity it keeps the source's
    weights and learns an intercept. Known as biased
    regularisation and as hypothesis transfer (Kuzborskij and Orabona 2013), and as L2-SP for
    networks (Li, Grandvalet and Davoine 2018).

    Parameters
    ----------
    source : task name or None, default=None
        The task to learn from first. None (with ``task_col=None``): there is one task and no
        source, so this is ``Ridge(alpha)``.
    alpha : float, default=1.0
        Strength of the pull to the source's weights, for target tasks.
    source_alpha : float, default=1.0
        Ridge strength for the source itself.
    task_col : str, int or None, default=None
        The task column; None means one task.
    fit_intercept : bool, default=True
        Whether each task has an intercept; it is not penalised.

    Attributes
    ----------
    tasks_ : ndarray of shape (T,)
        The tasks with a labelled row in `fit`, sorted, the source among them.
    coef_ : ndarray of shape (T, d)
    intercept_ : ndarray of shape (T,)
    source_coef_ : ndarray of shape (d,)
        What targets are pulled to; it predicts tasks that were not seen in `fit`. Zero if there
        is no source.
    source_intercept_ : float
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Only if the columns of `X` have string names.

    Raises
    ------
    ValueError
        If `source` is not a task with a labelled row, or is missing while there is a task column.

    Notes
    -----
    Rows with NaN in `y` are left out. Cost: that of one `Ridge` per task.

    References
    ----------
    * I. Kuzborskij and F. Orabona, "Stability and hypothesis transfer learning", ICML 2013.
    * X. Li, Y. Grandvalet and F. Davoine, "Explicit inductive bias for transfer learning with
      convolutional networks", ICML 2018.

    Examples
    --------
    >>> from mtlkit.datasets import make_linear_tasks
    >>> X, y = make_linear_tasks(n_tasks=2, n_samples=[200, 10], random_state=0)
    >>> model = BiasedRidge(source=0, alpha=30, task_col=0).fit(X, y)
    >>> model.coef_.shape
    (2, 20)
    """

    def __init__(
        self, source=None, *, alpha=1.0, source_alpha=1.0, task_col=None, fit_intercept=True
    ):
        self.source = source
        self.alpha = alpha
        self.source_alpha = source_alpha
        self.task_col = task_col
        self.fit_intercept = fit_intercept

    def fit(self, X, y, sample_weight=None):
        """Fit the source, then each target.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)
            Table with the task column.
        y : array-like of shape (n,)
            Targets; NaN marks a row without label.
        sample_weight : array-like of shape (n,), default=None

        Returns
        -------
        self
        """
        for name in ("alpha", "source_alpha"):
            check_strength(self, name, include="left")
        X, y, task, weight = check_rows(self, X, y, sample_weight)
        self.tasks_, codes = np.unique(task, return_inverse=True)
        source_code = self._source_code()
        T, d = len(self.tasks_), X.shape[1]
        self.coef_, self.intercept_ = np.zeros((T, d)), np.zeros(T)
        self.source_coef_, self.source_intercept_ = np.zeros(d), 0.0
        by_task = groups(codes, T)
        for t in sorted(range(T), key=lambda t: t != source_code):
            rows = by_task[t]
            start = self.source_coef_
            ridge = Ridge(
                self.source_alpha if t == source_code else self.alpha,
                fit_intercept=self.fit_intercept,
            ).fit(X[rows], y[rows] - X[rows] @ start, None if weight is None else weight[rows])
            self.coef_[t], self.intercept_[t] = start + ridge.coef_, ridge.intercept_
            if t == source_code:
                self.source_coef_ = self.coef_[t].copy()
                self.source_intercept_ = float(self.intercept_[t])
        return self

    def _for_new_tasks(self):
        return self.source_coef_, self.source_intercept_

    def _source_code(self):
        if self.task_col is None and self.source is None:
            return -1
        if self.task_col is None:
            raise ValueError(
                f"source={self.source!r} needs task_col: without it there is only one task"
            )
        known = self.tasks_.tolist()
        if self.source not in known:
            raise ValueError(
                f"source={self.source!r} is not a task with a labelled row in column "
                f"{self.task_col!r}: choose one of {some(known)}"
            )
        return known.index(self.source)
