"""The template for a teacher's own table: its checks speak clearly, and public tables run.

The code is that of the notebook's cells; only the cell that declares is another one. The public
files are in ``MTLKIT_DATA``, or in its folder ``cases``; without them those tests are skipped.
"""

import re

import matplotlib as mpl
import nbformat
import numpy as np
import pandas as pd
import pytest

from tests.book.checks import tags
from tests.book.test_plain import RAW
from tests.book.test_your_own_tables import folder
from tools.execute import code_cells, executed, fault
from tools.template import ROOM, main, student_version
from tools.weeks import COURSE

TEMPLATE = COURSE / "template.ipynb"
DECLARED = ("FILE", "TARGET", "TASK", "KIND", "GROUP", "LEFT_OUT", "FEWEST", "MARGIN", "SPLITS")


def notebook():
    return nbformat.read(TEMPLATE, as_version=4)


def run(declared, until=None):
    """Run the cells with other declarations; `until` is a text in the first cell left out."""
    mpl.use("Agg")
    first, *rest = [cell.source for cell in code_cells(notebook())]
    space = {"__name__": "__main__"}
    exec(first, space)
    assert set(declared) <= set(DECLARED)
    space |= declared
    for source in rest:
        if until and until in source:
            break
        # One process: the names of this space are not those of a kernel.
        exec(source.replace("n_jobs=2", "n_jobs=1"), space)
    mpl.pyplot.close("all")
    return space


# As it stands ------------------------------------------------------------------------------------


def test_template_runs_as_it_stands():
    page, _ = executed(TEMPLATE)
    assert [fault(cell) for cell in code_cells(page) if fault(cell)] == []
    printed = page.cells[-1].outputs[0].text
    assert len(re.findall(r"^\d\. ", printed, re.M)) == 6


def test_template_is_plain_and_one_cell_declares():
    cells = notebook().cells
    assert not RAW.findall("\n\n".join(c.source for c in cells if c.cell_type == "markdown"))
    first, *rest = code_cells(notebook())
    assert re.findall(r"^([A-Z_]+) =", first.source, re.M) == list(DECLARED)
    later = "\n".join(cell.source for cell in rest)
    assert not re.search(rf"^({'|'.join(DECLARED)}) =", later, re.M)
    assert all(not cell.outputs for cell in code_cells(notebook()))


def test_students_get_no_answer(tmp_path):
    made = tmp_path / "class.ipynb"
    main([str(TEMPLATE), str(made)])
    page = nbformat.read(made, as_version=4)
    assert page.cells[-1].source == ROOM
    text = "\n".join(cell.source for cell in page.cells)
    assert "answers = [" not in text and "tools.template" not in text
    assert "questions = [" in text
    assert len(page.cells) == 1 + sum("teacher" not in tags(c) for c in notebook().cells)
    with pytest.raises(ValueError, match="no cell has the tag"):
        student_version(page)


# Checks of the table -----------------------------------------------------------------------------


def marks(**changed):
    """Three schools, 30 pupils each."""
    rng = np.random.default_rng(0)
    columns = {
        "school": np.repeat(["A", "B", "C"], 30),
        "hours": rng.normal(size=90).round(2),
        "mark": rng.normal(size=90).round(2),
    }
    return pd.DataFrame(columns | changed)


