"""Switch: the branch whose value the expression gives."""

from adf_trigger.local.factory.engine.activities.base import ActivityFailed, ActivityResult
from adf_trigger.local.factory.engine.activities.control import ControlContext, run_branch


async def switch(context: ControlContext) -> ActivityResult:
    """Run the activities of the case whose value is that of `on`, or the default ones; case counts."""
    properties = context.type_properties
    value = context.evaluate(properties["on"])
    if not isinstance(value, str):
        raise ActivityFailed(
            f"The expression of a Switch must give a string, not {value!r}.", error_code="BadRequest"
        )
    for case in properties.get("cases") or []:
        if case["value"] == value:
            await run_branch(context, case.get("activities") or [])
            break
    else:
        await run_branch(context, properties.get("defaultActivities") or [])
    return ActivityResult()
