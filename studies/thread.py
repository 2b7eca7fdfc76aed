"""The schools through the book: one real table, every idea, one protocol.

Needs the data of `mtlkit.datasets.fetch_school`. A task is a school, a row a pupil. Features are
brought to one scale with what all rows say about them, and no label. Ten paired splits, a quarter
of each school's pupils for tests; on each every way chooses among six settings on three inner
folds, but for partial pooling, which estimates its strength from the training rows. The grids were
set on other splits of the same table (seed 100). A lead is taken over the better of three
opponents: alone, pooled, boosted trees that are told the school.
"""

from collections import Counter

import numpy as np
import sklearn
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Ridge
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from mtlkit.baselines import PerTask, Pooled
from mtlkit.datasets import fetch_school
from mtlkit.evaluation import label_saving, paired_difference
from mtlkit.linear import (
    EmpiricalBayesRidge,
    JointSupport,
    LearnedRelations,
    LowRank,
    MeanRegularizedRidge,
    MultiTaskLinearRegression,
    TaskGraph,
)
from mtlkit.table import TaskStratifiedShuffleSplit
from mtlkit.transfer import BiasedRidge

from ._stored import write
from .opponents import TREES, compared, difference

SEED, SPLITS, TEST_SIZE, FOLDS, BUDGET, MARGIN = 0, 10, 0.25, 3, 6, 1
SIZES, FEW, TARGETS, FEWEST, NEIGHBOURS, DRAWN = (5, 10, 20), 10, 20, 60, 10, 9
COUPLINGS = [0, 30, 100, 300, 1000, 3000, 10000, 30000, np.inf]
LEVELS, SLOPES, TOLD = "partial pooling, levels", "partial pooling, all weights", "own levels"
OPPONENTS = ("alone", "pooled", TREES)
ZERO_SHOT, BORROWED = "zero-shot", "borrowed"
DEFINITIONS = {
    "points": "100 R² on the test pupils of all schools together, one number a split",
    "lead": "points above `baseline`, the best on average of alone, pooled and boosted trees told "
    "the school, with a 95 % interval about new pupils of the same schools (new rows)",
    "verdict": f"ties: equivalence test at 5 % with a margin of {MARGIN} point; else wins or loses "
    "if the 95 % interval excludes zero; else inconclusive",
    "graph": f"a school and the {NEIGHBOURS} whose pupils have the nearest means of the 27 "
    "features; no score is looked at",
    "graph dealt at random": "the same graph after the schools were dealt to its places at random",
    "levels": f"of the first of {SPLITS} draws: mean score of {FEW} pupils a school (alone), of "
    "all these (pooled), pulled by partial pooling, and of the school's other pupils (others); "
    "`missed by` is the mean distance from the last over draws and schools, and `pulled is nearer "
    "than` has a 95 % interval for other schools like these (new tasks)",
    "transfer": f"{TARGETS} schools with {SIZES[-1]} labelled pupils each; the other schools have "
    "the labels of all; tests are the other pupils of these schools",
}


# The table, and its parts


def read():
    """The table with features on one scale, and the scores."""
    X, y = fetch_school()
    X[:, 1:] = StandardScaler().fit_transform(X[:, 1:])
    return X, y


def splits_of(X):
    cv = TaskStratifiedShuffleSplit(SPLITS, test_size=TEST_SIZE, task_col=0, random_state=SEED)
    return list(cv.split(X))


def few_of(X, splits, n):
    """The same splits with n training pupils a school, or all it has; more hold fewer."""
    return [(first(X, train, n, number), test) for number, (train, test) in enumerate(splits)]


def first(X, rows, n, seed):
    rows = np.random.default_rng(seed).permutation(rows)
    rows = rows[np.argsort(X[rows, 0], kind="stable")]
    counts = np.bincount(X[rows, 0].astype(int))
    return np.sort(rows[np.concatenate([np.arange(c) for c in counts]) < n])


# Ways to learn, six settings each


def opponents():
    trees = HistGradientBoostingRegressor(max_leaf_nodes=8, random_state=0)
    bins = [128, 255]  # with fewer bins than schools a school is its mean score, pulled to all
    return {
        "alone": (PerTask(Ridge(), task_col=0), _inside(alpha=[6, 12, 25, 40, 63, 100])),
        "pooled": (Pooled(Ridge(), task_col=0), _inside(alpha=[1, 4, 16, 63, 250, 1000])),
        TREES: (
            Pooled(trees, task_col=0, task_as_input="category"),
            _inside(learning_rate=[0.03, 0.1, 0.3], max_bins=bins),
        ),
    }


