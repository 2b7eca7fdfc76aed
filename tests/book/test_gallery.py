"""Figures shown a second time, in a book of three pages."""

import base64
import re

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from sphinx.application import Sphinx

from tools.tidy import ROOT

DOT = base64.b64encode(  # a picture of one pixel
    bytes.fromhex(
        "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
        "0000000c49444154789c63f8ffff3f0005fe02fe0def46b80000000049454e44ae426082"
    )
).decode()
INDEX = """# Book

```{thumbnail} fig-turned
```
:::{page-cards}
- [Page](page.ipynb): what it is about.
:::

```{gallery}
```

```{toctree}
page
words
```
"""
WORDS = (
    "# Words\n\n```{figure} dot.png\n:name: fig-dot\n:alt: One dot.\n:width: 9px\n\nA dot.\n```\n"
)


def drawn(name, **also):
    data = {"image/png": DOT, "text/plain": "<Figure>", **also}
    figure = {"name": name, "caption": f"The figure {name}, beside {{numref}}`fig-dot`."}
    return new_code_cell(
        "plt.show()",
        metadata={"mystnb": {"figure": figure, "image": {"alt": f"Seen in {name}."}}},
        outputs=[new_output("display_data", data)],
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("book")
    dial = drawn("fig-dial", **{"text/html": "<p>turn me</p>"})
    page = new_notebook(cells=[new_markdown_cell("# Page"), drawn("fig-turned"), dial])
    page.metadata["language_info"] = {"name": "python", "pygments_lexer": "ipython3"}
    nbformat.write(page, folder / "page.ipynb")
    (folder / "dot.png").write_bytes(base64.b64decode(DOT))
    (folder / "words.md").write_text(WORDS, encoding="utf-8")
    (folder / "index.md").write_text(INDEX, encoding="utf-8")
    settings = {
        "extensions": ["myst_nb", "gallery"],
        "nb_execution_mode": "off",
        "numfig": True,
        "myst_enable_extensions": ["colon_fence"],
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "_ext"))
        out = folder / "out"
        app = Sphinx(folder, None, out, out, "html", settings, status=None, warningiserror=True)
        app.build()
    return out


def cards(site):
    html = (site / "index.html").read_text(encoding="utf-8")
    return dict(re.findall(r'id="shown-(fig-\w+)">(.*?)<p><a class="reference', html, re.S)), html


def test_the_gallery_shows_every_figure_once_late_and_with_its_alt_text(site):
    shown, _ = cards(site)
    assert list(shown) == ["fig-turned", "fig-dial", "fig-dot"]
    for name, card in shown.items():
        (image,) = re.findall("<img.*?/>", card)
        assert 'loading="lazy"' in image
        assert "width" not in image
        assert (site / re.search('src="(.+?)"', image)[1]).is_file(), name
    assert 'alt="Seen in fig-dial."' in shown["fig-dial"]
    assert "turn me" not in shown["fig-dial"]


def test_a_caption_refers_from_where_it_is_shown(site):
    shown, _ = cards(site)
    assert 'href="words.html#fig-dot"' in shown["fig-turned"]


def test_a_card_leads_to_the_figure_and_to_the_cell_that_draws_it(site):
    _, html = cards(site)
    page = (site / "page.html").read_text(encoding="utf-8")
    for name in ("fig-turned", "fig-dial"):
        for anchor in (name, f"code-{name}"):
            assert f'href="page.html#{anchor}"' in html
            assert f'id="{anchor}"' in page
    assert "code-fig-dot" not in html  # no cell drew it


def test_thumbnails_stand_on_pages_and_cards(site):
    _, html = cards(site)
    before, _, after = html.partition('class="page-cards')
    assert before.count('class="thumb') == 1
    assert after.partition("</ul>")[0].count('class="thumb') == 1
