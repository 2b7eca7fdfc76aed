"""Tests of the molecules and their assays: reading without a network, and the real file."""

import gzip
import os
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from mtlkit.datasets import fetch_tox21
from tests._files import take_for_real

# Two rows of ethanol: one assay in which they agree, one that only the second measured, and one in
# which they contradict each other.
TINY = """NR-AR,NR-AhR,SR-p53,mol_id,smiles
1,,0,TOX1,CCO
0,,,TOX2,c1ccccc1
1,0,1,TOX3,CCO
"""


def test_rows_of_one_molecule_are_merged(tmp_path, monkeypatch):
    take_for_real(monkeypatch, tmp_path, {"tox21.csv.gz": gzip.compress(TINY.encode())})
    smiles, labels, assays = fetch_tox21(data_home=tmp_path)
    assert list(smiles) == ["CCO", "c1ccccc1"]
    assert_array_equal(labels, [[1, 0, np.nan], [0, np.nan, np.nan]])
    assert assays == ["NR-AR", "NR-AhR", "SR-p53"]


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(OSError, match=r"tox21\.csv\.gz is not in"):
        fetch_tox21(data_home=tmp_path, download_if_missing=False)


def test_the_real_table():
    if not (Path(os.environ.get("MTLKIT_DATA", "")) / "cases/tox21.csv.gz").exists():
        pytest.skip("set MTLKIT_DATA to the directory that holds cases/tox21.csv.gz")
    smiles, labels, assays = fetch_tox21()
    assert (len(set(smiles)), labels.shape, len(assays)) == (7831, (7831, 12), 12)
    assert (np.isfinite(labels).sum(), np.nansum(labels)) == (77883, 5799)
