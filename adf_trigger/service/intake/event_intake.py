"""Turns events into the requests of the declared triggers that they match. A repeated delivery starts nothing."""

import json
import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

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
from adf_trigger.ledger.records import RunState
from adf_trigger.messages.decoding import Message
from adf_trigger.messages.envelopes import Event, is_key
from adf_trigger.messages.masking import as_bytes
from adf_trigger.service.factories import Factories, FactoryHandle
from adf_trigger.service.intake.event_counts import EventCounts
from adf_trigger.service.intake.reject import Rejecter
from adf_trigger.service.starting.partitions import Partitions
from adf_trigger.service.starting.submit import Submitter
from adf_trigger.service.submission import Submission
from adf_trigger.service.threads.tick_threads import TickThreads
from adf_trigger.triggers.definitions import Trigger
from adf_trigger.triggers.matching import why_not
from adf_trigger.triggers.requests import EventRequest, requests_of

logger = logging.getLogger(__name__)

BATCH_SECONDS = 12.0
"""Seconds after which no further event of a call is processed: Event Grid waits 30 seconds for its answer."""
AT_ONCE = 16
STARTED_INLINE = 4
"""Maximum requests of one call that are sent while its caller waits; if there are more, the timer sends all."""
LATER = 30.0
"""Retry-After in seconds of events that could not be accepted."""
MAX_REASONS = 3
MOST_KEPT = 262_144
"""Maximum bytes that are kept of a rejected event: by HTTP it may have four times as many, more than a ledger row has
room for."""
REQUESTED_BY = "events"
"""requestedBy of events that come by HTTP."""

_BY = "trigger"
"""The label that names the trigger of a request."""

Seconds = Callable[[], float]


class Outcome(StrEnum):
    """The outcome of a request made from an event."""

    CLAIMED = "claimed"
    REPEATED = "repeated"
    REJECTED = "rejected"


@dataclass(slots=True)
class EventOutcomes:
    """The outcomes of the events of a call.

    Attributes:
        events: how many there were.
        claimed: requests that were made from them.
        repeated: requests that had been made from them before.
        rejected: requests that can never work, published and kept as rejected.
        unwanted: events that match no trigger.
        later: why some could not be accepted now; None where all were.
    """

    events: int = 0
    claimed: int = 0
    repeated: int = 0
    rejected: int = 0
    unwanted: int = 0
    later: AdfTriggerError | None = field(default=None, repr=False)

    def count(self, outcome: Outcome | AdfTriggerError) -> None:
        """Count the outcome of one request."""
        match outcome:
            case Outcome.CLAIMED:
                self.claimed += 1
            case Outcome.REPEATED:
                self.repeated += 1
            case Outcome.REJECTED:
                self.rejected += 1
            case error:
                self.later = error


