"""The proxy of Azure's own names: what it connects, and what it rejects."""

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse

from adf_trigger.emulator.common.clock import utcnow
from adf_trigger.emulator.outbound.storage_account import Address
from adf_trigger.emulator.proxy import connect as proxy
from adf_trigger.emulator.proxy.relay import CHUNK, listening
from adf_trigger.emulator.proxy.storage import tls_in_front_of
from adf_trigger.emulator.serving.certificates import Certificate, make_certificate
from adf_trigger.emulator.serving.servers import serving

NAME = "management.azure.com"
BLOB = "devstoreaccount1.blob.core.windows.net"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """A certificate of the servers behind both names."""
    return make_certificate(tmp_path_factory.mktemp("tls"), utcnow(), (NAME, BLOB))


def trusting(ca: Path) -> ssl.SSLContext:
    """A TLS context that trusts the stack's authority alone."""
    return ssl.create_default_context(cafile=ca)


def address(url: str) -> Address:
    """Host and port of a URL."""
    parts = httpx.URL(url)
    assert parts.port
    return parts.host, parts.port


async def echo(scope: object, receive: object, send: object) -> None:
    """Answers with the URL of the request as the server sees it."""
    request = Request(scope, receive)  # type: ignore[arg-type]  # ASGI's own types
    await PlainTextResponse(str(request.url))(scope, receive, send)  # type: ignore[arg-type]


@asynccontextmanager
async def names(certificate: Certificate, **servers: Address) -> AsyncIterator[str]:
    """The proxy, with the echo behind NAME."""
    async with (
        serving(echo, certificate=certificate) as url,
        proxy.serving_names({NAME: address(url), **servers}) as proxy_url,
    ):
        yield proxy_url


async def reply_to(proxy_url: str, head: bytes) -> bytes:
    """The proxy's whole reply to some bytes."""
    reader, writer = await asyncio.open_connection(*address(proxy_url))
    writer.write(head)
    reply = await reader.read()
    writer.close()
    return reply


def run(story: Callable[[], Awaitable[None]]) -> None:
    """Run a story to its end, within a limit."""

    async def limited() -> None:
        async with asyncio.timeout(60):
            await story()

    asyncio.run(limited())


def test_a_name_of_azure_leads_to_the_stack(certificate: Certificate) -> None:
    """An unchanged URL reaches the stack's server, by TLS verified for the name, and the server sees the name."""

    async def story() -> None:
        async with (
            names(certificate) as proxy_url,
            httpx.AsyncClient(proxy=proxy_url, verify=trusting(certificate.ca)) as client,
        ):
            assert (await client.get(f"https://{NAME}/subscriptions?a=b")).text == (
                f"https://{NAME}/subscriptions?a=b"
            )
            assert (await client.get(f"https://{NAME.upper()}:443/x")).status_code == 200

    run(story)


@pytest.mark.parametrize(
    ("target", "status"),
    [
        (b"CONNECT example.org:443", b"403 example.org:443 is not part of the local stack"),
        (b"CONNECT management.azure.com:80", b"403 "),
        (b"CONNECT management.azure.com.evil.example:443", b"403 "),
        (b"CONNECT evil.management.azure.com:443", b"403 "),
        (b"CONNECT 127.0.0.1:443", b"403 "),
        (b"CONNECT management.azure.com", b"400 "),
        (b"CONNECT management.azure.com:443:443", b"400 "),
        (b"CONNECT [::1]:443", b"400 "),
        (b"GET http://management.azure.com/", b"403 this proxy accepts only CONNECT"),
        (b"\x16\x03\x01", b"400 "),
    ],
)
def test_anything_else_is_rejected_with_a_clear_text(
    certificate: Certificate, target: bytes, status: bytes
) -> None:
    """Another name, another port, plain http, or no HTTP at all: nothing is connected, and the reply says why."""

    async def story() -> None:
        async with names(certificate) as proxy_url:
            reply = await reply_to(proxy_url, target + b" HTTP/1.1\r\nHost: x\r\n\r\n")
        assert reply.startswith(b"HTTP/1.1 " + status)
        if status.startswith(b"403"):
            assert NAME.encode() in reply

    run(story)


def test_an_endless_head_is_cut(certificate: Certificate) -> None:
    """A request head is bounded."""

    async def story() -> None:
        async with names(certificate) as proxy_url:
            reader, writer = await asyncio.open_connection(*address(proxy_url))
            writer.write(b"CONNECT " + b"x" * (proxy.HEAD_BYTES + 1024))
            assert (await reader.read(12)) == b"HTTP/1.1 431"
            writer.close()

    run(story)


def test_a_stopped_server_is_reported(certificate: Certificate) -> None:
    """Where nothing listens behind a name, the proxy answers 502 and names the address."""

    async def story() -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            unused = free.getsockname()
        async with names(certificate, **{BLOB: unused}) as proxy_url:
            reply = await reply_to(proxy_url, b"CONNECT %s:443 HTTP/1.1\r\n\r\n" % BLOB.encode())
        assert reply.startswith(b"HTTP/1.1 502 ")
        assert str(unused[1]).encode() in reply

    run(story)


@asynccontextmanager
async def resetting() -> AsyncIterator[Address]:
    """A server that resets each connection at its first byte."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        connection = writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    async with listening(serve) as port:
        yield ("127.0.0.1", port)


def test_a_reset_is_passed_on() -> None:
    """A server that resets its connection resets the client's: the proxy does not hide faults."""

    async def story() -> None:
        async with resetting() as behind, proxy.serving_names({NAME: behind}) as proxy_url:
            reader, writer = await asyncio.open_connection(*address(proxy_url))
            writer.write(b"CONNECT %s:443 HTTP/1.1\r\n\r\nx" % NAME.encode())
            with pytest.raises(ConnectionResetError):
                await reader.read(1024) and await reader.read()
            writer.close()
            with contextlib.suppress(ConnectionResetError):
                await writer.wait_closed()

    run(story)


def test_storage_is_reached_by_tls(certificate: Certificate) -> None:
    """TLS before a plain server carries large bodies both ways; without a server, the reply says so."""

    async def mirror(scope: object, receive: object, send: object) -> None:
        request = Request(scope, receive)  # type: ignore[arg-type]  # ASGI's own types
        body = await request.body()
        text = f"{request.headers['host']} {len(body)}"
        await PlainTextResponse(text + "." * len(body))(scope, receive, send)  # type: ignore[arg-type]

    async def story() -> None:
        async with (
            serving(mirror) as url,
            tls_in_front_of(address(url), certificate) as front,
            proxy.serving_names({BLOB: front}) as proxy_url,
            httpx.AsyncClient(proxy=proxy_url, verify=trusting(certificate.ca)) as client,
        ):
            body = b"x" * (20 * CHUNK)
            reply = await client.put(f"https://{BLOB}/c/b", content=body)
            assert reply.text.startswith(f"{BLOB} {len(body)}.")
            assert len(reply.text) > len(body)
        async with (
            tls_in_front_of(("127.0.0.1", 9), certificate) as front,
            proxy.serving_names({BLOB: front}) as proxy_url,
            httpx.AsyncClient(proxy=proxy_url, verify=trusting(certificate.ca)) as client,
        ):
            assert (await client.get(f"https://{BLOB}/c")).status_code == 503

    run(story)
