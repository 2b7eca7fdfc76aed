"""One estimator for the rows of all tasks: `Pooled`, and the base of `FeatureAugmentation`."""

from collections import Counter

import narwhals as nw
import numpy as np
from scipy import sparse
from sklearn.utils.metaestimators import available_if

from .._utils._containers import column_names, some, take
from .._utils._delegation import sub_estimator_has
from .._utils._numerics import possible_classes
from ..table._rows import explaining
from ._category import (
    TaskLevels,
    category_parameter,
    most_categories,
    refuse_infinity,
    with_category,
)
from ._meta import (
    WeightedMetaEstimator,
    below_the_rest,
    fit_clone,
    one_per_class,
    row_weights,
    takes_sparse,
)
from ._ridges import SolvesRidges, ridges_from_moments

MOST_DENSE_TASKS = 100


class OneEstimator(WeightedMetaEstimator):
    """Fits `estimator_` to ``_inputs(features, codes)``, a matrix with a row for each row of `X`.

    A classifier chooses among the classes that are possible in the task; for an unseen task, whose
    code is -1, among all.
    """

    def _possible(self, has):
        return possible_classes(has)

    def _fit_features(self, features, codes, y, by_row, fixed, use):
        where = None if self.task_col is None else f"all {len(self.tasks_)} tasks together"
        with explaining(features, self._names, rows=use):
            inputs = self._inputs(features, codes, y, row_weights(by_row, len(use)))
        context = explaining(features, self._names, rows=use)
        told = self._told(features)
        self.estimator_ = fit_clone(told, inputs, y, fixed | by_row, where, context)

    def _told(self, features):
        """The estimator as it is fitted to inputs made of these features."""
        return self.estimator

    def _output(self, X, method):
        """The output of `method`, the inputs it had, and the task number of each row."""
        features, codes = self._read(X, unseen=None)
        with explaining(features, self._names):
            inputs = self._inputs(features, codes)
            return getattr(self.estimator_, method)(inputs), inputs, codes

    def predict(self, X):
        """Predict rows of any task, seen in `fit` or not.

        Parameters
        ----------
        X : DataFrame, array or sparse matrix of shape (n, p)
            Table with the task column.

        Returns
        -------
        y : ndarray of shape (n,) or (n, k)
            Predicted labels; a classifier chooses among the classes that are possible in the task.
        """
        predicted, inputs, codes = self._output(X, "predict")
        if self._all_allowed:
            return predicted
        position = np.searchsorted(self.classes_, predicted)
        allowed = self._allowed_rows(codes)
        astray = np.flatnonzero(~allowed[np.arange(len(codes)), position])
        if astray.size:
            scores = self._class_scores(take(inputs, astray))
            best = np.where(allowed[astray], scores, -np.inf).argmax(axis=1)
            predicted = np.asarray(predicted).copy()
            predicted[astray] = self.classes_[best]
        return predicted

    def _class_scores(self, inputs):
        self._refuse_pairwise()
        for method in ("predict_proba", "decision_function"):
            if hasattr(self.estimator_, method):
                return one_per_class(getattr(self.estimator_, method)(inputs))
        raise ValueError(
            f"{self.estimator!r} predicted a class that the task does not have, and has neither "
            "predict_proba nor decision_function to choose another: use a classifier that has one"
        )

    @available_if(sub_estimator_has("predict_proba"))
    def predict_proba(self, X):
        """Class probabilities; zero for classes that are not possible in the row's task.

        The model's probabilities of the possible classes are scaled to sum to one (equal shares if
        the model gives them none).

        Parameters
        ----------
        X : DataFrame, array or sparse matrix of shape (n, p)
            Table with the task column.

        Returns
        -------
        probability : ndarray of shape (n, K)
            In the order of `classes_`.
        """
        proba, _, codes = self._output(X, "predict_proba")
        if self._all_allowed:
            return proba
        allowed = self._allowed_rows(codes)
        proba = np.where(allowed, proba, 0.0)
        proba[proba.sum(axis=1) == 0] = 1.0
        proba = np.where(allowed, proba, 0.0)
        return proba / proba.sum(axis=1, keepdims=True)

    @available_if(sub_estimator_has("decision_function"))
    def decision_function(self, X):
        """Decision values; those of classes that are not possible in the task are the lowest.

        Parameters
        ----------
        X : DataFrame, array or sparse matrix of shape (n, p)
            Table with the task column.

        Returns
        -------
        values : ndarray of shape (n, K), or (n,) if there are two classes
            In the order of `classes_`; all finite.
        """
        self._refuse_pairwise()
        values, _, codes = self._output(X, "decision_function")
        if self._all_allowed:
            return values
        return below_the_rest(one_per_class(values), self._allowed_rows(codes))


