"""Put notebooks into the one form in which the repository stores them.

`python -m tools.tidy page.ipynb ...`, or without a path for every page. Outputs, execution counts
and editor metadata go. A cell's id is made from its text, so that the same page is always the
same file, whatever program wrote it. The minutes that a page takes to read are computed.
"""

import hashlib
import sys
from pathlib import Path

import nbformat

from tools.minutes import LINE, to_read

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOK_METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
CELL_METADATA = ("course", "mystnb", "slideshow", "tags")  # of the book, the course, nbval


def page_notebooks(root=ROOT):
    """Every notebook that is a page of the book."""
    folders = [root / "chapters", root / "reference"]
    found = [*root.glob("*.ipynb"), *(path for part in folders for path in part.rglob("*.ipynb"))]
    return sorted(path for path in found if ".ipynb_checkpoints" not in path.parts)


def tidy(text):
    """Return the stored form of a notebook, given and returned as JSON text."""
    notebook = nbformat.reads(text, as_version=4)
    minutes, used, cells = f"{to_read(notebook.cells)} minutes", set(), []
    for old in notebook.cells:
        source = "\n".join(line.rstrip() for line in old.source.strip("\n").split("\n"))
        if old.cell_type == "markdown":
            source = LINE.sub(minutes, source)
        if not source:
            continue
        digest = hashlib.sha256(f"{old.cell_type}\n{source}".encode()).hexdigest()[:8]
        cell_id, copy = digest, 1
        while cell_id in used:
            copy += 1
            cell_id = f"{digest}-{copy}"
        used.add(cell_id)
        cell = {
            "cell_type": old.cell_type,
            "id": cell_id,
            "metadata": {key: old.metadata[key] for key in CELL_METADATA if old.metadata.get(key)},
            "source": source,
        }
        if old.cell_type == "code":
            cell |= {"execution_count": None, "outputs": []}
        cells.append(cell)
    stored = {"cells": cells, "metadata": NOTEBOOK_METADATA, "nbformat": 4, "nbformat_minor": 5}
    return nbformat.writes(nbformat.from_dict(stored)) + "\n"


def main(arguments):
    for path in map(Path, arguments) if arguments else page_notebooks():
        text = path.read_text(encoding="utf-8")
        stored = tidy(text)
        if stored != text:
            path.write_text(stored, encoding="utf-8", newline="\n")
            print(f"tidied {path}")


if __name__ == "__main__":
    main(sys.argv[1:])
