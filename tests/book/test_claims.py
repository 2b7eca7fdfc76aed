"""The tool that runs pages under other seeds sees what fails, and what no seed moves."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from tools import claims

IMPORTS = "import numpy as np\nfrom sklearn.utils import check_random_state\n\nSEED = 0"
CLAIM, RAISES = {"tags": ["claim"]}, {"tags": ["raises-exception"]}


@pytest.fixture
def report(tmp_path, monkeypatch, capsys):
    """A function that writes a page, runs it under seeds, and returns the code and the text."""
    monkeypatch.setattr(claims, "ROOT", tmp_path)

    def run(*cells, options=(), seeds=(5, 7)):
        cells = [new_code_cell(IMPORTS, metadata={"tags": ["imports"]}), *cells]
        path = tmp_path / "page.ipynb"
        nbformat.write(new_notebook(cells=cells), path)
        code = claims.main([str(path), "--seeds", *map(str, seeds), *options])
        return code, capsys.readouterr().out

    return run


def test_a_claim_that_fails_is_named_with_its_seed_and_the_page_goes_on(report):
    code, text = report(
        new_code_cell("for x in [SEED]:\n    assert x < 6\n    assert x > 0", metadata=CLAIM),
        new_code_cell("assert 2 * SEED < 20", metadata=CLAIM),
        options=["--spread"],
    )
    assert code == 1
    assert "page.ipynb  seed 5: 2 of 2 claims hold" in text
    assert "page.ipynb  seed 7: 1 of 2 claims hold" in text
    assert "cell 1: AssertionError" in text
    assert "cell 2: 10 to 14  2 * SEED" in text
    assert "seeds [5, 7]: 1 cells failed" in text


def test_a_claim_that_a_further_seed_may_break_is_told_with_its_margin(report):
    code, text = report(
        new_code_cell("assert SEED < 6\nassert 0 < 100 + SEED <= 200", metadata=CLAIM),
        options=["--spread"],
        seeds=(1, 2, 3, 4),
    )
    assert code == 0
    assert "cell 1: thin, by 3.5 ± 1.3  SEED < 6" in text
    assert text.count("thin") == 1


def test_few_seeds_tell_no_deviation():
    few = {("page", 1, "a < b"): [1.0, 2.0, 3.0]}
    assert list(claims.thin(few)) == []


def test_a_fault_outside_of_claims_is_one_too(report):
    code, text = report(
        new_code_cell("1 / 0"),
        new_code_cell("1 / 0", metadata=RAISES),
        new_code_cell("pass", metadata=RAISES),
    )
    assert code == 1
    assert "cell 1 (no claim): ZeroDivisionError" in text
    assert "cell 3 (no claim): nothing was raised" in text
    assert "cell 2" not in text


def test_draws_that_no_seed_moves_are_listed(report):
    code, text = report(
        new_code_cell("a = np.random.default_rng(SEED).random()"),
        new_code_cell("b = np.random.default_rng(3).random()"),
        new_code_cell("c = check_random_state(4).rand()"),
        new_code_cell("assert a != b != c", metadata=CLAIM),
    )
    assert code == 0
    assert "cell 2: draws with 3 whatever SEED is" in text
    assert "cell 3: draws with 4 whatever SEED is" in text
    assert "cell 1:" not in text


def test_what_cells_print_is_kept_for_each_seed(report, tmp_path):
    cells = [new_code_cell("print('seed −', SEED)\nSEED + 1"), new_code_cell("None")]
    code, _ = report(*cells, options=["--printed", str(tmp_path / "kept")])
    assert code == 0
    shown = "--- cell 0\n--- cell 1\nseed − 7\n8\n--- cell 2\n"
    assert (tmp_path / "kept" / "page.7.txt").read_text(encoding="utf-8") == shown
