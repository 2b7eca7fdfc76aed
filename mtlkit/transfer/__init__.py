"""Transfer from source tasks to a target task of one table, and what differs between them."""

from ._alignment import CORAL, SubspaceAlignment
from ._biased import BiasedRidge
from ._biased_logistic import BiasedLogisticRegression
from ._prior import PriorCorrection
from ._ratios import KLIEP, ClassifierRatio
from ._shift import ShiftReport, diagnose_shift
from ._tca import TCA
from ._tradaboost import TrAdaBoostClassifier
from ._weighting import ImportanceWeighted
from .forest._estimators import TransferForestClassifier
from .forest._tree import Tree

__all__ = [
    "CORAL",
    "KLIEP",
    "TCA",
    "BiasedLogisticRegression",
    "BiasedRidge",
    "ClassifierRatio",
    "ImportanceWeighted",
    "PriorCorrection",
    "ShiftReport",
    "SubspaceAlignment",
    "TrAdaBoostClassifier",
    "TransferForestClassifier",
    "Tree",
    "diagnose_shift",
]
