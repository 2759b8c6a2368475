"""The directory: tenants, applications with their credentials, managed identities."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509

from adf_trigger.emulator.common.clouds import PUBLIC, Cloud
from adf_trigger.emulator.identity.tokens import Identity


def known_resources(cloud: Cloud) -> frozenset[str]:
    """Services of a cloud that tokens can be requested for, without a trailing slash."""
    hosts = (cloud.management, cloud.classic, cloud.graph, cloud.vault_suffix, "storage.azure.com")
    return frozenset({"https://database.windows.net", *(f"https://{host}" for host in hosts)})


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientSecret:
    """A secret of an application; `expires_at` is aware."""

    value: str
    expires_at: datetime

    def __repr__(self) -> str:
        return f"ClientSecret(value='***', expires_at={self.expires_at!r})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """An application registration and its service principal in one tenant."""

    identity: Identity
    secrets: tuple[ClientSecret, ...] = ()
    certificates: tuple[x509.Certificate, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class UserAssignedIdentity:
    """A user-assigned managed identity; `resource_id` is its ARM id."""

    identity: Identity
    resource_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """The data of the identity endpoints.

    Attributes:
        tenants: ids of the tenants that exist.
        domains: ids of tenants by the domain names that they have verified, in lower case.
        adfs: id of the tenant that the path `/adfs` leads to, for clients that skip instance discovery there.
        applications: of all tenants.
        system_assigned: identity of the function app itself; None if it has none.
        user_assigned: identities assigned to the function app.
        resources: services that tokens can be requested for, without a trailing slash.
    """

    tenants: frozenset[str]
    domains: Mapping[str, str] = field(default_factory=dict)
    adfs: str | None = None
    applications: tuple[Application, ...] = ()
    system_assigned: Identity | None = None
    user_assigned: tuple[UserAssignedIdentity, ...] = ()
    resources: frozenset[str] = known_resources(PUBLIC)

    def application(self, tenant_id: str | None, client_id: str) -> Application | None:
        """The application with that client id in that tenant, or in any tenant if it is None."""
        for application in self.applications:
            identity = application.identity
            if identity.app_id.lower() == client_id.lower() and (
                tenant_id is None or identity.tenant_id.lower() == tenant_id.lower()
            ):
                return application
        return None

    def tenant_id(self, named: str) -> str | None:
        """Id of the tenant with this id or domain, or of the one that `adfs` stands for."""
        wanted = named.lower()
        if wanted == "adfs":
            return self.adfs
        return self.domains.get(wanted) or next(
            (tenant for tenant in self.tenants if tenant.lower() == wanted), None
        )

    def knows(self, resource: str) -> bool:
        """Whether a token can be requested for that service, with or without a trailing slash."""
        return resource.removesuffix("/").lower() in self.resources
