"""mtlkit: scikit-learn estimators for single-task, multi-task and transfer learning on one table.

Import from the modules (``from mtlkit.table import stack_tasks``); nothing is re-exported here.
"""

__version__ = "0.1.0"
