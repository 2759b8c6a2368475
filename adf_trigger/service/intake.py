"""Takes messages of the requests queue: each becomes a run, or a rejection, or is put back for later. None is lost."""

import logging
from dataclasses import replace
from datetime import timedelta

from adf_trigger.clock import Clock
from adf_trigger.contracts import (
    RunLinks,
    RunStatus,
    RunView,
    Source,
)
from adf_trigger.errors import (
    AdfTriggerError,
    Fault,
    InvalidRequest,
    LedgerError,
    PublishError,
    Refused,
    RequestConflict,
    TryLater,
)
from adf_trigger.events.outbox import Outbox
from adf_trigger.ledger.port import LedgerReader
from adf_trigger.ledger.records import RunRecord, RunState
from adf_trigger.ledger.rejected import KeptMessage
from adf_trigger.messages.decoding import Message
from adf_trigger.messages.texts import queue_text
from adf_trigger.service.factories import Factories, FactoryHandle
from adf_trigger.service.keeping import Keeping, NotKept, TooLate
from adf_trigger.service.notify import Notifier, QueuedMessage, Rejection
from adf_trigger.service.publish import Publisher
from adf_trigger.service.submission import Submission
from adf_trigger.service.submit import Submitter
from adf_trigger.service.views import RunViews

logger = logging.getLogger(__name__)

LEDGER_WAIT = 30.0
"""Seconds that a message is put back for where the ledger is out of reach."""

POISON_WAIT = 60.0
"""The same for a message of the poison queue, of which the host tries none a second time for ten minutes."""

DELIVERIES_BEFORE_POISON = 5
"""The host's maxDequeueCount: so often a message was delivered before it came to the poison queue."""

SAME_MESSAGE = timedelta(days=1)
"""A poison message that equals one that was taken within that time is taken for its copy."""


