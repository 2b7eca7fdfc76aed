"""The course pack: slides, notebooks and graded assignments, each from one notebook a week.

`python -m tools.course` (`make course`) writes all weeks to `_build/course`; numbers choose weeks.
`tools/weeks.py` says how a week is written, `tools/embeds.py` what it takes from the book. Cells
have Jupyter's own slide types (slide, subslide, -, notes, skip); tasks have Otter-Grader's raw
cells, which mark solutions and hidden tests.

    slides/                          a deck for each session: reveal.js, without a network
    week_N/week_N_class.ipynb        for students: exercises, and tasks with stubs and checks
    week_N/week_N_assignment.ipynb   for students: homework
    week_N/week_N_instructor.ipynb   all of it, with notes and solutions
    week_N/autograder.zip            what grades the assignment; beside it, the assignment solved
    week_N/questions*                the question bank
"""

import argparse
import hashlib
import importlib.util
import re
import shutil
import subprocess
import sys
from base64 import b64encode
from html import escape
from pathlib import Path

import nbformat
from nbformat.v4 import new_markdown_cell, new_notebook, new_raw_cell

from tools import book, embeds, grading, questions, template, weeks
from tools.execute import BUILD
from tools.tidy import page_notebooks
from tools.weeks import COURSE, EMBED

PACK = BUILD / "course"
KEY = PACK / "key"  # what the whole pack was made from
NEEDED = {"otter": "otter-grader", "sphinx_revealjs": "sphinx-revealjs"}
CLASS = "name: week_{n}_class\ninit_cell: true\nexport_cell: false\n"
ASSIGNMENT = (
    "name: week_{n}\ninit_cell: true\nexport_cell:\n  pdf: false\n  run_tests: true\n"
    "  instructions: Save the notebook and run this cell. It writes a file to hand in.\n"
)
CONF = """\
project = "Single-task, multi-task and transfer learning"
extensions = ["myst_parser", "sphinx_revealjs", "sphinx-mathjax-offline"]
myst_enable_extensions = ["amsmath", "dollarmath", "attrs_inline"]
html_static_path = ["static"]
revealjs_static_path = ["static"]
revealjs_css_files = ["deck.css"]
revealjs_style_theme = "white"
revealjs_script_conf = {"hash": True, "slideNumber": "c/t", "controls": False, "center": False,
                        "width": 1280, "height": 720, "margin": 0.03, "display": "flex",
                        "transition": "none"}
revealjs_script_plugins = [{"name": "RevealNotes", "src": "revealjs/plugin/notes/notes.js"}]
"""


def slide_type(cell):
    return cell.metadata.get("slideshow", {}).get("slide_type", "skip")


def write(path, cells):
    """Write a notebook; cells are copied, with ids that say their place."""
    cells = [nbformat.from_dict(cell) for cell in cells]
    for number, cell in enumerate(cells):
        cell.id = f"cell-{number}"
        cell.metadata = nbformat.from_dict({})
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    path.parent.mkdir(parents=True, exist_ok=True)
    page = new_notebook(cells=cells, metadata={"kernelspec": kernel})
    nbformat.validate(page)
    nbformat.write(page, path)
    return path


# Notebooks ---------------------------------------------------------------------------------------


def image(label):
    """A figure of the book as HTML that every reader of notebooks shows."""
    figure = embeds.figure(label)
    kind = {".svg": "image/svg+xml", ".png": "image/png"}[figure.suffix]
    data = b64encode(figure.data).decode()
    return (
        f'<img src="data:{kind};base64,{data}" alt="{escape(figure.alt)}" width="640">\n\n'
        f"*{figure.caption}* ({figure.source})"
    )


def folded(label):
    """The same for students, who predict before they look."""
    summary = f"<summary>{embeds.figure(label).source}: predict, then open</summary>"
    return f"<details>\n{summary}\n\n{image(label)}\n\n</details>"


def task(label):
    exercise = embeds.exercise(label)
    return f"**Exercise, {exercise.minutes} minutes: {exercise.title}**\n\n{exercise.text}"


def filled(text, figure=image):
    """Markdown with what it embeds in place of the names."""
    form = {"fig": figure, "eq": embeds.equation, "ex": task}
    return EMBED.sub(lambda found: form[found[1].split("-")[0]](found[1]), text)


def noted(text):
    """A speaker note with what it takes from the notes for instructors."""
    return EMBED.sub(lambda found: "**{}**: {}".format(*embeds.note(found[1])), text)


