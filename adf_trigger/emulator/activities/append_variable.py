"""AppendVariable: appends an element to an array variable."""

from adf_trigger.emulator.contract.activity import ActivityResult
from adf_trigger.emulator.contract.control import ControlContext


async def append_variable(context: ControlContext) -> ActivityResult:
    """Append value to variableName."""
    shown = {
        "variableName": context.type_properties["variableName"],
        "value": context.evaluate(context.type_properties.get("value")),
    }
    context.append_variable(shown["variableName"], shown["value"])
    return ActivityResult(input=shown)
