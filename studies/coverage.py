"""How often 95 % intervals hold the true difference, by scope, design and kind of table.

Tables are drawn anew from a known population, as are the tasks where these are the sample. Two
ridge regressions are compared, one per task and one pooled, by the intervals of mtlkit.evaluation;
the truth is the mean difference over many further tables.
"""

from typing import NamedTuple

import numpy as np
from joblib import Parallel, delayed
from sklearn.linear_model import Ridge
from sklearn.metrics import get_scorer

from mtlkit.evaluation._designs import Parts, error_of_mean
from mtlkit.evaluation._influence import row_values
from mtlkit.evaluation._intervals import interval

from ._stored import write

FEATURES, SPLITS, TABLES, FURTHER, SEED = 5, 20, 300, 2000, 0
RIDGE = Ridge(fit_intercept=False)  # what `difference` solves for
NOISE = 2.0  # standard deviation, beside slopes of about 1.6 in all


class Population(NamedTuple):
    """What tables are drawn from, and how they are split."""

    tasks: int
    rows: int  # per task
    trained: int  # of these, in each split
    score: str  # "r2" or "accuracy"
    heavy: bool  # noise of Student's t with 3 degrees of freedom, else normal
    new_tasks: bool = False  # tasks are drawn with the table, else they are the same in all

    def draw(self, rng):
        """A table: features (T, n, d) and targets (T, n), numbers or ±1."""
        tasks = rng if self.new_tasks else np.random.default_rng(7)
        slopes = 0.7 + 0.4 * tasks.standard_normal((self.tasks, FEATURES))
        X = rng.standard_normal((self.tasks, self.rows, FEATURES))
        noise = rng.standard_normal(X.shape[:2])
        if self.heavy:
            noise = rng.standard_t(3, X.shape[:2]) / np.sqrt(3)
        y = np.einsum("tnd,td->tn", X, slopes) + NOISE * noise
        return X, y if self.score == "r2" else np.where(y > 0, 1.0, -1.0)

    def splits(self, rng, J):
        """Training and test rows of each task, (T, n) row numbers."""
        for _ in range(J):
            order = rng.random((self.tasks, self.rows)).argsort(axis=1)
            order += self.rows * np.arange(self.tasks)[:, None]
            yield order[:, : self.trained], order[:, self.trained :]


def difference(population, X, y, train, test):
    """Pooled minus per task on one split, and the influence of each test row on that."""
    d, T = X.shape[-1], population.tasks
    X, y = X.reshape(-1, d), y.ravel()
    own, labels = X[train], y[train]
    A, b = np.einsum("tnd,tne->tde", own, own), np.einsum("tnd,tn->td", own, labels)
    alone = np.linalg.solve(A + np.eye(d), b[..., None])[..., 0]
    pooled = np.tile(np.linalg.solve(A.sum(axis=0) + np.eye(d), b.sum(axis=0)), (T, 1))
    found, truth, scorer = [], y[test].ravel(), get_scorer(population.score)
    for W in (pooled, alone):
        predicted = np.einsum("tnd,td->tn", X[test], W).ravel()
        if population.score == "accuracy":
            predicted = np.where(predicted > 0, 1.0, -1.0)
        values = row_values(scorer, truth, predicted, np.ones(len(truth)))
        found.append((values.mean(), (values - values.mean()) / len(values)))
    (a, moved_a), (b, moved_b) = found
    return a - b, moved_a - moved_b


def true_difference(population, further=FURTHER, seed=SEED):
    """The mean over tables that are not looked at again."""
    rng = np.random.default_rng([seed, 1])
    found = []
    for _ in range(further):
        X, y = population.draw(rng)
        ((train, test),) = population.splits(rng, 1)
        found.append(difference(population, X, y, train, test)[0])
    return np.mean(found)


def measured(population, X, y, splits):
    """On one table: differences (J,), influences (J, rows), and how rows are divided."""
    T, n = population.tasks, population.rows
    d, moved = np.empty(len(splits)), np.zeros((len(splits), T * n))
    for j, (train, test) in enumerate(splits):
        by_task = train.reshape(T, -1), test.reshape(T, -1)
        d[j], moved[j, test] = difference(population, X, y, *by_task)
    rows = np.arange(T * n)
    return d, moved, Parts.of_splits(splits, rows, np.repeat(np.arange(T), n), rows)


def covered(population, scope, tables=TABLES, further=FURTHER, seed=SEED):
    """Share of tables whose interval holds the truth, and the mean half width of intervals."""
    truth, rng = true_difference(population, further, seed), np.random.default_rng([seed, 2])
    held, widths = 0, []
    for _ in range(tables):
        X, y = population.draw(rng)
        splits = [tuple(part.ravel() for part in s) for s in population.splits(rng, SPLITS)]
        d, moved, parts = measured(population, X, y, splits)
        about = truth
        if scope == "these rows":  # the mean over further splits of this very table
            again = population.splits(rng, 400)
            about = np.mean([difference(population, X, y, *split)[0] for split in again])
        error = error_of_mean(d, scope, parts, moved)
        found = interval(d, error.error, error.df, 0.95, scope)
        held += found.low <= about <= found.high
        widths.append((found.high - found.low) / 2)
    return held / tables, float(np.mean(widths))


def populations():
    """Every combination that the table of the page has, with its scopes."""
    for tasks in (2, 10, 50):
        for rows, trained in ((40, 30), (100, 80), (60, 30), (100, 10)):
            for score, heavy in (("r2", False), ("r2", True), ("accuracy", False)):
                yield Population(tasks, rows, trained, score, heavy), "new rows"
                if rows != 60:
                    yield Population(tasks, rows, trained, score, heavy, True), "new tasks"
        yield Population(tasks, 100, 80, "r2", False), "these rows"
        yield Population(tasks, 100, 10, "r2", False), "these rows"


def run():
    """Measure and write ``coverage.json``."""
    cases = list(populations())
    found = Parallel(n_jobs=2)(delayed(covered)(*case) for case in cases)
    rows = [
        {**population._asdict(), "scope": scope, "coverage": share, "half_width": width}
        for (population, scope), (share, width) in zip(cases, found, strict=True)
    ]
    result = {"command": "python -m studies coverage", "splits": SPLITS, "tables": TABLES}
    result |= {"further_tables": FURTHER, "noise": NOISE, "seed": SEED, "rows": rows}
    write("coverage", result)
