"""The book as one LaTeX document, for paper; `tools/paper.py` builds with it.

What folds, turns or is clicked on the site is changed, page by page, before Sphinx resolves links:
answers and solutions move to the end, each with the page of its question; drawing code and claims
go; an exercise has a number; a link to another page says where it leads. `paper.tex` says how all
of it looks.
"""

import html
import importlib
import re
import shutil
import subprocess
from html.parser import HTMLParser

from docutils import nodes
from docutils.utils import new_document
from sphinx import addnodes
from sphinx.builders.latex import LaTeXBuilder
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.transforms.post_transforms.images import ImageConverter
from sphinx.writers.latex import LaTeXTranslator
from sphinx_exercise.nodes import is_exercise_node, solution_node
from sphinxcontrib.bibtex.nodes import bibliography

import mtlkit

# Pages of what is only of use on a screen, and of what stands elsewhere in the printed book.
LEFT_OUT = {"chapters/gallery", "chapters/teaching/exercises"}
BIBLIOGRAPHY = "reference/bibliography"
GLOSSARY = "reference/glossary"
RENAMED = {"intro": "About this book"}  # whose title is that of the book
ASKED = {"Answer": "Predict first", "Answers": "Quiz"}  # what an answer is to
# Characters of a line -> size of its type in points; what is longer breaks.
SIZES = {98: 7.6, 106: 7.0, 119: 6.0, 10_000: 5.7}
DRAWS = re.compile(r"\bplt\.|^def \w+\(.*\b(ax|axes)\b", re.M)  # code that only a figure needs
FIGURE_SCALE = 65  # per cent: type of 12 points in a figure is then a little smaller than the text
TABLE_WIDTH = 84  # characters in a row that is as wide as the page
OTHER_FONTS = [
    (re.compile("([\u3000-\u303f\u3400-\u9fff\uff00-\uffef]+)"), r"\\cjk{\1}"),
    (re.compile("([\u2190-\u21ff\u2200-\u2bff\u2070-\u209f])"), r"\\sign{\1}"),
]

SCREEN = (addnodes.toctree, addnodes.tabular_col_spec)


class Tex(nodes.General, nodes.Inline, nodes.Element):
    """LaTeX before and after its children."""


class Page(nodes.General, nodes.Element):
    """What belongs to a page and stands elsewhere; its labels are those of the page."""


def tex(before, *children, after=""):
    return Tex("", *children, before=before, after=after)


# One page -----------------------------------------------------------------------------------------


