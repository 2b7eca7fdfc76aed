"""How a target differs from its sources, and what that cannot tell without labels."""

from dataclasses import dataclass

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_random_state, column_or_1d

from .._utils._containers import is_frame, missing
from ..table._splits import are_classes
from ._domains import read_domains
from ._prior import estimate_priors

PERMUTATIONS = 200
DISTANCES = ("mean_distance", "scale_distance", "correlation_distance")


@dataclass(frozen=True)
class ShiftReport:
    """What `diagnose_shift` found; ``print`` it.

    Attributes
    ----------
    n_source, n_target, n_target_labels : int
        Rows, and labelled rows of the target.
    domain_auc : float
        Area under the ROC curve of a classifier that tells target rows from source rows, on the
        half of the rows that it was not fitted to: 0.5 if it cannot, 1 if no target row looks like
        a source row.
    mean_distance, scale_distance, correlation_distance : float
        Root mean square, over features (or pairs of them), of: differences of means, in standard
        deviations of all rows together; logarithms of ratios of standard deviations (at least 0.01
        of that each); differences of correlations.
    chance : dict of str to float
        For these four names, what is exceeded in 1 of 20 cases if both domains are the same.
    features : list of (name, float, float)
        The features whose mean and scale differ most: name, difference of means and ratio of
        standard deviations (target to source), measured as above. At most five.
    source_prior, target_prior : dict of class to float, or None
        Proportions of classes: in the labelled source, and in the target as they would be if
        nothing but the proportions differed. None for a quantity, or without source labels.
    source_score, target_score : float or None
        Accuracy of a classifier of the source on source rows left out, and on labelled target rows.
        None where there are no labels.
    """

    n_source: int
    n_target: int
    n_target_labels: int
    domain_auc: float
    mean_distance: float
    scale_distance: float
    correlation_distance: float
    chance: dict
    features: list
    source_prior: dict | None
    target_prior: dict | None
    source_score: float | None
    target_score: float | None

    def differs(self, name):
        """Whether the measure `name` is above what chance gives in 1 of 20 cases."""
        return getattr(self, name) > self.chance[name]

    def __str__(self):
        told = {
            "domain_auc": "rows tell their domain (AUC)",
            "mean_distance": "means differ by",
            "scale_distance": "log scales differ by",
            "correlation_distance": "correlations differ by",
        }
        lines = [
            f"source {self.n_source} rows; target {self.n_target} rows, "
            f"{self.n_target_labels} with a label"
        ]
        for name, text in told.items():
            verdict = "a difference" if self.differs(name) else "no sign of one"
            lines.append(
                f"{text:<29}{getattr(self, name):6.2f}  (chance {self.chance[name]:.2f}): {verdict}"
            )
        for name, gap, ratio in self.features:
            lines.append(f"  {name}: mean {gap:+.2f} sd, scale × {ratio:.2f}")
        if self.target_prior:
            lines.append("if only the proportions of classes differ, they are in the target")
            pairs = zip(self.target_prior.items(), self.source_prior.values(), strict=True)
            lines += [f"  {k}: {q:.2f} (source {p:.2f})" for (k, q), p in pairs]
        lines.append(self._limits())
        return "\n".join(lines)

    def _limits(self):
        if self.target_score is None:
            return (
                "cannot be known without target labels: whether the same features mean the same "
                "label, and whether proportions or appearances changed"
            )
        return (
            f"a classifier of the source scores {self.source_score:.2f} on left-out source rows and"
            f" {self.target_score:.2f} on the {self.n_target_labels} labelled target rows"
        )


