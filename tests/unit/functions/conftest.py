"""The functions over memory adapters, called as the host calls them."""

import asyncio
import inspect
import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import azure.functions as func
import pytest

from adf_trigger.functions.app import app_of
from adf_trigger.functions.bindings import Bindings
from adf_trigger.functions_host.worker.context import InvocationContext
from tests.support.log_records import records_can_be_read  # noqa: F401  # a fixture of all of them
from tests.support.world import World

NEVER = datetime.max.replace(tzinfo=UTC)
"""The expiry of a message that never expires."""
INSERTED = datetime(2026, 1, 5, 11, 59, tzinfo=UTC)


class Message(func.QueueMessage):
    """A queue message as the worker passes it."""

    def __init__(
        self,
        body: bytes,
        *,
        message_id: str = "m-1",
        attempts: int = 1,
        inserted_at: datetime = INSERTED,
        life: timedelta | None = None,
    ) -> None:
        super().__init__(id=message_id, body=body)
        self._inserted_at = inserted_at
        self._life = life
        self._attempts = attempts

    @property
    def dequeue_count(self) -> int:
        return self._attempts

    @property
    def insertion_time(self) -> datetime:
        return self._inserted_at

    @property
    def expiration_time(self) -> datetime:
        return NEVER if self._life is None else self._inserted_at + self._life


class Caller:
    """Calls functions by name."""

    def __init__(self, world: World, bindings: Bindings | None = None) -> None:
        self.world = world
        bindings = bindings or Bindings.of(world.settings)
        functions = app_of(lambda: world.services, bindings, clock=world.clock).get_functions()
        self._functions: dict[str, Callable[..., Any]] = {
            str(each.get_function_name()): each.get_user_function() for each in functions
        }

    def post(self, body: Any, *, pipeline: str = "load", **headers: str) -> func.HttpResponse:
        """POST /pipelines/{pipeline}/runs; header names are given with underscores."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        request = func.HttpRequest(
            "POST",
            f"http://host/api/pipelines/{pipeline}/runs",
            headers={name.replace("_", "-"): value for name, value in headers.items()},
            route_params={"pipeline": pipeline},
            body=raw,
        )
        return self.ask("start_run", request)

    def get(self, run: str, **params: str) -> func.HttpResponse:
        """GET /runs/{id}."""
        request = func.HttpRequest(
            "GET", f"http://host/api/runs/{run}", params=params, route_params={"id": run}, body=b""
        )
        return self.ask("get_run", request)

    def follow(self, link: str) -> func.HttpResponse:
        """GET the run, or the message, of a link."""
        url = urlsplit(link)
        return self.get(url.path.rpartition("/")[2], **dict(parse_qsl(url.query)))

    def steer(
        self,
        verb: str,
        run: str,
        body: Any = None,
        *,
        params: Mapping[str, str] | None = None,
        **headers: str,
    ) -> func.HttpResponse:
        """POST /runs/{id}/{verb}; header names are given with underscores."""
        request = func.HttpRequest(
            "POST",
            f"http://host/api/runs/{run}/{verb}",
            headers={name.replace("_", "-"): value for name, value in headers.items()},
            params=dict(params or {}),
            route_params={"id": run},
            body=body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode(),
        )
        return self.ask(f"{verb}_run", request)

    def function(self, name: str) -> Callable[..., Any]:
        """A function, as the host calls it."""
        return self._functions[name]

    def health(self) -> func.HttpResponse:
        """GET /health."""
        return self.call("health", "GET", "health")

    def tick(self) -> None:
        """Fire the timer."""
        self._functions["tick"](func.timer.TimerRequest(), InvocationContext("", "", ""))

    def call(
        self, function: str, method: str, path: str, *, body: bytes = b"", **headers: str
    ) -> func.HttpResponse:
        """Call any function; header names are given with underscores."""
        request = func.HttpRequest(
            method,
            f"http://host/api/{path}",
            headers={name.replace("_", "-"): value for name, value in headers.items()},
            route_params={"pipeline": "load", "id": "k"},
            body=body,
        )
        return self.ask(function, request)

    def ask(self, function: str, request: func.HttpRequest) -> func.HttpResponse:
        """Call any function with a request as it is."""
        call = self._functions[function]
        wants_context = "context" in inspect.signature(call).parameters
        answer = call(request, InvocationContext("i-1", function, ".")) if wants_context else call(request)
        response: func.HttpResponse = asyncio.run(answer) if asyncio.iscoroutine(answer) else answer
        return response

    def message(self, body: Any, *, base64: bool = False, poison: bool = False, **options: Any) -> None:
        """Deliver a message of the requests queue, or of its poison queue."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        message = Message(b64encode(raw) if base64 else raw, **options)
        if poison:
            self._functions["take_poison"](message)
        else:
            self._functions["take_request"](message, InvocationContext("", "", ""))


@pytest.fixture
def world() -> World:
    """A service whose factory has a pipeline `load` without parameters."""
    world = World()
    world.factory.declare("load")
    return world


@pytest.fixture
def caller(world: World) -> Caller:
    """Calls the functions of that service."""
    return Caller(world)
