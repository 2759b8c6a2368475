"""A TCP proxy in front of storage that breaks connections in the ways that networks do."""

import asyncio
import random
import socket
import struct
import threading
from collections import Counter
from collections.abc import Coroutine
from concurrent.futures import Future
from contextlib import suppress
from enum import StrEnum
from types import TracebackType
from typing import Any, Self, TypeVar

T = TypeVar("T")

HALF_OPEN_SECONDS = 3.0
"""Longer than the read time-out of the app: it gives up first."""

LONGEST_DELAY = 1.5
LONGEST_CUT = 700
"""Bytes of a reply that may still arrive before it is cut: from none to past its headers."""

_CHUNK = 64 * 1024
_RESET = struct.pack("ii", 1, 0)
"""Closed with no time to linger, a socket sends a reset."""


class Fault(StrEnum):
    """What may become of one request and its reply."""

    LOST_REQUEST = "request lost, connection reset"
    LOST_REPLY = "request done, reply lost"
    CUT_REPLY = "request done, reply cut off"
    HALF_OPEN = "request lost, no sign of life"
    NO_REPLY = "request done, no sign of life"
    SLOW = "slow"


class _Exchange:
    """The request that is under way on a connection, and what is to become of it."""

    def __init__(self) -> None:
        self.fault: Fault | None = None
        self.answered = True
        self.left = 0


class Proxy:
    """Passes connections on to one port of 127.0.0.1. Lives in the loop that starts it.

    Args:
        upstream: the port that connections are passed on to.
        dice: decides what breaks.

    Attributes:
        rate: share of requests that meet a fault.
        counts: how often each fault was met.
    """

    def __init__(self, upstream: int, dice: random.Random) -> None:
        self.rate = 0.0
        self.counts: Counter[str] = Counter()
        self._upstream = upstream
        self._dice = dice
        self._open: set[asyncio.StreamWriter] = set()
        # Bound and never listening, it keeps the port without a listener: connections are refused.
        self._reserved = _bound(0)
        self.port: int = self._reserved.getsockname()[1]
        self._server: asyncio.Server | None = None

    async def listen(self) -> None:
        """Take connections."""
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, sock=_bound(self.port))

    async def refuse(self) -> None:
        """Refuse connections from now on, and reset those that are open."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in list(self._open):
            _reset(writer)

    async def close(self) -> None:
        """Refuse for good."""
        await self.refuse()
        self._reserved.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            from_storage, to_storage = await asyncio.open_connection("127.0.0.1", self._upstream)
        except OSError:
            _reset(writer)
            return
        self._open.add(writer)
        exchange = _Exchange()
        ways = [
            asyncio.create_task(self._pass_requests(reader, to_storage, writer, exchange)),
            asyncio.create_task(self._pass_replies(from_storage, writer, exchange)),
        ]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        self._open.discard(writer)
        for end in (writer, to_storage):
            end.close()

    async def _pass_requests(
        self,
        reader: asyncio.StreamReader,
        to_storage: asyncio.StreamWriter,
        writer: asyncio.StreamWriter,
        exchange: _Exchange,
    ) -> None:
        while chunk := await reader.read(_CHUNK):
            if exchange.answered:  # the first piece of another request
                self._begin(exchange)
                if exchange.fault is Fault.SLOW:
                    await asyncio.sleep(self._dice.uniform(0.1, LONGEST_DELAY))
            if exchange.fault is Fault.LOST_REQUEST:
                _reset(writer)
                return
            if exchange.fault is Fault.HALF_OPEN:
                await asyncio.sleep(HALF_OPEN_SECONDS)
                return
            to_storage.write(chunk)
            await to_storage.drain()

    async def _pass_replies(
        self, from_storage: asyncio.StreamReader, writer: asyncio.StreamWriter, exchange: _Exchange
    ) -> None:
        while chunk := await from_storage.read(_CHUNK):
            exchange.answered = True
            if exchange.fault is Fault.NO_REPLY:
                await asyncio.sleep(HALF_OPEN_SECONDS)
                return
            if exchange.fault in {Fault.LOST_REPLY, Fault.CUT_REPLY}:
                writer.write(chunk[: exchange.left])
                if len(chunk) >= exchange.left:
                    with suppress(ConnectionError):
                        await writer.drain()
                    _reset(writer)
                    return
                exchange.left -= len(chunk)
                continue
            writer.write(chunk)
            await writer.drain()

    def _begin(self, exchange: _Exchange) -> None:
        exchange.answered = False
        exchange.fault = None
        if self._dice.random() >= self.rate:
            return
        exchange.fault = self._dice.choice(list(Fault))
        exchange.left = self._dice.randrange(1, LONGEST_CUT) if exchange.fault is Fault.CUT_REPLY else 0
        self.counts[exchange.fault] += 1


class StorageProxies:
    """Proxies in a thread of their own.

    Args:
        upstreams: name of each service and the port it listens on.
        seed: of the dice.
    """

    def __init__(self, upstreams: dict[str, int], seed: int) -> None:
        dice = random.Random(seed)  # noqa: S311 - dice of a test, nothing secret
        self._proxies = {name: Proxy(port, dice) for name, port in upstreams.items()}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="storage proxy")

    @property
    def ports(self) -> dict[str, int]:
        """Where each service is reached through its proxy."""
        return {name: proxy.port for name, proxy in self._proxies.items()}

    @property
    def counts(self) -> Counter[str]:
        """How often each fault was met."""
        return sum((proxy.counts for proxy in self._proxies.values()), Counter())

    def break_at(self, rate: float) -> None:
        """From now on let this share of the requests meet a fault."""
        for proxy in self._proxies.values():
            proxy.rate = rate

    def outage(self) -> None:
        """Refuse connections, until `recover`."""
        for proxy in self._proxies.values():
            self._run(proxy.refuse())

    def recover(self) -> None:
        """Take connections again."""
        for proxy in self._proxies.values():
            self._run(proxy.listen())

    def __enter__(self) -> Self:
        self._thread.start()
        self.recover()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for proxy in self._proxies.values():
            self._run(proxy.close())
        self._run(_finish())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        done: Future[T] = asyncio.run_coroutine_threadsafe(work, self._loop)
        return done.result(timeout=10)


def _bound(port: int) -> socket.socket:
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound.bind(("127.0.0.1", port))
    return bound


def _reset(writer: asyncio.StreamWriter) -> None:
    connection = writer.get_extra_info("socket")
    with suppress(OSError):  # closed already
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()


async def _finish() -> None:
    """Wait for the connections that are ending."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
