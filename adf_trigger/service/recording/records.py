"""The only writer of the run ledger.

Each move of a record is one method: the transition, a conditional write inside a named step, and its log line. The
moves are grouped by subject in modules of their own; this module writes them, and inserts and removes rows.
"""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from adf_trigger.clock import Clock
from adf_trigger.errors import LedgerConflict
from adf_trigger.ledger.places import KeptPlaces
from adf_trigger.ledger.port import Claim, Cursor, Ledger, Stored
from adf_trigger.ledger.records import RunRecord
from adf_trigger.service.recording import steered_transitions, transitions
from adf_trigger.service.recording.place_moves import PlaceMoves
from adf_trigger.service.recording.run_end import RunEnd
from adf_trigger.service.recording.run_moves import RunMoves
from adf_trigger.service.recording.start_moves import StartMoves
from adf_trigger.service.recording.steering_moves import SteeringMoves
from adf_trigger.service.steps import Steps

logger = logging.getLogger(__name__)

MOST_FORMER_RUNS = 20
"""Maximum runIds of a rejected request that the next one of its key inherits: a transaction has room for 100 rows."""


class Records(StartMoves, RunMoves, SteeringMoves, PlaceMoves):
    """Writes the records of requests. Every method may raise LedgerError; after a LedgerConflict nothing is written.

    Args:
        ledger: the run ledger.
        clock: returns the current time.
        steps: surrounds each write.
        lease: how long one process may hold a record, to send its request or its event.
    """

    def __init__(self, ledger: Ledger, clock: Clock, steps: Steps, *, lease: timedelta) -> None:
        self._ledger = ledger
        self._clock = clock
        self._steps = steps
        self._lease = lease

    def claim(self, record: RunRecord, *, to_send: bool = True, places: KeptPlaces | None = None) -> Claim:
        """Insert a new request, or find the earlier one of the same key.

        Args:
            record: the request.
            to_send: whether it is leased to its sender; otherwise it waits for its turn.
            places: the places to write in the same transaction.

        Raises:
            InvalidRequest: it is too large to keep.
        """
        claimed = self._leased(record) if to_send else record
        with self._steps("records.claim"):
            return self._ledger.claim(claimed, places)

    def reclaim(
        self,
        rejected: Stored,
        record: RunRecord,
        *,
        to_send: bool = True,
        places: KeptPlaces | None = None,
    ) -> Stored:
        """Put a new request in the place of a rejected one of the same key; see claim.

        Runs that a person has assigned to the earlier request stay with the key: no other request may get them.

        Raises:
            InvalidRequest: it is too large to keep.
        """
        earlier = rejected.record
        counted = replace(
            record,
            rejections=earlier.rejections + 1,
            unknowns=earlier.unknowns,
            former_run_ids=earlier.run_ids[-MOST_FORMER_RUNS:] if earlier.unknowns else (),
            history=earlier.history + record.history,
        )
        claimed = self._leased(counted) if to_send else counted
        with self._steps("records.reclaim"):
            return self._ledger.reclaim(rejected, claimed, places)

    def _leased(self, record: RunRecord) -> RunRecord:
        return transitions.lease_to_send(record, now=self._clock(), lease=self._lease)

    def observe(self, record: RunRecord, end: RunEnd) -> Claim:
        """Claim a run that others have started and record its end, in one transaction, or find its earlier claim.

        It is leased to this process, which sends the event.

        Raises:
            LedgerConflict: another request owns the run.
            InvalidRequest: it cannot be kept.
        """
        moved = transitions.observe(record, end, now=self._clock(), lease=self._lease)
        with self._steps("records.observe"):
            claim = self._ledger.claim(moved)
        if claim.created:
            logger.info(
                "Run %s of %s, which others have started, has ended: %s",
                moved.run_id,
                moved.pipeline,
                moved.status,
                extra={
                    "action": "run_observed",
                    "run_id": str(moved.run_id),
                    "request_id": moved.request_id,
                    "status": moved.status,
                },
            )
        return claim

    def remove_places(self, factory: str, kept: KeptPlaces) -> None:
        """Remove the row of places that are neither held nor waited for."""
        with self._steps("records.remove_places"):
            self._ledger.remove_places(factory, kept)

    def save_cursor(self, factory: str, cursor: Cursor) -> None:
        """Save the cursor of a factory's polls."""
        with self._steps("records.save_cursor"):
            self._ledger.save_cursor(factory, cursor)

    def purge(self, factory: str, *, before: datetime, limit: int) -> int:
        """Remove at most `limit` records that were published before an instant; returns how many."""
        with self._steps("records.purge"):
            return self._ledger.purge(factory, published_before=before, limit=limit)

    def _save(self, step: str, stored: Stored, moved: RunRecord, places: KeptPlaces | None = None) -> Stored:
        with self._steps(step):
            return self._ledger.save(stored, moved, places)

    def _save_beside_mark(self, step: str, leased: Stored, move: Callable[[RunRecord], RunRecord]) -> Stored:
        """Write the move of the holder of the lease, even if a cancellation was ordered meanwhile."""
        try:
            return self._save(step, leased, move(leased.record))
        except LedgerConflict:
            present = self._ledger.get(leased.record.factory, leased.record.request_id)
            if present is None or not steered_transitions.is_only_marked(leased.record, present.record):
                raise
            return self._save(step, present, move(present.record))
