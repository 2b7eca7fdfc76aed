"""What holds for every test run: one BLAS thread, a time for each page, cells that must raise.

nbval runs the notebooks, one test per code cell (see [tool.pytest.ini_options]).
"""

from collections import defaultdict

import pytest

from tests.book.checks import SECONDS_PER_PAGE, did_not_raise, too_slow
from tools.book import use_one_blas_thread

use_one_blas_thread()

page_seconds = defaultdict(float)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """Fail a cell that is tagged `raises-exception` and does not raise; nbval lets it pass."""
    result = yield
    if hasattr(item, "cell"):
        problems = did_not_raise(item.cell, item.test_outputs)
        if problems:
            pytest.fail(problems[0], pytrace=False)
    return result


def pytest_runtest_logreport(report):
    page, _, _ = report.nodeid.partition("::")
    if page.endswith(".ipynb"):
        page_seconds[page] += report.duration


def pytest_terminal_summary(terminalreporter):
    if not page_seconds:
        return
    terminalreporter.section(f"seconds per page (budget {SECONDS_PER_PAGE})")
    for page, seconds in sorted(page_seconds.items(), key=lambda row: -row[1]):
        mark = "  over budget" if seconds > SECONDS_PER_PAGE else ""
        terminalreporter.line(f"{seconds:7.1f}  {page}{mark}")
    for problem in too_slow(page_seconds):
        terminalreporter.line(problem, red=True)


def pytest_sessionfinish(session, exitstatus):
    if exitstatus == pytest.ExitCode.OK and too_slow(page_seconds):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
