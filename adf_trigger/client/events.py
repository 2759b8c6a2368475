"""Completion events, read off their queue: each is handled, then deleted; repeats are dropped; none blocks the others.

    from adf_trigger.client.events import EventConsumer

    with EventConsumer.of_account("https://<account>.queue.core.windows.net", DefaultAzureCredential()) as events:
        for event in events:
            print(event.data.pipeline, event.data.status, event.data.reason)

An event that is being handled is hidden from other consumers for a minute at a time, renewed until it is handled. It is
deleted once the next one is requested. If the loop ends by `break` or an error, the current event is delivered again.
"""

import base64
import binascii
import json
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Self

from azure.core.credentials import TokenCredential
from azure.core.exceptions import AzureError, ClientAuthenticationError, ResourceNotFoundError
from azure.storage.queue import QueueClient, QueueMessage
from pydantic import ValidationError

from adf_trigger.client.leases import Lease
from adf_trigger.news import CompletionEvent

logger = logging.getLogger(__name__)

QUEUE = "adf-run-events"
POISON_SUFFIX = "-poison"
REMEMBERED = 10_000
LEASE_SECONDS = 60
LONGEST_HANDLING = 3_600.0
ATTEMPTS = 5
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 5.0
LONGEST_OUTAGE_PAUSE = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BadMessage:
    """A message that is not an event, or that could not be handled.

    Attributes:
        id: its id in the queue.
        text: its text, as received.
        reason: one sentence.
        attempts: deliveries so far.
    """

    id: str
    text: str
    reason: str
    attempts: int


