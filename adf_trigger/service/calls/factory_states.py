"""Whether each factory can be used, kept in the ledger: shared by all instances, one of which probes at a time."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from adf_trigger.clock import Clock
from adf_trigger.errors import AdfTriggerError, LedgerConflict, LedgerError
from adf_trigger.ledger.notes import Note, Notes
from adf_trigger.messages.limits import shorten_middle
from adf_trigger.service.calls.factory_state import (
    FIRST_PROBE,
    FactoryState,
    began_at,
    next_probe,
    state_of,
    trouble_of,
    value_of,
)
from adf_trigger.service.calls.throttling import LONGEST_THROTTLED_WAIT, Bucket
from adf_trigger.service.elapsed import Elapsed, bounded
from adf_trigger.service.steps import Steps

logger = logging.getLogger(__name__)

NOTE = "state"
"""Name of the note, in the scope of the factory."""

KNOWN_FOR = timedelta(seconds=1)
"""How long a state that was read is reused."""

LONGEST_REASON = 1_000
_LONGEST_PROBE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class _Known:
    """What was last read or written of a factory's note."""

    at: datetime
    note: Note | None


class FactoryStates:
    """The states of all factories. Thread-safe; no method raises an error of the ledger.

    Args:
        notes: where they are kept.
        clock: returns the current time.
        steps: surrounds each write.
        seconds: a monotonic clock.
    """

    def __init__(
        self, notes: Notes, clock: Clock, steps: Steps, *, seconds: Callable[[], float] = time.monotonic
    ) -> None:
        self._notes = notes
        self._clock = clock
        self._elapsed = Elapsed(clock, seconds)
        self._steps = steps
        self._known: dict[str, _Known] = {}
        self._lock = threading.Lock()

    def of(self, factory: str) -> FactoryState | None:
        """The state of a factory (its resource id); None where it can be used, as far as is known.

        The ledger is read at most once a second; while it is out of reach, the last known state applies.
        """
        return self._state(self._note(factory))

    def hold(self, factory: str, error: AdfTriggerError, bucket: Bucket = Bucket.READS) -> None:
        """Record that a call has shown the factory to be unusable. An error about the request alone changes nothing."""
        kind = trouble_of(error)
        if kind is None:
            return
        note, now = self._note(factory), self._clock()
        before = self._state(note)
        held = FactoryState(
            since=began_at(note, kind, now),
            kind=kind,
            because=shorten_middle(str(error), LONGEST_REASON),
            bucket=bucket if before is None or before.bucket is Bucket.WRITES else before.bucket,
            next_probe_at=next_probe(before, error, now),
            probes=before.probes if before else 0,
            written_at=now,
        )
        if before is not None and (before.kind, before.bucket) == (held.kind, held.bucket):
            return  # known already; the next probe is set by the caller that makes it
        if self._write("factory_state.hold", factory, value_of(held), note):
            logger.warning(
                "Factory %s cannot be used (%s): %s",
                factory,
                kind,
                held.because,
                extra={"action": "factory_held", "factory": factory, "trouble": kind, "bucket": held.bucket},
            )

    def release(self, factory: str) -> None:
        """Record that the factory can be used, or that no request waits for it any more."""
        note = self._note(factory)
        state = state_of(note)
        if note is None or state is None:
            return
        value = {**note.value, "released_at": self._clock().isoformat()}
        if self._write("factory_state.release", factory, value, note):
            logger.info(
                "Factory %s can be used again after %s (%s)",
                factory,
                self._clock() - state.since,
                state.kind,
                extra={"action": "factory_released", "factory": factory, "trouble": state.kind},
            )

    def may_probe(self, factory: str) -> bool:
        """Whether this caller may make a call now: always where the factory can be used, else one caller at a time.

        The caller that is let through has to make its call now; the next one is let through after a while.
        """
        note, now = self._note(factory), self._clock()
        state = state_of(note)
        if note is None or state is None:
            return True
        waits = timedelta() if state.written_at is None else state.next_probe_at - state.written_at
        if not self._elapsed.is_over(
            factory.lower(),
            note.etag,
            until=state.next_probe_at,
            lasts=waits if timedelta() < waits < LONGEST_THROTTLED_WAIT else LONGEST_THROTTLED_WAIT,
            written_at=state.written_at,
        ):
            return False
        interval = min(_LONGEST_PROBE, FIRST_PROBE * (1 << min(state.probes + 1, 10)))
        probe = {
            **note.value,
            "next_probe_at": (now + interval).isoformat(),
            "probes": state.probes + 1,
            "written_at": now.isoformat(),
        }
        return self._write("factory_state.probe", factory, probe, note)

    def _state(self, note: Note | None) -> FactoryState | None:
        """Decode the state in a note. A probe that another clock has set too far ahead is due now."""
        state = state_of(note)
        if state is None:
            return None
        return replace(
            state, next_probe_at=bounded(state.next_probe_at, self._clock(), LONGEST_THROTTLED_WAIT)
        )

    def _note(self, factory: str) -> Note | None:
        key, now = factory.lower(), self._clock()
        with self._lock:
            known = self._known.get(key)
        if known is not None and timedelta() <= now - known.at < KNOWN_FOR:
            return known.note
        try:
            note = self._notes.get(factory, NOTE)
        except LedgerError as exc:
            logger.warning(
                "The state of factory %s could not be read: %s",
                factory,
                exc,
                extra={"action": "factory_state_not_read", "factory": factory},
            )
            return None if known is None else known.note
        self._remember(factory, note)
        return note

    def _write(self, step: str, factory: str, value: dict[str, Any], before: Note | None) -> bool:
        """Write a state unless another instance was first; returns whether it was written."""
        try:
            with self._steps(step):
                note = self._notes.put(factory, NOTE, value, "" if before is None else before.etag)
        except LedgerConflict:
            with self._lock:
                self._known.pop(factory.lower(), None)
            return False
        except LedgerError as exc:
            logger.warning(
                "The state of factory %s could not be written: %s",
                factory,
                exc,
                extra={"action": "factory_state_not_written", "factory": factory},
            )
            return False
        self._remember(factory, note)
        return True

    def _remember(self, factory: str, note: Note | None) -> None:
        with self._lock:
            self._known[factory.lower()] = _Known(self._clock(), note)
