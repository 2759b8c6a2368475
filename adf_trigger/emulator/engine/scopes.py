"""Evaluates expressions in their scope: an activity, its dataset, or the dataset's linked service."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from adf_trigger.emulator.common.models import PipelineRun, wire_time
from adf_trigger.emulator.contract.activity import ActivityFailed, ResolvedDataset
from adf_trigger.emulator.engine.frames import Frame
from adf_trigger.emulator.engine.parameters import ParameterError, bind
from adf_trigger.emulator.engine.runtime import Runtime
from adf_trigger.emulator.engine.variables import Variables
from adf_trigger.emulator.expressions import ExpressionError, Scope, evaluate, to_text


class Scopes:
    """The scopes that the expressions of one run are evaluated in.

    Args:
        runtime: shared by all runs of the engine.
        run: the run.
        variables: its variables; expressions see their current values.
    """

    def __init__(self, runtime: Runtime, run: PipelineRun, variables: Variables) -> None:
        self._definitions = runtime.definitions(run.factory_id)
        self._base = Scope(
            parameters=run.parameters,
            global_parameters=self._definitions.global_parameters(),
            system=system_variables(run),
            variables=variables.values,
            clock=runtime.clock,
            new_id=runtime.new_id,
        )

    def evaluate(self, value: Any, frame: Frame) -> Any:
        """Evaluate every expression in a JSON value in the scope of an activity.

        Raises:
            ActivityFailed: an expression cannot be evaluated.
        """
        return _evaluate(value, self._within(frame))

    def dataset(self, reference: Mapping[str, Any], frame: Frame) -> ResolvedDataset:
        """Resolve a DatasetReference of an activity; secrets are not resolved.

        Raises:
            ActivityFailed: it or its linked service does not exist, or an expression cannot be evaluated.
        """
        name = str(reference["referenceName"])
        found = self._definitions.dataset(name)
        if found is None:
            raise _not_found("dataset", name)
        outside = self._within(frame)
        inside = replace(outside, dataset=_bound(found, _given(reference, outside), outside))
        linked_service = found["linkedServiceName"]
        type_name, properties = self._linked_service(linked_service, inside)
        return ResolvedDataset(
            name=name,
            type=str(found["type"]),
            properties=_evaluate(found.get("typeProperties") or {}, inside),
            linked_service_name=str(linked_service["referenceName"]),
            linked_service_type=type_name,
            linked_service=properties,
            schema=_evaluate(found.get("schema"), inside),
        )

    def linked_service(self, reference: Mapping[str, Any], frame: Frame) -> tuple[str, dict[str, Any]]:
        """Resolve a LinkedServiceReference of an activity: its type and its evaluated typeProperties.

        Secrets are not resolved.

        Raises:
            ActivityFailed: it does not exist, or an expression cannot be evaluated.
        """
        return self._linked_service(reference, self._within(frame))

    def vault_url(self, store: Mapping[str, Any], frame: Frame) -> str:
        """The baseUrl of the vault that a secret names as its store.

        Args:
            store: a LinkedServiceReference, already evaluated together with its secret.
            frame: scope of the defaults of the linked service's parameters.

        Raises:
            ActivityFailed: it does not exist, is not a vault, or an expression cannot be evaluated.
        """
        outside = self._within(frame)
        found = self._found_linked_service(store)
        name = store["referenceName"]
        if found["type"] != "AzureKeyVault":
            raise ActivityFailed(
                f"The linked service '{name}' is of type {found['type']}, not AzureKeyVault.",
                error_code="BadRequest",
            )
        inside = replace(outside, linked_service=_bound(found, store.get("parameters") or {}, outside))
        return to_text(_evaluate((found.get("typeProperties") or {}).get("baseUrl"), inside))

    def _linked_service(self, reference: Mapping[str, Any], outside: Scope) -> tuple[str, dict[str, Any]]:
        found = self._found_linked_service(reference)
        inside = replace(outside, linked_service=_bound(found, _given(reference, outside), outside))
        return str(found["type"]), _evaluate(found.get("typeProperties") or {}, inside)

    def _found_linked_service(self, reference: Mapping[str, Any]) -> dict[str, Any]:
        name = str(reference["referenceName"])
        found = self._definitions.linked_service(name)
        if found is None:
            raise _not_found("linked service", name)
        return found

    def _within(self, frame: Frame) -> Scope:
        if frame.scope is None:
            frame.scope = replace(self._base, activities=frame.activities, item=frame.item)
        return frame.scope


def system_variables(run: PipelineRun) -> dict[str, Any]:
    """The properties of `pipeline()` other than parameters and globalParameters."""
    invoked_by = run.invoked_by
    system = {
        "DataFactory": run.factory_id.rpartition("/")[2],
        "Pipeline": run.pipeline_name,
        "RunId": run.run_id,
        "GroupId": run.run_group_id,
        "TriggerType": invoked_by.get("invokedByType", "Manual"),
        "TriggerId": invoked_by.get("id"),
        "TriggerName": invoked_by.get("name"),
        "TriggerTime": wire_time(run.trigger_time),
    }
    if "pipelineRunId" in invoked_by:
        system["TriggeredByPipelineName"] = invoked_by.get("pipelineName")
        system["TriggeredByPipelineRunId"] = invoked_by["pipelineRunId"]
    return system


def _evaluate(value: Any, scope: Scope) -> Any:
    try:
        return evaluate(value, scope)
    except ExpressionError as exc:
        raise ActivityFailed(exc.message, error_code=exc.code) from exc


def _given(reference: Mapping[str, Any], outside: Scope) -> Any:
    """The parameter values of a reference."""
    return _evaluate(reference.get("parameters") or {}, outside)


def _bound(found: Mapping[str, Any], given: Any, outside: Scope) -> dict[str, Any]:
    """The parameters of a dataset or linked service: the values of the reference, or the defaults."""
    try:
        return bind(found.get("parameters"), given, lambda default: _evaluate(default, outside))
    except ParameterError as exc:
        raise ActivityFailed(str(exc), error_code="BadRequest") from exc


def _not_found(kind: str, name: str) -> ActivityFailed:
    return ActivityFailed(f"The {kind} '{name}' does not exist in the factory.", error_code="BadRequest")
