"""Write the index of all exercises anew, and say what is missing in it.

`python tools/exercises.py` after an exercise was added, renamed or removed. Labels and titles come
from the notebooks; level, minutes and skill from `chapters/teaching/levels.yml`. The prose above
the marker line in `chapters/teaching/exercises.md` stays as it is.
"""

import re
import sys
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import nbformat
import yaml

ROOT = Path(__file__).resolve().parent.parent
TEACHING = ROOT / "chapters" / "teaching"
INDEX, LEVELS_FILE = TEACHING / "exercises.md", TEACHING / "levels.yml"
FEWEST = 3  # exercises of a page

MARKER = "% Everything below is written by tools/exercises.py from the notebooks and levels.yml.\n"
LEVELS = {
    "change": ("Change a number", "Turn one dial of the page, on paper or in a cell, and say why."),
    "explain": ("Explain", "No code, or hardly any: a reason, in two or three sentences."),
    "build": ("Build", "Write new code: a control, a method, a study of your own."),
}
EXERCISE = re.compile(r"^(?:`{3,}|:{3,})\{exercise(?:-start)?\} *(.*?)\n:label: *(\S+)", re.M)
SOLUTION = re.compile(r"^(?:`{3,}|:{3,})\{solution(?:-start)?\} *(\S+)", re.M)


class Page(NamedTuple):
    name: str  # from the root, with suffix
    title: str
    exercises: dict  # title by label
    solved: set  # labels with a solution


def read_page(name, notebook):
    """What the index needs of one notebook."""
    text = "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    title = re.search(r"^# (.+?)\s*$", text, re.M)[1]
    found = {label: title for title, label in EXERCISE.findall(text)}
    return Page(name, title, found, set(SOLUTION.findall(text)))


def reading_order(root=ROOT):
    """Chapter pages as names with suffix, as `_toc.yml` lists them; then those it does not list."""
    listed = re.findall(r"file: (\S+)", (root / "_toc.yml").read_text(encoding="utf-8"))
    place = {name: number for number, name in enumerate(listed)}
    found = [
        path.relative_to(root)
        for path in (root / "chapters").rglob("*")
        if path.suffix in (".md", ".ipynb")
        and path.stem != "index"
        and not {"teaching", ".ipynb_checkpoints"} & set(path.parts)
    ]
    found.sort(key=lambda path: (place.get(path.with_suffix("").as_posix(), len(place)), path))
    return [path.as_posix() for path in found]


def read_pages(root=ROOT):
    """All chapter notebooks, in reading order."""
    names = [name for name in reading_order(root) if name.endswith(".ipynb")]
    return [read_page(name, nbformat.read(root / name, as_version=4)) for name in names]


def read_levels(path=LEVELS_FILE):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def missing(pages, levels):
    """What keeps the index from being complete, as sentences."""
    problems = []
    for page in pages:
        if len(page.exercises) < FEWEST:
            problems.append(f"{page.name} has {len(page.exercises)} exercises, not {FEWEST}")
        for label in page.exercises:
            if label not in page.solved:
                problems.append(f"{label} in {page.name} has no solution")
            if label not in levels:
                problems.append(f"{label} in {page.name} needs a line in {LEVELS_FILE.name}")
    labels = Counter(label for page in pages for label in page.exercises)
    problems += [f"{label} is there {count} times" for label, count in labels.items() if count > 1]
    problems += [f"{label} is listed and on no page" for label in levels if label not in labels]
    for label, line in levels.items():
        if set(line) != {"level", "minutes", "skill"} or line["level"] not in LEVELS:
            problems.append(f"{label} needs level (one of {', '.join(LEVELS)}), minutes and skill")
    return problems


def index(pages, levels):
    """The tables, one for each level, as Markdown."""
    parts = []
    for number, (level, (name, what)) in enumerate(LEVELS.items(), start=1):
        rows = [
            (label, title, page, levels[label])
            for page in pages
            for label, title in page.exercises.items()
            if label in levels and levels[label]["level"] == level
        ]
        minutes = sum(line["minutes"] for *_, line in rows)
        parts += [
            f"## Level {number}: {name.lower()}\n",
            f"{what} {len(rows)} exercises, {minutes} minutes in all.\n",
            "| exercise | page | minutes | what it trains |\n|---|---|---|---|",
            *(
                f"| [{title}](#{label}) | [{page.title}](../{page.name.removeprefix('chapters/')}) "
                f"| {line['minutes']} | {line['skill']} |"
                for label, title, page, line in rows
            ),
            "",
        ]
    return "\n".join(parts)


def with_index(text, pages, levels):
    """The page `exercises.md` with its tables made anew, given as text."""
    prose, _, _ = text.partition(MARKER)
    return f"{prose.rstrip()}\n\n{MARKER}\n{index(pages, levels)}"


def main():
    pages, levels = read_pages(), read_levels()
    text = INDEX.read_text(encoding="utf-8")
    INDEX.write_text(with_index(text, pages, levels), encoding="utf-8", newline="\n")
    problems = missing(pages, levels)
    print(f"{INDEX.relative_to(ROOT)}: {sum(len(page.exercises) for page in pages)} exercises")
    sys.exit("\n".join(problems) if problems else 0)


if __name__ == "__main__":
    main()
