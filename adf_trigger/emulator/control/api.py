"""The control API under `/_emulator/`, for tests: without tokens, for callers on this machine only.

Web pages in a browser on this machine are refused: the Host must be a loopback address or localhost, an Origin, if
there is one, the emulator's own, and a body must be declared as JSON.

Bodies and replies are JSON. An invalid body gets a 400 that lists every fault.

- `GET /_emulator/`: the options, the clock's offset, the active rules and progressions, the held runs.
  A browser is redirected to the page instead, if there is one (see page.py).
- `POST /_emulator/faults` `{"rules": [rule, …], "seed": 7}`: add fault rules, for all factories or for one (see
  faults/rules.py; a seed makes their probabilities repeatable). Returns the rules with their ids. `GET` lists them with
  the number of times each fired; `DELETE` removes all, `DELETE /_emulator/faults/{id}` one.
- `POST /_emulator/progression` `{"mode": "real" | "at-once" | "after-reads" | "after-seconds" | "held", "reads": n,
  "seconds": t, "outcome": "Succeeded" | "Failed" | "Cancelled", "message": "…", "pipeline": "name"}`: how new
  runs progress, of one pipeline or of all that have no progression of their own; `DELETE` makes everything real
  again.
- `POST /_emulator/release` `{"run_id": "…", "outcome": "…"}`: end a held run; without `run_id`, all held runs.
- `PATCH /_emulator/options` `{"strict": true, …}`: change any of the options (see options.py); `GET` shows them.
  `POST /_emulator/client-request-id` `{"mode": "honoured" | "ignored" | "repeat-refused"}` and
  `POST /_emulator/throttling` `{"enabled": true}` are shortcuts for two of them.
- `POST /_emulator/clock` `{"offset_seconds": t}` or `{"advance_seconds": t}`: move the emulator's clock. Triggers that
  have become due fire. Tokens are checked against the real time, and waits are not shortened.
- `PUT /_emulator/secrets` `{"<linked service>": {"<secret>": "<value>"}}`: set all secrets that replace those of
  linked services' Key Vaults; names are case-insensitive. A secret that is not set is read from its vault. `GET` shows
  the names, and nothing shows the values; `DELETE` removes them.
- `GET /_emulator/requests?operation=CreateRun&limit=100`: the last requests (20,000 are kept), and their number
  by operation; `DELETE` removes them.
- `GET /_emulator/runs?factory=<resource id>&pipeline=<name>`: every run, and the number of runs by status.
- `GET /_emulator/runs/newest?limit=100&pipeline=&status=Failed,Cancelled&since=&continuation=`: a page of them, newest
  first; `GET /_emulator/runs/{id}` and `GET /_emulator/runs/{id}/activities`: one run and its activity runs;
  `GET /_emulator/pipelines`: the pipelines of all factories. No token is needed, and secrets are masked.
- `POST /_emulator/reset` `{"keep": "nothing" | "resources"}`: remove runs, faults, progressions, requests, the clock's
  offset, changed options and secrets; and the factories with everything in them, unless resources are kept.
"""

import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import timedelta
from http import HTTPMethod
from typing import Any, Protocol, TypeVar
from uuid import UUID

from pydantic import BaseModel, TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from adf_trigger.emulator.arm import shapes
from adf_trigger.emulator.arm.backend import Backend
from adf_trigger.emulator.common.clock import MovableClock
from adf_trigger.emulator.common.options import Options
from adf_trigger.emulator.control.bodies import (
    ClientRequestIdBody,
    ClockBody,
    FaultsBody,
    ProgressionBody,
    ReleaseBody,
    ResetBody,
    SecretsBody,
    ThrottlingBody,
)
from adf_trigger.emulator.control.callers import ControlError, check_caller, wrong
from adf_trigger.emulator.control.page import ConsolePage
from adf_trigger.emulator.control.views import Views
from adf_trigger.emulator.faults.rules import ActiveRule, FaultBook, RequestFault
from adf_trigger.emulator.http.request_log import RequestLog
from adf_trigger.emulator.serving.protocol import transport_of

Body = TypeVar("Body", bound=BaseModel)

_ON_SOCKET = frozenset({"reset", "drop", "truncate"})
_DEFAULT_LIMIT = 100
_OPTIONS = TypeAdapter(Options)


class Controlled(Protocol):
    """The parts of an emulator that the control API uses."""

    @property
    def backend(self) -> Backend:
        """The emulated service."""

    @property
    def clock(self) -> MovableClock:
        """The emulator's clock."""

    @property
    def faults(self) -> FaultBook:
        """The active fault rules."""

    @property
    def log(self) -> RequestLog:
        """The log of received requests."""

    async def reset(self, *, keep_resources: bool) -> None:
        """Reset runs and settings; and resources, unless they are kept."""

    def set_options(self, options: Options) -> None:
        """Change the options."""


