"""A new pipeline run, before it starts."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from adf_trigger.emulator.common.models import PipelineRun, Recovery
from adf_trigger.emulator.engine.parameters import bind, secure_names
from adf_trigger.emulator.engine.ports import Definitions
from adf_trigger.emulator.engine.scopes import system_variables
from adf_trigger.emulator.expressions import Scope, evaluate


def new_run(
    definitions: Definitions,
    *,
    factory_id: str,
    run_id: str,
    pipeline_name: str,
    definition: dict[str, Any],
    parameters: Mapping[str, Any],
    invoked_by: dict[str, Any],
    now: datetime,
    run_group_id: str | None = None,
    recovery: Recovery | None = None,
) -> PipelineRun:
    """A Queued run of a pipeline, its parameters bound: defaults filled in, expressions in them evaluated.

    Args:
        definitions: the factory's resources, for global parameters.
        factory_id: resource id of the factory.
        run_id: the run's id.
        pipeline_name: the pipeline's name.
        definition: the pipeline's properties.
        parameters: the caller's values.
        invoked_by: see `PipelineRun`.
        now: when the run was requested.
        run_group_id: the group of the run that it recovers; by default a new group with the run's id.
        recovery: how it recovers an earlier run.

    Raises:
        ParameterError: a value does not match its parameter's type.
        ExpressionError: a default cannot be evaluated.
    """
    declared = definition.get("parameters")
    run = PipelineRun(
        factory_id=factory_id,
        run_id=run_id,
        run_group_id=run_group_id or run_id,
        pipeline_name=pipeline_name,
        definition=definition,
        trigger_time=now,
        last_updated=now,
        secure_parameters=secure_names(declared),
        invoked_by=invoked_by,
        recovery=recovery,
        annotations=list(definition.get("annotations") or []),
    )
    scope = Scope(global_parameters=definitions.global_parameters(), system=system_variables(run))
    run.parameters = bind(declared, parameters, lambda default: evaluate(default, scope))
    dimensions = (definition.get("runDimensions") or {}).items()
    scope.parameters = run.parameters
    run.run_dimension = {name: str(evaluate(value, scope)) for name, value in dimensions}
    return run
