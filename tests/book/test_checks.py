"""Each check finds nothing on a good page, and finds the one thing that is bad on a bad one."""

import json

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tests.book import checks
from tools.tidy import tidy

FIGURE = {
    "image": {"alt": "Two lines cross where both tasks have thirty labels."},
    "figure": {"caption": "Where the lines cross.", "name": "fig-cross"},
}
EXERCISE = "```{exercise} Turn it\n:label: ex-%s\nTry.\n```"
SOLUTION = "```{solution-start} ex-%s\n:class: dropdown\n```"

PREDICT = """```{admonition} Predict first
:class: tip
Which line is higher?
```

```{admonition} Answer
:class: dropdown
The upper one.
```"""
QUIZ = """## Quiz

1. Why?
2. When?
3. Where?

```{admonition} Answers
:class: dropdown
1. So.
2. Now.
3. Here.
```"""


def good_page():
    text, code = new_markdown_cell, new_code_cell
    return new_notebook(
        cells=[
            text("# Does it help?\n\nYou have few labels."),
            text(
                "## Objectives\n\nYou will be able to\n\n- say so;\n- measure it.\n\n"
                "## Before you start\n\n| What you need | Why | How much |\n|---|---|---|\n"
                "| [Words](words.md) | to read on | necessary |\n\n"
                "**Time**: about 5 minutes to read, about 5 seconds to run."
            ),
            code(
                "import matplotlib.pyplot as plt\n\nuse_style()\nSEED = 0",
                metadata={"tags": ["imports"]},
            ),
            text("## A case\n\n```python\n# a comment, no heading\n```"),
            code("plt.plot([0, 1])\nplt.show()", metadata={"mystnb": FIGURE}),
            code("gain = 1\nassert gain > 0", metadata={"tags": ["claim"]}),
            text("```{figure} flow.svg\n:name: fig-flow\n```\n\n" + PREDICT),
            text("$$\nx = 1\n$$ (eq-x)"),
            text("## Where it fails\n\nThere."),
            code("1 / 0", metadata={"tags": ["raises-exception"]}),
            code("assert gain < 2", metadata={"tags": ["claim"]}),
            text("## In practice\n\nDo it."),
            text(QUIZ),
            text("## Exercises\n\n" + EXERCISE % 1),
            text(SOLUTION % 1),
            code("2 * gain"),
            text("```{solution-end}\n```\n\n" + EXERCISE % 2),
            text(SOLUTION % 2),
            code("3 * gain"),
            text("```{solution-end}\n```\n\n" + EXERCISE % 3),
            text("```{solution} ex-3\n:class: dropdown\nBecause.\n```"),
            text(
                "## Summary\n\nIt helps. Not always.\n\n## What is next\n\n[More](more.md)\n\n"
                "## References\n\n```{bibliography}\n:filter: docname in docnames\n```"
            ),
        ]
    )


def replaced(old, new):
    """The good page with one text replaced, wherever it stands: in a cell or in metadata."""
    page = json.dumps(good_page())
    old, new = (json.dumps(text)[1:-1] for text in (old, new))
    assert old in page
    return nbformat.from_dict(json.loads(page.replace(old, new)))


CHECKS = [
    checks.opening,
    checks.imports,
    checks.sections,
    checks.exercises,
    checks.claims,
    checks.code,
    checks.figures,
]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_good_page(check):
    assert check(good_page()) == []


