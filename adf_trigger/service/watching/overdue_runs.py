"""Publishes one event for a run that is overdue, and orders its cancellation where that was requested.

It is the only event before an end: the run continues, and its end is published as usual.
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from adf_trigger.clock import Clock
from adf_trigger.contracts import ENDED_IN_DATA_FACTORY
from adf_trigger.datafactory.models import PipelineRun
from adf_trigger.errors import CredentialError, DataFactoryError, FactoryUnusable, Throttled
from adf_trigger.ledger.port import LedgerReader, Stored
from adf_trigger.ledger.records import ActiveRun, RunRecord, RunState
from adf_trigger.service import optimistic
from adf_trigger.service.calls.budget import Budget
from adf_trigger.service.calls.gate import Gate
from adf_trigger.service.factories import FactoryHandle
from adf_trigger.service.news.notify import Notifier
from adf_trigger.service.publishing.routes import Router
from adf_trigger.service.recording import transitions
from adf_trigger.service.recording.records import Records
from adf_trigger.service.threads.tick_threads import TickThreads
from adf_trigger.service.troubles import Troubles

logger = logging.getLogger(__name__)


class OverdueRunWatcher:
    """Publishes overdue runs.

    Args:
        ledger: the run ledger.
        records: writes it.
        notifier: sends the event.
        router: delivers it to further consumers.
        gate: says whether a factory may be called now.
        clock: returns the current time.
        tick_threads: reads several runs concurrently.
    """

    def __init__(
        self,
        ledger: LedgerReader,
        records: Records,
        notifier: Notifier,
        router: Router,
        gate: Gate,
        clock: Clock,
        tick_threads: TickThreads,
    ) -> None:
        self._ledger = ledger
        self._records = records
        self._notifier = notifier
        self._router = router
        self._gate = gate
        self._clock = clock
        self._tick_threads = tick_threads

    def publish(self, factory: FactoryHandle, active: Sequence[ActiveRun], budget: Budget) -> None:
        """Publish each overdue run that has not been published as overdue yet, while time and calls are left.

        Each is first read from Data Factory: one that has ended, or is missing there, is left to the monitor. Where no
        run is overdue, this costs nothing.

        Raises:
            DataFactoryError, CredentialError: Data Factory denies access; the next tick continues.
            LedgerError, PublishError: storage is out of reach; the next tick continues.
        """
        now = self._clock()
        due = [row for row in active if row.state is RunState.SUBMITTED and _may_be_due(row, now)]
        if not due or not self._gate.may_read(factory):
            return
        troubles = Troubles("publish_overdue")

        def publish(row: ActiveRun) -> None:
            with troubles.of(row.request_id):
                self._publish(factory, row, budget)

        self._tick_threads.each(publish, budget.while_it_lasts(sorted(due, key=lambda row: row.requested_at)))

    def _publish(self, factory: FactoryHandle, row: ActiveRun, budget: Budget) -> None:
        stored = self._ledger.get(factory.id, row.request_id)
        if stored is None or not self._is_due(stored.record) or not budget.spend():
            return
        run = self._read(factory, stored.record, budget)
        if run is None or run.status in ENDED_IN_DATA_FACTORY:
            return  # the monitor handles it
        seen = transitions.see(
            stored.record,
            status=run.status or stored.record.status,
            started_at=run.run_start,
            now=self._clock(),
        )
        event_id = self._notifier.overdue(seen)
        self._router.route_overdue(seen)

        def record(present: Stored) -> None:
            if self._is_due(present.record):
                self._records.overdue(present, event_id, status=seen.status, started_at=seen.started_at)

        # Published already: a concurrent refresh must not publish it again.
        optimistic.update(self._ledger, stored.record, record)

    def _read(self, factory: FactoryHandle, record: RunRecord, budget: Budget) -> PipelineRun | None:
        """Read a run; None where it cannot be read."""
        try:
            return factory.runs.get_run(record.run_id)
        except (FactoryUnusable, CredentialError, Throttled) as exc:
            budget.exhaust()
            _log_not_seen(record, exc)
        except DataFactoryError as exc:
            _log_not_seen(record, exc)
        return None

    def _is_due(self, record: RunRecord) -> bool:
        return record.overdue_at is not None and record.overdue_at <= self._clock()


def _may_be_due(row: ActiveRun, now: datetime) -> bool:
    """Whether the run of a row may be overdue; the start of the run is in its record."""
    if row.overdue_after is None:
        return False
    return (row.sent_at or row.requested_at) + timedelta(seconds=row.overdue_after) <= now


def _log_not_seen(record: RunRecord, error: DataFactoryError | CredentialError) -> None:
    logger.warning(
        "Run %s may be overdue and cannot be read: %s",
        record.run_id,
        error,
        extra={
            "action": "overdue_not_seen",
            "run_id": str(record.run_id),
            "request_id": record.request_id,
        },
    )
