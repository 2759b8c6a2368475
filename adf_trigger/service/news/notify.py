"""Builds and sends all events about requests: the end of a run, a rejection, an unknown outcome.

The same news always has the same event id, so that a consumer can drop repeats.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from adf_trigger.contracts import QueuedRunRequest, RunView, Source
from adf_trigger.errors import Fault
from adf_trigger.events.outbox import Outbox
from adf_trigger.ledger.kept_messages import OF_A_RECORD, KeptMessage
from adf_trigger.ledger.records import CameAs, RunRecord, RunState
from adf_trigger.ledger.rejected import RejectedMessages
from adf_trigger.messages.limits import one_line
from adf_trigger.messages.masking import MASK, as_bytes
from adf_trigger.news import CompletionEvent, EventData, RejectedMessage
from adf_trigger.service.news import event_ids
from adf_trigger.service.news.views import RunViews
from adf_trigger.service.steps import Steps

MAX_WITHOUT_LEDGER = 20_000
"""Bytes of a message that fits into the rejected queue whole, whatever its characters are."""

Along = Callable[[KeptMessage], None]
"""Delivers the event of a rejected message to further consumers, once it is on the events queue."""


def _nowhere(_: KeptMessage) -> None:
    """No further delivery: the publisher of the record routes its event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """A rejected request, by HTTP or by queue, whether or not it has a record in the ledger.

    Attributes:
        run: the request as callers see it.
        factory: resource id of its factory; empty where it is not known.
        reason: one sentence.
        faults: everything that is wrong with it.
        truncated: whether something of `run` is cut.
        traceparent: the trace that the request is part of.
        event_id: of its event; None for a message that never was a request, whose id its event's is made of.
        message: the message that it came as; None for a request by HTTP.
    """

    run: RunView
    factory: str
    reason: str
    faults: Sequence[Fault] = ()
    truncated: bool = False
    traceparent: str | None = None
    event_id: str | None = None
    message: "QueuedMessage | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedMessage:
    """The message that a rejected request came as.

    Attributes:
        id: the queue's id of it.
        name: identifies what is rejected; a message has the same name at every delivery.
        body: its bytes as received, except masked values.
        masked: names of the parameters whose values were taken out of it.
        attempts: how often it was tried.
        received_at: when it was put into its queue.
        rejected_at: when it was rejected.
        taken_as: the request that equal bytes were taken as shortly before.
        key_of_another: the key that it gives, where that names another request.
    """

    id: str
    name: str
    body: bytes
    masked: Sequence[str]
    attempts: int
    received_at: datetime
    rejected_at: datetime
    taken_as: str | None = None
    key_of_another: str | None = None


