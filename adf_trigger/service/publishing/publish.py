"""Publishes ended runs: one event per run, with the same id on every repeat."""

import logging
from collections.abc import Sequence

from adf_trigger.errors import LedgerConflict
from adf_trigger.ledger.port import LedgerReader, Stored
from adf_trigger.ledger.records import ActiveRun, RunRecord, RunState
from adf_trigger.service.callbacks.caller import CallbackCaller
from adf_trigger.service.calls.budget import Budget
from adf_trigger.service.elapsed import Leases
from adf_trigger.service.factories import FactoryHandle
from adf_trigger.service.news.notify import Notifier
from adf_trigger.service.publishing.routes import Router
from adf_trigger.service.recording.records import Records
from adf_trigger.service.threads.tick_threads import TickThreads
from adf_trigger.service.troubles import Troubles

logger = logging.getLogger(__name__)


class Publisher:
    """Sends the events of ended runs, and records that they were sent.

    Args:
        ledger: the run ledger.
        records: writes it.
        notifier: sends the news.
        router: delivers it to further consumers.
        leases: which records are leased to another process.
        tick_threads: publishes several concurrently.
        caller: calls back the callers that wait for an end.
    """

    def __init__(
        self,
        ledger: LedgerReader,
        records: Records,
        notifier: Notifier,
        router: Router,
        leases: Leases,
        tick_threads: TickThreads,
        caller: CallbackCaller,
    ) -> None:
        self._ledger = ledger
        self._records = records
        self._notifier = notifier
        self._router = router
        self._leases = leases
        self._tick_threads = tick_threads
        self._caller = caller

    def publish(
        self, factory: FactoryHandle, active: Sequence[ActiveRun], ended: Sequence[Stored], budget: Budget
    ) -> None:
        """Publish every run that has ended and is not published, while there is time.

        A failure of one does not affect the others.

        Args:
            factory: whose runs.
            active: its active runs.
            ended: records of it that have ended since these were read.
            budget: says when the time is over; the next tick publishes the rest.

        Raises:
            PublishError: the queue is out of reach; the next tick sends the rest.
            LedgerError: the ledger is out of reach; the next tick continues.
        """
        troubles = Troubles("publish")

        def publish_row(row: ActiveRun) -> None:
            with troubles.of(row.request_id):
                self.publish_one(factory, row.request_id)

        def publish_record(stored: Stored) -> None:
            with troubles.of(stored.record.request_id):
                self.publish_leased(self._records.lease_to_publish(stored))

        self._tick_threads.each(
            publish_row, budget.while_it_lasts(r for r in active if r.state is RunState.ENDED)
        )
        self._tick_threads.each(publish_record, budget.while_it_lasts(ended))

    def publish_one(self, factory: FactoryHandle, request_id: str) -> None:
        """Publish one run that has ended, unless another process has leased it.

        Raises:
            PublishError, LedgerError: out of reach, or it cannot be published.
        """
        stored = self._ledger.get(factory.id, request_id)
        if stored is None or stored.record.state is not RunState.ENDED or self._is_leased(stored.record):
            return
        try:
            self.publish_leased(self._records.lease_to_publish(stored))
        except LedgerConflict:
            logger.info(
                "Request %s is being handled by another process",
                request_id,
                extra={"action": "publish_lost_race", "request_id": request_id},
            )

    def _is_leased(self, record: RunRecord) -> bool:
        """Whether another process is publishing it."""
        return not self._leases.is_over(record)

    def publish_leased(self, leased: Stored) -> None:
        """Publish a run that has ended and is leased to this process.

        Raises:
            PublishError, LedgerError: out of reach; once the lease is over, any process publishes it.
        """
        self._caller.has_ended(leased.record)
        event_id = self._notifier.ended(leased.record)
        self._records.publish(leased, event_id, self._router.route_end(leased.record))
