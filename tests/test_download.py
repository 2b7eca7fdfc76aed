"""Downloads against a server on this machine that cuts, changes, stalls, redirects and bombs."""

import ast
import gzip
import hashlib
import shutil
import socket
import ssl
import subprocess
import threading
import time
import warnings
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from urllib3 import Retry

import mtlkit.datasets
from mtlkit.datasets import _download, fetch_landmine, fetch_tox21
from tests import _server
from tests._files import take_for_real
from tests._server import CONTENT, chunked, endless, give, say, serving, stall

OTHER = CONTENT[::-1]
HALF = len(CONTENT) // 2


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """A certificate for 127.0.0.1, made for this run."""
    if shutil.which("openssl") is None:
        pytest.skip("the program openssl is not installed")
    folder = tmp_path_factory.mktemp("certificate")
    files = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "2", "-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1",
         "-out", files[0], "-keyout", files[1]],
        check=True, capture_output=True,
    )  # fmt: skip
    return files


@pytest.fixture
def trusted(certificate, monkeypatch):
    """The certificate is trusted, no proxy stands between, and no wait is waited."""
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate[0]))
    monkeypatch.delenv("MTLKIT_DATA", raising=False)
    return certificate


@pytest.fixture
def waits(monkeypatch):
    """The seconds that would have been waited."""
    seconds = []
    monkeypatch.setattr(time, "sleep", seconds.append)
    return seconds


@pytest.fixture
def server(trusted, waits):
    with serving(_server.context_of(*trusted)) as running:
        yield running


@pytest.fixture
def path(tmp_path):
    return tmp_path / "new" / "file.bin"


def fetch(server, path, content=CONTENT, size=None):
    sha256 = hashlib.sha256(content).hexdigest()
    size = len(content) if size is None else size
    _download.download(path, f"{server.address}/file.bin", sha256, size)


def fails(server, path, *parts, **settings):
    """The download fails, says so, what to do, and leaves no file that passes for the real one."""
    with pytest.raises(OSError, match="could not be downloaded") as error:
        fetch(server, path, **settings)
    told = [
        f"{server.address}/file.bin",
        f"copy of {len(CONTENT)} bytes",
        "SHA-256",
        str(path.parent),
    ]
    for part in [*parts, *told, f"as {path.name}"]:
        assert part in str(error.value)
    assert not path.exists()


def ranges(server):
    return [asked for _, asked in server.asked]


def beside(path):
    return sorted(other.name for other in path.parent.iterdir())


# What goes well


def test_a_file_arrives_whole_and_appears_at_once(server, path):
    seen = []
    server.answers = [lambda handler: (seen.append(path.exists()), give()(handler))]
    fetch(server, path)
    assert path.read_bytes() == CONTENT
    assert seen == [False]
    assert beside(path) == ["file.bin"]
    assert server.headers[0]["Accept-Encoding"] == "identity"


@pytest.mark.parametrize("size", [0, 1])
def test_the_smallest_files(size, server, path):
    server.answers = [give(CONTENT[:size] or b" ", length=size)]
    fetch(server, path, CONTENT[:size])
    assert path.read_bytes() == CONTENT[:size]


def test_chunks_are_understood(server, path):
    server.answers = [chunked()]
    fetch(server, path)
    assert path.read_bytes() == CONTENT


def test_others_may_read_what_one_has_fetched(server, path):
    """The file has the rights of any new file, not those of a private one."""
    fetch(server, path)
    plain = path.with_name("plain")
    plain.touch()
    assert path.stat().st_mode == plain.stat().st_mode


# What is cut off


@pytest.mark.parametrize(
    "first",
    [
        give(upto=HALF),
        give(upto=HALF, length=None),
        give(upto=HALF, length=HALF),  # a lie
        give(upto=HALF, length=10**15),
    ],
    ids=["length", "no length", "short length", "huge length"],
)
def test_a_cut_file_goes_on_where_it_ended(first, server, path):
    server.answers = [first, give()]
    fetch(server, path)
    assert path.read_bytes() == CONTENT
    assert ranges(server) == [None, f"bytes={HALF}-"]


