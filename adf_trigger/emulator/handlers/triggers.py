"""Triggers: start, stop, query; and their runs."""

from adf_trigger.emulator.arm import shapes
from adf_trigger.emulator.arm.backend import Backend
from adf_trigger.emulator.arm.operations import Call, Reply
from adf_trigger.emulator.common.documents import TRIGGERS, TriggerRun
from adf_trigger.emulator.common.errors import BadRequest, NotFound
from adf_trigger.emulator.handlers.common import factory_of
from adf_trigger.emulator.handlers.resources import document_of
from adf_trigger.emulator.handlers.runs import count_query, page, read_query
from adf_trigger.emulator.starting.firing import fire
from adf_trigger.emulator.store.queries import TRIGGER_RUN_FIELDS
from adf_trigger.emulator.validation.triggers import check_startable


def start(backend: Backend, call: Call) -> Reply:
    """Triggers_Start. Starting a started trigger changes nothing."""
    trigger = document_of(backend, call, TRIGGERS)
    check_startable(trigger)
    _set_state(backend, call, "Started")
    return Reply()


def stop(backend: Backend, call: Call) -> Reply:
    """Triggers_Stop. Stopping a stopped trigger changes nothing."""
    _set_state(backend, call, "Stopped")
    return Reply()


def query(backend: Backend, call: Call) -> Reply:
    """Triggers_QueryByFactory: all, or those that belong to a parent trigger."""
    factory = factory_of(backend, call)
    body = call.body or {}
    if not isinstance(body, dict):
        raise BadRequest("The filter parameters are not a JSON object.", target=factory.id)
    parent = body.get("parentTriggerName")
    found = [
        trigger
        for trigger in backend.store.resources.page(
            factory.id, TRIGGERS, after=str(body.get("continuationToken") or "")
        )
        if parent is None or _parent(trigger.properties) == str(parent).lower()
    ]
    size = backend.list_size
    token = found[size - 1].name if len(found) > size else None
    return page([shapes.document(trigger) for trigger in found[:size]], token)


def query_runs(backend: Backend, call: Call) -> Reply:
    """TriggerRuns_QueryByFactory."""
    factory = factory_of(backend, call)
    count_query(backend, factory)
    parsed = read_query(backend, call.body, TRIGGER_RUN_FIELDS, factory.id)
    found, token = backend.store.trigger_runs.find(factory.id, parsed)
    return page([shapes.trigger_run(run) for run in found], token)


def rerun(backend: Backend, call: Call) -> Reply:
    """TriggerRuns_Rerun: fires again for the same scheduled time."""
    trigger = document_of(backend, call, TRIGGERS)
    earlier = _trigger_run(backend, call, trigger.factory_id)
    fire(backend, trigger, earlier.scheduled or earlier.timestamp)
    return Reply()


def cancel_run(backend: Backend, call: Call) -> Reply:
    """TriggerRuns_Cancel: cancels the pipeline runs that it started."""
    trigger = document_of(backend, call, TRIGGERS)
    earlier = _trigger_run(backend, call, trigger.factory_id)
    for run_id in earlier.triggered_pipelines.values():
        backend.engine.cancel(trigger.factory_id, run_id, recursive=True)
    return Reply()


def _set_state(backend: Backend, call: Call, state: str) -> None:
    trigger = document_of(backend, call, TRIGGERS)
    if trigger.properties.get("runtimeState") == state:
        return
    trigger.properties["runtimeState"] = state
    trigger.etag = backend.new_etag()
    backend.store.resources.save(trigger)
    backend.triggers_changed()


def _trigger_run(backend: Backend, call: Call, factory_id: str) -> TriggerRun:
    run = backend.store.trigger_runs.get(factory_id, call.path["name"], call.path["run"])
    if run is None:
        raise NotFound(f"{factory_id}/triggers/{call.path['name']}/triggerRuns/{call.path['run']}")
    return run


def _parent(properties: dict[str, object]) -> str | None:
    typed = properties.get("typeProperties")
    parent = typed.get("parentTrigger") if isinstance(typed, dict) else None
    if isinstance(parent, dict):
        parent = parent.get("referenceName")
    return parent.lower() if isinstance(parent, str) else None