def control_routes(emulator: Controlled, page: ConsolePage) -> list[Route]:
    """The routes, without the prefix."""
    control, views = _Control(emulator), Views(emulator.backend)
    table: tuple[tuple[str, HTTPMethod, _Endpoint], ...] = (
        ("/", HTTPMethod.GET, control.show),
        ("/faults", HTTPMethod.POST, control.add_faults),
        ("/faults", HTTPMethod.GET, control.list_faults),
        ("/faults", HTTPMethod.DELETE, control.clear_faults),
        ("/faults/{id:uuid}", HTTPMethod.DELETE, control.delete_fault),
        ("/progression", HTTPMethod.POST, control.set_progression),
        ("/progression", HTTPMethod.DELETE, control.clear_progression),
        ("/release", HTTPMethod.POST, control.release),
        ("/options", HTTPMethod.GET, control.show_options),
        ("/options", HTTPMethod.PATCH, control.change_options),
        ("/client-request-id", HTTPMethod.POST, control.set_client_request_id),
        ("/throttling", HTTPMethod.POST, control.set_throttling),
        ("/clock", HTTPMethod.POST, control.move_clock),
        ("/secrets", HTTPMethod.PUT, control.set_secrets),
        ("/secrets", HTTPMethod.GET, control.list_secrets),
        ("/secrets", HTTPMethod.DELETE, control.clear_secrets),
        ("/requests", HTTPMethod.GET, control.list_requests),
        ("/requests", HTTPMethod.DELETE, control.clear_requests),
        ("/runs", HTTPMethod.GET, control.list_runs),
        ("/runs/newest", HTTPMethod.GET, views.newest),
        ("/runs/{id}", HTTPMethod.GET, views.run),
        ("/runs/{id}/activities", HTTPMethod.GET, views.activities),
        ("/pipelines", HTTPMethod.GET, views.pipelines),
        ("/reset", HTTPMethod.POST, control.reset),
    )
    guarded = [
        Route(path, _guarded(endpoint, page if path == "/" else None), methods=[method])
        for path, method, endpoint in table
    ]
    return [*page.routes(), *guarded]


_Endpoint = Callable[[Request], Awaitable[Any]]


