"""Transfer beside peers on the same work: aligning two domains, and adapting a forest."""

import json
from pathlib import Path

from . import transfer_alignment, transfer_forest

RESULTS = Path(__file__).parent / "results"


def run():
    """Measure both, print, and write ``results/transfer.json``."""
    aligned = transfer_alignment.run()
    result = {
        "command": "python -m benchmarks transfer",
        "alignment": aligned["rows"],
        "forest": transfer_forest.run(),
        "skipped": aligned["skipped"],
        "versions": aligned["versions"],
    }
    (RESULTS / "transfer.json").write_text(json.dumps(result, indent=1) + "\n")
