"""Factories that asked to be left alone for a while."""

import threading
from datetime import datetime, timedelta

from adf_trigger.errors import Throttled

THROTTLED_WAIT = timedelta(seconds=10)
"""How long to wait where a 429 does not say."""


class Pauses:
    """Remembers until when each factory is to be left alone. Each process for itself; safe across threads."""

    def __init__(self) -> None:
        self._until: dict[str, datetime] = {}
        self._lock = threading.Lock()

    def obey(self, factory: str, throttled: Throttled, now: datetime) -> datetime:
        """Leave a factory alone for as long as it asks; when that ends. A longer pause that is set stands."""
        asked = throttled.retry_after
        until = now + (THROTTLED_WAIT if asked is None else timedelta(seconds=asked))
        with self._lock:
            self._until[factory] = max(until, self._until.get(factory, until))
            return self._until[factory]

    def until(self, factory: str, now: datetime) -> datetime | None:
        """When the pause ends; None where there is none."""
        with self._lock:
            until = self._until.get(factory)
        return until if until is not None and until > now else None
