"""Locks, licences, workflows: what comes from others; and that nothing of the makers goes out."""

import re
import subprocess
from email.message import Message
from importlib.metadata import distributions

import pytest
import yaml

from tools import supply
from tools.supply import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
LICENCES = supply.listed(supply.LIST.read_text("utf-8"))
# Examples of what must not be there, and where they stand for a reason.
MEANT = {
    "tests/book/test_checks.py": "shows a check something bad",
    "tests/book/test_supply.py": "likewise",
}


# Locks


@pytest.mark.parametrize("lock", supply.LOCKS, ids=lambda path: path.name)
def test_a_lock_names_packages_by_version_and_hash_and_nothing_else(lock):
    names, faults = supply.read_lock(lock.read_text("utf-8"))
    assert faults == []
    assert len(names) > 5


def test_there_are_five_locks():
    assert [path.stem for path in supply.LOCKS] == [
        "requirements-browser", "requirements-course", "requirements-lite", "requirements-scale",
        "requirements",
    ]  # fmt: skip


HASHED = f"    --hash=sha256:{'0' * 64}"


@pytest.mark.parametrize(
    "line",
    [
        "a @ https://example.org/a.whl",
        "a @ git+https://example.org/a",
        "-e .",
        "--index-url https://example.org/simple",
        "--extra-index-url https://example.org/simple",
        "--trusted-host example.org",
        "a>=1 \\",
        "a==1",
        "-r other.txt",
        "    --hash=md5:0123",
    ],
)
def test_other_lines_are_told(line):
    assert supply.read_lock(f"b==1 \\\n{HASHED}\n{line}\n")[1] == [
        f"{line!r} is no package by version and hash"
    ]


def test_a_package_without_a_hash_is_told():
    assert supply.read_lock(f"a==1 \\\nb==2 ; sys_platform == 'win32' \\\n{HASHED}\n") == (
        ["a", "b"], ["a has no hash"],
    )  # fmt: skip
    assert supply.read_lock("# of a tool\na==1 \\\n    # via b\n")[1] == ["a has no hash"]


# Licences


def test_every_locked_package_is_in_the_list_and_no_other():
    locked = {
        name for lock in supply.LOCKS for name in supply.read_lock(lock.read_text("utf-8"))[0]
    }
    assert set(LICENCES) == locked, "run `python -m tools.supply`"


def test_the_list_is_as_it_would_be_written():
    assert supply.page(LICENCES) == supply.LIST.read_text("utf-8"), "run `python -m tools.supply`"


def test_what_is_installed_here_states_what_the_list_says():
    here = {supply.normal(d.metadata["Name"]): supply.stated(d.metadata) for d in distributions()}
    known = {name: LICENCES[name] for name in here if name in LICENCES and here[name]}
    assert len(known) > 50
    assert known == {name: here[name] for name in known}


def test_every_licence_is_free_or_explained():
    assert supply.refused(LICENCES) == []
    assert set(supply.EXPLAINED) <= {
        name for name in LICENCES if not supply.is_free(LICENCES[name])
    }
    assert set(supply.ELSEWHERE) <= set(LICENCES)


@pytest.mark.parametrize(
    ("licence", "free"),
    [
        ("MIT", True), ("MIT AND Zlib", True), ("GPL-3.0-only OR MIT", True),
        ("GPL-3.0-only", False), ("MIT AND GPL-3.0-only", False), ("", False),
        ("AGPL-3.0-only OR MIT AND LGPL-2.1-only", False), ("(MIT)", False),
    ],
)  # fmt: skip
def test_which_licences_are_free(licence, free):
    assert supply.is_free(licence) is free


def test_what_is_not_free_is_told():
    (told,) = supply.refused({"a": "MIT", "b": "AGPL-3.0-only"})
    assert "b is under AGPL-3.0-only: leave it out, or explain in tools/supply.py" in told
    (told,) = supply.refused({"c": ""})
    assert "c is under no licence that it states" in told


