"""Tests of the classics of mixed models: reading without a network, and lme4's figures."""

import os
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from mtlkit.datasets import (
    fetch_chem97,
    fetch_exam,
    fetch_hsb82,
    fetch_radon,
    fetch_sleepstudy,
)
from mtlkit.linear import EmpiricalBayesRidge
from tests._files import answer_with, take_for_real

RADON = """"rownames","log.radon","basement","uranium","county","county.name"
1,0.5,1,-0.25,2,"B, NORTH "
2,1.5,0,-0.25,2,"B, NORTH "
3,-1,0,0.75,1,"A"
"""
SLEEP = "rownames,Reaction,Days,Subject\n1,249.5,0,308\n2,222,0,309\n3,258.75,1,308\n"
CHEM97 = """rownames,lea,school,student,score,gender,age,gcsescore,gcsecnt
1,1,3,1,4,F,3,6.625,0.3
2,1,1,2,10,M,-3,7.625,1.3
"""
EXAM = """rownames,school,normexam,schgend,schavg,vr,intake,standLRT,sex,type,student
1,2,0.25,mixed,0.125,mid 50%,bottom 25%,0.75,F,Mxd,143
2,1,-0.5,boys,-0.5,mid 50%,mid 50%,0.5,M,Sngl,145
3,7,1.5,girls,0,mid 50%,mid 50%,-1,F,Sngl,1
"""
HSB82 = """rownames,school,minrty,sx,ses,mAch,meanses,sector,cses
1,1224,No,Female,-1.5,5.875,-0.25,Public,-1.25
2,1308,Yes,Male,0.5,19.75,0.5,Catholic,0
"""
TINY = {
    "radon.csv": RADON,
    "sleepstudy.csv": SLEEP,
    "Chem97.csv": CHEM97,
    "Exam.csv": EXAM,
    "Hsb82.csv": HSB82,
}
ALL = [fetch_chem97, fetch_exam, fetch_hsb82, fetch_radon, fetch_sleepstudy]


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    return take_for_real(monkeypatch, tmp_path, TINY)


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


@pytest.mark.parametrize(
    ("fetch", "rows", "labels", "names"),
    [
        (
            fetch_chem97,
            [[0, 1, 3, 6.625], [1, 0, -3, 7.625]],
            [4, 10],
            "task girl age GCSE chemistry",
        ),
        (
            fetch_exam,
            [[0, 0.75, 1, 0.125, 0, 0], [1, 0.5, 0, -0.5, 1, 0], [2, -1, 1, 0, 0, 1]],
            [0.25, -0.5, 1.5],
            "task reading girl mean_reading boys'_school girls'_school score",
        ),
        (
            fetch_hsb82,
            [[0, -1.5, 0, 1, -0.25, 0], [1, 0.5, 1, 0, 0.5, 1]],
            [5.875, 19.75],
            "task status minority girl mean_status Catholic mathematics",
        ),
    ],
)
def test_schools_hold_what_the_file_holds(fetch, rows, labels, names, tiny):
    X, y = fetch()
    assert_array_equal(X, rows)
    assert_array_equal(y, labels)
    pytest.importorskip("pandas")
    frame, series = fetch(as_frame=True)
    assert [*frame.columns, series.name] == [name.replace("_", " ") for name in names.split()]


@pytest.mark.parametrize("fetch", ALL)
def test_a_file_is_downloaded_once_into_its_folder(fetch, tiny, monkeypatch):
    asked = answer_with(monkeypatch, TINY)
    home = tiny / "new"
    first, again = fetch(data_home=home), fetch(data_home=home)
    assert len(asked) == 1
    assert [path.parent.name for path in home.rglob("*.csv")] == ["cases"]
    assert_array_equal(first[0], again[0])


@pytest.mark.parametrize("fetch", ALL)
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


@pytest.mark.parametrize(
    ("fetch", "name", "shape", "schools", "least", "most"),
    [
        (fetch_chem97, "Chem97.csv", (31022, 4), 2410, 1, 188),
        (fetch_exam, "Exam.csv", (4059, 6), 65, 2, 198),
        (fetch_hsb82, "Hsb82.csv", (7185, 6), 160, 14, 67),
    ],
)
def test_schools_have_the_sizes_of_their_docstrings(fetch, name, shape, schools, least, most):
    X, y = real(fetch, name)
    rows = np.bincount(X[:, 0].astype(int))
    assert (X.shape, len(y), len(rows), rows.min(), rows.max()) == (
        shape, shape[0], schools, least, most,
    )  # fmt: skip
    assert np.isfinite(X).all()


def test_hsb82_by_sector():
    X, y = real(fetch_hsb82, "Hsb82.csv")
    catholic = X[:, 5] == 1
    assert len(np.unique(X[catholic, 0])) == 70
    assert y[catholic].mean() > y[~catholic].mean() + 2
