"""Transfer from source tasks to a target task of one table, and what differs between them."""

from .alignment import CORAL, SubspaceAlignment
from .biased import BiasedLogisticRegression, BiasedRidge
from .diagnosis import ShiftReport, diagnose_shift
from .forest import TransferForestClassifier, TransferForestRegressor
from .prior import PriorCorrection
from .ratios import KLIEP, DomainClassifier
from .tca import TCA
from .tradaboost import TrAdaBoostClassifier
from .weighting import ImportanceWeighted

__all__ = [
    "CORAL",
    "KLIEP",
    "TCA",
    "BiasedLogisticRegression",
    "BiasedRidge",
    "DomainClassifier",
    "ImportanceWeighted",
    "PriorCorrection",
    "ShiftReport",
    "SubspaceAlignment",
    "TrAdaBoostClassifier",
    "TransferForestClassifier",
    "TransferForestRegressor",
    "diagnose_shift",
]
