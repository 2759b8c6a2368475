"""Until: repeats its activities until its expression is true."""

import itertools

from adf_trigger.emulator.contract.activity import ActivityFailed, ActivityResult
from adf_trigger.emulator.contract.control import (
    ControlContext,
    InnerFailure,
    inner_failure,
    truth,
)
from adf_trigger.emulator.contract.time_limit import TimeLimitReached
from adf_trigger.emulator.contract.timespans import seconds_of

DEFAULT_TIMEOUT = "7.00:00:00"


async def until(context: ControlContext) -> ActivityResult:
    """Run the activities, then evaluate the expression, which sees their outputs.

    As documented, an inner failure does not stop the loop; the activity fails in the end if its last
    iteration failed.
    """
    timeout = context.evaluate(context.type_properties.get("timeout", DEFAULT_TIMEOUT))
    try:
        seconds = seconds_of(str(timeout))
    except ValueError as exc:
        raise ActivityFailed(
            f"The timeout of the Until cannot be read: {exc}.", error_code="BadRequest"
        ) from exc
    try:
        async with context.time_limit(seconds):
            failure = await _loop(context)
    except TimeLimitReached:
        raise ActivityFailed(
            f"The loop ran longer than its timeout of {timeout} and was stopped.", error_code="Timeout"
        ) from None
    if failure is not None:
        raise inner_failure(failure)
    return ActivityResult()


async def _loop(context: ControlContext) -> InnerFailure | None:
    properties = context.type_properties
    for number in itertools.count():
        iteration = await context.run_iteration(properties.get("activities") or [], number)
        if truth(iteration.evaluate(properties["expression"])):
            return iteration.failure
    raise AssertionError  # itertools.count does not end
