"""Messages that come while the settings are faulty: back into their queue, byte for byte."""

import logging

from adf_trigger.errors import SettingsError
from adf_trigger.functions.adapters import put_into_requests
from adf_trigger.messages.texts import queue_text
from adf_trigger.settings import CommonSettings

logger = logging.getLogger(__name__)

WAIT = 60
"""Seconds after which the message comes again: somebody has to mend the settings meanwhile."""


def put_back_unread(body: bytes, faults: SettingsError, *, suffix: str = "") -> None:
    """Put a message back unread, so that faulty settings burn none of its deliveries.

    Args:
        body: of the message, exactly as it came.
        faults: why it cannot be read.
        suffix: of the queue that it came from, behind the name of the requests queue.

    Raises:
        SettingsError: not even its storage can be told from the settings, or no queue can hold it; the host
            delivers it again.
        PublishError: the queue is out of reach; the host delivers it again.
    """
    text = queue_text(body)
    if text is None:
        raise faults
    put_into_requests(CommonSettings.salvaged(), text, suffix=suffix, delay=WAIT)
    logger.warning(
        "Put a message back for %d seconds: the settings are invalid",
        WAIT,
        extra={"action": "message_put_back", "faults": len(faults.faults), "delay": WAIT},
    )
