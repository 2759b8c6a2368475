"""Background work: its caller does not wait for it, and a tick does it where it is dropped or fails."""

import threading
from collections.abc import Callable
from contextvars import copy_context
from functools import partial

from adf_trigger.service.threads.side_threads import Begin, begin
from adf_trigger.service.threads.tick_threads import entered

MOST = 8
"""Maximum concurrent tasks: each may hang until its time-out."""

Beside = Callable[[Callable[[], None]], None]
"""Runs a task in the background."""


def at_once(work: Callable[[], None]) -> None:
    """See Beside; on the calling thread."""
    work()


class OnThreads:
    """See Beside. Daemon threads: a process does not wait for them at its end. Thread-safe.

    Args:
        most: maximum concurrent tasks; further ones are dropped.
        begin: starts a thread.
    """

    def __init__(self, most: int = MOST, begin: Begin = begin) -> None:
        self._free = threading.BoundedSemaphore(most)
        self._begin = begin

    def __call__(self, work: Callable[[], None]) -> None:
        """Run a task, unless `most` are under way or no thread can be started."""
        if not self._free.acquire(blocking=False):
            return

        def run() -> None:
            try:
                entered()
                work()
            finally:
                self._free.release()

        if not self._begin(partial(copy_context().run, run), "beside"):
            self._free.release()
