"""Tests of the M4 series: reading without a network."""

import pytest
from numpy.testing import assert_array_equal

from mtlkit.datasets import fetch_m4
from mtlkit.table import TaskTimeSeriesSplit
from tests._files import answer_with, take_for_real

TINY = {
    "m4_weekly-train.csv": '"V1","V2","V3","V4"\n"W1","1.5","2","3"\n"W2","4","5",\n',
    "m4_weekly-test.csv": '"V1","V2"\n"W2","6"\n"W1","7"\n',
}


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    return take_for_real(monkeypatch, tmp_path, TINY)


def test_a_series_is_its_past_and_its_test(tiny):
    X, y = fetch_m4("weekly")
    assert_array_equal(X, [[0, -2], [0, -1], [0, 0], [0, 1], [1, -1], [1, 0], [1, 1]])
    assert_array_equal(y, [1.5, 2, 3, 7, 4, 5, 6])
    pytest.importorskip("pandas")
    frame, values = fetch_m4("weekly", as_frame=True)
    assert (list(frame.columns), values.name) == (["task", "time"], "value")
    assert list(frame["task"]) == ["W1"] * 4 + ["W2"] * 3


def test_time_splits_the_table(tiny):
    X = fetch_m4("weekly")[0]
    *_, (train, test) = TaskTimeSeriesSplit(3, time_col=1, task_col=0).split(X)
    assert (X[train, 1] <= 0).all()
    assert (X[test, 1] == 1).all()


def test_a_frequency_must_be_there(tiny):
    with pytest.raises(ValueError, match="frequency='daily' must be"):
        fetch_m4("daily")


def test_both_files_are_downloaded_once(tiny, monkeypatch):
    asked = answer_with(monkeypatch, TINY)
    first, again = (fetch_m4("weekly", data_home=tiny / "new") for _ in range(2))
    assert len(asked) == 2
    assert_array_equal(first[0], again[0])
    with pytest.raises(OSError, match="download_if_missing=False"):
        fetch_m4("weekly", data_home=tiny / "empty", download_if_missing=False)
