"""Sends a call over HTTP, once: returns a reply, or raises an error that says whether the request may have arrived."""

import platform
import threading
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import requests
import urllib3
from requests.auth import AuthBase

from adf_trigger import __version__
from adf_trigger.azure.clouds import checked_endpoint
from adf_trigger.azure.connections import TrackingAdapter, TrustingAdapter, begin_request, request_stage
from adf_trigger.azure.deadlines import Deadline
from adf_trigger.azure.sessions import CachingSession
from adf_trigger.datafactory.calls import Call, Effect, Reply
from adf_trigger.datafactory.failures import no_reply

USER_AGENT = (
    f"adf-trigger/{__version__} (Python {platform.python_version()}; requests {requests.__version__})"
)

_CHUNK = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The time and size limits of a call.

    Attributes:
        connect: seconds to make a connection.
        read: seconds between two bytes of the reply.
        whole: seconds from the beginning of the call after which nothing of it is sent, and its connection is shut
            down, so that waiting for its reply ends.
        body: maximum bytes of a reply.
        idle: maximum seconds that a connection reused by a call with an effect may have been idle. Servers and proxies
            close idle ones, many after 5 s, and the outcome of a call sent at that moment is unknown for minutes.
    """

    connect: float = 5.0
    read: float = 30.0
    whole: float = 60.0
    body: int = 64 * 1024 * 1024
    idle: float = 2.0


class _BodyTooLong(OSError):
    """A reply exceeds the limits of size or time."""


class _BearerToken(AuthBase):
    """Sets the token. An explicit auth object keeps requests from reading a .netrc file."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class Transport:
    """Sends calls to one management endpoint, with one requests session per thread.

    Args:
        endpoint: base URL; plain http for loopback addresses only.
        ca_file: PEM file of certificate authorities to trust in addition to the default ones. Proxies are read from the
            environment, as requests does.
        limits: time and size limits of each call.

    Raises:
        ValueError: the endpoint is not allowed, or the CA file cannot be used.
    """

    def __init__(self, endpoint: str, *, ca_file: Path | None = None, limits: Limits | None = None) -> None:
        TrustingAdapter(ca_file).close()  # a wrong file fails here, not at the first call
        self.endpoint = checked_endpoint(endpoint)
        self._host = urlsplit(self.endpoint).netloc
        self._ca_file = ca_file
        self._limits = limits or Limits()
        self._thread = threading.local()
        self._sessions: weakref.WeakSet[requests.Session] = weakref.WeakSet()
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the idle connections of all threads."""
        with self._lock:
            sessions = list(self._sessions)
        for session in sessions:
            session.close()

    def send(self, call: Call, body: bytes | None, token: str, *, within: float | None = None) -> Reply:
        """Send a call once.

        Args:
            call: what to send.
            body: its body.
            token: the bearer token.
            within: seconds for the call, if less than the default limit.

        Raises:
            NotSent: no connection was made.
            Unavailable: a call that only reads got no reply.
            UnknownOutcome: a call with an effect got no reply.
        """
        seconds = self._limits.whole if within is None else min(within, self._limits.whole)
        with Deadline(seconds) as deadline:
            begin_request(deadline, idle=None if call.effect is Effect.NONE else self._limits.idle)
            try:
                with self._session().request(
                    call.method,
                    self.endpoint + call.target,
                    data=body,
                    headers=_headers(call, body),
                    auth=_BearerToken(token),
                    timeout=(min(self._limits.connect, seconds), self._limits.read),
                    allow_redirects=False,
                    stream=True,
                ) as response:
                    return self._reply(response, deadline, seconds)
            # OSError: the root of requests' errors. HTTPError: those that requests does not wrap.
            except (OSError, urllib3.exceptions.HTTPError) as exc:
                raise no_reply(call, self._host, exc, request_stage()) from exc

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._thread, "session", None)
        if session is None:
            session = self._thread.session = CachingSession()
            session.mount("https://", TrackingAdapter(self._ca_file))
            session.mount("http://", TrackingAdapter(self._ca_file))
            with self._lock:
                self._sessions.add(session)
        return session

    def _reply(self, response: requests.Response, deadline: Deadline, seconds: float) -> Reply:
        headers = {name.lower(): value for name, value in response.headers.items()}
        body = bytearray()
        error: Exception | None = None
        try:
            self._read_body(response, body, deadline, seconds)
        except (OSError, urllib3.exceptions.HTTPError) as exc:
            error = exc
        return Reply(response.status_code, headers, bytes(body), error)

    def _read_body(
        self, response: requests.Response, body: bytearray, deadline: Deadline, seconds: float
    ) -> None:
        # read1 returns the available bytes; iter_content would wait for a full chunk, however slowly it arrives.
        while chunk := response.raw.read1(_CHUNK, decode_content=True):
            body += chunk
            if len(body) > self._limits.body:
                raise _BodyTooLong(f"over {self._limits.body} bytes")
        if deadline.is_over:  # a connection that was shut down looks like the end of a body without a length
            raise _BodyTooLong(f"over {seconds:g} seconds")


def _headers(call: Call, body: bytes | None) -> dict[str, str]:
    headers = {
        "Accept": "application/json",
        "User-Agent": USER_AGENT,
        "x-ms-client-request-id": str(call.client_request_id),
    }
    if body is not None:
        headers["Content-Type"] = "application/json; charset=utf-8"
    return headers | dict(call.headers)
