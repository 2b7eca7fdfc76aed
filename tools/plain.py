"""Notebooks without MyST: what a page says, readable in Jupyter, in Colab and on a forge.

`python -m tools.plain` writes every page that is a notebook to `_build/plain`, under the same path;
names of pages choose. `--outputs` carries outputs along where the cache holds them for the page as
it is. Code cells stay as they are. Before the first stands one that says what to install, and that
writes the stored results which the page reads into a folder of its own. With `--install` that cell
installs mtlkit from its repository, for machines that are lent for an hour.
"""

import argparse
import ast
import base64
import io
import re
import sys
import textwrap
import zlib
from functools import cache
from html import escape

import nbformat
import yaml
from PIL import Image  # needed by matplotlib

from tools import address
from tools.plain_references import cited, listed
from tools.tidy import ROOT, page_notebooks

PLAIN = ROOT / "_build" / "plain"
FENCE = re.compile(r"^(`{3,})(?:\{([\w:-]+)\})?(.*)$")
TARGET = re.compile(r"^\([\w-]+\)=\n", re.M)
EQUATION = re.compile(r"\$\$((?:(?!\$\$).)*)\$\$ *\(([\w-]+)\)", re.S)
ROLE = re.compile(r"\{([\w:]+)\}`([^`]*)`")
LINK = re.compile(r"(?<!!)\[([^]]*)\]\((?!\w+:)([^)\s]+)\)")
RESULTS = ("studies/results", "benchmarks/results")
WITH_MTLKIT = {"joblib", "mtlkit", "narwhals", "numpy", "scipy", "sklearn", "threadpoolctl", "tqdm"}
WORDS = "*This cell says what to install, and makes the page's stored results, if it has any.*"
SETUP = '''\
# mtlkit is in no package index that this page could name: install it {how}
from importlib.util import find_spec


class NotInstalled(Exception):
    """Shown as one sentence, without a traceback."""

    def _render_traceback_(self):
        return [str(self)]


missing = [name for name in {names} if find_spec(name) is None]
if missing:
    raise NotInstalled(
        "This page needs " + ", ".join(missing) + ". Install what it needs, restart the "
        "kernel, and run this cell again:\\n    {command}"
    )
'''
DATA = """
# The stored results that this page reads, in a folder beside it.
import os
from base64 import b64decode
from pathlib import Path
from zlib import decompress

files = {files}
if not all(Path("{up}", name).is_file() for name in files):
    for name, packed in files.items():
        path = Path("mtlkit_book", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(decompress(b64decode(packed)))
    here = Path("mtlkit_book", "{folder}")
    here.mkdir(parents=True, exist_ok=True)
    os.chdir(here)
"""


@cache
def read(path):
    return nbformat.read(path, as_version=4)


@cache
def site():
    """The address of the site, with a slash at its end; empty if none is set."""
    config = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))
    found = (config.get("html") or {}).get("baseurl") or ""
    return found.rstrip("/") + "/" if found else ""


@cache
def title(path):
    """The heading of a page, a notebook or Markdown."""
    is_notebook = path.suffix == ".ipynb"
    text = read(path).cells[0].source if is_notebook else path.read_text("utf-8")
    return re.search(r"^# (.*)$", text, re.M)[1]


def markdown(page):
    return "\n\n".join(cell.source for cell in page.cells if cell.cell_type == "markdown")


@cache
def labels():
    """What labels stand for: {label: (page, "(2)", "Figure 3" or "Exercise 1")}."""
    found = {}
    for path in page_notebooks():
        page, names, figures = read(path), [], []
        text = markdown(page)
        names += [(label, f"({n})") for n, (_, label) in enumerate(EQUATION.findall(text), 1)]
        exercises = re.findall(r"^`{3,}\{exercise\}.*\n:label: (\S+)", text, re.M)
        names += [(label, f"Exercise {n}") for n, label in enumerate(exercises, 1)]
        for cell in page.cells:
            if cell.cell_type == "markdown":
                figures += re.findall(
                    r"^`{3,}\{figure\}.*\n(?::.*\n)*?:name: (\S+)", cell.source, re.M
                )
            else:
                figures += [figure.get("name") for figure in [figure_of(cell)] if figure]
        names += [(label, f"Figure {n}") for n, label in enumerate(figures, 1)]
        found |= {label: (path, words) for label, words in names if label}
    return found


