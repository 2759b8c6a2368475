"""An HTTP request as the platform passes it to a Python function."""

import asyncio
from collections.abc import Mapping

from azure.functions.meta import Datum
from starlette.requests import Request

from adf_trigger.functions_host.http.keys import KEY_HEADER, KEY_PARAMETER
from adf_trigger.functions_host.http.urls import escaped_path, first_value, normal_path, query_values

DEFAULT_BODY_LIMIT = 104_857_600
"""Bytes that the platform accepts by default; FUNCTIONS_REQUEST_BODY_SIZE_LIMIT overrides it."""

_BODY_STALLS_SECONDS = 5.0
_ABSOLUTE = ("http://", "https://")


class BodyRefused(Exception):
    """The body is longer than the limit, or does not arrive."""


def path(request: Request) -> str:
    """The path for routing: decoded except for `%2F`, without `.` and `..`."""
    return normal_path(raw_path(request))


def raw_path(request: Request) -> str:
    """The path as received, percent-encoded."""
    raw = str(request.scope["raw_path"], "latin-1")
    if raw.lower().startswith(_ABSOLUTE):
        return "/" + raw.split("/", 3)[3] if raw.count("/") > 2 else "/"  # noqa: PLR2004 - scheme://host/
    return raw


def query_string(request: Request) -> str:
    """The query as received."""
    return str(request.scope["query_string"], "latin-1")


def headers(request: Request) -> dict[str, str]:
    """The headers' values by lower-case name, several of one name joined by commas.

    A Content-Length in addition to a chunked body is renamed, since it has no meaning.
    """
    joined: dict[str, str] = {}
    for raw_name, raw_value in request.scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode(errors="replace")
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    if is_chunked(request) and "content-length" in joined:
        joined["x-content-length"] = joined.pop("content-length")
    return joined


def given_key(request: Request) -> str:
    """The key of a request: its first key header, even a wrong or empty one; else `?code=`."""
    for name, value in request.scope["headers"]:
        if name.lower() == KEY_HEADER.encode():
            return str(value.decode(errors="replace"))
    return first_value(query_string(request), KEY_PARAMETER) or ""


def is_chunked(request: Request) -> bool:
    """Whether the body is chunked, so that its length is not known in advance."""
    return "chunked" in request.headers.get("transfer-encoding", "").lower()


async def body(request: Request, limit: int) -> bytes:
    """The body; empty if the request does not state its length.

    The platform treats chunked requests so: it passes no body of unknown length to a worker.

    Raises:
        BodyRefused: it is longer than the limit, or no data has arrived for five seconds.
        ClientDisconnect: the caller has disconnected.
    """
    length = 0 if is_chunked(request) else int(request.headers.get("content-length", "0"))
    if length > limit:
        raise BodyRefused
    content = bytearray()
    chunks = request.stream()
    try:
        while True:
            async with asyncio.timeout(_BODY_STALLS_SECONDS):
                chunk = await anext(chunks)
            content += chunk if length else b""
    except StopAsyncIteration:
        return bytes(content)
    except TimeoutError as exc:
        raise BodyRefused from exc


def to_datum(request: Request, route_values: Mapping[str, str], content: bytes) -> Datum:
    """The request as azure.functions decodes it to an HttpRequest."""
    query = query_string(request)
    host = request.headers.get("host", "")
    url = f"{request.url.scheme}://{host}{escaped_path(path(request))}" + (f"?{query}" if query else "")
    return Datum(
        {
            "method": Datum(request.method.upper(), "string"),
            "url": Datum(url, "string"),
            "headers": _strings(headers(request)),
            "query": _strings(query_values(query)),
            "params": _strings(route_values),
            "body": Datum(content, "bytes"),
        },
        "http",
    )


def _strings(values: Mapping[str, str]) -> dict[str, Datum]:
    return {name: Datum(value, "string") for name, value in values.items()}
