"""The course pack, as `make course` built it: without it, or with an old one, nothing is tested."""

import os

import pytest

from tools import course


@pytest.fixture(scope="session")
def pack():
    made = course.KEY.read_text() if course.KEY.exists() else "none"
    if made != course.key():
        reason = "run `make course`: " + ("no pack" if made == "none" else "the pack is old")
        (pytest.fail if "COURSE_REQUIRED" in os.environ else pytest.skip)(reason)
    return course.PACK
