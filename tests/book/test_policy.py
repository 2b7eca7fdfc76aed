"""A page's policy names what stands in it, and nothing else."""

import hashlib
from base64 import b64encode

from tools import policy

PAGE = """<html><head><meta charset="utf-8">
<script>one();</script><script type="application/json">{"a": 1}</script>
<script src="own.js"></script></head>
<body><button title="Print" onclick="say(&quot;two&quot;)">x</button></body></html>"""


def of(source):
    return f"'sha256-{b64encode(hashlib.sha256(source.encode()).digest()).decode()}'"


def parts(text):
    return dict(part.strip().split(" ", 1) for part in text.split(";"))


def test_scripts_and_handlers_are_named_by_hash():
    words = parts(policy.policy(PAGE))["script-src"].split()
    assert of("one();") in words and of('say("two")') in words
    assert sum(word.startswith("'sha256-") for word in words) == 2
    assert "'unsafe-inline'" not in words and "'unsafe-eval'" not in words


def test_nothing_comes_from_elsewhere():
    for name, words in parts(policy.policy(PAGE)).items():
        assert "http" not in words and "*" not in words, name


def test_each_page_gets_one_before_its_scripts_except_where_notebooks_run(tmp_path):
    (tmp_path / "lite").mkdir()
    for name in ("a.html", "b.html", "lite/c.html"):
        (tmp_path / name).write_text(PAGE.replace("two", name[0]), "utf-8")
    policy.write(tmp_path)
    first, second, notebooks = ((tmp_path / name).read_text("utf-8")
                                for name in ("a.html", "b.html", "lite/c.html"))  # fmt: skip
    assert "Content-Security-Policy" not in notebooks
    assert first.index("charset") < first.index("Content-Security-Policy") < first.index("<script")
    assert first.count("Content-Security-Policy") == 1
    # Search reads other pages, so each knows the handlers of all.
    assert of('say("b")') in first and of('say("a")') in second
