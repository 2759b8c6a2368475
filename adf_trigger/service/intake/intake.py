"""Processes messages of the requests queue: each becomes a request, a rejection, or is put back. None is lost."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

from adf_trigger.clock import Clock
from adf_trigger.contracts import Source
from adf_trigger.errors import (
    AdfTriggerError,
    AtCapacity,
    Fault,
    InvalidRequest,
    LedgerError,
    PublishError,
    Refused,
    RequestConflict,
    TooLate,
    TryLater,
)
from adf_trigger.ledger.kept_messages import KeptMessage
from adf_trigger.ledger.port import LedgerReader
from adf_trigger.ledger.records import RunRecord
from adf_trigger.messages.decoding import Message
from adf_trigger.messages.texts import Reference
from adf_trigger.service.apps.unconfigured import UnconfiguredFactoryWatcher
from adf_trigger.service.factories import Factories, FactoryHandle
from adf_trigger.service.intake.event_intake import EventIntake
from adf_trigger.service.intake.keep import Keeper, NotKept
from adf_trigger.service.intake.reject import Rejecter
from adf_trigger.service.intake.requeue import LEDGER_WAIT, Requeuer
from adf_trigger.service.starting.partitions import Partitions
from adf_trigger.service.starting.submit import Submitter
from adf_trigger.service.submission import Submission

logger = logging.getLogger(__name__)

DELIVERIES_BEFORE_POISON = 5
"""The host's maxDequeueCount: deliveries of a message before it is moved to the poison queue."""

NO_TRIGGER = "it is an event, and no trigger that is declared now matches it"

SAME_MESSAGE = timedelta(days=1)
"""A poison message that equals one that was accepted within this time counts as its copy."""


