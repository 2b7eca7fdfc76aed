"""Docstrings by numpydoc's validation, and what it does not look at: attributes, links to pages."""

import importlib
import inspect
import re
from pathlib import Path

import pytest

import mtlkit

REASON = "numpydoc is not installed"
ClassDoc = pytest.importorskip("numpydoc.docscrape", reason=REASON).ClassDoc
validate = pytest.importorskip("numpydoc.validate", reason=REASON).validate

ROOT = Path(__file__).parent.parent
# Each with the words that numpydoc has for it, see numpydoc.validate.ERROR_MSGS.
CHECKS = {
    "GL08",  # no docstring
    "SS01",  # no summary
    "PR01",  # parameters that are not documented
    "PR02",  # unknown parameters
    "PR03",  # parameters in another order
    "PR04",  # a parameter without a type
    "PR07",  # a parameter without a description
    "RT03",  # a return value without a description
    "YD01",  # a generator without a section Yields
    "SA02",  # a full stop is missing in See Also
    "SA04",  # a name in See Also without a reason
}
FOR_NAMES = {"SA01"}  # no See Also; asked of classes and functions, not of methods


def public_objects():
    """Every public class and function by its full name."""
    for module in (importlib.import_module(f"mtlkit.{name}") for name in mtlkit.__all__):
        for name in module.__all__:
            value = getattr(module, name)
            if inspect.isclass(value) or inspect.isfunction(value):
                yield f"{module.__name__}.{name}", value


def public_methods():
    """Every public method and property that mtlkit defines, once, by the first full name it has.

    A method without a docstring has that of the class from which its own is derived.
    """
    seen = set()
    for name, cls in OBJECTS.items():
        for key in dir(cls) if inspect.isclass(cls) else []:
            value = inspect.getattr_static(cls, key)
            function = getattr(value, "fget", getattr(value, "__func__", value))
            own = getattr(inspect.unwrap(function), "__module__", "") or ""
            callable_ = inspect.isfunction(function) or isinstance(value, property)
            if key[0] == "_" or not callable_:
                continue
            if not function.__doc__ and inspect.getdoc(getattr(cls, key)):
                continue
            if own.startswith("mtlkit") and function not in seen:
                seen.add(function)
                yield f"{name}.{key}"


OBJECTS = dict(public_objects())
METHODS = list(public_methods())


def attributes(cls):
    return ClassDoc(cls, config={"show_class_members": False})["Attributes"]


def problems(name, checks):
    """What numpydoc finds at a name, with the code of the check."""
    found = validate(name)["errors"]
    # What a result holds is documented as attributes, and a result is not made by hand.
    entries = attributes(OBJECTS[name]) if is_class(name) else []
    known = {word for entry in entries for word in entry.name.split(", ")}
    return [
        f"{code}: {text}"
        for code, text in found
        if code in checks and not (code == "PR01" and set(re.findall(r"'(\w+)'", text)) <= known)
    ]


def is_class(name):
    return inspect.isclass(OBJECTS.get(name))


@pytest.mark.parametrize("name", OBJECTS)
def test_classes_and_functions(name):
    assert problems(name, CHECKS | FOR_NAMES) == []


@pytest.mark.parametrize("name", METHODS)
def test_methods(name):
    assert problems(name, CHECKS) == []


@pytest.mark.parametrize("name", [name for name in OBJECTS if is_class(name)])
def test_attributes_are_described(name):
    assert [entry.name for entry in attributes(OBJECTS[name]) if not "".join(entry.desc)] == []


@pytest.mark.parametrize("name", OBJECTS)
def test_the_page_where_it_is_taught_exists(name):
    pages = re.findall(r":doc:`(?:[^<`]*<)?/([^>`]+)>?`", inspect.getdoc(OBJECTS[name]))
    assert pages
    if (ROOT / "chapters").is_dir():  # not in the source archive
        missing = [page for page in pages if not list(ROOT.glob(f"{page}.*"))]
        assert not missing
