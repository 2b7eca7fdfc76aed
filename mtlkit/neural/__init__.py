"""Networks that share: one trunk, a head for each task, and how the losses are balanced."""

from ._aggregation import MGDA, CAGrad, PCGrad, UPGrad
from ._estimators import MultiTaskMLPClassifier, MultiTaskMLPRegressor
from ._finetune import FineTuner
from ._mixed import MultiTaskMLP
from ._state import TrainedNetwork
from ._weighting import (
    DWA,
    FixedWeights,
    GradNorm,
    RandomWeights,
    UncertaintyWeights,
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
