"""Real servers for the Web and WebHook activities to call, and a context to run an activity in."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
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
    ResolvedDataset,
)
from adf_trigger.emulator.engine.secrets import revealed
from adf_trigger.emulator.servers import serving

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
    """An ASGI app that remembers what it was asked and answers by path; what is not told is a 404."""

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


@dataclass
class Context:
    """An ActivityContext over literal values: expressions are the engine's concern."""

    type_properties: dict[str, Any]
    http: httpx.AsyncClient
    datasets: dict[str, ResolvedDataset] = field(default_factory=dict)
    linked_services: dict[str, tuple[str, dict[str, Any]]] = field(default_factory=dict)
    vault: dict[str, str] = field(default_factory=dict)
    location: str = "East US"
    name: str = "Web1"
    slept: list[float] = field(default_factory=list)

    @property
    def definition(self) -> dict[str, Any]:
        return {"name": self.name, "typeProperties": self.type_properties}

    def evaluate(self, value: Any) -> Any:
        return value

    async def dataset(self, reference: dict[str, Any]) -> ResolvedDataset:
        return self.datasets[reference["referenceName"]]

    async def linked_service(self, reference: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        return self.linked_services[reference["referenceName"]]

    async def reveal(self, value: Any) -> Any:
        return await revealed(value, self._ask_vault)

    async def _ask_vault(self, secret: Mapping[str, Any]) -> str:
        return self.vault[secret["secretName"]]

    async def token(self, resource: str) -> str:
        return f"token-for-{resource}"

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(min(seconds, 0.2))


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
                self.context = Context(placed, **{"http": http, **context})
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
