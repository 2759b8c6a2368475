"""An HTTP proxy in front of storage that answers chosen requests itself, with a status and an error code."""

import sys
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from azure.core.utils import parse_connection_string

_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}


@dataclass(slots=True, kw_only=True)
class Rule:
    """Which requests are answered instead of storage, and how.

    Attributes:
        name: for the counts.
        method: of the request.
        path: the text that its path and query must contain.
        status: of the answer.
        code: the service's error code.
        left: the number of requests that it still answers; None for all.
        when: decides per request, by its path and query; default: every request.
        without: the text that its path and query must not contain.
        reaches: whether the request is still executed by storage.
    """

    name: str
    method: str
    path: str
    status: int
    code: str = "AuthorizationFailure"
    left: int | None = None
    when: Callable[[str], bool] = lambda _: True
    without: str = "\n"
    reaches: bool = False

    def takes(self, method: str, path: str) -> bool:
        """Whether a request is answered by this rule; counts it, if so."""
        if method != self.method or self.path not in path or self.without in path:
            return False
        if self.left == 0 or not self.when(path):
            return False
        if self.left is not None:
            self.left -= 1
        return True


class StorageAnswers:
    """The proxy, in front of one storage service. Runs between `__enter__` and `__exit__`.

    Args:
        upstream: port of the service.

    Attributes:
        rules: the first that takes a request answers it.
        counts: how many requests each rule has answered.
    """

    def __init__(self, upstream: int) -> None:
        self.rules: list[Rule] = []
        self.counts: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._server = _Server(self, upstream)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})

    @property
    def port(self) -> int:
        """The port on which it listens."""
        return int(self._server.server_address[1])

    def rule_for(self, method: str, path: str) -> Rule | None:
        """The rule that takes a request; None where storage answers it."""
        with self._lock:
            for rule in self.rules:
                if rule.takes(method, path):
                    self.counts[rule.name] += 1
                    return rule
        return None

    def honour(self, rules: Sequence[Rule]) -> None:
        """From now on, answer by these rules and no others."""
        with self._lock:
            self.rules = list(rules)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def queue_port(connection: str) -> int:
    """The port of the queue service that a connection string names."""
    return urlsplit(parse_connection_string(connection)["queueendpoint"]).port or 0


def through(connection: str, port: int) -> str:
    """A connection string with another port for its queue service."""
    return connection.replace(f":{queue_port(connection)}/", f":{port}/")


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, answers: StorageAnswers, upstream: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers = answers
        self.upstream = upstream

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore a client that is gone: hosts end in the midst of a call."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "_Server"

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        rule = self.server.answers.rule_for(self.command, self.path)
        if rule is None:
            self.pass_on(body)
            return
        if rule.reaches:
            self.ask(body)
        text = f'<?xml version="1.0"?><Error><Code>{rule.code}</Code><Message>no</Message></Error>'
        headers = {"x-ms-error-code": rule.code, "Content-Type": "application/xml"}
        self.reply(rule.status, headers, b"" if self.command == "HEAD" else text.encode())

    def pass_on(self, body: bytes) -> None:
        status, headers, content = self.ask(body)
        self.reply(status, headers, content)

    def ask(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        upstream = HTTPConnection("127.0.0.1", self.server.upstream, timeout=30)
        headers = {name: value for name, value in self.headers.items() if name != "Connection"}
        upstream.request(self.command, self.path, body, headers)
        reply = upstream.getresponse()
        content = reply.read()
        upstream.close()
        kept = {name: value for name, value in reply.getheaders() if name.lower() not in _HOP_BY_HOP}
        if self.command == "HEAD" and (length := reply.getheader("Content-Length")):
            kept["Content-Length"] = length
        return reply.status, kept, content

    def reply(self, status: int, headers: dict[str, str], content: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if "Content-Length" not in headers and status != 204:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class names it so
        pass

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = answer  # noqa: N815 - named after the methods
