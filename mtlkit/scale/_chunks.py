"""A fit from files that are never held whole: chunk by chunk, and on from where it was stopped."""

from importlib.metadata import version
from numbers import Number
from pathlib import Path

import joblib
import numpy as np
from tqdm import tqdm

from .._utils._containers import missing
from .._utils._delegation import naming
from .._utils._validation import check_flag, check_integer
from ..linear._moments import TaskMoments, moments_of
from ..neural._base import TaskNetwork
from ._source import Source
from ._state import fitted_bytes, forget, load, refusing_damage, restore_fitted, save

NEEDED = ("parameter task_col",)  # of a sum of moments, whatever it is solved with
NOTHING = "no row of the source has a label and a weight: there is nothing to fit"


def fit_chunks(
    estimator,
    source,
    *,
    target,
    features=None,
    sample_weight=None,
    classes=None,
    passes=1,
    chunk_rows=100_000,
    state=None,
    save_every=10,
    verbose=False,
):
    """Fit to the rows of Parquet or CSV files, of which one chunk at a time is in memory.

    For a model of squared loss the moments of the chunks (see `TaskMoments`) are summed,
    m = Σ_k m_k, and the model is solved once from m: the result is that of `fit` on all rows, to
    rounding, and to the model's `tol` if it has one. A network takes the steps of its `partial_fit`
    on each chunk, in the order of the rows.

    Parameters
    ----------
    estimator : estimator
        `MeanRegularizedRidge`, `EmpiricalBayesRidge`, `MultiTaskLinearRegression` with any penalty,
        `BiasedRidge`, ``PerTask(Ridge())``, ``Pooled(Ridge())`` or a network with `partial_fit`.
        Its `task_col` is the name of a column, or None. It is fitted, whatever it was before.
    source : str, path, list of them or pyarrow.dataset.Dataset
        A Parquet file, a CSV file with a header (``.csv``, ``.csv.gz``), a list of files of one
        kind, read in that order, or a folder, read in the order of the names of its files, in which
        folders named ``key=value`` give a column `key` to Parquet files.
    target : str
        The column of targets; a row without one is unlabelled.
    features : list of str, default=None
        The columns of features; None: all other columns.
    sample_weight : str, default=None
        A column of weights; None means 1.
    classes : array-like, default=None
        Of a network that classifies: all classes. None: those of the first chunk.
    passes : int, default=1
        How often a network sees the rows.
    chunk_rows : int, default=100000
        Rows of a chunk; the last one has from half as many to one and a half times as many.
    state : str or path, default=None
        A file from which an interrupted call goes on; None: an interruption loses the work.
    save_every : int, default=10
        Chunks between two writings of that file.
    verbose : bool, default=False
        Whether a progress bar shows.

    Returns
    -------
    estimator : estimator
        The same object, fitted. Its `partial_fit` goes on from there; `PerTask` and `Pooled` have
        none, but `MeanRegularizedRidge` with ``coupling=0`` is the former.

    Raises
    ------
    ImportError
        If pyarrow is not installed.
    TypeError
        If the estimator is not one of those.
    FileNotFoundError
        If a file is not there.
    ValueError
        For columns that are not there, files of several kinds, a chunk that `fit` would refuse (the
        message names its rows), no labelled row, and a state that is damaged or was saved of other
        files, columns, parameters, settings or another version of mtlkit.

    See Also
    --------
    fit_dask : The same sum on a cluster.
    mtlkit.linear.TaskMoments : What is kept of a chunk.
    mtlkit.linear.MomentSearchCV : Chooses strengths from moments, of rows that fit into memory.

    Notes
    -----
    Whole numbers, decimals, truth values and dictionaries of them are read as float64, nulls as
    NaN. A CSV file has the types that pyarrow finds in its first rows, and its numbers are floats
    but for tasks and classes. Tasks keep their type; dictionaries are decoded.

    **State.** The file is replaced as a whole, so that a kill at any time leaves the last complete
    one. It holds the moments, or the network with its optimiser and random generator, the number of
    rows read, and what both depend on: names, sizes and times of files, types of columns, settings
    and parameters. A resumed call gives the numbers of one that was never interrupted, bit by bit.
    After a successful fit the file is deleted. If all rows were read and the solution failed, it is
    kept, and taken with other parameters too (`task_col` but for). Moments are stored as plain
    arrays. Networks are pickled, and nothing but networks and arrays is loaded back.

    Cost for N rows, T tasks and d features: one pass, O(N d²) time, and memory for O(T d²) numbers
    and two chunks, however large N is. ``PerTask(Ridge(alpha))`` and ``Pooled(Ridge(alpha))`` are
    solved in closed form where that is the same to 1e-9.

    Taught in :doc:`/chapters/outlook/large_data`.

    References
    ----------
    * T. F. Chan, G. H. Golub and R. J. LeVeque, "Algorithms for computing the sample variance:
      analysis and recommendations", The American Statistician 37(3):242-247, 1983.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from mtlkit.datasets import make_linear_tasks
    >>> from mtlkit.linear import MeanRegularizedRidge
    >>> from mtlkit.scale import fit_chunks
    >>> X, y = make_linear_tasks(n_tasks=3, n_features=2, random_state=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "rows.csv")
    ...     lines = [f"{int(t)},{a},{b},{label}" for (t, a, b), label in zip(X, y)]
    ...     _ = file.write_text("shop,a,b,sales\\n" + "\\n".join(lines))
    ...     model = MeanRegularizedRidge(task_col="shop")
    ...     model = fit_chunks(model, file, target="sales", chunk_rows=20)
    >>> model.coef_.shape
    (3, 2)
    """
    work = work_of(estimator, classes)
    check_flag(verbose, "verbose")
    for name, value in [("passes", passes), ("chunk_rows", chunk_rows), ("save_every", save_every)]:
        check_integer(value, name)
    if passes > 1 and isinstance(work, MomentSum):
        raise ValueError(f"passes={passes!r} is for networks: a sum of moments needs one pass")
    source = Source(source, estimator, target, features, sample_weight)
    known = {"mtlkit": version("mtlkit"), "estimator": type(estimator).__qualname__}
    known |= {"passes": passes, "chunk_rows": chunk_rows, "classes": joblib.hash(classes)}
    settings = {f"parameter {name}": _told(v) for name, v in estimator.get_params(False).items()}
    known |= source.description() | settings
    head = next(source.chunks(chunk_rows), None)
    if head is None:
        raise ValueError("the source has no rows")
    forget(estimator)
    path = None if state is None else Path(state)
    start = done = count = 0
    with naming("row 0 of the source"):
        X, _, _ = source.parts(head[:1])
        if isinstance(work, MomentSum):
            estimator._rows(X, np.zeros(1), None)  # learns the columns
    arrays = load(path, known) if path else None
    if arrays:
        with refusing_damage(path):
            start, done = arrays.pop("place").tolist()
            work.restore(arrays)
    rows = source.rows() if verbose else None
    with tqdm(total=rows and rows * passes, desc="rows", disable=not verbose) as bar:
        bar.update((rows or 0) * start + done)
        for k in range(start, passes):
            for table in source.chunks(chunk_rows, done):
                with naming(f"rows {done} to {done + len(table) - 1} of the source"):
                    X, y, weight = source.parts(table)
                    if not (missing(y) | (weight == 0)).all():
                        work.add(X, y, weight)
                done, count = done + len(table), count + 1
                bar.update(len(table))
                if path and count % save_every == 0:
                    save(path, known, work.arrays() | {"place": np.array([k, done])})
            done = 0
    if path:
        if isinstance(work, MomentSum):  # complete, whatever it is then solved with
            known = {k: v for k, v in known.items() if k not in settings or k in NEEDED}
        save(path, known, work.arrays() | {"place": np.array([passes, 0])})
    work.finish()
    if path:
        path.unlink()
    return estimator


