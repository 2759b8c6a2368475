"""The control API's views of runs and pipelines, readable without a token."""

from datetime import datetime
from typing import Any

from starlette.requests import Request

from adf_trigger.emulator.arm import shapes
from adf_trigger.emulator.arm.backend import Backend
from adf_trigger.emulator.common.documents import PIPELINES
from adf_trigger.emulator.common.models import PipelineRun, wire_time
from adf_trigger.emulator.control.callers import ControlError, wrong

MAX_RUNS = 500
DEFAULT_RUNS = 100
MAX_DIGITS = 15


class Views:
    """The endpoints.

    Args:
        backend: the emulated service.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def newest(self, request: Request) -> dict[str, Any]:
        """A page of runs, newest first, and where the next one begins."""
        given = request.query_params
        limit = _number(given.get("limit"), "limit", DEFAULT_RUNS)
        statuses = [each for each in given.get("status", "").split(",") if each]
        found = self._backend.store.runs.newest(
            pipeline_name=given.get("pipeline"),
            statuses=statuses,
            since=_instant(given.get("since")),
            before=_number(given.get("continuation"), "continuation", 0) or None,
            limit=min(limit, MAX_RUNS) + 1,
        )
        shown = found[: min(limit, MAX_RUNS)]
        more = len(found) > len(shown) and bool(shown)
        return {
            "runs": [self._run(run) for _, run in shown],
            "continuation": str(shown[-1][0]) if more else None,
        }

    async def run(self, request: Request) -> dict[str, Any]:
        """One run, of any factory."""
        return self._run(self._found(request))

    async def activities(self, request: Request) -> dict[str, Any]:
        """The activity runs of a run."""
        run = self._found(request)
        found = self._backend.store.runs.activities(run.factory_id, run.run_id)
        return {"value": [shapes.activity_run(each, self._backend.options) for each in found]}

    async def pipelines(self, _request: Request) -> dict[str, Any]:
        """The pipelines of all factories, as they are defined, secrets masked."""
        found = self._backend.store.resources.every(PIPELINES)
        return {
            "pipelines": [
                {
                    "factoryId": each.factory_id,
                    "name": each.name,
                    "properties": shapes.document(each)["properties"],
                }
                for each in sorted(found, key=lambda each: (each.factory_id.lower(), each.name.lower()))
            ]
        }

    def _found(self, request: Request) -> PipelineRun:
        run = self._backend.store.runs.anywhere(str(request.path_params["id"]))
        if run is None:
            raise ControlError([wrong("id", "there is no such run")], status=404)
        return run

    def _run(self, run: PipelineRun) -> dict[str, Any]:
        return {
            "factoryId": run.factory_id,
            "requestedAt": wire_time(run.trigger_time),
            **shapes.pipeline_run(run, self._backend.options),
        }


def _number(text: str | None, name: str, default: int) -> int:
    if text is None:
        return default
    if not (text.isascii() and text.isdecimal() and 0 < len(text) <= MAX_DIGITS):
        raise ControlError([wrong(name, "not a number")])
    return int(text)


def _instant(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError as exc:
        raise ControlError([wrong("since", "not a time such as 2026-11-26T06:00:00Z")]) from exc
    if found.tzinfo is None:
        raise ControlError([wrong("since", "has no time zone")])
    return found
