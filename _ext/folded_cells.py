"""On the site imports and the code of claims and figures are folded; what a cell shows stays.

MyST-NB folds a cell that has the tag `hide-input`. Here the tag `claim` or `imports`, or a figure
among what the cell holds, is enough, so that the notebooks say it once.
"""

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform

TAGGED = {"tag_claim": "Claim, checked by the tests", "tag_imports": "Imports, and the seed"}
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
    for tag in TAGGED.keys() & set(cell["classes"]):
        return TAGGED[tag]
    drawn = cell.get("cell_metadata", {}).get("mystnb", {}).get("figure")
    return FIGURE if drawn else ""


def setup(app):
    app.add_post_transform(FoldedCells)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
