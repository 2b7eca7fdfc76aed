"""A site in which the notebooks run in the browser, nothing installed: `_build/lite`.

`python -m tools.lite` makes it with JupyterLite: every page in its plain form, mtlkit as a wheel
that the site serves itself, no source maps. Python for the browser, NumPy and the others come from
Pyodide's address at jsDelivr when a reader runs a cell. `--pyodide FOLDER` puts a distribution of
Pyodide into the site instead, for places without a network. `make book` puts the result into its
site, with a button on each page, if it was made from the pages as they are.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import nbformat

from tools import plain
from tools.execute import BUILD, results_key
from tools.tidy import ROOT, page_notebooks

LITE = BUILD / "lite"
KEY = "made-from"  # file with what the packages in the site were
KERNEL = "@jupyterlite/pyodide-kernel-extension"
CDN = "cdn.jsdelivr.net"
WORDS = """\
*This notebook runs in your browser: select a cell and press Shift and Enter. The next cell installs
`mtlkit`, and makes the page's stored results, if it has any. Python and its packages come from
{source}; the first start takes a minute, and what is slow on a laptop is several times slower here.
What you write stays in this browser; download the notebook to keep it.*"""
APPS = ["notebooks", "tree"]  # one notebook, and the list of all


def install_words(pyodide):
    """What stands before the cell that installs."""
    source = "this site" if pyodide else f"`{CDN}`, so they need a network"
    return WORDS.format(source=source).replace("\n", " ")


def exported(path, pyodide=False):
    """A page as the site holds it, as text."""
    page = plain.export(path, install="mtlkit{}", words=install_words(pyodide))
    return nbformat.writes(page)


def is_current(folder=LITE):
    """Whether a site was made from the pages and the packages as they are now."""
    key = folder / KEY
    if not key.exists():
        return False
    made = json.loads(key.read_text("utf-8"))
    if made["key"] != results_key() or not list(folder.glob(f"pypi/mtlkit-{version('mtlkit')}-*")):
        return False
    return all(
        (copy := folder / "files" / path.relative_to(ROOT)).exists()
        and copy.read_text("utf-8") == exported(path, made["pyodide"])
        for path in page_notebooks()
    )


def wheels(folder):
    """Put into a folder what Pyodide lacks: mtlkit, and a package that its kernel needs."""
    # By way of a source archive, so that no file of an older build comes along.
    uv = [sys.executable, "-m", "uv", "build", "--quiet", "--no-build-isolation"]
    uv += ["--python", sys.executable, "--out-dir", folder]
    subprocess.run(uv, cwd=ROOT, check=True)
    lock = (ROOT / "requirements.txt").read_text("utf-8")
    wanted = folder.parent / "comm.txt"
    wanted.write_text(re.search(r"^comm==(?:.*\\\n)*.*\n", lock, re.M)[0], encoding="utf-8")
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder]
    subprocess.run([*pip, "--requirement", wanted], check=True)


def settings(folder, output):
    """What JupyterLite reads: how to build, and how the site behaves."""
    kernel = Path(sys.prefix, "share", "jupyter", "labextensions", KERNEL)
    build = {
        "contents": ["files"],
        "output_dir": str(output),
        "apps": APPS,
        "no_sourcemaps": True,
        "no_unused_shared_packages": True,
        # Not whatever else the environment has.
        "ignore_sys_prefix": ["federated_extensions"],
        "federated_extensions": [str(kernel)],
    }
    site = {"appUrl": "./tree", "appName": "mtlkit", "faviconUrl": "./tree/favicon.ico"}
    for name, text in (
        ("jupyter_lite_config.json", {"LiteBuildConfig": build}),
        ("jupyter-lite.json", {"jupyter-lite-schema-version": 0, "jupyter-config-data": site}),
    ):
        (folder / name).write_text(json.dumps(text), encoding="utf-8")


def make(output=LITE, pyodide=None, pages=None):
    """Build the site; with `pyodide`, a folder that holds pyodide.mjs and what its lock names."""
    if pyodide and not (pyodide / "pyodide.mjs").exists():
        sys.exit(f"{pyodide} holds no pyodide.mjs: name the folder of an unpacked Pyodide")
    shutil.rmtree(output, ignore_errors=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for path in pages or page_notebooks():
            target = folder / "files" / path.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(exported(path, bool(pyodide)), encoding="utf-8")
        wheels(folder / "pypi")
        settings(folder, output)
        if pyodide:
            shutil.copytree(pyodide, folder / "static" / "pyodide")
        command = [sys.executable, "-m", "jupyterlite_core", "build"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{done.stdout}{done.stderr}\nJupyterLite could not build the site.")
    made = {"key": results_key(), "pyodide": bool(pyodide)}
    (output / KEY).write_text(json.dumps(made), encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pyodide", type=Path, help="folder of a Pyodide that the site shall hold")
    options = parser.parse_args()
    if find_spec("jupyterlite_core") is None:
        sys.exit("JupyterLite is not installed: python -m pip install -r requirements-lite.txt")
    make(pyodide=options.pyodide and options.pyodide.resolve())
    files = [path for path in LITE.rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files) / 1e6
    print(f"{len(files)} files, {size:.0f} MB, are in {LITE}\n`make book` puts them into its site.")


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit(f"This failed, see above: {' '.join(map(str, error.cmd))}")
