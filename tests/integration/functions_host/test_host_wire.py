"""Requests as bytes on a socket, and the replies: each row was observed on the platform's own host."""

import asyncio
import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.integration.functions_host.wire import ask, on_a_host

if TYPE_CHECKING:
    from tests.integration.functions_host.conftest import Toy

    MakeToy = Callable[..., Toy]

HEAD = "GET /api/echo/x HTTP/1.1\r\nHost: h\r\n"
POST = "POST /api/echo/x HTTP/1.1\r\nHost: h\r\n"


@pytest.mark.parametrize(
    ("request_text", "status"),
    [
        pytest.param(f"GET /api/echo/{'x' * 8_170} HTTP/1.1\r\nHost: h\r\n\r\n", 414, id="request line"),
        pytest.param(f"GET /api/echo/{'x' * 9_000}", 414, id="request line without end"),
        pytest.param(HEAD + f"X: {'x' * 32_800}\r\n\r\n", 431, id="header block"),
        pytest.param(HEAD + "X: y\r\n" * 101 + "\r\n", 431, id="header lines"),
        pytest.param("GET /api/echo/x HTTP/3.0\r\nHost: h\r\n\r\n", 505, id="version"),
        pytest.param("GET /api/echo/x HTTP/1.1\r\n\r\n", 400, id="no host"),
        pytest.param(HEAD + "Host: i\r\n\r\n", 400, id="two hosts"),
        pytest.param("GET /api/echo/x HTTP/1.1\r\nHost: a b\r\n\r\n", 400, id="host with a space"),
        pytest.param("GET http://other/api/echo/x HTTP/1.1\r\nHost: h\r\n\r\n", 400, id="another host's url"),
        pytest.param("GET /api/echo/a b HTTP/1.1\r\nHost: h\r\n\r\n", 400, id="raw space"),
        pytest.param("GET /api/echo/\xfc HTTP/1.1\r\nHost: h\r\n\r\n", 400, id="raw byte"),
        pytest.param("GET /api/echo/a%00b HTTP/1.1\r\nHost: h\r\n\r\n", 400, id="encoded NUL"),
        pytest.param(HEAD + "X: a\x00b\r\n\r\n", 400, id="NUL in a header"),
        pytest.param(HEAD + "X: \xfc\r\n\r\n", 400, id="latin-1 in a header"),
        pytest.param(HEAD + "X: a\r\n b\r\n\r\n", 400, id="folded header"),
        pytest.param(HEAD + "X Y: a\r\n\r\n", 400, id="space in a name"),
        pytest.param(POST + "Content-Length: x\r\n\r\n", 400, id="invalid length"),
        pytest.param(POST + "Content-Length: -1\r\n\r\n", 400, id="negative length"),
        pytest.param(POST + "Content-Length: 1\r\nContent-Length: 1\r\n\r\na", 400, id="two lengths"),
        pytest.param("nonsense\r\n\r\n", 400, id="no request"),
    ],
)
def test_a_malformed_request_ends_the_connection_without_a_body(
    make_toy: "MakeToy", request_text: str, status: int
) -> None:
    """A status, no body, no content type, Connection: close; the request reaches no function."""

    async def work(url: str) -> None:
        code, headers, body = await ask(url, request_text.encode("latin-1"))
        assert (code, body, headers["connection"], headers["content-length"]) == (status, b"", "close", "0")
        assert "content-type" not in headers

    on_a_host(make_toy, work)


