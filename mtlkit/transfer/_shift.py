"""How a target differs from its sources, and what that cannot tell without labels."""

from dataclasses import dataclass

import numpy as np
from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, r2_score, roc_auc_score
from sklearn.model_selection import KFold, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_random_state

from .._utils._containers import as_table
from .._utils._validation import read_labels
from ..table._rows import number_table
from ..table._splits import are_classes
from ._domains import feature_names, read_domains, refuse_huge
from ._prior import estimate_priors, implied_prior

PERMUTATIONS = 200
MEASURES = {
    "domain_auc": "a classifier separates them (AUC)",
    "mean_distance": "means differ by",
    "scale_distance": "log scales differ by",
    "correlation_distance": "correlations differ by",
}


@dataclass(frozen=True, eq=False)
class ShiftReport:
    """What `diagnose_shift` found; ``print`` it.

    Attributes
    ----------
    n_source, n_target, n_source_labels, n_target_labels : int
        Rows and labelled rows of the source and of the target.
    domain_auc : float
        Area under the ROC curve of a classifier that separates target rows from source rows, on the
        half of the rows that it was not fitted to: 0.5 if it cannot, 1 if no target row looks like
        a source row.
    mean_distance, scale_distance, correlation_distance : float
        Root mean square, over features (or pairs of them), of: differences of means, in standard
        deviations of all rows together; logarithms of ratios of standard deviations (at least 0.01
        of that each); differences of correlations.
    chance : dict of str to float
        For these four names, what is exceeded in 1 of 20 cases if both domains are the same. These
        are four tests at 5 %: up to one in five equal pairs of domains shows at least one.
    features : list of (name, float, float)
        The features whose mean and scale differ most: name, difference of means and ratio of
        standard deviations (target to source), measured as above. At most five.
    source_prior, target_prior : dict of class to float, or None
        Proportions of classes: in the labelled source, and in the target as they would be if
        nothing but the proportions differed. None for a continuous target, or without source
        labels; `target_prior` also if the source has one class.
    score_name : "accuracy", "R²" or None
        R² if `y` is continuous; None without labels.
    source_score, target_score : float or None
        This score of a model of the source on left-out source rows, and on labelled target rows.
        None where there are too few labels.

    See Also
    --------
    diagnose_shift : Makes a report.

    Notes
    -----
    Taught in :doc:`/chapters/algorithms/other_world`.

    Examples
    --------
    >>> from mtlkit.datasets import load_shifted_digits
    >>> X, y = load_shifted_digits({"bright": None, "dim": ("contrast", 0.5)}, rows_per_task=200)
    >>> report = diagnose_shift(X, y, target=1, task_col=0, random_state=0)
    >>> report.score_name, report.target_score < report.source_score
    ('accuracy', True)
    """

    n_source: int
    n_target: int
    n_source_labels: int
    n_target_labels: int
    domain_auc: float
    mean_distance: float
    scale_distance: float
    correlation_distance: float
    chance: dict
    features: list
    source_prior: dict | None
    target_prior: dict | None
    score_name: str | None
    source_score: float | None
    target_score: float | None

    def differs(self, name: str) -> bool:
        """Whether a measure is above what chance gives in 1 of 20 cases.

        Parameters
        ----------
        name : {"domain_auc", "mean_distance", "scale_distance", "correlation_distance"}
            The measure.

        Returns
        -------
        differs : bool
            True if the measure exceeds the 95 % quantile under chance.
        """
        return bool(getattr(self, name) > self.chance[name])

    def __str__(self) -> str:
        lines = [
            f"source {self.n_source} rows, {self.n_source_labels} with a label; "
            f"target {self.n_target} rows, {self.n_target_labels} with a label"
        ]
        for name, text in MEASURES.items():
            verdict = "a difference" if self.differs(name) else "no sign of one"
            lines.append(
                f"{text:<33}{getattr(self, name):6.2f}  (chance {self.chance[name]:.2f}): {verdict}"
            )
        lines.append("  four tests at 5 %: up to one in five equal pairs shows a difference")
        for name, gap, ratio in self.features:
            lines.append(f"  {name}: mean {gap:+.2f} sd, scale × {ratio:.2f}")
        if self.target_prior:
            lines.append("if only the proportions of classes differ, they are in the target")
            pairs = zip(self.target_prior.items(), self.source_prior.values(), strict=True)
            lines += [f"  {k}: {q:.2f} (source {p:.2f})" for (k, q), p in pairs]
        return "\n".join([*lines, self._limits()])

    def _limits(self):
        for domain, n in [("target", self.n_target_labels), ("source", self.n_source_labels)]:
            if n == 0:
                return (
                    f"cannot be known without {domain} labels: whether the same features mean the "
                    "same label, and whether proportions or appearances changed"
                )
        if self.source_score is None or self.target_score is None:
            return (
                f"{self.n_source_labels} labelled source rows and {self.n_target_labels} labelled "
                "target rows are too few to score a model of the source"
            )
        model = "a classifier of the source"
        if self.score_name == "R²":
            model = "y is read as continuous (strings would be classes): a regression of the source"
        elif len(self.source_prior) == 1:
            (only,) = self.source_prior
            model = f"all labelled source rows are of class {only!r}: always predicting it"
        return (
            f"{model} has {self.score_name} {self.source_score:.2f} on left-out source rows and "
            f"{self.target_score:.2f} on the {self.n_target_labels} labelled target rows"
        )


