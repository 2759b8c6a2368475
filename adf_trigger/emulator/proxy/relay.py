"""Relays bytes between two connections, in both directions, until both have ended."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from adf_trigger.emulator.outbound.storage_account import Address
from adf_trigger.emulator.serving.protocol import reset
from adf_trigger.emulator.serving.servers import HOST

CHUNK = 64 * 1024
CONNECT_SECONDS = 5.0
MAX_CONNECTIONS = 512
"""Maximum concurrent connections of one server; the next one is closed immediately."""

_CLOSING_SECONDS = 2.0

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Unreachable(Exception):
    """Nothing listens at an address."""


@asynccontextmanager
async def listening(
    serve: Serve, *, port: int = 0, tls: ssl.SSLContext | None = None, limit: int = CHUNK
) -> AsyncIterator[int]:
    """Serve connections to 127.0.0.1; yields the port. At the end all of them are closed.

    Args:
        serve: called for each connection; a network error that it raises ends only that connection.
        port: 0 for a free one.
        tls: for TLS from the first byte on.
        limit: bytes that a reader buffers.

    Raises:
        OSError: the port is taken.
    """
    tasks: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or len(tasks) >= MAX_CONNECTIONS:
            writer.transport.abort()
            return
        tasks.add(task)
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                await serve(reader, writer)
        finally:
            tasks.discard(task)
            await close(writer)

    server = await asyncio.start_server(connected, HOST, port, ssl=tls, limit=limit)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tuple(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def connect(address: Address) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection to a server of this machine.

    Raises:
        Unreachable: nothing listens there.
    """
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            return await asyncio.open_connection(*address, limit=CHUNK)
    except (OSError, TimeoutError) as exc:
        raise Unreachable(f"{address[0]}:{address[1]}") from exc


@dataclass(frozen=True, slots=True)
class Ends:
    """The two ends of one direction's stream."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


async def relay(client: Ends, server: Ends) -> None:
    """Carry bytes both ways until both sides have ended; a side that is reset resets the other."""
    try:
        async with asyncio.TaskGroup() as both:
            both.create_task(_carry(client.reader, server.writer, half=True))
            # Once the server has ended there is nothing to wait for, whatever the client keeps open.
            both.create_task(_carry(server.reader, client.writer, half=False))
    except* OSError:
        for writer in (client.writer, server.writer):
            if isinstance(writer.transport, asyncio.Transport):
                reset(writer.transport)
    finally:
        await close(server.writer)


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, half: bool) -> None:
    while chunk := await reader.read(CHUNK):
        writer.write(chunk)
        await writer.drain()
    # TLS cannot close half of a connection.
    if half and writer.can_write_eof():
        writer.write_eof()
    else:
        writer.close()


async def close(writer: asyncio.StreamWriter) -> None:
    """Close a connection, without waiting for a peer that keeps its end of TLS open."""
    writer.close()
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(_CLOSING_SECONDS):
            await writer.wait_closed()
    writer.transport.abort()
