"""Completion events and rejected messages, written to storage queues through the SDK.

An output binding would write after the function has returned, where a failure can be neither seen nor ordered.
"""

import base64
import gzip
import json
from typing import Any, Literal, Protocol

from azure.core.credentials import TokenCredential
from azure.core.exceptions import AzureError, ResourceExistsError, ResourceNotFoundError
from azure.storage.queue import LinearRetry, QueueClient, TextBase64EncodePolicy
from pydantic import BaseModel

from adf_trigger.contracts import CompletionEvent, RejectedMessage, as_dict
from adf_trigger.errors import PublishError

MAX_MESSAGE_BYTES = 49_152
"""Largest message text: 48 KiB, which base64 makes the 64 KiB that a queue takes."""

NEVER_EXPIRES = -1
"""A consumer's outage must not lose its events to the seven days that messages live by default."""

RETRIES = 2
"""A second apart: the SDK's own default waits 15 seconds and more, and a caller is waiting."""

_CUTS: tuple[tuple[int, int, int], ...] = ((4096, 20, 2048), (1024, 10, 512), (512, 5, 256), (200, 1, 64))
"""Ever harsher limits: characters of a text, entries of a list, characters of a parameter's value."""

_TOO_MANY_LEFT = "…"


class Outbox(Protocol):
    """Where news leaves the service. Every method may raise PublishError, after which it may be called again."""

    def publish(self, event: CompletionEvent) -> None:
        """Send a completion event; the same event may be sent twice."""

    def reject(self, message: RejectedMessage) -> None:
        """Put a message that can never work where a person finds it."""

    def put_back(self, text: str, *, delay: float) -> None:
        """Put a request's message into the requests queue again, to be delivered after `delay` seconds."""

    def check(self) -> None:
        """Read something, for the health check."""


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


def event_text(event: CompletionEvent) -> str:
    """The JSON of an event, never over MAX_MESSAGE_BYTES: long text is cut and `data.truncated` says so.

    Every field is there, null where there is nothing to say, so that a consumer need not ask first.
    """
    text = _compact(event.model_dump(mode="json"))
    for limits in _CUTS:
        if _fits(text):
            return text
        document = event.model_dump(mode="json")
        document["data"] = _cut_data(document["data"], *limits)
        text = _compact(document)
    return text


def rejected_text(message: RejectedMessage) -> str:
    """The JSON of a rejected message, never over MAX_MESSAGE_BYTES.

    The faults give way to the original message, which a replay needs whole; a long one is compressed. One that is
    too long even so is cut at its end, and the reason says so.
    """
    text = _compact(message)
    if _fits(text):
        return text
    brief = message.model_copy(update={"errors": [], "reason": _cut(message.reason, 512)})
    packed = brief.model_copy(update={"message": _pack(message.message), "message_encoding": "gzip+base64"})
    text = _compact(packed)
    if _fits(text):
        return text
    cut = brief.model_copy(update={"reason": f"(the original message is cut) {brief.reason}"})
    while not _fits(text := _compact(cut)):
        cut = cut.model_copy(update={"message": cut.message[: len(cut.message) * 3 // 4]})
    return text


def original_text(message: RejectedMessage) -> str:
    """The original message of a rejected one, unpacked where it was packed."""
    if message.message_encoding is None:
        return message.message
    return gzip.decompress(base64.b64decode(message.message)).decode()


def _pack(text: str) -> str:
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


def _fits(text: str) -> bool:
    return len(text.encode()) <= MAX_MESSAGE_BYTES


def _compact(document: BaseModel | dict[str, Any]) -> str:
    plain = as_dict(document) if isinstance(document, BaseModel) else document
    text = json.dumps(plain, ensure_ascii=False, separators=(",", ":"))
    return text.encode(errors="replace").decode()  # half a surrogate pair, as broken software writes it


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + _TOO_MANY_LEFT


def _cut_data(data: dict[str, Any], text_limit: int, entries: int, value_limit: int) -> dict[str, Any]:
    parameters = {
        _cut(name, value_limit): _cut_value(value, value_limit)
        for name, value in list(data["parameters"].items())[: entries * 5]
    }
    metadata = {key: _cut(value, value_limit) for key, value in data["metadata"].items()}
    errors = [
        {key: _cut(value, text_limit) for key, value in error.items()} for error in data["errors"][:entries]
    ]
    cut = {**data, "parameters": parameters, "metadata": metadata, "errors": errors, "truncated": True}
    if data["message"] is not None:
        cut["message"] = _cut(data["message"], text_limit)
    return cut


def _cut_value(value: Any, limit: int) -> Any:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return value if len(text) <= limit else _cut(text, limit)
