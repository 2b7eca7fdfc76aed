"""Run one study: ``python -m studies NAME``."""

import argparse
import importlib
import os

# Products this small are slower on several threads, and runs must compare; set before numpy loads.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

parser = argparse.ArgumentParser(prog="python -m studies", description=__doc__)
STUDIES = ["angles", "coverage", "landmine", "school", "showdown"]
parser.add_argument("study", choices=STUDIES)
importlib.import_module(f".{parser.parse_args().study}", "studies").run()
