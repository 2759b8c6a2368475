"""Errors of the Entra ID token endpoints: code, HTTP status, OAuth error and text, in the service's words."""

from datetime import datetime
from typing import Any


class EntraError(Exception):
    """An error of the token service.

    Attributes:
        code: number after AADSTS.
        status: HTTP status.
        error: OAuth 2.0 error code.
        message: text after the code.
    """

    def __init__(self, code: int, status: int, error: str, message: str) -> None:
        super().__init__(f"AADSTS{code}: {message}")
        self.code = code
        self.status = status
        self.error = error
        self.message = message

    def body(self, *, trace_id: str, correlation_id: str, now: datetime, host: str) -> dict[str, Any]:
        """The JSON object that the service answers with."""
        timestamp = f"{now:%Y-%m-%d %H:%M:%S}Z"
        ids = f"Trace ID: {trace_id}\r\nCorrelation ID: {correlation_id}\r\nTimestamp: {timestamp}"
        return {
            "error": self.error,
            "error_description": f"AADSTS{self.code}: {self.message}\r\n{ids}",
            "error_codes": [self.code],
            "timestamp": timestamp,
            "trace_id": trace_id,
            "correlation_id": correlation_id,
            "error_uri": f"{host}/error?code={self.code}",
        }


_INSTALLED = (
    "This can happen if the application has not been installed by the administrator of the tenant or "
    "consented to by any user in the tenant. You might have sent your authentication request to the wrong "
    "tenant."
)


def tenant_not_found(tenant_id: str, *, discovery: bool = False) -> EntraError:
    """There is no such tenant; `discovery`: the request is for its metadata, not for a token."""
    return EntraError(
        90002,
        400,
        "invalid_tenant" if discovery else "invalid_request",
        f"Tenant '{tenant_id}' not found. Check to make sure you have the correct tenant ID and are signing "
        "into the correct cloud. Check with your subscription administrator, this may happen if there are no "
        "active subscriptions for the tenant.",
    )


def tenant_missing() -> EntraError:
    """An application requests a token for itself without naming a tenant."""
    return EntraError(
        50059,
        400,
        "invalid_request",
        "No tenant-identifying information found in either the request or implied by any provided credentials.",
    )


def instance_unknown(host: str) -> EntraError:
    """Instance discovery: the host is not one of this cloud's."""
    return EntraError(50049, 400, "invalid_instance", f"Unknown or invalid instance. The host is '{host}'.")


def parameter_missing(name: str) -> EntraError:
    """The form lacks a field."""
    return EntraError(
        900144, 400, "invalid_request", f"The request body must contain the following parameter: '{name}'."
    )


def grant_unsupported(grant_type: str) -> EntraError:
    """Only client_credentials is served here; grants for users are refused with codes of their own."""
    return EntraError(
        70003, 400, "unsupported_grant_type", f"The app requested an unsupported grant type '{grant_type}'."
    )


def application_not_found(client_id: str, tenant_id: str) -> EntraError:
    """The tenant has no such application."""
    return EntraError(
        700016,
        400,
        "unauthorized_client",
        f"Application with identifier '{client_id}' was not found in the directory '{tenant_id}'. "
        + _INSTALLED,
    )


def resource_not_found(resource: str, tenant_id: str) -> EntraError:
    """The tenant has no such service."""
    return EntraError(
        500011,
        400,
        "invalid_resource",
        f"The resource principal named {resource} was not found in the tenant named {tenant_id}. "
        + _INSTALLED,
    )


def scope_invalid(scope: str) -> EntraError:
    """The scope is not one resource with /.default."""
    return EntraError(
        1002012,
        400,
        "invalid_scope",
        f"The provided value for scope {scope} is not valid. Client credential flows must have a scope value "
        "with /.default suffixed to the resource identifier (application ID URI).",
    )


