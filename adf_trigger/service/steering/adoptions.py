"""Ensures that a run is assigned to one request at a time, across the ids of its factory.

A ledger transaction spans only the records under one id. A factory that has moved has several ids, so two concurrent
decisions would both succeed.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from uuid import UUID

from adf_trigger.clock import Clock
from adf_trigger.errors import LedgerConflict, LedgerError
from adf_trigger.ledger.notes import Note, Notes
from adf_trigger.ledger.records import RunRecord
from adf_trigger.service.factories import Factories, FactoryHandle
from adf_trigger.service.steps import Steps

logger = logging.getLogger(__name__)

PREFIX = "adoption|"
LEASE = timedelta(minutes=10)
"""Lease of a run that is being assigned: a killed process blocks the run for no longer."""


class Adoptions:
    """Leases runs that are being assigned.

    Args:
        notes: where leases are kept.
        factories: all configured factories.
        clock: returns the current time.
        steps: surrounds each write.
    """

    def __init__(self, notes: Notes, factories: Factories, clock: Clock, steps: Steps) -> None:
        self._notes = notes
        self._factories = factories
        self._clock = clock
        self._steps = steps

    @contextmanager
    def reserved(self, factory: FactoryHandle, record: RunRecord, run_id: UUID) -> Iterator[bool]:
        """A context in which no other request is assigned the run; it yields whether the run was free.

        Raises:
            LedgerError: the ledger is out of reach.
        """
        scope = self._factories.of(factory.alias)[0].id
        note = self._claimed(scope, f"{PREFIX}{run_id}", record)
        if note is None:
            yield False
            return
        try:
            yield True
        except Exception:
            self._release(scope, note)
            raise
        self._release(scope, note)

    def _claimed(self, scope: str, name: str, record: RunRecord) -> Note | None:
        now = self._clock()
        before = self._notes.get(scope, name)
        own = {"factory": record.factory, "request": record.request_id}
        if before is not None and not _is_free(before, own, now):
            return None
        try:
            with self._steps("adoption.claim"):
                value = {**own, "at": now.isoformat()}
                return self._notes.put(scope, name, value, "" if before is None else before.etag)
        except LedgerConflict:
            return None

    def _release(self, scope: str, note: Note) -> None:
        """Release the run. Where that fails, the lease expires."""
        try:
            with self._steps("adoption.release"):
                self._notes.remove(scope, note.name, note.etag)
        except LedgerError as exc:
            logger.warning(
                "The lease of a run that was being assigned could not be released: %s",
                exc,
                extra={"action": "adoption_not_released", "error": type(exc).__name__},
            )


def _is_free(note: Note, own: dict[str, str], now: datetime) -> bool:
    """Whether a note is the request's own, or was left by a killed process."""
    if all(note.value.get(name) == each for name, each in own.items()):
        return True
    try:
        at = datetime.fromisoformat(note.value["at"])
        return not timedelta() <= now - at < LEASE
    except (KeyError, TypeError, ValueError):
        return True