@pytest.mark.parametrize(
    ("fields", "licence"),
    [
        ([("License-Expression", "MIT OR Apache-2.0"), ("License", "long")], "MIT OR Apache-2.0"),
        ([("Classifier", "License :: OSI Approved :: BSD License"), ("License", "x")], "BSD"),
        ([("Classifier", "License :: OSI Approved"), ("License", "MIT License\nfull text")], "MIT"),
        ([("License", "Apache 2.0")], "Apache-2.0"),
        ([], ""),
    ],
)
def test_how_packages_state_their_licence(fields, licence):
    metadata = Message()
    for name, value in fields:
        metadata[name] = value.replace("\n", "\n ")
    assert supply.stated(metadata) == licence


# What must not get out


def tracked():
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    done = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        pytest.skip("not in a repository")
    return [name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]


def test_no_file_holds_a_secret_or_a_path_of_a_machine():
    found = {}
    for name in tracked():
        text = (ROOT / name).read_bytes().decode("utf-8", errors="replace")
        if leaks := supply.leaks(text):
            found[name] = leaks
    assert set(MEANT) >= set(found), {n: found[n] for n in found if n not in MEANT}
    assert "tests/book/test_supply.py" in found


@pytest.mark.parametrize(
    "text",
    [
        "see /home/me/book", 'File "/root/x.py"', "in /tmp/pytest-1", "(/work/main)",
        "C:\\Users\\me", "-----BEGIN PRIVATE KEY-----", "-----BEGIN RSA PRIVATE KEY-----",
        "ghp_" + "a1" * 18,
        "github_pat_" + "a" * 40, "glpat-" + "a" * 20, "AKIA" + "A1" * 8, "xoxb-0123456789-abc",
        "sk-" + "a1" * 20, "pypi-" + "Ag" * 30, "hf_" + "a" * 34, "AIza" + "a" * 35,
        "eyJhbGciOiJIUzI1.eyJzdWIiOiIxMjM0", "https://me:secret@example.org",
    ],
)  # fmt: skip
def test_a_leak_is_told(text):
    assert len(supply.leaks(f"before {text} after")) == 1


@pytest.mark.parametrize(
    "text",
    [
        "https://example.org/home/page", "chapters/work/x", "~/work/x", "$PWD/tmp/x", "a /home",
        "https://x-access-token:${{ github.token }}@${GITHUB_SERVER_URL}", "sk-learn", "10:30@noon",
        "mailto:me@example.org", "C:\\Program", "/usr/bin/env", "risk-" + "a" * 40,
    ],
)  # fmt: skip
def test_what_is_no_leak_is_not(text):
    assert supply.leaks(text) == []


# The site


def test_files_of_a_site_have_an_owner():
    assert supply.of_site("_static/mathjax/tex-chtml.js")[1] == "Apache-2.0"
    assert supply.of_site("_static/other.js") is None


# Workflows


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_runs_pinned_actions_with_few_rights(path):
    text = path.read_text("utf-8")
    used = re.findall(r"uses: (.*)", text)
    assert used
    for action in used:
        assert re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action), action
    workflow = yaml.safe_load(text)
    more = {
        name: job["permissions"] for name, job in workflow["jobs"].items() if "permissions" in job
    }
    assert more == {
        "notebooks.yml": {"publish": {"contents": "write"}},
        "release.yml": {"publish": {"id-token": "write"}},
    }.get(path.name, {})
    for job in workflow["jobs"].values():
        for step in job["steps"]:
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False


def test_the_locks_are_audited():
    weekly = yaml.safe_load((ROOT / ".github" / "workflows" / "weekly.yml").read_text("utf-8"))
    audited = weekly["jobs"]["audit"]["strategy"]["matrix"]["lock"]
    assert sorted(audited) == sorted(path.stem for path in supply.LOCKS)
