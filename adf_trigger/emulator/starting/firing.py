"""Fires a trigger: starts a run of each of its pipelines and stores a trigger run."""

import random
from datetime import UTC, datetime
from typing import Any

from adf_trigger.emulator.arm.arm_errors import wall_clock
from adf_trigger.emulator.arm.backend import Backend
from adf_trigger.emulator.common.documents import PIPELINES, Document, TriggerRun
from adf_trigger.emulator.common.errors import FactoryError, InvalidReference
from adf_trigger.emulator.common.models import wire_time
from adf_trigger.emulator.expressions import ExpressionError, Scope, evaluate
from adf_trigger.emulator.starting.runs import Start, start_run

_TICKS_IN_SECOND = 10_000_000
_INT64_MAX = 2**63 - 1


def fire(backend: Backend, trigger: Document, scheduled: datetime) -> TriggerRun:
    """Start the runs of a trigger.

    Args:
        backend: the emulator's store and engine.
        trigger: the trigger.
        scheduled: the scheduled time that it fires for.

    Returns:
        The stored trigger run; Failed, with a message, if a run could not be started.
    """
    now = backend.now()
    run = TriggerRun(
        factory_id=trigger.factory_id,
        trigger_name=trigger.name,
        trigger_type=trigger.properties["type"],
        trigger_run_id=_trigger_run_id(now),
        timestamp=now,
        scheduled=scheduled,
        properties={"TriggerTime": wall_clock(now), "ScheduleTime": wall_clock(scheduled)},
    )
    for entry in trigger.properties.get("pipelines") or []:
        try:
            name, run_id = _start(backend, trigger, run, entry)
        except (FactoryError, ExpressionError) as exc:
            run.status, run.message = "Failed", str(exc)
        else:
            run.triggered_pipelines[name] = run_id
    backend.store.trigger_runs.save(run)
    return run


def _start(
    backend: Backend, trigger: Document, trigger_run: TriggerRun, entry: dict[str, Any]
) -> tuple[str, str]:
    name = str(entry["pipelineReference"]["referenceName"])
    pipeline = backend.store.resources.get(trigger.factory_id, PIPELINES, name)
    if pipeline is None:
        raise InvalidReference(name, trigger.id)
    times = {
        "scheduledTime": wire_time(trigger_run.scheduled),
        "startTime": wire_time(trigger_run.timestamp),
    }
    scope = Scope(trigger=times, clock=backend.clock, new_id=backend.new_id)
    run = start_run(
        backend,
        pipeline,
        Start(
            run_id=str(backend.new_id()),
            parameters=evaluate(entry.get("parameters") or {}, scope),
            invoked_by={
                "id": trigger_run.trigger_run_id,
                "name": trigger.name,
                "invokedByType": trigger.properties["type"],
            },
            trigger_time=trigger_run.timestamp,
        ),
    )
    return pipeline.name, run.run_id


def _trigger_run_id(now: datetime) -> str:
    """`0858…CU27`: the largest 64-bit integer minus the present in ticks, nine random digits, and a scale unit.

    Older ids sort later.
    """
    passed = now - datetime.min.replace(tzinfo=UTC)
    ticks = (passed.days * 86_400 + passed.seconds) * _TICKS_IN_SECOND + passed.microseconds * 10
    return f"{_INT64_MAX - ticks:020d}{random.randrange(10**9):09d}CU27"  # noqa: S311 - for uniqueness, not for secrecy
