"""Plans of the course add up, and the weeks name what the book has."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tools import embeds, plain, weeks
from tools.course import of_class, slide_type

WEEKS = weeks.paths()
IDS = [path.stem for path in WEEKS]


def sessions():
    for path in WEEKS:
        week = weeks.read(path)
        yield from ((week, session) for session in week.sessions)


def markdown(text, **settings):
    return new_markdown_cell(text, metadata={"course": settings})


# The course --------------------------------------------------------------------------------------


def test_there_are_four_weeks_of_two_sessions():
    assert [weeks.number_of(path) for path in WEEKS] == [1, 2, 3, 4]
    assert [len(weeks.read(path).sessions) for path in WEEKS] == [2, 2, 2, 2]


def test_every_session_and_every_plan_fills_ninety_minutes():
    plans = weeks.plans()
    tables = {session.title: session.rows for _, session in sessions()}
    tables |= {block["title"]: block["rows"] for block in plans["day"]}
    tables["lecture"] = plans["lecture"]
    spent = {title: sum(row.minutes for row in rows) for title, rows in tables.items()}
    assert {title: n for title, n in spent.items() if n != weeks.SESSION} == {}


def test_homework_takes_one_to_two_hours():
    spent = {s.title: sum(n for n, *_ in weeks.homework(s, week)) for week, s in sessions()}
    assert {title: minutes for title, minutes in spent.items() if not 60 <= minutes <= 120} == {}


def test_timing_in_the_notes_is_the_time_of_the_page():
    pages = {page for _, s in sessions() for row in s.rows for page in row.parts}
    assert len(pages) > 10
    spent = {page: sum(minutes for minutes, _ in weeks.timing(page)) for page in pages}
    assert spent == {page: weeks.notes()[page]["minutes"] for page in pages}


def test_no_part_of_a_page_is_taught_twice():
    taken = [(page, n) for _, s in sessions() for row in s.rows for page in row.parts
             for n in row.parts[page]]  # fmt: skip
    assert sorted(taken) == sorted(set(taken))


def test_the_syllabus_is_as_the_tool_writes_it():
    text = weeks.SYLLABUS.read_text("utf-8")
    assert text == weeks.with_plans(text), "run: python -m tools.weeks"


@pytest.mark.parametrize("path", WEEKS, ids=IDS)
def test_what_a_week_embeds_is_in_the_book(path):
    for cell in nbformat.read(path, as_version=4).cells:
        for label in weeks.EMBED.findall(cell.source):
            if label.startswith("note-"):
                assert slide_type(cell) == "notes", label
                assert embeds.note(label)[1]
            else:
                assert label in plain.labels(), label
                assert slide_type(cell) != "notes", f"{label} would be told twice"
                if label.startswith("ex-"):
                    assert embeds.exercise(label).solution
                elif label.startswith("eq-"):
                    assert embeds.equation(label).startswith("$$")


@pytest.mark.parametrize("path", WEEKS, ids=IDS)
def test_a_week_tells_of_each_page_what_students_get_wrong(path):
    text = path.read_text("utf-8")
    pages = {page for s in weeks.read(path).sessions for row in s.rows for page in row.parts}
    assert [page for page in sorted(pages) if f"(#note-{page}-wrong)" not in text] == []


@pytest.mark.parametrize("path", WEEKS, ids=IDS)
def test_a_week_is_stored_tidy(path):
    from tools.tidy import tidy

    text = path.read_text("utf-8")
    assert text == tidy(text), f"run: python -m tools.tidy {path}"


# The reader of weeks -----------------------------------------------------------------------------


def test_a_row_has_the_minutes_of_its_parts_and_exercises():
    cells = [markdown("### Borrow", parts={"three_settings": [1, 3]}), markdown("![](#ex-three-k)")]
    parts, exercise = weeks.timing("three_settings"), weeks.levels()["ex-three-k"]["minutes"]
    row = weeks.read_row(cells, "week")
    assert row.minutes == parts[0][0] + parts[2][0] + exercise
    assert row.embeds == ["ex-three-k"]


@pytest.mark.parametrize(
    "settings, message",
    [
        ({}, "'Borrow': give `parts` of the notes' timing, or `minutes`"),
        ({"minutes": 5, "parts": {"three_settings": [1]}}, "give `parts`"),
        ({"parts": {"three_setings": [1]}}, "have no page 'three_setings'"),
        ({"parts": {"three_settings": [4]}}, "three_settings has 3 parts, no part 4"),
    ],
)
def test_a_row_that_cannot_be_timed_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        weeks.read_row([markdown("### Borrow", **settings)], "week_9.ipynb")


def test_a_session_ends_with_homework():
    cells = [markdown("## Session 1: A"), markdown("### Row", minutes=90)]
    with pytest.raises(ValueError, match="the last row must be `### Homework`"):
        weeks.read_session(cells, "week_9.ipynb")


@pytest.mark.parametrize("label", ["fig-none", "ex-none", "eq-none"])
def test_a_name_that_the_book_does_not_have_is_refused(label):
    read = {"fig": embeds.figure, "ex": embeds.exercise, "eq": embeds.equation}[label.split("-")[0]]
    with pytest.raises(ValueError, match=f"'{label}' names no figure, no formula and no exercise"):
        read(label)


def test_a_note_names_a_page_and_an_entry():
    with pytest.raises(ValueError, match="'note-three_settings-all' is not note-PAGE-ENTRY"):
        embeds.note("note-three_settings-all")


def test_students_get_exercises_without_notes_and_solutions():
    notes = new_markdown_cell("secret", metadata={"slideshow": {"slide_type": "notes"}})
    page = new_notebook(cells=[markdown("### Do\n\n![](#ex-three-k)"), notes, new_code_cell("1")])
    texts = [cell.source for cell in of_class(page.cells)]
    exercise = embeds.exercise("ex-three-k")
    assert exercise.text in texts[0] and "*Your answer:*" in texts[1] and texts[2:] == ["1"]
    assert not any(part in text for text in texts for _, part in exercise.solution)


def test_students_open_a_figure_after_their_prediction():
    (cell,) = of_class([markdown("### Look\n\n![](#fig-three-settings)")])
    assert cell.source.index("<details>") < cell.source.index("<img ")
    assert "<summary>Figure 1 of “Alone, together, from others”" in cell.source
