"""TLS in front of a storage service that has none: Azurite finds the account in the host name, as Azure does."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from adf_trigger.emulator.outbound.storage_account import Address
from adf_trigger.emulator.proxy.relay import Ends, Unreachable, connect, listening, relay
from adf_trigger.emulator.serving.certificates import Certificate
from adf_trigger.emulator.serving.servers import HOST


@asynccontextmanager
async def tls_in_front_of(
    server: Address, certificate: Certificate, *, port: int = 0
) -> AsyncIterator[Address]:
    """Serve TLS on 127.0.0.1 and relay its content to the server; yields the address.

    Args:
        server: address of the plain HTTP server, which need not run yet.
        certificate: to serve with.
        port: 0 for a free one.

    Raises:
        OSError: the port is taken.
    """
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate.chain, certificate.key)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            behind = Ends(*await connect(server))
        except Unreachable as exc:
            text = f"No storage service listens at {exc}.\n".encode()
            writer.write(
                b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nConnection: close\r\n"
                b"Content-Length: %d\r\n\r\n%s" % (len(text), text)
            )
            await writer.drain()
            return
        await relay(Ends(reader, writer), behind)

    async with listening(serve, port=port, tls=tls) as bound:
        yield (HOST, bound)
