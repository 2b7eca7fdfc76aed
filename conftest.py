"""The package is tested anywhere; the book and its pages where the extra [book] is installed."""

from importlib.util import find_spec
from pathlib import Path

BOOK = find_spec("nbval") is not None and (Path(__file__).parent / "tests" / "book").exists()

pytest_plugins = ["tests.book.nbval_pages"] if BOOK else []
collect_ignore = [] if BOOK else ["tests/book", "tests/site"]
