"""Completion events and rejected messages, written to storage queues through the SDK.

An output binding would write after the function has returned, where a failure can be neither seen nor ordered.
"""

from typing import Any, Literal

from azure.core.credentials import TokenCredential
from azure.core.exceptions import AzureError, ResourceExistsError, ResourceNotFoundError
from azure.storage.queue import LinearRetry, QueueClient, TextBase64EncodePolicy

from adf_trigger.contracts import CompletionEvent, RejectedMessage
from adf_trigger.errors import PublishError
from adf_trigger.events.texts import event_text, rejected_text

NEVER_EXPIRES = -1
"""A consumer's outage must not lose its events to the seven days that messages live by default."""

RETRIES = 2
"""A second apart: the SDK's own default waits 15 seconds and more, and a caller is waiting."""


class QueueOutbox:
    """The outbox on storage queues. Missing queues are made.

    Args:
        events: client of the events queue.
        rejected: client of the rejected queue.
        requests: client of the requests queue.
    """

    def __init__(self, events: QueueClient, rejected: QueueClient, requests: QueueClient) -> None:
        self._events = events
        self._rejected = rejected
        self._requests = requests

    def publish(self, event: CompletionEvent) -> None:
        """See Outbox."""
        _send(self._events, event_text(event))

    def reject(self, message: RejectedMessage) -> None:
        """See Outbox."""
        _send(self._rejected, rejected_text(message))

    def put_back(self, text: str, *, delay: float) -> None:
        """See Outbox."""
        _send(self._requests, text, delay=delay)

    def check(self) -> None:
        """See Outbox."""
        try:
            self._events.get_queue_properties()
        except ResourceNotFoundError:
            return
        except AzureError as exc:
            raise PublishError(f"the queue {self._events.queue_name} cannot be reached") from exc


def queue_client(
    name: str,
    *,
    connection_string: str | None = None,
    account_url: str | None = None,
    credential: TokenCredential | None = None,
    encoding: Literal["base64", "none"] = "base64",
    connect_timeout: float,
    read_timeout: float,
) -> QueueClient:
    """A client of a queue, by connection string or by identity.

    Args:
        name: the queue.
        connection_string: of the storage account; else `account_url` and `credential` are used.
        account_url: the queue service, such as https://account.queue.core.windows.net.
        credential: a token credential for it.
        encoding: how message texts are encoded.
        connect_timeout: seconds.
        read_timeout: seconds.
    """
    options: dict[str, Any] = {
        "connection_timeout": connect_timeout,
        "read_timeout": read_timeout,
        "retry_policy": LinearRetry(backoff=1, retry_total=RETRIES, random_jitter_range=1),
    }
    if encoding == "base64":
        options["message_encode_policy"] = TextBase64EncodePolicy()
    if connection_string is not None:
        return QueueClient.from_connection_string(connection_string, name, **options)
    if account_url is None:
        raise ValueError("neither a connection string nor an account URL is given")
    return QueueClient(account_url, name, credential=credential, **options)


def _send(queue: QueueClient, text: str, *, delay: float = 0) -> None:
    invisible_for = round(delay) or None
    try:
        try:
            queue.send_message(text, time_to_live=NEVER_EXPIRES, visibility_timeout=invisible_for)
        except ResourceNotFoundError:
            _create(queue)
            queue.send_message(text, time_to_live=NEVER_EXPIRES, visibility_timeout=invisible_for)
    except AzureError as exc:
        raise PublishError(f"a message could not be written to the queue {queue.queue_name}") from exc


def _create(queue: QueueClient) -> None:
    try:
        queue.create_queue()
    except ResourceExistsError:
        return
