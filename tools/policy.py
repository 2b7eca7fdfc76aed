"""A content security policy for every page of the site: it runs its own scripts and no others.

A page names, by hash, the scripts and the handlers of buttons that stand in it; everything else
comes from the folder of the site, and nothing from elsewhere. The site in which notebooks run is
left out: it makes code, and fetches Python.
"""

import re
from base64 import b64encode
from hashlib import sha256
from html import unescape

INLINE = re.compile(r"<script(?![^>]*\bsrc=)([^>]*)>(.*?)</script>", re.S | re.I)
DATA = re.compile(r'type="(?!text/javascript|module)')  # settings and the like, which nobody runs
HANDLER = re.compile(r'<[a-z][^>]*?\son[a-z]+="([^"]*)"', re.I)
CHARSET = re.compile(r"<meta charset=[^>]*>", re.I)
SETTLED = {
    "default-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self' data:",
    "style-src": "'self' 'unsafe-inline'",  # MathJax and Matplotlib's SVG bring styles of their own
    "object-src": "'none'",
    "base-uri": "'self'",
    "form-action": "'self'",
}


def hashed(source):
    return f"'sha256-{b64encode(sha256(source.encode()).digest()).decode()}'"


def handlers(html):
    return {unescape(found) for found in HANDLER.findall(html)}


def policy(html, known=frozenset()):
    """The policy that lets this page do what it does; `known`, handlers that others have."""
    scripts = {body for settings, body in INLINE.findall(html) if not DATA.search(settings)}
    # Search is compiled (WebAssembly); handlers of buttons want a word of their own.
    words = ["'self'", "'wasm-unsafe-eval'", "'unsafe-hashes'"]
    words += sorted(map(hashed, scripts | handlers(html) | known))
    parts = SETTLED | {"script-src": " ".join(words)}
    return "; ".join(f"{name} {value}" for name, value in parts.items())


def write(site):
    """Put a policy into every page of the site, except where notebooks run."""
    paths = (path for path in sorted(site.rglob("*.html")) if site / "lite" not in path.parents)
    pages = {path: path.read_text("utf-8") for path in paths}
    # The search page reads other pages, with the handlers of their buttons.
    known = frozenset().union(*map(handlers, pages.values()))
    for path, html in pages.items():
        meta = f'<meta http-equiv="Content-Security-Policy" content="{policy(html, known)}">'
        # Early in the head: a policy holds for what follows it.
        path.write_text(
            CHARSET.sub(lambda head, meta=meta: f"{head[0]}\n    {meta}", html, count=1), "utf-8"
        )
