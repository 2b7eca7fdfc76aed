"""Did sharing help? Candidates compared on paired splits, with equal budgets and intervals."""

from ._affinity import TaskAffinity, task_affinity
from ._compare import compare
from ._comparison import Comparison
from ._conformal import TaskConformalRegressor
from ._conformal_sets import TaskConformalClassifier
from ._intervals import Difference, Equivalence, equivalence_test, paired_difference, verdict
from ._label_saving import LabelSaving, label_saving
from ._plot import ComparisonDisplay
from ._table import ComparisonTable

__all__ = [
    "Comparison",
    "ComparisonDisplay",
    "ComparisonTable",
    "Difference",
    "Equivalence",
    "LabelSaving",
    "TaskAffinity",
    "TaskConformalClassifier",
    "TaskConformalRegressor",
    "compare",
    "equivalence_test",
    "label_saving",
    "paired_difference",
    "task_affinity",
    "verdict",
]
