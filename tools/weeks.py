"""The weeks of the course: `course/week_N.ipynb`, read as sessions, rows and minutes.

A week is a notebook whose headings are its plan. `#` names the week, `##` a session, `###` a row of
the session's timetable, `####` one more slide of the row; `## Assignment` comes last. The metadata
`course` of a heading's cell holds what words cannot:

- a session: `needs`, what students bring;
- a row: `parts`, which parts of the line **Timing** in the notes for instructors it takes, by page
  (`{"three_settings": [1, 2]}`), or `minutes` where it rests on no page;
- homework: `read`, pages to read at home; `exercises`, by label; `assignment`: true;
- the assignment: `minutes`.

Minutes of a row are those of its parts and of its exercises (`levels.yml`), so a plan adds up or
the tests say where not. The lecture, the day and the core path have no slides; they stand in
`chapters/teaching/plans.yml`, in the same terms. `python -m tools.weeks` writes all tables into the
syllabus.
"""

import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

import nbformat
import yaml

from tools import exercises, minutes
from tools.exercises import TEACHING

ROOT = Path(__file__).resolve().parent.parent
COURSE = ROOT / "course"
SYLLABUS = TEACHING / "syllabus.md"
PLANS = TEACHING / "plans.yml"
MADE = "% {} below: written by tools/weeks.py, up to the line that says so.\n"
END = "% End of what tools/weeks.py writes.\n"
SESSION = 90  # minutes
EMBED = re.compile(r"^!\[\]\(#([\w-]+)\)$", re.M)
PART = re.compile(r"(\d+) (?:for )?([^,.]+)")


class Row(NamedTuple):
    title: str
    minutes: int
    parts: dict  # page: numbers of parts of its timing, from one
    embeds: list  # labels, in order
    do: str = ""  # what students do, where no exercise says it


class Session(NamedTuple):
    title: str
    goals: list
    needs: str
    rows: list
    homework: dict


class Week(NamedTuple):
    number: int
    title: str
    sessions: list
    assignment: int  # minutes


def paths():
    return sorted(COURSE.glob("week_*.ipynb"))


def number_of(path):
    return int(path.stem.removeprefix("week_"))


@cache
def levels():
    return exercises.read_levels()


@cache
def pages():
    """Path of each notebook page by its name without suffix."""
    return {path.stem: path for path in sorted((ROOT / "chapters").rglob("*.ipynb"))}


@cache
def notes():
    """Sections of the notes for instructors, by name of the page: {entry: text}, and `minutes`."""
    found = {}
    text = (TEACHING / "instructor_notes.md").read_text("utf-8")
    for section in re.split(r"^### ", text, flags=re.M)[1:]:
        link = re.search(r"\]\(\.\./\S+?(\w+)\.(?:ipynb|md)\)(?: · (\d+) minutes)?", section)
        section = re.split(r"^## ", section, flags=re.M)[0]
        entries = dict(re.findall(r"^- \*\*(.+?)\*\*: (.*?)(?=^- \*\*|\Z)", section, re.M | re.S))
        entries = {name: " ".join(entry.split()) for name, entry in entries.items()}
        found[link[1]] = entries | {"minutes": int(link[2] or 0)}
    return found


def timing(page):
    """The parts into which the notes divide a page: [(minutes, what)]."""
    sentence = notes()[page]["Timing"].split(". ")[0]
    return [(int(number), what.strip()) for number, what in PART.findall(sentence)]


def heading(cell):
    """(level, words) of a cell that begins with a heading; else (0, "")."""
    found = re.match(r"(#+) (.+)", cell.source) if cell.cell_type == "markdown" else None
    return (len(found[1]), found[2].strip()) if found else (0, "")


def about(cell):
    return cell.metadata.get("course", {})


def row(name, title, settings, embeds):
    """A row of a timetable, with its minutes."""
    parts, exercises_of_row = settings.get("parts", {}), [e for e in embeds if e.startswith("ex-")]
    if ("minutes" in settings) == bool(parts or exercises_of_row):
        raise ValueError(f"{name}, {title!r}: give `parts` of the notes' timing, or `minutes`")
    spent = settings.get("minutes", 0)
    for page, chosen in parts.items():
        if page not in notes():
            raise ValueError(f"{name}, {title!r}: the notes for instructors have no page {page!r}")
        has = timing(page)
        for part in chosen:
            if not 1 <= part <= len(has):
                raise ValueError(f"{name}, {title!r}: {page} has {len(has)} parts, no part {part}")
            spent += has[part - 1][0]
    spent += sum(levels()[label]["minutes"] for label in exercises_of_row)
    return Row(title, spent, parts, embeds, settings.get("do", ""))


def read_row(cells, name):
    """A row from the cells below its heading, the heading's first."""
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    return row(name, heading(cells[0])[1], about(cells[0]), EMBED.findall(text))


def plans():
    """The lecture and the blocks of the day as rows, and the core path: {name: ...}."""
    found = yaml.safe_load(PLANS.read_text("utf-8"))

    def rows(name, lines):
        embeds = [[*line.get("show", []), *line.get("exercises", [])] for line in lines]
        return [row(name, line["what"], line, e) for line, e in zip(lines, embeds, strict=True)]

    day = [block | {"rows": rows(block["title"], block["rows"])} for block in found["day"]]
    return {"lecture": rows("lecture", found["lecture"]), "day": day, "core": found["core"]}


