"""Per-task moments: all that a squared loss needs to know of the rows, and they add up."""

from dataclasses import dataclass

import numpy as np

from .._utils._containers import blocks, some


@dataclass(frozen=True)
class TaskMoments:
    """Weighted counts, means and centred second moments of (x, y) in each of T tasks.

    With weights r_i, n = Σ r_i, x̄ = Σ r_i x_i / n and ȳ likewise, the loss of a linear model is
    Σ r_i (y_i - x_i·w - b)² = Syy - 2 w·Sxy + w·Sxx·w + n (ȳ - x̄·w - b)²,
    so a solver that has the moments never looks at the rows again.

    Attributes
    ----------
    tasks : ndarray of shape (T,)
        Task names, sorted.
    n : ndarray of shape (T,)
        Sum of weights.
    x_mean : ndarray of shape (T, d)
    y_mean : ndarray of shape (T,)
    Sxx : ndarray of shape (T, d, d)
        Σ r_i (x_i - x̄)(x_i - x̄)ᵀ
    Sxy : ndarray of shape (T, d)
        Σ r_i (x_i - x̄)(y_i - ȳ)
    Syy : ndarray of shape (T,)
        Σ r_i (y_i - ȳ)²

    Notes
    -----
    ``a + b`` gives the moments of the rows of both, by the update of Chan, Golub and LeVeque
    (1983), which loses no digits when means are large. Cost of forming: O(n d²); memory: O(T d²).

    References
    ----------
    * T. F. Chan, G. H. Golub and R. J. LeVeque, "Algorithms for computing the sample variance:
      analysis and recommendations", The American Statistician 37(3):242-247, 1983.
    """

    tasks: np.ndarray
    n: np.ndarray
    x_mean: np.ndarray
    y_mean: np.ndarray
    Sxx: np.ndarray
    Sxy: np.ndarray
    Syy: np.ndarray

    @classmethod
    def from_rows(cls, X, y, task, sample_weight=None):
        """Moments of the rows of X (n, d), y (n,) by task (n,); weights must not be negative.

        Raises
        ------
        ValueError
            If all rows of a task have weight zero.
        """
        tasks, codes = np.unique(task, return_inverse=True)
        T, d = len(tasks), X.shape[1]
        n = np.bincount(codes, sample_weight).astype(float)
        if not (n > 0).all():
            raise ValueError(
                f"all rows of tasks {some(tasks[n <= 0].tolist())} have sample_weight 0: "
                "drop these rows before fit"
            )
        x_mean, Sxx, Sxy = np.empty((T, d)), np.empty((T, d, d)), np.empty((T, d))
        y_mean, Syy = np.empty(T), np.empty(T)
        large = False  # means so large that to take them off last would lose over two digits
        for t, rows in enumerate(blocks(codes, T)):  # the rows of one task fit into the cache
            Xt, yt = X[rows], y[rows]
            root = np.ones(len(yt))
            if sample_weight is not None:
                root = np.sqrt(sample_weight[rows])
                Xt, yt = Xt * root[:, None], yt * root
            x_mean[t], y_mean[t] = root @ Xt / n[t], root @ yt / n[t]
            if not large:
                Sxx[t], Sxy[t], Syy[t] = Xt.T @ Xt, yt @ Xt, yt @ yt
                large = n[t] * y_mean[t] ** 2 > 0.99 * Syy[t]
                large |= (n[t] * x_mean[t] ** 2 > 0.99 * Sxx[t].diagonal()).any()
            if large:
                Xt, yt = Xt - root[:, None] * x_mean[t], yt - root * y_mean[t]
                Sxx[t], Sxy[t], Syy[t] = Xt.T @ Xt, yt @ Xt, yt @ yt
            else:
                nx = n[t] * x_mean[t]
                Sxx[t] -= nx[:, None] * x_mean[t]
                Sxy[t] -= nx * y_mean[t]
                Syy[t] -= n[t] * y_mean[t] ** 2
        return cls(tasks, n, x_mean, y_mean, Sxx, Sxy, Syy)

    def __add__(self, other):
        tasks = np.union1d(self.tasks, other.tasks)
        a, b = self._spread_over(tasks), other._spread_over(tasks)
        n = a.n + b.n
        dx, dy = b.x_mean - a.x_mean, b.y_mean - a.y_mean
        share, joint = b.n / n, a.n * b.n / n
        return TaskMoments(
            tasks,
            n,
            a.x_mean + share[:, None] * dx,
            a.y_mean + share * dy,
            a.Sxx + b.Sxx + joint[:, None, None] * dx[:, :, None] * dx[:, None, :],
            a.Sxy + b.Sxy + (joint * dy)[:, None] * dx,
            a.Syy + b.Syy + joint * dy**2,
        )

    def scaled(self, weight):
        """Moments with the rows of task t weighted by ``weight[t]``, shape (T,)."""
        if (weight == 1).all():
            return self
        return TaskMoments(
            self.tasks,
            self.n * weight,
            self.x_mean,
            self.y_mean,
            self.Sxx * weight[:, None, None],
            self.Sxy * weight[:, None],
            self.Syy * weight,
        )

    def about(self, x0, y0):
        """Second moments about (x0, y0), shapes (d,) and (), with a constant as last feature.

        Returns
        -------
        A : ndarray of shape (T, d + 1, d + 1)
            Σ r_i z_i z_iᵀ with z_i = (x_i - x0, 1).
        r : ndarray of shape (T, d + 1)
            Σ r_i z_i (y_i - y0).
        """
        T, d = self.x_mean.shape
        z = np.column_stack([self.x_mean - x0, np.ones(T)])
        A = self.n[:, None, None] * z[:, :, None] * z[:, None, :]
        A[:, :d, :d] += self.Sxx
        r = (self.n * (self.y_mean - y0))[:, None] * z
        r[:, :d] += self.Sxy
        return A, r

    def _spread_over(self, tasks):
        """The same moments on a larger sorted array of tasks, zero where nothing was seen."""
        place = np.searchsorted(tasks, self.tasks)

        def spread(values):
            result = np.zeros((len(tasks), *values.shape[1:]))
            result[place] = values
            return result

        fields = (self.n, self.x_mean, self.y_mean, self.Sxx, self.Sxy, self.Syy)
        return TaskMoments(tasks, *map(spread, fields))
