"""The rubric follows the syllabus; the sample project runs, and its mark follows the rubric."""

import csv
import re

import nbformat
import pytest

from tests.book.test_plain import RAW
from tools import grading
from tools.execute import code_cells, executed, fault
from tools.weeks import COURSE

SECTION = """# Syllabus

## How to grade

Grade the reason.

**Level 1, change a number.** Two points. One for a {term}`task`, right or
wrong, and one for a sentence. A number alone earns none.

**Level 3, build.** Three points: it runs (1), holds with
another seed (1), and says why (1).

**Project.** Five points. A report contains:

| points | what a good answer contains |
|---|---|
| 3 | the question: {term}`paired splits <paired split>` |
| 2 | a conclusion |

A result against it earns full points.

## Another section
"""


def test_parts_of_the_section_are_read():
    first, third, project = grading.read(SECTION)
    assert first == (
        "Level 1, change a number",
        2,
        [(1, "a task, right or wrong"), (1, "a sentence")],
        "A number alone earns none.",
    )
    assert third.lines == [(1, "it runs"), (1, "holds with another seed"), (1, "says why")]
    assert project.lines == [(3, "the question: paired splits"), (2, "a conclusion")]
    assert project.rules == "A result against it earns full points."


@pytest.mark.parametrize(
    "old, new, problem",
    [
        ("How to grade", "Marks", "no section 'How to grade'"),
        ("Five points", "Twenty points", r"Project: twenty points .* the lines give 3 \+ 2"),
        ("Two points", "Three points", r"Level 1, .* three points .* give 1 \+ 1"),
        ("another seed (1)", "another seed", r"Level 3, build: three points"),
        ("Five points", "Some points", "points must be one of"),
        ("**Project.**", "**Report.**", "must end with"),
    ],
)
def test_a_section_that_does_not_add_up_is_refused(old, new, problem):
    with pytest.raises(ValueError, match=problem):
        grading.read(SECTION.replace(old, new))


def test_rubric_of_the_syllabus_is_written(tmp_path):
    table, page = grading.write_rubric(tmp_path / "course")
    with open(table, encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["criterion", "points", "what a good answer contains"]
    sums = {}
    for name, points, what in rows:
        part = name.rpartition(",")[0]
        sums[part] = sums.get(part, 0) + int(points)
        assert what and "{" not in what
    assert list(sums.values()) == [2, 3, 5, 20] and list(sums)[-1] == "Project"
    text = page.read_text(encoding="utf-8")
    assert all(f"| {points} | {what} | | |" in text for _, points, what in rows)


# The sample project ------------------------------------------------------------------------------


def marks(text):
    """(number, points, mark) of each line of the mark, and the sums it states."""
    lines = re.findall(r"^\| (\d)\. .+? \| (\d) \| (\d) \| (.+) \|$", text, re.M)
    sums = re.search(r"^\| \*\*sum\*\* \| \*\*(\d+)\*\* \| \*\*(\d+)\*\* \|", text, re.M)
    return [(int(n), int(of), int(mark)) for n, of, mark, _ in lines], tuple(
        map(int, sums.groups())
    )


def test_mark_follows_the_rubric():
    text = (COURSE / "sample_project_mark.md").read_text(encoding="utf-8")
    found, sums = marks(text)
    project = grading.read()[-1]
    assert [(n, of) for n, of, _ in found] == [
        (n, line.points) for n, line in enumerate(project.lines, start=1)
    ]
    assert all(0 <= mark <= of for _, of, mark in found)
    assert sums == (project.points, sum(mark for *_, mark in found))
    assert text.startswith(f"# Mark of the sample project: {sums[1]} of {sums[0]}\n")
    lost = {n for n, of, mark in found if mark < of}
    explained = text.partition("## What would have earned")[2].partition("\n## ")[0]
    assert set(map(int, re.findall(r"^- \*\*Line (\d)\.\*\*", explained, re.M))) == lost


def test_sample_project_runs_within_a_minute():
    page, seconds = executed(COURSE / "sample_project.ipynb")
    assert [fault(cell) for cell in code_cells(page) if fault(cell)] == []
    assert any("claim" in cell.metadata.get("tags", []) for cell in code_cells(page))
    assert seconds < 60


def test_sample_project_is_short_and_plain():
    page = nbformat.read(COURSE / "sample_project.ipynb", as_version=4)
    text = "\n\n".join(cell.source for cell in page.cells if cell.cell_type == "markdown")
    assert not RAW.findall(text)
    assert len(text.split()) <= 800  # two pages
    assert all(not cell.outputs for cell in code_cells(page))
