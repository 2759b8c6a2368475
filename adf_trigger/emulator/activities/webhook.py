"""WebHook: calls an endpoint, passes it a callback URL, and waits for the callback."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from adf_trigger.emulator.activities.callbacks import Callback, Callbacks
from adf_trigger.emulator.activities.endpoint import (
    call,
    client_for,
    read_endpoint,
    shown_input,
    with_secrets,
)
from adf_trigger.emulator.activities.endpoint_identity import identity_of, missing_property
from adf_trigger.emulator.contract.activity import (
    Activity,
    ActivityContext,
    ActivityFailed,
    ActivityResult,
)
from adf_trigger.emulator.contract.control import flag
from adf_trigger.emulator.contract.time_limit import TimeLimitReached, time_limit
from adf_trigger.emulator.contract.timespans import seconds_of

METHODS: Final = frozenset({"POST"})
DEFAULT_TIMEOUT: Final = "00:10:00"
REQUEST_TIMEOUT: Final = 60.0
"""Maximum seconds until the endpoint's reply (documented); the activity's timeout applies to the callback."""


def webhook(callbacks: Callbacks) -> Activity:
    """The activity type.

    Args:
        callbacks: makes the callback URLs.
    """

    async def run(context: ActivityContext) -> ActivityResult:
        """Run a WebHook activity.

        Raises:
            ActivityFailed: the endpoint cannot be called or returns an error, no callback arrives in time
                (TimedOut), or the callback reports a failure.
        """
        properties = context.evaluate(context.type_properties)
        shown = shown_input(properties)
        callback = callbacks.register()
        try:
            await _call_endpoint(context, properties, callback)
            posted = await _wait(context, callback, str(properties.get("timeout") or DEFAULT_TIMEOUT))
            if flag(properties.get("reportStatusOnCallBack") or False):
                return ActivityResult(output=_reported(posted), input=shown)
            return ActivityResult(output=dict(posted), input=shown)
        except ActivityFailed as failure:
            failure.input = shown
            raise
        finally:
            callback.posted.cancel()

    return run


async def _call_endpoint(context: ActivityContext, properties: Mapping[str, Any], callback: Callback) -> None:
    if properties.get("body") is None:
        raise missing_property("body")
    resolved = await with_secrets(context, properties)
    endpoint = read_endpoint(
        resolved, methods=METHODS, timeout=REQUEST_TIMEOUT, extra_body={"callBackUri": callback.url}
    )
    identity = await identity_of(context, resolved.get("authentication"))
    async with client_for(context, endpoint, identity) as client:
        reply = await call(client, endpoint, identity)
    if reply.status >= HTTPStatus.BAD_REQUEST:
        raise ActivityFailed(
            f"Error calling the endpoint '{endpoint.url}'. Response status code: '{reply.status}'",
            error_code="2108",
        )


async def _wait(context: ActivityContext, callback: Callback, timespan: str) -> Mapping[str, Any]:
    try:
        seconds = seconds_of(timespan)
    except ValueError as exc:
        raise ActivityFailed("The type of the property 'timeout' is incorrect.", error_code="2104") from exc
    try:
        async with time_limit(seconds, context.sleep):
            return await callback.posted
    except TimeLimitReached:
        raise ActivityFailed(
            f"The callback URI was not invoked within the timeout of {timespan}.",
            error_code="TimedOut",
            status="TimedOut",
        ) from None


def _reported(posted: Mapping[str, Any]) -> dict[str, Any]:
    """The output of a callback that reports a status; property names in any case, as users write them.

    Raises:
        ActivityFailed: the status is 400 or more, or not a number.
    """
    members = {name.casefold(): value for name, value in posted.items()}
    output = members.get("output")
    shown = dict(output) if isinstance(output, Mapping) else {}
    status = str(members.get("statuscode", HTTPStatus.OK.value))
    if not (status.isascii() and status.isdigit()):
        raise ActivityFailed(
            f"The StatusCode '{status}' of the callback is not a number.",
            error_code="BadRequest",
            output=shown,
        )
    if int(status) < HTTPStatus.BAD_REQUEST:
        return shown
    error = members.get("error")
    details = {name.casefold(): value for name, value in error.items()} if isinstance(error, Mapping) else {}
    raise ActivityFailed(
        str(details.get("message", "")), error_code=str(details.get("errorcode", status)), output=shown
    )
