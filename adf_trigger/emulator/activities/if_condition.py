"""IfCondition: runs one of two branches."""

from adf_trigger.emulator.contract.activity import ActivityResult
from adf_trigger.emulator.contract.control import ControlContext, run_branch, truth


async def if_condition(context: ControlContext) -> ActivityResult:
    """Run ifTrueActivities or ifFalseActivities, as the expression says; a missing branch is an empty one."""
    properties = context.type_properties
    chosen = "ifTrueActivities" if truth(context.evaluate(properties["expression"])) else "ifFalseActivities"
    await run_branch(context, properties.get(chosen) or [])
    return ActivityResult()
