"""Pages are found under the names that other fields use: `search_words.yml` says which page.

Each name becomes an index entry of its page, which Sphinx's search ranks above words in the text;
it is for files opened from disk. Where the site is served, Pagefind searches (tools/word_index.py).
The glossary, which explains the names in a line each, comes second.
"""

from functools import cache
from pathlib import Path

import yaml
from sphinx.addnodes import index
from sphinx.transforms import SphinxTransform

HERE = Path(__file__).parent
LIST = HERE / "search_words.yml"


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


def use_pagefind(app, pagename, templatename, context, doctree):
    if pagename == "search":
        app.add_js_file("search-page.js", defer="defer")


def setup(app):
    app.add_transform(SearchWords)
    app.config.html_search_scorer = str(HERE / "search" / "scorer.js")
    app.config.html_static_path.append(str(HERE / "search" / "static"))
    app.connect("html-page-context", use_pagefind)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
