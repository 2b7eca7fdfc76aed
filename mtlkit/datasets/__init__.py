"""Data sets of the book, real and simulated: loaders that return one long table.

What belongs in this package: functions that return ``(X, y)`` with the task in a column of
``X``; molecules, which are no numbers yet, come as text with a column of labels per task. Real data
of the ``load_`` functions ship with scikit-learn; only the ``fetch_`` functions download, once.

With ``as_frame=False`` (the default) ``X`` is a float array whose column 0 holds the task as
0, 1, 2 ... in the order each docstring gives: use ``task_col=0``. With ``as_frame=True`` ``X`` is
a DataFrame, the task is its column ``"task"``, and ``y`` is a Series.

Wherever there is a `random_state`, the same integer gives the same numbers on every machine.
"""

from ._assays import fetch_tox21
from ._cancer import load_cancer_domains
from ._cases import fetch_heart, fetch_stores
from ._classics import fetch_chem97, fetch_exam, fetch_hsb82, fetch_radon, fetch_sleepstudy
from ._diabetes import load_diabetes_by_sex
from ._digits import QUESTIONS, load_digit_angles, load_digit_tasks, load_shifted_digits
from ._fetched import fetch_landmine, fetch_school
from ._series import fetch_m4
from ._simulated import make_linear_tasks

__all__ = [
    "QUESTIONS",
    "fetch_chem97",
    "fetch_exam",
    "fetch_heart",
    "fetch_hsb82",
    "fetch_landmine",
    "fetch_m4",
    "fetch_radon",
    "fetch_school",
    "fetch_sleepstudy",
    "fetch_stores",
    "fetch_tox21",
    "load_cancer_domains",
    "load_diabetes_by_sex",
    "load_digit_angles",
    "load_digit_tasks",
    "load_shifted_digits",
    "make_linear_tasks",
]
