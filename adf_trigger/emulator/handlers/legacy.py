"""The GET forms of the 2017-09-01-preview version, with their filters in the query string."""

from datetime import UTC, datetime
from typing import Any

from adf_trigger.emulator.arm import shapes
from adf_trigger.emulator.arm.backend import Backend
from adf_trigger.emulator.arm.operations import Call, Reply
from adf_trigger.emulator.common.errors import BadRequest
from adf_trigger.emulator.handlers.common import factory_of
from adf_trigger.emulator.handlers.runs import count_query, page, read_query
from adf_trigger.emulator.store.queries import ACTIVITY_RUN_FIELDS, TRIGGER_RUN_FIELDS

_BEGINNING = "0001-01-01T00:00:00Z"
_END = "9999-12-31T23:59:59Z"


def activity_runs(backend: Backend, call: Call) -> Reply:
    """GET pipelineruns/{run}/activityruns?startTime&endTime[&status&activityName&linkedServiceName]."""
    factory = factory_of(backend, call)
    count_query(backend, factory)
    filters = _filters(call, {"status": "Status", "activityname": "ActivityName"})
    parsed = read_query(backend, _body(call, filters, factory.id), ACTIVITY_RUN_FIELDS, factory.id)
    found, token = backend.store.runs.find_activities(factory.id, call.path["run"], parsed)
    wanted = call.query.get("linkedservicename")
    shown = [run for run in found if wanted is None or run.linked_service_name.lower() == wanted.lower()]
    return page([shapes.activity_run(run, backend.options) for run in shown], token)


def trigger_runs(backend: Backend, call: Call) -> Reply:
    """GET triggers/{trigger}/triggerruns?startTime&endTime."""
    factory = factory_of(backend, call)
    count_query(backend, factory)
    filters = [{"operand": "TriggerName", "operator": "Equals", "values": [call.path["name"]]}]
    parsed = read_query(backend, _body(call, filters, factory.id), TRIGGER_RUN_FIELDS, factory.id)
    found, token = backend.store.trigger_runs.find(factory.id, parsed)
    return page([shapes.trigger_run(run) for run in found], token)


def _filters(call: Call, operands: dict[str, str]) -> list[dict[str, Any]]:
    return [
        {"operand": operand, "operator": "Equals", "values": [call.query[name]]}
        for name, operand in operands.items()
        if call.query.get(name)
    ]


def _body(call: Call, filters: list[dict[str, Any]], target: str) -> dict[str, Any]:
    body: dict[str, Any] = {
        "lastUpdatedAfter": _instant(call.query.get("starttime", _BEGINNING), target),
        "lastUpdatedBefore": _instant(call.query.get("endtime", _END), target),
        "filters": filters,
    }
    if call.query.get("continuationtoken"):
        body["continuationToken"] = call.query["continuationtoken"]
    return body


def _instant(text: str, target: str) -> str:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as exc:
        raise BadRequest(f"'{text}' is not a date and time.", target=target) from exc
    return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).isoformat()
