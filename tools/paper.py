"""The whole book as one PDF for paper: `python -m tools.paper`, or `make pdf`.

Pages come with their outputs from the cache (tools/execute.py); nothing runs twice. Sphinx writes
LaTeX by `_ext/paper.py`, XeLaTeX sets it. What cannot stay in a book ends the run with a list:
undefined references, characters that no font has, lines far into the margin.
"""

import datetime
import os
import re
import shutil
import subprocess
import sys
import tomllib

from jupyter_book.config import get_final_config
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace, patch_docutils

from tools import execute
from tools.execute import BUILD, CACHE, ONE_BLAS_THREAD, ROOT

PDF = BUILD / "pdf"
NAME = "single-task-multi-task-transfer"
NOT_FOR_PAPER = ("comments_", "html_", "mathjax", "ogp_", "use_")  # settings of the site
EXTENSIONS = (
    "myst_nb", "sphinx_external_toc", "sphinx_design", "sphinx_exercise", "sphinx.ext.autodoc",
    "numpydoc", "gallery", "reference_pages", "search_words", "sphinxcontrib.bibtex", "paper",
)  # fmt: skip
NEEDED = {
    "xelatex": "texlive-xetex texlive-latex-recommended texlive-latex-extra "
    "texlive-fonts-recommended fonts-texgyre fonts-texgyre-math fonts-dejavu fonts-noto-cjk",
    "latexmk": "latexmk",
    "rsvg-convert": "librsvg2-bin",
}
OVERFULL = 20  # points that a line may reach into the margin
FAULTS = {
    "references that lead nowhere": r"LaTeX Warning: (?:Hyper r|R)eference `([^']*)' on page",
    "labels that stand twice": r"LaTeX Warning: Label `([^']*)' multiply defined",
    "characters that no font has": r"Missing character: There is no (\S+.*) in font",
    "files that are missing": r"LaTeX Warning: File `([^']*)' not found",
}


def missing_programs():
    """What to install, as text; empty if all is there."""
    lacking = [name for name in NEEDED if shutil.which(name) is None]
    if not lacking:
        return ""
    packages = " ".join(NEEDED[name] for name in lacking)
    return (
        f"The PDF needs {', '.join(lacking)}. On Debian or Ubuntu: apt-get install {packages}\n"
        "Elsewhere: TeX Live with XeLaTeX, librsvg, and the fonts TeX Gyre, DejaVu, Noto CJK."
    )


def config(source, **more):
    """The settings of the site, with what paper needs in place of what only a screen shows."""
    settings, _ = get_final_config(
        user_yaml=source / "_config.yml",
        sourcedir=source,
        cli_config={"latex_individualpages": False},
    )
    settings = {name: settings[name] for name in settings if not name.startswith(NOT_FOR_PAPER)}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    version, preamble = project["version"], (ROOT / "_ext" / "paper.tex").read_text("utf-8")
    facts = {
        "booktitle": settings["project"],
        "bookauthors": settings["author"],
        "bookversion": version,
        "bookdate": f"{datetime.date.today():%-d %B %Y}",
    }
    macros = "".join(rf"\newcommand\{name}{{{value}}}" + "\n" for name, value in facts.items())
    return {
        **settings,
        "extensions": EXTENSIONS,
        "nb_execution_cache_path": str(CACHE),
        "exclude_patterns": [*settings["exclude_patterns"], ".venv"],
        "latex_engine": "xelatex",
        "latex_use_xindy": False,
        "latex_docclass": {"manual": "book"},
        "latex_documents": [("intro", f"{NAME}.tex", settings["project"], "", "manual")],
        "latex_table_style": ["booktabs", "colorrows"],
        "latex_elements": {
            "papersize": "a4paper",
            "pointsize": "10pt",
            "extraclassoptions": "openany",
            "fncychap": "",
            "fontpkg": r"\usepackage{unicode-math}",
            "figure_align": "htbp",
            "geometry": r"\usepackage{geometry}",
            "preamble": macros + preamble,
            "maketitle": (ROOT / "_ext" / "paper_front.tex").read_text("utf-8"),
            "tableofcontents": r"\pagenumbering{roman}\setcounter{page}{3}\tableofcontents"
            r"\cleardoublepage\pagenumbering{arabic}",
        },
        **more,
    }


def write_tex(source, folder, **more):
    """Let Sphinx write the book in LaTeX into a folder; return how many warnings there were."""
    if str(ROOT / "_ext") not in sys.path:
        sys.path.append(str(ROOT / "_ext"))
    with patch_docutils(), docutils_namespace():
        app = Sphinx(
            srcdir=source,
            confdir=None,
            outdir=folder / "latex",
            doctreedir=folder / "doctrees",
            buildername="latex",
            confoverrides=config(source, **more),
        )
        app.build()
    return app._warncount


def set_type(folder):
    """Run XeLaTeX as often as it takes; return its log."""
    command = ["latexmk", "-xelatex", "-interaction=nonstopmode", f"{NAME}.tex"]
    made = subprocess.run(command, cwd=folder / "latex", capture_output=True, text=True)
    log = folder / "latex" / f"{NAME}.log"
    if not (folder / "latex" / f"{NAME}.pdf").exists():
        sys.exit(f"XeLaTeX failed, see {log}\n{made.stdout[-3000:]}")
    return unwrapped(log.read_text("utf-8", errors="replace"))


def unwrapped(log):
    """The log, with the lines joined that TeX breaks after 79 characters."""
    return re.sub(r"(?<=^.{79})\n", "", log, flags=re.M)


def faults(log):
    """What cannot stay, by kind."""
    found = {kind: sorted(set(re.findall(form, log))) for kind, form in FAULTS.items()}
    wide = re.findall(r"Overfull \\hbox \(([\d.]+)pt too wide\) (.*)", log)
    found["lines in the margin"] = [f"{pt} pt {at}" for pt, at in wide if float(pt) > OVERFULL]
    return {kind: items for kind, items in found.items() if items}


def main():
    if missing := missing_programs():
        sys.exit(missing)
    os.environ.update(ONE_BLAS_THREAD)
    execute.main([])
    warnings = write_tex(ROOT, PDF)
    log = set_type(PDF)
    book = PDF / f"{NAME}.pdf"
    shutil.copy(PDF / "latex" / book.name, book)
    pages = re.search(r"\((\d+) pages", log)[1]
    print(f"\n{book}: {pages} pages, {book.stat().st_size / 1e6:.0f} MB")
    found = faults(log)
    for kind, items in found.items():
        print(f"\n{len(items)} {kind}:", *items[:40], sep="\n  ")
    if found or warnings:
        sys.exit(f"\n{warnings} warnings of Sphinx above; the list of faults must be empty too.")


if __name__ == "__main__":
    main()