class Pooled(SolvesRidges, OneEstimator):
    """Complete pooling: one estimator fitted to the rows of all tasks together, everything shared.

    Minimises the loss summed over all tasks, ``sum_t sum_i loss(f(x_ti), y_ti)``. With the task as
    an input, f depends on (x, e_t), with e_t (T,) the indicator of task t, or on (x, t).

    Parameters
    ----------
    estimator : estimator
        Any scikit-learn classifier or regressor. Columns that a task lacks reach it as NaN.
    task_col : str, int or None, default=None
        The task column; None means one task.
    task_as_input : bool or "category", default=False
        Whether the estimator also sees the task: True, as one 0/1 column (task indicator) per task;
        "category", as one column that it is told to take for categories, which needs an estimator
        with a parameter `categorical_features`, such as `HistGradientBoostingClassifier`, or one
        that wraps such, such as a search. Boosted trees told the task are what practitioners use.

    Attributes
    ----------
    tasks_ : ndarray of shape (T,)
        The tasks with a labelled row in `fit`, sorted.
    estimator_ : estimator
        The fitted estimator.
    classes_ : ndarray of shape (K,)
        Classifiers only: the union of the classes of all tasks.
    n_features_in_ : int
        Number of columns of `X`, the task column included.
    feature_names_in_ : ndarray of str
        Names of these columns, only if all of them are strings.

    Raises
    ------
    ValueError
        In `fit`, what the estimator raises; NaN in the features, for instance, unless the
        estimator takes it. With ``task_as_input="category"``, if the estimator has no parameter
        `categorical_features`, or steps before it that would change the column.

    See Also
    --------
    PerTask : One estimator per task, nothing shared.
    FeatureAugmentation : One estimator with a shared and a private part.
    mtlkit.linear.MeanRegularizedRidge : Between one model and one per task.

    Notes
    -----
    A task not seen in `fit` is predicted by the same model, with all its task columns at zero, or
    its category missing: at a split by the task it goes where most of the rows went.

    As a category the task is the last column, by the name of the task column where features have
    names. A tree then splits the tasks into two groups at once, which takes as many splits of
    indicators as there are tasks in a group. `HistGradientBoostingClassifier` does not part
    categories of fewer than 10 rows, and takes at most `max_bins` of them (255). Where tasks are
    more, the column holds numbers: the mean label of the task (the share of a class; of three and
    more, a column each), pulled to that of all rows as far as the mean of so few rows is noise, and
    in `fit` without the row's own fifth of the table. Trees then group the tasks by these numbers.

    What a task did not show is not impossible: tasks that share a class, directly or through other
    tasks, share all their classes. Only where sets of classes are disjoint does a classifier keep
    to those of the row's task.

    The cost is that of the estimator on all rows. With more than 100 tasks, task columns are sparse
    if the estimator takes sparse matrices and the features hold numbers without NaN; a DataFrame
    then reaches it without names. Otherwise they take N T bytes, and more once the estimator has
    made numbers of one width of all columns.

    Taught in :doc:`/chapters/background/three_settings`.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from mtlkit.datasets import make_linear_tasks
    >>> X, y = make_linear_tasks(n_tasks=3, random_state=0)
    >>> Pooled(Ridge(), task_col=0).fit(X, y).estimator_.n_features_in_
    20
    >>> by_task = Pooled(Ridge(), task_col=0, task_as_input=True).fit(X, y)
    >>> by_task.estimator_.n_features_in_
    23
    >>> from sklearn.ensemble import HistGradientBoostingRegressor
    >>> boosted = Pooled(HistGradientBoostingRegressor(), task_col=0, task_as_input="category")
    >>> boosted.fit(X, y).estimator_.n_features_in_
    21
    """

    setting = "pooled"

    def __init__(self, estimator, *, task_col=None, task_as_input=False):
        self.estimator = estimator
        self.task_col = task_col
        self.task_as_input = task_as_input

    def _fit_moments(self, moments):
        """What `search_from_moments` asks for: weights and intercept, for new tasks as for all."""
        if self._sees_task:
            return None
        found = ridges_from_moments(self.estimator, moments.pooled())
        if found is None:
            return None
        (w,), (b,) = found
        T = len(moments.tasks)
        return np.tile(w, (T, 1)), np.full(T, b), (w, b)

    @property
    def _sees_task(self):
        return self.task_as_input is not False

    def _put(self, models):
        self.estimator_, self._levels = models[0], None

    def _inputs(self, features, codes, y=None, weight=None):
        told = self.task_as_input
        category = isinstance(told, str) and told == "category"
        if not category and not isinstance(told, (bool, np.bool_)):
            raise TypeError(f"task_as_input={told!r} must be True, False or 'category'")
        if y is not None:  # in fit
            self._levels = None
        if self.task_col is None or not told:
            return features
        if category:
            return self._with_category(features, codes, y, weight)
        n, T = len(codes), len(self.tasks_)
        many = sparse.issparse(features) or T > MOST_DENSE_TASKS
        if many and takes_sparse(self.estimator, features):
            seen = codes >= 0
            starts = np.r_[0, np.cumsum(seen)]
            task = sparse.csr_array(
                (np.ones(seen.sum(), np.uint8), codes[seen], starts), shape=(n, T)
            )
            x = features if sparse.issparse(features) else sparse.csr_array(np.asarray(features))
            return short_indices(sparse.hstack([x, task], format="csr"))
        task = (codes[:, None] == np.arange(T)).astype(np.uint8)  # the dtype of features stays
        return self._beside(features, task, self.tasks_.tolist())

    def _with_category(self, features, codes, y, weight):
        """The features and the task: its number, or where it has too many its mean labels."""
        refuse_infinity(features)
        if y is not None:
            most = most_categories(self.estimator, category_parameter(self.estimator))
            self._levels = TaskLevels() if len(self.tasks_) > most else None
        if self._levels is None:
            return self._beside(features, np.where(codes < 0, np.nan, codes)[:, None])
        if y is None:
            levels = self._levels.transform(codes)
        else:
            targets = np.reshape(y, (len(codes), -1))
            if hasattr(self, "classes_"):  # shares of each class; of two one tells both
                own = self.classes_[-1:] if len(self.classes_) == 2 else self.classes_
                targets = targets == own
            levels = self._levels.fit_transform(codes, targets.astype(float), weight)
        values = self.classes_.tolist() if levels.shape[1] > 1 else None
        return self._beside(features, levels, values)

    def _told(self, features):
        if not isinstance(self.task_as_input, str) or self.task_col is None:
            return self.estimator
        named = isinstance(self.task_col, str)
        n_levels = 0 if self._levels is None else self._levels.means_.shape[1]
        parameter = category_parameter(self.estimator)
        return with_category(self.estimator, parameter, features, named, n_levels)

    def _beside(self, features, columns, values=None):
        """Features, then columns (n, k), in a frame called by the task column and their values."""
        if not isinstance(self.task_col, str):  # an array, or a frame without string names
            return np.column_stack([features, columns])
        names = [self.task_col]
        if values:
            distinct = len({str(t) for t in values}) == len(values)  # else 1 and "1" are among them
            names = [f"{self.task_col}={t if distinct else repr(t)}" for t in values]
        times = Counter(names + column_names(features))
        twice = [name for name in names if times[name] > 1]
        if twice:
            raise ValueError(
                f"task_as_input={self.task_as_input!r} makes columns {some(twice)}, which X has "
                "already: rename these"
            )
        frame = nw.from_native(features)
        new = [
            nw.new_series(name, np.ascontiguousarray(column), backend=frame.implementation)
            for name, column in zip(names, columns.T, strict=True)
        ]
        return frame.with_columns(*new).to_native()


def short_indices(matrix):
    """A CSR matrix with indices of 32 bits, which liblinear and trees ask for."""
    matrix.indices, matrix.indptr = (a.astype(np.int32) for a in (matrix.indices, matrix.indptr))
    return matrix
