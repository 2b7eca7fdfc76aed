"""Execute pages, each once for the book and the tests, as many at a time as there are cores.

The outputs go into the cache from which the site is built. Whoever needs a page first pays for it:
`make book`, `make test`, or the test of that page alone.
"""

import hashlib
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import joblib
import nbformat
import psutil
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError

from tools.tidy import ROOT, page_notebooks

BUILD = ROOT / "_build"
CACHE = BUILD / ".jupyter_cache"
SECONDS_PER_CELL = 600  # ends a cell that hangs; nothing fails because a machine is slow

# On the book's small matrices more threads only wait for each other, and a sum split differently
# rounds differently.
ONE_BLAS_THREAD = {
    name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
}
# Pages run side by side, so each keeps to one core: joblib's `n_jobs=2` runs in the kernel itself.
ONE_CORE = {**ONE_BLAS_THREAD, "JOBLIB_MULTIPROCESSING": "0"}
# What a library is about to give up fails a page, as it fails a test. A kernel would only show it.
STRICT = (
    "import warnings; [warnings.simplefilter('error', kind) "
    "for kind in (DeprecationWarning, FutureWarning)]; del warnings"
)


def results_key(root=ROOT):
    """Hash of what a page's results depend on besides its code.

    That is Python, the lock, mtlkit, the results of the studies, and OpenBLAS's kernel if one is
    asked for.
    """
    digest = hashlib.sha256(f"{sys.version} {os.environ.get('OPENBLAS_CORETYPE')}".encode())
    studies = (root / "studies" / "results").glob("*.json")
    files = [*sorted((root / "mtlkit").rglob("*")), *sorted(studies)]
    for path in [root / "requirements.txt", *files]:
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def open_cache():
    return get_cache(CACHE)


def executed(path):
    """Return a page with its outputs, and the seconds of processor time it took.

    They come from the cache if the page ran there with everything as it is now. Otherwise the page
    is executed to its end, whatever fails in between, and stored if nothing did.
    """
    page = nbformat.read(path, as_version=4)
    cache, key = open_cache(), results_key()
    try:
        data = cache.match_cache_notebook(page).data
    except KeyError:
        data = {}
    if data.get("key") == key:
        return cache.merge_match_into_notebook(page)[1], data["process_seconds"]

    start = time.perf_counter()
    seconds = execute(page, path.parent)
    # If mtlkit changed while the page ran, no key tells what it ran with.
    if not any(map(fault, code_cells(page))) and results_key() == key:
        data = {"key": key, "process_seconds": seconds}
        data["execution_seconds"] = time.perf_counter() - start  # read by MyST-NB
        bundle = CacheBundleIn(page, str(path), data=data)
        cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
    return page, seconds


def execute(page, folder):
    """Run all cells of a page in place; return the processor time of the kernel in seconds."""
    seconds = 0.0

    def look_at_the_clock(**_):
        nonlocal seconds
        kernel = psutil.Process(client.km.provisioner.pid)
        seconds = sum(map(process_seconds, [kernel, *kernel.children(recursive=True)]))

    client = NotebookClient(
        page,
        allow_errors=True,
        timeout=SECONDS_PER_CELL,
        record_timing=False,  # times in its cells would make it another page for the cache
        resources={"metadata": {"path": str(folder)}},
        on_cell_executed=look_at_the_clock,
        # No advice about encryption, from every kernel.
        extra_arguments=["--log-level=ERROR", f"--IPKernelApp.exec_lines={STRICT}"],
    )
    try:
        # Kernels of a test run are those of a build.
        client.execute(env={**os.environ, **ONE_CORE, "SCIPY_ARRAY_API": "0"})
    except (CellTimeoutError, DeadKernelError) as error:
        for cell in code_cells(page)[client.code_cells_executed - 1 :]:
            cell.outputs = [
                nbformat.v4.new_output(
                    "error", ename=type(error).__name__, evalue="", traceback=[str(error)]
                )
            ]
    return seconds


def process_seconds(process):
    times = process.cpu_times()
    return times.user + times.system + times.children_user + times.children_system


def code_cells(page):
    return [cell for cell in page.cells if cell.cell_type == "code"]


def fault(cell):
    """What is wrong with an executed cell, as text; empty if nothing is."""
    errors = [output for output in cell.outputs if output.output_type == "error"]
    if "raises-exception" in cell.metadata.get("tags", []):
        return "" if errors else "the tag `raises-exception` is wrong: nothing was raised"
    return "\n".join(errors[0].traceback) if errors else ""


def forget_old():
    """Remove from the cache what another mtlkit, or other packages, computed."""
    cache, key = open_cache(), results_key()
    for record in cache.list_cache_records():
        if record.data.get("key") != key:
            cache.remove_cache(record.pk)


def main(arguments):
    """Execute pages, all without arguments; exit with what is wrong in one, if anything is."""
    paths = [Path(name).resolve() for name in arguments] or page_notebooks()
    forget_old()
    faults = []
    with ThreadPoolExecutor(joblib.cpu_count()) as pool:
        for path, (page, seconds) in zip(paths, pool.map(executed, paths), strict=True):
            name = path.relative_to(ROOT).as_posix()
            print(f"{seconds:7.1f} s of processor time  {name}", flush=True)
            found = [(cell.source, fault(cell)) for cell in code_cells(page) if fault(cell)]
            faults += [f"{name} failed\n\n{source}\n\n{text}\n" for source, text in found]
    if faults:
        sys.exit("\n".join(faults))


if __name__ == "__main__":
    main(sys.argv[1:])
