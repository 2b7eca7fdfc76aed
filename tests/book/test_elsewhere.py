"""Buttons that take a page elsewhere: each leads where it says; without a place there is none."""

import re
import subprocess
from html import unescape

import nbformat
import yaml

from _ext.elsewhere import binder, colab, forge
from tools.book import script
from tools.tidy import NOTEBOOK_METADATA, ROOT

GITHUB = "https://github.com/owner/name"
GITLAB = "https://gitlab.com/owner/name"
OTHER = "https://forge.example/owner/name"
CONFIG = {
    "title": "Small",
    "only_build_toc_files": True,
    "execute": {"execute_notebooks": "off"},
    "sphinx": {
        "recursive_update": True,
        "local_extensions": {"elsewhere": str(ROOT / "_ext")},
        "config": {"html_theme_options": {"navbar_persistent": []}},
    },
}


def test_addresses_of_binder_and_colab():
    end = "main?urlpath=lab/tree/_build/plain/chapters/a.ipynb"
    page = "chapters/a"
    assert binder(GITHUB, page) == f"https://mybinder.org/v2/gh/owner/name/{end}"
    assert binder(GITLAB, page) == f"https://mybinder.org/v2/gl/owner%2Fname/{end}"
    other = "https%3A%2F%2Fforge.example%2Fowner%2Fname"
    assert binder(OTHER, page) == f"https://mybinder.org/v2/git/{other}/{end}"
    notebooks = "https://colab.research.google.com/github/owner/name/blob/notebooks"
    assert colab(GITHUB, page) == f"{notebooks}/chapters/a.ipynb"
    assert colab(GITLAB, page) == colab(OTHER, page) == ""
    assert [forge(a) for a in (GITHUB, GITLAB, OTHER)] == ["github", "gitlab", ""]


def built(root, address, files=()):
    """What the buttons of a notebook and of a page of text lead to, in a small book."""
    for name in ("page.ipynb", "text.md", "reference/generated/name.md"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("# Title\n", encoding="utf-8")
    cells = [nbformat.v4.new_markdown_cell("# Title"), nbformat.v4.new_code_cell("1 + 1")]
    page = nbformat.v4.new_notebook(cells=cells, metadata=NOTEBOOK_METADATA)
    nbformat.write(page, root / "page.ipynb")
    pages = [{"file": name} for name in ("page", "reference/generated/name")]
    toc = {"format": "jb-book", "root": "text", "chapters": pages}
    (root / "_toc.yml").write_text(yaml.safe_dump(toc), encoding="utf-8")
    (root / "_config.yml").write_text(yaml.safe_dump(CONFIG), encoding="utf-8")
    urls = f'[project.urls]\nRepository = "{address}"\n' if address else "[project.urls]\n"
    (root / "pyproject.toml").write_text(f'[project]\nname = "small"\n{urls}', encoding="utf-8")
    html = root / "_build" / "html"
    for name in files:
        (html / name).parent.mkdir(parents=True, exist_ok=True)
        (html / name).touch()
    command = [script("jupyter-book"), "build", "-W", str(root)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    found = []
    for name in ("page", "text", "reference/generated/name"):
        header = (html / f"{name}.html").read_text("utf-8").partition("header-article")[2]
        header = header.partition("<article")[0]
        found.append([unescape(link) for link in re.findall(r'<a href="([^"#]+)"', header)])
        assert ".pdf" not in header and "fa-print" in header
    return found


def test_without_an_address_and_files_a_page_is_downloaded_as_it_is(tmp_path):
    assert built(tmp_path, None) == [
        ["_sources/page.ipynb"],
        ["_sources/text.md"],
        ["../../_sources/reference/generated/name.md"],
    ]


def test_buttons_lead_to_files_that_are_there_and_to_the_forge(tmp_path):
    lite = "lite/notebooks/index.html?path=page.ipynb"
    issues = f"{GITHUB}/issues/new?title=Issue%20on%20page%20%2F{{}}.html"
    issues += "&body=Your%20issue%20content%20here."
    name = "reference/generated/name"
    assert built(tmp_path, GITHUB, ["plain/page.ipynb", "lite/files/page.ipynb"]) == [
        [
            *[lite, binder(GITHUB, "page"), colab(GITHUB, "page")],
            *[GITHUB, f"{GITHUB}/edit/main/page.ipynb", issues.format("page")],
            "plain/page.ipynb",
        ],
        [GITHUB, f"{GITHUB}/edit/main/text.md", issues.format("text"), "_sources/text.md"],
        [GITHUB, issues.format(name), f"../../_sources/{name}.md"],  # no file that can be edited
    ]


def test_a_forge_that_the_theme_does_not_know_has_what_it_can_have(tmp_path):
    page, text, _ = built(tmp_path, OTHER)
    assert page == [binder(OTHER, "page"), "_sources/page.ipynb", OTHER]
    assert text == ["_sources/text.md", OTHER]