def figure_of(cell):
    return cell.metadata.get("mystnb", {}).get("figure")


class Plain:
    """One page on its way to plain Markdown."""

    def __init__(self, path):
        self.path = path
        self.cited = []  # keys, in order of citation
        for keys in re.findall(r"\{cite(?::\w+)?\}`([^`]*)`", markdown(read(path))):
            self.cited += [key.strip() for key in keys.split(",")]

    # Lines and blocks ----------------------------------------------------------------------------

    def text(self, source):
        """The plain form of Markdown: fences are blocks, the rest is prose."""
        lines, prose, parts = source.split("\n"), [], []
        while lines:
            line = lines.pop(0)
            fence = FENCE.match(line)
            if not fence:
                prose.append(line)
                continue
            body = []
            closing = re.compile(f"`{{{len(fence[1])},}} *")
            while lines and not closing.fullmatch(lines[0]):
                body.append(lines.pop(0))
            lines = lines[1:]  # the fence that closes
            parts += [self.prose("\n".join(prose)), self.block(fence, body, line)]
            prose = []
        parts.append(self.prose("\n".join(prose)))
        return "\n\n".join(part.strip("\n") for part in parts if part.strip())

    def block(self, fence, body, line):
        kind, argument = fence[2], fence[3].strip()
        if kind is None:
            return "\n".join([line, *body, fence[1]])
        options = {}
        while body and (option := re.match(r":([\w-]+):(.*)$", body[0])):
            options[option[1]] = option[2].strip()
            body.pop(0)
        inside = "\n".join(body).strip("\n")
        return getattr(self, kind.replace("-", "_"))(argument, options, inside)

    def admonition(self, heading, options, inside):
        inside, heading = self.text(inside), self.prose(heading)
        if "dropdown" in options.get("class", ""):
            return details(heading, inside)
        if "$$" in inside or "```" in inside:
            return f"**{heading}**\n\n{inside}"
        # A formula that runs over a line would hold the mark of the quote.
        inside = re.sub(r"\$[^$\n]*\n[^$\n]*\$", lambda math: math[0].replace("\n", " "), inside)
        return textwrap.indent(f"**{heading}**\n\n{inside}", "> ", lambda _: True)

    def exercise(self, heading, options, inside):
        number = labels()[options["label"]][1]
        return f"### {number}: {self.prose(heading)}\n\n{self.text(inside)}"

    def solution(self, label, options, inside):
        return details(f"Solution of {labels()[label][1]}", self.text(inside))

    def solution_start(self, label, options, inside):
        return f"#### Solution of {labels()[label][1]}"

    def solution_end(self, *_):
        return ""

    def figure(self, name, options, inside):
        picture = self.path.parent / name
        packed = base64.b64encode(picture.read_bytes()).decode()
        kind = {".svg": "image/svg+xml", ".png": "image/png"}[picture.suffix]
        words = f"*{labels()[options['name']][1]}.* {self.text(inside)}"
        # Not an attachment: JupyterLab shows none that is an SVG.
        alt = escape(options.get("alt", ""))
        return f'<img src="data:{kind};base64,{packed}" alt="{alt}">\n\n{words}'

    def literalinclude(self, name, options, inside):
        path = (self.path.parent / name).resolve()
        source = path.read_text("utf-8")
        tree = ast.parse(source)
        for part in options["pyobject"].split("."):
            (tree,) = (node for node in tree.body if getattr(node, "name", None) == part)
        lines = source.splitlines()[tree.lineno - 1 : tree.end_lineno]
        shown = textwrap.dedent("\n".join(lines))
        return f"`{path.relative_to(ROOT).as_posix()}`\n\n```python\n{shown}\n```"

    def bibliography(self, *_):
        return listed(self.cited)

    # Words ---------------------------------------------------------------------------------------

    def prose(self, source):
        source = TARGET.sub("", source + "\n").rstrip("\n")
        source = EQUATION.sub(self.equation, source)
        source = ROLE.sub(self.role, source)
        return LINK.sub(self.link, source)

    def equation(self, found):
        number = labels()[found[2]][1].strip("()")
        return f"$${found[1].rstrip()}\n\\tag{{{number}}}\n$$"

    def role(self, found):
        kind, inside = found.groups()
        words, label = re.fullmatch(r"(?:(.*?)\s*<)?(.*?)>?", inside, re.S).groups()
        if kind == "term":
            return words or label
        if kind in ("cite", "cite:p", "cite:t"):
            return cited([key.strip() for key in inside.split(",")], self.cited, kind == "cite:t")
        if kind == "doc":
            found = self.path.parent / label if label[0] != "/" else ROOT / label[1:]
            target = next(
                found.with_name(found.name + end)
                for end in (".ipynb", ".md")
                if found.with_name(found.name + end).exists()
            )
            return self.to(target, words or title(target), f"{label}{target.suffix}")
        if label not in labels():
            if words:  # a heading that has a label
                return words
            raise ValueError(f"{self.path.name}: nothing is known of {found[0]}")
        page, name = labels()[label]
        elsewhere = "" if page == self.path else f" of “{title(page)}”"
        return words or name + elsewhere

    def link(self, found):
        words, target = found.groups()
        file, _, anchor = target.partition("#")
        if not file:
            return words
        return self.to((self.path.parent / file).resolve(), words, file, anchor)

    def to(self, path, words, relative, anchor=""):
        """A link: to the site, where it has an address; to a notebook that lies beside; or none."""
        if site() and path.suffix in (".ipynb", ".md") and path.is_relative_to(ROOT):
            page = path.relative_to(ROOT).with_suffix(".html").as_posix()
            return f"[{words}]({site()}{page}{'#' + anchor if anchor else ''})"
        return f"[{words}]({relative})" if path.suffix == ".ipynb" else words


