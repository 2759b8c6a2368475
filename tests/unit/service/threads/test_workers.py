"""The threads that work for callers, and the admission gate before them."""

import asyncio
import threading
from collections.abc import Awaitable, Callable

import pytest

from adf_trigger.errors import LedgerError, TryLater
from adf_trigger.service.threads.workers import Workers
from tests.support.waiting import until

LONG = 60


def within(test: Callable[[], Awaitable[None]]) -> None:
    """Run a test on an event loop of its own, within a minute."""
    asyncio.run(asyncio.wait_for(test(), LONG))


def test_as_many_work_as_there_are_threads_and_some_wait() -> None:
    """The next one is answered immediately with a time to come again, and does no work."""
    workers, go, done = Workers(threads=2, queued=1), threading.Event(), []

    def work() -> int:
        go.wait(LONG)
        done.append(threading.current_thread().name)
        return len(done)

    async def test() -> None:
        taken = [asyncio.ensure_future(workers.run(work)) for _ in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(TryLater) as caught:
            await workers.run(work)
        assert caught.value.retry_after > 0
        assert (workers.inside, done) == (3, [])
        go.set()
        assert sorted(await asyncio.gather(*taken)) == [1, 2, 3]
        assert await workers.run(lambda: "again") == "again"
        assert workers.inside == 0

    within(test)
    assert len(set(done)) <= 2


def test_an_error_of_a_call_is_raised() -> None:
    """Its caller gets it, and it holds no place any more."""
    workers = Workers(threads=1, queued=0)

    def fail() -> None:
        raise LedgerError("out of reach")

    async def test() -> None:
        for _ in range(3):
            with pytest.raises(LedgerError, match="out of reach"):
                await workers.run(fail)

    within(test)
    assert workers.inside == 0


def test_an_abandoned_call_counts_until_it_ends() -> None:
    """Where a caller's function was cancelled, its thread still works."""
    workers, begun, go = Workers(threads=1, queued=0), threading.Event(), threading.Event()

    def work() -> bool:
        begun.set()
        return go.wait(LONG)

    async def test() -> None:
        cut = asyncio.ensure_future(workers.run(work))
        await asyncio.to_thread(begun.wait, LONG)
        cut.cancel()
        with pytest.raises(asyncio.CancelledError):
            await cut
        with pytest.raises(TryLater):
            await workers.run(lambda: True)
        go.set()
        await asyncio.to_thread(until, lambda: workers.inside == 0)
        assert await workers.run(lambda: True)

    within(test)
