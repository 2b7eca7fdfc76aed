"""Parts of the study of the schools: the published figures, the table, models with no tuning."""

import numpy as np
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression
from sklearn.svm import SVR

from mtlkit.baselines import PerTask
from mtlkit.evaluation import paired_difference

PUBLISHED = {
    "rows": [
        {
            "name": "printed, together",
            "explained": 34.3,
            "plus_minus": 0.3,
            "method": "support vector regression, tied to the mean of the schools",
            "source": "Evgeniou and Pontil (2004), table 3",
        },
        {
            "name": "printed, clusters",
            "explained": 29.5,
            "plus_minus": 0.4,
            "method": "clusters of schools, Bayesian",
            "source": "Bakker and Heskes (2003), as printed in the same table",
        },
        {
            "name": "printed, alone",
            "explained": 11.9,
            "plus_minus": 0.5,
            "method": "one support vector regression per school",
            "source": "Evgeniou and Pontil (2004), table 3",
        },
    ],
    "warning": "Read second hand, in a summary of table 3 of Evgeniou and Pontil (2004), not in "
    "the paper. Whether ± is a standard deviation or a standard error was not seen. Their ten "
    "splits are not ours, and they may have prepared the features in another way.",
}
PAIRS = [("tied", "alone"), ("tied", "pooled"), ("pooled", "alone")]


def untuned(X, y, splits, scores):
    """Models per school with nothing chosen, to place the published single-task figure."""
    models = {
        "mean of the school": PerTask(DummyRegressor(), task_col=0),
        "least squares per school": PerTask(LinearRegression(), task_col=0),
    }
    for C in (0.01, 0.1, 1.0, 10.0):
        machine = SVR(kernel="linear", C=C)
        models[f"support vectors per school, C = {C:g}"] = PerTask(machine, task_col=0)
    squares = {}
    for name, model in models.items():
        squares[name] = []
        for train, test in splits:
            error = (y[test] - model.fit(X[train], y[train]).predict(X[test])) ** 2
            squares[name].append(np.bincount(X[test, 0].astype(int), error))
        squares[name] = np.array(squares[name])
    return scores(squares, X, y, splits)


def describe(X, y):
    """The table in numbers, for a page that may not read it."""
    school = X[:, 0].astype(int)
    rows = np.bincount(school)
    means = np.bincount(school, y) / rows
    constant = [(np.ptp(X[school == t, 1:], axis=0) == 0).sum() for t in range(len(rows))]
    return {
        "schools": len(rows),
        "rows": len(y),
        "features": X.shape[1] - 1,
        "rows_per_school": [int(q) for q in np.quantile(rows, [0, 0.25, 0.5, 0.75, 1])],
        "constant_features_per_school": [int(q) for q in np.quantile(constant, [0, 0.5, 1])],
        "score_range": [int(y.min()), int(y.max())],
        "score_mean": round(y.mean(), 2),
        "score_sd": round(y.std(), 2),
        "school_mean_range": [round(means.min(), 1), round(means.max(), 1)],
        "between_share": round(float((rows * (means - y.mean()) ** 2).sum() / y.var() / len(y)), 4),
    }


def each_school(squares, train, test):
    """RMSE of each school, mean over splits, and differences with intervals for new rows."""
    rmse = {name: np.sqrt(value / test) for name, value in squares.items()}
    differences = {}
    for name, baseline in PAIRS:
        found = [
            paired_difference(rmse[name][:, t], rmse[baseline][:, t], corrected=(n, m))
            for t, (n, m) in enumerate(zip(train[0], test[0], strict=True))
        ]
        differences[f"{name} - {baseline}"] = {
            key: [round(getattr(d, key), 3) for d in found] for key in ("mean", "low", "high")
        }
    return {
        "train_rows": train[0].tolist(),
        "test_rows": test[0].tolist(),
        "rmse": {name: value.mean(axis=0).round(3).tolist() for name, value in rmse.items()},
        "differences": differences,
    }


def by_size(squares, train, test):
    """RMSE of five groups of schools by number of training rows; intervals are for new rows."""
    train, test = train[0], test[0]
    result = []
    for group in np.array_split(np.argsort(train, kind="stable"), 5):
        rmse = {
            name: np.sqrt(value[:, group].sum(axis=1) / test[group].sum())
            for name, value in squares.items()
        }
        rows = train[group].sum(), test[group].sum()
        gains = {}
        for name, baseline in PAIRS:
            found = paired_difference(rmse[baseline], rmse[name], corrected=rows)
            gains[f"{name} - {baseline}"] = [
                round(float(value), 4) for value in (found.mean, found.low, found.high)
            ]
        result.append(
            {
                "schools": len(group),
                "train_rows": [int(train[group].min()), int(train[group].max())],
                "rmse": {name: round(float(value.mean()), 3) for name, value in rmse.items()},
                "gain": gains,
            }
        )
    return result
