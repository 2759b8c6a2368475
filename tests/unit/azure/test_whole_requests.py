"""How a request is sent: in as few writes as possible."""

from collections.abc import Iterator
from http.client import BadStatusLine
from io import BytesIO

import pytest

from adf_trigger.azure.whole_requests import LARGEST, WholeRequests


class Socket:
    """Records what was sent."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.answer = b""
        self.is_open = True

    def sendall(self, data: bytes) -> None:
        """Take it."""
        self.sent.append(bytes(data))

    def settimeout(self, _: float | None) -> None:
        """Nothing waits here."""

    def makefile(self, _: str) -> BytesIO:
        """The answer."""
        return BytesIO(self.answer)

    def close(self) -> None:
        """Nothing more comes."""
        self.is_open = False


@pytest.fixture
def connection() -> WholeRequests:
    """A connection whose socket records."""
    connection = WholeRequests("host")
    connection.sock = Socket()
    return connection


def sent(connection: WholeRequests) -> list[bytes]:
    """What was sent, piece by piece."""
    pieces: list[bytes] = connection.sock.sent  # type: ignore[union-attr]
    return pieces


@pytest.mark.parametrize("body", [None, b"", b"{}", "text"])
def test_a_small_request_is_sent_in_one_write(connection: WholeRequests, body: bytes | str | None) -> None:
    """Head and body are sent together."""
    connection.request("POST", "/path", body=body)
    (piece,) = sent(connection)
    assert piece.startswith(b"POST /path HTTP/1.1\r\n")
    assert piece.endswith(b"\r\n\r\n" + (body.encode() if isinstance(body, str) else body or b""))


def test_a_large_request_is_not_copied(connection: WholeRequests) -> None:
    """The head is sent first, and then the body uncopied."""
    body = b"x" * (LARGEST + 1)
    connection.request("POST", "/path", body=body)
    head, rest = sent(connection)
    assert head.endswith(b"\r\n\r\n")
    assert rest == body


def test_a_chunked_body_is_sent_whole(connection: WholeRequests) -> None:
    """No chunk is left out or sent twice, and they stay in order."""
    connection.request("POST", "/path", body=iter([b"abc", b"d" * LARGEST, b"ef"]))
    _, _, content = b"".join(sent(connection)).partition(b"\r\n\r\n")
    assert content == b"3\r\nabc\r\n%x\r\n%b\r\n2\r\nef\r\n0\r\n\r\n" % (LARGEST, b"d" * LARGEST)


def test_a_failed_request_leaves_no_bytes_for_the_next(connection: WholeRequests) -> None:
    """The buffered part of it is never sent."""

    def broken() -> Iterator[bytes]:
        yield b"abc"
        raise OSError("the body could not be read")

    with pytest.raises(OSError, match="could not be read"):
        connection.request("POST", "/lost", body=broken())
    assert sent(connection) == []
    connection.send(b"GET /next HTTP/1.1\r\n\r\n")
    assert sent(connection) == [b"GET /next HTTP/1.1\r\n\r\n"]


@pytest.mark.parametrize("status", ["101 Switching Protocols", "102 Processing", "103 Early Hints"])
def test_an_interim_answer_ends_the_connection(connection: WholeRequests, status: str) -> None:
    """The final one would be read as that of the next request."""
    socket: Socket = connection.sock  # type: ignore[assignment]
    socket.answer = f"HTTP/1.1 {status}\r\nLink: </a>\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n".encode()
    connection.request("GET", "/path")
    with pytest.raises(BadStatusLine):
        connection.getresponse()
    assert not socket.is_open
    assert connection.sock is None


def test_a_100_is_followed_by_the_final_reply(connection: WholeRequests) -> None:
    """The body has already been sent when 100 arrives; http.client skips it."""
    socket: Socket = connection.sock  # type: ignore[assignment]
    socket.answer = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"
    connection.request("GET", "/path")
    assert connection.getresponse().status == 204
    assert socket.is_open
