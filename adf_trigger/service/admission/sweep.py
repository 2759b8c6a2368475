"""Removes rows of places that no request holds or waits for: there may be any number of keys over time."""

import logging

from adf_trigger.errors import LedgerConflict
from adf_trigger.ledger.port import LedgerReader
from adf_trigger.service.admission.admission import Admission
from adf_trigger.service.admission.line import is_in_line
from adf_trigger.service.recording.records import Records

logger = logging.getLogger(__name__)

ROWS_A_SWEEP = 100
"""Maximum rows that one sweep reads; the next one continues after them."""


class PlacesSweeper:
    """Sweeps the rows of a factory, some at a time.

    Args:
        ledger: the run ledger.
        records: writes it.
        admission: knows which requests hold a place.
    """

    def __init__(self, ledger: LedgerReader, records: Records, admission: Admission) -> None:
        self._ledger = ledger
        self._records = records
        self._admission = admission
        self._after: dict[str, str] = {}

    def sweep(self, factory: str) -> bool:
        """Remove unused rows. A row that is taken meanwhile stays.

        Args:
            factory: resource id under which they are kept.

        Returns:
            Whether most of them were removed, so that the next sweep should follow soon.

        Raises:
            LedgerError: the ledger is out of reach; the next sweep continues.
        """
        removed = 0
        found = self._ledger.all_places(factory, after=self._after.get(factory, ""), limit=ROWS_A_SWEEP)
        if found:
            # Read after the places: each request that waited then, and still waits, is among these rows.
            rows = {row.request_id: row for row in self._ledger.active(factory)}
            awaited = {row.places for row in rows.values() if is_in_line(row)}
            for kept in found:
                if kept.places.name in awaited or self._admission.holders(factory, kept.places, rows):
                    continue
                try:
                    self._records.remove_places(factory, kept)
                except LedgerConflict:
                    continue
                removed += 1
                logger.info(
                    "Removed the unused places of %s",
                    kept.places.pipeline,
                    extra={"action": "places_removed", "factory": factory, "places": kept.places.name},
                )
        self._after[factory] = found[-1].places.name if len(found) == ROWS_A_SWEEP else ""
        return removed > ROWS_A_SWEEP // 2
