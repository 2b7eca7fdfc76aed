"""The built site, as files and in headless Chromium: each page in light, dark and on a phone.

Without a current site, or without the extra [browser], these tests are skipped. With
SITE_REQUIRED=1, as in `.ci/run`, they fail instead.
"""

import os

import pytest

if os.environ.get("SITE_REQUIRED") != "1":
    for name in ("playwright", "axe_playwright_python"):
        pytest.importorskip(name, reason="needs: pip install -r requirements-browser.txt")

from axe_playwright_python.sync_playwright import Axe

from _ext.search_words import words
from tests.site import checks
from tools.book import HTML

FIRST_RESULT = """query => {
    const results = Search._performSearch(...Search._parseQuery(query));
    return results[results.length - 1][0];
}"""
PAGEFIND = """async queries => {
    const search = await import(new URL(`${ROOT}pagefind/pagefind.js`, location.href));
    await search.options({ ranking: RANKING });
    const found = {};
    for (const query of queries) {
        const [first] = (await search.search(query)).results;
        found[query] = first ? await first.data() : { url: "", excerpt: "", sub_results: [] };
    }
    return found;
}"""
REFERENCE = sorted(path.stem for path in (HTML / "reference" / "generated").glob("*.html"))
ONE_OF_EACH_KIND = [
    f"reference/generated/mtlkit.{name}"
    for name in ("linear.MeanRegularizedRidge", "evaluation.compare")  # a class, a function
]

if os.environ.get("SITE_REQUIRED") != "1":
    problems = checks.missing_or_stale() + checks.old_results()
    if problems:
        pytest.skip(f"run `make book` first: {problems[0]}", allow_module_level=True)


def test_every_page_is_there_and_current():
    assert checks.missing_or_stale() + checks.old_results() == []


def test_every_link_leads_somewhere():
    assert checks.broken_links() == []


def test_the_gallery_shows_every_figure_and_loads_it_late():
    gallery = (HTML / "chapters" / "gallery.html").read_text(encoding="utf-8")
    shown = gallery.count('class="thumb docutils container"')
    assert checks.not_in_the_gallery() == []
    assert shown == gallery.count('loading="lazy"') > 100


@pytest.mark.parametrize("name", [*checks.PAGES, *ONE_OF_EACH_KIND])
def test_page(context, base, name):
    with checks.opened(context, base, f"{name}.html") as (page, problems):
        assert checks.wrong(page, Axe()) + problems == []


@pytest.mark.parametrize("name", REFERENCE)
def test_page_of_the_reference(context, base, name):
    """They come from one template: all are looked at, and one of each kind is searched above."""
    with checks.opened(context, base, f"reference/generated/{name}.html") as (page, problems):
        for mode in ("light", "phone"):
            checks.show(page, mode)
            problems += [f"{mode}: {problem}" for problem in checks.look(page)]
        assert problems == []


@pytest.fixture(scope="module")
def pagefind(context, base):
    """What Pagefind finds first for each of the queries, on the page of results."""
    with checks.opened(context, base, "search.html?q=task") as (page, problems):
        page.wait_for_selector(".pagefind-ui__result-link")
        yield lambda queries: page.evaluate(PAGEFIND, queries)
        assert problems == []


def test_search_shows_a_sentence_with_marks_and_leads_to_the_section(context, base):
    with checks.opened(context, base, "search.html?q=negative+transfer") as (page, problems):
        page.wait_for_selector(".pagefind-ui__result mark")
        assert not page.is_visible("#search-results")  # Sphinx's own list
        link = page.locator(".pagefind-ui__result-nested a").first
        assert "#" in link.get_attribute("href")
        link.click()
        page.wait_for_selector("mark.pagefind-highlight")
        assert page.evaluate("scrollY") > 0
        assert problems == []


@pytest.mark.parametrize("name", words())
def test_search_finds_a_page_first_by_each_of_its_names(pagefind, name):
    queries = words()[name]
    first = {query: found["url"] for query, found in pagefind(queries).items()}
    pages = {query: url.partition("?")[0] for query, url in first.items()}
    assert pages == dict.fromkeys(queries, f"/{name}.html")


@pytest.mark.parametrize(
    "query, pages",
    {
        "fine-tune": ["chapters/algorithms/pretrain", "mtlkit.neural.FineTuner"],
        "imbalanced tasks": ["units_and_counts", "five_questions"],
        "random forest transfer": ["forest"],
        "how many labels": ["how_many_labels"],
        "MeanRegularizedRidge": ["mtlkit.linear.MeanRegularizedRidge", "one_objective"],
        "负迁移": ["glossary", "article"],
    }.items(),
)
def test_search_finds_what_people_type(pagefind, query, pages):
    found = pagefind([query])[query]
    assert any(page in found["url"] for page in pages), found["url"]
    assert "<mark>" in found["excerpt"]


@pytest.mark.parametrize("name", words())
def test_search_of_files_finds_a_page_first_by_each_of_its_names(context, base, name):
    """What Sphinx's search, for files opened from disk, does with a query."""
    with checks.opened(context, base, "search.html?q=task") as (page, problems):
        page.wait_for_function("Search._index !== null")
        first = {query: page.evaluate(FIRST_RESULT, query) for query in words()[name]}
        assert first == dict.fromkeys(words()[name], name)
        assert problems == []


def test_search_works_where_no_server_is(context):
    page = context.new_page()
    page.goto(f"{(HTML / 'search.html').as_uri()}?q=negative+transfer")
    page.wait_for_selector("#search-results li a")
    assert page.locator(".pagefind-ui").count() == 0
    page.close()


# The checks themselves: a small site in which everything is wrong.


def test_missing_and_stale_pages_are_found(tmp_path):
    html = tmp_path / "html"
    (html / "_sources").mkdir(parents=True)
    for name in ("good", "stale", "missing"):
        (tmp_path / f"{name}.md").write_text(f"# New {name}")
        (html / "_sources" / f"{name}.md").write_text(f"# New {name}")
        (html / f"{name}.html").touch()
    (html / "_sources" / "stale.md").write_text("# Old")
    (html / "missing.html").unlink()
    assert checks.missing_or_stale(["good", "stale", "missing"], tmp_path, html) == [
        "stale is older than its source",
        "missing is not in the site",
    ]


def test_old_results_are_found(tmp_path):
    (tmp_path / "requirements.txt").touch()
    stamp = tmp_path / "cache-key"
    assert len(checks.old_results(stamp, tmp_path)) == 1
    stamp.write_text(checks.results_key(tmp_path))
    assert checks.old_results(stamp, tmp_path) == []


def test_broken_links_are_found(tmp_path):
    (tmp_path / "a.html").write_text(
        '<a id="here" href="#here">1</a><a href="b.html#there">2</a><a href="https://x.org">3</a>'
        '<a href="#gone">4</a><a href="b.html#gone">5</a><img src="gone.png">'
    )
    (tmp_path / "b.html").write_text('<p id="there">')
    assert checks.broken_links(tmp_path) == [
        "a.html: #gone has no such anchor",
        "a.html: b.html#gone has no such anchor",
        "a.html: gone.png does not exist",
    ]


def test_a_bad_page_is_found(tmp_path, context):
    (tmp_path / "bad.html").write_text(
        "<!doctype html><html><title>Bad</title><main><h1>Bad</h1>"
        '<script src="http://example.org/x.js"></script><script>console.warn("oh");no()</script>'
        '<img src="gone.png" alt="_images/gone.png"><span class="math">x</span>'
        "<mjx-container><mjx-merror>y</mjx-merror></mjx-container><p class=math>z</p>"
        '<div class="sk-top-container" style="width: 5000px">wide</div></main></html>'
    )
    with (
        checks.served(tmp_path) as base,
        checks.opened(context, base, "bad.html") as (page, problems),
    ):
        found = "\n".join(checks.wrong(page, Axe()) + problems)
    for problem in (
        "external request: http://example.org/x.js",
        "console warning: oh",
        "script error: no is not defined",
        "status 404",
        "MathJax cannot read: y",
        "2 formulas, only 1 rendered",
        "an estimator is the last line",
        "px wider than the window",
        "gone.png is broken",
        "has alt text '_images/gone.png'",
        "axe html-has-lang (serious)",
    ):
        assert problem in found