def test_a_cut_among_chunks(server, path):
    server.answers = [chunked(CONTENT[:HALF], end=False), give()]
    fetch(server, path)
    assert path.read_bytes() == CONTENT


def test_a_server_may_ignore_ranges(server, path):
    server.answers = [give(upto=HALF), give(ranges=False)]
    fetch(server, path)
    assert path.read_bytes() == CONTENT
    assert ranges(server) == [None, f"bytes={HALF}-"]


def test_a_server_that_has_nothing_there_is_asked_for_all(server, path):
    server.answers = [give(upto=HALF), say(416), give()]
    fetch(server, path)
    assert ranges(server) == [None, f"bytes={HALF}-", None]


def test_a_failure_between_two_parts_loses_none(server, path):
    server.answers = [give(upto=HALF), say(503), give()]
    fetch(server, path)
    assert ranges(server) == [None, f"bytes={HALF}-", f"bytes={HALF}-"]


def test_a_server_that_always_cuts_ends(server, path):
    server.answers = [give(upto=100, ranges=False)]
    fails(server, path, "Connection broken")
    assert len(server.asked) == 6


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.integers(0, len(CONTENT)), max_size=5), honour=st.booleans())
def test_wherever_it_is_cut_it_arrives(server, tmp_path, cuts, honour):
    path = tmp_path / "any.bin"
    path.unlink(missing_ok=True)
    server.asked.clear()
    server.answers = [*(give(upto=cut, ranges=honour) for cut in cuts), give(ranges=honour)]
    fetch(server, path)
    assert path.read_bytes() == CONTENT
    assert beside(path) == ["any.bin"]


# What is not the file


@pytest.mark.parametrize("content", [OTHER, CONTENT[:-1] + b"\0", CONTENT + b"more", b""])
def test_another_file_is_refused(content, server, path):
    server.answers = [give(content or b" ", length=len(content))]
    if content.startswith(CONTENT):  # all that is read of it is right
        fetch(server, path)
        return
    fails(server, path)
    if content:
        assert len(server.asked) == 1
        assert beside(path) == []


def test_a_file_that_changes_between_two_parts_is_fetched_anew(server, path):
    server.answers = [give(OTHER, upto=HALF), give(), give()]
    fetch(server, path)
    assert path.read_bytes() == CONTENT
    assert ranges(server) == [None, f"bytes={HALF}-", None]


def test_a_wrong_part_is_fetched_anew(server, path):
    """Status 206 with the beginning in place of the rest."""

    def wrong(handler):
        handler.head(206, length=HALF, Content_Range=f"bytes 0-{HALF - 1}/{len(CONTENT)}")
        handler.send(CONTENT[:HALF])

    server.answers = [give(upto=HALF), wrong, give()]
    fetch(server, path)
    assert path.read_bytes() == CONTENT


def test_no_byte_beyond_the_size_is_read(server, path):
    server.answers = [endless()]
    fails(server, path, "not the file that mtlkit expects")
    assert len(server.asked) == 1


def test_what_is_packed_on_the_way_is_not_unpacked(server, path):
    """A thousand times as large unpacked: neither kept nor made."""
    bomb = gzip.compress(bytes(len(CONTENT) * 1000))
    server.answers = [give(bomb, Content_Encoding="gzip")]
    fails(server, path)
    assert sum(other.stat().st_size for other in path.parent.iterdir()) <= len(CONTENT)


def test_a_bomb_in_the_folder_is_not_unpacked(tmp_path, monkeypatch):
    """Its checksum is not the one of the file, and comes first."""
    take_for_real(monkeypatch, tmp_path, {"tox21.csv.gz": gzip.compress(b"a,b\n")})
    (tmp_path / "cases" / "tox21.csv.gz").write_bytes(gzip.compress(bytes(10**7)))
    monkeypatch.setattr(gzip, "open", None)
    with pytest.raises(OSError, match="is not the expected file"):
        fetch_tox21()


