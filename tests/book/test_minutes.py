"""Minutes to read a page, by hand."""

import pytest
from nbformat import reads, writes
from nbformat.v4 import new_markdown_cell, new_notebook

from tools.minutes import to_read
from tools.tidy import tidy


def cell(kind, source, **metadata):
    return {"cell_type": kind, "source": source, "metadata": metadata}


WORDS = cell("markdown", "word " * 1300)  # ten minutes
FORMULAS = cell("markdown", "$$a = b$$\n\n```{math}\nc\n```\n" * 2 + "![alt](x.svg)")  # five
CODE = cell("code", "x = 1\n\n" * 60)  # five
FIGURE = cell("code", "plot()\n" * 99, mystnb={"figure": {"name": "fig-a"}})  # one


@pytest.mark.parametrize(
    "cells, minutes",
    [
        ([WORDS], 10),
        ([WORDS, FORMULAS], 15),
        ([WORDS, FORMULAS, CODE], 20),
        ([FIGURE] * 5, 5),
        ([WORDS, cell("code", "x\n" * 600, tags=["claim"])], 10),
        ([WORDS, cell("markdown", "last\n\n## Exercises\n" + "word " * 9000), WORDS], 10),
        ([cell("markdown", "short")], 5),
    ],
)
def test_minutes(cells, minutes):
    assert to_read(cells) == minutes


def test_the_line_is_written():
    line = "**Time**: about {} minutes to read, about 9 seconds to run."
    cells = [new_markdown_cell("# Page\n\n" + line.format(1)), new_markdown_cell(WORDS["source"])]
    stored = tidy(writes(new_notebook(cells=cells)))
    assert reads(stored, as_version=4).cells[0].source.endswith(line.format(10))
