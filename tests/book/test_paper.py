"""What a page becomes on paper, what ends a build of the PDF, and a book of two pages in print."""

import shutil
import subprocess
import sys

import pytest
from docutils import nodes
from docutils.utils import new_document
from sphinx import addnodes
from sphinx_exercise.nodes import (
    exercise_enumerable_node,
    exercise_subtitle,
    exercise_title,
    solution_node,
)

from _ext.paper import Prepared, Tex, fit, only_draws, show_table
from tools import paper
from tools.paper import NAME, faults, missing_programs, unwrapped


def cell(source, *tags, output="", **metadata):
    parts = [
        nodes.container("", nodes.literal_block(source, source), nb_element="cell_code_source")
    ]
    if output:
        shown = nodes.literal_block(output, output, classes=["output"])
        parts.append(nodes.container("", shown, nb_element="cell_code_output"))
    names = ["cell", *(f"tag_{tag}" for tag in tags)]
    return nodes.container(
        "", *parts, nb_element="cell_code", classes=names, cell_metadata=metadata
    )


def prepared(*content):
    document = new_document("page")
    document += nodes.section("", nodes.title("", "Two stores"), *content, ids=["two-stores"])
    return Prepared(document, "chapters/page")


def commands(tree):
    return [node["before"] for part in tree for node in part.findall(Tex)]


def test_code_of_figures_and_claims_goes_and_what_cells_show_stays():
    figure = {"mystnb": {"figure": {"caption": "Two lines."}}}
    page = prepared(
        nodes.paragraph("", "It is 3."),
        cell("assert found == 3", "claim"),
        cell("draw(found)", output="the figure", **figure),
        cell("def draw(ax, found):\n    ax.plot(found)"),
        cell("print(found)", output="3"),
    )
    text = page.body[0].astext()
    assert "assert" not in text and "draw" not in text
    assert "the figure" in text and "print(found)" in text
    assert commands(page.body[0][1:2]) == [r"\checked{}"]


def test_a_cell_that_prints_is_kept_though_it_draws():
    source = "fig, ax = plt.subplots()"
    assert only_draws(cell(source))
    assert not only_draws(cell(source, output="3"))
    assert not only_draws(cell("found = fit(rows)"))


def test_answers_and_solutions_move_to_the_end_and_exercises_are_named():
    ask = nodes.admonition("", nodes.title("", "Predict first"), nodes.paragraph("", "Which?"))
    answer = nodes.admonition("", nodes.title("", "Answer"), nodes.paragraph("", "The first."))
    answer["classes"] = ["dropdown"]
    more = nodes.admonition("", nodes.title("", "A proof"), nodes.paragraph("", "By parts."))
    more["classes"] = ["dropdown"]
    named = exercise_title("", "Exercise", exercise_subtitle("", "By hand"))
    inner = nodes.section("", nodes.paragraph("", "Add them."))
    exercise = exercise_enumerable_node("", named, inner, label="ex-a")
    told = nodes.section("", nodes.paragraph("", "Five."))
    solution = solution_node("", nodes.title("", "Solution to"), told, target_label="ex-a")
    link = addnodes.pending_xref("", nodes.inline("", ""), refdomain="std", reftype="ref")
    link["reftarget"] = "ex-a"
    page = prepared(ask, answer, more, exercise, solution, nodes.paragraph("", "", link))

    text = page.body[0].astext()
    assert "Which?" in text and "By parts." in text and "Add them." in text
    assert "The first." not in text and "Five." not in text
    assert [part.astext().split()[-1] for part in page.answers] == ["first.", "Five."]
    assert commands(page.body) == [
        r"\answerat{chapters/page-0}",
        r"\exercise{exercise:ex-a}{",
        r"\answerat{chapters/page-1}",
        r"\hyperref[exercise:ex-a]{",
        r"\exerciseword~\ref*{exercise:ex-a}",
    ]


def test_the_index_has_terms_as_the_glossary_spells_them_and_classes_once_a_page():
    def term():
        return addnodes.pending_xref("", nodes.inline("", "blup"), reftype="term", reftarget="blup")

    document = new_document("page")
    model = nodes.literal("", "PerTask")
    words = nodes.paragraph("", "", term(), term(), model, nodes.literal("", "fit"))
    document += nodes.section("", nodes.title("", "Two stores"), words)
    Prepared(document, "chapters/page", ["BLUP"])
    entries = [node["entries"][0][1] for node in document.findall(addnodes.index)]
    assert entries == ["BLUP", "PerTask"]


def test_links_to_pages_left_out_become_words():
    def link(target):
        words = nodes.inline("", target)
        return addnodes.pending_xref("", words, refdomain="doc", reftarget=target)

    page = prepared(nodes.paragraph("", "", link("chapters/gallery"), link("chapters/other")))
    assert [node["reftarget"] for node in page.doctree.findall(addnodes.pending_xref)] == [
        "chapters/other"
    ]
    assert "chapters/gallery" in page.body[0].astext()


