"""What the feature aligners share: a map for source rows, a map for target rows, one table."""

import numpy as np
from scipy.linalg import cho_factor, eigh
from scipy.linalg.blas import dsymv
from scipy.sparse.linalg import ArpackError, LinearOperator, eigsh
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from .._utils._containers import as_table
from .._utils._validation import check_integer
from ..table._assembly import Assembly, in_output
from ..table._reading import task_codes, unique_tasks
from ..table._rows import check_features
from ._domains import read_domains, refuse_huge

LARGE = 400  # rows of a matrix of which a few eigenvectors are found by iteration
RESTARTS = 4  # of the iteration; where it takes more, the direct solver is as fast


class DomainAligner(TransformerMixin, BaseEstimator):
    """A transformer with `source`, `target`, `task_col` that puts both domains into one space.

    A derived class has `_fit_domains(domains)`, `_map(features, target)` and, if its columns are
    new ones, sets their number `_width`.
    """

    setting = "transfer"
    _width = None  # the features keep their names

    def fit(self, X, y=None):
        """Learn the maps from the features of source and target rows.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)
            Table with the task column. Rows of other tasks are refused.
        y : None
            Ignored.

        Returns
        -------
        self
            The fitted transformer.
        """
        X = as_table(X)
        features, task = check_features(self, X, reset=True)
        refuse_huge(features, X, self.task_col)
        roles = self.source, self.target
        domains = read_domains(features, task, None, None, roles, self.task_col, drop=False)
        if self.task_col is not None:
            for name, rows in [("source", domains.source_rows), ("target", domains.target_rows)]:
                if len(rows) < 2:
                    raise ValueError(
                        f"n_samples=1 in the {name}: {type(self).__name__} needs at least two "
                        "rows of it, to see their spread"
                    )
        self.tasks_, codes = unique_tasks(domains.task)
        self._target = codes[domains.target][0]
        self._fit_domains(domains)
        self._assembly = Assembly(X, self.task_col, repr(self))
        self._assembly.name_columns([self._names(self._assembly.features(self._assembly.inputs))])
        return self

    def transform(self, X):
        """Map rows of the source and of the target, each as its domain is mapped.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)
            Table with the task column. Its tasks must have been seen in `fit`; its rows need not.

        Returns
        -------
        Z : DataFrame or array
            The table of the mapped features and the task column, of the kind of `X`.
        """
        check_is_fitted(self)
        X = as_table(X)
        features, task = check_features(self, X, reset=False)
        refuse_huge(features, X, self.task_col)
        codes = task_codes(task, self.tasks_, unseen="they were neither source nor target")
        mapped = self._map(features, codes == self._target)
        table = self._assembly.table(X, task, [(0, np.arange(len(task)), mapped)])
        return in_output(table, self)

    def get_feature_names_out(self, input_features=None):
        """Names of the output columns, the task column included.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of all columns of `X`; for a DataFrame they must be its own. None: these, or for
            an array "x0", "x1", … by position, and "task" for the task column.

        Returns
        -------
        names : ndarray of object
            One name per column.
        """
        check_is_fitted(self)
        return self._assembly.names_out(lambda names: [self._names(names)], input_features)

    def _names(self, features):
        if self._width is None:
            return list(features)
        return [f"{type(self).__name__.lower()}{j}" for j in range(self._width)]

    def _check_components(self, largest, why):
        """`n_components`, or the most there are."""
        if self.n_components is None:
            return largest
        k = check_integer(self.n_components, "n_components")
        if k > largest:
            raise ValueError(f"n_components={k} must be at most {largest}, {why}")
        return k


def leading(matrix, k):
    """The k largest eigenvalues of a symmetric matrix, descending, and their eigenvectors."""
    m = len(matrix)
    if m >= LARGE and 20 * k <= m and (found := _few(matrix, k)):
        return found
    values, vectors = eigh(matrix, subset_by_index=[m - k, m - 1], check_finite=False)
    if len(values) < k:  # LAPACK's solver for some of them may miss such as lie close together
        values, vectors = (found[..., -k:] for found in np.linalg.eigh(matrix))
    return values[::-1], vectors[:, ::-1]


def _few(matrix, k):
    """`leading` by Lanczos steps, or None: if many are needed, or of equal eigenvalues one missed.

    What is left of the matrix has none above the least one found: then a factor of it exists.
    """
    size = np.abs(matrix.diagonal()).max()
    if size < 1e-300:
        return None
    start = np.random.default_rng(0).normal(size=len(matrix))
    half = np.asfortranarray(matrix.T)  # BLAS reads one half of a symmetric matrix
    by = LinearOperator(half.shape, lambda v: dsymv(1 / size, half, v), dtype=float)
    try:  # the tolerance is one for numbers about 1
        values, vectors = eigsh(by, k, v0=start, ncv=2 * k + 10, maxiter=RESTARTS, tol=1e-11)
        values *= size
        rest = (vectors * values) @ vectors.T - half
        rest.flat[:: len(half) + 1] += values[0] + 1e-9 * np.abs(values).max()
        cho_factor(rest.T, overwrite_a=True, check_finite=False)
    except (ArpackError, np.linalg.LinAlgError):
        return None
    return values[::-1], vectors[:, ::-1]


def positive_columns(vectors):
    """The columns with such signs that the largest entry of each is positive."""
    largest = np.abs(vectors).argmax(axis=0)
    return vectors * np.where(vectors[largest, np.arange(vectors.shape[1])] < 0, -1.0, 1.0)
