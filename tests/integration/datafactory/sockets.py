"""Servers that misbehave below HTTP, each one a function of a connection."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

Behaviour = Callable[[socket.socket], None]

PATIENCE = 60.0
"""Seconds that a server waits for its client before it gives up."""


@dataclass
class RawServer:
    """Gives each connection to `behaviour`, in a thread of its own.

    Attributes:
        requests: what was read as requests, over all connections.
        connections: how many were accepted.
    """

    behaviour: Behaviour = lambda _: None
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    port: int = 0
    done: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        """Base URL over plain http."""
        return f"http://127.0.0.1:{self.port}"

    def read_request(self, connection: socket.socket) -> bytes:
        """Read one whole request; b"" where the client has gone."""
        data = b""
        while b"\r\n\r\n" not in data:
            chunk = connection.recv(65_536)
            if not chunk:
                return b""
            data += chunk
        head, _, body = data.partition(b"\r\n\r\n")
        lengths = [
            int(line.partition(b":")[2])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length:")
        ]
        while lengths and len(body) < lengths[0]:
            body += connection.recv(65_536)
        self.requests.append(head + b"\r\n\r\n" + body)
        return self.requests[-1]

    def replying(self, reply: bytes, *, then: Behaviour = lambda _: None) -> None:
        """Read one request, send these bytes, do something, and close."""

        def behave(connection: socket.socket) -> None:
            if self.read_request(connection):
                connection.sendall(reply)
                then(connection)

        self.behaviour = behave

    def answering(self, reply: bytes) -> None:
        """Answer every request of every connection with these bytes, and keep the connection."""

        def behave(connection: socket.socket) -> None:
            while self.read_request(connection):
                connection.sendall(reply)

        self.behaviour = behave


def reset(connection: socket.socket) -> None:
    """Break the connection: the peer gets a reset, not an end."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def reply(status: str, body: bytes = b"", *headers: str, length: int | None = None) -> bytes:
    """The bytes of a reply; its Content-Length may lie."""
    size = len(body) if length is None else length
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {size}", "Content-Type: application/json", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@contextmanager
def raw_server() -> Iterator[RawServer]:
    """A server on a free port of this machine."""
    server = RawServer()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server.port = listener.getsockname()[1]
        workers: list[threading.Thread] = []
        connections: list[socket.socket] = []

        def handle(connection: socket.socket) -> None:
            with connection, suppress(OSError):
                connection.settimeout(PATIENCE)
                server.behaviour(connection)

        def accept() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                if server.done.is_set():
                    connection.close()
                    return
                server.connections += 1
                connections.append(connection)
                worker = threading.Thread(target=handle, args=(connection,))
                workers.append(worker)
                worker.start()

        acceptor = threading.Thread(target=accept)
        acceptor.start()
        try:
            yield server
        finally:
            server.done.set()
            with suppress(OSError), socket.create_connection(("127.0.0.1", server.port), timeout=1):
                pass
            acceptor.join(PATIENCE)
            for connection in connections:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            for worker in workers:
                worker.join(PATIENCE)
