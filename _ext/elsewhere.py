"""Buttons that take a page elsewhere: into Jupyter, the browser, Binder, Colab, to its source.

None leads nowhere. A page's plain notebook, and the site in which it runs in the browser, are put
into the folder of the site before the pages are written (tools/book.py): a button is there if the
file is. What lies on a forge has a button if `[project.urls]` of `pyproject.toml` has an address.
"""

import tomllib
from pathlib import Path
from urllib.parse import quote, urlsplit

BRANCH = "main"
NOTEBOOKS = "notebooks"  # branch of plain notebooks, by .github/workflows/notebooks.yml
WITH_EDITOR = ("github", "gitlab")  # forges of which the theme knows the addresses of files


def repository(root):
    """The address of the repository; None if there is none."""
    project = tomllib.loads(Path(root, "pyproject.toml").read_text("utf-8"))["project"]
    return project.get("urls", {}).get("Repository")


def forge(address):
    """Which kind of forge an address is on; empty if the theme does not know it."""
    host = urlsplit(address).netloc
    return next((name for name in WITH_EDITOR if name in host), "")


def binder(address, page):
    path = urlsplit(address).path.strip("/")
    kinds = {"github.com": f"gh/{path}", "gitlab.com": f"gl/{quote(path, safe='')}"}
    place = kinds.get(urlsplit(address).netloc, f"git/{quote(address, safe='')}")
    return f"https://mybinder.org/v2/{place}/{BRANCH}?urlpath=lab/tree/_build/plain/{page}.ipynb"


def colab(address, page):
    """Where Colab opens a page; empty for a forge from which it opens nothing."""
    if urlsplit(address).netloc != "github.com":
        return ""
    path = urlsplit(address).path.strip("/")
    return f"https://colab.research.google.com/github/{path}/blob/{NOTEBOOKS}/{page}.ipynb"


def launchers(site, address, page):
    """For each way to run a page its name, icon, address (from the site, a path) and a hint."""
    if (site / "lite" / "files" / f"{page}.ipynb").exists():
        lite = f"lite/notebooks/index.html?path={page}.ipynb"
        hint = "Nothing to install; its first start fetches Python"
        yield "Run in the browser", "fas fa-play", lite, hint
    if address:
        icon = "_static/images/logo_binder.svg"
        yield "Run on Binder", icon, binder(address, page), "A machine lent for an hour"
    if address and colab(address, page):
        icon = "_static/images/logo_colab.png"
        yield (
            "Run on Colab",
            icon,
            colab(address, page),
            "A machine lent by Google, with an account",
        )


def add_repository(app, config):
    """Give the theme what it makes its own buttons from."""
    address = repository(app.confdir)
    if address and forge(address):
        names = ("use_repository_button", "use_edit_page_button", "use_issues_button")
        config.html_theme_options |= dict.fromkeys(names, True)
        config.html_theme_options |= {
            "repository_url": address,
            "repository_branch": BRANCH,
            "repository_provider": forge(address),
        }


def link(words, icon, url, tooltip):
    return {"type": "link", "text": words, "icon": icon, "url": url, "tooltip": tooltip}


def change_buttons(app, pagename, templatename, context, doctree):
    site, address = Path(app.outdir), repository(app.confdir)
    groups = {group.get("label"): group for group in context.get("header_buttons", [])}

    for button in groups.get("download-buttons", {}).get("buttons", []):
        plain = f"plain/{pagename}.ipynb"
        if button["label"] == "download-source-button" and (site / plain).exists():
            button["url"] = context["pathto"](plain, 1)
            button["tooltip"] = "Download as a notebook, with its outputs"
        if button["label"] == "download-pdf-button":  # it opens the dialog for printing
            button |= {"text": "Print", "icon": "fas fa-print", "tooltip": "Print this page"}

    if pagename.startswith("reference/generated/") and "source-buttons" in groups:
        buttons = groups["source-buttons"]["buttons"]  # there is no file to edit
        buttons[:] = [b for b in buttons if b["label"] != "source-edit-button"]

    if address and not forge(address):
        button = link("", "fas fa-code-branch", address, "Source of the book")
        context["header_buttons"].append(button | {"label": "source-repository-button"})

    if context.get("page_source_suffix") == ".ipynb":
        ways = [
            link(name, icon, url if "://" in url else context["pathto"](url, 1), hint)
            for name, icon, url, hint in launchers(site, address, pagename)
        ]
        if ways:
            group = {"type": "group", "tooltip": "Run this page", "icon": "fas fa-rocket"}
            context["header_buttons"].insert(
                0, group | {"buttons": ways, "label": "launch-buttons"}
            )


def setup(app):
    app.connect("config-inited", add_repository)
    app.connect("html-page-context", change_buttons, priority=600)  # after the theme's own
    return {"parallel_read_safe": True, "parallel_write_safe": True}
