"""Networks that share: one trunk, a head for each task, and how the losses are balanced."""

from ._estimators import MultiTaskMLP, MultiTaskMLPClassifier, MultiTaskMLPRegressor
from ._finetune import FineTuner
from ._search import tune_training
from ._weighting import (
    DWA,
    MGDA,
    CAGrad,
    FixedWeights,
    GradNorm,
    PCGrad,
    RandomWeights,
    UncertaintyWeights,
    UPGrad,
    Weighting,
)

__all__ = [
    "DWA",
    "MGDA",
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
    "Weighting",
    "tune_training",
]
