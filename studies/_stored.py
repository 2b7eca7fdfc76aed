"""Where studies keep their results, and how: JSON, a list of plain values on one line."""

import json
import re
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


def as_text(result):
    """A result as JSON."""
    text = json.dumps(result, indent=1, ensure_ascii=False)
    return re.sub(r"\[[^\[\]{}]*\]", lambda plain: " ".join(plain[0].split()), text) + "\n"


def write(name, result):
    """Store a result as ``results/NAME.json``; return what was written."""
    text = as_text(result)
    (RESULTS / f"{name}.json").write_text(text, encoding="utf-8")
    return text