@pytest.mark.parametrize(
    "table, declared, message",
    [
        (marks(), {"FILE": "no.csv"}, "FILE: there is no 'no.csv'"),
        (marks(), {"TASK": "scool"}, "TASK: .* no column 'scool'. Did you mean 'school'"),
        (marks(), {"TARGET": "grade"}, "TARGET: there is no column 'grade'"),
        (marks(), {"LEFT_OUT": ["id"]}, "LEFT_OUT: there is no column 'id'"),
        (marks(), {"GROUP": "pupil"}, "GROUP: there is no column 'pupil'"),
        (marks(), {"TASK": "mark"}, "a column has two roles"),
        (marks(), {"KIND": "ranking"}, "KIND must be 'regression' or 'classification'"),
        (marks(), {"KIND": "classification"}, "different values, and classes are 2 to 20"),
        (marks(mark="good"), {}, "'mark' holds 'good', which is no number"),
        (marks(mark="good"), {"KIND": "classification"}, "'mark' has 1 different values"),
        (marks(school="A"), {}, "names one task only, 'A'"),
        (marks()[:70], {}, r"1 of 3 tasks have fewer than 20 labelled rows, \{'C': 10\}"),
        (marks(pupil=np.repeat(range(9), 10)), {"GROUP": "pupil"}, "needs four groups"),
        (marks(hours=1), {}, "no column is left to predict from"),
    ],
)
def test_a_bad_table_gets_a_clear_message(table, declared, message, tmp_path):
    path = tmp_path / "marks.csv"
    table.to_csv(path, index=False)
    declared = {"FILE": str(path), "TARGET": "mark", "TASK": "school"} | declared
    with pytest.raises(ValueError, match=message):
        run(declared, until="look =")


def test_what_is_left_out_and_filled_is_told(tmp_path, capsys):
    table = marks(name=[f"pupil {n}" for n in range(90)], year=2026)
    table.loc[:1, "mark"] = np.nan
    table.loc[3:6, "hours"] = np.nan
    table.to_csv(tmp_path / "marks.csv", index=False)
    found = run(
        {"FILE": str(tmp_path / "marks.csv"), "TARGET": "mark", "TASK": "school"}, until="look ="
    )
    said = capsys.readouterr().out
    assert "left out: 2 rows" in said and "'hours': 4" in said
    assert "'name' has 88 different values" in said and "'year' has 1 different" in said
    assert found["features"] == ["hours"] and len(found["X"]) == len(found["y"]) == 88


# Public tables -----------------------------------------------------------------------------------


def file(name, tmp_path, rows):
    path = folder() / name
    if not path.exists():
        pytest.skip(f"needs {name} in {path.parent}")
    rows(pd.read_csv(path)).to_csv(tmp_path / name, index=False)
    return str(tmp_path / name)


def pupils(tmp_path):
    """Many tasks, and words: 20 schools."""
    path = file("Hsb82.csv", tmp_path, lambda t: t[t["school"].isin(sorted(set(t["school"]))[:20])])
    return {"FILE": path, "TARGET": "mAch", "TASK": "school", "LEFT_OUT": ["rownames"]}


def hospitals(tmp_path):
    """Classes and holes: patients of four hospitals, sick or not."""

    def rows(table):
        return table.assign(num=(table["num"] > 0).map({True: "sick", False: "well"})).iloc[::3]

    path = file("heart_disease_uci.csv", tmp_path, rows)
    return {"FILE": path, "TARGET": "num", "TASK": "dataset", "KIND": "classification"}


def pigs(tmp_path):
    """Groups: a pig is weighed twelve times, on one of three diets."""
    path = file("dietox.csv", tmp_path, lambda t: t[t["Pig"] < 6000])
    declared = {"FILE": path, "TARGET": "Weight", "TASK": "Cu", "GROUP": "Pig"}
    return declared | {"LEFT_OUT": ["rownames", "Litter"]}


@pytest.mark.parametrize("table", [pupils, hospitals, pigs])
def test_only_the_first_cell_changes(table, tmp_path, capsys):
    declared = table(tmp_path)
    space = run(declared | {"SPLITS": 3})
    result = space["result"]
    assert result.names == ["alone", "pooled", "tied", "from the largest", "boosted"]
    assert result.budget == 4 and len(result.test_rows) == 3
    assert len(space["answers"]) == len(space["questions"])
    said = capsys.readouterr().out
    fewest = space["sizes"].idxmin()
    assert f"1. {fewest}, with {space['sizes'].min()}; about" in said
    best = max(result.names, key=lambda name: result.scores[name].mean())
    assert space["answers"][1].startswith(best)
    assert space["answers"][4].startswith(result.worst_task("tied")[0])
    assert ("new tasks" in space["answers"][5]) == (len(result.tasks) > 4)
    if "GROUP" in declared:
        for train, test in space["splits"].split(space["X"], space["y"], space["groups"]):
            assert not set(space["groups"][train]) & set(space["groups"][test])
