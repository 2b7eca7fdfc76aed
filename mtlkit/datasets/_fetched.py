"""Classic data sets of multi-task learning that belong to others: fetched once, then kept."""

import hashlib
import os
from pathlib import Path

import numpy as np
from scipy.io import loadmat

from ._base import long_table

R_DATASETS = (
    "https://raw.githubusercontent.com/vincentarelbundock/Rdatasets/"
    "1dcc2bf5f955cc1224a3e1307256e1fe86b68dae/csv"
)

M4 = (
    "https://raw.githubusercontent.com/Mcompetitions/M4-methods/"
    "6c1067e5a57161249b17289a565178dc7a3fb3ca/Dataset"
)

# Where each file is, at a fixed commit, and of the copy that the book was measured on the SHA-256
# and the size in bytes.
FILES = {
    "school.mat": (
        "https://raw.githubusercontent.com/jiayuzhou/MALSAR/"
        "ca3d55b878cc4113f0d9603e8ac46538aeb1ecd9/data/school.mat",
        "57fb3238fdd03a9aa17276e2ce18d9bbb5d128c3261e794fe6233b58b6909068", 44_759,
    ),
    "landmine.mat": (
        "https://raw.githubusercontent.com/daizhongxiang/Federated_Bayesian_Optimization/"
        "9f46a1dfbbcfd5823e026ad9418a4cb881676ae9/LandmineData.mat",
        "2163ab20a80e33a8b65593c48cf283c540599dcb291105e63fa4af2ce24c2bea", 1_085_456,
    ),
    "cases/Chem97.csv": (
        f"{R_DATASETS}/mlmRev/Chem97.csv",
        "3a8379992f43dab30bbb1631f63a7fc406f7356d4cb2f35c73c850704b484dcc", 1_566_999,
    ),
    "cases/Exam.csv": (
        f"{R_DATASETS}/mlmRev/Exam.csv",
        "9c87dc2a85401f0589bdb1c1e95049bd86648f80ab00c73b388f6b7079e711ac", 286_514,
    ),
    "cases/Hsb82.csv": (
        f"{R_DATASETS}/mlmRev/Hsb82.csv",
        "d820cf853af77e3163ffb828361defb25ac005f0074703c61fd35cad5cbd6b37", 557_288,
    ),
    "cases/radon.csv": (
        f"{R_DATASETS}/HLMdiag/radon.csv",
        "ff4829f63360178130568cfddc0b01b8121c7c905384197623275d1b733a8eb3", 48_433,
    ),
    "cases/sleepstudy.csv": (
        f"{R_DATASETS}/lme4/sleepstudy.csv",
        "20922ddc87d538bf2344f73d49000eeb2d7e14934b6191a3e071fefc329942c4", 3_316,
    ),
    "cases/tox21.csv.gz": (
        "https://raw.githubusercontent.com/deepchem/deepchem/"
        "fbe3b911a94a6eb8c84c1a9e7ac67a472c49ea80/datasets/tox21.csv.gz",
        "48b34e4e59a2bae6f95734cd206c1869ab355f50a5e50bb7371a21f861d5e297", 125_310,
    ),
    "cases/walmart_weekly.csv": (
        "https://raw.githubusercontent.com/carrotst1ck/linear_regration_walmart_weakly_sales/"
        "da1e192137cae5e3d094cf436de96a7e310a99a5/Walmart.csv",
        "c23e30cde9c7beeebd20581e32779a9ee05ed31962f9fc417612909b03827bf1", 357_018,
    ),
    "cases/heart_disease_uci.csv": (
        "https://raw.githubusercontent.com/ml-binf-5507/"
        "assignment-2-supervised-learning-AlizeDeMatas/"
        "5dae68009deef646dfd987e19901e3e0b8b78ca4/data/heart_disease_uci.csv",
        "0c096e0bf329ace40a0006a9720e866746ada285b2f0999e833f42de40dc5010", 75_771,
    ),
    "cases/m4_weekly-train.csv": (
        f"{M4}/Train/Weekly-train.csv",
        "d478d3f6ed673e6ed3c2cb0fbed5425f72eedd51318ebebeb0b5ecfcefc37714", 4_015_067,
    ),
    "cases/m4_weekly-test.csv": (
        f"{M4}/Test/Weekly-test.csv",
        "3b2bc4be8e636e802260dcd843ca3c5da40536a1fbe1ecb3229a97dae4f44688", 44_247,
    ),
    "cases/m4_hourly-train.csv": (
        f"{M4}/Train/Hourly-train.csv",
        "ea59b7783573c49077a835ab6465c7d66f1474783360f310988a9a737fbca62f", 2_347_115,
    ),
    "cases/m4_hourly-test.csv": (
        f"{M4}/Test/Hourly-test.csv",
        "71a57fccb15e534d973626ada4fb87febf789e9317715b7cc6dd3b5f90db6f42", 132_820,
    ),
}  # fmt: skip

