"""Run the checks on every page, on the bibliography and on the package. nbval runs the cells."""

import nbformat
import pytest
import yaml

from tests.book import checks
from tools.tidy import ROOT, page_notebooks, tidy

NOTEBOOKS = {path.relative_to(ROOT).as_posix(): path for path in page_notebooks()}
CHAPTERS = [name for name in NOTEBOOKS if name.startswith("chapters/")]
TEXTS = {
    path.relative_to(ROOT).as_posix(): path
    for pattern in ("*.md", "chapters/**/*.md", "reference/**/*.md")
    for path in sorted(ROOT.glob(pattern))
}
MODULES = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "mtlkit").rglob("*.py"))
# Markdown that is read on its own, not in the book.
AT_THE_ROOT = (
    *("README", "CONTRIBUTING", "CHANGELOG", "CODE_OF_CONDUCT", "SECURITY"),
    "LICENSES-THIRD-PARTY",
)


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def notebook(name):
    return nbformat.reads(read(name), as_version=4)


def prose(name):
    """What a reader of the page reads: the text of a Markdown page, the cells of a notebook."""
    if not name.endswith(".ipynb"):
        return read(name)
    return "\n\n".join(cell.source for cell in notebook(name).cells)


def is_page(name):
    return name.rpartition(".")[0] not in AT_THE_ROOT


PAGES = [name for name in (*NOTEBOOKS, *TEXTS) if is_page(name)]


@pytest.mark.parametrize(
    "check",
    [
        checks.opening,
        checks.imports,
        checks.sections,
        checks.exercises,
        checks.claims,
        checks.pictures,
        checks.quiz,
        checks.predictions,
    ],
    ids=lambda check: check.__name__,
)
@pytest.mark.parametrize("name", CHAPTERS)
def test_chapter(name, check):
    assert check(notebook(name)) == []


@pytest.mark.parametrize("check", [checks.code, checks.figures], ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebook(name, check):
    assert check(notebook(name)) == []


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_stored_form(name):
    assert checks.stored(read(name), tidy) == []


@pytest.mark.parametrize("name", [*NOTEBOOKS, *TEXTS, *MODULES])
def test_nothing_left_over(name):
    assert checks.left_over(prose(name)) == []


@pytest.mark.parametrize("name", PAGES)
def test_terms(name):
    assert checks.terms(prose(name), read("reference/glossary.md")) == []


@pytest.mark.parametrize("name", PAGES)
def test_table_heads(name):
    assert checks.table_heads(prose(name)) == []


def test_citations():
    assert checks.citations({name: prose(name) for name in PAGES}, read("references.bib")) == []


def test_table_of_contents():
    listed = checks.listed_pages(yaml.safe_load(read("_toc.yml")))
    assert checks.contents(listed, {name.rpartition(".")[0] for name in PAGES}) == []
