"""The notes of holds: one per scope, read at most once a second for each factory, written conditionally."""

import hashlib
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from adf_trigger.clock import Clock
from adf_trigger.errors import LedgerConflict, LedgerError
from adf_trigger.ledger.notes import APP_SCOPE, Note, Notes
from adf_trigger.service.elapsed import CLOCKS_APART
from adf_trigger.service.factories import Factories, FactoryHandle
from adf_trigger.service.holds.hold import (
    FORGOTTEN_AFTER,
    LONGEST_HOLD,
    NONE,
    Hold,
    Holds,
    Scope,
    hold_of,
    value_of,
)
from adf_trigger.service.steps import Steps

logger = logging.getLogger(__name__)

HOLD_NOTES = "hold|"
"""Prefix of the names of the notes, in the app's scope: hold|factory|scope, so that health reads all in one call."""

KNOWN_FOR = 1.0
"""Seconds for which a reading is reused: after a hold began, calls may still be sent for this long."""

MOST_ENDED = 100
"""Maximum ended holds of a factory that are remembered."""


@dataclass(frozen=True, slots=True)
class Noted:
    """A hold with its note."""

    hold: Hold
    note: Note


@dataclass(frozen=True, slots=True)
class _Seen:
    """A hold as this process has first seen it.

    Attributes:
        version: as it was written.
        at: when, by the monotonic clock.
        agrees: whether our clock may agree with its writer's.
    """

    version: datetime
    at: float
    agrees: bool


