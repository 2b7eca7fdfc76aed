"""Plain notebooks: nothing raw is left, nothing is lost, and one runs away from the repository."""

import base64
import io
import os
import re
import subprocess
import sys

import nbformat
import numpy as np
import pytest
from PIL import Image

from tools import plain
from tools.tidy import ROOT, page_notebooks

PAGES = {path.relative_to(ROOT).as_posix(): path for path in page_notebooks()}
each_page = pytest.mark.parametrize("name", PAGES)
EXTRA = {"matplotlib", "pandas", "pyarrow"}
FENCED = re.compile(r"^(`{3,})[^`{\n]*\n.*?^\1`*$", re.M | re.S)
RAW = re.compile(r"^[`:]{3,}\{.*|\{[\w:]+\}`[^`]*`|^\([\w-]+\)=|\$\$ *\([\w-]+\)|^:\w+:.*", re.M)
exported = plain.cache(plain.export)


def code(page):
    return [cell.source for cell in page.cells if cell.cell_type == "code"]


@each_page
def test_no_directive_and_no_role_is_left(name):
    page = exported(PAGES[name])
    nbformat.validate(page)
    assert not RAW.findall(FENCED.sub("", plain.markdown(page)))


@each_page
def test_every_code_cell_is_there_after_the_one_that_prepares(name):
    found = code(exported(PAGES[name]))
    assert found[1:] == code(plain.read(PAGES[name]))
    compile(found[0], name, "exec")


@each_page
def test_what_a_page_needs_can_be_installed(name):
    assert set(plain.imported(plain.read(PAGES[name]))) <= plain.WITH_MTLKIT | EXTRA


@each_page
def test_exercises_formulas_and_captions_are_kept(name):
    page, text = plain.read(PAGES[name]), plain.markdown(exported(PAGES[name]))
    source = plain.markdown(page)
    titles = re.findall(r"^`{3,}\{exercise\} (.*)$", source, re.M)
    assert len(re.findall(r"^### Exercise \d+: .", text, re.M)) == len(titles)
    assert len(re.findall("Solution of Exercise", text)) == len(
        re.findall(r"\{solution(?:-start)?\}", source)
    )
    for formula in re.findall(r"\$\$(.*?)\$\$", source, re.S):
        assert formula.strip() in text
    drawn = [plain.figure_of(cell) for cell in page.cells if plain.figure_of(cell)]
    assert len(re.findall(r"^\*Figure \d+\.\*", text, re.M)) == len(
        [figure for figure in drawn if figure.get("caption")]
    ) + len(re.findall(r"^`{3,}\{figure\}", source, re.M))


@each_page
def test_the_files_that_a_page_reads_travel(name):
    found = {path.name for path in plain.files_read(PAGES[name])}
    named = re.findall(r"[\w-]+\.json", "\n".join(code(plain.read(PAGES[name]))))
    assert set(named) <= found


PAGE = """\
Text of {term}`tied models <tied>`, {cite}`li2018l2sp`.

$$
a = b
$$ (eq-mean)

````{admonition} Answer
:class: dropdown
Folded, with code:

```python
x = 1
```
````

```{admonition} Note
Here $a
+ b$ runs on.
```
"""


def test_a_small_page():
    some = plain.Plain(PAGES["chapters/code/schools.ipynb"])
    text = some.text(PAGE)
    assert text.startswith("Text of tied models, [Li et al., 2018].")
    assert re.search(r"a = b\n\\tag\{\d+\}\n\$\$", text)
    assert "<summary>Answer</summary>\n\nFolded, with code:\n\n```python\nx = 1\n```" in text
    assert text.endswith("> **Note**\n> \n> Here $a + b$ runs on.")


def test_a_picture_is_inside_and_says_what_is_seen():
    text = plain.markdown(exported(PAGES["chapters/background/three_settings.ipynb"]))
    (alt,) = re.findall(r'<img src="data:image/svg\+xml;base64,[\w+/=]+" alt="([^"]+)">', text)
    assert alt.startswith("Four small diagrams")


