"""The return value of a function as an HTTP response."""

import re
from collections.abc import Mapping
from email.utils import formatdate
from http.cookies import Morsel
from typing import Any

from azure.functions.meta import Datum
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from adf_trigger.functions_host.common.errors import FunctionFailed

SCALE_OUT = {"x-function-scaleout": "1"}
CLOSE = {"connection": "close"}

_SERVER = b"Kestrel"
_BODILESS = {204, 205, 304}
_LENGTHLESS = {204, 304}
_OF_THE_SERVER = {"transfer-encoding", "connection"}
_PLAIN_TEXT = "text/plain; charset=utf-8"
_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")


class WrongLength(FunctionFailed):
    """The function set a Content-Length that differs from the length of its body."""


class Answer:
    """A response (ASGI). A body is sent chunked unless the function set its length.

    Args:
        status: code.
        content: body.
        headers: by name.
        cookies: values of Set-Cookie.
    """

    def __init__(
        self,
        status: int,
        content: bytes = b"",
        headers: Mapping[str, str] | None = None,
        cookies: tuple[str, ...] = (),
    ) -> None:
        self.status = status
        self.content = content
        self.headers = {name.lower(): value for name, value in (headers or {}).items()}
        self.cookies = cookies
        if not content and status not in _LENGTHLESS:
            self.headers["content-length"] = "0"

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Send it."""
        pairs = [*self.headers.items(), *(("set-cookie", cookie) for cookie in self.cookies)]
        raw = [(name.encode(), value.encode()) for name, value in pairs]
        await send({"type": "http.response.start", "status": self.status, "headers": raw})
        await send({"type": "http.response.body", "body": self.content})


def from_datum(datum: Datum | None) -> Answer:
    """The response that azure.functions encoded: an HttpResponse, or a plain string (200, text).

    Raises:
        FunctionFailed: a header is invalid in HTTP, or states a length that the body does not have.
    """
    if datum is None or datum.value is None:
        return Answer(200)
    if datum.type == "string":
        return Answer(200, datum.value.encode(), {"content-type": _PLAIN_TEXT})
    status = int(datum.value["status_code"].value)
    content = b"" if status in _BODILESS else datum.value["body"].value
    headers = {
        name: _header_value(name, value.value)
        for name, value in datum.value["headers"].items()
        if name.lower() not in _OF_THE_SERVER
    }
    for name, value in headers.items():
        if name.lower() == "content-length" and value != str(len(content)):
            raise WrongLength(f"The response has {len(content)} bytes, but its Content-Length is {value}")
    cookies = [_cookie(morsel) for cookie in datum.value["cookies"] or [] for morsel in cookie.values()]
    return Answer(status, content, headers, tuple(cookies))


def with_server_headers(app: ASGIApp) -> ASGIApp:
    """The application with the server's own headers, unless an answer sets them."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = server_headers()
                there = {name.lower() for name, _ in message["headers"]}
                message["headers"] = [*(pair for pair in own if pair[0] not in there), *message["headers"]]
            await send(message)

        await app(scope, receive, send_with_headers)

    return serve


def server_headers() -> list[tuple[bytes, bytes]]:
    """Date and Server."""
    return [(b"date", formatdate(usegmt=True).encode()), (b"server", _SERVER)]


def _header_value(name: str, value: object) -> str:
    text = str(value)
    if not text.isascii() or not text.isprintable() or not _NAME.fullmatch(name):
        raise FunctionFailed(f"The response header {name!r} has a name or a value that HTTP does not allow")
    return text


def _cookie(morsel: "Morsel[Any]") -> str:
    """A cookie as the platform rewrites it, with its domain and path even if they are empty."""
    parts = [f"{morsel.key}={morsel.coded_value}"]
    parts += [f"{name}={morsel[name]}" for name in ("expires", "max-age") if morsel[name]]
    parts += [f"domain={morsel['domain']}", f"path={morsel['path']}"]
    if morsel["secure"]:
        parts.append("secure")
    if morsel["samesite"]:
        parts.append(f"samesite={str(morsel['samesite']).lower()}")
    if morsel["httponly"]:
        parts.append("httponly")
    return "; ".join(parts)
