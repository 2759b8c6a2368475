"""A service for the client's tests: a function that answers, and its recorded calls. Sleeping advances the clock."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any
from uuid import UUID

import httpx

from adf_trigger.client import Client
from adf_trigger.client.retrying import Retrying
from adf_trigger.client.settings import ClientSettings

URL = "https://app.example"
KEY = "a-function-key"
RUN_ID = "5f0c1111-2222-4333-8444-555566667777"

Reply = httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]


class Time:
    """A clock that sleeping advances."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


class Service:
    """Returns the replies in order, the last of them repeatedly; records the calls."""

    def __init__(self, *replies: Reply) -> None:
        self.replies = list(replies)
        self.asked: list[httpx.Request] = []
        self.time = Time()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.asked.append(request)
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if isinstance(reply, Exception):
            raise reply
        if isinstance(reply, httpx.Response):
            return reply
        return reply(request)

    def client(self, *, within: float = 60.0, key: str | None = KEY) -> Client:
        """A client of it, whose keys are 1, 2, 3 as GUIDs."""
        numbers = iter(range(1, 1000))
        retrying = Retrying(
            within=within, clock=lambda: self.time.now, sleep=self.time.sleep, chance=lambda: 1.0
        )
        settings = ClientSettings.from_env(
            {"ADF_TRIGGER_URL": URL, **({"ADF_TRIGGER_KEY": key} if key else {})}
        )
        return Client(
            settings=settings,
            retrying=retrying,
            http=httpx.MockTransport(self),
            ids=lambda: UUID(int=next(numbers)),
        )


def run(status: str = "InProgress", **members: Any) -> dict[str, Any]:
    """A run as the service returns it."""
    return {
        "requestId": "key-1",
        "runId": RUN_ID,
        "factory": "default",
        "pipeline": "LoadOrders",
        "status": status,
        "ended": status in {"Succeeded", "Failed", "Cancelled", "Rejected", "Unknown"},
        "requestedAt": "2026-11-26T06:00:00Z",
        "links": {"self": "/api/runs/key-1"},
        **members,
    }


def answer(
    document: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None
) -> Callable[[httpx.Request], httpx.Response]:
    """An answer of JSON, new each time."""
    return lambda _request: httpx.Response(status, json=document, headers=headers)


def problem(
    kind: str, status: int, *, headers: Mapping[str, str] | None = None, **members: Any
) -> Callable[[httpx.Request], httpx.Response]:
    """A problem as the service answers it."""
    document = {
        "type": f"https://adf-trigger.dev/problems/{kind}",
        "title": kind,
        "status": status,
        **members,
    }
    kinds = {"Content-Type": "application/problem+json", **(headers or {})}
    return lambda _request: httpx.Response(status, json=document, headers=kinds)


def silent(status: int, text: str = "", headers: Mapping[str, str] | None = None) -> Reply:
    """A reply of the platform, without a body of the service."""
    return lambda _request: httpx.Response(status, text=text, headers=headers)


def keys_of(asked: Iterable[httpx.Request]) -> list[str]:
    """The idempotency keys of some calls."""
    return [request.headers["Idempotency-Key"] for request in asked]
