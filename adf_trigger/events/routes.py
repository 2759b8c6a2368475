"""Routes to further consumers, over queues and webhooks."""

from collections.abc import Mapping

from azure.storage.queue import QueueClient

from adf_trigger.errors import PublishError
from adf_trigger.events.queues import put_message
from adf_trigger.events.texts import event_text
from adf_trigger.events.webhooks import WebhookSender
from adf_trigger.news import CompletionEvent
from adf_trigger.settings.routes import WebhookTarget


class Routes:
    """Routes to queues and to webhooks.

    Args:
        queues: route → client of its queue.
        webhooks: route → its webhook.
        sender: calls webhooks.
    """

    def __init__(
        self, queues: Mapping[str, QueueClient], webhooks: Mapping[str, WebhookTarget], sender: WebhookSender
    ) -> None:
        self._queues = queues
        self._webhooks = webhooks
        self._sender = sender

    def is_near(self, route: str) -> bool:
        """See outbox.RouteSender."""
        return route in self._queues

    def send(self, route: str, event: CompletionEvent) -> None:
        """See outbox.RouteSender."""
        queue, webhook = self._queues.get(route), self._webhooks.get(route)
        if queue is not None:
            put_message(queue, event_text(event))
        elif webhook is not None:
            self._sender.send(webhook, event)
        else:
            raise PublishError("the route is not configured")