class Notifier:
    """Builds and sends events.

    Every method may raise PublishError or LedgerError, and has to be called again then. An event may be sent twice.

    Args:
        outbox: sends events.
        messages: keeps rejected messages.
        views: builds the views of records.
        steps: surrounds each message that is sent.
    """

    def __init__(self, outbox: Outbox, messages: RejectedMessages, views: RunViews, steps: Steps) -> None:
        self._outbox = outbox
        self._messages = messages
        self._views = views
        self._steps = steps

    def ended(self, record: RunRecord) -> str:
        """Send the event of a record that has ended, whatever its status; returns the event's id.

        Raises:
            ValueError: the record has not ended.
        """
        if record.ended and record.rejected:
            return self.rejected(self._rejection_of(record))
        return self._publish(self.event_of(record))

    def event_of(self, record: RunRecord) -> CompletionEvent:
        """Build the event of a record that has ended: the same each time while the record is unchanged.

        Raises:
            ValueError: the record has not ended.
        """
        if not record.ended:
            raise ValueError(f"{record.request_id} has not ended: there is no news of it")
        if record.rejected:
            return _event_of_rejection(self._rejection_of(record))
        return _event(
            self._views.view(record),
            record.factory,
            event_id=event_ids.of_record(record),
            truncated=record.truncated,
            traceparent=record.traceparent,
        )

    def overdue(self, record: RunRecord) -> str:
        """Send the event that a run is overdue; returns the event's id.

        Raises:
            ValueError: it has no run, or no overdue limit.
        """
        return self._publish(self.event_of_overdue(record))

    def event_of_overdue(self, record: RunRecord) -> CompletionEvent:
        """Build the event that a run is overdue.

        Raises:
            ValueError: it has no run, or no overdue limit.
        """
        since = record.overdue_since
        if since is None or record.overdue is None:
            raise ValueError(f"{record.request_id} is not overdue")
        reason = (
            f"it is {record.status}, more than {record.overdue.after_seconds} seconds after it was started"
        )
        run = self._views.view(record).model_copy(update={"reason": reason, "overdue_since": since})
        event = _event(
            run,
            record.factory,
            event_id=event_ids.of_overdue(record),
            truncated=record.truncated,
            traceparent=record.traceparent,
        )
        kind = f"{event.type.rpartition('.')[0]}.overdue"
        return event.model_copy(update={"type": kind, "time": since})

    @staticmethod
    def as_in_progress(record: RunRecord, status: str) -> RunRecord:
        """A record as it was while its run was in progress, whatever has happened since."""
        return replace(
            record,
            state=RunState.SUBMITTED,
            status=status,
            event_id=None,
            ended_at=None,
            duration_ms=None,
            message=None,
            errors=(),
            results=None,
            truncated=False,
            published_at=None,
            routes=(),
        )

    def rejected(self, rejection: Rejection, along: Along = _nowhere) -> str:
        """Send the event of a rejection; returns the event's id.

        A message is kept in the ledger first, once however often this is called, and its copy is put into the rejected
        queue last, so that an outage of that queue or of the events queue makes no second copy.

        Args:
            rejection: what is rejected.
            along: delivers the event of a message to further consumers.
        """
        if rejection.message is None:
            return self._publish(_event_of_rejection(rejection))
        kept = self._kept(rejection, rejection.message)
        return self._sent(_as_kept(rejection, kept), kept, along)

    def rejected_again(self, kept: KeptMessage, along: Along = _nowhere) -> str:
        """Send the event of a kept rejected message again; returns the event's id, which stays the same."""
        return self._sent(self._rejection_again(kept), kept, along)

    def event_of_kept(self, kept: KeptMessage) -> CompletionEvent:
        """Build the event of a kept rejected message."""
        return _event_of_rejection(self._rejection_again(kept))

    @staticmethod
    def event_of_rejection(rejection: Rejection) -> CompletionEvent:
        """Build the event of a rejection."""
        return _event_of_rejection(rejection)

    def _rejection_again(self, kept: KeptMessage) -> Rejection:
        return Rejection(
            run=self._views.rejected(kept),
            factory=kept.factory,
            reason=kept.reason,
            faults=kept.faults,
            traceparent=self._views.traceparent_of(kept),
        )

    def rejected_without_ledger(self, rejection: Rejection) -> str:
        """Send the event of a rejection while the ledger is out of reach: the only copy is in the rejected queue.

        Raises:
            ValueError: the message does not fit whole into the rejected queue.
        """
        if rejection.message is None or len(rejection.message.body) > MAX_WITHOUT_LEDGER:
            raise ValueError("there is no message, or it is too long for the rejected queue")
        copy = _record_of(rejection, rejection.message).as_rejected().model_copy(update={"record": None})
        event_id = self._publish(_event_of_rejection(rejection))
        self._copy(copy)
        return event_id

    def _sent(self, rejection: Rejection, kept: KeptMessage, along: Along) -> str:
        event_id = self._publish(_event_of_rejection(rejection))
        along(kept)
        if not kept.waiting:  # one that was sent again or dismissed meanwhile needs no copy any more
            self._copy(kept.as_rejected())
        return event_id

    def _copy(self, copy: RejectedMessage) -> None:
        with self._steps("notify.rejected"):
            self._outbox.reject(copy)

    def keep(self, record: RunRecord, body: bytes, masked: Sequence[str]) -> None:
        """Keep the message of a rejected request unchanged, before its event is sent."""
        rejection = self._rejection_of(record)
        if rejection.message is not None:
            self._kept(rejection, replace(rejection.message, body=body, masked=masked))

    def _kept(self, rejection: Rejection, message: QueuedMessage) -> KeptMessage:
        with self._steps("rejected.keep"):
            return self._messages.keep(_record_of(rejection, message))

    def _publish(self, event: CompletionEvent) -> str:
        with self._steps("notify.event"):
            self._outbox.publish(event)
        return event.id

    def _rejection_of(self, record: RunRecord) -> Rejection:
        return Rejection(
            run=self._views.view(record),
            factory=record.factory,
            reason=record.message or "refused",
            truncated=record.truncated,
            traceparent=record.traceparent,
            event_id=event_ids.of_record(record),
            message=None if record.source is not Source.QUEUE else self._message_of(record),
        )

    def _message_of(self, record: RunRecord) -> QueuedMessage:
        """The message that a request came as; rebuilt where a record, as earlier versions wrote it, has none."""
        came_as = record.came_as or self._written_again(record)
        return QueuedMessage(
            id=record.request_id,
            name=_name_of(record),
            body=came_as.body,
            masked=came_as.masked,
            attempts=record.attempts,
            received_at=record.requested_at,
            rejected_at=record.ended_at or record.requested_at,
        )

    def _written_again(self, record: RunRecord) -> CameAs:
        # An earlier version may have accepted what is invalid now.
        request = QueuedRunRequest.model_construct(
            pipeline=record.pipeline,
            request_id=record.request_id,
            parameters=record.parameters,
            correlation_id=record.correlation_id,
            metadata=record.metadata,
            **asdict(record.rerun),
            factory=self._views.configured_alias(record.factory),
        )
        plain = request.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
        plain["parameters"] = {**record.parameters, **dict.fromkeys(record.secure_parameters, MASK)}
        return CameAs(
            body=as_bytes({name: value for name, value in plain.items() if value != {}}),
            masked=record.secure_parameters,
        )


