"""Studies too long for a page. Each writes JSON to ``results/``, which is all the book reads."""
