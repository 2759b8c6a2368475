"""Calls of endpoints by the Web, WebHook and Azure Function activities: properties, request, reply."""

import asyncio
import json
import math
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import httpx

from adf_trigger.emulator.activities.endpoint_identity import EndpointIdentity, missing_property
from adf_trigger.emulator.common.masking import masked
from adf_trigger.emulator.contract.activity import ActivityContext, ActivityFailed
from adf_trigger.emulator.contract.limits import LARGEST_OUTPUT, output_too_large
from adf_trigger.emulator.expressions import to_json, to_text

MAX_SHOWN_ERROR: Final = 10_000
"""Maximum characters of an error response's body in the error; the service's own limit is not known."""

_CONNECT_TIMEOUT: Final = 30.0
_LAST_PORT: Final = 65_535
_BODILESS: Final = frozenset({"GET"})
_NEED_BODY: Final = frozenset({"PATCH", "POST", "PUT"})
_MAY_HAVE_SECRETS: Final = ("headers", "authentication")
_SHOWN: Final = (
    "functionName",
    "url",
    "method",
    "headers",
    "body",
    "authentication",
    "httpRequestTimeout",
    "turnOffAsync",
)


class NoReply(ActivityFailed):
    """An endpoint cannot be reached (2108), or does not answer (2128).

    Attributes:
        timed_out: whether the endpoint was reached and took too long.
    """

    def __init__(self, message: str, *, error_code: str, timed_out: bool = False) -> None:
        super().__init__(message, error_code=error_code)
        self.timed_out = timed_out


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The request to send.

    Attributes:
        method: in upper case.
        headers: as written, plus a Content-Type for a body without one.
        body: None if the method has none.
        timeout: maximum seconds until the reply is complete.
        verify: whether the server's certificate is verified.
    """

    method: str
    url: str
    headers: dict[str, str]
    body: str | None
    timeout: float
    verify: bool = True


@dataclass(frozen=True, slots=True)
class Reply:
    """The reply of an endpoint.

    Attributes:
        url: of the last request, after redirects.
        headers: with names as they were sent; repeated ones joined.
        body: as text.
    """

    status: int
    url: httpx.URL
    headers: dict[str, str]
    body: str

    def header(self, name: str) -> str | None:
        """The value of a header by its lower-case name."""
        return next((value for key, value in self.headers.items() if key.lower() == name), None)


def read_endpoint(
    properties: Mapping[str, Any], *, methods: frozenset[str], timeout: float, extra_body: Mapping[str, Any]
) -> Endpoint:
    """Read the request to send from evaluated typeProperties.

    Args:
        properties: of the activity, secrets as plain text.
        methods: the methods that the activity type supports.
        timeout: seconds.
        extra_body: properties to add to the body, which must be an object then.

    Raises:
        ActivityFailed: a property is missing or has the wrong type, with the service's codes and texts.
    """
    url, method = _text(properties, "url"), _text(properties, "method").upper()
    if method not in methods:
        raise ActivityFailed(f"The method '{method}' is not supported.", error_code="BadRequest")
    headers = properties.get("headers") or {}
    if not isinstance(headers, Mapping):
        raise _wrong_type("headers")
    sent = {name: to_text(value) for name, value in headers.items() if value is not None}
    body = _body(properties.get("body"), method, extra_body)
    if body is not None and "content-type" not in {name.lower() for name in sent}:
        sent["Content-Type"] = "application/json"
    return Endpoint(method, url, sent, body, timeout, properties.get("disableCertValidation") is not True)


async def with_secrets(context: ActivityContext, properties: Mapping[str, Any]) -> dict[str, Any]:
    """Evaluated properties, with secrets in headers and authentication as plain text.

    Raises:
        ActivityFailed: a secret cannot be read.
    """
    found = {name: await context.reveal(properties[name]) for name in _MAY_HAVE_SECRETS if name in properties}
    return {**properties, **found}


def shown_input(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The input of the activity run: the evaluated properties, secrets masked."""
    return {
        name: masked(properties[name], evaluated=True, as_text=name in _MAY_HAVE_SECRETS)
        for name in _SHOWN
        if name in properties
    }


@asynccontextmanager
async def client_for(
    context: ActivityContext, endpoint: Endpoint, identity: EndpointIdentity
) -> AsyncIterator[httpx.AsyncClient]:
    """The engine's own client, or a new one for another TLS configuration."""
    if endpoint.verify and identity.certificate is None:
        yield context.http
        return
    tls = context.surroundings.tls(verify=endpoint.verify)
    if identity.certificate is not None:
        identity.certificate.load_into(tls)
    async with context.surroundings.client(tls) as own:
        yield own