def _record_of(rejection: Rejection, message: QueuedMessage) -> KeptMessage:
    return KeptMessage(
        factory=rejection.factory,
        name=message.name,
        request_id=rejection.run.request_id,
        message_id=message.id,
        pipeline=rejection.run.pipeline,
        body=message.body,
        masked=tuple(message.masked),
        reason=rejection.reason,
        faults=tuple(rejection.faults),
        taken_as=message.taken_as,
        key_of_another=message.key_of_another,
        attempts=message.attempts,
        received_at=message.received_at,
        rejected_at=message.rejected_at,
        requested_by=rejection.run.requested_by,
    )


def _as_kept(rejection: Rejection, kept: KeptMessage) -> Rejection:
    """The rejection with the names that were kept first: what is known of a message may have changed since."""
    run = rejection.run.model_copy(update={"request_id": kept.request_id, "pipeline": kept.pipeline})
    return replace(rejection, run=run, factory=kept.factory)


def is_rejection(record: RunRecord, kept: KeptMessage) -> bool:
    """Whether a kept message belongs to the rejection that a record ended with."""
    return record.rejected and kept.name == _name_of(record)


def _name_of(record: RunRecord) -> str:
    return f"{OF_A_RECORD}{_mark(record.factory)}:{record.request_id}:{record.rejections}"


def _mark(factory: str) -> str:
    """A mark that distinguishes requests of different factories under the same key."""
    return hashlib.sha256(factory.lower().encode()).hexdigest()[:8]


def _event_of_rejection(rejection: Rejection) -> CompletionEvent:
    reasons = [rejection.reason, *(fault.in_words for fault in rejection.faults)]
    text = "; ".join(reasons)
    run = rejection.run.model_copy(update={"message": text, "reason": one_line(text)})
    return _event(
        run,
        rejection.factory,
        event_id=rejection.event_id or event_ids.of_message(run.request_id, run.message_id or run.request_id),
        truncated=rejection.truncated,
        traceparent=rejection.traceparent,
    )


def _event(
    run: RunView, factory: str, *, event_id: str, truncated: bool, traceparent: str | None
) -> CompletionEvent:
    return CompletionEvent(
        id=event_id,
        source=event_ids.source_of(factory, run.pipeline),
        subject=run.request_id,
        type=f"dev.adf-trigger.run.{run.status.lower()}",
        time=run.ended_at or run.requested_at,
        traceparent=traceparent,
        data=EventData(**{**dict(run), "routes": []}, truncated=truncated),
    )
