"""The list of names under which search finds a page; `tests/site` tries each in the built site."""

from _ext.search_words import words
from tools.tidy import ROOT


def test_every_page_of_the_list_is_in_the_book():
    toc = (ROOT / "_toc.yml").read_text(encoding="utf-8")
    assert [page for page in words() if f"- file: {page}\n" not in toc] == []


def test_a_name_leads_to_one_page():
    names = [name.lower() for names in words().values() for name in names]
    assert sorted(names) == sorted(set(names))


def test_the_names_of_other_fields_are_in_the_list():
    """Statisticians, forecasters, chemists and practitioners look for these."""
    page = {name.lower(): page for page, names in words().items() for name in names}
    asked = {
        "partial pooling": "chapters/algorithms/partial_pooling",
        "random effects": "chapters/algorithms/partial_pooling",
        "empirical bayes": "chapters/algorithms/partial_pooling",
        "blup": "chapters/algorithms/partial_pooling",
        "james-stein": "chapters/algorithms/partial_pooling",
        "global model": "chapters/algorithms/many_series",
        "gradient boosting": "chapters/algorithms/boosted_opponent",
        "conformal prediction": "chapters/algorithms/interval_per_task",
        "multi-task qsar": "chapters/code/molecules",
        "store sales": "chapters/code/stores",
        "patients by hospital": "chapters/code/hospitals",
        "meta-analysis": "chapters/code/experiments",
    }
    assert {name: page.get(name) for name in asked} == asked
