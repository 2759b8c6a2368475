"""The proxy: CONNECT to one of Azure's names leads to the stack's server for it; anything else is refused."""

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus

from adf_trigger.emulator.outbound.storage_account import Address
from adf_trigger.emulator.proxy.relay import Ends, Unreachable, connect, listening, relay
from adf_trigger.emulator.serving.servers import HOST

logger = logging.getLogger(__name__)

HEAD_BYTES = 16 * 1024
"""Maximum length of a request head."""

_HEAD_SECONDS = 10.0
_HTTPS = 443
_REQUEST = re.compile(rb"([A-Za-z]+) ([!-~]+) HTTP/1\.[01]\r\n")
_AUTHORITY = re.compile(r"([A-Za-z0-9.-]{1,253}):(\d{1,5})")


@dataclass(frozen=True, slots=True)
class ProxyError(Exception):
    """The reply to a client in place of a tunnel; clients often show only the reason."""

    status: HTTPStatus
    reason: str
    text: str

    def reply(self) -> bytes:
        """The response."""
        body = f"{self.text}\n".encode()
        head = (
            f"HTTP/1.1 {self.status.value} {self.reason}\r\nContent-Type: text/plain; charset=utf-8\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        return head.encode("ascii") + body


@asynccontextmanager
async def serving_names(servers: Mapping[str, Address], *, port: int = 0) -> AsyncIterator[str]:
    """Serve the proxy on 127.0.0.1; yields its URL, to be set as HTTPS_PROXY.

    TLS passes through it: the servers behind must have a certificate for their names.

    Args:
        servers: address behind each name, in lower case.
        port: 0 for a free one.

    Raises:
        OSError: the port is taken.
    """
    proxy = _Proxy(servers)
    async with listening(proxy.serve, port=port, limit=HEAD_BYTES) as bound:
        yield f"http://{HOST}:{bound}"


class _Proxy:
    def __init__(self, servers: Mapping[str, Address]) -> None:
        self._servers = servers

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        try:
            host = self._requested(await _head(reader))
            server = Ends(*await self._connect(host))
        except ProxyError as refusal:
            logger.info(
                "Refused a request to the proxy: %s", refusal.reason, extra={"action": "proxy_refused"}
            )
            writer.write(refusal.reply())
            await writer.drain()
            return
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await relay(Ends(reader, writer), server)

    async def _connect(self, host: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        try:
            return await connect(self._servers[host])
        except Unreachable as exc:
            raise ProxyError(
                HTTPStatus.BAD_GATEWAY,
                f"the local server for {host} does not answer",
                f"This proxy leads {host} to {exc}, where nothing listens.",
            ) from exc

    def _requested(self, head: bytes) -> str:
        """The requested name.

        Raises:
            ProxyError: it is not one of the stack's, or is not requested by CONNECT.
        """
        request = _REQUEST.match(head)
        if request is None:
            raise ProxyError(HTTPStatus.BAD_REQUEST, "not an HTTP request", "This is an HTTPS proxy.")
        method, target = (part.decode("ascii") for part in request.groups())
        if method.upper() != "CONNECT":
            raise ProxyError(
                HTTPStatus.FORBIDDEN,
                "this proxy accepts only CONNECT",
                f"This proxy is for HTTPS only (CONNECT), not for {method.upper()}. {self._known()}",
            )
        authority = _AUTHORITY.fullmatch(target)
        if authority is None:
            raise ProxyError(
                HTTPStatus.BAD_REQUEST, "not a host and port", "CONNECT takes a host and a port."
            )
        host, port = authority[1].lower().removesuffix("."), int(authority[2])
        if host not in self._servers or port != _HTTPS:
            raise ProxyError(
                HTTPStatus.FORBIDDEN,
                f"{host}:{port} is not part of the local stack",
                f"This proxy leads only to the local stack, and never to {host}:{port}. {self._known()} "
                "For anything else, unset HTTPS_PROXY or use another shell.",
            )
        return host

    def _known(self) -> str:
        return f"It serves {', '.join(self._servers)}, each at port {_HTTPS}."


async def _head(reader: asyncio.StreamReader) -> bytes:
    """The head of a request.

    Raises:
        ProxyError: it is too long, or does not arrive.
    """
    try:
        async with asyncio.timeout(_HEAD_SECONDS):
            return await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError as exc:
        raise ProxyError(
            HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
            "the request head is too long",
            f"A request head has at most {HEAD_BYTES} bytes.",
        ) from exc
    except TimeoutError as exc:
        raise ProxyError(
            HTTPStatus.REQUEST_TIMEOUT,
            "no request received",
            f"No request was received in {_HEAD_SECONDS:g} seconds.",
        ) from exc
