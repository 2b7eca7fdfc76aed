"""mtlkit: scikit-learn estimators for single-task, multi-task and transfer learning on one table.

Submodules load when they are first used: ``import mtlkit; mtlkit.linear.MeanRegularizedRidge``.
"""

import importlib
from importlib.metadata import version

__version__ = version("mtlkit")

__all__ = [
    "baselines",
    "datasets",
    "evaluation",
    "linear",
    "neural",
    "plotting",
    "scale",
    "table",
    "transfer",
]


def __dir__():
    return [*__all__, "__version__"]


def __getattr__(name):
    if name in __all__:
        return importlib.import_module(f"mtlkit.{name}")
    raise AttributeError(f"module 'mtlkit' has no attribute {name!r}")