def diagnose_shift(
    X, y=None, *, source=None, target=None, task_col, classifier=None, random_state=None
) -> ShiftReport:
    """Dataset shift: how the rows of a target differ from those of its sources.

    Parameters
    ----------
    X : DataFrame or array of shape (n, p)
        Table with the task column.
    y : array-like of shape (n,), default=None
        Labels; a missing one (NaN, None) marks a row without label. Numbers are classes if they are
        integers with at most 20 different values, else a continuous target.
    source : task name, list of task names or None, default=None
        None: all tasks but the target.
    target : task name or None, default=None
        The task to compare with the sources. None: the one task that `source` does not name.
    task_col : str or int
        The task column.
    classifier : classifier, default=None
        With `predict_proba`; separates the domains, and the classes. None: logistic regression on
        standardised features, which sees differences of means alone. A continuous target is
        predicted by ridge regression on standardised features.
    random_state : int, RandomState instance or None, default=None
        Which rows the models are fitted to, and the relabellings.

    Returns
    -------
    report : ShiftReport
        What differs; ``print`` it.

    Raises
    ------
    ValueError
        If `target` or `source` is not in the table, or a domain has fewer than five rows.

    See Also
    --------
    PriorCorrection : Corrects a classifier for other proportions of classes.
    ImportanceWeighted : For another mix of the features.
    CORAL : Aligns the features.

    Notes
    -----
    Taught in :doc:`/chapters/algorithms/other_world`.

    What chance gives is found from 200 random relabellings of the domains for the distances, and
    from the variance of a rank sum for the AUC. Covariate shift and label shift both move features,
    so no measure here distinguishes them: look at how the data came about. The proportions in the
    target are those of `PriorCorrection`. Costs seven fits of the classifier, and O(n d²) for each
    relabelling.

    Examples
    --------
    >>> from mtlkit.datasets import load_shifted_digits
    >>> X, y = load_shifted_digits({"bright": None, "dim": ("contrast", 0.5)}, rows_per_task=200)
    >>> report = diagnose_shift(X, target=1, task_col=0, random_state=0)
    >>> report.differs("scale_distance")
    True
    """
    X = as_table(X)
    features, task = number_table(X, task_col, "diagnose_shift", fit=True)
    refuse_huge(features, X, task_col)
    if classifier is None:
        classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    if not hasattr(classifier, "predict_proba"):
        raise ValueError(f"classifier={classifier!r} has no predict_proba: use one that has")
    classes = True
    if y is not None:
        labels, labelled = read_labels(y)
        classes = are_classes(labels[labelled])
    domains = read_domains(features, task, y, None, (source, target), task_col, classes)
    features, is_target = domains.X, domains.target
    sizes = {}
    for name, own in [("source", ~is_target), ("target", is_target)]:
        sizes |= {
            f"n_{name}": int(own.sum()),
            f"n_{name}_labels": int((domains.labelled & own).sum()),
        }
        if own.sum() < 5:
            raise ValueError(f"the {name} has {own.sum()} rows, too few to compare: at least 5")
    rng = check_random_state(random_state)
    # On rows apart from training, unlike in cross-validation, the spread by chance is known.
    train, test = train_test_split(
        np.arange(len(features)), test_size=0.5, stratify=is_target, random_state=rng
    )
    fitted = clone(classifier).fit(features[train], is_target[train])
    auc = roc_auc_score(is_target[test], fitted.predict_proba(features[test])[:, 1])
    positive = is_target[test].sum()
    spread = np.sqrt((len(test) + 1) / (12 * positive * (len(test) - positive)))
    by_chance = [distances(features, rng.permutation(is_target)) for _ in range(PERMUTATIONS)]
    limits = np.quantile(by_chance, 0.95, axis=0)
    measures = [auc, *distances(features, is_target)], [0.5 + 1.645 * spread, *limits]
    found, chance = (dict(zip(MEASURES, map(float, m), strict=True)) for m in measures)
    return ShiftReport(
        **sizes,
        **found,
        chance=chance,
        features=most_different(features, is_target, feature_names(X, task_col)),
        **about_labels(domains, classes, classifier, rng),
    )


