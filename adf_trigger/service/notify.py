"""Builds and sends all news of requests: how a run has ended, a rejection, an unknown outcome.

The same news always has the same event id, so that a consumer can drop repeats.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from adf_trigger.contracts import (
    CompletionEvent,
    EventData,
    ProblemFault,
    QueuedRunRequest,
    RejectedMessage,
    RunStatus,
    RunView,
    Source,
)
from adf_trigger.errors import Fault
from adf_trigger.events.outbox import Outbox
from adf_trigger.ledger.records import RunRecord, RunState
from adf_trigger.service.steps import Steps
from adf_trigger.service.views import RunViews

NOWHERE = "/"
"""An event's source where the factory is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """A request that is rejected, by HTTP or by queue, whether or not it came as far as the ledger.

    Attributes:
        run: the request as callers see it.
        factory: resource id of its factory; empty where it is not known.
        reason: one sentence.
        faults: all that is wrong with it.
        truncated: whether something of `run` is cut.
        earlier: how often the same request id was rejected before: later news of it has an id of its own.
        message: the message that it came as; None for a request by HTTP.
    """

    run: RunView
    factory: str
    reason: str
    faults: Sequence[Fault] = ()
    truncated: bool = False
    earlier: int = 0
    message: "QueuedMessage | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedMessage:
    """The message that a rejected request came as.

    Attributes:
        id: the queue's id of it.
        text: what it holds.
        attempts: how often it was tried.
        rejected_at: when it was rejected.
    """

    id: str
    text: str
    attempts: int
    rejected_at: datetime


class Notifier:
    """Sends news. Every method may raise PublishError: then it is to be called again, and some may be sent twice.

    Args:
        outbox: where news goes.
        views: makes run views of records.
        steps: surrounds each message that is sent.
    """

    def __init__(self, outbox: Outbox, views: RunViews, steps: Steps) -> None:
        self._outbox = outbox
        self._views = views
        self._steps = steps

    def ended(self, record: RunRecord) -> str:
        """Send the news of a record that has ended, whatever its last status is; the id of the event.

        Raises:
            ValueError: the record has not ended.
        """
        if record.state not in (RunState.ENDED, RunState.PUBLISHED):
            raise ValueError(f"{record.request_id} has not ended: there is no news of it")
        if record.status == RunStatus.REJECTED:
            return self.rejected(self._rejection_of(record))
        return self._publish(self._views.view(record), record.factory, truncated=record.truncated)

    def rejected(self, rejection: Rejection) -> str:
        """Send the news of a rejection: what came by queue to the rejected queue, then the event; its id."""
        if rejection.message is not None:
            with self._steps("notify.rejected"):
                self._outbox.reject(_rejected_message(rejection, rejection.message))
        reasons = [rejection.reason, *(f"{fault.pointer}: {fault.message}" for fault in rejection.faults)]
        told = "; ".join(reasons)
        run = rejection.run.model_copy(update={"message": told, "reason": told})
        return self._publish(run, rejection.factory, truncated=rejection.truncated, earlier=rejection.earlier)

    def _publish(self, run: RunView, factory: str, *, truncated: bool, earlier: int = 0) -> str:
        event = _event(run, factory, truncated=truncated, earlier=earlier)
        with self._steps("notify.event"):
            self._outbox.publish(event)
        return event.id

    def _rejection_of(self, record: RunRecord) -> Rejection:
        return Rejection(
            run=self._views.view(record),
            factory=record.factory,
            reason=record.message or "refused",
            truncated=record.truncated,
            earlier=record.rejections,
            message=None if record.source is not Source.QUEUE else self._message_of(record),
        )

    def _message_of(self, record: RunRecord) -> QueuedMessage:
        """The message that a record was made of, written again; values of secure parameters are not kept."""
        request = QueuedRunRequest(
            pipeline=record.pipeline,
            request_id=record.request_id,
            parameters=record.parameters,
            correlation_id=record.correlation_id,
            metadata=record.metadata,
            **asdict(record.rerun),
            factory=self._views.alias(record.factory),
        )
        return QueuedMessage(
            id=record.request_id,
            text=request.model_dump_json(exclude_none=True, exclude_defaults=True),
            attempts=record.attempts,
            rejected_at=record.ended_at or record.requested_at,
        )


def _event(run: RunView, factory: str, *, truncated: bool, earlier: int) -> CompletionEvent:
    again = f"/{earlier + 1}" if earlier else ""
    return CompletionEvent(
        id=f"{run.run_id or run.request_id}/{run.status}{again}",
        source=f"{factory}/pipelines/{run.pipeline}" if factory else NOWHERE,
        subject=run.request_id,
        type=f"dev.adf-trigger.run.{run.status.lower()}",
        time=run.ended_at or run.requested_at,
        data=EventData(**dict(run), truncated=truncated),
    )


def _rejected_message(rejection: Rejection, message: QueuedMessage) -> RejectedMessage:
    return RejectedMessage(
        request_id=rejection.run.request_id,
        message_id=message.id,
        message=message.text,
        reason=rejection.reason,
        errors=[ProblemFault(pointer=fault.pointer, message=fault.message) for fault in rejection.faults],
        attempts=message.attempts,
        rejected_at=message.rejected_at,
    )
