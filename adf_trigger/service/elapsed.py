"""Whether a time in the ledger has passed, judged by elapsed time as well as by the clock.

An instant in the ledger was read from its writer's clock. Our own clock shows how long ago that was only where the two
agree, and any clock may be wrong, or be set while it runs. How long a value has stayed unchanged is measured with a
monotonic clock.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from adf_trigger.clock import Clock
from adf_trigger.ledger.records import ActiveRun, RunRecord

CLOCKS_APART = timedelta(seconds=5)
"""Maximum difference of clocks that agree, the time of a write included."""

MOST_SEEN = 10_000
"""Maximum observations that are remembered; the oldest are dropped."""


@dataclass(slots=True)
class _Seen:
    """The last observation of a value.

    Attributes:
        version: its version.
        first: when it was first seen, in seconds.
        last: when it was last seen.
        agrees: whether its writer's clock may agree with ours.
    """

    version: str
    first: float
    last: float
    agrees: bool = True


class Elapsed:
    """Judges times that are kept in the ledger. Thread-safe.

    Args:
        clock: returns the current time.
        seconds: a monotonic clock.
    """

    def __init__(self, clock: Clock, seconds: Callable[[], float]) -> None:
        self._clock = clock
        self._seconds = seconds
        self._seen: dict[str, _Seen] = {}
        self._lock = threading.Lock()

    def unchanged_for(self, key: str, version: str) -> timedelta:
        """For how long this process has seen a value unchanged.

        Args:
            key: names the value.
            version: its present version; a new one starts again.
        """
        seconds = self._seconds()
        with self._lock:
            seen = self._seen.get(key)
            if seen is None or seen.version != version:
                seen = self._remember(key, _Seen(version, seconds, seconds))
            return timedelta(seconds=seconds - seen.first)

    def remembers(self, key: str) -> bool:
        """Whether a value has been observed."""
        with self._lock:
            return key in self._seen

    def _remember(self, key: str, seen: _Seen) -> _Seen:
        self._seen.pop(key, None)
        self._seen[key] = seen
        while len(self._seen) > MOST_SEEN:
            del self._seen[next(iter(self._seen))]
        return seen

    def is_over(
        self,
        key: str,
        version: str,
        *,
        until: datetime | None,
        lasts: timedelta,
        written_at: datetime | None = None,
    ) -> bool:
        """Whether a period is over.

        It is over once this process has seen it unchanged for as long as it lasts, or once its end has come by our
        clock, unless that clock is shown to be ahead of its writer's: the value was written since this process last
        looked, and its own time of writing is from well before that.

        Args:
            key: names the period.
            version: its present version; a new one starts again.
            until: when it ends, by its writer's clock; None to judge by elapsed time alone.
            lasts: how long it lasts at most.
            written_at: when it was written, by its writer's clock; None where that is not known.
        """
        now, seconds = self._clock(), self._seconds()
        with self._lock:
            seen = self._seen.get(key)
            if seen is None or seen.version != version:
                agrees = True
                if seen is not None and written_at is not None:
                    last_look = now - timedelta(seconds=seconds - seen.last)
                    agrees = written_at >= last_look - CLOCKS_APART
                seen = self._remember(key, _Seen(version, seconds, seconds, agrees))
            seen.last = seconds
        if seconds - seen.first >= lasts.total_seconds():
            return True
        return until is not None and until <= now and seen.agrees


class Leases:
    """Whether a record is still leased to another process. Thread-safe.

    Args:
        clock: returns the current time.
        seconds: a monotonic clock.
        lasts: how long a lease lasts.
    """

    def __init__(self, clock: Clock, seconds: Callable[[], float], *, lasts: timedelta) -> None:
        self._clock = clock
        self._elapsed = Elapsed(clock, seconds)
        self._lasts = lasts

    def is_over(self, of: RunRecord | ActiveRun) -> bool:
        """Whether a record's lease is over, or it has none.

        A lease that ends later than one taken now was written by a clock ahead of ours: it is over once it was seen for
        as long as a lease lasts. Others are not remembered: by our clock they end within that time.
        """
        until, now = of.lease_until, self._clock()
        if until is None or until <= now:
            return True
        key = str(of.run_id)
        if until <= now + self._lasts and not self._elapsed.remembers(key):
            return False
        return self._elapsed.is_over(key, until.isoformat(), until=until, lasts=self._lasts)


def bounded(until: datetime, now: datetime, longest: timedelta) -> datetime:
    """A time to wait for, or now where it is further ahead than possible: it was written by another clock."""
    return until if until <= now + longest else now
