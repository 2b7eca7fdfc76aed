"""What the extensions of the site do to a page, without building it."""

from types import SimpleNamespace

import pytest
from docutils import nodes

from _ext.folded_cells import CLAIM, FIGURE, label
from _ext.site_fixes import drop_script, lighten


def cell(classes=(), **metadata):
    return nodes.container(classes=["cell", *classes], cell_metadata=metadata)


def test_the_code_of_claims_and_figures_is_folded():
    assert label(cell(["tag_claim"])) == CLAIM
    assert label(cell(mystnb={"figure": {"caption": "Two lines."}})) == FIGURE
    assert label(cell()) == label(cell(mystnb={"image": {"alt": "x"}})) == ""


def test_one_script_is_dropped_and_others_stay():
    html = '<script defer src="a/b.js?digest=1"></script><script src="c.js"></script>'
    assert drop_script(html, "b.js") == '<script src="c.js"></script>'
    assert drop_script(html, "x.js") == html


@pytest.mark.parametrize("formula", [nodes.math(), nodes.math_block()])
def test_a_page_loads_what_it_uses(formula):
    def left(doctree):
        scripts = ["_static/mathjax/tex.js", "_static/sphinx-thebe.js", "_static/doctools.js"]
        context = {"script_files": [SimpleNamespace(filename=name) for name in scripts]}
        lighten(None, "page", "page.html", context, doctree)
        return [script.filename.rpartition("/")[2] for script in context["script_files"]]

    assert left(nodes.paragraph("", "", formula)) == ["tex.js", "doctools.js"]
    assert left(nodes.paragraph("", "", nodes.Text("x"))) == left(None) == ["doctools.js"]
