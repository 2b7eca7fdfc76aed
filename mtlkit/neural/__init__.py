"""Networks that share: one trunk, a head for each task, and how the losses are balanced."""

from .balance import (
    DWA,
    MGDA,
    Balance,
    CAGrad,
    FixedWeights,
    GradNorm,
    PCGrad,
    RandomWeights,
    UncertaintyWeights,
    UPGrad,
)
from .estimators import MultiTaskMLP, MultiTaskMLPClassifier, MultiTaskMLPRegressor
from .finetune import FineTuner
from .search import tune_training

__all__ = [
    "DWA",
    "MGDA",
    "Balance",
    "CAGrad",
    "FineTuner",
    "FixedWeights",
    "GradNorm",
    "MultiTaskMLP",
    "MultiTaskMLPClassifier",
    "MultiTaskMLPRegressor",
    "PCGrad",
    "RandomWeights",
    "UPGrad",
    "UncertaintyWeights",
    "tune_training",
]