class Prepared:
    """A page changed for paper: `body`, and `answers` that go to the end of the book."""

    def __init__(self, doctree, page, terms=()):
        self.doctree, self.page = doctree, page
        self.terms = {term.lower(): term for term in terms}
        self.answers = []
        self.numbered = {}  # label of an exercise -> it
        self.open_cells()
        for table in self.find(nodes.table):
            fit(table)
        self.drop_what_is_for_a_screen()
        self.move_answers()
        self.number_exercises()
        self.link()
        self.index()
        self.body = list(doctree.children)

    def find(self, kind):
        return list(self.doctree.findall(kind))

    def open_cells(self):
        """What a cell shows stays; of its code what a reader of the argument needs."""
        for cell in self.find(nodes.container):
            if cell.get("nb_element") != "cell_code":
                continue
            claim = "tag_claim" in cell["classes"]
            if claim or only_draws(cell):
                cell[:] = [part for part in cell if part["nb_element"] != "cell_code_source"]
            for image in cell.findall(nodes.image):
                image["scale"] = FIGURE_SCALE
            for block in cell.findall(nodes.literal_block):
                block["imports"] = "tag_imports" in cell["classes"]
            if claim:
                mark_as_checked(cell)
        for bundle in self.find(nodes.container):
            if bundle.get("nb_element") == "mime_bundle":
                show_table(bundle)

    def drop_what_is_for_a_screen(self):
        for node in self.find(nodes.Element):
            waiting = type(node).__name__ == "Waiting"  # of _ext/gallery.py
            if waiting and node["kind"] == "page_cards":
                node.replace_self(node.children)
            elif waiting or isinstance(node, SCREEN) or "buttons" in classes(node):
                node.parent.remove(node)
            elif isinstance(node, bibliography) and self.page != BIBLIOGRAPHY:
                # All references are at the end of the book; so goes the heading of the list.
                section = node.parent
                section.remove(node)
                if isinstance(section, nodes.section) and len(section) == 1:
                    section.parent.remove(section)
            elif node.get("design_component") in ("card-title", "dropdown"):
                for title in node.findall(nodes.rubric):
                    title.replace_self(heading(title.children))
            if node.get("design_component") == "card-title":
                node.replace_self(heading(next(node.findall(nodes.paragraph), node).children))

    def move_answers(self):
        for node in self.find(nodes.admonition):
            title = node[0].astext()
            if "dropdown" in node["classes"] and title in ASKED:
                self.move(node, ASKED[title], node.children[1:])
        for node in self.find(solution_node):
            label = node["target_label"]
            title = tex(rf"\exerciseword~\ref{{exercise:{label}}}")
            self.numbered[label] = self.move(node, title, flat(node.children[1:]), shown=False)

    def move(self, node, title, content, shown=True):
        """Move to the end; what stays is the page of the answer, and its name is returned."""
        name = f"{self.page}-{len(self.answers)}"
        if shown:
            node.replace_self(tex(rf"\answerat{{{name}}}"))
            title = nodes.Text(title)
        else:
            node.parent.remove(node)
        head = tex(rf"\answerto{{{name}}}{{", title, after="}")
        self.answers.append(Page("", head, *content, docname=self.page))
        return name

    def number_exercises(self):
        for node in [node for node in self.find(nodes.Element) if is_exercise_node(node)]:
            label = node["label"]
            named = [child for child in node[0].children if isinstance(child, nodes.subtitle)]
            title = [child for name in named for child in name.children]
            answer = self.numbered.get(label, "")
            head = tex(rf"\exercise{{exercise:{label}}}{{", *title, after="}")
            end = [tex(rf"\answerat{{{answer}}}")] if answer else []
            node.replace_self([head, *flat(node.children[1:]), *end])

    def link(self):
        """Links that lead nowhere on paper become words; exercises are named by their numbers."""
        for node in self.find(addnodes.pending_xref):
            target = node["reftarget"]
            if node.get("refdomain") == "cite":
                node["refdoc"] = BIBLIOGRAPHY
            elif target in LEFT_OUT or target.startswith("reference/generated"):
                node.replace_self(node.children)
            elif target.startswith("ex-"):
                words = node.children if node.get("refexplicit") else []
                words = words or [tex(rf"\exerciseword~\ref*{{exercise:{target}}}")]
                node.replace_self(tex(rf"\hyperref[exercise:{target}]{{", *words, after="}"))

    def index(self):
        """Entries of the index: terms and classes of mtlkit, where a page first names them."""
        seen = set()
        title = next(node for node in self.find(nodes.title) if node.parent.parent is self.doctree)
        for node in [node for node in self.doctree.children if isinstance(node, addnodes.index)]:
            self.doctree.remove(node)  # before the title it would stand on the page before
            title.parent.insert(1, node)
        if self.page == BIBLIOGRAPHY:  # what stands before the list is about lists of pages
            title.parent[1:] = [node for node in title.parent[1:] if isinstance(node, bibliography)]
        if self.page in RENAMED:
            title[:] = [nodes.Text(RENAMED[self.page])]
        for node in self.find(addnodes.pending_xref):
            if node.get("reftype") == "term" and inside(node, nodes.paragraph):
                term = node["reftarget"].lower()
                add_to_index(node, self.terms.get(term, term), seen)
        for node in self.find(nodes.literal):
            if node.astext() in names() and inside(node, nodes.paragraph):
                add_to_index(node, node.astext(), seen)


def only_draws(cell):
    """Whether the code of a cell is that of a figure, or defines what draws one."""
    if cell["cell_metadata"].get("mystnb", {}).get("figure"):
        return True
    outputs = [part for part in cell if part["nb_element"] == "cell_code_output"]
    return not outputs and bool(DRAWS.search(cell.astext()))


def width(text):
    """Characters of a text, Chinese ones for two."""
    return len(text) + len("".join(OTHER_FONTS[0][0].findall(text)))


