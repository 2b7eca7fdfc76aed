"""Networks that share: one trunk, a head for each task, and how the losses are balanced."""

from ._estimators import MultiTaskMLPClassifier, MultiTaskMLPRegressor
from ._finetune import FineTuner
from ._mixed import MultiTaskMLP
from ._state import TrainedNetwork
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
    "TrainedNetwork",
    "UPGrad",
    "UncertaintyWeights",
    "Weighting",
]