# What passes, and what does not


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_what_may_pass_is_tried_again(status, server, path, waits):
    server.answers = [say(status), say(status), say(status), give()]
    fetch(server, path)
    assert path.read_bytes() == CONTENT
    assert len(waits) == 2  # none before the first repetition, then longer, and never the same
    assert 1 <= waits[0] <= 1.5 and 2 <= waits[1] <= 2.5


@pytest.mark.parametrize("status", [204, 302, 304, 400, 401, 403, 404, 410, 451, 501])
def test_what_stays_is_not_tried_again(status, server, path, waits):
    server.answers = [say(status)]
    fails(server, path, str(status))
    assert len(server.asked) == 1
    assert waits == []


@pytest.mark.parametrize(
    ("said", "waited"), [("7", 7), ("99999", 60), ("Mon, 01 Jan 2001 00:00:00 GMT", None)]
)
def test_a_server_says_when_to_come_again(said, waited, server, path, waits):
    server.answers = [say(503, Retry_After=said), give()]
    fetch(server, path)
    assert waits == ([] if waited is None else [waited])


def test_it_does_not_try_for_ever(server, path, waits):
    server.answers = [say(503)]
    fails(server, path, "503")
    assert len(server.asked) == 6
    assert sum(waits) < 20


def test_a_connection_dropped_before_a_word(server, path):
    server.drops = 2
    fetch(server, path)
    assert path.read_bytes() == CONTENT


def test_nobody_is_there(trusted, waits, path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))

        class server:
            address = f"https://127.0.0.1:{free.getsockname()[1]}"

        fails(server, path, "Try again later")


@pytest.mark.parametrize("upto", [None, 0, HALF])
def test_a_server_that_falls_silent_ends(upto, server, path, monkeypatch):
    monkeypatch.setattr(_download, "TIMEOUT", (10, 0.1))
    monkeypatch.setattr(_download, "TRIES", Retry(1))
    server.answers = [stall(upto)]
    fails(server, path, "timed out")
    assert len(server.asked) == 2


def test_a_server_that_falls_silent_once(server, path, monkeypatch):
    monkeypatch.setattr(_download, "TIMEOUT", (10, 0.1))
    monkeypatch.setattr(_download, "TRIES", Retry(None))  # however slow this machine is
    server.answers = [stall(HALF), give()]
    fetch(server, path)
    assert path.read_bytes() == CONTENT


def test_a_server_that_trickles_ends(server, path, monkeypatch):
    monkeypatch.setattr(_download, "PATIENCE", 0)
    monkeypatch.setattr(_download, "SLOWEST", len(CONTENT) * 10)
    server.answers = [_server.trickle]
    fails(server, path, f"slower than {len(CONTENT) * 10} bytes a second")
    assert len(server.asked) == 1


# Redirects


def test_a_redirect_leads_on(server, path):
    with serving(server.socket.context) as other:
        server.answers = [say(302, Location="/moved"), say(301, Location=f"{other.address}/there")]
        fetch(server, path)
    assert [name for name, _ in server.asked] == ["/file.bin", "/moved"]
    assert [name for name, _ in other.asked] == ["/there"]
    assert path.read_bytes() == CONTENT


def test_redirects_in_a_loop_end(server, path, waits):
    server.answers = [say(307, Location="/file.bin")]
    fails(server, path, "more than 5 redirects")
    assert len(server.asked) == 6
    assert waits == []


def test_no_redirect_leaves_https(server, path):
    with serving() as plain:
        server.answers = [say(302, Location=f"{plain.address}/file.bin")]
        fails(server, path, f"No connection adapters were found for '{plain.address}/file.bin'")
    assert plain.asked == []


