"""Settings of the tests of the package, made before numpy, scipy and hypothesis are first used."""

import os
from collections import Counter

# On small matrices more threads only wait for each other, and a sum split differently rounds
# differently.
os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
# Without it scikit-learn's check_estimator skips its array API check.
os.environ["SCIPY_ARRAY_API"] = "1"

from hypothesis import settings

settings.register_profile("mtlkit", max_examples=30, deadline=None, derandomize=True, database=None)
settings.load_profile("mtlkit")


def pytest_terminal_summary(terminalreporter):
    """How many cells of the matrix of awkward tables came out how, over all workers."""
    counts = Counter()
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        counts.update(dict(report.user_properties).get("awkward_tables", {}))
    if counts:
        shown = ", ".join(f"{n} {verdict}" for verdict, n in counts.most_common())
        terminalreporter.write_line(f"awkward tables: {counts.total()} cells: {shown}")
