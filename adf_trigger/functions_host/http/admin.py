"""The host's own routes under /admin, most of which require the master key."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from functools import wraps

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from adf_trigger.functions_host.http import requests
from adf_trigger.functions_host.http.app import Front
from adf_trigger.functions_host.http.keys import Keys
from adf_trigger.functions_host.worker.index import HttpTrigger, IndexedFunction

VERSION = "4.0.0.0"

_CHALLENGE = {"www-authenticate": "Bearer"}
_Endpoint = Callable[[Request], Awaitable[Response]]


class Admin:
    """Status of the host, its functions and their keys, and manual starts of functions.

    Args:
        keys: including the master key.
        host_id: see HostConfig.
        front: holds the loaded app.
    """

    def __init__(self, keys: Keys, host_id: str, front: Front) -> None:
        self._keys = keys
        self._host_id = host_id
        self._front = front
        self._started = time.monotonic()
        self._tasks: set[asyncio.Task[None]] = set()

    def routes(self) -> list[Route]:
        """The routes."""
        guarded = self._guarded
        return [
            Route("/admin/host/ping", _ok, methods=["GET", "POST"]),
            Route("/admin/warmup", _ok, methods=["GET", "POST"]),
            Route("/admin/host/status", guarded(self._status)),
            Route("/admin/host/keys", guarded(self._host_keys)),
            Route("/admin/functions", guarded(self._list)),
            Route("/admin/functions/{name}", guarded(self._invoke), methods=["POST"]),
            Route("/admin/functions/{name}/keys", guarded(self._function_keys)),
            Route("/admin/functions/{name}/status", guarded(self._function_status)),
            Route("/admin/{rest:path}", guarded(_nothing)),
            Route("/runtime/webhooks/{rest:path}", guarded(_nothing), methods=["GET", "POST"]),
        ]

    def _guarded(self, endpoint: _Endpoint) -> _Endpoint:
        @wraps(endpoint)
        async def guarded(request: Request) -> Response:
            level = self._keys.level(requests.given_key(request))
            if level == "anonymous":
                return Response(status_code=401, headers=_CHALLENGE)
            return await endpoint(request) if level == "admin" else Response(status_code=403)

        return guarded

    async def _status(self, _: Request) -> Response:
        uptime = round((time.monotonic() - self._started) * 1000)
        status: dict[str, object] = {
            "id": self._host_id,
            "state": "Running" if self._front.served else "Error",
            "version": VERSION,
            "processUptime": uptime,
        }
        if self._front.fault:
            status["errors"] = [self._front.fault]
        return JSONResponse(status)

    async def _host_keys(self, _: Request) -> Response:
        return _keys(self._keys.host)

    async def _function_keys(self, request: Request) -> Response:
        function = self._named(request)
        return _keys(self._keys.of(function.name)) if function else Response(status_code=404)

    async def _list(self, _: Request) -> Response:
        functions = self._front.served.functions if self._front.served else ()
        return JSONResponse([{"name": each.name, "isDisabled": each.disabled} for each in functions])

    async def _function_status(self, request: Request) -> Response:
        function = self._named(request)
        if function is None:
            return Response(status_code=404)
        return JSONResponse({"errors": [function.fault]} if function.fault else {})

    async def _invoke(self, request: Request) -> Response:
        function, served = self._named(request), self._front.served
        if function is None or served is None:
            return Response(status_code=404)
        try:
            document = json.loads(await request.body())
        except ValueError:
            document = None
        if not isinstance(document, dict) or isinstance(function.trigger, HttpTrigger) or function.fault:
            return Response(status_code=400)
        given = document.get("input")
        text = given if isinstance(given, str) else "" if given is None else json.dumps(given)
        task = asyncio.create_task(served.run_by_hand(function, text))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return Response(status_code=202)

    def _named(self, request: Request) -> IndexedFunction | None:
        name = request.path_params["name"].lower()
        functions = self._front.served.functions if self._front.served else ()
        return next((each for each in functions if each.name.lower() == name), None)


async def _ok(_: Request) -> Response:
    return Response(status_code=200)


async def _nothing(_: Request) -> Response:
    return Response(status_code=404)


def _keys(value: str) -> Response:
    return JSONResponse({"keys": [{"name": "default", "value": value}], "links": []})