def distances(X, is_target):
    """Root mean squares of the differences of means, log scales and correlations."""
    gap, ratio = standardised(X, is_target)
    with np.errstate(invalid="ignore", divide="ignore"):  # a constant feature has no correlation
        C = [np.nan_to_num(np.corrcoef(X[own].T)) for own in (is_target, ~is_target)]
    C = np.atleast_2d(C[0] - C[1])
    pairs = max(1, len(C) * (len(C) - 1))
    return np.sqrt([(gap**2).mean(), (np.log(ratio) ** 2).mean(), (C**2).sum() / pairs])


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


def about_labels(domains, classes, classifier, rng):
    """Proportions and scores, as far as there are labels."""
    names = ("source_prior", "target_prior", "score_name", "source_score", "target_score")
    found = dict.fromkeys(names)
    if domains.y is None or not (domains.labelled & ~domains.target).any():
        return found
    X, y, _ = domains.labels_of("source")
    X_target, y_target, _ = domains.labels_of("target")
    if classes:
        values, counts = np.unique(y, return_counts=True)
        prior = counts / counts.sum()
        found["source_prior"] = dict(zip(values.tolist(), prior.tolist(), strict=True))
        score, found["score_name"] = accuracy_score, "accuracy"
    else:
        classifier = make_pipeline(StandardScaler(), Ridge())
        score, found["score_name"] = r2_score, "R²"

    def fit(rows):
        constant = classes and len(np.unique(y[rows])) == 1
        return clone(DummyClassifier() if constant else classifier).fit(X[rows], y[rows])

    fitted = fit(slice(None))
    if classes and len(values) > 1:
        implied = implied_prior(fitted.predict_proba(X), prior, None, 1e-6, 10000)
        proba = fitted.predict_proba(domains.target_rows)
        q = estimate_priors(proba, implied, None, 1e-6, 10000)[0]
        found["target_prior"] = dict(zip(values.tolist(), q.tolist(), strict=True))
    if len(y) > 1:
        folds = KFold(min(5, len(y)), shuffle=True, random_state=rng.randint(2**31))
        guess = y.copy()
        for train, test in folds.split(X):
            guess[test] = fit(train).predict(X[test])
        found["source_score"] = float(score(y, guess))
    if len(y_target) > (not classes):
        found["target_score"] = float(score(y_target, fitted.predict(X_target)))
    return found
