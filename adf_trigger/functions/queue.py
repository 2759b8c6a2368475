"""The queue functions: each message becomes a run, or a refusal, or is put back for later. None is lost."""

import json
import logging
import re
from datetime import UTC, datetime
from typing import Any

import azure.functions as func

from adf_trigger.contracts import MAX_PIPELINE_NAME, REQUEST_ID_PATTERN
from adf_trigger.decoding import message_bytes, queued_request
from adf_trigger.errors import (
    AdfTriggerError,
    InvalidRequest,
    LedgerError,
    PublishError,
    Refused,
    RequestConflict,
    TryLater,
)
from adf_trigger.functions.services import Services
from adf_trigger.ledger.records import RunRecord, RunState
from adf_trigger.service.factories import FactoryHandle
from adf_trigger.service.notify import Refusal
from adf_trigger.service.publish import QUEUE_SOURCE
from adf_trigger.service.submit import Submission
from adf_trigger.settings import POISON_SUFFIX

logger = logging.getLogger(__name__)

STORAGE_CONNECTION = "AzureWebJobsStorage"
LEDGER_WAIT = 30.0
"""Seconds that a message is put back for where the ledger is out of reach."""


def queue_functions(services: Services) -> func.Blueprint:
    """The functions of the requests queue and of its poison queue."""
    blueprint = func.Blueprint()
    intake = _Intake(services)
    requests_queue = services.settings.requests_queue

    @blueprint.function_name("take_request")
    @blueprint.queue_trigger("msg", requests_queue, STORAGE_CONNECTION)
    def take_request(msg: func.QueueMessage) -> None:
        """A message of the requests queue."""
        intake.take(msg)

    @blueprint.function_name("take_poison")
    @blueprint.queue_trigger("msg", requests_queue + POISON_SUFFIX, STORAGE_CONNECTION)
    def take_poison(msg: func.QueueMessage) -> None:
        """A message that the host has given up on."""
        intake.take_poison(msg)

    return blueprint


class _Message:
    """A message, with what can be told of it even where it is not valid."""

    def __init__(self, msg: func.QueueMessage) -> None:
        self.id = msg.id or ""
        self.body: bytes = msg.get_body()
        self.text = message_bytes(self.body).decode(errors="replace")
        self.attempts = msg.dequeue_count or 1
        self.inserted_at = _aware(msg.insertion_time)
        self.hints = _hints(self.text)

    @property
    def request_id(self) -> str:
        """The idempotency key: its own where it has a valid one, else the message's id."""
        own = self.hints.get("requestId")
        return own if isinstance(own, str) and re.match(REQUEST_ID_PATTERN, own) else self.id


class _Intake:
    def __init__(self, services: Services) -> None:
        self._services = services

    def take(self, msg: func.QueueMessage) -> None:
        """Take a message of the requests queue.

        Raises:
            PublishError: the queues are out of reach; the host delivers the message again.
        """
        message = _Message(msg)
        try:
            request = queued_request(message.body)
            factory = self._services.factories.choose(request.factory)
            submitted = self._services.submit(
                Submission(
                    factory=factory,
                    pipeline=request.pipeline,
                    request=request,
                    request_id=message.request_id,
                    requested_by=f"queue {self._services.settings.requests_queue}",
                    source=QUEUE_SOURCE,
                )
            )
        except (InvalidRequest, RequestConflict, Refused) as exc:
            self._refuse(message, exc)
        except TryLater as exc:
            self._put_back(message, exc.retry_after, exc)
        except LedgerError as exc:
            self._put_back(message, LEDGER_WAIT, exc)
        else:
            self._tell_at_once(factory, submitted.record)

    def take_poison(self, msg: func.QueueMessage) -> None:
        """Take a message that the host has given up on: what it asks for may have been taken all the same.

        Raises:
            LedgerError, PublishError: out of reach; the host delivers the message again.
        """
        message = _Message(msg)
        factory = self._factory_of(message)
        if factory is not None and self._services.ledger.get(factory.id, message.request_id) is not None:
            logger.info(
                "Message %s was given up on, but its request %s had been taken",
                message.id,
                message.request_id,
                extra={"action": "poison_was_taken", "request_id": message.request_id},
            )
            return
        self._refuse(message, None)

    def _tell_at_once(self, factory: FactoryHandle, record: RunRecord) -> None:
        """A refusal is told now; where that fails, the timer tells it."""
        if record.state is not RunState.ENDED:
            return
        try:
            self._services.publisher.tell(factory, record.request_id)
        except (LedgerError, PublishError) as exc:
            logger.warning(
                "Request %s is told by the timer, since it cannot be told now: %s",
                record.request_id,
                exc,
                extra={"action": "telling_postponed", "request_id": record.request_id},
            )

    def _refuse(self, message: _Message, error: AdfTriggerError | None) -> None:
        factory = self._factory_of(message)
        named_otherwise = isinstance(error, RequestConflict)
        self._services.refuse(
            Refusal(
                request_id=message.id if named_otherwise else message.request_id,
                message_id=message.id,
                text=message.text,
                reason=_reason(error),
                faults=tuple(error.faults) if isinstance(error, InvalidRequest) else (),
                attempts=message.attempts,
                inserted_at=message.inserted_at,
                factory=factory.id if factory else "",
                alias=factory.alias if factory else "",
                pipeline=_text(message.hints.get("pipeline")),
            )
        )

    def _put_back(self, message: _Message, delay: float, error: AdfTriggerError) -> None:
        """Put a copy back for later, under the same key, so that no outage burns the message's deliveries."""
        text = json.dumps({**message.hints, "requestId": message.request_id}, ensure_ascii=False)
        self._services.outbox.put_back(text, delay=delay)
        logger.warning(
            "Message %s is put back for %d seconds: %s",
            message.id,
            delay,
            error,
            extra={"action": "message_put_back", "request_id": message.request_id, "delay": delay},
        )

    def _factory_of(self, message: _Message) -> FactoryHandle | None:
        alias = message.hints.get("factory")
        try:
            return self._services.factories.choose(alias if isinstance(alias, str) else None)
        except InvalidRequest:
            return self._services.factories.only()


def _reason(error: AdfTriggerError | None) -> str:
    if error is None:
        return "it was delivered as often as the host allows, and never taken"
    if isinstance(error, InvalidRequest):
        return "the message has faults"
    return f"Data Factory refused it: {error}" if isinstance(error, Refused) else str(error)


def _hints(text: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _text(value: object) -> str:
    return value[:MAX_PIPELINE_NAME] if isinstance(value, str) else ""


def _aware(instant: datetime | None) -> datetime:
    if instant is None:
        return datetime.fromtimestamp(0, tz=UTC)
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)
