"""The task as one category: what an estimator with `categorical_features` is handed and told."""

import numpy as np
from sklearn.base import clone
from sklearn.utils import assert_all_finite

from .._utils._containers import as_vector, column, column_names, dtypes, is_frame, missing

MULTIPLE = ("steps", "estimators", "transformers", "transformer_list")


def category_parameter(estimator):
    """Name of the parameter `categorical_features` of the estimator, or of the one that it wraps.

    It is an error where there is none, or where the columns that it speaks of are made inside.
    """
    last = "categorical_features"
    names = [name for name in estimator.get_params() if name.split("__")[-1] == last]
    if len(names) != 1:
        raise ValueError(
            f"task_as_input='category' needs an estimator with a parameter categorical_features, "
            f"and {estimator!r} has {len(names)}: use HistGradientBoostingClassifier or "
            "HistGradientBoostingRegressor, or task_as_input=True for one 0/1 column per task"
        )
    owner = estimator
    for part in names[0].split("__")[:-1]:
        if any(hasattr(owner, name) for name in MULTIPLE):
            raise ValueError(
                f"task_as_input='category' cannot take the task through the other parts of "
                f"{owner!r}: put Pooled inside, and steps before it, as in "
                "make_pipeline(shared(step, task_col), Pooled(last_step, task_col=task_col, "
                "task_as_input='category'))"
            )
        owner = getattr(owner, part)
    return names[0]


def refuse_infinity(features):
    """Boosted trees would take it for a number; `explaining` names the column."""
    for j, kind in enumerate(dtypes(features)):
        if "float" in kind or "double" in kind:
            values = as_vector(column(features, j))
            assert_all_finite(values[~missing(values)].astype(float))


def most_categories(estimator, parameter):
    """How many categories the owner of the parameter takes in one column."""
    name = parameter.removesuffix("categorical_features") + "max_bins"
    return estimator.get_params().get(name, np.inf)


def with_category(estimator, parameter, features, named, n_levels):
    """A clone told which columns are categories: its own ones, and the task, the column after them.

    All by position, since scikit-learn 1.7 finds no names in a table of pyarrow. If the task is not
    a category but `n_levels` numbers, these are none. `named`: columns of the features have names.
    """
    parameters, names = estimator.get_params(), column_names(features) if named else []
    own = parameters[parameter]
    if own is None or isinstance(own, str):  # "from_dtype"
        kinds = [] if own is None or not is_frame(features) else dtypes(features)
        own = [j for j, kind in enumerate(kinds) if kind.startswith(("categor", "enum"))]
    own = np.asarray(own)
    own = np.flatnonzero(own) if own.dtype.kind == "b" else own
    own = [names.index(j) if j in names else j for j in own.tolist()]
    told = {parameter: (own if n_levels else [*own, features.shape[1]]) or None}
    monotonic = parameter.removesuffix("categorical_features") + "monotonic_cst"
    if isinstance(parameters.get(monotonic), (list, tuple, np.ndarray)):
        told[monotonic] = [*parameters[monotonic], *[0] * (n_levels or 1)]
    return clone(estimator).set_params(**told)


class TaskLevels:
    """Tasks that are too many to be categories, as numbers: the mean label of each task.

    The mean ȳ_t of the n_t rows of a task is pulled to that of all rows as far as it is noise, by
    the factor n_t τ² / (n_t τ² + σ²), with σ² the variance within tasks and τ² what it leaves of
    the whole. In `fit` a row sees the means of four fifths of the rows, without its own.
    """

    def fit_transform(self, codes, targets, weight):
        """Columns (n, k) from task numbers (n,), targets (n, k) and weights (n,) in `fit`."""
        T, fold = codes.max() + 1, np.random.default_rng(0).permutation(len(codes)) % 5
        columns = np.empty(targets.shape)
        for k in range(5):
            own = fold == k
            means = _task_means(codes[~own], targets[~own], weight[~own], T)
            columns[own] = means[codes[own]]
        self.means_ = _task_means(codes, targets, weight, T)
        return columns

    def transform(self, codes):
        """Columns (n, k); a task that is not known, -1, has the mean of all rows."""
        return self.means_[codes]


def _task_means(codes, targets, weight, T):
    """Means (T + 1, k) of the tasks, pulled to that of all rows, and last that mean itself."""
    n, means = np.bincount(codes, weight, T), np.empty((T + 1, targets.shape[1]))
    for j, y in enumerate(targets.T):
        total = n.sum() or 1.0
        means[:, j] = centre = weight @ y / total
        own = np.bincount(codes, weight * (y - centre), T) / np.where(n > 0, n, 1)
        within = weight @ (y - centre - own[codes]) ** 2 / max(total - (n > 0).sum(), 1)
        between = max(weight @ (y - centre) ** 2 / total - within, 0.0)
        if between:
            means[:T, j] += own * n * between / (n * between + within + (n == 0))
    return means
