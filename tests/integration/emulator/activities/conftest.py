"""Real servers for the Web and WebHook activities to call, and a context to run an activity in."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from adf_trigger.emulator.contract.activity import (
    Activity,
    ActivityFailed,
    ActivityResult,
)
from adf_trigger.emulator.serving.servers import serving
from tests.support.activity_context import Context

Handler = Callable[[Request], Awaitable[Response] | Response]
T = TypeVar("T")


@dataclass(slots=True)
class Seen:
    """One request that a server was sent."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: str


class Endpoint:
    """An ASGI app that records its requests and answers by path; a path without an answer is a 404."""

    def __init__(self, **handlers: Handler) -> None:
        self.handlers = handlers
        self.seen: list[Seen] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        body = (await request.body()).decode()
        self.seen.append(Seen(request.method, request.url.path, request.headers, body))
        handler = self.handlers.get(request.url.path.strip("/").replace("/", "_") or "root")
        answer = handler(request) if handler else Response(status_code=404)
        response = answer if isinstance(answer, Response) else await answer
        await response(scope, receive, send)


async def _briefly(seconds: float) -> None:
    await asyncio.sleep(min(seconds, 0.2))


def context_of(properties: dict[str, Any], http: httpx.AsyncClient, **attributes: Any) -> Context:
    """The context of an activity with these typeProperties; its waits are short."""
    definition = {"name": "Web1", "typeProperties": properties}
    return Context(definition, http, **{"sleeper": _briefly, **attributes})


class Stage:
    """Runs an activity against an endpoint served on a real socket; `$URL` in properties is its address.

    Attributes:
        endpoint: the server of the last run.
        context: the context of the last run.
        url: where it was served.
    """

    endpoint: Endpoint
    context: Context
    url: str

    def run(
        self, activity: Activity, properties: dict[str, Any], endpoint: Endpoint, **context: Any
    ) -> ActivityResult:
        async def story() -> ActivityResult:
            async with serving(endpoint) as url, httpx.AsyncClient(trust_env=False) as http:
                self.url = url
                placed = json.loads(json.dumps(properties).replace("$URL", url))
                self.context = context_of(placed, http, **context)
                return await activity(self.context)

        self.endpoint = endpoint
        return asyncio.run(story())

    def fail(
        self, activity: Activity, properties: dict[str, Any], endpoint: Endpoint, **context: Any
    ) -> ActivityFailed:
        """The failure that the activity ends with."""
        with pytest.raises(ActivityFailed) as caught:
            self.run(activity, properties, endpoint, **context)
        return caught.value


@pytest.fixture
def stage() -> Stage:
    """Somewhere to run an activity."""
    return Stage()


def ok(_request: Request) -> Response:
    """Answer with a small JSON object."""
    return JSONResponse({"answer": 42})
