"""Tests of the data sets that are fetched: reading, checksum and errors, without a network.

The tests on the real files run where these are: ``MTLKIT_DATA=directory pytest``.
"""

import hashlib
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy.io import savemat

import mtlkit.datasets
from mtlkit.datasets import _download, _fetched, fetch_landmine, fetch_school

FETCHERS = {"school.mat": fetch_school, "landmine.mat": fetch_landmine}


def cells(arrays):
    row = np.empty((1, len(arrays)), dtype=object)
    row[0] = arrays
    return row


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """Two small files of the right form, taken for the real ones."""
    rng = np.random.default_rng(0)
    schools = [np.column_stack([rng.integers(0, 2, (n, 27)), np.ones(n)]) for n in (3, 2)]
    scores = [np.array([[10], [70], [1]]), np.array([[5], [6]])]
    savemat(
        tmp_path / "school.mat",
        {
            "X": cells([X.astype(np.uint8) for X in schools]),
            "Y": cells([y.astype(np.uint8) for y in scores]),
        },
    )
    fields = [rng.normal(size=(n, 9)) for n in (2, 4)]
    labels = [rng.integers(0, 2, (n, 1)).astype(np.uint8) for n in (2, 4)]
    savemat(tmp_path / "landmine.mat", {"feature": cells(fields), "label": cells(labels)})
    files = {
        name: (
            f"https://example.org/{name}",
            hashlib.sha256((tmp_path / name).read_bytes()).hexdigest(),
            (tmp_path / name).stat().st_size,
        )
        for name in FETCHERS
    }
    monkeypatch.setattr(_fetched, "FILES", files)
    monkeypatch.delenv("MTLKIT_DATA", raising=False)
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path / "once"))
    monkeypatch.setattr(_download, "cache_folder", lambda: tmp_path / "cache")
    return {
        "directory": tmp_path,
        "school.mat": (schools, scores),
        "landmine.mat": (fields, labels),
    }


def no_network(*arguments, **settings):
    raise AssertionError("a download was tried")


@pytest.mark.parametrize("name", FETCHERS)
def test_the_table_holds_what_the_file_holds(name, tiny, monkeypatch):
    monkeypatch.setattr(_download, "download", no_network)
    X, y = FETCHERS[name](data_home=tiny["directory"])
    features, targets = tiny[name]
    n_features = 27 if name == "school.mat" else 9
    assert X.dtype == float
    assert y.dtype == (float if name == "school.mat" else int)
    for t, (expected, target) in enumerate(zip(features, targets, strict=True)):
        assert_array_equal(X[X[:, 0] == t, 1:], expected[:, :n_features])
        assert_array_equal(y[X[:, 0] == t], target.ravel())


@pytest.mark.parametrize("name", FETCHERS)
def test_frame_and_array_hold_the_same_table(name, tiny):
    pytest.importorskip("pandas")
    X, y = FETCHERS[name](data_home=tiny["directory"])
    frame, series = FETCHERS[name](data_home=tiny["directory"], as_frame=True)
    one, two = ("school 1", "school 2") if name == "school.mat" else ("field 1", "field 2")
    assert frame.columns[0] == "task"
    assert frame.columns.is_unique
    assert list(frame["task"].unique()) == [one, two]
    assert_array_equal(frame["task"].factorize()[0], X[:, 0])
    assert_array_equal(frame.drop(columns="task").to_numpy(), X[:, 1:])
    assert_array_equal(series.to_numpy(), y)


