"""The decision guide: its boxes lead somewhere, its words say the same, its numbers are measured.

A box is an item of the numbered lists in a container `guide`; the words are the numbered lists
after it. A number with a decimal in a line *Measured* stands on the page that the line links next.
"""

import importlib
import re

import nbformat
import pytest

from tools.tidy import ROOT

GUIDE = ROOT / "chapters" / "faq" / "decision_guide.md"
TEXT = GUIDE.read_text(encoding="utf-8")
FLOW, WORDS = TEXT.split("\n## The same in words\n")
LINK = re.compile(r"\[[^\]]+\]\(([^)#\s]*)(?:#([^)\s]+))?\)")
ITEM = re.compile(r"^(\d+)\. \*\*(.+?)\*\*(.*?)(?=^\d+\. |^#|^:::|\Z)", re.M | re.S)


def source(page):
    """The text of a page that the guide links, as Markdown."""
    path = (GUIDE.parent / page).resolve() if page else GUIDE
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".ipynb":
        return text
    cells = nbformat.reads(text, as_version=4).cells
    return "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


def slugs(text):
    found = set(re.findall(r"\]\{#([\w-]+)\}", text))  # a place that is named by hand
    for title in re.findall(r"^#{1,3} (.+?)\s*$", text, re.M):
        title = re.sub(r"[*`]|\{\w+\}", "", title)
        found.add(re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-"))
    return found


def items(text):
    return {int(number): f"{title} {rest}" for number, title, rest in ITEM.findall(text)}


@pytest.mark.parametrize("page", sorted({page for page, _ in LINK.findall(TEXT)}))
def test_links_lead_to_a_section(page):
    anchors = {anchor for other, anchor in LINK.findall(TEXT) if other == page and anchor}
    missing = anchors - slugs(source(page))
    assert not missing, f"{page or 'the guide'} has no sections {sorted(missing)}"


def test_boxes_and_words_hold_the_same():
    boxes, words = items(FLOW), items(WORDS)
    assert list(boxes) == list(words) == list(range(1, len(boxes) + 1))
    for number, box in boxes.items():
        named = set(re.findall(r"`(\w+)", box))
        assert named <= set(re.findall(r"`(\w+)", WORDS)) | {"groups"}, number
        assert all(LINK.search(answer) for answer in re.findall(r"^ +- .+", box, re.M)), number
        assert f"(#words-{number})]{{#box-{number}}}" in box, number
        assert f"(#box-{number})]{{#words-{number}}}" in words[number], number
        assert "*Measured*" in words[number] or number == 4, number
        pages = {page for page, _ in LINK.findall(box) if page}
        assert pages <= {page for page, _ in LINK.findall(WORDS)}, number


def test_boxes_name_what_the_package_has():
    modules = ("baselines", "linear", "neural", "transfer", "table", "evaluation")
    known = set().union(*(dir(importlib.import_module(f"mtlkit.{name}")) for name in modules))
    foreign = {"HistGradientBoosting", "StandardScaler", "groups", "couple_intercept"}
    for name in re.findall(r"`(\w+)", FLOW):
        assert name in known | foreign, name


def measured():
    """Numbers with a decimal, and the page that is linked after them."""
    for line in re.findall(r"\*Measured\*: (.+?)(?=\n\d+\. |\n\n|\Z)", WORDS, re.S):
        start = 0
        for link in LINK.finditer(line):
            for number in re.findall(r"\d+\.\d+", line[start : link.start()]):
                yield link[1], number
            start = link.end()


@pytest.mark.parametrize(("page", "number"), sorted(set(measured())))
def test_numbers_stand_on_their_page(page, number):
    assert re.search(rf"(?<![\d.]){re.escape(number)}(?!\d)", source(page))
