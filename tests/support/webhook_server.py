"""A server of this machine that webhooks are sent to."""

import http.server
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

LIMIT = 60
Handler = Callable[[http.server.BaseHTTPRequestHandler, bytes], None]
Call = tuple[str, dict[str, str], bytes]


def answered(status: int, **headers: str) -> Handler:
    """A server with that answer."""

    def handle(request: http.server.BaseHTTPRequestHandler, _body: bytes) -> None:
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name, value)
        request.send_header("Content-Length", "0")
        request.end_headers()

    return handle


@contextmanager
def served(handle: Handler, tls: ssl.SSLContext | None = None) -> Iterator[tuple[int, list[Call]]]:
    """A server on a port of this machine, and the calls that came."""
    calls: list[Call] = []

    class Request(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            calls.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
            handle(self, body)

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Request) as server:
        server.daemon_threads = True
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server.server_address[1], calls
        finally:
            server.shutdown()
            thread.join(LIMIT)


def refusing_first() -> Handler:
    """A server that takes each message the second time."""
    seen: set[str] = set()

    def handle(request: http.server.BaseHTTPRequestHandler, body: bytes) -> None:
        name = request.headers["webhook-id"] or request.path
        answered(204 if name in seen else 503)(request, body)
        seen.add(name)

    return handle


def drip(request: http.server.BaseHTTPRequestHandler, _body: bytes) -> None:
    """Answer a byte now and then, without end."""
    request.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    try:
        for _ in range(600):
            request.wfile.write(b"x")
            time.sleep(0.1)
    except OSError:
        return


def silence(_request: http.server.BaseHTTPRequestHandler, _body: bytes) -> None:
    """Send no answer."""
    time.sleep(30)


def headers_without_end(request: http.server.BaseHTTPRequestHandler, _body: bytes) -> None:
    """Send a success status, and then headers without end."""
    request.wfile.write(b"HTTP/1.1 200 OK\r\n")
    try:
        for number in range(1_000_000):
            request.wfile.write(b"X-%d: y\r\n" % number)
    except OSError:
        return


def body_without_end(request: http.server.BaseHTTPRequestHandler, _body: bytes) -> None:
    """Send a success status, and then a body without end."""
    request.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")
    try:
        for _ in range(100_000):
            request.wfile.write(b"x" * 65_536)
    except OSError:
        return