@pytest.mark.parametrize(
    ("check", "old", "new", "problem"),
    [
        (checks.opening, "# Does it help?", "Does it help?", "must begin with `# Title`"),
        (checks.opening, "few labels.", "few labels.\n\nAnd more.", "one paragraph, not 2"),
        (checks.opening, "## Objectives", "## Aims", "begin `## Objectives`"),
        (checks.opening, "- say so;\n", "", "list of two verbs"),
        (checks.opening, "| Why |", "| What for |", "must hold a table"),
        (checks.opening, "necessary", "nice", "not 'nice'"),
        (checks.opening, "[Words](words.md)", "Words", "must link"),
        (checks.opening, "about 5 seconds", "some seconds", "missing: **Time**"),
        (checks.imports, "imports", "setup", "the first code cell must import"),
        (checks.imports, "use_style()\n", "", "use_style"),
        (checks.imports, "SEED = 0", "SEED = None", "SEED"),
        (checks.imports, "2 * gain", "import this", "imports belong in the first"),
        (checks.sections, "## Where it fails", "## Limits", "`## Where it fails`"),
        (checks.sections, "## In practice", "## Use", "`## In practice`"),
        (checks.sections, "## What is next", "## Next", "the page must end with"),
        (checks.sections, ":filter: docname in docnames\n", "", "{bibliography}"),
        (checks.sections, "It helps. Not", "It. It. It. It. It. Not", "not 6"),
        (checks.exercises, EXERCISE % 3, "", "not 2"),
        (checks.exercises, ":label: ex-3\n", "", "needs a :label:"),
        (checks.exercises, "{solution} ex-3", "{solution} ex-4", "must pair up"),
        (checks.exercises, "ex-1\n:class: dropdown", "ex-1", "needs `:class: dropdown`"),
        (checks.exercises, SOLUTION % 1, "Thus:", "hold code, not 1"),
        (checks.claims, "claim", "aside", "not 0"),
        (checks.claims, "assert gain < 2", "gain < 2", "must assert something"),
        (checks.claims, "assert gain < 2", "assert True", "must assert something"),
        (checks.claims, "assert gain < 2", "assert (gain < 2, 'small')", "must assert something"),
        (checks.claims, "assert gain < 2", "assert np.sqrt(2) < len([1, 2])", "about constants"),
        (checks.claims, "assert gain < 2", "assert gain < (2 if SEED == 0 else 9)", "on SEED"),
        (checks.pictures, "```{figure} flow.svg", "```{image} flow.svg", "1 pictures"),
        (checks.pictures, "## A case", "$$y$$", "0 pictures"),
        (checks.quiz, "## Quiz", "## Questions", "must be a section `## Quiz`"),
        (checks.quiz, "3. Where?", "", "2 questions and 3 answers"),
        (checks.quiz, "3. Here.", "", "3 questions and 2 answers"),
        (checks.quiz, "Answers\n:class: dropdown", "Answers\n:class: tip", "`:class: dropdown`"),
        (checks.predictions, "Predict first", "Think", "0 questions to predict"),
        (checks.predictions, "} Answer\n", "} Hint\n", "1 questions to predict, 0"),
        (checks.code, "2 * gain", "2 * gain" + " + 1" * 20, "88 columns, more than 72"),
        (checks.code, "2 * gain", "gain\n" * 16, "16 lines, more than 15"),
        (checks.code, "2 * gain", "%timeit gain", "a magic or shell command"),
        (checks.code, "2 * gain", "!ls", "a magic or shell command"),
        (checks.code, "2 * gain", "os.system('pip install x')", "an installation"),
        (checks.code, "2 * gain", "read('https://example.org')", "a network access"),
        (checks.code, "2 * gain", "fetch_openml('iris')", "a network access"),
        (checks.code, "2 * gain", "warnings.simplefilter('ignore')", "a silenced warning"),
        (checks.code, "2 * gain", "2 * gain;", "a semicolon"),
        (checks.code, "2 * gain", "np.random.default_rng()", "randomness without SEED"),
        (checks.code, "2 * gain", "np.random.rand(3)", "randomness without SEED"),
        (checks.figures, "plt.show()", "plt.legend()", "must end with plt.show()"),
        (checks.figures, FIGURE["image"]["alt"], "A figure.", "alt text must say"),
        (checks.figures, FIGURE["figure"]["caption"], "", "needs a caption"),
        (checks.figures, "fig-cross", "cross", "begins with fig-"),
    ],
)
def test_bad_page(check, old, new, problem):
    assert problem in "\n".join(check(replaced(old, new)))


