"""Which calls of which factories are being throttled, and until when."""

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum

from adf_trigger.errors import Throttled

THROTTLED_WAIT = timedelta(seconds=10)
"""Default Retry-After of a 429 that gives none."""

LONGEST_THROTTLED_WAIT = timedelta(minutes=5)
"""Maximum Retry-After that is honoured: a wrong one must not stop a factory for a day."""


class Bucket(StrEnum):
    """Calls that are counted together: the Resource Manager counts reads and writes separately."""

    READS = "reads"
    WRITES = "writes"
    """createRun and cancel."""


class Throttling:
    """Remembers the Retry-After of each factory and bucket. One per process; thread-safe.

    Args:
        seconds: a monotonic clock: a wait is as long as was asked for, however the time of day is set.
    """

    def __init__(self, seconds: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._over_at: dict[tuple[str, Bucket], float] = {}
        self._lock = threading.Lock()

    def honour(self, factory: str, bucket: Bucket, throttled: Throttled, now: datetime) -> datetime:
        """Honour the Retry-After of a 429, within a bound; returns when it is over.

        A later end that was set before stays.
        """
        asked = throttled.retry_after
        wait = THROTTLED_WAIT if asked is None else timedelta(seconds=asked)
        seconds = self._seconds()
        with self._lock:
            left = max(
                min(wait, LONGEST_THROTTLED_WAIT).total_seconds(),
                self._over_at.get((factory, bucket), seconds) - seconds,
            )
            self._over_at[factory, bucket] = seconds + left
        return now + timedelta(seconds=left)

    def until(self, factory: str, bucket: Bucket, now: datetime) -> datetime | None:
        """When such calls may be made again; None where they may be made now."""
        with self._lock:
            over_at = self._over_at.get((factory, bucket))
        left = 0.0 if over_at is None else over_at - self._seconds()
        return now + timedelta(seconds=left) if left > 0 else None
