"""Copy: moves data from a source dataset to a sink dataset."""

from adf_trigger.emulator.contract.activity import ActivityContext, ActivityResult
from adf_trigger.emulator.copying import pipeline


async def copy(context: ActivityContext) -> ActivityResult:
    """Run one attempt of a Copy activity.

    Raises:
        ActivityFailed: with error code 2200 and the service's texts.
    """
    return await pipeline.copy(context)