def fit(table):
    """Give the columns of a wide or long table widths, as what they hold asks for."""
    rows = [[entry.astext() for entry in row] for row in table.findall(nodes.row)]
    columns = list(zip(*rows, strict=False))
    words = [
        max(width(word) for text in column for word in text.split() or [""]) for column in columns
    ]
    texts = [max(map(width, column)) for column in columns]
    if sum(texts) <= TABLE_WIDTH and len(rows) <= 25:
        return
    table["classes"].append("colwidths-given")
    for spec, word, text in zip(table.findall(nodes.colspec), words, texts, strict=True):
        spec["colwidth"] = max(min(word, 30), min(text, 40), 4)


def classes(node):
    return node.get("classes", []) if isinstance(node, nodes.Element) else []


def flat(found):
    """Children without the sections without a title that sphinx-exercise puts around them."""
    parts = [node.children if isinstance(node, nodes.section) else [node] for node in found]
    return [child for part in parts for child in part]


def heading(children):
    return nodes.paragraph("", "", tex(r"\textbf{", *children, after="}"))


def inside(node, kind):
    while node is not None and not isinstance(node, kind):
        node = node.parent
    return node is not None


def names():
    """The classes of mtlkit."""
    modules = [importlib.import_module(f"mtlkit.{name}") for name in mtlkit.__all__]
    return {name for module in modules for name in module.__all__ if name[0].isupper()}


def add_to_index(node, word, seen):
    if word not in seen:
        seen.add(word)
        entry = addnodes.index(entries=[("single", word, "", "", None)], inline=True)
        node.parent.insert(node.parent.index(node) + 1, entry)


def mark_as_checked(cell):
    """A tick after what the claim checks: the paragraph, list or picture before it."""
    siblings = cell.parent.children
    before = siblings[siblings.index(cell) - 1]
    found = [before] if isinstance(before, nodes.paragraph) else []
    if isinstance(before, (nodes.bullet_list, nodes.enumerated_list)):
        found = list(before.findall(nodes.paragraph))
    if found:
        found[-1].append(tex(r"\checked{}"))
    else:
        cell.insert(0, tex(r"\checkedabove{}"))


class TableReader(HTMLParser):
    """The caption and the rows of an HTML table, as text."""

    def __init__(self, source):
        super().__init__()
        self.caption, self.rows, self.into = "", [], None
        self.feed(source)

    def handle_starttag(self, tag, attributes):
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
        if tag in ("caption", "td", "th"):
            self.into = tag

    def handle_endtag(self, tag):
        if tag == self.into:
            self.into = None

    def handle_data(self, data):
        if self.into == "caption":
            self.caption += data
        elif self.into:
            self.rows[-1][-1] += data


def show_table(bundle):
    """An output that is a table in HTML becomes a table; its text is its `repr`."""
    for shown in bundle.children:
        if shown["mime_type"] == "text/html" and "<table" in shown.astext():
            read = TableReader(shown.astext())
            head, *rows = read.rows
            group = nodes.tgroup("", *[nodes.colspec(colwidth=1) for _ in head], cols=len(head))
            group += nodes.thead("", row_of(head))
            group += nodes.tbody("", *map(row_of, rows))
            words = nodes.paragraph("", html.unescape(read.caption).strip())
            table = nodes.table("", group, classes=["output"])
            bundle.replace_self([words, table] if read.caption else [table])
            return


def row_of(cells):
    return nodes.row("", *[nodes.entry("", nodes.paragraph("", cell.strip())) for cell in cells])


# The whole book -----------------------------------------------------------------------------------


class Paper(LaTeXBuilder):
    """The builder `latex` with parts, chapters and a back matter of its own."""

    def assemble_doctree(self, root, *_, **__):
        includes = self.env.toctree_includes
        book = new_document("<paper>")
        self.docnames, self.titles = {root}, []
        self.answers, self.terms = [], []
        if GLOSSARY in self.env.all_docs:
            glossary = self.env.get_doctree(GLOSSARY)
            self.terms = [term.astext() for term in glossary.findall(nodes.term)]
        book += tex(r"\frontchapter")
        self.add(book, root)
        book += tex(r"\mainchapters")
        single = [page for page in includes[root] if not includes.get(page)]
        for part in [page for page in includes[root] if includes.get(page)]:
            self.add(book, part, as_part=True)
            for page in includes[part]:
                self.add(book, page)
        book += tex(r"\bookpart{Reference}")
        for page in [page for page in single if page != BIBLIOGRAPHY]:
            self.add(book, page)
        book += tex(r"\backmatter\chapter{Answers and solutions}\answersareas")
        book += self.answers
        book += tex(r"\raggedright")
        self.add(book, BIBLIOGRAPHY)
        book["docname"] = ""
        self.env.resolve_references(book, root, self)
        return book

    def get_contentsname(self, root):
        return "Contents"

    def add(self, book, page, as_part=False):
        if page in LEFT_OUT:
            return
        self.docnames.add(page)
        prepared = Prepared(self.env.get_doctree(page), page, self.terms)
        here = addnodes.start_of_file(docname=page)
        here += prepared.body
        for section in here.findall(nodes.section):
            section["docname"] = page
            section["part"] = as_part and section.parent is here
        book += here
        if prepared.answers:
            self.answers.append(tex(rf"\answersof{{{page}::doc}}"))
            self.answers += prepared.answers


