"""Small real tables that scikit-learn ships, made into tasks: iris and cancer, diabetes by sex."""

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris

from ._base import long_table


def load_iris_and_cancer(*, as_frame=False):
    """Load iris and breast cancer as two classification tasks with no feature in common.

    Parameters
    ----------
    as_frame : bool, default=False
        Return a DataFrame with the task in column "task" and a Series (needs pandas), in place of
        arrays with the task in column 0.

    Returns
    -------
    X : ndarray or DataFrame of shape (719, 35)
        The task ("iris", 150 rows, then "cancer", 569 rows), the 4 columns of iris and the 30 of
        breast cancer. Where a task has no such feature the entry is NaN.
    y : ndarray or Series of shape (719,)
        Class labels as strings: "setosa", "versicolor", "virginica"; "malignant", "benign".

    Notes
    -----
    The data are scikit-learn's copies of Fisher (1936), *The use of multiple measurements in
    taxonomic problems*, and Street, Wolberg and Mangasarian (1993), *Nuclear feature extraction
    for breast tumor diagnosis*.
    """
    iris, cancer = load_iris(), load_breast_cancer()
    n_iris, n_cancer = iris.data.shape[1], cancer.data.shape[1]
    tasks = {
        "iris": (
            np.pad(iris.data, [(0, 0), (0, n_cancer)], constant_values=np.nan),
            iris.target_names[iris.target],
        ),
        "cancer": (
            np.pad(cancer.data, [(0, 0), (n_iris, 0)], constant_values=np.nan),
            cancer.target_names[cancer.target],
        ),
    }
    return long_table(tasks, [*iris.feature_names, *cancer.feature_names], "label", as_frame)


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

    Notes
    -----
    The data are scikit-learn's copy of Efron, Hastie, Johnstone and Tibshirani (2004), *Least
    angle regression*. The source codes sex as 1 and 2 and does not say which is which.
    """
    data = load_diabetes(scaled=False)
    column = data.feature_names.index("sex")
    sex = data.data[:, column]
    features = np.delete(data.data, column, axis=1)
    tasks = {f"sex {code}": (features[sex == code], data.target[sex == code]) for code in (1, 2)}
    names = [name for name in data.feature_names if name != "sex"]
    return long_table(tasks, names, "progression", as_frame)