def below(cells, level):
    """The cells in groups, each beginning with a heading of `level`; what stands before is left."""
    groups = []
    for cell in cells:
        if heading(cell)[0] == level:
            groups.append([])
        if groups:
            groups[-1].append(cell)
    return groups


def halves(notebook):
    """The cells of the sessions, and those of the assignment."""
    titles = [heading(cell) for cell in notebook.cells]
    start = titles.index((2, "Assignment"))
    return notebook.cells[:start], notebook.cells[start:]


def read_session(cells, name):
    first, (*rows, homework) = cells[0], below(cells, 3)
    if heading(homework[0])[1] != "Homework":
        raise ValueError(f"{name}, {heading(first)[1]!r}: the last row must be `### Homework`")
    goals = re.findall(r"^- (.*?)\s*(?=^- |\Z)", first.source, re.M | re.S)
    title = heading(first)[1].partition(": ")[2]
    rows = [read_row(row, name) for row in rows]
    return Session(title, goals, about(first).get("needs", ""), rows, about(homework[0]))


def read(path):
    taught, (assignment, *_) = halves(nbformat.read(path, as_version=4))
    sessions = [read_session(cells, path.name) for cells in below(taught, 2)]
    title = heading(taught[0])[1].partition(": ")[2]
    return Week(number_of(path), title, sessions, about(assignment)["minutes"])


# Homework ----------------------------------------------------------------------------------------


@cache
def read_at_home(page):
    """Title of a page, and the minutes that it takes to read."""
    cells = nbformat.read(pages()[page], as_version=4).cells
    return heading(cells[0])[1], minutes.to_read(cells)


def homework(session, week):
    """What is to do at home: [(minutes, kind, label or page)]."""
    work = [(read_at_home(page)[1], "read", page) for page in session.homework.get("read", [])]
    for label in session.homework.get("exercises", []):
        work.append((levels()[label]["minutes"], "exercise", label))
    if session.homework.get("assignment"):
        work.append((week.assignment, "assignment", week.number))
    return work


# The syllabus ------------------------------------------------------------------------------------


def exercise(label):
    """A reference to an exercise that says what it trains: titles of exercises repeat."""
    return f"{{ref}}`{levels()[label]['skill']} <{label}>`"


def with_what(row):
    named = [f"{{numref}}`{label}`" for label in row.embeds if label.startswith("fig-")]
    named += [exercise(label) for label in row.embeds if label.startswith("ex-")]
    return ", ".join(named + [row.do] * bool(row.do))


def table(rows):
    lines = [f"| {row.minutes} | {row.title} | {with_what(row)} |" for row in rows]
    return "\n".join(["| minutes | what | with |", "|---|---|---|", *lines])


def linked(page):
    path = pages()[page]
    return f"[{read_at_home(page)[0]}](../{path.parent.name}/{path.name})"


def used(rows):
    return ", ".join(map(linked, dict.fromkeys(page for row in rows for page in row.parts)))


def work(session, week):
    """The homework of a session as one line."""
    words = []
    for spent, kind, what in homework(session, week):
        say = {"read": linked, "exercise": exercise, "assignment": "assignment {}".format}[kind]
        words.append(f"{'read ' * (kind == 'read')}{say(what)} ({spent})")
    total = sum(spent for spent, *_ in homework(session, week))
    return f"*Homework, {total} minutes.* {'; '.join(words)}."


def lecture():
    return table(plans()["lecture"])


def day():
    blocks = []
    for number, block in enumerate(plans()["day"], 1):
        head = f"### Block {number}: {block['title']}\n\n*Goals.* {block['goals']}\n"
        blocks.append(f"{head}*Pages.* {used(block['rows'])}.\n\n{table(block['rows'])}")
    return "\n\n".join(blocks)


def core():
    lines, total = [], 0
    for step in plans()["core"]:
        read, tasks = read_at_home(step["page"])[1], step["exercises"]
        spent = sum(levels()[label]["minutes"] for label in tasks)
        total += read + spent
        done = ", ".join(map(exercise, tasks))
        lines.append(f"| {linked(step['page'])} | {step['gives']} | {read} | {done} | {spent} |")
    head = "| page | what it gives | minutes to read | exercises | minutes |\n|---|---|---|---|---|"
    together = f"Together {total} minutes, about {total / 60:.0f} hours."
    return "\n".join([head, *lines, "", together])


def four_weeks():
    parts = []
    for path in paths():
        week = read(path)
        for number, session in enumerate(week.sessions, 1):
            lines = [f"### Week {week.number}, session {number}: {session.title}", ""]
            lines += [f"*Goals.* {' '.join(session.goals)}"]
            lines += [f"*Prerequisites.* {session.needs}"] if session.needs else []
            lines += [f"*Pages.* {used(session.rows)}."]
            parts.append("\n".join([*lines, "", table(session.rows), "", work(session, week)]))
    return "\n\n".join(parts)


WRITTEN = {"Lecture": lecture, "Day": day, "Four weeks": four_weeks, "Core path": core}


def with_plans(text):
    """The syllabus with all tables written anew."""
    for name, write in WRITTEN.items():
        before, rest = text.split(MADE.format(name))
        after = rest.split(END, 1)[1]
        text = f"{before}{MADE.format(name)}\n{write()}\n\n{END}{after}"
    return text


if __name__ == "__main__":
    SYLLABUS.write_text(with_plans(SYLLABUS.read_text("utf-8")), encoding="utf-8")
