"""Puts messages that cannot be taken now back into their queue, to come again: no outage burns their deliveries."""

import logging

from adf_trigger.errors import AdfTriggerError, LedgerError, TryLater
from adf_trigger.events.outbox import Outbox
from adf_trigger.messages.decoding import Message
from adf_trigger.messages.texts import Reference, queue_text
from adf_trigger.service.factories import FactoryHandle
from adf_trigger.service.keeping import Keeping, TooLate

logger = logging.getLogger(__name__)

LEDGER_WAIT = 30.0
"""Seconds that a message is put back for where the ledger is out of reach."""

POISON_WAIT = 60.0
"""The same for a message of the poison queue, of which the host tries none a second time for ten minutes."""


class PuttingBack:
    """Puts messages back.

    Args:
        keeping: keeps messages that do not fit into the queue.
        outbox: where messages are put back.
    """

    def __init__(self, keeping: Keeping, outbox: Outbox) -> None:
        self._keeping = keeping
        self._outbox = outbox

    def wait(
        self,
        message: Message,
        came_as: Message,
        factory: FactoryHandle | None,
        delay: float,
        error: AdfTriggerError | str,
    ) -> None:
        """Put a message back for later.

        Args:
            message: what is asked for.
            came_as: what lies in the queue: the message, or a reference to it.
            factory: its factory, where that can be told.
            delay: seconds.
            error: what it waits for.

        Raises:
            TooLate, NotKept: it cannot wait any longer, or not at all.
            LedgerError, PublishError: what is to be put back cannot be kept, or not be put.
        """
        if isinstance(error, TryLater) and (late := self._too_late(message, factory, error)) is not None:
            raise late
        if came_as.text_to_put_back() is not None:
            self.put_back(came_as, delay, error)
            return
        self.put_back_reference(self._keeping.keep(message, factory, str(error)), message, delay, error)

    def put_back(self, message: Message, delay: float, error: AdfTriggerError | str) -> None:
        """Put a message back as it is.

        Raises:
            LedgerError: it fits into no queue.
            PublishError: the queue is out of reach.
        """
        text = message.text_to_put_back()
        if text is None:
            raise LedgerError(f"message {message.id} cannot be put back: {error}")
        self._outbox.put_back(text, delay=delay)
        _log(message, delay, error)

    def put_back_reference(
        self, reference: Reference, message: Message, delay: float, error: AdfTriggerError | str
    ) -> None:
        """Put a reference to what is kept of a message into the queue in its place.

        Raises:
            PublishError: the queue is out of reach.
        """
        self._outbox.put_back(reference.as_text(), delay=delay)
        _log(message, delay, error)

    def put_back_as_poison(self, message: Message, error: Exception) -> None:
        """Put a message into the poison queue again, its bytes unchanged.

        Raises:
            PublishError: the queue is out of reach.
            LedgerError: it fits into no queue.
        """
        text = queue_text(message.body)
        if text is None:
            raise LedgerError("a message of the poison queue cannot be put back") from error
        self._outbox.put_back(text, delay=POISON_WAIT, poison=True)
        _log(message, POISON_WAIT, error)

    def _too_late(self, message: Message, factory: FactoryHandle | None, error: TryLater) -> TooLate | None:
        try:
            return self._keeping.too_late(message, factory, str(error))
        except LedgerError as exc:
            logger.warning(
                "When message %s was first put could not be noted: %s",
                message.id,
                exc,
                extra={"action": "wait_not_noted", "request_id": message.request_id},
            )
            return None


def _log(message: Message, delay: float, error: Exception | str) -> None:
    logger.warning(
        "Put message %s back for %d seconds: %s",
        message.id,
        delay,
        error,
        extra={"action": "message_put_back", "request_id": message.request_id, "delay": delay},
    )
