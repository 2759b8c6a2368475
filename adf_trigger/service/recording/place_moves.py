"""The moves of a record among places, each written with them: part of `records.Records`, and of nothing else."""

import logging
from abc import ABC, abstractmethod

from adf_trigger.ledger.places import KeptPlaces
from adf_trigger.ledger.port import Stored
from adf_trigger.ledger.records import RunRecord

logger = logging.getLogger(__name__)


class PlaceMoves(ABC):
    """Moves among places. Every method may raise LedgerError; after a LedgerConflict nothing is written."""

    @abstractmethod
    def _save(self, step: str, stored: Stored, moved: RunRecord, places: KeptPlaces | None = None) -> Stored:
        """Write a record, and places with it, conditionally, inside the named step."""

    @abstractmethod
    def _leased(self, record: RunRecord) -> RunRecord:
        """A record, leased to this process, which is about to send it."""

    def admit(self, stored: Stored, admitted: RunRecord, places: KeptPlaces | None) -> Stored:
        """Lease a request to this process that is given a place in the same transaction."""
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
