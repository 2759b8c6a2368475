"""The threads of one copy: started, supervised and stopped together.

The blob SDK is synchronous, so data moves in threads. Within a thread the sink pulls all data chunk by chunk, so
that nothing accumulates in memory; between chunks the thread checks whether the job was stopped.
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


class _Closable(Protocol):
    def close(self) -> None: ...


Client = TypeVar("Client", bound=_Closable)

# Shared by all copies. A worker waits for a free thread; that is the activity run's time in the queue.
_THREADS = ThreadPoolExecutor(max_workers=32, thread_name_prefix="copy")


class Stopped(Exception):
    """The job was stopped, by cancellation or a failure of another thread; this thread must end."""


class Job(AbstractContextManager["Job"]):
    """The threads of one copy and their shared state. Created and run on the event loop's thread.

    As a context manager it closes its clients on exit.

    Attributes:
        statistics: updated by all threads.
        queued: seconds that the job waited for free threads.
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

    def close_on_exit(self, client: Client) -> Client:
        """Close a client when the job's context ends."""
        self._opened.callback(client.close)
        return client

    def check(self) -> None:
        """Check whether to continue; called between chunks.

        Raises:
            Stopped: the job was stopped.
        """
        if self._stopped.is_set():
            raise Stopped

    def wait_for(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the event loop, from a thread of the job, and wait for its result.

        Raises:
            Stopped: the job was stopped meanwhile.
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
        """Stop all threads, and cancel the coroutines that they wait for."""
        with self._lock:
            self._stopped.set()
            calls = list(self._calls)
        for call in calls:
            call.cancel()

    async def run(self, workers: Sequence[Callable[[], T]]) -> list[T]:
        """Run each worker in its own thread until all are done; the first failure stops the others.

        This returns only after the last thread has ended, even when cancelled.

        Raises:
            Exception: the exception of the first failed worker.
        """
        waits: list[float] = []
        submitted = time.monotonic()

        def work(worker: Callable[[], T]) -> T:
            waits.append(time.monotonic() - submitted)
            self.check()
            return worker()

        threads = [asyncio.wrap_future(_THREADS.submit(work, worker)) for worker in workers]
        try:
            await asyncio.wait(threads, return_when=asyncio.FIRST_EXCEPTION)
        except asyncio.CancelledError:
            self.stop()
            raise
        finally:
            if any(not thread.done() or thread.exception() for thread in threads):
                self.stop()
            await _join(threads)
            self.queued += min(waits, default=0.0)
        failures = [failure for thread in threads if (failure := thread.exception())]
        for failure in failures:
            if not isinstance(failure, Stopped):
                raise failure
        return [thread.result() for thread in threads]


async def _join(threads: Sequence[asyncio.Future[Any]]) -> None:
    """Wait until every thread has ended, even if cancelled meanwhile; then propagate the cancellation."""
    interruption: asyncio.CancelledError | None = None
    while pending := [thread for thread in threads if not thread.done()]:
        try:
            await asyncio.wait(pending)
        except asyncio.CancelledError as exc:
            interruption = exc
    for thread in threads:
        thread.exception()  # Retrieved, or asyncio would log it as never retrieved.
    if interruption is not None:
        raise interruption
