"""Two classics of mixed models: fetched once, then kept."""

import csv

import numpy as np

from ._base import long_table
from ._fetched import local_file


def fetch_radon(*, data_home=None, download_if_missing=True, as_frame=False):
    """Fetch the radon in 919 houses of 85 counties of Minnesota: 85 regression tasks.

    Parameters
    ----------
    data_home : str or path, default=None
        Directory that holds ``cases/radon.csv``. None: the environment variable
        ``MTLKIT_DATA``, else ``mtlkit`` in scikit-learn's data directory.
    download_if_missing : bool, default=True
        If the file is not there, download it (48 kB, needs pooch); False raises.
    as_frame : bool, default=False
        Return a DataFrame with the task in column "task" and a Series (needs pandas), in place of
        arrays with the task in column 0.

    Returns
    -------
    X : ndarray or DataFrame of shape (919, 3)
        The task (county, "AITKIN" to "YELLOW MEDICINE", 1 to 116 houses each) and two features:
        "first floor" (1 if it was measured there, 0 in the basement) and "uranium" (logarithm of
        the uranium in the soil of the county, the same for all its houses).
    y : ndarray or Series of shape (919,)
        Natural logarithm of the radon in the house, measured in picocuries per litre.

    Raises
    ------
    OSError
        If the file is missing and may not be downloaded, or is not the expected one.
    ImportError
        If pooch is needed for the download, or pandas for `as_frame`, and is not installed.

    See Also
    --------
    fetch_sleepstudy : Tasks whose slopes differ too.
    mtlkit.linear.EmpiricalBayesRidge : Partial pooling, for which this table is known.

    Notes
    -----
    A survey of the Environmental Protection Agency of the United States in 1987. The file, of the
    R package HLMdiag, calls the first feature "basement", though 1 means the first floor there.
    mtlkit contains no copy.

    Taught in :doc:`/chapters/algorithms/partial_pooling`.

    References
    ----------
    * P. N. Price, A. V. Nero and A. Gelman, "Bayesian prediction of mean indoor radon
      concentrations for Minnesota counties", Health Physics 71, 922-936, 1996.
    * A. Gelman and J. Hill, "Data analysis using regression and multilevel/hierarchical models",
      Cambridge University Press, 2007.
    """
    return _grouped(
        local_file("cases/radon.csv", data_home, download_if_missing),
        task="county.name",
        features={"basement": "first floor", "uranium": "uranium"},
        target={"log.radon": "log radon"},
        as_frame=as_frame,
    )


def fetch_sleepstudy(*, data_home=None, download_if_missing=True, as_frame=False):
    """Fetch the reaction times of 18 people who slept too little: 18 regression tasks.

    Parameters
    ----------
    data_home : str or path, default=None
        Directory that holds ``cases/sleepstudy.csv``. None: the environment variable
        ``MTLKIT_DATA``, else ``mtlkit`` in scikit-learn's data directory.
    download_if_missing : bool, default=True
        If the file is not there, download it (3 kB, needs pooch); False raises.
    as_frame : bool, default=False
        Return a DataFrame with the task in column "task" and a Series (needs pandas), in place of
        arrays with the task in column 0.

    Returns
    -------
    X : ndarray or DataFrame of shape (180, 2)
        The task (person, "308" to "372", ten rows each) and "days", 0 to 9: nights with three
        hours in bed before the test, counted as in the file.
    y : ndarray or Series of shape (180,)
        Mean reaction time in milliseconds.

    Raises
    ------
    OSError
        If the file is missing and may not be downloaded, or is not the expected one.
    ImportError
        If pooch is needed for the download, or pandas for `as_frame`, and is not installed.

    See Also
    --------
    fetch_radon : Tasks whose levels differ.
    mtlkit.linear.EmpiricalBayesRidge : Partial pooling, for which this table is known.

    Notes
    -----
    The file is that of the R package lme4, whose documentation fits it. mtlkit contains no copy.

    Taught in :doc:`/chapters/algorithms/partial_pooling`.

    References
    ----------
    * G. Belenky et al., "Patterns of performance degradation and restoration during sleep
      restriction and subsequent recovery: a sleep dose-response study", Journal of Sleep Research
      12, 1-12, 2003.
    * D. Bates, M. Mächler, B. Bolker and S. Walker, "Fitting linear mixed-effects models using
      lme4", Journal of Statistical Software 67(1), 2015.
    """
    return _grouped(
        local_file("cases/sleepstudy.csv", data_home, download_if_missing),
        task="Subject",
        features={"Days": "days"},
        target={"Reaction": "reaction time"},
        as_frame=as_frame,
    )


def _grouped(path, task, features, target, as_frame):
    """A long table from named columns of a CSV file; tasks in the order of their first rows."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    (label, name), by_task = *target.items(), {}
    for row in rows:
        by_task.setdefault(row[task].strip(), []).append(
            [float(row[c]) for c in [*features, label]]
        )
    tasks = {key: (np.array(own)[:, :-1], np.array(own)[:, -1]) for key, own in by_task.items()}
    return long_table(tasks, features.values(), name, as_frame)
