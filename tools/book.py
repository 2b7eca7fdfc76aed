"""Build the book (`build`, the default), show it while you edit (`serve`), remove it (`clean`).

Runs in an environment that holds the lock; `make` is a thin layer above it.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "_build"
HTML = BUILD / "html"
CACHE = BUILD / ".jupyter_cache"
CACHE_KEY = BUILD / "cache-key"


def use_one_blas_thread():
    """Hold BLAS to one thread, here and in every kernel started from here.

    On the book's small matrices more threads only wait for each other, and a sum split
    differently rounds differently.
    """
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"


def script(name):
    """Path of a command installed beside this interpreter, whether or not it is on PATH."""
    found = shutil.which(name, path=sysconfig.get_path("scripts"))
    if found is None:
        sys.exit(
            f"{name} is not installed for {sys.executable}. "
            "Run `make book`, or: python -m pip install -r requirements.txt"
        )
    return found


def results_key(root=ROOT):
    """Hash of what a page's results depend on besides the page: Python, lock, mtlkit, studies."""
    digest = hashlib.sha256(sys.version.encode())
    studies = root / "benchmarks" / "results"
    files = [*sorted((root / "mtlkit").rglob("*")), *sorted(studies.glob("*.json"))]
    for path in [root / "requirements.txt", *files]:
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def drop_old_results(build=BUILD, key=None):
    """Empty `build`, except for results of pages that were run with the present packages.

    Sphinx keeps quiet about a page that failed in an earlier build, and jupyter-cache looks at
    a page's code alone: neither sees that mtlkit has changed.
    """
    key = key or results_key()
    stamp = build / CACHE_KEY.name
    keep = {CACHE.name} if stamp.exists() and stamp.read_text() == key else set()
    build.mkdir(exist_ok=True)
    for path in build.iterdir():
        if path.name not in keep:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    stamp.write_text(key)


def build():
    drop_old_results()
    command = [script("jupyter-book"), "build", str(ROOT), "-W", "--keep-going", "-n"]
    status = subprocess.run(command, cwd=ROOT).returncode
    if status:
        sys.exit(f"\nThe build failed (exit code {status}): every warning above is an error.")
    print(f"\nThe book is in {HTML / 'index.html'}\nOpen that file in a browser, or: make serve")


def serve(port):
    conf = ROOT / "conf.py"  # Sphinx wants one; Jupyter Book can write what it would have used
    subprocess.run([script("jupyter-book"), "config", "sphinx", str(ROOT)], check=True)
    os.environ["PYTHONPATH"] = str(ROOT / "_ext")
    ignored = [f"--ignore={ROOT / name}" for name in ("_build", ".venv", ".git", ".pytest_cache")]
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


def clean():
    for path in (BUILD, ROOT / ".pytest_cache", ROOT / ".ruff_cache"):
        shutil.rmtree(path, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("action", nargs="?", default="build", choices=["build", "serve", "clean"])
    parser.add_argument("--port", type=int, default=8000, help="of `serve` (default: 8000)")
    options = parser.parse_args()
    use_one_blas_thread()
    if options.action == "serve":
        serve(options.port)
    else:
        {"build": build, "clean": clean}[options.action]()


if __name__ == "__main__":
    main()
