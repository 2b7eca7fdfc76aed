"""Run one benchmark: ``python -m benchmarks NAME``."""

import argparse
import importlib
import os

# Products this small are slower on several threads, and runs must compare; set before numpy loads.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
BENCHMARKS = ["compare", "linear", "many", "mixed", "neural", "scale", "search", "transfer"]
parser.add_argument("benchmark", choices=BENCHMARKS)
importlib.import_module(f".{parser.parse_args().benchmark}", "benchmarks").run()