@pytest.mark.parametrize("name", FETCHERS)
def test_pandas_is_needed_for_frames_only(name, tiny, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    FETCHERS[name](data_home=tiny["directory"])
    with pytest.raises(ImportError, match="pip install pandas"):
        FETCHERS[name](data_home=tiny["directory"], as_frame=True)


# Where the file is looked for


def test_the_argument_comes_before_the_environment(tiny, monkeypatch):
    monkeypatch.setenv("MTLKIT_DATA", str(tiny["directory"] / "elsewhere"))
    assert len(fetch_school(data_home=tiny["directory"])[1]) == 5
    with pytest.raises(OSError, match="elsewhere"):
        fetch_school(download_if_missing=False)


def test_the_environment_names_the_directory(tiny, monkeypatch):
    monkeypatch.setenv("MTLKIT_DATA", str(tiny["directory"]))
    assert len(fetch_landmine()[1]) == 6


def test_the_home_of_the_user_is_understood(tiny, monkeypatch):
    monkeypatch.setenv("HOME", str(tiny["directory"]))
    monkeypatch.setenv("USERPROFILE", str(tiny["directory"]))
    assert len(fetch_school(data_home="~")[1]) == 5


def test_else_it_is_in_the_cache(tiny):
    with pytest.raises(OSError, match="download_if_missing=False") as error:
        fetch_school(download_if_missing=False)
    assert str(tiny["directory"] / "cache") in str(error.value)
    assert not (tiny["directory"] / "once").exists()  # looking there makes nothing


def test_where_it_once_was_it_is_still_read(tiny, monkeypatch):
    """Also without what downloads and knows the cache."""
    monkeypatch.setitem(sys.modules, "mtlkit.datasets._download", None)
    monkeypatch.delattr(mtlkit.datasets, "_download")
    (tiny["directory"] / "once" / "mtlkit").mkdir(parents=True)
    (tiny["directory"] / "school.mat").rename(tiny["directory"] / "once" / "mtlkit" / "school.mat")
    assert len(fetch_school(download_if_missing=False)[1]) == 5


@pytest.mark.skipif(sys.platform != "linux", reason="where the cache is by a variable")
def test_the_cache_is_where_the_system_has_it(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert _download.cache_folder() == tmp_path / "mtlkit"


# What can be wrong


@pytest.mark.parametrize("name", FETCHERS)
def test_a_missing_file_that_may_not_be_downloaded(name, tiny, monkeypatch):
    monkeypatch.setattr(_download, "download", no_network)
    empty = tiny["directory"] / "empty"
    with pytest.raises(OSError, match="download_if_missing=False") as error:
        FETCHERS[name](data_home=empty, download_if_missing=False)
    for part in (name, str(empty), "data_home", "MTLKIT_DATA"):
        assert part in str(error.value)
    assert not empty.exists()


@pytest.mark.parametrize("name", FETCHERS)
def test_a_changed_file_is_refused_and_kept(name, tiny, monkeypatch):
    monkeypatch.setattr(_download, "download", no_network)
    path = tiny["directory"] / name
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(OSError, match="not the expected file") as error:
        FETCHERS[name](data_home=tiny["directory"])
    assert str(path) in str(error.value)
    assert "Delete it" in str(error.value)
    assert path.exists()


@pytest.mark.parametrize("lacking", ["requests", "urllib3", "platformdirs"])
def test_the_extra_is_needed_for_the_download_only(lacking, tiny, monkeypatch):
    monkeypatch.delitem(sys.modules, "mtlkit.datasets._download")
    monkeypatch.delattr(mtlkit.datasets, "_download")
    monkeypatch.setitem(sys.modules, lacking, None)
    fetch_school(data_home=tiny["directory"])
    for home in (tiny["directory"] / "empty", None):
        with pytest.raises(ImportError, match=r'pip install "mtlkit\[data\]"') as error:
            fetch_school(data_home=home)
        assert "https://example.org/school.mat" in str(error.value)


def test_an_older_urllib3_is_told(tiny, monkeypatch):
    monkeypatch.delitem(sys.modules, "mtlkit.datasets._download")
    monkeypatch.delattr(mtlkit.datasets, "_download")
    monkeypatch.setattr("urllib3.Retry", lambda total, *, backoff_factor: None)
    with pytest.raises(ImportError, match="brings requests, urllib3 and platformdirs"):
        fetch_school(data_home=tiny["directory"] / "empty")


def test_a_file_is_downloaded_once(tiny, monkeypatch):
    """With what is asked for it; `tests/test_download.py` has the wire."""
    asked = []

    def answer(path, url, sha256, size):
        asked.append((url, sha256, size))
        path.parent.mkdir()
        path.write_bytes((tiny["directory"] / "school.mat").read_bytes())

    monkeypatch.setattr(_download, "download", answer)
    first, again = (fetch_school(data_home=tiny["directory"] / "new") for _ in range(2))
    assert asked == [_fetched.FILES["school.mat"]]
    for a, b in zip(first, again, strict=True):
        assert_array_equal(a, b)


def test_addresses_are_pinned_to_a_commit():
    for url, sha256, size in _fetched.FILES.values():
        assert url.startswith("https://")
        assert any(len(part) == 40 for part in url.split("/")), url
        assert len(sha256) == 64
        assert 0 < size < 10**7


@pytest.mark.parametrize("name", _fetched.FILES)
def test_sizes_are_those_of_the_files(name):
    path = Path(os.environ.get("MTLKIT_DATA", "")) / name
    if "MTLKIT_DATA" not in os.environ or not path.exists():
        pytest.skip(f"{name} is not here: set MTLKIT_DATA to the directory that holds it")
    assert path.stat().st_size == _fetched.FILES[name][2]


# The real files


def real(name):
    path = Path(os.environ.get("MTLKIT_DATA", "")) / name
    if "MTLKIT_DATA" not in os.environ or not path.exists():
        pytest.skip(f"{name} is not here: set MTLKIT_DATA to the directory that holds it")
    return FETCHERS[name](as_frame=True)


def test_school():
    pytest.importorskip("pandas")
    X, y = real("school.mat")
    rows = X["task"].value_counts()
    assert X.shape == (15362, 28)
    assert len(rows) == 139
    assert (rows.min(), rows.max()) == (22, 251)
    assert (y.min(), y.max()) == (1, 70)
    assert 20.5 < y.mean() < 20.7
    percentages = ["% free meals", "% VR band 1"]
    assert X[percentages].to_numpy().min() >= 0
    assert X[percentages].to_numpy().max() <= 100
    dummies = X.drop(columns=["task", *percentages])
    assert set(np.unique(dummies)) == {0, 1}
    # every group of 0/1 columns is one answer per pupil, but for 15 pupils without a VR band
    for begin in ("year", "gender", "ethnic", "school gender"):
        own = [name for name in dummies if name.startswith(begin)]
        assert_array_equal(dummies[own].sum(axis=1), 1)
    church = ["school maintained", "school Church of England", "school Roman Catholic"]
    assert_array_equal(dummies[church].sum(axis=1), 1)
    bands = [f"VR band {band}" for band in (1, 2, 3)]
    assert (dummies[bands].sum(axis=1) == 0).sum() == 15
    means = [y[X[band] == 1].mean() for band in bands]
    assert means[0] > means[1] + 5 > means[2] + 10
    # what the docstring says of the two codes of gender
    assert X.loc[X["school gender 2"] == 1, "gender 1"].mean() > 0.999
    assert X.loc[X["school gender 3"] == 1, "gender 0"].mean() == 1


def test_landmine():
    pytest.importorskip("pandas")
    X, y = real("landmine.mat")
    rows = X["task"].value_counts()
    assert X.shape == (14820, 10)
    assert len(rows) == 29
    assert (rows.min(), rows.max()) == (445, 690)
    assert y.value_counts().to_dict() == {0: 13916, 1: 904}
    assert y.groupby(X["task"]).sum().min() >= 15
    assert np.isfinite(X.drop(columns="task").to_numpy()).all()
