"""Places that many want at once: a process does not race against itself, and a race that is lost is run anew."""

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from adf_trigger.errors import LedgerConflict, TryLater
from adf_trigger.ledger.port import LedgerReader, Stored

MOST_TRIES = 12
LONGEST_PAUSE = 0.4
"""How often places are read anew that others keep changing, and seconds between two tries at most."""

LOCK_WAIT = 20.0
"""Seconds that a thread waits for the others of its process that want the same places."""

LOCKS = 64
"""Places share the locks: there may be any number of keys."""

RETRY_AFTER = 2.0

T = TypeVar("T")


class Contention:
    """Has places changed by one thread of the process at a time, and anew where another host was faster.

    Args:
        ledger: the run ledger.
        pause: waits for so many seconds.
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
        """What an attempt gives, made anew on the places as they are where somebody has changed them.

        Args:
            name: of the places.
            attempt: reads them and writes them, on condition that they are still as they were read.
            of: the record that it writes, where there is one already.

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
    """Others keep changing the places that a request needs."""
    return TryLater("its places are being taken by others; nothing was kept of it", retry_after=RETRY_AFTER)
