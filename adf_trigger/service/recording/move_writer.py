"""How the moves of a record are written. Only `records.Records` implements it."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import timedelta

from adf_trigger.clock import Clock
from adf_trigger.ledger.places import KeptPlaces
from adf_trigger.ledger.port import Stored
from adf_trigger.ledger.records import RunRecord


class MoveWriter(ABC):
    """Writes moves. Every method may raise LedgerError; after a LedgerConflict nothing is written."""

    _clock: Clock
    _lease: timedelta

    @abstractmethod
    def _save(self, step: str, stored: Stored, moved: RunRecord, places: KeptPlaces | None = None) -> Stored:
        """Write a record, and places with it, conditionally, inside the named step."""

    @abstractmethod
    def _save_beside_mark(self, step: str, leased: Stored, move: Callable[[RunRecord], RunRecord]) -> Stored:
        """Write the move of the holder of the lease, even if a cancellation was ordered meanwhile."""

    @abstractmethod
    def _leased(self, record: RunRecord) -> RunRecord:
        """The record, leased to this process, which is about to send it."""
