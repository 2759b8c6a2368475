"""Responses whose heads are read without a parser of mail.

http.client reads every head as that of a mail, and where the body is multipart, as that of a transaction is, compiles
an expression of its boundary besides: a sixth of the processor time of a whole request to this service.
"""

import re
from http.client import HTTPMessage, HTTPResponse
from io import BufferedReader

_HEAD = re.compile(
    rb"HTTP/1\.1 ([2-5][0-9]{2})(?: ([^\r\n\x00]*+))?\r\n"
    rb"((?:[!#$%&'*+\-.^_`|~0-9A-Za-z]++:[^\r\n\x00]*+\r\n)*+)\r\n"
)
"""A head without anything unusual: one version, whole lines, no line that goes on in the next."""

_MOST_HEADERS = 100
"""As http.client has it."""

_LENGTH = re.compile(r"[0-9]{1,18}")
_BODILESS = frozenset({204, 304})


class PlainResponse(HTTPResponse):
    """A response that reads a usual head itself, and leaves any other to http.client."""

    def begin(self) -> None:
        """Read the head."""
        already: HTTPMessage | None = self.headers
        if already is not None or not self._begun():
            super().begin()

    def _begun(self) -> bool:
        """Read the head, if it is a usual one and there as a whole; else nothing is read."""
        buffer: object = self.fp
        if not isinstance(buffer, BufferedReader):
            return False
        head = _HEAD.match(buffer.peek())
        if head is None or head[3].count(b"\r\n") > _MOST_HEADERS:
            return False
        headers = HTTPMessage()
        for line in head[3].decode("iso-8859-1").split("\r\n")[:-1]:
            name, _, value = line.partition(":")
            headers[name] = value.lstrip(" \t")
        status = int(head[1])
        coding, lengths = headers.get_all("transfer-encoding", []), headers.get_all("content-length", [])
        if len(coding) + len(lengths) > 1 or any(each.lower() != "chunked" for each in coding):
            return False
        if not all(_LENGTH.fullmatch(each) for each in lengths):
            return False
        buffer.read(head.end())
        self.version, self.status, self.reason = 11, status, (head[2] or b"").decode("iso-8859-1").strip()
        self.code = status
        self.headers = self.msg = headers
        self.chunked, self.chunk_left = bool(coding), None
        self.length = int(lengths[0]) if lengths else None
        if status in _BODILESS or self._method == "HEAD":  # type: ignore[attr-defined]  # what its own begin reads
            self.length = 0
        closes = "close" in headers.get("connection", "").lower()
        self.will_close = closes or not (self.chunked or self.length is not None)
        return True
