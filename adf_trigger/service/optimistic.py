"""Optimistic updates: after a lost race, a change of a record is retried on the present record."""

from collections.abc import Callable
from typing import TypeVar

from adf_trigger.errors import LedgerConflict, NotFound, TryLater
from adf_trigger.ledger.port import LedgerReader, Stored
from adf_trigger.ledger.records import RunRecord

T = TypeVar("T")

TRIES = 5
RETRY_AFTER = 2.0
"""Retry-After in seconds for a caller that lost every race."""


def update(ledger: LedgerReader, record: RunRecord, change: Callable[[Stored], T]) -> T:
    """Apply a change to a record, retried where another writer was first; returns the change's result.

    Args:
        ledger: has the record.
        record: the record, as last read.
        change: writes it, on condition that it is still as given.

    Raises:
        NotFound: the record is gone.
        TryLater: others keep changing it.
        LedgerError: the ledger is out of reach.
    """
    for _ in range(TRIES):
        stored = ledger.get(record.factory, record.request_id)
        if stored is None:
            raise NotFound(f"no run has the requestId {record.request_id} any more")
        try:
            return change(stored)
        except LedgerConflict:
            continue
    raise TryLater(f"request {record.request_id} is being changed by others", retry_after=RETRY_AFTER)
