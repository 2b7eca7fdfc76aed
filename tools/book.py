"""Build the book (`build`, the default), or show it while you edit (`serve`).

Runs in an environment that holds the lock; `make` is a thin layer above it.
"""

import argparse
import os
import shutil
import subprocess
import sys
import sysconfig

from tools import execute, lite, plain, policy, word_index
from tools.execute import BUILD, ROOT

HTML = BUILD / "html"
SITE_KEY = BUILD / "site-key"  # what the site was built with
# Jupyter Book's own has no language and no title.
INDEX = """<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta http-equiv="refresh" content="0; url=intro.html">
    <title>Single-task, multi-task and transfer learning</title>
  </head>
  <body><p><a href="intro.html">To the book</a></p></body>
</html>
"""


def script(name):
    """Path of a command installed beside this interpreter, whether or not it is on PATH."""
    found = shutil.which(name, path=sysconfig.get_path("scripts"))
    if found is None:
        sys.exit(
            f"{name} is not installed for {sys.executable}. "
            "Run `make book`, or: python -m pip install -r requirements.txt"
        )
    return found


def drop_old_site(build=BUILD):
    """Remove the site from `build`, and what Sphinx remembers of it.

    Sphinx keeps quiet about a page that failed in an earlier build.
    """
    for name in (HTML.name, ".doctrees", "jupyter_execute"):
        shutil.rmtree(build / name, ignore_errors=True)
    (build / SITE_KEY.name).unlink(missing_ok=True)


def put_notebooks(html=HTML):
    """Put into the site what its buttons lead to: a button is there if the file is."""
    plain.write(html / "plain", outputs=True)
    if lite.is_current():
        shutil.copytree(lite.LITE, html / "lite")
    elif lite.LITE.exists():
        print("No page has a button to run it in the browser: _build/lite is old. Run `make lite`.")


def build():
    key = execute.results_key()
    execute.main([])
    drop_old_site()
    put_notebooks()
    command = [script("jupyter-book"), "build", str(ROOT), "-W", "--keep-going", "-n"]
    status = subprocess.run(command, cwd=ROOT).returncode
    if status:
        sys.exit(f"\nThe build failed (exit code {status}): every warning above is an error.")
    (HTML / "index.html").write_text(INDEX, encoding="utf-8")
    word_index.write(HTML)
    policy.write(HTML)
    SITE_KEY.write_text(key)
    print(f"\nThe book is in {HTML / 'index.html'}\nOpen that file in a browser, or: make serve")


def serve(port):
    execute.forget_old()
    conf = ROOT / "conf.py"  # Sphinx wants one; Jupyter Book can write what it would have used
    subprocess.run([script("jupyter-book"), "config", "sphinx", str(ROOT)], check=True)
    os.environ["PYTHONPATH"] = str(ROOT / "_ext")
    made = ("_build", ".venv", ".git", ".pytest_cache", "reference/generated")
    ignored = [f"--ignore={ROOT / name}" for name in made]
    try:
        # A folder of its own: `_build/html` is only ever the result of a whole build.
        subprocess.run(
            [script("sphinx-autobuild"), str(ROOT), str(BUILD / "serve"),
             "--host=127.0.0.1", f"--port={port}", *ignored]
        )  # fmt: skip
    except KeyboardInterrupt:
        pass
    finally:
        conf.unlink(missing_ok=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("action", nargs="?", default="build", choices=["build", "serve"])
    parser.add_argument("--port", type=int, default=8000, help="of `serve` (default: 8000)")
    options = parser.parse_args()
    os.environ.update(execute.ONE_BLAS_THREAD)
    if options.action == "serve":
        serve(options.port)
    else:
        build()


if __name__ == "__main__":
    main()
