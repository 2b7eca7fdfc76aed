"""All ten digits at once, of *Which tasks belong together?*: fifteen turned images of each."""

import numpy as np
from sklearn.linear_model import Ridge

from mtlkit.baselines import PerTask, Pooled
from mtlkit.datasets import load_digit_angles
from mtlkit.linear import MeanRegularizedRidge
from mtlkit.table import TaskStratifiedShuffleSplit


def cases():
    images, angle = load_digit_angles(rows_per_task=170, random_state=0)
    place = np.arange(len(angle)) % 170
    first = (place >= 40) & (place < 105)
    strengths = {"estimator__alpha": [0.1, 0.3, 1, 3]}
    tied = MeanRegularizedRidge(couple_intercept=False, task_col=0)
    return {
        "15 images": {
            "candidates": {
                "alone": (PerTask(Ridge(), task_col=0), strengths),
                "pooled": (Pooled(Ridge(), task_col=0), strengths),
                "together": (tied, {"alpha": [0.1, 0.3], "coupling": [1, 10]}),
            },
            "X": images[first],
            "y": angle[first],
            "budget": 4,
            "classify": False,
            "average": "macro",
            "inner_cv": 3,
            "cv": TaskStratifiedShuffleSplit(
                10, train_size=15, test_size=20, task_col=0, random_state=0
            ),
        }
    }
