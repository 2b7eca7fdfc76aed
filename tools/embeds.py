"""What `![](#label)` stands for in a week of the course: a figure, a formula, an exercise, a note.

`fig-…` is a figure of the book, as the executed page draws it; `eq-…` a formula with its number;
`ex-…` an exercise, whose solution comes with it; `note-PAGE-ENTRY` an entry of the notes for
instructors, where ENTRY is wrong, show, ask or leave. So no text of the book is written twice.
"""

import re
from base64 import b64decode
from functools import cache
from typing import NamedTuple

from tools import execute, plain, weeks

ENTRIES = {
    "wrong": "Students get wrong",
    "show": "Show live",
    "ask": "Ask before running",
    "leave": "Leave with",
}


class Figure(NamedTuple):
    label: str
    data: bytes
    suffix: str  # .png or .svg
    alt: str
    caption: str
    source: str  # "Figure 3 of …", as the notes name it


class Exercise(NamedTuple):
    label: str
    title: str
    minutes: int
    text: str
    solution: list  # (kind of cell, source)


def unlinked(text):
    """Plain Markdown without links to notebooks, which do not lie beside."""
    return re.sub(r"(?<!!)\[([^]]*)\]\((?!https?:)[^)\s]+\)", r"\1", text)


@cache
def outputs(path):
    """The cells of a page with their outputs; from the cache, if it ran as it is."""
    return execute.executed(path)[0].cells


def page_of(label):
    if label not in plain.labels():
        raise ValueError(f"{label!r} names no figure, no formula and no exercise of the book")
    return plain.labels()[label][0]


@cache
def figure(label):
    path = page_of(label)
    words, source = plain.Plain(path), f"{plain.labels()[label][1]} of “{plain.title(path)}”"
    for cell in plain.read(path).cells:
        options = rf"(?::[^\n]*\n)*?:name: {label}\n(?::[^\n]*\n)*"
        named = rf"^`{{3,}}\{{figure\}} (\S+)\n({options})(.*?)^```"
        found = re.search(named, cell.source, re.M | re.S)
        if found:
            file, options, caption = found.groups()
            alt = re.search(r"^:alt: (.*)$", options, re.M)
            data = (path.parent / file).read_bytes()
            alt, caption = alt[1] if alt else "", words.text(caption)
            return Figure(
                label, data, f".{file.rpartition('.')[2]}", alt, unlinked(caption), source
            )
    for cell in outputs(path):
        about = plain.figure_of(cell) if cell.cell_type == "code" else None
        if about and about.get("name") == label:
            data, suffix = picture(cell, label)
            alt = cell.metadata["mystnb"].get("image", {}).get("alt", "")
            caption = unlinked(words.prose(about.get("caption", "")))
            return Figure(label, data, suffix, alt, caption, source)
    raise ValueError(f"{label!r} is no figure of {path.name}")


def picture(cell, label):
    """(data, suffix) of the picture that a cell has drawn."""
    for output in cell.outputs:
        kinds = output.get("data", {})
        if "image/png" in kinds:
            return b64decode(kinds["image/png"]), ".png"
        if "image/svg+xml" in kinds:
            return "".join(kinds["image/svg+xml"]).encode(), ".svg"
    raise ValueError(f"{label!r}: the cell has drawn no picture")


@cache
def exercise(label):
    path = page_of(label)
    words, cells = plain.Plain(path), plain.read(path).cells
    title, text, solution, inside = "", None, [], False
    fence = r"^(`{3,})\{%s\} ?([^\n]*)\n((?::[^\n]*\n)*)(.*?)^\1 *$"
    for cell in cells:
        source = cell.source
        if cell.cell_type == "code":
            solution += [("code", source)] if inside else []
            continue
        for found in re.finditer(fence % "exercise", source, re.M | re.S):
            if f":label: {label}\n" in found[3]:
                title, text = words.prose(found[2]), unlinked(words.text(found[4]))
        for found in re.finditer(fence % "solution", source, re.M | re.S):
            if found[2] == label:
                solution.append(("markdown", unlinked(words.text(found[4]))))
        for found in re.finditer(fence % "solution-start", source, re.M | re.S):
            if found[2] == label:
                inside, source = True, source[found.end() :]
        if inside:
            end = re.search(r"^`{3,}\{solution-end\}", source, re.M)
            source = source[: end.start()] if end else source
            solution += [("markdown", unlinked(words.text(source)))] if source.strip() else []
            inside = not end
    if text is None or not solution:
        raise ValueError(f"{label!r} in {path.name} has no text or no solution")
    return Exercise(label, title, weeks.levels()[label]["minutes"], text, solution)


@cache
def equation(label):
    path = page_of(label)
    text = plain.markdown(plain.read(path))
    found = re.search(rf"\$\$(?:(?!\$\$).)*\$\$ *\({label}\)", text, re.S)
    return plain.Plain(path).prose(found[0])


@cache
def note(label):
    """(name of the entry, its text) for `note-PAGE-ENTRY`."""
    page, _, entry = label.removeprefix("note-").rpartition("-")
    if page not in weeks.notes() or entry not in ENTRIES:
        raise ValueError(f"{label!r} is not note-PAGE-ENTRY with one of {', '.join(ENTRIES)}")
    words = plain.Plain(weeks.pages()[page])
    return ENTRIES[entry], unlinked(words.text(weeks.notes()[page][ENTRIES[entry]]))
