"""HTTP 1.1 as the platform's server implements it: the requests that it refuses by itself, and how.

uvicorn and h11 do the work. They accept some requests that the platform's server refuses, and their refusals say more
than its own; the head of each request is therefore checked before h11 reads it.
"""

import re
from collections.abc import Sequence
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import STATUS_PHRASES, H11Protocol, RequestResponseCycle

from adf_trigger.functions_host.http.responses import server_headers

LONGEST_REQUEST_LINE = 8_192
LONGEST_HEADERS = 32_768
MOST_HEADERS = 100
_BUFFER = 2 * (LONGEST_REQUEST_LINE + LONGEST_HEADERS)

_BAD_REQUEST, _URI_TOO_LONG, _HEADERS_TOO_LARGE, _VERSION = 400, 414, 431, 505
_REQUEST_LINE = re.compile(rb"\S+ (\S+) HTTP/(\d+\.\d+)")
_VERSIONS = {b"1.0", b"1.1"}
_AUTHORITY = re.compile(rb"https?://([^/?]*)", re.IGNORECASE)


class KestrelProtocol(H11Protocol):
    """Refuses the requests that the platform's server refuses: with a status, no body, and a closed connection."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.conn: _Connection = _Connection(h11.SERVER, _BUFFER)

    def shutdown(self) -> None:
        """Close the connection once the current request is answered; the answer has `connection: close`."""
        super().shutdown()
        cycle: RequestResponseCycle | None = self.cycle  # None until the first request
        if cycle is not None and not cycle.response_started:
            cycle.default_headers = [*cycle.default_headers, (b"connection", b"close")]

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - the platform sends no text
        """Refuse a request that is malformed or too large."""
        if self.conn.our_state is not h11.IDLE:  # an answer is already being sent
            self.transport.close()
            return
        status = self.conn.refused_with
        headers = [*server_headers(), (b"content-length", b"0"), (b"connection", b"close")]
        reason = STATUS_PHRASES.get(status, b"")
        for event in (
            h11.Response(status_code=status, headers=headers, reason=reason),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()


class _Connection(h11.Connection):
    """Checks the head of a request before it is read."""

    refused_with = _BAD_REQUEST

    def next_event(self) -> Any:
        try:
            if self.their_state is h11.IDLE:
                _check(self.trailing_data[0].lstrip(b"\r\n"))
            return super().next_event()
        except h11.RemoteProtocolError as exc:
            self.refused_with = exc.error_status_hint
            raise


def _check(received: bytes) -> None:
    line, ended, rest = received.partition(b"\n")
    if len(line) > LONGEST_REQUEST_LINE:
        _refuse(_URI_TOO_LONG)
    if not ended:
        return
    target = _checked_line(line.rstrip(b"\r"))
    head, whole, _ = rest.partition(b"\r\n\r\n")
    if rest.startswith(b"\r\n"):
        head, whole = b"", b"\r\n"
    lines = head.split(b"\r\n") if head else []
    if len(head) > LONGEST_HEADERS or len(lines) > MOST_HEADERS:
        _refuse(_HEADERS_TOO_LARGE)
    if whole:
        _check_headers(lines, target)


def _checked_line(line: bytes) -> bytes:
    match = _REQUEST_LINE.fullmatch(line)
    if match is None:
        _refuse(_BAD_REQUEST)
        return b""
    target, version = match.groups()
    if version not in _VERSIONS:
        _refuse(_VERSION)
    if not target.isascii() or b"%00" in target.partition(b"?")[0]:
        _refuse(_BAD_REQUEST)
    return target


def _check_headers(lines: Sequence[bytes], target: bytes) -> None:
    lengths = 0
    authority = _AUTHORITY.match(target)
    for line in lines:
        name, _, value = line.partition(b":")
        if line.startswith((b" ", b"\t")) or not _is_text(value):
            _refuse(_BAD_REQUEST)
        lengths += name.lower() == b"content-length"
        if name.lower() == b"host":
            host = value.strip()
            if b" " in host or (authority and authority[1].lower() != host.lower()):
                _refuse(_BAD_REQUEST)
    if lengths > 1:
        _refuse(_BAD_REQUEST)


def _is_text(value: bytes) -> bool:
    try:
        return "\x00" not in value.decode()
    except UnicodeDecodeError:
        return False


def _refuse(status: int) -> None:
    raise h11.RemoteProtocolError("the platform's server refuses it", error_status_hint=status)
