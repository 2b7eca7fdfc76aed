"""A repair of the pages that Jupyter Book 1.0 with Sphinx 7.4 writes."""


def drop_thebe_scripts(app, pagename, templatename, context, doctree):
    """Remove the scripts of sphinx-thebe.

    Jupyter Book loads that extension always. The book does not use it, its script names an
    address outside the site, and Sphinx writes it twice, which is an error on every page.
    """
    context["script_files"] = [
        script for script in context.get("script_files", []) if not belongs_to_thebe(script)
    ]


def belongs_to_thebe(script):
    body = getattr(script, "attributes", {}).get("body") or ""
    return "thebe" in f"{getattr(script, 'filename', '')} {body}".lower()


def setup(app):
    app.connect("html-page-context", drop_thebe_scripts, priority=990)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
