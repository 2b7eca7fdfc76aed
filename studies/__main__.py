"""Run one study: ``python -m studies NAME``; of the trees' study one page: ``… boosted PAGE``."""

import argparse
import importlib
import os

# Products this small are slower on several threads, and runs must compare; set before numpy loads.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

parser = argparse.ArgumentParser(prog="python -m studies", description=__doc__)
STUDIES = [
    "angles",
    "boosted",
    "boosted_opponent",
    "coverage",
    "hospitals",
    "interval_per_task",
    "landmine",
    "molecules",
    "partial_pooling",
    "pupils",
    "scans",
    "school",
    "series",
    "showdown",
    "stores",
    "tables",
    "thread",
    "words",
]
parser.add_argument("study", choices=STUDIES)
parser.add_argument(
    "pages", nargs="*", help="of `boosted`, or tables of `boosted_opponent`; all without any"
)
asked = parser.parse_args()
study = importlib.import_module(f".{asked.study}", "studies")
if asked.study in ("boosted", "boosted_opponent"):
    study.run(asked.pages)
elif asked.pages:
    parser.error(f"the study {asked.study} takes no pages")
else:
    study.run()
