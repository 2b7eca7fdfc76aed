"""Citations and lists of references as plain Markdown, from `references.bib`."""

import re
from functools import cache

from pybtex.backends.markdown import Backend as Markdown
from pybtex.backends.plaintext import Backend as PlainText
from pybtex.database import parse_file
from pybtex.richtext import Text
from pybtex.style.formatting.plain import Style

from tools.tidy import ROOT


@cache
def library():
    return parse_file(str(ROOT / "references.bib"))


def plain(text):
    return Text.from_latex(text).render(PlainText())


@cache
def authors(key):
    """Liu, Liu and Ye, or Liu et al."""
    entry = library().entries[key]
    people = entry.persons.get("author") or entry.persons.get("editor") or []
    names = [plain(" ".join([*person.prelast_names, *person.last_names])) for person in people]
    if not names:
        return plain(entry.fields.get("organization", entry.fields["title"]))
    return f"{names[0]} et al." if len(names) > 2 else " and ".join(names)


def year(key, keys):
    """The year, with a letter where a page cites two works of the same names and year."""
    own = library().entries[key].fields["year"]
    same = sorted(
        other
        for other in set(keys)
        if (authors(other), library().entries[other].fields["year"]) == (authors(key), own)
    )
    return own + (chr(ord("a") + same.index(key)) if len(same) > 1 else "")


def cited(keys, all_keys, in_the_sentence=False):
    """[Liu et al., 2009; Argyriou et al., 2008], or in a sentence Liu et al. [2009]."""
    if in_the_sentence:
        return ", ".join(f"{authors(key)} [{year(key, all_keys)}]" for key in keys)
    return "[" + "; ".join(f"{authors(key)}, {year(key, all_keys)}" for key in keys) + "]"


def listed(keys):
    """The works that a page cites, each as a point that begins as its citation reads."""
    backend = Markdown()
    entries = {key: library().entries[key] for key in keys}
    formatted = Style().format_entries(entries.values())
    # The backend escapes whatever may mean something at the beginning of a line, and breaks lines.
    works = {
        entry.key: re.sub(r"\\([.()-])", r"\1", " ".join(entry.text.render(backend).split()))
        for entry in formatted
    }
    order = sorted(works, key=lambda key: (authors(key).lower(), year(key, keys)))
    return "\n".join(f"- [{authors(key)}, {year(key, keys)}] {works[key]}" for key in order)
