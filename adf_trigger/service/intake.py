"""Takes messages of the requests queue: each becomes a run, or a rejection, or is put back for later. None is lost."""

import json
import logging

from adf_trigger.clock import Clock
from adf_trigger.contracts import (
    RunLinks,
    RunStatus,
    RunView,
    Source,
)
from adf_trigger.decoding import Message
from adf_trigger.errors import (
    AdfTriggerError,
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
from adf_trigger.service.factories import Factories, FactoryHandle
from adf_trigger.service.notify import Notifier, QueuedMessage, Rejection
from adf_trigger.service.publish import Publisher
from adf_trigger.service.submission import Submission
from adf_trigger.service.submit import Submitter

logger = logging.getLogger(__name__)

LEDGER_WAIT = 30.0
"""Seconds that a message is put back for where the ledger is out of reach."""


class Intake:
    """Takes messages.

    Args:
        factories: all configured factories.
        ledger: the run ledger.
        submitter: takes the requests of valid messages.
        notifier: sends the news of those that can never work.
        publisher: sends the news of those that Data Factory has rejected.
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
        self._outbox = outbox
        self._clock = clock
        self._requested_by = f"queue {requests_queue}"

    def take(self, message: Message) -> None:
        """Take a message of the requests queue.

        Raises:
            PublishError: the queues are out of reach; the message must be delivered again.
        """
        try:
            submission = self._submission(message)
            submitted = self._submitter.submit(submission)
        except (InvalidRequest, RequestConflict, Refused) as exc:
            self._reject(message, exc)
        except TryLater as exc:
            self._put_back(message, exc.retry_after, exc)
        except LedgerError as exc:
            self._put_back(message, LEDGER_WAIT, exc)
        else:
            self._publish_at_once(submission.factory, submitted.record)
            if submitted.again_after is not None:
                reason = submitted.record.message or "its outcome is not known yet"
                self._put_back(message, submitted.again_after, reason)

    def take_poison(self, message: Message) -> None:
        """Take a message that the host has given up on: its request may be in the ledger all the same.

        Raises:
            LedgerError, PublishError: out of reach; the message must be delivered again.
        """
        factory = self._factory_of(message)
        if factory is not None and self._ledger.get(factory.id, message.request_id) is not None:
            logger.info(
                "Message %s exceeded its delivery count, but its request %s is in the ledger",
                message.id,
                message.request_id,
                extra={"action": "poison_was_taken", "request_id": message.request_id},
            )
            return
        self._reject(message, None)

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
        )

    def _publish_at_once(self, factory: FactoryHandle, record: RunRecord) -> None:
        """Publish a rejection now; where that fails, the timer does."""
        if record.state is not RunState.ENDED:
            return
        try:
            self._publisher.publish_one(factory, record.request_id)
        except (LedgerError, PublishError) as exc:
            logger.warning(
                "The rejection of request %s could not be published now and is left to the timer: %s",
                record.request_id,
                exc,
                extra={"action": "publishing_postponed", "request_id": record.request_id},
            )

    def _reject(self, message: Message, error: AdfTriggerError | None) -> None:
        factory = self._factory_of(message)
        rejection = Rejection(
            run=self._view(message, factory, named_otherwise=isinstance(error, RequestConflict)),
            factory=factory.id if factory else "",
            reason=_reason(error),
            faults=tuple(error.faults) if isinstance(error, InvalidRequest) else (),
            message=QueuedMessage(
                id=message.id, text=message.text, attempts=message.attempts, rejected_at=self._clock()
            ),
        )
        self._notifier.rejected(rejection)
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

    def _view(self, message: Message, factory: FactoryHandle | None, *, named_otherwise: bool) -> RunView:
        """A message as consumers see it: without parameters, since any may be secure, and the same every time.

        One whose key names another request goes by its own id.
        """
        return RunView(
            request_id=message.id if named_otherwise else message.request_id,
            factory=factory.alias if factory else "",
            pipeline=message.pipeline,
            status=RunStatus.REJECTED,
            correlation_id=message.correlation_id,
            metadata=message.metadata,
            requested_by=self._requested_by,
            requested_at=message.inserted_at,
            ended_at=message.inserted_at,
            links=RunLinks(self=""),
        )

    def _put_back(self, message: Message, delay: float, reason: AdfTriggerError | str) -> None:
        """Put a copy back for later, under the same key, so that no outage burns the message's deliveries."""
        text = json.dumps({**message.document, "requestId": message.request_id}, ensure_ascii=False)
        self._outbox.put_back(text, delay=delay)
        logger.warning(
            "Put message %s back for %d seconds: %s",
            message.id,
            delay,
            reason,
            extra={"action": "message_put_back", "request_id": message.request_id, "delay": delay},
        )

    def _factory_of(self, message: Message) -> FactoryHandle | None:
        try:
            return self._factories.choose(message.factory)
        except InvalidRequest:
            return self._factories.only()


def _reason(error: AdfTriggerError | None) -> str:
    if error is None:
        return "it was delivered as often as the host allows, and never taken"
    if isinstance(error, InvalidRequest):
        return "the message has faults"
    return f"Data Factory refused it: {error}" if isinstance(error, Refused) else str(error)
