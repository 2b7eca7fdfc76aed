"""The decks in Chromium: nothing from a network, no error, and no slide larger than the screen."""

import shutil

import pytest

from tests.site import checks
from tools import weeks

playwright = pytest.importorskip(
    "playwright.sync_api", reason="Playwright not installed: requirements-browser.txt"
)
DECKS = [f"week_{n}_session_{s}" for n in map(weeks.number_of, weeks.paths()) for s in (1, 2)]
# What stands below or beside the slide that is shown, in pixels of the deck.
OUTSIDE = """() => {
  const slide = Reveal.getCurrentSlide(), box = slide.getBoundingClientRect();
  let down = 0, right = 0;
  for (const part of slide.querySelectorAll(":scope *")) {
    if (part.closest("aside, mjx-assistive-mml, mjx-container *")) continue;
    const own = part.getBoundingClientRect();
    if (!own.width || !own.height) continue;
    down = Math.max(down, own.bottom - box.bottom);
    right = Math.max(right, own.right - box.right);
  }
  return [slide.querySelector("h1, h2, h3")?.textContent, Math.round(down), Math.round(right)];
}"""


@pytest.fixture(scope="module")
def browser():
    with (
        playwright.sync_playwright() as started,
        checks.start(started, shutil.which("chromium")) as browser,
    ):
        yield browser


@pytest.mark.parametrize("size", [(1280, 720), (1024, 768), (1920, 1080)], ids=str)
@pytest.mark.parametrize("deck", DECKS)
def test_every_slide_fits_and_needs_no_network(deck, size, pack, browser):
    page = browser.new_page(viewport=dict(zip(("width", "height"), size, strict=True)))
    asked, errors = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto((pack / "slides" / f"{deck}.html").as_uri())
    page.wait_for_function("window.Reveal && Reveal.isReady()")
    page.evaluate("window.MathJax?.startup?.promise")  # a deck without a formula has none
    number = page.evaluate("Reveal.getTotalSlides()")
    assert number >= 6
    seen = []
    for _ in range(number):
        seen.append(page.evaluate(OUTSIDE))
        page.evaluate("Reveal.next()")
    broken = page.evaluate("[...document.images].filter(i => !i.naturalWidth).length")
    assert [one for one in seen if one[1] > 2 or one[2] > 2] == []
    assert (broken, errors) == (0, [])
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert page.locator("mjx-merror").count() == 0
    assert page.locator("aside.notes").count() >= number / 2
    page.close()
