"""WebActivity: calls an endpoint and outputs its reply."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Any, Final

import httpx

from adf_trigger.emulator.activities.endpoint import (
    MAX_SHOWN_ERROR,
    Endpoint,
    Reply,
    call,
    client_for,
    execution,
    json_object,
    read_endpoint,
    shown_input,
    with_secrets,
)
from adf_trigger.emulator.activities.endpoint_identity import EndpointIdentity, identity_of
from adf_trigger.emulator.connectors.rest.client import status_name
from adf_trigger.emulator.contract.activity import ActivityContext, ActivityFailed, ActivityResult
from adf_trigger.emulator.contract.timespans import seconds_of

METHODS: Final = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})
DEFAULT_TIMEOUT: Final = "00:01:00"
POLL_SECONDS: Final = 10.0
"""Seconds between polls of the Location of a 202 without a Retry-After; the service's own interval is not known."""

_BODY_HEADERS: Final = frozenset({"content-type", "content-length", "content-encoding"})


async def web(context: ActivityContext) -> ActivityResult:
    """Run one attempt of a Web activity.

    A JSON object becomes the output; any other body becomes its property `Response`, as text. A 202 with a
    Location is polled until the status changes, unless turnOffAsync is true. httpRequestTimeout is not checked
    here: validating the service's range of 1 to 10 minutes is up to the code that stores the definition.

    Raises:
        ActivityFailed: with the codes and texts of the service's troubleshooting guide.
    """
    started = time.monotonic()
    properties = context.evaluate(context.type_properties)
    shown = shown_input(properties)
    try:
        resolved = await with_secrets(context, properties)
        endpoint = read_endpoint(
            resolved,
            methods=METHODS,
            timeout=_timeout(properties),
            extra_body=await _references(context),
        )
        identity = await identity_of(context, resolved.get("authentication"))
        async with client_for(context, endpoint, identity) as client:
            reply = await call(client, endpoint, identity)
            if properties.get("turnOffAsync") is not True:
                reply = await _when_done(context, client, endpoint, identity, reply)
        _raise_for_status(reply)
    except ActivityFailed as failure:
        failure.input, failure.output = shown, _execution(context, properties, started)
        raise
    content = json_object(reply.body)
    output = {
        **({"Response": reply.body} if content is None else content),
        "ADFWebActivityResponseHeaders": reply.headers,
        **_execution(context, properties, started),
    }
    return ActivityResult(output=output, input=shown)


def _timeout(properties: Mapping[str, Any]) -> float:
    try:
        return seconds_of(str(properties.get("httpRequestTimeout") or DEFAULT_TIMEOUT))
    except ValueError as exc:
        raise ActivityFailed(
            "The type of the property 'httpRequestTimeout' is incorrect.", error_code="2104"
        ) from exc


async def _when_done(
    context: ActivityContext,
    client: httpx.AsyncClient,
    endpoint: Endpoint,
    identity: EndpointIdentity,
    reply: Reply,
) -> Reply:
    """Follow the asynchronous request-reply pattern to its end, limited only by the activity's own timeout."""
    while reply.status == HTTPStatus.ACCEPTED and (location := reply.header("location")):
        await context.sleep(_retry_after(reply))
        target = reply.url.join(location)
        reply = await call(client, *_poll(endpoint, identity, target))
    return reply


def _poll(
    endpoint: Endpoint, identity: EndpointIdentity, target: httpx.URL
) -> tuple[Endpoint, EndpointIdentity]:
    """A GET of the Location; another host receives no secrets."""
    same = httpx.URL(endpoint.url)
    trusted = (same.scheme, same.host, same.port) == (target.scheme, target.host, target.port)
    headers = {name: value for name, value in endpoint.headers.items() if name.lower() not in _BODY_HEADERS}
    return (
        replace(endpoint, method="GET", url=str(target), headers=headers if trusted else {}, body=None),
        identity if trusted else EndpointIdentity(),
    )


def _retry_after(reply: Reply) -> float:
    value = reply.header("retry-after") or ""
    return float(value) if value.isascii() and value.isdigit() else POLL_SECONDS


def _raise_for_status(reply: Reply) -> None:
    if reply.status >= HTTPStatus.BAD_REQUEST:
        raise ActivityFailed(
            f"Invoking Web Activity failed with HttpStatusCode - '{reply.status} : {status_name(reply.status)}', "
            f"message - '{reply.body[:MAX_SHOWN_ERROR]}'",
            error_code="2108",
        )


def _execution(context: ActivityContext, properties: Mapping[str, Any], started: float) -> dict[str, Any]:
    return execution(context, started, (properties.get("connectVia") or {}).get("referenceName"))


async def _references(context: ActivityContext) -> dict[str, Any]:
    """The datasets and linked services to send to the endpoint, as properties of the body."""
    written = context.type_properties
    datasets: Sequence[dict[str, Any]] = written.get("datasets") or []
    linked_services: Sequence[dict[str, Any]] = written.get("linkedServices") or []
    found = {
        "datasets": [await _dataset(context, reference) for reference in datasets],
        "linkedServices": [await _linked_service(context, reference) for reference in linked_services],
    }
    return {name: entries for name, entries in found.items() if entries}


async def _dataset(context: ActivityContext, reference: dict[str, Any]) -> dict[str, Any]:
    dataset = await context.dataset(reference)
    linked_service = {"referenceName": dataset.linked_service_name, "type": "LinkedServiceReference"}
    return {
        "name": dataset.name,
        "properties": {
            "type": dataset.type,
            "linkedServiceName": linked_service,
            "typeProperties": dataset.properties,
        },
    }


async def _linked_service(context: ActivityContext, reference: dict[str, Any]) -> dict[str, Any]:
    type_name, properties = await context.linked_service(reference)
    return {
        "name": reference["referenceName"],
        "properties": {"type": type_name, "typeProperties": properties},
    }
