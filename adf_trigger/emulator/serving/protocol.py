"""Access to the HTTP server's socket, for faults that act on it.

Serve the emulator with `uvicorn.Config(emulator.asgi, http=http_protocol, …)`. Without it everything works except the
faults that reset, drop or truncate.
"""

import asyncio
import socket
import struct
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

_TRANSPORT = "adf_trigger_transport"


class http_protocol(H11Protocol):  # noqa: N801 - named as the uvicorn setting that takes it
    """uvicorn's HTTP/1.1 protocol; puts the connection's transport into the state of every request."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Store the transport."""
        super().connection_made(transport)
        connection = transport.get_extra_info("socket")
        if connection is not None:
            # asyncio leaves Nagle's algorithm on for sockets that were made without naming TCP; with head and body
            # written apart, every reply would then wait for a delayed acknowledgement, 40 ms.
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.app_state = {**self.app_state, _TRANSPORT: transport}


def transport_of(scope: Scope) -> asyncio.Transport | None:
    """The transport of a request's connection; None if the server does not provide it."""
    transport: asyncio.Transport | None = scope.get("state", {}).get(_TRANSPORT)
    return transport


def reset(transport: asyncio.Transport) -> None:
    """Close a connection with a TCP RST."""
    connection = transport.get_extra_info("socket")
    if connection is not None:
        # Zero linger makes close() send RST and discard unsent data.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


class BrokenReply(Response):
    """No reply, or half of one; then the end of the connection.

    Args:
        kind: `reset`, `drop` or `truncate`.
        whole: the reply that `truncate` cuts.
    """

    def __init__(self, kind: str, whole: Response) -> None:
        super().__init__(whole.body, status_code=whole.status_code)
        self.raw_headers = whole.raw_headers
        self._kind = kind

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Act on the socket instead of answering."""
        transport = transport_of(scope)
        if transport is None:
            raise RuntimeError("this fault needs the server to run with serving.protocol.http_protocol")
        if self._kind == "truncate":
            await self._send_half(send)
        if self._kind == "reset":
            reset(transport)
        else:
            transport.close()
        message: Any = None
        while message is None or message["type"] != "http.disconnect":
            message = await receive()

    async def _send_half(self, send: Send) -> None:
        body = bytes(self.body)
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
