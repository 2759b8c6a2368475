"""uvicorn, inside a loop that is not its own and without its signal handlers."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp


class _QuietServer(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Tell that connections are taken."""
        await super().startup(sockets)
        self.listening.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the process."""
        yield


class HttpServer:
    """Serves an application on an address, from `start` to `close`.

    Args:
        app: the application.
        address: what to listen on.
        port: TCP port; 0 picks a free one.
        drain_seconds: how long running requests may take once it closes.
    """

    def __init__(self, app: ASGIApp, address: str, port: int, drain_seconds: float) -> None:
        self._address = address
        self._port = port
        self._server = _QuietServer(
            uvicorn.Config(
                app,
                lifespan="off",
                ws="none",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=max(1, round(drain_seconds)),
            )
        )
        self._socket: socket.socket | None = None
        self._serving: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """Where it is, without a slash at the end."""
        return f"http://{self._address}:{self._port}"

    async def start(self) -> None:
        """Bind and serve; returns once connections are taken.

        Raises:
            OSError: the port is in use.
        """
        family = socket.AF_INET6 if ":" in self._address else socket.AF_INET
        # asyncio turns Nagle's algorithm off for sockets that name TCP; with it, each reply of a connection that is
        # kept would wait for a delayed acknowledgement.
        self._socket = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind((self._address, self._port))
        self._port = self._socket.getsockname()[1]
        self._serving = asyncio.create_task(self._server.serve([self._socket]))
        await self._server.listening.wait()

    async def close(self) -> None:
        """Take no more connections; wait for running requests, as long as they may take."""
        if self._serving is not None:
            self._server.should_exit = True
            await self._serving
        if self._socket is not None:
            self._socket.close()