def details(summary, inside):
    return f"<details>\n<summary>{summary}</summary>\n\n{inside}\n\n</details>"


# The first cell ----------------------------------------------------------------------------------


def imported(page):
    """Packages that a page needs: those that it imports, and pandas for tables with names."""
    code = [cell.source for cell in page.cells if cell.cell_type == "code"]
    found = set()
    for node in ast.walk(ast.parse("\n".join(code))):
        if isinstance(node, ast.Import):
            found |= {name.name.partition(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module.partition(".")[0])
    if re.search(r"as_frame=True|to_frame\(", "\n".join(code)):
        found.add("pandas")
    return sorted(found - sys.stdlib_module_names | {"mtlkit"})


def wanted(path, mtlkit):
    """What pip is to install for a page, and `mtlkit` as it is asked for; `{}` is its extra."""
    names = imported(read(path))
    others = [name for name in names if name not in {*WITH_MTLKIT, "matplotlib"}]
    return " ".join([f"'{mtlkit.format('[plot]' if 'matplotlib' in names else '')}'", *others])


def in_repository():
    """How pip is asked for mtlkit of the repository; None if that has no address."""
    source = address.repository()
    return source and f"mtlkit{{}} @ git+{source}"


def files_read(path):
    """Stored results that a page reads, by their path in the repository."""
    code = "\n".join(cell.source for cell in read(path).cells if cell.cell_type == "code")
    words = set(re.findall(r"[\w-]+", " ".join(re.findall(r"[\"'][^\"'\n]*[\"']", code))))
    folders = [ROOT / name for name in RESULTS if name in code]
    return sorted(f for folder in folders for f in folder.glob("*.json") if f.stem in words)


def setup(path, install=None):
    """The cell before the first code cell of a page: it says what is missing, or installs it."""
    if install:
        text = f"%pip install -q {wanted(path, install)}\n"
    else:
        source = in_repository()
        how = (
            "from its repository." if source else "from a checkout of the book, or from its wheel."
        )
        command = f"%pip install {wanted(path, source or 'FOLDER_OR_WHEEL{}')}"
        text = SETUP.format(how=how, names=imported(read(path)), command=command)
    files = files_read(path)
    if files:
        packed = {
            file.relative_to(ROOT).as_posix():
            base64.b64encode(zlib.compress(file.read_bytes(), 9)).decode()
            for file in files
        }  # fmt: skip
        lines = "".join(f'    "{name}":\n        "{data}",\n' for name, data in packed.items())
        folder = path.parent.relative_to(ROOT)
        up = "/".join([".."] * len(folder.parts))
        text += DATA.format(files="{\n" + lines + "}", up=up, folder=folder.as_posix())
    cell = nbformat.v4.new_code_cell(text.rstrip("\n"), id="plain-setup")
    cell.metadata = nbformat.from_dict({"jupyter": {"source_hidden": True}, "cellView": "form"})
    return cell


# A page ------------------------------------------------------------------------------------------


def caption(cell, number, plain):
    words = plain.prose(figure_of(cell)["caption"])
    return nbformat.v4.new_markdown_cell(f"*Figure {number}.* {words}", id=f"plain-figure-{number}")


def lighter(picture):
    """A PNG as text in 256 colours: a third of the size, and nothing that an eye would miss."""
    packed = io.BytesIO()
    drawn = Image.open(io.BytesIO(base64.b64decode(picture))).convert("RGB")
    drawn.quantize(256, dither=Image.Dither.NONE).save(packed, "PNG", optimize=True)
    return base64.b64encode(packed.getvalue()).decode()


def export(path, executed=None, install=None, words=WORDS):
    """A page as a plain notebook; with the outputs of `executed`, the same page, if it is given.

    With `install`, as for `wanted`, its first code cell installs; `words` stand before that cell.
    """
    page, plain, cells, figures = read(path), Plain(path), [], 0
    for cell in (executed or page).cells:
        cell = nbformat.from_dict(cell)
        if cell.cell_type == "markdown":
            figures += len(re.findall(r"^`{3,}\{figure\}", cell.source, re.M))
            cell.source = plain.text(cell.source)
            if cell.source:
                cells.append(cell)
            continue
        for output in cell.outputs:
            if picture := output.get("data", {}).get("image/png"):
                output.data["image/png"] = lighter(picture)
        cells.append(cell)
        if figure_of(cell):
            figures += 1
            if figure_of(cell).get("caption"):
                cells.append(caption(cell, figures, plain))
    first = next(n for n, cell in enumerate(cells) if cell.cell_type == "code")
    before = nbformat.v4.new_markdown_cell(words, id="plain-before")
    cells[first:first] = [before, setup(path, install)]
    found = {"cells": cells, "metadata": page.metadata, "nbformat": 4, "nbformat_minor": 5}
    return nbformat.from_dict(found)


def from_cache(path):
    """The page with outputs, if it ran with everything as it is now; else None."""
    from tools import execute

    store = execute.open_cache()
    try:
        data = store.match_cache_notebook(read(path)).data
    except KeyError:
        return None
    if data.get("key") != execute.results_key():
        return None
    return store.merge_match_into_notebook(nbformat.from_dict(read(path)))[1]


def write(folder, pages=None, outputs=False, **options):
    """Write plain notebooks into a folder, all if none is named; return those without outputs."""
    without = []
    for path in pages or page_notebooks():
        executed = from_cache(path) if outputs else None
        if outputs and executed is None:
            without.append(path.relative_to(ROOT).as_posix())
        target = folder / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(export(path, executed, **options), target)
    return without


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pages", nargs="*", help="paths of notebooks (default: all pages)")
    parser.add_argument("--outputs", action="store_true", help="carry outputs from the cache")
    parser.add_argument("--install", action="store_true", help="install mtlkit in the first cell")
    options = parser.parse_args()
    if options.install and not in_repository():
        sys.exit("Nothing says where the repository is: python -m tools.address ADDRESS")
    chosen = [(ROOT / name).resolve() for name in options.pages]
    install = in_repository() if options.install else None
    without = write(PLAIN, chosen, options.outputs, install=install)
    print(f"{len(chosen) or len(page_notebooks())} notebooks are in {PLAIN}")
    if without:
        print("Without outputs, since they did not run yet as they are: " + ", ".join(without))


if __name__ == "__main__":
    main()
