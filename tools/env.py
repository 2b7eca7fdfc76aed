"""Make `.venv`: the packages of the lock, exactly, and mtlkit as an editable install.

Run by `make` before other targets; does nothing when `.venv` is current. Only the standard library,
in syntax that an older Python reads too: it shall get a message, not a SyntaxError.
"""

import hashlib
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def is_current(stamp, key):
    return stamp.exists() and stamp.read_text() == key


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def pip_install(*arguments):
    subprocess.run([str(PYTHON), "-m", "pip", "install", "--quiet", *arguments], check=True)


def main():
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < (3, 11):  # noqa: UP036 (this is the place that says so)
        sys.exit(
            f"The book needs Python 3.11 or newer; {sys.executable} is {version}.\n"
            "Name a newer one, for example: make book PYTHON=python3.12"
        )

    # A new lock gets a new, empty environment: what is no longer locked must not linger.
    stamp, key = VENV / "lock.stamp", f"{version} {digest(ROOT / 'requirements.txt')}"
    if not is_current(stamp, key):
        print(f"Making .venv with Python {version} (about a minute) ...", flush=True)
        venv.create(str(VENV), clear=True, with_pip=True)
        pip_install("--requirement", str(ROOT / "requirements.txt"))
        stamp.write_text(key)

    # The lock holds the build backend, so nothing is fetched for the build.
    stamp, key = VENV / "mtlkit.stamp", digest(ROOT / "pyproject.toml")
    if not is_current(stamp, key):
        pip_install("--no-deps", "--no-build-isolation", "--editable", str(ROOT))
        stamp.write_text(key)


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit(f"Installation failed, see above: {' '.join(error.cmd)}")
