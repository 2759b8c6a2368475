"""Wait: waits for a number of seconds."""

from adf_trigger.emulator.contract.activity import ActivityContext, ActivityFailed, ActivityResult


async def wait(context: ActivityContext) -> ActivityResult:
    """Wait for waitTimeInSeconds."""
    seconds = context.evaluate(context.type_properties["waitTimeInSeconds"])
    if isinstance(seconds, bool) or not isinstance(seconds, int) or seconds < 0:
        raise ActivityFailed(
            f"waitTimeInSeconds must be a whole number, not {seconds!r}.", error_code="BadRequest"
        )
    await context.sleep(seconds)
    return ActivityResult(input={"waitTimeInSeconds": seconds})
