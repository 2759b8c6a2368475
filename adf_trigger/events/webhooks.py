"""Events to a webhook: one POST, signed according to Standard Webhooks, to a checked address.

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import hashlib
import hmac
from pathlib import Path

from adf_trigger.azure.public_addresses import Resolve, addresses_of
from adf_trigger.clock import Clock
from adf_trigger.errors import PublishError
from adf_trigger.events.posting import SECONDS, Poster
from adf_trigger.events.texts import event_text
from adf_trigger.news import CompletionEvent
from adf_trigger.settings.routes import WebhookTarget

CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"

_SUCCESS = range(200, 300)


class WebhookSender:
    """Calls webhooks. Thread-safe.

    No redirect is followed, no token of ours is sent, and only the status of an answer is read.

    Args:
        clock: returns the time that is signed.
        ca_file: PEM file of certificate authorities to trust in addition to the default ones.
        loopback: whether loopback addresses may be called, for tests.
        resolve: resolves a name to addresses.
        seconds: time after which a call is aborted.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        ca_file: Path | None = None,
        loopback: bool = False,
        resolve: Resolve = addresses_of,
        seconds: float = SECONDS,
    ) -> None:
        self._clock = clock
        self._poster = Poster(
            "the webhook", ca_file=ca_file, loopback=loopback, resolve=resolve, seconds=seconds
        )

    def send(self, target: WebhookTarget, event: CompletionEvent) -> None:
        """Send an event; the same event may be sent twice, under the same `webhook-id`.

        Raises:
            PublishError: it was not accepted, or the outcome is not known. The text names no address.
        """
        body = event_text(event).encode()
        headers = signed(event, body, target.key, int(self._clock().timestamp()))
        status = self._poster.post(target.url, body, headers)
        if status not in _SUCCESS:
            raise PublishError(f"the webhook answered {status}")


def signed(event: CompletionEvent, body: bytes, key: bytes, timestamp: int) -> dict[str, str]:
    """The headers of an event: its webhook id, the time, and the signature over both and the body.

    An event's own id may have any characters, and full stops separate the signed parts: so the webhook id is a hash of
    source and id, the same for every repeat of an event.
    """
    name = hashlib.sha256(f"{event.source}\n{event.id}".encode(errors="replace")).hexdigest()[:40]
    webhook_id = f"msg_{name}"
    to_sign = f"{webhook_id}.{timestamp}.".encode() + body
    signature = base64.b64encode(hmac.new(key, to_sign, hashlib.sha256).digest()).decode()
    return {
        "Content-Type": CONTENT_TYPE,
        "User-Agent": "adf-trigger",
        "webhook-id": webhook_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{signature}",
    }
