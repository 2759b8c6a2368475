"""The moves of a record among places, and of requests that join the run of another: part of `records.Records` only."""

import logging

from adf_trigger.ledger.places import KeptPlaces
from adf_trigger.ledger.port import Stored
from adf_trigger.ledger.records import RunRecord
from adf_trigger.service.recording import joining
from adf_trigger.service.recording.move_writer import MoveWriter

logger = logging.getLogger(__name__)


class PlaceMoves(MoveWriter):
    """Moves among places. Every method may raise LedgerError; after a LedgerConflict nothing is written."""

    def admit(self, stored: Stored, admitted: RunRecord, places: KeptPlaces | None) -> Stored:
        """Lease a request to this process, and give it a place in the same transaction."""
        leased = self._leased(admitted)
        saved = self._save("records.admit", stored, leased, places)
        logger.info(
            "Request %s has a place, and is started",
            leased.request_id,
            extra={"action": "request_admitted", "request_id": leased.request_id, "places": leased.places},
        )
        return saved

    def line_up(self, stored: Stored, waiting: RunRecord, places: KeptPlaces) -> Stored:
        """Record that a request waits for a place, and where in the line."""
        saved = self._save("records.line_up", stored, waiting, places)
        logger.info(
            "Request %s is number %s in line for a place",
            waiting.request_id,
            waiting.place_number,
            extra={
                "action": "request_lined_up",
                "request_id": waiting.request_id,
                "places": waiting.places,
            },
        )
        return saved

    def end_joined(self, stored: Stored, other: RunRecord) -> Stored:
        """Record that a request has ended as the run that it had joined, leased to this process as at any end."""
        moved = joining.end_joined(stored.record, other, now=self._clock(), lease=self._lease)
        saved = self._save("records.end_joined", stored, moved)
        logger.info(
            "Request %s has ended with request %s, whose run it had joined: %s",
            moved.request_id,
            other.request_id,
            moved.status,
            extra={
                "action": "joined_ended",
                "request_id": moved.request_id,
                "joined_to": other.request_id,
                "status": moved.status,
            },
        )
        return saved

    def leave_joined(self, stored: Stored, other: RunRecord) -> Stored:
        """Record that a request has left a run that had ended before it, and waits for one of its own."""
        saved = self._save("records.leave_joined", stored, joining.leave(stored.record, other))
        logger.info(
            "Request %s waits for a place: the run of request %s had ended before it was made",
            saved.record.request_id,
            other.request_id,
            extra={
                "action": "joined_left",
                "request_id": saved.record.request_id,
                "joined_to": other.request_id,
            },
        )
        return saved
