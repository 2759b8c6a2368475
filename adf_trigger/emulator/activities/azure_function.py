"""AzureFunctionActivity: calls a function of an Azure Function App and outputs the JSON object that it returns."""

import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from adf_trigger.emulator.activities.endpoint import (
    MAX_SHOWN_ERROR,
    NoReply,
    Reply,
    call,
    execution,
    json_object,
    read_endpoint,
    shown_input,
    with_secrets,
)
from adf_trigger.emulator.activities.endpoint_identity import EndpointIdentity, missing_property
from adf_trigger.emulator.connectors.rest.client import status_name
from adf_trigger.emulator.contract.activity import ActivityContext, ActivityFailed, ActivityResult
from adf_trigger.emulator.expressions import to_text

METHODS: Final = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT", "TRACE"})
TIMEOUT: Final = 230.0
"""Maximum seconds until a function's reply, whatever its own time-out: the load balancer's limit, as documented."""

_LINKED_SERVICE: Final = "AzureFunction"
_ACTIVITY: Final = "AzureFunctionActivity"
_TIMED_OUT: Final = "500 - The request timed out. The web server failed to respond within the specified time."


async def azure_function(context: ActivityContext) -> ActivityResult:
    """Run one attempt of an Azure Function activity.

    The function is called once, at `{functionAppUrl}/api/{functionName}`; its name may contain a route and a query.
    A 202 is not polled: as documented, a durable function is awaited by a Web activity that calls the
    statusQueryGetUri of this activity's output.

    Raises:
        ActivityFailed: with the codes of the service's troubleshooting guide, and the texts of real runs.
    """
    started = time.monotonic()
    properties = context.evaluate(context.type_properties)
    shown = shown_input(properties)
    try:
        content = _object(await _call(context, properties))
    except ActivityFailed as failure:
        failure.input, failure.output = shown, execution(context, started)
        raise
    return ActivityResult(output={**content, **execution(context, started)}, input=shown)


async def _function_app(context: ActivityContext) -> tuple[str, EndpointIdentity]:
    """The URL of the linked service's function app, and the identity to call it with."""
    reference = context.definition.get("linkedServiceName")
    if not reference:
        raise ActivityFailed(
            "Azure function activity missing LinkedService definition in JSON.", error_code="3612"
        )
    kind, properties = await context.linked_service(reference)
    if kind != _LINKED_SERVICE:
        raise ActivityFailed(
            f"The linked service type '{kind}' is not supported for '{_ACTIVITY}' activities.",
            error_code="2110",
        )
    url = to_text(properties.get("functionAppUrl")).rstrip("/")
    if not url:
        raise ActivityFailed("Azure function activity missing functionAppUrl.", error_code="3609")
    return url, await _identity(context, properties)


async def _identity(context: ActivityContext, properties: Mapping[str, Any]) -> EndpointIdentity:
    """The function key, a token of the factory's own identity, or both, as the linked service says."""
    headers = {}
    authentication = to_text(properties.get("authentication")).casefold()
    if key := to_text(properties.get("functionKey")):
        headers["x-functions-key"] = key
    if authentication == "msi":
        resource = to_text(properties.get("resourceId"))
        if not resource:
            raise missing_property("resourceId")
        headers["Authorization"] = f"Bearer {await context.token(resource)}"
    elif authentication not in {"", "anonymous"}:
        raise ActivityFailed(
            f"The authentication type '{properties['authentication']}' is not emulated by this local Data Factory.",
            error_code="NotEmulated",
        )
    if not headers and not authentication:
        raise ActivityFailed("Azure function activity missing function key.", error_code="3606")
    return EndpointIdentity(headers)


async def _call(context: ActivityContext, properties: Mapping[str, Any]) -> Reply:
    method, name = _method(properties), to_text(properties.get("functionName"))
    if not name:
        raise ActivityFailed("Azure function activity missing function name.", error_code="3607")
    app_url, identity = await _function_app(context)
    called = {"method": method, "url": f"{app_url}/api/{name.lstrip('/')}"}
    resolved = {**await with_secrets(context, properties), **called}
    endpoint = read_endpoint(resolved, methods=METHODS, timeout=TIMEOUT, extra_body={})

    def failure_of(status: int, message: str) -> ActivityFailed:
        return ActivityFailed(
            f"Call to provided Azure function '{name}' failed with status-'{status_name(status)}' while invoking "
            f"'{method}' on '{app_url}' and message - '{message}'.",
            error_code="3608",
        )

    try:
        reply = await call(context.http, endpoint, identity)
    except NoReply as failure:
        if failure.timed_out:
            raise failure_of(HTTPStatus.INTERNAL_SERVER_ERROR, _TIMED_OUT) from failure
        raise ActivityFailed(
            f"There was an error while calling endpoint. {failure.message}", error_code="3610"
        ) from failure
    if reply.status >= HTTPStatus.BAD_REQUEST:
        default = f"Invoking Azure function failed with HttpStatusCode - {status_name(reply.status)}."
        raise failure_of(reply.status, reply.body[:MAX_SHOWN_ERROR] or default)
    return reply


def _method(properties: Mapping[str, Any]) -> str:
    written = to_text(properties.get("method"))
    if not written:
        raise ActivityFailed("Azure function activity missing Method in JSON.", error_code="3611")
    if written.upper() not in METHODS:
        raise ActivityFailed(f"Invalid HttpMethod: '{written}'.", error_code="3602")
    return written.upper()


def _object(reply: Reply) -> dict[str, Any]:
    content = json_object(reply.body)
    if content is None:
        raise ActivityFailed("Response Content is not a valid JObject.", error_code="3603")
    return content
