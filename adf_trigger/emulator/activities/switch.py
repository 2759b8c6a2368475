"""Switch: runs the branch whose value equals the expression's."""

from adf_trigger.emulator.contract.activity import ActivityFailed, ActivityResult
from adf_trigger.emulator.contract.control import ControlContext, run_branch


async def switch(context: ControlContext) -> ActivityResult:
    """Run the activities of the case whose value equals that of `on`, case-sensitively, or the default ones."""
    properties = context.type_properties
    value = context.evaluate(properties["on"])
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ActivityFailed(
            f"The expression of a Switch must return a string or an integer, not {value!r}.",
            error_code="BadRequest",
        )
    for case in properties.get("cases") or []:
        if str(case["value"]) == str(value):
            await run_branch(context, case.get("activities") or [])
            break
    else:
        await run_branch(context, properties.get("defaultActivities") or [])
    return ActivityResult()
