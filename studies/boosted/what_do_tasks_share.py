"""The two copies of *What do tasks share?*: four kinds of images of digits, thirty of each."""

from sklearn.linear_model import LogisticRegression

from mtlkit.baselines import FeatureAugmentation, PerTask, Pooled
from mtlkit.datasets import load_shifted_digits
from mtlkit.table import TaskStratifiedShuffleSplit


def cases():
    shifts = {"upright": None, "turned": ("rotation", 25)}
    shifts |= {"noisy": ("noise", 0.3), "blurred": ("blur", 1)}
    X, digit = load_shifted_digits(shifts, rows_per_task=200, random_state=0)
    kinds = {"alone": PerTask, "pooled": Pooled, "two copies": FeatureAugmentation}
    logistic = LogisticRegression(solver="liblinear")
    grid = {"estimator__C": [1, 10, 100]}
    return {
        "30 images": {
            "candidates": {k: (kind(logistic, task_col=0), grid) for k, kind in kinds.items()},
            "X": X,
            "y": (digit >= 5).astype(int),
            "budget": 3,
            "classify": True,
            "inner_cv": 3,
            "cv": TaskStratifiedShuffleSplit(
                10, train_size=30, test_size=100, task_col=0, random_state=0
            ),
        }
    }
