"""Connections that send a small request in one piece.

http.client sends the head of a request and its body apart: two packets or records of TLS, for each of which the other
side wakes up, and this thread gives up the interpreter's lock and has to wait for it again.
"""

from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection

LARGEST = 64 * 1024
"""Bytes of a request, head and body, that is sent in one piece."""


class WholeRequests(HTTPConnection):
    """A connection whose requests are sent in one piece, while they are small. Connecting is not changed by it."""

    _held: bytearray | None = None

    def request(self, *args: Any, **kwargs: Any) -> None:
        """See HTTPConnection."""
        self._held = bytearray()
        try:
            super().request(*args, **kwargs)
            self._send_held()
        finally:
            self._held = None

    def send(self, data: Any) -> None:  # noqa: ANN401  # as wide as what http.client sends
        """See HTTPConnection."""
        if self._held is not None and isinstance(data, bytes) and len(self._held) + len(data) <= LARGEST:
            self._held += data
            return
        self._send_held()
        super().send(data)

    def _send_held(self) -> None:
        """Send what is held, and hold nothing of this request any more."""
        held, self._held = self._held, None
        if held:
            super().send(bytes(held))


class WholeTLSRequests(WholeRequests, HTTPSConnection):
    """The same over TLS."""