def work_of(estimator, classes):
    """How an estimator is fitted from chunks."""
    if isinstance(estimator, TaskNetwork):
        return Steps(estimator, classes)
    if not hasattr(estimator, "_solve_moments"):
        raise TypeError(
            "fit_chunks takes models of squared loss that are fitted from moments, and networks "
            f"with partial_fit, not {estimator!r}"
        )
    if classes is not None:
        raise ValueError(f"classes={classes!r} is for networks, not for {estimator!r}")
    return MomentSum(estimator)


def _told(value):
    """A parameter as a text that differs wherever it does."""
    return repr(value) if isinstance(value, Number | str | None) else joblib.hash(value)


class MomentSum:
    """Adds up moments, and solves once."""

    def __init__(self, model):
        self.model, self.total = model, None

    def add(self, X, y, weight):
        new = moments_of(self.model._rows(X, y, weight, reset=False))
        self.total = new if self.total is None else self.total._absorb(new)

    def arrays(self):
        silent = np.array(sorted(self.model._unlabelled, key=repr))
        return {"silent": silent} | ({} if self.total is None else vars(self.total))

    def restore(self, arrays):
        self.model._unlabelled = set(arrays.pop("silent").tolist())
        self.total = TaskMoments(**arrays) if arrays else None

    def finish(self):
        if self.total is None:
            raise ValueError(NOTHING)
        self.model._solve_moments(self.total)


class Steps:
    """Takes the steps of `partial_fit` on each chunk."""

    def __init__(self, network, classes):
        self.network, self.classes = network, classes

    def add(self, X, y, weight):
        self.network.partial_fit(X, y, classes=self.classes, sample_weight=weight)

    def arrays(self):
        return {"fitted": fitted_bytes(self.network)}

    def restore(self, arrays):
        restore_fitted(self.network, arrays["fitted"])

    def finish(self):
        if not hasattr(self.network, "network_"):
            raise ValueError(NOTHING)
