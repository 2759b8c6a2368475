"""The host's own addresses under /admin, open to the master key alone."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from functools import wraps
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from adf_trigger.functions_host.http import requests
from adf_trigger.functions_host.http.keys import Keys
from adf_trigger.functions_host.index import HttpTrigger, IndexedFunction

VERSION = "4.0.0.0"

Run = Callable[[IndexedFunction, str], Coroutine[Any, Any, None]]
"""Runs a function that no HTTP request triggers, with the input that the caller gave."""

_Endpoint = Callable[[Request], Awaitable[Response]]


class Admin:
    """Status of the host, and functions started by hand.

    Args:
        keys: the master key among them.
        host_id: see HostConfig.
        functions: all of the app's, by name.
        run: starts one.
    """

    def __init__(self, keys: Keys, host_id: str, functions: Mapping[str, IndexedFunction], run: Run) -> None:
        self._keys = keys
        self._host_id = host_id
        self._functions = {name.lower(): function for name, function in functions.items()}
        self._run = run
        self._started = time.monotonic()
        self._tasks: set[asyncio.Task[None]] = set()

    def routes(self) -> list[Route]:
        """The routes, to be mounted at /admin."""
        return [
            Route("/host/status", self._guarded(self._status)),
            Route("/functions/{name}", self._guarded(self._invoke), methods=["POST"]),
        ]

    def _guarded(self, endpoint: _Endpoint) -> _Endpoint:
        @wraps(endpoint)
        async def guarded(request: Request) -> Response:
            level = self._keys.level(requests.headers(request), requests.query(request))
            if level != "admin":
                return Response(status_code=401 if level == "anonymous" else 403)
            return await endpoint(request)

        return guarded

    async def _status(self, _: Request) -> Response:
        uptime = round((time.monotonic() - self._started) * 1000)
        status = {"id": self._host_id, "state": "Running", "version": VERSION, "processUptime": uptime}
        return JSONResponse(status)

    async def _invoke(self, request: Request) -> Response:
        function = self._functions.get(request.path_params["name"].lower())
        if function is None:
            return Response(status_code=404)
        try:
            document = json.loads(await request.body())
        except ValueError:
            document = None
        if not isinstance(document, dict) or isinstance(function.trigger, HttpTrigger):
            return Response(status_code=400)
        given = document.get("input")
        text = given if isinstance(given, str) else "" if given is None else json.dumps(given)
        task = asyncio.create_task(self._run(function, text))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return Response(status_code=202)
