"""The package is tested anywhere; the book and its pages where the extra [book] is installed."""

from importlib.util import find_spec

BOOK = find_spec("nbval") is not None

pytest_plugins = ["tests.book.nbval_pages"] if BOOK else []
collect_ignore = [] if BOOK else ["tests/book", "tests/site"]
