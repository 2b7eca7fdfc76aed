"""The index of words that the search of the served site reads, made by Pagefind.

Pagefind reads copies of the pages, in which a section's address stands at its heading, as it wants
it, and which say by what names a page is known and which pages come after those that teach.
"""

import re
import subprocess
import sys
import tempfile
from html import escape
from pathlib import Path

from _ext.search_words import words

# What comes after the pages that teach, and the weight of a word there.
AFTER = re.compile(r"reference/(?!glossary)|chapters/teaching/|.*/index$|chapters/gallery|intro$")
WEIGHT = 0.1
ARTICLE = re.compile(r'(<article class="bd-article"[^>]*>)(.*?)</article>', re.S)
SECTION = re.compile(r'<section id="([^"]+)">((?:\s*<span id="[^"]*"></span>)*\s*)<h([1-6])>')


def readable(name, html):
    """The page of that name as Pagefind shall read it."""
    html = SECTION.sub(r'<section>\2<h\3 id="\1">', html)
    if AFTER.match(name):
        return ARTICLE.sub(rf'\1<div data-pagefind-weight="{WEIGHT}">\2</div></article>', html)
    also = escape(", ".join(words().get(name, [])))
    tag = f'<span data-pagefind-meta="also[data-names]" data-names="{also}"></span>' if also else ""
    return ARTICLE.sub(lambda found: f"{found[1]}{tag}{found[2]}</article>", html)


def write(html):
    """Index the site in the folder `html`, in its folder `pagefind`."""
    pages = [
        html / "intro.html",
        *html.glob("chapters/**/*.html"),
        *html.glob("reference/**/*.html"),
    ]
    with tempfile.TemporaryDirectory() as folder:
        for page in filter(Path.exists, pages):
            name = page.relative_to(html).with_suffix("").as_posix()
            copy = Path(folder, f"{name}.html")
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(readable(name, page.read_text(encoding="utf-8")), encoding="utf-8")
        command = [sys.executable, "-m", "pagefind", "--site", folder, "--quiet"]
        command += ["--output-path", str(html / "pagefind")]
        command += ["--root-selector", "article.bd-article", "--exclude-selectors", ".headerlink"]
        status = subprocess.run(command).returncode
    if status:
        sys.exit(f"\nPagefind could not index {html} (exit code {status}).")
