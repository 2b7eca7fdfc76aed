"""M4 series as tasks: one autoregression each, one for all, tied ones, and boosted trees.

Needs the data of `mtlkit.datasets.fetch_m4`. A row of the table is a window of p values of one
series, with the next value as its label; both are distances from the window's last value, in units
of the series' scale. Forecasts are recursive: a forecast enters the next window.

Every split is by time. The last window is the one that M4 tested, three more come before it, and
the window before all four chooses among as many settings for every arm. A history that is cut to n
values is cut before each of these windows, so that choosing sees no more than fitting.
"""

import numpy as np
import sklearn
from numpy.lib.stride_tricks import sliding_window_view
from scipy import stats
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Ridge
from sklearn.model_selection import ParameterGrid

from mtlkit.baselines import PerTask, Pooled
from mtlkit.datasets import fetch_m4
from mtlkit.linear import EmpiricalBayesRidge, MeanRegularizedRidge

from ._stored import write

SEASON, HORIZON = {"weekly": 1, "hourly": 24}, {"weekly": 13, "hourly": 48}
ORDERS = {"weekly": [4, 13, 26], "hourly": [24, 48, 168]}
CUTS = {"weekly": [30, 60, 120, None], "hourly": [60, 120, 240, None]}
WINDOWS, SHOWN, SEED = 4, 24, 0
TREES_ROWS = 100_000  # that choose; trees are slow
LOCAL, GLOBAL, TIED, REML = "local", "global", "tied", "partial pooling, REML"
BOOSTED = "boosted, told the series"
PAIRS = [(GLOBAL, LOCAL), (TIED, LOCAL), (TIED, GLOBAL), (TIED, BOOSTED), (LOCAL, BOOSTED)]
VERDICTS = len(PAIRS) * sum(len(cuts) for cuts in CUTS.values())


def run():
    result = {
        "command": "python -m studies series",
        "seed": SEED,
        "windows": WINDOWS,
        "verdicts": VERDICTS,
        "versions": {"numpy": np.__version__, "scikit-learn": sklearn.__version__},
    }
    for frequency in CUTS:
        panel = Panel(frequency)
        cases = {str(cut or "all"): panel.contest(cut) for cut in CUTS[frequency]}
        result[frequency] = {
            "series": len(panel.past),
            "points": [len(y) for y in panel.past],
            "season": panel.season,
            "horizon": panel.horizon,
            "orders": ORDERS[frequency],
            "naive": panel.naive_scores(),
            "histories": cases,
            "shown": panel.shown(),
        }
    write("series", result)


def arms(cut, frequency):
    """Model and grid of each arm: six settings beside the orders; REML tunes itself."""
    trees = HistGradientBoostingRegressor(early_stopping=False, random_state=SEED)
    rates = {"estimator__learning_rate": [0.03, 0.1, 0.3], "estimator__max_leaf_nodes": [8, 31]}
    ridge = {"estimator__alpha": [0.1, 1, 10, 100, 1000, 10000]}
    found = {
        LOCAL: (PerTask(Ridge(), task_col=0), ridge),
        GLOBAL: (Pooled(Ridge(), task_col=0), ridge),
        # Of T series the shared part has the strength alpha * T, each private one alpha * coupling.
        TIED: (
            MeanRegularizedRidge(task_col=0),
            {"alpha": [0.1, 10], "coupling": [10, 1000, 100000]},
        ),
        BOOSTED: (Pooled(trees, task_col=0, task_as_input="category"), rates),
    }
    if cut == CUTS[frequency][0]:  # where rows are few: random slopes of the latest two steps
        found[REML] = (EmpiricalBayesRidge([-2, -1], task_col=0), {})
    return found


