"""The moves of a record whose run is started, until its end is published: part of `records.Records` only."""

import logging
from collections.abc import Sequence
from datetime import datetime

from adf_trigger.ledger.port import Stored
from adf_trigger.results import RouteDelivery
from adf_trigger.service.recording import transitions
from adf_trigger.service.recording.move_writer import MoveWriter
from adf_trigger.service.recording.run_end import RunEnd

logger = logging.getLogger(__name__)


class RunMoves(MoveWriter):
    """Moves of a run and its events. Every method may raise LedgerError; after a LedgerConflict nothing is written."""

    def see(self, stored: Stored, *, status: str, started_at: datetime | None) -> Stored:
        """Record that Data Factory has shown the run, and that it has not ended."""
        moved = transitions.see(stored.record, status=status, started_at=started_at, now=self._clock())
        return self._save("records.see", stored, moved)

    def overdue(self, stored: Stored, event_id: str, *, status: str, started_at: datetime | None) -> Stored:
        """Record that a run was published as overdue, and order its cancellation where that was requested."""
        moved = transitions.overdue(stored.record, status=status, started_at=started_at, now=self._clock())
        saved = self._save("records.overdue", stored, moved)
        logger.warning(
            "Run %s of request %s is overdue: submitted at %s, its status is %s",
            moved.run_id,
            moved.request_id,
            moved.submitted_at,
            moved.status,
            extra={
                "action": "run_overdue",
                "run_id": str(moved.run_id),
                "request_id": moved.request_id,
                "event_id": event_id,
                "cancels": moved.cancellation is not None,
            },
        )
        return saved

    def look(self, stored: Stored) -> Stored:
        """Record that a reader is about to refresh the run from Data Factory."""
        return self._save("records.look", stored, transitions.look(stored.record, now=self._clock()))

    def miss(self, stored: Stored) -> Stored:
        """Record that Data Factory has no such run, as of now or of an earlier read."""
        return self._save("records.miss", stored, transitions.miss(stored.record, now=self._clock()))

    def end(self, stored: Stored, end: RunEnd) -> Stored:
        """Record the end of the run in Data Factory; the record is leased to this process, which sends the event."""
        moved = transitions.end(stored.record, end, now=self._clock(), lease=self._lease)
        saved = self._save("records.end", stored, moved)
        logger.info(
            "Run %s of %s has ended: %s",
            moved.run_id,
            moved.pipeline,
            moved.status,
            extra={
                "action": "run_ended",
                "run_id": str(moved.run_id),
                "request_id": moved.request_id,
                "status": moved.status,
                "failed_activities": None if end.errors is None else len(end.errors),
            },
        )
        return saved

    def lose(self, stored: Stored, reason: str) -> Stored:
        """Record that the end of a run cannot be determined; it is leased to this process, which sends the event."""
        moved = transitions.lose(stored.record, reason=reason, now=self._clock(), lease=self._lease)
        saved = self._save("records.lose", stored, moved)
        logger.error(
            "The end of run %s of request %s cannot be determined: %s",
            moved.run_id,
            moved.request_id,
            reason,
            extra={"action": "run_lost", "run_id": str(moved.run_id), "request_id": moved.request_id},
        )
        return saved

    def lease_to_publish(self, stored: Stored) -> Stored:
        """Lease a record to this process, which is about to send its event."""
        leased = transitions.lease_to_publish(stored.record, now=self._clock(), lease=self._lease)
        return self._save("records.lease_to_publish", stored, leased)

    def publish(self, leased: Stored, event_id: str, routes: Sequence[RouteDelivery] = ()) -> Stored:
        """Record that the event of a record has been sent, and its deliveries along routes so far."""
        published = transitions.publish(leased.record, now=self._clock(), routes=routes)
        saved = self._save("records.publish", leased, published)
        logger.info(
            "Published %s",
            event_id,
            extra={
                "action": "event_published",
                "event_id": event_id,
                "request_id": saved.record.request_id,
            },
        )
        return saved

    def route(self, stored: Stored, routes: Sequence[RouteDelivery]) -> Stored:
        """Record further deliveries of a record's event along routes."""
        return self._save("records.route", stored, transitions.route(stored.record, routes=routes))
