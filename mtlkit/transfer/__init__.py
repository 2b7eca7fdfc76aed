"""Transfer from source tasks to a target task of one table, and what differs between them."""

from .biased import BiasedLogisticRegression, BiasedRidge
from .diagnosis import ShiftReport, diagnose_shift
from .prior import PriorCorrection

__all__ = [
    "BiasedLogisticRegression",
    "BiasedRidge",
    "PriorCorrection",
    "ShiftReport",
    "diagnose_shift",
]
