"""Where news leaves the service, as the use cases see it."""

from typing import Protocol

from adf_trigger.contracts import CompletionEvent, RejectedMessage


class Outbox(Protocol):
    """Where news leaves the service. Every method may raise PublishError, after which it may be called again."""

    def publish(self, event: CompletionEvent) -> None:
        """Send a completion event; the same event may be sent twice."""

    def reject(self, message: RejectedMessage) -> None:
        """Put a message that can never work where a person finds it."""

    def put_back(self, text: str, *, delay: float, poison: bool = False) -> None:
        """Put a message into the requests queue, or its poison queue, again, to be delivered after `delay` seconds."""

    def check(self) -> None:
        """Read something, for the health check."""
