"""Serves the emulated Azure on 127.0.0.1: Resource Manager with Data Factory, Entra ID, managed identity."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from adf_trigger.emulator.arm.regions import DEFAULT_REGION
from adf_trigger.emulator.common.clock import utcnow
from adf_trigger.emulator.common.clouds import PUBLIC, Cloud
from adf_trigger.emulator.common.options import Options
from adf_trigger.emulator.engine.secrets import Secrets
from adf_trigger.emulator.hosting import defaults
from adf_trigger.emulator.hosting.app import FactoryConfig, FactoryEmulator
from adf_trigger.emulator.hosting.defaults import FACTORY_ID
from adf_trigger.emulator.identity import managed_identity
from adf_trigger.emulator.identity.directory import Directory
from adf_trigger.emulator.identity.entra import entra_app
from adf_trigger.emulator.identity.managed_identity import managed_identity_app
from adf_trigger.emulator.identity.tokens import TokenAuthority
from adf_trigger.emulator.outbound.allowed_hosts import AllowedHosts
from adf_trigger.emulator.outbound.storage_account import DEVELOPMENT, SERVICES, Address, StorageAccount
from adf_trigger.emulator.outbound.surroundings import Surroundings
from adf_trigger.emulator.proxy.connect import serving_names
from adf_trigger.emulator.proxy.storage import tls_in_front_of
from adf_trigger.emulator.serving.certificates import Certificate, make_certificate
from adf_trigger.emulator.serving.protocol import http_protocol
from adf_trigger.emulator.serving.servers import serving

_API_VERSION = "2018-06-01"


@dataclass(frozen=True, slots=True, kw_only=True)
class EmulatorConfig:
    """The configuration of the emulator's process.

    Attributes:
        data: folder for its database, certificates and keys.
        client_secret: of the service principals.
        identity_header: secret that callers of the managed-identity endpoint must send.
        management_port: TCP port of Resource Manager over HTTP; 0 for a free one, as for the others.
        management_tls_port: of the same over HTTPS.
        identity_port: of the managed-identity endpoint, over HTTP.
        authority_port: of Entra ID, over HTTPS.
        proxy_port: of the proxy under Azure's own names.
        strict: enforce the service's own limits.
        secrets: that replace Key Vaults.
        any_group: treat every subscription and resource group as existing.
        cloud: which of Azure's clouds is emulated.
        storage: the account that pipelines name without an address, and that the proxy leads to.
        allowed: other machines that pipelines may call.
        console: folder of the control API's page; None for no page.
    """

    data: Path
    client_secret: str
    identity_header: str
    management_port: int = 0
    management_tls_port: int = 0
    identity_port: int = 0
    authority_port: int = 0
    proxy_port: int = 0
    strict: bool = False
    secrets: Secrets = field(default_factory=dict)
    any_group: bool = False
    cloud: Cloud = PUBLIC
    storage: StorageAccount = DEVELOPMENT
    allowed: AllowedHosts = field(default_factory=AllowedHosts)
    console: Path | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Azure's own names that lead to the stack."""
        cloud = self.cloud
        storage = (cloud.storage_host(self.storage.name, service) for service in SERVICES)
        return (cloud.management, cloud.classic, *cloud.authorities, *storage)


@dataclass(frozen=True, slots=True, kw_only=True)
class Emulated:
    """The addresses, without a trailing slash, and files of the running emulator.

    Attributes:
        client_certificate_file: PEM file with key, registered for the service principals.
        proxy_url: HTTPS proxy that leads Azure's own names here, and refuses all others.
    """

    management_url: str
    management_tls_url: str
    control_url: str
    identity_endpoint: str
    authority_url: str
    ca_file: str
    client_certificate_file: str
    proxy_url: str


