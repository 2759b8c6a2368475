"""A Data Factory that is a function, and the tokens of its callers."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any
from uuid import UUID

import requests
import responses

from adf_trigger.azure.resource_ids import FactoryId
from adf_trigger.datafactory.management import ManagementApi, RetryPolicy
from adf_trigger.datafactory.transport import Transport

ENDPOINT = "https://management.azure.com"
FACTORY = FactoryId("12345678-1234-4234-8234-123456789abc", "my-group", "my-factory")
TOKEN = "first.token.secret"
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)

Answer = tuple[int, Mapping[str, str], str | bytes]
Handler = Callable[[requests.PreparedRequest], Answer]


def answer(status: int = 200, body: Any = None, **headers: str) -> Answer:
    """A reply with a JSON body; header names are written with underscores."""
    text = body if isinstance(body, (str, bytes)) else "" if body is None else json.dumps(body)
    return status, {name.replace("_", "-"): value for name, value in headers.items()}, text


@dataclass
class Service:
    """Answers every call with the result of `handler`, and records the calls."""

    handler: Handler = field(default=lambda _: answer(500))
    calls: list[requests.PreparedRequest] = field(default_factory=list)

    def answers(self, *given: Answer | Exception) -> None:
        """Return these answers in turn, the last one repeatedly; an exception is raised in the HTTP library's place."""
        left = list(given)

        def handler(_: requests.PreparedRequest) -> Answer:
            next_one = left.pop(0) if len(left) > 1 else left[0]
            if isinstance(next_one, Exception):
                raise next_one
            return next_one

        self.handler = handler

    def __call__(self, request: requests.PreparedRequest) -> Answer:
        self.calls.append(request)
        return self.handler(request)

    @property
    def body(self) -> Any:
        """The JSON of the last call."""
        body = self.calls[-1].body
        return None if body is None else json.loads(body)


@contextmanager
def served(service: Service) -> Iterator[Service]:
    """Puts the service behind every URL."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        for method in ("GET", "PUT", "POST", "DELETE"):
            mock.add_callback(method, re.compile(".*"), callback=service, content_type=None)
        yield service


@dataclass
class Tokens:
    """Returns tokens from a list; an invalidated one is followed by the next, the last one stays."""

    left: list[str]
    invalidated: list[str] = field(default_factory=list)

    def token(self) -> str:
        return self.left[0]

    def invalidate(self, token: str) -> None:
        self.invalidated.append(token)
        if len(self.left) > 1:
            self.left.pop(0)


def management_api(tokens: Tokens, **policy: float) -> ManagementApi:
    """The management API; by default, reads are tried three times without waiting."""
    ids = (UUID(int=number) for number in count(1))
    retries = RetryPolicy(**({"attempts": 3, "wait_initial": 0, "wait_max": 0, "wait_jitter": 0} | policy))  # type: ignore[arg-type]  # attempts is a whole number
    return ManagementApi(
        Transport(ENDPOINT), tokens, retries=retries, clock=lambda: NOW, ids=lambda: next(ids)
    )
