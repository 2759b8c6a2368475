"""HTTP servers on 127.0.0.1, several in one process."""

import asyncio
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

import uvicorn
from starlette.types import ASGIApp

from adf_trigger.emulator.serving.certificates import Certificate

HOST = "127.0.0.1"
_STARTED_POLL_SECONDS = 0.005
_SHUTDOWN_SECONDS = 2
_CLOSING_POLL_SECONDS = 0.1
_TICK_SECONDS = 1.0
_TICKS_COUNTED = 10
"""uvicorn counts tenths of a second, and does its periodic work at every tenth count."""


@asynccontextmanager
async def serving(
    app: ASGIApp,
    *,
    port: int = 0,
    certificate: Certificate | None = None,
    http_protocol: type[asyncio.Protocol] | None = None,
) -> AsyncIterator[str]:
    """Serve an app on 127.0.0.1; yields its base URL, without a trailing slash.

    Args:
        app: the ASGI app; its lifespan is not run.
        port: 0 for a free one.
        certificate: for HTTPS; None for plain HTTP.
        http_protocol: None for uvicorn's own.

    Raises:
        OSError: the port is taken.
    """
    # asyncio turns Nagle's algorithm off for sockets that name TCP, which create_server's do not.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        if sys.platform != "win32":  # there the same option takes over a port that is in use
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        config = uvicorn.Config(
            app,
            http=http_protocol or "h11",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
            ssl_certfile=certificate.chain if certificate else None,
            ssl_keyfile=certificate.key if certificate else None,
        )
        server = _Server(config)
        task = asyncio.create_task(server.serve(sockets=[listener]))
        while not (server.started or task.done()):  # noqa: ASYNC110 - uvicorn has a flag, no event
            await asyncio.sleep(_STARTED_POLL_SECONDS)
        scheme = "https" if certificate else "http"
        try:
            yield f"{scheme}://{HOST}:{listener.getsockname()[1]}"
        finally:
            server.end()
            await task


class _Server(uvicorn.Server):
    """Handles no signals, since a process has several servers, and leaves no connection open."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._ending = asyncio.Event()

    def end(self) -> None:
        """Stop serving."""
        self.should_exit = True
        self._ending.set()

    async def main_loop(self) -> None:
        """Serve until `end` is called, without uvicorn's polling at every tenth of a second."""
        counter = 0
        while not await self.on_tick(counter):
            with suppress(TimeoutError):
                async with asyncio.timeout(_TICK_SECONDS):
                    await self._ending.wait()
            counter += _TICKS_COUNTED

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close idle connections and wait for the others, but not for clients that keep their end of TLS open."""
        closing = asyncio.create_task(super().shutdown(sockets))
        ended: set[asyncio.Transport] = set()
        while not (await asyncio.wait({closing}, timeout=_CLOSING_POLL_SECONDS))[0]:
            for transport in ended:
                transport.abort()
            ended = {each for each in self._transports() if each.is_closing() and not _has_unsent(each)}
        await closing
        for transport in self._transports():
            transport.abort()
        await asyncio.sleep(0)

    def _transports(self) -> list[asyncio.Transport]:
        found = (getattr(each, "transport", None) for each in self.server_state.connections)
        return [each for each in found if each is not None]

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _has_unsent(transport: asyncio.Transport) -> bool:
    return transport.get_write_buffer_size() > 0
