"""Threads of our own for calls that block, and a gate before them.

A waiting caller holds no thread, so that hundreds may wait. As many calls run as there are threads, a number of others
wait for one, and the rest are answered with Retry-After immediately, before anything was done for them.
"""

import asyncio
import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from adf_trigger.errors import TryLater

T = TypeVar("T")

THREADS = 32
QUEUED = 256
WAITS_THREADS = 8
"""Threads that refresh runs for callers that wait for their end."""
RETRY_AFTER = 2.0
"""Retry-After in seconds: about the time in which a full queue is worked off."""


class Workers:
    """Runs calls that block on threads. Safe to share between event loops and threads.

    Args:
        threads: concurrent calls.
        queued: calls that may wait for a thread.
        name: prefix of the threads' names.
    """

    def __init__(self, *, threads: int = THREADS, queued: int = QUEUED, name: str = "call") -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._most = threads + queued
        self._inside = 0
        self._lock = threading.Lock()

    @property
    def inside(self) -> int:
        """Calls that run or are queued."""
        return self._inside

    async def run(self, work: Callable[[], T]) -> T:
        """Run a call on a thread; returns what it returns, or raises what it raises.

        A call that has begun runs to its end even if its caller is gone, and counts until then.

        Raises:
            TryLater: the queue is full; the call was not begun.
        """
        with self._lock:
            if self._inside >= self._most:
                raise TryLater(
                    "all worker threads are busy, and their queue is full", retry_after=RETRY_AFTER
                )
            self._inside += 1
        try:
            begun = self._pool.submit(contextvars.copy_context().run, work)
        except BaseException:
            self._left(None)
            raise
        begun.add_done_callback(self._left)
        return await asyncio.wrap_future(begun)

    def _left(self, _call: "Future[T] | None") -> None:
        with self._lock:
            self._inside -= 1
