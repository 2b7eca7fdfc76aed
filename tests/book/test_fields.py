"""The stored results of the page on text and images are those of their studies as they are now."""

import json

import numpy as np
import pytest

from studies import scans, words
from tools.tidy import ROOT


def stored(name):
    path = ROOT / "studies" / "results" / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.fixture
def table():
    """Three sentences of each of eight articles of each kind; the ratings alternate in sign."""
    rows = [
        (kind, f"{kind} {article}", (-1) ** line * 2.0, f"word{line} of article{article} good")
        for kind in words.KINDS
        for article in range(8)
        for line in range(3)
    ]
    rows.append(("tweets", "tweets 8", 0.4, "neither good nor bad"))
    names = {"good": 0, "of": 1}
    return words.Table(rows, names, np.eye(2, 50))


def test_words_are_those_of_the_vectors():
    assert words.words("I don't LOVE it!") == ["i", "do", "n't", "love", "it", "!"]


def test_an_article_is_on_one_side_of_a_split(table):
    train, test = table.split(5, 0)
    assert not set(table.articles[train]) & set(table.articles[test])
    assert np.bincount(table.kinds[train]).tolist() == [5, 5, 5, 5]
    assert np.bincount(table.kinds[test]).tolist() == [6, 6, 6, 6]  # two of eight articles
    np.testing.assert_array_equal(train, table.split(5, 0)[0])


def test_what_is_near_zero_is_left_out_and_counted(table):
    assert table.describe()["tweets"] == {
        "sentences": 25, "clear": 24, "articles": 8, "good": 66.7,
    }  # fmt: skip
    assert table.counts.shape[0] == len(table.vectors) == 96
    squares = table.counts[:, 1:].multiply(table.counts[:, 1:]).sum(axis=1)
    np.testing.assert_allclose(squares, 1)  # the column of the kind aside
    np.testing.assert_allclose(table.vectors[0, 1:3], [0.5, 0.5])


def test_packed_numbers_come_back():
    values = np.random.default_rng(0).normal(size=(4, 5))
    np.testing.assert_allclose(
        words.unpacked(words.packed(values)), values, atol=np.abs(values).max() / 250
    )


def test_one_row_of_each_study_can_be_worked_again():
    part = stored("words")["cut"]
    again = words.live(part)
    assert again.keys() == part["accuracy"].keys()
    np.testing.assert_allclose([*again.values()], [*part["accuracy"].values()], atol=0.5)
    np.testing.assert_allclose(scans.live(*scans.uci()), stored("scans")["live"], atol=0.7)


def test_results_are_those_of_the_modules():
    text, images = stored("words"), stored("scans")
    assert [int(n) for n in text["labels"]] == list(words.LABELS)
    assert text["cut"]["words"] == words.SHOWN
    assert list(text["kinds"]) == list(words.KINDS)
    assert [int(n) for n in images["labels a class"]] == list(scans.A_CLASS)
    for row in (*text["labels"].values(), *images["labels a class"].values()):
        for d in row["differences"].values():
            assert d["low"] < d["mean"] < d["high"]
    for study in (text, images):
        assert study["budget"] == 4
        assert len(json.dumps(study)) < 80_000


@pytest.mark.parametrize(
    ("read", "message"),
    [(words.read, "pip download .*vaderSentiment"), (scans.read, "MTLKIT_DATA")],
)
def test_missing_data_are_asked_for(read, message, tmp_path):
    with pytest.raises(OSError, match=message):
        read(tmp_path)


@pytest.mark.parametrize("study", [words, scans])
def test_another_file_is_refused(study, tmp_path):
    name = getattr(study, "ARCHIVE", None) or study.FILE
    (tmp_path / name).write_bytes(b"other")
    with pytest.raises(OSError, match="not the expected file"):
        study.read(tmp_path)


def test_a_scanner_that_inverts_swaps_ink_and_paper():
    sets = {name: (np.eye(64)[:20] + 0.1, np.arange(20) % 10) for name in scans.SCANNERS}
    upright, inverted = scans.table_of(sets)[0], scans.table_of(sets, inverted=True)[0]
    own = upright[:, 0] == scans.INVERTED
    np.testing.assert_array_equal(upright[~own], inverted[~own])
    assert (upright[own, 1:].argmax(axis=1) == inverted[own, 1:].argmin(axis=1)).all()
    np.testing.assert_allclose((inverted[:, 1:] ** 2).sum(axis=1)[own], 1)