SCHOOL_COLUMNS = [
    *("year 1985", "year 1986", "year 1987", "% free meals", "% VR band 1", "gender 0", "gender 1"),
    *("VR band 3", "VR band 1", "VR band 2", "ethnic ESWI", "ethnic African", "ethnic Arab"),
    *("ethnic Bangladeshi", "ethnic Caribbean", "ethnic Greek", "ethnic Indian"),
    *("ethnic Pakistani", "ethnic S.E. Asian", "ethnic Turkish", "ethnic other"),
    *("school gender 1", "school gender 2", "school gender 3"),
    *("school maintained", "school Church of England", "school Roman Catholic"),
]


def fetch_school(*, data_home=None, download_if_missing=True, as_frame=False):
    """Fetch the exam scores of 15,362 pupils of 139 London schools: 139 regression tasks.

    Parameters
    ----------
    data_home : str or path, default=None
        Directory of the file ``school.mat``. None: the environment variable ``MTLKIT_DATA``,
        else ``mtlkit`` in the system's cache folder.
    download_if_missing : bool, default=True
        If the file is not there, download it (45 kB, needs ``mtlkit[data]``); False raises.
    as_frame : bool, default=False
        Return a DataFrame with the task in column "task" and a Series (needs pandas), in place of
        arrays with the task in column 0.

    Returns
    -------
    X : ndarray or DataFrame of shape (15362, 28)
        The task ("school 1" to "school 139", 22 to 251 rows each) and 27 features: two
        percentages of the school and year, the others 0 or 1.
    y : ndarray or Series of shape (15362,)
        Exam score, an integer from 1 to 70.

    Raises
    ------
    OSError
        If the file is missing and may not or cannot be downloaded, or is not the expected one.
    ImportError
        If ``mtlkit[data]`` is needed to fetch, or pandas for `as_frame`, and is not installed.

    See Also
    --------
    fetch_landmine : Classification tasks.
    load_diabetes_by_sex : Two small regression tasks that ship with scikit-learn.

    Notes
    -----
    A 50 % sample of the pupils of the Inner London Education Authority in 1985, 1986 and 1987;
    VR is a test of verbal reasoning at intake, with band 1 the best, and ESWI means born in
    England, Scotland, Wales or Ireland. Used for multi-task learning by Bakker and Heskes
    (2003). The file is the one that comes with MALSAR, without its constant column.

    It has no column names. Ours take the code book that circulates with ready-made splits of
    these data, its codes in ascending order, and the data agree (the score falls from VR band 1 to
    3, for instance), but for one point: gender 0 and school gender 2 are both male in the code
    book, yet the schools of code 2 have pupils of gender 1. So these columns keep their codes;
    school gender 1 is mixed. Fifteen pupils have no VR band.

    The data belong to their owners, whose terms of use hold; mtlkit contains no copy.

    Taught in :doc:`/chapters/code/schools`.

    References
    ----------
    * B. Bakker and T. Heskes, "Task clustering and gating for Bayesian multitask learning",
      Journal of Machine Learning Research 4, 83-99, 2003.
    * H. Goldstein, "Multilevel modelling of survey data", The Statistician 40, 235-244, 1991.
    """
    content = loadmat(local_file("school.mat", data_home, download_if_missing))
    tasks = {
        f"school {number}": (X[:, :-1].astype(float), y.ravel().astype(float))
        for number, (X, y) in _cells(content, "X", "Y")
    }
    return long_table(tasks, SCHOOL_COLUMNS, "score", as_frame)


