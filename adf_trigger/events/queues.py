"""Writes completion events and rejected messages to storage queues through the SDK.

An output binding would write after the function has returned, where a failure can be neither seen nor ordered.
"""

import logging
from datetime import timedelta

from azure.core.exceptions import (
    AzureError,
    HttpResponseError,
    ResourceExistsError,
    ResourceNotFoundError,
)
from azure.storage.queue import QueueClient, QueueProperties

from adf_trigger.errors import PublishError
from adf_trigger.events.texts import event_text, rejected_text
from adf_trigger.news import CompletionEvent, RejectedMessage

logger = logging.getLogger(__name__)

_LANDMARK = "adftriggerledger"
_FORBIDDEN = 403

NEVER_EXPIRES = -1
"""Time to live of messages that do not expire: by default they would after seven days."""


class QueueOutbox:
    """The outbox on storage queues. Missing queues are created.

    Args:
        events: client of the events queue.
        rejected: client of the rejected queue.
        requests: client of the requests queue.
        poison: client of its poison queue.
    """

    def __init__(
        self, events: QueueClient, rejected: QueueClient, requests: QueueClient, poison: QueueClient
    ) -> None:
        self._events = events
        self._rejected = rejected
        self._requests = requests
        self._poison = poison

    def publish(self, event: CompletionEvent) -> None:
        """See Outbox."""
        put_message(self._events, event_text(event))

    def reject(self, message: RejectedMessage) -> None:
        """See Outbox."""
        put_message(self._rejected, rejected_text(message))

    def put_back(self, text: str, *, delay: float, life: timedelta, poison: bool = False) -> None:
        """See Outbox."""
        queue = self._poison if poison else self._requests
        put_message(queue, text, delay=delay, time_to_live=round(life.total_seconds()))

    def check(self) -> None:
        """See Outbox. A missing queue is created: the platform does not create the requests queue."""
        for queue in (self._requests, self._events, self._rejected):
            self._properties(queue)

    def landmark(self) -> str | None:
        """A text in the requests queue's metadata, so that it outlives the ledger's table; None if there is none.

        Raises:
            PublishError: the queue is out of reach.
        """
        return (self._properties(self._requests).metadata or {}).get(_LANDMARK)

    def set_landmark(self, text: str) -> None:
        """Store a text in the requests queue's metadata.

        Raises:
            PublishError: the queue is out of reach.
        """
        kept = self._properties(self._requests).metadata or {}
        try:
            self._requests.set_queue_metadata({**kept, _LANDMARK: text})
        except AzureError as exc:
            raise PublishError(
                f"the metadata of the queue {self._requests.queue_name} could not be written: {_why(exc)}"
            ) from exc

    @staticmethod
    def _properties(queue: QueueClient) -> QueueProperties:
        try:
            try:
                return queue.get_queue_properties()
            except ResourceNotFoundError:
                _create(queue)
                logger.warning(
                    "Created the queue %s, which was missing",
                    queue.queue_name,
                    extra={"action": "queue_created", "queue": queue.queue_name},
                )
                return queue.get_queue_properties()
        except AzureError as exc:
            raise PublishError(f"the queue {queue.queue_name} cannot be reached: {_why(exc)}") from exc


def put_message(
    queue: QueueClient, text: str, *, delay: float = 0, time_to_live: int = NEVER_EXPIRES
) -> None:
    """Put a message into a queue, which is created if it is missing.

    Args:
        queue: client of the queue.
        text: the message.
        delay: seconds after which it is delivered.
        time_to_live: seconds after which it expires.

    Raises:
        PublishError: it was not written, or the outcome is not known.
    """
    invisible_for = round(delay) or None
    try:
        try:
            queue.send_message(text, time_to_live=time_to_live, visibility_timeout=invisible_for)
        except ResourceNotFoundError:
            _create(queue)
            queue.send_message(text, time_to_live=time_to_live, visibility_timeout=invisible_for)
    except AzureError as exc:
        raise PublishError(f"a message could not be written to the queue {queue.queue_name}") from exc


def _create(queue: QueueClient) -> None:
    try:
        queue.create_queue()
    except ResourceExistsError:
        return
    except HttpResponseError as exc:
        if exc.status_code == _FORBIDDEN:
            raise PublishError(
                f"the queue {queue.queue_name} is missing and this app may not create it: create it, or assign the "
                "role Storage Queue Data Contributor"
            ) from exc
        raise


def _why(error: AzureError) -> str:
    """Describe a failure without the service's text, which may quote URLs."""
    if not isinstance(error, HttpResponseError):
        return type(error).__name__
    hint = "; assign the role Storage Queue Data Contributor" if error.status_code == _FORBIDDEN else ""
    return f"{type(error).__name__} {error.status_code}{hint}"