def test_a_table_in_html_becomes_a_table_and_a_wide_one_gets_widths():
    source = (
        "<table><caption>Ten splits</caption><tr><th>way</th><th>R²</th></tr>"
        "<tr><td>tied</td><td>9 &lt; 10</td></tr></table>"
    )
    shown = nodes.container("", nodes.raw("", source, format="html"), mime_type="text/html")
    place = nodes.container("", nodes.container("", shown, nb_element="mime_bundle"))
    show_table(place[0])
    assert place[0].astext() == "Ten splits"
    table = place[1]
    assert [entry.astext() for entry in table.findall(nodes.entry)] == [
        "way", "R²", "tied", "9 < 10",
    ]  # fmt: skip
    fit(table)
    assert "colwidths-given" not in table["classes"]
    next(table.findall(nodes.entry))[0] += nodes.Text("many words " * 12)
    fit(table)
    assert "colwidths-given" in table["classes"]
    wide, narrow = (spec["colwidth"] for spec in table.findall(nodes.colspec))
    assert wide > 2 * narrow


def test_faults_are_read_from_lines_that_tex_broke():
    line = (
        "LaTeX Warning: Hyper reference `chapters/algorithms/one_objective:eq-objective' on page 61"
    )
    log = "\n".join([
        line[:79], line[79:],
        "Missing character: There is no 权 (U+6743) in font TeX Gyre Pagella!",
        r"Overfull \hbox (31.2pt too wide) in paragraph at lines 1--2",
        r"Overfull \hbox (3.2pt too wide) in paragraph at lines 3--4",
    ])  # fmt: skip
    found = faults(unwrapped(log))
    assert found["references that lead nowhere"] == [
        "chapters/algorithms/one_objective:eq-objective"
    ]
    assert found["characters that no font has"] == ["权 (U+6743)"]
    assert found["lines in the margin"] == ["31.2 pt in paragraph at lines 1--2"]
    assert faults("Output written on book.xdv (2 pages).") == {}


def test_what_is_missing_is_named_with_its_package(monkeypatch):
    monkeypatch.setattr(paper.shutil, "which", lambda name: None)
    for name in ("xelatex", "texlive-xetex", "latexmk", "librsvg2-bin"):
        assert name in missing_programs()
    monkeypatch.setattr(paper.shutil, "which", lambda name: name)
    assert missing_programs() == ""


PAGES = {
    "_config.yml": """
title: A book
author: Us
only_build_toc_files: true
execute: {execute_notebooks: "off"}
parse: {myst_enable_extensions: [dollarmath, colon_fence]}
bibtex_bibfiles: [references.bib]
sphinx:
  extra_extensions: [sphinx_exercise]
  config: {project: A book, language: en, numfig: true, bibtex_reference_style: author_year}
""",
    "_toc.yml": """
format: jb-book
root: intro
chapters:
  - file: part
    sections: [{file: page}]
  - file: reference/bibliography
""",
    "references.bib": "@book{a2000, author={A. B}, title={A title}, publisher={P}, year=2000}\n",
    "reference/bibliography.md": "# Bibliography\n\n```{bibliography}\n:all:\n```\n",
    "intro.md": "# A book\n\nRead [a page](page.md).\n",
    "part.md": "# A part\n\nWords 权重.\n",
    "page.md": """# A page

By {cite}`a2000`, $x^2 = 4$ → two.

```{figure} drawn.svg
:name: fig-drawn

A circle.
```

```{exercise} By hand
:label: ex-a
Add 2 and 2.
```

```{solution} ex-a
:class: dropdown
Four.
```
""",
    "drawn.svg": '<svg xmlns="http://www.w3.org/2000/svg" width="50" height="50">'
    '<circle cx="25" cy="25" r="20"/></svg>',
}


def test_a_small_book_comes_out_without_a_fault(tmp_path):
    if missing_programs():
        pytest.skip(missing_programs())
    for name, text in PAGES.items():
        path = tmp_path / "book" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    script = (
        "import sys; from pathlib import Path; from tools.paper import *; "
        "source, made = map(Path, sys.argv[1:]); warnings = write_tex(source, made); "
        "found = faults(set_type(made)); sys.exit(str(found or warnings or ''))"
    )
    command = [sys.executable, "-c", script, tmp_path / "book", tmp_path / "made"]
    done = subprocess.run(command, cwd=paper.ROOT, capture_output=True, text=True)
    assert done.stderr.strip() == "", done.stdout
    book = tmp_path / "made" / "latex" / f"{NAME}.pdf"
    assert book.stat().st_size > 20_000
    if shutil.which("pdftotext"):
        text = subprocess.run(["pdftotext", book, "-"], capture_output=True, text=True).stdout
        for words in (
            "Part I",
            "a page (p. ",
            "Exercise 1.1",
            "Answer: p. ",
            "Four.",
            "权重",
            "A title",
        ):
            assert words in text
        assert text.index("Four.") > text.index("Answers and solutions", text.index("Part I"))
