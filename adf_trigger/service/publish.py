"""Tells what has ended: one event a run, the same id on every repeat."""

import logging
from collections.abc import Sequence

from adf_trigger.clock import Clock
from adf_trigger.contracts import QueuedRunRequest, RejectedMessage, RunStatus
from adf_trigger.errors import LedgerConflict
from adf_trigger.events.outbox import Outbox
from adf_trigger.ledger.port import LedgerReader, Stored
from adf_trigger.ledger.records import ActiveRun, RunRecord, RunState
from adf_trigger.service.factories import FactoryHandle
from adf_trigger.service.records import Records
from adf_trigger.service.steps import Steps
from adf_trigger.service.views import RunViews

logger = logging.getLogger(__name__)

QUEUE_SOURCE = "queue"


class Publisher:
    """Sends the events of ended runs and records that they are sent.

    Args:
        ledger: the run ledger.
        records: writes it.
        outbox: where events go.
        views: makes events of records.
        clock: tells the time.
        steps: surrounds each message that is sent.
    """

    def __init__(
        self,
        ledger: LedgerReader,
        records: Records,
        outbox: Outbox,
        views: RunViews,
        clock: Clock,
        steps: Steps,
    ) -> None:
        self._ledger = ledger
        self._records = records
        self._outbox = outbox
        self._views = views
        self._clock = clock
        self._steps = steps

    def publish(self, factory: FactoryHandle, active: Sequence[ActiveRun]) -> None:
        """Tell every run that has ended and is not told.

        Raises:
            PublishError: the queue is out of reach; the next tick sends what is left.
            LedgerError: the ledger is out of reach; the next tick goes on.
        """
        for row in active:
            if row.state is RunState.ENDED:
                self.tell(factory, row.request_id)

    def tell(self, factory: FactoryHandle, request_id: str) -> None:
        """Tell one run that has ended, unless somebody else is about to.

        Raises:
            PublishError, LedgerError: as `publish`.
        """
        stored = self._ledger.get(factory.id, request_id)
        if stored is None or stored.record.state is not RunState.ENDED or self._is_held(stored.record):
            return
        try:
            self._tell(stored)
        except LedgerConflict:
            logger.info(
                "Request %s is in other hands",
                request_id,
                extra={"action": "publish_lost_race", "request_id": request_id},
            )

    def _is_held(self, record: RunRecord) -> bool:
        """Whether another teller has it to himself."""
        return record.lease_until is not None and record.lease_until > self._clock()

    def _tell(self, stored: Stored) -> None:
        taken = self._records.lease_to_publish(stored)
        record = taken.record
        if record.source == QUEUE_SOURCE and record.status == RunStatus.REJECTED:
            with self._steps("notify.rejected"):
                self._outbox.reject(self._rejected(record))
        event = self._views.event(record)
        with self._steps("notify.event"):
            self._outbox.publish(event)
        self._records.publish(taken, event.id)

    def _rejected(self, record: RunRecord) -> RejectedMessage:
        """What the rejected queue is told of a request that came as a message: the request again, whole."""
        request = QueuedRunRequest(
            pipeline=record.pipeline,
            request_id=record.request_id,
            parameters=record.parameters,
            correlation_id=record.correlation_id,
            metadata=record.metadata,
            reference_pipeline_run_id=record.rerun.reference_pipeline_run_id,
            is_recovery=record.rerun.is_recovery,
            start_activity_name=record.rerun.start_activity_name,
            start_from_failure=record.rerun.start_from_failure,
            factory=self._views.alias(record.factory),
        )
        return RejectedMessage(
            request_id=record.request_id,
            message_id=record.request_id,
            message=request.model_dump_json(exclude_none=True, exclude_defaults=True),
            reason=record.message or "refused",
            attempts=record.attempts,
            rejected_at=record.ended_at or self._clock(),
        )
