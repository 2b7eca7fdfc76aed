"""How long a page takes to read, computed: `tools.tidy` writes it into the line **Time**.

Words of the main text at 130 a minute, five seconds a line of code, a minute a formula and a
figure. Exercises have minutes of their own; claims and imports are folded on the site.
"""

import re

WORDS_A_MINUTE, SECONDS_A_LINE, STEP = 130, 5, 5
FORMULA = re.compile(r"\$\$.*?\$\$|^`{3,}\{math\}.*?^`{3,}", re.S | re.M)
DRAWN = re.compile(r"^`{3,}\{figure\}|^:{3,}\{figure\}|^!\[", re.M)
LINE = re.compile(r"(?<=^\*\*Time\*\*: about )\d+ minutes?(?= to read)", re.M)


def to_read(cells):
    """Minutes of the cells before the exercises, in steps of five."""
    words = lines = looks = 0
    for cell in cells:
        text, before = cell["source"], True
        if cell["cell_type"] == "code":
            if "figure" in cell["metadata"].get("mystnb", {}):
                looks += 1
            elif not {"claim", "imports"} & set(cell["metadata"].get("tags", [])):
                lines += sum(bool(line.strip()) for line in text.splitlines())
            continue
        found = re.search(r"^## Exercises$", text, re.M)
        if found:
            text, before = text[: found.start()], False
        looks += len(FORMULA.findall(text)) + len(DRAWN.findall(text))
        words += len(re.findall(r"[^\W\d_]+", FORMULA.sub("", text)))
        if not before:
            break
    minutes = words / WORDS_A_MINUTE + lines * SECONDS_A_LINE / 60 + looks
    return STEP * max(1, round(minutes / STEP))
