"""The host as an ASGI application: the functions' routes, /admin, and a page at the root."""

import logging
from collections.abc import Mapping, Sequence

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount
from starlette.routing import Route as AdminRoute
from starlette.types import Receive, Scope, Send

from adf_trigger.functions_host.context import InvocationTrace
from adf_trigger.functions_host.errors import FunctionFailed
from adf_trigger.functions_host.http import requests
from adf_trigger.functions_host.http.keys import Keys
from adf_trigger.functions_host.http.responses import from_datum
from adf_trigger.functions_host.http.routing import Route, find
from adf_trigger.functions_host.http.throttle import RequestQueue, TooManyRequests
from adf_trigger.functions_host.invoker import Invoker

_HOME = "The local Azure Functions host is running.\n"
_SCALE_OUT_HEADER = {"x-function-scaleout": "1"}
logger = logging.getLogger(__name__)


class FunctionRoutes:
    """Serves the functions with an HTTP trigger.

    Args:
        table: their routes, in the order in which they are tried.
        keys: what opens them.
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
        response = await self._respond(request)
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        try:
            async with self._queue.place():
                return await self._serve(request)
        except TooManyRequests:
            logger.warning("Refused a request: the queue is full", extra={"action": "http_throttled"})
            return Response(status_code=429, headers=_SCALE_OUT_HEADER)

    async def _serve(self, request: Request) -> Response:
        path = requests.raw_path(request)
        found = find(self._table, request.method, path)
        if found is None:
            return PlainTextResponse(_HOME) if path == "/" else Response(status_code=404)
        route, values = found
        level = self._keys.level(requests.headers(request), requests.query(request))
        if not self._keys.suffices(level, route.trigger.auth_level):
            return Response(status_code=401)
        if route.function.disabled and level != "admin":
            return Response(status_code=404)
        return await self._run(route, values, request)

    async def _run(self, route: Route, values: Mapping[str, str], request: Request) -> Response:
        if "chunked" in request.headers.get("transfer-encoding", ""):
            logger.warning(
                "A chunked request's body does not reach the function: the platform gives it none",
                extra={"action": "chunked_body_dropped", "function": route.function.name},
            )
        try:
            content = await requests.body(request, self._body_limit)
        except requests.BodyTooLarge:
            return Response(status_code=413, headers={"connection": "close"})
        trace = InvocationTrace(request.headers.get("traceparent", ""), request.headers.get("tracestate", ""))
        datum = requests.to_datum(request, values, content)
        reason = f"{request.method} {requests.raw_path(request)}"
        try:
            result = await self._invoker.invoke(route.function, datum, reason=reason, trace=trace)
        except FunctionFailed:
            return Response(status_code=500)  # logged by the invoker; the caller learns nothing more
        try:
            return from_datum(result)
        except FunctionFailed as exc:
            logger.error("%s", exc, extra={"action": "response_refused", "function": route.function.name})  # noqa: TRY400 - the sentence says it all
            return Response(status_code=500)


def application(functions: FunctionRoutes, admin: Sequence[AdminRoute]) -> Starlette:
    """The whole of it."""
    app = Starlette(routes=[Mount("/admin", routes=list(admin)), Mount("/", app=functions)])
    app.router.redirect_slashes = False
    return app