def of_class(cells):
    """Cells for students: no notes, no solutions, a place for each answer."""
    for cell in cells:
        if slide_type(cell) == "notes":
            continue
        if cell.cell_type != "markdown":
            yield cell
            continue
        yield new_markdown_cell(filled(cell.source, folded) + at_home(cell, filled))
        for label in EMBED.findall(cell.source):
            if label.startswith("ex-"):
                yield new_markdown_cell("*Your answer:*")


def at_home(cell, form):
    """The exercises of homework as text; empty for other cells."""
    return "".join(f"\n\n{form(f'![](#{ex})')}" for ex in weeks.about(cell).get("exercises", []))


def of_instructor(cells):
    """Cells for teachers: everything, raw marks of the grader as headings."""
    for cell in cells:
        if cell.cell_type == "raw":
            words = cell.source.removeprefix("# ").split("\n")[0].capitalize()
            if words.startswith("Begin"):
                yield new_markdown_cell(f"*{words.removeprefix('Begin ').capitalize()}*")
            continue
        if cell.cell_type == "code":
            yield cell
            continue
        is_note = slide_type(cell) == "notes"
        text = noted(cell.source) if is_note else filled(cell.source) + at_home(cell, filled)
        yield new_markdown_cell(f"> **For you.** {text}".replace("\n", "\n> ") if is_note else text)
        labels = [] if is_note else EMBED.findall(cell.source)
        for label in [*labels, *weeks.about(cell).get("exercises", [])]:
            if label.startswith("ex-"):
                yield from solution(label)


def solution(label):
    """The solution of an exercise as Markdown: its code needs the cells of its page."""
    found = embeds.exercise(label).solution
    parts = [f"```python\n{text}\n```" if kind == "code" else text for kind, text in found]
    yield new_markdown_cell("**Solution.** " + "\n\n".join(parts))


def graded(cells, config, path):
    """Run `otter assign`: the notebook with stubs at `path`, and the folder with what grades it."""
    made = path.parent / "otter"
    source = write(made / path.name, [new_raw_cell(f"# ASSIGNMENT CONFIG\n{config}"), *cells])
    otter = [book.script("otter"), "assign", str(source), str(made)]
    done = subprocess.run(otter, capture_output=True, text=True, cwd=made)
    if done.returncode:
        sys.exit(f"{path.name} does not pass its own tests:\n{done.stdout}{done.stderr}")
    shutil.copy(made / "student" / path.name, path)
    return made / "autograder"


def notebooks(path, folder):
    """What a week hands out, and what its teacher keeps."""
    name, number = path.stem, weeks.number_of(path)
    taught, assignment = weeks.halves(nbformat.read(path, as_version=4))
    together = [*of_instructor(taught), *of_instructor(assignment)]
    write(folder / f"{name}_instructor.ipynb", together)
    graded(of_class(taught), CLASS.format(n=number), folder / f"{name}_class.ipynb")
    shutil.rmtree(folder / "otter")
    student = folder / f"{name}_assignment.ipynb"
    made = graded(assignment, ASSIGNMENT.format(n=number), student)
    (zipped,) = made.glob("*.zip")  # its name has the time
    shutil.move(zipped, folder / "autograder.zip")
    shutil.move(made / student.name, folder / f"{name}_assignment_solved.ipynb")
    shutil.rmtree(folder / "otter")


# Slides ------------------------------------------------------------------------------------------


def on_slide(text, images):
    """Markdown of a slide: headings one level up, figures as files, exercises as text."""

    def one(found):
        label = found[1]
        if label.startswith("fig-"):
            figure = embeds.figure(label)
            (images / f"{label}{figure.suffix}").write_bytes(figure.data)
            alt = re.sub(r"[\[\]]", "", figure.alt)
            return f"![{alt}](images/{label}{figure.suffix})\n\n[{figure.source}]{{.source}}"
        return (embeds.equation if label.startswith("eq-") else task)(label)

    return re.sub(r"^##(?=#* )", "#", EMBED.sub(one, text), flags=re.M)


def behind(labels):
    """Speaker notes that come by themselves: captions and solutions."""
    for label in labels:
        if label.startswith("fig-"):
            yield embeds.figure(label).caption
        elif label.startswith("ex-"):
            (cell,) = solution(label)
            yield cell.source


def with_notes(slide, notes):
    inside = "\n\n".join(notes)
    return f"{slide}\n\n``````{{revealjs-notes}}\n{inside}\n``````\n" if notes else slide + "\n"


