"""Molecules in twelve assays: fetched once, then kept."""

import csv
import gzip

import numpy as np

from ._fetched import local_file


def fetch_tox21(*, data_home=None, download_if_missing=True):
    """Fetch 7,831 molecules and whether they are active in 12 assays: 12 binary tasks.

    The tasks share their molecules, and each has labels of some of them only. What stands for a
    molecule in a table of numbers is the caller's choice, so this is no long table yet.

    Parameters
    ----------
    data_home : str or path, default=None
        Directory that holds ``cases/tox21.csv.gz``. None: the environment variable
        ``MTLKIT_DATA``, else ``mtlkit`` in the system's cache folder.
    download_if_missing : bool, default=True
        If the file is not there, download it (0.1 MB, needs ``mtlkit[data]``); False raises.

    Returns
    -------
    smiles : ndarray of str, shape (7831,)
        The molecules as SMILES, each once.
    labels : ndarray of shape (7831, 12)
        1 for active, 0 for inactive, NaN where not measured.
    assays : list of str
        Names of the 12 columns; "NR" are nuclear receptors, "SR" responses of a cell to stress.

    Raises
    ------
    OSError
        If the file is missing and may not or cannot be downloaded, or is not the expected one.
    ImportError
        If ``mtlkit[data]`` is needed to fetch and is not installed.

    See Also
    --------
    fetch_landmine : Binary tasks as a long table.
    mtlkit.table.stack_tasks : A long table from a table per task.

    Notes
    -----
    The file is the one in DeepChem's repository, at a fixed commit. Its labels are not those of the
    Tox21 challenge (Ebner et al., 2025), so scores do not compare with the challenge's. It has
    8,014 rows: some molecules occur several times. Their labels are merged here, and where they
    contradict each other, 64 times, the label is missing. The data belong to their owners, whose
    terms of use hold; mtlkit contains no copy.

    Taught in :doc:`/chapters/code/molecules`.

    References
    ----------
    * Z. Wu et al., "MoleculeNet: a benchmark for molecular machine learning", Chemical Science 9,
      513-530, 2018.
    * A. Ebner et al., "Measuring AI progress in drug discovery: a reproducible leaderboard for the
      Tox21 challenge", arXiv:2511.14744, 2025.
    """
    seen = {}
    path = local_file("cases/tox21.csv.gz", data_home, download_if_missing)
    with gzip.open(path, "rt", newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    for *labels, _, smiles in rows:
        seen.setdefault(smiles, []).append([float(label or "nan") for label in labels])
    # `fmin` and `fmax` pass over NaN: they differ where two rows contradict each other.
    low, high = ([f.reduce(own, axis=0) for own in seen.values()] for f in (np.fmin, np.fmax))
    merged = np.where(np.equal(low, high), low, np.nan)
    return np.array(list(seen)), merged, header[:-2]
