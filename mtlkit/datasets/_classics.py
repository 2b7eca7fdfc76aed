"""Five classics of mixed models: fetched once, then kept."""

from ._base import number, table_of_rows
from ._fetched import local_file

# Our names of the task, the features and the target, with the columns of the files. A pair is a
# column and the text in it that counts as 1.
COLUMNS = {
    "Chem97": {"task": "school", "girl": ("gender", "F"), "age": "age", "GCSE": "gcsescore",
               "chemistry": "score"},
    "Exam": {"task": "school", "reading": "standLRT", "girl": ("sex", "F"),
             "mean reading": "schavg", "boys' school": ("schgend", "boys"),
             "girls' school": ("schgend", "girls"), "score": "normexam"},
    "Hsb82": {"task": "school", "status": "ses", "minority": ("minrty", "Yes"),
              "girl": ("sx", "Female"), "mean status": "meanses",
              "Catholic": ("sector", "Catholic"), "mathematics": "mAch"},
    "radon": {"task": "county.name", "first floor": "basement", "uranium": "uranium",
              "log radon": "log.radon"},
    "sleepstudy": {"task": "Subject", "days": "Days", "reaction time": "Reaction"},
}  # fmt: skip


def fetch_radon(*, data_home=None, download_if_missing=True, as_frame=False):
    """Fetch the radon in 919 houses of 85 counties of Minnesota: 85 regression tasks.

    Parameters
    ----------
    data_home : str or path, default=None
        Directory that holds ``cases/radon.csv``. None: the environment variable
        ``MTLKIT_DATA``, else ``mtlkit`` in the system's cache folder.
    download_if_missing : bool, default=True
        If the file is not there, download it (48 kB, needs ``mtlkit[data]``); False raises.
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
        If the file is missing and may not or cannot be downloaded, or is not the expected one.
    ImportError
        If ``mtlkit[data]`` is needed to fetch, or pandas for `as_frame`, and is not installed.

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
    return _long("radon", data_home, download_if_missing, as_frame)


def fetch_sleepstudy(*, data_home=None, download_if_missing=True, as_frame=False):
    """Fetch the reaction times of 18 people who slept too little: 18 regression tasks.

    Parameters
    ----------
    data_home : str or path, default=None
        Directory that holds ``cases/sleepstudy.csv``. None: the environment variable
        ``MTLKIT_DATA``, else ``mtlkit`` in the system's cache folder.
    download_if_missing : bool, default=True
        If the file is not there, download it (3 kB, needs ``mtlkit[data]``); False raises.
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
        If the file is missing and may not or cannot be downloaded, or is not the expected one.
    ImportError
        If ``mtlkit[data]`` is needed to fetch, or pandas for `as_frame`, and is not installed.

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
    return _long("sleepstudy", data_home, download_if_missing, as_frame)


def fetch_chem97(*, data_home=None, download_if_missing=True, as_frame=False):
    """Fetch the chemistry grades of 31,022 pupils of 2,410 schools: 2,410 regression tasks.

    Parameters
    ----------
    data_home : str or path, default=None
        Directory that holds ``cases/Chem97.csv``. None: the environment variable
        ``MTLKIT_DATA``, else ``mtlkit`` in the system's cache folder.
    download_if_missing : bool, default=True
        If the file is not there, download it (1.6 MB, needs ``mtlkit[data]``); False raises.
    as_frame : bool, default=False
        Return a DataFrame with the task in column "task" and a Series (needs pandas), in place of
        arrays with the task in column 0.

    Returns
    -------
    X : ndarray or DataFrame of shape (31022, 4)
        The task (school, "1" to "2410", 1 to 188 pupils each, half of them with at most 8) and
        three features: "girl" (0 or 1), "age" (months above eighteen and a half years) and "GCSE"
        (mean grade in the examinations two years earlier, 0 to 8).
    y : ndarray or Series of shape (31022,)
        Grade in chemistry as points: 0 (fail), 2, 4, 6, 8 or 10 (the best).

    Raises
    ------
    OSError
        If the file is missing and may not or cannot be downloaded, or is not the expected one.
    ImportError
        If ``mtlkit[data]`` is needed to fetch, or pandas for `as_frame`, and is not installed.

    See Also
    --------
    fetch_exam : Fewer schools, with more pupils each.
    fetch_hsb82 : Schools of two sectors.

    Notes
    -----
    A-level examinations of England in 1997. The file is that of the R package mlmRev; its columns
    of the education authority and of the centred grade are left out. mtlkit contains no copy.

    Taught in :doc:`/chapters/algorithms/boosted_opponent` and :doc:`/chapters/code/pupils`.

    References
    ----------
    * A. Fielding, M. Yang and H. Goldstein, "Multilevel ordinal models for examination grades",
      Statistical Modelling 3, 127-153, 2003.
    """
    return _long("Chem97", data_home, download_if_missing, as_frame)


