"""Lets callers wait for the end of their runs, without a thread for each, and with shared refreshes from Data Factory.

While callers wait for runs of a factory, one task refreshes all of them together, often at first and then less often.
Everything here runs on the event loop of the process, except the refreshes themselves.
"""

import asyncio
import contextlib
import contextvars
import logging
import time
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol, TypeVar

from adf_trigger.errors import TryLater
from adf_trigger.ledger.records import RunRecord
from adf_trigger.service.factories import Factories, FactoryHandle
from adf_trigger.service.watching.shared_refresh import RefreshProgress, Seen, SharedRefresher

logger = logging.getLogger(__name__)

MOST = 2_000
"""Maximum concurrent waiting callers of a process; the next one gets the record as it is."""
SETTLED_CONCURRENTLY = 8
SETTLED_PER_REFRESH = 64
"""Maximum ends that one refresh records: each costs a few writes, and a Data Factory call for its errors."""
SOONEST = 0.5
PAUSES = ((3.0, SOONEST), (30.0, 1.0), (60.0, 2.0))
"""Seconds that the newest caller has waited, at most → seconds between refreshes. Short runs end soon."""
LONGEST_PAUSE = 5.0
PAUSE_FACTOR = 3.0
"""Minimum pause after a long refresh, as a multiple of its length."""

T = TypeVar("T")


class Run(Protocol):
    """Runs a blocking call on a thread."""

    def __call__(self, work: Callable[[], T], /) -> Awaitable[T]:
        """Return the result of the call, or raise its error."""


@dataclass(slots=True)
class _Watch:
    """The callers that wait for runs of one factory."""

    factory: FactoryHandle
    arrival: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: dict[str, set["asyncio.Future[RunRecord]"]] = field(default_factory=dict)
    last_arrival: float = 0.0
    place: RefreshProgress = field(default_factory=RefreshProgress)
    task: "asyncio.Task[None] | None" = None

    def requests(self) -> Collection[str]:
        return frozenset(self.waiting)

    def answer(self, request_id: str, record: RunRecord) -> None:
        for each in self.waiting.get(request_id, ()):
            if not each.done():
                each.set_result(record)


class Waiter:
    """Waits for runs to end, on one event loop.

    Args:
        factories: all configured factories.
        shared_refresher: refreshes many runs at once.
        run: runs blocking calls on a thread.
        seconds: a monotonic clock.
        most: maximum concurrent waiting callers.
    """

    def __init__(
        self,
        factories: Factories,
        shared_refresher: SharedRefresher,
        run: Run,
        *,
        seconds: Callable[[], float] = time.monotonic,
        most: int = MOST,
    ) -> None:
        self._factories = factories
        self._shared_refresher = shared_refresher
        self._run = run
        self._seconds = seconds
        self._most = most
        self._watches: dict[str, _Watch] = {}
        self._waiting = 0

    @property
    def waiting(self) -> int:
        """Callers that wait now."""
        return self._waiting

    async def end_of(self, record: RunRecord, seconds: float) -> RunRecord | None:
        """Wait for the end of a request; returns its record, or None once the time is up.

        Returns None immediately where `most` callers already wait, or the factory is not configured.
        """
        if record.ended:
            return record
        factory = self._factories.kept_under(record.factory)
        if factory is None or seconds <= 0 or self._waiting >= self._most:
            return None
        ended: asyncio.Future[RunRecord] = asyncio.get_running_loop().create_future()
        watch = self._watch_of(factory)
        watch.waiting.setdefault(record.request_id, set()).add(ended)
        watch.last_arrival = self._seconds()
        watch.arrival.set()
        self._waiting += 1
        try:
            async with asyncio.timeout(seconds):
                return await ended
        except TimeoutError:
            return None
        finally:
            self._waiting -= 1
            others = watch.waiting.get(record.request_id, set())
            others.discard(ended)
            if not others:
                watch.waiting.pop(record.request_id, None)

    def _watch_of(self, factory: FactoryHandle) -> _Watch:
        watch = self._watches.get(factory.id)
        if watch is None:
            watch = self._watches[factory.id] = _Watch(factory)
            # In a context of its own: it outlasts the invocation that starts it.
            watch.task = asyncio.get_running_loop().create_task(
                self._watch(watch), context=contextvars.Context()
            )
        return watch

    async def _watch(self, watch: _Watch) -> None:
        least, pause = SOONEST, SOONEST
        try:
            while watch.waiting:
                await _pause(watch, least, pause)
                watch.arrival.clear()
                began = self._seconds()
                failed = await self._look(watch)
                least = LONGEST_PAUSE if failed else max(SOONEST, (self._seconds() - began) * PAUSE_FACTOR)
                since = self._seconds() - watch.last_arrival
                pause = max(least, next((each for upto, each in PAUSES if since <= upto), LONGEST_PAUSE))
        finally:
            # Nothing is awaited between the last check of `waiting` and this: no caller can have come.
            if self._watches.get(watch.factory.id) is watch:
                del self._watches[watch.factory.id]

    async def _look(self, watch: _Watch) -> bool:
        """Refresh once, and answer callers whose runs are over; returns whether anything could not be read."""
        try:
            seen = await self._run(
                partial(self._shared_refresher.look, watch.factory, watch.requests(), watch.place)
            )
            return await self._settle(watch, seen) or seen.failed
        except TryLater:
            return True
        except (
            Exception
        ):  # the outermost edge of a task: callers that wait are answered when their time is up
            logger.exception(
                "The awaited runs of factory %s could not be read",
                watch.factory.alias,
                extra={"action": "wait_look_failed", "factory": watch.factory.present_id},
            )
            return True

    async def _settle(self, watch: _Watch, seen: Seen) -> bool:
        turns = asyncio.Semaphore(SETTLED_CONCURRENTLY)

        async def settle(request_id: str) -> None:
            async with turns:
                ended = seen.ended.get(request_id)
                record = await self._run(
                    partial(self._shared_refresher.settle, watch.factory, request_id, ended)
                )
            if record is not None:
                watch.answer(request_id, record)

        requests = [*seen.over, *seen.ended][:SETTLED_PER_REFRESH]
        failures = await asyncio.gather(*map(settle, requests), return_exceptions=True)
        raised = [each for each in failures if isinstance(each, BaseException)]
        for each in raised:
            if not isinstance(each, TryLater):
                raise each
        return bool(raised)


async def _pause(watch: _Watch, least: float, most: float) -> None:
    """Wait for the next refresh, for `least` to `most` seconds: a new caller brings it forward."""
    await asyncio.sleep(least)
    if most > least:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(most - least):
                await watch.arrival.wait()
