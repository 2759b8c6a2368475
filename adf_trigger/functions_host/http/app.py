"""The host as an ASGI application: the functions' routes, /admin, and a page at the root."""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from starlette.requests import ClientDisconnect, Request
from starlette.routing import Route as AdminRoute
from starlette.routing import Router
from starlette.types import ASGIApp, Receive, Scope, Send

from adf_trigger.functions_host.common.errors import FunctionFailed
from adf_trigger.functions_host.http import requests
from adf_trigger.functions_host.http.keys import Keys
from adf_trigger.functions_host.http.responses import (
    CLOSE,
    SCALE_OUT,
    Answer,
    WrongLength,
    from_datum,
    with_server_headers,
)
from adf_trigger.functions_host.http.routing import Route, find
from adf_trigger.functions_host.http.throttle import RequestQueue, TooManyRequests
from adf_trigger.functions_host.worker.context import InvocationTrace
from adf_trigger.functions_host.worker.index import IndexedFunction
from adf_trigger.functions_host.worker.invoker import Invoker

_HOME = b"The local Azure Functions host is running.\n"
_OWN_PATHS = ("/admin", "/runtime/webhooks")
_NOT_RUNNING = b"Function host is not running."
logger = logging.getLogger(__name__)


class FunctionRoutes:
    """Serves the functions with an HTTP trigger.

    Args:
        table: their routes, in order of precedence.
        keys: of the functions.
        invoker: runs them.
        queue: host.json's limits on requests.
        body_limit: bytes.
    """

    def __init__(
        self, table: Sequence[Route], keys: Keys, invoker: Invoker, queue: RequestQueue, body_limit: int
    ) -> None:
        self._table = table
        self._keys = keys
        self._invoker = invoker
        self._queue = queue
        self._body_limit = body_limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        request = Request(scope, receive)
        try:
            answer = await self._respond(request)
        except ClientDisconnect:
            return  # before the function was called: there is no caller to answer
        await answer(scope, receive, send)

    async def _respond(self, request: Request) -> Answer:
        try:
            async with self._queue.place():
                return await self._serve(request)
        except TooManyRequests:
            logger.warning("Refused a request: the queue is full", extra={"action": "http_throttled"})
            return Answer(429, headers=SCALE_OUT)

    async def _serve(self, request: Request) -> Answer:
        if "host" not in request.headers:  # HTTP 1.0 allows that
            return Answer(500)
        path = requests.path(request)
        found = find(self._table, request.method, path)
        if found is None:
            return Answer(200, _HOME, {"content-type": "text/plain"}) if path == "/" else Answer(404)
        route, values = found
        level = self._keys.level(requests.given_key(request), route.function.name)
        if not self._keys.suffices(level, route.trigger.auth_level):
            return Answer(401)
        if route.function.disabled and level != "admin":
            return Answer(404)
        return await self._run(route, values, request)

    async def _run(self, route: Route, values: Mapping[str, str], request: Request) -> Answer:
        if requests.is_chunked(request):
            logger.warning(
                "Dropped the body of a chunked request, as the platform does",
                extra={"action": "chunked_body_dropped", "function": route.function.name},
            )
        try:
            content = await requests.body(request, self._body_limit)
        except requests.BodyRefused:
            return Answer(500, headers=CLOSE)
        trace = InvocationTrace(request.headers.get("traceparent", ""), request.headers.get("tracestate", ""))
        datum = requests.to_datum(request, values, content)
        reason = f"{request.method} {requests.raw_path(request)}"
        try:
            result = await self._invoker.invoke(route.function, datum, reason=reason, trace=trace)
        except FunctionFailed:
            return Answer(500)  # logged by the invoker; the response has no details
        try:
            return from_datum(result)
        except FunctionFailed as exc:
            logger.error("%s", exc, extra={"action": "response_refused", "function": route.function.name})  # noqa: TRY400 - the sentence suffices
            return Answer(500, headers=CLOSE if isinstance(exc, WrongLength) else None)


class Served(Protocol):
    """A loaded app."""

    @property
    def functions(self) -> tuple[IndexedFunction, ...]:
        """Its functions."""
        ...

    @property
    def http(self) -> ASGIApp:
        """The ASGI application that answers its requests."""
        ...

    async def run_by_hand(self, function: IndexedFunction, text: str) -> None:
        """Run a function that no HTTP request triggers."""
        ...


class Front:
    """Forwards requests to the loaded app; without one, every route is 503.

    Attributes:
        fault: why no app is loaded; empty while that is not known.
    """

    def __init__(self) -> None:
        self.fault = ""
        self.served: Served | None = None

    def serve(self, served: Served) -> None:
        """Serve an app from now on."""
        self.served, self.fault = served, ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        answer: Callable[[Scope, Receive, Send], Awaitable[None]] = Answer(503, _NOT_RUNNING)
        if self.served is not None:
            answer = self.served.http
        await answer(scope, receive, send)


def application(front: Front, admin: Sequence[AdminRoute]) -> ASGIApp:
    """The complete application."""
    router = Router(routes=list(admin), redirect_slashes=False)

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        own = scope["path"].lower().startswith(_OWN_PATHS)
        await (router if own else front)(scope, receive, send)

    return with_server_headers(serve)