class EventConsumer:
    """Takes completion events off a queue, one at a time. Several consumers may share a queue, a thread each.

    Delivery is at least once: a repeat is dropped while this process remembers its event.

    Args:
        queue: client of the events queue, without encoding policies.
        set_aside: receives messages that are not events, or were delivered `attempts` times in vain; the message is
            deleted when it returns, and delivered again when it raises.
        lease: seconds for which a message is hidden at a time, while it is handled.
        longest: seconds after which a message that is still being handled may be delivered to another consumer.
        attempts: deliveries after which an event is set aside.
        remembered: events whose repeats are dropped.
    """

    def __init__(
        self,
        queue: QueueClient,
        set_aside: Callable[[BadMessage], None],
        *,
        lease: int = LEASE_SECONDS,
        longest: float = LONGEST_HANDLING,
        attempts: int = ATTEMPTS,
        remembered: int = REMEMBERED,
    ) -> None:
        self._queue = queue
        self._set_aside = set_aside
        self._lease_seconds = lease
        self._longest = longest
        self._attempts = attempts
        self._remembered = remembered
        self._handled: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._stop = threading.Event()
        self._open: tuple[QueueClient, ...] = ()

    @classmethod
    def of_account(
        cls,
        account: str,
        credential: TokenCredential,
        *,
        queue: str = QUEUE,
        set_aside: Callable[[BadMessage], None] | None = None,
        **options: Any,
    ) -> Self:
        """A consumer by identity, which needs the role Storage Queue Data Message Processor.

        Args:
            account: URL of its queues, `https://<account>.queue.core.windows.net`.
            credential: of the identity.
            queue: name of the events queue.
            set_aside: see the class; default: bad messages go to the queue's poison queue.
            options: see the class.
        """
        return cls._over(
            lambda name: QueueClient(account, name, credential=credential), queue, set_aside, options
        )

    @classmethod
    def of_connection_string(
        cls,
        connection_string: str,
        *,
        queue: str = QUEUE,
        set_aside: Callable[[BadMessage], None] | None = None,
        **options: Any,
    ) -> Self:
        """A consumer by connection string; otherwise as `of_account`."""
        return cls._over(
            lambda name: QueueClient.from_connection_string(connection_string, name),
            queue,
            set_aside,
            options,
        )

    @classmethod
    def _over(
        cls,
        client_of: Callable[[str], QueueClient],
        queue: str,
        set_aside: Callable[[BadMessage], None] | None,
        options: dict[str, Any],
    ) -> Self:
        events, poison = client_of(queue), client_of(queue + POISON_SUFFIX)
        consumer = cls(events, set_aside or into_queue(poison), **options)
        consumer._open = (events, poison)
        return consumer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for client in self._open:
            client.close()

    def stop(self) -> None:
        """End the iteration, or `run`, once the current event is handled. Any thread may call it."""
        self._stop.set()

    def run(self, handler: Callable[[CompletionEvent], None]) -> None:
        """Handle events until `stop` is called.

        Args:
            handler: if it raises, the event is delivered again later, and finally set aside.

        Raises:
            AzureError: the queue is missing, or may not be read.
        """
        for event, lease, message in self._events():
            try:
                handler(event)
            except Exception as exc:  # user code
                logger.exception(
                    "The event %s was not handled",
                    event.id,
                    extra={
                        "action": "event_not_handled",
                        "event_id": event.id,
                        "attempts": message.dequeue_count,
                    },
                )
                self._failed(message, lease, f"{type(exc).__name__}: {exc}")
            except BaseException:  # the process is asked to end
                lease.give_back()
                raise
            else:
                self._done(event, lease)

    def __iter__(self) -> Iterator[CompletionEvent]:
        """Yield events until `stop` is called; each counts as handled once the next one is requested.

        Raises:
            AzureError: the queue is missing, or may not be read.
        """
        for event, lease, _ in self._events():
            handled = False
            try:
                yield event
                handled = True
            finally:
                if not handled:
                    lease.give_back()
            self._done(event, lease)

    def _events(self) -> Iterator[tuple[CompletionEvent, Lease, QueueMessage]]:
        """Yield new events, each under its own lease."""
        for message in self._messages():
            lease = Lease(
                self._queue,
                message,
                seconds=self._lease_seconds,
                longest=self._longest,
                clock=time.monotonic,
            )
            with lease:
                event = self._opened(message, lease)
                if event is not None:
                    yield event, lease, message

    def _messages(self) -> Iterator[QueueMessage]:
        pause, outage = FIRST_PAUSE, FIRST_PAUSE
        while not self._stop.is_set():
            try:
                message = self._queue.receive_message(visibility_timeout=self._lease_seconds)
            except (ResourceNotFoundError, ClientAuthenticationError):
                raise  # an operator must intervene
            except AzureError as exc:
                logger.warning(
                    "The queue %s cannot be read now: %s",
                    self._queue.queue_name,
                    type(exc).__name__,
                    extra={"action": "events_out_of_reach", "wait": outage},
                )
                self._stop.wait(outage)
                outage = min(outage * 2, LONGEST_OUTAGE_PAUSE)
                continue
            outage = FIRST_PAUSE
            if message is None:
                self._stop.wait(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
                continue
            pause = FIRST_PAUSE
            yield message

    def _opened(self, message: QueueMessage, lease: Lease) -> CompletionEvent | None:
        """The event of a message; None if it is not an event, is a repeat, or was delivered too often."""
        try:
            event = event_of(message.content)
        except ValueError as exc:
            self._put_aside(message, lease, f"it is not an event: {exc}")
            return None
        if self._name(event) in self._handled:
            logger.info("Dropped a repeat of the event %s", event.id, extra={"action": "event_repeated"})
            lease.delete()
            return None
        if (message.dequeue_count or 1) > self._attempts:
            self._put_aside(
                message, lease, f"it was delivered {self._attempts} times and never handled completely"
            )
            return None
        return event

    def _done(self, event: CompletionEvent, lease: Lease) -> None:
        self._handled[self._name(event)] = None
        while len(self._handled) > self._remembered:
            self._handled.popitem(last=False)
        lease.delete()

    def _failed(self, message: QueueMessage, lease: Lease, reason: str) -> None:
        attempts = message.dequeue_count or 1
        if attempts >= self._attempts:
            self._put_aside(message, lease, f"it could not be handled: {reason}")
        else:
            lease.give_back(min(2.0**attempts, self._lease_seconds))

    def _put_aside(self, message: QueueMessage, lease: Lease, reason: str) -> None:
        bad = BadMessage(
            id=str(message.id), text=str(message.content), reason=reason, attempts=message.dequeue_count or 1
        )
        try:
            self._set_aside(bad)
        except Exception:  # user code, or an unreachable queue: other messages continue
            logger.exception(
                "The message %s could not be set aside, and will be delivered again: %s",
                bad.id,
                reason,
                extra={"action": "event_not_set_aside", "message_id": bad.id},
            )
            lease.give_back(self._lease_seconds)
            return
        logger.warning(
            "Set the message %s aside: %s",
            bad.id,
            reason,
            extra={"action": "event_set_aside", "message_id": bad.id, "attempts": bad.attempts},
        )
        lease.delete()

    @staticmethod
    def _name(event: CompletionEvent) -> tuple[str, str]:
        """The identity of an event by CloudEvents 1.0: source and id together."""
        return event.source, event.id


def into_queue(poison: QueueClient) -> Callable[[BadMessage], None]:
    """Set messages aside by putting them unchanged into a queue, which is created if it is missing."""

    def put(bad: BadMessage) -> None:
        try:
            poison.send_message(bad.text, time_to_live=-1)
        except ResourceNotFoundError:
            poison.create_queue()
            poison.send_message(bad.text, time_to_live=-1)

    return put


def event_of(text: object) -> CompletionEvent:
    """The event in a message's text, plain or base64. Unknown members of a newer service are ignored.

    Raises:
        ValueError: the text is not an event; the error says why, and quotes nothing of it.
    """
    raw = str(text).strip()
    if not raw.startswith("{"):
        try:
            raw = base64.b64decode(raw, validate=True).decode("utf-8-sig")
        except (binascii.Error, ValueError) as exc:
            raise ValueError("it is neither JSON nor base64") from exc
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError) as exc:
        raise ValueError("it is not JSON") from exc
    try:
        return CompletionEvent.model_validate(document, extra="ignore")
    except ValidationError as exc:
        places = ", ".join(".".join(map(str, each["loc"])) for each in exc.errors()[:5])
        raise ValueError(
            f"it is JSON, but not a completion event: see {places or 'its outermost value'}"
        ) from exc
