"""Tables of two worked cases, stores and hospitals: fetched once, then kept."""

from datetime import date

import numpy as np

from ._base import number, table_of_rows
from ._fetched import local_file

# Our names of the features, with the columns of the files. A pair is a column and the text in it
# that counts as 1; where the file has no text, the value is missing.
STORES = {
    "holiday": "Holiday_Flag", "temperature": "Temperature", "fuel price": "Fuel_Price",
    "consumer prices": "CPI", "unemployment": "Unemployment",
}  # fmt: skip
HEART = {
    "age": "age", "male": ("sex", "Male"), "typical angina": ("cp", "typical angina"),
    "atypical angina": ("cp", "atypical angina"), "other pain": ("cp", "non-anginal"),
    "pressure": "trestbps", "cholesterol": "chol", "high sugar": ("fbs", "TRUE"),
    "ST-T at rest": ("restecg", "st-t abnormality"), "hypertrophy": ("restecg", "lv hypertrophy"),
    "heart rate": "thalch", "exercise angina": ("exang", "TRUE"), "ST depression": "oldpeak",
    "flat slope": ("slope", "flat"), "falling slope": ("slope", "downsloping"), "vessels": "ca",
    "fixed defect": ("thal", "fixed defect"), "reversible defect": ("thal", "reversable defect"),
}  # fmt: skip


def fetch_stores(*, data_home=None, download_if_missing=True, as_frame=False):
    """Fetch the weekly sales of 45 stores in 143 weeks: 45 regression tasks.

    Parameters
    ----------
    data_home : str or path, default=None
        Directory that holds ``cases/walmart_weekly.csv``. None: the environment variable
        ``MTLKIT_DATA``, else ``mtlkit`` in the system's cache folder.
    download_if_missing : bool, default=True
        If the file is not there, download it (0.4 MB, needs ``mtlkit[data]``); False raises.
    as_frame : bool, default=False
        Return a DataFrame with the task in column "task" and a Series (needs pandas), in place of
        arrays with the task in column 0.

    Returns
    -------
    X : ndarray or DataFrame of shape (6430, 7)
        The task ("store 1" to "store 45", in the order of time) and six features: "week" (0 ends on
        Friday, 5 February 2010, and 142 on 26 October 2012), "holiday" (1 in four marked weeks of a
        year), and, for the region of the store, "temperature" (degrees Fahrenheit), "fuel price",
        "consumer prices" (an index) and "unemployment" (per cent).
    y : ndarray or Series of shape (6430,)
        Sales of the week, 0.21 to 3.8 million; the file names no currency.

    Raises
    ------
    OSError
        If the file is missing and may not or cannot be downloaded, or is not the expected one.
    ImportError
        If ``mtlkit[data]`` is needed to fetch, or pandas for `as_frame`, and is not installed.

    See Also
    --------
    fetch_m4 : Series that begin and end at different dates.
    mtlkit.table.TaskTimeSeriesSplit : Splits such a table by time.

    Notes
    -----
    Sums over departments of the sales that Walmart published for a recruiting competition on Kaggle
    in 2014. This copy lacks five of the 45 times 143 rows: stores 8, 11, 12, 13 and 29 have a hole
    of one week, that of store 13 at Christmas 2010. The data belong to their owners, and mtlkit
    contains no copy.

    Taught in :doc:`/chapters/code/stores`.
    """
    first = date(2010, 2, 5)

    def read(row):
        day, month, year = map(int, row["Date"].split("-"))
        week = (date(year, month, day) - first).days // 7
        numbers = [number(row, column) for column in STORES.values()]
        return [f"store {row['Store']}", week, *numbers, float(row["Weekly_Sales"])]

    path = local_file("cases/walmart_weekly.csv", data_home, download_if_missing)
    return table_of_rows(path, read, ["week", *STORES], "sales", as_frame)


def fetch_heart(*, data_home=None, download_if_missing=True, as_frame=False):
    """Fetch 920 patients of four hospitals, heart disease or not: 4 binary tasks with holes.

    Parameters
    ----------
    data_home : str or path, default=None
        Directory that holds ``cases/heart_disease_uci.csv``. None: the environment variable
        ``MTLKIT_DATA``, else ``mtlkit`` in the system's cache folder.
    download_if_missing : bool, default=True
        If the file is not there, download it (76 kB, needs ``mtlkit[data]``); False raises.
    as_frame : bool, default=False
        Return a DataFrame with the task in column "task" and a Series (needs pandas), in place of
        arrays with the task in column 0.

    Returns
    -------
    X : ndarray or DataFrame of shape (920, 19)
        The task ("Cleveland", "Hungary", "Switzerland", "VA Long Beach": 303, 294, 123 and 200
        patients) and eighteen features, NaN where nothing was measured: "age"; "male"; "typical
        angina", "atypical angina" and "other pain" (all 0: no pain); "pressure" (of the blood, at
        rest), "cholesterol", "high sugar"; "ST-T at rest" and "hypertrophy" (both 0: a normal
        electrocardiogram); of the exercise test "heart rate", "exercise angina", "ST depression",
        "flat slope" and "falling slope" (both 0: rising); "vessels" (of three, coloured by
        fluoroscopy), "fixed defect" and "reversible defect" (both 0: normal blood flow).
    y : ndarray or Series of shape (920,)
        1 for heart disease (509 patients), 0 for none.

    Raises
    ------
    OSError
        If the file is missing and may not or cannot be downloaded, or is not the expected one.
    ImportError
        If ``mtlkit[data]`` is needed to fetch, or pandas for `as_frame`, and is not installed.

    See Also
    --------
    load_cancer_domains : Two domains that ship with scikit-learn, without holes.
    mtlkit.table.PrivateColumns : Keeps columns that only some tasks have.

    Notes
    -----
    The file writes some holes as numbers: a cholesterol of 0 for all patients of Switzerland and 49
    of Long Beach, a pressure of 0 for one. They are NaN here. And it counts one patient to
    Cleveland who has the holes of Hungary, whose 294 patients would be 293 without this one; here
    the patient is in Hungary.

    Collected by A. Janosi (Budapest), W. Steinbrunn (Zurich), M. Pfisterer (Basel) and R. Detrano
    (Long Beach and Cleveland). mtlkit contains no copy.

    Taught in :doc:`/chapters/code/hospitals`.

    References
    ----------
    * R. Detrano et al., "International application of a new probability algorithm for the diagnosis
      of coronary artery disease", American Journal of Cardiology 64(5), 304-310, 1989.
    """

    def read(row):
        moved = row["dataset"] == "Cleveland" and not (row["slope"] or row["ca"] or row["thal"])
        numbers = [number(row, column) for column in HEART.values()]
        for name in ("pressure", "cholesterol"):  # nobody alive has 0
            k = list(HEART).index(name)
            numbers[k] = numbers[k] or np.nan
        return ["Hungary" if moved else row["dataset"], *numbers, float(row["num"]) > 0]

    path = local_file("cases/heart_disease_uci.csv", data_home, download_if_missing)
    return table_of_rows(path, read, HEART, "sick", as_frame)
