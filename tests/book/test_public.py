"""What the public meets outside the site: README, metadata, versions, addresses, workflows."""

import dataclasses
import inspect
import re
import shutil
import tomllib

import pytest
import yaml

import mtlkit
from tools import address
from tools.address import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def blocks(name, language):
    text = (ROOT / name).read_text("utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, re.S)


def test_the_readme_shows_the_lines_of_the_landing_page_and_their_table():
    assert blocks("README.md", "python") == blocks("intro.md", "python")
    assert blocks("README.md", "text") == blocks("intro.md", "text")[:1]


def test_the_version_has_one_place():
    version = PROJECT["version"]
    assert mtlkit.__version__ == version
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert str(cited["version"]) == version
    assert not [p for p in (ROOT / "mtlkit").rglob("*.py") if f'"{version}"' in p.read_text()]


def test_results_say_what_they_return():
    names = [getattr(mtlkit.evaluation, name) for name in mtlkit.evaluation.__all__]
    made = [found for found in names if inspect.isfunction(found)]
    for kind in filter(dataclasses.is_dataclass, names):
        made += [f for name, f in vars(kind).items() if name[0] != "_" and inspect.isfunction(f)]
    assert len(made) >= 15
    assert [found.__qualname__ for found in made if "return" not in found.__annotations__] == []


def test_everything_agrees_with_the_address_of_the_repository():
    assert not address.problems()


@pytest.fixture
def copy(tmp_path):
    for name in ("pyproject.toml", "CITATION.cff", "README.md"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


@pytest.mark.skipif(address.repository() is not None, reason="an address is set")
def test_an_address_that_is_set_reaches_every_place(copy):
    address.write("https://forge.example/owner/name/", copy)
    assert address.repository(copy) == "https://forge.example/owner/name"
    assert not address.problems(copy)
    readme = (copy / "README.md").read_text("utf-8")
    assert "(https://forge.example/owner/name/raw/HEAD/chapters/what_is_a_task.svg)" in readme
    assert "(https://forge.example/owner/name/blob/HEAD/CONTRIBUTING.md)" in readme
    before = (copy / "pyproject.toml").read_text("utf-8")
    address.write("https://forge.example/owner/name", copy)  # a second time changes nothing
    assert (copy / "pyproject.toml").read_text("utf-8") == before
    with pytest.raises(SystemExit, match="set already"):
        address.write("https://forge.example/owner/other", copy)


@pytest.mark.skipif(address.repository() is not None, reason="an address is set")
def test_an_address_in_one_place_alone_is_found(copy):
    path = copy / "pyproject.toml"
    alone = '[project.urls]\nRepository = "https://forge.example/a/b"\n'
    path.write_text(path.read_text("utf-8").replace("[project.urls]\n", alone), encoding="utf-8")
    found = address.problems(copy)
    assert [text.split(":")[0] for text in found] == ["pyproject.toml", "CITATION.cff", "README.md"]


def test_the_changes_name_the_version_or_what_is_to_come():
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    headings = re.findall(r"^## (\S+)", text, re.M)
    assert {"Unreleased", PROJECT["version"]} & set(headings)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_is_readable_and_asks_for_no_more_than_it_needs(path):
    text = path.read_text("utf-8")
    flow = yaml.safe_load(text)
    assert flow["permissions"] == {"contents": "read"}
    assert all({"runs-on", "steps"} <= set(job) for job in flow["jobs"].values())
    used = re.findall(r"tools\.matrix ([\w ]+)", text)
    known = {"installed", "beside", "browser", "lowest", "newest"}
    assert set(" ".join(used).split()) <= known


def test_workflows_test_the_pythons_that_the_metadata_names():
    flow = yaml.safe_load((ROOT / ".github/workflows/tests.yml").read_text("utf-8"))
    tested = flow["jobs"]["package"]["strategy"]["matrix"]["python"]
    named = re.findall(r"Python :: (3\.\d+)", " ".join(PROJECT["classifiers"]))
    assert tested == named
    assert len(flow["jobs"]["package"]["strategy"]["matrix"]["system"]) == 3


def test_hooks_use_the_locked_style_checker():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))["repos"][0]
    lock = (ROOT / "requirements.txt").read_text("utf-8")
    (version,) = re.findall(r"^(ruff==\S+)", lock, re.M)
    needed = {n for hook in hooks["hooks"] for n in hook.get("additional_dependencies", [])}
    assert needed == {version}
