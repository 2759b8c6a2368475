"""How the Web and WebHook activities authenticate: their `authentication` property."""

import base64
import secrets
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from tempfile import NamedTemporaryFile
from typing import Any, Final

import httpx
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat
from cryptography.hazmat.primitives.serialization.pkcs12 import load_pkcs12

from adf_trigger.emulator.contract.activity import ActivityContext, ActivityFailed
from adf_trigger.emulator.expressions import to_text

_TOKEN_TIMEOUT: Final = httpx.Timeout(30.0)


@dataclass(frozen=True, slots=True, repr=False)
class ClientCertificate:
    """A certificate with its key, as PEM, and the password of the key."""

    pem: bytes
    password: str

    def load_into(self, tls: ssl.SSLContext) -> None:
        """Load it into a TLS context. Python reads certificates only from files, so this makes a temporary one."""
        with NamedTemporaryFile(suffix=".pem") as file:
            file.write(self.pem)
            file.flush()
            tls.load_cert_chain(file.name, password=self.password)


@dataclass(frozen=True, slots=True, repr=False)
class EndpointIdentity:
    """The credentials of a request.

    Attributes:
        headers: headers of the request.
        certificate: for the TLS handshake.
    """

    headers: dict[str, str] = field(default_factory=dict)
    certificate: ClientCertificate | None = None


async def identity_of(context: ActivityContext, authentication: Mapping[str, Any] | None) -> EndpointIdentity:
    """The identity that an evaluated `authentication` property describes, secrets in it as plain text.

    A user-assigned managed identity is the factory's own here: the emulated factory has only one identity.

    Raises:
        ActivityFailed: a property is missing, the certificate cannot be read, or no token was issued.
    """
    if not authentication:
        return EndpointIdentity()
    match str(authentication.get("type", "")).casefold():
        case "basic":
            return EndpointIdentity({"Authorization": _basic(authentication)})
        case "clientcertificate":
            return EndpointIdentity(certificate=_certificate(authentication))
        case "msi" | "userassignedmanagedidentity":
            token = await context.token(_required(authentication, "resource"))
            return EndpointIdentity({"Authorization": f"Bearer {token}"})
        case "serviceprincipal":
            token = await _service_principal_token(context, authentication)
            return EndpointIdentity({"Authorization": f"Bearer {token}"})
        case _:
            raise ActivityFailed(
                f"The authentication type '{authentication.get('type')}' is not emulated by this local Data Factory.",
                error_code="NotEmulated",
            )


def missing_property(name: str) -> ActivityFailed:
    """The failure for a missing required property."""
    return ActivityFailed(f"Please provide value for the required property '{name}'.", error_code="2103")


def _basic(authentication: Mapping[str, Any]) -> str:
    pair = f"{_required(authentication, 'username')}:{_required(authentication, 'password')}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def _certificate(authentication: Mapping[str, Any]) -> ClientCertificate:
    pfx, password = _required(authentication, "pfx"), to_text(authentication.get("password"))
    try:
        bundle = load_pkcs12(base64.b64decode(pfx, validate=True), password.encode() if password else None)
    except (ValueError, TypeError) as exc:
        raise _no_certificate() from exc
    if bundle.key is None or bundle.cert is None:
        raise _no_certificate()
    key_password = secrets.token_urlsafe()
    key = bundle.key.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(key_password.encode())
    )
    chain = [bundle.cert, *bundle.additional_certs]
    pem = b"".join([key, *(entry.certificate.public_bytes(Encoding.PEM) for entry in chain)])
    return ClientCertificate(pem, key_password)


def _no_certificate() -> ActivityFailed:
    return ActivityFailed(
        "ExtractAuthorizationCertificate: Unable to generate a certificate from a Base64 string/password "
        "combination",
        error_code="2113",
    )


async def _service_principal_token(context: ActivityContext, authentication: Mapping[str, Any]) -> str:
    """Get a token by client credentials; the article and the API's description name the properties differently."""
    tenant = _required(authentication, "userTenant", "tenant")
    form = {
        "grant_type": "client_credentials",
        "client_id": _required(authentication, "username", "servicePrincipalId"),
        "client_secret": _required(authentication, "password", "servicePrincipalKey"),
        "resource": _required(authentication, "resource"),
    }
    try:
        reply = await context.http.post(
            f"https://{context.surroundings.cloud.authority}/{tenant}/oauth2/token",
            data=form,
            timeout=_TOKEN_TIMEOUT,
        )
        body: Any = reply.json()
    except (httpx.HTTPError, ValueError) as exc:
        raise _no_token(type(exc).__name__) from exc
    if reply.status_code != HTTPStatus.OK or not isinstance(body, dict) or "access_token" not in body:
        raise _no_token(body.get("error_description", "") if isinstance(body, dict) else "")
    return str(body["access_token"])


def _no_token(why: str) -> ActivityFailed:
    return ActivityFailed(
        f"Failed to get an access token of the service principal. {why}".rstrip(), error_code="2403"
    )


def _required(authentication: Mapping[str, Any], *names: str) -> str:
    """The text of the first of several names that has one."""
    found = next((text for name in names if (text := to_text(authentication.get(name)))), "")
    if not found:
        raise missing_property(names[0])
    return found
