"""Five ways of readers through the built site, in headless Chromium without a network.

Skipped and required like `test_site.py`.
"""

import os

import pytest

if os.environ.get("SITE_REQUIRED") != "1":
    pytest.importorskip("playwright", reason="needs: pip install -r requirements-browser.txt")

from tests.site import checks

if os.environ.get("SITE_REQUIRED") != "1":
    problems = checks.missing_or_stale() + checks.old_results()
    if problems:
        pytest.skip(f"run `make book` first: {problems[0]}", allow_module_level=True)

DIALS = {
    "chapters/background/three_settings": 11,
    "chapters/algorithms/how_many_labels": 6,
    "chapters/algorithms/partial_pooling": 11,
    "chapters/algorithms/borrow_model": 13,
    "chapters/algorithms/other_world": 7,
}


@pytest.fixture
def page(context, base):
    with checks.opened(context, base, "intro.html") as (page, problems):
        yield page
        assert problems == []


def test_a_word_is_found_by_search(page):
    page.keyboard.press("Control+k")
    page.keyboard.type("label saving")
    page.keyboard.press("Enter")
    result = page.locator(".pagefind-ui__result-link").first
    result.wait_for()
    result.click()
    page.wait_for_selector("mark.pagefind-highlight")
    assert "label" in page.locator("mark.pagefind-highlight").first.inner_text().lower()


def test_a_path_leads_from_the_landing_page_to_an_exercise_and_its_solution(page):
    page.get_by_role("link", name="Read", exact=True).first.click()
    page.wait_for_url("**/three_settings.html")
    page.locator(".bd-sidebar-secondary").get_by_role("link", name="Exercises").click()
    solution = page.locator("div.solution.dropdown").first
    body = solution.locator(":scope > *:not(.admonition-title)").first
    assert not body.is_visible()
    solution.locator("button").first.click()
    assert body.is_visible() and body.inner_text().strip()


def test_a_cell_is_copied(page, base, context):
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=base.rstrip("/"))
    page.goto(f"{base}chapters/background/three_settings.html")
    cell = page.locator("div.cell_input div.highlight").nth(1)
    text = cell.locator("pre").inner_text().strip()
    cell.hover()
    cell.locator("button.copybtn").click()
    page.wait_for_function("navigator.clipboard.readText().then(text => text.length > 0)")
    assert page.evaluate("navigator.clipboard.readText()").strip() == text


@pytest.mark.parametrize("name", DIALS)
def test_a_dial_is_turned_by_keyboard(page, base, name):
    page.goto(f"{base}{name}.html")
    dial = page.locator(".dial")
    stops = dial.locator("input")
    assert stops.count() == DIALS[name]
    dial.locator("input:checked").focus()
    start = int(dial.locator("input:checked").get_attribute("value"))
    before = dial.locator("svg").inner_html(), dial.screenshot()
    page.keyboard.press("ArrowRight")
    assert int(dial.locator("input:checked").get_attribute("value")) == start + 1
    assert dial.locator(f".stop-{start + 1}").first.is_visible()
    assert not dial.locator(f".stop-{start}").first.is_visible()
    assert dial.locator("svg").inner_html() == before[0]  # no script has touched it
    assert dial.screenshot() != before[1]


def test_the_decision_guide_is_walked_by_keyboard(page, base):
    page.goto(f"{base}chapters/faq/decision_guide.html")
    links = page.locator(".guide a")
    links.first.focus()
    reached = []
    for _ in range(links.count()):
        reached.append(page.evaluate("document.activeElement.getAttribute('href')"))
        page.keyboard.press("Tab")
    assert reached == links.evaluate_all("all => all.map(a => a.getAttribute('href'))")
    page.locator(".guide a[href='#box-5']").focus()
    page.keyboard.press("Enter")
    assert page.url.endswith("#box-5")
    assert page.evaluate("document.querySelector('#box-5').getBoundingClientRect().top") < 500


def test_a_script_that_is_not_of_the_page_is_refused(context, base):
    with checks.opened(context, base, "intro.html") as (page, problems):
        refused = page.evaluate("""async () => {
          const refused = new Promise(done => document.addEventListener(
            "securitypolicyviolation", event => done(event.violatedDirective)));
          const script = document.createElement("script");
          script.textContent = "window.slipped = true";
          document.head.append(script);
          return refused;
        }""")
        assert refused.startswith("script-src")
        assert page.evaluate("window.slipped") is None
        problems.clear()  # the browser tells of it as an error
