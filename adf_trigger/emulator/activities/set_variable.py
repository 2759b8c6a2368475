"""SetVariable: sets a pipeline variable, or the values that the pipeline returns to its parent."""

from typing import Any

from adf_trigger.emulator.contract.activity import ActivityFailed, ActivityResult
from adf_trigger.emulator.contract.control import ControlContext


async def set_variable(context: ControlContext) -> ActivityResult:
    """Set variableName to value; with setSystemVariable, add to pipelineReturnValue."""
    properties = context.type_properties
    name = properties["variableName"]
    if properties.get("setSystemVariable"):
        if name != "pipelineReturnValue":
            raise ActivityFailed(
                f"'{name}' is not a system variable that can be set.", error_code="BadRequest"
            )
        value: Any = {
            entry["key"]: _returned(context, entry["value"]) for entry in properties.get("value") or []
        }
        context.set_return_values(value)
    else:
        value = context.evaluate(properties.get("value"))
        context.set_variable(name, value)
    shown = {"name": name, "value": value}
    return ActivityResult(output=shown, input=shown)


def _returned(context: ControlContext, written: dict[str, Any]) -> Any:
    """A return value as Studio writes it: a type and a content, with arrays and objects nested."""
    content = written.get("content")
    match written["type"]:
        case "Null":
            return None
        case "Array":
            return [_returned(context, element) for element in content or []]
        case "Object":
            return {entry["key"]: _returned(context, entry["value"]) for entry in content or []}
        case "Expression":
            return context.evaluate(content)
        case _:
            return content
