"""Run the tests of the package as others have it: other Pythons, other versions, other processors.

`.ci/run` calls this, after the reader's own commands. Each job makes an environment of its own in
`_build/matrix`. Jobs run as many at a time as there are cores; each prints its output whole when it
ends. Names as arguments choose jobs; `--list` names them.
"""

import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import NamedTuple

import joblib

from tools import plain

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "_build" / "matrix"
UV = [sys.executable, "-m", "uv"]
OLDEST = (3, 11)
BESIDE = (  # tests beside other libraries
    "same_in_pytorch",
    "torchjd",
    "skada",
    "ot_beside",
    "statsmodels",
    "mapie",
)

PAGE = ROOT / "chapters" / "code" / "hospitals.ipynb"  # short, and reads stored results
RUN_PAGE = """import sys, nbclient, nbformat
page = nbformat.read(sys.argv[1], as_version=4)
nbclient.NotebookClient(page, kernel_name="python3", timeout=600).execute()
print(sum(bool(cell.get("outputs")) for cell in page.cells), "cells of the page show something")"""

# What Pyodide has, in which notebooks of `make lite` run; a test of the site holds it against the
# lock of Pyodide.
PYODIDE = {
    "numpy": "2.4.6",
    "scipy": "1.18.0",
    "scikit-learn": "1.8.0",
    "joblib": "1.5.3",
    "threadpoolctl": "3.6.0",
    "tqdm": "4.67.3",
    "narwhals": "2.18.1",
    "matplotlib": "3.10.8",
    "pandas": "3.0.2",
    "polars": "1.33.1",
    "pyarrow": "22.0.0",
}

# A pair that the bounds allow and no other job has: this scikit-learn reads no names of columns
# from this polars, so mtlkit has to.
PAIR = {"scikit-learn": "1.8.0", "polars": "2.1.0"}
FRAMES = ("baselines_contracts", "containers", "private_columns", "validation")

# Prints the version of a Python that wheels are made for: no preview, none without a global lock.
SHOW_VERSION = (
    "import ensurepip, sys, sysconfig\n"
    "assert sys.implementation.name == 'cpython' and sys.version_info.releaselevel == 'final'\n"
    "assert not sysconfig.get_config_var('Py_GIL_DISABLED')\n"
    "print(*sys.version_info[:3])"
)

SHOW_BLAS = (
    "import numpy, scipy.linalg, threadpoolctl\n"
    "print(*(library['architecture'] for library in threadpoolctl.threadpool_info()))"
)


class Job(NamedTuple):
    name: str
    steps: Callable[[Path], list]  # commands, and folders to go to, for a folder that it may fill
    variables: tuple = ()  # pairs, set while it runs


def pythons():
    """The newest Python of each minor version from 3.11 on, of this machine: {(3, 12): path}."""
    of_uv = subprocess.run([*UV, "python", "dir"], capture_output=True, text=True, check=True)
    of_pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    beside_path = (of_pyenv, Path(of_uv.stdout.strip()))
    places = [Path(sys.executable)]
    for folder in beside_path:
        places += folder.glob("*/bin/python3")
    for folder in os.get_exec_path():
        places += Path(folder).glob("python3.[0-9]*[0-9]")
    found = {}
    for path in places:
        answer = subprocess.run([path, "-c", SHOW_VERSION], capture_output=True, text=True)
        if answer.returncode == 0:  # else a shim, or a Python without its library
            version = tuple(map(int, answer.stdout.split()))
            if version >= OLDEST:
                found[version[:2]] = max(found.get(version[:2], ()), (version, path))
    return {minor: path for minor, (_, path) in sorted(found.items())}


def tests(python, *names):
    """The command that runs test files of the package, all but those beside others by default."""
    every = [path.stem.removeprefix("test_") for path in (ROOT / "tests").glob("test_*.py")]
    names = names or sorted(set(every) - set(BESIDE))
    files = [f"tests/test_{name}.py" for name in names]
    return [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files]


