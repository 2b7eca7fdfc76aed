"""Feature augmentation: any estimator learns a shared and a private part, through its inputs."""

import numpy as np
from scipy import sparse
from sklearn.utils import check_scalar, get_tags

from ._pooled import OneEstimator


class FeatureAugmentation(OneEstimator):
    r"""One estimator on copies of the features: one copy for all tasks, and one for each task.

    A row x (d,) of task t becomes

    .. math::

        \phi_t(x) = (s\, x,\; 0, \dots, 0,\; \underbrace{x, 1}_{\text{block } t},\; 0, \dots, 0),

    with T blocks and s the `shared_scale`. A linear estimator with weights (u, v_1, …, v_T) then
    predicts x·(s u + v_t): a shared and a private part, as in `MeanRegularizedRidge`. Shrinking u
    as much as each v_t makes the shared part the cheaper one to use, and the more so the larger s.
    The 1 lets tasks differ in level. A tree may split on either copy.

    Parameters
    ----------
    estimator : estimator
        Any scikit-learn classifier or regressor.
    shared_scale : float, default=1.0
        s, positive. For an estimator that penalises weights: small, every task alone; large, the
        shared part is free. Trees do not see it.
    task_col : str, int or None, default=None
        The task column; None means one task, and the estimator sees the features as they are.

    Attributes
    ----------
    tasks_ : ndarray of shape (T,)
        The tasks with a labelled row in `fit`, sorted.
    estimator_ : estimator
        Fitted to d + T (d + 1) columns.
    classes_ : ndarray of shape (n_classes,)
        Classifiers only: the union of the classes of all tasks.
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Only if the columns of `X` have string names.

    Raises
    ------
    ValueError
        If `shared_scale` is not positive; in `fit`, what the estimator raises.

    Notes
    -----
    Rows whose label is missing are left out. A task not seen in `fit` is predicted by the shared
    part, all blocks 0. A classifier chooses among the classes that the task had in `fit`. The
    estimator gets a sparse matrix of N (2d + 1) numbers if it takes one and takes no NaN, else an
    array of N (d + T (d + 1)).

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

    def _inputs(self, features, codes):
        check_scalar(
            self.shared_scale, "shared_scale", (int, float), min_val=0, include_boundaries="neither"
        )
        if self.task_col is None:
            return features
        x = np.asarray(features, dtype=float)
        n, width = len(x), x.shape[1] + 1
        own = np.column_stack([x, np.ones(n)])
        seen = np.flatnonzero(codes >= 0)
        columns = codes[seen, None] * width + np.arange(width)
        tags = get_tags(self.estimator).input_tags
        if tags.sparse and not tags.allow_nan:  # trees take both, but not together
            starts = np.cumsum(np.r_[0, np.where(codes >= 0, width, 0)])
            index = [part.astype(np.int32) for part in (columns.ravel(), starts)]  # liblinear's
            shape = n, len(self.tasks_) * width
            blocks = sparse.csr_array((own[seen].ravel(), *index), shape=shape)
            return sparse.hstack([sparse.csr_array(self.shared_scale * x), blocks], format="csr")
        blocks = np.zeros((n, len(self.tasks_) * width))
        blocks[seen[:, None], columns] = own[seen]
        return np.hstack([self.shared_scale * x, blocks])
