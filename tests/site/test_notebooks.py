"""Notebooks that the site hands out: downloaded, and run in the browser, which here has no network.

The first need a built site, like `test_site.py`. The others need requirements-lite.txt, npm and the
registries; they are skipped where one is missing, and with SITE_REQUIRED=1 they fail.
"""

import importlib
import json
import os
import shutil
import subprocess
from contextlib import contextmanager
from importlib.util import find_spec
from urllib.parse import parse_qs, urlsplit

import nbformat
import pytest

if os.environ.get("SITE_REQUIRED") != "1":
    pytest.importorskip("playwright", reason="needs: pip install -r requirements-browser.txt")

from tests.book.test_plain import FENCED, RAW
from tests.site import checks, small_pyodide
from tools import lite, matrix, plain
from tools.book import HTML
from tools.execute import BUILD, fault
from tools.tidy import ROOT, page_notebooks

REQUIRED = os.environ.get("SITE_REQUIRED") == "1"
PAGES = {path.relative_to(ROOT).with_suffix("").as_posix(): path for path in page_notebooks()}
STALE = [] if REQUIRED else checks.missing_or_stale() + checks.old_results()
needs_site = pytest.mark.skipif(bool(STALE), reason=f"run `make book` first: {STALE[:1]}")
in_lite = pytest.mark.skipif(
    not REQUIRED and not (HTML / "lite").exists(), reason="run `make lite`, then `make book`"
)
PIP = "%pip install --no-deps mtlkit\nimport mtlkit\nprint(mtlkit.__version__, 6 * 7)"
HOSPITALS = ROOT / "chapters" / "code" / "hospitals.ipynb"


def leads_to(name, ends):
    """The files in the site that a page links, of those whose address ends so."""
    page = HTML / f"{name}.html"
    found = {urlsplit(a) for a in checks.Anchors(page).addresses if a.endswith(ends)}
    return {((page.parent / found.path).resolve(), found.query) for found in found}


@needs_site
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_downloaded_as_a_plain_notebook_with_its_outputs(name):
    links = {file for file, query in leads_to(name, ".ipynb") if not query}
    assert links == {HTML / "plain" / f"{name}.ipynb"}
    page = nbformat.read(links.pop(), as_version=4)
    nbformat.validate(page)
    assert not RAW.findall(FENCED.sub("", plain.markdown(page)))
    code = [cell for cell in page.cells if cell.cell_type == "code"]
    assert "This page needs" in code[0].source
    assert sum(cell.execution_count is not None for cell in code) == len(code) - 1
    assert all(cell.outputs for cell in code if plain.figure_of(cell))
    assert not any(map(fault, code))


@needs_site
def test_the_menu_downloads_the_notebook_and_says_what_it_prints(context, base):
    with checks.opened(context, base, "chapters/code/hospitals.html") as (page, problems):
        page.locator(".dropdown-download-buttons button").first.click()
        items = page.locator(".dropdown-download-buttons .dropdown-menu li")
        assert [text.strip() for text in items.all_inner_texts()] == [".ipynb", "Print"]
        link = items.first.locator("a")
        link.evaluate("link => link.removeAttribute('target')")  # a new window would take it along
        with page.expect_download() as begun:
            link.click()
        assert nbformat.read(begun.value.path(), as_version=4).cells
        assert problems == []


@needs_site
@in_lite
@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_a_button_to_run_it_in_the_browser(name):
    ((app, query),) = {(f, q) for f, q in leads_to(name, f"{name}.ipynb") if q}
    assert app == HTML / "lite" / "notebooks" / "index.html" and app.exists()
    (path,) = parse_qs(query)["path"]
    assert listed(HTML / "lite", path) and path == f"{name}.ipynb"


def listed(site, path):
    """Whether the contents that a site of JupyterLite tells of have a file, as it lies there."""
    folder, _, name = path.rpartition("/")
    contents = json.loads((site / "api" / "contents" / folder / "all.json").read_text("utf-8"))
    nbformat.validate(nbformat.read(site / "files" / path, as_version=4))
    return name in [entry["name"] for entry in contents["content"]]


@contextmanager
def registries():
    try:
        yield
    except (FileNotFoundError, subprocess.CalledProcessError) as missing:
        if REQUIRED:
            raise
        pytest.skip(f"needs requirements-lite.txt, npm and the registries: {missing}")


@pytest.fixture(scope="module")
def pyodide():
    """The folder of a Pyodide, fetched once."""
    pyodide = BUILD / f"pyodide-{small_pyodide.VERSION}"
    with registries():
        if find_spec("jupyterlite_core") is None:
            raise FileNotFoundError("requirements-lite.txt is not installed")
        if not pyodide.exists():
            small_pyodide.fetch(pyodide)
    return pyodide


@pytest.fixture(scope="module")
def offline(pyodide, tmp_path_factory):
    """The address of a site with one page, and Pyodide in it."""
    site = tmp_path_factory.mktemp("lite") / "site"
    with registries():
        lite.make(site, pyodide, [HOSPITALS])
    with checks.served(site) as address:
        yield address
    shutil.rmtree(site)


def test_versions_of_the_tests_are_those_of_the_browser(pyodide):
    constants = importlib.import_module("jupyterlite_pyodide_kernel.constants")
    assert constants.PYODIDE_VERSION == small_pyodide.VERSION
    packages = json.loads((pyodide / "pyodide-lock.json").read_text("utf-8"))["packages"]
    assert {name: packages[name]["version"] for name in matrix.PYODIDE} == matrix.PYODIDE


def test_cells_without_numpy_run_in_the_browser_without_a_network(context, offline):
    """The kernel starts, the wheel is installed, the page's stored results are there to read."""
    page, outside = context.new_page(), []
    own = (offline, "data:", "blob:")
    page.on("request", lambda r: None if r.url.startswith(own) else outside.append(r.url))
    page.goto(f"{offline}notebooks/index.html?path=chapters/code/hospitals.ipynb")
    first = page.locator(".jp-Notebook .jp-Cell").first
    page.get_by_role("heading", name="Four hospitals").wait_for(timeout=120_000)

    install, _, results = plain.setup(HOSPITALS, "mtlkit{}").source.partition("\n")
    assert install == "%pip install -q 'mtlkit[plot]'"
    read = "print(Path('../../studies/results/hospitals.json').stat().st_size, 'bytes')"
    size = (ROOT / "studies" / "results" / "hospitals.json").stat().st_size
    for text, answer in ((PIP, "0.1.0 42"), (f"{results}\n{read}", f"{size} bytes")):
        first.click()
        for key in ("Escape", "a", "y", "Enter"):  # a cell above, for code
            page.keyboard.press(key)
        page.keyboard.insert_text(text)
        page.keyboard.press("Shift+Enter")
        output = page.locator(".jp-Notebook .jp-Cell .jp-OutputArea-output").first
        output.get_by_text(answer).wait_for(timeout=600_000)
    assert outside == []
    page.close()
