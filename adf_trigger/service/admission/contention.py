"""Contended places: threads of one process take turns, and a race that is lost against another host is retried."""

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from adf_trigger.errors import LedgerConflict, TryLater
from adf_trigger.ledger.port import LedgerReader, Stored

MOST_TRIES = 12
LONGEST_PAUSE = 0.4
"""Maximum attempts on places that others keep changing, and seconds between two of them."""

LOCK_WAIT = 20.0
"""Seconds that a thread waits for other threads of its process that change the same places."""

LOCKS = 64
"""Number of locks, which places share, since there may be any number of keys."""

RETRY_AFTER = 2.0

T = TypeVar("T")


class Contention:
    """Changes places in one thread of the process at a time, and retries where another host was faster.

    Args:
        ledger: the run ledger.
        pause: sleeps, in seconds.
        lock_wait: seconds that a thread waits for the others.
    """

    def __init__(
        self, ledger: LedgerReader, pause: Callable[[float], None], *, lock_wait: float = LOCK_WAIT
    ) -> None:
        self._ledger = ledger
        self._pause = pause
        self._lock_wait = lock_wait
        self._locks = [threading.RLock() for _ in range(LOCKS)]

    def tried(self, name: str, attempt: Callable[[], T], *, of: Stored | None = None) -> T:
        """Return the result of an attempt, repeated on the present places where another host has changed them.

        Args:
            name: of the places.
            attempt: reads them and writes them, on condition that they are still as they were read.
            of: the record that it writes, where one exists.

        Raises:
            LedgerConflict: the record itself has changed.
            TryLater: others keep changing the places.
        """
        with self._lock_of(name):
            for number in range(MOST_TRIES):
                try:
                    return attempt()
                except LedgerConflict:
                    if of is not None and self._has_changed(of):
                        raise
                self._pause(random.uniform(0, min(LONGEST_PAUSE, 0.02 * 2**number)))  # noqa: S311 - no secret
        raise busy()

    def _has_changed(self, stored: Stored) -> bool:
        present = self._ledger.get(stored.record.factory, stored.record.request_id)
        return present is None or present.etag != stored.etag

    @contextmanager
    def _lock_of(self, name: str) -> Iterator[None]:
        lock = self._locks[int(name[:8], 16) % LOCKS]
        if not lock.acquire(timeout=self._lock_wait):
            raise busy()
        try:
            yield
        finally:
            lock.release()


def busy() -> TryLater:
    """The error where others keep changing the places that a request needs."""
    return TryLater("its places are being taken by others; nothing was kept of it", retry_after=RETRY_AFTER)
