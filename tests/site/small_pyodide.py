"""A Pyodide that starts a kernel without a network: no NumPy, which lies outside all registries.

The program comes from the npm registry, the wheels of `pyodide.txt` from PyPI; each is what its sum
says. Pyodide's lock gets the sums of these wheels, which are those of the same versions.
"""

import base64
import contextlib
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

VERSION = "314.0.6"
SHA512 = "BKDTJyIqFxC4BExLqeRS3f5xvXZIjOt8C3zGLN/Cc7tFxSwvKVhVkchQQ2AGLOtR4YrVOIFxbV8poyDOOmWwxQ=="
WHEELS = Path(__file__).with_name("pyodide.txt")


def fetch(folder):
    """Make the folder; raises CalledProcessError without registries."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as name:
        unpacked = fetch_parts(Path(name))
        with contextlib.suppress(OSError):  # another process of the tests was faster
            unpacked.rename(folder)


def fetch_parts(folder):
    npm = ["npm", "pack", "--silent", f"pyodide@{VERSION}"]
    subprocess.run(npm, cwd=folder, check=True, capture_output=True)
    archive = folder / f"pyodide-{VERSION}.tgz"
    if base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode() != SHA512:
        raise ValueError(f"{archive.name} is not what it should be: see where npm has it from")
    shutil.unpack_archive(archive, folder, filter="data")
    unpacked = folder / "package"
    for kind in ("*.map", "*.d.ts", "*.html"):
        for path in unpacked.glob(kind):
            path.unlink()

    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
    pip += ["--python-version", "3.14", "--only-binary", ":all:", "--dest", unpacked]
    subprocess.run([*pip, "--requirement", WHEELS], check=True, capture_output=True)

    path = unpacked / "pyodide-lock.json"
    lock = json.loads(path.read_text("utf-8"))
    for wheel in unpacked.glob("*.whl"):
        name, version = wheel.name.split("-")[:2]
        entry = lock["packages"][name.lower().replace("_", "-")]
        if entry["version"] != version:
            raise ValueError(f"{wheel.name}: Pyodide {VERSION} has {entry['version']}")
        entry["file_name"] = wheel.name
        entry["sha256"] = hashlib.sha256(wheel.read_bytes()).hexdigest()
    path.write_text(json.dumps(lock), encoding="utf-8")
    return unpacked
