"""The reference: for each module of mtlkit a table of its names, and for each name a page.

The directive ``public`` takes a module and writes the table from its ``__all__``. The pages are
written into ``reference/generated`` before Sphinx looks for its sources; they stand in no table of
contents, so the sidebar stays short.
"""

import importlib
import inspect
import re
from pathlib import Path

from sphinx.ext.autosummary import Autosummary

import mtlkit

GENERATED = Path("reference", "generated")
CLASS = """
.. autoclass:: {name}
   :members:
   :inherited-members: {others}
"""
PAGE = """:orphan:

{title}
{line}

In :doc:`the reference </reference/api>` of ``{module}``:

.. code-block:: python

   from {module} import {title}
{body}"""


def others():
    """Base classes of other packages: what they bring is told in their own reference."""
    bases = {
        base.__name__
        for module in map(submodule, mtlkit.__all__)
        for name in module.__all__
        if inspect.isclass(getattr(module, name))
        for base in getattr(module, name).__mro__
        if not base.__module__.startswith("mtlkit")
    }
    return ",".join(sorted(bases))


def submodule(name):
    return importlib.import_module(f"mtlkit.{name}")


def pages():
    """The text of each page by the name of its file."""
    from_elsewhere = others()
    for module in map(submodule, mtlkit.__all__):
        for name in module.__all__:
            full, value = f"{module.__name__}.{name}", getattr(module, name)
            if inspect.isclass(value):
                body = CLASS.format(name=full, others=from_elsewhere)
            else:
                kind = "autofunction" if callable(value) else "autodata"
                body = f"\n.. {kind}:: {full}\n"
            yield (
                f"{full}.rst",
                PAGE.format(title=name, line="=" * len(name), module=module.__name__, body=body),
            )


def write_pages(app, config):
    """Write the pages anew where they changed, and have Sphinx build them."""
    folder = Path(app.srcdir) / GENERATED
    folder.mkdir(exist_ok=True)
    texts = dict(pages())
    for path in folder.iterdir():
        if path.name not in texts:
            path.unlink()
    for name, text in texts.items():
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
    # The table of contents does not name them, and what that does not name is excluded.
    ours = GENERATED.as_posix()
    config.exclude_patterns = [name for name in config.exclude_patterns if ours not in name]


def escape_initials(app, what, name, value, options, lines):
    """In references an author's first initial would begin a list: A. Author, B. Author, ..."""
    lines[:] = [re.sub(r"^(\W*[A-Z])\. ", r"\1\\. ", line) for line in lines]


class Public(Autosummary):
    """A table of the public names of a module, which is the argument."""

    required_arguments = 1
    has_content = False

    def run(self):
        module = importlib.import_module(self.arguments[0])
        self.options["nosignatures"] = None
        self.content = [f"~{module.__name__}.{name}" for name in module.__all__]
        return super().run()


def setup(app):
    app.setup_extension("sphinx.ext.autosummary")
    app.add_directive("public", Public)
    app.connect("autodoc-process-docstring", escape_initials, priority=400)  # before numpydoc
    app.connect("config-inited", write_pages, priority=950)  # after sphinx_external_toc
    return {"parallel_read_safe": True, "parallel_write_safe": True}
