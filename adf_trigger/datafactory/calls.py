"""One call of the management API, and one reply to it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any
from urllib.parse import quote, urlencode
from uuid import UUID

from adf_trigger.datafactory.lenient import count
from adf_trigger.datafactory.models import ReplyHeaders


class Effect(Enum):
    """The effect of a call on the factory, which decides what a missing answer means."""

    NONE = "none"
    """It only reads (the query POSTs, too): repeating it is safe."""
    CHANGE = "change"
    """It puts, deletes or cancels: 409 is a definite conflict."""
    START = "start"
    """It starts a run: 409 may mean that the run already exists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of the management API.

    Attributes:
        operation: its name in the service's OpenAPI description, for logs and errors.
        path: path of the URL below the endpoint, percent-encoded.
        query: query parameters, including api-version.
        body: the JSON to send; None sends no body.
        headers: headers in addition to the default ones.
        accepts: statuses of success.
        within: seconds for the whole call, including the acquisition of its token; None for the default limits.
        secrets: texts of the body that no error and no log may repeat.
    """

    operation: str
    method: str
    path: str
    effect: Effect
    client_request_id: UUID
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    accepts: frozenset[int] = frozenset({200})
    within: float | None = None
    secrets: frozenset[str] = field(default=frozenset(), repr=False)

    @property
    def target(self) -> str:
        """Path and query, as they follow the endpoint."""
        # %20 for a space: unlike +, it means the same to every server.
        return f"{self.path}?{urlencode(self.query, quote_via=quote)}" if self.query else self.path


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply.

    Attributes:
        headers: by lower-cased name.
        body: the whole body, or the part that arrived.
        body_error: why the body is incomplete; the status is valid nevertheless.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    body_error: Exception | None = None

    def facts(self, client_request_id: UUID) -> ReplyHeaders:
        """The headers that results expose."""
        return ReplyHeaders(
            request_id=self.headers.get("x-ms-request-id"),
            correlation_id=self.headers.get("x-ms-correlation-request-id"),
            routing_request_id=self.headers.get("x-ms-routing-request-id"),
            client_request_id=str(client_request_id),
            remaining_reads=self._count("x-ms-ratelimit-remaining-subscription-reads"),
            remaining_writes=self._count("x-ms-ratelimit-remaining-subscription-writes"),
            date=self.headers.get("date"),
            location=self.headers.get("location"),
        )

    def _count(self, header: str) -> int | None:
        return count(self.headers.get(header, ""))
