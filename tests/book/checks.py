"""What a page, its bibliography and the package must look like, one function per rule.

A check takes what it looks at (a notebook, a text) and returns the problems it finds, as sentences.
`test_checks.py` shows each of them something bad; `test_pages.py` runs them on the book.
"""

import ast
import builtins
import re
from collections import Counter
from itertools import pairwise

SECONDS_PER_PAGE = 20  # of processor time: told, never a failure
LINES_PER_CELL = 15
COLUMNS = 72  # what fits between the sidebars, and what a slide shows
SHORTEST_ALT_TEXT = 40

LAST_SECTIONS = ["Exercises", "Summary", "What is next", "References"]
TIME_LINE = re.compile(
    r"^\*\*Time\*\*: about \d+ minutes? to read, about \d+ seconds? to run\.$", re.M
)
LOCAL_BIBLIOGRAPHY = re.compile(r"^```\{bibliography\}\n:filter: docname in docnames\n```", re.M)

# What a page must not do, as patterns in its code.
FORBIDDEN_CODE = {
    r"^\s*[%!]": "a magic or shell command",
    r"\bpip3? install\b|\bconda install\b": "an installation",
    r"https?://|\burllib\b|\brequests\b|\bhttpx\b|\bsocket\b|\bfetch_\w+\(": "a network access",
    # A page may say that boosted trees are no candidate, since they would take minutes.
    r'\bsimplefilter\b|\bfilterwarnings\b(?!\("ignore", "no candidate is boosted"\))|'
    r"\bcatch_warnings\b": "a silenced warning",
    r";[ \t]*$": "a semicolon at the end of a line (nbval and Jupyter treat it differently)",
    r"\bdefault_rng\(\s*\)|\bnp\.random\.(?!default_rng|Generator)\w+\(": "randomness without SEED",
}
# What must not be left in a text that a reader sees.
LEFT_OVER = re.compile(r"\b(TODO|FIXME|XXX|TBD)\b|lorem ipsum|(?<![\w.])/(?:tmp|root|home)/", re.I)


def markdown_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "markdown"]


def code_cells(notebook, tag=None):
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return [cell for cell in cells if tag is None or tag in tags(cell)]


def tags(cell):
    return cell.metadata.get("tags", [])


def first_line(cell):
    return cell.source.partition("\n")[0]


def headings(notebook, level=2):
    pattern = re.compile(rf"^{'#' * level} (.+?)\s*$", re.M)
    texts = (without_fences(cell.source) for cell in markdown_cells(notebook))
    return [heading for text in texts for heading in pattern.findall(text)]


def without_fences(text):
    return re.sub(r"^(`{3,}).*?^\1", "", text, flags=re.M | re.S)


# Anatomy -----------------------------------------------------------------------------------------


def opening(notebook):
    """Title and problem, then objectives, prerequisites and time."""
    cells = notebook.cells
    if len(cells) < 2 or any(cell.cell_type != "markdown" for cell in cells[:2]):
        return ["the first two cells must be Markdown: title and problem, then objectives"]
    problems = []
    blocks = [block for block in cells[0].source.split("\n\n") if block.strip()]
    if not blocks[0].startswith("# ") or len(headings(notebook, level=1)) != 1:
        problems.append("the page must begin with `# Title`, its only heading of that level")
    if len(blocks) != 2:
        problems.append(f"the title must be followed by one paragraph, not {len(blocks) - 1}")

    text = cells[1].source
    if not text.startswith("## Objectives\n") or "ou will be able to" not in text:
        problems.append("the second cell must begin `## Objectives`, 'You will be able to'")
    objectives, _, needs = text.partition("## Before you start\n")
    if len(re.findall(r"^[-*] ", objectives, re.M)) < 2:
        problems.append("'You will be able to' must be followed by a list of two verbs or more")
    rows = [
        [part.strip() for part in line.strip("| ").split("|")]
        for line in needs.splitlines()
        if line.startswith("|")
    ]
    if not rows or rows[0] != ["What you need", "Why", "How much"] or len(rows) < 3:
        problems.append("'Before you start' must hold a table: What you need | Why | How much")
    for row in rows[2:]:
        if row[-1] not in ("necessary", "helpful"):
            problems.append(f"'How much' must be necessary or helpful, not {row[-1]!r}")
    if rows and not re.search(r"\]\(|\{(doc|ref|term)\}", needs):
        problems.append("the table of prerequisites must link to what it names")
    if not TIME_LINE.search(text):
        problems.append("missing: **Time**: about N minutes to read, about S seconds to run.")
    return problems


