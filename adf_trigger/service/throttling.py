"""Which calls of which factories are being throttled, and until when."""

import threading
from datetime import datetime, timedelta
from enum import StrEnum

from adf_trigger.errors import Throttled

THROTTLED_WAIT = timedelta(seconds=10)
"""How long to wait where a 429 does not say."""

LONGEST_THROTTLED_WAIT = timedelta(minutes=5)
"""How long to wait at most, whatever a Retry-After says: one that is wrong must not stop a factory for a day."""


class Bucket(StrEnum):
    """What calls are counted together: the Resource Manager counts reads and writes apart."""

    READS = "reads"
    WRITES = "writes"
    """createRun and cancel."""


class Throttling:
    """Remembers the Retry-After of each factory and bucket. Each process for itself; safe across threads."""

    def __init__(self) -> None:
        self._until: dict[tuple[str, Bucket], datetime] = {}
        self._lock = threading.Lock()

    def honour(self, factory: str, bucket: Bucket, throttled: Throttled, now: datetime) -> datetime:
        """Honour the Retry-After of a 429, within a bound: the instant at which it is over.

        A later one that is set stands.
        """
        asked = throttled.retry_after
        wait = THROTTLED_WAIT if asked is None else timedelta(seconds=asked)
        until = now + min(wait, LONGEST_THROTTLED_WAIT)
        with self._lock:
            self._until[factory, bucket] = max(until, self._until.get((factory, bucket), until))
            return self._until[factory, bucket]

    def until(self, factory: str, bucket: Bucket, now: datetime) -> datetime | None:
        """When such calls may be made again; None where they may be made now."""
        with self._lock:
            until = self._until.get((factory, bucket))
        return until if until is not None and until > now else None