async def call(client: httpx.AsyncClient, endpoint: Endpoint, identity: EndpointIdentity) -> Reply:
    """Send one request and read its reply, whatever its status.

    Raises:
        NoReply: 2108 if the endpoint cannot be reached, 2128 if it does not answer (in time).
        ActivityFailed: 2001 if the reply is too large.
    """
    _check_url(endpoint.url)
    try:
        request = client.build_request(
            endpoint.method,
            endpoint.url,
            headers=_encoded({**endpoint.headers, **identity.headers}),
            content=endpoint.body.encode("utf-8", "replace") if endpoint.body is not None else None,
            timeout=httpx.Timeout(endpoint.timeout, connect=min(endpoint.timeout, _CONNECT_TIMEOUT)),
        )
        async with asyncio.timeout(endpoint.timeout):
            response = await client.send(request, stream=True, follow_redirects=True)
            try:
                return await _read(response)
            finally:
                await response.aclose()
    except (httpx.ConnectError, httpx.ConnectTimeout) as exc:
        raise _unreachable(endpoint.url, f"An error occurred while sending the request. {exc}") from exc
    except (TimeoutError, httpx.TimeoutException, httpx.NetworkError, httpx.RemoteProtocolError) as exc:
        raise NoReply(
            "No response from the endpoint. Possible causes: network connectivity, DNS failure, server "
            "certificate validation or timeout.",
            error_code="2128",
            timed_out=isinstance(exc, TimeoutError | httpx.TimeoutException),
        ) from exc
    except httpx.HTTPError as exc:
        raise _unreachable(endpoint.url, str(exc)) from exc


def json_object(body: str) -> dict[str, Any] | None:
    """A body parsed as a JSON object; None if it is anything else."""
    try:
        value = json.loads(body)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def execution(context: ActivityContext, started: float, runtime: str | None = None) -> dict[str, Any]:
    """Where and how long an activity ran, in the shape of real outputs.

    Args:
        context: the activity.
        started: reading of the monotonic clock at its start, seconds.
        runtime: name of its integration runtime; by default AutoResolveIntegrationRuntime.
    """
    seconds = time.monotonic() - started
    minutes = max(1, math.ceil(seconds / 60))
    return {
        "effectiveIntegrationRuntime": f"{runtime or 'AutoResolveIntegrationRuntime'} ({context.location})",
        "executionDuration": int(seconds),
        "durationInQueue": {"integrationRuntimeQueue": 0},
        "billingReference": {
            "activityType": "ExternalActivity",
            "billableDuration": [{"meterType": "AzureIR", "duration": minutes / 60, "unit": "Hours"}],
        },
    }


def _check_url(text: str) -> None:
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        url = None
    if url is None or url.scheme not in {"http", "https"} or not url.host or (url.port or 0) > _LAST_PORT:
        raise _unreachable(
            text, f"Invalid Url: {text}. Please verify Url or integration runtime is valid and retry."
        )


def _encoded(headers: Mapping[str, str]) -> dict[bytes, bytes]:
    return {name.encode(): value.encode("utf-8", "replace") for name, value in headers.items()}


async def _read(response: httpx.Response) -> Reply:
    content = bytearray()
    async for chunk in response.aiter_bytes():
        content += chunk
        if len(content) > LARGEST_OUTPUT:
            raise output_too_large()
    headers: dict[str, str] = {}
    for raw_name, raw_value in response.headers.raw:
        name, value = raw_name.decode("ascii", "replace"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    body = bytes(content).decode(response.charset_encoding or "utf-8", "replace")
    return Reply(response.status_code, response.url, headers, body)


def _unreachable(url: str, why: str) -> NoReply:
    return NoReply(
        f"Error calling the endpoint '{url}'. Response status code: 'NA - Unknown'. More details: Exception "
        f"message: 'NA - Unknown [ClientSideException] {why}'.",
        error_code="2108",
    )


def _body(value: Any, method: str, extra: Mapping[str, Any]) -> str | None:
    if method in _BODILESS:
        if value not in (None, ""):
            raise ActivityFailed(f"A body is not allowed for the method {method}.", error_code="BadRequest")
        return None
    if value is None:
        if not extra and method in _NEED_BODY:
            raise missing_property("body")
        return to_json(extra) if extra else None
    if extra:
        return to_json({**_object(value), **extra})
    return value if isinstance(value, str) else to_json(value)


def _object(body: Any) -> Mapping[str, Any]:
    """The object that a body is, or that its text contains."""
    try:
        value = json.loads(body) if isinstance(body, str) else body
    except ValueError as exc:
        raise ActivityFailed(
            f"An invalid json is provided for property 'body'. Encountered an error while trying to parse: '{exc}'.",
            error_code="2105",
        ) from exc
    if not isinstance(value, Mapping):
        raise _wrong_type("body")
    return value


def _text(properties: Mapping[str, Any], name: str) -> str:
    value = properties.get(name)
    if value is None or value == "":
        raise missing_property(name)
    if not isinstance(value, str):
        raise _wrong_type(name)
    return value


def _wrong_type(name: str) -> ActivityFailed:
    return ActivityFailed(f"The type of the property '{name}' is incorrect.", error_code="2104")