def _inside(**grid):
    return {f"estimator__{name}": values for name, values in grid.items()}


def tied():
    grid = {"alpha": [0.3, 1], "coupling": [300, 1000, 3000]}
    return {"tied": (MeanRegularizedRidge(task_col=0), grid)}


def partial():
    return {LEVELS: EmpiricalBayesRidge(task_col=0)}


def all_ways(X):
    free = MeanRegularizedRidge(coupling=np.inf, task_col=0, couple_intercept=False)
    graph = neighbours(X)
    dealt = np.random.default_rng(SEED).permutation(len(graph))
    related = {"alpha": [1, 3, 10], "penalty__coupling": [30, 100]}
    return {
        **opponents(),
        TOLD: (free, {"alpha": [1, 4, 16, 63, 250, 1000]}),
        **tied(),
        "low rank": (_penalised(LowRank()), {"alpha": [250, 500, 1000, 2000, 4000, 8000]}),
        "joint support": (
            _penalised(JointSupport()),
            {"alpha": [400, 600, 900, 1300, 2000, 3000]},
        ),
        "learned relations": (
            _penalised(LearnedRelations()),
            {"alpha": [0.3, 1], "penalty__coupling": [10, 20, 30]},
        ),
        "graph": (_penalised(TaskGraph(graph)), related),
        "graph dealt at random": (_penalised(TaskGraph(graph[dealt][:, dealt])), related),
    }


def _penalised(penalty):
    return MultiTaskLinearRegression(penalty, task_col=0)


def neighbours(X):
    """Edges (T, T) between schools whose pupils are alike on average."""
    school = X[:, 0].astype(int)
    means = np.array([X[school == t, 1:].mean(axis=0) for t in range(school.max() + 1)])
    distance = ((means[:, None] - means) ** 2).sum(axis=2)
    np.fill_diagonal(distance, np.inf)
    edges = np.zeros(distance.shape)
    nearest = np.argsort(distance, axis=1, kind="stable")[:, :NEIGHBOURS]
    np.put_along_axis(edges, nearest, 1, axis=1)
    return np.maximum(edges, edges.T) / NEIGHBOURS


class FromOthers(RegressorMixin, BaseEstimator):
    """A ridge on the rows of all schools but the targets, for the targets as it is."""

    setting = "transfer"

    def __init__(self, targets=(), alpha=1.0, *, task_col=0):
        self.targets, self.alpha, self.task_col = targets, alpha, task_col

    def fit(self, X, y):
        others = ~np.isin(X[:, 0], self.targets)
        self.ridge_ = Ridge(self.alpha).fit(X[others, 1:], y[others])
        return self

    def predict(self, X):
        return self.ridge_.predict(X[:, 1:])


def borrowing(targets):
    """The others as one task, -1, to whose weights each target is pulled."""

    def one_source(X):
        return np.column_stack([np.where(np.isin(X[:, 0], targets), X[:, 0], -1), X[:, 1:]])

    strengths = [10, 30, 100, 300, 1000, 3000]
    biased = BiasedRidge(source=[-1.0], source_alpha=16, task_col=0)
    steps = [("others", FunctionTransformer(one_source)), ("pulled", biased)]
    return {
        ZERO_SHOT: (FromOthers(targets), {"alpha": [1, 4, 16, 63, 250, 1000]}),
        BORROWED: (Pipeline(steps), {"pulled__alpha": strengths}),
    }


# Contests


def contest(ways, X, y, splits, *, free=None, **settings):
    return compared(
        ways, X, y, free=free, task_col=0, cv=splits, baseline="alone", inner_cv=FOLDS, n_jobs=2,
        random_state=SEED, **settings,
    )  # fmt: skip


def told(found, scopes=("new rows",)):
    """Points of each way, what it chose, and its lead over the better of the opponents."""
    mean = {name: float(found.scores[name].mean()) for name in found.names}
    best = max(OPPONENTS, key=mean.get)
    chosen = {name: Counter(map(_text, found.best_params[name])) for name in found.names}
    return {
        "points": {n: (100 * found.scores[n]).round(2).tolist() for n in found.names},
        "chosen most often": {n: count.most_common(1)[0][0] for n, count in chosen.items()},
        "opponent": best,
        "leads": [
            {"candidate": name} | difference(found, name, best, margin=MARGIN, scopes=scopes)
            for name in found.names
            if name != best
        ],
    }


