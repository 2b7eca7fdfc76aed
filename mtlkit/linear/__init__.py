"""Convex multi-task linear models on ragged tasks: one file an idea."""

from .mean import MeanRegularizedRidge
from .moments import TaskMoments

__all__ = ["MeanRegularizedRidge", "TaskMoments"]
