"""Which factories are throttling their callers, and until when."""

import threading
from datetime import datetime, timedelta

from adf_trigger.errors import Throttled

THROTTLED_WAIT = timedelta(seconds=10)
"""How long to wait where a 429 does not say."""


class Throttling:
    """Remembers the Retry-After of each factory. Each process for itself; safe across threads."""

    def __init__(self) -> None:
        self._until: dict[str, datetime] = {}
        self._lock = threading.Lock()

    def honour(self, factory: str, throttled: Throttled, now: datetime) -> datetime:
        """Honour the Retry-After of a 429: the instant at which it is over. A later one that is set stands."""
        asked = throttled.retry_after
        until = now + (THROTTLED_WAIT if asked is None else timedelta(seconds=asked))
        with self._lock:
            self._until[factory] = max(until, self._until.get(factory, until))
            return self._until[factory]

    def until(self, factory: str, now: datetime) -> datetime | None:
        """When the factory may be called again; None where it may be called now."""
        with self._lock:
            until = self._until.get(factory)
        return until if until is not None and until > now else None
