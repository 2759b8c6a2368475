"""Removes what is older than the retention: records, unused places, and kept messages."""

import logging
from datetime import datetime, timedelta

from adf_trigger.clock import Clock
from adf_trigger.errors import LedgerError, PublishError
from adf_trigger.ledger.notes import APP_SCOPE
from adf_trigger.service.admission.sweep import PlacesSweeper
from adf_trigger.service.intake.keep import Keeper
from adf_trigger.service.intake.overdue_messages import OverdueMessageWatcher
from adf_trigger.service.recording.records import Records

logger = logging.getLogger(__name__)

PURGE_EVERY = timedelta(minutes=10)
"""How long a process purges nothing of a factory of which all that is old is gone."""

PURGED_A_TICK = 100
"""Maximum records removed in one tick: few enough to leave time for the rest."""


class Purger:
    """Purges a bounded number of rows per tick. Safe to share between threads that purge different factories.

    Args:
        records: purges published records.
        places: removes the rows of unused places.
        keeper: purges kept messages.
        overdue: sends lost messages again.
        clock: returns the current time.
        retention: how long published records and kept messages are kept.
    """

    def __init__(
        self,
        records: Records,
        places: PlacesSweeper,
        keeper: Keeper,
        overdue: OverdueMessageWatcher,
        clock: Clock,
        *,
        retention: timedelta,
    ) -> None:
        self._records = records
        self._places = places
        self._keeper = keeper
        self._overdue = overdue
        self._clock = clock
        self._retention = retention
        self._purged: dict[str, datetime] = {}

    def purge(self, factory: str) -> None:
        """Purge the records and places of a factory, unless that was completed within PURGE_EVERY.

        Args:
            factory: resource id under which they are kept.

        Raises:
            LedgerError: the ledger is out of reach; the next tick continues.
        """
        if self._is_due(factory):
            is_more = self._places.sweep(factory)
            count = self._records.purge(factory, before=self._oldest(), limit=PURGED_A_TICK)
            self._note_purged(factory, PURGED_A_TICK if is_more else count)

    def purge_messages(self) -> None:
        """Purge kept messages, after those that were lost are sent again. Failures are logged; nothing is raised."""
        try:
            self._keeper.complete_listing()
            if self._is_due(APP_SCOPE):
                # First: what was lost is not purged, and what has come to its end may be.
                were_all = self._overdue.look()
                count = self._keeper.purge(before=self._oldest(), limit=PURGED_A_TICK)
                self._note_purged(APP_SCOPE, count if were_all else PURGED_A_TICK)
        except (LedgerError, PublishError) as exc:
            logger.warning(
                "This tick could not purge, list or look after all rejected messages: %s",
                exc,
                extra={"action": "purge_failed", "error": type(exc).__name__},
            )

    def _oldest(self) -> datetime:
        return self._clock() - self._retention

    def _is_due(self, scope: str) -> bool:
        """Whether old rows are possible there: a look costs a call of storage."""
        last = self._purged.get(scope)
        return last is None or not timedelta() <= self._clock() - last < PURGE_EVERY

    def _note_purged(self, scope: str, count: int) -> None:
        if count < PURGED_A_TICK:
            self._purged[scope] = self._clock()
