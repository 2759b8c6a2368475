"""News to a webhook: one POST, signed as Standard Webhooks says, to a machine that may be called.

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import hashlib
import hmac
import http.client
import socket
import ssl
from contextlib import closing
from pathlib import Path

import certifi

from adf_trigger.azure.deadlines import Deadline
from adf_trigger.azure.public_addresses import (
    Address,
    Resolve,
    UnsafeAddress,
    addresses_of,
    checked_address,
    resolved,
)
from adf_trigger.clock import Clock
from adf_trigger.errors import PublishError
from adf_trigger.events.texts import event_text
from adf_trigger.news import CompletionEvent
from adf_trigger.settings.routes import WebhookTarget

SECONDS = 10.0
"""A call is cut then, whatever the other side does."""

CONNECT_SECONDS = 5.0
CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"

_SUCCESS = range(200, 300)


class WebhookSender:
    """Calls webhooks. Safe to share between threads.

    No redirect is followed, no token of ours is sent, and nothing of an answer is read but its status.

    Args:
        clock: gives the instant that is signed.
        ca_file: PEM file of certificate authorities that are trusted beside the usual ones.
        loopback: whether webhooks of this machine are called, too: for tests.
        resolve: asks for the addresses of a name.
        seconds: after which a call is cut.
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
        self._ca_file = ca_file
        self._loopback = loopback
        self._resolve = resolve
        self._seconds = seconds

    def send(self, target: WebhookTarget, event: CompletionEvent) -> None:
        """Send an event; the same event may be sent twice, under the same `webhook-id`.

        Raises:
            PublishError: it was not taken, as far as could be told. The text names no address.
        """
        body = event_text(event).encode()
        headers = signed(event, body, target.key, int(self._clock().timestamp()))
        try:
            with Deadline(self._seconds) as deadline:
                address = checked_address(target.url, loopback=self._loopback)
                status = self._post(address, body, headers, deadline)
        except UnsafeAddress as exc:
            raise PublishError(f"the webhook's address {exc}") from exc
        except (OSError, http.client.HTTPException, ValueError) as exc:
            raise PublishError(f"the webhook gave no answer: {type(exc).__name__}") from exc
        if status not in _SUCCESS:
            raise PublishError(f"the webhook answered {status}")

    def _post(self, address: Address, body: bytes, headers: dict[str, str], deadline: Deadline) -> int:
        machine = resolved(address, self._resolve)
        with closing(socket.create_connection((machine, address.port), CONNECT_SECONDS)) as plain:
            deadline.guard(plain)
            plain.settimeout(self._seconds)
            if deadline.is_over:
                raise TimeoutError
            connection = http.client.HTTPConnection(address.host, address.port)
            connection.auto_open = 0  # it would ask for the name again
            # Of the name that was checked: the machine has to prove that it is called so.
            connection.sock = plain if address.is_plain else self._over_tls(plain, address.host)
            named = f"{address.host}:{address.port}" if address.is_loopback else address.host
            try:
                connection.request("POST", address.target, body, {"Host": named, **headers})
                status = connection.getresponse().status
                if deadline.is_over:
                    raise TimeoutError  # it was cut, and what came until then looks like all of it
                return status
            finally:
                connection.close()

    def _over_tls(self, plain: socket.socket, host: str) -> ssl.SSLSocket:
        context = ssl.create_default_context(cafile=certifi.where())
        if self._ca_file is not None:
            context.load_verify_locations(cafile=self._ca_file)
        return context.wrap_socket(plain, server_hostname=host)


def signed(event: CompletionEvent, body: bytes, key: bytes, timestamp: int) -> dict[str, str]:
    """The headers of an event: its id for a webhook, the instant, and the signature over both and the body.

    An event's own id may have any characters, and full stops part what is signed: so the id is made of source and id,
    the same for the same news.
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
