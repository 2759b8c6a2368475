"""Messages that arrive while the settings are faulty: put back into their queue, byte for byte."""

import logging

from adf_trigger.errors import SettingsError
from adf_trigger.functions.adapters import put_into_requests
from adf_trigger.messages.decoding import Message
from adf_trigger.messages.texts import queue_text
from adf_trigger.settings import CommonSettings

logger = logging.getLogger(__name__)

WAIT = 60
"""Seconds after which the message is delivered again: until then the settings may be corrected."""


def put_back_unread(message: Message, faults: SettingsError, *, suffix: str = "") -> None:
    """Put a message back, so that faulty settings use up none of its deliveries.

    Args:
        message: as received.
        faults: why it cannot be read.
        suffix: what follows the name of the requests queue in the name of its queue.

    Raises:
        SettingsError: the settings do not name its storage, or no queue can hold it; the host
            delivers it again.
        PublishError: the queue is out of reach; the host delivers it again.
    """
    text = unread_text(message)
    if text is None:
        raise faults
    put_into_requests(CommonSettings.salvaged(), text, suffix=suffix, delay=WAIT)
    logger.warning(
        "Put a message back for %d seconds: the settings are invalid",
        WAIT,
        extra={"action": "message_put_back", "faults": len(faults.faults), "delay": WAIT},
    )


def unread_text(message: Message) -> str | None:
    """The text of a message that is put back unread; None if no queue can hold it.

    Its bytes stay the same, unless it was delivered before and its only key is its id in the queue: it may have been
    accepted then, and would start a second run under a new id, so its key is added if that fits.
    """
    keyed = message.text_to_put_back() if message.was_delivered_before else None
    return keyed or queue_text(message.body)
