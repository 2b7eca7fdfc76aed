"""The landing page and stored results: the figure against its numbers, the listing run."""

import json
import re
from contextlib import chdir, redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "studies" / "results"
INTRO = (ROOT / "intro.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def angles():
    rows = json.loads((RESULTS / "angles.json").read_text(encoding="utf-8"))["rows"]
    return {(row["labels"], row["setting"]): row for row in rows}


def test_with_five_images_every_way_of_borrowing_gains_much_on_new_images(angles):
    for setting in ("pooled", "multi-task", "transfer"):
        assert angles[5, setting]["low"] > 0.15
        assert 0.3 < angles[5, setting]["difference"] < 0.4


def test_with_eighty_images_pooling_is_behind_and_the_others_are_shown_close(angles):
    assert -0.04 < angles[80, "pooled"]["difference"] < 0
    for setting in ("multi-task", "transfer"):
        assert 0 < angles[80, setting]["difference"] < 0.02


def test_together_gains_on_average_at_every_number_of_images(angles):
    for (labels, setting), row in angles.items():
        if setting in ("multi-task", "transfer"):
            assert row["difference"] > 0, labels
    assert angles[40, "pooled"]["low"] < 0 < angles[40, "pooled"]["high"]


@pytest.mark.parametrize("path", sorted(RESULTS.glob("*.json")), ids=lambda path: path.stem)
def test_results_say_which_command_makes_them(path):
    stored = json.loads(path.read_text(encoding="utf-8"))
    page = path.stem.removeprefix("boosted_")
    of_a_page = (RESULTS.parent / "boosted" / f"{page}.py").exists()
    name = f"boosted {page}" if of_a_page else path.stem
    assert stored["command"] == f"python -m studies {name}"


@pytest.fixture(scope="module")
def printed(tmp_path_factory):
    """What the listing prints, in a folder that holds the file which the page writes first."""
    folder = tmp_path_factory.mktemp("landing")
    listing = "\n".join(re.findall(r"```python\n(.*?)```", INTRO, re.S))
    with chdir(folder), redirect_stdout(StringIO()) as out:
        exec(listing, {})
    return out.getvalue()


def rows_of(table):
    """For each candidate its score, its difference from alone and the ends of the interval."""
    lines = re.findall(r"^(\w+) +(?:single|multi|pooled)\S* +(\S+) {2,}(.*?)  ", table, re.M)
    return {
        name: [float(number) for number in re.findall(r"[-+]?\d+\.\d", f"{score} {difference}")]
        for name, score, difference in lines
    }


def test_the_listing_prints_the_table_that_the_page_shows(printed):
    shown = re.search(r"```text\n(.*?)```", INTRO, re.S)[1]
    assert shown.splitlines()[:2] == printed.splitlines()[:2]
    assert list(rows_of(shown)) == ["alone", "pooled", "trees", "tied"]
    for name, numbers in rows_of(printed).items():
        assert rows_of(shown)[name] == pytest.approx(numbers, abs=1.0)


def test_what_the_page_reads_in_its_table(printed):
    rows = rows_of(printed)
    assert rows["tied"][2] > 0 > max(rows["pooled"][2], rows["trees"][2])


def test_the_landing_page_names_three_ways_in_before_anything_else():
    first = INTRO.partition("## ")[0]
    assert first.count("{button-ref}") == 3