def deck(cells, session, week, images):
    """One session as Markdown that sphinx-revealjs reads."""
    slides, spent, rows = [], 0, iter(session.rows)
    for cell in cells:
        kind = slide_type(cell)
        if kind == "notes":
            slides[-1][1].append(noted(cell.source))
        elif kind in ("slide", "subslide", "-") and cell.cell_type == "markdown":
            notes, text = list(behind(EMBED.findall(cell.source))), on_slide(cell.source, images)
            if weeks.heading(cell)[0] == 3 and weeks.heading(cell)[1] != "Homework":
                row = next(rows)
                notes[:0] = [f"**Minutes {spent} to {spent + row.minutes}.**"]
                spent += row.minutes
            if weeks.heading(cell)[0] == 2:
                text = text.replace("\n", f"\n\nWeek {week.number}: {week.title}\n", 1)
            if weeks.heading(cell)[1] == "Homework":
                text += "\n\n" + "\n".join(homework(session, week))
            if kind == "-":
                slides[-1][0] += f"\n\n{text}"
                slides[-1][1] += notes
            else:
                slides.append([text, notes])
    return "\n\n".join(with_notes(*slide) for slide in slides)


def homework(session, week):
    say = {
        "read": lambda page: f"read *{weeks.read_at_home(page)[0]}*",
        "exercise": lambda label: f"exercise: {weeks.levels()[label]['skill']}",
        "assignment": "assignment {}".format,
    }
    for minutes, kind, what in weeks.homework(session, week):
        yield f"- {say[kind](what)}, {minutes} minutes"


def slides(paths, folder):
    """All decks in one folder, which needs no network."""
    source = folder.parent / "slides-source"
    shutil.rmtree(source, ignore_errors=True)
    for part in (source / "images", source / "static"):
        part.mkdir(parents=True)
    (source / "conf.py").write_text(CONF, encoding="utf-8")
    shutil.copy(COURSE / "deck.css", source / "static")
    names = []
    for path in paths:
        week = weeks.read(path)
        taught, _ = weeks.halves(nbformat.read(path, as_version=4))
        parts = zip(weeks.below(taught, 2), week.sessions, strict=True)
        for number, (cells, session) in enumerate(parts, 1):
            names.append(f"week_{week.number}_session_{number}")
            text = deck(cells, session, week, source / "images")
            (source / f"{names[-1]}.md").write_text(text, encoding="utf-8")
    index = "# The course\n\n```{toctree}\n" + "\n".join(names) + "\n```\n"
    (source / "index.md").write_text(index, encoding="utf-8")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "-b", "revealjs", source, folder]
    if subprocess.run(list(map(str, command))).returncode:
        sys.exit("The slides were not built: every warning above is an error.")
    shutil.rmtree(source)


# The pack ----------------------------------------------------------------------------------------


def pack(chosen, folder=PACK):
    shutil.rmtree(folder, ignore_errors=True)
    slides(chosen, folder / "slides")
    for path in chosen:
        week = folder / path.stem
        notebooks(path, week)
        questions.write(weeks.number_of(path), week)
    grading.write_rubric(folder)
    for name in ("README.md", "template.ipynb", "sample_project.ipynb", "sample_project_mark.md"):
        shutil.copy(COURSE / name, folder)
    students = template.student_version(nbformat.read(COURSE / "template.ipynb", as_version=4))
    nbformat.write(students, folder / "template_student.ipynb")


def key():
    """Hash of what the pack is made from, besides packages: weeks, pages, notes, these tools."""
    digest = hashlib.sha256()
    folders = [COURSE, weeks.TEACHING, Path(__file__).parent, *{p.parent for p in page_notebooks()}]
    for path in sorted(path for folder in folders for path in folder.glob("*.*")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("weeks", nargs="*", type=int, help="numbers of weeks (default: all)")
    wanted = parser.parse_args().weeks
    missing = [name for module, name in NEEDED.items() if not importlib.util.find_spec(module)]
    if missing:
        sys.exit(
            f"The course pack needs {' and '.join(missing)}: "
            f"{sys.executable} -m pip install -r requirements-course.txt"
        )
    has = {weeks.number_of(path): path for path in weeks.paths()}
    unknown = sorted(set(wanted) - set(has))
    if unknown:
        sys.exit(f"There is no week {unknown[0]}: the course has weeks {', '.join(map(str, has))}")
    pack([has[number] for number in wanted or has])
    KEY.write_text("" if wanted else key())
    print(f"The course pack is in {PACK}. Begin with {Path(PACK, 'README.md')}.")


if __name__ == "__main__":
    main()
