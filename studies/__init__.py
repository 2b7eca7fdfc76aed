"""Long experiments that pages of the book read; each writes ``studies/results/NAME.json``."""
