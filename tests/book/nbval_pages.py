"""The notebooks under nbval: a test per code cell, on the one execution that serves the book too.

A plugin of pytest, loaded by the root's `conftest.py` where nbval is installed.
"""

from collections import deque

import pytest
from nbval.plugin import IPyNbCell, IPyNbFile

from tests.book.checks import SECONDS_PER_PAGE
from tools.execute import code_cells, executed, fault, open_cache

process_seconds = {}


class Replay:
    """Stands where nbval has its kernel, and answers a cell with what the cell's execution gave."""

    def __init__(self, cells):
        self.cells = cells
        self.current = None  # the number of the cell that comes next
        self.messages = deque()

    def execute_cell_input(self, source, allow_stdin=None):
        outputs = [dict(output) for output in self.cells[self.current].outputs]
        contents = [(output.pop("output_type"), output) for output in outputs]
        contents.append(("status", {"execution_state": "idle"}))
        self.messages.extend(
            {"msg_type": kind, "parent_header": {"msg_id": source}, "content": content}
            for kind, content in contents
        )
        return source

    def get_message(self, stream, timeout=None):
        return self.messages.popleft()

    def await_reply(self, msg_id, timeout=None):
        pass  # the execution is over

    def await_idle(self, parent_id, timeout=None):
        self.messages.clear()

    def is_alive(self):
        return True

    def stop(self):
        pass


class Page(IPyNbFile):
    def setup(self):
        page, self.process_seconds = executed(self.path)
        self.kernel = Replay(code_cells(page))
        self.setup_sanitize_files()


def pytest_configure(config):
    # Pages are stored without outputs, so nbval has none to compare; the `claim` cells assert what
    # the prose says.
    config.option.nbval_lax = True
    if not hasattr(config, "workerinput"):
        open_cache().list_cache_records()  # made here, so that no two workers make it at once


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(file_path, parent):
    nodes = yield
    return [
        Page.from_parent(parent, path=file_path) if isinstance(node, IPyNbFile) else node
        for node in nodes
    ]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """Fail a cell that is tagged `raises-exception` and does not raise; nbval lets it pass."""
    if not isinstance(item, IPyNbCell):
        return (yield)
    item.user_properties.append(("process seconds", item.parent.process_seconds))
    item.parent.kernel.current = item.cell_num
    result = yield
    found = fault(item.parent.kernel.cells[item.cell_num])
    if found:
        pytest.fail(found, pytrace=False)
    return result


def pytest_runtest_logreport(report):
    page, _, _ = report.nodeid.partition("::")
    for name, value in report.user_properties:
        if name == "process seconds":
            process_seconds[page] = value


def pytest_terminal_summary(terminalreporter):
    if not process_seconds:
        return
    terminalreporter.section(f"seconds of processor time per page (budget {SECONDS_PER_PAGE})")
    for page, seconds in sorted(process_seconds.items(), key=lambda row: -row[1]):
        mark = "  over budget" if seconds > SECONDS_PER_PAGE else ""
        terminalreporter.line(f"{seconds:7.1f}  {page}{mark}")
