"""The outgoing queues, as the use cases see them: a port."""

from datetime import timedelta
from typing import Protocol

from adf_trigger.news import CompletionEvent, RejectedMessage


class Outbox(Protocol):
    """Where news leaves the service. Every method may raise PublishError, after which it may be called again."""

    def publish(self, event: CompletionEvent) -> None:
        """Send a completion event; the same event may be sent twice."""

    def reject(self, message: RejectedMessage) -> None:
        """Put a message that can never work where a person finds it."""

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
    """Sends news along routes."""

    def is_near(self, route: str) -> bool:
        """Whether it is no slower than the events queue, so that who publishes may wait for it."""

    def send(self, route: str, event: CompletionEvent) -> None:
        """Send an event; the same event may be sent twice.

        Raises:
            PublishError: it was not taken, or the outcome is not known.
        """
