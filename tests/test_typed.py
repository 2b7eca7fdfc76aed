"""Types for editors and checkers: what comes out of the comparisons says what it is."""

import inspect
from dataclasses import fields
from importlib.resources import files

import pytest

from mtlkit import evaluation, transfer

RESULTS = [
    evaluation.Comparison,
    evaluation.ComparisonTable,
    evaluation.Difference,
    evaluation.Equivalence,
    evaluation.LabelSaving,
    evaluation.TaskAffinity,
    transfer.ShiftReport,
]
MAKERS = {
    evaluation.compare: "Comparison",
    evaluation.equivalence_test: "Equivalence",
    evaluation.label_saving: "LabelSaving",
    evaluation.paired_difference: "Difference",
    evaluation.task_affinity: "TaskAffinity",
    evaluation.verdict: "str",
    transfer.diagnose_shift: "ShiftReport",
}


def test_the_package_says_that_it_has_types():
    assert (files("mtlkit") / "py.typed").is_file()


@pytest.mark.parametrize("maker", MAKERS, ids=lambda maker: maker.__name__)
def test_a_function_says_what_it_returns(maker):
    found = inspect.signature(maker).return_annotation
    assert MAKERS[maker] in (found if isinstance(found, str) else f"{found} {found.__name__}")


def public_methods(result):
    """Functions of a class, those behind its properties too, by name."""
    for name, member in inspect.getmembers(result):
        member = member.fget if isinstance(member, property) else member
        if not name.startswith("_") and inspect.isfunction(member):
            yield name, member


@pytest.mark.parametrize("result", RESULTS, ids=lambda result: result.__name__)
def test_a_result_has_types_on_fields_and_methods(result):
    assert all(field.type for field in fields(result))
    bare = [
        name
        for name, method in public_methods(result)
        if inspect.signature(method).return_annotation is inspect.Signature.empty
    ]
    assert not bare


def test_methods_are_found():
    names = dict(public_methods(evaluation.Comparison))
    assert {"difference", "table", "scale", "refit"} <= set(names)
