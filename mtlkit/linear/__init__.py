"""Convex multi-task linear models on ragged tasks: one file an idea."""

from .augmentation import FeatureAugmentation
from .classifier import MultiTaskClassifier
from .mean import MeanRegularizedRidge
from .moments import TaskMoments
from .path import regularization_path
from .penalties import JointSupport, LearnedRelations, LowRank, Penalty, SharedMean, TaskGraph
from .regressor import MultiTaskRegressor

__all__ = [
    "FeatureAugmentation",
    "JointSupport",
    "LearnedRelations",
    "LowRank",
    "MeanRegularizedRidge",
    "MultiTaskClassifier",
    "MultiTaskRegressor",
    "Penalty",
    "SharedMean",
    "TaskGraph",
    "TaskMoments",
    "regularization_path",
]
