"""Pages are found under the names that other fields use: `search_words.yml` says which page.

Each name becomes an index entry of its page, and what Pagefind reads as its other names: both rank
them above words in the text. Pagefind searches where the site is served; Sphinx's own search is for
files opened from disk. The glossary, which explains the names in a line each, comes second there.
"""

import re
from functools import cache
from html import escape
from pathlib import Path

import yaml
from sphinx.addnodes import index
from sphinx.transforms import SphinxTransform

HERE = Path(__file__).parent
LIST = HERE / "search_words.yml"
# What comes after the pages that teach, and the weight of a word there.
AFTER = re.compile(r"reference/(?!glossary)|chapters/teaching/|.*/index$|chapters/gallery|intro$")
BESIDE = 0.1


@cache  # every page asks
def words():
    """For each page the names under which search finds it first."""
    return yaml.safe_load(LIST.read_text(encoding="utf-8"))


class SearchWords(SphinxTransform):
    """Index entries of a page, which lead to its title."""

    default_priority = 800  # before domains and search read the page

    def apply(self, **kwargs):
        self.env.note_dependency(str(LIST))  # also of a page that may be named later
        names = words().get(self.env.docname, [])
        title = next(iter(self.document.children), {"ids": []})["ids"]
        if names and title:
            entries = [("single", name, title[0], "main", None) for name in names]
            self.document.insert(0, index(entries=entries))


def weigh(app, pagename, templatename, context, doctree):
    """Tell Pagefind the names of a page, and which pages come after those that teach."""
    if pagename == "search":
        app.add_js_file("search-page.js", defer="defer")
    elif pagename in words():
        also = escape(", ".join(words()[pagename]), quote=False)
        context["body"] += f'<span data-pagefind-meta="also" hidden>{also}</span>'
    elif "body" in context and AFTER.match(pagename):
        context["body"] = f'<div data-pagefind-weight="{BESIDE}">{context["body"]}</div>'


def setup(app):
    app.add_transform(SearchWords)
    app.config.html_search_scorer = str(HERE / "search" / "scorer.js")
    app.config.html_static_path.append(str(HERE / "search" / "static"))
    app.connect("html-page-context", weigh)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
