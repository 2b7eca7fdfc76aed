"""The built site: whose its files are, and that it tells nothing of the machine that built it."""

import os

import pytest

from tools import supply
from tools.book import HTML

TEXTS = {".css", ".html", ".ipynb", ".js", ".json", ".map", ".md", ".svg", ".txt", ".xml"}
OURS = {path.name for folder in ("_static", "_ext") for path in (supply.ROOT / folder).rglob("*")}
OURS.add("searchindex.js")

if not HTML.exists() and os.environ.get("SITE_REQUIRED") != "1":
    pytest.skip("there is no site: run `make book`", allow_module_level=True)


def files(kinds):
    """Names in the site, without those from which notebooks run there: these are others'."""
    for path in sorted(HTML.rglob("*")):
        name = path.relative_to(HTML).as_posix()
        if path.suffix in kinds and not name.startswith("lite/"):
            yield name, path


def test_every_script_style_and_font_of_others_has_an_owner_in_the_list():
    unknown = [
        name
        for name, path in files(supply.CODE)
        if path.name not in OURS and supply.of_site(name) is None
    ]
    assert unknown == [], "say in tools/supply.py whose they are"


def test_no_page_holds_a_secret_or_a_path_of_a_machine():
    found = {}
    for name, path in files(TEXTS):
        if leaks := supply.leaks(path.read_text("utf-8", errors="replace")):
            found[name] = leaks[:3]
    assert found == {}
