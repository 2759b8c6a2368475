"""A proxy in front of Data Factory that lets its factory move from one resource group to another."""

import json
import re
import threading
from collections import Counter
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

_GROUP = re.compile(r"(?<=/resourceGroups/)[^/]+", re.IGNORECASE)
_HOP_BY_HOP = frozenset({"connection", "transfer-encoding", "content-length", "date", "server"})


class MovingFactory:
    """Knows the factory in one group at a time, 404 in all others. Runs between `__enter__` and `__exit__`.

    Args:
        upstream: port of the emulator, which knows it in its own group alone.
        group: that group.

    Attributes:
        group: where the factory is now.
        counts: calls by whether they reached its current place.
    """

    def __init__(self, upstream: int, group: str) -> None:
        self.upstream = upstream
        self.home = group
        self.group = group
        self.counts: Counter[bool] = Counter()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.moving = self
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    moving: MovingFactory

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of hosts that are killed in the midst of a call."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def answer(self) -> None:
        """Pass the call on where the factory is, and say that it is not there elsewhere."""
        moving = self.server.moving
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        asked = _GROUP.search(self.path)
        there = asked is not None and asked[0].lower() == moving.group.lower()
        moving.counts[there] += 1
        if not there:
            error = {
                "code": "ResourceNotFound",
                "message": "The factory under this resource group was not found.",
            }
            headers = {"Content-Type": "application/json", "x-ms-failure-cause": "gateway"}
            self._reply(404, headers, json.dumps({"error": error}).encode())
            return
        upstream = HTTPConnection("127.0.0.1", moving.upstream, timeout=30)
        headers = {
            name: value for name, value in self.headers.items() if name.lower() not in {"connection", "host"}
        }
        upstream.request(self.command, _GROUP.sub(moving.home, self.path), body, headers)
        reply = upstream.getresponse()
        content = reply.read()
        upstream.close()
        kept = {name: value for name, value in reply.getheaders() if name.lower() not in _HOP_BY_HOP}
        self._reply(reply.status, kept, content)

    def _reply(self, status: int, headers: dict[str, str], content: bytes) -> None:
        self.send_response_only(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class names it so
        """The history has what matters."""

    do_GET = do_POST = answer  # noqa: N815 - named after the methods
