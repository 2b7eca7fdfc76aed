"""Downloads a file whose size and SHA-256 are known, or says how to bring it by hand."""

import hashlib
import os
import time
from contextlib import suppress
from urllib.parse import urljoin
from uuid import uuid4

import requests
from platformdirs import user_cache_path
from urllib3 import Retry
from urllib3.exceptions import HTTPError, ProtocolError

LATER = {416, 429, 500, 502, 503, 504}  # what a server says to a request that can be repeated
TRIES = Retry(5, backoff_factor=0.5, backoff_jitter=0.5, backoff_max=30, retry_after_max=60)
TIMEOUT = (10, 20)  # seconds: to connect, and between two packets
REDIRECTS = 5
PATIENCE = 60  # seconds, and those that SLOWEST needs: so long may one file take
SLOWEST = 5_000  # bytes per second


def cache_folder():
    """The folder of mtlkit among the caches of this system's user."""
    return user_cache_path("mtlkit", appauthor=False)


def download(path, url, sha256, size):
    """Put the file at `url` into `path` once it is whole and the expected one, else raise OSError.

    Each caller writes into a file of its own. What it has when it is interrupted is left to one of
    the next, which asks for the rest. Sources: RFC 9110, sections 14 (ranges) and 10.2.3.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    left, part = (path.with_name(f"{path.name}{end}.part") for end in ("", f".{uuid4().hex}"))
    with suppress(FileNotFoundError):
        left.rename(part)
    try:
        with part.open("a+b") as file:
            _fill(file, url, sha256, size)
            os.fsync(file.fileno())
        part.replace(path)
    except (requests.RequestException, HTTPError, ValueError) as error:  # an address like https://[
        reason = getattr(error, "reason", error)  # of the last of several tries
        raise OSError(
            f"{path.name} could not be downloaded from {url}: {reason}. Try again later, or put a "
            f"copy of {size} bytes with SHA-256 {sha256} into {path.parent} as {path.name}"
        ) from error
    finally:
        if part.exists() and part.stat().st_size:
            part.replace(left)
        part.unlink(missing_ok=True)


def _fill(file, url, sha256, size):
    """Fill a file until it is the expected one; it is empty where that cannot be."""
    ends = time.monotonic() + PATIENCE + size / SLOWEST
    tries, parts = TRIES, int(file.tell() > 0)
    with requests.Session() as session:
        del session.adapters["http://"]  # nor does a redirect lead there
        while True:
            try:
                parts += 1
                _receive(session, url, file, size, ends)
            except (requests.RequestException, HTTPError) as error:
                if not _may_pass(error):
                    raise
                tries = tries.increment("GET", url, error=error)
                tries.sleep(getattr(getattr(error, "response", None), "raw", None))
                continue
            file.seek(0)
            if hashlib.file_digest(file, "sha256").hexdigest() == sha256:
                return
            file.truncate(0)
            if parts == 1:
                raise ProtocolError("what arrived is not the file that mtlkit expects")
            parts = 0  # of two files, maybe


def _receive(session, url, file, size, ends):
    """Append what the file lacks. No byte beyond `size` is read, and nothing is unpacked."""
    have = file.seek(0, os.SEEK_END)
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    for _ in range(REDIRECTS + 1):
        # Not `session.get`: that reads what a redirect says besides, however long it is.
        request = session.prepare_request(requests.Request("GET", url, headers))
        settings = session.merge_environment_settings(request.url, {}, True, None, None)
        answer = session.get_adapter(request.url).send(request, timeout=TIMEOUT, **settings)
        if not answer.is_redirect:
            break
        answer.close()  # unread
        url = urljoin(url, answer.headers["location"])
    else:
        raise requests.TooManyRedirects(f"more than {REDIRECTS} redirects")
    with answer:
        if answer.status_code in (200, 416):  # the whole file, or none of it
            file.truncate(0)
        if answer.status_code not in (200, 206):
            raise requests.HTTPError(f"{answer.status_code} from {url}", response=answer)
        while (have := file.seek(0, os.SEEK_END)) < size:
            if time.monotonic() > ends:
                raise requests.RequestException(f"slower than {SLOWEST} bytes a second")
            chunk = answer.raw.read1(min(size - have, 65_536), decode_content=False)
            if not chunk:
                raise ProtocolError(f"the connection ended after {have} of {size} bytes")
            file.write(chunk)


def _may_pass(error):
    """Whether a failure can be gone at the next try."""
    answer = getattr(error, "response", None)
    if answer is not None:
        return answer.status_code in LATER
    temporary = isinstance(error, (requests.ConnectionError, requests.Timeout, HTTPError))
    return temporary and "CERTIFICATE_VERIFY_FAILED" not in str(error)