def fetch_landmine(*, data_home=None, download_if_missing=True, as_frame=False):
    """Fetch radar readings of 29 fields, mine or clutter: 29 binary classification tasks.

    Parameters
    ----------
    data_home : str or path, default=None
        Directory of the file ``landmine.mat``. None: the environment variable ``MTLKIT_DATA``,
        else ``mtlkit`` in the system's cache folder.
    download_if_missing : bool, default=True
        If the file is not there, download it (1.1 MB, needs ``mtlkit[data]``); False raises.
    as_frame : bool, default=False
        Return a DataFrame with the task in column "task" and a Series (needs pandas), in place of
        arrays with the task in column 0.

    Returns
    -------
    X : ndarray or DataFrame of shape (14820, 10)
        The task ("field 1" to "field 29", 445 to 690 rows each) and nine features of the radar
        image, "x1" to "x9": the file does not name them.
    y : ndarray or Series of shape (14820,)
        1 for a mine (904 rows), 0 for clutter.

    Raises
    ------
    OSError
        If the file is missing and may not or cannot be downloaded, or is not the expected one.
    ImportError
        If ``mtlkit[data]`` is needed to fetch, or pandas for `as_frame`, and is not installed.

    See Also
    --------
    fetch_school : Regression tasks.
    load_digit_tasks : Binary tasks that ship with scikit-learn.

    Notes
    -----
    Used for multi-task learning by Xue et al. (2007). The file is the one that comes with the
    code of Dai, Low and Jaillet, "Federated Bayesian optimization via Thompson sampling", 2020.
    The data belong to their owners, whose terms of use hold; mtlkit contains no copy.

    Taught in :doc:`/chapters/code/minefields`.

    References
    ----------
    * Y. Xue, X. Liao, L. Carin and B. Krishnapuram, "Multi-task learning for classification with
      Dirichlet process priors", Journal of Machine Learning Research 8, 35-63, 2007.
    """
    content = loadmat(local_file("landmine.mat", data_home, download_if_missing))
    tasks = {
        f"field {number}": (X.astype(float), y.ravel().astype(int))
        for number, (X, y) in _cells(content, "feature", "label")
    }
    return long_table(tasks, [f"x{j}" for j in range(1, 10)], "mine", as_frame)


def _cells(content, features, target):
    """Number from 1, features and target of each task."""
    pairs = zip(np.ravel(content[features]), np.ravel(content[target]), strict=True)
    return enumerate(pairs, start=1)


def local_file(name, data_home, download_if_missing):
    """Path of the file, downloaded if need be, with its checksum verified."""
    url, sha256, size = FILES[name]
    path = _home(name, data_home) / name
    if not path.exists():
        if not download_if_missing:
            raise OSError(
                f"{name} is not in {path.parent} and download_if_missing=False: allow the "
                "download, or name the directory that holds it, by data_home or by the "
                "environment variable MTLKIT_DATA"
            )
        _extra(name).download(path, url, sha256, size)
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        raise OSError(
            f"{path} is not the expected file: its SHA-256 is {found}, not {sha256}. "
            "Delete it, and the next call downloads it again"
        )
    return path


def _home(name, data_home):
    """Folder of a file: the named one, else that of old if it holds the file, else a cache."""
    data_home = data_home or os.environ.get("MTLKIT_DATA")
    if data_home:
        return Path(data_home).expanduser()
    of_old = Path(os.environ.get("SCIKIT_LEARN_DATA", "~/scikit_learn_data"), "mtlkit").expanduser()
    return of_old if (of_old / name).exists() else _extra(name).cache_folder()


def _extra(name):
    """What downloads a file and knows the cache."""
    try:
        from . import _download
    except (ImportError, TypeError) as error:  # an older urllib3 has fewer parameters
        raise ImportError(
            f'to fetch {name} run `pip install "mtlkit[data]"`, which brings requests, urllib3 '
            f"and platformdirs; or get it from {FILES[name][0]} and name its folder by data_home "
            "or by the environment variable MTLKIT_DATA"
        ) from error
    return _download
