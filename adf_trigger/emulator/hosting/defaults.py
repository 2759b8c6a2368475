"""The directory of the local stack: the emulator's callers, and their rights.

Ids are fixed, so that tests and users can name them; secrets are generated.
"""

import secrets
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from adf_trigger.emulator.common.clouds import PUBLIC, Cloud
from adf_trigger.emulator.identity.directory import (
    Application,
    ClientSecret,
    Directory,
    UserAssignedIdentity,
    known_resources,
)
from adf_trigger.emulator.identity.tokens import Identity

FACTORY_ID = (
    "/subscriptions/a0b1c2d3-0000-4000-8000-00000000005b/resourceGroups/local"
    "/providers/Microsoft.DataFactory/factories/adf-trigger-local"
)
"""The factory that exists from the start."""

SUBSCRIPTION, RESOURCE_GROUP = FACTORY_ID.split("/")[2:5:2]
RESOURCE_GROUPS = {SUBSCRIPTION: [RESOURCE_GROUP]}
"""The groups that exist from the start, by subscription."""

TENANT_ID = "a0b1c2d3-0000-4000-8000-00000000001a"
OTHER_TENANT_ID = "a0b1c2d3-0000-4000-8000-00000000002a"
"""A tenant that exists, but that the emulated subscription does not trust."""

DOMAINS = {
    "contoso.onmicrosoft.com": TENANT_ID,
    "microsoft.onmicrosoft.com": TENANT_ID,
    "fabrikam.onmicrosoft.com": OTHER_TENANT_ID,
}
"""Domain names of the tenants, as in the examples of Microsoft's documents."""

OWNER_CLIENT_ID = "a0b1c2d3-0000-4000-8000-0000000000c1"
"""Service principal with Contributor, as the quickstarts ask for: resource groups, factories and all in them."""
TRIGGER_CLIENT_ID = "a0b1c2d3-0000-4000-8000-0000000000c2"
"""Service principal with the project's own least-privilege role."""
READER_CLIENT_ID = "a0b1c2d3-0000-4000-8000-0000000000c3"
"""Service principal with read access only."""
NOBODY_CLIENT_ID = "a0b1c2d3-0000-4000-8000-0000000000c4"
"""Service principal without any role."""
STRANGER_CLIENT_ID = "a0b1c2d3-0000-4000-8000-0000000000c5"
"""Service principal of the other tenant."""
SYSTEM_ASSIGNED_CLIENT_ID = "a0b1c2d3-0000-4000-8000-0000000000d1"
"""The function app's system-assigned identity, with the project's own least-privilege role."""
USER_ASSIGNED_CLIENT_ID = "a0b1c2d3-0000-4000-8000-0000000000d2"
"""A user-assigned identity of the function app, with the same role."""
USER_ASSIGNED_RESOURCE_ID = (
    "/subscriptions/a0b1c2d3-0000-4000-8000-00000000005b/resourceGroups/local"
    "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/adf-trigger"
)

EXPIRED_SECRET = "expired-long-ago"  # noqa: S105 - it has expired, by design
"""An expired secret of every application."""

_YEAR = timedelta(days=365)


def default_directory(
    *, secret: str, certificate: x509.Certificate, now: datetime, cloud: Cloud = PUBLIC
) -> Directory:
    """The directory.

    Args:
        secret: of every application.
        certificate: registered for the owner and the trigger application.
        now: aware; secrets last a year from here.
        cloud: whose services tokens can be requested for.
    """
    good = ClientSecret(value=secret, expires_at=now + _YEAR)
    expired = ClientSecret(value=EXPIRED_SECRET, expires_at=now - _YEAR)

    def application(client_id: str, name: str, *roles: str, tenant_id: str = TENANT_ID) -> Application:
        return Application(
            identity=_identity(client_id, name, *roles, tenant_id=tenant_id),
            secrets=(good, expired),
            certificates=(certificate,),
        )

    return Directory(
        tenants=frozenset({TENANT_ID, OTHER_TENANT_ID}),
        domains=DOMAINS,
        adfs=TENANT_ID,
        resources=known_resources(cloud),
        applications=(
            application(OWNER_CLIENT_ID, "local-owner", "Contributor"),
            application(TRIGGER_CLIENT_ID, "local-trigger", "ADF Trigger"),
            application(READER_CLIENT_ID, "local-reader", "Reader"),
            application(NOBODY_CLIENT_ID, "local-nobody"),
            application(STRANGER_CLIENT_ID, "stranger", "Contributor", tenant_id=OTHER_TENANT_ID),
        ),
        system_assigned=_identity(SYSTEM_ASSIGNED_CLIENT_ID, "adf-trigger", "ADF Trigger"),
        user_assigned=(
            UserAssignedIdentity(
                identity=_identity(USER_ASSIGNED_CLIENT_ID, "adf-trigger-user-assigned", "ADF Trigger"),
                resource_id=USER_ASSIGNED_RESOURCE_ID,
            ),
        ),
    )


def make_secret() -> str:
    """A new secret, for applications or for IDENTITY_HEADER."""
    return secrets.token_urlsafe(30)


def make_client_certificate(path: Path, now: datetime) -> x509.Certificate:
    """A self-signed certificate, written with its key to one PEM file as CertificateCredential reads it."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "adf-trigger local client")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + _YEAR)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.touch(mode=0o600)
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return certificate


def _identity(client_id: str, name: str, *roles: str, tenant_id: str = TENANT_ID) -> Identity:
    # The object id is the client id with another prefix: distinct, and easy to recognize.
    return Identity(
        tenant_id=tenant_id,
        object_id=f"0b1ec7{client_id[6:]}",
        app_id=client_id,
        name=name,
        roles=frozenset(roles),
    )
