"""Heads of responses, read as http.client reads them."""

import io
from http.client import HTTPException, HTTPResponse
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adf_trigger.azure.response_heads import PlainResponse

AZURITE = (
    b"HTTP/1.1 202 Accepted\r\nServer: Azurite-Table/3.35.0\r\nconnection: keep-alive\r\n"
    b"content-type: multipart/mixed; boundary=batchresponse_x\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"2\r\nab\r\n0\r\n\r\n"
)
ODD = [
    b"",
    b"\r\n\r\n",
    b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nab",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab",
    b"HTTP/1.1 200 OK\r\nX: a\r\n  b\r\nContent-Length: 2\r\n\r\nab",
    b"HTTP/1.1 200 OK\nContent-Length: 2\n\nab",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 1\r\n\r\nab",
    b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nab",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2 \r\n\r\nab",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\nab",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\nab\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nno header\r\n\r\nab",
    b"HTTP/1.1 200 OK\r\nContent-Length",
    b"HTTP/2 200\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 101 + b"\r\n",
    b"HTTP/1.1 200 OK\r\nX: " + b"y" * 9_000 + b"\r\nContent-Length: 2\r\n\r\nab",
]
PLAIN = [
    AZURITE,
    b"HTTP/1.1 204 No Content\r\nETag: W/\"datetime'x'\"\r\n\r\n",
    b"HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\n",
    b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nabHTTP/1.1 400 Bad\r\n\r\n",
    b"HTTP/1.1 503 Service Unavailable\r\nConnection: Close\r\nSet-Cookie: a\r\nset-cookie: b\r\n\r\nab",
    b"HTTP/1.1 200 OK\r\n\r\nab",
    "HTTP/1.1 200 Gr\u00fcn\r\nX:\t\u00e4 b \r\nX-Empty:\r\nContent-Length: 0\r\n\r\n".encode("latin-1"),
]
PIECES = [
    *(
        b"HTTP/1.1 ",
        b"HTTP/1.0 ",
        b"200",
        b"204",
        b"100",
        b" OK",
        b"\r\n",
        b"\r\n\r\n",
        b"\n",
        b" ",
        b"\t",
        b":",
    ),
    *(
        b"Content-Length: ",
        b"2",
        b"Transfer-Encoding: ",
        b"chunked",
        b"Connection: close",
        b"X: y",
        b"\xe4",
        b"\x00",
    ),
    b"ab",
]


class Socket:
    """Has received these bytes."""

    def __init__(self, received: bytes) -> None:
        self._received = received

    def makefile(self, _: str) -> io.BufferedReader:
        """A reader of them."""
        return io.BufferedReader(io.BytesIO(self._received))


def read(kind: type[HTTPResponse], received: bytes, method: str) -> dict[str, Any]:
    """All that a response is taken for, or the kind of its error."""
    response = kind(Socket(received), method=method)  # type: ignore[arg-type]
    try:
        response.begin()
        told = {
            name: getattr(response, name)
            for name in ("version", "status", "reason", "chunked", "length", "will_close")
        }
        headers = response.headers
        return {**told, "headers": headers.items(), "defects": headers.defects, "body": response.read()}
    except (HTTPException, ValueError) as exc:
        return {"error": type(exc)}


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("received", [*ODD, *PLAIN])
def test_a_head_is_read_as_by_http_client(received: bytes, method: str) -> None:
    """Status, headers, the length of the body and the end of the connection are the same."""
    ours = read(PlainResponse, received, method)
    theirs = read(HTTPResponse, received, method)
    assert ours | {"defects": 0} == theirs | {"defects": 0}


class Strict(PlainResponse):
    """Fails where http.client would have to read the head."""

    def _read_status(self) -> None:
        raise AssertionError("http.client was asked to read it")


@pytest.mark.parametrize("received", PLAIN)
def test_a_usual_head_is_left_to_nobody(received: bytes) -> None:
    """It costs no parser of mail."""
    assert "status" in read(Strict, received, "GET")


@given(st.lists(st.sampled_from(PIECES), max_size=24))
def test_any_head_is_read_as_by_http_client(pieces: list[bytes]) -> None:
    """However odd it is."""
    for received in (b"".join(pieces), b"HTTP/1.1 200 OK\r\n" + b"".join(pieces)):
        ours, theirs = read(PlainResponse, received, "GET"), read(HTTPResponse, received, "GET")
        assert ours | {"defects": 0} == theirs | {"defects": 0}
