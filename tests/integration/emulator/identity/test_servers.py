"""The HTTP servers of the local stack's processes."""

import asyncio
import socket
import ssl
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from starlette.responses import Response

from adf_trigger.emulator.serving import servers
from adf_trigger.emulator.serving.certificates import Certificate
from adf_trigger.emulator.serving.servers import serving
from tests.support.waiting import LIMIT


def test_replies_on_a_kept_connection_are_sent_immediately(serve: Callable[..., str]) -> None:
    """No reply waits for the acknowledgement of earlier bytes, which callers delay by 40 ms."""
    url = serve(Response(b"x"))
    with httpx.Client() as client:
        answers = [client.post(url, content=b"x") for _ in range(30)]
    assert min(answer.elapsed for answer in answers[-15:]) < timedelta(milliseconds=35)


async def _serve_at(port: int) -> None:
    async with serving(Response(), port=port):
        pass


def test_a_taken_port_is_an_error() -> None:
    """Two servers do not share a port."""
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.raises(OSError, match="in use"):
        asyncio.run(_serve_at(other.getsockname()[1]))


def _answered(url: str, ca: Path) -> ssl.SSLSocket:
    """A connection that has had its reply and is not read any further: its end of TLS stays open."""
    address = (urlsplit(url).hostname, urlsplit(url).port)
    context = ssl.create_default_context(cafile=str(ca))
    connection = context.wrap_socket(socket.create_connection(address, LIMIT), server_hostname="127.0.0.1")
    connection.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    read = b""
    while not read.endswith(b"\r\n\r\nx"):
        read += connection.recv(1024)
    return connection


def test_a_client_that_keeps_its_end_of_tls_open_is_not_waited_for(
    certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Clients keep such connections for later; requests in progress are waited for as long as before."""
    monkeypatch.setattr(servers, "_SHUTDOWN_SECONDS", 10 * LIMIT)

    async def serve() -> ssl.SSLSocket:
        async with serving(Response(b"x"), certificate=certificate) as url:
            return await asyncio.to_thread(_answered, url, certificate.ca)

    with asyncio.run(asyncio.wait_for(serve(), LIMIT)):
        pass