class EventIntake:
    """Makes requests from events.

    Args:
        triggers: the declared triggers.
        factories: all configured factories.
        ledger: the run ledger.
        partitions: finds the id under which a request is kept.
        submitter: submits the requests of events that came by HTTP.
        rejecter: rejects requests that can never work, and publishes the rejections.
        counts: counts events.
        threads: share the work of a call with many events.
        most_bytes: maximum size of a request made from an event, as JSON.
        seconds: a monotonic clock.
    """

    def __init__(
        self,
        triggers: Sequence[Trigger],
        factories: Factories,
        ledger: LedgerReader,
        partitions: Partitions,
        submitter: Submitter,
        rejecter: Rejecter,
        counts: EventCounts,
        threads: TickThreads,
        *,
        most_bytes: int,
        seconds: Seconds = time.monotonic,
    ) -> None:
        self._triggers = triggers
        self._factories = factories
        self._ledger = ledger
        self._partitions = partitions
        self._submitter = submitter
        self._rejecter = rejecter
        self._counts = counts
        self._threads = threads
        self._most_bytes = most_bytes
        self._seconds = seconds

    def messages_of(self, message: Message, sent_again: KeptMessage | None = None) -> list[Message]:
        """The requests that a message makes as an event, each as a message of its own; none where no trigger matches.

        Each has its own key, so that it is put back, kept and published independently.

        Args:
            message: the event.
            sent_again: the rejected message, if it is one that was sent again: it keeps its key, even if its trigger
                has been renamed since.

        Raises:
            LedgerError: the ledger is out of reach; only for a message that was sent again.
        """
        if message.event is None:
            return []
        made = list(requests_of(message.event, self._triggers))
        for name in dict.fromkeys(each.trigger.name for each in made):
            self._counts.wanted(name)
        if sent_again is not None:
            made = self._under_its_key(message, made, sent_again)
        return [self._message(message, each) for each in made]

    def _under_its_key(
        self, message: Message, made: list[EventRequest], sent_again: KeptMessage
    ) -> list[EventRequest]:
        key, pipeline = sent_again.request_id, sent_again.pipeline.lower()
        same = [each for each in made if each.document["pipeline"].lower() == pipeline]
        if any(each.key == key for each in made) or len(same) != 1:
            return made
        if self.was_made(self._message(message, same[0])):
            return made  # the event was delivered under the new name, too, and has its run there
        named = replace(same[0], key=key, document={**same[0].document, "requestId": key})
        return [named if each is same[0] else each for each in made]

    @staticmethod
    def is_made(message: Message) -> bool:
        """Whether a message is the request of an event that was put back on its own."""
        return message.event is None and is_key(message.own_key or "") and _BY in message.metadata

    def unwanted(self, event: Event) -> None:
        """Log and count an event that matches no trigger; nothing else is done with it."""
        why = self._why_unwanted(event)
        self._counts.unwanted(event, why)
        logger.info(
            "Event %s (%s, %s) matches no trigger: %s",
            event.id,
            event.type,
            event.subject,
            why,
            extra={"action": "event_unwanted", "event_id": event.id, "event_type": event.type},
        )

    def was_made(self, message: Message) -> bool:
        """Whether the request of an event was made before, so that this is a repeated delivery.

        That holds for a request in any state, even if its trigger has changed since, or its run was refused; but not
        for one that waits for the values of its secure parameters, which this delivery has.

        Raises:
            LedgerError: the ledger is out of reach.
        """
        factory = self._factory_of(message)
        if factory is None:
            return False
        placed = self._partitions.spelled(self._partitions.of(factory, message.request_id))
        earlier = self._ledger.get(placed.id, message.request_id)
        if earlier is None or (
            earlier.record.state is RunState.ACCEPTED and earlier.record.secure_parameters
        ):
            return False
        logger.info(
            "The event of request %s was delivered before",
            message.request_id,
            extra={"action": "event_repeated", "request_id": message.request_id},
        )
        return True

    def take(self, messages: Sequence[Message]) -> EventOutcomes:
        """Process events that came by HTTP, each independently.

        Args:
            messages: events, and entries that are not events.
        """
        outcomes = EventOutcomes(events=len(messages))
        made: list[Message] = []
        for message in messages:
            wanted = self.messages_of(message)
            made += wanted
            if message.event is not None and not wanted:
                self.unwanted(message.event)
                outcomes.unwanted += 1
            elif message.event is None:
                made.append(message)
        over = self._seconds() + BATCH_SECONDS
        at_once = len(made) <= STARTED_INLINE
        lock = threading.Lock()

        def take(message: Message) -> None:
            outcome: Outcome | AdfTriggerError
            try:
                outcome = (
                    self._take(message, at_once=at_once)
                    if self._seconds() < over
                    else TryLater("the time for these events is up", retry_after=LATER)
                )
            except (TryLater, LedgerError, PublishError) as exc:
                outcome = exc
                logger.info(
                    "The event of request %s cannot be accepted now: %s",
                    message.request_id,
                    exc,
                    extra={"action": "event_postponed", "request_id": message.request_id},
                )
            with lock:
                outcomes.count(outcome)

        self._threads.each(take, made, at_once=AT_ONCE)
        return outcomes

    def _take(self, message: Message, *, at_once: bool) -> Outcome:
        if message.request is None:
            return self._reject(message, InvalidRequest(list(message.faults)))
        if self.was_made(message):
            return Outcome.REPEATED
        try:
            submitted = self._submitter.submit(
                Submission(
                    factory=self._factories.choose(message.request.factory),
                    pipeline=message.request.pipeline,
                    request=message.request,
                    request_id=message.request_id,
                    requested_by=REQUESTED_BY,
                    source=Source.QUEUE,
                    traceparent=message.traceparent,
                    message=message,
                ),
                at_once=at_once,
            )
        except RequestConflict:
            return Outcome.REPEATED  # another delivery was first, to another version of the trigger
        except (InvalidRequest, Refused, AtCapacity, TooLate) as exc:
            return self._reject(message, exc)
        if submitted.again_after is not None:
            raise TryLater(
                "only this event has the values of secure parameters", retry_after=submitted.again_after
            )
        return Outcome.REPEATED if submitted.replayed else Outcome.CLAIMED

    def _reject(self, message: Message, error: AdfTriggerError) -> Outcome:
        """Reject a message; where the ledger cannot keep it, it is put into the requests queue."""
        kept = _cut_to_keep(message)
        self._rejecter.reject(kept, kept, self._factory_of(message), error)
        return Outcome.REJECTED

    def _message(self, came_as: Message, made: EventRequest) -> Message:
        text = json.dumps(made.document, ensure_ascii=False)
        faults = made.faults
        if len(text.encode()) > self._most_bytes:
            faults = (Fault("/parameters", f"have more than {self._most_bytes} bytes"),)
        if faults:
            # The event is kept: no request could be made from it.
            return replace(
                _cut_to_keep(came_as),
                id=made.key,
                key=made.key,
                document={**made.document, "parameters": {}},
                request=None,
                faults=faults,
                event=None,
                origins=made.origins,
            )
        return Message.decode(
            text.encode(),
            message_id=made.key,
            attempts=came_as.attempts,
            inserted_at=came_as.inserted_at,
            waits_since=came_as.waits_since,
        )

    def _factory_of(self, message: Message) -> FactoryHandle | None:
        try:
            return self._factories.choose(message.factory)
        except InvalidRequest:
            return None

    def _why_unwanted(self, event: Event) -> str:
        if not self._triggers:
            return "no trigger is declared"
        reasons = [f"{each.name}: {why_not(each, event)}" for each in self._triggers[:MAX_REASONS]]
        more = len(self._triggers) - len(reasons)
        return "; ".join([*reasons, *([f"and {more} more triggers"] if more else [])])


def _cut_to_keep(message: Message) -> Message:
    """A message, without the data of its event if it is too long to be kept; one that is not an event is cut."""
    if len(message.body) <= MOST_KEPT:
        return message
    left_out = f"(left out: it had {len(message.body)} bytes)"
    body = b"" if message.event is None else as_bytes(message.event.document_with(left_out))
    if not 0 < len(body) <= MOST_KEPT:
        body = message.body[:MOST_KEPT]
    return replace(message, body=body, plain=body)
