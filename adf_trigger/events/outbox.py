"""The port of outgoing queues and routes."""

from datetime import timedelta
from typing import Protocol

from adf_trigger.news import CompletionEvent, RejectedMessage


class Outbox(Protocol):
    """Sends events and messages. Every method may raise PublishError, after which it may be called again."""

    def publish(self, event: CompletionEvent) -> None:
        """Send a completion event; the same event may be sent twice."""

    def reject(self, message: RejectedMessage) -> None:
        """Put a copy of a rejected message into the rejected queue."""

    def put_back(self, text: str, *, delay: float, life: timedelta, poison: bool = False) -> None:
        """Put a message into the requests queue, or its poison queue, again.

        Args:
            text: the message.
            delay: seconds after which it is delivered.
            life: how long it is kept there; see `messages.waiting`.
            poison: whether it is the poison queue.
        """

    def check(self) -> None:
        """Check that it can be read, for the health report."""


class RouteSender(Protocol):
    """Sends events along routes."""

    def is_near(self, route: str) -> bool:
        """Whether a route is as fast as the events queue, so that publishing may wait for it."""

    def send(self, route: str, event: CompletionEvent) -> None:
        """Send an event; the same event may be sent twice.

        Raises:
            PublishError: it was not accepted, or the outcome is not known.
        """
