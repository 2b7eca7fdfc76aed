"""The curve of *How many labels until sharing stops paying?*: diabetes, 10 to 100 of each sex."""

from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler

from mtlkit.baselines import PerTask, Pooled
from mtlkit.datasets import load_diabetes_by_sex
from mtlkit.linear import MeanRegularizedRidge
from mtlkit.table import TaskStratifiedShuffleSplit, shared


def cases():
    X, y = load_diabetes_by_sex()
    X = shared(StandardScaler(), task_col=0).fit_transform(X)
    wide = {"estimator__alpha": [1, 5, 25, 125]}
    candidates = {
        "alone": (PerTask(Ridge(), task_col=0), wide),
        "pooled": (Pooled(Ridge(), task_col=0, task_as_input=True), wide),
        "tied": (MeanRegularizedRidge(task_col=0), {"alpha": [5, 25], "coupling": [1, 10]}),
    }
    common = {"candidates": candidates, "X": X, "y": y, "budget": 4, "classify": False}
    return {
        f"{n} labels": common
        | {
            "inner_cv": 3,
            "cv": TaskStratifiedShuffleSplit(
                20, train_size=n, test_size=100, task_col=0, random_state=0
            ),
        }
        for n in (10, 20, 40, 100)
    }
