"""The address of the repository: one setting, `Repository` in `[project.urls]` of `pyproject.toml`.

`python -m tools.address https://forge/owner/name` sets it, and writes what follows from it: the
other addresses of the metadata, `repository-code` of `CITATION.cff`, and links of the README that
work on a package index too. Addresses of files have the form of GitHub, which GitLab redirects.
Without an argument it says what is set. Only the standard library: a release needs no more.
"""

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LINK = re.compile(r"(!?)\[([^]]*)\]\((?!#|https?:)([^)\s]+)\)")


def repository(root=ROOT):
    """The address that is set, without a slash at its end; None if there is none."""
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    return project.get("urls", {}).get("Repository")


def urls(address):
    """The table `[project.urls]` for an address."""
    return {
        "Repository": address,
        "Issues": f"{address}/issues",
        "Changelog": f"{address}/blob/HEAD/CHANGELOG.md",
    }


def with_address(text, address):
    """A README whose links to files of the repository hold anywhere."""

    def absolute(link):
        image, words, path = link.groups()
        return f"{image}[{words}]({address}/{'raw' if image else 'blob'}/HEAD/{path})"

    return LINK.sub(absolute, text)


def problems(root=ROOT):
    """What does not agree with the address that is set."""
    address = repository(root)
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    cited = re.search(r"^repository-code: (\S+)$", (root / "CITATION.cff").read_text("utf-8"), re.M)
    readme = (root / "README.md").read_text("utf-8")
    expected = urls(address) if address else {}
    found = []
    if {name: project["urls"].get(name) for name in expected} != expected:
        found.append("pyproject.toml: addresses that do not follow from Repository")
    if (cited and cited[1]) != address:
        found.append("CITATION.cff: repository-code is not the address")
    if address and with_address(readme, address) != readme:
        found.append("README.md: links that hold in the repository alone")
    return [f"{what}; run `python -m tools.address {address}`" for what in found]


def write(address, root=ROOT):
    """Set the address, once: another one is put into its place by hand."""
    address = address.rstrip("/")
    if not re.fullmatch(r"https://[^\s/]+/\S+", address):
        sys.exit(f"{address!r} is not an address such as https://forge/owner/name")
    if repository(root) not in (None, address):
        sys.exit(f"{repository(root)} is set already: replace it by hand, in every file")
    lines = "".join(f'{name} = "{value}"\n' for name, value in urls(address).items())
    changes = {
        "pyproject.toml": lambda text: re.sub(
            r"(\[project\.urls\]\n)(?:\w+ = .*\n)*", lambda head: head[1] + lines, text
        ),
        "CITATION.cff": lambda text: (
            re.sub(r"^repository-code: .*\n", "", text, flags=re.M)
            + f"repository-code: {address}\n"
        ),
        "README.md": lambda text: with_address(text, address),
    }
    for name, change in changes.items():
        path = root / name
        path.write_text(change(path.read_text("utf-8")), encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        write(sys.argv[1])
    print(repository() or "No address is set.")