@pytest.mark.parametrize(
    "target", ["file:///etc/hostname", "ftp://127.0.0.1/", "https://[", "https://:"]
)
def test_a_redirect_to_elsewhere(target, server, path):
    server.answers = [say(302, Location=target)]
    fails(server, path)
    assert len(server.asked) == 1


def test_what_a_redirect_says_besides_is_not_read(server, path):
    server.answers = [endless(302, Location="/moved"), give()]
    fetch(server, path)
    server.asked.clear()
    server.answers = [endless(503), give()]
    fetch(server, path)
    assert path.read_bytes() == CONTENT


# Whom it trusts


def test_an_unknown_certificate_is_refused(server, path, monkeypatch, waits):
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    fails(server, path, "CERTIFICATE_VERIFY_FAILED")
    assert server.asked == waits == []


def test_a_certificate_of_another_host_is_refused(server, path):
    server.address = server.address.replace("127.0.0.1", "localhost")
    fails(server, path, "CERTIFICATE_VERIFY_FAILED", "localhost")
    assert server.asked == []


def test_an_old_protocol_is_refused(trusted, waits, path):
    context = _server.context_of(*trusted)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with serving(context) as server:
        fails(server, path)
    assert server.asked == []


# Interrupted, and several at once


def test_an_interrupted_download_goes_on_in_the_next_call(server, path):
    server.answers = [give(upto=HALF), lambda handler: None, give()]

    def interrupted(*arguments, **settings):
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_download, "_may_pass", interrupted)
        with pytest.raises(KeyboardInterrupt):
            fetch(server, path)
    assert beside(path) == ["file.bin.part"]
    server.answers = [give()]
    fetch(server, path)
    assert ranges(server) == [None, f"bytes={HALF}-"]
    assert path.read_bytes() == CONTENT
    assert beside(path) == ["file.bin"]


@pytest.mark.parametrize("left", [b"", OTHER[:HALF], OTHER, CONTENT, CONTENT + b"more"])
def test_whatever_was_left_the_right_file_arrives(left, server, path):
    path.parent.mkdir()
    path.with_name("file.bin.part").write_bytes(left)
    fetch(server, path)
    assert path.read_bytes() == CONTENT
    assert beside(path) == ["file.bin"]


def test_several_callers_do_not_harm_each_other(server, path):
    """Some of them meet a cut, a wrong file, a refusal; each gets the file or an error."""
    server.answers = [give(upto=HALF), give(OTHER), say(404), say(503)] + [give()] * 100
    outcomes = []

    def call():
        try:
            fetch(server, path)
            outcomes.append(path.read_bytes() == CONTENT)
        except OSError as error:
            outcomes.append("could not be downloaded" in str(error))

    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == [True] * 8
    assert path.read_bytes() == CONTENT


def test_a_folder_that_cannot_be_made(server, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        fetch(server, tmp_path / "file" / "below" / "file.bin")
    assert server.asked == []


# Through a fetcher


def test_a_fetcher_uses_it(server, tmp_path, monkeypatch):
    """From the wire to the error that names the folder."""
    from mtlkit.datasets import _fetched

    entry = (f"{server.address}/landmine.mat", hashlib.sha256(CONTENT).hexdigest(), len(CONTENT))
    monkeypatch.setattr(_fetched, "FILES", {"landmine.mat": entry})
    server.answers = [say(404)]
    with pytest.raises(OSError, match="404") as error:
        fetch_landmine(data_home=tmp_path)
    for part in (entry[0], entry[1], str(tmp_path), "as landmine.mat"):
        assert part in str(error.value)


def test_nothing_is_read_that_could_run():
    """No module of the data sets unpickles, nor reads what NumPy may unpickle."""
    for source in Path(mtlkit.datasets.__file__).parent.glob("*.py"):
        words = {
            node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute)
            else node.name for node in ast.walk(ast.parse(source.read_text("utf-8")))
            if isinstance(node, (ast.Name, ast.Attribute, ast.alias))
        }  # fmt: skip
        assert not words & {"pickle", "joblib", "load", "loads", "eval", "exec", "read_pickle"}
