"""What the page on intervals per task says of the stored study."""

import json

import pytest

from studies.interval_per_task import WAYS
from tools.tidy import ROOT

STUDY = json.loads(
    (ROOT / "studies" / "results" / "interval_per_task.json").read_text(encoding="utf-8")
)


def test_tied_scales_have_the_smallest_spread_and_own_cuts_the_widest_intervals():
    for row in STUDY["contest"].values():
        assert min(WAYS, key=lambda by: row[by]["variance between"]) == "tied"
        assert max(WAYS, key=lambda by: row[by]["width"]) == "task"
        assert all(abs(row[by]["covered"] - 0.9) < 0.015 for by in WAYS)


def test_the_score_is_decided_for_the_pooled_model():
    lead = STUDY["contest"]["pooled"]["tied - all"]
    assert lead["high"] < 0
    assert STUDY["contest"]["pooled"]["task - all"]["low"] > 0


@pytest.mark.parametrize("band", range(3))
def test_bands_differ_with_one_cut_and_not_with_their_own(band):
    one, own = (STUDY["bands"][by] for by in ("all", "task"))
    assert [one["covered"][0]["high"] < 0.9, one["covered"][2]["low"] > 0.9] == [True, True]
    assert own["covered"][band]["low"] < 0.9 < own["covered"][band]["high"]
    assert own["width"][0] > own["width"][1] > own["width"][2]


def test_the_later_year_lies_above():
    same, later = (STUDY["years"][name] for name in ("same years", "1987"))
    for by in WAYS:
        assert later[by]["above"] > same[by]["above"] + 0.015
        assert later[by]["above"] > 2.5 * later[by]["below"]


def test_a_shift_of_probabilities_gains_for_the_pooled_model():
    rows = STUDY["probabilities"]
    assert rows["pooled"]["gain of the shift"]["low"] > 0
    assert all(
        row["gain of the shift"]["low"] < 0 for name, row in rows.items() if name != "pooled"
    )
