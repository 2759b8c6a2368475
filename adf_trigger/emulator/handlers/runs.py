"""createRun, and the operations on runs afterwards."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from adf_trigger.emulator.arm import shapes
from adf_trigger.emulator.arm.backend import Backend
from adf_trigger.emulator.arm.operations import Call, Reply
from adf_trigger.emulator.common.documents import PIPELINES, Document, Factory
from adf_trigger.emulator.common.errors import (
    BadRequest,
    MonitoringThrottled,
    NotFound,
    ReferencedRunNotFound,
    ReferencedRunNotValid,
    RunHasEnded,
    RunIdInUse,
)
from adf_trigger.emulator.common.models import TERMINAL_RUN_STATUSES, PipelineRun, Recovery
from adf_trigger.emulator.engine.progression import Mode
from adf_trigger.emulator.handlers.common import GUID, factory_of
from adf_trigger.emulator.handlers.resources import document_of
from adf_trigger.emulator.starting.runs import Start, start_run
from adf_trigger.emulator.store.queries import (
    ACTIVITY_RUN_FIELDS,
    PAGE_SIZE,
    PIPELINE_RUN_FIELDS,
    Fields,
    RunQuery,
    parse,
)
from adf_trigger.emulator.validation.activities import every_activity

RETENTION = timedelta(days=45)
"""How long the service keeps runs."""

_CLIENT_REQUEST_ID = "x-ms-client-request-id"


def create(backend: Backend, call: Call) -> Reply:
    """Pipelines_CreateRun. The body is the flat map of parameters, or nothing."""
    pipeline = document_of(backend, call, PIPELINES)
    requested_id = _requested_id(backend, call)
    if requested_id is not None:
        present = backend.store.runs.run(pipeline.factory_id, requested_id)
        if present is not None and backend.options.client_request_id == "repeat-refused":
            raise RunIdInUse(requested_id, pipeline.target)
        if present is not None:
            return Reply({"runId": present.run_id})
    # Run ids are globally unique: one that another factory has is not used again.
    run_id = (
        requested_id
        if requested_id and not backend.store.runs.is_taken(requested_id)
        else str(backend.new_id())
    )
    reference = _reference(backend, call, pipeline)
    recovery = None if reference is None else _recovery(call, pipeline, reference)
    run = start_run(
        backend,
        pipeline,
        Start(
            run_id=run_id,
            parameters=_parameters(call, pipeline) if reference is None else reference.parameters,
            invoked_by={"id": backend.new_id().hex, "name": "Manual", "invokedByType": "Manual"},
            trigger_time=backend.now(),
            recovery=recovery,
            group=reference.run_group_id if reference and recovery and recovery.is_recovery else None,
        ),
    )
    return Reply({"runId": run.run_id})


def get(backend: Backend, call: Call) -> Reply:
    """PipelineRuns_Get."""
    factory = factory_of(backend, call)
    backend.engine.observe_read(factory.id, call.path["run"])
    run = _retained(backend, backend.store.runs.run(factory.id, call.path["run"]))
    shown = None if run is None else backend.visibility.shown("GetRun", run)
    if shown is None:
        raise NotFound(f"{factory.id}/pipelineruns/{call.path['run']}")
    return Reply(shapes.pipeline_run(shown, backend.options))


def query(backend: Backend, call: Call) -> Reply:
    """PipelineRuns_QueryByFactory."""
    factory = factory_of(backend, call)
    count_query(backend, factory)
    parsed = read_query(backend, call.body, PIPELINE_RUN_FIELDS, factory.id)
    found, token = backend.store.runs.find(factory.id, parsed)
    if _observe(backend, found):
        found, token = backend.store.runs.find(factory.id, parsed)
    seen = [backend.visibility.shown("QueryPipelineRuns", run) for run in found]
    shown = [run for run in seen if run is not None and parsed.covers(run.last_updated)]
    return page([shapes.pipeline_run(run, backend.options) for run in shown], token)


def query_activities(backend: Backend, call: Call) -> Reply:
    """ActivityRuns_QueryByPipelineRun; none for an unknown run."""
    factory = factory_of(backend, call)
    count_query(backend, factory)
    parsed = read_query(backend, call.body, ACTIVITY_RUN_FIELDS, factory.id)
    found, token = backend.store.runs.find_activities(factory.id, call.path["run"], parsed)
    return page([shapes.activity_run(run, backend.options) for run in found], token)


def cancel(backend: Backend, call: Call) -> Reply:
    """PipelineRuns_Cancel."""
    factory = factory_of(backend, call)
    recursive = _flag(call, "isRecursive", factory.id)
    run = backend.store.runs.run(factory.id, call.path["run"])
    if run is None:
        raise ReferencedRunNotFound(call.path["run"])
    if run.status in TERMINAL_RUN_STATUSES and not recursive and backend.options.cancel_of_ended == "refused":
        raise RunHasEnded(run.run_id)
    backend.engine.cancel(factory.id, run.run_id, recursive=recursive)
    return Reply()


def count_query(backend: Backend, factory: Factory) -> None:
    """Count a monitoring query.

    Raises:
        MonitoringThrottled: the emulator is strict, and the service's limit is exceeded.
    """
    now = backend.now()
    if backend.monitoring.take(factory.id, "", "reads", now) is None and backend.options.strict:
        raise MonitoringThrottled(factory.id, backend.monitoring.wait(factory.id, "", "reads", now))


def read_query(backend: Backend, body: Any, fields: Fields, target: str) -> RunQuery:
    """The query of a body, within the service's retention; a longer window is not an error.

    Raises:
        BadRequest: the body is not what the operation expects.
    """
    wanted = parse(body, fields, target, any_window=backend.options.moved_window == "accepted")
    oldest = backend.now() - RETENTION
    return replace(
        wanted,
        updated_after=max(oldest, wanted.updated_after or oldest),
        size=backend.options.page_size or PAGE_SIZE,
    )


def page(items: list[dict[str, Any]], token: str | None) -> Reply:
    """A page of a query."""
    body: dict[str, Any] = {"value": items}
    if token is not None:
        body["continuationToken"] = token
    return Reply(body)


def _observe(backend: Backend, runs: list[PipelineRun]) -> bool:
    """Count a list as a read of every run that progresses by reads; return whether there was any."""
    counted = [
        run
        for run in runs
        if run.status not in TERMINAL_RUN_STATUSES
        and backend.engine.progressions.of(run.pipeline_name).mode is Mode.AFTER_READS
    ]
    for run in counted:
        backend.engine.observe_read(run.factory_id, run.run_id)
    return bool(counted)


def _retained(backend: Backend, run: PipelineRun | None) -> PipelineRun | None:
    return None if run is None or run.last_updated < backend.now() - RETENTION else run


def _requested_id(backend: Backend, call: Call) -> str | None:
    """The run id that the caller chose, in the modes where the service accepts it."""
    header = call.headers.get(_CLIENT_REQUEST_ID, "")
    if backend.options.client_request_id == "ignored" or not GUID.fullmatch(header):
        return None
    return header


def _parameters(call: Call, pipeline: Document) -> dict[str, Any]:
    if call.body is None:
        return {}
    if not isinstance(call.body, dict):
        raise BadRequest("The parameters are not a JSON object.", target=pipeline.target)
    return call.body


def _reference(backend: Backend, call: Call, pipeline: Document) -> PipelineRun | None:
    """The run that this one reruns."""
    wanted = call.query.get("referencepipelinerunid")
    if not wanted:
        return None
    target = f"pipeline/{pipeline.name}/"
    if not GUID.fullmatch(wanted):
        raise ReferencedRunNotValid(wanted, target)
    run = backend.store.runs.run(pipeline.factory_id, wanted)
    if run is None or run.pipeline_name.lower() != pipeline.name.lower():
        raise ReferencedRunNotFound(wanted, target)
    return run


def _recovery(call: Call, pipeline: Document, reference: PipelineRun) -> Recovery:
    start_at = call.query.get("startactivityname")
    if start_at and start_at.lower() not in {
        str(activity.get("name")).lower()
        for activity in every_activity(pipeline.properties.get("activities") or [])
    }:
        raise BadRequest(f"The pipeline has no activity '{start_at}'.", target=pipeline.target)
    return Recovery(
        reference_run_id=reference.run_id,
        is_recovery=_flag(call, "isRecovery", pipeline.target),
        start_activity_name=start_at or None,
        start_from_failure=_flag(call, "startFromFailure", pipeline.target),
    )


def _flag(call: Call, name: str, target: str) -> bool:
    text = call.query.get(name.lower(), "false").lower()
    if text not in {"true", "false"}:
        raise BadRequest(f"The value '{text}' of query parameter '{name}' is not a Boolean.", target=target)
    return text == "true"
