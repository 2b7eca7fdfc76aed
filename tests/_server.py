"""A server on this machine that speaks HTTPS and does what it is told, wrong things included."""

import ssl
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CONTENT = bytes(range(256)) * 40  # what most tests send: no part equals another of the same place


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        server = self.server
        server.asked.append((self.path, self.headers["Range"]))
        server.headers.append(dict(self.headers))
        number = len(server.asked) - 1
        self.close_connection = True
        server.answers[min(number, len(server.answers) - 1)](self)

    def log_message(self, *arguments):
        pass

    def start(self):
        """Where the asked range starts."""
        return int((self.headers["Range"] or "bytes=0-").removeprefix("bytes=").rstrip("-"))

    def head(self, status, *, length=None, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.send_header("Connection", "close")
        self.end_headers()

    def send(self, data):
        """Whether the other side still takes it."""
        try:
            self.wfile.write(data)
        except OSError:
            return False
        return True


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, context=None):
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked, self.headers, self.answers = [], [], [give()]
        self.ended = threading.Event()  # what waits, waits for this
        self.drops = 0  # connections to end before a word is said
        if context is not None:
            self.socket = context.wrap_socket(
                self.socket, server_side=True, do_handshake_on_connect=False
            )
        self.address = f"{'http' if context is None else 'https'}://127.0.0.1:{self.server_port}"

    def verify_request(self, request, client_address):
        self.drops -= 1
        return self.drops < 0

    def handle_error(self, request, client_address):
        pass  # the other side went away, as it may


@contextmanager
def serving(context=None):
    server = Server(context)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.ended.set()
        server.shutdown()
        server.server_close()
        thread.join()


def context_of(certificate, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


# Answers


def give(content=CONTENT, *, upto=None, length=True, ranges=True, **headers):
    """All of it, or what is asked for; `upto`: the connection ends before that byte.

    `length`: what the header says, True for the truth, None for nothing.
    """

    def answer(handler):
        start = handler.start() if ranges else 0
        if start >= len(content):
            return handler.head(416, length=0)
        partly = {"Content_Range": f"bytes {start}-{len(content) - 1}/{len(content)}"}
        said = len(content) - start if length is True else length
        handler.head(206 if start else 200, length=said, **(partly if start else {}), **headers)
        return handler.send(content[start:upto])

    return answer


def chunked(content=CONTENT, *, end=True):
    def answer(handler):
        handler.head(200, Transfer_Encoding="chunked")
        for part in (content[:5000], content[5000:]):
            handler.send(b"%x\r\n%s\r\n" % (len(part), part))
        if end:
            handler.send(b"0\r\n\r\n")

    return answer


def say(status, **headers):
    return lambda handler: handler.head(status, length=0, **headers)


def endless(status=200, block=b"\0" * 65_536, **headers):
    """A body without an end, until the other side goes away."""

    def answer(handler):
        handler.head(status, **headers)
        while handler.send(block) and not handler.server.ended.is_set():
            pass

    return answer


def stall(upto=None):
    """Nothing, or the head and a part, and then silence."""

    def answer(handler):
        if upto is not None:
            handler.head(200, length=len(CONTENT))
            handler.send(CONTENT[:upto])
        handler.server.ended.wait(60)

    return answer


def trickle(handler):
    """A byte now and then."""
    handler.head(200, length=len(CONTENT))
    while handler.send(b"\0") and not handler.server.ended.wait(0.01):
        pass
