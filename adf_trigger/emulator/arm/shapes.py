"""The JSON of resources and runs on the wire."""

import json
from datetime import datetime
from typing import Any

from adf_trigger.emulator.common.documents import PROVIDER, Document, Factory, TriggerRun
from adf_trigger.emulator.common.masking import MASK, masked
from adf_trigger.emulator.common.models import ActivityRun, PipelineRun, wire_time
from adf_trigger.emulator.common.options import Options

API_VERSION = "2018-06-01"


def factory(resource: Factory) -> dict[str, Any]:
    """A factory; its eTag has a capital T and quotes inside the value."""
    shape: dict[str, Any] = {"name": resource.name}
    if resource.identity is not None:
        shape["identity"] = resource.identity
    return {
        **shape,
        "id": resource.id,
        "type": f"{PROVIDER}/factories",
        "properties": {
            "provisioningState": "Succeeded",
            "createTime": wire_time(resource.created),
            "version": API_VERSION,
            **resource.properties,
        },
        "eTag": f'"{resource.etag}"',
        "location": resource.location,
        "tags": resource.tags,
        **resource.extra,
    }


def document(resource: Document) -> dict[str, Any]:
    """A linked service, dataset, pipeline, …, without its secrets."""
    return {
        "id": resource.id,
        "name": resource.name,
        "type": f"{PROVIDER}/factories/{resource.kind.collection}",
        "properties": masked(resource.properties),
        "etag": resource.etag,
    }


def pipeline_run(run: PipelineRun, options: Options) -> dict[str, Any]:
    """A run."""
    return {
        "id": _run_id(run.factory_id, run.run_id, options),
        "runId": run.run_id,
        "debugRunId": None,
        "runGroupId": run.run_group_id,
        "pipelineName": run.pipeline_name,
        "parameters": {
            name: MASK if name in run.secure_parameters else _text(value)
            for name, value in run.parameters.items()
        },
        "invokedBy": run.invoked_by,
        "runStart": wire_time(run.run_start),
        "runEnd": wire_time(run.run_end),
        "durationInMs": _duration(run.run_start, run.run_end),
        "status": run.status,
        "message": run.message,
        "lastUpdated": wire_time(run.last_updated),
        "annotations": run.annotations,
        "runDimension": run.run_dimension,
        "pipelineReturnValue": run.return_value,
        "isLatest": run.is_latest,
    }


def activity_run(run: ActivityRun, options: Options) -> dict[str, Any]:
    """An activity run; `error` is present on success too, with empty texts."""
    error = {"errorCode": "", "message": "", "failureType": "", "target": run.activity_name, "details": ""}
    return {
        "activityRunEnd": wire_time(run.end),
        "activityName": run.activity_name,
        "activityRunStart": wire_time(run.start),
        "activityType": run.activity_type,
        "durationInMs": _duration(run.start, run.end),
        "retryAttempt": run.retry_attempt,
        "error": {**error, **run.error},
        "activityRunId": run.activity_run_id,
        "iterationHash": run.iteration_hash,
        "input": run.input,
        "linkedServiceName": run.linked_service_name,
        "output": run.output,
        "userProperties": run.user_properties,
        "pipelineName": run.pipeline_name,
        "pipelineRunId": run.run_id,
        "status": run.status,
        "recoveryStatus": run.recovery_status,
        "integrationRuntimeNames": None,
        "executionDetails": None,
        **run.extra,
        "id": f"{_run_id(run.factory_id, run.run_id, options)}/activityruns/{run.activity_run_id}",
    }


def trigger_run(run: TriggerRun) -> dict[str, Any]:
    """A trigger run."""
    return {
        "triggerName": run.trigger_name,
        "triggerRunId": run.trigger_run_id,
        "triggerType": run.trigger_type,
        "triggerRunTimestamp": wire_time(run.timestamp),
        "status": run.status,
        "message": run.message,
        "properties": run.properties,
        "triggeredPipelines": run.triggered_pipelines,
        "runDimension": {},
        "dependencyStatus": {},
    }


def _run_id(factory_id: str, run_id: str, options: Options) -> str:
    spelt = factory_id.upper() if options.run_ids == "upper-case" else factory_id
    return f"{spelt}/pipelineruns/{run_id}"


def _text(value: Any) -> str | None:
    """A parameter's value: always text on the wire, JSON for other types."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _duration(start: datetime | None, end: datetime | None) -> int | None:
    """Whole milliseconds."""
    if start is None or end is None:
        return None
    return int((end - start).total_seconds() * 1000)
