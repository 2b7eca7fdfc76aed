"""Transfer from source tasks to target tasks of one table."""

from .biased import BiasedRidge

__all__ = ["BiasedRidge"]
