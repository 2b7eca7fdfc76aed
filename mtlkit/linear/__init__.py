"""Multi-task linear models on ragged tasks."""

from ._empirical_bayes import EmpiricalBayesRidge
from ._mean_regularized import MeanRegularizedRidge
from ._moments import TaskMoments
from ._multi_task import MultiTaskLinearRegression, MultiTaskLogisticRegression
from ._path import regularization_path
from ._penalties import JointSupport, LowRank, Penalty, SharedMean
from ._relations import LearnedRelations, TaskGraph
from ._search_cv import MomentSearchCV

__all__ = [
    "EmpiricalBayesRidge",
    "JointSupport",
    "LearnedRelations",
    "LowRank",
    "MeanRegularizedRidge",
    "MomentSearchCV",
    "MultiTaskLinearRegression",
    "MultiTaskLogisticRegression",
    "Penalty",
    "SharedMean",
    "TaskGraph",
    "TaskMoments",
    "regularization_path",
]
