"""The threads of one copy: started, watched, stopped together.

The blob SDK is synchronous, so data moves in threads. Within a thread everything is pulled, chunk by
chunk, from the sink's end, so that nothing piles up; between chunks it asks whether to go on.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import CancelledError as CallCancelled
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from threading import Event, Lock
from typing import Any, Protocol, TypeVar

from adf_trigger.emulator.connectors.common.statistics import Statistics

T = TypeVar("T")


class _Closes(Protocol):
    def close(self) -> None: ...


Client = TypeVar("Client", bound=_Closes)

# Shared by all copies: what finds no free thread waits, and that wait is the run's time in the queue.
_THREADS = ThreadPoolExecutor(max_workers=32, thread_name_prefix="copy")


class Stopped(Exception):
    """The job is over (cancelled, or another of its threads failed); this thread gives up."""


class Job(AbstractContextManager["Job"]):
    """Threads that work on one copy, and what they share. Made and run on the event loop's thread.

    Left as a context, it closes what was opened for it.

    Attributes:
        statistics: counted by all threads.
        queued: seconds that the job waited for threads to be free.
    """

    def __init__(self) -> None:
        self.statistics = Statistics()
        self.queued = 0.0
        self._loop = asyncio.get_running_loop()
        self._stopped = Event()
        self._calls: set[Future[Any]] = set()
        self._lock = Lock()
        self._opened = ExitStack()

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def keep(self, client: Client) -> Client:
        """Close a client when the job is left."""
        self._opened.callback(client.close)
        return client

    def check(self) -> None:
        """Called between chunks.

        Raises:
            Stopped: the job is over.
        """
        if self._stopped.is_set():
            raise Stopped

    def wait_for(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the event loop, from a thread of the job, and wait for its result.

        Raises:
            Stopped: the job ended meanwhile.
        """
        with self._lock:
            if self._stopped.is_set():
                coroutine.close()
                raise Stopped
            call = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
            self._calls.add(call)
        try:
            return call.result()
        except CallCancelled as exc:
            raise Stopped from exc
        finally:
            with self._lock:
                self._calls.discard(call)

    def stop(self) -> None:
        """Tell every thread to give up, and cancel what they wait for."""
        with self._lock:
            self._stopped.set()
            calls = list(self._calls)
        for call in calls:
            call.cancel()

    async def run(self, workers: Sequence[Callable[[], T]]) -> list[T]:
        """Run each worker in a thread of its own until all are done; the first failure stops the rest.

        No thread is left behind: also when cancelled, this returns only after the last has come out.

        Raises:
            Exception: what the first worker to fail raised.
        """
        waits: list[float] = []
        submitted = time.monotonic()

        def begun(worker: Callable[[], T]) -> T:
            waits.append(time.monotonic() - submitted)
            self.check()
            return worker()

        threads = [asyncio.wrap_future(_THREADS.submit(begun, worker)) for worker in workers]
        try:
            await asyncio.wait(threads, return_when=asyncio.FIRST_EXCEPTION)
        except asyncio.CancelledError:
            self.stop()
            raise
        finally:
            if any(not thread.done() or thread.exception() for thread in threads):
                self.stop()
            await _settled(threads)
            self.queued += min(waits, default=0.0)
        failures = [failure for thread in threads if (failure := thread.exception())]
        for failure in failures:
            if not isinstance(failure, Stopped):
                raise failure
        return [thread.result() for thread in threads]


async def _settled(threads: Sequence[asyncio.Future[Any]]) -> None:
    """Wait until every thread has come out, however often we are told to hurry."""
    interruption: asyncio.CancelledError | None = None
    while pending := [thread for thread in threads if not thread.done()]:
        try:
            await asyncio.wait(pending)
        except asyncio.CancelledError as exc:
            interruption = exc
    for thread in threads:
        thread.exception()  # Looked at, or asyncio would report it as forgotten.
    if interruption is not None:
        raise interruption