def _text(setting):
    return ", ".join(f"{k.split('__')[-1]}={v:g}" for k, v in sorted(setting.items()))


def dial(X, y, splits):
    """Points at each coupling, from alone to pooled, the strength chosen as ever."""
    strengths = {"alpha": np.geomspace(0.01, 100, BUDGET)}
    ways = {f"{c:g}": (MeanRegularizedRidge(coupling=c, task_col=0), strengths) for c in COUPLINGS}
    found = compared(
        ways, X, y, task_col=0, cv=splits, baseline="0", inner_cv=FOLDS, n_jobs=2, random_state=SEED
    )
    return [round(100 * float(found.scores[name].mean()), 2) for name in ways]


def transfer(X, y):
    school = X[:, 0].astype(int)
    rng = np.random.default_rng(SEED)
    large = np.flatnonzero(np.bincount(school) >= FEWEST)
    targets = np.sort(rng.choice(large, TARGETS, replace=False)).astype(float)
    own = np.isin(X[:, 0], targets)
    splits = []
    for number in range(SPLITS):
        few = first(X, np.flatnonzero(own), SIZES[-1], number)
        splits.append(
            (np.sort(np.r_[np.flatnonzero(~own), few]), np.setdiff1d(np.flatnonzero(own), few))
        )
    ways = opponents() | tied() | borrowing(targets)
    found = contest(ways, X, y, splits, free=partial(), tasks=targets.tolist())
    pairs = [(BORROWED, ZERO_SHOT), (BORROWED, "alone"), (ZERO_SHOT, "alone"), ("tied", BORROWED)]
    return {
        "targets": targets.astype(int).tolist(),
        **told(found, ("new rows", "new tasks")),
        "pairs": [
            {"candidate": a} | difference(found, a, b, margin=MARGIN, scopes=("new rows",))
            for a, b in pairs
        ],
    }


# Single schools


def levels(X, y):
    """Means of ten pupils a school, as they are and pulled, against those of the other pupils."""
    school = X[:, 0].astype(int)
    drawn, missed = [], {"alone": [], "pooled": [], "pulled": []}
    for draw in range(SPLITS):
        known = first(X, np.arange(len(y)), FEW, draw)
        rest = np.setdiff1d(np.arange(len(y)), known)
        own, others = (
            np.bincount(school[rows], y[rows]) / np.bincount(school[rows]) for rows in (known, rest)
        )
        bare = np.column_stack([np.arange(len(own)), np.zeros(len(own))])  # no features
        model = EmpiricalBayesRidge(task_col=0).fit(bare[school[known]], y[known])
        common = np.full(len(own), y[known].mean())
        drawn.append({"alone": own, "pooled": common, "pulled": model.predict(bare)})
        for name, guess in drawn[-1].items():
            missed[name].append(abs(guess - others))
        drawn[-1]["others"] = others
    missed = {name: np.mean(rows, axis=0) for name, rows in missed.items()}
    return {
        "labelled": FEW,
        "draws": SPLITS,
        **{name: values.round(2).tolist() for name, values in drawn[0].items()},
        "missed by": {name: round(float(rows.mean()), 2) for name, rows in missed.items()},
        "pulled is nearer than": {
            name: _three(paired_difference(missed[name], missed["pulled"]))
            for name in ("alone", "pooled")
        },
    }


def _three(d):
    return {"mean": round(d.mean, 2), "low": round(d.low, 2), "high": round(d.high, 2)}


def drawn(X, y, settings):
    """A few schools from small to large: the mean score of their other pupils, as predicted."""
    school = X[:, 0].astype(int)
    known = first(X, np.arange(len(y)), FEW, SEED)
    rest = np.setdiff1d(np.arange(len(y)), known)
    order = np.argsort(np.bincount(school), kind="stable")
    chosen = order[np.linspace(0, len(order) - 1, DRAWN).round().astype(int)]
    ways = {"alone": opponents()["alone"][0], "pooled": opponents()["pooled"][0],
            "tied": tied()["tied"][0]}  # fmt: skip
    means = {"truth": y}
    for name, model in ways.items():
        model = model.set_params(**settings[name]).fit(X[known], y[known])
        means[name] = np.full(len(y), np.nan)
        means[name][rest] = model.predict(X[rest])
    return {
        "school": chosen.tolist(),
        "pupils": np.bincount(school)[chosen].tolist(),
        "labelled": FEW,
        **{
            name: [round(float(v[rest][school[rest] == t].mean()), 2) for t in chosen]
            for name, v in means.items()
        },
    }


