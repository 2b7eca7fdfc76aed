"""Many time series as one long table: fetched once, then kept."""

import csv

import numpy as np

from ._base import long_table
from ._fetched import local_file


def fetch_m4(frequency, *, data_home=None, download_if_missing=True, as_frame=False):
    """Fetch the weekly or hourly series of the M4 competition: 359 or 414 tasks.

    Parameters
    ----------
    frequency : {"weekly", "hourly"}
        Which series.
    data_home : str or path, default=None
        Directory that holds ``cases/m4_weekly-train.csv`` and its like. None: the environment
        variable ``MTLKIT_DATA``, else ``mtlkit`` in the system's cache folder.
    download_if_missing : bool, default=True
        If a file is not there, download it (weekly 4.1 MB, hourly 2.5 MB, needs ``mtlkit[data]``);
        False raises.
    as_frame : bool, default=False
        Return a DataFrame with the task in column "task" and a Series (needs pandas), in place of
        arrays with the task in column 0.

    Returns
    -------
    X : ndarray or DataFrame of shape (371579, 2) or (373372, 2)
        The task ("W1" to "W359", or "H1" to "H414") and "time", the steps since the end of the
        training part: 0 is its last value, and from 1 on (to 13 weeks, or 48 hours) follow the
        values that the competition tested. The rows of a task are in the order of time.
    y : ndarray or Series of shape (371579,) or (373372,)
        The values, in units of each series.

    Raises
    ------
    ValueError
        If `frequency` is neither of the two.
    OSError
        If a file is missing and may not or cannot be downloaded, or is not the expected one.
    ImportError
        If ``mtlkit[data]`` is needed to fetch, or pandas for `as_frame`, and is not installed.

    See Also
    --------
    mtlkit.table.TaskTimeSeriesSplit : Splits such a table by time.
    fetch_school : Many tasks without an order of rows.

    Notes
    -----
    Weekly series have 80 to 2597 values before the test, hourly ones 700 or 960. Series begin and
    end at different dates, so "time" is no calendar. The files are those of the organisers; the
    data belong to their owners, and mtlkit contains no copy.

    Taught in :doc:`/chapters/algorithms/many_series`.

    References
    ----------
    * S. Makridakis, E. Spiliotis and V. Assimakopoulos, "The M4 Competition: 100,000 time series
      and 61 forecasting methods", International Journal of Forecasting 36(1), 54-74, 2020.
    """
    if frequency not in ("weekly", "hourly"):
        raise ValueError(f"frequency={frequency!r} must be 'weekly' or 'hourly'")
    parts = []
    for part in ("train", "test"):
        name = f"cases/m4_{frequency}-{part}.csv"
        path = local_file(name, data_home, download_if_missing)
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.reader(file))[1:]
        parts.append({task: np.array([v for v in values if v], float) for task, *values in rows})
    train, test = parts
    tasks = {
        task: (np.arange(1.0 - len(past), 1 + len(test[task]))[:, None], np.r_[past, test[task]])
        for task, past in train.items()
    }
    return long_table(tasks, ["time"], "value", as_frame)
