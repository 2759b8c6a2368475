"""Refreshes a run from Data Factory when it is opened: progress is read on demand, not polled."""

import logging
from datetime import timedelta

from adf_trigger.clock import Clock
from adf_trigger.errors import CredentialError, DataFactoryError, LedgerConflict, LedgerError, PublishError
from adf_trigger.ledger.port import LedgerReader, Stored
from adf_trigger.ledger.records import ActiveRun, RunRecord, RunState
from adf_trigger.service.calls.budget import Budget
from adf_trigger.service.calls.gate import Gate
from adf_trigger.service.elapsed import CLOCKS_APART
from adf_trigger.service.factories import Factories, FactoryHandle
from adf_trigger.service.recording.records import Records
from adf_trigger.service.watching.monitor import Monitor
from adf_trigger.settings.schedule import Schedule

logger = logging.getLogger(__name__)

CALLS = 12
"""Maximum Data Factory calls of one refresh: the run, and the pages of its activities where it has ended."""


class RunRefresher:
    """Refreshes a run when it is read, at most once per poll period for all its readers together.

    The refresh is first noted in the record by a conditional write: of readers on many instances one calls Data
    Factory, and the others get the record as it is.

    Args:
        ledger: the run ledger.
        records: writes it.
        monitor: records what Data Factory shows.
        gate: says whether a factory may be called now.
        factories: all configured factories.
        clock: returns the current time.
        schedule: the timer's schedule: its period is the maximum age of an answer.
        at_most: maximum period, where the timer's is longer.
    """

    def __init__(
        self,
        ledger: LedgerReader,
        records: Records,
        monitor: Monitor,
        gate: Gate,
        factories: Factories,
        clock: Clock,
        *,
        schedule: Schedule,
        at_most: timedelta,
    ) -> None:
        self._ledger = ledger
        self._records = records
        self._monitor = monitor
        self._gate = gate
        self._factories = factories
        self._clock = clock
        self._schedule = schedule
        self._at_most = at_most

    @property
    def period(self) -> timedelta:
        """Maximum age of an answer: the timer's period, at most `at_most`."""
        due = self._schedule.next_after(self._clock())
        return min(self._at_most, self._schedule.next_after(due) - due)

    def fresh(self, record: RunRecord) -> RunRecord:
        """The record, refreshed unless that was done within the last period; unchanged where the refresh fails."""
        factory = self._factories.kept_under(record.factory)
        if factory is None or record.state is not RunState.SUBMITTED or not self._is_due(record):
            return record
        if not self._gate.may_read(factory):
            return record
        try:
            stored = self._ledger.get(record.factory, record.request_id)
            if (
                stored is None
                or stored.record.state is not RunState.SUBMITTED
                or not self._is_due(stored.record)
            ):
                return record if stored is None else stored.record
            return self._look(factory, self._records.look(stored))
        except LedgerConflict:
            logger.info(
                "Request %s is being handled by another process",
                record.request_id,
                extra={"action": "look_lost_race", "request_id": record.request_id},
            )
        except (LedgerError, PublishError, DataFactoryError, CredentialError) as exc:
            logger.warning(
                "Run %s could not be refreshed for a reader: %s",
                record.run_id,
                exc,
                extra={
                    "action": "look_failed",
                    "request_id": record.request_id,
                    "run_id": str(record.run_id),
                    "error": type(exc).__name__,
                },
            )
        return record

    def _look(self, factory: FactoryHandle, noted: Stored) -> RunRecord:
        self._monitor.look(factory, ActiveRun.of(noted.record), Budget(CALLS))
        after = self._ledger.get(factory.id, noted.record.request_id)
        return (after or noted).record

    def _is_due(self, record: RunRecord) -> bool:
        now = self._clock()
        looks = (record.looked_at, record.last_seen_at, record.submitted_at, record.requested_at)
        # A time in the future was written by a clock ahead of ours, and does not count as a recent refresh.
        last = max((each for each in looks if each is not None and each <= now + CLOCKS_APART), default=None)
        return last is None or now >= min(last + self._at_most, self._schedule.next_after(last))
