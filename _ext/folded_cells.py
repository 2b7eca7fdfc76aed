"""On the site the code of claims and of figures is folded; what it prints or draws stays.

MyST-NB folds a cell that has the tag `hide-input`. Here the tag `claim`, or a figure among what the
cell holds, is enough, so that the notebooks say it once.
"""

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform

CLAIM = "Claim, checked by the tests"
FIGURE = "Code of the figure"


class FoldedCells(SphinxPostTransform):
    """Name what is folded; MyST-NB, which comes next, folds it."""

    default_priority = 198
    formats = ("html",)

    def run(self, **kwargs):
        for cell in self.document.findall(nodes.container):
            if cell.get("nb_element") == "cell_code" and not cell.get("hide_mode"):
                name = label(cell)
                if name:
                    cell["hide_mode"] = "input"
                    cell["prompt_show"] = cell["prompt_hide"] = name


def label(cell):
    """What the folded code of a cell is called; empty if it stays open."""
    if "tag_claim" in cell["classes"]:
        return CLAIM
    drawn = cell.get("cell_metadata", {}).get("mystnb", {}).get("figure")
    return FIGURE if drawn else ""


def setup(app):
    app.add_post_transform(FoldedCells)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
