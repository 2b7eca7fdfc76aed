"""What the extensions of the site do to a page, without building it."""

from types import SimpleNamespace

from docutils import nodes

from _ext.folded_cells import FIGURE, TAGGED, label
from _ext.site_fixes import drop_script, lighten, mend, use_address
from tools.word_index import readable


def cell(classes=(), **metadata):
    return nodes.container(classes=["cell", *classes], cell_metadata=metadata)


def test_imports_and_the_code_of_claims_and_figures_are_folded():
    for tag, name in TAGGED.items():
        assert label(cell([tag])) == name
    assert label(cell(mystnb={"figure": {"caption": "Two lines."}})) == FIGURE
    assert label(cell()) == label(cell(mystnb={"image": {"alt": "x"}})) == ""


def test_one_script_is_dropped_and_others_stay():
    html = '<script defer src="a/b.js?digest=1"></script><script src="c.js"></script>'
    assert drop_script(html, "b.js") == '<script src="c.js"></script>'
    assert drop_script(html, "c.js") == '<script defer src="a/b.js?digest=1"></script>'
    assert drop_script(html, "x.js") == html


def test_a_page_loads_what_it_uses():
    def left(body):
        scripts = ["_static/mathjax/tex.js", "_static/sphinx-thebe.js", "_static/doctools.js"]
        files = [SimpleNamespace(filename=name) for name in scripts]
        context = {"script_files": files, "body": body}
        lighten(None, "page", "page.html", context, None)
        return [script.filename.rpartition("/")[2] for script in context["script_files"]]

    assert left('<p><span class="math notranslate nohighlight">x</span></p>')[0] == "tex.js"
    assert left("<p>x</p>") == ["doctools.js"]


def test_the_index_of_words_reads_addresses_names_and_weights():
    page = '<article class="bd-article"><section id="a"><h2>A</h2></section></article>'
    assert '<section><h2 id="a">A</h2>' in readable("chapters/code/two_tables", page)
    assert 'data-names="negative transfer,' in readable(
        "chapters/background/did_sharing_help", page
    )
    for name in ("reference/api", "intro", "chapters/faq/index", "chapters/teaching/syllabus"):
        assert '<article class="bd-article"><div data-pagefind-weight="0.1">' in readable(
            name, page
        )
    for name in ("reference/glossary", "chapters/code/schools"):
        assert "weight" not in readable(name, page)


def test_what_hinders_a_reader_is_mended():
    late = '<img loading="lazy" alt="A line." src="a.png">'
    context = {"body": f'<div role="doc-biblioentry"></div><img alt="A line." src="a.png">{late}'}
    mend(None, "page", "page.html", context, None)
    assert context["body"] == f'<div role="listitem"></div>{late}{late}'


def test_links_of_the_lost_page_begin_at_the_folder_of_the_site():
    def prefix(address):
        config = SimpleNamespace(html_baseurl=address)
        use_address(None, config)
        return config.notfound_urls_prefix

    root = ["", "https://example.org", "https://example.org/"]
    assert [prefix(address) for address in root] == ["/"] * 3
    below = ["https://example.org/a/book", "https://example.org/a/book/"]
    assert [prefix(address) for address in below] == ["/a/book/"] * 2