def credential_missing() -> EntraError:
    """Neither a secret nor an assertion was sent."""
    return EntraError(
        7000216,
        401,
        "invalid_client",
        "'client_assertion', 'client_secret' or 'request' is required for the 'client_credentials' grant "
        "type.",
    )


def secret_missing() -> EntraError:
    """A flow for users, by an application that must authenticate itself."""
    return EntraError(
        7000218,
        401,
        "invalid_client",
        "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
    )


def user_not_found(tenant_id: str) -> EntraError:
    """There are no users here."""
    return EntraError(
        50034,
        400,
        "invalid_grant",
        "The user account {EmailHidden} does not exist in the " + tenant_id + " directory. To sign into this "
        "application, the account must be added to the directory.",
    )


def device_code_expired() -> EntraError:
    """No device code was issued."""
    return EntraError(70019, 400, "expired_token", "Verification code expired.")


def secret_wrong(client_id: str) -> EntraError:
    """The application has no such secret."""
    return EntraError(
        7000215,
        401,
        "invalid_client",
        "Invalid client secret provided. Ensure the secret being sent in the request is the client secret "
        f"value, not the client secret ID, for a secret added to app '{client_id}'.",
    )


def secret_expired(client_id: str) -> EntraError:
    """The secret has expired."""
    return EntraError(
        7000222,
        401,
        "invalid_client",
        f"The provided client secret keys for app '{client_id}' are expired. Visit the Azure portal to "
        "create new keys for your app: https://aka.ms/NewClientSecret, or consider using certificate "
        "credentials for added security: https://aka.ms/certCreds.",
    )


def assertion_malformed() -> EntraError:
    """The client assertion is not a JWT, or not of the declared type."""
    return EntraError(50027, 401, "invalid_client", "JWT token is invalid or malformed.")


def assertion_key_unknown(thumbprint: str) -> EntraError:
    """The certificate that the assertion names is not registered."""
    return EntraError(
        700027,
        401,
        "invalid_client",
        "Client assertion contains an invalid signature. [Reason - The key was not found., "
        f"Thumbprint of key used by client: '{thumbprint}']",
    )


def assertion_key_expired(thumbprint: str, *, start: datetime, end: datetime) -> EntraError:
    """The certificate is registered, but not valid at this time."""
    pattern = "%m/%d/%Y %H:%M:%S"
    return EntraError(
        700027,
        401,
        "invalid_client",
        "Client assertion contains an invalid signature. [Reason - The key used is expired., "
        f"Thumbprint of key used by client: '{thumbprint}', "
        f"Found key 'Start={start.strftime(pattern)}, End={end.strftime(pattern)}']",
    )


def assertion_signature_wrong(thumbprint: str) -> EntraError:
    """The certificate is registered, but its key did not sign the assertion."""
    return EntraError(
        700027,
        401,
        "invalid_client",
        "Client assertion failed signature validation. [Reason - The provided signature value did not match "
        f"the expected signature value., Thumbprint of key used by client: '{thumbprint}']",
    )


def assertion_not_in_time(*, now: datetime, start: datetime, end: datetime) -> EntraError:
    """The assertion is not valid yet, or no longer."""
    pattern = "%Y-%m-%dT%H:%M:%S.%fZ"
    return EntraError(
        700024,
        401,
        "invalid_client",
        f"Client assertion is not within its valid time range. Current time: {now.strftime(pattern)}, "
        f"assertion valid from {start.strftime(pattern)}, expiry time of assertion {end.strftime(pattern)}.",
    )


def assertion_audience_wrong() -> EntraError:
    """The assertion was made for another endpoint."""
    return EntraError(
        700023, 401, "invalid_client", "Client assertion audience claim does not match Realm issuer."
    )


def assertion_client_wrong() -> EntraError:
    """The assertion names another application than the form."""
    return EntraError(
        700021,
        401,
        "invalid_client",
        "Client assertion application identifier doesn't match 'client_id' parameter.",
    )
