"""Small files of the right form, taken for the real ones that the project fetches."""

import hashlib

from mtlkit.datasets import _download, _fetched


def take_for_real(monkeypatch, folder, contents):
    """Write ``{name: text or bytes}`` into ``folder/cases``, where the fetchers then look."""
    (folder / "cases").mkdir()
    files = {}
    for name, content in contents.items():
        data = content.encode() if isinstance(content, str) else content
        (folder / "cases" / name).write_bytes(data)
        sha256 = hashlib.sha256(data).hexdigest()
        files[f"cases/{name}"] = (f"https://example.org/{name}", sha256, len(data))
    monkeypatch.setattr(_fetched, "FILES", files)
    monkeypatch.setenv("MTLKIT_DATA", str(folder))
    return folder


def answer_with(monkeypatch, contents):
    """Replace the wire: each download gives the content of its name; a list of addresses asked."""
    asked = []

    def answer(path, url, sha256, size):
        asked.append(url)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(contents[path.name].encode())

    monkeypatch.setattr(_download, "download", answer)
    return asked
