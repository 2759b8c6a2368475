"""How the Web and WebHook activities prove who they are: their `authentication` property."""

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
    """A certificate with its key, as PEM, and the password that the key is kept under."""

    pem: bytes
    password: str

    def load_into(self, tls: ssl.SSLContext) -> None:
        """Let a TLS context present it. Python reads certificates from files only, so there is one for a moment."""
        with NamedTemporaryFile(suffix=".pem") as file:
            file.write(self.pem)
            file.flush()
            tls.load_cert_chain(file.name, password=self.password)


@dataclass(frozen=True, slots=True, repr=False)
class EndpointIdentity:
    """What a request carries to prove who sends it.

    Attributes:
        headers: headers of the request.
        certificate: for the TLS handshake.
    """

    headers: dict[str, str] = field(default_factory=dict)
    certificate: ClientCertificate | None = None


async def identity_of(context: ActivityContext, authentication: Mapping[str, Any] | None) -> EndpointIdentity:
    """The identity that an evaluated `authentication` property asks for, secrets in it as plain text.

    A user-assigned managed identity is the factory's own here: the emulated factory has one identity.

    Raises:
        ActivityFailed: something is missing, the certificate cannot be read, or a token is refused.
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
    """A property that must be there is not."""
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
    kept_under = secrets.token_urlsafe()
    key = bundle.key.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(kept_under.encode())
    )
    chain = [bundle.cert, *bundle.additional_certs]
    pem = b"".join([key, *(entry.certificate.public_bytes(Encoding.PEM) for entry in chain)])
    return ClientCertificate(pem, kept_under)


def _no_certificate() -> ActivityFailed:
    return ActivityFailed(
        "ExtractAuthorizationCertificate: Unable to generate a certificate from a Base64 string/password "
        "combination",
        error_code="2113",
    )


async def _service_principal_token(context: ActivityContext, authentication: Mapping[str, Any]) -> str:
    """By client credentials; the article and the API's description name the properties differently."""
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
        told: Any = reply.json()
    except (httpx.HTTPError, ValueError) as exc:
        raise _no_token(type(exc).__name__) from exc
    if reply.status_code != HTTPStatus.OK or not isinstance(told, dict) or "access_token" not in told:
        raise _no_token(told.get("error_description", "") if isinstance(told, dict) else "")
    return str(told["access_token"])


def _no_token(why: str) -> ActivityFailed:
    return ActivityFailed(
        f"Failed to get an access token of the service principal. {why}".rstrip(), error_code="2403"
    )


def _required(authentication: Mapping[str, Any], *names: str) -> str:
    """The first of several names that has a text."""
    found = next((text for name in names if (text := to_text(authentication.get(name)))), "")
    if not found:
        raise missing_property(names[0])
    return found
