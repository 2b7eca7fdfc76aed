"""`EmpiricalBayesRidge` beside statsmodels' MixedLM: the same mixed model to the same criterion.

The same work: random intercepts, or intercepts and slopes, of T tasks of unequal size, fitted by
restricted likelihood from rows that both have in memory. MixedLM runs with the first of its
optimisers that reaches our criterion, at its own tolerances. How far the criteria are apart is a
column of the result. There is no row for lme4: published times that we found are of crossed effects
or of three groups, on machines of their own.
"""

import json
import warnings

import numpy as np

from mtlkit.linear import EmpiricalBayesRidge

from .linear import RESULTS
from .peers import REPEATS, SEED, Study, seconds

SAME = 1e-6  # relative difference of the criteria
OPTIMISERS = ("bfgs", "lbfgs", "cg", "powell")
SIZES = {"T": [30, 300], "rows": (5, 35), "d": 3}
KINDS = {"random intercepts": None, "random intercepts and slopes": "all"}


def table(T):
    """The long table with the task in column 0, standardised features, and y."""
    rng = np.random.default_rng(SEED)
    task = np.repeat(np.arange(T), rng.integers(*SIZES["rows"], T))
    F = rng.normal(size=(len(task), SIZES["d"]))
    F = (F - F.mean(axis=0)) / F.std(axis=0)  # theirs needs it
    effects = rng.normal(size=(T, 1 + SIZES["d"])) * [1.0, 0.5, 0.5, 0.5]
    y = 1 + F.sum(axis=1) + effects[task, 0] + (F * effects[task, 1:]).sum(axis=1)
    return np.column_stack([task, F]), y + rng.normal(size=len(task))


def theirs(X, y, slopes, method):
    """A call that fits MixedLM."""
    fixed = np.column_stack([np.ones(len(X)), X[:, 1:]])
    random = fixed if slopes else fixed[:, :1]

    def call():
        from statsmodels.regression.mixed_linear_model import MixedLM

        model = MixedLM(y, fixed, groups=X[:, 0], exog_re=random)
        return model.fit(reml=True, method=method)

    return call


def contest(study, T, kind):
    """Time both on T tasks; MixedLM by the first optimiser that ends at our criterion."""
    X, y = table(T)
    model, setting = EmpiricalBayesRidge(KINDS[kind], task_col=0), f"{T} tasks, {kind}"
    value = model.fit(X, y).reml_criterion_
    for method in OPTIMISERS:
        call = theirs(X, y, KINDS[kind], method)
        apart = -2 * call().llf / value - 1
        if abs(apart) < SAME:
            times = seconds([lambda: model.fit(X, y), call], REPEATS)
            study.add("mixed model", setting, f"MixedLM, {method}", *times, 1, apart)
            return
    study.skipped[f"MixedLM, {setting}"] = f"its criterion is {apart:.1g} off"


def run():
    """Measure and write ``mixed.json``."""
    warnings.simplefilter("ignore")  # MixedLM of steps that failed: its criterion tells
    study = Study()
    if study.peer("statsmodels"):
        for T in SIZES["T"]:
            for kind in KINDS:
                contest(study, T, kind)
    result = {
        "command": "python -m benchmarks mixed",
        "clock": f"processor seconds, one thread, median of {REPEATS} repeats",
        "same_criterion": SAME,
        "versions": study.versions,
        "sizes": SIZES,
        "skipped": study.skipped,
        "rows": study.rows,
    }
    (RESULTS / "mixed.json").write_text(json.dumps(result, indent=1) + "\n")
