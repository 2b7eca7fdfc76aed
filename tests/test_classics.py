"""Tests of the classics of mixed models: reading without a network, and lme4's figures."""

import hashlib
import os
from pathlib import Path

import numpy as np
import pooch
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from mtlkit.datasets import _fetched, fetch_radon, fetch_sleepstudy
from mtlkit.linear import EmpiricalBayesRidge

RADON = """"rownames","log.radon","basement","uranium","county","county.name"
1,0.5,1,-0.25,2,"B, NORTH "
2,1.5,0,-0.25,2,"B, NORTH "
3,-1,0,0.75,1,"A"
"""
SLEEP = "rownames,Reaction,Days,Subject\n1,249.5,0,308\n2,222,0,309\n3,258.75,1,308\n"


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """Two small files of the right form, taken for the real ones."""
    (tmp_path / "cases").mkdir()
    files = {}
    for name, text in [("radon", RADON), ("sleepstudy", SLEEP)]:
        path = tmp_path / "cases" / f"{name}.csv"
        path.write_text(text, encoding="utf-8")
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        files[f"cases/{name}.csv"] = (f"https://example.org/{name}.csv", sha256)
    monkeypatch.setattr(_fetched, "FILES", files)
    monkeypatch.setenv("MTLKIT_DATA", str(tmp_path))
    return tmp_path


def test_radon_holds_what_the_file_holds(tiny):
    X, y = fetch_radon()
    assert_array_equal(X, [[0, 1, -0.25], [0, 0, -0.25], [1, 0, 0.75]])
    assert_array_equal(y, [0.5, 1.5, -1])
    pytest.importorskip("pandas")
    frame, series = fetch_radon(as_frame=True)
    assert list(frame.columns) == ["task", "first floor", "uranium"]
    assert list(frame["task"]) == ["B, NORTH", "B, NORTH", "A"]
    assert series.name == "log radon"


def test_sleepstudy_holds_what_the_file_holds_by_person(tiny):
    X, y = fetch_sleepstudy()
    assert_array_equal(X, [[0, 0], [0, 1], [1, 0]])
    assert_array_equal(y, [249.5, 258.75, 222])
    pytest.importorskip("pandas")
    frame, series = fetch_sleepstudy(as_frame=True)
    assert list(frame["task"]) == ["308", "308", "309"]
    assert (list(frame.columns), series.name) == (["task", "days"], "reaction time")


@pytest.mark.parametrize("fetch", [fetch_radon, fetch_sleepstudy])
def test_a_file_is_downloaded_once_into_its_folder(fetch, tiny, monkeypatch):
    asked = []

    def answer(self, url, output_file, pooch_object, check_only=False):
        asked.append(url)
        content = {"radon.csv": RADON, "sleepstudy.csv": SLEEP}[url.rpartition("/")[2]]
        Path(output_file).write_text(content, encoding="utf-8")

    monkeypatch.setattr(pooch.HTTPDownloader, "__call__", answer)
    home = tiny / "new"
    first, again = fetch(data_home=home), fetch(data_home=home)
    assert len(asked) == 1
    assert [path.parent.name for path in home.rglob("*.csv")] == ["cases"]
    assert_array_equal(first[0], again[0])


@pytest.mark.parametrize("fetch", [fetch_radon, fetch_sleepstudy])
def test_a_missing_or_changed_file_is_told(fetch, tiny):
    with pytest.raises(OSError, match="download_if_missing=False"):
        fetch(data_home=tiny / "empty", download_if_missing=False)
    for path in (tiny / "cases").iterdir():
        path.write_text("something else")
    with pytest.raises(OSError, match="not the expected file"):
        fetch()


# The real files, under the models that lme4's documentation and Gelman and Hill fit to them


def real(fetch, name):
    if not (Path(os.environ.get("MTLKIT_DATA", "")) / "cases" / name).exists():
        pytest.skip(f"{name} is not here: set MTLKIT_DATA to the directory that holds cases/{name}")
    return fetch()


def test_radon_by_floor():
    X, y = real(fetch_radon, "radon.csv")
    assert (X.shape, len(np.unique(X[:, 0]))) == ((919, 3), 85)
    model = EmpiricalBayesRidge(task_col=0).fit(X[:, :2], y)
    assert_allclose(model.shared_intercept_, 1.462, atol=5e-4)
    assert_allclose(model.shared_coef_, [-0.693], atol=5e-4)
    assert_allclose(np.sqrt(model.random_covariance_), [[0.328]], atol=5e-4)
    assert_allclose(np.sqrt(model.residual_variance_), 0.756, atol=5e-4)


def test_radon_by_floor_and_uranium():
    model = EmpiricalBayesRidge(task_col=0).fit(*real(fetch_radon, "radon.csv"))
    assert_allclose(model.shared_intercept_, 1.466, atol=5e-4)
    assert_allclose(model.shared_coef_, [-0.668, 0.720], atol=5e-4)
    assert_allclose(np.sqrt(model.random_covariance_), [[0.156]], atol=5e-4)


def test_sleepstudy_with_random_slopes():
    X, y = real(fetch_sleepstudy, "sleepstudy.csv")
    assert_array_equal(np.unique(X[:, 0], return_counts=True)[1], [10] * 18)
    model = EmpiricalBayesRidge("all", task_col=0).fit(X, y)
    assert_allclose([model.shared_intercept_, *model.shared_coef_], [251.405, 10.467], atol=5e-4)
    assert_allclose(np.sqrt(model.random_covariance_.diagonal()), [24.741, 5.922], atol=1e-3)
    assert_allclose(np.sqrt(model.residual_variance_), 25.592, atol=5e-4)
    assert_allclose(model.reml_criterion_, 1743.628, atol=5e-4)