class Intake:
    """Processes messages of the requests queue.

    Args:
        factories: all configured factories.
        ledger: the run ledger.
        submitter: submits the requests of valid messages.
        rejecter: rejects those that can never work, and publishes the rejections.
        requeuer: puts back those that cannot be accepted now.
        keeper: keeps messages that do not fit into the queue.
        partitions: how a factory's id is spelled.
        unconfigured: knows factories that have left the settings.
        event_intake: makes requests from events.
        clock: returns the current time.
        requested_by: recorded as the sender of messages.
    """

    def __init__(
        self,
        factories: Factories,
        ledger: LedgerReader,
        submitter: Submitter,
        rejecter: Rejecter,
        requeuer: Requeuer,
        keeper: Keeper,
        partitions: Partitions,
        unconfigured: UnconfiguredFactoryWatcher,
        event_intake: EventIntake,
        clock: Clock,
        *,
        requested_by: str,
    ) -> None:
        self._factories = factories
        self._ledger = ledger
        self._submitter = submitter
        self._rejecter = rejecter
        self._requeuer = requeuer
        self._keeper = keeper
        self._partitions = partitions
        self._unconfigured = unconfigured
        self._event_intake = event_intake
        self._clock = clock
        self._requested_by = requested_by

    def take(self, message: Message) -> None:
        """Process a message of the requests queue, or the kept message that it refers to.

        Raises:
            PublishError: the queues are out of reach; the message must be delivered again.
            LedgerError: the ledger is out of reach, and the message cannot be put back.
        """
        reference = message.reference
        if reference is None:
            self._take_event_or_request(message, came_as=message)
            return
        try:
            kept = self._keeper.kept(reference)
        except LedgerError as exc:
            self._requeuer.put_back(message, LEDGER_WAIT, exc)
            return
        if kept is None:
            self._take_without_message(message, reference)
        elif reference.news_only:
            self._rejecter.publish_again(kept, message)
        elif kept.is_on_queue or (reference.replay and not kept.waiting):
            asked = self._keeper.message_of(kept, reference, message)
            if self._take_event_or_request(asked, came_as=message, sent_again=kept):
                self._keeper.remove_accepted(kept, reference)
        elif kept.waiting:
            _log_done_before(message)
        else:
            self._rejecter.publish_again(kept, message)

    def take_poison(self, message: Message) -> None:
        """Process a message of the poison queue like any other: it may never have been refused.

        A copy of a message that was accepted under the id that it had before is not accepted again.

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
            self._rejecter.reject(message, message, self._factory_of(message), None, taken_as=earlier)

    def put_back_as_poison(self, message: Message, error: Exception) -> None:
        """Put a message into the poison queue again, its bytes unchanged.

        Raises:
            PublishError: the queue is out of reach.
            LedgerError: it does not fit into a queue message.
        """
        self._requeuer.put_back_as_poison(message, error)

    def _take_event_or_request(
        self, message: Message, *, came_as: Message, sent_again: KeptMessage | None = None
    ) -> bool:
        """See _take. A message that triggers match is an event, whatever else its data could mean.

        An event that matches no trigger is dropped; one that was sent again, since a trigger had matched it, is
        rejected instead, so that it is not lost.
        """
        try:
            made = self._event_intake.messages_of(message, sent_again)
        except LedgerError as exc:
            self._requeuer.put_back(came_as, LEDGER_WAIT, exc)
            return False
        if made:
            self._take_made(made)
            return True
        if message.event is not None and message.request is None and not message.faults:
            self._event_intake.unwanted(message.event)
            if came_as is message:
                return True
            return self._reject(message, came_as, InvalidRequest([Fault("", NO_TRIGGER)]))
        return self._take(message, came_as=came_as, sent_again=sent_again)

    def _take_made(self, messages: Sequence[Message]) -> None:
        """Process the requests that an event makes, independently: one that cannot be accepted now is put back alone.

        Raises:
            PublishError, LedgerError: one could not even be put back; the event must be delivered again, and starts
                nothing twice.
        """
        first: AdfTriggerError | None = None
        for message in messages:
            try:
                if not self._event_intake.was_made(message):
                    self._take(message, came_as=message, made=True)
            except LedgerError as exc:
                try:
                    self._wait(message, message, LEDGER_WAIT, exc)
                except (PublishError, LedgerError) as worse:
                    first = first or worse
            except PublishError as exc:
                first = first or exc
        if first is not None:
            raise first

    def _take(
        self,
        message: Message,
        *,
        came_as: Message,
        sent_again: KeptMessage | None = None,
        made: bool = False,
    ) -> bool:
        """Process a request; returns whether the message is done, and not put back.

        Args:
            message: the request.
            came_as: the message as it is in the queue: the request, or a reference to it.
            sent_again: the kept message that a reference leads to.
            made: whether it was made from an event.
        """
        try:
            submission = replace(self._submission(message), sent_again=sent_again)
            submitted = self._submitter.submit(submission)
        except (InvalidRequest, RequestConflict, Refused, AtCapacity, TooLate) as exc:
            return self._is_repeated_event(message, exc, made=made) or self._reject(message, came_as, exc)
        except TryLater as exc:
            return self._wait(message, came_as, exc.retry_after, exc)
        except LedgerError as exc:
            return self._wait(message, came_as, LEDGER_WAIT, exc)
        kept = self._factories.kept_under(submitted.record.factory)
        self._rejecter.publish(kept or submission.factory, submitted.record, message)
        if submitted.again_after is None:
            return True
        reason = submitted.record.message or "its outcome is not known yet"
        return self._wait(message, came_as, submitted.again_after, reason)

    def _is_repeated_event(self, message: Message, error: AdfTriggerError, *, made: bool) -> bool:
        """Whether another delivery of the event was first, to another version of its trigger."""
        if not isinstance(error, RequestConflict) or not (made or self._event_intake.is_made(message)):
            return False
        logger.info(
            "The event of request %s was delivered before, to another version of its trigger",
            message.request_id,
            extra={"action": "event_repeated", "request_id": message.request_id},
        )
        return True

    def _taken_as(self, message: Message) -> str | None:
        """The request that the same message recently became, where it would not be answered with that request.

        That is a request under the id that the message had before, or one rejected under its own key. It is searched
        for under every id of its factory, and under ids that have left the settings.
        """
        try:
            submission = self._submission(message)
        except InvalidRequest:
            return None
        earliest = self._clock() - SAME_MESSAGE
        configured = [each.id for each in self._factories.of(submission.factory.alias)]
        for factory in (*configured, *self._unconfigured.ids()):
            for record in self._same_in(factory, submission, message):
                if max(record.requested_at, record.ended_at or record.requested_at) >= earliest:
                    return record.request_id
        return None

    def _same_in(self, factory: str, submission: Submission, message: Message) -> Iterator[RunRecord]:
        if message.own_key is None:
            for stored in self._ledger.by_message_digest(factory, message.digest):
                if stored.record.request_id != message.request_id:
                    yield stored.record
            return
        earlier = self._ledger.get(factory, message.own_key)
        if earlier is None or not earlier.record.rejected:
            return
        there = replace(submission, factory=replace(submission.factory, id=earlier.record.factory))
        if there.asks_for(earlier.record):
            yield earlier.record

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
            traceparent=message.traceparent,
            message=message,
            not_after=self._requeuer.expiry_of(message),
        )

    def _take_without_message(self, message: Message, reference: Reference) -> None:
        """Process a reference to a message that is not kept any more: it was accepted, and then removed."""
        try:
            places = [*(each.id for each in self._factories), *self._unconfigured.ids()]
            was_accepted = any(self._ledger.get(each, message.request_id) for each in places)
            is_done = was_accepted or self._keeper.was_rejected(reference)
        except LedgerError as exc:
            self._requeuer.put_back(message, LEDGER_WAIT, exc)
            return
        if is_done:
            _log_done_before(message)
        else:
            gone = Fault("", "the message that it refers to is not kept, and no request was made from it")
            self._reject(message, message, InvalidRequest([gone]))

    def _wait(self, message: Message, came_as: Message, delay: float, error: AdfTriggerError | str) -> bool:
        """Put a message back for later, or reject it where it cannot wait. Returns whether it is done."""
        try:
            self._requeuer.wait(message, came_as, self._factory_of(message), delay, error)
        except (TooLate, NotKept) as exc:
            return self._reject(message, came_as, exc)
        return False

    def _reject(self, message: Message, came_as: Message, error: AdfTriggerError) -> bool:
        return self._rejecter.reject(message, came_as, self._factory_of(message), error)

    def _factory_of(self, message: Message) -> FactoryHandle | None:
        """The factory that it names, or the only one; None where that is not known."""
        try:
            factory: FactoryHandle | None = self._factories.choose(message.factory)
        except InvalidRequest:
            factory = self._factories.only()
        return None if factory is None else self._partitions.spelled(factory)


def _log_done_before(message: Message) -> None:
    logger.info(
        "Message %s refers to one that was accepted or dismissed",
        message.id,
        extra={"action": "kept_message_was_taken", "request_id": message.request_id},
    )