@pytest.mark.parametrize(
    ("request_text", "status"),
    [
        pytest.param("GET /api/nothing HTTP/1.1\r\nHost: h\r\n\r\n", 404, id="unknown path"),
        pytest.param("POST /api/only-get HTTP/1.1\r\nHost: h\r\n\r\n", 404, id="wrong method"),
        pytest.param("HEAD /api/only-get HTTP/1.1\r\nHost: h\r\n\r\n", 404, id="HEAD on a GET route"),
        pytest.param("OPTIONS /api/only-get HTTP/1.1\r\nHost: h\r\nOrigin: o\r\n\r\n", 404, id="preflight"),
        pytest.param("GET /api/guarded/%2e%2e HTTP/1.1\r\nHost: h\r\n\r\n", 404, id="404 before 401"),
        pytest.param("GET /api/guarded/x HTTP/1.1\r\nHost: h\r\n\r\n", 401, id="no key"),
        pytest.param("GET /api/guarded/x?code=wrong HTTP/1.1\r\nHost: h\r\n\r\n", 401, id="wrong key"),
        pytest.param(
            "GET /api/guarded/x?code=Key HTTP/1.1\r\nHost: h\r\nX-Functions-Key: \r\n\r\n",
            401,
            id="empty header",
        ),
        pytest.param(
            "GET /api/guarded/x HTTP/1.1\r\nHost: h\r\nX-Functions-Key: no\r\nX-Functions-Key: Key\r\n\r\n",
            401,
            id="the first of two keys",
        ),
        pytest.param("GET /api/only-get HTTP/1.0\r\n\r\n", 500, id="1.0 without host"),
        pytest.param("GET /api/own/wrong-length HTTP/1.1\r\nHost: h\r\n\r\n", 500, id="wrong length"),
        pytest.param("GET /api/own/newline HTTP/1.1\r\nHost: h\r\n\r\n", 500, id="newline in a header"),
        pytest.param("GET /api/own/unicode HTTP/1.1\r\nHost: h\r\n\r\n", 500, id="non-ASCII in a header"),
        pytest.param("GET /api/own/space HTTP/1.1\r\nHost: h\r\n\r\n", 500, id="space in a header's name"),
    ],
)
def test_an_error_of_the_host_is_empty(make_toy: "MakeToy", request_text: str, status: int) -> None:
    """No body, no type, no challenge, no list of methods: the platform sends the status alone."""

    async def work(url: str) -> None:
        code, headers, body = await ask(url, request_text.encode())
        assert (code, body, headers["content-length"]) == (status, b"", "0")
        assert not {"content-type", "www-authenticate", "allow", "access-control-allow-origin"} & set(headers)

    on_a_host(make_toy, work)


@pytest.mark.parametrize(
    ("head", "body", "seen"),
    [
        pytest.param("Content-Length: 3\r\n", "abc", "abc", id="length"),
        pytest.param("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n0\r\n\r\n", "", id="chunked"),
        pytest.param(
            "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", "3\r\nabc\r\n0\r\n\r\n", "", id="both"
        ),
        pytest.param("", "", "", id="neither"),
        pytest.param(
            "Content-Encoding: gzip\r\nContent-Length: 3\r\n", "\x1f\x8b\x08", "\x1f\x8b\x08", id="gzip"
        ),
    ],
)
def test_a_body_reaches_the_function_only_with_a_length(
    make_toy: "MakeToy", head: str, body: str, seen: str
) -> None:
    """A chunked body is dropped, and a length beside it has another name; nothing is decompressed."""

    async def work(url: str) -> None:
        status, _, answer = await ask(url, (POST + head + "\r\n" + body).encode("latin-1"))
        document = json.loads(answer)
        assert (status, document["body"]) == (200, seen)
        if "chunked" in head:
            assert document["headers"]["transfer-encoding"] == "chunked"
            assert "content-length" not in document["headers"]
            assert ("x-content-length" in document["headers"]) is ("Content-Length" in head)

    on_a_host(make_toy, work)


def test_a_missing_body_is_an_empty_500_and_the_function_is_not_called(
    make_toy: "MakeToy",
) -> None:
    """The 500 is sent after five seconds without a byte of the announced body."""

    async def work(url: str) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        status, headers, body = await ask(url, (POST + "Content-Length: 20\r\n\r\n1234567").encode())
        assert (status, body, headers["connection"]) == (500, b"", "close")
        assert loop.time() - began > 4

    on_a_host(make_toy, work)


@pytest.mark.parametrize(
    ("segment", "name", "url"),
    [
        ("a%20b", "a b", "a%20b"),
        ("a%2Fb", "a%2Fb", "a%2Fb"),
        ("a%252Fb", "a%2Fb", "a%2Fb"),
        ("caf%c3%a9", "café", "caf%C3%A9"),
        ("%ff", "%ff", "%ff"),
        ("a+b", "a+b", "a+b"),
        ("a%2Bb", "a+b", "a+b"),
        ("a%zz", "a%zz", "a%25zz"),
        ("a%25", "a%", "a%25"),
        ("a%5Cb", "a\\b", "a%5Cb"),
        ("%0d%0ax", "\r\nx", "%0D%0Ax"),
        ("a%3Fb%23", "a?b#", "a%3Fb%23"),
    ],
)
def test_a_path_is_decoded_as_by_the_platform_s_server(
    make_toy: "MakeToy", segment: str, name: str, url: str
) -> None:
    """All but the slash and invalid UTF-8 is decoded; the function's URL is encoded again."""

    async def work(base: str) -> None:
        request = f"post /API/Echo/{segment}/?q=1 HTTP/1.1\r\nHost: evil.example\r\n\r\n"
        status, _, answer = await ask(base, request.encode())
        document = json.loads(answer)
        assert (status, document["method"], document["name"]) == (200, "POST", name)
        assert document["url"] == f"http://evil.example/API/Echo/{url}/?q=1"

    on_a_host(make_toy, work)


