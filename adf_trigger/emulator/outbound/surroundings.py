"""The network of emulated pipelines: the local stack under Azure's own names, and other machines if allowed.

No secret of a pipeline goes to a token endpoint of the real Azure: Entra ID's names lead to the stack, or fail.
"""

import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import httpx

from adf_trigger.emulator.common.clouds import CLOUDS, PUBLIC, Cloud
from adf_trigger.emulator.outbound.allowed_hosts import AllowedHosts, why_not_allowed
from adf_trigger.emulator.outbound.storage_account import DEVELOPMENT, Address, StorageAccount

_HTTPS = 443
_AUTHORITIES = frozenset(host for cloud in CLOUDS.values() for host in cloud.authorities) | {
    "login.microsoft.com",
    "login.microsoftonline.de",
    "sts.windows.net",
}
"""Every host that accepts secrets for Azure, in any cloud."""


class HostNotAllowed(httpx.ConnectError):
    """A request for a machine that pipelines may not call; it was not sent. The text says how to allow it."""


@cache
def _default_tls() -> ssl.SSLContext:
    """The context of all clients that trust only the default authorities, whose loading takes some 20 ms."""
    return httpx.create_ssl_context()


@dataclass(slots=True, kw_only=True)
class Surroundings:
    """The stack around the pipelines.

    Attributes:
        cloud: which of Azure's clouds is emulated.
        storage: the account that pipelines name without an address.
        names: Azure's own names that lead to the stack.
        servers: address behind each name, once the stack serves it.
        ca_file: authority to trust for them, in addition to the default ones.
        allowed: other machines that pipelines may call.
    """

    cloud: Cloud = PUBLIC
    storage: StorageAccount = DEVELOPMENT
    names: tuple[str, ...] = ()
    servers: Mapping[str, Address] = field(default_factory=dict)
    ca_file: Path | None = None
    allowed: AllowedHosts = field(default_factory=AllowedHosts)

    def tls(self, *, verify: bool = True) -> ssl.SSLContext:
        """A new TLS context that trusts the stack, too; without `verify` it checks no certificate."""
        context = httpx.create_ssl_context(verify=verify)
        if verify and self.ca_file is not None:
            context.load_verify_locations(self.ca_file)
        return context

    def client(
        self, tls: ssl.SSLContext | None = None, timeout: httpx.Timeout | None = None
    ) -> httpx.AsyncClient:
        """A client for the pipelines' own requests; each, redirects too, is checked against the allowed hosts.

        Args:
            tls: context; None trusts the stack and the default authorities.
            timeout: of each request without one.
        """
        context = tls or (_default_tls() if self.ca_file is None else self.tls())
        stack = _StackTransport(self, context)
        return httpx.AsyncClient(
            verify=context,
            timeout=timeout or httpx.Timeout(60.0, connect=10.0),
            mounts=dict.fromkeys(self._patterns(), stack),
            event_hooks={"request": [self._check]},
        )

    async def _check(self, request: httpx.Request) -> None:
        """Refuse a request for another machine, before its name is resolved."""
        host = request.url.host
        if not self._is_azures(host) and not self.allowed.allow(host):
            raise HostNotAllowed(why_not_allowed(host), request=request)

    def _is_azures(self, host: str) -> bool:
        """Whether `_StackTransport` decides about a host."""
        name = host.removesuffix(".")
        return name in {*self.names, *_AUTHORITIES} or any(
            name.endswith(f".{authority}") for authority in _AUTHORITIES
        )

    def _patterns(self) -> Iterator[str]:
        """Patterns of URLs that lead to the stack or fail, with a trailing dot, too, and Entra ID's regional hosts."""
        for host in {*self.names, *_AUTHORITIES}:
            yield from (f"all://{host}", f"all://{host}.")
        for host in _AUTHORITIES:
            yield from (f"all://*.{host}", f"all://*.{host}.")


class _StackTransport(httpx.AsyncBaseTransport):
    """Sends requests for Azure's own names to the stack's servers; TLS is verified for the requested name."""

    def __init__(self, surroundings: Surroundings, tls: ssl.SSLContext) -> None:
        self._surroundings = surroundings
        self._transport = httpx.AsyncHTTPTransport(verify=tls)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send it.

        Raises:
            httpx.ConnectError: the stack does not serve the name, or not with this scheme or port.
        """
        url = request.url
        name = url.host.removesuffix(".")
        address = self._surroundings.servers.get(name)
        if address is None or url.scheme != "https" or (url.port or _HTTPS) != _HTTPS:
            raise httpx.ConnectError(
                f"{url.scheme}://{url.host} is not served by the local stack, and never requested from the real Azure.",
                request=request,
            )
        host, port = address
        rerouted = httpx.Request(
            request.method,
            url.copy_with(host=host, port=port),
            headers=request.headers,
            stream=request.stream,
            extensions={**request.extensions, "sni_hostname": name},
        )
        return await self._transport.handle_async_request(rerouted)

    async def aclose(self) -> None:
        """Close its connections."""
        await self._transport.aclose()