def imports(notebook):
    """One cell imports, sets the style and the seed; no other cell imports."""
    code = code_cells(notebook)
    if not code or "imports" not in tags(code[0]):
        return ["the first code cell must import, with the tag `imports`"]
    problems = []
    for name in (r"^use_style\(\)$", r"^SEED = \d+$"):
        if not re.search(name, code[0].source, re.M):
            problems.append(f"the import cell must hold a line {name}")
    for cell in code[1:]:
        # A listing shown because it fails keeps its own imports.
        if "raises-exception" not in tags(cell) and any(
            isinstance(node, (ast.Import, ast.ImportFrom)) for node in walk(cell)
        ):
            problems.append(f"imports belong in the first code cell: {first_line(cell)!r}")
    return problems


def sections(notebook):
    """The sections that every page has, in their order."""
    found = headings(notebook)
    problems = []
    for begin in ("Where it fails", "In practice"):
        if sum(heading.startswith(begin) for heading in found) != 1:
            problems.append(f"there must be one section `## {begin}`")
    if found[-len(LAST_SECTIONS) :] != LAST_SECTIONS:
        problems.append(f"the page must end with {LAST_SECTIONS}, not {found[-4:]}")
    text = "\n".join(cell.source for cell in markdown_cells(notebook))
    if not LOCAL_BIBLIOGRAPHY.search(text):
        problems.append("References must hold {bibliography} with `:filter: docname in docnames`")
    summary = re.search(r"^## Summary\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    count = len(re.findall(r"[.!?](?=\s|$)", summary[1])) if summary else 0
    if not 1 <= count <= 5:
        problems.append(f"the summary must have one to five sentences, not {count}")
    return problems


def exercises(notebook):
    """Three to five exercises, each with a collapsed solution, two of them in code."""
    problems, labels, solutions, with_code = [], [], [], set()
    inside = None  # the label of the gated solution that is open
    for cell in notebook.cells:
        if cell.cell_type == "code":
            if inside:
                with_code.add(inside)
            continue
        for fence, name, title, body in re.findall(
            r"^(`{3,}|:{3,})\{(exercise(?:-start)?|solution(?:-start|-end)?)\} *(.*?)\n(.*?)^\1",
            cell.source,
            re.M | re.S,
        ):
            if name.startswith("exercise"):
                label = re.search(r"^:label: *(\S+)", body, re.M)
                labels.append(label[1] if label else None)
                if label is None:
                    problems.append(f"an exercise needs a :label: ({title or fence})")
            elif name == "solution-end":
                inside = None
            else:
                solutions.append(title.strip())
                inside = title.strip() if name == "solution-start" else None
                if not re.search(r"^:class:.*\bdropdown\b", body, re.M):
                    problems.append(f"the solution of {title.strip()} needs `:class: dropdown`")
    if not 3 <= len(labels) <= 5:
        problems.append(f"there must be three to five exercises, not {len(labels)}")
    if labels != solutions:
        problems.append(f"exercises {labels} and solutions {solutions} must pair up in order")
    if len(with_code) < 2:
        problems.append(f"two solutions or more must hold code, not {len(with_code)}")
    return problems


def claims(notebook):
    """Two claim cells or more, each with an assert that can fail."""
    problems = []
    cells = code_cells(notebook, tag="claim")
    if len(cells) < 2:
        problems.append(f"there must be two cells or more with the tag `claim`, not {len(cells)}")
    for cell in cells:
        asserts = [node for node in walk(cell) if isinstance(node, ast.Assert)]
        # A constant never fails, nor does `assert (claim, "message")`, a tuple.
        if not asserts or any(isinstance(node.test, (ast.Constant, ast.Tuple)) for node in asserts):
            problems.append(f"a claim cell must assert something: {first_line(cell)!r}")
        for node in asserts:
            if not any(computed(part) for part in ast.walk(node.test)):
                problems.append(f"a claim about constants can't fail: {ast.unparse(node)!r}")
    for cell in code_cells(notebook):
        compared = [node for node in walk(cell) if isinstance(node, ast.Compare)]
        if any(
            isinstance(part, ast.Name) and part.id == "SEED"
            for node in compared
            for part in [node.left, *node.comparators]
        ):
            problems.append(f"a branch on SEED: {first_line(cell)!r}")
    return problems


def computed(node):
    """Whether part of an expression is a name that the page gave to something."""
    return isinstance(node, ast.Name) and node.id not in {*dir(builtins), "np", "pd"}


# The reader --------------------------------------------------------------------------------------


def pictures(notebook):
    """The data and the mechanism are drawn before the first formula on a line of its own."""
    drawn = 0
    for cell in notebook.cells:
        if cell.cell_type == "code":
            drawn += draws(cell)
        elif re.search(r"^\$\$", cell.source, re.M):
            break
        else:
            drawn += cell.source.count("```{figure}")
    return [] if drawn >= 2 else [f"{drawn} pictures before the first formula, not two"]


def quiz(notebook):
    """Three to five questions before the exercises, their answers folded below them."""
    text = "\n\n".join(cell.source for cell in markdown_cells(notebook))
    found = re.search(
        r"^## Quiz\n(.*?)^```\{admonition\} Answers\n(.*?)^```\s+^## ", text, re.M | re.S
    )
    if not found:
        return ["there must be a section `## Quiz` with an admonition of answers at its end"]
    asked, answered = (re.findall(r"^(\d)\. ", part, re.M) for part in found.groups())
    problems = []
    if not 3 <= len(asked) <= 5 or asked != answered:
        problems.append(f"{len(asked)} questions and {len(answered)} answers")
    if not found[2].startswith(":class: dropdown\n"):
        problems.append("the answers of the quiz need `:class: dropdown`")
    return problems


def predictions(notebook):
    """A question before the cell that answers it, with its answer folded."""
    text = "\n\n".join(cell.source for cell in markdown_cells(notebook))
    asked = len(re.findall(r"^```\{admonition\} Predict first\n:class: tip\n", text, re.M))
    answered = len(re.findall(r"^```\{admonition\} Answer\n:class: dropdown\n", text, re.M))
    if not asked or asked > answered:
        return [f"{asked} questions to predict, {answered} folded answers"]
    return []


# Code and figures --------------------------------------------------------------------------------


def walk(cell):
    return ast.walk(ast.parse(cell.source))


def code(notebook):
    """Short cells of plain Python that stay on this machine."""
    problems = []
    for cell in code_cells(notebook):
        lines = cell.source.splitlines()
        if len(lines) > LINES_PER_CELL and "imports" not in tags(cell):
            problems.append(f"{len(lines)} lines, more than {LINES_PER_CELL}: {first_line(cell)!r}")
        problems += [
            f"{len(line)} columns, more than {COLUMNS}: {line!r}"
            for line in lines
            if len(line) > COLUMNS
        ]
        for pattern, what in FORBIDDEN_CODE.items():
            match = re.search(pattern, cell.source, re.M)
            if match:
                problems.append(f"{what}: {match[0].strip()!r} in {first_line(cell)!r}")
    return problems


def dial(cell):
    """Whether the last line of a cell is a dial, which shows itself."""
    last = ast.parse(cell.source).body[-1]
    return isinstance(last, ast.Expr) and ast.unparse(last).startswith("Dial(")


def draws(cell):
    """Whether running the cell makes a figure; defining a function that would does not."""
    if dial(cell):
        return True
    body = ast.parse(cell.source).body
    run = [ast.unparse(node) for node in body if not isinstance(node, ast.FunctionDef)]
    return re.search(r"\bplt\.(show|figure|subplots)\(|\.plot\(", "\n".join(run)) is not None


def figures(notebook):
    """Every figure has a caption, a name, and a text for those who do not see it."""
    problems, names = [], []
    for cell in code_cells(notebook):
        if not draws(cell):
            continue
        where = first_line(cell)
        if not cell.source.rstrip().endswith("plt.show()") and not dial(cell):
            problems.append(f"a cell that draws must end with plt.show() or a dial: {where!r}")
        settings = cell.metadata.get("mystnb", {})
        alt = settings.get("image", {}).get("alt", "")
        caption = settings.get("figure", {}).get("caption", "")
        name = settings.get("figure", {}).get("name", "")
        if len(alt) < SHORTEST_ALT_TEXT and not dial(cell):  # which cannot be made without
            problems.append(f"alt text must say what is seen, not {alt!r}: {where!r}")
        if not caption.strip():
            problems.append(f"a figure needs a caption: {where!r}")
        if not name.startswith("fig-"):
            problems.append(f"a figure needs a name that begins with fig-, not {name!r}: {where!r}")
        elif name in names:
            problems.append(f"two figures are named {name!r}")
        names.append(name)
    return problems


def stored(text, tidy):
    """The file is in the form that `tidy` gives it: no outputs, stable ids, no editor's data."""
    if text == tidy(text):
        return []
    return ["the notebook is not in its stored form: run `make tidy`"]


# The book as a whole -----------------------------------------------------------------------------


def left_over(text):
    """Words that an author leaves for later, and paths of the author's machine."""
    return [f"left over: {match[0]!r}" for match in LEFT_OVER.finditer(text)]


def citations(pages, bibliography):
    """Every citation has its entry and every entry its citation; `pages` is {name: text}."""
    entries = re.findall(r"^@\w+\{\s*([^,\s]+),", bibliography, re.M)
    cited = {
        key.strip(): name
        for name, text in pages.items()
        for group in re.findall(r"\{cite(?::\w+)?\}`([^`]+)`", text)
        for key in re.sub(r"\{[^}]*\}", "", group).split(",")
    }
    problems = [
        f"{name} cites {key}, which the bibliography does not hold"
        for key, name in cited.items()
        if key not in entries
    ]
    problems += [f"no page cites {key}" for key in entries if key not in cited]
    problems += [f"{key} is there twice" for key, count in Counter(entries).items() if count > 1]
    return problems


def listed_pages(toc):
    """Names of all pages in the (parsed) table of contents."""
    if isinstance(toc, list):
        return set().union(*map(listed_pages, toc))
    below = (listed_pages(toc[key]) for key in ("parts", "chapters", "sections") if key in toc)
    return {toc[key] for key in ("root", "file") if key in toc}.union(*below)


def contents(listed, stored_pages):
    """The table of contents and the folder hold the same pages (names without suffix)."""
    problems = [f"{page} is in _toc.yml but no such file exists" for page in listed - stored_pages]
    problems += [f"{page} is a page but not in _toc.yml" for page in stored_pages - listed]
    return sorted(problems)


def terms(text, glossary):
    """Every {term} of a page stands in the glossary."""
    known = set()
    for block in re.findall(r"^(`{3,}|:{3,})\{glossary\}\n(.*?)^\1", glossary, re.M | re.S):
        lines = [line for line in block[1].splitlines() if re.match(r"[^\s:]", line)]
        known |= {line.partition(" : ")[0].strip().lower() for line in lines}
    used = [
        " ".join(term.split()) for term in re.findall(r"\{term\}`(?:[^`<]*<)?([^`<>]+)>?`", text)
    ]
    return [f"{term!r} is not in the glossary" for term in used if term.lower() not in known]


def table_heads(text):
    """Every column of a table is named by a word: a formula alone is not read aloud."""
    lines = text.splitlines()
    heads = [
        head
        for head, rule in pairwise(lines)
        if head.startswith("|") and re.fullmatch(r"\|[\s:|-]+\|", rule.strip())
    ]
    cells = [(head, cell) for head in heads for cell in head.strip().strip("|").split("|")]
    return [
        f"a column without a word in its head: {head!r}"
        for head, cell in cells
        if not re.search(r"\w", re.sub(r"\$[^$]*\$", "", cell))
    ]
