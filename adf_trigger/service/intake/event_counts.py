"""Counts the events per trigger, and those that matched none: this shows filters that never match."""

import logging
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from adf_trigger.clock import Clock
from adf_trigger.errors import AdfTriggerError, LedgerConflict
from adf_trigger.ledger.notes import APP_SCOPE, Note, Notes
from adf_trigger.messages.envelopes import Event
from adf_trigger.messages.limits import one_line
from adf_trigger.service.steps import Steps

logger = logging.getLogger(__name__)

EVENTS_NOTE = "events"
WRITTEN_AFTER = 2.0
"""Seconds after which counts are written: one write for all events of that time."""
TRIES = 5
MAX_TEXT = 200
MAX_LISTED = 100
"""Maximum triggers that the sums name: a note has no room for more."""

Later = Callable[[float, Callable[[], None]], None]
"""Runs a callback after a delay in seconds, on another thread."""


def at_once(_seconds: float, work: Callable[[], None]) -> None:
    """See Later; on the calling thread."""
    work()


def on_a_thread(seconds: float, work: Callable[[], None]) -> None:
    """See Later. It does not keep the process from exiting."""
    timer = threading.Timer(seconds, work)
    timer.daemon = True
    timer.start()


class EventCounts:
    """Counts events, and keeps the sums in the ledger. Thread-safe.

    A process that is killed loses the counts of its last seconds: they are for people, and nothing
    depends on them.

    Args:
        notes: where the sums of all instances are kept.
        clock: returns the current time.
        steps: surrounds each write.
        later: runs a callback after a delay.
    """

    def __init__(self, notes: Notes, clock: Clock, steps: Steps, later: Later = on_a_thread) -> None:
        self._notes = notes
        self._clock = clock
        self._steps = steps
        self._later = later
        self._lock = threading.Lock()
        self._wanted: Counter[str] = Counter()
        self._last: dict[str, datetime] = {}
        self._unwanted = 0
        self._last_unwanted: dict[str, Any] | None = None
        self._is_due = False

    def wanted(self, trigger: str) -> None:
        """Count an event that matches a trigger."""
        with self._lock:
            self._wanted[trigger] += 1
            self._last[trigger] = self._clock()
        self._write_later()

    def unwanted(self, event: Event, why: str) -> None:
        """Count an event that matches no trigger, and remember the latest one.

        Args:
            event: the event.
            why: why none matches, in a sentence.
        """
        with self._lock:
            self._unwanted += 1
            self._last_unwanted = {
                "at": self._clock().isoformat(),
                "type": one_line(event.type, MAX_TEXT),
                "subject": one_line(event.subject, MAX_TEXT),
                "why": one_line(why, 2 * MAX_TEXT),
            }
        self._write_later()

    def write(self) -> None:
        """Add the counts to the sums in the ledger; where that fails they are added next time."""
        with self._lock:
            self._is_due = False
            wanted, self._wanted = self._wanted, Counter()
            unwanted, self._unwanted = self._unwanted, 0
            last, last_unwanted = dict(self._last), self._last_unwanted
        if not wanted and not unwanted:
            return
        try:
            self._add(wanted, unwanted, last, last_unwanted)
        except AdfTriggerError as exc:
            with self._lock:
                self._wanted += wanted
                self._unwanted += unwanted
            logger.warning(
                "The counts of events could not be written: %s",
                exc,
                extra={"action": "events_not_counted", "error": type(exc).__name__},
            )
        except Exception:  # the outermost edge of a thread: nothing above it logs
            logger.exception("The counts of events were lost", extra={"action": "events_not_counted"})

    def _write_later(self) -> None:
        with self._lock:
            was_due, self._is_due = self._is_due, True
        if was_due:
            return
        try:
            self._later(WRITTEN_AFTER, self.write)
        except RuntimeError as exc:  # no thread can be started: the next event tries again
            with self._lock:
                self._is_due = False
            logger.warning(
                "The counts of events are written later: %s",
                exc,
                extra={"action": "events_not_counted", "error": type(exc).__name__},
            )

    def _add(
        self,
        wanted: Mapping[str, int],
        unwanted: int,
        last: Mapping[str, datetime],
        last_unwanted: dict[str, Any] | None,
    ) -> None:
        for left in reversed(range(TRIES)):
            note = self._notes.get(APP_SCOPE, EVENTS_NOTE)
            sums: dict[str, Any] = {"since": self._clock().isoformat()} if note is None else dict(note.value)
            triggers: dict[str, dict[str, Any]] = dict(sums.get("triggers", {}))
            for name, count in wanted.items():
                before = triggers.get(name[:MAX_TEXT], {}).get("wanted", 0)
                triggers[name[:MAX_TEXT]] = {"wanted": before + count, "lastAt": last[name].isoformat()}
            newest = sorted(triggers.items(), key=lambda item: item[1]["lastAt"], reverse=True)[:MAX_LISTED]
            sums |= {"unwanted": sums.get("unwanted", 0) + unwanted, "triggers": dict(newest)}
            if last_unwanted is not None:
                sums["lastUnwanted"] = last_unwanted
            try:
                with self._steps("events.count"):
                    self._notes.put(APP_SCOPE, EVENTS_NOTE, sums, "" if note is None else note.etag)
            except LedgerConflict:
                if not left:
                    raise
            else:
                return


def counted(note: Note | None, triggers: Sequence[str]) -> dict[str, Any]:
    """The counts of events in the details of health, including triggers that no event has matched.

    Args:
        note: the note of the sums; None before the first event.
        triggers: names of the declared triggers.
    """
    sums = {} if note is None else note.value
    known = sums.get("triggers", {})
    return {
        "since": sums.get("since"),
        "unwanted": sums.get("unwanted", 0),
        "lastUnwanted": sums.get("lastUnwanted"),
        "triggers": {name: known.get(name[:MAX_TEXT], {"wanted": 0, "lastAt": None}) for name in triggers},
    }
