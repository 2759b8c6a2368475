"""HTTP servers on 127.0.0.1, several in one process."""

import asyncio
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from starlette.types import ASGIApp

from adf_trigger.emulator.serving.certificates import Certificate

HOST = "127.0.0.1"
_STARTED_POLL_SECONDS = 0.005
_SHUTDOWN_SECONDS = 2


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
            server.should_exit = True
            await task


class _Server(uvicorn.Server):
    """Leaves signals to the process that has several servers, and no connection behind."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close what is idle, wait for what is not, and then drop clients that keep their end of TLS open."""
        await super().shutdown(sockets)
        for connection in list(self.server_state.connections):
            if (transport := getattr(connection, "transport", None)) is not None:
                transport.abort()
        await asyncio.sleep(0)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
