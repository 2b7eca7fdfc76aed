"""Which of the four settings an estimator belongs to."""

from sklearn.pipeline import Pipeline

from .baselines import PerTask, Pooled


def setting_of(estimator):
    """How an estimator uses the tasks: one of the four settings.

    Parameters
    ----------
    estimator : estimator
        Of a Pipeline, the last step decides.

    Returns
    -------
    {"single-task", "pooled", "transfer", "multi-task"}
        "single-task" for `PerTask`, "pooled" for `Pooled`, "transfer" for what is defined in
        `mtlkit.transfer` and for `FineTuner`, and "multi-task" for anything else: wrap a plain
        scikit-learn estimator in `PerTask` or `Pooled`, so that it is called what it is.
    """
    estimator = last_step(estimator)
    if isinstance(estimator, PerTask):
        return "single-task"
    if isinstance(estimator, Pooled):
        return "pooled"
    if type(estimator).__module__.startswith(("mtlkit.transfer.", "mtlkit.neural.finetune")):
        return "transfer"
    return "multi-task"


def last_step(estimator):
    """The estimator at the end of a Pipeline, or the estimator itself."""
    while isinstance(estimator, Pipeline):
        estimator = estimator.steps[-1][1]
    return estimator
