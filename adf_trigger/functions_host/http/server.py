"""uvicorn in an existing event loop, without its signal handlers."""

import asyncio
import contextlib
import math
import socket
import struct
import sys
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp

from adf_trigger.functions_host.common.config import HostConfig
from adf_trigger.functions_host.http.protocol import KestrelProtocol

_KEEP_ALIVE_SECONDS = 130
_RESET = struct.pack("ii", 1, 0)
"""A socket that is closed with this linger option sends a reset."""


class _QuietServer(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, drain_seconds: float) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()
        self.drain_seconds = drain_seconds

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Signal that connections are accepted."""
        await super().startup(sockets)
        self.listening.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept no more connections, wait for current requests, and reset the rest; their functions keep running."""
        for server in self.servers:
            server.close()
        for each in sockets or []:
            each.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        try:
            async with asyncio.timeout(self.drain_seconds):
                while self.server_state.connections:  # noqa: ASYNC110 - uvicorn has no event for the end of one
                    await asyncio.sleep(0.02)
        except TimeoutError:
            for connection in list(self.server_state.connections):
                _reset(connection.transport)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the process."""
        yield


class HttpServer:
    """Serves an application, from `start` to `close`.

    Args:
        app: the application.
        config: address to listen on, and time limits of a close.
    """

    def __init__(self, app: ASGIApp, config: HostConfig) -> None:
        self._address = config.address
        self._port = config.port
        self._listen_on = config.listen_on
        self._server = _QuietServer(
            uvicorn.Config(
                app,
                http=KestrelProtocol,
                lifespan="off",
                ws="none",
                log_config=None,
                access_log=False,
                server_header=False,
                date_header=False,
                proxy_headers=False,
                timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            ),
            config.drain_seconds,
        )
        self._socket: socket.socket | None = None
        self._serving: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """Its URL, without a slash at the end."""
        return f"http://{self._address}:{self._port}"

    async def start(self) -> None:
        """Bind and serve; returns once connections are accepted.

        Raises:
            OSError: the port is in use.
        """
        self._socket = self._listening()
        self._port = self._socket.getsockname()[1]
        self._serving = asyncio.create_task(self._server.serve([self._socket]))
        await self._server.listening.wait()

    def listening_socket(self) -> socket.socket | None:
        """A copy of the listening socket. After `close`, callers queue on it until another host serves them."""
        return self._socket.dup() if self._socket is not None else None

    async def close(self, *, within: float = math.inf) -> None:
        """Accept no more connections, wait for running requests, and reset the rest.

        Args:
            within: seconds to wait, if shorter than the configured time.
        """
        self._server.drain_seconds = min(within, self._server.drain_seconds)
        if self._serving is not None:
            self._server.should_exit = True
            await self._serving
        if self._socket is not None:
            self._socket.close()

    def _listening(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self._address else socket.AF_INET
        # asyncio turns Nagle's algorithm off for sockets that name TCP; with it, each reply on a kept-alive connection
        # would wait for a delayed acknowledgement.
        if self._listen_on is not None:
            return socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, fileno=self._listen_on)
        bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        if sys.platform != "win32":  # on Windows the same option takes the port from its owner
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind((self._address, self._port))
        except OSError:
            bound.close()
            raise
        return bound


def _reset(transport: asyncio.Transport) -> None:
    connection = transport.get_extra_info("socket")
    with contextlib.suppress(OSError):  # closed already
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    transport.abort()
