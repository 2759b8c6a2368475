"""A storage queue, as the trigger sees it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class LeasedMessage:
    """A message that is hidden from others until `next_visible_on`, as long as nobody takes it over.

    Attributes:
        id: set by the service.
        content: the text as it is stored, not decoded.
        pop_receipt: proof of the lease; each renewal gives another.
        dequeue_count: how often it has been delivered, this time included.
        inserted_on: when it was sent (UTC).
        expires_on: when the service drops it (UTC).
        next_visible_on: when the lease ends (UTC).
    """

    id: str
    content: str
    pop_receipt: str
    dequeue_count: int
    inserted_on: datetime | None
    expires_on: datetime | None
    next_visible_on: datetime | None


class Queue(Protocol):
    """One queue. Every method may raise StorageFault; times are in seconds."""

    @property
    def name(self) -> str:
        """The queue's name."""
        ...

    async def exists(self) -> bool:
        """Whether it is there."""
        ...

    async def receive(self, count: int, lease: float) -> list[LeasedMessage]:
        """Up to `count` messages, hidden for `lease`. May raise LeaseLost: the queue is gone."""
        ...

    async def renew(self, message: LeasedMessage, lease: float) -> LeasedMessage:
        """Hide it for `lease` from now on; the message with its new receipt. May raise LeaseLost."""
        ...

    async def release(self, message: LeasedMessage, delay: float) -> None:
        """Give it back, to be delivered after `delay`. May raise LeaseLost."""
        ...

    async def delete(self, message: LeasedMessage) -> None:
        """Done with it. May raise LeaseLost."""
        ...

    async def send(self, content: str) -> None:
        """Put a text on it, with the service's default time to live of 7 days; creates the queue if need be."""
        ...
