"""A fit on a Dask cluster: moments where the rows are, a tree of sums, one solution."""

from functools import reduce
from operator import add

import numpy as np
from sklearn.base import clone

from .._utils._containers import missing, some
from .._utils._delegation import naming
from ..linear._moments import moments_of
from ._state import forget, learned

BRANCHES = 8  # sums of so many moments are one task of the scheduler


def fit_dask(estimator, X, y, sample_weight=None):
    """Fit to a Dask DataFrame or array, by a tree of sums of moments on the workers.

    Each worker forms the moments m_k of its parts of the rows (see `TaskMoments`), eight at a time
    are added up until one is left, m = Σ_k m_k, and the model is solved from it in this process.
    The result is that of `fit` on all rows, to rounding, and to the model's `tol` if it has one.
    Rows stay where they are read, unless the scheduler moves a part to an idle worker.

    Parameters
    ----------
    estimator : estimator
        `MeanRegularizedRidge`, `EmpiricalBayesRidge`, `MultiTaskLinearRegression` with any penalty,
        `BiasedRidge`, ``PerTask(Ridge())`` or ``Pooled(Ridge())``. It is fitted.
    X : dask.dataframe.DataFrame or dask.array.Array of shape (n, p)
        Table with the task column.
    y : dask.dataframe.Series or dask.array.Array of shape (n,)
        Targets, in the same parts as `X`; NaN marks an unlabelled row.
    sample_weight : dask.dataframe.Series or dask.array.Array of shape (n,), default=None
        Weight of each row, in the same parts; None means 1.

    Returns
    -------
    estimator : estimator
        The same object, fitted. Its `partial_fit` goes on from there; `PerTask` and `Pooled` have
        none, but `MeanRegularizedRidge` with ``coupling=0`` is the former.

    Raises
    ------
    ImportError
        If Dask is not installed.
    TypeError
        If the estimator is not one of those, or a table is not of Dask.
    ValueError
        If the parts of `X`, `y` and `sample_weight` differ, if `fit` would refuse a part (the
        message names it), or if no row has a label.

    See Also
    --------
    fit_chunks : The same sum on one machine, from files.
    mtlkit.linear.TaskMoments : What is sent.

    Notes
    -----
    It runs where Dask runs: on the cluster of the present ``distributed.Client``, else in threads
    of this process. A part whose worker has died is read again by another, and the tree is the same
    whoever computes it, so the numbers are too. Searches and `mtlkit.evaluation.compare` go to the
    cluster by ``joblib.parallel_config(backend="dask")``.

    Cost for K parts, N rows, T tasks and d features: O(N d²) time on the workers, O(T d²) numbers
    a part in memory and, for those that a sum has to fetch, on the network; O(log K) sums after
    one another.

    Taught in :doc:`/chapters/outlook/large_data`.

    Examples
    --------
    >>> from mtlkit.linear import MeanRegularizedRidge
    >>> import dask.dataframe as dd  # doctest: +SKIP
    >>> rows = dd.read_parquet("s3://sales/*.parquet")  # doctest: +SKIP
    >>> model = MeanRegularizedRidge(task_col="shop")
    >>> X, y = rows.drop(columns="sales"), rows["sales"]  # doctest: +SKIP
    >>> fit_dask(model, X, y).coef_.shape  # doctest: +SKIP
    (300, 10)
    """
    try:
        from dask import delayed
    except ImportError as error:
        raise ImportError(
            "fit_dask needs Dask, which is not installed: run `pip install 'mtlkit[scale]'`"
        ) from error
    if not hasattr(estimator, "_solve_moments"):
        raise TypeError(
            f"fit_dask takes models of squared loss that are fitted from moments, not {estimator!r}"
        )
    columns = {"X": X, "y": y} | ({} if sample_weight is None else {"sample_weight": sample_weight})
    parts = [_parts(values, name, X) for name, values in columns.items()]
    model = delayed(clone(estimator), traverse=False)
    made = [delayed(_moments)(model, k, *rows) for k, rows in enumerate(zip(*parts, strict=True))]
    while len(made) > 1:
        made = [delayed(_sum)(made[k : k + BRANCHES]) for k in range(0, len(made), BRANCHES)]
    total, columns = made[0].compute()
    if total is None:
        raise ValueError("no row has a label and a weight: there is nothing to fit")
    forget(estimator)
    vars(estimator).update(columns)
    estimator._solve_moments(total)
    return estimator


def _parts(values, name, X):
    """The parts of a table of Dask, delayed; an error if they are seen not to be those of X."""
    if not hasattr(values, "to_delayed"):
        raise TypeError(
            f"{name} is a {type(values).__module__}.{type(values).__name__}, not of Dask: make it "
            "one, or use fit"
        )
    ours, theirs = _borders(values), _borders(X)
    alike = hasattr(values, "chunks") == hasattr(X, "chunks")
    known = [(a, b) for a, b in zip(ours, theirs, strict=False) if a == a and b == b]
    if len(ours) != len(theirs) or (alike and any(a != b for a, b in known)):
        raise ValueError(
            f"{name} has other parts than X: {some(ours)}, and X {some(theirs)}. Take both from "
            "one table, or give them the same chunks or divisions"
        )
    if getattr(values, "ndim", 1) == 2 and hasattr(values, "rechunk"):
        values = values.rechunk({1: -1})
    # Optimised one by one, a table and a column of it may be read in different parts.
    return np.ravel(values.to_delayed(optimize_graph=False)).tolist()


def _borders(values):
    """Rows of each part of an array, where each part of a frame begins; NaN if not known."""
    if hasattr(values, "chunks"):
        return list(values.chunks[0])
    return [np.nan if start is None else start for start in values.divisions[:-1]]


def _moments(model, k, X, y, sample_weight=None):
    """Moments of a part, None if no row tells anything, and what was learned of columns."""
    with naming(f"part {k}"):
        if hasattr(X, "index") and hasattr(y, "index") and not X.index.equals(y.index):
            raise ValueError("the index of y is not that of X: take both from one table")
        nothing = missing(y) if sample_weight is None else missing(y) | (sample_weight == 0)
        if np.asarray(nothing).all():
            return None, {}
        model = clone(model)  # threads share it
        rows = model._rows(X, y, sample_weight)
        return moments_of(rows), learned(model)


def _sum(pairs):
    """The sum of moments, and what was learned of columns."""
    pairs = [pair for pair in pairs if pair[0] is not None]
    if not pairs:
        return None, {}
    moments, columns = zip(*pairs, strict=True)
    silent = set().union(*(own["_unlabelled"] for own in columns))
    return reduce(add, moments), columns[0] | {"_unlabelled": silent}