def wheel():
    (path,) = (FOLDER / "dist").glob("*.whl")
    return path


def environment(folder, python, *packages):
    """Commands that make an environment for a Python with packages; and its Python."""
    inside = folder / "venv" / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    make = [*UV, "venv", "--quiet", "--python", python, folder / "venv"]
    install = [*UV, "pip", "install", "--quiet", "--python", inside, *packages]
    return [make, install], inside


def locked(python):
    def steps(folder):
        commands, inside = environment(folder, python, "--requirement", "requirements.txt")
        mtlkit = [*UV, "pip", "install", "--quiet", "--python", inside, "--no-deps", wheel()]
        return [*commands, mtlkit, tests(inside)]

    return steps


def resolved(python, resolution):
    """Tests with the lowest or the highest version of all that pyproject.toml names for them.

    It is read itself: were the wheel asked for, that alone would be direct, and whatever it needs
    the newest. `tests/test_bounds.py` holds what was installed against the bounds.
    """

    def steps(folder):
        named = ("--requirement", "pyproject.toml", "--extra", "test")
        commands, inside = environment(folder, python, "--resolution", resolution, *named)
        mtlkit = [*UV, "pip", "install", "--quiet", "--python", inside, "--no-deps", wheel()]
        versions = [*UV, "pip", "freeze", "--quiet", "--python", inside]
        return [*commands, mtlkit, versions, tests(inside)]

    return steps


def kernels():
    """Names for OPENBLAS_CORETYPE that give a kernel other than this machine's, and each other's.

    Zen is Haswell's under another name in most builds. Where a kernel is asked for already, the
    machine has a reason: none then.
    """
    if "OPENBLAS_CORETYPE" in os.environ or platform.machine() not in ("x86_64", "AMD64"):
        return []
    names = {}
    for name in ("", "Haswell", "Zen", "Sandybridge"):
        variables = {**os.environ, "OPENBLAS_CORETYPE": name}
        answer = subprocess.run(
            [sys.executable, "-c", SHOW_BLAS], env=variables, capture_output=True, text=True
        )
        names.setdefault(answer.stdout, name)
    return [name for name in names.values() if name]


def on_this_python(folder):
    return [[sys.executable, "-c", SHOW_BLAS], tests(sys.executable)]


def page_away(folder, python):
    """Commands that run a page as it is downloaded, from a folder that holds nothing else.

    Installed is what its first cell names, and what runs notebooks.
    """
    plain.write(folder / "away", [PAGE])
    mtlkit = f"mtlkit{{}} @ {wheel().as_uri()}"
    wanted = shlex.split(plain.wanted(PAGE, mtlkit))
    return [
        [*UV, "pip", "install", "--quiet", "--python", python, *wanted, "nbclient", "ipykernel"],
        folder / "away",
        [python, "-c", RUN_PAGE, PAGE.relative_to(ROOT)],
    ]


def installed(folder):
    """The wheel in an empty environment: every import, the listings of the landing page, a page.

    Then the source archive, unpacked: its tests run, their helpers are there.
    """
    commands, inside = environment(folder, sys.executable, wheel(), "pandas")  # reads a file
    text = (ROOT / "intro.md").read_text("utf-8")
    listing = "\n".join(re.findall(r"```python\n(.*?)```", text, re.S))
    imports = (
        "import mtlkit\nfor name in mtlkit.__all__:\n    print(name, getattr(mtlkit, name).__all__)"
    )
    (archive,) = (FOLDER / "dist").glob("*.tar.gz")
    shutil.unpack_archive(archive, folder, filter="data")
    source = folder / archive.name.removesuffix(".tar.gz")
    for_tests = [*UV, "pip", "install", "--quiet", "--python", inside, f"{source}[test]"]
    pytest = [inside, "-m", "pytest", "-q"]
    return [
        *commands,
        folder,  # not where mtlkit lies beside
        [inside, "-c", imports],
        [inside, "-c", listing],
        *page_away(folder, inside),
        for_tests,
        source,
        [*pytest, "--collect-only", "-qq"],
        [*pytest, "tests/test_splits.py", "tests/test_weighting.py", "tests/test_affinity.py"],
    ]


