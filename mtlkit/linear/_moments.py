"""Per-task moments: all that a squared loss needs to know of the rows, and they add up."""

from dataclasses import dataclass, fields, replace

import numpy as np
from sklearn.utils import check_consistent_length

from .._utils._containers import SharedTable, blocks, some
from .._utils._validation import check_weights, read_numbers
from ..table._reading import task_codes, tasks_of, unique_tasks
from ..table._rows import number_table


@dataclass(frozen=True, eq=False)
class TaskMoments:
    """Sufficient statistics of the squared loss: counts, means, second moments of each task.

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
        Weighted means x̄ of the features.
    y_mean : ndarray of shape (T,)
        Weighted means ȳ of the targets.
    Sxx : ndarray of shape (T, d, d)
        Σ r_i (x_i - x̄)(x_i - x̄)ᵀ
    Sxy : ndarray of shape (T, d)
        Σ r_i (x_i - x̄)(y_i - ȳ)
    Syy : ndarray of shape (T,)
        Σ r_i (y_i - ȳ)²
    x_rest, y_rest : ndarray of shape (T, d) and (T,), default=None
        What rounding took off the means, so that distances of large means keep their digits; None
        is zero.

    See Also
    --------
    MeanRegularizedRidge : Is fitted from moments, also by `partial_fit`.
    MultiTaskLinearRegression : Likewise, with any penalty.
    mtlkit.scale.fit_chunks : Sums them over the chunks of a file.

    Notes
    -----
    ``a + b`` gives the moments of the rows of both, by the update of Chan, Golub and LeVeque
    (1983), which loses no digits when means are large. Numbers are float64, whatever the rows are.
    Two moments are equal only if they are the same object. Cost of forming: O(n d²); memory:
    O(T d²).

    Taught in :doc:`/chapters/outlook/large_data`.

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
    x_rest: np.ndarray | None = None
    y_rest: np.ndarray | None = None

    def __post_init__(self):
        if self.x_rest is None:
            object.__setattr__(self, "x_rest", np.zeros_like(self.x_mean))
            object.__setattr__(self, "y_rest", np.zeros_like(self.y_mean))

    def __sizeof__(self):  # by which Dask decides where sums are made
        return sum(array.nbytes for array in vars(self).values())

    @classmethod
    def from_rows(cls, X, y, task, sample_weight=None):
        """Moments of rows.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Features, without the task column.
        y : array-like of shape (n,)
            Targets.
        task : array-like of shape (n,)
            Task names.
        sample_weight : array-like of shape (n,), default=None
            Weights r_i of the rows, not negative; None means 1.

        Returns
        -------
        moments : TaskMoments
            The moments of each task.

        Raises
        ------
        ValueError
            If lengths differ, a value is NaN or so large that squares overflow, a weight is
            negative, or all rows of a task have weight zero.
        """
        task, y = np.asarray(task), read_numbers(y)[0]
        check_consistent_length(X, y, task)
        X, _ = number_table(X, None, cls.__name__, fit=False, task=task)
        if sample_weight is not None:
            sample_weight = check_weights(sample_weight, len(y))
        return cls._from_codes(X, y, *unique_tasks(task), sample_weight)

    @classmethod
    def _from_codes(cls, X, y, tasks, codes, sample_weight):
        T, d = len(tasks), X.shape[1]
        n = np.bincount(codes, sample_weight).astype(float)
        if not (n > 0).all():
            raise ValueError(
                f"all rows of tasks {some(tasks[n <= 0].tolist())} have sample_weight 0: "
                "drop these rows before fit"
            )
        x_mean, Sxx, Sxy = np.empty((T, d)), np.empty((T, d, d)), np.empty((T, d))
        y_mean, Syy = np.empty(T), np.empty(T)
        made = cls(tasks, n, x_mean, y_mean, Sxx, Sxy, Syy)
        with np.errstate(over="ignore", invalid="ignore"):
            _add_up(X, y, sample_weight, blocks(codes, T), made)
            wrong = ~np.isfinite(Sxx.sum(axis=(1, 2)) + Syy)
        if wrong.any():
            raise ValueError(
                f"the moments of task {tasks[wrong][:1].tolist()[0]!r} are not finite: it has NaN, "
                "or values whose squares overflow; impute, scale or drop them"
            )
        return made

    def __add__(self, other):
        if self.x_mean.shape[1] != other.x_mean.shape[1]:
            raise ValueError(
                f"moments of {self.x_mean.shape[1]} and of {other.x_mean.shape[1]} features do not "
                "add up"
            )
        task_codes(other.tasks, self.tasks, unseen=None)  # an error if names and numbers mix
        parts = [self.tasks, other.tasks]
        if self.tasks.dtype.kind != other.tasks.dtype.kind:  # no integer passes through a float
            parts = [part.astype(object) for part in parts]
        tasks, _ = unique_tasks(np.concatenate(parts))
        return self._spread_over(tasks)._take_in(other)

    def _absorb(self, other):
        """The sum, written over this one where it has all tasks of the other: for long sums."""
        known = task_codes(other.tasks, self.tasks, unseen=None) >= 0
        return self._take_in(other) if known.all() else self + other

    def _take_in(self, other):
        """Add, in place, the moments of tasks that this one has."""
        own = task_codes(other.tasks, self.tasks, unseen=None)
        if len(own) == len(self.n):  # the same tasks: no copy of all moments
            own = slice(None)
        n = self.n[own] + other.n
        share, joint = other.n / n, self.n[own] * other.n / n
        how = own, self.n[own] == 0, share
        dx = _move(self.x_mean, self.x_rest, other.x_mean, other.x_rest, *how)
        dy = _move(self.y_mean, self.y_rest, other.y_mean, other.y_rest, *how)
        self.n[own] = n
        self.Sxx[own] += other.Sxx + (joint[:, None] * dx)[:, :, None] * dx[:, None, :]
        self.Sxy[own] += other.Sxy + (joint * dy)[:, None] * dx
        self.Syy[own] += other.Syy + joint * dy**2
        return self

    def scaled(self, weight):
        """Moments with the rows of task t weighted by ``weight[t]``.

        Parameters
        ----------
        weight : ndarray of shape (T,)
            A factor on the weight of every row of each task.

        Returns
        -------
        moments : TaskMoments
            The moments with these weights.
        """
        if (weight == 1).all():
            return self
        return replace(
            self,
            n=self.n * weight,
            Sxx=self.Sxx * weight[:, None, None],
            Sxy=self.Sxy * weight[:, None],
            Syy=self.Syy * weight,
        )

    def about(self, x0, y0):
        """Second moments about a point, with a constant as last feature.

        Parameters
        ----------
        x0 : ndarray of shape (d,)
            The point in the features.
        y0 : float
            The point in the target.

        Returns
        -------
        A : ndarray of shape (T, d + 1, d + 1)
            Σ r_i z_i z_iᵀ with z_i = (x_i - x0, 1).
        r : ndarray of shape (T, d + 1)
            Σ r_i z_i (y_i - y0).
        """
        T, d = self.x_mean.shape
        z = np.column_stack([self.x_mean - x0 + self.x_rest, np.ones(T)])
        A = self.n[:, None, None] * z[:, :, None] * z[:, None, :]
        A[:, :d, :d] += self.Sxx
        r = (self.n * (self.y_mean - y0 + self.y_rest))[:, None] * z
        r[:, :d] += self.Sxy
        return A, r

    def about_zero(self):
        """The same rows with moments about zero in place of means, as of models without intercepts.

        Returns
        -------
        moments : TaskMoments
            Means are zero, and second moments Σ r_i x_i x_iᵀ and so on.
        """
        one = slice(0, 1 if self.one_gram else None)
        x = self.x_mean[one]
        Sxx = self.Sxx[one] + self.n[one, None, None] * x[:, :, None] * x[:, None]
        return replace(
            self,
            x_mean=np.zeros_like(self.x_mean),
            y_mean=np.zeros_like(self.y_mean),
            x_rest=None,
            y_rest=None,
            Sxx=np.broadcast_to(Sxx, self.Sxx.shape),
            Sxy=self.Sxy + (self.n * self.y_mean)[:, None] * self.x_mean,
            Syy=self.Syy + self.n * self.y_mean**2,
        )

    def pooled(self):
        """Moments of the rows of all tasks together, as of one task 0.

        Returns
        -------
        moments : TaskMoments
            Of shape T = 1.
        """
        x0 = np.average(self.x_mean, axis=0, weights=self.n)
        y0 = np.average(self.y_mean, weights=self.n)
        A, r = self.about(x0, y0)
        return TaskMoments(
            np.zeros(1, dtype=int),
            self.n.sum(keepdims=True),
            x0[None],
            np.array([y0]),
            A[:, :-1, :-1].sum(axis=0, keepdims=True),
            r[:, :-1].sum(axis=0, keepdims=True),
            (self.Syy + self.n * (self.y_mean - y0) ** 2).sum(keepdims=True),
        )

    def scaled_features(self, shift, scale):
        """Moments of (x - shift) / scale.

        Parameters
        ----------
        shift : ndarray of shape (d,) or (T, d)
            What is taken off each feature, for all tasks or for each.
        scale : ndarray of shape (d,) or (T, d)
            What it is then divided by.

        Returns
        -------
        moments : TaskMoments
            Those of the new features.
        """
        return replace(
            self,
            x_mean=(self.x_mean - shift + self.x_rest) / scale,
            x_rest=None,
            Sxx=self.Sxx / (scale[..., :, None] * scale[..., None, :]),
            Sxy=self.Sxy / scale,
        )

    @property
    def one_gram(self):
        """Whether all tasks have the same rows, and Sxx is one matrix, seen T times."""
        return self.Sxx.strides[0] == 0

    def of_tasks(self, keep):
        """Moments of some of the tasks.

        Parameters
        ----------
        keep : ndarray of int or bool
            Positions of tasks, or a mask (T,).

        Returns
        -------
        moments : TaskMoments
            Those of these tasks.
        """
        return TaskMoments(*(getattr(self, field.name)[keep] for field in fields(self)))

    def _spread_over(self, tasks):
        """The same moments on a larger sorted array of tasks, zero where nothing was seen."""
        place = task_codes(self.tasks, tasks, unseen=None)

        def spread(values):
            result = np.zeros((len(tasks), *values.shape[1:]))
            result[place] = values
            return result

        return TaskMoments(tasks, *(spread(getattr(self, f.name)) for f in fields(self)[1:]))


def _move(mean, rest, to, to_rest, own, empty, share):
    """Move means a share of the way to others, in place, and return the way.

    Only sums of a mean and its rest keep enough digits; where there was no row, it starts there.
    """
    start, low = (np.where(empty, b.T, a[own].T) for a, b in ((mean, to), (rest, to_rest)))
    way = (to.T - start) + (to_rest.T - low)
    low += share * way
    mean[own] = (start + low).T
    rest[own] = (low - (mean[own].T - start)).T
    return way.T


def _add_up(X, y, sample_weight, rows_of, made):
    """Write means and second moments of each task into moments `made`, which have counts."""
    n, x_mean, y_mean, Sxx, Sxy, Syy = (getattr(made, f.name) for f in fields(made)[1:7])
    large = False  # means so large that to take them off last would lose over two digits
    for t, rows in enumerate(rows_of):  # the rows of one task fit into the cache
        Xt, yt = np.asarray(X[rows]), y[rows]
        root = np.ones(len(yt))
        if sample_weight is not None:
            root = np.sqrt(sample_weight[rows])
            Xt, yt = Xt * root[:, None], yt * root
        x_mean[t], y_mean[t] = root @ Xt / n[t], root @ yt / n[t]
        if not large:
            Sxx[t], Sxy[t], Syy[t] = Xt.T @ Xt, yt @ Xt, yt @ yt
            large = n[t] * y_mean[t] ** 2 > 0.99 * Syy[t]
            large |= (n[t] * x_mean[t] ** 2 > 0.99 * Sxx[t].diagonal()).any()
        dx, dy = x_mean[t], y_mean[t]
        if large:
            Xt, yt = Xt - root[:, None] * dx, yt - root * dy
            dx, dy = made.x_rest[t], made.y_rest[t] = root @ Xt / n[t], root @ yt / n[t]
            Sxx[t], Sxy[t], Syy[t] = Xt.T @ Xt, yt @ Xt, yt @ yt
        Sxx[t] -= n[t] * dx[:, None] * dx
        Sxy[t] -= n[t] * dx * dy
        Syy[t] -= n[t] * dy**2


def moments_or_rows(rows):
    """What is kept of checked rows (X, y, task, sample_weight): moments, or a copy if that is less.

    Moments have d × d numbers a task.
    """
    X, y, task, sample_weight = rows
    if len(X) < X.shape[1] * len(tasks_of(X, task)[0]):
        return X.copy(), y, task, sample_weight
    return moments_of(rows)


def moments_of(rows):
    """Moments of checked rows (X, y, task, sample_weight)."""
    X, y, task, sample_weight = rows
    tasks, codes = tasks_of(X, task)
    T, places = len(tasks), None
    if isinstance(X, SharedTable) and sample_weight is None and len(y) == T * len(X.features):
        places = X.places(codes, T)
    if places is None:
        return TaskMoments._from_codes(X, y, tasks, codes, sample_weight)
    Y = np.empty(len(y))
    Y[places] = y
    Y = Y.reshape(T, -1)
    first = np.zeros(Y.shape[1], dtype=int)
    one = TaskMoments._from_codes(X.features, Y[0], tasks[:1], first, None)
    y_mean = Y.mean(axis=1)
    Y -= y_mean[:, None]
    x_mean, Sxx, x_rest = (
        np.broadcast_to(part, (T, *part.shape[1:])) for part in (one.x_mean, one.Sxx, one.x_rest)
    )
    Sxy, Syy = Y @ (X.features - x_mean[0]), np.einsum("tn,tn->t", Y, Y)
    return TaskMoments(
        tasks, np.repeat(one.n, T), x_mean, y_mean, Sxx, Sxy, Syy, x_rest, np.zeros(T)
    )
