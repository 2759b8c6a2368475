"""What emulated pipelines meet outside: under Azure's own names the local stack; other machines where that is allowed.

No secret of a pipeline goes to a token endpoint of the real Azure: the names of Entra ID lead to the stack, or nowhere.
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
"""Every host that takes secrets for Azure, of whatever cloud."""


class HostNotAllowed(httpx.ConnectError):
    """A request for a machine that pipelines may not call; it has not left. The text names it and what allows it."""


@cache
def _usual_tls() -> ssl.SSLContext:
    """What all clients share that trust the usual authorities alone: to read those takes some twenty milliseconds."""
    return httpx.create_ssl_context()


@dataclass(slots=True, kw_only=True)
class Surroundings:
    """The stack around the pipelines.

    Attributes:
        cloud: which of Azure's clouds it stands in for.
        storage: the account that is meant by its name alone.
        names: Azure's own names that lead to the stack.
        servers: where they lead, as soon as the stack serves them.
        ca_file: authority to trust for them, beside the usual ones.
        allowed: other machines that pipelines may call.
    """

    cloud: Cloud = PUBLIC
    storage: StorageAccount = DEVELOPMENT
    names: tuple[str, ...] = ()
    servers: Mapping[str, Address] = field(default_factory=dict)
    ca_file: Path | None = None
    allowed: AllowedHosts = field(default_factory=AllowedHosts)

    def tls(self, *, verify: bool = True) -> ssl.SSLContext:
        """A new TLS context that trusts the stack, too; or, without `verify`, everybody."""
        context = httpx.create_ssl_context(verify=verify)
        if verify and self.ca_file is not None:
            context.load_verify_locations(self.ca_file)
        return context

    def client(
        self, tls: ssl.SSLContext | None = None, timeout: httpx.Timeout | None = None
    ) -> httpx.AsyncClient:
        """A client for the pipelines' own requests; each, redirects too, is held against what is allowed.

        Args:
            tls: how to do TLS; None trusts the stack and the usual authorities.
            timeout: of each request that does not say.
        """
        context = tls or (_usual_tls() if self.ca_file is None else self.tls())
        stack = _ToTheStack(self, context)
        return httpx.AsyncClient(
            verify=context,
            timeout=timeout or httpx.Timeout(60.0, connect=10.0),
            mounts=dict.fromkeys(self._patterns(), stack),
            event_hooks={"request": [self._check]},
        )

    async def _check(self, request: httpx.Request) -> None:
        """Refuse a request for another machine, before a name is looked up for it."""
        host = request.url.host
        if not self._is_azures(host) and not self.allowed.allow(host):
            raise HostNotAllowed(why_not_allowed(host), request=request)

    def _is_azures(self, host: str) -> bool:
        """Whether `_ToTheStack` has the last word on a host."""
        name = host.removesuffix(".")
        return name in {*self.names, *_AUTHORITIES} or any(
            name.endswith(f".{authority}") for authority in _AUTHORITIES
        )

    def _patterns(self) -> Iterator[str]:
        """Of URLs that lead to the stack or nowhere, with the dot of a full name, and Entra ID's regional hosts."""
        for host in {*self.names, *_AUTHORITIES}:
            yield from (f"all://{host}", f"all://{host}.")
        for host in _AUTHORITIES:
            yield from (f"all://*.{host}", f"all://*.{host}.")


class _ToTheStack(httpx.AsyncBaseTransport):
    """Sends requests for Azure's own names to the stack's servers; TLS is verified for the name that was asked."""

    def __init__(self, surroundings: Surroundings, tls: ssl.SSLContext) -> None:
        self._surroundings = surroundings
        self._transport = httpx.AsyncHTTPTransport(verify=tls)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send it.

        Raises:
            httpx.ConnectError: the stack does not serve the name, or not so.
        """
        url = request.url
        name = url.host.removesuffix(".")
        address = self._surroundings.servers.get(name)
        if address is None or url.scheme != "https" or (url.port or _HTTPS) != _HTTPS:
            raise httpx.ConnectError(
                f"{url.scheme}://{url.host} is not served by the local stack, and never asked of the real Azure.",
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