class _Control:
    """The endpoints; each returns the body of its reply, None for an empty one."""

    def __init__(self, emulator: Controlled) -> None:
        self._emulator = emulator

    async def show(self, _request: Request) -> Any:
        return {
            "options": asdict(self._emulator.backend.options),
            "clockOffsetSeconds": self._emulator.clock.offset.total_seconds(),
            "faults": [_rule_shape(rule) for rule in self._emulator.faults],
            "progressions": [
                {"pipeline": pipeline, **asdict(each), "mode": each.mode.value}
                for pipeline, each in self._emulator.backend.engine.progressions.chosen().items()
            ],
            "held": self._emulator.backend.engine.held(),
        }

    async def add_faults(self, request: Request) -> Any:
        body = await _read(request, FaultsBody)
        on_socket = [rule.fault for rule in body.rules if rule.fault in _ON_SOCKET]
        if on_socket and transport_of(request.scope) is None:
            raise ControlError(
                [wrong("rules", f"{fault} needs the server to run with http_protocol") for fault in on_socket]
            )
        if body.seed is not None:
            self._emulator.faults.seed(body.seed)
        return [_rule_shape(rule) for rule in self._emulator.faults.add(body.rules)]

    async def list_faults(self, _request: Request) -> Any:
        return [_rule_shape(rule) for rule in self._emulator.faults]

    async def clear_faults(self, _request: Request) -> None:
        self._emulator.faults.clear()
        self._emulator.backend.visibility.clear()

    async def delete_fault(self, request: Request) -> None:
        rule_id: UUID = request.path_params["id"]
        if not self._emulator.faults.remove(rule_id):
            raise ControlError([wrong("id", f"there is no rule {rule_id}")], status=404)

    async def set_progression(self, request: Request) -> None:
        body = await _read(request, ProgressionBody)
        self._emulator.backend.engine.progressions.set(body.progression(), pipeline=body.pipeline)

    async def clear_progression(self, _request: Request) -> None:
        self._emulator.backend.engine.progressions.reset()

    async def release(self, request: Request) -> Any:
        body = await _read(request, ReleaseBody)
        engine = self._emulator.backend.engine
        wanted = engine.held() if body.run_id is None else [body.run_id]
        released = [run_id for run_id in wanted if engine.release(run_id, body.outcome)]
        if body.run_id is not None and not released:
            raise ControlError([wrong("run_id", f"run {body.run_id} is not held")], status=404)
        return {"released": released}

    async def show_options(self, _request: Request) -> Any:
        return asdict(self._emulator.backend.options)

    async def change_options(self, request: Request) -> Any:
        changes = await _json(request)
        if not isinstance(changes, dict):
            raise ControlError([wrong("", "the body is not an object")])
        return self._set_options(changes)

    async def set_client_request_id(self, request: Request) -> Any:
        body = await _read(request, ClientRequestIdBody)
        return self._set_options({"client_request_id": body.mode})

    async def set_throttling(self, request: Request) -> Any:
        body = await _read(request, ThrottlingBody)
        return self._set_options({"throttling": body.enabled})

    async def move_clock(self, request: Request) -> Any:
        body = await _read(request, ClockBody)
        clock = self._emulator.clock
        if body.offset_seconds is not None:
            clock.offset = timedelta(seconds=body.offset_seconds)
        else:
            clock.offset += timedelta(seconds=body.advance_seconds or 0.0)
        self._emulator.backend.triggers_changed()
        return {"clockOffsetSeconds": clock.offset.total_seconds()}

    async def set_secrets(self, request: Request) -> Any:
        body = await _read(request, SecretsBody)
        self._emulator.backend.engine.secrets.replace(body.root)
        return self._emulator.backend.engine.secrets.names()

    async def list_secrets(self, _request: Request) -> Any:
        return self._emulator.backend.engine.secrets.names()

    async def clear_secrets(self, _request: Request) -> None:
        self._emulator.backend.engine.secrets.replace({})

    async def list_requests(self, request: Request) -> Any:
        limit = request.query_params.get("limit", str(_DEFAULT_LIMIT))
        if not limit.isdecimal():
            raise ControlError([wrong("limit", "not a number")])
        log = self._emulator.log
        found = log.find(request.query_params.get("operation"), int(limit))
        return {"counts": dict(log.counts), "requests": [seen.shape() for seen in found]}

    async def clear_requests(self, _request: Request) -> None:
        self._emulator.log.clear()

    async def list_runs(self, request: Request) -> Any:
        store = self._emulator.backend.store
        factory, pipeline = (request.query_params.get(name) for name in ("factory", "pipeline"))
        runs = [
            {"factoryId": run.factory_id, **shapes.pipeline_run(run, self._emulator.backend.options)}
            for run in store.runs.every(factory, pipeline)
        ]
        statuses = [run["status"] for run in runs]
        return {
            "count": len(runs),
            "byStatus": {status: statuses.count(status) for status in sorted(set(statuses))},
            "runs": runs,
        }

    async def reset(self, request: Request) -> None:
        body = await _read(request, ResetBody)
        await self._emulator.reset(keep_resources=body.keep == "resources")

    def _set_options(self, changes: dict[str, Any]) -> Any:
        present = asdict(self._emulator.backend.options)
        try:
            wanted = _OPTIONS.validate_json(json.dumps(present | changes), strict=True)
        except ValidationError as exc:
            raise ControlError(_faults(exc)) from exc
        self._emulator.set_options(wanted)
        return asdict(wanted)


def _guarded(
    endpoint: _Endpoint, page: ConsolePage | None = None
) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint for callers on this machine only; errors become replies, and a browser is redirected to the page."""

    async def answer(request: Request) -> Response:
        try:
            await check_caller(request)
            if page is not None and (redirect := page.redirect_for(request)) is not None:
                return redirect
            reply = await endpoint(request)
        except ControlError as exc:
            return JSONResponse({"errors": exc.faults}, status_code=exc.status)
        return Response(status_code=204) if reply is None else JSONResponse(reply)

    return answer


async def _json(request: Request) -> Any:
    try:
        return json.loads(await request.body() or b"{}")
    except ValueError as exc:
        raise ControlError([wrong("", "the body is not JSON")]) from exc


async def _read(request: Request, model: type[Body]) -> Body:
    try:
        return model.model_validate(await _json(request))
    except ValidationError as exc:
        raise ControlError(_faults(exc)) from exc


def _faults(error: ValidationError) -> list[dict[str, str]]:
    return [wrong(".".join(str(part) for part in fault["loc"]), fault["msg"]) for fault in error.errors()]


def _rule_shape(active: ActiveRule) -> dict[str, Any]:
    shape = {"id": str(active.id), **active.rule.model_dump(exclude_none=True)}
    if isinstance(active.rule, RequestFault):
        shape |= {"seen": active.seen, "fired": active.fired}
    return shape
