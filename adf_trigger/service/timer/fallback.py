"""Runs a tick in the timer's place when that is overdue.

The lock of the timer of a host that was killed stands for up to two minutes, in which no other host's timer runs. Other
functions are called meanwhile: one at a time, over all instances, runs a tick in the background. That may be ended by
the platform anywhere, as any tick may.
"""

import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from adf_trigger.clock import Clock
from adf_trigger.errors import LedgerConflict, LedgerError
from adf_trigger.ledger.notes import APP_SCOPE, Note, Notes
from adf_trigger.service.apps.own_notes import FALLBACK_NOTE, TICK_NOTE
from adf_trigger.service.elapsed import Elapsed
from adf_trigger.service.steps import Steps
from adf_trigger.service.threads.side_threads import Begin, begin
from adf_trigger.service.timer.limits import TICK_SECONDS
from adf_trigger.service.timer.tick import TickRunner
from adf_trigger.settings.schedule import Schedule

logger = logging.getLogger(__name__)

OVERDUE_AFTER = 2
"""A tick is overdue when the timer was due this many times since the last one, plus GRACE."""

GRACE = timedelta(seconds=15)
"""Added to the time after which a tick is overdue: a tick is noted when it ends."""

CLAIMED_FOR = timedelta(seconds=60)
"""Lease of a tick that is run in the timer's place: longer than it may take."""

LOOK_EVERY = 10.0
"""Seconds between two checks of a process."""


class FallbackTicker:
    """Runs a tick that is overdue. Thread-safe.

    Args:
        tick: what the timer runs.
        notes: where the ends of ticks are noted, and which process stands in.
        clock: returns the current time.
        schedule: when the timer is due.
        steps: surrounds each write.
        seconds: a monotonic clock.
        begin: begins to look in a thread.
    """

    def __init__(
        self,
        tick: TickRunner,
        notes: Notes,
        clock: Clock,
        schedule: Schedule,
        steps: Steps,
        *,
        seconds: Callable[[], float] = time.monotonic,
        begin: Begin = begin,
    ) -> None:
        self._tick = tick
        self._notes = notes
        self._clock = clock
        self._schedule = schedule
        self._steps = steps
        self._seconds = seconds
        self._begin = begin
        self._elapsed = Elapsed(clock, seconds)
        self._started = clock()
        self._looked_at: float | None = None
        self._is_looking = False
        self._lock = threading.Lock()

    def nudge(self, by: str) -> None:
        """Check for an overdue tick, and run it, on a background thread.

        Args:
            by: which function noticed.
        """
        if self._begins_to_look() and not self._begin(lambda: self._run(by), "stand-in"):
            with self._lock:
                self._is_looking = False

    def run_if_overdue(self, by: str) -> bool:
        """Run a tick if it is overdue and no other process does; returns whether it was run. Raises nothing.

        Args:
            by: which function runs it: the note says so.
        """
        return self._begins_to_look() and self._run(by)

    def _begins_to_look(self) -> bool:
        """Whether a check is due, and no other thread makes it; then this thread has to make it."""
        with self._lock:
            looked_at = self._looked_at
            if self._is_looking or (looked_at is not None and self._seconds() - looked_at < LOOK_EVERY):
                return False
            self._looked_at, self._is_looking = self._seconds(), True
            return True

    def _run(self, by: str) -> bool:
        try:
            if not self._is_claimed(by):
                return False
            logger.warning(
                "The timer is overdue: %s runs a tick in its place",
                by,
                extra={"action": "stand_in_begun", "by": by},
            )
            self._tick.run(by=by)
            self._is_overdue(*self._read())  # remember its own note from now on
        except Exception:  # the outermost edge: the caller's own work is done, and must not fail
            logger.exception(
                "A tick in the timer's place failed", extra={"action": "stand_in_failed", "by": by}
            )
            return False
        finally:
            with self._lock:
                self._is_looking = False
        return True

    def _is_claimed(self, by: str) -> bool:
        """Whether a tick is overdue, and this process has claimed it."""
        now = self._clock()
        try:
            timer, last = self._read()
            overdue = self._is_overdue(timer, last)
            if self._is_taken(last) or not overdue:
                return False
            value = {} if last is None else last.value
            claim = {**value, "by": by, "begun": now.isoformat(), "until": (now + CLAIMED_FOR).isoformat()}
            with self._steps("tick.note"):
                self._notes.put(APP_SCOPE, FALLBACK_NOTE, claim, "" if last is None else last.etag)
        except LedgerConflict:
            return False  # another process is first
        except LedgerError as exc:
            logger.warning(
                "Could not determine whether the timer is overdue: %s",
                exc,
                extra={"action": "stand_in_not_told", "error": type(exc).__name__},
            )
            return False
        return True

    def _read(self) -> tuple[Note | None, Note | None]:
        """The last note of the timer, and that of its stand-in."""
        return self._notes.get(APP_SCOPE, TICK_NOTE), self._notes.get(APP_SCOPE, FALLBACK_NOTE)

    def _is_taken(self, last: Note | None) -> bool:
        """Whether another process stands in, which may have been killed."""
        until = _instant(last, "until")
        over = self._elapsed.is_over(
            "claim",
            "" if until is None else until.isoformat(),
            until=until,
            lasts=CLAIMED_FOR,
            written_at=_instant(last, "begun"),
        )
        return until is not None and not over

    def _is_overdue(self, timer: Note | None, last: Note | None) -> bool:
        """Whether no tick has ended for too long, by the notes or, where there are none, since this process began."""
        ended = [each for each in (_instant(timer, "at"), _instant(last, "at")) if each is not None]
        latest = max(ended, default=self._started)
        spent = 0.0 if timer is None else _seconds_of(timer)
        until = self._schedule.due_after(latest, OVERDUE_AFTER) + GRACE + timedelta(seconds=2 * spent)
        return self._elapsed.is_over(
            "tick",
            "".join(each.isoformat() + "|" for each in ended),
            until=until,
            lasts=until - latest,
            written_at=latest,
        )


def _instant(note: Note | None, name: str) -> datetime | None:
    """Decode a time of a note; None where it has none, or is in another version's format."""
    try:
        instant = None if note is None else datetime.fromisoformat(note.value[name])
    except (KeyError, TypeError, ValueError):
        return None
    return instant if instant is not None and instant.tzinfo else None


def _seconds_of(note: Note) -> float:
    seconds = note.value.get("seconds", 0)
    return min(float(seconds), TICK_SECONDS) if isinstance(seconds, int | float) and seconds > 0 else 0.0
