"""Puts messages that cannot be accepted now back into their queue: no outage uses up their deliveries."""

import logging
from datetime import datetime, timedelta

from adf_trigger.clock import Clock
from adf_trigger.errors import AdfTriggerError, LedgerError, TooLate, TryLater
from adf_trigger.events.outbox import Outbox
from adf_trigger.messages.decoding import Message
from adf_trigger.messages.texts import Reference, queue_text
from adf_trigger.messages.waiting import life_left
from adf_trigger.service.factories import FactoryHandle
from adf_trigger.service.intake.keep import Keeper

logger = logging.getLogger(__name__)

LEDGER_WAIT = 30.0
"""Delay in seconds of a message that is put back because the ledger is out of reach."""

POISON_WAIT = 60.0
"""The same for a message of the poison queue, which the host itself does not retry for ten minutes."""

DELAY_DIVISOR = 10
"""The delay of a message that is put back is the time that it has waited, divided by this number,"""
LONGEST_DELAY = 600.0
"""but at most this many seconds."""


class Requeuer:
    """Puts messages back.

    Args:
        keeper: keeps messages that do not fit into the queue.
        outbox: where messages are put back.
        clock: returns the current time.
        deadline: how long a message may wait to be accepted.
    """

    def __init__(self, keeper: Keeper, outbox: Outbox, clock: Clock, *, deadline: timedelta) -> None:
        self._keeper = keeper
        self._outbox = outbox
        self._clock = clock
        self._deadline = deadline

    def expiry_of(self, message: Message) -> datetime | None:
        """When a message that was put back expires; None for one that was not."""
        return None if message.waits_since is None else message.waits_since + self._deadline

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
            message: the request.
            came_as: the message as it is in the queue: the request, or a reference to it.
            factory: its factory, where known.
            delay: seconds.
            error: why it has to wait.

        Raises:
            TooLate, NotKept: it cannot wait any longer, or not at all.
            LedgerError, PublishError: the message cannot be kept, or not be put back.
        """
        last = self.expiry_of(message)
        if isinstance(error, TryLater) and last is not None and self._clock() > last:
            hours = self._deadline.total_seconds() / 3600
            raise TooLate(
                f"it has waited since {message.put_at:%Y-%m-%dT%H:%M:%SZ}, longer than {hours:g} h: {error}"
            )
        if came_as.text_to_put_back() is not None:
            self.put_back(came_as, delay, error)
            return
        self.put_back_reference(self._keeper.keep(message, factory, str(error)), message, delay, error)

    def put_back(self, message: Message, delay: float, error: AdfTriggerError | str) -> None:
        """Put a message back as it is.

        Raises:
            LedgerError: it does not fit into a queue message.
            PublishError: the queue is out of reach.
        """
        text = message.text_to_put_back()
        if text is None:
            raise LedgerError(f"message {message.id} cannot be put back: {error}")
        _log(message, self._put(text, message, delay), error)

    def put_back_reference(
        self, reference: Reference, message: Message, delay: float, error: AdfTriggerError | str
    ) -> None:
        """Put a reference to a kept message into the queue in its place.

        Raises:
            PublishError: the queue is out of reach.
        """
        _log(message, self._put(reference.as_text(), message, delay), error)

    def put_back_as_poison(self, message: Message, error: Exception) -> None:
        """Put a message into the poison queue again, its bytes unchanged.

        Raises:
            PublishError: the queue is out of reach.
            LedgerError: it does not fit into a queue message.
        """
        text = queue_text(message.body)
        if text is None:
            raise LedgerError("a message of the poison queue cannot be put back") from error
        _log(message, self._put(text, message, POISON_WAIT, poison=True), error)

    def _put(self, text: str, message: Message, at_least: float, *, poison: bool = False) -> float:
        """Put a text back for a message, hidden for longer each time; returns for how many seconds."""
        now = self._clock()
        since = message.waits_since or now
        waited = (now - since).total_seconds()
        delay = max(at_least, min(waited / DELAY_DIVISOR, LONGEST_DELAY))
        self._outbox.put_back(text, delay=delay, life=life_left(since, now), poison=poison)
        return delay


def _log(message: Message, delay: float, error: Exception | str) -> None:
    logger.warning(
        "Put message %s back for %d seconds: %s",
        message.id,
        delay,
        error,
        extra={"action": "message_put_back", "request_id": message.request_id, "delay": delay},
    )
