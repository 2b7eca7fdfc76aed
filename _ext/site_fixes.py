"""Repairs of the pages that Jupyter Book 1.0 with Sphinx 7.4 writes.

What needs the address of the site, cards for links and a list of pages for search engines, is made
where `html: baseurl:` in `_config.yml` names one.
"""

import re
from urllib.parse import urlsplit

from markupsafe import Markup

# What is written into every page and hinders someone: what stands there, and what should.
MENDED = {
    'role="doc-biblioentry"': 'role="listitem"',  # of a list, whose role is `list`
    ' aria-label="Toggle hidden content"': "",  # else a folded cell is not called what it shows
}


def mend(app, pagename, templatename, context, doctree):
    body = context.get("body", "")
    for wrong, right in MENDED.items():
        body = body.replace(wrong, right)
    # Pictures below the window come when they are needed.
    context["body"] = re.sub(r"<img (?![^>]*\bloading=)", '<img loading="lazy" ', body)


def lighten(app, pagename, templatename, context, doctree):
    """Remove scripts that the book does not use from a page.

    Jupyter Book loads sphinx-thebe always; its script names an address outside the site, and Sphinx
    writes it twice, which is an error on every page. MathJax is for pages with a formula.
    """
    unused = ["thebe"]
    if 'class="math' not in context.get("body", ""):
        unused += ["mathjax"]
    if context.get("title") == context.get("docstitle"):
        context["docstitle"] = ""  # else the first page has its title twice
    context["script_files"] = [
        script
        for script in context.get("script_files", [])
        if not any(word in text(script) for word in unused)
    ]


def text(script):
    """What a script is told by: its address and what it says itself."""
    body = getattr(script, "attributes", {}).get("body") or ""
    return f"{getattr(script, 'filename', '')} {body}".lower()


def drop_script(html, name):
    """HTML without the script of that name; used in `_templates`."""
    return Markup(re.sub(rf"<script[^>]*[/\"]{re.escape(name)}[^>]*></script>", "", str(html)))


def add_filter(app):
    app.builder.templates.environment.filters["drop_script"] = drop_script


def use_address(app, config):
    config.ogp_site_url = config.html_baseurl
    config.ogp_social_cards = {"enable": bool(config.html_baseurl)}
    # The page for a lost address is shown at any depth, so its links begin at the site's folder.
    config.notfound_urls_prefix = f"{urlsplit(config.html_baseurl).path.rstrip('/')}/"


def setup(app):
    app.connect("config-inited", use_address)
    app.connect("builder-inited", add_filter)
    app.connect("html-page-context", lighten, priority=990)
    app.connect("html-page-context", mend)
    if app.config.html_baseurl:
        app.setup_extension("sphinx_sitemap")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
