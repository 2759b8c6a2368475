"""A bounded log of the requests to the management API, for tests to read."""

from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from adf_trigger.emulator.common.models import wire_time

CAPACITY = 20_000


@dataclass(slots=True, kw_only=True)
class SeenRequest:
    """One request.

    Attributes:
        status: of the reply; None while the request is handled, or if there was no reply.
        faults: kinds of the faults that fired on it.
    """

    operation: str
    method: str
    path: str
    client_request_id: str | None
    request_id: str
    started: datetime
    ended: datetime | None = None
    status: int | None = None
    faults: list[str] = field(default_factory=list)

    def shape(self) -> dict[str, Any]:
        """As `/_emulator/requests` shows it."""
        return {
            "operation": self.operation,
            "method": self.method,
            "path": self.path,
            "clientRequestId": self.client_request_id,
            "requestId": self.request_id,
            "started": wire_time(self.started),
            "ended": wire_time(self.ended),
            "status": self.status,
            "faults": self.faults,
        }


class RequestLog:
    """The last requests, and the number of requests by operation since the last reset."""

    def __init__(self) -> None:
        self._requests: deque[SeenRequest] = deque(maxlen=CAPACITY)
        self.counts: Counter[str] = Counter()

    def add(self, request: SeenRequest) -> None:
        """Record a request that has just arrived."""
        self._requests.append(request)
        self.counts[request.operation] += 1

    def find(self, operation: str | None, limit: int) -> list[SeenRequest]:
        """The newest requests, oldest first, of one operation or of all."""
        found = [seen for seen in self._requests if operation in {None, seen.operation}]
        return found[-limit:]

    def clear(self) -> None:
        """Remove all requests and counts."""
        self._requests.clear()
        self.counts.clear()
