"""The template for a teacher's own table, and the version of it for students.

`python -m tools.template IN OUT` writes a notebook without the cells that have the tag `teacher`;
where answers stood is room for them. IN is `course/template.ipynb` or a changed copy of it.
"""

import sys
from pathlib import Path

import nbformat
from nbformat.v4 import new_markdown_cell

TAG = "teacher"
ROOM = "## Answers\n\n*Write your answers here, each with the number of its question.*"


def student_version(notebook):
    """The notebook without outputs and without what is the teacher's, with room for answers."""
    kept = [cell for cell in notebook.cells if TAG not in cell.metadata.get("tags", [])]
    if len(kept) == len(notebook.cells):
        raise ValueError(f"no cell has the tag {TAG!r}, so nothing would be left out")
    for cell in kept:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    made = nbformat.from_dict({**notebook, "cells": [*kept, new_markdown_cell(ROOM, id="answers")]})
    nbformat.validate(made)
    return made


def main(arguments):
    if len(arguments) != 2:
        sys.exit("usage: python -m tools.template IN.ipynb OUT.ipynb")
    source, target = map(Path, arguments)
    nbformat.write(student_version(nbformat.read(source, as_version=4)), target)


if __name__ == "__main__":
    main(sys.argv[1:])
