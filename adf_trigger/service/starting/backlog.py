"""The backlog of a factory: requests that wait for allowed calls, behind which new ones are queued.

Requests are started in order of arrival, whichever instance accepted them. While a factory has a note of a backlog, a
new request is claimed and not sent: the timer, and the process that wrote the note, send them all, as fast as they are
allowed to.
"""

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from adf_trigger.clock import Clock
from adf_trigger.errors import LedgerConflict, LedgerError
from adf_trigger.ledger.notes import Note, Notes
from adf_trigger.service.calls.allowance import Allowance
from adf_trigger.service.calls.permits import Permit
from adf_trigger.service.calls.throttling import Bucket, Throttling
from adf_trigger.service.factories import FactoryHandle
from adf_trigger.service.steps import Steps

logger = logging.getLogger(__name__)

NOTE = "backlog"
"""Name of the note, in the scope of the factory's records: `{"since": …, "address": …}`; none where no request waits.

Requests that wait for a former address of the factory do not delay those of the present one."""

KNOWN_FOR = timedelta(seconds=1)
"""How long a backlog that was read is reused."""

WAITS_FOR_ITS_TURN = "it waits for its turn: earlier requests have not been started yet"


class _Reader:
    """The reads of one factory's note, one at a time: how many have begun, and the last result."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.begun = 0
        self.found: Note | LedgerError | None = None


class Backlog:
    """Reads and writes the notes, at most one read a second. Thread-safe.

    Args:
        notes: where they are kept.
        allowance: which calls are allowed now.
        throttling: the Retry-After of each factory.
        clock: returns the current time.
        steps: surrounds each write.
    """

    def __init__(
        self, notes: Notes, allowance: Allowance, throttling: Throttling, clock: Clock, steps: Steps
    ) -> None:
        self._notes = notes
        self._allowance = allowance
        self._throttling = throttling
        self._clock = clock
        self._steps = steps
        self._known: dict[str, tuple[datetime, datetime | None]] = {}
        self._readers: dict[str, _Reader] = {}
        self._lock = threading.Lock()
        self._drain: Callable[[FactoryHandle, datetime], None] | None = None

    def drained_by(self, drain: Callable[[FactoryHandle, datetime], None]) -> None:
        """Have each backlog that this process begins drained: called once for each, with the time of its beginning."""
        self._drain = drain

    def permit(self, factory: FactoryHandle) -> Permit | None:
        """A permit to start a new request; None where it has to wait for its turn."""
        return self._permit_or_begin(factory) if self.since(factory) is None else None

    def permit_after_claim(self, factory: FactoryHandle) -> Permit | None:
        """A permit to start a request that was claimed to wait; None where others still wait.

        Ending a backlog removes its note, and then looks for requests that have joined it; joining it claims, and
        then looks for the note: so one of the two sees the other.
        """
        try:
            note = self.read(factory)
        except LedgerError as exc:
            _log("The backlog of %s could not be read: %s", "backlog_not_read", factory, exc)
            return None  # the timer starts it
        return self._permit_or_begin(factory) if _since(note, factory) is None else None

    def demand(self, factory: FactoryHandle) -> Permit:
        """A permit to start a request that only its caller can start, regardless of the backlog."""
        return self._allowance.demand(factory.present_id, Bucket.WRITES)

    def _permit_or_begin(self, factory: FactoryHandle) -> Permit | None:
        if self._throttling.until(factory.present_id, Bucket.WRITES, self._clock()) is None:
            permit = self._allowance.permit(factory.present_id, Bucket.WRITES)
            if permit is not None:
                return permit
        self.begin(factory)
        return None

    def since(self, factory: FactoryHandle) -> datetime | None:
        """Since when requests wait; None where none do, or where that cannot be read."""
        key, now = factory.id.lower(), self._clock()
        with self._lock:
            known = self._known.get(key)
        if known is not None and timedelta() <= now - known[0] < KNOWN_FOR:
            return known[1]
        try:
            return _since(self.read(factory), factory)
        except LedgerError as exc:
            _log("The backlog of %s could not be read: %s", "backlog_not_read", factory, exc)
            return None

    def read(self, factory: FactoryHandle) -> Note | None:
        """The note, from a read that begins after this call; waiting threads share one read.

        Raises:
            LedgerError: it could not be read.
        """
        key = factory.id.lower()
        with self._lock:
            reader = self._readers.setdefault(key, _Reader())
            begun = reader.begun
        with reader.lock:
            if reader.begun == begun:
                reader.begun += 1
                try:
                    reader.found = self._notes.get(factory.id, NOTE)
                except LedgerError as exc:
                    reader.found = exc
                else:
                    self._remember(key, _since(reader.found, factory))
            if isinstance(reader.found, LedgerError):
                raise LedgerError(str(reader.found)) from reader.found
            return reader.found

    def read_since(self, factory: FactoryHandle) -> datetime | None:
        """Since when requests wait, by a read that begins after this call; None where none do.

        Raises:
            LedgerError: it could not be read.
        """
        return _since(self.read(factory), factory)

    def begin(self, factory: FactoryHandle, *, drained: bool = True) -> None:
        """Record that requests wait from now on, unless that is recorded already.

        Args:
            factory: whose requests wait.
            drained: whether they can be started before the timer is due; see `drained_by`.
        """
        now = self._clock()
        if self._begin(factory, now) and drained and self._drain is not None:
            self._drain(factory, now)

    def begin_again(self, factory: FactoryHandle, note: Note) -> None:
        """Record that requests still wait, after the note was removed."""
        self._begin(factory, _since(note, factory) or self._clock())

    def _begin(self, factory: FactoryHandle, now: datetime) -> bool:
        try:
            with self._steps("backlog.begin"):
                value = {"since": now.isoformat(), "address": factory.present_id}
                self._notes.put(factory.id, NOTE, value, "")
        except LedgerConflict:
            self._forget(factory)  # another process was first
        except LedgerError as exc:
            _log("The backlog of %s could not be written: %s", "backlog_not_noted", factory, exc)
        else:
            self._remember(factory.id.lower(), now)
            logger.info(
                "Requests of %s are queued from now on, in order of arrival",
                factory.alias,
                extra={"action": "backlog_begun", "factory": factory.id},
            )
            return True
        return False

    def end(self, factory: FactoryHandle, note: Note) -> bool:
        """Remove the note, since no request waits any more; returns whether it was removed. A changed note stays.

        Args:
            factory: the factory whose requests waited.
            note: as it was read before the ledger showed that no request waits.
        """
        try:
            with self._steps("backlog.end"):
                self._notes.remove(factory.id, NOTE, note.etag)
        except LedgerConflict:
            self._forget(factory)  # it ended, or began again, meanwhile
            return False
        except LedgerError as exc:
            _log("The end of the backlog of %s could not be written: %s", "backlog_not_noted", factory, exc)
            return False
        self._remember(factory.id.lower(), None)
        logger.info(
            "The backlog of %s is empty again, after %s",
            factory.alias,
            self._clock() - (_since(note, factory) or self._clock()),
            extra={"action": "backlog_ended", "factory": factory.id},
        )
        return True

    def _remember(self, key: str, since: datetime | None) -> datetime | None:
        with self._lock:
            self._known[key] = (self._clock(), since)
        return since

    def _forget(self, factory: FactoryHandle) -> None:
        with self._lock:
            self._known.pop(factory.id.lower(), None)


def _since(note: Note | None, factory: FactoryHandle) -> datetime | None:
    if note is None or note.value.get("address", factory.present_id) != factory.present_id:
        return None
    return _instant(note.value.get("since"))


def _instant(text: object) -> datetime | None:
    """Decode a note; one in another version's format counts as no backlog."""
    try:
        instant = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return instant if instant is not None and instant.tzinfo else None


def _log(sentence: str, action: str, factory: FactoryHandle, error: LedgerError) -> None:
    logger.warning(
        sentence,
        factory.alias,
        error,
        extra={"action": action, "factory": factory.id, "error": type(error).__name__},
    )