class Intake:
    """Takes messages.

    Args:
        factories: all configured factories.
        ledger: the run ledger.
        submitter: takes the requests of valid messages.
        notifier: sends the news of those that can never work.
        publisher: sends the news of those that Data Factory has rejected.
        keeping: keeps messages that do not fit into the queue, and takes secrets out of what is kept.
        views: says where a request is shown.
        outbox: where messages are put back.
        clock: gives the present instant.
        requests_queue: name of the queue, which stands for its senders.
    """

    def __init__(
        self,
        factories: Factories,
        ledger: LedgerReader,
        submitter: Submitter,
        notifier: Notifier,
        publisher: Publisher,
        keeping: Keeping,
        views: RunViews,
        outbox: Outbox,
        clock: Clock,
        *,
        requests_queue: str,
    ) -> None:
        self._factories = factories
        self._ledger = ledger
        self._submitter = submitter
        self._notifier = notifier
        self._publisher = publisher
        self._keeping = keeping
        self._views = views
        self._outbox = outbox
        self._clock = clock
        self._requested_by = f"queue {requests_queue}"

    def take(self, message: Message) -> None:
        """Take a message of the requests queue, or what is kept of the one that it refers to.

        Raises:
            PublishError: the queues are out of reach; the message must be delivered again.
            LedgerError: the ledger is out of reach, and the message cannot be put back.
        """
        reference = message.reference
        if reference is None:
            self._take(message, came_as=message)
            return
        try:
            kept = self._keeping.kept(reference)
        except LedgerError as exc:
            self._put_back(message, LEDGER_WAIT, exc)
            return
        if kept is None:
            self._take_without(message)
        elif not kept.waiting:
            self._tell_again(kept, message)
        elif self._take(self._keeping.message_of(kept, reference, message), came_as=message):
            self._keeping.remove(reference)

    def take_poison(self, message: Message) -> None:
        """Take a message that the host has given up on, as a request like any other: it may never have been refused.

        A copy of a message that was taken under the id that it had before is not taken again.

        Raises:
            PublishError: the queues are out of reach; the message must be delivered again.
            LedgerError: the ledger is out of reach, and the message cannot be put back.
        """
        message = replace(message, attempts=message.attempts + DELIVERIES_BEFORE_POISON)
        try:
            earlier = self._taken_as(message)
        except LedgerError as exc:
            self.put_back_as_poison(message, exc)
            return
        if earlier is None:
            self.take(message)
        else:
            self._reject(message, message, None, taken_as=earlier)

    def put_back_as_poison(self, message: Message, error: Exception) -> None:
        """Put a message into the poison queue again, its bytes unchanged.

        Raises:
            PublishError: the queue is out of reach.
            LedgerError: it fits into no queue.
        """
        text = queue_text(message.body)
        if text is None:
            raise LedgerError("a message of the poison queue cannot be put back") from error
        self._outbox.put_back(text, delay=POISON_WAIT, poison=True)
        self._log_put_back(message, POISON_WAIT, error)

    def _take(self, message: Message, *, came_as: Message) -> bool:
        """Whether the message is done with, and was not put back.

        Args:
            message: what is asked for.
            came_as: what lies in the queue: the message, or a reference to it.
        """
        try:
            submission = self._submission(message)
            submitted = self._submitter.submit(submission)
        except (InvalidRequest, RequestConflict, Refused) as exc:
            return self._reject(message, came_as, exc)
        except TryLater as exc:
            return self._wait(message, came_as, exc.retry_after, exc)
        except LedgerError as exc:
            return self._wait(message, came_as, LEDGER_WAIT, exc)
        self._keeping.done_with(message, self._factory_of(message))
        kept = self._factories.kept_under(submitted.record.factory)
        self._publish_at_once(kept or submission.factory, submitted.record, message)
        if submitted.again_after is None:
            return True
        reason = submitted.record.message or "its outcome is not known yet"
        return self._wait(message, came_as, submitted.again_after, reason)

    def _taken_as(self, message: Message) -> str | None:
        """The request that the same message was taken as lately, under the id that it had before."""
        request = message.request
        if request is None or message.own_key is not None:
            return None
        try:
            factory = self._factories.choose(request.factory)
        except InvalidRequest:
            return None
        earliest = self._clock() - SAME_MESSAGE
        for stored in self._ledger.taken_from(factory.id, message.digest):
            record = stored.record
            other = record.request_id != message.request_id and record.status != RunStatus.REJECTED
            if other and record.requested_at >= earliest:
                return record.request_id
        return None

    def _submission(self, message: Message) -> Submission:
        if message.request is None:
            raise InvalidRequest(list(message.faults))
        return Submission(
            factory=self._factories.choose(message.request.factory),
            pipeline=message.request.pipeline,
            request=message.request,
            request_id=message.request_id,
            requested_by=self._requested_by,
            source=Source.QUEUE,
            message_digest=message.digest if message.own_key is None else None,
            put_at=message.inserted_at,
            redelivered=message.attempts > 1,
        )

    def _take_without(self, message: Message) -> None:
        """Take a reference to what is not kept any more: it was taken, and its removal was the last that was done."""
        try:
            taken = any(self._ledger.get(each.id, message.request_id) for each in self._factories)
        except LedgerError as exc:
            self._put_back(message, LEDGER_WAIT, exc)
            return
        if taken:
            logger.info(
                "Message %s refers to one that was taken",
                message.id,
                extra={"action": "kept_message_was_taken", "request_id": message.request_id},
            )
        else:
            gone = Fault("", "what it refers to is not kept, and no request was made of it")
            self._reject(message, message, InvalidRequest([gone]))

    def _tell_again(self, kept: KeptMessage, came_as: Message) -> None:
        """Tell a rejection that has its record and could not be told when it was made."""
        try:
            self._notifier.rejected_again(kept)
        except PublishError as exc:
            self._put_back(came_as, LEDGER_WAIT, exc)

    def _publish_at_once(self, factory: FactoryHandle, record: RunRecord, message: Message) -> None:
        """Publish a rejection now, with the message as it came; where that fails, the timer does."""
        if record.state is not RunState.ENDED:
            return
        try:
            if record.status == RunStatus.REJECTED:
                self._notifier.keep(record, *self._keeping.without_secrets(message, factory))
            self._publisher.publish_one(factory, record.request_id)
        except (LedgerError, PublishError) as exc:
            logger.warning(
                "The rejection of request %s could not be published now and is left to the timer: %s",
                record.request_id,
                exc,
                extra={"action": "publishing_postponed", "request_id": record.request_id},
            )

    def _reject(
        self,
        message: Message,
        came_as: Message,
        error: AdfTriggerError | None,
        *,
        taken_as: str | None = None,
    ) -> bool:
        """Reject a message; where the ledger cannot keep it, it is put back. Whether it is done with."""
        factory = self._factory_of(message)
        body, names = self._keeping.without_secrets(message, factory)
        rejection = Rejection(
            run=self._view(message, factory, named_otherwise=isinstance(error, RequestConflict)),
            factory=factory.id if factory else "",
            reason=_reason(error, taken_as),
            faults=tuple(error.faults) if isinstance(error, InvalidRequest) else (),
            suffix=f"/{message.id}",
            message=QueuedMessage(
                id=message.id,
                name=message.id,
                body=body,
                masked=names,
                attempts=message.attempts,
                received_at=message.inserted_at,
                rejected_at=self._clock(),
                taken_as=taken_as,
            ),
        )
        try:
            self._notifier.rejected(rejection)
        except LedgerError as exc:
            if not self._published_without_ledger(message, rejection):
                self._put_back(came_as, LEDGER_WAIT, exc)
                return False
        except PublishError as exc:
            self._put_back_its_record(message, exc)
        self._keeping.done_with(message, factory)
        logger.warning(
            "Rejected message %s: %s",
            message.id,
            rejection.reason,
            extra={
                "action": "message_rejected",
                "message_id": message.id,
                "request_id": rejection.run.request_id,
                "faults": len(rejection.faults),
            },
        )
        return True

    def _put_back_its_record(self, message: Message, error: PublishError) -> None:
        """Leave it to a reference to tell a rejection: the message would come again under another id."""
        try:
            reference = self._keeping.reference_to(message)
        except LedgerError:
            reference = None
        if reference is None:
            raise error
        self._outbox.put_back(reference.as_text(), delay=LEDGER_WAIT)
        self._log_put_back(message, LEDGER_WAIT, error)

    def _published_without_ledger(self, message: Message, rejection: Rejection) -> bool:
        """Tell a rejection although it cannot be kept, of a message that would come again under another id."""
        if message.own_key is not None:
            return False
        try:
            self._notifier.rejected_without_ledger(rejection)
        except ValueError:
            return False
        return True

    def _view(self, message: Message, factory: FactoryHandle | None, *, named_otherwise: bool) -> RunView:
        """A message as consumers see it: without parameters, since any may be secure, and the same every time.

        One whose key names another request goes by its own id.
        """
        request_id = message.id if named_otherwise else message.request_id
        return RunView(
            request_id=request_id,
            factory=factory.alias if factory else "",
            pipeline=message.pipeline,
            status=RunStatus.REJECTED,
            ended=True,
            correlation_id=message.correlation_id,
            metadata=message.metadata,
            requested_by=self._requested_by,
            requested_at=message.inserted_at,
            ended_at=message.inserted_at,
            links=RunLinks(self=self._views.link(message.id)),
        )

    def _wait(self, message: Message, came_as: Message, delay: float, error: AdfTriggerError | str) -> bool:
        """Put a message back for later, so that no outage burns its deliveries. Whether it is done with even so."""
        if isinstance(error, TryLater) and (late := self._too_late(message, error)) is not None:
            return self._reject(message, came_as, late)
        if came_as.text_to_put_back() is not None:
            self._put_back(came_as, delay, error)
            return False
        try:
            reference = self._keeping.keep(message, self._factory_of(message), str(error))
        except NotKept as exc:
            return self._reject(message, came_as, exc)
        self._outbox.put_back(reference.as_text(), delay=delay)
        self._log_put_back(message, delay, error)
        return False

    def _too_late(self, message: Message, error: TryLater) -> TooLate | None:
        try:
            return self._keeping.too_late(message, self._factory_of(message), str(error))
        except LedgerError as exc:
            logger.warning(
                "When message %s was first put could not be noted: %s",
                message.id,
                exc,
                extra={"action": "wait_not_noted", "request_id": message.request_id},
            )
            return None

    def _put_back(self, message: Message, delay: float, error: AdfTriggerError | str) -> None:
        text = message.text_to_put_back()
        if text is None:
            raise LedgerError(f"message {message.id} cannot be put back: {error}")
        self._outbox.put_back(text, delay=delay)
        self._log_put_back(message, delay, error)

    def _log_put_back(self, message: Message, delay: float, error: Exception | str) -> None:
        logger.warning(
            "Put message %s back for %d seconds: %s",
            message.id,
            delay,
            error,
            extra={"action": "message_put_back", "request_id": message.request_id, "delay": delay},
        )

    def _factory_of(self, message: Message) -> FactoryHandle | None:
        try:
            return self._factories.choose(message.factory)
        except InvalidRequest:
            return self._factories.only()


def _reason(error: AdfTriggerError | None, taken_as: str | None) -> str:
    if error is None:
        return (
            f"an equal message was taken as request {taken_as}, and may be this one: the host gave up on it"
        )
    if isinstance(error, InvalidRequest):
        return "the message has faults"
    return f"Data Factory refused it: {error}" if isinstance(error, Refused) else str(error)
