"""The diabetes data by sex: a small real table that scikit-learn ships, made into two tasks."""

import numpy as np
from sklearn.datasets import load_diabetes

from ._base import long_table


def load_diabetes_by_sex(*, as_frame=False):
    """Load the diabetes data as two regression tasks, one for each value of its sex column.

    Parameters
    ----------
    as_frame : bool, default=False
        Return a DataFrame with the task in column "task" and a Series (needs pandas), in place of
        arrays with the task in column 0.

    Returns
    -------
    X : ndarray or DataFrame of shape (442, 10)
        The task ("sex 1", 235 rows, then "sex 2", 207 rows) and the nine other features in their
        own units: age in years, body mass index, blood pressure, six blood serum measurements.
        Scale them before a penalised fit.
    y : ndarray or Series of shape (442,)
        Disease progression one year after the measurements.

    Raises
    ------
    ImportError
        If `as_frame` is True and pandas is not installed.

    See Also
    --------
    fetch_school : Many more regression tasks of real data.
    make_linear_tasks : Regression tasks whose relation is known.

    Notes
    -----
    The data are scikit-learn's copy of Efron, Hastie, Johnstone and Tibshirani (2004), *Least
    angle regression*. The source codes sex as 1 and 2 and does not say which is which.

    Taught in :doc:`/chapters/algorithms/how_many_labels`.
    """
    data = load_diabetes(scaled=False)
    column = data.feature_names.index("sex")
    sex = data.data[:, column]
    features = np.delete(data.data, column, axis=1)
    tasks = {f"sex {code}": (features[sex == code], data.target[sex == code]) for code in (1, 2)}
    names = [name for name in data.feature_names if name != "sex"]
    return long_table(tasks, names, "progression", as_frame)
