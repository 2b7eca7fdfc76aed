"""Any scikit-learn estimator on the table: one per task, one for all, augmented features."""

from ._augmentation import FeatureAugmentation
from ._per_task import PerTask
from ._pooled import Pooled

__all__ = ["FeatureAugmentation", "PerTask", "Pooled"]
