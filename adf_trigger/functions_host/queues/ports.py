"""The storage queue port of the trigger."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class LeasedMessage:
    """A message that is hidden from other receivers until `next_visible_on`.

    Attributes:
        id: set by the service.
        content: the text as stored, not decoded.
        pop_receipt: proof of the lease; each renewal returns a new one.
        dequeue_count: number of deliveries, including this one.
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
        """Whether the queue exists."""
        ...

    async def receive(self, count: int, lease: float) -> list[LeasedMessage]:
        """Up to `count` messages, hidden for `lease`. May raise LeaseLost: the queue was deleted."""
        ...

    async def renew(self, message: LeasedMessage, lease: float) -> LeasedMessage:
        """Hide a message for `lease` from now; return it with its new receipt. May raise LeaseLost."""
        ...

    async def release(self, message: LeasedMessage, delay: float) -> None:
        """Make a message visible again after `delay`. May raise LeaseLost."""
        ...

    async def delete(self, message: LeasedMessage) -> None:
        """Delete a message. May raise LeaseLost."""
        ...

    async def send(self, content: str) -> None:
        """Send a text, with the service's default time to live of 7 days; creates the queue if it is missing."""
        ...