def test_references_are_those_that_the_page_cites_each_on_a_line():
    text = plain.markdown(exported(PAGES["chapters/background/three_settings.ipynb"]))
    works = text.partition("## References\n\n")[2].splitlines()
    assert all(work.startswith("- [") and "\\" not in work for work in works)
    cited = set(re.findall(r"(?:^|; |\[)([A-Z][^;\[\]]*, (?:19|20)\d\d\w?)(?=[;\]])", text))
    assert {re.match(r"- \[(.*?)\]", work)[1] for work in works} == cited


def test_links_lead_to_the_site_where_it_has_an_address(monkeypatch):
    some = plain.Plain(PAGES["chapters/code/schools.ipynb"])
    source = "[one](pupils.ipynb#x), [two](../faq/decision_guide.md), [three](#here)"
    assert some.text(source) == "[one](pupils.ipynb), two, three"
    monkeypatch.setattr(plain, "site", lambda: "https://book.example/")
    assert some.text(source) == (
        "[one](https://book.example/chapters/code/pupils.html#x), "
        "[two](https://book.example/chapters/faq/decision_guide.html), three"
    )


def test_outputs_come_along():
    page = nbformat.from_dict(plain.read(PAGES["reference/speed.ipynb"]))
    first = next(cell for cell in page.cells if cell.cell_type == "code")
    first.outputs = [nbformat.v4.new_output("stream", text="seen\n")]
    cells = [
        c for c in plain.export(PAGES["reference/speed.ipynb"], page).cells if c.get("outputs")
    ]
    assert [cell.outputs[0].text for cell in cells] == ["seen\n"]


def test_pictures_are_a_fraction_of_their_size_and_look_the_same():
    noise = np.random.default_rng(0).integers(0, 200, (100, 100, 1)).repeat(3, axis=2)
    packed = io.BytesIO()
    Image.fromarray(noise.astype(np.uint8)).save(packed, "PNG")
    small = plain.lighter(base64.b64encode(packed.getvalue()).decode())
    seen = Image.open(io.BytesIO(base64.b64decode(small)))
    assert len(small) < len(packed.getvalue())
    assert np.abs(np.asarray(seen.convert("RGB"), int) - noise).max() <= 1


@pytest.mark.parametrize("page", ["hospitals", "your_own_tables"])
def test_the_first_cell_installs_where_that_is_asked_for(page):
    path = PAGES[f"chapters/code/{page}.ipynb"]
    first, *rest = code(plain.export(path, install="mtlkit{} @ git+https://forge.example/a/b"))
    command, _, results = first.partition("\n")
    others = " pandas" if page == "your_own_tables" else ""
    assert command == f"%pip install -q 'mtlkit[plot] @ git+https://forge.example/a/b'{others}"
    assert ("mtlkit_book" in results) == bool(plain.files_read(path))
    assert rest == code(plain.read(path))


def run(page, folder):
    """The end of a Python process that runs the code of a page in a folder, and what it wrote."""
    # mtlkit as it is installed, whatever else the repository holds.
    (folder / "mtlkit").symlink_to(ROOT / "mtlkit", target_is_directory=True)
    lines = [cell for cell in code(page) if not cell.startswith("%")]
    (folder / "page.py").write_text("\n\n".join(lines), encoding="utf-8")
    work = folder / "elsewhere"
    work.mkdir()
    variables = {**os.environ, "PYTHONPATH": str(folder), "MPLBACKEND": "agg"}
    command = [sys.executable, str(folder / "page.py")]
    return subprocess.run(command, cwd=work, env=variables, capture_output=True, text=True)


def test_a_page_runs_away_from_the_repository_with_its_stored_results(tmp_path):
    done = run(exported(PAGES["chapters/code/hospitals.ipynb"]), tmp_path)
    assert done.returncode == 0, done.stderr
    stored = "studies/results/hospitals.json"
    made = tmp_path / "elsewhere" / "mtlkit_book" / stored
    assert made.read_bytes() == (ROOT / stored).read_bytes()


def test_a_page_without_what_it_needs_stops_with_a_sentence(tmp_path):
    page = exported(PAGES["chapters/code/hospitals.ipynb"])
    before = code(page)[0].replace("'mtlkit'", "'mtlkit_that_is_not_there'")
    page = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(before)])
    done = run(page, tmp_path)
    assert done.returncode == 1
    assert "This page needs mtlkit_that_is_not_there. Install what it needs" in done.stderr