def fetch_exam(*, data_home=None, download_if_missing=True, as_frame=False):
    """Fetch the exam scores of 4,059 pupils of 65 London schools: 65 regression tasks.

    Parameters
    ----------
    data_home : str or path, default=None
        Directory that holds ``cases/Exam.csv``. None: the environment variable
        ``MTLKIT_DATA``, else ``mtlkit`` in the system's cache folder.
    download_if_missing : bool, default=True
        If the file is not there, download it (0.3 MB, needs ``mtlkit[data]``); False raises.
    as_frame : bool, default=False
        Return a DataFrame with the task in column "task" and a Series (needs pandas), in place of
        arrays with the task in column 0.

    Returns
    -------
    X : ndarray or DataFrame of shape (4059, 6)
        The task (school, "1" to "65", 2 to 198 pupils each) and five features: "reading" (score
        at intake, standardised), "girl" (0 or 1), and, the same for all pupils of a school, "mean
        reading", "boys' school" and "girls' school" (both 0: mixed).
    y : ndarray or Series of shape (4059,)
        Score at the age of 16, brought to a normal distribution with variance about 1.

    Raises
    ------
    OSError
        If the file is missing and may not or cannot be downloaded, or is not the expected one.
    ImportError
        If ``mtlkit[data]`` is needed to fetch, or pandas for `as_frame`, and is not installed.

    See Also
    --------
    fetch_school : Another sample of London's schools, without a test at intake.
    fetch_chem97 : Many more schools, with fewer pupils each.

    Notes
    -----
    The file is that of the R package mlmRev. Of its columns, "type" follows from the kind of
    school, and the bands of "vr" and "intake" are left out: in "intake" the pupils of the "bottom
    25%" have the highest reading scores. mtlkit contains no copy.

    Taught in :doc:`/chapters/algorithms/boosted_opponent` and :doc:`/chapters/code/pupils`.

    References
    ----------
    * H. Goldstein et al., "A multilevel analysis of school examination results", Oxford Review of
      Education 19, 425-433, 1993.
    """
    return _long("Exam", data_home, download_if_missing, as_frame)


def fetch_hsb82(*, data_home=None, download_if_missing=True, as_frame=False):
    """Fetch the mathematics scores of 7,185 pupils of 160 high schools: 160 regression tasks.

    Parameters
    ----------
    data_home : str or path, default=None
        Directory that holds ``cases/Hsb82.csv``. None: the environment variable
        ``MTLKIT_DATA``, else ``mtlkit`` in the system's cache folder.
    download_if_missing : bool, default=True
        If the file is not there, download it (0.6 MB, needs ``mtlkit[data]``); False raises.
    as_frame : bool, default=False
        Return a DataFrame with the task in column "task" and a Series (needs pandas), in place of
        arrays with the task in column 0.

    Returns
    -------
    X : ndarray or DataFrame of shape (7185, 6)
        The task (school, "1224" to "9586", 14 to 67 pupils each) and five features: "status" (of
        the family, social and economic), "minority" and "girl" (0 or 1), and, the same for all
        pupils of a school, "mean status" and "Catholic" (1; 0: public).
    y : ndarray or Series of shape (7185,)
        Score in mathematics, -2.8 to 25.

    Raises
    ------
    OSError
        If the file is missing and may not or cannot be downloaded, or is not the expected one.
    ImportError
        If ``mtlkit[data]`` is needed to fetch, or pandas for `as_frame`, and is not installed.

    See Also
    --------
    fetch_exam : Schools of London.
    mtlkit.linear.EmpiricalBayesRidge : Partial pooling, for which this table is known.

    Notes
    -----
    The survey *High School and Beyond* in the United States, 1982. The file is that of the R
    package mlmRev; its column of the status within the school is a difference of two others.
    mtlkit contains no copy.

    Taught in :doc:`/chapters/algorithms/boosted_opponent` and :doc:`/chapters/code/pupils`.

    References
    ----------
    * S. W. Raudenbush and A. S. Bryk, "Hierarchical linear models", second edition, Sage, 2002.
    """
    return _long("Hsb82", data_home, download_if_missing, as_frame)


def _long(name, data_home, download_if_missing, as_frame):
    task, *columns = COLUMNS[name].values()
    _, *features, target = COLUMNS[name]

    def read(row):
        return [row[task].strip(), *(number(row, column) for column in columns)]

    path = local_file(f"cases/{name}.csv", data_home, download_if_missing)
    return table_of_rows(path, read, features, target, as_frame)