# The study


def saving(rows, found):
    """Labels a school that the tied model saves against one model a school; None: without end."""
    *few, _ = rows
    saved = label_saving(
        sizes=[rows[name] for name in few], scores=[found[name] for name in few],
        baseline_sizes=list(rows.values()), baseline_scores=[found[name] for name in rows],
        candidate="tied", baseline="alone", random_state=SEED,
    )  # fmt: skip
    ends = ("mean", "low", "high")
    return [{"labels": s.labels} | {key: _finite(getattr(s, key)) for key in ends} for s in saved]


def _finite(value):
    return round(float(value), 1) if np.isfinite(value) else None


def run():
    """Measure and write ``thread.json``."""
    X, y = read()
    splits = splits_of(X)
    everyone = contest(
        all_ways(X), X, y, splits, free=partial() | {SLOPES: EmpiricalBayesRidge("all", task_col=0)}
    )
    print(everyone.table(), flush=True)
    found = {
        str(n): contest(opponents() | tied(), X, y, few_of(X, splits, n), free=partial())
        for n in SIZES
    }
    sizes = {name: _told_size(part) for name, part in found.items()}
    kept = [*OPPONENTS, "tied", LEVELS]
    full = told(everyone)
    sizes["all"] = {key: full[key] for key in ("opponent",)} | {
        "points": {name: full["points"][name] for name in kept},
        "leads": [row for row in full["leads"] if row["candidate"] in kept],
    }
    rows = {name: round(len(few_of(X, splits, int(name))[0][0]) / 139, 1) for name in found}
    rows["all"] = round(len(splits[0][0]) / 139, 1)
    chosen = {name: found[str(FEW)].best_params[name][0] for name in ("alone", "pooled", "tied")}
    study = {
        "command": "python -m studies thread",
        "seed": SEED,
        "splits": SPLITS,
        "inner_folds": FOLDS,
        "budget": BUDGET,
        "margin_in_points": MARGIN,
        "train_rows": len(splits[0][0]),
        "test_rows": len(splits[0][1]),
        "versions": {"numpy": np.__version__, "scikit-learn": sklearn.__version__},
        "definitions": DEFINITIONS,
        "settings": {name: everyone.settings[name] for name in everyone.names}
        | {TOLD: "pooled", ZERO_SHOT: "transfer", BORROWED: "transfer"},
        "everyone": full,
        "which schools": difference(
            everyone, "graph", "graph dealt at random", margin=MARGIN, scopes=("new rows",)
        ),
        "labels a school": rows,
        "sizes": sizes,
        "saving": saving(rows, found | {"all": everyone}),
        "dial": {
            "coupling": [str(c) for c in COUPLINGS],
            str(FEW): dial(X, y, few_of(X, splits, FEW)),
            "all": dial(X, y, splits),
        },
        "transfer": transfer(X, y),
        "levels": levels(X, y),
        "drawn": drawn(X, y, chosen),
        "control": {"tied": everyone.best_params["tied"][0]},
    }
    study["verdicts"] = dict(Counter(row["new rows"]["verdict"] for row in all_leads(study)))
    write("thread", study)
    print(study["verdicts"])


def _told_size(found):
    return {key: value for key, value in told(found).items() if key != "chosen most often"}


def all_leads(study):
    """Every lead over the better of the opponents, none twice."""
    parts = [study["everyone"], study["transfer"], *(study["sizes"][str(n)] for n in SIZES)]
    return [row for part in parts for row in part["leads"]]


def again(study):
    """The first score of the tied model, fitted once more at the setting that it chose."""
    X, y = read()
    train, test = splits_of(X)[0]
    model = MeanRegularizedRidge(task_col=0, **study["control"]["tied"])
    return 100 * model.fit(X[train], y[train]).score(X[test], y[test])
