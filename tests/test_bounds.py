"""The versions that an environment has, against the bounds of `pyproject.toml`."""

import os
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

PROJECT = Path(__file__).parent.parent / "pyproject.toml"


def direct(*extras):
    """Requirements of mtlkit and of extras, those of extras that an extra names too."""
    project = tomllib.loads(PROJECT.read_text("utf-8"))["project"]
    found = list(project["dependencies"]) if not extras else []
    for extra in extras:
        found += project["optional-dependencies"][extra]
    requirements = [Requirement(text) for text in found]
    inside = [r for own in requirements if own.name == project["name"] for r in direct(*own.extras)]
    return [r for r in requirements if r.name != project["name"]] + inside


NEEDED = {r.name: r.specifier for r in direct() + direct("test")}


def lowest(specifier):
    (bound,) = (Version(part.version) for part in specifier if part.operator == ">=")
    return bound


def test_what_is_needed_is_read_with_the_extras_inside():
    assert {"numpy", "scikit-learn", "pytest", "matplotlib", "requests"} <= set(NEEDED)
    assert all({part.operator for part in bounds} == {">=", "<"} for bounds in NEEDED.values())


def test_versions_lie_between_the_bounds():
    astray = {name: version(name) for name, bounds in NEEDED.items() if version(name) not in bounds}
    assert not astray


@pytest.mark.skipif(
    os.environ.get("MTLKIT_VERSIONS") != "lowest",
    reason="for the job `lowest` of tools/matrix.py, which has the lower bounds themselves",
)
def test_the_lower_bounds_are_what_is_tested():
    found = {name: Version(version(name)) for name in NEEDED}
    assert found == {name: lowest(bounds) for name, bounds in NEEDED.items()}
