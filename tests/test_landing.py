"""The landing page and stored results: the figure against its numbers, the listing run."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "studies" / "results"


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


def test_the_listing_of_the_landing_page_runs(capsys):
    listing = re.search(r"```python\n(.*?)```", (ROOT / "intro.md").read_text("utf-8"), re.S)[1]
    with pytest.warns(UserWarning, match="no candidate is boosted"):  # the text says so
        exec(listing, {})
    table = capsys.readouterr().out
    for name in ("alone", "pooled", "together"):
        assert re.search(rf"^{name} ", table, re.M)
