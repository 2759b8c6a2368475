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
_CLOSING_LOOK_SECONDS = 0.1
_TICK_SECONDS = 1.0
_TICKS_COUNTED = 10
"""uvicorn counts tenths of seconds, and does what it has to do at each tenth of them."""


@asynccontextmanager
async def serving(
    app: ASGIApp,
    *,
    port: int = 0,
    certificate: Certificate | None = None,
    http_protocol: type[asyncio.Protocol] | None = None,
) -> AsyncIterator[str]:
    """Serve an app on 127.0.0.1 and give its base URL, without a slash at the end.

    Args:
        app: the ASGI app; its lifespan is not run.
        port: 0 for a free one.
        certificate: for https; plain http without.
        http_protocol: uvicorn's own where None.

    Raises:
        OSError: the port is taken.
    """
    # asyncio turns Nagle's algorithm off for sockets that name TCP, which create_server's do not.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        if sys.platform != "win32":  # there the same option takes a port from whoever has it
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
    """Leaves signals to the process that has several servers, and no connection behind."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._told = asyncio.Event()

    def end(self) -> None:
        """Stop serving."""
        self.should_exit = True
        self._told.set()

    async def main_loop(self) -> None:
        """Serve until told to end, without uvicorn's look at every tenth of a second whether that is so."""
        counter = 0
        while not await self.on_tick(counter):
            with suppress(TimeoutError):
                async with asyncio.timeout(_TICK_SECONDS):
                    await self._told.wait()
            counter += _TICKS_COUNTED

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close what is idle, wait for what is not, and for no client that keeps its end of TLS open."""
        closing = asyncio.create_task(super().shutdown(sockets))
        ended: set[asyncio.Transport] = set()
        while not (await asyncio.wait({closing}, timeout=_CLOSING_LOOK_SECONDS))[0]:
            for transport in ended:
                transport.abort()
            ended = {each for each in self._transports() if each.is_closing() and not _has_more(each)}
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


def _has_more(transport: asyncio.Transport) -> bool:
    return transport.get_write_buffer_size() > 0
