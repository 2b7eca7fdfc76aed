"""The recipe of *Your own tables*, as it stands on the page, on public files.

The code is that of the page's cells; only the cell that reads and declares is another one. The
files are in ``MTLKIT_DATA``, or in its folder ``cases``; without them these tests are skipped.
"""

import os
import re
from functools import partial
from pathlib import Path

import matplotlib as mpl
import nbformat
import numpy as np
import pandas as pd
import pytest

from tests.book.checks import tags
from tools.tidy import ROOT

PAGE = ROOT / "chapters" / "code" / "your_own_tables.ipynb"
FIRST, LAST = "Read and declare", "Refit, save, predict"
NEW = 5  # rows kept aside of the end of a table, as those that come later


def cells():
    """Code of the import cell, the reading cell and the cells after it, of the page's recipe."""
    imports, recipe, heading = None, {}, None
    for cell in nbformat.read(PAGE, as_version=4).cells:
        if cell.cell_type == "markdown":
            heading = [heading, *re.findall(r"^## (.+)$", cell.source, re.M)][-1]
        elif "imports" in tags(cell):
            imports = cell.source
        elif "claim" not in tags(cell):
            recipe.setdefault(heading, []).append(cell.source)
    headings = list(recipe)
    recipe = [recipe[name] for name in headings[headings.index(FIRST) : headings.index(LAST) + 1]]
    read, *rest = [source for sources in recipe for source in sources]
    return imports, read, rest


def folder():
    named = os.environ.get("MTLKIT_DATA")
    if not named:
        pytest.skip("needs MTLKIT_DATA, the folder of the public tables")
    return Path(named) / "cases" if (Path(named) / "cases").is_dir() else Path(named)


def table(name, label, rows=None):
    path = folder() / name
    if not path.exists():
        pytest.skip(f"needs {name} in {path.parent}")
    rows = (lambda frame: frame) if rows is None else rows
    frame = rows(pd.read_csv(path).drop(columns="rownames", errors="ignore"))
    frame = frame.reset_index(drop=True)
    return frame.drop(columns=label), frame[label]


def hospitals():
    """Words and holes: 920 patients of four hospitals, sick or not."""

    def rows(frame):
        return frame.assign(num=(frame["num"] > 0).astype(int)).sample(300, random_state=0)

    X, y = table("heart_disease_uci.csv", "num", rows)
    return X, y, {"TASK": "dataset", "CLASSES": True, "SCORE": "accuracy"}


def shops():
    """Dates: weekly sales, the past trains and the future is tested."""

    def rows(frame):
        frame = frame[frame["Store"] <= 5]
        date = pd.to_datetime(frame["Date"], dayfirst=True)
        sales = np.log(frame["Weekly_Sales"])
        return frame.assign(Date=date, month=date.dt.month_name(), Weekly_Sales=sales)

    X, y = table("walmart_weekly.csv", "Weekly_Sales", rows)
    return X, y, {"TASK": "Store", "TIME": "Date"}


def pigs():
    """Groups: a pig is weighed twelve times, on one of three diets; holes in what it ate."""

    def rows(frame):
        return frame.drop(columns="Litter")

    X, y = table("dietox.csv", "Weight", rows)
    return X, y, {"TASK": "Cu", "GROUP": "Pig"}


def pupils():
    """Many tasks: 20 schools."""

    def rows(frame):
        return frame[frame["school"].isin(frame["school"].unique()[:20])]

    X, y = table("Hsb82.csv", "mAch", rows)
    return X, y, {"TASK": "school"}


def nights():
    """Few rows: reaction times of 18 people, ten days each."""
    X, y = table("sleepstudy.csv", "Reaction")
    return X, y, {"TASK": "Subject"}


@pytest.mark.parametrize("file", [hospitals, shops, pigs, pupils, nights])
def test_only_the_first_cell_changes(file, tmp_path):
    X, y, declared = file()
    mpl.use("Agg")
    imports, _, recipe = cells()
    declared = {"GROUP": None, "TIME": None, "CLASSES": False, "SCORE": "r2"} | declared
    parts = {"known": (X, y), "new": (X[-NEW:], y[-NEW:])}
    space = declared | {
        "__name__": "__main__",
        "AVERAGE": "micro",
        "SPLITS": 3,
        "folder": str(tmp_path),
        "read": partial(lambda when, tables: tables[when], tables=parts),
    }
    for source in [imports, *recipe]:
        # One process: the names of this space are not those of a kernel.
        exec(source.replace("n_jobs=2", "n_jobs=1"), space)

    result, task = space["result"], declared["TASK"]
    assert result.names == ["alone", "pooled", "tied", "boosted"]
    assert result.scope == "new rows"
    for name in result.names[1:]:
        d = result.difference(name)
        assert d.scope == "new rows"
        assert d.low <= d.mean <= d.high
        assert result.verdict(name, margin=0.02) in ("wins", "loses", "ties", "inconclusive")
    many = X[task].nunique() > 4
    assert not many or result.difference("tied", scope="new tasks").scope == "new tasks"
    assert space["chosen"] in result.names
    assert space["predicted"].shape == (NEW,)
    np.testing.assert_array_equal(space["predicted"], space["model"].predict(X[-NEW:]))
    stored = space["stored"]
    assert stored["columns"] == list(X)
    assert set(space["numbers"]) | set(space["words"]) == set(X) - set(space["beside"])


def test_groups_and_time_reach_the_splits(tmp_path):
    """What is declared decides the splits: no pig is divided, no shop learns from the future."""
    imports, _, recipe = cells()
    for file, kind in ((pigs, "TaskStratifiedShuffleSplit"), (shops, "TaskTimeSeriesSplit")):
        X, y, declared = file()
        space = {"GROUP": None, "TIME": None, "SPLITS": 3} | declared
        space |= {"X": X, "y": y}
        exec(imports, space)
        exec(next(source for source in recipe if "cv = table." in source), space)
        assert type(space["cv"]).__name__ == kind
        for train, test in space["cv"].split(X, y, space["groups"]):
            if declared.get("GROUP"):
                assert not set(X["Pig"].iloc[train]) & set(X["Pig"].iloc[test])
            else:
                assert X["Date"].iloc[train].max() < X["Date"].iloc[test].min()


def test_the_reading_cell_declares_all_that_the_recipe_needs():
    """Runs without the files: the first cell gives `read`, `folder` and the declarations."""
    _, read, recipe = cells()
    for name in ("TASK", "GROUP", "TIME", "CLASSES", "SCORE", "AVERAGE", "SPLITS", "folder"):
        assert re.search(rf"\b{name}\b.*=", read), name
    assert "def read(when)" in read
    later = "\n".join(recipe)
    assert "pd.read_csv" not in later
    assert not re.search(r"\b(plant|machine|failed|south)\b", later)
