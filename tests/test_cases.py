"""Tests of the tables of stores and hospitals: reading without a network."""

import os
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from mtlkit.datasets import fetch_heart, fetch_stores
from tests._files import answer_with, take_for_real

STORES = """Store,Date,Weekly_Sales,Holiday_Flag,Temperature,Fuel_Price,CPI,Unemployment
1,05-02-2010,1643690.9,0,42.25,2.5,211.5,8.125
1,19-02-2010,1500000,0,38.5,2.5,211.5,8.125
2,12-02-2010,500000,1,40,2.75,200,7
"""
HEART = """age,sex,dataset,cp,trestbps,chol,fbs,restecg,thalch,exang,oldpeak,slope,ca,thal,num
63,Male,Cleveland,typical angina,95,93,TRUE,lv hypertrophy,99,FALSE,2.5,downsloping,0,fixed defect,0
28,Male,Cleveland,atypical angina,130,132,FALSE,lv hypertrophy,185,FALSE,0,,,,0
50,Female,Switzerland,asymptomatic,0,0,,normal,,TRUE,,flat,,reversable defect,3
"""
TINY = {"walmart_weekly.csv": STORES, "heart_disease_uci.csv": HEART}
FETCH = {"walmart_weekly.csv": fetch_stores, "heart_disease_uci.csv": fetch_heart}


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    return take_for_real(monkeypatch, tmp_path, TINY)


def test_a_store_has_its_weeks(tiny):
    X, y = fetch_stores()
    assert_array_equal(X[:, :3], [[0, 0, 0], [0, 2, 0], [1, 1, 1]])
    assert_array_equal(X[0, 3:], [42.25, 2.5, 211.5, 8.125])
    assert_array_equal(y, [1643690.9, 1500000, 500000])
    pytest.importorskip("pandas")
    frame, sales = fetch_stores(as_frame=True)
    assert list(frame["task"]) == ["store 1", "store 1", "store 2"]
    assert (frame.columns[1], frame.columns[-1], sales.name) == ("week", "unemployment", "sales")


def test_holes_of_a_hospital_stay_holes(tiny):
    """Also those that the file writes as 0; and the patient without three columns moves."""
    pytest.importorskip("pandas")
    frame, sick = fetch_heart(as_frame=True)
    assert list(frame["task"]) == ["Cleveland", "Hungary", "Switzerland"]
    assert_array_equal(sick, [0, 0, 1])
    cleveland, hungary, switzerland = (frame.iloc[k] for k in range(3))
    assert not cleveland.isna().any()
    assert cleveland[["typical angina", "falling slope", "fixed defect", "high sugar"]].all()
    assert not cleveland[["flat slope", "reversible defect", "exercise angina"]].any()
    lacking = ["flat slope", "falling slope", "vessels", "fixed defect", "reversible defect"]
    assert list(hungary.index[hungary.isna()]) == lacking
    assert switzerland[["pressure", "cholesterol", "high sugar", "heart rate"]].isna().all()
    assert switzerland["reversible defect"] == switzerland["exercise angina"] == 1
    assert not switzerland[["male", "other pain", "hypertrophy"]].any()


@pytest.mark.parametrize("name", TINY)
def test_a_file_is_downloaded_once(name, tiny, monkeypatch):
    asked = answer_with(monkeypatch, TINY)
    first, again = (FETCH[name](data_home=tiny / "new") for _ in range(2))
    assert len(asked) == 1
    assert_array_equal(first[0], again[0])
    with pytest.raises(OSError, match="download_if_missing=False"):
        FETCH[name](data_home=tiny / "empty", download_if_missing=False)


# The real files, which must be as the docstrings say


def real(name):
    if not (Path(os.environ.get("MTLKIT_DATA", "")) / "cases" / name).exists():
        pytest.skip(f"{name} is not here: set MTLKIT_DATA to the directory that holds cases/{name}")
    return FETCH[name]()


def test_stores_lack_five_weeks():
    X, y = real("walmart_weekly.csv")
    assert X.shape == (6430, 7)
    assert np.isfinite(X).all()
    store, week = X[:, 0].astype(int), X[:, 1].astype(int)
    seen = np.zeros((45, 143), dtype=bool)
    seen[store, week] = True
    assert_array_equal(np.argwhere(~seen)[:, 0] + 1, [8, 11, 12, 13, 29])
    assert not seen[12, 46]
    assert_array_equal(np.unique(week[X[:, 2] == 1]), [1, 31, 42, 47, 53, 83, 94, 99, 105, 135])
    assert (round(y.min() / 1e6, 2), round(y.max() / 1e6, 1)) == (0.21, 3.8)


def test_hospitals_have_their_patients():
    X, y = real("heart_disease_uci.csv")
    assert X.shape == (920, 19)
    assert_array_equal(np.bincount(X[:, 0].astype(int)), [303, 294, 123, 200])
    assert y.sum() == 509
    assert np.isnan(X[X[:, 0] == 2, 7]).all()  # cholesterol in Switzerland
    assert np.nanmin(X[:, 6:8]) > 0
    groups = ([3, 4, 5], [9, 10], [14, 15], [17, 18])  # of one column of the file each
    assert all((np.nan_to_num(X[:, own]).sum(axis=1) <= 1).all() for own in groups)
