"""The course pack is built once, as `make course` builds it; other processes wait for it."""

import os
from importlib.util import find_spec

import pytest

from tools import course, weeks
from tools.execute import BUILD

MISSING = [name for module, name in course.NEEDED.items() if find_spec(module) is None]
REASON = f"{' and '.join(MISSING)} not installed: pip install -r requirements-course.txt"


def pytest_collection_modifyitems(items):
    here = os.path.dirname(__file__)
    for item in items:
        if MISSING and str(item.path).startswith(here) and "COURSE_REQUIRED" not in os.environ:
            item.add_marker(pytest.mark.skip(reason=REASON))


@pytest.fixture(scope="session")
def pack():
    """The folder of the pack; `python -m tools.course` has to come first."""
    found = BUILD / "course"
    for path in weeks.paths():
        assert (found / path.stem / "autograder.zip").exists(), "run: make course"
    return found
