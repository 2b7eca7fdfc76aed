"""The teaching pages keep up with the chapters: every exercise indexed, every page annotated."""

import re

import pytest
from nbformat.v4 import new_markdown_cell, new_notebook

from tools import exercises
from tools.exercises import TEACHING, index, missing, read_page, with_index

ENTRIES = ("Students get wrong", "Show live", "Timing", "Ask before running", "Leave with")
GOOD = """# Does it help?

```{exercise} Why $T$?
:label: ex-one
```

````{solution-start} ex-one
:class: dropdown
````

:::{exercise} Turn it
:label: ex-two
:::

:::{solution} ex-two
:class: dropdown
:::

```{exercise} Build it
:label: ex-three
```

```{solution} ex-three
:class: dropdown
```
"""
LINES = {
    "ex-one": {"level": "explain", "minutes": 10, "skill": "think"},
    "ex-two": {"level": "change", "minutes": 5, "skill": "turn"},
    "ex-three": {"level": "build", "minutes": 30, "skill": "build"},
}


def page(text=GOOD):
    return read_page("chapters/part/help.ipynb", new_notebook(cells=[new_markdown_cell(text)]))


def notes_without(text, pages):
    """Chapter pages that the notes leave out, and sections that lack an entry."""
    sections = re.split(r"^### ", text, flags=re.M)[1:]
    link = re.compile(r"\]\(\.\./(\S+?)\)")
    found = {f"chapters/{link.search(part)[1]}": part for part in sections if link.search(part)}
    problems = [f"no section on {name}" for name in pages if name not in found]
    problems += [f"a section on {name}, which is no page" for name in found if name not in pages]
    for name, section in found.items():
        has = re.findall(r"^- \*\*(.+?)\*\*: \S", section, re.M)
        if has != list(ENTRIES):
            problems.append(f"the section on {name} must have {', '.join(ENTRIES)}")
    return problems


# The book ----------------------------------------------------------------------------------------


def test_index_is_complete():
    assert missing(exercises.read_pages(), exercises.read_levels()) == []


def test_index_is_as_the_tool_writes_it():
    text = exercises.INDEX.read_text(encoding="utf-8")
    made = with_index(text, exercises.read_pages(), exercises.read_levels())
    assert text == made, "run: python tools/exercises.py"


def test_notes_hold_every_page():
    text = (TEACHING / "instructor_notes.md").read_text(encoding="utf-8")
    assert notes_without(text, exercises.reading_order()) == []


# The checks themselves ---------------------------------------------------------------------------


def test_page_is_read():
    assert page().title == "Does it help?"
    assert page().exercises == {"ex-one": "Why $T$?", "ex-two": "Turn it", "ex-three": "Build it"}
    assert page().solved == set(LINES)


def test_nothing_is_missing_on_a_good_page():
    assert missing([page()], LINES) == []


@pytest.mark.parametrize(
    "old, new, problem",
    [
        ("{solution} ex-two", "{note} x", "ex-two in chapters/part/help.ipynb has no solution"),
        (":label: ex-two", ":label: ex-one", "ex-two is listed and on no page"),
        ("{exercise} Turn it", "{note}", "chapters/part/help.ipynb has 2 exercises, not 3"),
        ("ex-two", "ex-new", "ex-new in chapters/part/help.ipynb needs a line in levels.yml"),
    ],
)
def test_what_is_missing_is_found(old, new, problem):
    assert problem in missing([page(GOOD.replace(old, new))], LINES)


@pytest.mark.parametrize(
    "line",
    [{"level": "hard", "minutes": 5, "skill": "x"}, {"level": "build", "minutes": 5}],
)
def test_a_bad_line_is_found(line):
    (problem,) = missing([page()], LINES | {"ex-two": line})
    assert problem.startswith("ex-two needs level (one of change, explain, build)")


def test_a_label_that_is_there_twice_is_found():
    other = page()._replace(name="chapters/part/other.ipynb")
    assert "ex-one is there 2 times" in missing([page(), other], LINES)


def test_index_sorts_by_level():
    text = index([page()], LINES)
    places = [text.index(f"(#{label})") for label in ("ex-two", "ex-one", "ex-three")]
    assert places == sorted(places)
    assert "| [Why $T$?](#ex-one) | [Does it help?](../part/help.ipynb) | 10 | think |" in text


def test_index_keeps_the_prose_and_is_stable():
    once = with_index("# Exercises\n\nProse.\n", [page()], LINES)
    assert once.startswith("# Exercises\n\nProse.\n\n")
    assert with_index(once, [page()], LINES) == once


def test_gaps_in_the_notes_are_found():
    entries = "\n".join(f"- **{name}**: this." for name in ENTRIES)
    pages = ["chapters/part/help.ipynb"]
    good = f"### Help\n\n[It](../part/help.ipynb)\n\n{entries}\n"
    assert notes_without(good, pages) == []
    assert notes_without(good, [*pages, "chapters/b.md"]) == ["no section on chapters/b.md"]
    assert len(notes_without(good.replace("**Timing**", "**Time**"), pages)) == 1
    assert notes_without(good, []) == ["a section on chapters/part/help.ipynb, which is no page"]
