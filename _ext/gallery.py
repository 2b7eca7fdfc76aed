"""Figures shown a second time, from what was read, so those drawn by cells need no file name.

`gallery` shows all that are named `fig-…`, page by page, `thumbnail` one, and `page-cards` gives
each item of its list the first figure of the page that the item links.
"""

from collections import ChainMap

from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx.addnodes import pending_xref
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.logging import getLogger
from sphinx.util.nodes import make_refnode

FIGURES = {}  # page -> name -> figure, in the order of the book


class Waiting(nodes.General, nodes.Element):
    """Stands where figures will be."""


class ShowAgain(Directive):
    optional_arguments = 1
    has_content = True

    def run(self):
        node = Waiting(kind=self.name.replace("-", "_"), figure="".join(self.arguments))
        self.state.nested_parse(self.content, self.content_offset, node)
        return [node]


def anchor_cells(app, doctree):
    """The cell that draws the figure fig-x gets the anchor code-fig-x."""
    for cell in doctree.findall(nodes.container):
        for figure in cell.findall(nodes.figure) if cell.get("nb_element") == "cell_code" else []:
            cell["ids"] += [f"code-{name}" for name in figure["ids"]]
            figure["drawn"] = True


def collect(app, env):
    """Remember the figures of each page, and return the pages that show some again."""
    FIGURES.clear()
    waiting, coming = [], [env.config.root_doc]
    while coming:
        page = coming.pop(0)
        coming = env.toctree_includes.get(page, []) + coming
        doctree = env.get_doctree(page)
        named = {name: figure for figure in doctree.findall(nodes.figure) for name in figure["ids"]}
        FIGURES[page] = {name: named[name].deepcopy() for name in named if name[:4] == "fig-"}
        waiting += [page] if any(doctree.findall(Waiting)) else []
    return waiting


class Show(SphinxPostTransform):
    default_priority = 3  # before references, those in captions too, are resolved

    def run(self, **kwargs):
        for node in list(self.document.findall(Waiting)):
            node.replace_self(getattr(self, node["kind"])(node))
        if next(self.document.findall(nodes.math), None):  # of a caption that came from elsewhere
            self.env.get_domain("math").data["has_equations"][self.env.docname] = True

    def thumbnail(self, node):
        figure = ChainMap(*FIGURES.values()).get(node["figure"])
        if figure is None:
            getLogger(__name__).warning("no figure is named %s", node["figure"], location=node)
        return thumb(figure) if figure else nodes.container()

    def page_cards(self, node):
        for item in node.findall(nodes.list_item):
            page = next(item.findall(pending_xref))["reftarget"]
            item[:0] = [thumb(figure) for figure in list(FIGURES[page].values())[:1]]
        return nodes.container("", *node.children, classes=["page-cards"])

    def gallery(self, node):
        shown = nodes.container()
        for page in [page for page, figures in FIGURES.items() if figures]:
            title = self.link(page, "", self.env.titles[page].astext())
            cards = [self.card(page, *figure) for figure in FIGURES[page].items()]
            shown += nodes.rubric("", "", title, level=2)  # a heading, as MyST makes it
            shown += nodes.container("", *cards, classes=["gallery-cards"])
        return shown

    def card(self, page, name, figure):
        caption = next(figure.findall(nodes.caption)).deepcopy()
        for reference in caption.findall(pending_xref):
            reference["refdoc"] = self.env.docname
        links = [self.link(page, name, "On its page")]
        if figure.get("drawn"):
            links += [nodes.Text(" · "), self.link(page, f"code-{name}", "its code")]
        words = nodes.paragraph("", "", *caption.children), nodes.paragraph("", "", *links)
        return nodes.container("", thumb(figure), *words, ids=[f"shown-{name}"])

    def link(self, page, anchor, text):
        return make_refnode(self.app.builder, self.env.docname, page, anchor, nodes.Text(text))


def thumb(figure):
    image = next(figure.findall(nodes.image)).deepcopy()
    image.attributes |= {"loading": "lazy", "ids": [], "names": []}
    if "alt" not in image:  # a dial says it in its own drawing, which is not shown here
        image["alt"] = next(figure.findall(nodes.caption)).astext()
    for size in ("width", "height", "scale"):
        image.attributes.pop(size, None)
    return nodes.container("", image, classes=["thumb"])


def setup(app):
    for name in ("gallery", "thumbnail", "page-cards"):
        app.add_directive(name, ShowAgain)
    app.add_post_transform(Show)
    app.connect("doctree-read", anchor_cells)
    app.connect("env-updated", collect)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
