"""The pack: what students get holds no answer, and what they hand in gets the points it earns."""

import json
import re
import subprocess

import nbformat
import pytest

from tools import book, embeds, weeks

WEEKS = weeks.paths()
IDS = [path.stem for path in WEEKS]
every_week = pytest.mark.parametrize("week", WEEKS, ids=IDS)
EMPTY = re.compile(r"\s*(?:[^=#]+ = )?(?:return )?\.\.\.")  # a line of a stub that waits


def cells(path, kind="code"):
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == kind]


def question_of(page):
    """For each code cell the question whose check follows it; None behind the last."""
    names = [re.match(r'grader\.check\("(.+?)"\)', cell.source) for cell in page]
    found, following = [], None
    for name in reversed(names):
        following = name[1] if name else following
        found.append(following)
    return found[::-1]


def graded(notebook, name, week, folder):
    """Points of each question, by the autograder of the pack: {question: (points, of)}."""
    submission, results = folder / name, folder / "results"
    results.mkdir()
    nbformat.write(notebook, submission)
    otter = [book.script("otter"), "run", "-a", str(week / "autograder.zip")]
    done = subprocess.run(
        [*otter, "-o", str(results), str(submission)], capture_output=True, text=True, cwd=folder
    )
    assert done.returncode == 0, done.stdout + done.stderr
    tests = json.loads((results / "results.json").read_text("utf-8"))["tests"]
    return {t["name"]: (t["score"], t["max_score"]) for t in tests if "max_score" in t}


@pytest.fixture
def notebooks(pack, week):
    """The assignment as students get it, and solved: the same cells."""
    names = (f"{week.stem}_assignment.ipynb", f"{week.stem}_assignment_solved.ipynb")
    student, solved = (nbformat.read(pack / week.stem / name, as_version=4) for name in names)
    assert [c.cell_type for c in student.cells] == [c.cell_type for c in solved.cells]
    return student, solved


@every_week
@pytest.mark.parametrize("kind", ["empty", "half right", "right"])
def test_a_submission_gets_the_points_it_earns(kind, pack, week, notebooks, tmp_path):
    student, solved = notebooks
    name = f"{week.stem}_assignment.ipynb"
    code = [cell for cell in student.cells if cell.cell_type == "code"]
    answers = [cell for cell in solved.cells if cell.cell_type == "code"]
    questions = question_of(code)
    asked = list(dict.fromkeys(q for q in questions if q))
    right = {"empty": [], "half right": asked[::2], "right": asked}[kind]
    for cell, answer, question in zip(code, answers, questions, strict=True):
        if question in right:
            cell.source = answer.source
    points = graded(student, name, pack / week.stem, tmp_path)
    assert list(points) == asked and len(asked) >= 5
    assert sum(most for _, most in points.values()) == 20
    assert {q for q, (got, most) in points.items() if got == most} == set(right)
    assert {q: got for q, (got, _) in points.items() if q not in right and got > 0} == {}


@every_week
@pytest.mark.parametrize("part", ["class", "assignment"])
def test_every_line_of_a_stub_occurs_in_its_solution(part, pack, week):
    own = {line.split("  # SOLUTION")[0].rstrip() for cell in cells(week)
           for line in cell.source.splitlines()}  # fmt: skip
    stubs = cells(pack / week.stem / f"{week.stem}_{part}.ipynb")
    assert any("..." in cell.source for cell in stubs)
    for cell in stubs:
        compile(cell.source, week.stem, "exec")
        if cell.source.startswith(("# Initialize Otter", "grader.", "# Save your notebook")):
            continue
        for line in filter(str.strip, cell.source.splitlines()):
            waits = EMPTY.fullmatch(line)
            begins = line.split("...")[0].rstrip()
            assert line in own or (waits and any(one.startswith(begins) for one in own)), line


@every_week
def test_what_students_get_holds_no_answer(pack, week):
    texts = [(pack / week.stem / f"{week.stem}_{part}.ipynb").read_text("utf-8")
             for part in ("class", "assignment")]  # fmt: skip
    text = "\n".join(cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])
                     for one in texts for cell in json.loads(one)["cells"])  # fmt: skip
    for cell in cells(week):
        for line in cell.source.splitlines():
            if "# SOLUTION" in line and "=" in line:
                answer = line.split("# SOLUTION")[0].partition("=")[2].strip()
                # A word may stand in the prompt, as one of several.
                assert len(answer) < 12 or answer not in text, answer
    source = week.read_text("utf-8")
    for label in set(re.findall(r"ex-[\w-]+", source)):
        for _, solution in embeds.exercise(label).solution:
            assert solution not in text, label
    assert "SOLUTION" not in text and '"hidden": true' not in "".join(texts)


@every_week
def test_the_instructor_has_notes_and_solutions(pack, week):
    page = nbformat.read(pack / week.stem / f"{week.stem}_instructor.ipynb", as_version=4)
    text = "\n".join(cell.source for cell in page.cells)
    labels = set(re.findall(r"\(#(ex-[\w-]+)\)", week.read_text("utf-8")))
    assert labels and text.count("**Solution.**") >= len(labels)
    assert "> **For you.**" in text and "# SOLUTION" in text
    assert not re.search(r"^```\{|\{(?:numref|term|cite|ref|eq)\}`|!\[\]\(#", text, re.M)


@every_week
def test_questions_and_rubric_are_in_the_pack(pack, week):
    names = {path.name for path in (pack / week.stem).iterdir()}
    assert {"questions.xml", "autograder.zip"} <= names
    assert {"README.md", "rubric.csv", "template_student.ipynb"} <= {p.name for p in pack.iterdir()}
