"""The site that runs in the browser is offered while it is that of the pages and of mtlkit."""

import json
from pathlib import Path

import pytest

from tools import book, lite
from tools.tidy import ROOT

PAGE = ROOT / "chapters" / "code" / "hospitals.ipynb"
WHEEL = f"pypi/mtlkit-{lite.version('mtlkit')}-py3-none-any.whl"


@pytest.fixture
def made(tmp_path, monkeypatch):
    """A site with one page, as far as it is asked."""
    monkeypatch.setattr(lite, "page_notebooks", lambda: [PAGE])
    monkeypatch.setattr(lite, "results_key", lambda: "this mtlkit")
    site = tmp_path / "lite"
    copy = site / "files" / PAGE.relative_to(ROOT)
    for path, text in (
        (copy, lite.exported(PAGE)),
        (site / WHEEL, ""),
        (site / lite.KEY, json.dumps({"key": "this mtlkit", "pyodide": False})),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return site


def test_a_site_is_current_until_something_changes(made, monkeypatch):
    assert lite.is_current(made)
    (made / WHEEL).rename(made / "pypi" / "mtlkit-0.0.1-py3-none-any.whl")
    assert not lite.is_current(made)
    (made / "pypi" / "mtlkit-0.0.1-py3-none-any.whl").rename(made / WHEEL)
    monkeypatch.setattr(lite, "results_key", lambda: "another mtlkit")
    assert not lite.is_current(made)
    monkeypatch.undo()
    assert not lite.is_current(made.parent / "nothing")


def test_a_page_that_changed_makes_the_site_old(made):
    page = made / "files" / PAGE.relative_to(ROOT)
    page.write_text(page.read_text("utf-8").replace("Four hospitals", "Five hospitals"), "utf-8")
    assert not lite.is_current(made)
    page.unlink()
    assert not lite.is_current(made)


@pytest.mark.parametrize("current", [True, False])
def test_a_build_takes_the_site_along_if_it_is_current(
    made, tmp_path, monkeypatch, capsys, current
):
    monkeypatch.setattr(book.plain, "write", lambda folder, outputs: folder.mkdir(parents=True))
    monkeypatch.setattr(lite, "LITE", made)
    monkeypatch.setattr(lite, "is_current", lambda: current)
    book.put_notebooks(tmp_path / "html")
    assert (tmp_path / "html" / "lite" / WHEEL).exists() == current
    assert ("make lite" in capsys.readouterr().out) == (not current)


def test_the_notebook_says_what_comes_over_the_network():
    before, after = (lite.install_words(own) for own in (False, True))
    assert "`cdn.jsdelivr.net`, so they need a network" in before
    assert "come from this site" in after and "network" not in after


def test_a_folder_without_pyodide_is_named(tmp_path):
    with pytest.raises(SystemExit, match=r"holds no pyodide\.mjs"):
        lite.make(tmp_path / "lite", Path(tmp_path))