def test_queries_and_headers_are_merged_as_by_the_platform_s_server(make_toy: "MakeToy") -> None:
    """Query names match without case, empty values are left out; headers are in lower case, joined by commas."""

    async def work(url: str) -> None:
        query = "a=1&a=2&b=&c&d=x%20y+z&%C3%A9=%ff&A=3"
        head = "X-A: 1\r\nx-a: 2\r\nX-Empty:\r\nX-Text: gr\u00fcn \r\nX-Bell: \x01\r\nX-Forwarded-Proto: https\r\n"
        request = f"GET /api/echo/x?{query} HTTP/1.1\r\nHost: h\r\n{head}\r\n"
        document = json.loads((await ask(url, request.encode()))[2])
        assert document["query"] == {"a": "1,2,3", "é": "%ff", "d": "x y z"}
        assert document["url"] == f"http://h/api/echo/x?{query}"
        expected = {"x-a": "1,2", "x-empty": "", "x-text": "grün", "x-bell": "\x01"}
        assert expected.items() <= document["headers"].items()

    on_a_host(make_toy, work)


def test_a_response_is_chunked_unless_the_function_set_its_length(make_toy: "MakeToy") -> None:
    """Date and Server are the function's where it sets them, else the server's own."""

    async def work(url: str) -> None:
        answers = {
            kind: (await ask(url, f"GET /api/own/{kind} HTTP/1.1\r\nHost: h\r\n\r\n".encode()))[1:]
            for kind in ("length", "date", "server")
        }
        assert {body for _, body in answers.values()} == {b"ok"}
        assert answers["length"][0]["content-length"] == "2"
        assert answers["date"][0]["transfer-encoding"] == "chunked"
        assert (answers["date"][0]["date"], answers["server"][0]["server"]) == ("then", "mine")
        assert answers["date"][0]["server"] == "kestrel"

    on_a_host(make_toy, work)


def test_a_connection_continues_after_an_error_with_its_body_unread(make_toy: "MakeToy") -> None:
    """Of two requests sent together, the first gets 401 without its body being read, the second its reply."""

    async def work(url: str) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        refused = "POST /api/guarded/x HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
        writer.write((refused + "GET /api/only-get HTTP/1.1\r\nHost: h\r\n\r\n").encode())
        async with asyncio.timeout(60):
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 401")
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
        writer.close()

    on_a_host(make_toy, work)


@pytest.mark.parametrize(
    ("request_text", "body", "closed"),
    [
        pytest.param("HEAD /api/echo/x HTTP/1.1\r\nHost: h\r\n\r\n", b"", False, id="HEAD"),
        pytest.param("GET /api/only-get HTTP/1.0\r\nHost: h\r\n\r\n", b"ok", True, id="1.0"),
        pytest.param(
            "GET /api/only-get HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", b"ok", True, id="close"
        ),
    ],
)
def test_a_reply_read_to_its_end_is_complete(
    make_toy: "MakeToy", request_text: str, body: bytes, *, closed: bool
) -> None:
    """HEAD has no body where all methods are allowed; an HTTP 1.0 connection is closed after its reply."""

    async def work(url: str) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        writer.write(request_text.encode())
        async with asyncio.timeout(60):
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
            if closed:
                assert body in await reader.read()
            else:
                writer.write(b"GET /api/only-get HTTP/1.1\r\nHost: h\r\n\r\n")
                assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
        writer.close()

    on_a_host(make_toy, work)


def test_100_continue_is_sent_only_where_the_body_is_wanted(make_toy: "MakeToy") -> None:
    """Expect: 100-continue is answered with 100 for an allowed caller, and with 401 immediately for others."""

    async def work(url: str) -> None:
        for query, first in (("", b"HTTP/1.1 401"), ("?code=Key", b"HTTP/1.1 100")):
            reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
            head = f"POST /api/guarded/x{query} HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n"
            writer.write((head + "Expect: 100-continue\r\n\r\n").encode())
            async with asyncio.timeout(60):
                assert (await reader.readuntil(b"\r\n\r\n")).startswith(first)
            writer.close()

    on_a_host(make_toy, work)
