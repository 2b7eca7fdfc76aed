"""Feature augmentation: any estimator learns a shared and a private part, through its inputs."""

import numpy as np
from scipy import sparse
from sklearn.utils import check_array

from .._utils._validation import check_number
from ..table._rows import refuse_dates
from ._meta import takes_sparse
from ._pooled import OneEstimator, short_indices


class FeatureAugmentation(OneEstimator):
    r"""Feature augmentation (EasyAdapt): one estimator on shared and task-specific copies of x.

    A row x (d,) of task t becomes

    .. math::

        \phi_t(x) = (s\, x,\; 0, \dots, 0,\; \underbrace{x, 1}_{\text{block } t},\; 0, \dots, 0),

    with T blocks and s the `shared_scale`. A linear estimator with weights (u, v_1, …, v_T) then
    predicts x·(s u + v_t): a shared and a private part, as in
    :class:`~mtlkit.linear.MeanRegularizedRidge`. Shrinking u as much as each v_t makes the shared
    part the cheaper one to use, and the more so the larger s. The 1 lets tasks differ in level. A
    tree may split on either copy.

    Parameters
    ----------
    estimator : estimator
        Any scikit-learn classifier or regressor.
    shared_scale : float, default=1.0
        s, positive. For an estimator that penalises weights, a small s means no sharing, and with a
        large one the shared part is effectively unpenalised. Trees do not depend on it.
    task_col : str, int or None, default=None
        The task column; None means one task, and the estimator gets the features as they are.

    Attributes
    ----------
    tasks_ : ndarray of shape (T,)
        The tasks with a labelled row in `fit`, sorted.
    estimator_ : estimator
        Fitted to d + T (d + 1) columns.
    classes_ : ndarray of shape (K,)
        Classifiers only: the union of the classes of all tasks.
    n_features_in_ : int
        Number of columns of `X`, the task column included.
    feature_names_in_ : ndarray of str
        Names of these columns, only if all of them are strings.

    Raises
    ------
    ValueError
        If `shared_scale` is not positive, or features are not numbers; in `fit`, what the estimator
        raises.

    See Also
    --------
    PerTask : One estimator per task, nothing shared.
    Pooled : One estimator for the rows of all tasks.
    mtlkit.linear.MeanRegularizedRidge : The shared and the private part of a ridge regression.

    Notes
    -----
    Rows whose label is missing are left out. A task not seen in `fit` is predicted by the shared
    part, all blocks 0. Classes are possible in a task as in :class:`Pooled`.

    The estimator gets a sparse matrix of N (2d + 1) numbers if it takes one and no feature is NaN,
    else an array of N (d + T (d + 1)).

    Taught in :doc:`/chapters/algorithms/what_do_tasks_share`.

    References
    ----------
    * H. Daumé III, "Frustratingly easy domain adaptation", ACL 2007, pp. 256-263.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from mtlkit.datasets import make_linear_tasks
    >>> X, y = make_linear_tasks(n_tasks=3, random_state=0)
    >>> FeatureAugmentation(Ridge(), task_col=0).fit(X, y).estimator_.n_features_in_
    83
    """

    setting = "multi-task"

    def __init__(self, estimator, shared_scale=1.0, *, task_col=None):
        self.estimator = estimator
        self.shared_scale = shared_scale
        self.task_col = task_col

    def _inputs(self, features, codes, y=None, weight=None):
        check_number(self.shared_scale, "shared_scale", low=0, open_low=True, open_high=True)
        scale = float(self.shared_scale)
        if self.task_col is None:
            return features
        refuse_dates(features)
        x = check_array(
            features, accept_sparse="csr", dtype=[np.float64, np.float32], ensure_all_finite=False
        )
        as_sparse, x = takes_sparse(self.estimator, x), sparse.csr_array(x)
        (n, d), T = x.shape, len(self.tasks_)
        own = sparse.hstack([x, np.ones((n, 1), x.dtype)], format="csr")
        entries = np.diff(own.indptr)
        seen = np.repeat(codes >= 0, entries)
        columns = own.indices + np.repeat(codes * (d + 1), entries)
        starts = np.r_[0, np.cumsum(np.where(codes >= 0, entries, 0))]
        blocks = sparse.csr_array((own.data[seen], columns[seen], starts), shape=(n, T * (d + 1)))
        inputs = short_indices(sparse.hstack([scale * x, blocks], format="csr"))
        return inputs if as_sparse else inputs.toarray()
