"""The queue functions: decode the message that the host delivers, call the use case."""

import logging
from datetime import UTC, datetime
from functools import partial

import azure.functions as func

from adf_trigger.errors import SettingsError
from adf_trigger.functions.bindings import Bindings
from adf_trigger.functions.composition import UseCases, enter
from adf_trigger.functions.unread import put_back_unread
from adf_trigger.messages.decoding import Message
from adf_trigger.messages.waiting import waits_since
from adf_trigger.service.threads.tick_threads import each_thread
from adf_trigger.settings import POISON_SUFFIX

logger = logging.getLogger(__name__)

STORAGE_CONNECTION = "AzureWebJobsStorage"
_AS_IT_CAME = func.DataType.BINARY
"""Data type of the triggers: as text, a message's own properties would replace the trigger's metadata."""


def queue_functions(use_cases: UseCases, bindings: Bindings, *, stands_in: bool = False) -> func.Blueprint:
    """The functions of the requests queue and of its poison queue.

    Args:
        use_cases: returns the use cases.
        bindings: the names of the queues.
        stands_in: whether an overdue tick is run after a message.
    """
    blueprint = func.Blueprint()

    @blueprint.function_name("take_request")
    @blueprint.queue_trigger("msg", bindings.requests_queue, STORAGE_CONNECTION, data_type=_AS_IT_CAME)
    def take_request(msg: func.QueueMessage, context: func.Context) -> None:
        """Process a message of the requests queue."""
        try:
            services = use_cases()
        except SettingsError as exc:
            put_back_unread(_message(msg), exc)
            return
        services.intake.take(_message(msg))
        if stands_in:
            with each_thread(partial(enter, context)):
                services.fallback_ticker.run_if_overdue("queue")

    @blueprint.function_name("take_poison")
    @blueprint.queue_trigger("msg", bindings.poison_queue, STORAGE_CONNECTION, data_type=_AS_IT_CAME)
    def take_poison(msg: func.QueueMessage) -> None:
        """Process a message that the host has given up on."""
        try:
            services = use_cases()
        except SettingsError as exc:
            put_back_unread(_message(msg), exc, suffix=POISON_SUFFIX)
            return
        message = _message(msg)
        try:
            services.intake.take_poison(message)
        except Exception as exc:  # the platform retries it for ten minutes at most, and then drops it
            logger.exception(
                "A message of the poison queue could not be processed",
                extra={"action": "poison_not_taken", "message_id": message.id},
            )
            services.intake.put_back_as_poison(message, exc)

    return blueprint


def _message(msg: func.QueueMessage) -> Message:
    inserted_at = _aware(msg.insertion_time) or datetime.fromtimestamp(0, tz=UTC)
    return Message.decode(
        msg.get_body(),
        message_id=msg.id or "",
        attempts=msg.dequeue_count or 1,
        inserted_at=inserted_at,
        waits_since=waits_since(inserted_at, _aware(msg.expiration_time)),
    )


def _aware(instant: datetime | None) -> datetime | None:
    return instant if instant is None or instant.tzinfo else instant.replace(tzinfo=UTC)
