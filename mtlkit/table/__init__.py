"""The data convention: one long table, one row per observation, the task is a column."""

from ._private import PrivateColumns
from ._reading import read_table
from ._splits import TaskStratifiedKFold, TaskStratifiedShuffleSplit
from ._stacking import split_tasks, stack_tasks
from ._stacking_targets import stack_targets
from ._target_splits import LeaveTasksOut, TargetKFold
from ._time_splits import TaskTimeSeriesSplit
from ._transformer import TaskTransformer, per_task, shared

__all__ = [
    "LeaveTasksOut",
    "PrivateColumns",
    "TargetKFold",
    "TaskStratifiedKFold",
    "TaskStratifiedShuffleSplit",
    "TaskTimeSeriesSplit",
    "TaskTransformer",
    "per_task",
    "read_table",
    "shared",
    "split_tasks",
    "stack_targets",
    "stack_tasks",
]
