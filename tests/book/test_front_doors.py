"""Pages that lead to pages: the hours of the landing page, its thumbnails, the page in Chinese."""

import re

import nbformat
import pytest

from tests.book import checks
from tests.book.test_decision_guide import LINK
from tools.minutes import to_read
from tools.tidy import ROOT, page_notebooks

INTRO = (ROOT / "intro.md").read_text(encoding="utf-8")
ARTICLE = (ROOT / "chapters" / "for_readers_of_the_article.md").read_text(encoding="utf-8")
PAGES = {path.relative_to(ROOT).as_posix(): path for path in page_notebooks()}
CARDS = re.findall(r"^:::\{grid-item-card\} (.+?)\n(.*?)^:::$", INTRO, re.M | re.S)


def hours(names):
    return sum(to_read(nbformat.read(PAGES[name], as_version=4).cells) for name in names) / 60


def stated(text):
    return [float(number) for number in re.findall(r"about (\d+(?:\.\d)?) hours", text)]


def test_the_whole_book_takes_the_hours_that_are_stated():
    (said,) = stated(INTRO.partition("**How long is it?**")[2])
    assert said == pytest.approx(hours(PAGES), rel=0.15)


@pytest.mark.parametrize("title, text", CARDS, ids=[title for title, _ in CARDS])
def test_a_path_takes_the_hours_that_are_stated(title, text):
    linked = {page for page, _ in LINK.findall(text) if page in PAGES}
    for said in stated(text):
        assert said == pytest.approx(hours(linked), abs=0.6)


def test_thumbnails_are_figures_of_the_book():
    cells = [c for path in PAGES.values() for c in nbformat.read(path, as_version=4).cells]
    drawn = {c.metadata.get("mystnb", {}).get("figure", {}).get("name") for c in cells}
    wanted = set(re.findall(r"\{thumbnail\} (\S+)", INTRO))
    assert len(CARDS) == len(wanted) == 4
    assert wanted <= drawn


# The summary in Chinese: its numbers stand on the pages that it links after them.

SUMMARY = re.search(r":::\{container\} language-zh\n(.*?)^:::$", ARTICLE, re.M | re.S)[1]


def measured():
    for paragraph in SUMMARY.split("\n\n"):
        start = 0
        for link in LINK.finditer(paragraph):
            for number in re.findall(r"\d+\.\d+", paragraph[start : link.start()]):
                yield link[1], number
            start = link.end()
        assert not re.search(r"\d\.\d", paragraph[start:])


@pytest.mark.parametrize(("page", "number"), sorted(set(measured())))
def test_numbers_of_the_summary_stand_on_their_page(page, number):
    path = (ROOT / "chapters" / page).resolve()
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        cells = checks.markdown_cells(nbformat.reads(text, as_version=4))
        text = "\n\n".join(cell.source for cell in cells)
    assert re.search(rf"(?<![\d.]){re.escape(number)}(?!\d)", text)


def test_every_word_in_chinese_says_that_it_is():
    outside = ARTICLE.replace(SUMMARY, "")
    marked = re.sub(r"\[[^\]]*\]\{\.language-zh\}", "", outside)
    assert not re.search(r"[\u4e00-\u9fff]", marked)