class Panel:
    """Many series with their forecasts' origins."""

    def __init__(self, frequency, keep=None):
        self.frequency = frequency
        self.season, self.horizon = SEASON[frequency], HORIZON[frequency]
        X, y = fetch_m4(frequency)
        bounds = np.flatnonzero(np.diff(X[:, 0])) + 1
        self.past, self.test = [], []
        for steps, values in zip(np.split(X[:, 1], bounds), np.split(y, bounds), strict=True):
            self.past.append(values[steps <= 0])
            self.test.append(values[steps > 0])
        if keep is not None:
            self.past = [self.past[k] for k in keep]
            self.test = [self.test[k] for k in keep]
        self.scale = np.array([self.step(y) for y in self.past])  # M4's own, for the errors

    def step(self, y):
        """Mean size of a seasonal step, the unit of errors."""
        return np.abs(y[self.season :] - y[: -self.season]).mean()

    def window(self, back, cut=None):
        """Histories and what follows them, for the window that ends `back` windows early."""
        h, found = self.horizon, []
        for past, test in zip(self.past, self.test, strict=True):
            y = np.concatenate([past, test])
            end = len(past) - back * h
            found.append((y[:end] if cut is None else y[max(0, end - cut) : end], y[end : end + h]))
        histories, future = zip(*found, strict=True)
        return list(histories), np.array(future)

    def errors(self, forecasts, future):
        """Mean absolute scaled error of each series."""
        return np.abs(forecasts - future).mean(axis=1) / self.scale

    def naive_scores(self):
        """Mean MASE of the forecasts that M4 published, on its own test windows."""
        histories, future = self.window(0)
        rules = {"naive": last_value, "seasonal naive": last_season, "naive 2": last_adjusted}
        return {
            name: round(
                float(
                    self.errors(
                        np.array([rule(y, self.season, self.horizon) for y in histories]), future
                    ).mean()
                ),
                4,
            )
            for name, rule in rules.items()
        }

    def tuned(self, model, grid, orders, cut, most_rows=10**9):
        """The order and setting of least error on the window before all that are tested."""
        histories, future = self.window(WINDOWS, cut)
        best = (np.inf, None, None)
        for p in orders:
            X, y = windows(histories, p, self.season)
            every = max(1, len(y) // most_rows)
            for setting in ParameterGrid(grid):
                model.set_params(**setting).fit(X[::every], y[::every])
                made = recursive(model, histories, p, self.season, self.horizon)
                best = min(best, (self.errors(made, future).mean(), p, setting), key=lambda b: b[0])
        return best[1:]

    def scores(self, model, p, cut):
        """Errors by window and series, M4's own window first."""
        found = []
        for back in range(WINDOWS):
            histories, future = self.window(back, cut)
            model.fit(*windows(histories, p, self.season))
            made = recursive(model, histories, p, self.season, self.horizon)
            found.append(self.errors(made, future))
        return np.array(found)

    def contest(self, cut):
        """All arms on one length of history."""
        orders = [p for p in ORDERS[self.frequency] if cut is None or p <= cut - 4]
        chosen, scores = {}, {}
        for name, (model, grid) in arms(cut, self.frequency).items():
            rows = TREES_ROWS if name == BOOSTED else 10**9
            p, setting = self.tuned(model, grid, orders, cut, rows)
            scores[name] = self.scores(model.set_params(**setting), p, cut)
            chosen[name] = {"order": p} | {k.split("__")[-1]: v for k, v in setting.items()}
            print(self.frequency, cut, name, chosen[name], scores[name].mean(axis=1), flush=True)
        return summary(chosen, scores)

    def shown(self):
        """What a page draws and fits again: short histories of some series, and their scores.

        Values are distances from the last one before the test, in units of the series' scale.
        """
        rng = np.random.default_rng(SEED + 1)
        keep = np.sort(rng.choice(len(self.past), SHOWN, replace=False))
        part, cut = Panel(self.frequency, keep), CUTS[self.frequency][1]
        values = []
        for past, test, s in zip(part.past, part.test, part.scale, strict=True):
            y = np.concatenate([past[-cut:], test])
            values.append(np.round((y - past[-1]) / s, 3).tolist())
        p, found = ORDERS[self.frequency][0], {}
        own = [np.array(v[: -self.horizon]) for v in values]
        future = np.array([v[-self.horizon :] for v in values])
        X, y = windows(own, p, self.season)
        found["naive"] = np.round(np.abs(future).mean(axis=1), 4).tolist()  # the last value is 0
        for name, model in fixed_arms().items():
            made = recursive(model.fit(X, y), own, p, self.season, self.horizon)
            found[name] = np.round(np.abs(made - future).mean(axis=1), 4).tolist()
        return {"series": keep.tolist(), "values": values, "order": p, "errors": found}


def fixed_arms():
    """The arms of the rows that pages fit again, untuned."""
    return {
        LOCAL: PerTask(Ridge(1), task_col=0),
        GLOBAL: Pooled(Ridge(1), task_col=0),
        TIED: MeanRegularizedRidge(alpha=1, coupling=30, task_col=0),
    }


def windows(histories, p, season):
    """The long table: series, distances of p - 1 values from the last one; label: of the next."""
    rows, labels = [], []
    for k, y in enumerate(histories):
        w = sliding_window_view(y, p + 1)
        z = (w - w[:, [-2]]) / unit(y, season)
        rows.append(np.column_stack([np.full(len(z), k), z[:, :-2]]))
        labels.append(z[:, -1])
    return np.concatenate(rows), np.concatenate(labels)


def recursive(model, histories, p, season, horizon):
    """Forecasts of shape (series, horizon), each step from the ones before it."""
    s, w = (np.array(v) for v in zip(*((unit(y, season), y[-p:]) for y in histories), strict=True))
    made = []
    for _ in range(horizon):
        z = (w - w[:, [-1]]) / s[:, None]
        step = model.predict(np.column_stack([np.arange(len(w)), z[:, :-1]])) * s
        made.append(w[:, -1] + step)
        w = np.column_stack([w[:, 1:], made[-1]])
    return np.array(made).T


def unit(y, season):
    """Mean size of a seasonal step in this history, 1 where it never moves."""
    return np.abs(y[season:] - y[:-season]).mean() or 1.0


def last_value(y, season, horizon):
    return np.full(horizon, y[-1])


def last_season(y, season, horizon):
    return np.resize(y[-season:], horizon)


def last_adjusted(y, season, horizon):
    """M4's Naive 2: the last value, after dividing by the season if there is a clear one."""
    if season == 1 or not is_seasonal(y, season):
        return last_value(y, season, horizon)
    kernel = np.r_[0.5, np.ones(season - 1), 0.5] / season
    trend = np.convolve(y, kernel, "valid")
    ratio, phase = y[season // 2 : -(season // 2)] / trend, np.arange(len(y)) % season
    inner = phase[season // 2 : -(season // 2)]
    index = np.array([ratio[inner == k].mean() for k in range(season)])
    index /= index.mean()
    following = (len(y) + np.arange(horizon)) % season
    return y[-1] / index[phase[-1]] * index[following]


def is_seasonal(y, season):
    """M4's test: the autocorrelation at one season, by its 90 % limit."""
    if len(y) < 3 * season:
        return False
    z = y - y.mean()
    r = np.array([z[k:] @ z[: len(z) - k] for k in range(1, season + 1)]) / (z @ z)
    return abs(r[-1]) > 1.645 / len(y) ** 0.5 * np.sqrt(1 + 2 * (r[:-1] ** 2).sum())


def summary(chosen, scores):
    """Means, the worst series, and differences with the intervals of both scopes."""
    means, worst = {}, {}
    for name, s in scores.items():
        means[name] = np.round(s.mean(axis=1), 4).tolist()
        ordered = np.sort(s[0])
        worst[name] = {
            "worst tenth": round(float(ordered[-len(ordered) // 10 :].mean()), 3),
            "worst": round(float(ordered[-1]), 3),
        }
    pairs = {}
    for a, b in [*PAIRS, (TIED, REML)]:
        if a in scores and b in scores:
            d = scores[a] - scores[b]
            pairs[f"{a} minus {b}"] = {
                "new series": interval(d[0]),
                "new series, all counted": interval(d[0], VERDICTS),
                "new series, four windows": interval(d.mean(axis=0)),
                "these series, new windows": interval(d.mean(axis=1)),
                "share better": round(float((d[0] < 0).mean()), 3),
            }
    return {"chosen": chosen, "mase": means, "worst": worst, "differences": pairs}


def interval(d, counted=1):
    """Mean difference and its t interval, by series or by windows."""
    half = stats.t.ppf(1 - 0.025 / counted, len(d) - 1) * d.std(ddof=1) / len(d) ** 0.5
    mean, half = round(float(d.mean()), 4), round(float(half), 4)
    return {"mean": mean, "low": round(mean - half, 4), "high": round(mean + half, 4)}
