"""What two pages draw of tables that they may not read: the schools and the minefields in numbers.

Needs the data of `fetch_school` and `fetch_landmine`. Of the schools: pupils, mean score and its
spread in each, and deciles of the scores in a few. Of the fields: how often a mine has a higher
value than clutter, feature by feature, in each field (the AUC of a single feature).
"""

import numpy as np
from sklearn.metrics import roc_auc_score

from mtlkit.datasets import fetch_landmine, fetch_school

from ._stored import write

DRAWN = 6  # schools of which deciles are stored, from the smallest to the largest


def of_schools():
    """Pupils, mean and standard deviation of each school, deciles of six."""
    X, y = fetch_school()
    school = X[:, 0].astype(int)
    pupils = np.bincount(school)
    scores = [y[school == t] for t in range(len(pupils))]
    places = np.linspace(0, len(pupils) - 1, DRAWN).round().astype(int)
    drawn = np.argsort(pupils, kind="stable")[places]
    tenths = np.linspace(0, 1, 11)
    return {
        "pupils": pupils.tolist(),
        "mean": [round(float(s.mean()), 2) for s in scores],
        "sd": [round(float(s.std(ddof=1)), 2) for s in scores],
        "drawn": drawn.tolist(),
        "deciles": [np.quantile(scores[t], tenths).round(1).tolist() for t in drawn],
    }


def of_fields():
    """The AUC of each single feature in each field."""
    X, y = fetch_landmine()
    field = X[:, 0].astype(int)
    rows = [field == t for t in range(field.max() + 1)]
    auc = [[roc_auc_score(y[r], x[r]) for x in X[:, 1:].T] for r in rows]
    return {"feature_auc": np.round(auc, 3).tolist()}


def run():
    """Measure and write ``tables.json``."""
    write(
        "tables",
        {
            "command": "python -m studies tables",
            "school": of_schools(),
            "landmine": of_fields(),
        },
    )
