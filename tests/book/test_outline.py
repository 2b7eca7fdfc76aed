"""Every subject that the book promises is found on a page that is listed, under its heading."""

import pytest
import yaml

from tests.book import checks
from tests.book.test_pages import ROOT, prose

SUBJECTS = yaml.safe_load((ROOT / "tests/book/outline.yml").read_text(encoding="utf-8"))
LISTED = checks.listed_pages(yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8")))


@pytest.mark.parametrize("subject", SUBJECTS)
def test_subject_is_on_a_listed_page(subject):
    page, heading = SUBJECTS[subject]
    assert page.rpartition(".")[0] in LISTED
    lines = checks.without_fences(prose(page)).splitlines()
    assert [line for line in lines if line.lstrip("#").strip() == heading and line[:1] == "#"]
