"""Keeps a token service's own error answers.

The libraries discard most of them: for a 429, 500 or 400 of App Service's identity endpoint they report that managed
identity is not configured.
"""

import threading
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import requests
from azure.core.exceptions import ServiceResponseError
from azure.core.pipeline.transport import RequestsTransport

from adf_trigger.azure.connections import TrustingAdapter
from adf_trigger.azure.retry_after import retry_after
from adf_trigger.azure.scrubbing import Scrubber
from adf_trigger.clock import Clock

_CONNECT_TIMEOUT = 5  # seconds
_READ_TIMEOUT = 10  # seconds
_LONGEST_WAIT = 5.0
"""Maximum Retry-After, in seconds, that is slept; a longer one is raised as an error."""

_LONGEST_BODY = 2_000
_ERROR = 400
_KEY_HEADER = "X-IDENTITY-HEADER"
"""The key of App Service's identity endpoint, which an answer may echo."""


@dataclass(frozen=True, slots=True)
class TokenRefusal:
    """An answer without a token.

    Attributes:
        host: the host that answered.
        status: HTTP status.
        body: its beginning, with white space collapsed; it may repeat a secret.
        retry_after: seconds that it asks to wait; None if it named none.
    """

    host: str
    status: int
    body: str
    retry_after: float | None

    def __str__(self) -> str:
        asked = "" if self.retry_after is None else f" (Retry-After {self.retry_after:g} seconds)"
        return f"{self.host} answered HTTP {self.status}{asked}: {self.body or 'no body'}"


class TokenReplies:
    """Records the last answer that each thread got from a token service.

    Args:
        clock: returns the current time, from which an HTTP date in Retry-After is counted.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._thread = threading.local()

    @property
    def refusal(self) -> TokenRefusal | None:
        """The last answer to this thread, if it was an error."""
        found: TokenRefusal | None = getattr(self._thread, "refusal", None)
        return found

    def forget(self) -> None:
        """Forget it: this thread is about to ask again."""
        self._thread.refusal = None

    def note(self, response: requests.Response, *_: object, **__: object) -> None:
        """A hook of requests: record an answer."""
        if response.status_code < _ERROR:
            self.forget()
            return
        self._thread.refusal = TokenRefusal(
            host=urlsplit(response.url).netloc,
            status=response.status_code,
            body=_beginning(response),
            retry_after=retry_after(
                {"retry-after": response.headers.get("Retry-After", "")}, now=self._clock()
            ),
        )


class TokenTransport(RequestsTransport):  # type: ignore[misc]  # loaded lazily, which mypy takes for Any
    """azure-core's transport with time-outs, and with a bound on the sleeps that a Retry-After asks for.

    Args:
        ca_file: PEM file of certificate authorities to trust in addition to the default ones.
        replies: records every answer.
    """

    def __init__(self, ca_file: Path | None, replies: TokenReplies) -> None:
        session = requests.Session()
        for scheme in ("https://", "http://"):
            session.mount(scheme, TrustingAdapter(ca_file))
        session.hooks["response"].append(replies.note)
        super().__init__(session=session, connection_timeout=_CONNECT_TIMEOUT, read_timeout=_READ_TIMEOUT)

    def sleep(self, duration: float) -> None:
        """Sleep before a retry.

        Raises:
            ServiceResponseError: it is too long to sleep.
        """
        if duration > _LONGEST_WAIT:
            raise ServiceResponseError(f"the token service asks to wait {duration:g} seconds")
        super().sleep(duration)


def _beginning(response: requests.Response) -> str:
    try:
        text = response.text
    except (OSError, LookupError):
        return "an incomplete body"
    scrub = Scrubber([response.request.headers.get(_KEY_HEADER, "")])
    return " ".join(scrub(text)[:_LONGEST_BODY].split())