def pinned(folder, python, versions):
    """Commands that make an environment of the wheel, its tests and these versions; its Python."""
    path = folder / "versions.txt"
    lines = [f"{name}=={version}\n" for name, version in versions.items()]
    path.write_text("".join(lines), encoding="utf-8")
    return environment(folder, python, "--constraint", path, f"mtlkit[test] @ {wheel().as_uri()}")


def browser(python):
    """Tests, and a page, with the versions that a browser has, on the Python nearest to its own."""

    def steps(folder):
        commands, inside = pinned(folder, python, PYODIDE)
        return [*commands, *page_away(folder, inside), ROOT, tests(inside)]

    return steps


def pair(folder):
    commands, inside = pinned(folder, sys.executable, PAIR)
    return [*commands, tests(inside, *FRAMES)]


def beside(folder):
    """Tests beside PyTorch and others: with pip, which knows where a build without CUDA lies."""
    inside = environment(folder, sys.executable)[1]
    return [
        [sys.executable, "-m", "venv", folder / "venv"],
        [inside, "-m", "pip", "install", "--quiet", f"mtlkit[peers,test] @ {wheel().as_uri()}"],
        tests(inside, *BESIDE),
    ]


def jobs():
    found = pythons()
    newest = max(found)
    own = sys.version_info[:2]
    yield Job("installed", installed)
    yield Job("beside", beside)
    yield Job("pair", pair)
    for minor, python in found.items():
        if minor != own:  # this one runs them in `make test`
            yield Job("locked-{}.{}".format(*minor), locked(python))
    lowest = (("MTLKIT_VERSIONS", "lowest"),)
    yield Job("lowest", resolved(found[min(found)], "lowest-direct"), lowest)
    yield Job("newest", resolved(found[newest], "highest"))
    yield Job("browser", browser(found[newest]))
    for name in kernels():
        yield Job(name.lower(), on_this_python, (("OPENBLAS_CORETYPE", name),))


def run(job):
    """Run a job's commands until one fails: its output, its seconds, and whether all went well."""
    start, output = time.perf_counter(), []
    folder = FOLDER / job.name
    folder.mkdir(parents=True)
    variables = {**os.environ, **dict(job.variables)}
    here = ROOT
    for command in job.steps(folder):
        if isinstance(command, Path):
            here = command
            continue
        result = subprocess.run(
            command,
            cwd=here,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        output += [f"$ {shlex.join(map(str, command))}"[:300], result.stdout]
        if result.returncode:
            break
    return "\n".join(output), time.perf_counter() - start, result.returncode == 0


def main(arguments):
    chosen = [job for job in jobs() if not arguments or job.name in arguments]
    if arguments == ["--list"]:
        sys.exit("\n".join(job.name for job in jobs()))
    shutil.rmtree(FOLDER, ignore_errors=True)
    subprocess.run([*UV, "build", "--quiet", "--out-dir", FOLDER / "dist"], cwd=ROOT, check=True)
    summary, good = [], True
    with ThreadPoolExecutor(joblib.cpu_count()) as pool:
        futures = {pool.submit(run, job): job.name for job in chosen}
        for future in as_completed(futures):
            output, seconds, went_well = future.result()
            good &= went_well
            last = output.strip().splitlines()[-1]
            line = (
                f"{futures[future]:12} {'ok' if went_well else 'FAILED':7} {seconds:5.0f} s  {last}"
            )
            print(f"\n---- {futures[future]}\n{output}\n{line}", flush=True)
            summary.append(line)
    print("\n---- all\n" + "\n".join(sorted(summary)))
    sys.exit(not good)


if __name__ == "__main__":
    main(sys.argv[1:])
