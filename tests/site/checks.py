"""What the built site must be like, as functions that return the problems they find."""

import functools
import threading
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

import yaml
from bs4 import BeautifulSoup

from tests.book.checks import listed_pages
from tools.book import HTML, SITE_KEY
from tools.execute import ROOT, results_key

PAGES = [
    *sorted(listed_pages(yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8")))),
    "reference/generated/mtlkit.linear.MeanRegularizedRidge",  # one for all of its kind
]


def missing_or_stale(pages=PAGES, root=ROOT, html=HTML):
    """Pages that are not in the site, or that were built from another text than the present one."""
    problems = []
    for page in pages:
        sources = [path for path in root.glob(f"{page}.*") if path.suffix in (".md", ".ipynb")]
        if not (html / f"{page}.html").exists():
            problems.append(f"{page} is not in the site")
        for source in sources:
            # Sphinx keeps the text from which it made the page.
            copy = html / "_sources" / source.relative_to(root)
            if not copy.exists() or copy.read_bytes() != source.read_bytes():
                problems.append(f"{page} is older than its source")
    return problems


def old_results(stamp=SITE_KEY, root=ROOT):
    """Results in the site that another mtlkit, or other packages, computed."""
    if stamp.exists() and stamp.read_text() == results_key(root):
        return []
    return ["mtlkit or the lock has changed since the site was built"]


def broken_links(html=HTML):
    """Links, anchors, images and scripts inside the site that lead nowhere."""

    @functools.cache
    def soup(path):
        return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")

    @functools.cache
    def anchors(path):
        return {tag.get("id") or tag.get("name") for tag in soup(path).find_all(True)}

    problems = set()
    pages = [path for path in html.rglob("*.html") if "_static" not in path.parts]
    for page in pages:
        for tag in soup(page).find_all(["a", "img", "link", "script", "source"]):
            address = tag.get("href") or tag.get("src") or ""
            parts = urlsplit(address)
            if not address or parts.scheme or parts.netloc:
                continue
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            anchor = unquote(parts.fragment)
            if not target.is_file():
                problems.add(f"{page.relative_to(html)}: {address} does not exist")
            elif anchor and anchor not in anchors(target):
                problems.add(f"{page.relative_to(html)}: {address} has no such anchor")
    return sorted(problems)


@contextmanager
def served(folder):
    """Serve a folder on 127.0.0.1; yields its address."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *arguments):
            pass

    handler = functools.partial(Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


# In a browser ------------------------------------------------------------------------------------

MODES = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}},
}

# What axe finds that no page can mend: rule -> a text in the element or in its selector.
KNOWN = {
    # The theme: its logo stands outside every landmark, its sidebar arrows have no name.
    "region": "logo__image",
    "summary-name": "has-children",
    # Docutils: the roles that it gives to a list of references.
    "aria-allowed-role": 'role="doc-biblioentry"',
    "aria-deprecated-role": 'role="doc-biblioentry"',
    "aria-required-children": 'class="citation-list"',
    # Pandas: the empty corner above the index of a table.
    "empty-table-header": "<th></th>",
}

FACTS = """async () => {
  if (window.MathJax?.startup) await MathJax.startup.promise;
  const all = selector => [...document.querySelectorAll(selector)];
  const page = document.documentElement;
  return {
    math: all('.math').length,
    rendered: all('mjx-container').length,
    merrors: all('mjx-merror').map(e => e.textContent),
    estimators: all('.sk-top-container').length,
    overflow: page.scrollWidth - page.clientWidth,
    images: all('article img, main img').map(i => ({
      src: i.getAttribute('src'), alt: i.alt, broken: !i.complete || !i.naturalWidth })),
  };
}"""


@contextmanager
def opened(browser, base, path, mode):
    """Open a page; yields it and the list that collects what goes wrong in it."""
    with browser.new_context(**MODES[mode]) as context:
        page, problems = context.new_page(), []

        def stay_inside(route):
            if route.request.url.startswith((base, "data:")):
                route.continue_()
            else:
                problems.append(f"external request: {route.request.url}")
                route.abort()

        def listen(message):
            if message.type in ("error", "warning"):
                problems.append(f"console {message.type}: {message.text}")

        def answered(response):
            if response.status >= 400:
                problems.append(f"status {response.status}: {response.url}")

        page.on("console", listen)
        page.on("pageerror", lambda error: problems.append(f"script error: {error}"))
        page.on("response", answered)
        page.route("**/*", stay_inside)
        page.goto(base + path, wait_until="networkidle")
        # The theme lets the keyboard reach what scrolls, by a script that may come last.
        page.wait_for_function(
            "[...document.querySelectorAll('pre')].every(e => e.hasAttribute('tabindex'))"
        )
        yield page, problems


def look(page):
    """What is wrong with a page that is open in a browser."""
    facts = page.evaluate(FACTS)
    problems = [f"MathJax cannot read: {text}" for text in facts["merrors"]]
    if facts["rendered"] < facts["math"]:
        problems.append(f"{facts['math']} formulas, only {facts['rendered']} rendered")
    if facts["estimators"]:
        problems.append("an estimator is the last line of a cell: 40 kB of HTML")
    if facts["overflow"] > 0:
        problems.append(f"the page is {facts['overflow']} px wider than the window")
    for image in facts["images"]:
        if image["broken"]:
            problems.append(f"image {image['src']} is broken")
        # Without an alt text Sphinx writes the name of the file.
        if len(image["alt"].split()) < 2 or image["alt"].startswith("_images/"):
            problems.append(f"image {image['src']} has alt text {image['alt']!r}")
    return problems


def barriers(page, axe):
    """Violations that axe-core finds, except for the known ones."""
    return [
        f"axe {rule['id']} ({rule['impact']}): {node['html'][:200]} at {node['target']}"
        for rule in axe.run(page).response["violations"]
        for node in rule["nodes"]
        if rule["id"] not in KNOWN or KNOWN[rule["id"]] not in f"{node['html']} {node['target']}"
    ]
