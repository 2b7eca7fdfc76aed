"""What the built site must be like, as functions that return the problems they find."""

import functools
import posixpath
import threading
from contextlib import contextmanager
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

import yaml

from tests.book.checks import listed_pages
from tools.book import HTML, SITE_KEY
from tools.execute import ROOT, results_key

PAGES = sorted(listed_pages(yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))))


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


class Anchors(HTMLParser):
    """Addresses that a page points to, and the anchors that it has."""

    def __init__(self, path):
        super().__init__()
        self.addresses, self.anchors = [], set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.anchors.add(found.get("id") or found.get("name"))
        if tag in ("a", "img", "link", "script", "source"):
            self.addresses.append(found.get("href") or found.get("src") or "")


def broken_links(html=HTML):
    """Links, anchors, images and scripts inside the site that lead nowhere."""
    read, problems = functools.cache(Anchors), set()
    ours = [path for path in html.iterdir() if path.name not in ("_static", "lite")]
    pages = [path for top in ours for path in (top.rglob("*.html") if top.is_dir() else [top])]
    pages = [path for path in pages if path.suffix == ".html"]
    for page in pages:
        for address in read(page).addresses:
            parts = urlsplit(address)
            if not address or parts.scheme or parts.netloc:
                continue
            folder = html if parts.path.startswith("/") else page.parent  # as from 404.html
            target = (folder / unquote(parts.path).lstrip("/")).resolve() if parts.path else page
            anchor = unquote(parts.fragment)
            if not target.is_file():
                problems.add(f"{page.relative_to(html)}: {address} does not exist")
            elif anchor and anchor not in read(target).anchors:
                problems.add(f"{page.relative_to(html)}: {address} has no such anchor")
    return sorted(problems)


def not_in_the_gallery(html=HTML):
    """Figures of the pages of which the gallery has no card that leads to them."""
    gallery = Anchors(html / "chapters" / "gallery.html")
    linked = {posixpath.normpath(f"chapters/{address}") for address in gallery.addresses}
    anchors = {page: Anchors(html / f"{page}.html").anchors for page in PAGES}
    figures = [(page, name) for page in PAGES for name in anchors[page] if name]
    return sorted(
        f"{name} of {page}"
        for page, name in figures
        if name.startswith("fig-") and f"{page}.html#{name}" not in linked
    )


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

DESK = {"width": 1280, "height": 720}
MODES = {
    "light": ("light", DESK),
    "dark": ("dark", DESK),
    "phone": ("light", {"width": 390, "height": 844}),
}

# What axe finds that no page can mend: rule -> a text in the element or in its selector.
KNOWN = {
    # The theme: its logo stands outside every landmark, its sidebar arrows have no name.
    "region": "logo__image",
    "summary-name": "toctree-toggle",
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
      src: i.getAttribute('src'), alt: i.alt,
      // What is loaded late may not be there yet; that its file is, the links say.
      broken: i.complete ? !i.naturalWidth : i.loading !== 'lazy' })),
  };
}"""


# Contrast is slow to measure. It follows from the colours, the size and the layers beneath, so two
# elements of each look stand for all that look like them, and once for all modes of a page.
MARK_LOOKS = """() => {
  const layers = new Map(), seen = new Map(), before = window.looksBefore ?? new Set();
  for (const e of document.querySelectorAll('*')) {
    e.removeAttribute('data-look');
    const s = getComputedStyle(e), layer = [s.backgroundColor, s.backgroundImage, s.opacity].join();
    const above = layers.get(e.parentElement) ?? '';
    layers.set(e, layer === 'rgba(0, 0, 0, 0),none,1' ? above : above + '|' + layer);
    const text = [...e.childNodes].some(n => n.nodeType === Node.TEXT_NODE && n.data.trim());
    if (!(text || e.matches('input')) || !e.checkVisibility({visibilityProperty: true})) continue;
    const look = [e.tagName, e.className, s.color, s.fontSize, s.fontWeight, layers.get(e)].join();
    seen.set(look, 1 + (seen.get(look) ?? 0));
    if (seen.get(look) <= 2 && !before.has(look)) e.setAttribute('data-look', '');
  }
  window.looksBefore = new Set([...before, ...seen.keys()]);
  axe.configure({rules: [{id: 'color-contrast', selector: '[data-look]'}]});
}"""
COLOURS = ["color-contrast", "link-in-text-block"]


def start(playwright, executable):
    """Chromium that reaches nothing but this machine."""
    return playwright.chromium.launch(
        executable_path=executable,
        args=[
            "--disable-background-networking",
            "--disable-component-update",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        ],
    )


@contextmanager
def opened(context, base, path):
    """Open a page; yields it and the list that collects what goes wrong in it."""
    page, problems = context.new_page(), []

    def asked(request):
        if not request.url.startswith((base, "data:")):
            problems.append(f"external request: {request.url}")

    def listen(message):
        if message.type in ("error", "warning"):
            problems.append(f"console {message.type}: {message.text}")

    def answered(response):
        if response.status >= 400:
            problems.append(f"status {response.status}: {response.url}")

    page.on("request", asked)
    page.on("console", listen)
    page.on("pageerror", lambda error: problems.append(f"script error: {error}"))
    page.on("response", answered)
    show(page, "light")
    page.goto(base + path)
    # The theme lets the keyboard reach what scrolls, by a script that may come last.
    page.wait_for_function(
        "[...document.querySelectorAll('pre')].every(e => e.hasAttribute('tabindex'))"
    )
    yield page, problems
    page.close()


def show(page, mode):
    """Show an open page in another mode, and wait until the theme has followed."""
    scheme, size = MODES[mode]
    page.set_viewport_size(size)
    page.emulate_media(color_scheme=scheme)
    page.wait_for_function(
        """scheme => [undefined, scheme].includes(document.documentElement.dataset.theme)
        && !document.getAnimations().some(
          a => a instanceof CSSTransition && a.playState !== "finished")""",
        arg=scheme,
        polling=100,  # in ms: a page that nobody looks at may draw no frames
    )


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


def barriers(page, axe, rules=None):
    """Violations that axe-core finds, except for the known ones; of all rules or of some."""
    page.evaluate(axe.axe_script)
    page.evaluate(MARK_LOOKS)
    # Without `preload`, axe loads the style sheets once more, for no rule that is on.
    options = {"resultTypes": ["violations"], "preload": False}
    found = page.evaluate("axe.run", options | ({"runOnly": rules} if rules else {}))
    return [
        f"axe {rule['id']} ({rule['impact']}): {node['html'][:200]} at {node['target']}"
        for rule in found["violations"]
        for node in rule["nodes"]
        if rule["id"] not in KNOWN or KNOWN[rule["id"]] not in f"{node['html']} {node['target']}"
    ]


def wrong(page, axe):
    """What is wrong with an open page, in each mode."""
    problems = []
    for mode in MODES:
        show(page, mode)
        # The colours are all that is different in the dark.
        found = look(page) + barriers(page, axe, COLOURS if mode == "dark" else None)
        problems += [f"{mode}: {problem}" for problem in found]
    return problems
