"""What the project takes from others, and what of its makers must not get out with it.

Reads the locks, asks each package for its licence, in environments of their own in `_build/supply`,
and writes `LICENSES-THIRD-PARTY.md`. A licence that is not known to be free of conditions on what
uses it stops the run, unless it is explained below. `make lock` calls it.
"""

import re
import shutil
import subprocess
import sys
from importlib.metadata import distributions

from tools.execute import BUILD, ROOT

LOCKS = sorted(ROOT.glob("requirements*.txt"))
LIST = ROOT / "LICENSES-THIRD-PARTY.md"

# Lines that a lock may have: every package by one version and the hashes of its files, from the one
# index that the reader's installer is set to. No address, no option, no other lock.
PIN = re.compile(r"([a-z0-9][a-z0-9._-]*)==([^\s;\\]+)( ; [^\\]+)? \\")
HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}( \\)?")
COMMENT = re.compile(r"\s*#.*")

# Licences that ask to be named and no more, by the names that packages use.
FREE = {
    *("0BSD", "Apache-2.0", "BSD", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC", "MIT"),
    *("MIT-0", "MIT-CMU", "PSF-2.0", "Unlicense", "Zlib"),
}
SAME = {
    "Apache 2.0": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "Apache License, Version 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD",
    "BSD 3-Clause License": "BSD-3-Clause",
    "ISC License (ISCL)": "ISC",
    "ISC license": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
# Packages for systems that this machine may not be, and those whose metadata name no licence, with
# that of their file LICENSE.
ELSEWHERE = {
    "appnope": "BSD-2-Clause",
    "axe-playwright-python": "MIT AND MPL-2.0",
    "colorama": "BSD",
    "pkginfo": "MIT",
    "pywinpty": "MIT",
}
# Other licences, and why they bind nothing here: all of these are used as they come.
EXPLAINED = {
    "axe-playwright-python": "MPL-2.0 holds for axe-core inside; only the tests of the site run it",
    "certifi": "MPL-2.0 holds for its file of certificates, which nobody changes",
    "docutils": "GPL holds for one file for Emacs, which its wheel lacks; the rest is free",
    "fqdn": "MPL-2.0 holds for its files, which nobody changes",
    "hypothesis": "MPL-2.0 holds for its files; only the tests import it",
    "tqdm": "MPL-2.0 holds for its files, which nobody changes",
}

# What the built site carries of others: files, whose they are, their licence.
SITE = {
    "_static/mathjax/": ("MathJax, by sphinx-mathjax-offline", "Apache-2.0"),
    "_static/scripts/bootstrap.js": ("Bootstrap and Popper", "MIT"),
    "_static/scripts/fontawesome.js": ("Font Awesome Free", "MIT, icons CC-BY-4.0"),
    "_static/vendor/fontawesome/": ("Font Awesome Free", "OFL-1.1, icons CC-BY-4.0"),
    "_static/scripts/pydata-sphinx-theme.js": ("PyData Sphinx theme", "BSD-3-Clause"),
    "_static/styles/": ("PyData Sphinx theme, Sphinx book theme, Bootstrap", "BSD-3-Clause, MIT"),
    "_static/scripts/sphinx-book-theme.js": ("Sphinx book theme", "BSD-3-Clause"),
    "_static/clipboard.min.js": ("clipboard.js", "MIT"),
    "_static/copybutton": ("sphinx-copybutton", "MIT"),
    "_static/design-tabs.js": ("sphinx-design", "MIT"),
    "_static/sphinx-design": ("sphinx-design", "MIT"),
    "_sphinx_design_static/": ("sphinx-design", "MIT"),
    "_static/exercise.css": ("sphinx-exercise", "MIT"),
    "_static/mystnb": ("MyST-NB", "BSD-3-Clause"),
    "_static/sphinx-thebe": ("sphinx-thebe", "MIT"),
    "_static/togglebutton": ("sphinx-togglebutton", "MIT"),
    "_static/basic.css": ("Sphinx", "BSD-2-Clause"),
    "_static/doctools.js": ("Sphinx", "BSD-2-Clause"),
    "_static/documentation_options.js": ("Sphinx", "BSD-2-Clause"),
    "_static/language_data.js": ("Sphinx, Snowball", "BSD-2-Clause, BSD-3-Clause"),
    "_static/searchtools.js": ("Sphinx", "BSD-2-Clause"),
    "_static/sphinx_highlight.js": ("Sphinx", "BSD-2-Clause"),
    "_static/pygments.css": ("Pygments", "BSD-2-Clause"),
    "pagefind/": ("Pagefind", "MIT"),
    "lite/": ("JupyterLite, JupyterLab and Pyodide's kernel", "BSD-3-Clause, MPL-2.0"),
}
CODE = {".css", ".eot", ".js", ".map", ".mjs", ".otf", ".ttf", ".wasm", ".whl", ".woff", ".woff2"}

LEAKS = {
    "an absolute path": re.compile(
        r"(?<![\w.~:/$}\-])/(?:home|root|work|tmp|Users|private|mnt|opt|srv)/[\w.\-]+"
        r"|\b[A-Z]:\\{1,2}(?:Users|Windows|Temp)\b"
    ),
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY"),
    "a token": re.compile(
        r"\bgh[pousr]_[A-Za-z0-9]{30,}|\bgithub_pat_\w{30,}|\bglpat-[\w-]{20,}|\bhf_[A-Za-z]{30,}"
        r"|\bpypi-[\w-]{50,}|\bxox[abprs]-[\w-]{10,}|\bsk-[\w-]{30,}|\bAIza[\w-]{35}"
        r"|\bAKIA[0-9A-Z]{16}\b|\beyJ[\w-]{10,}\.eyJ[\w-]{10,}"
    ),
    "a password in an address": re.compile(r"://[^/\s:@\"'<>{}$]+:[^/\s:@\"'<>{}$]+@[\w.]"),
}


def read_lock(text):
    """Names that a lock pins, and what is wrong with it."""
    names, faults, hashes = [], [], 1
    for line in text.splitlines():
        if pin := PIN.fullmatch(line):
            if not hashes:
                faults.append(f"{names[-1]} has no hash")
            names.append(pin[1])
            hashes = 0
        elif HASH.fullmatch(line):
            hashes += 1
        elif not COMMENT.fullmatch(line):
            faults.append(f"{line!r} is no package by version and hash")
    if not hashes:
        faults.append(f"{names[-1]} has no hash")
    return names, faults


def stated(metadata):
    """The licence that a package's metadata state, in as few words as they allow."""
    if expression := metadata.get("License-Expression"):
        return expression
    named = [text.split(" :: ")[-1] for text in metadata.get_all("Classifier", [])
             if text.startswith("License :: ")]  # fmt: skip
    named = [name for name in named if name != "OSI Approved"]
    if not named:
        named = metadata.get("License", "").strip().splitlines()[:1]
    return " AND ".join(SAME.get(name, name) for name in named)


def is_free(licence):
    """Whether all that hold, or those of one choice, ask for no more than a name.

    Parentheses are not read: no package in the locks has them.
    """
    choices = (choice.split(" AND ") for choice in licence.split(" OR "))
    return any(all(part in FREE for part in parts) for parts in choices)


def refused(licences):
    """What is neither free nor explained, of ``{package: licence}``."""
    return [
        f"{name} is under {licence or 'no licence that it states'}: leave it out, or explain in "
        "tools/supply.py why that binds nothing"
        for name, licence in licences.items()
        if not is_free(licence) and name not in EXPLAINED
    ]


def leaks(text):
    """Secrets and paths of a machine in a text, with a few characters around, secrets cut short."""
    return [
        f"{kind}: {match[0][:24]!r}"
        for kind, known in LEAKS.items()
        for match in known.finditer(text)
    ]


def of_site(name):
    """Whose a file of the site is: a pair of owner and licence, None where nobody knows."""
    return next((whose for begin, whose in SITE.items() if name.startswith(begin)), None)


def gathered():
    """``{package: licence}`` of everything in the locks."""
    folder = BUILD / "supply"
    shutil.rmtree(folder, ignore_errors=True)
    licences = {}
    for lock in LOCKS:
        uv, venv = [sys.executable, "-m", "uv"], folder / lock.stem
        subprocess.run([*uv, "venv", "--quiet", "--python", sys.executable, venv], check=True)
        # Without dependencies: a lock has them all, and some only for other systems.
        install = ["pip", "install", "--quiet", "--no-deps", "--requirement", lock]
        subprocess.run([*uv, *install, "--python", venv], check=True)
        where = [str(path) for path in venv.rglob("site-packages")]
        found = {normal(d.metadata["Name"]): stated(d.metadata) for d in distributions(path=where)}
        for name in read_lock(lock.read_text("utf-8"))[0]:
            licences[name] = found.get(name) or ELSEWHERE.get(name, "")
    return dict(sorted(licences.items()))


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def listed(text):
    """``{package: licence}`` as the list has them."""
    return dict(re.findall(r"^\| ([a-z0-9-]+) \| (.*?) \| requirements.* \|$", text, re.M))


def page(licences):
    """The text of the list."""
    locks = {lock.stem: set(read_lock(lock.read_text("utf-8"))[0]) for lock in LOCKS}
    lines = [
        "# Software of others",
        "",
        "`python -m tools.supply` writes this file from the lock files; `make lock` calls it.",
        "The archives of `mtlkit` contain none of what follows. The built site carries the files",
        "of the first table. The packages of the second are installed by commands that need them.",
        "",
        "| files of the site | whose | licence |",
        "|---|---|---|",
        *(f"| `{begin}*` | {owner} | {licence} |" for begin, (owner, licence) in SITE.items()),
        "",
        "Slides of the course carry reveal.js (MIT) besides.",
        "",
        "Licences are as packages state them. One that asks for more than a name is explained.",
        "",
        "| package | licence | lock |",
        "|---|---|---|",
    ]
    for name, licence in licences.items():
        where = ", ".join(stem for stem, names in locks.items() if name in names)
        why = f". {EXPLAINED[name]}" if name in EXPLAINED else ""
        lines.append(f"| {name} | {licence} | {where}{why} |")
    return "\n".join(lines) + "\n"


def main():
    faults = [f"{lock.name}: {fault}" for lock in LOCKS
              for fault in read_lock(lock.read_text("utf-8"))[1]]  # fmt: skip
    licences = gathered()
    faults += refused(licences)
    if faults:
        sys.exit("\n".join(faults))
    LIST.write_text(page(licences), encoding="utf-8")


if __name__ == "__main__":
    main()
