"""Connections that send a small request in one piece, and that accept only final answers.

http.client sends the head of a request and its body separately: two packets or TLS records, for each of which the peer
wakes up, and this thread releases the interpreter's lock and has to acquire it again.
"""

import http
from http.client import BadStatusLine
from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.response import HTTPResponse

LARGEST = 64 * 1024
"""Maximum bytes, head and body, of a request that is sent in one piece."""


class WholeRequests(HTTPConnection):
    """A connection that sends small requests in one piece. Connecting is unchanged."""

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

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as urllib3 has it
        """See HTTPConnection. An interim answer is an error: the final one would be read as that of the next request.

        http.client skips only 100, and treats any other status below 200 as a complete answer.

        Raises:
            BadStatusLine: there was an interim answer; the connection is closed.
        """
        response = super().getresponse()
        if response.status < http.HTTPStatus.OK:
            self.close()
            raise BadStatusLine(f"interim answer {response.status}")
        return response

    def _send_held(self) -> None:
        """Send the held bytes, and stop holding for this request."""
        held, self._held = self._held, None
        if held:
            super().send(bytes(held))


class WholeTLSRequests(WholeRequests, HTTPSConnection):
    """The same over TLS."""
