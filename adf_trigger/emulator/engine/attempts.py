"""One activity, from its start to its end: attempts, time limits, and their activity runs in the log."""

import asyncio
import logging
from dataclasses import dataclass
from typing import Any

from adf_trigger.emulator.common.models import ActivityRun
from adf_trigger.emulator.contract.activity import ActivityFailed, ActivityResult
from adf_trigger.emulator.contract.control import ControlActivity
from adf_trigger.emulator.contract.limits import Payload, group_of
from adf_trigger.emulator.contract.time_limit import TimeLimitReached
from adf_trigger.emulator.contract.timespans import seconds_of
from adf_trigger.emulator.engine.context import RunningActivity
from adf_trigger.emulator.engine.graph import FAILED, SUCCEEDED
from adf_trigger.emulator.engine.rows import error_of

logger = logging.getLogger(__name__)

DEFAULT_TIMEOUT = "7.00:00:00"
"""Default time limit of an attempt, from the API's description."""

DEFAULT_RETRY_INTERVAL = 30
"""Default seconds between attempts."""


@dataclass(frozen=True, slots=True)
class Policy:
    """An activity's policy, parsed.

    Attributes:
        timeout: maximum seconds of an attempt; None for no limit.
        retries: maximum number of attempts after the first.
        retry_interval: seconds between attempts.
        secure_input: whether the log hides the input.
        secure_output: whether the log hides the output.
    """

    timeout: float | None = None
    retries: int = 0
    retry_interval: float = DEFAULT_RETRY_INTERVAL
    secure_input: bool = False
    secure_output: bool = False


@dataclass(frozen=True, slots=True)
class Ended:
    """How an activity ended: its last activity run, and its output even where the log hides it."""

    row: ActivityRun
    output: Any


async def run_attempts(context: RunningActivity, activity: ControlActivity, *, has_policy: bool) -> Ended:
    """Run an activity, and retry it while it fails, as its policy allows. Each attempt is an activity run.

    Args:
        context: the activity.
        activity: the function of its type.
        has_policy: whether retries and time limits apply to it (execution activities).
    """
    attempt = 0
    while True:
        try:
            policy = _policy(context, has_policy=has_policy)
        except ActivityFailed as failure:
            return _never_started(context, failure)
        ended = await _attempt(context, activity, policy, attempt)
        if ended.row.status == SUCCEEDED or attempt >= policy.retries:
            return ended
        attempt += 1
        await context.sleep(policy.retry_interval)


async def _attempt(
    context: RunningActivity, activity: ControlActivity, policy: Policy, attempt: int
) -> Ended:
    runtime = context.execution.runtime
    row = context.new_row()
    row.retry_attempt = attempt or None
    # An attempt that never waits is written only once, at its end.
    soon = asyncio.get_running_loop().call_soon
    written = [soon(runtime.log.save_activity, row)]
    output: Any = {}

    def show() -> None:
        shown_input, shown_output = context.shown
        row.input = {} if policy.secure_input else shown_input
        row.output = {} if policy.secure_output else shown_output
        written.append(soon(runtime.log.save_activity, row))

    context.when_shown = show
    try:
        row.user_properties = _user_properties(context)
        result = await _within_limits(context, activity, policy.timeout)
        row.status, row.input, output, row.extra = SUCCEEDED, result.input or {}, result.output, result.extra
    except ActivityFailed as failure:
        row.status, row.error = failure.status, error_of(context.name, failure)
        row.input, output = failure.input or {}, failure.output or {}
    except asyncio.CancelledError:
        row.status = "Cancelled"
        row.input, output = context.shown
        raise
    except Exception as exc:  # the edge of an activity type: its bug fails the activity, not the emulator
        logger.exception(
            "Activity %s of run %s failed: an internal error of the emulator.",
            context.name,
            row.run_id,
            extra={"action": "activity_crashed", "run_id": row.run_id, "activity": context.name},
        )
        row.status = FAILED
        row.error = error_of(context.name, _crash(exc))
    finally:
        context.when_shown = lambda: None
        for each in written:
            each.cancel()
        row.output = {} if policy.secure_output else output
        if policy.secure_input:
            row.input = {}
        if not context.execution.abandoned:
            row.end = runtime.clock()
            runtime.log.save_activity(row)
    return Ended(row, output)


async def _within_limits(
    context: RunningActivity, activity: ControlActivity, seconds: float | None
) -> ActivityResult:
    runtime, type_name = context.execution.runtime, str(context.definition["type"])
    strict = runtime.options.strict
    context.payload = Payload() if strict and runtime.registry.reaches_outside(type_name) else None
    group = group_of(type_name)
    if group is None:
        return await _within_time(context, activity, seconds)
    factory_id = context.execution.run.factory_id
    with runtime.slots.slot(group, factory_id, context.location, limited=strict):
        return await _within_time(context, activity, seconds)


async def _within_time(
    context: RunningActivity, activity: ControlActivity, seconds: float | None
) -> ActivityResult:
    if seconds is None:
        return await activity(context)
    try:
        async with context.time_limit(seconds):
            return await activity(context)
    except TimeLimitReached:
        # The code that the service uses here is not known.
        raise ActivityFailed(
            f"The activity ran longer than its timeout of {seconds:g} seconds and was stopped.",
            error_code="Timeout",
        ) from None


def _crash(exc: Exception) -> ActivityFailed:
    return ActivityFailed(
        f"The emulator failed on this activity: {type(exc).__name__}. Its log has the details.",
        error_code="InternalServerError",
        failure_type="SystemError",
    )


def _never_started(context: RunningActivity, failure: ActivityFailed) -> Ended:
    row = context.new_row()
    row.status, row.error, row.end = FAILED, error_of(context.name, failure), row.start
    context.execution.runtime.log.save_activity(row)
    return Ended(row, {})


def _user_properties(context: RunningActivity) -> dict[str, Any]:
    written = context.definition.get("userProperties")
    return {entry["name"]: context.evaluate(entry.get("value")) for entry in written} if written else {}


def _policy(context: RunningActivity, *, has_policy: bool) -> Policy:
    written = context.definition.get("policy")
    if not written:
        return Policy(timeout=seconds_of(DEFAULT_TIMEOUT)) if has_policy else Policy()
    written = context.evaluate(written)
    try:
        return Policy(
            timeout=seconds_of(str(written.get("timeout", DEFAULT_TIMEOUT))) if has_policy else None,
            retries=int(written.get("retry", 0)) if has_policy else 0,
            retry_interval=float(written.get("retryIntervalInSeconds", DEFAULT_RETRY_INTERVAL)),
            secure_input=written.get("secureInput") is True,
            secure_output=written.get("secureOutput") is True,
        )
    except (TypeError, ValueError) as exc:
        raise ActivityFailed(
            f"The activity's policy cannot be read: {exc}.", error_code="BadRequest"
        ) from exc
