"""The threads of a copy: stopped together, none left behind."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from adf_trigger.emulator.connectors.common.failures import InvalidSettings
from adf_trigger.emulator.connectors.common.flow import Piece
from adf_trigger.emulator.connectors.common.job import Job, Stopped
from adf_trigger.emulator.contract.activity import ActivityFailed
from adf_trigger.emulator.copying import pipeline
from adf_trigger.emulator.copying.report import CopyReport

LIMIT = 60.0


def until_stopped(job: Job, started: threading.Event, ended: threading.Event) -> None:
    """The worker of a copy of a very large file."""
    started.set()
    limit = time.monotonic() + LIMIT
    try:
        while time.monotonic() < limit:
            job.check()
            time.sleep(0.001)
    finally:
        ended.set()


def test_a_cancelled_job_returns_when_its_threads_have_ended() -> None:
    """Cancellation reaches a thread between two chunks, and waits for its end."""
    started, ended = threading.Event(), threading.Event()

    async def body() -> None:
        job = Job()
        task = asyncio.create_task(job.run([lambda: until_stopped(job, started, ended)]))
        await asyncio.to_thread(started.wait, LIMIT)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert ended.is_set()

    asyncio.run(body())


def test_a_failure_stops_the_other_threads() -> None:
    """The first failure is raised, and the others stop immediately."""
    started, ended = threading.Event(), threading.Event()

    def fails() -> None:
        started.wait(LIMIT)
        raise InvalidSettings("on purpose")

    async def body() -> None:
        job = Job()
        with pytest.raises(ActivityFailed, match="on purpose"):
            await job.run([lambda: until_stopped(job, started, ended), fails])
        assert ended.is_set()

    asyncio.run(body())


def test_a_thread_waits_for_a_coroutine_and_is_freed_by_cancellation() -> None:
    """Threads call the event loop and get the result; a job that is cancelled cancels what they wait for."""
    started = threading.Event()
    cancelled = []

    async def quick() -> int:
        await asyncio.sleep(0)
        return 42

    async def endless() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    async def body() -> None:
        job = Job()
        assert await job.run([lambda: job.wait_for(quick())]) == [42]
        task = asyncio.create_task(job.run([lambda: job.wait_for(endless())]))
        await asyncio.to_thread(started.wait, LIMIT)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert cancelled == [True]
        with pytest.raises(Stopped):
            job.check()

    asyncio.run(body())


def test_results_come_in_the_order_of_the_workers() -> None:
    """Each worker's result is at its place."""

    async def body() -> list[int]:
        return await Job().run([lambda number=number: number for number in range(20)])  # type: ignore[misc]

    assert asyncio.run(body()) == list(range(20))


@dataclass
class Shelf:
    """A store in memory, lists and all, that is both ends of a copy."""

    root: str
    files: list[str]
    merges: bool = False
    taken: list[str] = field(default_factory=list)

    def pieces(self) -> Iterator[Piece[bytes]]:
        """A listing that includes files added during it, as a paged listing does."""
        index = 0
        while index < len(self.files):
            yield Piece(iter([b"x"]), self.files[index])
            index += 1
            assert index < 100, "the copy feeds itself"

    def expect_several(self) -> None:
        """Several files go to their own names."""

    def take(self, pieces: Iterator[Piece[bytes]]) -> None:
        """Write each file back into the listing."""
        for piece in pieces:
            self.taken.append(str(piece.path))
            self.files.append(f"copy/{piece.path}")


def move(source: Shelf, sink: Shelf) -> None:
    """Run the pipeline between two stores."""

    async def body() -> None:
        job = Job()
        report = CopyReport(job, source_type="A", sink_type="B", location="East US", rows=False)
        await pipeline._move(source, sink, {}, job, report)

    asyncio.run(body())


def test_a_copy_does_not_feed_itself() -> None:
    """A copy into a folder of its own source copies the files of the start, however the listing is paged."""
    files = ["a", "b", "c"]
    sink = Shelf("https://x/c/in/copy/", files)
    move(Shelf("https://x/c/in/", files), sink)
    assert sorted(sink.taken) == ["a", "b", "c"]


def test_a_listing_is_streamed_where_folders_do_not_overlap() -> None:
    """Between such folders, files are copied during the listing."""
    seen: list[int] = []
    source, sink = Shelf("https://x/c/in/", ["a", "b", "c", "d"]), Shelf("https://x/c/out/", [])
    pieces: Callable[[], Iterator[Piece[bytes]]] = source.pieces

    def watched() -> Iterator[Piece[bytes]]:
        for piece in pieces():
            seen.append(len(sink.taken))
            yield piece

    source.pieces = watched  # type: ignore[method-assign]
    sink.merges = True
    move(source, sink)
    assert seen[-1] > 0


def test_the_wait_for_a_free_thread_is_time_in_the_queue() -> None:
    """A job that finds all threads busy counts the time, whenever it needs one."""
    release = threading.Event()

    async def body() -> tuple[float, float]:
        busy = Job()
        taken = asyncio.create_task(busy.run([lambda: release.wait(LIMIT)] * 32))
        job = Job()
        first = asyncio.create_task(job.run([lambda: 1]))
        await asyncio.sleep(0)  # both have requested their threads
        asked = time.monotonic()
        await asyncio.sleep(0.05)
        waited = time.monotonic() - asked
        release.set()
        await asyncio.gather(taken, first)
        return job.queued, waited

    queued, waited = asyncio.run(body())
    assert queued >= waited
