"""Ten million rows that are never held: memory, speed, and what a cluster makes of them.

One Parquet file of 10,000,000 rows, 50 features and 1,000 tasks is written to a temporary folder
(4 GB, deleted afterwards). `fit_chunks` fits it in a process of its own, whose peak memory is that
of the operating system. Then `fit_dask` fits it with one and with two workers, each a process with
one thread, and a model of cost is fitted to what they spend. Needs Dask, pandas and pyarrow.
"""

import json
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np

from .linear import RESULTS

ROWS, FEATURES, TASKS, PART = 10_000_000, 50, 1_000, 100_000
CUT = 5 * PART  # rows that are also fitted in memory
SETTINGS = {"alpha": 1.0, "coupling": 30.0, "task_col": "task"}
NAMES = [f"x{j}" for j in range(FEATURES)]


def write_rows(path, rows):
    """Tasks of different sizes, weights about a common mean, in random order."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(0)
    share = 1 / np.arange(1, TASKS + 1) ** 0.5
    W = rng.normal(0, 0.2, FEATURES) + rng.normal(0, 0.1, (TASKS, FEATURES))
    schema = pa.schema([("task", pa.int32()), *((n, pa.float64()) for n in [*NAMES, "y"])])
    settings = {"use_dictionary": ["task"], "compression": "none"}
    with pq.ParquetWriter(path, schema, **settings) as writer:
        for _ in range(rows // PART):
            task = rng.choice(TASKS, PART, p=share / share.sum())
            X = rng.standard_normal((PART, FEATURES))
            y = np.einsum("nd,nd->n", X, W[task]) + rng.standard_normal(PART)
            columns = dict(zip(NAMES, X.T, strict=True)) | {"y": y}
            writer.write_table(pa.table({"task": task.astype(np.int32)} | columns, schema=schema))


def by_chunks(path):
    """Seconds of reading, sums and solution, and the peak memory of a process in MB."""
    import resource

    from mtlkit.linear import MeanRegularizedRidge
    from mtlkit.scale import fit_chunks

    model, wall, start = MeanRegularizedRidge(**SETTINGS), time.perf_counter(), time.process_time()
    fit_chunks(model, path, target="y", chunk_rows=PART)
    whole, wall = time.process_time() - start, time.perf_counter() - wall
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    start = time.process_time()
    model._solve_moments(model.moments_)
    solve = time.process_time() - start
    read = seconds_of_reading(path)
    sums = whole - read - solve
    found = {"wall": wall, "whole": whole, "read": read, "sums": sums, "solve": solve}
    found["peak MB"] = peak
    return {name: round(value, 2) for name, value in found.items()}


def seconds_of_reading(path):
    """Of the file into tables of numbers, without a model."""
    from mtlkit.linear import MeanRegularizedRidge
    from mtlkit.scale._source import Source

    source = Source(path, MeanRegularizedRidge(**SETTINGS), "y", None, None)
    start = time.process_time()
    for table in source.chunks(PART):
        source.parts(table)
    return time.process_time() - start


def against_memory(path):
    """The largest difference of weights from those of a fit on the first rows at once."""
    import pyarrow.dataset as ds

    from mtlkit.linear import MeanRegularizedRidge
    from mtlkit.scale import fit_chunks

    table = ds.dataset(path).head(CUT)
    chunks = fit_chunks(MeanRegularizedRidge(**SETTINGS), ds.dataset(table), target="y")
    whole = MeanRegularizedRidge(**SETTINGS).fit(table.drop_columns("y"), table["y"].to_numpy())
    return float(np.abs(chunks.coef_ - whole.coef_).max())


def on_cluster(path, workers):
    """Seconds of `fit_dask`, where its workers spend them, and the bytes that travel."""
    import dask.dataframe as dd
    from distributed import Client, LocalCluster, get_task_stream

    from mtlkit.linear import MeanRegularizedRidge
    from mtlkit.scale import fit_dask

    rows = dd.read_parquet(path, split_row_groups=1)
    X, y = rows.drop(columns="y"), rows["y"]
    settings = {"n_workers": workers, "threads_per_worker": 1, "host": "127.0.0.1"}
    with LocalCluster(dashboard_address=None, **settings) as cluster, Client(cluster) as client:
        fit_dask(MeanRegularizedRidge(**SETTINGS), X.partitions[:2], y.partitions[:2])  # imports
        client.run(forget_transfers)
        before, own = client.run(time.process_time), time.process_time()
        with get_task_stream(client) as stream:
            start = time.perf_counter()
            model = fit_dask(MeanRegularizedRidge(**SETTINGS), X, y)
            seconds = time.perf_counter() - start
        after, own = client.run(time.process_time), time.process_time() - own
        moved = sum(client.run(bytes_received).values())
    busy = [after[worker] - before[worker] for worker in before]
    spent = {}
    for task in stream.data:
        for part in task["startstops"]:
            kind = part["action"]
            if kind == "compute":
                kind = "sums" if "sum" in str(task["key"]) else "moments"
            spent[kind] = spent.get(kind, 0.0) + part["stop"] - part["start"]
    start = time.process_time()
    model._solve_moments(model.moments_)
    solve = time.process_time() - start
    # A worker's processor seconds, by the shares of its seconds on the wall.
    share = sum(busy) / sum(spent.values())
    return {
        "wall": seconds,
        "busiest worker": max(busy),
        "scheduler and client": own - solve,
        "solve": solve,
        "workers": {kind: share * value for kind, value in sorted(spent.items())},
        "MB between workers": moved / 1e6,
        "MB to the client": sum(array.nbytes for array in vars(model.moments_).values()) / 1e6,
        "tasks": len(stream.data),
        "parts": X.npartitions,
    }


def forget_transfers(dask_worker):
    dask_worker.transfer_incoming_log.clear()


def bytes_received(dask_worker):
    return sum(entry["total"] for entry in dask_worker.transfer_incoming_log)


def cost_model(one, two):
    """What the parts of a fit cost, from the runs with one and with two workers.

    seconds(N, P) = N row / P + K part + S (merge + MB fetch) + solve, for N rows in K parts and P
    workers, each with a processor for itself. S is the longest row of sums that wait for each
    other, 8 ⌈log_8 K⌉, or what there is for each worker, 8/7 K / P, if that is more. The scheduler
    hands out the parts one after another.
    """
    parts = one["parts"]
    return {
        "row": one["workers"]["moments"] / ROWS,
        "merge": one["workers"]["sums"] / parts,
        "part": one["scheduler and client"] / parts,
        "solve": one["solve"],
        "MB": one["MB to the client"],
        "fetch": two["workers"]["transfer"] / two["MB between workers"],
    }


def predicted(cost, rows, workers, part=PART):
    """What the cost model says, in seconds of each kind; `part` rows in a part."""
    parts = max(rows / part, 1)
    used = min(parts, workers)
    longest = max(8 * np.ceil(np.log(parts) / np.log(8)), 8 / 7 * parts / used)
    fetch = cost["MB"] * cost["fetch"] if used > 1 else 0.0
    found = {
        "rows": rows * cost["row"] / used,
        "scheduler": parts * cost["part"],
        "sums": longest * cost["merge"],
        "fetching": longest * fetch,
        "solution": cost["solve"],
    }
    return found | {"all": sum(found.values())}


def in_process(work, *arguments):
    """What a function of this module returns in a process of its own."""
    code = (
        f"import json; from benchmarks.scale import {work}; print(json.dumps({work}(*{arguments})))"
    )
    found = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=True)
    return json.loads(found.stdout)


def run():
    """Measure and write ``scale.json``."""
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder, "rows.parquet"))
        write_rows(path, ROWS)
        size = Path(path).stat().st_size / 1e9
        chunks, differ = in_process("by_chunks", path), in_process("against_memory", path)
        one, two = on_cluster(path, 1), on_cluster(path, 2)
    cost = cost_model(one, two)
    table = [
        {"rows": rows, "workers": workers, "rows of a part": part}
        | {"seconds": predicted(cost, rows, workers, part)}
        for rows, part in ((10**7, PART), (10**9, PART), (10**11, PART), (10**11, 100 * PART))
        for workers in (1, 10, 100, 1000)
    ]
    packages = ("numpy", "scipy", "scikit-learn", "pyarrow", "dask", "distributed")
    result = {
        "command": "python -m benchmarks scale",
        "clock": "processor seconds, one thread in each process; wall where it says so",
        "versions": {package: version(package) for package in packages},
        "rows": ROWS,
        "features": FEATURES,
        "tasks": TASKS,
        "rows of a part": PART,
        "GB of the file": size,
        "one process": chunks | {"rows per second": ROWS / chunks["whole"]},
        "largest difference to a fit in memory": differ,
        "rows of that fit": CUT,
        "one worker": one,
        "two workers": two,
        "speed-up of two workers": one["busiest worker"] / two["busiest worker"],
        "cost": cost,
        "predicted": table,
    }
    result = rounded(result)
    (RESULTS / "scale.json").write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


def rounded(value):
    """Floats with four digits, wherever they stand."""
    if isinstance(value, dict):
        return {key: rounded(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [rounded(entry) for entry in value]
    return float(f"{value:.4g}") if isinstance(value, float) else value
