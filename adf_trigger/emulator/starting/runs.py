"""Starts runs: checks the pipeline and the parameters, stores the run and submits it to the engine."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from adf_trigger.emulator.arm.backend import Backend
from adf_trigger.emulator.common.documents import Document
from adf_trigger.emulator.common.errors import BadRequest, FactoryIsFull, InvalidTemplate
from adf_trigger.emulator.common.models import PipelineRun, Recovery
from adf_trigger.emulator.common.options import Options
from adf_trigger.emulator.engine.new_run import new_run
from adf_trigger.emulator.engine.parameters import ParameterError
from adf_trigger.emulator.engine.queues import QUEUE_IS_FULL
from adf_trigger.emulator.expressions import ExpressionError
from adf_trigger.emulator.validation.limits import MAX_CONCURRENT_RUNS
from adf_trigger.emulator.validation.templates import check_template


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """The arguments of a new run.

    Attributes:
        parameters: as the caller gave them; for a rerun, those of the run that it recovers.
        invoked_by: as in the API's `invokedBy`.
        trigger_time: value of pipeline().TriggerTime.
        group: run group that a recovery run joins; by default the run's own id.
    """

    run_id: str
    parameters: dict[str, Any]
    invoked_by: dict[str, Any]
    trigger_time: datetime
    recovery: Recovery | None = None
    group: str | None = None


def start_run(backend: Backend, pipeline: Document, start: Start) -> PipelineRun:
    """Store a run of a published pipeline and submit it to the engine.

    Raises:
        BadRequest: the pipeline does not accept the parameters, or cannot be run.
        BadRequest, FactoryIsFull: the limit of queued or concurrent runs of a strict emulator is reached.
    """
    target = f"pipeline/{pipeline.name}/runid/{start.run_id}"
    check_template(pipeline.properties, target)
    _check_parameters(backend.options, pipeline.properties, start.parameters, target)
    if backend.options.strict:
        _check_room(backend, pipeline, target)
    run = _new_run(backend, pipeline, start, target)
    backend.store.runs.save_run(run)
    if start.group is not None:
        backend.store.runs.supersede(run.factory_id, start.group, run.run_id)
    backend.engine.submit(run)
    return run


def _check_room(backend: Backend, pipeline: Document, target: str) -> None:
    """Reject a run that exceeds a limit of the service."""
    if backend.engine.queue_is_full(pipeline.factory_id, pipeline.name):
        raise BadRequest(QUEUE_IS_FULL, target=target)
    limit = backend.options.most_runs or MAX_CONCURRENT_RUNS
    if backend.store.runs.count_unfinished(pipeline.factory_id) >= limit:
        error = FactoryIsFull if backend.options.full_factory == "throttled" else BadRequest
        raise error(
            f"The limit of {limit} concurrent pipeline runs per data factory is reached.", target=target
        )


def _new_run(backend: Backend, pipeline: Document, start: Start, target: str) -> PipelineRun:
    definition = pipeline.properties
    if backend.options.mismatched_parameters == "accepted":
        definition = _untyped(definition)
    try:
        run = new_run(
            backend.store.definitions(pipeline.factory_id),
            factory_id=pipeline.factory_id,
            run_id=start.run_id,
            pipeline_name=pipeline.name,
            definition=definition,
            parameters=start.parameters,
            invoked_by=start.invoked_by,
            now=start.trigger_time,
            run_group_id=start.group,
            recovery=start.recovery,
        )
    except ParameterError as exc:
        raise BadRequest(str(exc), target=target) from exc
    except ExpressionError as exc:
        raise InvalidTemplate(exc.message, target) from exc
    run.definition = pipeline.properties
    # Recorded calls show a runStart on runs that have not started.
    run.run_start = start.trigger_time
    return run


def _check_parameters(
    options: Options, definition: dict[str, Any], given: dict[str, Any], target: str
) -> None:
    declared = definition.get("parameters") or {}
    known = {name.lower() for name in declared}
    unknown = [name for name in given if name.lower() not in known]
    if unknown and options.undeclared_parameters == "refused":
        raise BadRequest(f"The pipeline does not declare the parameters {_quoted(unknown)}.", target=target)
    present = {name.lower() for name in given}
    missing = [
        name
        for name, parameter in declared.items()
        if "defaultValue" not in parameter and name.lower() not in present
    ]
    if missing and options.missing_parameters == "refused":
        raise BadRequest(f"Values are missing for the parameters {_quoted(missing)}.", target=target)


def _untyped(definition: dict[str, Any]) -> dict[str, Any]:
    """The definition with parameters that accept any value; SecureStrings stay secure."""
    parameters = {
        name: parameter
        if str(parameter["type"]).lower() == "securestring"
        else {**parameter, "type": "String"}
        for name, parameter in (definition.get("parameters") or {}).items()
    }
    return {**definition, "parameters": parameters}


def _quoted(names: list[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)
