"""Whether the ledger is still the same: a table that was created again has lost its records.

The ledger keeps an id of itself, and a landmark outside the table keeps the same id. A table without an id, beside
a landmark that has one, is a ledger that was lost: it cannot show which keys have started a run.
"""

import logging
from typing import Any, Protocol

from adf_trigger.clock import Clock, IdSource
from adf_trigger.errors import LedgerConflict, TryLater
from adf_trigger.ledger.notes import APP_SCOPE, Note, Notes
from adf_trigger.service.steps import Steps

logger = logging.getLogger(__name__)

LEDGER_NOTE = "ledger"
TIMER_WAIT = 15.0
"""Seconds after which the timer has probably run."""


class Landmark(Protocol):
    """A short text that is stored outside the ledger's table. Every method may raise PublishError."""

    def landmark(self) -> str | None:
        """The text; None where none was ever stored."""

    def set_landmark(self, text: str) -> None:
        """Store a text in place of the present one."""


class LedgerIdentity:
    """Recognises the ledger by an id that is kept in it and beside it.

    Args:
        notes: of the ledger.
        landmark: outlives the table.
        clock: returns the current time.
        new_id: makes the ids of ledgers.
        steps: surrounds each effect.
    """

    def __init__(
        self, notes: Notes, landmark: Landmark, clock: Clock, new_id: IdSource, steps: Steps
    ) -> None:
        self._notes = notes
        self._landmark = landmark
        self._clock = clock
        self._new_id = new_id
        self._steps = steps
        self._marked: str | None = None

    def check(self) -> None:
        """Ensure that ledger and landmark have the same id. A ledger that has replaced another one is logged.

        Raises:
            LedgerError, PublishError: one of them is out of reach.
        """
        note = self._notes.get(APP_SCOPE, LEDGER_NOTE) or self._first_seen()
        own = str(note.value["id"])
        if self._marked == own:
            return
        if self._landmark.landmark() != own:
            with self._steps("ledger.mark"):
                self._landmark.set_landmark(own)
        self._marked = own

    def acknowledge(self, by: str | None) -> dict[str, Any]:
        """Acknowledge on behalf of an operator that the ledger is new.

        Raises:
            TryLater: the ledger has no id yet.
            LedgerError: it is out of reach.
        """
        note = self._notes.get(APP_SCOPE, LEDGER_NOTE)
        if note is None:
            raise TryLater(
                "nothing is known of the ledger yet: the timer has not run", retry_after=TIMER_WAIT
            )
        if note.value["acknowledged"]:
            return note.value
        value = {
            **note.value,
            "acknowledged": True,
            "acknowledgedAt": self._clock().isoformat(),
            "acknowledgedBy": by,
        }
        logger.warning("The new ledger was acknowledged", extra={"action": "ledger_acknowledged", "by": by})
        with self._steps("ledger.acknowledge"):
            return self._notes.put(APP_SCOPE, LEDGER_NOTE, value, note.etag).value

    def _first_seen(self) -> Note:
        # The landmark may have been deleted with its queue: what this process has seen counts, too.
        earlier = self._landmark.landmark() or self._marked
        value: dict[str, Any] = {
            "id": str(self._new_id()),
            "since": self._clock().isoformat(),
            "acknowledged": earlier is None,
        }
        try:
            with self._steps("ledger.identify"):
                note = self._notes.put(APP_SCOPE, LEDGER_NOTE, value, "")
        except LedgerConflict:
            other = self._notes.get(APP_SCOPE, LEDGER_NOTE)
            if other is None:
                raise
            return other
        if earlier is not None:
            logger.error(
                "The ledger is new since %s: all earlier requests are forgotten, so that an old idempotency key would "
                "start its run again. An operator has to acknowledge it",
                value["since"],
                extra={"action": "ledger_lost", "ledger": value["id"], "earlier": earlier},
            )
        return note
