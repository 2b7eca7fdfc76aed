"""A page is executed once, and no output is used that may be stale."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from tests.book import nbval_pages
from tools import execute
from tools.book import drop_old_site
from tools.execute import code_cells, executed, fault, forget_old, results_key

pytest_plugins = ["pytester"]

RAISES = {"tags": ["raises-exception"]}


def test_results_key_follows_mtlkit_the_lock_the_studies_and_the_kernel(tmp_path, monkeypatch):
    (tmp_path / "mtlkit").mkdir()
    (tmp_path / "studies" / "results").mkdir(parents=True)
    keys = []
    for name, text in [
        ("requirements.txt", "numpy==2.0.0"),
        ("requirements.txt", "numpy==2.0.1"),
        ("mtlkit/table.py", "a = 1"),
        ("mtlkit/table.py", "a = 2"),
        ("studies/results/school.json", "{}"),
    ]:
        (tmp_path / name).write_text(text)
        keys.append(results_key(tmp_path))
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Prescott")
    keys.append(results_key(tmp_path))
    assert len(set(keys)) == 6


@pytest.fixture
def page(tmp_path, monkeypatch):
    """A function that writes a page; it counts its executions in a file. The cache is empty."""
    monkeypatch.setattr(execute, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(execute, "ROOT", tmp_path)
    monkeypatch.setattr(execute, "results_key", lambda: "this mtlkit")

    def write(*cells, name="page"):
        count = new_code_cell("with open('log', 'a') as file:\n    print('run', file=file)")
        path = tmp_path / f"{name}.ipynb"
        nbformat.write(new_notebook(cells=[count, *cells]), path)
        return path

    write.runs = lambda: len((tmp_path / "log").read_text().split())
    return write


def texts(path):
    """What the code cells of an executed page printed, after the first."""
    return [
        "".join(output.get("text", "") for output in cell.outputs)
        for cell in code_cells(executed(path)[0])[1:]
    ]


def test_a_page_is_executed_once_while_everything_is_as_it_was(page, monkeypatch):
    path = page(new_code_cell("print(6 * 7)"))
    first, seconds = executed(path)
    again, same = executed(path)
    assert page.runs() == 1
    assert code_cells(first)[1].outputs == code_cells(again)[1].outputs
    assert seconds == same > 0.1  # what it takes to start Python

    monkeypatch.setattr(execute, "results_key", lambda: "another mtlkit")
    assert texts(path) == ["42\n"]
    assert page.runs() == 2
    page(new_code_cell("print(6 * 8)"))
    assert texts(path) == ["48\n"]
    assert page.runs() == 3


def test_outputs_without_a_key_or_of_another_are_not_used_and_are_removed(page, monkeypatch):
    path = page()
    executed(path)
    cache = execute.open_cache()
    (record,) = cache.list_cache_records()
    forget_old()
    assert len(cache.list_cache_records()) == 1
    # What MyST-NB stores when it executes a page itself, for `make serve`.
    bundle = cache.get_cache_bundle(record.pk)
    plain = execute.CacheBundleIn(bundle.nb, str(path), data={"execution_seconds": 1.0})
    cache.cache_notebook_bundle(plain, check_validity=False, overwrite=True)
    executed(path)
    assert page.runs() == 2
    monkeypatch.setattr(execute, "results_key", lambda: "another mtlkit")
    forget_old()
    assert cache.list_cache_records() == []


def test_nothing_is_stored_if_mtlkit_changes_while_the_page_runs(page, monkeypatch):
    keys = iter(["before", "after", "after", "after", "after"])
    monkeypatch.setattr(execute, "results_key", lambda: next(keys))
    path = page()
    for _ in range(3):
        executed(path)
    assert page.runs() == 2


@pytest.mark.parametrize(
    "cell, problem",
    [
        (new_code_cell("1 / 0"), "ZeroDivisionError"),
        (new_code_cell("1 / 1", metadata=RAISES), "nothing was raised"),
        (new_code_cell("import os\nos._exit(1)"), "Kernel died"),
        (new_code_cell("import warnings\nwarnings.warn('old', FutureWarning)"), "FutureWarning"),
        (new_code_cell("import warnings\nwarnings.warn('old', DeprecationWarning)"), "old"),
    ],
    ids=["raises", "does not raise", "dies", "soon gone", "deprecated"],
)
def test_a_page_that_fails_is_told_and_not_stored_and_others_go_on(page, capsys, cell, problem):
    failing = page(new_code_cell("good = 1"), cell, new_code_cell("print('after')"), name="failing")
    other = page(new_code_cell("print('other')"), name="other")
    with pytest.raises(SystemExit) as stop:
        execute.main([str(failing), str(other)])
    said = str(stop.value)
    assert problem in said
    assert "failing.ipynb failed" in said
    assert cell.source in said
    assert "good = 1" not in said
    assert "other.ipynb" in capsys.readouterr().out
    (record,) = execute.open_cache().list_cache_records()
    assert record.uri == str(other)


def test_pages_without_a_fault_let_the_build_go_on(page, capsys):
    execute.main([str(page())])
    assert "page.ipynb" in capsys.readouterr().out


def test_a_cell_that_hangs_is_ended(page, monkeypatch):
    monkeypatch.setattr(execute, "SECONDS_PER_CELL", 5)
    path = page(new_code_cell("import time\ntime.sleep(600)"), new_code_cell("print('after')"))
    first, *rest = map(fault, code_cells(executed(path)[0]))
    assert first == ""
    assert all("time.sleep(600)" in text for text in rest)


def test_a_cell_that_shall_raise_may(page):
    path = page(new_code_cell("1 / 0", metadata=RAISES), new_code_cell("print('after')"))
    assert texts(path) == ["", "after\n"]
    assert not any(map(fault, code_cells(executed(path)[0])))
    assert page.runs() == 1


def test_nbval_checks_each_cell_against_the_execution(page, pytester, monkeypatch):
    monkeypatch.setattr(nbval_pages, "process_seconds", {})  # else told as a page of this run
    path = page(
        new_code_cell("print('good')"),
        new_code_cell("1 / 0"),
        new_code_cell("1 / 1", metadata=RAISES),
        new_code_cell("1 / 0", metadata=RAISES),
    )
    result = pytester.inline_run(
        str(path), "-p", "tests.book.nbval_pages", "-p", "no:cacheprovider"
    )
    outcomes = [
        report.outcome
        for report in result.getreports("pytest_runtest_logreport")
        if report.when == "call"
    ]
    assert outcomes == ["passed", "passed", "failed", "failed", "passed"]
    failures = [str(report.longrepr) for report in result.getfailures()]
    assert "1 / 0" in failures[0]
    assert "ZeroDivisionError" in failures[0]
    assert "nothing was raised" in failures[1]
    assert page.runs() == 1


def test_a_build_begins_with_an_empty_site_and_keeps_what_others_made(tmp_path):
    for name in ("html", ".doctrees", "jupyter_execute", ".jupyter_cache", "lite"):
        (tmp_path / name).mkdir()
    (tmp_path / "site-key").touch()
    drop_old_site(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".jupyter_cache", "lite"]
