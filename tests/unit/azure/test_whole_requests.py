"""How a request leaves: in as few pieces as it fits into."""

from collections.abc import Iterator

import pytest

from adf_trigger.azure.whole_requests import LARGEST, WholeRequests


class Socket:
    """Remembers what was sent."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def sendall(self, data: bytes) -> None:
        """Take it."""
        self.sent.append(bytes(data))

    def settimeout(self, _: float | None) -> None:
        """Nothing waits here."""

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def connection() -> WholeRequests:
    """A connection whose socket remembers."""
    connection = WholeRequests("host")
    connection.sock = Socket()
    return connection


def sent(connection: WholeRequests) -> list[bytes]:
    """What was sent, piece by piece."""
    pieces: list[bytes] = connection.sock.sent  # type: ignore[union-attr]
    return pieces


@pytest.mark.parametrize("body", [None, b"", b"{}", "text"])
def test_a_small_request_leaves_in_one_piece(connection: WholeRequests, body: bytes | str | None) -> None:
    """Its head and its body together."""
    connection.request("POST", "/path", body=body)
    (piece,) = sent(connection)
    assert piece.startswith(b"POST /path HTTP/1.1\r\n")
    assert piece.endswith(b"\r\n\r\n" + (body.encode() if isinstance(body, str) else body or b""))


def test_a_large_request_is_not_copied(connection: WholeRequests) -> None:
    """Its head leaves first, and then its body as it is."""
    body = b"x" * (LARGEST + 1)
    connection.request("POST", "/path", body=body)
    head, rest = sent(connection)
    assert head.endswith(b"\r\n\r\n")
    assert rest == body


def test_what_is_sent_in_chunks_leaves_whole(connection: WholeRequests) -> None:
    """Nothing of it is left out or sent twice, and it stays in order."""
    connection.request("POST", "/path", body=iter([b"abc", b"d" * LARGEST, b"ef"]))
    _, _, content = b"".join(sent(connection)).partition(b"\r\n\r\n")
    assert content == b"3\r\nabc\r\n%x\r\n%b\r\n2\r\nef\r\n0\r\n\r\n" % (LARGEST, b"d" * LARGEST)


def test_a_request_that_fails_leaves_nothing_for_the_next(connection: WholeRequests) -> None:
    """What was held of it is never sent."""

    def broken() -> Iterator[bytes]:
        yield b"abc"
        raise OSError("the body could not be read")

    with pytest.raises(OSError, match="could not be read"):
        connection.request("POST", "/lost", body=broken())
    assert sent(connection) == []
    connection.send(b"GET /next HTTP/1.1\r\n\r\n")
    assert sent(connection) == [b"GET /next HTTP/1.1\r\n\r\n"]