@asynccontextmanager
async def emulated(config: EmulatorConfig) -> AsyncIterator[Emulated]:
    """Serve the emulated Azure, with one factory in it, in the running event loop.

    Raises:
        OSError: a port is taken, or the folder cannot be written.
    """
    config.data.mkdir(parents=True, exist_ok=True)
    certificate = make_certificate(config.data, utcnow(), config.names)
    client_pem = config.data / "client.pem"
    directory = defaults.default_directory(
        secret=config.client_secret,
        certificate=defaults.make_client_certificate(client_pem, utcnow()),
        now=utcnow(),
        cloud=config.cloud,
    )
    tokens = TokenAuthority(defaults.TENANT_ID, audiences=config.cloud.arm_audiences)

    async with AsyncExitStack() as running:
        authority_url = await running.enter_async_context(
            serving(
                entra_app(directory, tokens, cloud=config.cloud),
                port=config.authority_port,
                certificate=certificate,
            )
        )
        identity_url = await running.enter_async_context(
            serving(
                managed_identity_app(directory, tokens, identity_header=config.identity_header),
                port=config.identity_port,
            )
        )
        # Filled once all of them are served; until then no pipeline runs.
        servers: dict[str, Address] = {}
        emulator = FactoryEmulator(
            FactoryConfig(
                data=config.data,
                tokens=tokens,
                authority_url=authority_url,
                cloud=config.cloud,
                surroundings=Surroundings(
                    cloud=config.cloud,
                    storage=config.storage,
                    names=config.names,
                    servers=servers,
                    ca_file=certificate.ca,
                    allowed=config.allowed,
                ),
                domains=[
                    domain for domain, tenant in defaults.DOMAINS.items() if tenant == defaults.TENANT_ID
                ],
                location=DEFAULT_REGION[config.cloud.name],
                resource_groups=defaults.RESOURCE_GROUPS,
                options=Options(strict=config.strict, any_group=config.any_group),
                secrets=config.secrets,
                console=config.console,
            )
        )
        await emulator.start()
        running.push_async_callback(emulator.close)
        await _provide_factory(emulator, directory, tokens, config.cloud)
        management_url = await running.enter_async_context(
            serving(emulator.asgi, port=config.management_port, http_protocol=http_protocol)
        )
        management_tls_url = await running.enter_async_context(
            serving(
                emulator.asgi,
                port=config.management_tls_port,
                certificate=certificate,
                http_protocol=http_protocol,
            )
        )
        emulator.callback_url = management_url
        servers |= await _servers(running, config, certificate, management_tls_url, authority_url)
        proxy_url = await running.enter_async_context(serving_names(servers, port=config.proxy_port))
        yield Emulated(
            management_url=management_url,
            management_tls_url=management_tls_url,
            control_url=f"{management_url}/_emulator",
            identity_endpoint=identity_url + managed_identity.PATH,
            authority_url=authority_url,
            ca_file=str(certificate.ca),
            client_certificate_file=str(client_pem),
            proxy_url=proxy_url,
        )


async def _servers(
    running: AsyncExitStack,
    config: EmulatorConfig,
    certificate: Certificate,
    management_tls_url: str,
    authority_url: str,
) -> dict[str, Address]:
    """The address behind each of Azure's own names; TLS in front of storage is served until `running` ends."""
    cloud = config.cloud
    servers: dict[str, Address] = dict.fromkeys(
        (cloud.management, cloud.classic), _address(management_tls_url)
    )
    servers |= dict.fromkeys(cloud.authorities, _address(authority_url))
    for service in SERVICES:
        servers[cloud.storage_host(config.storage.name, service)] = await running.enter_async_context(
            tls_in_front_of(config.storage.address(service), certificate)
        )
    return servers


def _address(url: str) -> Address:
    parts = urlsplit(url)
    if parts.hostname is None or parts.port is None:
        raise ValueError(url)
    return parts.hostname, parts.port


async def _provide_factory(
    emulator: FactoryEmulator, directory: Directory, tokens: TokenAuthority, cloud: Cloud
) -> None:
    """Create the first factory through the management API, unless it exists."""
    owner = directory.application(defaults.TENANT_ID, defaults.OWNER_CLIENT_ID)
    if owner is None:
        raise LookupError("the directory lacks the owner")
    arm = f"https://{cloud.management}"
    token = tokens.issue(owner.identity, arm, now=utcnow())
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(emulator.asgi),
        base_url=arm,
        params={"api-version": _API_VERSION},
        headers={"Authorization": f"Bearer {token}"},
    ) as client:
        reply = await client.get(FACTORY_ID)
        if reply.status_code == httpx.codes.NOT_FOUND:
            reply = await client.put(FACTORY_ID, json={"location": DEFAULT_REGION[cloud.name]})
        reply.raise_for_status()