def test_a_function_that_would_draw_is_no_figure():
    assert checks.figures(replaced("2 * gain", "def draw(ax):\n    ax.plot(gain)")) == []
    assert checks.figures(replaced("2 * gain", "ax.plot(gain)")) != []


def test_two_figures_of_one_name():
    page = good_page()
    page.cells.append(page.cells[4])
    assert checks.figures(page) == ["two figures are named 'fig-cross'"]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda page: page.cells[2].update(execution_count=1),
        lambda page: page.cells[2].update(outputs=[nbformat.v4.new_output("stream", text="1")]),
        lambda page: page.cells[2].metadata.update(collapsed=True),
        lambda page: page.cells[2].update(id="0123abcd"),
        lambda page: page.metadata.update(widgets={}),
        lambda page: page.metadata.kernelspec.update(name="my-kernel"),
        lambda page: page.update(nbformat_minor=4),
    ],
    ids=["count", "output", "cell metadata", "id", "widget state", "kernel", "format"],
)
def test_stored_form(spoil):
    text = tidy(nbformat.writes(good_page()))
    assert checks.stored(text, tidy) == []
    page = nbformat.reads(text, as_version=4)
    spoil(page)
    assert checks.stored(json.dumps(page), tidy) != []


def test_tidy_keeps_what_the_page_says():
    page = good_page()
    page.cells += [new_code_cell("print()"), new_code_cell("print()"), new_code_cell("")]
    text = tidy(nbformat.writes(page))
    stored = nbformat.reads(text, as_version=4)
    assert tidy(text) == text
    assert [cell.source for cell in stored.cells] == [cell.source for cell in page.cells[:-1]]
    assert [cell.metadata for cell in stored.cells] == [cell.metadata for cell in page.cells[:-1]]
    assert len({cell.id for cell in stored.cells}) == len(stored.cells)


def test_left_over():
    assert checks.left_over("Nothing is left to do.") == []
    assert checks.left_over("TODO: more") == ["left over: 'TODO'"]
    assert checks.left_over("see /home/me/book") == ["left over: '/home/'"]


def test_citations():
    bibliography = "@article{ann2010,\n title={A}\n}\n@misc{bo2020,\n title={B}\n}\n"
    good = {"a": "{cite}`ann2010` and {cite:t}`bo2020, ann2010`"}
    assert checks.citations(good, bibliography) == []
    assert checks.citations({"a": "{cite}`ann2010,cy1999`"}, bibliography) == [
        "a cites cy1999, which the bibliography does not hold",
        "no page cites bo2020",
    ]
    assert checks.citations(good, bibliography * 2) != []


def test_contents():
    toc = {"root": "intro", "parts": [{"chapters": [{"file": "a", "sections": [{"file": "b"}]}]}]}
    assert checks.listed_pages(toc) == {"intro", "a", "b"}
    assert checks.contents({"a", "b"}, {"a", "b"}) == []
    assert checks.contents({"a", "b"}, {"b", "c"}) == [
        "a is in _toc.yml but no such file exists",
        "c is a page but not in _toc.yml",
    ]


def test_terms():
    glossary = "# Glossary\n\n```{glossary}\nnegative transfer\n  Harm.\n\nTask\n  A thing.\n```\n"
    assert checks.terms("{term}`task`, {term}`harm <negative transfer>`", glossary) == []
    assert checks.terms("a {term}`trunk`", glossary) == ["'trunk' is not in the glossary"]


def test_table_heads():
    assert checks.table_heads("| step | weight $w_1$ |\n|---|---|\n| | $w_1$ |\n") == []
    for bad in ("| step | $w_1$ |\n|---|---|\n", "| | text |\n|:--|--:|\n"):
        assert len(checks.table_heads(bad)) == 1
