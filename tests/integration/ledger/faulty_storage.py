"""A real HTTP proxy in front of Azurite that loses replies, breaks them off, or never passes a request on."""

import socket
import struct
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Fault:
    """The fault of one request.

    Attributes:
        reaches: whether storage gets it.
        status: answered in the place of storage's own answer; None for storage's own.
        content: body of an answer with a status.
        kind: its Content-Type.
        keep: bytes of the answer that reach the client before the connection is reset; None for all.
        stall: seconds that the client waits in vain before the connection is reset.
        meanwhile: what happens between storage's answer and its loss.
    """

    reaches: bool = True
    status: int | None = None
    content: bytes = b""
    kind: str = "text/plain"
    keep: int | None = None
    stall: float = 0
    meanwhile: Callable[[], object] = lambda: None


LOST_REPLY = Fault(keep=0)
LOST_REQUEST = Fault(reaches=False, keep=0)
BUSY = Fault(reaches=False, status=503)
BUSY_BUT_DONE = Fault(status=503)
FINE = Fault()


@dataclass
class FaultyStorage:
    """The proxy. Each write takes the next of `faults`; by default, reads pass.

    Attributes:
        upstream: base URL of the table service.
        faults: of the next writes.
        read_faults: of the next reads.
        writes: the methods of the writes that came; a transaction is a POST.
        reads: how many reads came.
    """

    upstream: str
    faults: deque[Fault] = field(default_factory=deque)
    read_faults: deque[Fault] = field(default_factory=deque)
    writes: list[str] = field(default_factory=list)
    reads: int = 0

    def __post_init__(self) -> None:
        self.closing = threading.Event()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05})

    @property
    def url(self) -> str:
        """Base URL of the proxy."""
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def next_fault(self, method: str) -> Fault:
        """The fault that a request meets."""
        if method != "GET":
            self.writes.append(method)
            return self.faults.popleft() if self.faults else FINE
        self.reads += 1
        return self.read_faults.popleft() if self.read_faults else FINE

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.closing.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def _handler(storage: FaultyStorage) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            fault = storage.next_fault(self.command)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            answer = self.ask_storage(body) if fault.reaches else b""
            if fault.status is not None:
                head = [f"HTTP/1.1 {fault.status} Fault", f"Content-Type: {fault.kind}"]
                head += [f"Content-Length: {len(fault.content)}", "Connection: close"]
                answer = "\r\n".join([*head, "", ""]).encode() + fault.content
            fault.meanwhile()
            self.wfile.write(answer[: fault.keep])
            storage.closing.wait(fault.stall)
            self.close_connection = True
            if fault.keep is not None:
                self.wfile.flush()
                # Closed with no time to linger, a socket sends a reset.
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

        def ask_storage(self, body: bytes) -> bytes:
            upstream = HTTPConnection(urlsplit(storage.upstream).netloc, timeout=20)
            headers = {name: value for name, value in self.headers.items() if name != "Connection"}
            upstream.request(self.command, self.path, body, headers)
            reply = upstream.getresponse()
            content = reply.read()
            upstream.close()
            kept = [
                f"{name}: {value}"
                for name, value in reply.getheaders()
                if name.lower() not in {"connection", "keep-alive", "transfer-encoding", "content-length"}
            ]
            head = [
                f"HTTP/1.1 {reply.status} {reply.reason}",
                *kept,
                f"Content-Length: {len(content)}",
                "Connection: close",
            ]
            return "\r\n".join([*head, "", ""]).encode() + content

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class names it so
            pass

    # The base class calls a method named after the request's.
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        setattr(Handler, f"do_{method}", Handler.answer)
    return Handler
