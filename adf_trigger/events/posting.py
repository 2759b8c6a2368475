"""A POST to an external address: checked, sent once, and bounded in time.

No redirect is followed, no token of ours is sent, and only the status of an answer is read.
"""

import http.client
import socket
import ssl
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import certifi

from adf_trigger.azure.deadlines import Deadline
from adf_trigger.azure.public_addresses import (
    LONGEST,
    Address,
    Resolve,
    UnsafeAddress,
    addresses_of,
    checked_address,
    resolved,
)
from adf_trigger.errors import PublishError

SECONDS = 10.0
"""Seconds after which a call is aborted, even if the other side still sends."""

CONNECT_SECONDS = 5.0


class Poster:
    """Calls external addresses. Thread-safe.

    Args:
        what: names the receiver in errors: `the webhook`.
        ca_file: PEM file of certificate authorities to trust in addition to the default ones.
        loopback: whether loopback addresses may be called, for tests.
        resolve: resolves a name to addresses.
        seconds: time after which a call is aborted.
        longest: maximum length of an address, in characters.
    """

    def __init__(
        self,
        what: str,
        *,
        ca_file: Path | None = None,
        loopback: bool = False,
        resolve: Resolve = addresses_of,
        seconds: float = SECONDS,
        longest: int = LONGEST,
    ) -> None:
        self._what = what
        self._ca_file = ca_file
        self._loopback = loopback
        self._resolve = resolve
        self._seconds = seconds
        self._longest = longest

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Send a body; returns the status of the answer.

        Raises:
            PublishError: there was no answer, or the address must not be called. The text names no address.
        """
        try:
            with Deadline(self._seconds) as deadline:
                address = checked_address(url, loopback=self._loopback, longest=self._longest)
                return self._post(address, body, headers, deadline)
        except UnsafeAddress as exc:
            raise PublishError(f"{self._what}'s address {exc}") from exc
        except (OSError, http.client.HTTPException, ValueError) as exc:
            raise PublishError(f"{self._what} gave no answer: {type(exc).__name__}") from exc

    def _post(self, address: Address, body: bytes, headers: Mapping[str, str], deadline: Deadline) -> int:
        machine = resolved(address, self._resolve)
        with closing(socket.create_connection((machine, address.port), CONNECT_SECONDS)) as plain:
            deadline.guard(plain)
            plain.settimeout(self._seconds)
            if deadline.is_over:
                raise TimeoutError
            connection = http.client.HTTPConnection(address.host, address.port)
            connection.auto_open = 0  # it would resolve the name again
            # TLS checks the certificate against the name that was checked.
            connection.sock = plain if address.is_plain else self._over_tls(plain, address.host)
            named = f"{address.host}:{address.port}" if address.is_loopback else address.host
            try:
                connection.request("POST", address.target, body, {"Host": named, **headers})
                status = connection.getresponse().status
                if deadline.is_over:
                    raise TimeoutError  # the connection was shut down, and a partial answer looks complete
                return status
            finally:
                connection.close()

    def _over_tls(self, plain: socket.socket, host: str) -> ssl.SSLSocket:
        context = ssl.create_default_context(cafile=certifi.where())
        if self._ca_file is not None:
            context.load_verify_locations(cafile=self._ca_file)
        return context.wrap_socket(plain, server_hostname=host)