def diagnose_shift(X, y=None, *, source=None, target, task_col, classifier=None, random_state=None):
    """Describe how the rows of a target differ from those of its sources.

    Parameters
    ----------
    X : DataFrame or array of shape (n, p)
        Table with the task column.
    y : array-like of shape (n,), default=None
        Labels; a missing one (NaN, None) marks a row without label. Numbers are classes if they are
        whole and at most 20 different ones; else they are a quantity.
    source : task name, list of task names or None, default=None
        None: all tasks but the target.
    target : task name
        The task to compare with the sources.
    task_col : str or int
        The task column.
    classifier : classifier, default=None
        With `predict_proba`; tells domains apart, and classes. None: logistic regression of
        standardised features, which sees differences of means alone.
    random_state : int, RandomState instance or None, default=None
        Which rows the classifiers are fitted to, and the relabellings.

    Returns
    -------
    report : ShiftReport

    Raises
    ------
    ValueError
        If `target` or `source` is not in the table, or a domain has fewer than five rows.

    Notes
    -----
    What chance gives is found from 200 random relabellings of the domains for the distances, and
    from the variance of a rank sum for the AUC. Covariate shift and label shift both move features,
    so no measure here tells one from the other: look at how the data came about.
    Costs seven fits of the classifier, and O(n d²) for each relabelling.

    Examples
    --------
    >>> from mtlkit.datasets import load_shifted_digits
    >>> X, y = load_shifted_digits({"bright": None, "dim": ("contrast", 0.5)}, rows_per_task=200)
    >>> report = diagnose_shift(X, target=1, task_col=0, random_state=0)
    >>> report.differs("scale_distance")
    True
    """
    classes = False
    if y is not None:
        y = column_or_1d(y, warn=True)
        classes = are_classes(np.array(y[~missing(y)].tolist()))
    domains = read_domains(_Columns(source, target, task_col), X, y, classes=classes)
    features, is_target = domains.X, domains.target
    n_source, n_target = int((~is_target).sum()), int(is_target.sum())
    for name, n in (("source", n_source), ("target", n_target)):
        if n < 5:
            raise ValueError(f"the {name} has {n} rows, too few to compare: at least 5")
    rng = check_random_state(random_state)
    if classifier is None:
        classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    # On rows apart from training, unlike in cross-validation, the spread by chance is known.
    train, test = train_test_split(
        np.arange(len(features)), test_size=0.5, stratify=is_target, random_state=rng
    )
    told = clone(classifier).fit(features[train], is_target[train])
    told = told.predict_proba(features[test])[:, 1]
    positive, negative = is_target[test].sum(), (~is_target[test]).sum()
    spread = np.sqrt((len(test) + 1) / (12 * positive * negative))
    by_chance = [distances(features, rng.permutation(is_target)) for _ in range(PERMUTATIONS)]
    limits = np.quantile(by_chance, 0.95, axis=0).tolist()
    labels = dict.fromkeys(("source_prior", "target_prior", "source_score", "target_score"))
    if classes and (domains.labelled & ~is_target).any():
        labels = about_labels(domains, classifier, rng)
    return ShiftReport(
        n_source=n_source,
        n_target=n_target,
        n_target_labels=int((domains.labelled & is_target).sum()),
        domain_auc=float(roc_auc_score(is_target[test], told)),
        **dict(zip(DISTANCES, distances(features, is_target), strict=True)),
        chance=dict(zip(DISTANCES, limits, strict=True), domain_auc=float(0.5 + 1.645 * spread)),
        features=most_different(features, is_target, feature_names(X, task_col)),
        **labels,
    )


class _Columns(BaseEstimator):
    """What `read_domains` wants to know."""

    def __init__(self, source, target, task_col):
        self.source, self.target, self.task_col = source, target, task_col


def feature_names(X, task_col):
    if is_frame(X):
        return [str(name) for name in X.columns if name != task_col]
    return [f"column {j}" for j in range(np.shape(X)[1]) if j != task_col % np.shape(X)[1]]


def left_out(classifier, X, y, rng):
    """Probabilities (n, K) of rows that no fold was fitted to, in at most five folds."""
    least = np.unique(y, return_counts=True)[1].min()
    folds = StratifiedKFold(min(5, least), shuffle=True, random_state=rng.randint(2**31))
    return cross_val_predict(classifier, X, y, cv=folds, method="predict_proba")


def distances(X, is_target):
    """Root mean squares of the differences of means, log scales and correlations."""
    gap, ratio = standardised(X, is_target)
    with np.errstate(invalid="ignore", divide="ignore"):  # a constant feature has no correlation
        C = [np.nan_to_num(np.corrcoef(X[own].T)) for own in (is_target, ~is_target)]
    C = np.atleast_2d(C[0] - C[1])
    pairs = max(1, len(C) * (len(C) - 1))
    return [
        float(np.sqrt((gap**2).mean())),
        float(np.sqrt((np.log(ratio) ** 2).mean())),
        float(np.sqrt((C**2).sum() / pairs)),
    ]


def standardised(X, is_target):
    """For each feature the difference of means, in deviations, and the ratio of scales."""
    t, s, spread = X[is_target], X[~is_target], X.std(axis=0)
    spread[spread == 0] = 1.0
    floor = 0.01 * spread  # for a feature that is constant in a domain, or in both
    ratio = np.maximum(t.std(axis=0), floor) / np.maximum(s.std(axis=0), floor)
    return (t.mean(axis=0) - s.mean(axis=0)) / spread, ratio


def most_different(X, is_target, names):
    gap, ratio = standardised(X, is_target)
    order = np.argsort(-(gap**2 + np.log(ratio) ** 2), kind="stable")[:5]
    return [(names[j], float(gap[j]), float(ratio[j])) for j in order]


def about_labels(domains, classifier, rng):
    """Proportions and scores, as far as there are labels."""
    X, y = domains.source_labels
    classes, counts = np.unique(y, return_counts=True)
    prior = counts / counts.sum()
    result = {
        "source_prior": dict(zip(classes.tolist(), prior.tolist(), strict=True)),
        "target_prior": None,
        "source_score": None,
        "target_score": None,
    }
    if len(classes) < 2 or counts.min() < 2:
        return result
    fitted = clone(classifier).fit(X, y)
    found, _ = estimate_priors(fitted.predict_proba(domains.target_rows), prior, 1e-6, 10000)
    result["target_prior"] = dict(zip(classes.tolist(), found.tolist(), strict=True))
    guess = classes[left_out(classifier, X, y, rng).argmax(axis=1)]
    result["source_score"] = float((guess == y).mean())
    X_target, y_target = domains.target_labels
    if len(y_target):
        result["target_score"] = float(fitted.score(X_target, y_target))
    return result
