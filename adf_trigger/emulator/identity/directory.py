"""Who exists: tenants, applications with their credentials, managed identities."""

from dataclasses import dataclass
from datetime import datetime

from cryptography import x509

from adf_trigger.emulator.identity.tokens import Identity

KNOWN_RESOURCES = frozenset(
    {
        "https://database.windows.net",
        "https://graph.microsoft.com",
        "https://management.azure.com",
        "https://management.core.windows.net",
        "https://storage.azure.com",
        "https://vault.azure.net",
    }
)
"""Services that tokens can be asked for, without the slash that some write at the end."""


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
    """Everything that the identity endpoints know.

    Attributes:
        tenants: ids of the tenants that exist.
        applications: of all tenants.
        system_assigned: identity of the function app itself; None where it has none.
        user_assigned: identities assigned to the function app.
        resources: services that tokens can be asked for, without a slash at the end.
    """

    tenants: frozenset[str]
    applications: tuple[Application, ...] = ()
    system_assigned: Identity | None = None
    user_assigned: tuple[UserAssignedIdentity, ...] = ()
    resources: frozenset[str] = KNOWN_RESOURCES

    def application(self, tenant_id: str, client_id: str) -> Application | None:
        """The application with that client id in that tenant."""
        wanted = (tenant_id.lower(), client_id.lower())
        for application in self.applications:
            if (application.identity.tenant_id.lower(), application.identity.app_id.lower()) == wanted:
                return application
        return None

    def has_tenant(self, tenant_id: str) -> bool:
        """Whether there is such a tenant."""
        return tenant_id.lower() in {tenant.lower() for tenant in self.tenants}

    def knows(self, resource: str) -> bool:
        """Whether a token can be asked for that service, written with or without a slash at the end."""
        return resource.removesuffix("/").lower() in self.resources