@dataclass(slots=True)
class _Reader:
    """The reads of one factory's notes, one at a time: how many have begun, and the last result."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    begun: int = 0
    began_at: float | None = None
    clock_then: datetime | None = None
    found: Sequence[Hold] | LedgerError = ()
    seen: dict[str, _Seen] = field(default_factory=dict)


class HoldNotes:
    """Reads and writes the holds. Thread-safe.

    A factory that has moved has one list under all of its ids.

    Args:
        notes: where they are kept.
        factories: all configured factories.
        clock: returns the current time.
        steps: surrounds each write.
        seconds: a monotonic clock.
    """

    def __init__(
        self,
        notes: Notes,
        factories: Factories,
        clock: Clock,
        steps: Steps,
        *,
        seconds: Callable[[], float],
    ) -> None:
        self._notes = notes
        self._factories = factories
        self._clock = clock
        self._steps = steps
        self._seconds = seconds
        self._readers: dict[str, _Reader] = {}
        self._lock = threading.Lock()

    def of(self, factory: FactoryHandle) -> Holds:
        """The holds of a factory, from a read that began at most KNOWN_FOR seconds ago.

        Raises:
            LedgerError: they could not be read, so that it is not known what is held.
        """
        reader = self._reader(factory)
        if reader.began_at is not None and 0 <= self._seconds() - reader.began_at < KNOWN_FOR:
            found = reader.found
        else:
            found = self._read(factory, reader)
        if isinstance(found, LedgerError):
            raise LedgerError(f"the holds could not be read: {found}") from found
        return NONE if not found else self._judged(reader, found)

    def _reader(self, factory: FactoryHandle) -> _Reader:
        with self._lock:
            return self._readers.setdefault(factory.alias, _Reader())

    def _read(self, factory: FactoryHandle, reader: _Reader) -> Sequence[Hold] | LedgerError:
        """Read the notes in a read that begins after this call; threads that wait for one share the next."""
        came = reader.begun
        with reader.lock:
            if reader.begun != came:
                return reader.found
            reader.begun += 1
            began_at, clock_then = self._seconds(), self._clock()
            try:
                found = [each.hold for each in self.noted(factory)]
            except LedgerError as exc:
                reader.found, reader.began_at = exc, None
                return exc
            self._see(reader, found)
            reader.found, reader.began_at, reader.clock_then = found, began_at, clock_then
            return found

    def _see(self, reader: _Reader, found: Sequence[Hold]) -> None:
        """Remember new holds.

        One written well before our last read, by its writer's clock, shows that ours is ahead.
        """
        seconds, seen = self._seconds(), dict[str, _Seen]()
        for hold in found:
            before = reader.seen.get(hold.scope.id)
            if before is None or before.version != hold.written_at:
                agrees = True
                if reader.clock_then is not None and reader.began_at is not None:
                    last_look = self._clock() - timedelta(seconds=seconds - reader.began_at)
                    agrees = hold.written_at >= last_look - CLOCKS_APART
                before = _Seen(hold.written_at, seconds, agrees)
            seen[hold.scope.id] = before
        reader.seen = seen

    def _judged(self, reader: _Reader, found: Sequence[Hold]) -> Holds:
        now, seconds, seen = self._clock(), self._seconds(), reader.seen
        standing, ended = dict[str, Hold](), dict[str, datetime]()
        for hold in found:
            if self._stands(hold, seen.get(hold.scope.id), now, seconds):
                standing[hold.scope.id] = hold
            else:
                ended[hold.scope.id] = hold.ended_at
        return Holds(standing, ended)

    @staticmethod
    def _stands(hold: Hold, seen: _Seen | None, now: datetime, seconds: float) -> bool:
        """Whether a hold is in force: not released, and not over by our clock or by elapsed time."""
        if hold.released_at is not None:
            return False
        if seen is None or seen.version != hold.written_at:
            return now < hold.until
        lasts = min(max(hold.until - hold.written_at, timedelta()), LONGEST_HOLD)
        if seconds - seen.at >= lasts.total_seconds():
            return False
        return now < hold.until or not seen.agrees

    def noted(self, factory: FactoryHandle) -> Sequence[Noted]:
        """The present holds of a factory with their notes, including those that have ended lately.

        Raises:
            LedgerError: they could not be read.
        """
        found: dict[str, Noted] = {}
        for prefix in self._prefixes(factory):
            for note in self._notes.named(APP_SCOPE, prefix):
                hold = hold_of(note.value)
                if hold is None:
                    logger.warning(
                        "The note of a hold cannot be decoded: %s",
                        note.name,
                        extra={"action": "hold_not_understood", "note": note.name},
                    )
                    continue
                earlier = found.get(hold.scope.id)
                if earlier is None or earlier.hold.written_at < hold.written_at:
                    found[hold.scope.id] = Noted(hold, note)
        return list(found.values())

    def all(self) -> Mapping[str, Sequence[Hold]]:
        """The holds in force of every configured factory, by alias, in one read, judged by our clock.

        Raises:
            LedgerError: they could not be read.
        """
        notes, now = self._notes.named(APP_SCOPE, HOLD_NOTES), self._clock()
        holds: dict[str, list[Hold]] = {}
        for factory in self._factories:
            for note in notes:
                hold = hold_of(note.value) if note.name.startswith(_prefix(factory.id)) else None
                if hold is not None and hold.released_at is None and now < hold.until:
                    holds.setdefault(factory.alias, []).append(hold)
        return holds

    def put(self, factory: FactoryHandle, hold: Hold, before: Noted | None) -> None:
        """Write a hold in place of the one that was read, or as the first of its scope.

        Raises:
            LedgerConflict: another writer was first; nothing was written.
            LedgerError: it could not be written.
        """
        own = self._factories.of(factory.alias)[0]
        name = note_name(own.id, hold.scope) if before is None else before.note.name
        with self._steps("holds.put"):
            self._notes.put(APP_SCOPE, name, value_of(hold), "" if before is None else before.note.etag)
        self._forget(factory)

    def prune(self, factory: FactoryHandle, noted: Sequence[Noted]) -> None:
        """Remove holds that ended long ago, so that the list stays short. A scope may be held again meanwhile.

        Raises:
            LedgerError: it could not be removed.
        """
        oldest = self._clock() - FORGOTTEN_AFTER
        ended = sorted(
            (each for each in noted if each.hold.ended_at <= self._clock()),
            key=lambda each: each.hold.ended_at,
        )
        spare = max(0, len(ended) - MOST_ENDED)
        for number, each in enumerate(ended):
            if number < spare or each.hold.ended_at < oldest:
                with suppress(LedgerConflict), self._steps("holds.remove"):
                    self._notes.remove(APP_SCOPE, each.note.name, each.note.etag)
        self._forget(factory)

    def _forget(self, factory: FactoryHandle) -> None:
        """Make the next call of `of` read, after a change by this process."""
        self._reader(factory).began_at = None

    def _prefixes(self, factory: FactoryHandle) -> Sequence[str]:
        return [_prefix(each.id) for each in self._factories.of(factory.alias)]


def note_name(factory: str, scope: Scope) -> str:
    """The name of the note of a hold.

    Args:
        factory: resource id under which its records are kept.
        scope: what is held.
    """
    return f"{_prefix(factory)}{scope.id}"


def _prefix(factory: str) -> str:
    return f"{HOLD_NOTES}{hashlib.sha256(factory.lower().encode()).hexdigest()[:32]}|"
