"""An HTTP request as the platform hands it to a Python function."""

from collections.abc import Iterable, Mapping
from urllib.parse import parse_qsl

from azure.functions.meta import Datum
from starlette.requests import Request

DEFAULT_BODY_LIMIT = 104_857_600
"""Bytes that the platform takes, unless FUNCTIONS_REQUEST_BODY_SIZE_LIMIT says otherwise."""


class BodyTooLarge(Exception):
    """The body is longer than the limit."""


def raw_path(request: Request) -> str:
    """The path as it came, percent-encoded."""
    return str(request.scope["raw_path"], "latin-1")


def query(request: Request) -> dict[str, str]:
    """The query's values by name, several of one name joined by commas, empty ones left out."""
    text = str(request.scope["query_string"], "latin-1")
    return {name: value for name, value in _joined(parse_qsl(text, keep_blank_values=True)).items() if value}


def headers(request: Request) -> dict[str, str]:
    """The headers' values by lower-case name, several of one name joined by commas."""
    return _joined((name.lower(), value) for name, value in request.headers.items())


async def body(request: Request, limit: int) -> bytes:
    """The body; empty where the request does not give its length.

    That is the platform's way with chunked requests: it gives no body of unknown length to a worker.

    Raises:
        BodyTooLarge: it is longer than the limit.
    """
    length = int(request.headers.get("content-length", "0"))
    if length > limit:
        raise BodyTooLarge
    if not length:
        async for _ in request.stream():  # read, so that the connection can serve another request
            continue
        return b""
    return await request.body()


def to_datum(request: Request, route_values: Mapping[str, str], content: bytes) -> Datum:
    """The request as azure.functions decodes it to an HttpRequest."""
    query_string = str(request.scope["query_string"], "latin-1")
    host = request.headers.get("host", "")
    url = f"{request.url.scheme}://{host}{raw_path(request)}" + (f"?{query_string}" if query_string else "")
    return Datum(
        {
            "method": Datum(request.method, "string"),
            "url": Datum(url, "string"),
            "headers": _strings(headers(request)),
            "query": _strings(query(request)),
            "params": _strings(route_values),
            "body": Datum(content, "bytes"),
        },
        "http",
    )


def _strings(values: Mapping[str, str]) -> dict[str, Datum]:
    return {name: Datum(value, "string") for name, value in values.items()}


def _joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in pairs:
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined
