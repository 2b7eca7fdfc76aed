"""The rubric of the course, made from the section *How to grade* of the syllabus.

`python -m tools.grading` writes `rubric.csv` (criterion, points, what a good answer contains) and
`rubric.md` (the same with empty columns for marks) into `_build/course`; `write_rubric(folder)`
does it elsewhere. The section must keep its form: a bold name, the points in words, then what
earns each point ("One for …" or "… (1)"); for the project a table.
"""

import csv
import re
import sys
from pathlib import Path
from typing import NamedTuple

from tools.questions import PACK, SYLLABUS

WORDS = dict(
    zip(["Two", "Three", "Four", "Five", "Ten", "Twenty"], [2, 3, 4, 5, 10, 20], strict=True)
)
COLUMNS = ["criterion", "points", "what a good answer contains"]
SECTION = re.compile(r"^## How to grade\n(.*?)(?=^## |\Z)", re.M | re.S)
PART = re.compile(r"^\*\*(.+?)\.\*\* (\w+) points[.:](.*?)(?=^\*\*|\Z)", re.M | re.S)
TERM = re.compile(r"\{term\}`([^`<]+?)(?: *<[^`]*>)?`")


class Line(NamedTuple):
    points: int
    what: str


class Part(NamedTuple):
    name: str
    points: int
    lines: list
    rules: str  # what holds beside the points


def read(text=None):
    """The parts of the rubric: three levels of exercises, and the project."""
    text = SYLLABUS.read_text(encoding="utf-8") if text is None else text
    section = SECTION.search(text)
    if not section:
        raise ValueError(f"{SYLLABUS.name} has no section 'How to grade'")
    parts = [part(*found) for found in PART.findall(TERM.sub(r"\1", section[1]))]
    if not parts or parts[-1].name != "Project":
        raise ValueError("'How to grade' must end with '**Project.** … points.' and its table")
    return parts


def part(name, word, body):
    if word not in WORDS:
        raise ValueError(f"{name}: points must be one of {', '.join(WORDS)}, not {word!r}")
    lines, rules = table(body) if "|---" in body else prose(body)
    if sum(line.points for line in lines) != WORDS[word]:
        each = " + ".join(str(line.points) for line in lines) or "no line"
        raise ValueError(f"{name}: {word.lower()} points are promised, and the lines give {each}")
    return Part(name, WORDS[word], lines, rules)


def table(body):
    rows = re.findall(r"^\| (\d+) \| (.+?) \|$", body, re.M)
    return [Line(int(points), what) for points, what in rows], one_line(body.rpartition("|\n")[2])


def prose(body):
    """Points of a level: "One for this, and one for that. A rule.", or "this (1), that (1)."."""
    body = one_line(body)
    if "(1)" in body:
        items = re.findall(r"(.+?) \(1\)[,.]?", body)
        return [Line(1, re.sub(r"^ *(and )?", "", item)) for item in items], ""
    items = re.split(r"\b[Oo]ne for ", body)[1:]
    last, _, rules = items[-1].partition(". ")
    found = [re.sub(r"(, and|\.)? *$", "", item) for item in [*items[:-1], last]]
    return [Line(1, item) for item in found], rules


def one_line(text):
    return " ".join(text.split())


def rows(parts):
    """The lines of the rubric as (criterion, points, what): a level's are numbered."""
    for name, _, lines, _ in parts:
        for number, (points, what) in enumerate(lines, start=1):
            yield f"{name}, {number}", points, what


def markdown(parts):
    text = ["# Rubric\n"]
    text += ["Made from *How to grade* of the syllabus. The two columns on the right are yours.\n"]
    for name, points, lines, rules in parts:
        text += [
            f"## {name}: {points} points\n",
            "| points | what a good answer contains | mark | why |",
        ]
        text += ["|---|---|---|---|", *(f"| {n} | {what} | | |" for n, what in lines)]
        text += [f"| **{points}** | **sum** | | |", *([f"\n{rules}"] if rules else []), ""]
    return "\n".join(text)


def write_rubric(folder):
    """Write `rubric.csv` and `rubric.md` into a folder; return the paths."""
    parts, folder = read(), Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "rubric.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows([COLUMNS, *rows(parts)])
    (folder / "rubric.md").write_text(markdown(parts), encoding="utf-8", newline="\n")
    return [folder / "rubric.csv", folder / "rubric.md"]


if __name__ == "__main__":
    try:
        print(*write_rubric(PACK), sep="\n")
    except ValueError as error:
        sys.exit(str(error))
