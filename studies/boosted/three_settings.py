"""The two comparisons of *Alone, together or borrowed*: turned digits, 20 and 80 images each."""

from sklearn.linear_model import Ridge

from mtlkit import linear, transfer
from mtlkit.baselines import PerTask, Pooled
from mtlkit.datasets import load_digit_angles
from mtlkit.table import TaskStratifiedShuffleSplit


def cases():
    X, y = load_digit_angles()
    digits = [d for d in range(10) if d != 3]
    strengths = [0.1, 0.3, 1, 3]
    candidates = {
        "alone": (PerTask(Ridge(), task_col=0), {"estimator__alpha": strengths}),
        "pooled": (Pooled(Ridge(), task_col=0), {"estimator__alpha": strengths}),
        "together": (
            linear.MeanRegularizedRidge(task_col=0),
            {"alpha": [0.1], "coupling": [3, 10, 30, 100]},
        ),
        "from digit 3": (
            transfer.BiasedRidge(source=3, task_col=0),
            {"alpha": strengths},
        ),
    }
    common = {"candidates": candidates, "X": X, "y": y, "budget": 4, "classify": False}
    return {
        f"{rows} images": common
        | {
            "tasks": digits,
            "inner_cv": 3,
            "cv": TaskStratifiedShuffleSplit(
                20,
                train_size={3: 120, **dict.fromkeys(digits, rows)},
                test_size=50,
                task_col=0,
                random_state=0,
            ),
        }
        for rows in (20, 80)
    }