class Translator(LaTeXTranslator):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.this_is_the_title = 0  # the cover has it

    def visit_Tex(self, node):
        self.body.append(node["before"])

    def depart_Tex(self, node):
        self.body.append(node["after"])

    def visit_Page(self, node):
        self.curfilestack.append(node["docname"])

    def depart_Page(self, node):
        self.curfilestack.pop()

    def visit_title(self, node):
        super().visit_title(node)
        if node.parent.get("part"):
            self.body[-1] = r"\bookpart{"

    def visit_inline(self, node):
        self.body += [self.hypertarget(name) for name in node["ids"]]
        super().visit_inline(node)

    def visit_Text(self, node):
        text = self.encode(node.astext())
        for pattern, replaced in OTHER_FONTS:
            text = pattern.sub(replaced, text)
        if inside(node, nodes.literal):  # a name may break where it has a mark
            text = re.sub(r"([.,(=/]|\\_)(?=\w)", r"\1\\allowbreak{}", text)
        self.body.append(text)

    def visit_reference(self, node):
        super().visit_reference(node)
        page, _, anchor = node.get("refuri", "").removeprefix("%").partition("#")
        elsewhere = page in self.builder.docnames and page != self.curfilestack[-1]
        term = len(node) and "std-term" in classes(node[0])
        if elsewhere and not (term or self.in_title or self.in_caption or anchor[:2] == "id"):
            target = self.idescape(f"{page}:{anchor or ':doc'}")
            self.context[-1] += rf"\onpage{{{target}}}"

    def visit_literal_block(self, node):
        longest = max(map(len, node.astext().split("\n")))
        size = 6.6 if node.get("imports") else next(SIZES[n] for n in SIZES if longest <= n)
        kind = "outputstyle" if "output" in classes(node) else "codestyle"
        self.body.append(rf"\begingroup\{kind}{{{size}}}{{{1.15 * size:.2f}}}")
        try:
            super().visit_literal_block(node)
        except nodes.SkipNode:
            self.body.append(r"\endgroup" + "\n")
            raise

    def depart_literal_block(self, node):
        super().depart_literal_block(node)
        self.body.append(r"\endgroup" + "\n")


class References(SphinxPostTransform):
    """Entries of the bibliography are paragraphs, and keep the place that citations lead to."""

    default_priority = 600
    formats = ("latex",)

    def run(self, **kwargs):
        for node in list(self.document.findall(nodes.citation)):
            words = node.children[1:]
            target = tex(rf"\entry{{{node['docname']}:{node['ids'][0]}}}")
            node.replace_self(nodes.paragraph("", "", target, *words[0].children))


class Vector(ImageConverter):
    """Drawings in SVG become PDF."""

    conversion_rules = (("image/svg+xml", "application/pdf"),)

    def is_available(self):
        return bool(shutil.which("rsvg-convert"))

    def convert(self, source, target):
        subprocess.run(["rsvg-convert", "-f", "pdf", "-o", target, source], check=True)
        return True


def leave_out_generated(app, config):
    """The pages of single names, which _ext/reference_pages.py lets in."""
    config.exclude_patterns = [*config.exclude_patterns, "reference/generated/*"]


def setup(app):
    app.connect("config-inited", leave_out_generated, priority=960)
    app.add_builder(Paper, override=True)
    app.set_translator("latex", Translator, override=True)
    app.add_node(Tex)
    app.add_node(Page)
    app.add_post_transform(References)
    app.add_post_transform(Vector)
    return {"version": "1"}
